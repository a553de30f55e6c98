/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-room.c: the limit of a place, and which blob goes when it is reached.
 *
 * What counts is the bytes of blobs: neither the tables, some 200 bytes a blob, nor what
 * an uncommitted upload holds (memory-upload.c has its limit), nor removed blobs that a
 * reader still has.
 *
 * With evict=lru each shard keeps its blobs in the order of their last use, with the time
 * of each, and publishes the time of its oldest. The least recently used blob of the
 * place is the oldest of these 512: exact to the resolution of the monotonic clock, and a
 * get touches nothing but its own shard. A shared list or counter would be where all
 * readers meet; looking through 512 numbers costs the one that evicts less than a
 * microsecond.
 *
 * Locks: is_short, take, use, enter and leave are called with the shard's lock held, make
 * with none. */
#include "memory-private.h"

#include <time.h>

static gint64
room_clock (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- The order of use ---- */

static void
room_publish (MemoryShard *shard)
{
  const MemoryBlob *oldest = g_queue_peek_head (&shard->used);
  atomic_store_explicit (&shard->oldest_nsec,
                         oldest != NULL ? oldest->used_nsec : MEMORY_NEVER_USED,
                         memory_order_relaxed);
}

static void
room_list (MemoryShard *shard, MemoryBlob *blob)
{
  blob->used_nsec = room_clock ();
  g_queue_push_tail_link (&shard->used, &blob->used_link);
  room_publish (shard);
}

static void
room_unlist (MemoryShard *shard, MemoryBlob *blob)
{
  g_queue_unlink (&shard->used, &blob->used_link);
  room_publish (shard);
}

/* memory_room_use: makes a blob of the shard the most recently used. */
void
memory_room_use (const MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob)
{
  if (place->settings.evict != MEMORY_EVICT_LRU)
    return;
  room_unlist (shard, blob);
  room_list (shard, blob);
}

/* ---- The limit ---- */

static gboolean
room_is_limited (const MemoryPlace *place)
{
  return place->settings.max_bytes != CASK_UNKNOWN;
}

/* memory_room_check: whether a blob of that size could ever fit. */
gboolean
memory_room_check (MemoryPlace *place, guint64 size, GError **error)
{
  if (size <= place->settings.max_bytes)
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
               "max-bytes: a blob of %" G_GUINT64_FORMAT
               " bytes is over the limit of %" G_GUINT64_FORMAT,
               size, place->settings.max_bytes);
  return FALSE;
}

static gboolean
room_fits (const MemoryPlace *place, guint64 used, guint64 size, guint64 replaced)
{
  return size <= place->settings.max_bytes - (used - replaced);
}

/* memory_room_is_short: whether take would fail now. */
gboolean
memory_room_is_short (MemoryPlace *place, guint64 size, guint64 replaced)
{
  return room_is_limited (place) &&
         !room_fits (place, atomic_load (&place->room_used), size, replaced);
}

/* memory_room_take: takes room for a blob in the stead of one of the size `replaced`,
 * which the caller's lock keeps in place. All or nothing. */
gboolean
memory_room_take (MemoryPlace *place, guint64 size, guint64 replaced)
{
  if (!room_is_limited (place))
    return TRUE;
  guint64 used = atomic_load (&place->room_used);
  do
    if (!room_fits (place, used, size, replaced))
      return FALSE;
  while (
      !atomic_compare_exchange_weak (&place->room_used, &used, used - replaced + size));
  return TRUE;
}

/* ---- Coming and going ---- */

/* memory_room_enter: lets a blob in, for which there is room. */
void
memory_room_enter (const MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob)
{
  memory_shard_insert (shard, blob);
  if (place->settings.evict == MEMORY_EVICT_LRU)
    room_list (shard, blob);
}

/* memory_room_leave: takes a blob out and gives its room back; the caller frees it, but
 * not under the lock. */
void
memory_room_leave (MemoryPlace *place, MemoryShard *shard, MemoryBlob *blob)
{
  if (place->settings.evict == MEMORY_EVICT_LRU)
    room_unlist (shard, blob);
  memory_shard_take (shard, blob);
  if (room_is_limited (place))
    atomic_fetch_sub (&place->room_used, blob->size);
}

/* ---- Eviction ---- */

static MemoryShard *
room_find_oldest (const MemoryPlace *place, gint64 *oldest_nsec)
{
  MemoryShard *found = NULL;
  *oldest_nsec = MEMORY_NEVER_USED;
  for (guint i = 0; i < MEMORY_SHARDS; i++)
    {
      MemoryShard *shard = memory_place_shard (place, i);
      gint64 nsec = atomic_load_explicit (&shard->oldest_nsec, memory_order_relaxed);
      if (nsec >= *oldest_nsec)
        continue;
      *oldest_nsec = nsec;
      found = shard;
    }
  return found;
}

/* Where the shard's oldest was used or removed since we looked, it is not taken: another
 * shard's may be the oldest now. */
static MemoryBlob *
room_take_oldest (MemoryPlace *place, MemoryShard *shard, gint64 oldest_nsec)
{
  memory_lock (place, shard, TRUE);
  MemoryBlob *blob = g_queue_peek_head (&shard->used);
  if (blob != NULL && blob->used_nsec != oldest_nsec)
    blob = NULL;
  if (blob != NULL)
    memory_room_leave (place, shard, blob);
  memory_unlock (shard, NULL);
  return blob;
}

/* memory_room_make: makes some room, by at most one blob: take may have to be tried, and
 * this called, more than once. Whoever finds nothing to evict was overtaken by a removal,
 * for a blob that could ever fit lacks room only because of others. */
gboolean
memory_room_make (MemoryPlace *place, GError **error)
{
  if (place->settings.evict != MEMORY_EVICT_LRU)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_NO_SPACE,
                   "max-bytes: the limit of %" G_GUINT64_FORMAT " bytes is reached",
                   place->settings.max_bytes);
      return FALSE;
    }
  gint64 oldest_nsec;
  MemoryShard *shard = room_find_oldest (place, &oldest_nsec);
  if (shard == NULL)
    return TRUE;
  MemoryBlob *evicted = room_take_oldest (place, shard, oldest_nsec);
  g_clear_pointer (&evicted, memory_blob_free);
  return TRUE;
}
