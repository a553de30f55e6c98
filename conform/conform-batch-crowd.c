/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-batch-crowd.c: batches that are cancelled, damaged, refused, or too many. */
#include "conform-batch.h"

static gboolean
item_failed_with (CaskResults *results, guint index, GQuark domain, gint code)
{
  return g_error_matches (cask_results_get_error (results, index), domain, code);
}

/* Every kind of batch fails as a whole. */
static void
expect_refused (Conform *c, CaskStore *store, const Blobs *blobs, guint n,
                GCancellable *cancellable, GQuark domain, gint code)
{
  const BatchCalls *calls = conform_batch_calls (c);
  GError *errors[5] = { NULL };

  CONFORM_NULL (
      calls->put (store, blobs->names, blobs->bytes, n, 0, cancellable, &errors[0]));
  CONFORM_NULL (calls->get (store, blobs->names, n, cancellable, &errors[1]));
  CONFORM_NULL (calls->stat (store, blobs->names, n, cancellable, &errors[2]));
  CONFORM_NULL (calls->contains (store, blobs->names, n, 0, cancellable, &errors[3]));
  CONFORM_NULL (
      calls->remove (store, blobs->names, n, CASK_ALWAYS, cancellable, &errors[4]));
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    CONFORM_ERROR (errors[i], domain, code, NULL);
}

static void
test_closed (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_auto (Blobs) blobs = conform_blobs (300, 30, 500);
  conform_put_blobs (c, &blobs);
  CONFORM_TRUE (c->calls->close (c->store, NULL, NULL));
  expect_refused (c, c->store, &blobs, 30, NULL, CASK_ERROR, CASK_ERROR_CLOSED);
  expect_refused (c, c->store, &blobs, 0, NULL, CASK_ERROR, CASK_ERROR_CLOSED);
}

static void
test_cancelled_before (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_auto (Blobs) there = conform_blobs (301, 30, 500);
  g_auto (Blobs) absent = conform_blobs (302, 30, 500);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  conform_put_blobs (c, &there);
  g_cancellable_cancel (cancelled);
  expect_refused (c, c->store, &there, 30, cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  expect_refused (c, c->store, &absent, 30, cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  conform_expect_blobs (c, &there);
  conform_expect_absent (c, &absent.digests[0]);
}

typedef struct
{
  Conform *c;
  const Blobs *blobs;
  GCancellable *cancellable;
  gint64 delay;
  CaskResults *results;
} BatchRace;

static void
batch_race_thread (gpointer data, guint index)
{
  BatchRace *race = data;
  g_autoptr (GError) error = NULL;

  if (index == 1)
    {
      conform_let_time_pass (race->delay);
      g_cancellable_cancel (race->cancellable);
      return;
    }
  race->results = conform_batch_calls (race->c)->put (race->c->store, race->blobs->names,
                                                      race->blobs->bytes, race->blobs->n,
                                                      0, race->cancellable, &error);
  if (race->results == NULL)
    CONFORM_OK (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED), error);
}

/* What says that it was cancelled left nothing, what says that it was done left all. */
static void
test_cancel_race (void)
{
  for (guint round = 0; round < 12; round++)
    {
      g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
      if (c == NULL)
        return;
      g_auto (Blobs) blobs = conform_blobs (310 + round, 100, 200000);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      BatchRace race = { c, &blobs, cancellable, (gint64) round * 300, NULL };
      conform_run_threads (2, batch_race_thread, &race);
      for (guint i = 0; i < blobs.n; i++)
        {
          gboolean present = FALSE;
          gboolean stored =
              race.results != NULL && cask_results_get_error (race.results, i) == NULL;
          CONFORM_TRUE (
              stored || race.results == NULL ||
              item_failed_with (race.results, i, G_IO_ERROR, G_IO_ERROR_CANCELLED));
          CONFORM_TRUE (
              cask_store_contains (c->store, &blobs.digests[i], &present, NULL, NULL));
          CONFORM_EQUAL (present, stored);
        }
      g_clear_pointer (&race.results, cask_results_unref);
    }
}

/* ---- Damage ---- */

static void
test_corrupt_item (void)
{
  static const gsize sizes[] = { 1000, 200000 };
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (Blobs) blobs = conform_blobs (330 + k, k == 0 ? 5 : 50, 5000);
      conform_put_blobs (c, &blobs);
      g_auto (Victim) victim = conform_put_victim (c, 332 + k, sizes[k]);
      blobs.names[3] = &victim.digest;
      if (!conform_damage (c, &victim, DAMAGE_FLIP))
        {
          conform_skip ("none of its bytes are in reach to damage them");
          return;
        }
      g_autoptr (CaskResults) got =
          conform_batch_calls (c)->get (c->store, blobs.names, blobs.n, NULL, &error);
      CONFORM_NO_ERROR (error);
      for (guint i = 0; got != NULL && i < blobs.n; i++)
        {
          GBytes *bytes = cask_results_get_bytes (got, i);
          CONFORM_EQUAL (bytes == NULL, i == 3);
          CONFORM_TRUE (bytes == NULL || g_bytes_equal (bytes, blobs.bytes[i]));
        }
      CONFORM_TRUE (got != NULL &&
                    item_failed_with (got, 3, CASK_ERROR, CASK_ERROR_CORRUPT) &&
                    cask_error_get_digests (cask_results_get_error (got, 3), NULL, NULL));
      /* S8: found, so a batch heals it. */
      g_bytes_unref (blobs.bytes[3]);
      blobs.bytes[3] = g_bytes_ref (victim.good);
      CONFORM_DIGEST (blobs.names[3], &victim.digest);
      g_autoptr (CaskResults) healed = conform_batch_calls (c)->put (
          c->store, blobs.names, blobs.bytes, blobs.n, 0, NULL, &error);
      CONFORM_NO_ERROR (error);
      conform_no_item_failed (healed, blobs.n);
      CONFORM_TRUE (healed != NULL && !cask_results_get_created (healed, 3));
      conform_expect_bytes (c, &victim.digest, victim.good);
    }
}

/* Nobody has looked, but the caller says that it doubts. */
static void
test_heal_unseen (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (340, 20, 5000);
  g_auto (Victim) victim = conform_put_victim (c, 341, 4000);
  blobs.names[0] = &victim.digest;
  g_bytes_unref (blobs.bytes[0]);
  blobs.bytes[0] = g_bytes_ref (victim.good);
  if (!conform_damage (c, &victim, DAMAGE_FLIP))
    {
      conform_skip ("none of its bytes are in reach to damage them");
      return;
    }
  g_autoptr (CaskResults) results =
      conform_batch_calls (c)->put (c->store, blobs.names, blobs.bytes, blobs.n,
                                    CASK_PUT_VERIFY_EXISTING, NULL, &error);
  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, blobs.n);
  for (guint i = 0; results != NULL && i < blobs.n; i++)
    CONFORM_EQUAL (cask_results_get_created (results, i), i != 0);
  conform_expect_bytes (c, &victim.digest, victim.good);
}

static void
test_copy (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (342, 20, 5000);
  g_autofree guint8 *lent = g_malloc (3000);
  memset (lent, 7, 3000);
  g_bytes_unref (blobs.bytes[5]);
  blobs.bytes[5] = g_bytes_new_static (lent, 3000);
  blobs.digests[5] = conform_digest (blobs.bytes[5]);
  g_autoptr (CaskResults) results = conform_batch_calls (c)->put (
      c->store, blobs.names, blobs.bytes, blobs.n, CASK_PUT_COPY, NULL, &error);
  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, blobs.n);
  memset (lent, 8, 3000);
  g_autoptr (GBytes) got = c->calls->get (c->store, &blobs.digests[5], NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (got != NULL && *(const guint8 *) g_bytes_get_data (got, NULL) == 7);
}

static void
test_max_get (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "max-get=100KiB");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (343, 30, 300000);
  conform_put_blobs (c, &blobs);
  g_autoptr (CaskResults) got =
      conform_batch_calls (c)->get (c->store, blobs.names, blobs.n, NULL, &error);
  CONFORM_NO_ERROR (error);
  for (guint i = 0; got != NULL && i < blobs.n; i++)
    {
      gboolean too_large = g_bytes_get_size (blobs.bytes[i]) > 100 * 1024;
      CONFORM_EQUAL (item_failed_with (got, i, CASK_ERROR, CASK_ERROR_TOO_LARGE),
                     too_large);
      CONFORM_EQUAL (cask_results_get_bytes (got, i) == NULL, too_large);
    }
}

/* ---- Many at once ---- */

#define DUPLICATES 30

static void
test_duplicates (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (350, DUPLICATES, 50000);
  const CaskDigest *names[20 * DUPLICATES];
  GBytes *bytes[20 * DUPLICATES];
  guint n_created[DUPLICATES] = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      names[i] = blobs.names[i % DUPLICATES];
      bytes[i] = blobs.bytes[i % DUPLICATES];
    }
  g_autoptr (CaskResults) results = conform_batch_calls (c)->put (
      c->store, names, bytes, G_N_ELEMENTS (names), 0, NULL, &error);
  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, G_N_ELEMENTS (names));
  for (guint i = 0; results != NULL && i < G_N_ELEMENTS (names); i++)
    n_created[i % DUPLICATES] += (guint) cask_results_get_created (results, i);
  for (guint i = 0; i < DUPLICATES; i++)
    CONFORM_EQUAL (n_created[i], 1);
  conform_expect_blobs (c, &blobs);
}

typedef struct
{
  Conform *c;
  Blobs *blobs;
  guint n_blobs;
  gint n_created; /* atomic */
} BatchCrowd;

static void
batch_crowd_thread (gpointer data, guint index)
{
  BatchCrowd *crowd = data;
  Conform *c = crowd->c;
  const Blobs *blobs = &crowd->blobs[index % crowd->n_blobs];
  const BatchCalls *calls = conform_batch_calls (c);

  for (guint round = 0; round < 3; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskResults) put =
          calls->put (c->store, blobs->names, blobs->bytes, blobs->n, 0, NULL, &error);
      g_autoptr (CaskResults) got =
          calls->get (c->store, blobs->names, blobs->n, NULL, &error);
      if (!CONFORM_OK (put != NULL && got != NULL, error))
        return;
      for (guint i = 0; i < blobs->n; i++)
        {
          GBytes *bytes = cask_results_get_bytes (got, i);
          if (cask_results_get_created (put, i))
            g_atomic_int_inc (&crowd->n_created);
          CONFORM_BYTES (bytes, blobs->bytes[i], "an item of get_many");
        }
    }
}

/* Callers that fill the lane wait for nobody but themselves. */
static void
batch_crowd (const char *option)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, option);
  if (c == NULL)
    return;
  g_auto (Blobs) first = conform_blobs (360, 60, 20000);
  g_auto (Blobs) second = conform_blobs (361, 200, 200);
  Blobs both[] = { first, second };
  BatchCrowd crowd = { c, both, 2, 0 };
  conform_run_threads (8, batch_crowd_thread, &crowd);
  /* Both have the empty blob. */
  CONFORM_EQUAL (g_atomic_int_get (&crowd.n_created), 259);
}

static void
test_one_thread (void)
{
  batch_crowd ("threads=1");
}

static void
test_two_threads (void)
{
  batch_crowd ("threads=2");
}

/* ---- In a loop ---- */

#define FLOOD_BATCHES 64

typedef struct
{
  GMainContext *context;
  GThread *thread;
  const Blobs *blobs;
  guint n_done, n_wrong, n_created;
} Flood;

static void
flood_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Flood *flood = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) results =
      cask_store_put_many_finish (CASK_STORE (source), result, &error);

  flood->n_done++;
  if (flood->thread != g_thread_self () || results == NULL ||
      !g_main_context_is_owner (flood->context))
    flood->n_wrong++;
  for (guint i = 0; results != NULL && i < cask_results_get_length (results); i++)
    {
      flood->n_created += (guint) cask_results_get_created (results, i);
      flood->n_wrong += cask_results_get_error (results, i) != NULL;
    }
}

/* C70: once, in the context of the call, however many are under way. */
static void
test_flood (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "threads=2");
  if (c == NULL)
    return;
  g_auto (Blobs) blobs = conform_blobs (370, 40, 20000);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Flood flood = { context, g_thread_self (), &blobs, 0, 0, 0 };
  g_main_context_push_thread_default (context);
  for (guint i = 0; i < FLOOD_BATCHES; i++)
    cask_store_put_many_async (c->store, blobs.names, blobs.bytes, blobs.n, 0, 0, NULL,
                               flood_done, &flood);
  g_main_context_pop_thread_default (context);
  gint64 end = g_get_monotonic_time () + 20000;
  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  CONFORM_EQUAL (flood.n_done, 0);
  while (flood.n_done < FLOOD_BATCHES)
    g_main_context_iteration (context, TRUE);
  while (g_main_context_iteration (context, FALSE))
    ;
  CONFORM_EQUAL (flood.n_done, FLOOD_BATCHES);
  CONFORM_EQUAL (flood.n_wrong, 0);
  CONFORM_EQUAL (flood.n_created, blobs.n);
  conform_expect_blobs (c, &blobs);
}

static void
count_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Flood *flood = data;
  (void) source;
  (void) result;
  flood->n_done++;
  flood->n_wrong +=
      flood->thread != g_thread_self () || !g_main_context_is_owner (flood->context);
}

static void
start_each (Conform *c, const Blobs *blobs, GCancellable *cancellable, Flood *flood)
{
  cask_store_get_many_async (c->store, blobs->names, blobs->n, 0, cancellable, count_done,
                             flood);
  cask_store_stat_many_async (c->store, blobs->names, blobs->n, 0, cancellable,
                              count_done, flood);
  cask_store_contains_many_async (c->store, blobs->names, blobs->n, 0, 0, cancellable,
                                  count_done, flood);
  cask_store_delete_many_async (c->store, blobs->names, blobs->n, 1, 0, cancellable,
                                count_done, flood);
}

/* C70: never before the call has returned, also where the answer is known by then. */
static void
test_callbacks (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_auto (Blobs) few = conform_blobs (380, 4, 200);
  g_auto (Blobs) many = conform_blobs (381, 300, 200);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  Flood flood = { g_main_context_default (), g_thread_self (), NULL, 0, 0, 0 };
  conform_put_blobs (c, &few);
  conform_put_blobs (c, &many);
  g_cancellable_cancel (cancelled);
  start_each (c, &few, NULL, &flood);
  start_each (c, &many, NULL, &flood);
  start_each (c, &few, cancelled, &flood);
  CONFORM_EQUAL (flood.n_done, 0);
  while (flood.n_done < 12)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  CONFORM_EQUAL (flood.n_done, 12);
  CONFORM_EQUAL (flood.n_wrong, 0);
}

const ConformCase conform_batch_crowd_tests[] = {
  { "C73 batches of a closed store fail as a whole", test_closed },
  { "C67 batches that are cancelled before their start do nothing",
    test_cancelled_before },
  { "C69 S12 a cancel racing put_many: each is stored or CANCELLED", test_cancel_race },
  { "C78 C82 get_many of a damaged blob among good ones; put_many heals it",
    test_corrupt_item },
  { "S8 put_many with VERIFY_EXISTING heals what nobody has read", test_heal_unseen },
  { "S15 put_many with COPY keeps nothing of the caller's", test_copy },
  { "S11 get_many gives nothing larger than max-get", test_max_get },
  { "C65 of one blob many times in one batch one is created", test_duplicates },
  { "batches of many callers where the store may use one thread", test_one_thread },
  { "batches of many callers where the store may use two", test_two_threads },
  { "C70 C74 64 batches at once in a private main context", test_flood },
  { "C70 callbacks of all kinds of batches, once and not too early", test_callbacks },
  CONFORM_CASES_END
};
