/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-upload.c: writing in pieces, without a detour over a disk.
 *
 * What is written gathers in one buffer that grows as needed, and on commit becomes the
 * blob as it is. A list of the pieces would have to be joined then, and for that moment
 * the bytes would be there twice; a large buffer grows by moving its pages, not by
 * copying. What an upload announces is believed only as far as a start: the buffer
 * follows what really comes.
 *
 * Invariants: what lies before `size` never changes, so a write needs no lock, and what
 * was saved is no more than a number.
 *
 * Locks: an upload's own is taken by readers, and by the writer only where the buffer may
 * move. Nobody else waits for it.
 *
 * Failure modes: TOO_LARGE as soon as more is announced or written than could ever fit
 * under the limit; NO_SPACE where max-upload-bytes is reached or there is no memory. */
#include "memory-private.h"

#define UPLOAD_START_MOST (1024 * 1024)
#define UPLOAD_START_LEAST 4096
#define UPLOAD_READ_MOST (256 * 1024) /* for one hold of the lock */

/* ---- The limit on all of them ---- */

static gboolean
upload_charge (MemoryPlace *place, guint64 count, GError **error)
{
  guint64 limit = place->settings.max_upload_bytes;
  if (limit == 0)
    return TRUE;
  guint64 held = atomic_load (&place->uploads.bytes);
  do
    if (count > limit - held)
      {
        g_set_error (error, CASK_ERROR, CASK_ERROR_NO_SPACE,
                     "max-upload-bytes: the limit of %" G_GUINT64_FORMAT
                     " bytes is reached",
                     limit);
        return FALSE;
      }
  while (!atomic_compare_exchange_weak (&place->uploads.bytes, &held, held + count));
  return TRUE;
}

static void
upload_refund (MemoryPlace *place, guint64 count)
{
  if (place->settings.max_upload_bytes != 0)
    atomic_fetch_sub (&place->uploads.bytes, count);
}

/* ---- The buffer ---- */

/* An allocator that can not make it smaller, which none is known to do, leaves it as it
 * is. */
static gboolean
upload_resize (CaskBackendUpload *upload, gsize capacity, GError **error)
{
  g_mutex_lock (&upload->lock);
  guint8 *data = g_try_realloc (upload->data, capacity);
  if (data != NULL || capacity == 0)
    {
      upload->data = data;
      upload->capacity = capacity;
    }
  g_mutex_unlock (&upload->lock);
  return capacity <= upload->capacity || memory_fail_memory (capacity, error);
}

static gboolean
upload_reserve (CaskBackendUpload *upload, gsize size, GError **error)
{
  if (size <= upload->capacity)
    return TRUE;
  gsize capacity = MAX (upload->capacity + upload->capacity / 2, UPLOAD_START_LEAST);
  return upload_resize (upload, MAX (capacity, size), error);
}

/* Hands the buffer over to bytes, which a blob can keep. */
static void
upload_seal (CaskBackendUpload *upload)
{
  if (upload->bytes != NULL)
    return;
  gsize size = atomic_load (&upload->size);
  if (size < upload->capacity)
    upload_resize (upload, size, NULL);
  g_mutex_lock (&upload->lock);
  upload->bytes = g_bytes_new_take (upload->data, size);
  g_mutex_unlock (&upload->lock);
}

/* After a commit that failed the bytes are ours alone, so they come back uncopied. */
static void
upload_unseal (CaskBackendUpload *upload)
{
  if (upload->bytes == NULL)
    return;
  g_mutex_lock (&upload->lock);
  upload->data =
      g_bytes_unref_to_data (g_steal_pointer (&upload->bytes), &upload->capacity);
  g_mutex_unlock (&upload->lock);
}

/* ---- The slots ---- */

CaskBackendUpload *
memory_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                     G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  gboolean is_known = spec->expected_size != CASK_UNKNOWN;
  if (is_known && !memory_room_check (self->place, spec->expected_size, error))
    return NULL;
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  g_mutex_init (&upload->lock);
  upload->is_open = TRUE;
  if (is_known && spec->expected_size > 0)
    upload_resize (upload, MIN (spec->expected_size, UPLOAD_START_MOST), NULL);
  return upload;
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
  gsize size = atomic_load_explicit (&upload->size, memory_order_relaxed);
  if (count > G_MAXSIZE / 2 - size)
    return memory_fail_memory (G_MAXSIZE, error);
  if (!memory_room_check (self->place, size + count, error) ||
      !upload_charge (self->place, count, error))
    return FALSE;
  upload_unseal (upload);
  if (!upload_reserve (upload, size + count, error))
    {
      upload_refund (self->place, count);
      return FALSE;
    }
  memcpy (upload->data + size, data, count);
  atomic_store_explicit (&upload->size, size + count, memory_order_release);
  return TRUE;
}

/* From here on the bytes count as a blob's, and no longer as an upload's. */
gboolean
memory_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                      const CaskDigest *digest, guint32 flags, gboolean *created,
                      GCancellable *cancellable, GError **error)
{
  upload_seal (upload);
  if (!memory_put (self, digest, upload->bytes, flags | CASK_PUT_KEEP, created,
                   cancellable, error))
    return FALSE;
  if (!upload->is_committed)
    upload_refund (self->place, atomic_load (&upload->size));
  upload->is_committed = TRUE;
  if (upload->is_saved)
    memory_saved_forget (&self->place->uploads, upload);
  return TRUE;
}

/* Returns: how much was copied; the buffer stays where it is meanwhile. */
static gsize
upload_copy (CaskBackendUpload *upload, guint64 offset, guint8 *buffer, gsize count)
{
  gsize n_copied = 0;
  g_mutex_lock (&upload->lock);
  gsize size = atomic_load_explicit (&upload->size, memory_order_acquire);
  if (offset < size)
    n_copied = MIN (MIN (count, size - (gsize) offset), UPLOAD_READ_MOST);
  if (n_copied > 0)
    memcpy (buffer, upload->data + offset, n_copied);
  g_mutex_unlock (&upload->lock);
  return n_copied;
}

gboolean
memory_upload_read (G_GNUC_UNUSED CaskBackend *self, CaskBackendUpload *upload,
                    guint64 offset, void *buffer, gsize count, gsize *n_read,
                    GCancellable *cancellable, GError **error)
{
  gsize done = 0;
  gsize n_copied;
  do
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      n_copied =
          upload_copy (upload, offset + done, (guint8 *) buffer + done, count - done);
      done += n_copied;
    }
  while (n_copied > 0 && done < count);
  *n_read = done;
  return TRUE;
}

void
memory_upload_free (CaskBackendUpload *upload)
{
  if (upload->bytes != NULL)
    g_bytes_unref (upload->bytes);
  else
    g_free (upload->data);
  g_clear_pointer (&upload->state, g_bytes_unref);
  g_mutex_clear (&upload->lock);
  g_free (upload);
}

/* Goes back to what was saved, and waits to be resumed. It is somebody else's as soon as
 * it rests. */
static void
upload_rest (MemoryPlace *place, CaskBackendUpload *upload)
{
  upload_unseal (upload);
  upload_refund (place, atomic_load (&upload->size) - upload->saved_size);
  atomic_store (&upload->size, upload->saved_size);
  if (upload->saved_size < upload->capacity)
    upload_resize (upload, upload->saved_size, NULL);
  memory_saved_rest (&place->uploads, upload);
}

void
memory_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  if (upload->is_saved && keep)
    {
      upload_rest (self->place, upload);
      return;
    }
  if (upload->is_saved)
    memory_saved_forget (&self->place->uploads, upload);
  if (!upload->is_committed)
    upload_refund (self->place, atomic_load (&upload->size));
  memory_upload_free (upload);
}
