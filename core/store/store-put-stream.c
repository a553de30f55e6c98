/* SPDX-License-Identifier: Apache-2.0
 *
 * store-put-stream.c: a blob from a stream.
 *
 * The stream is read straight into the memory that is hashed and handed on: its bytes are
 * copied by nobody. It is the caller's and is not closed. */
#include "upload-private.h"

/* As g_input_stream_read(), but that whoever fails has an error. */
static gssize
pump_read (GInputStream *source, guint8 *place, gsize room, GCancellable *cancellable,
           GError **error)
{
  GError *failure = NULL;
  gssize n = g_input_stream_read (source, place, room, cancellable, &failure);

  if (n < 0 && failure == NULL)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO,
                         "upload: the stream failed and did not say why");
  else if (failure != NULL)
    g_propagate_error (error, failure);
  return n;
}

/* The stream may be longer than was announced: one more byte tells. */
static gboolean
pump_check_end (CaskUploadEngine *engine, GInputStream *source, GCancellable *cancellable,
                GError **error)
{
  guint8 byte;
  gssize n = pump_read (source, &byte, 1, cancellable, error);

  if (n > 0)
    cask_upload_engine_fail_longer (engine, error);
  return n == 0;
}

gssize
cask_upload_engine_pump (CaskUploadEngine *engine, GInputStream *source,
                         GCancellable *cancellable, GError **error)
{
  guint64 start = cask_upload_engine_get_offset (engine);
  gssize n = 1;

  while (n > 0)
    {
      gsize room;
      guint8 *place = cask_upload_engine_reserve (engine, &room, cancellable, error);
      if (place == NULL)
        return -1;
      if (room == 0)
        {
          if (!pump_check_end (engine, source, cancellable, error))
            return -1;
          break;
        }
      n = pump_read (source, place, room, cancellable, error);
      if (n < 0)
        return -1;
      if (!cask_upload_engine_advance (engine, (gsize) n, error))
        return -1;
    }
  return (gssize) (cask_upload_engine_get_offset (engine) - start);
}

/**
 * cask_store_put_stream:
 * @store: a store
 * @digest: (nullable): what the bytes hash to; %NULL where that is not known
 * @algorithm: the hash to name the blob by; not looked at where @digest is given
 * @source: the bytes; read to its end, and not closed
 * @expected_size: how many bytes there are, or %CASK_UNKNOWN
 * @flags: how to put
 * @stored: (out caller-allocates) (optional): the blob's name
 * @created: (out) (optional): whether this call made the blob
 * @cancellable: (nullable): to give up; looked at until the blob is committed
 * @error: return location for an error
 *
 * Stores a blob of any size from a stream, with bounded memory. Otherwise as
 * cask_store_put(). To know the blob's other digest too, use a #CaskUpload and
 * g_output_stream_splice().
 *
 * Errors: %CASK_ERROR_DIGEST_MISMATCH where the bytes hash to something else, or are more
 * or fewer than @expected_size; those of cask_store_put(); any error of @source, as it
 * is. After an error nothing is stored.
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_store_put_stream (CaskStore *store, const CaskDigest *digest,
                       CaskAlgorithm algorithm, GInputStream *source,
                       guint64 expected_size, CaskPutFlags flags, CaskDigest *stored,
                       gboolean *created, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store) && G_IS_INPUT_STREAM (source), FALSE);

  CaskUploadEngine *engine = cask_upload_begin (store, digest, algorithm, expected_size,
                                                flags, cancellable, error);
  if (engine == NULL)
    return FALSE;
  gboolean success =
      cask_upload_engine_pump (engine, source, cancellable, error) >= 0 &&
      cask_upload_engine_commit (engine, NULL, stored, created, cancellable, error);
  if (!success)
    cask_upload_engine_abort (engine, NULL);
  cask_upload_engine_free (engine);
  return success;
}
