/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-batch.c: Cask's calls for many blobs, WAYS_BATCH at a time.
 *
 * A put of many is told the digests, and hashes to check them: it hashes once, as the
 * floor does. */
#include "ways.h"

#include "answer.h"

/* ---- From blobs to batches ---- */

static guint
batch_take (WaysBatch *batch, Way *way, const BenchBlob *blobs, guint n_blobs)
{
  batch->way = way;
  batch->n_items = MIN (n_blobs, WAYS_BATCH);
  for (guint i = 0; i < batch->n_items; i++)
    {
      batch->digests[i] = &blobs[i].digest;
      batch->bytes[i] = blobs[i].bytes;
    }
  return batch->n_items;
}

static gboolean
batch_is_done (CaskResults *results, guint i, GError **error)
{
  const GError *why = cask_results_get_error (results, i);
  if (why)
    g_propagate_error (error, g_error_copy (why));
  return why == NULL;
}

gboolean
ways_batches (Way *way, WaysBatchCall call, WaysBatchCheck check, const BenchBlob *blobs,
              guint n_blobs, gboolean expected, GError **error)
{
  WaysBatch batch;
  for (guint at = 0; at < n_blobs; at += batch.n_items)
    {
      batch_take (&batch, way, blobs + at, n_blobs - at);
      g_autoptr (CaskResults) results = call (&batch, error);
      for (guint i = 0; results && i < batch.n_items; i++)
        if (!batch_is_done (results, i, error) ||
            !check (results, i, &blobs[at + i], expected, error))
          return FALSE;
      if (!results)
        return FALSE;
    }
  return TRUE;
}

/* ---- Each result ---- */

gboolean
ways_batch_check_created (CaskResults *results, guint i, const BenchBlob *blob,
                          gboolean expected, GError **error)
{
  return bench_answer_created (blob, cask_results_get_created (results, i), expected,
                               error);
}

gboolean
ways_batch_check_size (CaskResults *results, guint i, const BenchBlob *blob,
                       gboolean expected, GError **error)
{
  (void) expected;
  return bench_answer_size (blob, g_bytes_get_size (cask_results_get_bytes (results, i)),
                            error);
}

gboolean
ways_batch_check_present (CaskResults *results, guint i, const BenchBlob *blob,
                          gboolean expected, GError **error)
{
  (void) blob;
  return bench_answer (cask_results_get_present (results, i) == expected, "contains",
                       error);
}

gboolean
ways_batch_check_removed (CaskResults *results, guint i, const BenchBlob *blob,
                          gboolean expected, GError **error)
{
  (void) blob;
  gboolean removed = cask_results_get_removed (results, i) == CASK_REMOVED_DONE;
  return bench_answer (removed == expected, "delete", error);
}

/* ---- The calls ---- */

static CaskResults *
batch_put_many (const WaysBatch *batch, GError **error)
{
  return cask_store_put_many (batch->way->store, batch->digests, batch->bytes,
                              batch->n_items, CASK_PUT_NONE, NULL, error);
}

static CaskResults *
batch_get_many (const WaysBatch *batch, GError **error)
{
  return cask_store_get_many (batch->way->store, batch->digests, batch->n_items, NULL,
                              error);
}

static CaskResults *
batch_contains_many (const WaysBatch *batch, GError **error)
{
  return cask_store_contains_many (batch->way->store, batch->digests, batch->n_items,
                                   CASK_CONTAINS_NONE, NULL, error);
}

static CaskResults *
batch_delete_many (const WaysBatch *batch, GError **error)
{
  return cask_store_delete_many (batch->way->store, batch->digests, batch->n_items,
                                 CASK_ALWAYS, NULL, error);
}

gboolean
ways_batch_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_batches (place, batch_put_many, ways_batch_check_created, blobs, n_blobs,
                       TRUE, error);
}

gboolean
ways_batch_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error)
{
  return ways_batches (place, batch_put_many, ways_batch_check_created, blobs, n_blobs,
                       FALSE, error);
}

gboolean
ways_batch_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_batches (place, batch_get_many, ways_batch_check_size, blobs, n_blobs, TRUE,
                       error);
}

gboolean
ways_batch_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error)
{
  return ways_batches (place, batch_contains_many, ways_batch_check_present, blobs,
                       n_blobs, TRUE, error);
}

gboolean
ways_batch_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error)
{
  return ways_batches (place, batch_contains_many, ways_batch_check_present, blobs,
                       n_blobs, FALSE, error);
}

gboolean
ways_batch_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_batches (place, batch_delete_many, ways_batch_check_removed, blobs, n_blobs,
                       TRUE, error);
}
