/* SPDX-License-Identifier: Apache-2.0
 *
 * hot-sync.c: a step of each synchronous operation.
 *
 * An operation includes what its caller has to do with the result: to give it back. */
#include "hot.h"

void
hot_step_parse (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest;

  hot_must (cask_digest_parse (hot->texts[at % hot->n_blobs], &digest, &error), error);
}

void
hot_step_format (Hot *hot, guint at)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  hot_must (cask_digest_write (&hot->digests[at % hot->n_blobs], text) != NULL, NULL);
}

void
hot_step_hash (Hot *hot, guint at)
{
  CaskDigest digest;

  cask_digest_of_bytes (hot->blobs[at % hot->n_blobs], CASK_ALGORITHM_SHA256, &digest);
}

/* With a close, or an open store would be left for each. */
void
hot_step_open (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  (void) at;

  g_autoptr (CaskStore) store = cask_store_open (hot->config, NULL, &error);
  hot_must (store != NULL, error);
  hot_must (cask_store_close (store, NULL, &error), error);
}

void
hot_step_put (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  gboolean created;
  guint i = at % hot->n_blobs;

  hot_must (cask_store_put (hot->store, &hot->digests[i], hot->blobs[i], 0, &created,
                            NULL, &error),
            error);
}

void
hot_step_get (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      cask_store_get (hot->store, &hot->digests[at % hot->n_blobs], NULL, &error);

  hot_must (bytes != NULL, error);
}

void
hot_step_get_range (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_range (
      hot->store, &hot->digests[at % hot->n_blobs], 1000, 1000, NULL, &error);

  hot_must (bytes != NULL && g_bytes_get_size (bytes) == 1000, error);
}

void
hot_step_stat (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info;

  hot_must (
      cask_store_stat (hot->store, &hot->digests[at % hot->n_blobs], &info, NULL, &error),
      error);
}

/* Present or absent. */
void
hot_step_contains (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  gboolean present;

  hot_must (cask_store_contains (hot->store, &hot->digests[at % hot->n_blobs], &present,
                                 NULL, &error),
            error);
}

void
hot_step_delete (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;

  hot_must (cask_store_delete (hot->store, &hot->digests[at % hot->n_blobs], &existed,
                               NULL, &error),
            error);
  hot_must (existed, NULL);
}

/* One page of all blobs. */
void
hot_step_list (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  (void) at;
  g_autoptr (CaskListPage) page =
      cask_store_list (hot->store, NULL, hot->n_blobs, NULL, &error);

  hot_must (page != NULL && cask_list_page_get_length (page) == hot->n_blobs, error);
}

/* ---- Batches of HOT_TURN ---- */

static void
hot_must_all (CaskResults *results, const GError *error)
{
  hot_must (results != NULL, error);
  for (gsize i = 0; i < HOT_TURN; i++)
    {
      const GError *failure = cask_results_get_error (results, i);
      hot_must (failure == NULL, failure);
    }
}

void
hot_step_put_many (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  guint first = at * HOT_TURN % hot->n_blobs;
  g_autoptr (CaskResults) results = cask_store_put_many (
      hot->store, hot->pointers + first, hot->blobs + first, HOT_TURN, 0, NULL, &error);

  hot_must_all (results, error);
}

void
hot_step_get_many (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  (void) at;
  g_autoptr (CaskResults) results =
      cask_store_get_many (hot->store, hot->pointers, HOT_TURN, NULL, &error);

  hot_must_all (results, error);
}

void
hot_step_contains_many (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  (void) at;
  g_autoptr (CaskResults) results =
      cask_store_contains_many (hot->store, hot->pointers, HOT_TURN, 0, NULL, &error);

  hot_must_all (results, error);
}

/* ---- Streams ---- */

/* Open, read to the end in pieces of HOT_BUFFER, close. */
void
hot_step_stream (Hot *hot, guint at)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (hot->store, &hot->digests[at % hot->n_blobs], NULL, &error);
  gssize count;

  hot_must (stream != NULL, error);
  do
    {
      count = g_input_stream_read (G_INPUT_STREAM (stream), hot->buffer, HOT_BUFFER, NULL,
                                   &error);
      hot_must (count >= 0, error);
    }
  while (count > 0);
  hot_must (g_input_stream_close (G_INPUT_STREAM (stream), NULL, &error), error);
}

/* Begin, write in pieces, commit. */
static void
hot_upload (Hot *hot, guint at, gsize piece)
{
  g_autoptr (GError) error = NULL;
  guint i = at % hot->n_blobs;
  gsize size;
  const guint8 *data = g_bytes_get_data (hot->blobs[i], &size);
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      hot->store, &hot->digests[i], CASK_ALGORITHM_SHA256, size, 0, NULL, &error);
  gboolean created;

  hot_must (upload != NULL, error);
  for (gsize done = 0; done < size; done += piece)
    hot_must (g_output_stream_write_all (G_OUTPUT_STREAM (upload), data + done,
                                         MIN (piece, size - done), NULL, NULL, &error),
              error);
  hot_must (cask_upload_commit (upload, NULL, NULL, &created, NULL, &error), error);
}

void
hot_step_upload (Hot *hot, guint at)
{
  hot_upload (hot, at, HOT_BUFFER);
}

/* As a server does that hands on what each read of a socket gave. */
void
hot_step_upload_small (Hot *hot, guint at)
{
  hot_upload (hot, at, HOT_SMALL);
}
