/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-upload.c: writing in pieces, without a detour over a disk.
 *
 * What is written gathers in one buffer that grows as needed, and on commit becomes the
 * blob as it is. What an upload announces is believed only as far as a start: the buffer
 * follows what really comes.
 *
 * Failure modes: TOO_LARGE as soon as more is announced or written than could ever fit
 * under the limit; NO_SPACE where there is no memory. */
#include "memory-private.h"

#define UPLOAD_START_MOST (1024 * 1024)
#define UPLOAD_START_LEAST 4096

/* Calls on one upload come one at a time: no lock. */
struct _CaskBackendUpload
{
  guint8 *data;
  gsize size, capacity;
  GBytes *bytes; /* (nullable) once a commit was tried: all of it */
};

CaskBackendUpload *
memory_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                     G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  gboolean is_known = spec->expected_size != CASK_UNKNOWN;
  if (is_known && !memory_room_check (self->place, spec->expected_size, error))
    return NULL;
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  upload->capacity = is_known ? MIN (spec->expected_size, UPLOAD_START_MOST) : 0;
  if (upload->capacity > 0)
    upload->data = g_malloc (upload->capacity);
  return upload;
}

static gboolean
upload_reserve (CaskBackendUpload *upload, gsize size, GError **error)
{
  if (size <= upload->capacity)
    return TRUE;
  gsize capacity = MAX (upload->capacity + upload->capacity / 2, UPLOAD_START_LEAST);
  capacity = MAX (capacity, size);
  guint8 *data = g_try_realloc (upload->data, capacity);
  if (data == NULL)
    return memory_fail_memory (capacity, error);
  upload->data = data;
  upload->capacity = capacity;
  return TRUE;
}

gboolean
memory_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                     GCancellable *cancellable, GError **error)
{
  gsize count;
  gconstpointer data = g_bytes_get_data (chunk, &count);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (count == 0)
    return TRUE;
  if (count > G_MAXSIZE / 2 - upload->size)
    return memory_fail_memory (G_MAXSIZE, error);
  if (!memory_room_check (self->place, upload->size + count, error) ||
      !upload_reserve (upload, upload->size + count, error))
    return FALSE;
  memcpy (upload->data + upload->size, data, count);
  upload->size += count;
  return TRUE;
}

/* A buffer that cannot shrink, which no allocator is known to refuse, is kept as it is.
 */
static GBytes *
upload_seal (CaskBackendUpload *upload)
{
  if (upload->size > 0 && upload->size < upload->capacity)
    {
      guint8 *data = g_try_realloc (upload->data, upload->size);
      upload->data = data != NULL ? data : upload->data;
    }
  return g_bytes_new_take (g_steal_pointer (&upload->data), upload->size);
}

gboolean
memory_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                      const CaskDigest *digest, guint32 flags, gboolean *created,
                      GCancellable *cancellable, GError **error)
{
  if (upload->bytes == NULL)
    upload->bytes = upload_seal (upload);
  return memory_put (self, digest, upload->bytes, flags | CASK_PUT_KEEP, created,
                     cancellable, error);
}

void
memory_upload_close (G_GNUC_UNUSED CaskBackend *self, CaskBackendUpload *upload,
                     G_GNUC_UNUSED gboolean keep)
{
  g_clear_pointer (&upload->bytes, g_bytes_unref);
  g_free (upload->data);
  g_free (upload);
}
