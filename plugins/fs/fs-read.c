/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-read.c: get and stat, and what of them can be answered without waiting.
 *
 * Bytes are read into memory, and mapped only where io=mmap asks for it: a file that
 * another process truncates under a mapping kills this one. A get of a small blob is
 * openat2, fstat, pread, close.
 *
 * Failure modes: a file that ends before its size did is CORRUPT, naming both counts. A
 * size is believed only as far as memory can be had for it. */
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* Below this a mapping costs more than the copy that it saves. */
#define FS_READ_MAP_MINIMUM (64 * 1024)

static gboolean
fs_read_fill (CaskBackend *self, const FsName *name, int fd, guint64 offset,
              guint8 *buffer, gsize length, GCancellable *cancellable, GError **error)
{
  gsize done = 0;
  while (done < length)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      ssize_t count = fs_system->pread (fd, buffer + done, MIN (length - done, FS_CHUNK),
                                        (off_t) (offset + done));
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return fs_fail (self, errno, "read", error);
      if (count == 0)
        return fs_fail_short (name->path, offset + length, offset + done, error);
      done += (gsize) count;
    }
  return TRUE;
}

/* fs_read_start: reads what a small file begins with.
 *
 * Returns: how many bytes there were, up to count; -1 with errno */
gssize
fs_read_start (int fd, void *buffer, gsize count)
{
  gsize done = 0;
  while (done < count)
    {
      ssize_t got =
          fs_system->pread (fd, (guint8 *) buffer + done, count - done, (off_t) done);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return -1;
      if (got == 0)
        break;
      done += (gsize) got;
    }
  return (gssize) done;
}

typedef struct
{
  void *start;
  gsize size;
} FsMapping;

static void
fs_read_unmap (gpointer data)
{
  FsMapping *mapping = data;
  munmap (mapping->start, mapping->size);
  g_free (mapping);
}

/* Returns: NULL where it can not be mapped: then it is read. */
static GBytes *
fs_read_map (int fd, guint64 offset, gsize length)
{
  gsize skip = (gsize) (offset % (guint64) sysconf (_SC_PAGESIZE));
  if (length > G_MAXSSIZE - skip)
    return NULL;
  void *start = fs_system->mmap (NULL, length + skip, PROT_READ, MAP_PRIVATE, fd,
                                 (off_t) (offset - skip));
  if (start == MAP_FAILED)
    return NULL;
  FsMapping *mapping = g_new (FsMapping, 1);
  *mapping = (FsMapping){ .start = start, .size = length + skip };
  return g_bytes_new_with_free_func ((guint8 *) start + skip, length, fs_read_unmap,
                                     mapping);
}

static GBytes *
fs_read_range (CaskBackend *self, const FsName *name, const FsBlob *blob, guint64 offset,
               guint64 length, GCancellable *cancellable, GError **error)
{
  guint64 size = (guint64) blob->st.st_size;
  if (!cask_range_clamp (size, offset, &length))
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                   "range starts at %" G_GUINT64_FORMAT
                   ", the blob has %" G_GUINT64_FORMAT " bytes",
                   offset, size);
      return NULL;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  GBytes *mapped = NULL;
  if (self->is_mapped && length >= FS_READ_MAP_MINIMUM && length <= G_MAXSSIZE)
    mapped = fs_read_map (blob->fd, offset, (gsize) length);
  if (mapped != NULL)
    return mapped;
  g_autofree guint8 *buffer =
      length <= G_MAXSSIZE ? g_try_malloc (MAX ((gsize) length, 1)) : NULL;
  if (buffer == NULL)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
                   "no memory for %" G_GUINT64_FORMAT " bytes", length);
      return NULL;
    }
  if (!fs_read_fill (self, name, blob->fd, offset, buffer, (gsize) length, cancellable,
                     error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&buffer), (gsize) length);
}

static GBytes *
fs_read_once (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
              guint32 flags, CaskBlobInfo *info, GCancellable *cancellable,
              GError **error)
{
  FsName name;
  fs_name_set (&name, self->layout, digest);
  g_auto (FsBlob) blob;
  blob.fd = -1;
  FsLook look = fs_blob_open (self, &name, &blob, error);
  if (look == FS_LOOK_ABSENT)
    fs_condemned_fail_absent (self, digest, error);
  if (look != FS_LOOK_FOUND)
    return NULL;
  if ((flags & CASK_READ_SCAN) && blob.st.st_size > FS_CHUNK)
    posix_fadvise (blob.fd, 0, 0, POSIX_FADV_NOREUSE);
  /* Before the bytes are read: by then the ctime has to be one that a later write moves.
   */
  CaskBlobInfo seen;
  fs_blob_info (self, digest, &blob.st, &seen);
  GBytes *bytes = fs_read_range (self, &name, &blob, offset, length, cancellable, error);
  if (bytes != NULL)
    *info = seen;
  return bytes;
}

GBytes *
fs_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
        guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  GBytes *bytes;
  do
    bytes =
        fs_read_once (self, digest, offset, length, flags, info, cancellable, &failure);
  while (bytes == NULL && fs_patience_again (&patience, cancellable, &failure));
  fs_patience_end (&patience, failure, error);
  return bytes;
}

/* A touch has no bytes to store anew, as a put has: what it can not renew is an error. */
static gboolean
fs_read_touch (CaskBackend *self, const FsName *name, FsBlob *blob,
               GCancellable *cancellable, GError **error)
{
  if (!fs_root_check_writable (self, error))
    return FALSE;
  switch (fs_blob_use (self, name, CASK_UNKNOWN, blob, cancellable, error))
    {
    case FS_USE_DONE:
      return TRUE;
    case FS_USE_ABSENT:
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
      return FALSE;
    case FS_USE_DENIED:
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_PERMISSION,
                           "utimens: the blob belongs to another user");
      return FALSE;
    case FS_USE_UNFIT:
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO,
                           "fsync: an earlier one failed: put the blob again");
      return FALSE;
    case FS_USE_FAILED:
    default:
      return FALSE;
    }
}

static gboolean
fs_read_stat_once (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                   CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  FsName name;
  fs_name_set (&name, self->layout, digest);
  g_auto (FsBlob) blob;
  blob.fd = -1;
  FsLook look = FS_LOOK_FOUND;
  if (!(flags & CASK_STAT_FRESHEN))
    look = fs_blob_stat (self, &name, &blob.st, error);
  else if (!fs_read_touch (self, &name, &blob, cancellable, error))
    return FALSE;
  if (look == FS_LOOK_ABSENT)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  if (look != FS_LOOK_FOUND)
    return FALSE;
  fs_blob_info (self, digest, &blob.st, info);
  return TRUE;
}

gboolean
fs_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
         GCancellable *cancellable, GError **error)
{
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  gboolean done;
  do
    done = fs_read_stat_once (self, digest, flags, info, cancellable, &failure);
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  return fs_patience_end (&patience, failure, error);
}

/* Only the kernel's memory is asked: a name that is not cached is EAGAIN there, so ENOENT
 * comes from a cached negative entry and is certain. */
static CaskTry
fs_read_try_open (CaskBackend *self, const CaskDigest *digest, int flags, FsBlob *blob)
{
  if (self->place != FS_PLACE_LOCAL && self->place != FS_PLACE_MEMORY)
    return CASK_TRY_AGAIN;
  FsName name;
  fs_name_set (&name, self->layout, digest);
  g_auto (FsShard) shard = { 0 };
  int kept = fs_shard_use (self, &name, FALSE, &shard);
  blob->fd = kept >= 0 ? fs_root_openat_cached (self, kept, fs_name_leaf (&name),
                                                flags | O_NOFOLLOW)
                       : fs_root_open_cached (self, name.path, flags | O_NOFOLLOW);
  if (blob->fd < 0 && errno == ENOENT)
    {
      gboolean is_certain =
          kept >= 0 ? fs_shard_is_live (self, &name, &shard) : !fs_root_is_gone (self);
      return is_certain ? CASK_TRY_ABSENT : CASK_TRY_AGAIN;
    }
  if (blob->fd < 0)
    return CASK_TRY_AGAIN;
  if (fs_system->fstat (blob->fd, &blob->st) != 0 || !S_ISREG (blob->st.st_mode) ||
      blob->st.st_nlink == 0)
    return CASK_TRY_AGAIN;
  return CASK_TRY_FOUND;
}

CaskTry
fs_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
            guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  (void) flags;
  g_auto (FsBlob) blob;
  blob.fd = -1;
  CaskTry found =
      fs_read_try_open (self, digest, O_RDONLY | O_NONBLOCK | O_NOCTTY, &blob);
  if (found == CASK_TRY_ABSENT && !fs_condemned_try_absent (self, digest))
    return CASK_TRY_AGAIN;
  if (found != CASK_TRY_FOUND)
    return found;
  if (g_atomic_int_get (&self->no_nowait) ||
      !cask_range_clamp ((guint64) blob.st.st_size, offset, &length) ||
      length > CASK_TRY_LIMIT)
    return CASK_TRY_AGAIN;
  CaskBlobInfo seen; /* before the bytes, as in a get */
  fs_blob_info (self, digest, &blob.st, &seen);
  g_autofree guint8 *buffer = g_malloc (MAX ((gsize) length, 1));
  struct iovec vector = { .iov_base = buffer, .iov_len = (gsize) length };
  ssize_t count = 0;
  if (length > 0)
    count = fs_system->preadv2 (blob.fd, &vector, 1, (off_t) offset, RWF_NOWAIT);
  if (count < 0 && errno == EOPNOTSUPP)
    g_atomic_int_set (&self->no_nowait, TRUE);
  /* Short: the rest is not in memory, or the file ends early; the blocking get can tell.
   */
  if (count != (ssize_t) length)
    return CASK_TRY_AGAIN;
  *bytes = g_bytes_new_take (g_steal_pointer (&buffer), (gsize) length);
  *info = seen;
  return CASK_TRY_FOUND;
}

CaskTry
fs_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  g_auto (FsBlob) blob;
  blob.fd = -1;
  CaskTry found = fs_read_try_open (self, digest, O_PATH, &blob);
  if (found == CASK_TRY_FOUND)
    fs_blob_info (self, digest, &blob.st, info);
  return found;
}
