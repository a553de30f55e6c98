/* SPDX-License-Identifier: Apache-2.0
 *
 * results.c: what became of each item of a batch: refcounted, so that it crosses threads
 * and languages.
 *
 * Invariants: an item has an error or its outcome, never both; bytes are there only in
 * the results of cask_store_get_many(), once the batch is done. */
#include "batch-private.h"

G_DEFINE_BOXED_TYPE (CaskResults, cask_results, cask_results_ref, cask_results_unref)

gboolean
cask_results_are_askable (const CaskDigest *const *digests, GBytes *const *bytes,
                          gsize n_items, CaskBatchKind kind)
{
  gboolean wants_bytes = kind == CASK_BATCH_PUT;

  if (n_items > 0 && (digests == NULL || (wants_bytes && bytes == NULL)))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    if (digests[i] == NULL || (wants_bytes && bytes[i] == NULL))
      return FALSE;
  return TRUE;
}

CaskResults *
cask_results_new (CaskBatchKind kind, gint64 parameter, const CaskDigest *const *digests,
                  GBytes *const *bytes, gsize n_items)
{
  CaskResults *results = g_atomic_rc_box_new0 (CaskResults);

  results->kind = kind;
  results->parameter = parameter;
  results->n_items = n_items;
  results->items = g_new0 (CaskItem, n_items);
  results->digests = g_new (CaskDigest, n_items);
  if (kind == CASK_BATCH_GET || kind == CASK_BATCH_STAT)
    results->infos = g_new0 (CaskBlobInfo, n_items);
  for (gsize i = 0; i < n_items; i++)
    {
      results->digests[i] = *digests[i];
      results->items[i].digest = &results->digests[i];
      if (bytes != NULL)
        results->items[i].bytes = g_bytes_ref (bytes[i]);
      if (results->infos != NULL)
        results->items[i].info = &results->infos[i];
      if (results->infos != NULL)
        results->infos[i].size = CASK_UNKNOWN;
    }
  return results;
}

/**
 * cask_results_ref:
 * @results: results
 *
 * Returns: (transfer full): the same results
 *
 * Since: 1.0
 */
CaskResults *
cask_results_ref (CaskResults *results)
{
  g_return_val_if_fail (results != NULL, NULL);

  return g_atomic_rc_box_acquire (results);
}

static void
results_clear (gpointer data)
{
  CaskResults *results = data;

  for (gsize i = 0; i < results->n_items; i++)
    {
      g_clear_pointer (&results->items[i].bytes, g_bytes_unref);
      g_clear_error (&results->items[i].error);
    }
  g_free (results->items);
  g_free (results->digests);
  g_free (results->infos);
}

/**
 * cask_results_unref:
 * @results: (transfer full): results
 *
 * Since: 1.0
 */
void
cask_results_unref (CaskResults *results)
{
  g_return_if_fail (results != NULL);

  g_atomic_rc_box_release_full (results, results_clear);
}

/**
 * cask_results_get_length:
 * @results: results
 *
 * Returns: how many items the batch had
 *
 * Since: 1.0
 */
gsize
cask_results_get_length (CaskResults *results)
{
  g_return_val_if_fail (results != NULL, 0);

  return results->n_items;
}

/**
 * cask_results_get_digest:
 * @results: results
 * @index: less than their length
 *
 * Returns: (transfer none): the digest that was given for the item; valid as long as
 * @results
 *
 * Since: 1.0
 */
const CaskDigest *
cask_results_get_digest (CaskResults *results, gsize index)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, NULL);

  return &results->digests[index];
}

/**
 * cask_results_get_error:
 * @results: results
 * @index: less than their length
 *
 * Returns: (transfer none) (nullable): why the item failed, or %NULL where it did not;
 * valid as long as @results
 *
 * Since: 1.0
 */
const GError *
cask_results_get_error (CaskResults *results, gsize index)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, NULL);

  return results->items[index].error;
}

/* The outcome of an item of a batch of that kind; 0 where it failed, or is of another. */
static guint32
results_outcome (const CaskResults *results, gsize index, CaskBatchKind kind)
{
  const CaskItem *item = &results->items[index];

  return results->kind == kind && item->error == NULL ? item->outcome : 0;
}

/**
 * cask_results_get_created:
 * @results: results of cask_store_put_many()
 * @index: less than their length
 *
 * Returns: whether the call made the blob; %FALSE where it was there already, and where
 * the item failed
 *
 * Since: 1.0
 */
gboolean
cask_results_get_created (CaskResults *results, gsize index)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, FALSE);

  return results_outcome (results, index, CASK_BATCH_PUT) != 0;
}

/**
 * cask_results_get_present:
 * @results: results of cask_store_contains_many()
 * @index: less than their length
 *
 * Whether the blob is there. %FALSE says that it is absent only where
 * cask_results_get_error() is %NULL.
 *
 * Returns: whether the blob is there; %FALSE where the item failed
 *
 * Since: 1.0
 */
gboolean
cask_results_get_present (CaskResults *results, gsize index)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, FALSE);

  return results_outcome (results, index, CASK_BATCH_CONTAINS) != 0;
}

/**
 * cask_results_get_removed:
 * @results: results of cask_store_delete_many()
 * @index: less than their length
 *
 * What became of the blob. %CASK_REMOVED_ABSENT says that there was none only where
 * cask_results_get_error() is %NULL.
 *
 * Returns: what became of the blob; %CASK_REMOVED_ABSENT where the item failed
 *
 * Since: 1.0
 */
CaskRemoved
cask_results_get_removed (CaskResults *results, gsize index)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, CASK_REMOVED_ABSENT);

  return (CaskRemoved) results_outcome (results, index, CASK_BATCH_DELETE);
}

/**
 * cask_results_get_bytes:
 * @results: results of cask_store_get_many()
 * @index: less than their length
 *
 * Returns: (transfer none) (nullable): the blob, or %NULL where the item failed; take a
 * reference to keep it longer than @results
 *
 * Since: 1.0
 */
GBytes *
cask_results_get_bytes (CaskResults *results, gsize index)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, NULL);

  return results->items[index].bytes;
}

/**
 * cask_results_get_info:
 * @results: results of cask_store_stat_many()
 * @index: less than their length
 * @info: (out caller-allocates): what is known of the blob
 *
 * Returns: whether @info was set; %FALSE where the item failed
 *
 * Since: 1.0
 */
gboolean
cask_results_get_info (CaskResults *results, gsize index, CaskBlobInfo *info)
{
  g_return_val_if_fail (results != NULL && index < results->n_items, FALSE);
  g_return_val_if_fail (info != NULL, FALSE);

  if (results_outcome (results, index, CASK_BATCH_STAT) == 0)
    return FALSE;
  *info = results->infos[index];
  return TRUE;
}
