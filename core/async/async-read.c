/* SPDX-License-Identifier: Apache-2.0
 *
 * async-read.c: get, stat, contains and list for main loops.
 *
 * What is in memory, or certainly absent, is answered without a thread: the backend's try
 * slots are asked in the caller's thread, and the callback runs in the next round of the
 * loop. */
#include "async-op-private.h"

/* A cancelled operation does nothing; one that is decided at once needs no thread. */
static gboolean
async_read_is_cancelled (AsyncOp *op)
{
  return g_cancellable_set_error_if_cancelled (g_task_get_cancellable (op->task),
                                               &op->error);
}

static void
get_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  op->result = cask_store_get (store, &op->digest, cancellable, &op->error);
  op->free_result = (GDestroyNotify) g_bytes_unref;
}

/* Asks without blocking, then the pool. */
static void
async_read_start (AsyncOp *op, CaskStore *store, gboolean whole, AsyncWork work)
{
  op->free_result = (GDestroyNotify) g_bytes_unref;
  if (async_read_is_cancelled (op))
    async_op_complete (op);
  else if (async_op_share (op, store, whole, work))
    return;
  else if (async_op_try_read (op, store, whole))
    async_op_complete (op);
  else
    async_op_queue (op, store->lane, work);
}

/**
 * cask_store_get_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_get().
 *
 * Since: 1.0
 */
void
cask_store_get_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                      GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_get_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  op->length = CASK_TO_END;
  async_read_start (op, store, TRUE, get_work);
}

/**
 * cask_store_get_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_get_async(). Errors: those of cask_store_get().
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL
 *
 * Since: 1.0
 */
GBytes *
cask_store_get_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_get_async, error);
}

static void
get_range_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  op->result = cask_store_get_range (store, &op->digest, op->offset, op->length,
                                     cancellable, &op->error);
}

/**
 * cask_store_get_range_async:
 * @store: a store
 * @digest: a digest; copied
 * @offset: of the first byte
 * @length: in bytes; %CASK_TO_END for the rest
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_get_range().
 *
 * Since: 1.0
 */
void
cask_store_get_range_async (CaskStore *store, const CaskDigest *digest, guint64 offset,
                            guint64 length, int io_priority, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_get_range_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  op->offset = offset;
  op->length = length;
  async_read_start (op, store, FALSE, get_range_work);
}

/**
 * cask_store_get_range_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_get_range_async(). Errors: those of cask_store_get_range().
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL
 *
 * Since: 1.0
 */
GBytes *
cask_store_get_range_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_get_range_async, error);
}

static void
stat_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_stat (store, &op->digest, &op->out.info, cancellable, &op->error);
}

static void
async_stat_start (AsyncOp *op, CaskStore *store, const CaskDigest *digest)
{
  async_op_set_digest (op, digest);
  if (async_read_is_cancelled (op) ||
      cask_store_try_stat (store, digest, &op->out.info, &op->error))
    async_op_complete (op);
  else
    async_op_queue (op, store->lane, stat_work);
}

/**
 * cask_store_stat_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_stat().
 *
 * Since: 1.0
 */
void
cask_store_stat_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                       GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_stat_async, io_priority, cancellable,
                              callback, user_data);
  async_stat_start (op, store, digest);
}

/**
 * cask_store_stat_finish:
 * @store: a store
 * @result: what the callback was given
 * @info: (out caller-allocates): what is known of the blob
 * @error: return location for an error
 *
 * Finishes cask_store_stat_async(). Errors: those of cask_store_stat().
 *
 * Returns: whether the blob is there
 *
 * Since: 1.0
 */
gboolean
cask_store_stat_finish (CaskStore *store, GAsyncResult *result, CaskBlobInfo *info,
                        GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_stat_async, error);

  if (op == NULL)
    return FALSE;
  *info = op->out.info;
  return TRUE;
}

/**
 * cask_store_contains_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_contains().
 *
 * Since: 1.0
 */
void
cask_store_contains_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_contains_async, io_priority, cancellable,
                              callback, user_data);
  async_stat_start (op, store, digest);
}

/**
 * cask_store_contains_finish:
 * @store: a store
 * @result: what the callback was given
 * @present: (out): whether the blob is there
 * @error: return location for an error
 *
 * Finishes cask_store_contains_async(). Errors: those of cask_store_contains().
 *
 * Returns: whether @present was set
 *
 * Since: 1.0
 */
gboolean
cask_store_contains_finish (CaskStore *store, GAsyncResult *result, gboolean *present,
                            GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean found =
      async_op_finish (store, result, cask_store_contains_async, &failure) != NULL;

  if (!found && !g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  *present = found;
  return TRUE;
}

static void
list_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  const CaskDigest *after = op->has_digest ? &op->digest : NULL;

  op->result = cask_store_list (store, after, op->flags, cancellable, &op->error);
  op->free_result = (GDestroyNotify) cask_list_page_unref;
}

/**
 * cask_store_list_async:
 * @store: a store
 * @after: (nullable): only blobs greater than this digest; copied
 * @limit: how many blobs at most; 0: %CASK_LIST_DEFAULT
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_list().
 *
 * Since: 1.0
 */
void
cask_store_list_async (CaskStore *store, const CaskDigest *after, guint limit,
                       int io_priority, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_list_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, after);
  op->flags = limit;
  async_op_queue (op, store->lane, list_work);
}

/**
 * cask_store_list_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_list_async(). Errors: those of cask_store_list().
 *
 * Returns: (transfer full) (nullable): a page, or %NULL
 *
 * Since: 1.0
 */
CaskListPage *
cask_store_list_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_list_async, error);
}
