/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-files-read.c: what `wrong-files` tells and gives of its blobs. */
#include "wrong-files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
read_fail_open (CaskBackend *self, GError **error)
{
  if (errno == ENOENT || wrong_is (self, WRONG_ERROR_IS_ABSENT))
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  else if (errno == ELOOP)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CORRUPT, "not a regular file");
  else
    files_fail (error, "open");
  return -1;
}

int
files_open_blob (CaskBackend *self, const CaskDigest *digest, struct stat *status,
                 GError **error)
{
  char name[FILES_NAME];

  files_name (digest, name);
  int fd = openat (self->root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return read_fail_open (self, error);
  gboolean is_known = fstat (fd, status) == 0;
  if (is_known && !S_ISREG (status->st_mode))
    errno = ELOOP;
  else if (is_known && status->st_size == 0 &&
           wrong_is (self, WRONG_EMPTY_FILE_IS_ABSENT))
    errno = ENOENT;
  else if (is_known)
    return fd;
  int failure = errno;
  close (fd);
  errno = failure;
  return read_fail_open (self, error);
}

static gint64
read_mtime (const struct stat *status)
{
  return status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
}

/* No version: what would change with the bytes and with nothing else, a file does not
 * tell. */
CaskBlobInfo
files_info (CaskBackend *self, const CaskDigest *digest, const struct stat *status)
{
  return (CaskBlobInfo){ .digest = *digest,
                         .size = (guint64) status->st_size,
                         .mtime_usec = read_mtime (status),
                         .version = wrong_is (self, WRONG_VERSION_IS_INODE)
                                        ? status->st_ino
                                        : 0 };
}

gboolean
files_freshen (CaskBackend *self, int fd, const struct stat *status, GError **error)
{
  gint64 age = g_get_real_time () - read_mtime (status);

  if (age < self->freshen_usec || (wrong_is (self, WRONG_FRESHENS_HOURLY) &&
                                   self->freshen_usec == CASK_FRESHEN_LAG_USEC &&
                                   age < 3600 * (gint64) G_USEC_PER_SEC))
    return TRUE;
  return files_set_time (fd, error);
}

/* Returns: -1 with an error, or how much was read before the end */
static gssize
read_whole (int fd, guint64 offset, guint8 *buffer, gsize count, GError **error)
{
  gsize done = 0;

  while (done < count)
    {
      ssize_t n = pread (fd, buffer + done, count - done, (off_t) (offset + done));
      if (n == 0)
        break;
      if (n < 0 && errno != EINTR)
        return files_fail (error, "read"), -1;
      done += n > 0 ? (gsize) n : 0;
    }
  return (gssize) done;
}

static GBytes *
read_range (int fd, guint64 size, guint64 offset, guint64 length, GError **error)
{
  if (!cask_range_clamp (size, offset, &length))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                           "the range starts past the end");
      return NULL;
    }
  g_autofree guint8 *buffer = g_try_malloc (MAX (length, 1));
  if (buffer == NULL)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NO_SPACE, "no memory");
      return NULL;
    }
  gssize n = read_whole (fd, offset, buffer, (gsize) length, error);
  if (n < 0)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&buffer), (gsize) n);
}

GBytes *
files_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
           G_GNUC_UNUSED guint32 flags, CaskBlobInfo *info, GCancellable *cancellable,
           GError **error)
{
  struct stat status;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  int fd = files_open_blob (self, digest, &status, error);
  if (fd < 0)
    return NULL;
  *info = files_info (self, digest, &status);
  GBytes *bytes = read_range (fd, info->size, offset, length, error);
  close (fd);
  return bytes;
}

/* Under the lock, for the time of what is being removed must not be renewed. */
static gboolean
stat_freshening (CaskBackend *self, const CaskDigest *digest, struct stat *status,
                 GError **error)
{
  int lock = files_lock (self, WRONG_NOTHING, error);
  if (lock < 0)
    return FALSE;
  int fd = files_open_blob (self, digest, status, error);
  gboolean done = fd >= 0 && files_freshen (self, fd, status, error) &&
                  (fstat (fd, status) == 0 || files_fail (error, "stat"));
  if (fd >= 0)
    close (fd);
  files_unlock (self, lock);
  return done;
}

static gboolean
stat_remembered (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  if (!wrong_is (self, WRONG_REMEMBERS_PRESENCE))
    return FALSE;
  g_mutex_lock (&self->lock);
  const CaskBlobInfo *known = g_hash_table_lookup (self->known, digest);
  if (known != NULL)
    *info = *known;
  g_mutex_unlock (&self->lock);
  return known != NULL;
}

gboolean
files_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
            CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  struct stat status;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (stat_remembered (self, digest, info))
    return TRUE;
  if (flags & CASK_STAT_FRESHEN)
    {
      if (!stat_freshening (self, digest, &status, error))
        return FALSE;
      *info = files_info (self, digest, &status);
      return TRUE;
    }
  int fd = files_open_blob (self, digest, &status, error);
  if (fd < 0 && wrong_is (self, WRONG_STAT_ERROR_IS_ABSENT) && error != NULL)
    (*error)->code = CASK_ERROR_NOT_FOUND;
  if (fd < 0)
    return FALSE;
  close (fd);
  *info = files_info (self, digest, &status);
  return TRUE;
}

gboolean
files_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                     GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  for (gsize i = 0; i < n_items; i++)
    {
      CaskBlobInfo unwanted;
      CaskItem *item = &items[i];
      CaskBlobInfo *info = item->info != NULL ? item->info : &unwanted;
      item->outcome = (guint32) files_stat (self, item->digest, flags, info, cancellable,
                                            &item->error);
      if (wrong_is (self, WRONG_MANY_ERRORS_ARE_ABSENT) ||
          g_error_matches (item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
        g_clear_error (&item->error);
    }
  return TRUE;
}

/* ---- Readers ---- */

CaskBackendBlob *
files_blob_open (CaskBackend *self, const CaskDigest *digest, G_GNUC_UNUSED guint32 flags,
                 CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  struct stat status;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  int fd = files_open_blob (self, digest, &status, error);
  if (fd < 0)
    return NULL;
  *info = files_info (self, digest, &status);
  CaskBackendBlob *blob = g_new0 (CaskBackendBlob, 1);
  blob->fd = fd;
  blob->digest = *digest;
  return blob;
}

static gssize
read_by_name (CaskBackend *self, const CaskDigest *digest, guint64 offset, void *buffer,
              gsize count, GError **error)
{
  struct stat status;
  int fd = files_open_blob (self, digest, &status, NULL);

  if (fd < 0)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_GONE, "the blob was removed");
      return -1;
    }
  gssize n = read_whole (fd, offset, buffer, count, error);
  close (fd);
  return n;
}

gssize
files_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
                 gsize count, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  if (offset > G_MAXINT64)
    return 0;
  if (wrong_is (self, WRONG_REOPENS_BY_NAME))
    return read_by_name (self, &blob->digest, offset, buffer, count, error);
  return read_whole (blob->fd, offset, buffer, count, error);
}

void
files_blob_close (CaskBackend *self, CaskBackendBlob *blob)
{
  if (!wrong_is (self, WRONG_READER_LEAKS))
    close (blob->fd);
  g_free (blob);
}
