/* SPDX-License-Identifier: Apache-2.0
 *
 * test-batch-parts.c: in which threads a batch runs, and where it ends when it is given
 * up. */
#include "batcher.h"

#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <cask/cask-store-async.h>

/* ---- Parts ---- */

static void
test_one_part (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, 15, 10);
  g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  CU_ASSERT_EQUAL (count_good (put), 15);
  CU_ASSERT_EQUAL (batcher.n_calls, 1);
  CU_ASSERT_EQUAL (batcher.sizes[0], 15);
  CU_ASSERT_PTR_EQUAL (batcher.threads[0], g_thread_self ());
  CU_ASSERT_EQUAL (batcher.n_single, 0);
}

static void
expect_parts (const char *config, guint n, gsize size, guint most)
{
  g_autoptr (CaskStore) store = batcher_open (config);
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  gsize sum = 0;
  lot_fill (&lot, n, size);
  g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  CU_ASSERT_EQUAL (count_good (put), n);
  CU_ASSERT_EQUAL (batcher.n_calls, MIN (most, g_get_num_processors ()));
  for (guint i = 0; i < MIN (batcher.n_calls, BATCHER_CALLS); i++)
    {
      CU_ASSERT_TRUE (batcher.sizes[i] > 0);
      sum += batcher.sizes[i];
    }
  CU_ASSERT_EQUAL (sum, n);
}

static void
test_parts (void)
{
  expect_parts ("batcher?threads=2", LOT_MOST, 10, 2);
  expect_parts ("batcher?threads=1", LOT_MOST, 10, 1);
  expect_parts ("batcher?threads=2", 2, 300000, 2);
  expect_parts ("batcher?threads=2", 1, 3000000, 1);
  expect_parts ("batcher", 4, 1000000, 4);
}

static void
test_at_once (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher?threads=2");
  if (store == NULL || g_get_num_processors () < 2)
    return;
  g_auto (Lot) lot = { 0 };
  lot_fill (&lot, LOT_MOST, 10);
  batcher.meets = TRUE;
  g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  CU_ASSERT_EQUAL (count_good (put), LOT_MOST);
  CU_ASSERT_EQUAL (batcher.n_meeting, 2);
  CU_ASSERT_PTR_NOT_EQUAL (batcher.threads[0], batcher.threads[1]);
}

/* A part that nobody begins is the caller's own: here the lane is full of what hangs. */
static void
test_full_lane (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher?threads=2");
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_auto (Lot) lot = { 0 };
  if (store == NULL)
    return;
  lot_fill (&lot, LOT_MOST, 10);
  batcher.hangs = TRUE;
  cask_store_get_async (store, &lot.digests[0], 0, NULL, on_result, &first);
  cask_store_get_async (store, &lot.digests[0], 0, NULL, on_result, &second);
  batcher_wait_hanging (2);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) there =
      cask_store_contains_many (store, lot.names, lot.n, 0, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (count_good (there), LOT_MOST);
  for (guint i = 0; i < MIN (batcher.n_calls, BATCHER_CALLS); i++)
    CU_ASSERT_PTR_EQUAL (batcher.threads[i], g_thread_self ());
  batcher_open_gate ();
  wait_result (&first);
  wait_result (&second);
}

/* The same where the batch itself has the lane's last place. */
static void
test_full_lane_async (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher?threads=2");
  g_autoptr (GAsyncResult) hanging = NULL;
  g_autoptr (GAsyncResult) batch = NULL;
  g_auto (Lot) lot = { 0 };
  if (store == NULL)
    return;
  lot_fill (&lot, LOT_MOST, 10);
  batcher.hangs = TRUE;
  cask_store_get_async (store, &lot.digests[0], 0, NULL, on_result, &hanging);
  batcher_wait_hanging (1);
  cask_store_stat_many_async (store, lot.names, lot.n, 0, NULL, on_result, &batch);
  wait_result (&batch);
  CU_ASSERT_PTR_NULL (hanging);
  g_autoptr (CaskResults) known = cask_store_stat_many_finish (store, batch, NULL);
  CU_ASSERT_EQUAL (count_failed (known, CASK_ERROR, CASK_ERROR_NOT_FOUND), LOT_MOST);
  batcher_open_gate ();
  wait_result (&hanging);
}

static gpointer
put_lot (gpointer data)
{
  gpointer *both = data;
  return lot_put (both[0], both[1], 0, NULL);
}

static void
test_close_waits (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher?threads=2");
  g_autoptr (GAsyncResult) closed = NULL;
  g_auto (Lot) lot = { 0 };
  if (store == NULL)
    return;
  gpointer both[] = { store, &lot };
  lot_fill (&lot, LOT_MOST, 10);
  batcher.hangs = TRUE;
  GThread *thread = g_thread_new ("put", put_lot, both);
  batcher_wait_hanging (1);
  cask_store_close_async (store, 0, NULL, on_result, &closed);
  gint64 end = g_get_monotonic_time () + 20000;
  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  CU_ASSERT_PTR_NULL (closed);
  batcher_open_gate ();
  g_autoptr (CaskResults) put = g_thread_join (thread);
  CU_ASSERT_EQUAL (count_good (put), LOT_MOST);
  wait_result (&closed);
  CU_ASSERT_EQUAL (batcher.n_closed, 1);
}

/* Puts that wait are gathered only where a flush is saved: not here. */
static void
test_not_gathered (void)
{
  g_autoptr (CaskStore) store = batcher_open ("batcher?threads=1");
  g_autoptr (GAsyncResult) hanging = NULL;
  g_auto (Lot) lot = { 0 };
  guint n_done = 0;
  if (store == NULL)
    return;
  lot_fill (&lot, 10, 10);
  batcher.hangs = TRUE;
  cask_store_get_async (store, &lot.digests[0], 0, NULL, on_result, &hanging);
  batcher_wait_hanging (1);
  GAsyncResult *results[10] = { NULL };
  for (guint i = 0; i < lot.n; i++)
    cask_store_put_async (store, &lot.digests[i], lot.bytes[i], 0, 0, NULL, on_result,
                          &results[i]);
  batcher_open_gate ();
  wait_result (&hanging);
  for (guint i = 0; i < lot.n; i++)
    {
      wait_result (&results[i]);
      n_done += (guint) cask_store_put_finish (store, results[i], NULL, NULL);
      g_object_unref (results[i]);
    }
  CU_ASSERT_EQUAL (n_done, 10);
  CU_ASSERT_EQUAL (batcher.n_single, 10);
  CU_ASSERT_EQUAL (batcher.n_calls, 0);
}

/* ---- Giving up ---- */

static void
cancel_at (const char *config, guint item, gboolean exact)
{
  g_autoptr (CaskStore) store = batcher_open (config);
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  lot_fill (&lot, LOT_MOST, 10);
  batcher.cancels = cancellable;
  batcher.cancel_at = item;
  g_autoptr (CaskResults) put = lot_put (store, &lot, 0, cancellable);
  guint n_stored = count_good (put);
  CU_ASSERT_TRUE (exact ? n_stored == item : n_stored >= item && n_stored < LOT_MOST);
  CU_ASSERT_EQUAL (count_failed (put, G_IO_ERROR, G_IO_ERROR_CANCELLED),
                   LOT_MOST - n_stored);
  for (guint i = 0; put != NULL && i < LOT_MOST; i++)
    {
      gboolean present = FALSE;
      cask_store_contains (store, &lot.digests[i], &present, NULL, NULL);
      CU_ASSERT_EQUAL (present, cask_results_get_error (put, i) == NULL);
    }
}

static void
test_cancel_between (void)
{
  cancel_at ("plain?threads=1", 1, TRUE);
  cancel_at ("plain?threads=1", 42, TRUE);
  cancel_at ("plain?threads=1", LOT_MOST, TRUE);
  cancel_at ("batcher?threads=1", 42, TRUE);
  cancel_at ("plain?threads=2", 20, FALSE);
}

static void
test_cancel_others (void)
{
  g_autoptr (CaskStore) store = batcher_open ("plain?threads=1");
  if (store == NULL)
    return;
  g_auto (Lot) lot = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  lot_fill (&lot, LOT_MOST, 10);
  G_GNUC_UNUSED g_autoptr (CaskResults) put = lot_put (store, &lot, 0, NULL);
  batcher.n_items = 0;
  batcher.cancels = cancellable;
  batcher.cancel_at = 10;
  g_autoptr (CaskResults) got =
      cask_store_get_many (store, lot.names, lot.n, cancellable, &error);
  CU_ASSERT_EQUAL (count_good (got), 10);
  CU_ASSERT_EQUAL (count_failed (got, G_IO_ERROR, G_IO_ERROR_CANCELLED), LOT_MOST - 10);
  g_cancellable_reset (cancellable);
  batcher.n_items = 0;
  g_autoptr (CaskResults) gone =
      cask_store_delete_many (store, lot.names, lot.n, CASK_ALWAYS, cancellable, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (count_good (gone), 10);
  CU_ASSERT_EQUAL (count_failed (gone, G_IO_ERROR, G_IO_ERROR_CANCELLED), LOT_MOST - 10);
}

static CU_TestInfo part_tests[] = {
  { "a small batch is one call, in the caller's thread", test_one_part },
  { "a large one is cut, into no more parts than threads", test_parts },
  { "parts run at once", test_at_once },
  { "a batch needs no thread where the lane is full", test_full_lane },
  { "a batch in the lane's last place needs no other", test_full_lane_async },
  { "C73 close waits for a batch", test_close_waits },
  { "asynchronous puts without a flush to share stay single", test_not_gathered },
  CU_TEST_INFO_NULL
};

static CU_TestInfo cancel_tests[] = {
  { "S12 cancelled at one item, those behind it are not begun", test_cancel_between },
  { "S12 the same for get_many and delete_many", test_cancel_others },
  CU_TEST_INFO_NULL
};

static CU_SuiteInfo batch_suites[] = {
  { "parts", NULL, NULL, NULL, NULL, part_tests },
  { "giving up", NULL, NULL, NULL, NULL, cancel_tests },
  CU_SUITE_INFO_NULL,
};

int
main (int argc, char **argv)
{
  return test_main (argc, argv, batch_suites);
}
