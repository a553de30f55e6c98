/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-streams.c: blobs written and read piece by piece, as those are that do not fit
 * into memory. */
#include "ways.h"

#include "answer.h"

#include <string.h>

#define STREAM_PIECE (1u << 20)
#define STREAM_SMALL_PIECE (4u << 10)

/* ---- Put ---- */

static gboolean
stream_write (CaskUpload *upload, GBytes *bytes, gsize piece, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  for (gsize at = 0; at < size; at += piece)
    if (!g_output_stream_write_all (G_OUTPUT_STREAM (upload), data + at,
                                    MIN (piece, size - at), NULL, NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
stream_put (Way *way, const BenchBlob *blobs, guint n_blobs, gboolean expected,
            gsize piece, GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      CaskDigest stored;
      gboolean created;
      g_autoptr (CaskUpload) upload =
          cask_store_begin_upload (way->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                                   CASK_PUT_NONE, NULL, error);
      if (!upload || !stream_write (upload, blobs[i].bytes, piece, error) ||
          !cask_upload_commit (upload, NULL, &stored, &created, NULL, error) ||
          !bench_answer (cask_digest_equal (&stored, &blobs[i].digest), "digest",
                         error) ||
          !bench_answer_created (&blobs[i], created, expected, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ways_stream_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error)
{
  return stream_put (place, blobs, n_blobs, TRUE, STREAM_PIECE, error);
}

gboolean
ways_stream_put_new_small (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error)
{
  return stream_put (place, blobs, n_blobs, TRUE, STREAM_SMALL_PIECE, error);
}

gboolean
ways_stream_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                          GError **error)
{
  return stream_put (place, blobs, n_blobs, FALSE, STREAM_PIECE, error);
}

/* ---- Get ---- */

static gboolean
stream_get_one (CaskStore *store, const BenchBlob *blob, void *piece, GError **error)
{
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (store, &blob->digest, NULL, error);
  guint64 size = 0;
  gssize n_read = stream ? 1 : -1;
  while (n_read > 0)
    {
      n_read =
          g_input_stream_read (G_INPUT_STREAM (stream), piece, STREAM_PIECE, NULL, error);
      size += n_read > 0 ? (guint64) n_read : 0;
    }
  return n_read == 0 && bench_answer_size (blob, size, error);
}

gboolean
ways_stream_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  const Way *way = place;
  g_autofree void *piece = g_malloc (STREAM_PIECE);
  for (guint i = 0; i < n_blobs; i++)
    if (!stream_get_one (way->store, &blobs[i], piece, error))
      return FALSE;
  return TRUE;
}
