/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-batch.c: many blobs in one call, with a result for each. */
#include "conform-batch.h"

/* As conform-removal.c: times that must differ lie so far apart. */
#define BATCH_TICK 30000

/* Asserts why one item of a batch failed. */
static void
expect_item_error (CaskResults *results, guint index, GQuark domain, gint code,
                   const char *text)
{
  const GError *failure = cask_results_get_error (results, index);
  g_autoptr (GError) copy = failure != NULL ? g_error_copy (failure) : NULL;

  CONFORM_ERROR (copy, domain, code, text);
  CONFORM_FALSE (cask_results_get_created (results, index));
  CONFORM_FALSE (cask_results_get_present (results, index));
  CONFORM_NULL (cask_results_get_bytes (results, index));
  CONFORM_REMOVED (cask_results_get_removed (results, index), CASK_REMOVED_ABSENT);
}

static void
expect_absent_item (CaskResults *results, guint index)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  cask_digest_write (cask_results_get_digest (results, index), text);
  expect_item_error (results, index, CASK_ERROR, CASK_ERROR_NOT_FOUND, text);
}

/* ---- All together ---- */

/* What stat_many says of blobs that are all there. */
static void
expect_sizes (Conform *c, const Blobs *blobs)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) results =
      conform_batch_calls (c)->stat (c->store, blobs->names, blobs->n, NULL, &error);

  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, blobs->n);
  for (guint i = 0; results != NULL && i < blobs->n; i++)
    {
      CaskBlobInfo info = { 0 }, alone = { 0 };
      CONFORM_TRUE (cask_results_get_info (results, i, &info));
      CONFORM_EQUAL (info.size, g_bytes_get_size (blobs->bytes[i]));
      CONFORM_DIGEST (&info.digest, &blobs->digests[i]);
      cask_store_stat (c->store, &blobs->digests[i], &alone, NULL, NULL);
      CONFORM_EQUAL (info.mtime_usec, alone.mtime_usec);
      CONFORM_FALSE (cask_results_get_present (results, i));
      CONFORM_NULL (cask_results_get_bytes (results, i));
    }
}

static void
round_trip (guint64 seed, guint n, gsize largest)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_auto (Blobs) blobs = conform_blobs (seed, n, largest);
  guint n_created = conform_put_blobs (c, &blobs);
  CONFORM_EQUAL (n_created, n);
  n_created = conform_put_blobs (c, &blobs);
  CONFORM_EQUAL (n_created, 0);
  conform_expect_blobs (c, &blobs);
  conform_expect_blobs (c, &blobs);
  expect_sizes (c, &blobs);
  for (guint i = 0; i < n; i += 37)
    conform_expect_bytes (c, &blobs.digests[i], blobs.bytes[i]);
}

static void
test_round_trip (void)
{
  round_trip (200, 1, 100);
  round_trip (201, 7, 1000);
  round_trip (202, 40, 2000000);
}

static void
test_thousand (void)
{
  round_trip (203, 1000, 200000);
}

static void
test_empty_batch (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  const BatchCalls *calls = conform_batch_calls (c);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) put = calls->put (c->store, NULL, NULL, 0, 0, NULL, &error);
  conform_no_item_failed (put, 0);
  g_autoptr (CaskResults) got = calls->get (c->store, NULL, 0, NULL, &error);
  conform_no_item_failed (got, 0);
  g_autoptr (CaskResults) known = calls->stat (c->store, NULL, 0, NULL, &error);
  conform_no_item_failed (known, 0);
  g_autoptr (CaskResults) there = calls->contains (c->store, NULL, 0, 0, NULL, &error);
  conform_no_item_failed (there, 0);
  g_autoptr (CaskResults) gone =
      calls->remove (c->store, NULL, 0, CASK_ALWAYS, NULL, &error);
  conform_no_item_failed (gone, 0);
  CONFORM_NO_ERROR (error);
}

/* Results are their own: they outlive what they came from. */
static void
test_results_last (void)
{
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (204, 5, 5000);
  g_autoptr (CaskResults) kept = NULL;
  {
    g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
    if (c == NULL)
      return;
    conform_put_blobs (c, &blobs);
    g_autoptr (CaskResults) results =
        conform_batch_calls (c)->get (c->store, blobs.names, blobs.n, NULL, &error);
    CONFORM_NO_ERROR (error);
    kept = results != NULL ? cask_results_ref (results) : NULL;
  }
  conform_no_item_failed (kept, blobs.n);
  for (guint i = 0; kept != NULL && i < blobs.n; i++)
    CONFORM_BYTES (cask_results_get_bytes (kept, i), blobs.bytes[i],
                   "an item of get_many");
}

/* ---- Present and absent ---- */

static void
test_contains (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  /* Few, which may be answered at once, and more than that. */
  for (guint n = 4; n <= 400; n *= 10)
    {
      g_autoptr (GError) error = NULL;
      g_auto (Blobs) there = conform_blobs (210 + n, n, 500);
      g_auto (Blobs) absent = conform_blobs (5210 + n, n, 500);
      g_autofree const CaskDigest **asked = g_new (const CaskDigest *, 3 * n);
      conform_put_blobs (c, &there);
      for (guint i = 0; i < n; i++)
        {
          asked[3 * i] = there.names[i];
          asked[3 * i + 1] = absent.names[i];
          asked[3 * i + 2] = there.names[i];
        }
      g_autoptr (CaskResults) results =
          conform_batch_calls (c)->contains (c->store, asked, 3 * n, 0, NULL, &error);
      CONFORM_NO_ERROR (error);
      conform_no_item_failed (results, 3 * n);
      for (guint i = 0; results != NULL && i < 3 * n; i++)
        /* The second of each is the empty blob, and so there. */
        CONFORM_EQUAL (cask_results_get_present (results, i), i % 3 != 1 || i == 4);
    }
}

static void
test_absent (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint n = 3; n <= 300; n *= 10)
    {
      g_autoptr (GError) error = NULL;
      CaskBlobInfo info;
      g_auto (Blobs) blobs = conform_blobs (220 + n, n, 500);
      conform_put (c, blobs.bytes[n - 1], NULL);
      g_autoptr (CaskResults) got =
          conform_batch_calls (c)->get (c->store, blobs.names, n, NULL, &error);
      g_autoptr (CaskResults) known =
          conform_batch_calls (c)->stat (c->store, blobs.names, n, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (got == NULL || known == NULL)
        return;
      for (guint i = 0; i + 1 < n; i++)
        {
          expect_absent_item (got, i);
          expect_absent_item (known, i);
          CONFORM_FALSE (cask_results_get_info (known, i, &info));
        }
      CONFORM_TRUE (cask_results_get_info (known, n - 1, &info));
      GBytes *last = cask_results_get_bytes (got, n - 1);
      CONFORM_BYTES (last, blobs.bytes[n - 1], "the last item of get_many");
    }
}

static gint64
batch_mtime (Conform *c, const CaskDigest *digest)
{
  CaskBlobInfo info = { 0 };
  CONFORM_TRUE (cask_store_stat (c->store, digest, &info, NULL, NULL));
  return info.mtime_usec;
}

static void
test_contains_freshens (void)
{
  g_autoptr (Conform) c =
      conform_open_to_age (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS);
  if (c == NULL)
    return;
  const BatchCalls *calls = conform_batch_calls (c);
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (230, 30, 500);
  conform_put_blobs (c, &blobs);
  if (!conform_age (c, blobs.digests, blobs.n))
    return;
  CONFORM_TRUE (cask_store_delete (c->store, &blobs.digests[7], NULL, NULL, NULL));
  gint64 first = batch_mtime (c, &blobs.digests[0]);
  g_autoptr (CaskResults) looked =
      calls->contains (c->store, blobs.names, blobs.n, CASK_CONTAINS_NONE, NULL, &error);
  conform_no_item_failed (looked, blobs.n);
  CONFORM_EQUAL (batch_mtime (c, &blobs.digests[0]), first);
  gint64 before = g_get_real_time ();
  g_autoptr (CaskResults) used = calls->contains (c->store, blobs.names, blobs.n,
                                                  CASK_CONTAINS_FRESHEN, NULL, &error);
  CONFORM_NO_ERROR (error);
  conform_no_item_failed (used, blobs.n);
  for (guint i = 0; used != NULL && i < blobs.n; i++)
    {
      CONFORM_EQUAL (cask_results_get_present (used, i), i != 7);
      if (i != 7)
        CONFORM_TRUE (batch_mtime (c, &blobs.digests[i]) >= before - BATCH_TICK);
    }
}

static void
test_hits_freshen (void)
{
  g_autoptr (Conform) c =
      conform_open_to_age (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS);
  if (c == NULL)
    return;
  g_auto (Blobs) blobs = conform_blobs (232, 30, 500);
  conform_put_blobs (c, &blobs);
  if (!conform_age (c, blobs.digests, blobs.n))
    return;
  gint64 before = g_get_real_time ();
  guint n_created = conform_put_blobs (c, &blobs);
  CONFORM_EQUAL (n_created, 0);
  for (guint i = 0; i < blobs.n; i++)
    CONFORM_TRUE (batch_mtime (c, &blobs.digests[i]) >= before - BATCH_TICK);
}

static void
test_contains_can_not_freshen (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL || (c->capabilities & CASK_CAPABILITY_FRESHENS))
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (231, 3, 500);
  conform_put_blobs (c, &blobs);
  g_autoptr (CaskResults) results = conform_batch_calls (c)->contains (
      c->store, blobs.names, blobs.n, CASK_CONTAINS_FRESHEN, NULL, &error);
  CONFORM_NO_ERROR (error);
  for (guint i = 0; results != NULL && i < blobs.n; i++)
    expect_item_error (results, i, CASK_ERROR, CASK_ERROR_UNSUPPORTED, NULL);
}

/* ---- Deleting ---- */

static void
test_delete (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) there = conform_blobs (240, 50, 500);
  g_auto (Blobs) absent = conform_blobs (241, 50, 500);
  const CaskDigest *asked[151];
  conform_put_blobs (c, &there);
  for (guint i = 0; i < 50; i++)
    {
      asked[i] = there.names[i];
      asked[50 + i] = i == 1 ? there.names[2] : absent.names[i];
      asked[100 + i] = there.names[i];
    }
  asked[150] = there.names[0];
  g_autoptr (CaskResults) results =
      conform_batch_calls (c)->remove (c->store, asked, 149, CASK_ALWAYS, NULL, &error);
  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, 149);
  for (guint i = 0; results != NULL && i < 50; i++)
    {
      CaskRemoved first = cask_results_get_removed (results, i);
      CaskRemoved other = cask_results_get_removed (results, 50 + i);
      CaskRemoved last =
          i < 49 ? cask_results_get_removed (results, 100 + i) : CASK_REMOVED_ABSENT;
      gboolean maybe = first == CASK_REMOVED_MAYBE || last == CASK_REMOVED_MAYBE;
      guint n_done = (first == CASK_REMOVED_DONE) + (last == CASK_REMOVED_DONE);
      CONFORM_TRUE (maybe || n_done == 1 || i == 2);
      CONFORM_TRUE (other != CASK_REMOVED_KEPT && (other != CASK_REMOVED_DONE || i == 1));
      conform_expect_absent (c, &there.digests[i]);
    }
}

static void
test_delete_unused (void)
{
  g_autoptr (Conform) c =
      conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_REMOVE_UNUSED);
  if (c == NULL)
    return;
  const BatchCalls *calls = conform_batch_calls (c);
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (250, 40, 500);
  conform_put_blobs (c, &blobs);
  CONFORM_TRUE (cask_store_delete (c->store, &blobs.digests[3], NULL, NULL, NULL));
  gint64 mtime = batch_mtime (c, &blobs.digests[0]);
  g_autoptr (CaskResults) kept = calls->remove (c->store, blobs.names, blobs.n,
                                                mtime - 5 * G_USEC_PER_SEC, NULL, &error);
  g_autoptr (CaskResults) gone = calls->remove (
      c->store, blobs.names, blobs.n, mtime + 60 * G_USEC_PER_SEC, NULL, &error);
  CONFORM_NO_ERROR (error);
  conform_no_item_failed (kept, blobs.n);
  conform_no_item_failed (gone, blobs.n);
  for (guint i = 0; kept != NULL && gone != NULL && i < blobs.n; i++)
    {
      CaskRemoved first = cask_results_get_removed (kept, i);
      CaskRemoved second = cask_results_get_removed (gone, i);
      CaskRemoved due = i == 3 ? CASK_REMOVED_ABSENT : CASK_REMOVED_DONE;
      /* MAYBE says no more than that it is not there, which is true of both. */
      if (i != 3)
        CONFORM_REMOVED (first, CASK_REMOVED_KEPT);
      else if (first != CASK_REMOVED_MAYBE)
        CONFORM_REMOVED (first, CASK_REMOVED_ABSENT);
      if (second != CASK_REMOVED_MAYBE)
        CONFORM_REMOVED (second, due);
    }
}

static void
test_delete_unused_unsupported (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL || (c->capabilities & CASK_CAPABILITY_REMOVE_UNUSED))
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Blobs) blobs = conform_blobs (251, 3, 500);
  g_autoptr (CaskResults) results =
      conform_batch_calls (c)->remove (c->store, blobs.names, blobs.n, 1, NULL, &error);
  CONFORM_NO_ERROR (error);
  for (guint i = 0; results != NULL && i < blobs.n; i++)
    expect_item_error (results, i, CASK_ERROR, CASK_ERROR_UNSUPPORTED, NULL);
}

/* ---- One wrong among many ---- */

static void
test_wrong_digest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskDigest expected, actual, invalid = { .algorithm = 77 };
  g_auto (Blobs) blobs = conform_blobs (260, 60, 100000);
  g_autoptr (GBytes) other = conform_bytes (261, 300);
  CaskDigest stored = conform_put (c, other, NULL);
  blobs.names[20] = &blobs.digests[21]; /* the right one is there as well */
  blobs.names[30] = &stored;            /* of a blob that is there already */
  blobs.names[40] = &invalid;
  g_autoptr (CaskResults) results = conform_batch_calls (c)->put (
      c->store, blobs.names, blobs.bytes, blobs.n, 0, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (results == NULL)
    return;
  CONFORM_TRUE (
      cask_error_get_digests (cask_results_get_error (results, 20), &expected, &actual));
  CONFORM_DIGEST (&expected, &blobs.digests[21]);
  CONFORM_DIGEST (&actual, &blobs.digests[20]);
  for (guint i = 0; i < blobs.n; i++)
    {
      if (i == 40)
        expect_item_error (results, i, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
      else if (i == 20 || i == 30)
        expect_item_error (results, i, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
      else
        CONFORM_TRUE (cask_results_get_error (results, i) == NULL &&
                      cask_results_get_created (results, i));
      if (i % 20 == 0 || i == 30)
        continue;
      conform_expect_bytes (c, &blobs.digests[i], blobs.bytes[i]);
    }
  conform_expect_absent (c, &blobs.digests[20]);
  conform_expect_absent (c, &blobs.digests[30]);
  conform_expect_absent (c, &blobs.digests[40]);
  conform_expect_bytes (c, &stored, other);
}

static void
test_invalid_digest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  const BatchCalls *calls = conform_batch_calls (c);
  CaskDigest invalid = { .algorithm = CASK_ALGORITHM_SHA256, .bytes[40] = 1 };
  for (guint n = 5; n <= 100; n += 95)
    {
      g_autoptr (GError) error = NULL;
      g_auto (Blobs) blobs = conform_blobs (270 + n, n, 500);
      conform_put_blobs (c, &blobs);
      blobs.names[2] = &invalid;
      g_autoptr (CaskResults) got = calls->get (c->store, blobs.names, n, NULL, &error);
      g_autoptr (CaskResults) known =
          calls->stat (c->store, blobs.names, n, NULL, &error);
      g_autoptr (CaskResults) there =
          calls->contains (c->store, blobs.names, n, 0, NULL, &error);
      g_autoptr (CaskResults) gone =
          calls->remove (c->store, blobs.names, n, CASK_ALWAYS, NULL, &error);
      CONFORM_NO_ERROR (error);
      CaskResults *all[] = { got, known, there, gone };
      for (guint k = 0; k < G_N_ELEMENTS (all) && all[k] != NULL; k++)
        for (guint i = 0; i < n; i++)
          if (i == 2)
            expect_item_error (all[k], i, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
          else
            CONFORM_NULL (cask_results_get_error (all[k], i));
    }
}

const ConformCase conform_batch_tests[] = {
  { "batches of few and of large blobs go in and come out", test_round_trip },
  { "a batch of 1,000 blobs of mixed sizes, twice", test_thousand },
  { "a batch of nothing has no results", test_empty_batch },
  { "S5 results outlive the store", test_results_last },
  { "C46 contains_many of present, absent and repeated blobs", test_contains },
  { "C46 S13 get_many and stat_many of the absent are NOT_FOUND", test_absent },
  { "C46 S16 contains_many with FRESHEN renews the time", test_contains_freshens },
  { "C20 C48 put_many of what is there renews the times", test_hits_freshen },
  { "C86 C46 FRESHEN without FRESHENS is UNSUPPORTED", test_contains_can_not_freshen },
  { "C47 delete_many of present, absent and repeated blobs", test_delete },
  { "C47 C90 S16 delete_many keeps what is newer", test_delete_unused },
  { "C86 C47 delete_many by time without REMOVE_UNUSED is UNSUPPORTED",
    test_delete_unused_unsupported },
  { "C48 C14 wrong digests harm no others in put_many", test_wrong_digest },
  { "C21 a digest that is none fails by itself", test_invalid_digest },
  CONFORM_CASES_END
};
