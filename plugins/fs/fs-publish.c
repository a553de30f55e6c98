/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-publish.c: from bytes to a name, in one step that is seen whole or not at all.
 *
 *   step                       kill -9 after it leaves     power loss after it leaves
 *   open a nameless file       nothing                     nothing
 *   write, set the time        nothing                     nothing
 *   fsync the file             nothing                     nothing
 *   (again, where it was slow) nothing                     nothing
 *   linkat: the commit point   the blob                    the blob or nothing
 *   fsync the shard (caller)   the blob                    the blob
 *
 * Without the fsync of the file (`none`) a power loss may leave the name without the
 * bytes; but what takes another's place is synced in any mode. Where files can not be
 * nameless, or nameless ones not be linked, the file has a name in .tmp from the start,
 * which a kill leaves behind for the next store's sweep.
 *
 * linkat() fails where the name is taken, so of any number of writers one is first and
 * knows it. Without hard links RENAME_NOREPLACE does the same; where even that is missing
 * the name is looked at and then renamed to, and two writers may both believe to have
 * been first: EXACT_CREATED is not announced there.
 *
 * The steps are functions of their own (open, write, finish, link_new or link_over), for
 * who has filled the file in pieces already, or publishes many at a time.
 *
 * Failure modes: an error before the commit point leaves nothing but the temporary file,
 * which its FsTemp takes away. A file of which an fsync failed is good for nothing more:
 * it is never synced again, and never published. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* How often the time of a file that took long to sync is set anew. */
#define FS_PUBLISH_RENEWALS 3

static gboolean
fs_publish_is_removed (int directory)
{
  struct stat st;
  return fs_system->fstat (directory, &st) == 0 && st.st_nlink == 0;
}

/* fs_publish_is_unlinkable: whether linkat's failure says that this kind of file, or this
 * filesystem, is not for linking. */
gboolean
fs_publish_is_unlinkable (int code)
{
  return code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EXDEV ||
         code == EMLINK || code == ENOENT || code == EINVAL;
}

/* fs_publish_write: writes all of bytes at offset, or fails with some of it written. */
gboolean
fs_publish_write (CaskBackend *self, int fd, guint64 offset, GBytes *bytes,
                  GCancellable *cancellable, GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  if (offset > G_MAXINT64 - length)
    return fs_fail (self, EFBIG, "write", error);
  gsize done = 0;
  while (done < length)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      ssize_t count = fs_system->pwrite (fd, data + done, MIN (length - done, FS_CHUNK),
                                         (off_t) (offset + done));
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return fs_fail (self, count < 0 ? errno : EIO, "write", error);
      done += (gsize) count;
    }
  return TRUE;
}

/* fs_publish_is_stale: whether a time is more than a second from now, one way or the
 * other. */
gboolean
fs_publish_is_stale (const struct timespec *time)
{
  gint64 age = fs_time_now_usec () - fs_time_usec (time);
  return age > G_USEC_PER_SEC || age < -G_USEC_PER_SEC;
}

/* fs_publish_date: sets the time that a file which may still be published is to have. */
gboolean
fs_publish_date (CaskBackend *self, FsTemp *temp, struct timespec *set, GError **error)
{
  if (!fs_temp_check (temp, error))
    return FALSE;
  int code = fs_time_renew (temp->fd, set);
  return code == 0 || fs_fail (self, code, "utimens", error);
}

/* fs_publish_finish: all that has to be true of a filled file before its name may be.
 *
 * The time is the commit's, not the first byte's: a collector counts from it. A disk may
 * take longer to sync than a collector gives, so a time that grew old meanwhile is set
 * and synced again: the bytes are on the disk by then. One that is always so slow has to
 * be believed in the end. */
gboolean
fs_publish_finish (CaskBackend *self, FsTemp *temp, FsDurability durability,
                   GCancellable *cancellable, GError **error)
{
  struct timespec set;
  guint tries = 0;
  do
    {
      if (!fs_publish_date (self, temp, &set, error))
        return FALSE;
      temp->sync_failed = !fs_sync_file (self, temp->fd, durability, error);
      if (temp->sync_failed || g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
    }
  while (fs_publish_is_stale (&set) && tries++ < FS_PUBLISH_RENEWALS);
  return TRUE;
}

/* fs_publish_open: a new file, to be filled by descriptor: nameless, in the directory, or
 * where that is impossible with a name in the store's temporary directory. */
gboolean
fs_publish_open (CaskBackend *self, int directory, FsTemp *temp, GError **error)
{
  temp->self = self;
  if (!g_atomic_int_get (&self->no_tmpfile))
    {
      do
        temp->fd =
            fs_system->openat (directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0444);
      while (temp->fd < 0 && errno == EINTR);
      if (temp->fd >= 0)
        return TRUE;
      if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return fs_fail (self, errno, "create a file", error);
      g_atomic_int_set (&self->no_tmpfile, TRUE);
    }
  return fs_temp_open_named (self, temp, error);
}

/* Returns: 0, or errno. Linking by descriptor alone needs a privilege before Linux 6.10;
 * through /proc it needs /proc. */
static int
fs_publish_link_nameless (CaskBackend *self, int fd, int directory, const char *leaf)
{
  if (!g_atomic_int_get (&self->link_by_proc))
    {
      if (fs_system->linkat (fd, "", directory, leaf, AT_EMPTY_PATH) == 0)
        return 0;
      if (errno != ENOENT && errno != EPERM && errno != EINVAL)
        return errno;
    }
  char path[32];
  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (fs_system->linkat (AT_FDCWD, path, directory, leaf, AT_SYMLINK_FOLLOW) != 0)
    return errno;
  g_atomic_int_set (&self->link_by_proc, TRUE);
  return 0;
}

/* Returns: 0, or errno. On success by renaming the temporary name is used up. */
static int
fs_publish_rename_new (FsTemp *temp, int directory, const char *leaf)
{
  int result = fs_system->renameat2 (temp->directory, temp->name, directory, leaf,
                                     RENAME_NOREPLACE);
  if (result != 0 && (errno == EINVAL || errno == ENOSYS))
    {
      struct stat st;
      if (fs_system->fstatat (directory, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return EEXIST;
      if (errno != ENOENT)
        return errno;
      result = fs_system->renameat2 (temp->directory, temp->name, directory, leaf, 0);
    }
  if (result != 0)
    return errno;
  temp->name[0] = '\0';
  return 0;
}

/* fs_publish_link: gives a file its name, or its next one where it is not to be moved.
 *
 * Returns: 0, or errno. */
int
fs_publish_link (CaskBackend *self, FsTemp *temp, int directory, const char *leaf)
{
  if (temp->name[0] == '\0')
    return fs_publish_link_nameless (self, temp->fd, directory, leaf);
  if (temp->is_moved)
    return fs_publish_rename_new (temp, directory, leaf);
  if (!g_atomic_int_get (&self->no_links))
    {
      if (fs_system->linkat (temp->directory, temp->name, directory, leaf, 0) == 0)
        return 0;
      if (!fs_publish_is_unlinkable (errno) || fs_publish_is_removed (directory))
        return errno;
    }
  int code = fs_publish_rename_new (temp, directory, leaf);
  if (code == 0)
    g_atomic_int_set (&self->no_links, TRUE);
  return code;
}

/* Puts a copy with a name in a nameless file's place, under the same descriptor: others
 * may be reading by it. */
static gboolean
fs_publish_copy (CaskBackend *self, FsTemp *temp, GCancellable *cancellable,
                 GError **error)
{
  g_auto (FsTemp) copy = { .self = self, .fd = -1 };
  if (!fs_temp_open_named (self, &copy, error))
    return FALSE;
  struct stat st;
  if (fs_system->fstat (temp->fd, &st) != 0)
    return fs_fail (self, errno, "stat", error);
  g_autofree guint8 *buffer = g_malloc (FS_CHUNK);
  guint64 offset = 0;
  while (offset < (guint64) st.st_size)
    {
      ssize_t count = fs_system->pread (temp->fd, buffer, FS_CHUNK, (off_t) offset);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return fs_fail (self, errno, "read", error);
      if (count == 0)
        return fs_fail_short ("temporary file", (guint64) st.st_size, offset, error);
      g_autoptr (GBytes) bytes = g_bytes_new_static (buffer, (gsize) count);
      if (!fs_publish_write (self, copy.fd, offset, bytes, cancellable, error))
        return FALSE;
      offset += (guint64) count;
    }
  if (fs_system->dup3 (copy.fd, temp->fd, O_CLOEXEC) < 0)
    return fs_fail (self, errno, "dup", error);
  temp->directory = copy.directory;
  g_strlcpy (temp->name, copy.name, sizeof temp->name);
  copy.name[0] = '\0';
  return TRUE;
}

/* fs_publish_name: gives a nameless file a name in the store's temporary directory, for
 * what can not be done without one; where it can not be linked, a copy gets it. */
gboolean
fs_publish_name (CaskBackend *self, FsTemp *temp, GCancellable *cancellable,
                 GError **error)
{
  if (temp->name[0] != '\0')
    return TRUE;
  int directory;
  char name[FS_TEMP_RANDOM + 1];
  if (!fs_temp_directory (self, &directory, error))
    return FALSE;
  fs_temp_random_name (name, sizeof name);
  int code = fs_publish_link_nameless (self, temp->fd, directory, name);
  if (code != 0 && fs_publish_is_unlinkable (code))
    return fs_publish_copy (self, temp, cancellable, error);
  if (code != 0)
    return fs_fail_path (self, code, "link", FS_TEMP_ROOT, error);
  temp->directory = directory;
  g_strlcpy (temp->name, name, sizeof temp->name);
  return TRUE;
}

/* fs_publish_link_new: the commit point: gives a finished file a name that must not be
 * taken. The directory is for the caller to sync. LOST: the name is taken, or the
 * directory has been removed. UNLINKABLE: the file has to have a name from the start,
 * which fs_publish_open() knows from then on. */
FsPublish
fs_publish_link_new (CaskBackend *self, FsTemp *temp, int directory, const char *leaf,
                     GError **error)
{
  gboolean is_nameless = temp->name[0] == '\0';
  int code = fs_publish_link (self, temp, directory, leaf);
  if (code == 0)
    {
      temp->is_placed = TRUE;
      return FS_PUBLISH_DONE;
    }
  if (code == EEXIST || (code == ENOENT && fs_publish_is_removed (directory)))
    return FS_PUBLISH_LOST;
  /* EXDEV says nothing of nameless files: the directory is another filesystem's. */
  if (is_nameless && code != EXDEV && fs_publish_is_unlinkable (code))
    {
      g_atomic_int_set (&self->no_tmpfile, TRUE);
      return FS_PUBLISH_UNLINKABLE;
    }
  fs_fail (self, code, "link", error);
  return FS_PUBLISH_FAILED;
}

static FsPublish
fs_publish_once (CaskBackend *self, int directory, const char *leaf, GBytes *bytes,
                 FsDurability durability, GCancellable *cancellable, GError **error)
{
  g_auto (FsTemp) temp = { .self = self, .fd = -1 };
  if (!fs_publish_open (self, directory, &temp, error) ||
      !fs_publish_write (self, temp.fd, 0, bytes, cancellable, error) ||
      !fs_publish_finish (self, &temp, durability, cancellable, error))
    return FS_PUBLISH_FAILED;
  FsPublish done = fs_publish_link_new (self, &temp, directory, leaf, error);
  return done == FS_PUBLISH_UNLINKABLE ? FS_PUBLISH_LOST : done;
}

/* fs_publish_new: stores bytes under a name that must not be taken. The directory is for
 * the caller to sync. LOST: look again; perhaps only because the file needs a name. */
FsPublish
fs_publish_new (CaskBackend *self, int directory, const char *leaf, GBytes *bytes,
                FsDurability durability, GCancellable *cancellable, GError **error)
{
  fs_sweep_once (self);
  g_autoptr (GError) failure = NULL;
  FsPublish done =
      fs_publish_once (self, directory, leaf, bytes, durability, cancellable, &failure);
  /* Somebody removed the directory that was just opened: the caller makes it again. */
  if (done == FS_PUBLISH_FAILED && fs_publish_is_removed (directory) &&
      !fs_root_is_gone (self))
    return FS_PUBLISH_LOST;
  if (done == FS_PUBLISH_FAILED)
    g_propagate_error (error, g_steal_pointer (&failure));
  return done;
}

/* The old copy may have been used since the new one got its time, and the users were told
 * so: in its place a copy must not be older, nor be so after a power cut. So what that
 * changes is synced before the name is taken: the rename may reach the disk at once, and
 * the bytes have got there already, so that the lock is not held for long. */
static gboolean
fs_publish_inherit (CaskBackend *self, FsTemp *temp, FsBlob *old, GError **error)
{
  struct stat st;
  if (fs_system->fstat (old->fd, &old->st) != 0 || fs_system->fstat (temp->fd, &st) != 0)
    return fs_fail (self, errno, "stat", error);
  struct timespec set;
  gboolean is_young = fs_time_usec (&old->st.st_mtim) < fs_time_usec (&st.st_mtim) &&
                      !fs_publish_is_stale (&st.st_mtim); /* the lock was waited for */
  if (is_young)
    return TRUE;
  int code = fs_time_renew (temp->fd, &set);
  if (code != 0)
    return fs_fail (self, code, "utimens", error);
  if (!fs_sync_is_promised (self))
    return TRUE;
  temp->sync_failed = !fs_sync_file (self, temp->fd, self->durability, error);
  return !temp->sync_failed;
}

/* fs_publish_link_over: the commit point of a finished file that has a name: puts it in
 * the place of the blob that is there: under that one's exclusive lock, so that no
 * removal which has looked at it takes the new one, and nobody uses the old one any more.
 * LOST: it is not there any more. The shard is for the caller to sync. */
FsPublish
fs_publish_link_over (CaskBackend *self, FsTemp *temp, int shard, const FsName *name,
                      GCancellable *cancellable, GError **error)
{
  g_auto (FsBlob) old = { .fd = -1 };
  FsLook look = FS_LOOK_ABSENT;
  while (look == FS_LOOK_ABSENT)
    {
      look = fs_blob_open_at (self, shard, name, &old, error);
      if (look != FS_LOOK_FOUND)
        return look == FS_LOOK_ABSENT ? FS_PUBLISH_LOST : FS_PUBLISH_FAILED;
      if (fs_blob_lock (self, old.fd, LOCK_EX, TRUE, cancellable, error) ==
              FS_LOCK_FAILED ||
          g_cancellable_set_error_if_cancelled (cancellable, error))
        return FS_PUBLISH_FAILED;
      look = fs_blob_is_at (self, &old, shard, name, error);
    }
  if (look == FS_LOOK_FAILED || !fs_publish_inherit (self, temp, &old, error))
    return FS_PUBLISH_FAILED;
  if (fs_system->renameat2 (temp->directory, temp->name, shard, fs_name_leaf (name), 0) !=
      0)
    return fs_fail (self, errno, "rename", error), FS_PUBLISH_FAILED;
  temp->name[0] = '\0';
  temp->is_placed = TRUE;
  return FS_PUBLISH_DONE;
}

/* fs_publish_durability_over: how a file is synced that takes another's place. In `none`
 * too: the rename may reach the disk before the bytes do, and the copy that it replaces
 * may be a whole one that somebody was told is durable. */
FsDurability
fs_publish_durability_over (CaskBackend *self)
{
  return MAX (self->durability, FS_DURABILITY_DATA);
}

/* fs_publish_over: stores bytes in the place of the blob that is there. LOST: there is
 * none. The shard is for the caller to sync. */
FsPublish
fs_publish_over (CaskBackend *self, int shard, const FsName *name, GBytes *bytes,
                 GCancellable *cancellable, GError **error)
{
  fs_sweep_once (self);
  g_auto (FsTemp) temp = { .self = self, .fd = -1 };
  if (!fs_temp_open_named (self, &temp, error) ||
      !fs_publish_write (self, temp.fd, 0, bytes, cancellable, error) ||
      !fs_publish_finish (self, &temp, fs_publish_durability_over (self), cancellable,
                          error))
    return FS_PUBLISH_FAILED;
  return fs_publish_link_over (self, &temp, shard, name, cancellable, error);
}
