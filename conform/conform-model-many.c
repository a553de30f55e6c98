/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-model-many.c: lists, batches and uploads of the random sequences of C76. */
#include "conform-batch.h"
#include "conform-model.h"
#include "conform-upload.h"

/* ---- Lists ---- */

/* Compares a page with what the model has from blob `next` on. Returns: where the page
 * after it begins; MODEL_BLOBS after the last */
static guint
model_compare_page (Model *model, guint next, guint limit, const CaskListPage *page)
{
  g_autoptr (GString) came = g_string_new (NULL);
  g_autoptr (GString) due = g_string_new (NULL);
  guint length = cask_list_page_get_length (page), n = 0;
  char text[CASK_DIGEST_TEXT_SIZE];

  for (guint i = 0; i < length; i++)
    {
      const CaskBlobInfo *info = cask_list_page_get_item (page, i);
      g_string_append_printf (came, "%s ", cask_digest_write (&info->digest, text));
    }
  /* A page may be shorter than asked for, but not empty where there is more. */
  guint first = next;
  for (; next < MODEL_BLOBS && n < MIN (MAX (length, 1), limit); next++)
    {
      if (!model->is_stored[next])
        continue;
      g_string_append_printf (due, "%s ",
                              cask_digest_write (&model->digests[next], text));
      n++;
    }
  while (next < MODEL_BLOBS && !model->is_stored[next])
    next++;
  g_string_append (came, cask_list_page_get_more (page) ? "and more" : "and no more");
  g_string_append (due, next < MODEL_BLOBS ? "and more" : "and no more");
  model_compare (model, MIN (first, MODEL_BLOBS - 1), came->str, due->str);
  return next;
}

/* After the blob, which need not be there, or from the beginning. */
void
model_list (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  gboolean from_start = model_chance (model, 4);
  guint limit = (guint) g_rand_int_range (model->rand, 1, MODEL_BLOBS + 5);
  g_autoptr (CaskListPage) page = model->c->calls->list (
      model->c->store, from_start ? NULL : &model->digests[number], limit, NULL, &error);

  if (page != NULL)
    {
      model_compare_page (model, from_start ? 0 : number + 1, limit, page);
      return;
    }
  g_autofree char *came = model_describe ("no page", error);
  model_compare (model, number, came, "a page");
}

void
model_compare_all (Model *model)
{
  g_autofree CaskDigest *after = NULL;
  guint next = 0;

  model->operation = "the whole list";
  while (!model->has_failed)
    {
      g_autoptr (GError) error = NULL;
      guint limit = (guint) g_rand_int_range (model->rand, 1, MODEL_BLOBS + 5);
      g_autoptr (CaskListPage) page =
          model->c->calls->list (model->c->store, after, limit, NULL, &error);
      if (!CONFORM_OK (page != NULL, error))
        {
          model->has_failed = TRUE;
          return;
        }
      next = model_compare_page (model, next, limit, page);
      guint length = cask_list_page_get_length (page);
      if (length == 0 || !cask_list_page_get_more (page))
        return;
      g_free (after);
      after =
          g_memdup2 (&cask_list_page_get_item (page, length - 1)->digest, sizeof *after);
    }
}

/* ---- Batches ---- */

/* What a batch is asked for: no blob twice, for which of two is first nobody says. */
typedef struct
{
  guint n;
  guint numbers[MODEL_BLOBS];
  const CaskDigest *digests[MODEL_BLOBS];
  GBytes *bytes[MODEL_BLOBS];
  gboolean is_wrong[MODEL_BLOBS];
} ModelBatch;

static void
model_draw_batch (Model *model, guint number, ModelBatch *batch)
{
  static const guint strides[] = { 1, 3, 7, 9, 11 };
  guint stride = strides[g_rand_int_range (model->rand, 0, G_N_ELEMENTS (strides))];

  batch->n = (guint) g_rand_int_range (model->rand, 1, model_chance (model, 8) ? 41 : 9);
  for (guint i = 0; i < batch->n; i++)
    {
      guint at = (number + i * stride) % MODEL_BLOBS;
      batch->is_wrong[i] = model_chance (model, 16);
      batch->numbers[i] = at;
      batch->digests[i] = &model->digests[at];
      batch->bytes[i] = model->bytes[batch->is_wrong[i] ? (at + 1) % MODEL_BLOBS : at];
    }
}

/* One item's outcome, where the batch could be tried at all. */
static void
model_compare_item (Model *model, const ModelBatch *batch, guint i, CaskResults *results,
                    const char *success, const char *expected)
{
  g_autofree char *came = model_describe (success, cask_results_get_error (results, i));
  g_autofree char *item = g_strdup_printf ("%u of %u: %s", i + 1, batch->n, came);
  g_autofree char *due = g_strdup_printf ("%u of %u: %s", i + 1, batch->n, expected);

  model_compare (model, batch->numbers[i], item, due);
}

static gboolean
model_check_batch (Model *model, const ModelBatch *batch, CaskResults *results,
                   const GError *error)
{
  if (!CONFORM_OK (results != NULL, error) ||
      !CONFORM_EQUAL (cask_results_get_length (results), batch->n))
    model->has_failed = TRUE;
  return !model->has_failed;
}

void
model_put_many (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  ModelBatch batch;
  model_draw_batch (model, number, &batch);
  CaskPutFlags flags = model_chance (model, 4) ? CASK_PUT_VERIFY_EXISTING : CASK_PUT_NONE;
  g_autoptr (CaskResults) results = conform_batch_calls (model->c)->put (
      model->c->store, batch.digests, batch.bytes, batch.n, flags, NULL, &error);

  if (!model_check_batch (model, &batch, results, error))
    return;
  for (guint i = 0; i < batch.n; i++)
    {
      gboolean *is_stored = &model->is_stored[batch.numbers[i]];
      const char *due = *is_stored ? "was there" : "created";
      model_compare_item (model, &batch, i, results,
                          cask_results_get_created (results, i) ? "created" : "was there",
                          batch.is_wrong[i] ? "DIGEST_MISMATCH" : due);
      *is_stored = *is_stored || !batch.is_wrong[i];
    }
}

void
model_contains_many (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  ModelBatch batch;
  model_draw_batch (model, number, &batch);
  g_autoptr (CaskResults) results = conform_batch_calls (model->c)->contains (
      model->c->store, batch.digests, batch.n, CASK_CONTAINS_NONE, NULL, &error);

  if (!model_check_batch (model, &batch, results, error))
    return;
  for (guint i = 0; i < batch.n; i++)
    model_compare_item (model, &batch, i, results,
                        cask_results_get_present (results, i) ? "present" : "absent",
                        model->is_stored[batch.numbers[i]] ? "present" : "absent");
}

void
model_delete_many (Model *model, guint number)
{
  static const char *const words[] = { "absent", "removed", "kept", "maybe" };
  g_autoptr (GError) error = NULL;
  ModelBatch batch;
  model_draw_batch (model, number, &batch);
  g_autoptr (CaskResults) results = conform_batch_calls (model->c)->remove (
      model->c->store, batch.digests, batch.n, CASK_ALWAYS, NULL, &error);

  if (!model_check_batch (model, &batch, results, error))
    return;
  for (guint i = 0; i < batch.n; i++)
    {
      CaskRemoved came = cask_results_get_removed (results, i);
      gboolean *is_stored = &model->is_stored[batch.numbers[i]];
      const char *due = *is_stored ? "removed" : "absent";
      /* MAYBE says no more than that it is not there now. */
      model_compare_item (
          model, &batch, i, results,
          came == CASK_REMOVED_MAYBE ? due : words[MIN (came, CASK_REMOVED_MAYBE)], due);
      *is_stored = FALSE;
    }
}

/* ---- Uploads ---- */

/* In pieces of random sizes. Returns: whether all of it was written */
static gboolean
model_write (Model *model, CaskUpload *upload, guint number, GError **error)
{
  gsize size, at = 0;
  const guint8 *data = g_bytes_get_data (model->bytes[number], &size);

  while (at < size)
    {
      gsize piece = (gsize) g_rand_int_range (model->rand, 1, (gint32) size + 1);
      piece = MIN (piece, size - at);
      if (!upload_calls (model->c)->write (upload, data + at, piece, NULL, error))
        return FALSE;
      at += piece;
    }
  return TRUE;
}

/* A commit under another name is refused, and leaves the right one possible. */
static void
model_commit_wrong (Model *model, CaskUpload *upload, guint number)
{
  g_autoptr (GError) error = NULL;
  CaskDigest other = model->digests[number];

  other.bytes[0] ^= 1;
  upload_calls (model->c)->commit (upload, &other, NULL, NULL, NULL, &error);
  g_autofree char *came = model_describe ("committed", error);
  model_compare (model, number, came, "DIGEST_MISMATCH");
}

static void
model_commit (Model *model, CaskUpload *upload, guint number)
{
  g_autoptr (GError) error = NULL;
  CaskDigest stored = { 0 };
  gboolean created = FALSE;
  gboolean is_named = model_chance (model, 2);

  if (model_chance (model, 4))
    model_commit_wrong (model, upload, number);
  if (upload_calls (model->c)->commit (upload, is_named ? &model->digests[number] : NULL,
                                       &stored, &created, NULL, &error) &&
      !cask_digest_equal (&stored, &model->digests[number]))
    model_compare (model, number, "another digest", "its digest");
  g_autofree char *came = model_describe (created ? "created" : "was there", error);
  model_compare (model, number, came, model->is_stored[number] ? "was there" : "created");
  model->is_stored[number] = TRUE;
}

void
model_upload (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  const UploadCalls *calls = upload_calls (model->c);
  const CaskDigest *digest = &model->digests[number];
  guint64 size = g_bytes_get_size (model->bytes[number]);
  gboolean is_named = model_chance (model, 2), is_sized = model_chance (model, 2);
  g_autoptr (CaskUpload) upload =
      calls->begin (model->c->store, is_named ? digest : NULL, digest->algorithm,
                    is_sized ? size : CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);

  gboolean is_written = upload != NULL && model_write (model, upload, number, &error);
  g_autofree char *came = model_describe ("written", error);
  model_compare (model, number, came, "written");
  if (!is_written)
    return;
  if (!model_chance (model, 4))
    {
      model_commit (model, upload, number);
      return;
    }
  gboolean is_aborted = calls->abort (upload, NULL, &error);
  g_autofree char *ended = model_describe (is_aborted ? "aborted" : "not", error);
  model_compare (model, number, ended, "aborted");
}
