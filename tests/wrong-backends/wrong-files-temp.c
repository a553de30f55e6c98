/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-files-temp.c: a file is written beside the blobs, and becomes one by rename. */
#include "wrong-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#define FILES_DAWDLE 100 /* usec */

gboolean
files_fail (GError **error, const char *what)
{
  CaskError code = errno == EACCES || errno == EPERM    ? CASK_ERROR_PERMISSION
                   : errno == ENOSPC || errno == EDQUOT ? CASK_ERROR_NO_SPACE
                                                        : CASK_ERROR_IO;

  g_set_error (error, CASK_ERROR, (gint) code, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

void
files_name (const CaskDigest *digest, char name[FILES_NAME])
{
  static const char digits[] = "0123456789abcdef";
  char *end =
      g_stpcpy (name, digest->algorithm == CASK_ALGORITHM_SHA512 ? "sha512/" : "sha256/");

  for (gsize i = 0; i < cask_digest_length (digest); i++)
    {
      *end++ = digits[digest->bytes[i] >> 4];
      *end++ = digits[digest->bytes[i] & 15];
    }
  *end = '\0';
}

int
files_lock (CaskBackend *self, Wrong unless, GError **error)
{
  g_mutex_lock (&self->lock);
  int lock = openat (self->root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock >= 0 && unless != WRONG_NOTHING && wrong_is (self, unless))
    return lock;
  while (lock >= 0 && flock (lock, LOCK_EX) != 0)
    if (errno != EINTR)
      {
        close (lock);
        lock = -1;
      }
  if (lock >= 0)
    return lock;
  g_mutex_unlock (&self->lock);
  files_fail (error, "lock");
  return -1;
}

void
files_unlock (CaskBackend *self, int lock)
{
  /* A child that was forked meanwhile has the file open too: closing would not do. */
  flock (lock, LOCK_UN);
  close (lock);
  g_mutex_unlock (&self->lock);
}

gboolean
files_set_time (int fd, GError **error)
{
  gint64 now = g_get_real_time ();
  struct timespec time = { .tv_sec = now / G_USEC_PER_SEC,
                           .tv_nsec = now % G_USEC_PER_SEC * 1000 };
  const struct timespec times[] = { time, time };

  return futimens (fd, times) == 0 || files_fail (error, "futimens");
}

gboolean
files_write (int fd, const guint8 *data, gsize size, GError **error)
{
  for (gsize at = 0; at < size;)
    {
      ssize_t n = write (fd, data + at, size - at);
      if (n < 0 && errno != EINTR)
        return files_fail (error, "write");
      at += n > 0 ? (gsize) n : 0;
    }
  return TRUE;
}

int
files_make_temp (CaskBackend *self, char name[FILES_NAME], GError **error)
{
  char *end = g_stpcpy (name, "tmp/");

  guint32 words[8];

  /* Not by g_random_int(), whose lock a forked child may find taken for ever, and whose
   * numbers it would draw once more. */
  if (getrandom (words, sizeof words, 0) != sizeof words)
    return files_fail (error, "getrandom"), -1;
  /* Named like a blob, so that whoever looks into ROOT/tmp takes it for one. */
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    end += snprintf (end, 9, "%08x", words[i]);
  int fd = openat (self->root, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    files_fail (error, "open");
  return fd;
}

void
files_dawdle (void)
{
  gint64 end = g_get_monotonic_time () + FILES_DAWDLE;

  while (g_get_monotonic_time () < end)
    g_thread_yield ();
}

static gboolean
files_is_hit (CaskBackend *self, const struct stat *there, guint64 size, guint32 flags)
{
  if (!S_ISREG (there->st_mode) || (flags & CASK_PUT_REPLACE))
    return FALSE;
  return (guint64) there->st_size == size || wrong_is (self, WRONG_KEEPS_WRONG_SIZE);
}

static gboolean
files_freshen_name (CaskBackend *self, const char *name, const struct stat *there,
                    GError **error)
{
  int fd = openat (self->root, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return files_fail (error, "open");
  gboolean done = files_freshen (self, fd, there, error);
  close (fd);
  return done;
}

static gboolean
files_publish_locked (CaskBackend *self, const char *temp, int fd, const char *name,
                      guint64 size, guint32 flags, gboolean *created, GError **error)
{
  struct stat there;
  gboolean is_there = fstatat (self->root, name, &there, AT_SYMLINK_NOFOLLOW) == 0;

  if (!is_there && errno != ENOENT)
    return files_fail (error, "stat");
  if (wrong_is (self, WRONG_CREATES_IN_EACH_PROCESS))
    files_dawdle ();
  *created = !is_there;
  if (is_there && files_is_hit (self, &there, size, flags))
    return wrong_is (self, WRONG_HIT_LEAVES_TEMP) || unlinkat (self->root, temp, 0) == 0
               ? files_freshen_name (self, name, &there, error)
               : files_fail (error, "unlink");
  if (!files_set_time (fd, error))
    return FALSE;
  return renameat (self->root, temp, self->root, name) == 0 ||
         files_fail (error, "rename");
}

gboolean
files_publish (CaskBackend *self, const char *temp, int fd, const CaskDigest *digest,
               guint64 size, guint32 flags, gboolean *created, GError **error)
{
  char name[FILES_NAME];
  int lock = files_lock (self, WRONG_CREATES_IN_EACH_PROCESS, error);

  if (lock < 0)
    return FALSE;
  files_name (digest, name);
  gboolean done =
      files_publish_locked (self, temp, fd, name, size, flags, created, error);
  files_unlock (self, lock);
  return done;
}
