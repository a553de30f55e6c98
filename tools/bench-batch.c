/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-batch.c: operations by calls that have many blobs each.
 *
 * What is timed is the call: the latency of a batch is that of all its blobs. */

#include "bench.h"

typedef struct
{
  BenchItem *items;
  const CaskDigest **digests;
  GBytes **bytes;
  guint n_items;
} Batch;

static CaskResults *
batch_call (const BenchSegment *segment, const Batch *batch, GError **error)
{
  CaskStore *store = segment->store;
  const CaskDigest *const *digests = batch->digests;
  gsize n_items = batch->n_items;
  switch (segment->operation)
    {
    case BENCH_PUT:
    case BENCH_PUT_EXISTING:
      return cask_store_put_many (store, digests, batch->bytes, n_items, CASK_PUT_NONE,
                                  NULL, error);
    case BENCH_GET:
      return cask_store_get_many (store, digests, n_items, NULL, error);
    case BENCH_STAT:
      return cask_store_stat_many (store, digests, n_items, NULL, error);
    case BENCH_DELETE:
      return cask_store_delete_many (store, digests, n_items, CASK_ALWAYS, NULL, error);
    default:
      return cask_store_contains_many (store, digests, n_items, CASK_CONTAINS_NONE, NULL,
                                       error);
    }
}

/* In use elsewhere, which nobody does with a blob of the bench: but then it stays. */
static void
batch_note_removed (BenchSlot *slot, const BenchItem *item, CaskRemoved removed)
{
  g_autoptr (GError) kept = NULL;
  if (removed != CASK_REMOVED_KEPT)
    {
      bench_slot_note (slot, item, removed != CASK_REMOVED_ABSENT);
      return;
    }
  g_set_error_literal (&kept, CASK_ERROR, CASK_ERROR_BUSY, "a blob is in use and stays");
  bench_slot_failed (slot, kept);
}

static void
batch_note (BenchSlot *slot, const BenchItem *item, CaskResults *results, gsize index)
{
  const GError *failure = cask_results_get_error (results, index);
  if (failure)
    {
      bench_slot_failed (slot, failure);
      return;
    }
  switch (slot->segment->operation)
    {
    case BENCH_PUT:
    case BENCH_PUT_EXISTING:
      bench_slot_note (slot, item, cask_results_get_created (results, index));
      return;
    case BENCH_GET:
      bench_slot_got (slot, item, cask_results_get_bytes (results, index));
      return;
    case BENCH_DELETE:
      batch_note_removed (slot, item, cask_results_get_removed (results, index));
      return;
    default:
      bench_slot_note (slot, item, cask_results_get_present (results, index));
      return;
    }
}

/* Returns: whether there is anything to do */
static gboolean
batch_gather (BenchSlot *slot, Batch *batch, gint64 now_nsec)
{
  batch->n_items = 0;
  while (batch->n_items < slot->segment->plan->batch &&
         bench_slot_next (slot, now_nsec, &batch->items[batch->n_items]))
    {
      BenchItem *item = &batch->items[batch->n_items];
      batch->digests[batch->n_items] = &item->digest;
      batch->bytes[batch->n_items] = item->blob ? item->blob->bytes : NULL;
      batch->n_items++;
    }
  return batch->n_items > 0;
}

static gint64
batch_one (BenchSlot *slot, const Batch *batch)
{
  g_autoptr (GError) error = NULL;
  gint64 begun_nsec = bench_now_nsec ();
  g_autoptr (CaskResults) results = batch_call (slot->segment, batch, &error);
  gint64 now_nsec = bench_now_nsec ();
  if (results)
    bench_histogram_record (&slot->tally->latency, (guint64) (now_nsec - begun_nsec));
  for (guint i = 0; i < batch->n_items; i++)
    if (results)
      batch_note (slot, &batch->items[i], results, i);
    else
      bench_slot_failed (slot, error);
  return now_nsec;
}

/* One batch after the other; the last may be smaller. */
void
bench_batch_body (BenchSlot *slot)
{
  guint64 n_items = slot->segment->plan->batch;
  g_autofree BenchItem *items = g_new (BenchItem, n_items);
  g_autofree const CaskDigest **digests = g_new (const CaskDigest *, n_items);
  g_autofree GBytes **bytes = g_new (GBytes *, n_items);
  Batch batch = { .items = items, .digests = digests, .bytes = bytes };
  gint64 now_nsec = bench_now_nsec ();
  while (batch_gather (slot, &batch, now_nsec))
    now_nsec = batch_one (slot, &batch);
}
