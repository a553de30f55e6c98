/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-blob.c: a blob's file: found, looked at, locked, and used, which renews it.
 *
 * A use (a hit, a touch) and a conditional removal meet on the inode's flock:
 *
 *   use                               removal
 *   open, fstat: old                  open, fstat: old
 *   flock (LOCK_EX)                   flock (LOCK_EX | LOCK_NB): busy = kept
 *   futimens (now)                    fstat: young = kept
 *   the name still leads here? else    the name still leads here? unlink
 *   look again
 *
 * Whoever is second sees what the first did. A use that finds the time young enough takes
 * no lock: whatever a removal may take is older than that, by the collector's grace.
 *
 * Failure modes: anything but a regular file is CORRUPT; ELOOP, ENOTDIR, EACCES and the
 * like are errors, never absence. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* How long a lock is waited for. It is held for microseconds by Cask; but whoever may
 * read a blob may hold its lock for ever. */
#define FS_BLOB_LOCK_USEC (5 * G_USEC_PER_SEC)

/* O_NONBLOCK: a FIFO in the blob's place must not hang the open. */
#define FS_BLOB_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)

/* fs_time_usec: rounded down; times that do not fit (anybody may set any) are clamped. */
gint64
fs_time_usec (const struct timespec *time)
{
  if (time->tv_sec >= G_MAXINT64 / G_USEC_PER_SEC - 1)
    return G_MAXINT64 - 1;
  if (time->tv_sec <= G_MININT64 / G_USEC_PER_SEC + 1)
    return G_MININT64 + 1;
  return (gint64) time->tv_sec * G_USEC_PER_SEC + time->tv_nsec / 1000;
}

gint64
fs_time_now_usec (void)
{
  struct timespec now;
  fs_system->clock_gettime (CLOCK_REALTIME, &now);
  return fs_time_usec (&now);
}

void
fs_blob_info (CaskBackend *self, const CaskDigest *digest, const struct stat *st,
              CaskBlobInfo *info)
{
  info->digest = *digest;
  info->size = (guint64) st->st_size;
  info->mtime_usec = fs_time_usec (&st->st_mtim);
  info->version = fs_notes_version (self, st);
  memset (info->reserved, 0, sizeof info->reserved);
}

/* What no open of a regular file fails with may be due to what stands in the blob's
 * place, or in that of a directory above: only the former is CORRUPT. */
static FsLook
fs_blob_fail_open (CaskBackend *self, const FsName *name, int code, GError **error)
{
  if (code == ELOOP || code == ENXIO || code == ENODEV || code == EISDIR)
    {
      g_auto (FsFd) shard = fs_root_open (self, name->directory, O_PATH | O_DIRECTORY);
      struct stat st;
      if (shard >= 0 &&
          fs_system->fstatat (shard, fs_name_leaf (name), &st, AT_SYMLINK_NOFOLLOW) ==
              0 &&
          !S_ISREG (st.st_mode))
        return fs_fail_type (name->path, st.st_mode, error), FS_LOOK_FAILED;
    }
  fs_fail_path (self, code, "open", name->path, error);
  return FS_LOOK_FAILED;
}

static FsLook
fs_blob_look (CaskBackend *self, const FsName *name, FsBlob *blob, GError **error)
{
  if (blob->fd < 0 && errno == ENOENT)
    {
      if (!fs_root_is_gone (self))
        return FS_LOOK_ABSENT;
      fs_fail_gone (error);
      return FS_LOOK_FAILED;
    }
  if (blob->fd < 0)
    return fs_blob_fail_open (self, name, errno, error);
  if (fs_system->fstat (blob->fd, &blob->st) != 0)
    return fs_fail_path (self, errno, "stat", name->path, error), FS_LOOK_FAILED;
  if (!S_ISREG (blob->st.st_mode))
    return fs_fail_type (name->path, blob->st.st_mode, error), FS_LOOK_FAILED;
  return FS_LOOK_FOUND;
}

static int
fs_blob_openat (int shard, const FsName *name)
{
  int fd;
  do
    fd = fs_system->openat (shard, fs_name_leaf (name), FS_BLOB_FLAGS | O_CLOEXEC, 0);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static FsLook
fs_blob_open_path (CaskBackend *self, const FsName *name, FsBlob *blob, GError **error)
{
  fs_blob_clear (blob);
  blob->fd = fs_root_open (self, name->path, FS_BLOB_FLAGS);
  return fs_blob_look (self, name, blob, error);
}

/* acknowledges: whether finding the blob will be said to be a use of it, and so must not
 * be by a shard that somebody has moved away. */
static FsLook
fs_blob_open_kept (CaskBackend *self, const FsName *name, gboolean acknowledges,
                   FsBlob *blob, GError **error)
{
  fs_blob_clear (blob);
  g_auto (FsShard) shard = { 0 };
  int kept = fs_shard_use (self, name, TRUE, &shard);
  if (kept >= 0)
    blob->fd = fs_blob_openat (kept, name);
  if (kept >= 0 && blob->fd < 0 && errno == ENOENT &&
      fs_shard_is_live (self, name, &shard))
    return FS_LOOK_ABSENT;
  if (blob->fd < 0 || (acknowledges && !fs_shard_is_in_place (self, name, &shard)))
    return fs_blob_open_path (self, name, blob, error);
  return fs_blob_look (self, name, blob, error);
}

/* fs_blob_open: opens the blob's file. */
FsLook
fs_blob_open (CaskBackend *self, const FsName *name, FsBlob *blob, GError **error)
{
  return fs_blob_open_kept (self, name, FALSE, blob, error);
}

/* fs_blob_open_at: the same within the shard that is open already. */
FsLook
fs_blob_open_at (CaskBackend *self, int shard, const FsName *name, FsBlob *blob,
                 GError **error)
{
  fs_blob_clear (blob);
  blob->fd = fs_blob_openat (shard, name);
  return fs_blob_look (self, name, blob, error);
}

/* fs_blob_stat: looks at the blob's file without opening it for reading. */
FsLook
fs_blob_stat (CaskBackend *self, const FsName *name, struct stat *st, GError **error)
{
  g_auto (FsShard) shard = { 0 };
  int kept = fs_shard_use (self, name, TRUE, &shard);
  int code = EAGAIN;
  if (kept >= 0)
    code = fs_system->fstatat (kept, fs_name_leaf (name), st, AT_SYMLINK_NOFOLLOW) == 0
               ? 0
               : errno;
  if (code == 0 && S_ISREG (st->st_mode))
    return FS_LOOK_FOUND;
  if (code == ENOENT && fs_shard_is_live (self, name, &shard))
    return FS_LOOK_ABSENT;
  g_auto (FsBlob) blob = { .fd = -1 };
  blob.fd = fs_root_open (self, name->path, O_PATH | O_NOFOLLOW);
  FsLook look = fs_blob_look (self, name, &blob, error);
  *st = blob.st;
  return look;
}

static FsLook
fs_blob_compare (CaskBackend *self, const FsBlob *blob, int result, const struct stat *st,
                 GError **error)
{
  if (result != 0 && errno != ENOENT)
    return fs_fail (self, errno, "stat", error), FS_LOOK_FAILED;
  if (result == 0 && st->st_dev == blob->st.st_dev && st->st_ino == blob->st.st_ino)
    return FS_LOOK_FOUND;
  return FS_LOOK_ABSENT;
}

/* fs_blob_is_at: whether the name leads to this inode: FOUND, or ABSENT where it leads
 * elsewhere or nowhere. Asked under the exclusive lock, the answer stays true for as long
 * as that is held. */
FsLook
fs_blob_is_at (CaskBackend *self, const FsBlob *blob, int shard, const FsName *name,
               GError **error)
{
  struct stat st = { 0 };
  int result = fs_system->fstatat (shard, fs_name_leaf (name), &st, AT_SYMLINK_NOFOLLOW);
  return fs_blob_compare (self, blob, result, &st, error);
}

/* Returns: 0, or errno. */
static int
fs_blob_flock (int fd, int operation)
{
  int result;
  do
    result = fs_system->flock (fd, operation);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* fs_blob_lock: takes the inode's lock; BUSY only without wait.
 *
 * Asks again and again instead of blocking: a blocked flock() can neither be cancelled
 * nor given up, and two of Cask's own hardly ever meet. */
FsLock
fs_blob_lock (CaskBackend *self, int fd, int operation, gboolean wait,
              GCancellable *cancellable, GError **error)
{
  gint64 deadline = 0;
  for (gulong pause = 50;; pause = MIN (2 * pause, 10000))
    {
      int code = fs_blob_flock (fd, operation | LOCK_NB);
      if (code == 0)
        return FS_LOCK_HELD;
      if (code == EBADF || code == EOPNOTSUPP || code == ENOSYS || code == EINVAL)
        return FS_LOCK_UNSUPPORTED;
      if (code != EWOULDBLOCK)
        return fs_fail (self, code, "flock", error), FS_LOCK_FAILED;
      if (!wait)
        return FS_LOCK_BUSY;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FS_LOCK_FAILED;
      gint64 now = g_get_monotonic_time ();
      if (deadline == 0)
        deadline = now + FS_BLOB_LOCK_USEC;
      if (now > deadline)
        break;
      g_usleep (pause);
    }
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_BUSY,
                       "flock: another process keeps the blob locked");
  return FS_LOCK_FAILED;
}

static gboolean
fs_blob_is_due (CaskBackend *self, const struct stat *st)
{
  gint64 age = fs_time_now_usec () - fs_time_usec (&st->st_mtim);
  return age >= self->freshen_usec || age < 0;
}

/* fs_time_renew: sets the file's modification time to the very time: the kernel's own
 * "now" lags by a tick, and a caller who noted the time just before would find the blob
 * older than that. set: (out): that time. Returns: 0, or errno. */
int
fs_time_renew (int fd, struct timespec *set)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
  fs_system->clock_gettime (CLOCK_REALTIME, &times[1]);
  *set = times[1];
  int result;
  do
    result = fs_system->futimens (fd, times);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* The same where the shard is not open. The count of links would not tell: people
 * hard-link blobs into backups and checkouts. */
static FsLook
fs_blob_is_current (CaskBackend *self, const FsBlob *blob, const FsName *name,
                    GError **error)
{
  g_auto (FsFd) fd = fs_root_open (self, name->path, O_PATH | O_NOFOLLOW);
  struct stat st = { 0 };
  int result = fd < 0 ? -1 : fs_system->fstat (fd, &st);
  return fs_blob_compare (self, blob, result, &st, error);
}

/* With the lock held, or where there is none. Whoever had it before us may have renewed
 * the time already. */
static FsUse
fs_blob_renew_locked (CaskBackend *self, FsBlob *blob, GError **error)
{
  struct stat before;
  if (fs_system->fstat (blob->fd, &before) != 0)
    return fs_fail (self, errno, "stat", error), FS_USE_FAILED;
  blob->st = before;
  if (!fs_blob_is_due (self, &before))
    return FS_USE_DONE;
  struct timespec set;
  int code = fs_time_renew (blob->fd, &set);
  if (code == EPERM || code == EACCES)
    return FS_USE_DENIED;
  if (code != 0)
    return fs_fail (self, code, "utimens", error), FS_USE_FAILED;
  if (fs_system->fstat (blob->fd, &blob->st) != 0)
    return fs_fail (self, errno, "stat", error), FS_USE_FAILED;
  fs_notes_renewed (self, &before, &blob->st, &set);
  return FS_USE_DONE;
}

/* Renews the time of what was found. ABSENT: it was removed before we had the lock.
 *
 * A shared lock would keep removals out as well. But of two that renew at once, the one
 * that read the clock first may set its time last, and the other's use would be older
 * than it was told: two of 200,000 with eight writers. */
static FsUse
fs_blob_renew (CaskBackend *self, const FsName *name, FsBlob *blob,
               GCancellable *cancellable, GError **error)
{
  FsLock lock = fs_blob_lock (self, blob->fd, LOCK_EX, TRUE, cancellable, error);
  if (lock == FS_LOCK_FAILED)
    return FS_USE_FAILED;
  FsUse use = fs_blob_renew_locked (self, blob, error);
  if (use != FS_USE_DONE)
    return use;
  FsLook look = fs_blob_is_current (self, blob, name, error);
  if (look != FS_LOOK_FOUND)
    return look == FS_LOOK_ABSENT ? FS_USE_ABSENT : FS_USE_FAILED;
  if (lock == FS_LOCK_HELD)
    fs_blob_flock (blob->fd, LOCK_UN);
  return FS_USE_DONE;
}

/* Makes a hit as durable as a put would have. A renewed time is part of it: lost, a
 * collector would take the blob for unused. */
static gboolean
fs_blob_settle (CaskBackend *self, const FsName *name, FsBlob *blob, GError **error)
{
  g_auto (FsFd) shard = fs_root_open (self, name->directory, O_RDONLY | O_DIRECTORY);
  if (shard < 0)
    return fs_fail_path (self, errno, "open", name->directory, error);
  if (!fs_sync_blob (self, blob->fd, &blob->st, error) ||
      !fs_sync_ancestors (self, name, shard, error) ||
      !fs_sync_shard (self, name, shard, error))
    return FALSE;
  fs_notes_synced (self, &blob->st);
  return TRUE;
}

static FsUse
fs_blob_use_once (CaskBackend *self, const FsName *name, guint64 size, FsBlob *blob,
                  GCancellable *cancellable, GError **error)
{
  FsLook look = fs_sync_is_promised (self)
                    ? fs_blob_open_path (self, name, blob, error)
                    : fs_blob_open_kept (self, name, TRUE, blob, error);
  if (look != FS_LOOK_FOUND)
    return look == FS_LOOK_ABSENT ? FS_USE_ABSENT : FS_USE_FAILED;
  if ((size != CASK_UNKNOWN && (guint64) blob->st.st_size != size) ||
      fs_sync_is_suspect (self, name, &blob->st))
    return FS_USE_UNFIT;
  if (blob->st.st_nlink == 0)
    return FS_USE_ABSENT;
  gboolean is_durable = !fs_sync_is_promised (self) || fs_notes_durable (self, &blob->st);
  if (fs_blob_is_due (self, &blob->st))
    {
      FsUse renewed = fs_blob_renew (self, name, blob, cancellable, error);
      if (renewed != FS_USE_DONE)
        return renewed;
      if (is_durable && fs_sync_is_promised (self))
        return fs_sync_blob (self, blob->fd, &blob->st, error) ? FS_USE_DONE
                                                               : FS_USE_FAILED;
    }
  if (is_durable)
    return FS_USE_DONE;
  if (!fs_blob_settle (self, name, blob, error))
    return FS_USE_FAILED;
  /* Where somebody else's fsync failed meanwhile, ours may have been told nothing. */
  return fs_sync_is_suspect (self, name, &blob->st) ? FS_USE_UNFIT : FS_USE_DONE;
}

/* fs_blob_use: counts as a use of the blob, where it is there and fit: renews its time
 * if that is due and makes the hit durable. size: what it must have, or CASK_UNKNOWN.
 * What was removed on the way is looked for again: it may have been stored again. */
FsUse
fs_blob_use (CaskBackend *self, const FsName *name, guint64 size, FsBlob *blob,
             GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FS_USE_FAILED;
      FsUse use = fs_blob_use_once (self, name, size, blob, cancellable, error);
      if (use != FS_USE_ABSENT || blob->fd < 0)
        return use;
    }
}
