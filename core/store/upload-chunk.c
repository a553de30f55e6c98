/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-chunk.c: what is written, gathered, hashed and handed on.
 *
 * Small writes gather in a chunk. Full ones are hashed on a thread of the pool while the
 * writer hands them to the backend and fills the next: hashing and writing a large blob
 * keep two cores busy. The writer waits only where the hash falls behind, or where it
 * needs the outcome; and where no thread has begun by then, it hashes by itself. So it
 * never waits for a thread to become free, of which there may be none but its own.
 *
 * Locks: `lock` guards what is to be hashed; the pool's lock is never taken under it. */
#include "upload-private.h"

#include "completion-private.h"

#define CHUNK_START (16 * 1024)

/* Waking a thread costs as much as hashing some tens of KiB. */
#define CHUNK_OVERLAP (64 * 1024)

/* All uploads of the process share the processors, not a store's bound. */
static CaskLane *
chunk_lane (void)
{
  static CaskLane *lane;

  if (g_once_init_enter (&lane))
    g_once_init_leave (&lane, cask_lane_new (g_get_num_processors ()));
  return lane;
}

static void
chunk_hash (CaskUploadChunk *chunk, GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    if (chunk->state->hashers[i] != NULL)
      cask_hasher_update (chunk->state->hashers[i], data, size);
}

/* The oldest of those that are to be hashed stays in its place while it is. Returns:
 * FALSE where there is none, and the job is over. */
static gboolean
chunk_run_next (CaskUploadChunk *chunk)
{
  g_mutex_lock (&chunk->lock);
  chunk->is_queued = chunk->n_hashing > 0;
  GBytes *bytes = chunk->is_queued ? chunk->hashing[chunk->first] : NULL;
  if (bytes == NULL)
    g_cond_signal (&chunk->progress);
  g_mutex_unlock (&chunk->lock);
  if (bytes == NULL)
    return FALSE;

  chunk_hash (chunk, bytes);
  g_mutex_lock (&chunk->lock);
  chunk->first = (chunk->first + 1) % CASK_UPLOAD_HASHING;
  chunk->n_hashing--;
  g_cond_signal (&chunk->progress);
  g_mutex_unlock (&chunk->lock);
  g_bytes_unref (bytes);
  return TRUE;
}

static void
chunk_run (CaskPoolJob **jobs, guint n)
{
  CaskUploadChunk *chunk = (CaskUploadChunk *) (gpointer) jobs[0];
  (void) n;

  while (chunk_run_next (chunk))
    ;
}

/* Waits until at most n_left are to be hashed; 0: and nobody hashes any more. */
static void
chunk_wait (CaskUploadChunk *chunk, guint n_left)
{
  CaskPoolJob *job = &chunk->job;

  if (cask_pool_withdraw (job))
    chunk_run (&job, 1);
  g_mutex_lock (&chunk->lock);
  while (chunk->n_hashing > n_left || (n_left == 0 && chunk->is_queued))
    g_cond_wait (&chunk->progress, &chunk->lock);
  g_mutex_unlock (&chunk->lock);
}

static gboolean
chunk_is_full (CaskUploadChunk *chunk)
{
  g_mutex_lock (&chunk->lock);
  gboolean is_full = chunk->n_hashing == CASK_UPLOAD_HASHING;
  g_mutex_unlock (&chunk->lock);
  return is_full;
}

/* Returns: whether a job has to be sent for it. */
static gboolean
chunk_append (CaskUploadChunk *chunk, GBytes *bytes)
{
  g_mutex_lock (&chunk->lock);
  guint place = (chunk->first + chunk->n_hashing++) % CASK_UPLOAD_HASHING;
  chunk->hashing[place] = g_bytes_ref (bytes);
  gboolean is_first = !chunk->is_queued;
  chunk->is_queued = TRUE;
  g_mutex_unlock (&chunk->lock);
  return is_first;
}

void
cask_upload_chunk_init (CaskUploadChunk *chunk, CaskUploadState *state)
{
  chunk->job.func = chunk_run;
  chunk->state = state;
  g_mutex_init (&chunk->lock);
  g_cond_init (&chunk->progress);
}

void
cask_upload_chunk_clear (CaskUploadChunk *chunk)
{
  cask_upload_chunk_wait (chunk);
  g_free (chunk->data);
  g_mutex_clear (&chunk->lock);
  g_cond_clear (&chunk->progress);
}

/* A small blob is given little; what has filled one chunk will fill another. */
static gsize
chunk_next_capacity (const CaskUploadChunk *chunk)
{
  guint64 expected = chunk->state->expected_size;
  gsize capacity = MAX (2 * chunk->capacity, CHUNK_START);

  if (chunk->state->offset > 0)
    return CASK_UPLOAD_CHUNK;
  if (chunk->capacity == 0 && expected != CASK_UNKNOWN)
    capacity = (gsize) CLAMP (expected, 1, CASK_UPLOAD_CHUNK);
  return MIN (capacity, (gsize) CASK_UPLOAD_CHUNK);
}

guint8 *
cask_upload_chunk_reserve (CaskUploadChunk *chunk, gsize *room)
{
  if (chunk->size == chunk->capacity && chunk->capacity < CASK_UPLOAD_CHUNK)
    {
      chunk->capacity = chunk_next_capacity (chunk);
      chunk->data = g_realloc (chunk->data, chunk->capacity);
    }
  *room = chunk->capacity - chunk->size;
  return chunk->data + chunk->size;
}

static gboolean
chunk_is_worth_a_thread (gsize size)
{
  return size >= CHUNK_OVERLAP && g_get_num_processors () > 1;
}

GBytes *
cask_upload_chunk_take (CaskUploadChunk *chunk)
{
  gsize size = chunk->size;
  GBytes *bytes = g_bytes_new_take (g_steal_pointer (&chunk->data), size);

  chunk->size = 0;
  chunk->capacity = 0;
  chunk->state->offset += size;
  if (!chunk_is_worth_a_thread (size))
    {
      chunk_wait (chunk, 0);
      chunk_hash (chunk, bytes);
      return bytes;
    }
  if (chunk_is_full (chunk))
    chunk_wait (chunk, CASK_UPLOAD_HASHING - 1);
  if (chunk_append (chunk, bytes))
    cask_pool_push (chunk_lane (), &chunk->job, G_PRIORITY_DEFAULT);
  return bytes;
}

void
cask_upload_chunk_wait (CaskUploadChunk *chunk)
{
  chunk_wait (chunk, 0);
}
