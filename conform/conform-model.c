/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-model.c: C76: long random sequences of operations against a model.
 *
 * What each operation must answer is worked out from the model, and put into words as the
 * answer of the store is: the words must be the same. The seed of the run decides the
 * sequence, which is the same for both kinds of calls. */
#include "conform-model.h"

#define MODEL_STEPS 20000
#define MODEL_STEPS_LONG 100000
#define MODEL_LARGEST 70000
/* A slow store takes as many steps of the sequence as this gives it time for. */
#define MODEL_USEC (G_USEC_PER_SEC * 3 / 2)
#define MODEL_USEC_LONG (600 * (gint64) G_USEC_PER_SEC)
#define MODEL_HOUR (3600 * (gint64) G_USEC_PER_SEC)

/* ---- Words ---- */

void
model_compare (Model *model, guint number, const char *came, const char *expected)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  if (g_str_equal (came, expected))
    return;
  model->has_failed = TRUE;
  conform_note ("step %u: %s of blob %u (%" G_GSIZE_FORMAT " bytes, %s, %s)", model->step,
                model->operation, number, g_bytes_get_size (model->bytes[number]),
                cask_digest_write (&model->digests[number], text),
                model->is_stored[number] ? "stored" : "not stored");
  CONFORM_STRING_EQUAL (came, expected);
}

char *
model_describe (const char *success, const GError *error)
{
  if (error == NULL)
    return g_strdup (success);
  if (g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    return g_strdup ("NOT_FOUND");
  if (g_error_matches (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH))
    return g_strdup ("DIGEST_MISMATCH");
  if (g_error_matches (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE))
    return g_strdup ("INVALID_RANGE");
  return g_strdup_printf ("%s %d: %s", g_quark_to_string (error->domain), error->code,
                          error->message);
}

gboolean
model_chance (Model *model, guint n)
{
  return g_rand_int_range (model->rand, 0, (gint32) n) == 0;
}

static void
model_compare_result (Model *model, guint number, const char *success,
                      const GError *error, const char *expected)
{
  g_autofree char *came = model_describe (success, error);

  model_compare (model, number, came, expected);
}

/* Bytes [from, to) of the blob are due. */
static void
model_compare_bytes (Model *model, guint number, GBytes *came, gsize from, gsize to,
                     const GError *error)
{
  g_autoptr (GBytes) due = g_bytes_new_from_bytes (model->bytes[number], from, to - from);
  g_autofree char *expected =
      g_strdup_printf ("its bytes %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT, from, to);
  g_autofree char *other =
      g_strdup_printf ("%" G_GSIZE_FORMAT " bytes that are not these",
                       came != NULL ? g_bytes_get_size (came) : 0);

  model_compare_result (model, number,
                        came != NULL && g_bytes_equal (came, due) ? expected : other,
                        error, expected);
}

/* ---- One blob ---- */

static void
model_put_with (Model *model, guint number, CaskPutFlags flags)
{
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;

  model->c->calls->put (model->c->store, &model->digests[number], model->bytes[number],
                        flags, &created, NULL, &error);
  model_compare_result (model, number, created ? "created" : "was there", error,
                        model->is_stored[number] ? "was there" : "created");
  model->is_stored[number] = TRUE;
}

static void
model_put (Model *model, guint number)
{
  model_put_with (model, number, model_chance (model, 4) ? CASK_PUT_COPY : CASK_PUT_NONE);
}

static void
model_put_anew (Model *model, guint number)
{
  model_put_with (model, number, CASK_PUT_VERIFY_EXISTING);
}

static void
model_put_wrong (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  guint other = (number + 1) % MODEL_BLOBS;

  model->c->calls->put (model->c->store, &model->digests[number], model->bytes[other],
                        model_chance (model, 2) ? CASK_PUT_VERIFY_EXISTING : 0, NULL,
                        NULL, &error);
  model_compare_result (model, number, "put", error, "DIGEST_MISMATCH");
}

static void
model_add (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = { 0 };
  gboolean created = FALSE;

  if (model->c->calls->add (model->c->store, model->bytes[number],
                            model->digests[number].algorithm, CASK_PUT_NONE, &digest,
                            &created, NULL, &error) &&
      !cask_digest_equal (&digest, &model->digests[number]))
    model_compare (model, number, "another digest", "its digest");
  model_compare_result (model, number, created ? "created" : "was there", error,
                        model->is_stored[number] ? "was there" : "created");
  model->is_stored[number] = TRUE;
}

static void
model_get (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) came =
      model->c->calls->get (model->c->store, &model->digests[number], NULL, &error);

  if (!model->is_stored[number])
    model_compare_result (model, number, "bytes", error, "NOT_FOUND");
  else
    model_compare_bytes (model, number, came, 0, g_bytes_get_size (model->bytes[number]),
                         error);
}

static void
model_get_range (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  gsize size = g_bytes_get_size (model->bytes[number]);
  gsize from = (gsize) g_rand_int_range (model->rand, 0, (gint32) size + 3);
  guint64 length = (guint64) g_rand_int_range (model->rand, 0, (gint32) size + 10);

  if (model_chance (model, 4))
    length = CASK_TO_END;
  g_autoptr (GBytes) came = model->c->calls->get_range (
      model->c->store, &model->digests[number], from, length, NULL, &error);
  if (!model->is_stored[number])
    model_compare_result (model, number, "bytes", error, "NOT_FOUND");
  else if (from > size)
    model_compare_result (model, number, "bytes", error, "INVALID_RANGE");
  else
    model_compare_bytes (model, number, came, from,
                         length < size - from ? from + (gsize) length : size, error);
}

static void
model_stat (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };
  g_autofree char *due = g_strdup_printf ("%" G_GSIZE_FORMAT " bytes",
                                          g_bytes_get_size (model->bytes[number]));

  model->c->calls->stat (model->c->store, &model->digests[number], &info, NULL, &error);
  g_autofree char *came = g_strdup_printf ("%" G_GUINT64_FORMAT " bytes", info.size);
  model_compare_result (model, number, came, error,
                        model->is_stored[number] ? due : "NOT_FOUND");
}

static void
model_contains (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  gboolean present = FALSE;

  model->c->calls->contains (model->c->store, &model->digests[number], &present, NULL,
                             &error);
  model_compare_result (model, number, present ? "present" : "absent", error,
                        model->is_stored[number] ? "present" : "absent");
}

static void
model_touch (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;

  if (!(model->c->capabilities & CASK_CAPABILITY_FRESHENS))
    return;
  model->c->calls->touch (model->c->store, &model->digests[number], NULL, &error);
  model_compare_result (model, number, "touched", error,
                        model->is_stored[number] ? "touched" : "NOT_FOUND");
}

static void
model_delete (Model *model, guint number)
{
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;

  model->c->calls->remove (model->c->store, &model->digests[number], &existed, NULL,
                           &error);
  model_compare_result (model, number, existed ? "existed" : "did not exist", error,
                        model->is_stored[number] ? "existed" : "did not exist");
  model->is_stored[number] = FALSE;
}

/* Every blob is younger than an hour ago and older than in an hour. */
static void
model_delete_unused (Model *model, guint number)
{
  static const char *const words[] = { "absent", "removed", "kept", "maybe" };
  g_autoptr (GError) error = NULL;
  CaskRemoved came = CASK_REMOVED_MAYBE, due = CASK_REMOVED_ABSENT;
  gint64 since = CASK_ALWAYS, hour = model_chance (model, 2) ? MODEL_HOUR : -MODEL_HOUR;

  if (!model_chance (model, 3) &&
      (model->c->capabilities & CASK_CAPABILITY_REMOVE_UNUSED))
    since = g_get_real_time () + hour;
  if (model->is_stored[number])
    due = since == CASK_ALWAYS || hour > 0 ? CASK_REMOVED_DONE : CASK_REMOVED_KEPT;
  model->c->calls->remove_unused (model->c->store, &model->digests[number], since, &came,
                                  NULL, &error);
  model_compare_result (model, number, words[MIN (came, CASK_REMOVED_MAYBE)], error,
                        words[due]);
  if (due == CASK_REMOVED_DONE)
    model->is_stored[number] = FALSE;
}

/* ---- The sequence ---- */

static const struct
{
  const char *name;
  guint weight;
  ModelOperation run;
} model_operations[] = {
  { "a put", 12, model_put },
  { "a put with VERIFY_EXISTING", 4, model_put_anew },
  { "a put of other bytes", 3, model_put_wrong },
  { "an add", 6, model_add },
  { "an upload", 6, model_upload },
  { "a get", 14, model_get },
  { "a get_range", 8, model_get_range },
  { "a stat", 8, model_stat },
  { "a contains", 8, model_contains },
  { "a touch", 6, model_touch },
  { "a delete", 10, model_delete },
  { "a delete_unused", 6, model_delete_unused },
  { "a list after the digest", 4, model_list },
  { "a put_many", 1, model_put_many },
  { "a contains_many", 2, model_contains_many },
  { "a delete_many", 2, model_delete_many },
};

static void
model_step (Model *model)
{
  guint number = (guint) g_rand_int_range (model->rand, 0, MODEL_BLOBS), i = 0, sum = 0;

  for (guint k = 0; k < G_N_ELEMENTS (model_operations); k++)
    sum += model_operations[k].weight;
  guint drawn = (guint) g_rand_int_range (model->rand, 0, (gint32) sum);
  while (drawn >= model_operations[i].weight)
    drawn -= model_operations[i++].weight;
  model->operation = model_operations[i].name;
  model_operations[i].run (model, number);
}

static int
model_order (gconstpointer a, gconstpointer b, gpointer digests)
{
  const CaskDigest *all = digests;

  return cask_digest_compare (&all[*(const guint *) a], &all[*(const guint *) b]);
}

/* More small ones than large ones, and sizes beside the pages and pieces of stores. Those
 * that are drawn are never so short that two blobs would be one. */
static gsize
model_size (Model *model, guint i)
{
  static const gsize sizes[] = { 0, 1, 4095, 4096, 4097, 65536, 65537, MODEL_LARGEST };
  gdouble share = g_rand_double (model->rand);

  return i < G_N_ELEMENTS (sizes)
             ? sizes[i]
             : 16 + (gsize) (share * share * share * (MODEL_LARGEST - 16));
}

static void
model_begin (Model *model, Conform *c)
{
  GBytes *bytes[MODEL_BLOBS];
  CaskDigest digests[MODEL_BLOBS];
  guint order[MODEL_BLOBS];

  *model = (Model){ .c = c, .rand = conform_rand_new ("C76") };
  for (guint i = 0; i < MODEL_BLOBS; i++)
    {
      bytes[i] = conform_bytes (7600 + i, model_size (model, i));
      cask_digest_of_bytes (bytes[i],
                            i % 5 == 4 ? CASK_ALGORITHM_SHA512 : CASK_ALGORITHM_SHA256,
                            &digests[i]);
      order[i] = i;
    }
  g_qsort_with_data (order, MODEL_BLOBS, sizeof order[0], model_order, digests);
  for (guint i = 0; i < MODEL_BLOBS; i++)
    {
      model->bytes[i] = bytes[order[i]];
      model->digests[i] = digests[order[i]];
    }
}

static void
model_end (Model *model)
{
  for (guint i = 0; i < MODEL_BLOBS; i++)
    g_bytes_unref (model->bytes[i]);
  g_rand_free (model->rand);
}

static void
test_model (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Model model;
  guint n = conform_is_long () ? MODEL_STEPS_LONG : MODEL_STEPS;
  gint64 end =
      g_get_monotonic_time () + (conform_is_long () ? MODEL_USEC_LONG : MODEL_USEC);
  model_begin (&model, c);
  while (!model.has_failed && model.step < n && g_get_monotonic_time () < end)
    {
      model.step++;
      model_step (&model);
      if (!model.has_failed && model.step % 1000 == 0)
        model_compare_all (&model);
    }
  if (!model.has_failed)
    model_compare_all (&model);
  for (guint i = 0; i < MODEL_BLOBS && !model.has_failed; i++)
    model_get (&model, i);
  conform_tally ("random steps compared with a model", model.step);
  model_end (&model);
}

const ConformCase conform_model_tests[] = {
  { "C76 a random sequence of operations answers as its model does", test_model },
  CONFORM_CASES_END
};
