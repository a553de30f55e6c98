/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-root.c: the root directory, and opening what is below it.
 *
 * The root's own path is resolved once, symlinks and all; from then on the store is the
 * directory, wherever it is moved to. Below it every path is one openat2() that follows
 * no symlink, so that who may write into the store's directories can not lead a reader
 * or a writer out of them. What is much used is a lookup from a shard that is kept open
 * (fs-shard.c), by a name without a slash.
 *
 * Failure modes: where openat2 is missing (Linux before 5.6, valgrind, some seccomp
 * filters) each component is opened in turn, with O_NOFOLLOW. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FS_ROOT_RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* Magic numbers that not every linux/magic.h has. */
#define FS_MAGIC_SMB2 0xfe534d42
#define FS_MAGIC_CIFS 0xff534d42
#define FS_MAGIC_LUSTRE 0x0bd00bd0
#define FS_MAGIC_GPFS 0x47504653

void
fs_fd_close (FsFd fd)
{
  if (fd < 0)
    return;
  int saved = errno;
  fs_system->close (
      fd); /* never again on EINTR: on Linux the descriptor is gone already */
  errno = saved;
}

static FsPlace
fs_root_place (int root)
{
  struct statfs fs;
  if (fs_system->fstatfs (root, &fs) != 0)
    return FS_PLACE_OTHER;
  switch ((guint32) fs.f_type)
    {
    case EXT4_SUPER_MAGIC: /* and of ext2 and ext3 */
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
      return FS_PLACE_LOCAL;
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return FS_PLACE_MEMORY;
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case FS_MAGIC_CIFS:
    case FS_MAGIC_SMB2:
    case CEPH_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case CODA_SUPER_MAGIC:
    case V9FS_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case FS_MAGIC_LUSTRE:
    case FS_MAGIC_GPFS:
      return FS_PLACE_REMOTE;
    default:
      return FS_PLACE_OTHER;
    }
}

static int
fs_root_openat2 (int root, const char *path, int flags, guint64 resolve)
{
  struct open_how how = { .flags = (guint64) (flags | O_CLOEXEC), .resolve = resolve };
  int fd;
  do
    fd = fs_system->openat2 (root, path, &how);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static int
fs_root_openat (int directory, const char *name, int flags)
{
  int fd;
  do
    fd = fs_system->openat (directory, name, flags | O_NOFOLLOW | O_CLOEXEC, 0);
  while (fd < 0 && errno == EINTR);
  return fd;
}

static int
fs_root_walk (int root, const char *path, int flags)
{
  g_auto (FsFd) held = -1;
  int at = root;
  for (const char *slash; (slash = strchr (path, '/')) != NULL; path = slash + 1)
    {
      char part[16];
      gsize length = (gsize) (slash - path);
      if (length >= sizeof part)
        return errno = ENAMETOOLONG, -1;
      memcpy (part, path, length);
      part[length] = '\0';
      int next = fs_root_openat (at, part, O_PATH | O_DIRECTORY);
      fs_fd_close (held);
      held = at = next;
      if (next < 0)
        return -1;
    }
  return fs_root_openat (at, path, flags);
}

/* fs_root_open: opens what is at path below the root. Returns: a descriptor; -1 with
 * errno. */
int
fs_root_open (CaskBackend *self, const char *path, int flags)
{
  if (!self->has_openat2)
    return fs_root_walk (self->root, path, flags);
  return fs_root_openat2 (self->root, path, flags, FS_ROOT_RESOLVE);
}

/* fs_root_open_cached: the same from the kernel's memory alone; EAGAIN where that does
 * not do. */
int
fs_root_open_cached (CaskBackend *self, const char *path, int flags)
{
  if (!self->has_openat2)
    return errno = EAGAIN, -1;
  return fs_root_openat2 (self->root, path, flags, FS_ROOT_RESOLVE | RESOLVE_CACHED);
}

/* fs_root_openat_cached: the same within a shard that is open already, for a name without
 * a slash. */
int
fs_root_openat_cached (CaskBackend *self, int shard, const char *leaf, int flags)
{
  if (!self->has_openat2)
    return errno = EAGAIN, -1;
  return fs_root_openat2 (shard, leaf, flags, RESOLVE_NO_SYMLINKS | RESOLVE_CACHED);
}

/* fs_root_is_gone: whether the root has been removed. Then nothing below it is "absent".
 */
gboolean
fs_root_is_gone (CaskBackend *self)
{
  struct stat st;
  return fs_system->fstat (self->root, &st) != 0 || st.st_nlink == 0;
}

/* fs_root_check_writable: sets READ_ONLY where the filesystem is.
 *
 * Only a hit on a blob that needs no renewal would otherwise succeed there without a
 * write. What was read-only at open may have been remounted since; the other way round,
 * the calls themselves fail. */
gboolean
fs_root_check_writable (CaskBackend *self, GError **error)
{
  if (!g_atomic_int_get (&self->was_read_only))
    return TRUE;
  struct statvfs fs;
  if (fs_system->fstatvfs (self->root, &fs) != 0)
    return fs_fail (self, errno, "statvfs", error);
  if (fs.f_flag & ST_RDONLY)
    return fs_fail (self, EROFS, "root", error);
  g_atomic_int_set (&self->was_read_only, FALSE);
  return TRUE;
}

static int
fs_root_mkdirat (int directory, const char *name)
{
  return fs_system->mkdirat (directory, name, 0777) == 0 || errno == EEXIST ? 0 : errno;
}

/* fs_root_make_directory: makes the blob's shard, which is missing, and what it is in.
 * What was known of them is forgotten before, so that nobody finds the new ones with it.
 * Returns: 0, or errno. */
int
fs_root_make_directory (CaskBackend *self, const FsName *name)
{
  g_auto (FsFd) top = fs_root_open (self, name->top, O_PATH | O_DIRECTORY);
  gboolean is_missing = top < 0 && errno == ENOENT;
  fs_sync_forget (self, name, is_missing);
  if (is_missing)
    {
      int code = fs_root_mkdirat (self->root, name->top);
      if (code != 0)
        return code;
      top = fs_root_open (self, name->top, O_PATH | O_DIRECTORY);
    }
  if (top < 0)
    return errno;
  return fs_root_mkdirat (top, name->directory + strlen (name->top) + 1);
}

static gboolean
fs_root_fail (CaskBackend *self, const char *what, GError **error)
{
  int code = errno;
  if (code == EMFILE || code == ENFILE)
    return fs_fail (self, code, what, error);
  int cask = CASK_ERROR_IO;
  if (code == ENOENT)
    cask = CASK_ERROR_NOT_FOUND;
  else if (code == EACCES || code == EPERM)
    cask = CASK_ERROR_PERMISSION;
  else if (code == EROFS)
    cask = CASK_ERROR_READ_ONLY;
  else if (code == ENOSPC || code == EDQUOT)
    cask = CASK_ERROR_NO_SPACE;
  else if (code == ENOTDIR || code == ELOOP || code == ENAMETOOLONG)
    cask = CASK_ERROR_INVALID_CONFIG;
  g_set_error (error, CASK_ERROR, cask, "%s: %s", what, g_strerror (code));
  return FALSE;
}

/* fs_root_attach: opens the root, and where create makes its last component. */
gboolean
fs_root_attach (CaskBackend *self, const char *location, gboolean create, GError **error)
{
  int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  self->root = fs_system->openat (AT_FDCWD, location, flags, 0);
  if (self->root < 0 && errno == ENOENT && create)
    {
      /* Made by another process at the same time is as good. */
      self->made_root = fs_system->mkdirat (AT_FDCWD, location, 0777) == 0;
      if (!self->made_root && errno != EEXIST)
        return fs_root_fail (self, "mkdir", error);
      self->root = fs_system->openat (AT_FDCWD, location, flags, 0);
    }
  if (self->root < 0)
    return fs_root_fail (self, "open", error);
  struct statvfs fs;
  if (fs_system->fstatvfs (self->root, &fs) != 0)
    return fs_root_fail (self, "statvfs", error);
  self->was_read_only = (fs.f_flag & ST_RDONLY) != 0;
  self->place = fs_root_place (self->root);
  fs_condemned_look (self);
  g_auto (FsFd) probe =
      fs_root_openat2 (self->root, ".", O_PATH | O_DIRECTORY, FS_ROOT_RESOLVE);
  /* Other failures (too many open files) are no sign that the call is missing. */
  self->has_openat2 =
      probe >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL);
  return TRUE;
}
