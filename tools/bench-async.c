/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-async.c: many asynchronous operations under way in one main loop.
 *
 * As many slots as operations in flight: the callback of one begins the next, and the
 * loop ends with the last callback. Latency is from the call to the callback. */

#include "bench.h"

#define ASYNC_DRAW_MSEC 200

typedef struct
{
  guint64 n_running;
  gint64 now_nsec; /* at the last callback */
} Async;

typedef struct
{
  Async *async;
  BenchSlot slot;
  BenchItem item;
  gint64 begun_nsec;
} AsyncSlot;

static void async_on_done (GObject *source, GAsyncResult *result, gpointer data);

static void
async_call (AsyncSlot *one)
{
  CaskStore *store = one->slot.segment->store;
  const CaskDigest *digest = &one->item.digest;
  const CaskDigest *position = &one->slot.position;
  const int priority = G_PRIORITY_DEFAULT;
  switch (one->slot.segment->operation)
    {
    case BENCH_PUT:
    case BENCH_PUT_EXISTING:
      cask_store_put_async (store, digest, one->item.blob->bytes, CASK_PUT_NONE, priority,
                            NULL, async_on_done, one);
      break;
    case BENCH_GET:
      cask_store_get_async (store, digest, priority, NULL, async_on_done, one);
      break;
    case BENCH_RANGE:
      cask_store_get_range_async (store, digest, one->item.offset, one->item.length,
                                  priority, NULL, async_on_done, one);
      break;
    case BENCH_STAT:
      cask_store_stat_async (store, digest, priority, NULL, async_on_done, one);
      break;
    case BENCH_CONTAINS:
    case BENCH_CONTAINS_ABSENT:
      cask_store_contains_async (store, digest, priority, NULL, async_on_done, one);
      break;
    case BENCH_DELETE:
      cask_store_delete_async (store, digest, priority, NULL, async_on_done, one);
      break;
    default:
      cask_store_list_async (store, position->algorithm ? position : NULL, 0, priority,
                             NULL, async_on_done, one);
    }
}

static void
async_begin (AsyncSlot *one)
{
  if (!bench_slot_next (&one->slot, one->async->now_nsec, &one->item))
    {
      one->async->n_running--;
      return;
    }
  one->begun_nsec = bench_now_nsec ();
  async_call (one);
}

static gboolean
async_finish (BenchSlot *slot, CaskStore *store, GAsyncResult *result, gboolean *answer,
              GBytes **bytes, CaskListPage **page, GError **error)
{
  CaskBlobInfo info;
  switch (slot->segment->operation)
    {
    case BENCH_PUT:
    case BENCH_PUT_EXISTING:
      return cask_store_put_finish (store, result, answer, error);
    case BENCH_GET:
      *bytes = cask_store_get_finish (store, result, error);
      return *bytes != NULL;
    case BENCH_RANGE:
      *bytes = cask_store_get_range_finish (store, result, error);
      return *bytes != NULL;
    case BENCH_STAT:
      return cask_store_stat_finish (store, result, &info, error);
    case BENCH_CONTAINS:
    case BENCH_CONTAINS_ABSENT:
      return cask_store_contains_finish (store, result, answer, error);
    case BENCH_DELETE:
      return cask_store_delete_finish (store, result, answer, error);
    default:
      *page = cask_store_list_finish (store, result, error);
      return *page != NULL;
    }
}

static void
async_on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  AsyncSlot *one = data;
  BenchSlot *slot = &one->slot;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (CaskListPage) page = NULL;
  gboolean answer = FALSE;
  gboolean done =
      async_finish (slot, CASK_STORE (source), result, &answer, &bytes, &page, &error);
  one->async->now_nsec = bench_now_nsec ();
  if (done)
    bench_histogram_record (&slot->tally->latency,
                            (guint64) (one->async->now_nsec - one->begun_nsec));
  if (!done)
    bench_slot_failed (slot, error);
  else if (bytes)
    bench_slot_got (slot, &one->item, bytes);
  else if (page)
    bench_slot_page (slot, page);
  else
    bench_slot_note (slot, &one->item, answer);
  async_begin (one);
}

static gboolean
async_draw (gpointer data)
{
  bench_segment_draw (data);
  return G_SOURCE_CONTINUE;
}

/* Keeps as many operations in flight as the plan has. */
void
bench_async_run (BenchSegment *segment, BenchTally *tally)
{
  guint64 n_slots = MIN (segment->plan->concurrency, segment->n_items);
  g_autofree AsyncSlot *slots = g_new0 (AsyncSlot, n_slots);
  Async async = { .n_running = n_slots };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) draw = g_timeout_source_new (ASYNC_DRAW_MSEC);
  g_source_set_callback (draw, async_draw, segment, NULL);
  if (segment->progress)
    g_source_attach (draw, context);
  g_main_context_push_thread_default (context);
  bench_segment_begin (segment);
  async.now_nsec = segment->begun_nsec;
  for (guint64 i = 0; i < n_slots; i++)
    {
      slots[i].async = &async;
      bench_slot_init (&slots[i].slot, segment, tally, i);
      bench_slot_begin (&slots[i].slot, segment->begun_nsec);
      async_begin (&slots[i]);
    }
  while (async.n_running > 0)
    g_main_context_iteration (context, TRUE);
  bench_segment_end (segment, segment->begun_nsec, async.now_nsec);
  g_main_context_pop_thread_default (context);
  g_source_destroy (draw);
}
