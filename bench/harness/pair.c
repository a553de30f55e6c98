/* SPDX-License-Identifier: Apache-2.0
 *
 * pair.c: the same calls by two threads, each with half of the blobs.
 *
 * One is the caller's, the other is kept: what it costs to start a thread is not part of
 * a sample. To wake one from its sleep takes as long as some hundred gets from memory, so
 * who waits looks again and again for a moment before sleeping.
 *
 * Locks: state is written with lock held, and read without. What is given is written
 * before the state that says so, and read after it. */
#include "pair.h"

#define PAIR_AWAKE_USEC 200

typedef enum
{
  PAIR_IDLE,
  PAIR_GIVEN,
  PAIR_DONE,
  PAIR_ENDS
} PairState;

struct _BenchPair
{
  gpointer place;
  GThread *thread;
  GMutex lock;
  GCond changed;
  guint n_asleep; /* by lock: a signal that nobody waits for is a system call */
  int state;      /* a PairState */
  /* What is given to the thread, and what comes back. */
  BenchCall call;
  const BenchBlob *blobs;
  guint n_blobs;
  gboolean done;
  GError *error;
};

static void
pair_set (BenchPair *pair, PairState state)
{
  g_mutex_lock (&pair->lock);
  g_atomic_int_set (&pair->state, (int) state);
  if (pair->n_asleep > 0)
    g_cond_broadcast (&pair->changed);
  g_mutex_unlock (&pair->lock);
}

static PairState
pair_await_other_than (BenchPair *pair, PairState state)
{
  gint64 until = g_get_monotonic_time () + PAIR_AWAKE_USEC;
  while (g_get_monotonic_time () < until)
    if (g_atomic_int_get (&pair->state) != (int) state)
      return (PairState) g_atomic_int_get (&pair->state);
  g_mutex_lock (&pair->lock);
  pair->n_asleep++;
  while (g_atomic_int_get (&pair->state) == (int) state)
    g_cond_wait (&pair->changed, &pair->lock);
  pair->n_asleep--;
  g_mutex_unlock (&pair->lock);
  return (PairState) g_atomic_int_get (&pair->state);
}

static gpointer
pair_thread (gpointer data)
{
  BenchPair *pair = data;
  PairState state = pair_await_other_than (pair, PAIR_IDLE);
  while (state != PAIR_ENDS)
    {
      pair->done = pair->call (pair->place, pair->blobs, pair->n_blobs, &pair->error);
      pair_set (pair, PAIR_DONE);
      state = pair_await_other_than (pair, PAIR_DONE);
    }
  return NULL;
}

BenchPair *
bench_pair_new (gpointer place)
{
  if (!place)
    return NULL;
  BenchPair *pair = g_new0 (BenchPair, 1);
  pair->place = place;
  g_mutex_init (&pair->lock);
  g_cond_init (&pair->changed);
  pair->thread = g_thread_new ("bench-pair", pair_thread, pair);
  return pair;
}

gpointer
bench_pair_free (BenchPair *pair)
{
  gpointer place = pair->place;
  pair_set (pair, PAIR_ENDS);
  g_thread_join (pair->thread);
  g_cond_clear (&pair->changed);
  g_mutex_clear (&pair->lock);
  g_free (pair);
  return place;
}

gboolean
bench_pair_run (BenchPair *pair, BenchCall call, const BenchBlob *blobs, guint n_blobs,
                GError **error)
{
  guint mine = n_blobs - n_blobs / 2;
  pair->call = call;
  pair->blobs = blobs + mine;
  pair->n_blobs = n_blobs - mine;
  pair_set (pair, PAIR_GIVEN);
  gboolean done = call (pair->place, blobs, mine, error);
  pair_await_other_than (pair, PAIR_GIVEN);
  if (pair->done)
    return done;
  GError *theirs = g_steal_pointer (&pair->error);
  if (done)
    g_propagate_error (error, theirs);
  else
    g_error_free (theirs);
  return FALSE;
}
