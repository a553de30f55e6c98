/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-put.c: from bytes to a blob.
 *
 * The happy path is: look under the lock and find it absent, with room for it; copy the
 * bytes with no lock held; look again, take the room and let the blob in, all under one
 * lock. Of many that put one blob at once each may have made its copy, but one finds it
 * absent, and the others a hit.
 *
 * Failure modes: TOO_LARGE for what could never fit under the limit; NO_SPACE where it is
 * full and nothing is evicted, or there is no memory for the copy. */
#include "memory-private.h"

void
memory_put_clear (MemoryPut *put)
{
  g_clear_pointer (&put->bytes, g_bytes_unref);
  g_clear_pointer (&put->fresh, memory_blob_free);
}

/* memory_fail_memory: sets the error for bytes that there is no memory for. Returns:
 * FALSE. */
gboolean
memory_fail_memory (guint64 size, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_NO_SPACE,
               "allocate: no memory for %" G_GUINT64_FORMAT " bytes", size);
  return FALSE;
}

/* Under a layer that encodes, the copy there may well be of another size and as good. */
static gboolean
put_replaces (const MemoryPlace *place, const MemoryBlob *blob, const MemoryPut *put)
{
  if ((put->flags & CASK_PUT_REPLACE) != 0)
    return TRUE;
  return blob->size != put->size && !place->is_encoded;
}

/* memory_put_step_locked: the put as far as it gets without letting go of the shard. */
MemoryPutStep
memory_put_step_locked (MemoryPlace *place, MemoryShard *shard, MemoryPut *put)
{
  MemoryBlob *blob = memory_shard_find (shard, put->digest);
  put->created = blob == NULL;
  if (blob != NULL && !put_replaces (place, blob, put))
    {
      memory_blob_freshen (place, blob);
      memory_room_use (place, shard, blob);
      return MEMORY_PUT_DONE;
    }
  guint64 replaced = blob != NULL ? blob->size : 0;
  if (memory_room_is_short (place, put->size, replaced))
    return MEMORY_PUT_WANTS_ROOM;
  if (put->bytes == NULL)
    return MEMORY_PUT_WANTS_BYTES;
  if (!memory_room_take (place, put->size, replaced))
    return MEMORY_PUT_WANTS_ROOM;
  if (blob != NULL)
    {
      memory_blob_set_bytes (place, shard, blob, &put->bytes);
      return MEMORY_PUT_DONE;
    }
  memory_blob_set_bytes (place, shard, put->fresh, &put->bytes);
  memory_room_enter (place, shard, g_steal_pointer (&put->fresh));
  return MEMORY_PUT_DONE;
}

static MemoryPutStep
put_step (MemoryPlace *place, MemoryPut *put)
{
  MemoryShard *shard = memory_place_shard_of (place, put->digest);
  memory_lock (place, shard, TRUE);
  MemoryPutStep step = memory_put_step_locked (place, shard, put);
  memory_unlock (shard, NULL);
  return step;
}

/* memory_put_keep_bytes: gets what a put that creates lets in.
 *
 * Without KEEP the bytes may be a slice of something larger, or lie in a mapping that
 * somebody else can change. */
gboolean
memory_put_keep_bytes (MemoryPut *put, GBytes *bytes, GError **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  if ((put->flags & CASK_PUT_KEEP) != 0 || size == 0)
    put->bytes = size == 0 ? g_bytes_new (NULL, 0) : g_bytes_ref (bytes);
  else
    {
      gpointer copy = g_try_malloc (size);
      if (copy == NULL)
        return memory_fail_memory (size, error);
      put->bytes = g_bytes_new_take (memcpy (copy, data, size), size);
    }
  put->fresh = memory_blob_new (put->digest);
  return TRUE;
}

/* memory_put_run: takes a put to its end, wherever it stands. */
gboolean
memory_put_run (MemoryPlace *place, MemoryPut *put, GBytes *bytes,
                GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      MemoryPutStep step = put_step (place, put);
      if (step == MEMORY_PUT_DONE)
        return TRUE;
      if (step == MEMORY_PUT_WANTS_BYTES && !memory_put_keep_bytes (put, bytes, error))
        return FALSE;
      if (step == MEMORY_PUT_WANTS_ROOM && !memory_room_make (place, error))
        return FALSE;
    }
}

gboolean
memory_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
            gboolean *created, GCancellable *cancellable, GError **error)
{
  g_auto (MemoryPut)
      put = { .digest = digest, .size = g_bytes_get_size (bytes), .flags = flags };
  if (!memory_room_check (self->place, put.size, error) ||
      !memory_put_run (self->place, &put, bytes, cancellable, error))
    return FALSE;
  *created = put.created;
  return TRUE;
}
