/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-pump.c: a GInputStream, pumped into an upload under a main loop.
 *
 *   main context                                    pool
 *
 *   room? ──yes──► read into it ──► 0 bytes? ─yes─► (end)
 *     ▲ │no             ▲                │no
 *     │ │               │          full: set aside ──► hand on until
 *     │ └─► wait ◄──────┼────────────────┤             nothing is aside,
 *     └─────── written ─┴────────────────┘             or others wait
 *
 * The source is read as it wants to be read, in the caller's main context; it may be a
 * socket that another thread must not touch. It reads straight into the upload's chunks.
 * Full ones are written on the pool, one write at a time, while the next is read, so that
 * neither waits for the other's waking. Nobody else uses the upload: it is claimed from
 * the first step to the last.
 *
 * Failure modes: where a write fails, the read that is under way is cancelled, for the
 * source may be silent for ever, and waited for, for it may still write into the chunk.
 * What was cancelled before it was written stays aside, and goes with the next write. */
#include "upload-stream-private.h"

#include <cask/cask-error.h>

typedef struct
{
  AsyncOp *op;
  CaskUploadEngine *engine;
  GInputStream *source;
  GCancellable *reading; /* what the source is given */
  gulong cancel_handler; /* by which the caller's cancels it */
  GOutputStreamSpliceFlags flags;
  guint64 start;
  guint8 probe; /* what comes after the last byte that was announced, if anything */
  gboolean is_probing;
  gboolean is_asking, has_read; /* the source has called back, perhaps at once */
  gssize n_read;
  gboolean is_reading; /* it has not yet */
  gboolean is_writing; /* nor has the pool */
  gboolean is_over;    /* nothing more is asked for */
} UploadPump;

static void pump_run (UploadPump *pump);

static void
pump_end (UploadPump *pump)
{
  AsyncOp *op = pump->op;
  GOutputStream *stream = g_task_get_source_object (op->task);

  op->out.count = (gssize) (cask_upload_engine_get_offset (pump->engine) - pump->start);
  /* GIO has set it pending for the splice, and will clear that itself. */
  if (pump->flags & G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET)
    {
      g_output_stream_clear_pending (stream);
      g_output_stream_close (stream, NULL, NULL);
    }
  /* Not g_cancellable_disconnect(), which waits for running handlers: a source that calls
   * back as it is cancelled has come here from within ours. */
  if (pump->cancel_handler != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (op->task), pump->cancel_handler);
  g_object_unref (pump->reading);
  g_object_unref (pump->source);
  g_free (pump);
  async_op_complete (op);
}

static void
pump_source_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_input_stream_close_finish (G_INPUT_STREAM (source), result, NULL);
  pump_end (data);
}

static void
pump_finish (UploadPump *pump)
{
  if (pump->flags & G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE)
    g_input_stream_close_async (pump->source, g_task_get_priority (pump->op->task), NULL,
                                pump_source_closed, pump);
  else
    pump_end (pump);
}

/* Nothing more is asked for: ends it once neither side is at work. */
static void
pump_stop (UploadPump *pump)
{
  g_autoptr (GCancellable) reading = g_object_ref (pump->reading);

  pump->is_over = TRUE;
  /* Last, for it may call back. */
  if (pump->is_reading)
    g_cancellable_cancel (reading);
  else if (!pump->is_writing)
    pump_finish (pump);
}

/* The first error is the one to tell. */
static GError **
pump_error (UploadPump *pump)
{
  return pump->op->error == NULL ? &pump->op->error : NULL;
}

static void
pump_write_work (AsyncOp *op, gpointer stream, GCancellable *cancellable)
{
  CaskUpload *upload = stream;

  cask_upload_engine_hand_on (upload->engine, cancellable, &op->error);
}

static void pump_written (GObject *stream, GAsyncResult *result, gpointer data);

/* Has what is aside written, unless that is under way. */
static void
pump_write (UploadPump *pump)
{
  GTask *task = pump->op->task;

  if (pump->is_writing || !cask_upload_engine_has_aside (pump->engine))
    return;
  AsyncOp *op = async_op_new (g_task_get_source_object (task), pump_write_work,
                              g_task_get_priority (task), g_task_get_cancellable (task),
                              pump_written, pump);
  pump->is_writing = TRUE;
  async_op_queue (op, pump->engine->store->lane, pump_write_work);
}

static void
pump_written (GObject *stream, GAsyncResult *result, gpointer data)
{
  UploadPump *pump = data;

  pump->is_writing = FALSE;
  if (async_op_finish (stream, result, pump_write_work, pump_error (pump)) == NULL ||
      pump->is_over)
    pump_stop (pump);
  else if (pump->is_reading)
    pump_write (pump);
  else
    pump_run (pump);
}

/* n bytes came from the source, and are taken also where it is over: whoever goes on with
 * the upload will not get them again. Returns: whether it goes on. */
static gboolean
pump_took (UploadPump *pump, gssize n)
{
  GError **error = pump_error (pump);

  /* Without an error it would pass for the end. */
  if (n < 0 && error != NULL)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO,
                         "upload: the stream failed and did not say why");
  else if (n > 0 && pump->is_probing)
    cask_upload_engine_fail_longer (pump->engine, error);
  else if (n > 0 && cask_upload_engine_advance (pump->engine, (gsize) n, error) &&
           !pump->is_over)
    return TRUE;
  pump_stop (pump);
  return FALSE;
}

static void
pump_source_read (GObject *source, GAsyncResult *result, gpointer data)
{
  UploadPump *pump = data;

  /* A source that calls back at once is taken up by the loop that asked it. */
  pump->n_read =
      g_input_stream_read_finish (G_INPUT_STREAM (source), result, pump_error (pump));
  pump->has_read = TRUE;
  pump->is_reading = FALSE;
  if (!pump->is_asking && pump_took (pump, pump->n_read))
    pump_run (pump);
}

/* Asks the source. Returns: FALSE where the store is closed, or it was cancelled */
static gboolean
pump_ask (UploadPump *pump)
{
  GTask *task = pump->op->task;
  gsize room;
  guint8 *place = cask_upload_engine_fill (
      pump->engine, &room, g_task_get_cancellable (task), pump_error (pump));

  if (place == NULL)
    return FALSE;
  pump->is_probing = room == 0;
  pump->has_read = FALSE;
  pump->is_reading = TRUE;
  pump->is_asking = TRUE;
  g_input_stream_read_async (pump->source, room > 0 ? place : &pump->probe, MAX (room, 1),
                             g_task_get_priority (task), pump->reading, pump_source_read,
                             pump);
  pump->is_asking = FALSE;
  return TRUE;
}

/* With nothing being read. */
static void
pump_run (UploadPump *pump)
{
  do
    {
      gboolean has_room = cask_upload_engine_make_room (pump->engine);
      pump_write (pump);
      /* Then as much is aside as may be, so it is being written. */
      if (!has_room || (pump->is_writing && cask_upload_engine_is_short (pump->engine)))
        return;
      if (!pump_ask (pump))
        {
          pump_stop (pump);
          return;
        }
    }
  while (pump->has_read && pump_took (pump, pump->n_read));
}

static void
pump_cancelled (GCancellable *cancellable, gpointer reading)
{
  (void) cancellable;
  g_cancellable_cancel (reading);
}

static UploadPump *
pump_new (CaskUpload *upload, AsyncOp *op, GInputStream *source,
          GOutputStreamSpliceFlags flags)
{
  UploadPump *pump = g_new0 (UploadPump, 1);
  GCancellable *cancellable = g_task_get_cancellable (op->task);

  pump->op = op;
  pump->engine = upload->engine;
  pump->source = g_object_ref (source);
  pump->reading = g_cancellable_new ();
  if (cancellable != NULL)
    pump->cancel_handler =
        g_cancellable_connect (cancellable, G_CALLBACK (pump_cancelled),
                               g_object_ref (pump->reading), g_object_unref);
  pump->flags = flags;
  pump->start = cask_upload_engine_get_offset (upload->engine);
  return pump;
}

void
cask_upload_splice_async (GOutputStream *stream, GInputStream *source,
                          GOutputStreamSpliceFlags flags, int io_priority,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  CaskUpload *self = CASK_UPLOAD (stream);
  AsyncOp *op = cask_upload_write_op_new (self, cask_upload_splice_async, io_priority,
                                          cancellable, callback, user_data);

  if (op == NULL)
    {
      if (flags & G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE)
        g_input_stream_close_async (source, io_priority, NULL, NULL, NULL);
      return;
    }
  UploadPump *pump = pump_new (self, op, source, flags);
  if (cask_upload_check_writable (self, &op->error) &&
      cask_upload_engine_check_open (self->engine, &op->error))
    pump_run (pump);
  else
    pump_finish (pump);
}

gssize
cask_upload_splice_finish (GOutputStream *stream, GAsyncResult *result, GError **error)
{
  const AsyncOp *op = async_op_finish (stream, result, cask_upload_splice_async, error);

  return op != NULL ? op->out.count : -1;
}
