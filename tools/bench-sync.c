/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-sync.c: operations in threads, each of which makes one synchronous call after the
 * other.
 *
 * The threads wait at a gate until all are there: what it takes to start and to wake them
 * is not measured. The thread that started them only draws the progress line.
 *
 * Locks: `mutex` guards is_open and n_running. */

#include "bench.h"

#define THREADS_DRAW_USEC (G_USEC_PER_SEC / 5)

typedef struct
{
  GMutex mutex;
  GCond opened, ended;
  gboolean is_open;
  guint n_running;
  BenchBody body;
} Threads;

typedef struct
{
  Threads *threads;
  BenchSlot slot;
  BenchTally tally;
  gint64 begun_nsec, ended_nsec;
  GThread *thread;
} ThreadsOne;

static gpointer
threads_main (gpointer data)
{
  ThreadsOne *one = data;
  Threads *threads = one->threads;
  g_mutex_lock (&threads->mutex);
  while (!threads->is_open)
    g_cond_wait (&threads->opened, &threads->mutex);
  g_mutex_unlock (&threads->mutex);

  one->begun_nsec = bench_now_nsec ();
  bench_slot_begin (&one->slot, one->begun_nsec);
  threads->body (&one->slot);
  one->ended_nsec = bench_now_nsec ();

  g_mutex_lock (&threads->mutex);
  if (--threads->n_running == 0)
    g_cond_signal (&threads->ended);
  g_mutex_unlock (&threads->mutex);
  return NULL;
}

/* A thread more than the machine lets this process have counts as an operation that
 * failed: the others measure something, but not what was asked for. */
static void
threads_start (ThreadsOne *one)
{
  g_autoptr (GError) error = NULL;
  one->thread = g_thread_try_new ("bench", threads_main, one, &error);
  if (one->thread)
    return;
  bench_slot_failed (&one->slot, error);
  g_mutex_lock (&one->threads->mutex);
  one->threads->n_running--;
  g_mutex_unlock (&one->threads->mutex);
}

static void
threads_open_and_wait (Threads *threads, BenchSegment *segment)
{
  g_mutex_lock (&threads->mutex);
  bench_segment_begin (segment);
  threads->is_open = TRUE;
  g_cond_broadcast (&threads->opened);
  while (threads->n_running > 0)
    {
      gint64 end_usec = g_get_monotonic_time () + THREADS_DRAW_USEC;
      if (!segment->progress)
        g_cond_wait (&threads->ended, &threads->mutex);
      else if (!g_cond_wait_until (&threads->ended, &threads->mutex, end_usec))
        bench_segment_draw (segment);
    }
  g_mutex_unlock (&threads->mutex);
}

/* Runs body in as many threads as the plan has. */
void
bench_threads_run (BenchSegment *segment, BenchTally *tally, BenchBody body)
{
  guint n_threads = (guint) segment->plan->concurrency;
  Threads threads = { .body = body, .n_running = n_threads };
  g_autofree ThreadsOne *ones = g_new0 (ThreadsOne, n_threads);
  gint64 begun_nsec = G_MAXINT64, ended_nsec = 0;
  g_mutex_init (&threads.mutex);
  g_cond_init (&threads.opened);
  g_cond_init (&threads.ended);
  for (guint i = 0; i < n_threads; i++)
    {
      ones[i].threads = &threads;
      bench_slot_init (&ones[i].slot, segment, &ones[i].tally, i);
      threads_start (&ones[i]);
    }
  threads_open_and_wait (&threads, segment);
  for (guint i = 0; i < n_threads; i++)
    {
      if (!ones[i].thread)
        continue;
      g_thread_join (ones[i].thread);
      begun_nsec = MIN (begun_nsec, ones[i].begun_nsec);
      ended_nsec = MAX (ended_nsec, ones[i].ended_nsec);
    }
  bench_segment_end (segment, MIN (begun_nsec, ended_nsec), ended_nsec);
  for (guint i = 0; i < n_threads; i++)
    bench_tally_merge (tally, &ones[i].tally);
  g_cond_clear (&threads.ended);
  g_cond_clear (&threads.opened);
  g_mutex_clear (&threads.mutex);
}

/* The call itself. Returns: whether it succeeded; bytes and page are (transfer full). */
static gboolean
sync_call (BenchSlot *slot, const BenchItem *item, gboolean *answer, GBytes **bytes,
           CaskListPage **page, GError **error)
{
  CaskStore *store = slot->segment->store;
  CaskBlobInfo info;
  switch (slot->segment->operation)
    {
    case BENCH_PUT:
    case BENCH_PUT_EXISTING:
      return cask_store_put (store, &item->digest, item->blob->bytes, CASK_PUT_NONE,
                             answer, NULL, error);
    case BENCH_GET:
      *bytes = cask_store_get (store, &item->digest, NULL, error);
      return *bytes != NULL;
    case BENCH_RANGE:
      *bytes = cask_store_get_range (store, &item->digest, item->offset, item->length,
                                     NULL, error);
      return *bytes != NULL;
    case BENCH_STAT:
      return cask_store_stat (store, &item->digest, &info, NULL, error);
    case BENCH_CONTAINS:
    case BENCH_CONTAINS_ABSENT:
      return cask_store_contains (store, &item->digest, answer, NULL, error);
    case BENCH_DELETE:
      return cask_store_delete (store, &item->digest, answer, NULL, error);
    default:
      *page = cask_store_list (store, slot->position.algorithm ? &slot->position : NULL,
                               0, NULL, error);
      return *page != NULL;
    }
}

static gint64
sync_one (BenchSlot *slot, const BenchItem *item)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (CaskListPage) page = NULL;
  gboolean answer = FALSE;
  gint64 begun_nsec = bench_now_nsec ();
  gboolean done = sync_call (slot, item, &answer, &bytes, &page, &error);
  gint64 now_nsec = bench_now_nsec ();
  if (!done)
    {
      bench_slot_failed (slot, error);
      return now_nsec;
    }
  bench_histogram_record (&slot->tally->latency, (guint64) (now_nsec - begun_nsec));
  if (bytes)
    bench_slot_got (slot, item, bytes);
  else if (page)
    bench_slot_page (slot, page);
  else
    bench_slot_note (slot, item, answer);
  return now_nsec;
}

/* One operation after the other. */
void
bench_sync_body (BenchSlot *slot)
{
  BenchItem item;
  gint64 now_nsec = bench_now_nsec ();
  while (bench_slot_next (slot, now_nsec, &item))
    now_nsec = sync_one (slot, &item);
}
