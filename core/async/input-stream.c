/* SPDX-License-Identifier: Apache-2.0
 *
 * input-stream.c: CaskInputStream: a reader in the shape of a GIO stream.
 *
 * What the reader has in its buffer is handed out in the caller's thread, also by the
 * asynchronous calls; for the rest these go to the pool, in the store's lane. GIO sees to
 * it that there is one call at a time. A stream that is dropped without a close is closed
 * by the pool, for a backend may block over it. */
#include <cask/cask-input-stream.h>

#include "async-op-private.h"
#include "reader-private.h"

struct _CaskInputStream
{
  GInputStream parent;
  CaskReader *reader;
};

static void cask_input_stream_seekable_init (GSeekableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CaskInputStream, cask_input_stream, G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE,
                                                      cask_input_stream_seekable_init))

static CaskReader *
stream_reader (gpointer stream)
{
  return CASK_INPUT_STREAM (stream)->reader;
}

static CaskLane *
stream_lane (gpointer stream)
{
  return cask_reader_get_store (stream_reader (stream))->lane;
}

/* ---- GInputStream ---- */

static gssize
stream_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
             GError **error)
{
  return cask_reader_read (stream_reader (stream), buffer, count, cancellable, error);
}

static gssize
stream_skip (GInputStream *stream, gsize count, GCancellable *cancellable, GError **error)
{
  return cask_reader_skip (stream_reader (stream), count, cancellable, error);
}

static gboolean
stream_close (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  cask_reader_close (stream_reader (stream));
  return TRUE;
}

/* Begins an operation that a cancelled cancellable decides at once. */
static AsyncOp *
stream_op_new (GInputStream *stream, gpointer tag, int io_priority,
               GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  AsyncOp *op = async_op_new (stream, tag, io_priority, cancellable, callback, user_data);
  g_cancellable_set_error_if_cancelled (cancellable, &op->error);
  return op;
}

static void
stream_read_work (AsyncOp *op, gpointer stream, GCancellable *cancellable)
{
  op->out.count = cask_reader_read (stream_reader (stream), op->buffer,
                                    (gsize) op->length, cancellable, &op->error);
}

static void
stream_read_async (GInputStream *stream, void *buffer, gsize count, int io_priority,
                   GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  AsyncOp *op = stream_op_new (stream, stream_read_async, io_priority, cancellable,
                               callback, user_data);
  op->buffer = buffer;
  op->length = count;
  if (op->error != NULL ||
      cask_reader_try_read (stream_reader (stream), buffer, count, &op->out.count))
    async_op_complete (op);
  else
    async_op_queue (op, stream_lane (stream), stream_read_work);
}

static gssize
stream_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  const AsyncOp *op = async_op_finish (stream, result, stream_read_async, error);

  return op != NULL ? op->out.count : -1;
}

static void
stream_skip_work (AsyncOp *op, gpointer stream, GCancellable *cancellable)
{
  op->out.count = cask_reader_skip (stream_reader (stream), (gsize) op->length,
                                    cancellable, &op->error);
}

static void
stream_skip_async (GInputStream *stream, gsize count, int io_priority,
                   GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  AsyncOp *op = stream_op_new (stream, stream_skip_async, io_priority, cancellable,
                               callback, user_data);
  op->length = count;
  if (op->error != NULL ||
      cask_reader_try_skip (stream_reader (stream), count, &op->out.count))
    async_op_complete (op);
  else
    async_op_queue (op, stream_lane (stream), stream_skip_work);
}

static gssize
stream_skip_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  const AsyncOp *op = async_op_finish (stream, result, stream_skip_async, error);

  return op != NULL ? op->out.count : -1;
}

static void
stream_close_work (AsyncOp *op, gpointer stream, GCancellable *cancellable)
{
  (void) op;
  (void) cancellable;
  cask_reader_close (stream_reader (stream));
}

/* Whatever the cancellable says: GIO has marked the stream as closed when this returns.
 */
static void
stream_close_async (GInputStream *stream, int io_priority, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  AsyncOp *op = async_op_new (stream, stream_close_async, io_priority, cancellable,
                              callback, user_data);
  async_op_queue_certain (op, stream_lane (stream), stream_close_work);
}

static gboolean
stream_close_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  return async_op_finish (stream, result, stream_close_async, error) != NULL;
}

/* ---- GSeekable ---- */

static goffset
stream_tell (GSeekable *seekable)
{
  return (goffset) cask_reader_tell (stream_reader (seekable));
}

static gboolean
stream_can_seek (GSeekable *seekable)
{
  (void) seekable;
  return TRUE;
}

/* Where a seek leads to. Returns: FALSE where that is before the start or past the end */
static gboolean
stream_find (CaskReader *reader, goffset offset, GSeekType type, guint64 *position)
{
  guint64 size = cask_reader_get_info (reader)->size;
  guint64 base = type == G_SEEK_SET   ? 0
                 : type == G_SEEK_CUR ? cask_reader_tell (reader)
                                      : size;
  guint64 distance = offset < 0 ? -(guint64) offset : (guint64) offset;

  if (distance > (offset < 0 ? base : size - base))
    return FALSE;
  *position = offset < 0 ? base - distance : base + distance;
  return TRUE;
}

static gboolean
stream_seek (GSeekable *seekable, goffset offset, GSeekType type,
             GCancellable *cancellable, GError **error)
{
  GInputStream *stream = G_INPUT_STREAM (seekable);
  guint64 position;

  /* Not below a call that is reading. */
  if (!g_input_stream_set_pending (stream, error))
    return FALSE;
  gboolean success = !g_cancellable_set_error_if_cancelled (cancellable, error);
  if (success && !stream_find (stream_reader (stream), offset, type, &position))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "a seek to before the start of the blob or past its end");
      success = FALSE;
    }
  if (success)
    cask_reader_seek (stream_reader (stream), position);
  g_input_stream_clear_pending (stream);
  return success;
}

static gboolean
stream_can_truncate (GSeekable *seekable)
{
  (void) seekable;
  return FALSE;
}

static gboolean
stream_truncate (GSeekable *seekable, goffset offset, GCancellable *cancellable,
                 GError **error)
{
  (void) seekable;
  (void) offset;
  (void) cancellable;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       "a blob that is read can not be truncated");
  return FALSE;
}

static void
cask_input_stream_seekable_init (GSeekableIface *iface)
{
  iface->tell = stream_tell;
  iface->can_seek = stream_can_seek;
  iface->seek = stream_seek;
  iface->can_truncate = stream_can_truncate;
  iface->truncate_fn = stream_truncate;
}

/* ---- GObject ---- */

static void
cask_input_stream_dispose (GObject *object)
{
  CaskInputStream *self = CASK_INPUT_STREAM (object);

  /* Before GInputStream does it, which would wait. */
  if (self->reader != NULL)
    cask_reader_close_in_background (self->reader);
  G_OBJECT_CLASS (cask_input_stream_parent_class)->dispose (object);
}

static void
cask_input_stream_finalize (GObject *object)
{
  CaskInputStream *self = CASK_INPUT_STREAM (object);

  g_clear_pointer (&self->reader, cask_reader_free);
  G_OBJECT_CLASS (cask_input_stream_parent_class)->finalize (object);
}

static void
cask_input_stream_class_init (CaskInputStreamClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = cask_input_stream_dispose;
  G_OBJECT_CLASS (klass)->finalize = cask_input_stream_finalize;
  stream_class->read_fn = stream_read;
  stream_class->skip = stream_skip;
  stream_class->close_fn = stream_close;
  stream_class->read_async = stream_read_async;
  stream_class->read_finish = stream_read_finish;
  stream_class->skip_async = stream_skip_async;
  stream_class->skip_finish = stream_skip_finish;
  stream_class->close_async = stream_close_async;
  stream_class->close_finish = stream_close_finish;
}

static void
cask_input_stream_init (CaskInputStream *self)
{
  (void) self;
}

/* ---- Opening ---- */

/**
 * cask_store_open_blob:
 * @store: a store
 * @digest: a digest
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Opens a blob of any size for reading piece by piece. The stream is positioned at the
 * start and reads the copy that is there now, whatever becomes of the blob or the store.
 * It holds a reference on the store, and keeps what it reads from open until it is
 * closed.
 *
 * Errors: %CASK_ERROR_NOT_FOUND; %CASK_ERROR_INVALID_DIGEST; %CASK_ERROR_CORRUPT where it
 * is seen without reading; %CASK_ERROR_CLOSED; %CASK_ERROR_IO and the like. The stream's
 * own calls fail with %CASK_ERROR_CORRUPT, from then on always, where the bytes are not
 * the blob's: a put heals it; with %CASK_ERROR_GONE where the copy was removed meanwhile
 * in a store that does not announce %CASK_CAPABILITY_READS_OUTLIVE_REMOVE; and with
 * %CASK_ERROR_CLOSED in a forked child. After a failure of any kind the position is where
 * it was.
 *
 * A seek does no I/O; to before the start or past the end it is
 * %G_IO_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full) (nullable): the stream, or %NULL
 *
 * Since: 1.0
 */
CaskInputStream *
cask_store_open_blob (CaskStore *store, const CaskDigest *digest,
                      GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, NULL);

  CaskReader *reader = cask_reader_open (store, digest, cancellable, error);
  if (reader == NULL)
    return NULL;
  CaskInputStream *stream = g_object_new (CASK_TYPE_INPUT_STREAM, NULL);
  stream->reader = reader;
  return stream;
}

static void
open_blob_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  op->result = cask_store_open_blob (store, &op->digest, cancellable, &op->error);
  op->free_result = g_object_unref;
}

/**
 * cask_store_open_blob_async:
 * @store: a store
 * @digest: a digest; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_open_blob().
 *
 * Since: 1.0
 */
void
cask_store_open_blob_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && digest != NULL);

  AsyncOp *op = async_op_new (store, cask_store_open_blob_async, io_priority, cancellable,
                              callback, user_data);
  async_op_set_digest (op, digest);
  async_op_queue (op, store->lane, open_blob_work);
}

/**
 * cask_store_open_blob_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_open_blob_async(). Errors: those of cask_store_open_blob().
 *
 * Returns: (transfer full) (nullable): the stream, or %NULL
 *
 * Since: 1.0
 */
CaskInputStream *
cask_store_open_blob_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_open_blob_async, error);
}

/* ---- What is known of it ---- */

/**
 * cask_input_stream_get_info:
 * @stream: a stream
 * @info: (out caller-allocates): what is known of the copy that is read
 *
 * Tells what was known of the copy when it was opened. Does no I/O.
 *
 * Since: 1.0
 */
void
cask_input_stream_get_info (CaskInputStream *stream, CaskBlobInfo *info)
{
  g_return_if_fail (CASK_IS_INPUT_STREAM (stream) && info != NULL);

  *info = *cask_reader_get_info (stream->reader);
}

/**
 * cask_input_stream_get_size:
 * @stream: a stream
 *
 * Returns: the size of the blob, in bytes
 *
 * Since: 1.0
 */
guint64
cask_input_stream_get_size (CaskInputStream *stream)
{
  g_return_val_if_fail (CASK_IS_INPUT_STREAM (stream), 0);

  return cask_reader_get_info (stream->reader)->size;
}

/**
 * cask_input_stream_is_verified:
 * @stream: a stream
 *
 * Tells whether it is known that every byte of the copy is right, so that whatever was or
 * will be read from the stream, and wherever, may be relied on: because all of them have
 * been hashed while they were read in order, or from the start because this process has
 * verified this very copy before and the store's policy is `changed`.
 *
 * %FALSE says only that it is not known yet: not all has been read, or not in order, or
 * the store was opened with `verify=never`, under which nothing is hashed and a stream is
 * never verified. May be called while the stream is being read.
 *
 * Returns: whether the bytes are known to be the blob's
 *
 * Since: 1.0
 */
gboolean
cask_input_stream_is_verified (CaskInputStream *stream)
{
  g_return_val_if_fail (CASK_IS_INPUT_STREAM (stream), FALSE);

  return cask_reader_is_verified (stream->reader);
}
