/* SPDX-License-Identifier: Apache-2.0
 *
 * async-put-stream.c: a blob from a stream, under a main loop.
 *
 *   begin ──► splice ──► commit ──► done
 *     │          └──┬───────┘failed
 *     │failed       ▼
 *     └─────────► abort ──► the first error
 *
 * What failed is aborted before the callback runs: then nothing of it is left. */
#include "upload-stream-private.h"

typedef struct
{
  AsyncOp *op;
  CaskUpload *upload;
  GInputStream *source;
} PutStream;

static void
put_stream_end (PutStream *put)
{
  AsyncOp *op = put->op;

  g_clear_object (&put->upload);
  g_object_unref (put->source);
  g_free (put);
  async_op_complete (op);
}

static void
put_stream_aborted (GObject *upload, GAsyncResult *result, gpointer data)
{
  cask_upload_abort_finish (CASK_UPLOAD (upload), result, NULL);
  put_stream_end (data);
}

static void
put_stream_abort (PutStream *put)
{
  cask_upload_abort_async (put->upload, g_task_get_priority (put->op->task), NULL,
                           put_stream_aborted, put);
}

static void
put_stream_committed (GObject *upload, GAsyncResult *result, gpointer data)
{
  PutStream *put = data;
  AsyncOp *op = put->op;

  if (cask_upload_commit_finish (CASK_UPLOAD (upload), result, &op->digest, &op->out.flag,
                                 &op->error))
    put_stream_end (put);
  else
    put_stream_abort (put);
}

static void
put_stream_spliced (GObject *upload, GAsyncResult *result, gpointer data)
{
  PutStream *put = data;
  GTask *task = put->op->task;

  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), result, &put->op->error) <
      0)
    put_stream_abort (put);
  else
    cask_upload_commit_async (put->upload, NULL, g_task_get_priority (task),
                              g_task_get_cancellable (task), put_stream_committed, put);
}

static void
put_stream_begun (GObject *store, GAsyncResult *result, gpointer data)
{
  PutStream *put = data;
  GTask *task = put->op->task;

  put->upload =
      cask_store_begin_upload_finish (CASK_STORE (store), result, &put->op->error);
  if (put->upload == NULL)
    put_stream_end (put);
  else
    g_output_stream_splice_async (G_OUTPUT_STREAM (put->upload), put->source,
                                  G_OUTPUT_STREAM_SPLICE_NONE, g_task_get_priority (task),
                                  g_task_get_cancellable (task), put_stream_spliced, put);
}

/**
 * cask_store_put_stream_async:
 * @store: a store
 * @digest: (nullable): what the bytes hash to; copied
 * @algorithm: the hash to name the blob by
 * @source: the bytes; read in the caller's main context, by its asynchronous calls
 * @expected_size: how many bytes there are, or %CASK_UNKNOWN
 * @flags: how to put
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_put_stream().
 *
 * Since: 1.0
 */
void
cask_store_put_stream_async (CaskStore *store, const CaskDigest *digest,
                             CaskAlgorithm algorithm, GInputStream *source,
                             guint64 expected_size, CaskPutFlags flags, int io_priority,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && G_IS_INPUT_STREAM (source));

  PutStream *put = g_new0 (PutStream, 1);
  put->op = async_op_new (store, cask_store_put_stream_async, io_priority, cancellable,
                          callback, user_data);
  put->source = g_object_ref (source);
  cask_store_begin_upload_async (store, digest, algorithm, expected_size, flags,
                                 io_priority, cancellable, put_stream_begun, put);
}

/**
 * cask_store_put_stream_finish:
 * @store: a store
 * @result: what the callback was given
 * @stored: (out caller-allocates) (optional): the blob's name
 * @created: (out) (optional): whether this call made the blob
 * @error: return location for an error
 *
 * Finishes cask_store_put_stream_async(). Errors: those of cask_store_put_stream().
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_store_put_stream_finish (CaskStore *store, GAsyncResult *result, CaskDigest *stored,
                              gboolean *created, GError **error)
{
  const AsyncOp *op = async_op_finish (store, result, cask_store_put_stream_async, error);

  if (op == NULL)
    return FALSE;
  if (stored != NULL)
    *stored = op->digest;
  if (created != NULL)
    *created = op->out.flag;
  return TRUE;
}
