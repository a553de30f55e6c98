/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-stream-calls.c: a stream's calls, made synchronously or in a private main
 * context. */
#include "conform-stream.h"

#include "conform-await.h"

static gboolean
is_async (Conform *c)
{
  return c->calls == &conform_async_calls;
}

CaskInputStream *
stream_open (Conform *c, const CaskDigest *digest, GCancellable *cancellable,
             GError **error)
{
  if (!is_async (c))
    return cask_store_open_blob (c->store, digest, cancellable, error);

  g_auto (Await) await = { 0 };
  cask_store_open_blob_async (c->store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                              cancellable, await_done, &await);
  return cask_store_open_blob_finish (c->store, await_result (&await), error);
}

gssize
stream_read (Conform *c, gpointer stream, void *buffer, gsize count,
             GCancellable *cancellable, GError **error)
{
  if (!is_async (c))
    return g_input_stream_read (stream, buffer, count, cancellable, error);

  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_input_stream_read_async (stream, buffer, count, G_PRIORITY_DEFAULT, cancellable,
                             await_done, &await);
  return g_input_stream_read_finish (stream, await_result (&await), error);
}

gssize
stream_skip (Conform *c, gpointer stream, gsize count, GCancellable *cancellable,
             GError **error)
{
  if (!is_async (c))
    return g_input_stream_skip (stream, count, cancellable, error);

  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_input_stream_skip_async (stream, count, G_PRIORITY_DEFAULT, cancellable, await_done,
                             &await);
  return g_input_stream_skip_finish (stream, await_result (&await), error);
}

gboolean
stream_close (Conform *c, gpointer stream, GError **error)
{
  if (!is_async (c))
    return g_input_stream_close (stream, NULL, error);

  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_input_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, await_done, &await);
  return g_input_stream_close_finish (stream, await_result (&await), error);
}

gssize
stream_splice (Conform *c, GOutputStream *output, gpointer stream,
               GOutputStreamSpliceFlags flags, GError **error)
{
  if (!is_async (c))
    return g_output_stream_splice (output, stream, flags, NULL, error);

  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_output_stream_splice_async (output, stream, flags, G_PRIORITY_DEFAULT, NULL,
                                await_done, &await);
  return g_output_stream_splice_finish (output, await_result (&await), error);
}

CaskInputStream *
stream_open_well (Conform *c, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  CaskInputStream *stream = stream_open (c, digest, NULL, &error);

  CONFORM_NO_ERROR (error);
  CONFORM_NOT_NULL (stream);
  return stream;
}

GByteArray *
stream_drain (Conform *c, gpointer stream, gsize piece, GError **error)
{
  GByteArray *all = g_byte_array_new ();
  g_autofree guint8 *buffer = g_malloc (piece);
  gssize n;

  while ((n = stream_read (c, stream, buffer, piece, NULL, error)) > 0)
    g_byte_array_append (all, buffer, (guint) n);
  return all;
}

void
stream_expect_rest (Conform *c, gpointer stream, GBytes *source, gsize offset,
                    gsize piece)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) all = stream_drain (c, stream, piece, &error);
  gsize size;
  const guint8 *data = g_bytes_get_data (source, &size);

  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (all->len, size - offset);
  CONFORM_TRUE (all->len == size - offset &&
                (all->len == 0 || memcmp (all->data, data + offset, all->len) == 0));
  CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), (goffset) size);
}

void
stream_seek_to (gpointer stream, goffset offset)
{
  g_autoptr (GError) error = NULL;

  CONFORM_TRUE (g_seekable_seek (G_SEEKABLE (stream), offset, G_SEEK_SET, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), offset);
}
