/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-lock.c: the lock of a shard, which readers pass without meeting.
 *
 * A mutex alone would move from one processor's cache to another's with every second get,
 * and cost as much as the rest of it. So who only reads counts himself at one of the
 * shard's doors, which is his thread's own as long as there are enough, and goes on
 * unless the shard is being written. Who writes takes the shard's mutex, says so, and
 * waits until each of its doors was seen empty, one after the other: whoever comes later
 * sees that the shard is being written, leaves the door, and waits for the mutex.
 *
 * Doors that all shards share would do with less memory, but then who writes waits for
 * those who read any other shard, whom nothing keeps from coming: of 64 threads on two
 * processors some are always at a door, and a put took 19 seconds.
 *
 * Invariants: nobody is at a door for longer than a run of a batch, and nobody waits
 * there. A reader counts himself before he looks whether the shard is written, a writer
 * says it before he looks at the doors: in the one order of all these steps, one of the
 * two sees the other.
 *
 * Failure modes: a thread that loses its processor at a door holds up those who write in
 * the shard, as one that loses it with a mutex in hand would. */
#include "memory-private.h"

/* So often a writer looks at a door before he offers his processor to who may be at it,
 * and so often again before he sleeps: to a reader of lower priority, on a processor
 * that real-time threads have for themselves, an offer is none. */
#define LOCK_SPINS 100
#define LOCK_NAP_USEC 50

/* One word: small enough to be kept beside the program's own, where it is found without a
 * call, and where LeakSanitizer looks. Not every libc lets a plugin have that. */
#ifdef __GLIBC__
#define LOCK_TLS __attribute__ ((tls_model ("initial-exec")))
#else
#define LOCK_TLS
#endif

static atomic_uint lock_n_threads; /* so many were given a door */
/* From 1 on; 0 before the first reading. */
static _Thread_local guint lock_own_door LOCK_TLS;

static inline MemoryDoor *
lock_door_in (const MemoryPlace *place, const MemoryShard *shard, guint row)
{
  gsize offset = (gsize) ((const char *) shard - (const char *) place->shards);
  return &place->rows[row].doors[offset / MEMORY_SHARD_STRIDE];
}

static MemoryDoor *
lock_door (const MemoryPlace *place, const MemoryShard *shard)
{
  guint *door = &lock_own_door;

  if (G_UNLIKELY (*door == 0))
    *door = atomic_fetch_add (&lock_n_threads, 1) % MEMORY_DOORS + 1;
  return lock_door_in (place, shard, *door - 1);
}

static MemoryDoor *
lock_read (const MemoryPlace *place, MemoryShard *shard)
{
  MemoryDoor *door = lock_door (place, shard);

  atomic_fetch_add (door, 1);
  if (G_LIKELY (!atomic_load (&shard->is_written)))
    return door;
  atomic_fetch_sub (door, 1);
  g_mutex_lock (&shard->lock);
  return NULL;
}

static void
lock_wait_for_door (MemoryDoor *door)
{
  for (guint spins = 0; atomic_load (door) != 0; spins++)
    if (spins >= 2 * LOCK_SPINS)
      g_usleep (LOCK_NAP_USEC);
    else if (spins >= LOCK_SPINS)
      g_thread_yield ();
}

G_NO_INLINE static void
lock_write (const MemoryPlace *place, MemoryShard *shard)
{
  g_mutex_lock (&shard->lock);
  atomic_store (&shard->is_written, TRUE);
  for (guint i = 0; i < MEMORY_DOORS; i++)
    lock_wait_for_door (lock_door_in (place, shard, i));
}

/* memory_lock: until memory_unlock(), nothing in the shard is changed but by the caller,
 * who may where he says so. Returns: (nullable): what memory_unlock() is to be given. */
MemoryDoor *
memory_lock (const MemoryPlace *place, MemoryShard *shard, gboolean changes)
{
  if (!changes)
    return lock_read (place, shard);
  lock_write (place, shard);
  return NULL;
}

void
memory_unlock (MemoryShard *shard, MemoryDoor *door)
{
  if (G_LIKELY (door != NULL))
    {
      atomic_fetch_sub (door, 1);
      return;
    }
  atomic_store_explicit (&shard->is_written, FALSE, memory_order_release);
  g_mutex_unlock (&shard->lock);
}
