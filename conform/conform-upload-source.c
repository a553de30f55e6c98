/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-source.c: a stream over some bytes that fails, cancels or stutters
 * where a test wants it to.
 *
 * It has only a read function: its asynchronous reads are GIO's own, on another thread,
 * one at a time. */
#include "conform-upload.h"

typedef struct
{
  GInputStream parent;
  GBytes *bytes;
  UploadSourcePlan plan;
  gint offset; /* atomic: a test looks at it while another thread may read */
} UploadSource;

typedef GInputStreamClass UploadSourceClass;

static GType upload_source_get_type (void);
G_DEFINE_TYPE (UploadSource, upload_source, G_TYPE_INPUT_STREAM)

static gssize
upload_source_read (GInputStream *stream, void *buffer, gsize count,
                    GCancellable *cancellable, GError **error)
{
  UploadSource *source = (UploadSource *) stream;
  gsize size, offset = (gsize) g_atomic_int_get (&source->offset);
  const guint8 *data = g_bytes_get_data (source->bytes, &size);
  (void) cancellable;

  if (source->plan.fails_at >= 0 && offset >= (guint64) source->plan.fails_at)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE,
                           "the far end is gone");
      return -1;
    }
  if (source->plan.cancels != NULL && source->plan.cancels_at >= 0 &&
      offset >= (guint64) source->plan.cancels_at)
    g_cancellable_cancel (source->plan.cancels);
  count = MIN (count, size - offset);
  if (source->plan.most > 0)
    count = MIN (count, source->plan.most);
  if (count > 0)
    memcpy (buffer, data + offset, count);
  g_atomic_int_add (&source->offset, (gint) count);
  return (gssize) count;
}

static void
upload_source_finalize (GObject *object)
{
  UploadSource *source = (UploadSource *) object;

  g_bytes_unref (source->bytes);
  G_OBJECT_CLASS (upload_source_parent_class)->finalize (object);
}

static void
upload_source_class_init (UploadSourceClass *class)
{
  G_OBJECT_CLASS (class)->finalize = upload_source_finalize;
  class->read_fn = upload_source_read;
}

static void
upload_source_init (UploadSource *source)
{
  source->plan = (UploadSourcePlan){ .fails_at = -1, .cancels_at = -1 };
}

GInputStream *
upload_source_new (GBytes *bytes, const UploadSourcePlan *plan)
{
  UploadSource *source = g_object_new (upload_source_get_type (), NULL);

  source->bytes = g_bytes_ref (bytes);
  if (plan != NULL)
    source->plan = *plan;
  return G_INPUT_STREAM (source);
}

gsize
upload_source_get_offset (GInputStream *source)
{
  return (gsize) g_atomic_int_get (&((UploadSource *) source)->offset);
}
