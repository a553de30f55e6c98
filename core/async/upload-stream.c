/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-stream.c: CaskUpload, a GOutputStream around the engine of the store room.
 *
 * GIO sees to it that no two of its own calls overlap, but knows nothing of commit, save
 * and abort: `busy` is claimed by every call, synchronous or not. Small writes go to the
 * engine's buffer in the caller's thread; only a full buffer needs the pool. Flushing and
 * closing have nothing to do: the commit and the save hand on what is gathered. */
#include "upload-stream-private.h"

#include <cask/cask-error.h>

G_DEFINE_FINAL_TYPE (CaskUpload, cask_upload, G_TYPE_OUTPUT_STREAM)

static gboolean
upload_claim (CaskUpload *upload, GError **error)
{
  if (g_atomic_int_compare_and_exchange (&upload->busy, FALSE, TRUE))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                       "upload: another call is under way");
  return FALSE;
}

/* Between two pieces of a g_output_stream_write_all_async() nothing of ours is busy, but
 * the stream is. */
gboolean
cask_upload_claim (CaskUpload *upload, GError **error)
{
  if (!g_output_stream_has_pending (G_OUTPUT_STREAM (upload)))
    return upload_claim (upload, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                       "upload: a write is under way");
  return FALSE;
}

void
cask_upload_release (CaskUpload *upload)
{
  g_atomic_int_set (&upload->busy, FALSE);
}

CaskLane *
cask_upload_lane (CaskUpload *upload)
{
  return upload->engine->store->lane;
}

/* An operation that has claimed the upload, or is on its way to say that it could not. */
static AsyncOp *
upload_op_claimed (AsyncOp *op, CaskUpload *upload, gboolean is_claimed)
{
  if (is_claimed)
    {
      op->claim = &upload->busy;
      return op;
    }
  async_op_complete (op);
  return NULL;
}

AsyncOp *
cask_upload_op_new (CaskUpload *upload, gpointer tag, int io_priority,
                    GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  AsyncOp *op = async_op_new (upload, tag, io_priority, cancellable, callback, user_data);

  return upload_op_claimed (op, upload, cask_upload_claim (upload, &op->error));
}

AsyncOp *
cask_upload_write_op_new (CaskUpload *upload, gpointer tag, int io_priority,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  AsyncOp *op = async_op_new (upload, tag, io_priority, cancellable, callback, user_data);

  return upload_op_claimed (op, upload, upload_claim (upload, &op->error));
}

static void
cask_upload_finalize (GObject *object)
{
  CaskUpload *self = CASK_UPLOAD (object);

  if (self->engine != NULL)
    cask_upload_engine_free (self->engine);
  G_OBJECT_CLASS (cask_upload_parent_class)->finalize (object);
}

/* Once it is committed or aborted, a write is one to a closed stream, whether or not its
 * own close was called. */
gboolean
cask_upload_check_writable (CaskUpload *self, GError **error)
{
  if (self->engine->stage != CASK_UPLOAD_ENDED)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
                       "upload: committed or aborted already");
  return FALSE;
}

static gssize
upload_stream_write (GOutputStream *stream, const void *data, gsize count,
                     GCancellable *cancellable, GError **error)
{
  CaskUpload *self = CASK_UPLOAD (stream);

  if (!upload_claim (self, error))
    return -1;
  gssize n = -1;
  if (cask_upload_check_writable (self, error))
    n = cask_upload_engine_write (self->engine, data, count, cancellable, error);
  cask_upload_release (self);
  return n;
}

static gssize
upload_stream_splice (GOutputStream *stream, GInputStream *source,
                      GOutputStreamSpliceFlags flags, GCancellable *cancellable,
                      GError **error)
{
  CaskUpload *self = CASK_UPLOAD (stream);

  if (!upload_claim (self, error))
    return -1;
  gssize n = -1;
  if (cask_upload_check_writable (self, error))
    n = cask_upload_engine_pump (self->engine, source, cancellable, error);
  cask_upload_release (self);
  if (flags & G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE)
    g_input_stream_close (source, cancellable, NULL);
  if (flags & G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET)
    {
      /* GIO has set it pending for the splice, and clears that again. */
      g_output_stream_clear_pending (stream);
      g_output_stream_close (stream, NULL, NULL);
    }
  return n;
}

static void
write_work (AsyncOp *op, gpointer stream, GCancellable *cancellable)
{
  CaskUpload *self = stream;

  op->out.count = cask_upload_engine_write (self->engine, op->buffer, op->length,
                                            cancellable, &op->error);
}

static void
upload_stream_write_async (GOutputStream *stream, const void *data, gsize count,
                           int io_priority, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  CaskUpload *self = CASK_UPLOAD (stream);
  AsyncOp *op = cask_upload_write_op_new (self, upload_stream_write_async, io_priority,
                                          cancellable, callback, user_data);

  if (op == NULL)
    return;
  op->buffer = (gpointer) data;
  op->length = count;
  if (g_cancellable_set_error_if_cancelled (cancellable, &op->error) ||
      !cask_upload_check_writable (self, &op->error))
    {
      async_op_complete (op);
      return;
    }
  op->out.count = (gssize) cask_upload_engine_take (self->engine, data, count);
  if (op->out.count > 0)
    async_op_complete (op);
  else
    async_op_queue (op, cask_upload_lane (self), write_work);
}

static gssize
upload_stream_write_finish (GOutputStream *stream, GAsyncResult *result, GError **error)
{
  const AsyncOp *op = async_op_finish (stream, result, upload_stream_write_async, error);

  return op != NULL ? op->out.count : -1;
}

static void
upload_stream_close_async (GOutputStream *stream, int io_priority,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  async_op_complete (async_op_new (stream, upload_stream_close_async, io_priority,
                                   cancellable, callback, user_data));
}

static gboolean
upload_stream_close_finish (GOutputStream *stream, GAsyncResult *result, GError **error)
{
  return async_op_finish (stream, result, upload_stream_close_async, error) != NULL;
}

static void
cask_upload_class_init (CaskUploadClass *klass)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cask_upload_finalize;
  stream_class->write_fn = upload_stream_write;
  stream_class->splice = upload_stream_splice;
  stream_class->write_async = upload_stream_write_async;
  stream_class->write_finish = upload_stream_write_finish;
  stream_class->splice_async = cask_upload_splice_async;
  stream_class->splice_finish = cask_upload_splice_finish;
  stream_class->close_async = upload_stream_close_async;
  stream_class->close_finish = upload_stream_close_finish;
}

static void
cask_upload_init (CaskUpload *self)
{
  (void) self;
}

CaskUpload *
cask_upload_wrap (CaskUploadEngine *engine)
{
  if (engine == NULL)
    return NULL;
  CaskUpload *upload = g_object_new (CASK_TYPE_UPLOAD, NULL);
  upload->engine = engine;
  return upload;
}
