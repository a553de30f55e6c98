/* SPDX-License-Identifier: Apache-2.0
 *
 * model-many.c: operations on many blobs: lists, batches, and care of the whole store. */
#include "model.h"

/* ---- Lists ---- */

static int
list_order (gconstpointer a, gconstpointer b)
{
  return cask_digest_compare (*(const CaskDigest *const *) a,
                              *(const CaskDigest *const *) b);
}

/* What is stored after a digest, in order. Returns: (transfer container) */
static GPtrArray *
list_due (Model *model, const CaskDigest *after)
{
  GPtrArray *due = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer digest;

  g_hash_table_iter_init (&iter, model->blobs);
  while (g_hash_table_iter_next (&iter, &digest, NULL))
    if (after == NULL || cask_digest_compare (digest, after) > 0)
      g_ptr_array_add (due, digest);
  g_ptr_array_sort (due, list_order);
  return due;
}

/* Compares a page with what is due from `next` on. Returns: where the page after it
 * begins */
static guint
list_compare_page (Model *model, const CaskListPage *page, const GPtrArray *due,
                   guint next, guint limit)
{
  guint length = cask_list_page_get_length (page);

  FUZZ_CHECK (length <= limit && length <= due->len - next);
  for (guint i = 0; i < length; i++)
    {
      const CaskBlobInfo *info = cask_list_page_get_item (page, i);
      FUZZ_CHECK (cask_digest_equal (&info->digest, due->pdata[next + i]));
      model_expect_number (model, "size", info->size,
                           g_bytes_get_size (model_stored (model, &info->digest)));
    }
  model_expect_number (model, "more", (guint64) cask_list_page_get_more (page),
                       next + length < due->len);
  FUZZ_CHECK (length > 0 || !cask_list_page_get_more (page));
  return next + length;
}

static CaskListPage *
list_page (Model *model, const CaskDigest *after, guint limit)
{
  g_autoptr (GError) error = NULL;
  CaskListPage *page = cask_store_list (model->store, after, limit, NULL, &error);

  model_expect (model, page != NULL, error, MODEL_SUCCESS);
  return page;
}

void
model_list (Model *model)
{
  const CaskDigest *after = &model->digests[model_draw (model, MODEL_NAMES)];
  guint limit = 1 + model_draw (model, 9);
  g_autoptr (GPtrArray) due = list_due (model, after);
  g_autoptr (CaskListPage) page = list_page (model, after, limit);

  list_compare_page (model, page, due, 0, limit);
}

static void
list_whole (Model *model, guint limit)
{
  g_autoptr (GPtrArray) due = list_due (model, NULL);
  guint next = 0;

  do
    {
      g_autoptr (CaskListPage) page =
          list_page (model, next > 0 ? due->pdata[next - 1] : NULL, limit);
      next = list_compare_page (model, page, due, next, limit);
    }
  while (next < due->len);
}

void
model_list_all (Model *model)
{
  list_whole (model, 1 + model_draw (model, 17));
}

/* ---- Batches ---- */

/* The last stride names two blobs time and again. */
typedef struct
{
  guint n;
  guint wrong; /* the item with another blob's bytes; n: none */
  const CaskDigest *digests[MODEL_BATCH];
  GBytes *bytes[MODEL_BATCH];
} ModelBatch;

static ModelBatch
batch_draw (Model *model)
{
  static const guint strides[] = { 1, 3, 5, 8 };
  ModelBatch batch;
  guint first = model_draw (model, MODEL_NAMES);
  guint stride = strides[model_draw (model, G_N_ELEMENTS (strides))];

  batch.n = model_draw (model, MODEL_BATCH + 1);
  batch.wrong = model_draw (model, 2 * MODEL_BATCH);
  for (guint i = 0; i < batch.n; i++)
    {
      guint name = (first + i * stride) % MODEL_NAMES;
      batch.digests[i] = &model->digests[name];
      batch.bytes[i] = model_content (model, i == batch.wrong ? name + 1 : name);
    }
  return batch;
}

static void
batch_expect (Model *model, const ModelBatch *batch, CaskResults *results,
              const GError *error)
{
  model_expect (model, results != NULL, error, MODEL_SUCCESS);
  model_expect_number (model, "results", cask_results_get_length (results), batch->n);
  for (guint i = 0; i < batch->n; i++)
    FUZZ_CHECK (
        cask_digest_equal (cask_results_get_digest (results, i), batch->digests[i]));
}

static void
batch_expect_item (Model *model, CaskResults *results, guint i, int due)
{
  const GError *error = cask_results_get_error (results, i);
  model_expect (model, error == NULL, error, due);
}

/* Which of several items of one blob made or removed it nobody says; one of them did, or
 * none. is: what is asked of an item */
static void
batch_expect_one (Model *model, const ModelBatch *batch, CaskResults *results,
                  gboolean (*is) (CaskResults *results, gsize i), guint i, guint due)
{
  guint came = 0;
  for (guint k = 0; k < batch->n; k++)
    if (cask_digest_equal (batch->digests[k], batch->digests[i]))
      came += k != batch->wrong && is (results, k);
  model_expect_number (model, "items that did it", came, due);
}

void
model_put_many (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBatch batch = batch_draw (model);
  CaskPutFlags flags =
      model_draw (model, 4) == 1 ? CASK_PUT_VERIFY_EXISTING : CASK_PUT_NONE;
  g_autoptr (CaskResults) results = cask_store_put_many (
      model->store, batch.digests, batch.bytes, batch.n, flags, NULL, &error);

  batch_expect (model, &batch, results, error);
  for (guint i = 0; i < batch.n; i++)
    {
      gboolean is_wrong = i == batch.wrong;
      batch_expect_item (model, results, i,
                         is_wrong ? CASK_ERROR_DIGEST_MISMATCH : MODEL_SUCCESS);
      if (!is_wrong)
        batch_expect_one (model, &batch, results, cask_results_get_created, i,
                          model_stored (model, batch.digests[i]) == NULL);
    }
  for (guint i = 0; i < batch.n; i++)
    if (i != batch.wrong)
      model_store (model, batch.digests[i], batch.bytes[i], flags != CASK_PUT_NONE);
}

void
model_get_many (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBatch batch = batch_draw (model);
  g_autoptr (CaskResults) results =
      cask_store_get_many (model->store, batch.digests, batch.n, NULL, &error);

  batch_expect (model, &batch, results, error);
  for (guint i = 0; i < batch.n; i++)
    {
      GBytes *due = model_stored (model, batch.digests[i]);
      batch_expect_item (model, results, i,
                         due != NULL ? MODEL_SUCCESS : CASK_ERROR_NOT_FOUND);
      if (due != NULL)
        model_expect_bytes (model, cask_results_get_bytes (results, i), due);
    }
}

void
model_look_many (Model *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  ModelBatch batch = batch_draw (model);
  CaskContainsFlags flags =
      model_draw (model, 2) == 1 ? CASK_CONTAINS_FRESHEN : CASK_CONTAINS_NONE;
  g_autoptr (CaskResults) looks = cask_store_contains_many (model->store, batch.digests,
                                                            batch.n, flags, NULL, &error);
  g_autoptr (CaskResults) stats =
      cask_store_stat_many (model->store, batch.digests, batch.n, NULL, &failure);

  batch_expect (model, &batch, looks, error);
  batch_expect (model, &batch, stats, failure);
  for (guint i = 0; i < batch.n; i++)
    {
      GBytes *due = model_stored (model, batch.digests[i]);
      CaskBlobInfo info = { 0 };
      batch_expect_item (model, looks, i, MODEL_SUCCESS);
      model_expect_number (model, "present",
                           (guint64) cask_results_get_present (looks, i), due != NULL);
      batch_expect_item (model, stats, i,
                         due != NULL ? MODEL_SUCCESS : CASK_ERROR_NOT_FOUND);
      if (due == NULL)
        continue;
      FUZZ_CHECK (cask_results_get_info (stats, i, &info));
      model_expect_number (model, "size", info.size, g_bytes_get_size (due));
    }
}

static gboolean
batch_has_removed (CaskResults *results, gsize i)
{
  return cask_results_get_removed (results, i) == CASK_REMOVED_DONE;
}

/* MAYBE says no more than that it is not there now. */
void
model_delete_many (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBatch batch = batch_draw (model);
  batch.wrong = batch.n;
  g_autoptr (CaskResults) results = cask_store_delete_many (
      model->store, batch.digests, batch.n, CASK_ALWAYS, NULL, &error);

  batch_expect (model, &batch, results, error);
  for (guint i = 0; i < batch.n; i++)
    {
      batch_expect_item (model, results, i, MODEL_SUCCESS);
      CaskRemoved came = cask_results_get_removed (results, i);
      FUZZ_CHECK (came != CASK_REMOVED_KEPT);
      if (came != CASK_REMOVED_MAYBE)
        batch_expect_one (model, &batch, results, batch_has_removed, i,
                          model_stored (model, batch.digests[i]) != NULL);
    }
  for (guint i = 0; i < batch.n; i++)
    model_forget (model, batch.digests[i]);
}

/* ---- The whole store ---- */

void
model_care (Model *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  CaskUsage usage = { 0 };

  gboolean done = cask_store_flush (model->store, NULL, &error);
  if (done || (model->capabilities & CASK_CAPABILITY_DURABLE))
    model_expect (model, done, error, MODEL_SUCCESS);
  else
    model_expect (model, done, error, CASK_ERROR_UNSUPPORTED);
  done = cask_store_usage (model->store, &usage, NULL, &failure);
  if (!done)
    {
      model_expect (model, done, failure, CASK_ERROR_UNSUPPORTED);
      return;
    }
  if (usage.count != CASK_UNKNOWN)
    model_expect_number (model, "count", usage.count, g_hash_table_size (model->blobs));
}

void
model_compare_all (Model *model)
{
  GHashTableIter iter;
  gpointer digest, due;

  model->operation = "the list of all";
  list_whole (model, 7);
  model->operation = "get of all";
  g_hash_table_iter_init (&iter, model->blobs);
  while (g_hash_table_iter_next (&iter, &digest, &due))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) came = cask_store_get (model->store, digest, NULL, &error);
      model_expect (model, came != NULL, error, MODEL_SUCCESS);
      model_expect_bytes (model, came, due);
    }
}
