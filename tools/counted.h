/* SPDX-License-Identifier: Apache-2.0
 *
 * counted.h: a stream that tells how much was read from it. */
#pragma once

#include <gio/gio.h>

#define COUNTED_TYPE_STREAM (counted_stream_get_type ())
G_DECLARE_FINAL_TYPE (CountedStream, counted_stream, COUNTED, STREAM, GFilterInputStream)

CountedStream *counted_stream_new (GInputStream *base);
guint64 counted_stream_get_count (CountedStream *stream);
gboolean counted_stream_has_failed (CountedStream *stream);
