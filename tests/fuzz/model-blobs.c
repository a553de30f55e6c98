/* SPDX-License-Identifier: Apache-2.0
 *
 * model-blobs.c: operations on one blob. */
#include "model.h"

#define MODEL_HOUR (3600 * (gint64) G_USEC_PER_SEC)

typedef struct
{
  guint name;
  const CaskDigest *digest;
  GBytes *content;
  GBytes *stored; /* NULL: it is not */
} ModelBlob;

static ModelBlob
blob_draw (Model *model)
{
  guint name = model_draw (model, MODEL_NAMES);
  const CaskDigest *digest = &model->digests[name];

  return (ModelBlob){ name, digest, model_content (model, name),
                      model_stored (model, digest) };
}

static int
blob_due (const ModelBlob *blob)
{
  return blob->stored != NULL ? MODEL_SUCCESS : CASK_ERROR_NOT_FOUND;
}

/* ---- Putting ---- */

static void
blob_put (Model *model, ModelBlob blob, CaskPutFlags flags)
{
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;

  gboolean done = cask_store_put (model->store, blob.digest, blob.content, flags,
                                  &created, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "created", (guint64) created, blob.stored == NULL);
  model_store (model, blob.digest, blob.content, (flags & CASK_PUT_VERIFY_EXISTING) != 0);
}

void
model_put (Model *model)
{
  ModelBlob blob = blob_draw (model);
  blob_put (model, blob, model_draw (model, 2) == 1 ? CASK_PUT_COPY : CASK_PUT_NONE);
}

void
model_put_anew (Model *model)
{
  blob_put (model, blob_draw (model), CASK_PUT_VERIFY_EXISTING);
}

void
model_put_wrong (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  gboolean done =
      cask_store_put (model->store, blob.digest, model_content (model, blob.name + 1),
                      CASK_PUT_VERIFY_EXISTING, NULL, NULL, &error);

  model_expect (model, done, error, CASK_ERROR_DIGEST_MISMATCH);
}

void
model_put_cancelled (Model *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ModelBlob blob = blob_draw (model);

  g_cancellable_cancel (cancellable);
  gboolean done = cask_store_put (model->store, blob.digest, blob.content, CASK_PUT_NONE,
                                  NULL, cancellable, &error);
  model_expect (model, done, error, MODEL_CANCELLED);
}

/* Announced as it is, as one byte more, or not at all; under its name, or under none. */
void
model_put_stream (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  guint how = model_draw (model, 8);
  guint64 size = g_bytes_get_size (blob.content);
  gboolean is_longer = (how & 3) == 2, is_shorter = (how & 3) == 3 && size > 0;
  guint64 announced = (how & 3) == 0 ? CASK_UNKNOWN
                      : is_longer    ? size + 1
                      : is_shorter   ? size - 1
                                     : size;
  g_autoptr (GInputStream) source = g_memory_input_stream_new_from_bytes (blob.content);
  CaskDigest stored = { 0 };
  gboolean created = FALSE;

  gboolean done = cask_store_put_stream (
      model->store, how & 4 ? blob.digest : NULL, (CaskAlgorithm) blob.digest->algorithm,
      source, announced, CASK_PUT_NONE, &stored, &created, NULL, &error);
  model_expect (model, done, error,
                is_longer || is_shorter ? CASK_ERROR_DIGEST_MISMATCH : MODEL_SUCCESS);
  FUZZ_CHECK (!g_input_stream_is_closed (source));
  if (!done)
    return;
  FUZZ_CHECK (cask_digest_equal (&stored, blob.digest));
  model_expect_number (model, "created", (guint64) created, blob.stored == NULL);
  model_store (model, blob.digest, blob.content, FALSE);
}

void
model_add (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  CaskDigest digest = { 0 };
  gboolean created = FALSE;

  gboolean done =
      cask_store_add (model->store, blob.content, (CaskAlgorithm) blob.digest->algorithm,
                      CASK_PUT_NONE, &digest, &created, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  FUZZ_CHECK (cask_digest_equal (&digest, blob.digest));
  model_expect_number (model, "created", (guint64) created, blob.stored == NULL);
  model_store (model, blob.digest, blob.content, FALSE);
}

/* ---- Getting ---- */

static void
blob_expect (Model *model, const ModelBlob *blob, GBytes *came, const GError *error)
{
  model_expect (model, came != NULL, error, blob_due (blob));
  if (blob->stored != NULL)
    model_expect_bytes (model, came, blob->stored);
}

void
model_get (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  g_autoptr (GBytes) came = cask_store_get (model->store, blob.digest, NULL, &error);

  blob_expect (model, &blob, came, error);
}

static void
blob_take_result (GObject *store, GAsyncResult *result, gpointer data)
{
  (void) store;
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Also by the slots that never block. */
void
model_get_async (Model *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  ModelBlob blob = blob_draw (model);

  cask_store_get_async (model->store, blob.digest, G_PRIORITY_DEFAULT, NULL,
                        blob_take_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_autoptr (GBytes) came = cask_store_get_finish (model->store, result, &error);
  blob_expect (model, &blob, came, error);
}

void
model_get_range (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  guint64 size = g_bytes_get_size (blob.content);
  const guint64 offsets[] = { 0, 1, size / 2, size, size + 1, G_MAXUINT64 };
  const guint64 lengths[] = { 0, 1, size / 3, size, CASK_TO_END - 1, CASK_TO_END };
  guint64 offset = offsets[model_draw (model, G_N_ELEMENTS (offsets))];
  guint64 length = lengths[model_draw (model, G_N_ELEMENTS (lengths))];

  g_autoptr (GBytes) came =
      cask_store_get_range (model->store, blob.digest, offset, length, NULL, &error);
  gboolean is_inside = offset <= size;
  model_expect (model, came != NULL, error,
                blob.stored != NULL && !is_inside ? CASK_ERROR_INVALID_RANGE
                                                  : blob_due (&blob));
  if (blob.stored == NULL || !is_inside)
    return;
  g_autoptr (GBytes) due =
      g_bytes_new_from_bytes (blob.stored, offset, MIN (length, size - offset));
  model_expect_bytes (model, came, due);
}

void
model_look (Model *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  ModelBlob blob = blob_draw (model);
  CaskBlobInfo info = { 0 };
  gboolean present = FALSE;

  gboolean done = cask_store_contains (model->store, blob.digest, &present, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "present", (guint64) present, blob.stored != NULL);
  done = cask_store_stat (model->store, blob.digest, &info, NULL, &failure);
  model_expect (model, done, failure, blob_due (&blob));
  if (!done)
    return;
  FUZZ_CHECK (cask_digest_equal (&info.digest, blob.digest));
  model_expect_number (model, "size", info.size, g_bytes_get_size (blob.stored));
  gint64 now = g_get_real_time ();
  FUZZ_CHECK (info.mtime_usec > now - MODEL_HOUR && info.mtime_usec < now + MODEL_HOUR);
}

/* ---- Keeping and removing ---- */

void
model_touch (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  gboolean done = cask_store_touch (model->store, blob.digest, NULL, &error);

  model_expect (model, done, error, blob_due (&blob));
}

void
model_verify (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  gboolean done = cask_store_verify (model->store, blob.digest, NULL, &error);

  model_expect (model, done, error, blob_due (&blob));
}

void
model_delete (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  gboolean existed = FALSE;

  gboolean done = cask_store_delete (model->store, blob.digest, &existed, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "existed", (guint64) existed, blob.stored != NULL);
  model_forget (model, blob.digest);
}

/* Every blob is younger than an hour ago and older than in an hour. */
void
model_delete_unused (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelBlob blob = blob_draw (model);
  guint how = model_draw (model, 3);
  gint64 since =
      how == 0 ? CASK_ALWAYS : g_get_real_time () + (how == 1 ? MODEL_HOUR : -MODEL_HOUR);
  CaskRemoved came = CASK_REMOVED_MAYBE;
  CaskRemoved due = how == 2 ? CASK_REMOVED_KEPT : CASK_REMOVED_DONE;

  gboolean done =
      cask_store_delete_unused (model->store, blob.digest, since, &came, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "outcome", came,
                       blob.stored != NULL ? due : CASK_REMOVED_ABSENT);
  if (came == CASK_REMOVED_DONE)
    model_forget (model, blob.digest);
}
