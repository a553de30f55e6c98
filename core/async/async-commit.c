/* SPDX-License-Identifier: Apache-2.0
 *
 * async-commit.c: an upload saved, committed and aborted under a main loop. */
#include "upload-stream-private.h"

static void
save_work (AsyncOp *op, gpointer upload, GCancellable *cancellable)
{
  CaskUpload *self = upload;

  cask_upload_engine_save (self->engine, cancellable, &op->error);
}

/**
 * cask_upload_save_async:
 * @upload: an upload
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_upload_save().
 *
 * Since: 1.0
 */
void
cask_upload_save_async (CaskUpload *upload, int io_priority, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_UPLOAD (upload));

  AsyncOp *op = cask_upload_op_new (upload, cask_upload_save_async, io_priority,
                                    cancellable, callback, user_data);
  if (op != NULL)
    async_op_queue (op, cask_upload_lane (upload), save_work);
}

/**
 * cask_upload_save_finish:
 * @upload: an upload
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_upload_save_async(). Errors: those of cask_upload_save().
 *
 * Returns: (transfer none) (nullable): the id, or %NULL
 *
 * Since: 1.0
 */
const char *
cask_upload_save_finish (CaskUpload *upload, GAsyncResult *result, GError **error)
{
  const AsyncOp *op = async_op_finish (upload, result, cask_upload_save_async, error);

  return op != NULL ? upload->engine->id : NULL;
}

static void
commit_work (AsyncOp *op, gpointer upload, GCancellable *cancellable)
{
  CaskUpload *self = upload;
  CaskDigest stored;

  if (cask_upload_engine_commit (self->engine, op->has_digest ? &op->digest : NULL,
                                 &stored, &op->out.flag, cancellable, &op->error))
    op->digest = stored;
}

/**
 * cask_upload_commit_async:
 * @upload: an upload
 * @expected: (nullable): what its bytes must hash to; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_upload_commit().
 *
 * Since: 1.0
 */
void
cask_upload_commit_async (CaskUpload *upload, const CaskDigest *expected, int io_priority,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (CASK_IS_UPLOAD (upload));

  AsyncOp *op = cask_upload_op_new (upload, cask_upload_commit_async, io_priority,
                                    cancellable, callback, user_data);
  if (op == NULL)
    return;
  async_op_set_digest (op, expected);
  async_op_queue (op, cask_upload_lane (upload), commit_work);
}

/**
 * cask_upload_commit_finish:
 * @upload: an upload
 * @result: what the callback was given
 * @stored: (out caller-allocates) (optional): the blob's name
 * @created: (out) (optional): whether this call made the blob
 * @error: return location for an error
 *
 * Finishes cask_upload_commit_async(). Errors: those of cask_upload_commit().
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_upload_commit_finish (CaskUpload *upload, GAsyncResult *result, CaskDigest *stored,
                           gboolean *created, GError **error)
{
  const AsyncOp *op = async_op_finish (upload, result, cask_upload_commit_async, error);

  if (op == NULL)
    return FALSE;
  g_output_stream_close (G_OUTPUT_STREAM (upload), NULL, NULL);
  if (stored != NULL)
    *stored = op->digest;
  if (created != NULL)
    *created = op->out.flag;
  return TRUE;
}

static void
abort_work (AsyncOp *op, gpointer upload, GCancellable *cancellable)
{
  CaskUpload *self = upload;
  (void) cancellable;

  cask_upload_engine_abort (self->engine, &op->error);
}

/**
 * cask_upload_abort_async:
 * @upload: an upload
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_upload_abort().
 *
 * Since: 1.0
 */
void
cask_upload_abort_async (CaskUpload *upload, int io_priority, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_UPLOAD (upload));

  AsyncOp *op = cask_upload_op_new (upload, cask_upload_abort_async, io_priority,
                                    cancellable, callback, user_data);
  if (op != NULL)
    async_op_queue (op, cask_upload_lane (upload), abort_work);
}

/**
 * cask_upload_abort_finish:
 * @upload: an upload
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_upload_abort_async(). Errors: those of cask_upload_abort().
 *
 * Returns: whether it is gone
 *
 * Since: 1.0
 */
gboolean
cask_upload_abort_finish (CaskUpload *upload, GAsyncResult *result, GError **error)
{
  if (async_op_finish (upload, result, cask_upload_abort_async, error) == NULL)
    return FALSE;
  g_output_stream_close (G_OUTPUT_STREAM (upload), NULL, NULL);
  return TRUE;
}
