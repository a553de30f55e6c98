/* SPDX-License-Identifier: Apache-2.0
 *
 * model-uploads.c: uploads begun, written, saved, dropped, resumed and committed.
 *
 * What is written to an upload are the bytes of its content, and after their end others:
 * so what it holds is known from its offset, and a commit in between makes a blob of
 * another digest. */
#include "model.h"

#define UPLOAD_MOST 700000
#define UPLOAD_FILLER 0x5a

static ModelUpload *
upload_draw (Model *model)
{
  return &model->uploads[model_draw (model, MODEL_SLOTS)];
}

static gboolean
upload_can_save (const Model *model)
{
  return (model->capabilities & CASK_CAPABILITY_RESUME) != 0;
}

static void
upload_clear (ModelUpload *slot)
{
  g_clear_object (&slot->upload);
  g_free (slot->id);
  *slot = (ModelUpload){ 0 };
}

/* The upload is closed. What was saved of it is where it was. */
static void
upload_let_go (ModelUpload *slot)
{
  g_clear_object (&slot->upload);
  if (slot->id == NULL)
    upload_clear (slot);
}

static GBytes *
upload_bytes (Model *model, const ModelUpload *slot, gsize from, gsize to)
{
  gsize size;
  const guint8 *content = g_bytes_get_data (model->contents[slot->content], &size);
  guint8 *data = g_malloc (to - from + 1);

  memset (data, UPLOAD_FILLER, to - from);
  if (from < size)
    memcpy (data, content + from, MIN (to, size) - from);
  return g_bytes_new_take (data, to - from);
}

/* Begun with its digest, its algorithm, or all of them; announced whole, a byte short, or
 * not. */
void
model_upload_begin (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelUpload *slot = upload_draw (model);
  guint name = model_draw (model, MODEL_NAMES);
  guint how = model_draw (model, 24);
  if (slot->upload != NULL || slot->id != NULL)
    return;

  slot->content = name % (MODEL_NAMES / 2);
  slot->algorithm = (CaskAlgorithm) model->digests[name].algorithm;
  slot->has_digest = (how & 1) != 0;
  slot->digest = model->digests[name];
  slot->all_algorithms = (how & 2) != 0;
  slot->verify_existing = (how & 4) != 0;
  guint64 size = g_bytes_get_size (model->contents[slot->content]);
  const guint64 sizes[3] = { CASK_UNKNOWN, size, size > 0 ? size - 1 : 0 };
  slot->expected_size = sizes[how / 8];
  CaskPutFlags flags = (slot->all_algorithms ? CASK_PUT_ALL_ALGORITHMS : 0) |
                       (slot->verify_existing ? CASK_PUT_VERIFY_EXISTING : 0);
  slot->upload =
      cask_store_begin_upload (model->store, slot->has_digest ? &slot->digest : NULL,
                               slot->algorithm, slot->expected_size, flags, NULL, &error);
  model_expect (model, slot->upload != NULL, error, MODEL_SUCCESS);
}

void
model_upload_write (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelUpload *slot = upload_draw (model);
  guint what = model_draw (model, 9);
  if (slot->upload == NULL)
    return;

  gsize size = g_bytes_get_size (model->contents[slot->content]);
  gsize left = size - MIN (slot->offset, size);
  /* The last is more than the core keeps back before a backend hears of it. */
  const gsize counts[9] = { left, 1, left / 2, 63, 65, 4096, 65536, left + 1, 262209 };
  gsize count = MIN (counts[what], UPLOAD_MOST - slot->offset);
  gboolean is_longer = count > slot->expected_size - slot->offset && count > 0;
  g_autoptr (GBytes) bytes =
      upload_bytes (model, slot, slot->offset, slot->offset + count);
  gssize came =
      g_output_stream_write (G_OUTPUT_STREAM (slot->upload),
                             g_bytes_get_data (bytes, NULL), count, NULL, &error);
  model_expect (model, came >= 0, error,
                is_longer ? CASK_ERROR_DIGEST_MISMATCH : MODEL_SUCCESS);
  if (!is_longer)
    {
      model_expect_number (model, "written", (guint64) came, count);
      slot->offset += count;
    }
  model_expect_number (model, "offset", cask_upload_get_offset (slot->upload),
                       slot->offset);
}

void
model_upload_save (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelUpload *slot = upload_draw (model);
  if (slot->upload == NULL)
    return;

  const char *id = cask_upload_save (slot->upload, NULL, &error);
  model_expect (model, id != NULL, error,
                upload_can_save (model) ? MODEL_SUCCESS : CASK_ERROR_UNSUPPORTED);
  if (id == NULL)
    return;
  FUZZ_CHECK (slot->id == NULL || g_str_equal (id, slot->id));
  if (slot->id == NULL)
    slot->id = g_strdup (id);
  slot->saved = slot->offset;
}

/* ---- Its end ---- */

static void
upload_check_ended (Model *model, ModelUpload *slot)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) gone = NULL;

  gssize came =
      g_output_stream_write (G_OUTPUT_STREAM (slot->upload), "x", 1, NULL, &error);
  model_expect (model, came >= 0, error, MODEL_ENDED);
  gboolean done = cask_upload_commit (slot->upload, NULL, NULL, NULL, NULL, &failure);
  model_expect (model, done, failure, CASK_ERROR_CLOSED);
  if (slot->id == NULL)
    return;
  g_autoptr (CaskUpload) again =
      cask_store_resume_upload (model->store, slot->id, NULL, &gone);
  model_expect (model, again != NULL, gone, CASK_ERROR_NOT_FOUND);
}

/* What a commit that asks for `wanted` comes to. digest: (out): the blob's */
static int
upload_commit_due (const ModelUpload *slot, GBytes *bytes, const CaskDigest *wanted,
                   CaskDigest *digest)
{
  guint algorithm = wanted != NULL ? wanted->algorithm : slot->algorithm;

  if (slot->expected_size != CASK_UNKNOWN && slot->offset < slot->expected_size)
    return CASK_ERROR_DIGEST_MISMATCH;
  if (!slot->all_algorithms && algorithm != slot->algorithm)
    return CASK_ERROR_INVALID_DIGEST;
  cask_digest_of_bytes (bytes, (CaskAlgorithm) algorithm, digest);
  return wanted == NULL || cask_digest_equal (wanted, digest)
             ? MODEL_SUCCESS
             : CASK_ERROR_DIGEST_MISMATCH;
}

static void
upload_check_digests (ModelUpload *slot, GBytes *bytes)
{
  for (guint i = CASK_ALGORITHM_SHA256; i <= CASK_ALGORITHM_SHA512; i++)
    {
      CaskDigest due, came;
      gboolean is_known = cask_upload_get_digest (slot->upload, (CaskAlgorithm) i, &came);
      FUZZ_CHECK (is_known == (slot->all_algorithms || slot->algorithm == i));
      cask_digest_of_bytes (bytes, (CaskAlgorithm) i, &due);
      FUZZ_CHECK (!is_known || cask_digest_equal (&came, &due));
    }
}

/* Under what it was begun with, its content's name, that by the other algorithm, or
 * another blob's. */
void
model_upload_commit (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelUpload *slot = upload_draw (model);
  guint how = model_draw (model, 4);
  if (slot->upload == NULL)
    return;

  const CaskDigest *names = model->digests;
  gboolean is_512 = slot->algorithm == CASK_ALGORITHM_SHA512;
  guint other = slot->content + (is_512 ? 0 : MODEL_NAMES / 2);
  const CaskDigest *asked[4] = { NULL,
                                 &names[slot->content + (is_512 ? MODEL_NAMES / 2 : 0)],
                                 &names[other],
                                 &names[(slot->content + 1) % MODEL_NAMES] };
  const CaskDigest *wanted = asked[how];
  if (wanted == NULL && slot->has_digest)
    wanted = &slot->digest;
  g_autoptr (GBytes) bytes = upload_bytes (model, slot, 0, slot->offset);
  CaskDigest digest = { 0 }, stored = { 0 };
  gboolean created = FALSE;
  int due = upload_commit_due (slot, bytes, wanted, &digest);

  gboolean done =
      cask_upload_commit (slot->upload, asked[how], &stored, &created, NULL, &error);
  model_expect (model, done, error, due);
  if (!done)
    return;
  FUZZ_CHECK (cask_digest_equal (&stored, &digest));
  model_expect_number (model, "created", (guint64) created,
                       model_stored (model, &digest) == NULL);
  model_store (model, &digest, bytes, slot->verify_existing);
  upload_check_digests (slot, bytes);
  upload_check_ended (model, slot);
  upload_clear (slot);
}

void
model_upload_abort (Model *model)
{
  g_autoptr (GError) error = NULL;
  ModelUpload *slot = upload_draw (model);
  if (slot->upload == NULL)
    return;

  gboolean done = cask_upload_abort (slot->upload, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  upload_check_ended (model, slot);
  upload_clear (slot);
}

void
model_upload_drop (Model *model)
{
  upload_let_go (upload_draw (model));
}

/* ---- What was saved ---- */

static void
upload_resume (Model *model, ModelUpload *slot)
{
  g_autoptr (GError) error = NULL;

  slot->upload = cask_store_resume_upload (model->store, slot->id, NULL, &error);
  model_expect (model, slot->upload != NULL, error, MODEL_SUCCESS);
  slot->offset = slot->saved;
  model_expect_number (model, "offset", cask_upload_get_offset (slot->upload),
                       slot->saved);
  model_expect_number (model, "expected size",
                       cask_upload_get_expected_size (slot->upload), slot->expected_size);
  FUZZ_CHECK (g_str_equal (cask_upload_get_id (slot->upload), slot->id));
}

/* Of a free slot: nobody's id. Of one that is open: it is BUSY. */
void
model_upload_resume (Model *model)
{
  static const char *const inventions[] = {
    "", "x", "../x", "0", "\n", "a/b", "0123456789abcdef0123456789abcdef"
  };
  g_autoptr (GError) error = NULL;
  ModelUpload *slot = upload_draw (model);
  guint which = model_draw (model, G_N_ELEMENTS (inventions));
  if (slot->upload == NULL && slot->id != NULL)
    {
      upload_resume (model, slot);
      return;
    }
  int due = !upload_can_save (model) ? CASK_ERROR_UNSUPPORTED
            : slot->id != NULL       ? CASK_ERROR_BUSY
                                     : CASK_ERROR_NOT_FOUND;
  g_autoptr (CaskUpload) upload = cask_store_resume_upload (
      model->store, slot->id != NULL ? slot->id : inventions[which], NULL, &error);
  model_expect (model, upload != NULL, error, due);
}

static ModelUpload *
upload_find (Model *model, const char *id)
{
  for (guint i = 0; i < MODEL_SLOTS; i++)
    if (g_strcmp0 (model->uploads[i].id, id) == 0)
      return &model->uploads[i];
  return NULL;
}

static guint
upload_count_saved (const Model *model)
{
  guint n = 0;
  for (guint i = 0; i < MODEL_SLOTS; i++)
    n += model->uploads[i].id != NULL && model->uploads[i].upload == NULL;
  return n;
}

void
model_upload_list (Model *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUploadList) list = cask_store_list_uploads (model->store, NULL, &error);

  model_expect (model, list != NULL, error,
                upload_can_save (model) ? MODEL_SUCCESS : CASK_ERROR_UNSUPPORTED);
  if (list == NULL)
    return;
  model_expect_number (model, "uploads", cask_upload_list_get_length (list),
                       upload_count_saved (model));
  for (guint i = 0; i < cask_upload_list_get_length (list); i++)
    {
      const ModelUpload *slot = upload_find (model, cask_upload_list_get_id (list, i));
      FUZZ_CHECK (slot != NULL && slot->upload == NULL);
      model_expect_number (model, "offset", cask_upload_list_get_offset (list, i),
                           slot->saved);
    }
}

/* Those saved before an hour ago: none; before in an hour: all that are not open. */
void
model_upload_expire (Model *model)
{
  g_autoptr (GError) error = NULL;
  gboolean is_future = model_draw (model, 2) == 0;
  gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  guint n = 0, due = is_future ? upload_count_saved (model) : 0;

  gboolean done = cask_store_expire_uploads (
      model->store, g_get_real_time () + (is_future ? hour : -hour), &n, NULL, &error);
  model_expect (model, done, error,
                upload_can_save (model) ? MODEL_SUCCESS : CASK_ERROR_UNSUPPORTED);
  model_expect_number (model, "expired", n, due);
  for (guint i = 0; i < MODEL_SLOTS && is_future; i++)
    if (model->uploads[i].upload == NULL)
      upload_clear (&model->uploads[i]);
}

/* A closed store takes nothing more. */
static void
upload_check_closed (Model *model, ModelUpload *slot)
{
  g_autoptr (GError) error = NULL;
  gssize came =
      g_output_stream_write (G_OUTPUT_STREAM (slot->upload), "x", 1, NULL, &error);

  model_expect (model, came >= 0, error,
                slot->expected_size == slot->offset ? CASK_ERROR_DIGEST_MISMATCH
                                                    : CASK_ERROR_CLOSED);
}

void
model_uploads_closed (Model *model, gboolean forget)
{
  for (guint i = 0; i < MODEL_SLOTS; i++)
    {
      ModelUpload *slot = &model->uploads[i];
      if (slot->upload != NULL)
        upload_check_closed (model, slot);
      upload_let_go (slot);
      if (forget)
        upload_clear (slot);
    }
}
