/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-pump.c: a GInputStream, pumped into an upload under a main loop.
 *
 *   room in the buffer? ──yes──► read into it ──► 0 bytes? ──yes──► end
 *        ▲      │no                  │no
 *        │      ▼                    │
 *        │   pool: hand on           │
 *        └──────┴────────────────────┘
 *
 * The source is read as it wants to be read, in the caller's main context; it may be a
 * socket that another thread must not touch. It reads straight into the upload's buffer,
 * which nobody else uses: the upload is claimed from the first step to the last. */
#include "upload-stream-private.h"

typedef struct
{
  AsyncOp *op;
  CaskUploadEngine *engine;
  GInputStream *source;
  GOutputStreamSpliceFlags flags;
  guint64 start;
  guint8 probe; /* what comes after the last byte that was announced, if anything */
  gboolean is_probing;
  gboolean is_asking, has_read; /* the source has called back, perhaps at once */
  gssize n_read;
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

/* n bytes came from the source. Returns: whether it goes on; otherwise it is over. */
static gboolean
pump_took (UploadPump *pump, gssize n)
{
  GError **error = &pump->op->error;

  if (n > 0 && pump->is_probing)
    cask_upload_engine_fail_longer (pump->engine, error);
  else if (n > 0 && cask_upload_engine_advance (pump->engine, (gsize) n, error))
    return TRUE;
  pump_finish (pump);
  return FALSE;
}

static void
pump_source_read (GObject *source, GAsyncResult *result, gpointer data)
{
  UploadPump *pump = data;
  gssize n =
      g_input_stream_read_finish (G_INPUT_STREAM (source), result, &pump->op->error);

  /* A source that calls back at once is taken up by the loop that asked it. */
  pump->n_read = n;
  pump->has_read = TRUE;
  if (!pump->is_asking && pump_took (pump, n))
    pump_run (pump);
}

static void
pump_room_work (AsyncOp *op, gpointer stream, GCancellable *cancellable)
{
  gsize room;
  CaskUpload *upload = stream;

  cask_upload_engine_reserve (upload->engine, &room, cancellable, &op->error);
}

static void
pump_room_made (GObject *stream, GAsyncResult *result, gpointer data)
{
  UploadPump *pump = data;

  if (async_op_finish (stream, result, pump_room_work, &pump->op->error) == NULL)
    pump_finish (pump);
  else
    pump_run (pump);
}

static void
pump_make_room (UploadPump *pump)
{
  GTask *task = pump->op->task;
  AsyncOp *op = async_op_new (g_task_get_source_object (task), pump_room_work,
                              g_task_get_priority (task), g_task_get_cancellable (task),
                              pump_room_made, pump);

  async_op_queue (op, pump->engine->store->lane, pump_room_work);
}

/* Asks the source. Returns: FALSE where there is no room for an answer */
static gboolean
pump_ask (UploadPump *pump)
{
  GTask *task = pump->op->task;
  GCancellable *cancellable = g_task_get_cancellable (task);
  gsize room;
  guint8 *place =
      cask_upload_engine_reserve (pump->engine, &room, cancellable, &pump->op->error);

  if (place == NULL)
    return FALSE;
  pump->is_probing = room == 0;
  pump->has_read = FALSE;
  pump->is_asking = TRUE;
  g_input_stream_read_async (pump->source, room > 0 ? place : &pump->probe, MAX (room, 1),
                             g_task_get_priority (task), cancellable, pump_source_read,
                             pump);
  pump->is_asking = FALSE;
  return TRUE;
}

static void
pump_run (UploadPump *pump)
{
  do
    {
      if (pump->engine->stage == CASK_UPLOAD_OPEN &&
          !cask_upload_engine_has_room (pump->engine))
        {
          pump_make_room (pump);
          return;
        }
      if (!pump_ask (pump))
        {
          pump_finish (pump);
          return;
        }
    }
  while (pump->has_read && pump_took (pump, pump->n_read));
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
  UploadPump *pump = g_new0 (UploadPump, 1);
  pump->op = op;
  pump->engine = self->engine;
  pump->source = g_object_ref (source);
  pump->flags = flags;
  pump->start = cask_upload_engine_get_offset (self->engine);
  if (cask_upload_check_writable (self, &op->error))
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
