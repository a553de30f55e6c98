/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-temp.c: files in .tmp, for copies that replace others and for filesystems without
 * nameless files.
 *
 * Each store has a directory of its own there, <boot>-<pid>-<random>, made when it first
 * needs one, with a file `lock` in it whose flock it holds for as long as it is open.
 * Whoever dies drops the lock; whoever gets it may sweep (fs-sweep.c).
 *
 * Failure modes: a sweep may come between making the directory and taking the lock; then
 * the lock is busy or its file is gone, and another directory is made. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

/* How often to make another directory because somebody swept the last. */
#define FS_TEMP_TRIES 16

/* fs_temp_random_name: size: FS_TEMP_RANDOM + 1 at least. */
void
fs_temp_random_name (char *name, gsize size)
{
  guint64 number;
  if (getrandom (&number, sizeof number, GRND_NONBLOCK) != sizeof number)
    number = (guint64) g_random_int () << 32 | g_random_int ();
  g_snprintf (name, (gulong) size, "%016" G_GINT64_MODIFIER "x", number);
}

static int
fs_temp_openat (int directory, const char *name, int flags, mode_t mode)
{
  int fd;
  do
    fd = fs_system->openat (directory, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* Returns: 0 with the lock's descriptor; EAGAIN where a sweep was quicker; errno. */
static int
fs_temp_lock_directory (CaskBackend *self, int directory, int *lock_file)
{
  g_auto (FsFd) fd =
      fs_temp_openat (directory, FS_TEMP_LOCK, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0)
    return errno == EEXIST || errno == ENOENT ? EAGAIN : errno;
  g_autoptr (GError) ignored = NULL;
  FsLock lock = fs_blob_lock (self, fd, LOCK_EX, FALSE, NULL, &ignored);
  struct stat st;
  if (lock == FS_LOCK_BUSY || fs_system->fstat (fd, &st) != 0 || st.st_nlink == 0)
    return EAGAIN;
  /* Without a lock nobody can sweep either: leftovers stay, nothing is lost. */
  *lock_file = fs_fd_steal (&fd);
  return 0;
}

/* Returns: 0, EAGAIN, or errno. */
static int
fs_temp_make_directory (CaskBackend *self, char *name, gsize size, int *directory,
                        int *lock_file)
{
  if (fs_system->mkdirat (self->root, FS_TEMP_ROOT, 0777) != 0 && errno != EEXIST)
    return errno;
  g_auto (FsFd) parent = fs_root_open (self, FS_TEMP_ROOT, O_RDONLY | O_DIRECTORY);
  if (parent < 0)
    return errno;
  char random[FS_TEMP_RANDOM + 1];
  fs_temp_random_name (random, sizeof random);
  g_snprintf (name, (gulong) size, "%s-%ld-%s", fs_sweep_boot (), (long) getpid (),
              random);
  if (fs_system->mkdirat (parent, name, 0700) != 0)
    return errno == EEXIST ? EAGAIN : errno;
  g_auto (FsFd) fd = fs_temp_openat (parent, name, O_RDONLY | O_DIRECTORY, 0);
  int code = fd >= 0           ? fs_temp_lock_directory (self, fd, lock_file)
             : errno == ENOENT ? EAGAIN
                               : errno;
  if (code == 0)
    *directory = fs_fd_steal (&fd);
  else if (code != EAGAIN) /* or an operation at the limit would leave one each time */
    fs_system->unlinkat (parent, name, AT_REMOVEDIR);
  return code;
}

/* By lock. Where somebody removed the directory under us, another takes its descriptor's
 * place, so that no other thread is left with a number that may come to mean something
 * else. */
static int
fs_temp_renew_directory (CaskBackend *self)
{
  FsTemps *temps = &self->temps;
  g_auto (FsFd) directory = -1;
  g_auto (FsFd) lock_file = -1;
  char name[sizeof temps->name];
  int code = EAGAIN;
  for (guint i = 0; code == EAGAIN && i < FS_TEMP_TRIES; i++)
    code = fs_temp_make_directory (self, name, sizeof name, &directory, &lock_file);
  if (code != 0)
    return code;
  fs_fd_close (temps->lock_file);
  temps->lock_file = fs_fd_steal (&lock_file);
  if (temps->directory < 0)
    temps->directory = fs_fd_steal (&directory);
  else if (fs_system->dup3 (directory, temps->directory, O_CLOEXEC) < 0)
    return errno;
  memcpy (temps->name, name, sizeof name);
  return 0;
}

/* fs_temp_directory: the store's own temporary directory; it is not the caller's. */
gboolean
fs_temp_directory (CaskBackend *self, int *directory, GError **error)
{
  FsTemps *temps = &self->temps;
  struct stat st;
  int code = 0;
  g_mutex_lock (&temps->lock);
  if (temps->directory < 0 || fs_system->fstat (temps->directory, &st) != 0 ||
      st.st_nlink == 0)
    code = fs_temp_renew_directory (self);
  *directory = temps->directory;
  g_mutex_unlock (&temps->lock);
  return code == 0 || fs_fail_path (self, code, "make a directory", FS_TEMP_ROOT, error);
}

/* fs_temp_open_named: opens a new file in the store's temporary directory. The mode is
 * the blob's own already: that of an open descriptor does not depend on it, and so the
 * kernel applies the umask, which nobody else can read without a race. */
gboolean
fs_temp_open_named (CaskBackend *self, FsTemp *temp, GError **error)
{
  int directory;
  if (!fs_temp_directory (self, &directory, error))
    return FALSE;
  char name[FS_TEMP_RANDOM + 1];
  fs_temp_random_name (name, sizeof name);
  temp->fd = fs_temp_openat (directory, name, O_RDWR | O_CREAT | O_EXCL, 0444);
  if (temp->fd < 0)
    return fs_fail_path (self, errno, "create a file", FS_TEMP_ROOT, error);
  temp->directory = directory;
  g_strlcpy (temp->name, name, sizeof temp->name);
  return TRUE;
}

/* fs_temp_check: whether the file may still be synced, and published. After a failed
 * fsync the kernel may call lost bytes clean; and what has a blob's name is nobody's. */
gboolean
fs_temp_check (const FsTemp *temp, GError **error)
{
  if (!temp->sync_failed && !temp->is_placed)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO,
                       "fsync: an earlier one failed: write the blob again");
  return FALSE;
}

/* fs_temp_unname: removes the file's temporary name where it has one. */
void
fs_temp_unname (FsTemp *temp)
{
  if (temp->name[0] != '\0')
    fs_system->unlinkat (temp->directory, temp->name, 0);
  temp->name[0] = '\0';
}

/* fs_temp_clear: closes the file, and removes its temporary name. */
void
fs_temp_clear (FsTemp *temp)
{
  fs_fd_close (fs_fd_steal (&temp->fd));
  fs_temp_unname (temp);
}

/* fs_temps_close: the store closes. What can not be removed now is swept by others. */
void
fs_temps_close (CaskBackend *self)
{
  FsTemps *temps = &self->temps;
  if (temps->directory < 0)
    return;
  fs_system->unlinkat (temps->directory, FS_TEMP_LOCK, 0);
  g_auto (FsFd) parent = fs_root_open (self, FS_TEMP_ROOT, O_PATH | O_DIRECTORY);
  if (parent >= 0)
    fs_system->unlinkat (parent, temps->name, AT_REMOVEDIR);
  fs_fd_close (temps->directory);
  fs_fd_close (temps->lock_file);
}
