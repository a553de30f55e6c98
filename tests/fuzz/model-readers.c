/* SPDX-License-Identifier: Apache-2.0
 *
 * model-readers.c: blobs that are read piece by piece, while all else goes on. */
#include "model.h"

/* What a read may ask for, beside all that is left and more. */
static const gsize reader_counts[] = { 1, 63, 4096, 65536, 262144 };

static ModelReader *
reader_draw (Model *model)
{
  return &model->readers[model_draw (model, MODEL_SLOTS)];
}

/* What is dropped without a close is closed in the background. */
static void
reader_clear (ModelReader *reader)
{
  g_clear_object (&reader->stream);
  g_clear_pointer (&reader->bytes, g_bytes_unref);
}

void
model_reader_open (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelReader *reader = reader_draw (model);
  const CaskDigest *digest = &model->digests[model_draw (model, MODEL_NAMES)];
  GBytes *due = model_stored (model, digest);

  model->may_linger |= reader->stream != NULL;
  reader_clear (reader);
  reader->stream = cask_store_open_blob (model->store, digest, NULL, &error);
  model_expect (model, reader->stream != NULL, error,
                due != NULL ? MODEL_SUCCESS : CASK_ERROR_NOT_FOUND);
  if (due == NULL)
    return;
  reader->digest = *digest;
  reader->bytes = g_bytes_ref (due);
  reader->position = 0;
  reader->may_be_gone = FALSE;
  model_expect_number (model, "size", cask_input_stream_get_size (reader->stream),
                       g_bytes_get_size (due));
}

/* A whole blob that was read in one go was hashed on the way. */
static void
reader_check (Model *model, ModelReader *reader, const guint8 *data, gsize came)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (reader->bytes, &size);

  FUZZ_CHECK (came == 0 || memcmp (data, bytes + reader->position, came) == 0);
  if (reader->position == 0 && came == size && size > 0)
    model_expect_number (model, "verified",
                         (guint64) cask_input_stream_is_verified (reader->stream), TRUE);
  reader->position += came;
}

void
model_reader_read (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelReader *reader = reader_draw (model);
  guint what = model_draw (model, G_N_ELEMENTS (reader_counts) + 2);
  if (reader->stream == NULL)
    return;

  gsize left = g_bytes_get_size (reader->bytes) - reader->position;
  gsize count = what < G_N_ELEMENTS (reader_counts)    ? reader_counts[what]
                : what == G_N_ELEMENTS (reader_counts) ? MAX (left, 1)
                                                       : left + 1000;
  g_autofree guint8 *data = g_malloc (count);
  gssize came =
      g_input_stream_read (G_INPUT_STREAM (reader->stream), data, count, NULL, &error);
  if (came < 0 && reader->may_be_gone)
    {
      model_expect (model, FALSE, error, CASK_ERROR_GONE);
      return;
    }
  model_expect (model, came >= 0, error, MODEL_SUCCESS);
  model_expect_number (model, "bytes", (guint64) came, MIN (count, left));
  reader_check (model, reader, data, (gsize) came);
}

void
model_reader_seek (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelReader *reader = reader_draw (model);
  guint what = model_draw (model, 8);
  if (reader->stream == NULL)
    return;

  gsize size = g_bytes_get_size (reader->bytes);
  const goffset places[8] = { 0,
                              1,
                              (goffset) (size / 2),
                              (goffset) size - 1,
                              (goffset) size,
                              (goffset) size + 1,
                              (goffset) reader->position - 1,
                              (goffset) (size / 3) };
  gboolean is_inside = places[what] >= 0 && places[what] <= (goffset) size;
  gboolean done = g_seekable_seek (G_SEEKABLE (reader->stream), places[what], G_SEEK_SET,
                                   NULL, &error);
  model_expect (model, done, error, is_inside ? MODEL_SUCCESS : MODEL_MISUSED);
  if (is_inside)
    reader->position = (gsize) places[what];
  model_expect_number (model, "position",
                       (guint64) g_seekable_tell (G_SEEKABLE (reader->stream)),
                       reader->position);
}

static void
reader_end (Model *model, ModelReader *reader)
{
  g_autoptr (GError) error = NULL;
  if (reader->stream == NULL)
    return;

  gboolean closed = g_input_stream_close (G_INPUT_STREAM (reader->stream), NULL, &error);
  model_expect (model, closed, error, MODEL_SUCCESS);
  reader_clear (reader);
}

void
model_reader_close (Model *model)
{
  reader_end (model, reader_draw (model));
}

void
model_readers_end (Model *model)
{
  for (guint i = 0; i < MODEL_SLOTS; i++)
    reader_end (model, &model->readers[i]);
}
