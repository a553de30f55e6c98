/* SPDX-License-Identifier: Apache-2.0
 *
 * async-op.c: the life of an asynchronous operation.
 *
 *   _async ──► decided at once? ──yes──────────────────────────┐
 *                 │no                                          ▼
 *                 ▼                                      completion queue ──► callback,
 * in the context queued ──► a worker takes it ──► work ─────────►▲ │ │ └── the
 * cancellable fires ──► withdrawn ─────┘
 *
 * Who completes an operation is decided in one place: the pool's `queued` flag, under the
 * pool's lock. Either a worker takes the job, or cask_pool_withdraw() does; never both.
 *
 * References: the task owns the operation as its task data, the operation owns the task
 * until the delivery. A worker hands its share over with the completion and touches
 * nothing afterwards, so that the last reference on the store, or on what the callback's
 * data keeps alive, is dropped in the caller's context. */
#include "async-op-private.h"

static void
async_op_free (gpointer data)
{
  AsyncOp *op = data;

  g_clear_pointer (&op->bytes, g_bytes_unref);
  g_clear_error (&op->error);
  if (op->result != NULL)
    op->free_result (op->result);
  g_free (op->text);
  g_free (op);
}

/* In the context's thread. */
static void
async_op_deliver (CaskCompletion *completion)
{
  AsyncOp *op = (AsyncOp *) (gpointer) ((char *) completion -
                                        G_STRUCT_OFFSET (AsyncOp, completion));
  g_autoptr (GTask) task = g_steal_pointer (&op->task);

  /* Not g_cancellable_disconnect(), which waits for running handlers: a handler of the
   * host's that runs a nested loop would wait for itself. Ours holds its own reference.
   */
  if (op->cancel_handler != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), op->cancel_handler);

  if (op->claim != NULL)
    g_atomic_int_set (op->claim, FALSE);
  if (op->error != NULL)
    g_task_return_error (task, g_steal_pointer (&op->error));
  else if (op->result != NULL)
    g_task_return_pointer (task, g_steal_pointer (&op->result), op->free_result);
  else
    g_task_return_boolean (task, TRUE);
}

AsyncOp *
async_op_new (gpointer source, gpointer tag, int io_priority, GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer user_data)
{
  AsyncOp *op = g_new0 (AsyncOp, 1);

  op->task = g_task_new (source, cancellable, callback, user_data);
  (g_task_set_source_tag) (op->task, tag);
  g_task_set_priority (op->task, io_priority);
  /* An operation that took effect reports it, whatever the cancellable does meanwhile. */
  g_task_set_check_cancellable (op->task, FALSE);
  g_task_set_task_data (op->task, op, async_op_free);
  op->completion.deliver = async_op_deliver;
  op->n_pending = cask_completion_announce (&op->completion,
                                            g_task_get_context (op->task), io_priority);
  return op;
}

void
async_op_set_digest (AsyncOp *op, const CaskDigest *digest)
{
  op->has_digest = digest != NULL;
  if (digest != NULL)
    op->digest = *digest;
}

void
async_op_complete (AsyncOp *op)
{
  cask_completion_push (&op->completion);
}

static void
async_op_run (CaskPoolJob **jobs, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      AsyncOp *op = (AsyncOp *) (gpointer) jobs[i];
      op->work (op, g_task_get_source_object (op->task),
                g_task_get_cancellable (op->task));
      async_op_complete (op);
    }
}

static void
async_op_fail_cancelled (AsyncOp *op)
{
  op->error =
      g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "the operation was cancelled");
}

/* In the thread that cancels. */
static void
async_op_cancelled (GCancellable *cancellable, gpointer data)
{
  AsyncOp *op = g_task_get_task_data (data);
  (void) cancellable;

  if (!cask_pool_withdraw (&op->job))
    return;
  async_op_fail_cancelled (op);
  async_op_complete (op);
}

gboolean
async_op_pass_on (AsyncOp *op, CaskLane *lane)
{
  op->job.func = async_op_run;
  op->job.together = FALSE;
  if (cask_pool_push_on (lane, &op->job, g_task_get_priority (op->task)))
    return TRUE;
  async_op_fail_cancelled (op);
  return FALSE;
}

void
async_op_queue_certain (AsyncOp *op, CaskLane *lane, AsyncWork work)
{
  op->work = work;
  if (op->job.func == NULL)
    op->job.func = async_op_run;
  cask_pool_push (lane, &op->job, g_task_get_priority (op->task));
}

void
async_op_queue (AsyncOp *op, CaskLane *lane, AsyncWork work)
{
  GCancellable *cancellable = g_task_get_cancellable (op->task);

  if (cancellable == NULL)
    {
      async_op_queue_certain (op, lane, work);
      return;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, &op->error))
    {
      async_op_complete (op);
      return;
    }

  /* Connected first, for afterwards the operation may be done and gone; what fires
   * between the two is looked for at the end. */
  g_autoptr (GTask) task = g_object_ref (op->task);
  op->cancel_handler = g_signal_connect_data (
      cancellable, "cancelled", G_CALLBACK (async_op_cancelled), g_object_ref (task),
      (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  async_op_queue_certain (op, lane, work);
  if (g_cancellable_is_cancelled (cancellable))
    async_op_cancelled (cancellable, task);
}

AsyncOp *
async_op_finish (gpointer source, GAsyncResult *result, gpointer tag, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, source), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);

  GTask *task = G_TASK (result);
  if (!g_task_propagate_boolean (task, error))
    return NULL;
  return g_task_get_task_data (task);
}

gpointer
async_op_finish_pointer (gpointer source, GAsyncResult *result, gpointer tag,
                         GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, source), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
