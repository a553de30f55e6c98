/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-handle.c: reading a blob in pieces.
 *
 * A handle is one open file and the size that it had then. The file outlives its name, so
 * a removal or a healing put changes nothing for who reads; and it is read by offset, so
 * any number of threads may use one handle.
 *
 * Failure modes: a file that ends before its size did is CORRUPT. One that grew is read
 * as far as it went at open. A blob is never mapped here, whatever io= says. */
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Up to this size the kernel's ordinary read-ahead has it all at once. */
#define FS_HANDLE_SMALL (64 * 1024)

struct _CaskBackendBlob
{
  FsBlob file;
  FsName name; /* for messages */
};

/* More read-ahead for who reads in order; and who reads everything once should not push
 * out what others read often. Both are advice: whether they are taken does not matter. */
static void
fs_handle_advise (const FsBlob *file, guint32 flags)
{
  if (file->st.st_size <= FS_HANDLE_SMALL)
    return;
  posix_fadvise (file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  if (flags & CASK_READ_SCAN)
    posix_fadvise (file->fd, 0, 0, POSIX_FADV_NOREUSE);
}

static FsLook
fs_handle_find (CaskBackend *self, const CaskDigest *digest, const FsName *name,
                FsBlob *file, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FS_LOOK_FAILED;
  FsLook look = fs_blob_open (self, name, file, error);
  if (look == FS_LOOK_ABSENT)
    fs_condemned_fail_absent (self, digest, error);
  return look;
}

CaskBackendBlob *
fs_handle_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  CaskBackendBlob *blob = g_new (CaskBackendBlob, 1);
  blob->file.fd = -1;
  fs_name_set (&blob->name, self->layout, digest);
  FsLook look;
  do
    look = fs_handle_find (self, digest, &blob->name, &blob->file, cancellable, &failure);
  while (look == FS_LOOK_FAILED && fs_patience_again (&patience, cancellable, &failure));
  fs_patience_end (&patience, failure, error);
  if (look != FS_LOOK_FOUND)
    {
      fs_blob_clear (&blob->file);
      g_free (blob);
      return NULL;
    }
  fs_handle_advise (&blob->file, flags);
  /* Before any byte is read: by then the ctime has to be one that a later write moves. */
  fs_blob_info (self, digest, &blob->file.st, info);
  return blob;
}

gssize
fs_handle_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
                gsize count, GCancellable *cancellable, GError **error)
{
  guint64 size = (guint64) blob->file.st.st_size;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  if (offset >= size || count == 0)
    return 0;
  gsize wanted = (gsize) MIN (size - offset, (guint64) MIN (count, FS_CHUNK));
  ssize_t got;
  do
    got = fs_system->pread (blob->file.fd, buffer, wanted, (off_t) offset);
  while (got < 0 && errno == EINTR);
  GError *failure = NULL;
  if (got < 0 && !fs_fail_path (self, errno, "read", blob->name.path, &failure))
    return fs_patience_none (failure, error), -1;
  if (got == 0)
    return fs_fail_short (blob->name.path, size, offset, error), -1;
  return got;
}

/* A handle is a descriptor that somebody may be waiting for. */
void
fs_handle_close (CaskBackend *self, CaskBackendBlob *blob)
{
  FsPatience patience = { .self = self };
  fs_blob_clear (&blob->file);
  g_free (blob);
  fs_patience_end (&patience, NULL, NULL);
}
