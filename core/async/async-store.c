/* SPDX-License-Identifier: Apache-2.0
 *
 * async-store.c: open, verify, quarantine, flush, usage and close for main loops. */
#include "async-op-private.h"

#include <pthread.h>

#include "fork-private.h"

/* Opening has no store yet, and so no lane. */
static CaskLane *open_lane;

static void
async_make_open_lane (void)
{
  open_lane = cask_lane_new (64);
}

/* Not g_once_init_enter(): a child forked within it would wait for ever. */
static CaskLane *
async_open_lane (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, async_make_open_lane);
  return open_lane;
}

static void
open_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  (void) store;
  op->result = cask_store_open (op->text, cancellable, &op->error);
  op->free_result = g_object_unref;
}

/**
 * cask_store_open_async:
 * @config: what to open; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_open().
 *
 * Since: 1.0
 */
void
cask_store_open_async (const char *config, int io_priority, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (config != NULL);

  cask_fork_watch ();
  AsyncOp *op = async_op_new (NULL, cask_store_open_async, io_priority, cancellable,
                              callback, user_data);
  op->text = g_strdup (config);
  async_op_queue (op, async_open_lane (), open_work);
}

/**
 * cask_store_open_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_open_async(). Errors: those of cask_store_open().
 *
 * Returns: (transfer full) (nullable): the store, or %NULL
 *
 * Since: 1.0
 */
CaskStore *
cask_store_open_finish (GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (NULL, result, cask_store_open_async, error);
}

static void
verify_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_verify (store, &op->digest, cancellable, &op->error);
}

/**
 * cask_store_verify_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_verify().
 *
 * Since: 1.0
 */
void
cask_store_verify_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_verify_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  async_op_queue (op, store->lane, verify_work);
}

/**
 * cask_store_verify_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_verify_async(). Errors: those of cask_store_verify().
 *
 * Returns: whether the blob is there and whole
 *
 * Since: 1.0
 */
gboolean
cask_store_verify_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish (store, result, cask_store_verify_async, error) != NULL;
}

static void
quarantine_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_quarantine (store, &op->digest, &op->out.flag, cancellable, &op->error);
}

/**
 * cask_store_quarantine_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_quarantine().
 *
 * Since: 1.0
 */
void
cask_store_quarantine_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_quarantine_async, io_priority,
                              cancellable, callback, user_data);
  async_op_set_digest (op, digest);
  async_op_queue (op, store->lane, quarantine_work);
}

/**
 * cask_store_quarantine_finish:
 * @store: a store
 * @result: what the callback was given
 * @moved: (out) (optional): whether the blob was damaged, and has been moved aside
 * @error: return location for an error
 *
 * Finishes cask_store_quarantine_async(). Errors: those of cask_store_quarantine().
 *
 * Returns: whether @moved was set: the blob is whole, or moved aside
 *
 * Since: 1.0
 */
gboolean
cask_store_quarantine_finish (CaskStore *store, GAsyncResult *result, gboolean *moved,
                              GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_quarantine_async, error);

  if (op == NULL)
    return FALSE;
  if (moved != NULL)
    *moved = op->out.flag;
  return TRUE;
}

static void
flush_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_flush (store, cancellable, &op->error);
}

/**
 * cask_store_flush_async:
 * @store: a store
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_flush().
 *
 * Since: 1.0
 */
void
cask_store_flush_async (CaskStore *store, int io_priority, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_flush_async, io_priority, cancellable,
                              callback, user_data);
  async_op_queue (op, store->lane, flush_work);
}

/**
 * cask_store_flush_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_flush_async(). Errors: those of cask_store_flush().
 *
 * Returns: whether what was acknowledged is durable
 *
 * Since: 1.0
 */
gboolean
cask_store_flush_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish (store, result, cask_store_flush_async, error) != NULL;
}

static void
usage_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  cask_store_usage (store, &op->out.usage, cancellable, &op->error);
}

/**
 * cask_store_usage_async:
 * @store: a store
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_usage().
 *
 * Since: 1.0
 */
void
cask_store_usage_async (CaskStore *store, int io_priority, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_usage_async, io_priority, cancellable,
                              callback, user_data);
  async_op_queue (op, store->lane, usage_work);
}

/**
 * cask_store_usage_finish:
 * @store: a store
 * @result: what the callback was given
 * @usage: (out caller-allocates): how full the store is
 * @error: return location for an error
 *
 * Finishes cask_store_usage_async(). Errors: those of cask_store_usage().
 *
 * Returns: whether @usage was set
 *
 * Since: 1.0
 */
gboolean
cask_store_usage_finish (CaskStore *store, GAsyncResult *result, CaskUsage *usage,
                         GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_usage_async, error);

  if (op == NULL)
    return FALSE;
  *usage = op->out.usage;
  return TRUE;
}

static void
close_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  (void) cancellable;
  cask_store_close (store, NULL, &op->error);
}

/**
 * cask_store_close_async:
 * @store: a store
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_close(): the store refuses new operations as soon
 * as this returns.
 *
 * Since: 1.0
 */
void
cask_store_close_async (CaskStore *store, int io_priority, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_close_async, io_priority, cancellable,
                              callback, user_data);
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  if (g_cancellable_set_error_if_cancelled (cancellable, &op->error))
    {
      async_op_complete (op);
      return;
    }
  /* From now on, not only from when a thread comes to it; and in a lane of its own, for
   * the store's may be full of operations that this one is to wait for. */
  cask_store_refuse_new (store);
  async_op_queue_certain (op, lane, close_work);
}

/**
 * cask_store_close_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_close_async(). Errors: those of cask_store_close().
 *
 * Returns: whether the store is closed
 *
 * Since: 1.0
 */
gboolean
cask_store_close_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish (store, result, cask_store_close_async, error) != NULL;
}
