/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-private.h: what the files of the memory backend share.
 *
 * A store (CaskBackend) is a reference to a place (MemoryPlace), which a name may share
 * among stores. A place is a row of shards in digest order, each a lock and a small
 * ordered table, so that readers on many cores hardly ever meet.
 *
 * Invariants:
 * - A digest belongs to one shard, always the same. All that is in a lower shard sorts
 *   before all that is in a higher one.
 * - The bytes of a blob are never written to: what is replaced is the reference.
 * - Where the place has a limit, `room_used` is the sum of the sizes of its blobs, and
 *   never over the limit: room is taken under the lock under which the blob appears.
 *
 * Locks: MemoryShard.lock and the one of memory-instances.c are leaves: none is held
 * while another is taken, and no bytes are copied or let go under one. Each is held for a
 * moment only, so the try slots may take it. */
#pragma once

#include <stdatomic.h>

#include <cask/cask-plugin.h>

G_BEGIN_DECLS

#define MEMORY_SHARDS 512 /* 256 for each algorithm, by the first byte of the hash */
#define MEMORY_NEVER_USED G_MAXINT64

typedef enum
{
  MEMORY_EVICT_NONE,
  MEMORY_EVICT_LRU
} MemoryEvict;

typedef struct
{
  guint64 max_bytes; /* CASK_UNKNOWN: as much as there is */
  guint64 freshen_usec;
  MemoryEvict evict;
} MemorySettings;

typedef struct _MemoryBlob MemoryBlob;

/* MemoryBlob: all of it by its shard's lock, except for what never changes: digest. */
struct _MemoryBlob
{
  MemoryBlob *next; /* in its bucket, in ascending order */
  CaskDigest digest;
  GBytes *bytes;
  guint64 size;
  gint64 mtime_usec;
  guint64 version;
  gint64 used_nsec; /* monotonic; only with evict=lru, as is the link */
  GList used_link;
};

typedef struct
{
  GMutex lock;
  guint bits;           /* by lock: there are 1 << bits buckets, once there is any */
  MemoryBlob **buckets; /* by lock: bucket i holds what sorts before bucket i + 1 */
  guint64 count;        /* by lock */
  guint64 bytes;        /* by lock */
  GQueue used;          /* by lock: the least recently used first */
  _Atomic gint64 oldest_nsec; /* written by lock: when the first of `used` was */
} MemoryShard;

/* Two cache lines each, so that a reader's lock does not take its neighbour's along. */
#define MEMORY_SHARD_STRIDE 128
typedef union
{
  MemoryShard shard;
  char stride[MEMORY_SHARD_STRIDE];
} MemoryShardSlot;

G_STATIC_ASSERT (sizeof (MemoryShardSlot) == MEMORY_SHARD_STRIDE);

typedef struct
{
  MemorySettings settings;
  gboolean is_encoded; /* under a layer: sizes say nothing */
  char *encoding;      /* (nullable) */
  char *name;          /* (nullable) a private place has none */
  guint users;         /* by the lock of memory-instances.c, where it has a name */
  MemoryShardSlot *shards;
  _Atomic guint64 room_used; /* only where there is a limit */
} MemoryPlace;

struct _CaskBackend
{
  MemoryPlace *place;
};

/* ---- memory-instances.c: places, private ones and named ones ---- */

MemoryPlace *memory_place_acquire (const CaskOpenArgs *args,
                                   const MemorySettings *settings, GError **error);
void memory_place_release (MemoryPlace *place);

/* ---- memory-shard.c: the table of a shard; its lock is the caller's to hold ---- */

guint memory_shard_index (const CaskDigest *digest);
MemoryBlob *memory_shard_find (const MemoryShard *shard, const CaskDigest *digest);
MemoryBlob *memory_shard_find_after (const MemoryShard *shard, const CaskDigest *after);
MemoryBlob *memory_shard_next (const MemoryShard *shard, const MemoryBlob *blob);
void memory_shard_insert (MemoryShard *shard, MemoryBlob *blob);
void memory_shard_take (MemoryShard *shard, MemoryBlob *blob);
void memory_shard_clear (MemoryShard *shard);

static inline MemoryShard *
memory_place_shard (const MemoryPlace *place, guint index)
{
  return &place->shards[index].shard;
}

static inline MemoryShard *
memory_place_shard_of (const MemoryPlace *place, const CaskDigest *digest)
{
  return memory_place_shard (place, memory_shard_index (digest));
}

/* ---- memory-blob.c: one blob; all but new and free under its shard's lock ---- */

MemoryBlob *memory_blob_new (const CaskDigest *digest);
void memory_blob_free (MemoryBlob *blob);
void memory_blob_set_bytes (const MemoryPlace *place, MemoryShard *shard,
                            MemoryBlob *blob, GBytes **bytes);
void memory_blob_freshen (const MemoryPlace *place, MemoryBlob *blob);
void memory_blob_info (const MemoryBlob *blob, CaskBlobInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryBlob, memory_blob_free)

/* ---- memory-room.c: the limit, and who goes when it is reached ---- */

gboolean memory_room_check (MemoryPlace *place, guint64 size, GError **error);
gboolean memory_room_is_short (MemoryPlace *place, guint64 size, guint64 replaced);
gboolean memory_room_take (MemoryPlace *place, guint64 size, guint64 replaced);
void memory_room_use (const MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob);
void memory_room_enter (const MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob);
void memory_room_leave (MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob);
gboolean memory_room_make (MemoryPlace *place, GError **error);

/* ---- memory-put.c ---- */

gboolean memory_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                     guint32 flags, gboolean *created, GCancellable *cancellable,
                     GError **error);
gboolean memory_fail_memory (guint64 size, GError **error);

/* ---- memory-list.c ---- */

gboolean memory_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
                      CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
                      GCancellable *cancellable, GError **error);

/* ---- memory-upload.c ---- */

CaskBackendUpload *memory_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                                        GCancellable *cancellable, GError **error);
gboolean memory_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                              GCancellable *cancellable, GError **error);
gboolean memory_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                               const CaskDigest *digest, guint32 flags, gboolean *created,
                               GCancellable *cancellable, GError **error);
void memory_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep);

G_END_DECLS
