/* SPDX-License-Identifier: Apache-2.0
 *
 * test-batch.c: what a batch asks of the backend, and what it makes of odd answers. */
#include "batcher.h"

#include <cask/cask-digest.h>
#include <cask/cask-error.h>

/* Asserts that every item has this message, which shows where prefixes were put. */
static void
expect_messages (CaskResults *results, const char *name, const char *text)
{
  for (guint i = 0; results != NULL && i < cask_results_get_length (results); i++)
    {
      char digest[CASK_DIGEST_TEXT_SIZE];
      const GError *failure = cask_results_get_error (results, i);
      cask_digest_write (cask_results_get_digest (results, i), digest);
      g_autofree char *whole = g_strdup_printf ("%s: %s: %s", name, digest, text);
      CU_ASSERT_PTR_NOT_NULL (failure);
      if (failure != NULL)
        CU_ASSERT_STRING_EQUAL (failure->message, whole);
    }
}

/* ---- Odd answers ---- */

static void
test_refused (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, 20, 10);
  batcher.refuses = TRUE;
  g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  g_autoptr (CaskResults) got = lot_get (store, &lot);
  g_autoptr (CaskResults) there =
      cask_store_contains_many (store, lot.names, lot.n, 0, NULL, NULL);
  g_autoptr (CaskResults) gone =
      cask_store_delete_many (store, lot.names, lot.n, CASK_ALWAYS, NULL, NULL);
  CU_ASSERT_EQUAL (count_failed (put, CASK_ERROR, CASK_ERROR_UNAVAILABLE), 20);
  expect_messages (put, "batcher", "the shelf is locked");
  expect_messages (got, "batcher", "the shelf is locked");
  expect_messages (there, "batcher", "the shelf is locked");
  expect_messages (gone, "batcher", "the shelf is locked");
}

static void
test_second_copy (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, 5, 1000);
  G_GNUC_UNUSED g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  batcher.n_calls = 0;
  batcher.first_is_bad = TRUE;
  g_autoptr (CaskResults) got = lot_get (store, &lot);
  CU_ASSERT_EQUAL (count_good (got), 5);
  for (guint i = 0; got != NULL && i < lot.n; i++)
    {
      GBytes *bytes = cask_results_get_bytes (got, i);
      CU_ASSERT_TRUE (bytes != NULL && g_bytes_equal (bytes, lot.bytes[i]));
    }
  CU_ASSERT_EQUAL (batcher.n_condemned, 1);
  /* The sizes, and the bytes. */
  CU_ASSERT_EQUAL (batcher.n_calls, 2);
  /* Good ones are not got once more by themselves. */
  batcher.n_gets = 0;
  g_autoptr (CaskResults) again = lot_get (store, &lot);
  CU_ASSERT_EQUAL (batcher.n_calls, 4);
  CU_ASSERT_EQUAL (batcher.n_gets, 0);
  CU_ASSERT_EQUAL (count_good (again), 5);
}

static void
test_too_large (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher?max-get=100KiB");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  g_auto (Lot) large = { 0 };
  lot_fill (&lot, 9, 1000);
  lot_fill (&large, 1, 200 * 1024);
  G_GNUC_UNUSED g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  G_GNUC_UNUSED g_autoptr (CaskResults) more = lot_put (store, &large, 0, NULL);
  batcher.n_gets = 0;
  lot.names[4] = large.names[0];
  g_autoptr (CaskResults) got = lot_get (store, &lot);
  CU_ASSERT_EQUAL (count_good (got), 8);
  CU_ASSERT_EQUAL (count_failed (got, CASK_ERROR, CASK_ERROR_TOO_LARGE), 1);
  /* By get, which is told how much it may read; the others together. */
  CU_ASSERT_EQUAL (batcher.n_gets, 1);
  CU_ASSERT_EQUAL (batcher.sizes[batcher.n_calls - 1], 8);
}

static void
test_lacking_answers (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };
  lot_fill (&lot, 7, 1000);
  G_GNUC_UNUSED g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  cask_store_delete (store, &lot.digests[3], NULL, NULL, NULL);
  batcher.hides_sizes = batcher.says_not_found = TRUE;
  g_autoptr (CaskResults) known =
      cask_store_stat_many (store, lot.names, lot.n, NULL, &error);
  g_autoptr (CaskResults) there =
      cask_store_contains_many (store, lot.names, lot.n, 0, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (count_failed (known, CASK_ERROR, CASK_ERROR_NOT_FOUND), 1);
  CU_ASSERT_EQUAL (count_good (there), 7);
  CU_ASSERT_EQUAL (batcher.n_stats, 6);
  for (guint i = 0; known != NULL && there != NULL && i < 7; i++)
    {
      CU_ASSERT_EQUAL (cask_results_get_info (known, i, &info), i != 3);
      CU_ASSERT_EQUAL (cask_results_get_present (there, i), i != 3);
      CU_ASSERT_TRUE (i == 3 || (info.size == g_bytes_get_size (lot.bytes[i]) &&
                                 cask_digest_equal (&info.digest, &lot.digests[i])));
    }
  g_autoptr (CaskResults) got = lot_get (store, &lot);
  CU_ASSERT_EQUAL (count_good (got), 6);
}

static void
test_odd_removal (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, 3, 10);
  batcher.odd_outcome = CASK_REMOVED_MAYBE;
  g_autoptr (CaskResults) maybe =
      cask_store_delete_many (store, lot.names, lot.n, CASK_ALWAYS, NULL, NULL);
  CU_ASSERT_EQUAL (count_good (maybe), 3);
  CU_ASSERT_EQUAL (cask_results_get_removed (maybe, 0), CASK_REMOVED_MAYBE);
  batcher.odd_outcome = 77;
  g_autoptr (CaskResults) odd =
      cask_store_delete_many (store, lot.names, lot.n, CASK_ALWAYS, NULL, NULL);
  CU_ASSERT_EQUAL (count_failed (odd, CASK_ERROR, CASK_ERROR_IO), 3);
}

/* What was found in the loop's thread is forgotten where the pool has to do it all. */
static void
half_tried (const char *config)
{
  g_autoptr (CaskStore) store = batcher_open (config);
  g_autoptr (GAsyncResult) done = NULL;
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, 3, 10);
  G_GNUC_UNUSED g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  batcher.finds_once = TRUE;
  cask_store_get_many_async (store, lot.names, lot.n, 0, NULL, on_result, &done);
  CU_ASSERT_FALSE (batcher.finds_once);
  wait_result (&done);
  g_autoptr (CaskResults) got = cask_store_get_many_finish (store, done, NULL);
  CU_ASSERT_EQUAL (count_failed (got, CASK_ERROR, CASK_ERROR_NOT_FOUND), 3);
  for (guint i = 0; got != NULL && i < lot.n; i++)
    CU_ASSERT_PTR_NULL (cask_results_get_bytes (got, i));
}

static void
test_tried (void)
{
  half_tried ("batcher");
  half_tried ("plain");
}

/* ---- What the backend is told ---- */

static void
test_flags (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, 3, 10);
  G_GNUC_UNUSED g_autoptr (CaskResults) keep = lot_put (store, &lot, CASK_PUT_NONE, NULL);
  CU_ASSERT_EQUAL (batcher.put_flags, CASK_PUT_KEEP);
  G_GNUC_UNUSED g_autoptr (CaskResults) copy = lot_put (store, &lot, CASK_PUT_COPY, NULL);
  CU_ASSERT_EQUAL (batcher.put_flags, 0);
  G_GNUC_UNUSED g_autoptr (CaskResults) anew =
      lot_put (store, &lot, CASK_PUT_VERIFY_EXISTING | CASK_PUT_COPY, NULL);
  CU_ASSERT_EQUAL (batcher.put_flags, CASK_PUT_REPLACE);
}

static CU_TestInfo answer_tests[] = {
  { "what fails as a whole fails each item, and names the store once", test_refused },
  { "a bad copy is condemned and the next one got", test_second_copy },
  { "S11 what is larger than max-get is not read with the others", test_too_large },
  { "a batch that tells no sizes, and of absence by an error", test_lacking_answers },
  { "an outcome that is none is IO", test_odd_removal },
  { "a batch that is found in part at first, and then is gone", test_tried },
  { "S15 S8 COPY and VERIFY_EXISTING reach the backend", test_flags },
  CU_TEST_INFO_NULL
};

static CU_SuiteInfo batch_suites[] = {
  { "answers", NULL, NULL, NULL, NULL, answer_tests },
  CU_SUITE_INFO_NULL,
};

int
main (int argc, char **argv)
{
  return test_main (argc, argv, batch_suites);
}
