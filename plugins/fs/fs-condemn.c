/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-condemn.c: corrupt copies, moved out of the way and kept.
 *
 *   flock (blob, LOCK_EX)        as every taking away of a name (fs-private.h)
 *   fstat                        another version: a put healed it: look again
 *   the name leads here?         no: look again
 *   sync of the names above      before the move: after it nothing needs a descriptor
 *   rename                       to .quarantine/<algorithm>-<hex>.<UTC time>
 *   fsync                        of .quarantine, the root, the shard
 *
 * Killed or without power before the rename is durable, the blob is where it was, corrupt
 * as it was. The place is synced before the shard: what a power cut may take is the old
 * name or the move, not both names. Who has the file open reads on.
 *
 * Two processes that move copies of one digest can not meet on a name in .quarantine:
 * each holds the lock of the inode that the blob's one name leads to.
 *
 * Failure modes: a copy that was changed a moment ago has no version yet (fs-notes.c):
 * that moment is waited for. What is in the way of .quarantine, a symlink included, is an
 * error and is not followed. */
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* How long a version is waited for: two seconds is what the coarsest clock needs. */
#define FS_CONDEMN_SETTLE_USEC (3 * G_USEC_PER_SEC)
/* How often one blob may be moved in one second. */
#define FS_CONDEMN_TRIES 1000

typedef enum
{
  FS_CONDEMN_FAILED,
  FS_CONDEMN_DONE,
  FS_CONDEMN_AGAIN
} FsCondemn;

/* Returns: the place of what is condemned, made where it is missing; -1 with an error. */
static int
fs_condemn_open_place (CaskBackend *self, GError **error)
{
  g_auto (FsFd) place = fs_root_open (self, FS_CONDEMNED_ROOT, O_RDONLY | O_DIRECTORY);
  if (place < 0 && errno == ENOENT)
    {
      /* Nobody but the owner has a use for damaged bytes. */
      if (fs_system->mkdirat (self->root, FS_CONDEMNED_ROOT, 0700) != 0 &&
          errno != EEXIST)
        return fs_fail_path (self, errno, "mkdir", FS_CONDEMNED_ROOT, error), -1;
      place = fs_root_open (self, FS_CONDEMNED_ROOT, O_RDONLY | O_DIRECTORY);
    }
  if (place < 0)
    return fs_fail_path (self, errno, "open", FS_CONDEMNED_ROOT, error), -1;
  g_atomic_int_set (&self->has_quarantine, TRUE);
  return fs_fd_steal (&place);
}

/* Returns: 0, or errno: EEXIST where the name is taken. */
static int
fs_condemn_rename (int shard, const FsName *name, int place, const char *target)
{
  const char *leaf = fs_name_leaf (name);
  if (fs_system->renameat2 (shard, leaf, place, target, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  struct stat st;
  if (fs_system->fstatat (place, target, &st, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  if (errno != ENOENT)
    return errno;
  return fs_system->renameat2 (shard, leaf, place, target, 0) == 0 ? 0 : errno;
}

/* With the lock held. */
static FsCondemn
fs_condemn_move (CaskBackend *self, const CaskDigest *digest, const FsName *name,
                 int shard, int place, GError **error)
{
  FsCondemnName prefix, target;
  fs_condemned_prefix (digest, prefix);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%dT%H%M%SZ");
  int code = EEXIST;
  for (guint i = 1; code == EEXIST && i <= FS_CONDEMN_TRIES; i++)
    {
      if (i == 1)
        g_snprintf (target, sizeof target, "%s%s", prefix, time);
      else
        g_snprintf (target, sizeof target, "%s%s-%u", prefix, time, i);
      code = fs_condemn_rename (shard, name, place, target);
    }
  if (code == 0)
    return FS_CONDEMN_DONE;
  if (code == ENOENT) /* somebody takes names away without a lock */
    return FS_CONDEMN_AGAIN;
  fs_fail_path (self, code, "rename to", FS_CONDEMNED_ROOT, error);
  return FS_CONDEMN_FAILED;
}

/* Makes the move durable. After an fsync that failed, the next one of the same directory
 * may say yes to what is lost: then the whole filesystem is asked. */
static gboolean
fs_condemn_sync (CaskBackend *self, const FsName *name, int shard, int place,
                 GError **error)
{
  if (!fs_sync_is_promised (self))
    return TRUE;
  int code = fs_group_directory (self, place);
  if (code == 0)
    code = fs_group_directory (self, self->root);
  if (code == 0 && g_atomic_int_get (&self->quarantine_failed))
    code = fs_group_filesystem (self->root);
  if (code == 0)
    return fs_sync_shard (self, name, shard, error);
  g_atomic_int_set (&self->quarantine_failed, TRUE);
  return fs_fail_path (self, code, "fsync of the directory", FS_CONDEMNED_ROOT, error);
}

/* With the lock held: moves the file if it is what was condemned, and is in place. */
static FsCondemn
fs_condemn_locked (CaskBackend *self, const CaskDigest *digest, guint64 version,
                   const FsName *name, int shard, FsBlob *blob, GError **error)
{
  if (fs_system->fstat (blob->fd, &blob->st) != 0)
    return fs_fail (self, errno, "stat", error), FS_CONDEMN_FAILED;
  if (fs_notes_version (self, &blob->st) != version)
    return FS_CONDEMN_AGAIN;
  FsLook look = fs_blob_is_at (self, blob, shard, name, error);
  if (look != FS_LOOK_FOUND)
    return look == FS_LOOK_ABSENT ? FS_CONDEMN_AGAIN : FS_CONDEMN_FAILED;
  g_auto (FsFd) place = fs_condemn_open_place (self, error);
  if (place < 0 ||
      (fs_sync_is_promised (self) && !fs_sync_ancestors (self, name, shard, error)))
    return FS_CONDEMN_FAILED;
  FsCondemn done = fs_condemn_move (self, digest, name, shard, place, error);
  if (done != FS_CONDEMN_DONE)
    return done;
  return fs_condemn_sync (self, name, shard, place, error) ? done : FS_CONDEMN_FAILED;
}

/* Waits until the copy is old enough to have a version: then it can be told from one that
 * comes after it. */
static FsCondemn
fs_condemn_settle (CaskBackend *self, const FsBlob *blob, GCancellable *cancellable,
                   GError **error)
{
  gint64 deadline = g_get_monotonic_time () + FS_CONDEMN_SETTLE_USEC;
  while (!fs_notes_settled (self, &blob->st))
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FS_CONDEMN_FAILED;
      if (g_get_monotonic_time () > deadline)
        {
          g_set_error_literal (error, CASK_ERROR, CASK_ERROR_BUSY,
                               "the file's time of change lies in the future");
          return FS_CONDEMN_FAILED;
        }
      g_usleep (5000);
    }
  return FS_CONDEMN_AGAIN;
}

static FsCondemn
fs_condemn_once (CaskBackend *self, const CaskDigest *digest, guint64 version,
                 GCancellable *cancellable, GError **error)
{
  FsName name;
  fs_name_set (&name, self->layout, digest);
  g_auto (FsFd) shard = fs_root_open (self, name.directory, O_RDONLY | O_DIRECTORY);
  if (shard < 0 && errno == ENOENT && !fs_root_is_gone (self))
    return FS_CONDEMN_AGAIN;
  if (shard < 0)
    return fs_fail_path (self, errno, "open", name.directory, error), FS_CONDEMN_FAILED;
  g_auto (FsBlob) blob = { .fd = -1 };
  FsLook look = fs_blob_open_at (self, shard, &name, &blob, error);
  if (look != FS_LOOK_FOUND)
    return look == FS_LOOK_ABSENT ? FS_CONDEMN_AGAIN : FS_CONDEMN_FAILED;
  if (version == 0)
    return fs_condemn_settle (self, &blob, cancellable, error);
  FsLock lock = fs_blob_lock (self, blob.fd, LOCK_EX, TRUE, cancellable, error);
  if (lock == FS_LOCK_HELD)
    return fs_condemn_locked (self, digest, version, &name, shard, &blob, error);
  if (lock == FS_LOCK_UNSUPPORTED)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                         "flock: not on this filesystem: no quarantine");
  return FS_CONDEMN_FAILED;
}

/* The slot. Without QUARANTINE there is nothing to do: there is this one copy, and it
 * stays for a put to heal. */
gboolean
fs_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version, guint32 flags,
            gboolean *again, GCancellable *cancellable, GError **error)
{
  *again = FALSE;
  if ((flags & CASK_CONDEMN_QUARANTINE) == 0)
    return TRUE;
  if (!fs_root_check_writable (self, error))
    return FALSE;
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  FsCondemn done;
  do
    done = fs_condemn_once (self, digest, version, cancellable, &failure);
  while (done == FS_CONDEMN_FAILED &&
         fs_patience_again (&patience, cancellable, &failure));
  *again = done == FS_CONDEMN_AGAIN;
  return fs_patience_end (&patience, failure, error);
}
