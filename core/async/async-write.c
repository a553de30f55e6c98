/* SPDX-License-Identifier: Apache-2.0
 *
 * async-write.c: put, add, touch and delete for main loops.
 *
 * Where the backend has a put_many of its own, a worker takes the puts that wait in a row
 * together: one flush to disk can serve them all. */
#include "async-op-private.h"

static void
put_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_put (store, &op->digest, op->bytes, op->flags, &op->out.flag, cancellable,
                  &op->error);
}

/* One call of the backend for all of them. Who was cancelled while waiting is left out.
 */
static void
async_put_group (AsyncOp **ops, guint n, CaskStore *store)
{
  CaskItem items[CASK_POOL_RUN_JOBS] = { 0 };
  AsyncOp *live[CASK_POOL_RUN_JOBS];
  guint n_live = 0;

  for (guint i = 0; i < n; i++)
    {
      GCancellable *cancellable = g_task_get_cancellable (ops[i]->task);
      if (g_cancellable_set_error_if_cancelled (cancellable, &ops[i]->error))
        continue;
      items[n_live].digest = &ops[i]->digest;
      items[n_live].bytes = ops[i]->bytes;
      live[n_live++] = ops[i];
    }
  cask_store_put_group (store, items, n_live);
  for (guint i = 0; i < n_live; i++)
    {
      live[i]->error = items[i].error;
      live[i]->out.flag = items[i].outcome != 0;
    }
}

static void
async_put_run (CaskPoolJob **jobs, guint n)
{
  AsyncOp **ops = (AsyncOp **) (gpointer) jobs;
  CaskStore *store = g_task_get_source_object (ops[0]->task);

  if (n == 1)
    put_work (ops[0], store, g_task_get_cancellable (ops[0]->task));
  else
    async_put_group (ops, n, store);
  for (guint i = 0; i < n; i++)
    async_op_complete (ops[i]);
}

/**
 * cask_store_put_async:
 * @store: a store
 * @digest: what @bytes hash to; copied
 * @bytes: the blob
 * @flags: how to put
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_put().
 *
 * Since: 1.0
 */
void
cask_store_put_async (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                      CaskPutFlags flags, int io_priority, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));
  g_return_if_fail (digest != NULL && bytes != NULL);

  AsyncOp *op = async_op_new (store, cask_store_put_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  op->bytes = g_bytes_ref (bytes);
  op->flags = flags;
  op->job.func = async_put_run;
  op->job.weight = g_bytes_get_size (bytes);
  op->job.together = flags == CASK_PUT_NONE && store->groups_puts;
  async_op_queue (op, store->lane, put_work);
}

/**
 * cask_store_put_finish:
 * @store: a store
 * @result: what the callback was given
 * @created: (out) (optional): whether this call made the blob
 * @error: return location for an error
 *
 * Finishes cask_store_put_async(). Errors: those of cask_store_put().
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_store_put_finish (CaskStore *store, GAsyncResult *result, gboolean *created,
                       GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_put_async, error);

  if (op == NULL)
    return FALSE;
  if (created != NULL)
    *created = op->out.flag;
  return TRUE;
}

static void
add_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_add (store, op->bytes, op->algorithm, op->flags, &op->digest, &op->out.flag,
                  cancellable, &op->error);
}

/**
 * cask_store_add_async:
 * @store: a store
 * @bytes: the blob
 * @algorithm: the hash to name it by
 * @flags: how to put
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_add().
 *
 * Since: 1.0
 */
void
cask_store_add_async (CaskStore *store, GBytes *bytes, CaskAlgorithm algorithm,
                      CaskPutFlags flags, int io_priority, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && bytes != NULL);

  AsyncOp *op = async_op_new (store, cask_store_add_async, io_priority, cancellable,
                              callback, user_data);
  op->bytes = g_bytes_ref (bytes);
  op->algorithm = algorithm;
  op->flags = flags;
  async_op_queue (op, store->lane, add_work);
}

/**
 * cask_store_add_finish:
 * @store: a store
 * @result: what the callback was given
 * @digest: (out caller-allocates): what the bytes hash to
 * @created: (out) (optional): whether this call made the blob
 * @error: return location for an error
 *
 * Finishes cask_store_add_async(). Errors: those of cask_store_add().
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_store_add_finish (CaskStore *store, GAsyncResult *result, CaskDigest *digest,
                       gboolean *created, GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_add_async, error);

  if (op == NULL)
    return FALSE;
  *digest = op->digest;
  if (created != NULL)
    *created = op->out.flag;
  return TRUE;
}

static void
touch_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_touch (store, &op->digest, cancellable, &op->error);
}

/**
 * cask_store_touch_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_touch().
 *
 * Since: 1.0
 */
void
cask_store_touch_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                        GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_touch_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  async_op_queue (op, store->lane, touch_work);
}

/**
 * cask_store_touch_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_touch_async(). Errors: those of cask_store_touch().
 *
 * Returns: whether the blob is there and will be kept
 *
 * Since: 1.0
 */
gboolean
cask_store_touch_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish (store, result, cask_store_touch_async, error) != NULL;
}

static void
delete_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_delete_unused (store, &op->digest, (gint64) op->offset, &op->out.removed,
                            cancellable, &op->error);
}

/**
 * cask_store_delete_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_delete().
 *
 * Since: 1.0
 */
void
cask_store_delete_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_delete_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  op->offset = CASK_ALWAYS;
  async_op_queue (op, store->lane, delete_work);
}

/**
 * cask_store_delete_finish:
 * @store: a store
 * @result: what the callback was given
 * @existed: (out) (optional): whether the blob was there
 * @error: return location for an error
 *
 * Finishes cask_store_delete_async(). Errors: those of cask_store_delete().
 *
 * Returns: whether the blob is gone
 *
 * Since: 1.0
 */
gboolean
cask_store_delete_finish (CaskStore *store, GAsyncResult *result, gboolean *existed,
                          GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_delete_async, error);

  if (op == NULL)
    return FALSE;
  if (existed != NULL)
    *existed = op->out.removed == CASK_REMOVED_DONE;
  return TRUE;
}

/**
 * cask_store_delete_unused_async:
 * @store: a store
 * @digest: a digest; copied
 * @unused_since_usec: remove only what was last used before this time
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_delete_unused().
 *
 * Since: 1.0
 */
void
cask_store_delete_unused_async (CaskStore *store, const CaskDigest *digest,
                                gint64 unused_since_usec, int io_priority,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_delete_unused_async, io_priority,
                              cancellable, callback, user_data);
  async_op_set_digest (op, digest);
  op->offset = (guint64) unused_since_usec;
  async_op_queue (op, store->lane, delete_work);
}

/**
 * cask_store_delete_unused_finish:
 * @store: a store
 * @result: what the callback was given
 * @outcome: (out) (optional): what became of the blob
 * @error: return location for an error
 *
 * Finishes cask_store_delete_unused_async(). Errors: those of cask_store_delete_unused().
 *
 * Returns: whether @outcome was set
 *
 * Since: 1.0
 */
gboolean
cask_store_delete_unused_finish (CaskStore *store, GAsyncResult *result,
                                 CaskRemoved *outcome, GError **error)
{
  const AsyncOp *op =
      async_op_finish (store, result, cask_store_delete_unused_async, error);

  if (op == NULL)
    return FALSE;
  if (outcome != NULL)
    *outcome = op->out.removed;
  return TRUE;
}
