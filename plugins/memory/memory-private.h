/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-private.h: what the files of the memory backend share.
 *
 * A store (CaskBackend) is a reference to a place (MemoryPlace), which a name may share
 * among stores. A place is a row of shards in digest order, each a lock and a small
 * ordered table. Readers on many cores do not meet (memory-lock.c).
 *
 * Invariants:
 * - A digest belongs to one shard, always the same. All that is in a lower shard sorts
 *   before all that is in a higher one.
 * - The bytes of a blob are never written to: what is replaced is the reference.
 * - Where the place has a limit, `room_used` is the sum of the sizes of its blobs, and
 *   never over the limit: room is taken under the lock under which the blob appears.
 *
 * - An upload is its handle's alone while it is open, but for upload_read; saved and not
 *   open, it is the place's, and holds just what was saved.
 *
 * Locks: MemoryShard.lock, MemoryUploads.lock, that of an upload, and the one of
 * memory-instances.c are leaves: none is held while another is taken, and no blob's bytes
 * are copied or let go under one. A shard's is held for a moment only, so the try slots
 * may take it; none of the others lies in the way of a get or a put. "By lock" is
 * within memory_lock() and memory_unlock(), which are told whether anything will be
 * changed; the mutex alone is enough for who only reads, and has it for long. */
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
  guint64 max_uploads;      /* saved ones; 0: any number */
  guint64 max_upload_bytes; /* of all uploads, open or saved; 0: as much as there is */
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
  atomic_int is_written;
  guint bits;           /* by lock: there are 1 << bits buckets, once there is any */
  MemoryBlob **buckets; /* by lock: bucket i holds what sorts before bucket i + 1 */
  guint64 count;        /* by lock */
  guint64 bytes;        /* by lock */
  GQueue used;          /* by lock: the least recently used first */
  _Atomic gint64 oldest_nsec; /* written by lock: when the first of `used` was */
} MemoryShard;

/* Two cache lines each, so that who writes to one does not take its neighbour's along. */
#define MEMORY_SHARD_STRIDE 128
typedef union
{
  MemoryShard shard;
  char stride[MEMORY_SHARD_STRIDE];
} MemoryShardSlot;

G_STATIC_ASSERT (sizeof (MemoryShardSlot) == MEMORY_SHARD_STRIDE);

/* MemoryDoor: a shard's, for some of the threads: how many of them read (memory-lock.c).
 */
typedef atomic_uint MemoryDoor;

/* The doors of the same threads lie together, far from those of others. */
#define MEMORY_DOORS 16
typedef struct
{
  MemoryDoor doors[MEMORY_SHARDS];
} MemoryDoorRow;

G_STATIC_ASSERT (sizeof (MemoryDoorRow) % MEMORY_SHARD_STRIDE == 0);

#define MEMORY_UPLOAD_ID 32 /* hexadecimal digits */

/* CaskBackendUpload: what is written, in one buffer that grows. Calls on a handle come
 * one at a time, beside which any number of threads may read: what is not marked is the
 * handle's. */
struct _CaskBackendUpload
{
  GMutex lock;
  guint8 *data;       /* by lock to move it; the handle may read it and append without */
  GBytes *bytes;      /* (nullable) by lock: once a commit was tried, the owner of data */
  _Atomic gsize size; /* all before it is readable; written by the handle */
  gsize capacity;
  gboolean is_committed;
  gboolean is_saved;             /* it is in the table */
  char id[MEMORY_UPLOAD_ID + 1]; /* "" until the first save; fixed then */
  /* By MemoryUploads.lock, from the first save on: */
  gboolean is_open;
  gsize saved_size;
  gint64 saved_usec;
  GBytes *state;
};

/* MemoryUploads: the uploads of a place that were saved, open ones too. */
typedef struct
{
  GMutex lock;
  GHashTable *saved;     /* by lock: id to upload; NULL while there is none */
  _Atomic guint64 bytes; /* what all uploads hold; only where there is a limit */
} MemoryUploads;

typedef struct
{
  MemorySettings settings;
  gboolean is_encoded; /* under a layer: sizes say nothing */
  char *encoding;      /* (nullable) */
  char *name;          /* (nullable) a private place has none */
  guint users;         /* by the lock of memory-instances.c, where it has a name */
  MemoryShardSlot *shards;
  MemoryDoorRow *rows;       /* MEMORY_DOORS */
  _Atomic guint64 room_used; /* only where there is a limit */
  MemoryUploads uploads;
} MemoryPlace;

struct _CaskBackend
{
  MemoryPlace *place;
};

/* ---- memory-instances.c: places, private ones and named ones ---- */

MemoryPlace *memory_place_acquire (const CaskOpenArgs *args,
                                   const MemorySettings *settings, GError **error);
void memory_place_release (MemoryPlace *place);

/* ---- memory-lock.c ---- */

MemoryDoor *memory_lock (const MemoryPlace *place, MemoryShard *shard, gboolean changes);
void memory_unlock (MemoryShard *shard, MemoryDoor *door);

/* ---- memory-shard.c: the table of a shard; its lock is the caller's to hold ---- */

MemoryBlob *memory_shard_find (const MemoryShard *shard, const CaskDigest *digest);
MemoryBlob *memory_shard_find_after (const MemoryShard *shard, const CaskDigest *after);
MemoryBlob *memory_shard_next (const MemoryShard *shard, const MemoryBlob *blob);
void memory_shard_insert (MemoryShard *shard, MemoryBlob *blob);
void memory_shard_take (MemoryShard *shard, MemoryBlob *blob);
void memory_shard_clear (MemoryShard *shard);

/* The shard of a digest. Algorithms order before hashes. The host lets no digest in whose
 * algorithm is neither of the two. */
static inline guint
memory_shard_index (const CaskDigest *digest)
{
  return (digest->algorithm == CASK_ALGORITHM_SHA512 ? 256 : 0) + digest->bytes[0];
}

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

typedef enum
{
  MEMORY_PUT_DONE,
  MEMORY_PUT_WANTS_BYTES, /* it is absent, and there is room */
  MEMORY_PUT_WANTS_ROOM
} MemoryPutStep;

typedef struct
{
  const CaskDigest *digest;
  guint64 size;
  guint32 flags;
  gboolean created;
  GBytes *bytes; /* (nullable) ours to keep; after a replacement what was there before */
  MemoryBlob *fresh; /* (nullable) for them to live in */
} MemoryPut;

void memory_put_clear (MemoryPut *put);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MemoryPut, memory_put_clear)

MemoryPutStep memory_put_step_locked (MemoryPlace *place, MemoryShard *shard,
                                      MemoryPut *put);
gboolean memory_put_keep_bytes (MemoryPut *put, GBytes *bytes, GError **error);
gboolean memory_put_run (MemoryPlace *place, MemoryPut *put, GBytes *bytes,
                         GCancellable *cancellable, GError **error);
gboolean memory_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                     guint32 flags, gboolean *created, GCancellable *cancellable,
                     GError **error);
gboolean memory_fail_memory (guint64 size, GError **error);

/* ---- memory.c: a blob under its shard's lock, for one call and for many ---- */

gboolean memory_fail_absent (GError **error);
gboolean memory_get_is_use (const MemoryPlace *place, guint32 flags);
GBytes *memory_ref_locked (MemoryPlace *place, MemoryShard *shard,
                           const CaskDigest *digest, guint32 flags, CaskBlobInfo *info);
gboolean memory_look_locked (MemoryPlace *place, MemoryShard *shard,
                             const CaskDigest *digest, guint32 flags, CaskBlobInfo *info);
CaskRemoved memory_remove_locked (MemoryPlace *place, MemoryShard *shard,
                                  const CaskDigest *digest, gint64 unused_since_usec,
                                  MemoryBlob **removed);

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
gboolean memory_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                             void *buffer, gsize count, gsize *n_read,
                             GCancellable *cancellable, GError **error);
void memory_upload_free (CaskBackendUpload *upload);

/* ---- memory-saved.c: the uploads that were saved ---- */

void memory_saved_init (MemoryUploads *uploads);
void memory_saved_clear (MemoryUploads *uploads);
void memory_saved_rest (MemoryUploads *uploads, CaskBackendUpload *upload);
void memory_saved_forget (MemoryUploads *uploads, CaskBackendUpload *upload);
gboolean memory_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                             char **id, GCancellable *cancellable, GError **error);
CaskBackendUpload *memory_upload_resume (CaskBackend *self, const char *id,
                                         GBytes **state, guint64 *offset,
                                         GCancellable *cancellable, GError **error);
gboolean memory_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                             GCancellable *cancellable, GError **error);

/* ---- memory-batch.c ---- */

gboolean memory_put_many (CaskBackend *self, CaskItem *items, gsize n_items,
                          guint32 flags, GCancellable *cancellable, GError **error);
gboolean memory_get_many (CaskBackend *self, CaskItem *items, gsize n_items,
                          guint32 flags, GCancellable *cancellable, GError **error);
gboolean memory_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                               guint32 flags, GCancellable *cancellable, GError **error);
gboolean memory_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                             gint64 unused_since_usec, GCancellable *cancellable,
                             GError **error);

G_END_DECLS
