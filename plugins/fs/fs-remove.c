/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-remove.c: remove, whatever the age or only what is unused.
 *
 * Both take the inode's exclusive lock (fs-blob.c says against whom). Without a condition
 * too: a removal that took a name away without the lock could leave a conditional one,
 * which has looked already, to take away what was stored there since.
 *
 * Failure modes: the lock is busy: with a condition the blob is in use, and kept; without
 * one it is waited for. Where the filesystem has no such locks REMOVE_UNUSED is not
 * announced, conditions are refused, and nothing but the unlink is left. */
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* A time in whole seconds may be a finer one that the filesystem has rounded down: such a
 * blob counts as that much younger. */
static gboolean
fs_remove_is_unused (CaskBackend *self, const struct stat *st, gint64 unused_since_usec)
{
  if (unused_since_usec == CASK_ALWAYS)
    return TRUE;
  gint64 mtime_usec = fs_time_usec (&st->st_mtim);
  gint64 slack = 0;
  if (st->st_mtim.tv_nsec == 0)
    slack = (self->place == FS_PLACE_LOCAL || self->place == FS_PLACE_MEMORY ? 1 : 2) *
            G_USEC_PER_SEC;
  if (mtime_usec > G_MAXINT64 - slack)
    return FALSE;
  return mtime_usec + slack < unused_since_usec;
}

/* With the lock held, or where there is none. */
static FsRemove
fs_remove_locked (CaskBackend *self, const FsName *name, int shard, FsBlob *blob,
                  gint64 unused_since_usec, GError **error)
{
  if (fs_system->fstat (blob->fd, &blob->st) != 0)
    return fs_fail (self, errno, "stat", error), FS_REMOVE_FAILED;
  if (!fs_remove_is_unused (self, &blob->st, unused_since_usec))
    return FS_REMOVE_KEPT;
  FsLook look = fs_blob_is_at (self, blob, shard, name, error);
  if (look != FS_LOOK_FOUND)
    return look == FS_LOOK_ABSENT ? FS_REMOVE_AGAIN : FS_REMOVE_FAILED;
  if (fs_system->unlinkat (shard, fs_name_leaf (name), 0) == 0)
    return FS_REMOVE_DONE;
  if (errno == ENOENT)
    return FS_REMOVE_AGAIN;
  fs_fail (self, errno, "unlink", error);
  return FS_REMOVE_FAILED;
}

/* fs_remove_at: removes the blob in the shard that is open; AGAIN: another copy came in
 * its place. That it is gone is for the caller to sync. */
FsRemove
fs_remove_at (CaskBackend *self, const FsName *name, int shard, gint64 unused_since_usec,
              GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FS_REMOVE_FAILED;
  g_auto (FsBlob) blob;
  blob.fd = -1;
  FsLook look = fs_blob_open_at (self, shard, name, &blob, error);
  if (look != FS_LOOK_FOUND)
    return look == FS_LOOK_ABSENT ? FS_REMOVE_ABSENT : FS_REMOVE_FAILED;
  if (!fs_remove_is_unused (self, &blob.st, unused_since_usec))
    return FS_REMOVE_KEPT;
  gboolean is_always = unused_since_usec == CASK_ALWAYS;
  FsLock lock = fs_blob_lock (self, blob.fd, LOCK_EX, is_always, cancellable, error);
  if (lock == FS_LOCK_FAILED)
    return FS_REMOVE_FAILED;
  if (lock == FS_LOCK_BUSY)
    return FS_REMOVE_KEPT;
  if (lock == FS_LOCK_UNSUPPORTED && !is_always)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                           "flock: not on this filesystem: no removal by age");
      return FS_REMOVE_FAILED;
    }
  return fs_remove_locked (self, name, shard, &blob, unused_since_usec, error);
}

static FsRemove
fs_remove_in (CaskBackend *self, const FsName *name, int shard, gint64 unused_since_usec,
              GCancellable *cancellable, GError **error)
{
  FsRemove done;
  do
    done = fs_remove_at (self, name, shard, unused_since_usec, cancellable, error);
  while (done == FS_REMOVE_AGAIN);
  return done;
}

static FsRemove
fs_remove_once (CaskBackend *self, const FsName *name, gint64 unused_since_usec,
                GCancellable *cancellable, GError **error)
{
  g_auto (FsShard) use = { 0 };
  int kept = fs_sync_is_promised (self) ? -1 : fs_shard_use_in_place (self, name, &use);
  FsRemove done = FS_REMOVE_ABSENT;
  if (kept >= 0)
    done = fs_remove_in (self, name, kept, unused_since_usec, cancellable, error);
  if (kept >= 0 && (done != FS_REMOVE_ABSENT || fs_shard_is_live (self, name, &use)))
    return done;
  g_auto (FsFd) shard = fs_root_open (self, name->directory, O_RDONLY | O_DIRECTORY);
  if (shard < 0 && errno != ENOENT)
    return fs_fail_path (self, errno, "open", name->directory, error), FS_REMOVE_FAILED;
  if (shard >= 0)
    done = fs_remove_in (self, name, shard, unused_since_usec, cancellable, error);
  else if (fs_root_is_gone (self))
    return fs_fail_gone (error), FS_REMOVE_FAILED;
  if (!fs_sync_is_promised (self))
    return done;
  /* What was absent may be so by a removal that is not durable yet. */
  gboolean is_durable = done == FS_REMOVE_DONE ? fs_sync_shard (self, name, shard, error)
                                               : done != FS_REMOVE_ABSENT ||
                                                     fs_sync_absence (self, name, error);
  return is_durable ? done : FS_REMOVE_FAILED;
}

CaskRemoved
fs_remove_outcome (FsRemove done)
{
  if (done == FS_REMOVE_DONE)
    return CASK_REMOVED_DONE;
  return done == FS_REMOVE_KEPT ? CASK_REMOVED_KEPT : CASK_REMOVED_ABSENT;
}

/* fs_remove_check: whether such a removal can be tried at all. */
gboolean
fs_remove_check (CaskBackend *self, gint64 unused_since_usec, GError **error)
{
  if (!fs_root_check_writable (self, error))
    return FALSE;
  if (unused_since_usec == CASK_ALWAYS || self->place != FS_PLACE_REMOTE)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                       "removal by age: not on a filesystem of several machines");
  return FALSE;
}

gboolean
fs_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
           CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  if (!fs_remove_check (self, unused_since_usec, error))
    return FALSE;
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  FsName name;
  fs_name_set (&name, self->layout, digest);
  FsRemove done;
  do
    done = fs_remove_once (self, &name, unused_since_usec, cancellable, &failure);
  while (done == FS_REMOVE_FAILED &&
         fs_patience_again (&patience, cancellable, &failure));
  if (done != FS_REMOVE_FAILED)
    *outcome = fs_remove_outcome (done);
  return fs_patience_end (&patience, failure, error);
}
