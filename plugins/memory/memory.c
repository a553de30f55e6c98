/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c: the memory backend's table: opening, reading, removing.
 *
 * A get passes one lock, of the shard in which the digest lies, finds the blob, takes a
 * reference on its bytes and copies what is known of it. Whatever is handed out stays
 * good after the blob is removed, replaced or evicted, and after the store is closed.
 *
 * Locks: see memory-private.h. */
#include "memory-private.h"

/* ---- Opening and closing ---- */

enum
{
  MEMORY_OPTION_MAX_BYTES,
  MEMORY_OPTION_EVICT,
  MEMORY_OPTION_FRESHEN,
  MEMORY_OPTION_MAX_UPLOADS,
  MEMORY_OPTION_MAX_UPLOAD_BYTES
};

static const CaskOptionSpec memory_options[] = {
  [MEMORY_OPTION_MAX_BYTES] = { .name = "max-bytes",
                                .help = "how many bytes of blobs it takes at most; "
                                        "without it as many as there is memory for",
                                .type = CASK_OPTION_SIZE,
                                .min = 1,
                                .max = G_MAXUINT64 },
  [MEMORY_OPTION_EVICT] = { .name = "evict",
                            .help = "what goes when max-bytes is reached: nothing, or "
                                    "the least recently used blob",
                            .fallback = "none",
                            .choices = "none|lru",
                            .type = CASK_OPTION_CHOICE },
  [MEMORY_OPTION_FRESHEN] = { .name = "freshen",
                              .help = "how old a modification time may be before a use "
                                      "renews it",
                              .fallback = "60s",
                              .type = CASK_OPTION_DURATION },
  [MEMORY_OPTION_MAX_UPLOADS] = { .name = "max-uploads",
                                  .help = "how many uploads may be saved; 0: any number",
                                  .fallback = "10000",
                                  .type = CASK_OPTION_UINT },
  [MEMORY_OPTION_MAX_UPLOAD_BYTES] = { .name = "max-upload-bytes",
                                       .help = "how many bytes all uploads, open or "
                                               "saved, may hold; 0: as many as there "
                                               "is memory for",
                                       .fallback = "0",
                                       .type = CASK_OPTION_SIZE }
};

static CaskBackend *
memory_open (const CaskOpenArgs *args, G_GNUC_UNUSED GCancellable *cancellable,
             GError **error)
{
  const CaskOptionValue *max_bytes = &args->values[MEMORY_OPTION_MAX_BYTES];
  MemorySettings settings = {
    .max_bytes = max_bytes->is_set ? max_bytes->number : CASK_UNKNOWN,
    .freshen_usec = args->values[MEMORY_OPTION_FRESHEN].number,
    .max_uploads = args->values[MEMORY_OPTION_MAX_UPLOADS].number,
    .max_upload_bytes = args->values[MEMORY_OPTION_MAX_UPLOAD_BYTES].number,
    .evict = args->values[MEMORY_OPTION_EVICT].number == 1 ? MEMORY_EVICT_LRU
                                                           : MEMORY_EVICT_NONE
  };
  if (settings.evict == MEMORY_EVICT_LRU && !max_bytes->is_set)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                           "evict: lru needs max-bytes as well");
      return NULL;
    }
  MemoryPlace *place = memory_place_acquire (args, &settings, error);
  if (place == NULL)
    return NULL;
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->place = place;
  return self;
}

static void
memory_close (CaskBackend *self)
{
  memory_place_release (self->place);
  g_free (self);
}

/* ---- Reading ---- */

gboolean
memory_fail_absent (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return FALSE;
}

/* memory_get_is_use: whether a get changes the order in which blobs are evicted. */
gboolean
memory_get_is_use (const MemoryPlace *place, guint32 flags)
{
  return place->settings.evict == MEMORY_EVICT_LRU && (flags & CASK_READ_SCAN) == 0;
}

/* memory_ref_locked: the bytes of the blob, whole, and what is known of that very copy;
 * NULL where it is absent. */
GBytes *
memory_ref_locked (MemoryPlace *place, MemoryShard *shard, const CaskDigest *digest,
                   guint32 flags, CaskBlobInfo *info)
{
  MemoryBlob *blob = memory_shard_find (shard, digest);
  if (blob == NULL)
    return NULL;
  memory_blob_info (blob, info);
  if (memory_get_is_use (place, flags))
    memory_room_use (place, shard, blob);
  return g_bytes_ref (blob->bytes);
}

static GBytes *
memory_ref_bytes (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                  CaskBlobInfo *info)
{
  MemoryShard *shard = memory_place_shard_of (self->place, digest);
  MemoryDoor *door =
      memory_lock (self->place, shard, memory_get_is_use (self->place, flags));
  GBytes *bytes = memory_ref_locked (self->place, shard, digest, flags, info);
  memory_unlock (shard, door);
  return bytes;
}

/* memory_look_locked: whether the blob is there; FRESHEN makes the look a use. info:
 * (nullable). */
gboolean
memory_look_locked (MemoryPlace *place, MemoryShard *shard, const CaskDigest *digest,
                    guint32 flags, CaskBlobInfo *info)
{
  MemoryBlob *blob = memory_shard_find (shard, digest);
  if (blob == NULL)
    return FALSE;
  if ((flags & CASK_STAT_FRESHEN) != 0)
    {
      memory_blob_freshen (place, blob);
      memory_room_use (place, shard, blob);
    }
  if (info != NULL)
    memory_blob_info (blob, info);
  return TRUE;
}

static gboolean
memory_find_info (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                  CaskBlobInfo *info)
{
  MemoryShard *shard = memory_place_shard_of (self->place, digest);
  MemoryDoor *door = memory_lock (self->place, shard, (flags & CASK_STAT_FRESHEN) != 0);
  gboolean is_there = memory_look_locked (self->place, shard, digest, flags, info);
  memory_unlock (shard, door);
  return is_there;
}

/* Takes over bytes, and cuts from them what cask_range_clamp() has found. */
static GBytes *
memory_slice (GBytes *bytes, guint64 size, guint64 offset, guint64 length)
{
  if (length == size)
    return bytes;
  GBytes *slice = g_bytes_new_from_bytes (bytes, offset, length);
  g_bytes_unref (bytes);
  return slice;
}

static GBytes *
memory_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
            guint32 flags, CaskBlobInfo *info, G_GNUC_UNUSED GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GBytes) bytes = memory_ref_bytes (self, digest, flags, info);
  if (bytes == NULL)
    {
      memory_fail_absent (error);
      return NULL;
    }
  if (!cask_range_clamp (info->size, offset, &length))
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                   "range: starts at %" G_GUINT64_FORMAT
                   ", past the end of %" G_GUINT64_FORMAT " bytes",
                   offset, info->size);
      return NULL;
    }
  return memory_slice (g_steal_pointer (&bytes), info->size, offset, length);
}

static gboolean
memory_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
             CaskBlobInfo *info, G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  return memory_find_info (self, digest, flags, info) || memory_fail_absent (error);
}

/* A range past the end, or more than may be answered with here, is the blocking slot's
 * to deal with. */
static CaskTry
memory_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  g_autoptr (GBytes) whole = memory_ref_bytes (self, digest, flags, info);
  if (whole == NULL)
    return CASK_TRY_ABSENT;
  if (!cask_range_clamp (info->size, offset, &length) || length > CASK_TRY_LIMIT)
    return CASK_TRY_AGAIN;
  *bytes = memory_slice (g_steal_pointer (&whole), info->size, offset, length);
  return CASK_TRY_FOUND;
}

static CaskTry
memory_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  return memory_find_info (self, digest, 0, info) ? CASK_TRY_FOUND : CASK_TRY_ABSENT;
}

/* ---- Reading in pieces ---- */

struct _CaskBackendBlob
{
  GBytes *bytes;
};

static CaskBackendBlob *
memory_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                  CaskBlobInfo *info, G_GNUC_UNUSED GCancellable *cancellable,
                  GError **error)
{
  GBytes *bytes = memory_ref_bytes (self, digest, flags, info);
  if (bytes == NULL)
    {
      memory_fail_absent (error);
      return NULL;
    }
  CaskBackendBlob *blob = g_new (CaskBackendBlob, 1);
  blob->bytes = bytes;
  return blob;
}

static gssize
memory_blob_read (G_GNUC_UNUSED CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                  void *buffer, gsize count, G_GNUC_UNUSED GCancellable *cancellable,
                  G_GNUC_UNUSED GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (blob->bytes, &size);
  if (offset >= size)
    return 0;
  gsize n_read = MIN (MIN (count, size - (gsize) offset), (gsize) G_MAXSSIZE);
  memcpy (buffer, data + offset, n_read);
  return (gssize) n_read;
}

static void
memory_blob_close (G_GNUC_UNUSED CaskBackend *self, CaskBackendBlob *blob)
{
  g_bytes_unref (blob->bytes);
  g_free (blob);
}

/* ---- Removing, counting ---- */

/* memory_remove_locked: takes the blob out where it is as old as asked, for the caller to
 * free without the lock. A freshening takes the same lock: it comes before the test and
 * keeps the blob, or after the removal and finds it absent. */
CaskRemoved
memory_remove_locked (MemoryPlace *place, MemoryShard *shard, const CaskDigest *digest,
                      gint64 unused_since_usec, MemoryBlob **removed)
{
  MemoryBlob *blob = memory_shard_find (shard, digest);
  if (blob == NULL)
    return CASK_REMOVED_ABSENT;
  if (blob->mtime_usec >= unused_since_usec)
    return CASK_REMOVED_KEPT;
  memory_room_leave (place, shard, blob);
  *removed = blob;
  return CASK_REMOVED_DONE;
}

static gboolean
memory_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
               CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_autoptr (MemoryBlob) removed = NULL;
  MemoryShard *shard = memory_place_shard_of (self->place, digest);
  memory_lock (self->place, shard, TRUE);
  *outcome =
      memory_remove_locked (self->place, shard, digest, unused_since_usec, &removed);
  memory_unlock (shard, NULL);
  return TRUE;
}

static gboolean
memory_usage (CaskBackend *self, CaskUsage *usage,
              G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  guint64 count = 0, bytes = 0;
  for (guint i = 0; i < MEMORY_SHARDS; i++)
    {
      MemoryShard *shard = memory_place_shard (self->place, i);
      g_mutex_lock (&shard->lock);
      count += shard->count;
      bytes += shard->bytes;
      g_mutex_unlock (&shard->lock);
    }
  usage->count = count;
  usage->bytes = bytes;
  usage->stored_bytes = bytes;
  usage->limit_bytes = self->place->settings.max_bytes;
  return TRUE;
}

static const CaskBackendOps memory_ops = { .size = sizeof (CaskBackendOps),
                                           .open = memory_open,
                                           .close = memory_close,
                                           .put = memory_put,
                                           .get = memory_get,
                                           .stat = memory_stat,
                                           .remove = memory_remove,
                                           .list = memory_list,
                                           .try_get = memory_try_get,
                                           .try_stat = memory_try_stat,
                                           .blob_open = memory_blob_open,
                                           .blob_read = memory_blob_read,
                                           .blob_close = memory_blob_close,
                                           .upload_begin = memory_upload_begin,
                                           .upload_write = memory_upload_write,
                                           .upload_commit = memory_upload_commit,
                                           .upload_close = memory_upload_close,
                                           .upload_save = memory_upload_save,
                                           .upload_resume = memory_upload_resume,
                                           .upload_list = memory_upload_list,
                                           .upload_read = memory_upload_read,
                                           .put_many = memory_put_many,
                                           .get_many = memory_get_many,
                                           .contains_many = memory_contains_many,
                                           .remove_many = memory_remove_many,
                                           .usage = memory_usage };

/* Not IMMUTABLE: the bytes of a GBytes are immutable by contract only, and a version
 * costs nothing here. */
CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (memory_options),
                    .kind = CASK_PLUGIN_BACKEND, .location = CASK_LOCATION_OPTIONAL,
                    .capabilities = CASK_CAPABILITY_WRITE |
                                    CASK_CAPABILITY_EXACT_CREATED |
                                    CASK_CAPABILITY_FRESHENS |
                                    CASK_CAPABILITY_REMOVE_UNUSED |
                                    CASK_CAPABILITY_READS_OUTLIVE_REMOVE |
                                    CASK_CAPABILITY_RESUME,
                    .name = "memory", .version = "1.0",
                    .summary = "keeps blobs in the memory of the process",
                    .license = "Apache-2.0", .options = memory_options,
                    .ops = &memory_ops)
