/* SPDX-License-Identifier: Apache-2.0
 *
 * store-batch.c: many blobs in one call.
 *
 * A batch is cut into parts (store-spread.c); each part makes one call of the backend for
 * all of its items that can be in it (store-group.c). What one item may do to another is
 * take its time. */
#include "batch-private.h"

/* ---- Looking ---- */

/* A backend's own batch need not say how large a blob is. */
static void
batch_complete_info (CaskStore *store, CaskItem *item, GCancellable *cancellable)
{
  item->info->digest = *item->digest;
  if (item->info->size == CASK_UNKNOWN)
    cask_node_ops.stat (cask_store_root (store), item->digest, 0, item->info, cancellable,
                        &item->error);
}

static void
batch_settle_look (CaskStore *store, CaskBatchKind kind, CaskItem *item,
                   GCancellable *cancellable)
{
  if (g_error_matches (item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    {
      g_clear_error (&item->error);
      item->outcome = 0;
    }
  if (item->error == NULL && item->outcome != 0 && kind == CASK_BATCH_STAT)
    batch_complete_info (store, item, cancellable);
  if (item->error == NULL && item->outcome == 0 && kind != CASK_BATCH_CONTAINS)
    g_set_error (&item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  if (kind == CASK_BATCH_GET &&
      g_error_matches (item->error, CASK_ERROR, CASK_ERROR_CORRUPT))
    cask_verified_mark_corrupt (store->verified, item->digest);
  cask_store_fail (store, item->digest, &item->error);
}

void
cask_store_settle_looks (CaskStore *store, CaskBatchKind kind, CaskItem *items,
                         gsize n_items, GCancellable *cancellable)
{
  for (gsize i = 0; i < n_items; i++)
    batch_settle_look (store, kind, &items[i], cancellable);
}

/* parameter: the kind of batch that looks, and flags. */
static gboolean
batch_look_call (CaskStore *store, CaskItem *items, gsize n_items, gint64 parameter,
                 GCancellable *cancellable, GError **error)
{
  CaskBatchKind kind = (CaskBatchKind) (parameter & 0xff);
  guint32 flags = parameter & CASK_CONTAINS_FRESHEN ? CASK_STAT_FRESHEN : 0;

  if (!cask_node_ops.contains_many (cask_store_root (store), items, n_items, flags,
                                    cancellable, error))
    return FALSE;
  cask_store_settle_looks (store, kind, items, n_items, cancellable);
  return TRUE;
}
G_STATIC_ASSERT ((int) CASK_BATCH_DELETE < (int) CASK_CONTAINS_FRESHEN);

static void
batch_look (CaskStore *store, const CaskResults *results, CaskItem *items, gsize n_items,
            GCancellable *cancellable)
{
  cask_store_group (store, items, n_items, NULL, batch_look_call,
                    results->parameter | results->kind, cancellable);
}

/* ---- Getting ---- */

/* Whether one call of the backend for many blobs is more than as many calls. */
static gboolean
batch_reads_together (CaskStore *store)
{
  const CaskNode *node = store->root;

  while (CASK_NODE_DELEGATES (node, get_many))
    node = node->child_nodes[0];
  return node->ops.get_many != NULL;
}

/* As cask_store_get() does it: with another copy where one is bad, and no more bytes in
 * memory than `max-get`. */
static gboolean
batch_get_alone (CaskStore *store, CaskItem *item, gint64 parameter,
                 GCancellable *cancellable)
{
  (void) parameter;
  item->bytes = cask_store_get_verified (store, item->digest, cancellable, &item->error);
  return FALSE;
}

/* Measured first: what is too large, or of unknown size, is not read with the others. */
static gboolean
batch_check_size (CaskStore *store, CaskItem *item, gint64 parameter,
                  GCancellable *cancellable)
{
  return item->info->size <= store->max_get ||
         batch_get_alone (store, item, parameter, cancellable);
}

/* Bytes that are not known to be good are none: the blob is got by itself once more,
 * which asks the backend for its other copies. */
static void
batch_settle_got (CaskStore *store, CaskItem *item, GCancellable *cancellable)
{
  gboolean doubtful = g_error_matches (item->error, CASK_ERROR, CASK_ERROR_CORRUPT);

  if (item->error == NULL)
    doubtful = g_bytes_get_size (item->bytes) > store->max_get ||
               (cask_store_must_hash (store, item->info) &&
                !cask_store_check_bytes (store, item->info, item->bytes, NULL));
  if (!doubtful)
    {
      cask_store_fail (store, item->digest, &item->error);
      return;
    }
  g_clear_error (&item->error);
  g_clear_pointer (&item->bytes, g_bytes_unref);
  batch_get_alone (store, item, 0, cancellable);
}

static gboolean
batch_get_call (CaskStore *store, CaskItem *items, gsize n_items, gint64 parameter,
                GCancellable *cancellable, GError **error)
{
  (void) parameter;
  if (!cask_node_ops.get_many (cask_store_root (store), items, n_items, 0, cancellable,
                               error))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    batch_settle_got (store, &items[i], cancellable);
  return TRUE;
}

static void
batch_get (CaskStore *store, const CaskResults *results, CaskItem *items, gsize n_items,
           GCancellable *cancellable)
{
  if (!batch_reads_together (store))
    {
      cask_store_group (store, items, n_items, batch_get_alone, NULL, 0, cancellable);
      return;
    }
  batch_look (store, results, items, n_items, cancellable);
  cask_store_group (store, items, n_items, batch_check_size, batch_get_call, 0,
                    cancellable);
}

/* ---- Putting, deleting ---- */

static void
batch_put (CaskStore *store, const CaskResults *results, CaskItem *items, gsize n_items,
           GCancellable *cancellable)
{
  cask_store_put_items (store, items, n_items, (CaskPutFlags) results->parameter,
                        cancellable);
}

static gboolean
batch_delete_call (CaskStore *store, CaskItem *items, gsize n_items, gint64 parameter,
                   GCancellable *cancellable, GError **error)
{
  if (!cask_node_ops.remove_many (cask_store_root (store), items, n_items, parameter,
                                  cancellable, error))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskItem *item = &items[i];
      if (item->error == NULL && item->outcome > CASK_REMOVED_MAYBE)
        g_set_error (&item->error, CASK_ERROR, CASK_ERROR_IO,
                     "the backend did not say what became of the blob");
      if (item->error == NULL && item->outcome != CASK_REMOVED_KEPT)
        cask_verified_clear_corrupt (store->verified, item->digest);
      cask_store_fail (store, item->digest, &item->error);
    }
  return TRUE;
}

static void
batch_delete (CaskStore *store, const CaskResults *results, CaskItem *items,
              gsize n_items, GCancellable *cancellable)
{
  cask_store_group (store, items, n_items, NULL, batch_delete_call, results->parameter,
                    cancellable);
}

/* ---- All of them ---- */

gboolean
cask_store_run_batch (CaskStore *store, CaskResults *results, int priority,
                      GCancellable *cancellable, GError **error)
{
  static const CaskSpreadFunc funcs[] = { [CASK_BATCH_PUT] = batch_put,
                                          [CASK_BATCH_GET] = batch_get,
                                          [CASK_BATCH_STAT] = batch_look,
                                          [CASK_BATCH_CONTAINS] = batch_look,
                                          [CASK_BATCH_DELETE] = batch_delete };

  if (!cask_store_begin (store, NULL, cancellable, error))
    return FALSE;
  cask_store_spread (store, results, funcs[results->kind], priority, cancellable);
  cask_store_leave (store);
  /* Who keeps the results of a put is not to keep the blobs with them. */
  for (gsize i = 0; i < results->n_items && results->kind == CASK_BATCH_PUT; i++)
    g_clear_pointer (&results->items[i].bytes, g_bytes_unref);
  return TRUE;
}

static CaskResults *
batch_run_now (CaskStore *store, CaskBatchKind kind, gint64 parameter,
               const CaskDigest *const *digests, GBytes *const *bytes, gsize n_items,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (CaskResults) results =
      cask_results_new (kind, parameter, digests, bytes, n_items);

  if (!cask_store_run_batch (store, results, G_PRIORITY_DEFAULT, cancellable, error))
    return NULL;
  return g_steal_pointer (&results);
}

/**
 * cask_store_put_many:
 * @store: a store
 * @digests: (array length=n_items): what the bytes hash to, one for each of @bytes
 * @bytes: (array length=n_items): the blobs; kept by reference where the store is in
 * memory, unless %CASK_PUT_COPY is given
 * @n_items: how many; may be 0
 * @flags: how to put, for all of them
 * @cancellable: (nullable): to give up, between blobs too: see below
 * @error: return location for an error
 *
 * Stores many blobs, as cask_store_put() does each: its digest is checked, and one that
 * is wrong harms no other. Where one blob is given more than once, one of its items is
 * created. The order in which blobs are stored is not said. Where the store flushes to
 * disk, it does so for many blobs at once.
 *
 * The results tell what became of each: cask_results_get_created(), and in
 * cask_results_get_error() what cask_store_put() would have set,
 * %CASK_ERROR_INVALID_DIGEST included. Once @cancellable is cancelled, the blobs that
 * were not begun have %G_IO_ERROR_CANCELLED there, and the call succeeds: what was stored
 * before stays.
 *
 * Errors of the call itself, where nothing was tried: %CASK_ERROR_CLOSED, and
 * %G_IO_ERROR_CANCELLED where @cancellable was cancelled beforehand.
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_put_many (CaskStore *store, const CaskDigest *const *digests,
                     GBytes *const *bytes, gsize n_items, CaskPutFlags flags,
                     GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);
  g_return_val_if_fail (
      cask_results_are_askable (digests, bytes, n_items, CASK_BATCH_PUT), NULL);

  return batch_run_now (store, CASK_BATCH_PUT, flags, digests, bytes, n_items,
                        cancellable, error);
}

/**
 * cask_store_get_many:
 * @store: a store
 * @digests: (array length=n_items): which blobs; one may be asked for more than once
 * @n_items: how many; may be 0
 * @cancellable: (nullable): to give up, between blobs too
 * @error: return location for an error
 *
 * Reads many whole blobs, as cask_store_get() does each: verified by the store's policy,
 * and none larger than its `max-get`. All that was read is in memory at once, so the
 * caller bounds the sum, by cask_store_stat_many() if need be.
 *
 * The results tell what became of each: cask_results_get_bytes(), or in
 * cask_results_get_error() what cask_store_get() would have set. Cancellation, and the
 * errors of the call itself: as cask_store_put_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_get_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                     GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);
  g_return_val_if_fail (cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_GET),
                        NULL);

  return batch_run_now (store, CASK_BATCH_GET, 0, digests, NULL, n_items, cancellable,
                        error);
}

/**
 * cask_store_stat_many:
 * @store: a store
 * @digests: (array length=n_items): which blobs
 * @n_items: how many; may be 0
 * @cancellable: (nullable): to give up, between blobs too
 * @error: return location for an error
 *
 * Sizes and times of last use of many blobs, without reading them.
 *
 * The results tell of each: cask_results_get_info(), or in cask_results_get_error() what
 * cask_store_stat() would have set, %CASK_ERROR_NOT_FOUND for what is absent.
 * Cancellation, and the errors of the call itself: as cask_store_put_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_stat_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                      GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);
  g_return_val_if_fail (
      cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_STAT), NULL);

  return batch_run_now (store, CASK_BATCH_STAT, 0, digests, NULL, n_items, cancellable,
                        error);
}

/**
 * cask_store_contains_many:
 * @store: a store
 * @digests: (array length=n_items): which blobs
 * @n_items: how many; may be 0
 * @flags: how to look; with %CASK_CONTAINS_FRESHEN what is found counts as used now
 * @cancellable: (nullable): to give up, between blobs too
 * @error: return location for an error
 *
 * Which of many blobs are there.
 *
 * The results tell of each: cask_results_get_present(), and in cask_results_get_error()
 * why that could not be known, or, with %CASK_CONTAINS_FRESHEN, why the blob may be lost
 * to a collector all the same: %CASK_ERROR_UNSUPPORTED without
 * %CASK_CAPABILITY_FRESHENS, and what else cask_store_touch() sets. That a blob is absent
 * is no error. Cancellation, and the errors of the call itself: as cask_store_put_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_contains_many (CaskStore *store, const CaskDigest *const *digests,
                          gsize n_items, CaskContainsFlags flags,
                          GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);
  g_return_val_if_fail (
      cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_CONTAINS), NULL);

  return batch_run_now (store, CASK_BATCH_CONTAINS, flags & CASK_CONTAINS_FRESHEN,
                        digests, NULL, n_items, cancellable, error);
}

/**
 * cask_store_delete_many:
 * @store: a store
 * @digests: (array length=n_items): which blobs
 * @n_items: how many; may be 0
 * @unused_since_usec: remove only what was last used before this time, in microseconds
 * since 1970 by the store's clock; %CASK_ALWAYS: whenever it was
 * @cancellable: (nullable): to give up, between blobs too
 * @error: return location for an error
 *
 * Removes many blobs, as cask_store_delete_unused() does each, or, with %CASK_ALWAYS,
 * cask_store_delete().
 *
 * The results tell what became of each: cask_results_get_removed(), or in
 * cask_results_get_error() what cask_store_delete_unused() would have set. Some stores do
 * not find out whether a blob was there that is gone afterwards: %CASK_REMOVED_MAYBE.
 * Cancellation, and the errors of the call itself: as cask_store_put_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_delete_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                        gint64 unused_since_usec, GCancellable *cancellable,
                        GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);
  g_return_val_if_fail (
      cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_DELETE), NULL);

  return batch_run_now (store, CASK_BATCH_DELETE, unused_since_usec, digests, NULL,
                        n_items, cancellable, error);
}
