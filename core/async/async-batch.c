/* SPDX-License-Identifier: Apache-2.0
 *
 * async-batch.c: batches for main loops.
 *
 * One hop to the pool and back for a whole batch; the work may occupy further threads of
 * the store's lane. Small ones that only look or read are tried in the caller's thread
 * first. The results are made at the call, with copies of the digests and references of
 * the bytes, and are the operation's until it is delivered. */
#include "async-op-private.h"
#include "batch-private.h"

static void
batch_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_run_batch (store, op->result, g_task_get_priority (op->task), cancellable,
                        &op->error);
}

static AsyncOp *
batch_op_new (CaskStore *store, gpointer tag, int io_priority, GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer user_data, CaskResults *results)
{
  AsyncOp *op = async_op_new (store, tag, io_priority, cancellable, callback, user_data);

  op->result = results;
  op->free_result = (GDestroyNotify) cask_results_unref;
  return op;
}

static void
batch_start (AsyncOp *op, CaskStore *store)
{
  GCancellable *cancellable = g_task_get_cancellable (op->task);

  if (g_cancellable_set_error_if_cancelled (cancellable, &op->error) ||
      cask_store_try_batch (store, op->result, &op->error))
    async_op_complete (op);
  else
    async_op_queue (op, store->lane, batch_work);
}

/**
 * cask_store_put_many_async:
 * @store: a store
 * @digests: (array length=n_items): what the bytes hash to, one for each of @bytes;
 * copied
 * @bytes: (array length=n_items): the blobs; references are taken
 * @n_items: how many; may be 0
 * @flags: how to put, for all of them
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up, between blobs too
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_put_many(). A batch that is cancelled while it
 * waits for a thread fails as a whole: nothing of it was tried.
 *
 * Since: 1.0
 */
void
cask_store_put_many_async (CaskStore *store, const CaskDigest *const *digests,
                           GBytes *const *bytes, gsize n_items, CaskPutFlags flags,
                           int io_priority, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));
  g_return_if_fail (cask_results_are_askable (digests, bytes, n_items, CASK_BATCH_PUT));

  batch_start (
      batch_op_new (store, cask_store_put_many_async, io_priority, cancellable, callback,
                    user_data,
                    cask_results_new (CASK_BATCH_PUT, flags, digests, bytes, n_items)),
      store);
}

/**
 * cask_store_put_many_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_put_many_async(). Errors: those of cask_store_put_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_put_many_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_put_many_async, error);
}

/**
 * cask_store_get_many_async:
 * @store: a store
 * @digests: (array length=n_items): which blobs; copied
 * @n_items: how many; may be 0
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up, between blobs too
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_get_many().
 *
 * Since: 1.0
 */
void
cask_store_get_many_async (CaskStore *store, const CaskDigest *const *digests,
                           gsize n_items, int io_priority, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));
  g_return_if_fail (cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_GET));

  batch_start (
      batch_op_new (store, cask_store_get_many_async, io_priority, cancellable, callback,
                    user_data,
                    cask_results_new (CASK_BATCH_GET, 0, digests, NULL, n_items)),
      store);
}

/**
 * cask_store_get_many_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_get_many_async(). Errors: those of cask_store_get_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_get_many_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_get_many_async, error);
}

/**
 * cask_store_stat_many_async:
 * @store: a store
 * @digests: (array length=n_items): which blobs; copied
 * @n_items: how many; may be 0
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up, between blobs too
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_stat_many().
 *
 * Since: 1.0
 */
void
cask_store_stat_many_async (CaskStore *store, const CaskDigest *const *digests,
                            gsize n_items, int io_priority, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));
  g_return_if_fail (cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_STAT));

  batch_start (
      batch_op_new (store, cask_store_stat_many_async, io_priority, cancellable, callback,
                    user_data,
                    cask_results_new (CASK_BATCH_STAT, 0, digests, NULL, n_items)),
      store);
}

/**
 * cask_store_stat_many_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_stat_many_async(). Errors: those of cask_store_stat_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_stat_many_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_stat_many_async, error);
}

/**
 * cask_store_contains_many_async:
 * @store: a store
 * @digests: (array length=n_items): which blobs; copied
 * @n_items: how many; may be 0
 * @flags: how to look
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up, between blobs too
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_contains_many().
 *
 * Since: 1.0
 */
void
cask_store_contains_many_async (CaskStore *store, const CaskDigest *const *digests,
                                gsize n_items, CaskContainsFlags flags, int io_priority,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));
  g_return_if_fail (
      cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_CONTAINS));

  batch_start (
      batch_op_new (store, cask_store_contains_many_async, io_priority, cancellable,
                    callback, user_data,
                    cask_results_new (CASK_BATCH_CONTAINS, flags & CASK_CONTAINS_FRESHEN,
                                      digests, NULL, n_items)),
      store);
}

/**
 * cask_store_contains_many_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_contains_many_async(). Errors: those of cask_store_contains_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_contains_many_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_contains_many_async, error);
}

/**
 * cask_store_delete_many_async:
 * @store: a store
 * @digests: (array length=n_items): which blobs; copied
 * @n_items: how many; may be 0
 * @unused_since_usec: remove only what was last used before this time; %CASK_ALWAYS:
 * whenever it was
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up, between blobs too
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_delete_many().
 *
 * Since: 1.0
 */
void
cask_store_delete_many_async (CaskStore *store, const CaskDigest *const *digests,
                              gsize n_items, gint64 unused_since_usec, int io_priority,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));
  g_return_if_fail (cask_results_are_askable (digests, NULL, n_items, CASK_BATCH_DELETE));

  batch_start (batch_op_new (store, cask_store_delete_many_async, io_priority,
                             cancellable, callback, user_data,
                             cask_results_new (CASK_BATCH_DELETE, unused_since_usec,
                                               digests, NULL, n_items)),
               store);
}

/**
 * cask_store_delete_many_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_delete_many_async(). Errors: those of cask_store_delete_many().
 *
 * Returns: (transfer full) (nullable): a result for each, in the order given, or %NULL
 *
 * Since: 1.0
 */
CaskResults *
cask_store_delete_many_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_delete_many_async, error);
}
