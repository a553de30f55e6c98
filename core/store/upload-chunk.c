/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-chunk.c: what is written, gathered, hashed and handed on.
 *
 * Small writes gather in a chunk. Full ones are hashed on a thread of the pool while the
 * writer hands them to the backend and fills the next: hashing and writing a large blob
 * keep two cores busy. Under a main loop, where who fills must not write, full chunks are
 * set aside for who does. The writer waits only where the hash falls behind, or where it
 * needs the outcome; and where no thread has begun by then, it hashes by itself. So it
 * never waits for a thread to become free, of which there may be none but its own.
 *
 * Locks: `lock` guards what is aside and what is to be hashed; the pool's lock is never
 * taken under it. */
#include "upload-private.h"

#include "completion-private.h"

#define CHUNK_START (16 * 1024)

/* Waking a thread costs as much as hashing some tens of KiB. */
#define CHUNK_OVERLAP (64 * 1024)

/* A writer that has to wait sleeps until no more than this is left to hash: to be woken
 * for every chunk costs the hash more than the wait does, and what is left outlasts the
 * waking. */
#define CHUNK_CUSHION 2

/* All uploads of the process share the processors, not a store's bound. Whoever forks
 * meanwhile leaves nothing half done to its child. */
static CaskLane *
chunk_lane (void)
{
  static _Atomic (CaskLane *) shared;
  CaskLane *lane = atomic_load (&shared);

  if (G_LIKELY (lane != NULL))
    return lane;
  CaskLane *fresh = cask_lane_new (cask_pool_count_processors ());
  if (atomic_compare_exchange_strong (&shared, &lane, fresh))
    return fresh;
  cask_lane_unref (fresh);
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

/* Under lock. Whether so much is still to be hashed that the writer waits on. */
static gboolean
chunk_is_behind (const CaskUploadChunk *chunk)
{
  return chunk->n_hashing > chunk->n_awaited ||
         (chunk->n_awaited == 0 && chunk->is_queued);
}

/* Under lock. To signal is a system call whether or not anybody waits. */
static void
chunk_tell (CaskUploadChunk *chunk)
{
  if (chunk->is_awaited && !chunk_is_behind (chunk))
    g_cond_signal (&chunk->progress);
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
    chunk_tell (chunk);
  g_mutex_unlock (&chunk->lock);
  if (bytes == NULL)
    return FALSE;

  chunk_hash (chunk, bytes);
  g_mutex_lock (&chunk->lock);
  chunk->first = (chunk->first + 1) % CASK_UPLOAD_HASHING;
  chunk->n_hashing--;
  chunk_tell (chunk);
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
  chunk->n_awaited = n_left;
  chunk->is_awaited = TRUE;
  while (chunk_is_behind (chunk))
    g_cond_wait (&chunk->progress, &chunk->lock);
  chunk->is_awaited = FALSE;
  g_mutex_unlock (&chunk->lock);
}

static gboolean
chunk_has_most_to_hash (CaskUploadChunk *chunk)
{
  g_mutex_lock (&chunk->lock);
  gboolean has_most = chunk->n_hashing == CASK_UPLOAD_HASHING;
  g_mutex_unlock (&chunk->lock);
  return has_most;
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

/* Nobody will ask for the hash any more: no more than what is being hashed is waited for,
 * perhaps in a main loop. */
static void
chunk_give_up_hash (CaskUploadChunk *chunk)
{
  gboolean is_withdrawn = cask_pool_withdraw (&chunk->job);

  g_mutex_lock (&chunk->lock);
  guint n_left = is_withdrawn ? 0 : MIN (chunk->n_hashing, 1);
  while (chunk->n_hashing > n_left)
    {
      chunk->n_hashing--;
      g_bytes_unref (
          chunk->hashing[(chunk->first + chunk->n_hashing) % CASK_UPLOAD_HASHING]);
    }
  chunk->is_queued &= !is_withdrawn;
  g_mutex_unlock (&chunk->lock);
}

/* What lets go of what is gathered: a chunk of full size is counted. */
static GDestroyNotify
chunk_data_free (const CaskUploadChunk *chunk)
{
  return chunk->capacity == CASK_UPLOAD_CHUNK ? cask_upload_buffer_free : g_free;
}

void
cask_upload_chunk_clear (CaskUploadChunk *chunk)
{
  chunk_give_up_hash (chunk);
  cask_upload_chunk_wait (chunk);
  for (guint i = 0; i < chunk->n_aside; i++)
    g_bytes_unref (chunk->aside[i]);
  chunk_data_free (chunk) (chunk->data);
  g_mutex_clear (&chunk->lock);
  g_cond_clear (&chunk->progress);
}

/* A small blob is given little; what has filled one chunk will fill another. */
static gsize
chunk_next_capacity (const CaskUploadChunk *chunk)
{
  guint64 expected = chunk->state->expected_size;
  gsize most = CASK_UPLOAD_CHUNK;
  gsize capacity = MAX (4 * chunk->capacity, CHUNK_START);

  /* What was begun grows in any case: whoever reserves must find room. */
  if (chunk->capacity == 0 && cask_upload_buffers_are_short ())
    most = CASK_UPLOAD_CHUNK_SHORT;
  if (chunk->has_filled)
    return most;
  if (chunk->capacity == 0 && expected != CASK_UNKNOWN)
    capacity = (gsize) CLAMP (expected, 1, most);
  /* Nothing in between, for only those of full size are counted. */
  return capacity > CASK_UPLOAD_CHUNK_SHORT ? most : capacity;
}

static void
chunk_grow (CaskUploadChunk *chunk)
{
  gsize capacity = chunk_next_capacity (chunk);

  if (capacity < CASK_UPLOAD_CHUNK)
    chunk->data = g_realloc (chunk->data, capacity);
  else
    {
      guint8 *buffer = cask_upload_buffer_new ();
      if (chunk->size > 0)
        memcpy (buffer, chunk->data, chunk->size);
      g_free (chunk->data);
      chunk->data = buffer;
    }
  chunk->capacity = capacity;
}

gboolean
cask_upload_chunk_is_full (const CaskUploadChunk *chunk)
{
  if (chunk->size < chunk->capacity || chunk->size < CASK_UPLOAD_CHUNK_SHORT)
    return FALSE;
  return chunk->size == CASK_UPLOAD_CHUNK || cask_upload_buffers_are_short ();
}

guint8 *
cask_upload_chunk_reserve (CaskUploadChunk *chunk, gsize *room)
{
  if (chunk->size == chunk->capacity && chunk->capacity < CASK_UPLOAD_CHUNK)
    chunk_grow (chunk);
  *room = chunk->capacity - chunk->size;
  return chunk->data + chunk->size;
}

/* Where memory is short, there are so many uploads that processors do not idle, and what
 * waits for a thread would hold it. */
static gboolean
chunk_is_worth_a_thread (gsize size)
{
  return size >= CHUNK_OVERLAP && cask_pool_count_processors () > 1 &&
         !cask_upload_buffers_are_short ();
}

static void
chunk_begin_hash (CaskUploadChunk *chunk, GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);

  chunk->state->offset += size;
  if (!chunk_is_worth_a_thread (size))
    {
      chunk_wait (chunk, 0);
      chunk_hash (chunk, bytes);
      return;
    }
  if (chunk_has_most_to_hash (chunk))
    chunk_wait (chunk, CHUNK_CUSHION);
  if (chunk_append (chunk, bytes))
    cask_pool_push (chunk_lane (), &chunk->job, G_PRIORITY_DEFAULT);
}

/* What is gathered, as bytes. */
static GBytes *
chunk_seal (CaskUploadChunk *chunk)
{
  gsize size = chunk->size;
  guint8 *data = g_steal_pointer (&chunk->data);
  GDestroyNotify done = chunk_data_free (chunk);

  chunk->has_filled |= size == chunk->capacity && size >= CASK_UPLOAD_CHUNK_SHORT;
  chunk->size = 0;
  chunk->capacity = 0;
  return g_bytes_new_with_free_func (data, size, done, data);
}

gboolean
cask_upload_chunk_set_aside (CaskUploadChunk *chunk)
{
  if (!cask_upload_chunk_is_full (chunk))
    return TRUE;
  g_mutex_lock (&chunk->lock);
  gboolean has_place = chunk->n_aside < CASK_UPLOAD_ASIDE;
  if (has_place)
    chunk->aside[chunk->n_aside++] = chunk_seal (chunk);
  g_mutex_unlock (&chunk->lock);
  return has_place;
}

gboolean
cask_upload_chunk_has_aside (CaskUploadChunk *chunk)
{
  g_mutex_lock (&chunk->lock);
  gboolean has_aside = chunk->n_aside > 0;
  g_mutex_unlock (&chunk->lock);
  return has_aside;
}

/* Returns: NULL where nothing is aside. */
static GBytes *
chunk_take_aside (CaskUploadChunk *chunk)
{
  GBytes *bytes = NULL;

  g_mutex_lock (&chunk->lock);
  if (chunk->n_aside > 0)
    {
      bytes = chunk->aside[0];
      chunk->n_aside--;
      memmove (&chunk->aside[0], &chunk->aside[1], chunk->n_aside * sizeof bytes);
    }
  g_mutex_unlock (&chunk->lock);
  return bytes;
}

GBytes *
cask_upload_chunk_take (CaskUploadChunk *chunk, gboolean all)
{
  GBytes *bytes = chunk_take_aside (chunk);

  if (bytes == NULL && all && chunk->size > 0)
    bytes = chunk_seal (chunk);
  if (bytes != NULL)
    chunk_begin_hash (chunk, bytes);
  return bytes;
}

void
cask_upload_chunk_wait (CaskUploadChunk *chunk)
{
  chunk_wait (chunk, 0);
}
