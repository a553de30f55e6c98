/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-blob.c: one blob: its bytes, when it was last used, what is known of it.
 *
 * Locks: its shard's, held by the caller, for all but new and free; free must not be
 * called under it, for letting go of bytes may unmap a file or call a host's function. */
#include "memory-private.h"

static _Atomic guint64 blob_versions; /* the last one given */

/* memory_blob_new: a blob with no bytes yet. */
MemoryBlob *
memory_blob_new (const CaskDigest *digest)
{
  MemoryBlob *blob = g_new0 (MemoryBlob, 1);
  blob->digest = *digest;
  blob->used_link.data = blob;
  return blob;
}

void
memory_blob_free (MemoryBlob *blob)
{
  g_clear_pointer (&blob->bytes, g_bytes_unref);
  g_free (blob);
}

/* memory_blob_set_bytes: begins a new copy with *bytes, and leaves in *bytes those of the
 * copy before, if there was one, for the caller to let go of without the lock.
 *
 * No two copies in the process share a version, whatever their place: under a mirror of
 * two places, the core must not take one's copy for the other's. */
void
memory_blob_set_bytes (const MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob,
                       GBytes **bytes)
{
  GBytes *before = blob->bytes;
  guint64 size_before = blob->size;
  blob->bytes = *bytes;
  blob->size = g_bytes_get_size (*bytes);
  blob->mtime_usec = g_get_real_time ();
  blob->version = atomic_fetch_add (&blob_versions, 1) + 1;
  *bytes = before;
  if (before == NULL)
    return;
  shard->bytes += blob->size - size_before;
  memory_room_use (place, shard, blob);
}

/* memory_blob_freshen: renews a modification time that is as old as the store's freshen
 * interval. One in the future, left by a clock that was set back, keeps the blob from a
 * collector as well as a new one would. */
void
memory_blob_freshen (const MemoryPlace *place, MemoryBlob *blob)
{
  gint64 now = g_get_real_time ();
  if (now >= blob->mtime_usec &&
      (guint64) (now - blob->mtime_usec) >= place->settings.freshen_usec)
    blob->mtime_usec = now;
}

void
memory_blob_info (const MemoryBlob *blob, CaskBlobInfo *info)
{
  info->digest = blob->digest;
  info->size = blob->size;
  info->mtime_usec = blob->mtime_usec;
  info->version = blob->version;
  memset (info->reserved, 0, sizeof info->reserved);
}
