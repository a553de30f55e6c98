/* SPDX-License-Identifier: Apache-2.0
 *
 * store-try-batch.c: a small batch answered at once, in a main loop's own thread.
 *
 * All or nothing: where one item needs the pool, or the time is up, the pool does the
 * whole batch in one hop, and what was found out here is forgotten. */
#include "batch-private.h"

#include "error-private.h"

#define TRY_BATCH_LOOKS 64
#define TRY_BATCH_GETS 64
/* As long as a single try may take. A blob that is hashed may overrun it once. */
#define TRY_BATCH_USEC 100

static gboolean
try_item_get (CaskStore *store, CaskItem *item)
{
  CaskTry answer = cask_node_ops.try_get (cask_store_root (store), item->digest, 0,
                                          CASK_TO_END, 0, &item->bytes, item->info);

  item->outcome = answer == CASK_TRY_FOUND;
  if (answer != CASK_TRY_FOUND)
    return answer == CASK_TRY_ABSENT;
  return !cask_store_must_hash (store, item->info) ||
         cask_store_check_bytes (store, item->info, item->bytes, NULL);
}

static gboolean
try_item (CaskStore *store, const CaskResults *results, CaskItem *item)
{
  CaskBlobInfo unwanted;
  CaskBlobInfo *info = item->info != NULL ? item->info : &unwanted;

  if (!cask_digest_check (item->digest, NULL))
    return FALSE;
  if (results->kind == CASK_BATCH_GET)
    return try_item_get (store, item);
  CaskTry answer = cask_node_ops.try_stat (cask_store_root (store), item->digest, info);
  item->outcome = answer == CASK_TRY_FOUND;
  return answer != CASK_TRY_AGAIN;
}

static gboolean
try_items (CaskStore *store, const CaskResults *results)
{
  gint64 end = g_get_monotonic_time () + TRY_BATCH_USEC;

  for (gsize i = 0; i < results->n_items; i++)
    if (!try_item (store, results, &results->items[i]) ||
        (i + 1 < results->n_items && g_get_monotonic_time () > end))
      return FALSE;
  return TRUE;
}

static void
try_forget (const CaskResults *results)
{
  for (gsize i = 0; i < results->n_items; i++)
    {
      CaskItem *item = &results->items[i];
      item->outcome = 0;
      g_clear_pointer (&item->bytes, g_bytes_unref);
      if (item->info != NULL)
        *item->info = (CaskBlobInfo){ .size = CASK_UNKNOWN };
    }
}

/* What changes something, or may be much, is for the pool. */
static gboolean
try_fits (CaskStore *store, const CaskResults *results)
{
  if (results->kind == CASK_BATCH_GET)
    return results->n_items <= TRY_BATCH_GETS && store->max_get >= CASK_TRY_LIMIT;
  return results->n_items <= TRY_BATCH_LOOKS &&
         (results->kind == CASK_BATCH_STAT ||
          (results->kind == CASK_BATCH_CONTAINS && results->parameter == 0));
}

gboolean
cask_store_try_batch (CaskStore *store, CaskResults *results, GError **error)
{
  if (!try_fits (store, results))
    return FALSE;
  if (!cask_store_begin (store, NULL, NULL, error))
    return TRUE;
  gboolean decided = try_items (store, results);
  if (decided)
    cask_store_settle_looks (store, results->kind, results->items, results->n_items,
                             NULL);
  else
    try_forget (results);
  cask_store_leave (store);
  return decided;
}
