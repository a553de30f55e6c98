/* SPDX-License-Identifier: Apache-2.0
 *
 * counted.c: passes reads on, and counts bytes and failures.
 *
 * Who pumps a stream reports one error, of the stream or of the place where the bytes
 * go; the flag tells which it was.
 *
 * Locks: none; any thread may ask while another one reads. */

#include "counted.h"

struct _CountedStream
{
  GFilterInputStream parent_instance;
  _Atomic guint64 count;
  _Atomic gboolean failed;
};

G_DEFINE_FINAL_TYPE (CountedStream, counted_stream, G_TYPE_FILTER_INPUT_STREAM)

static gssize
counted_stream_read (GInputStream *input, void *buffer, gsize size,
                     GCancellable *cancellable, GError **error)
{
  CountedStream *stream = COUNTED_STREAM (input);
  GInputStream *base = g_filter_input_stream_get_base_stream (&stream->parent_instance);
  gssize got = g_input_stream_read (base, buffer, size, cancellable, error);
  if (got < 0)
    stream->failed = TRUE;
  else
    stream->count += (guint64) got;
  return got;
}

static void
counted_stream_class_init (CountedStreamClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = counted_stream_read;
}

static void
counted_stream_init (CountedStream *stream)
{
  (void) stream;
}

/* Takes a reference on base, and closes it with itself. */
CountedStream *
counted_stream_new (GInputStream *base)
{
  return g_object_new (COUNTED_TYPE_STREAM, "base-stream", base, NULL);
}

guint64
counted_stream_get_count (CountedStream *stream)
{
  return stream->count;
}

gboolean
counted_stream_has_failed (CountedStream *stream)
{
  return stream->failed;
}
