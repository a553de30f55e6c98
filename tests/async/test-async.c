/* SPDX-License-Identifier: Apache-2.0
 *
 * test-async.c: what happens to operations while they are queued, and which never are.
 *
 * A store of one thread is hung by a job of the test's own in its lane: what is begun
 * then stays queued until the test lets go. */
#include "hang.h"
#include "store-private.h"
#include "test-support.h"

#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <cask/cask-store-async.h>
#include <string.h>

/* ---- Operations ---- */

typedef struct
{
  guint n_done;
  gboolean success, flag; /* flag: created, present */
  GBytes *bytes;
  CaskBlobInfo info;
  GError *error;
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_clear_pointer (&outcome->bytes, g_bytes_unref);
  g_clear_error (&outcome->error);
  *outcome = (Outcome){ 0 };
}

static void
on_put (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->success = cask_store_put_finish (CASK_STORE (source), result, &outcome->flag,
                                            &outcome->error);
}

static void
on_get (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->bytes = cask_store_get_finish (CASK_STORE (source), result, &outcome->error);
}

static void
on_stat (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->success = cask_store_stat_finish (CASK_STORE (source), result, &outcome->info,
                                             &outcome->error);
}

static void
on_close (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->success =
      cask_store_close_finish (CASK_STORE (source), result, &outcome->error);
}

static void
wait_for (const Outcome *outcome)
{
  while (outcome->n_done == 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static CaskStore *
open_store (const char *config)
{
  g_autoptr (GError) error = NULL;
  CaskStore *store = cask_store_open (config, NULL, &error);

  TEST_NO_ERROR (error);
  return store;
}

static GBytes *
numbered (guint i, CaskDigest *digest)
{
  GBytes *bytes = g_bytes_new_take (g_strdup_printf ("blob %03u", i), 8);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, digest);
  return bytes;
}

static guint64
largest_group (CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  CaskUsage usage = { 0 };

  CU_ASSERT_TRUE (cask_store_usage (store, &usage, NULL, &error));
  TEST_NO_ERROR (error);
  return usage.stored_bytes;
}

/* ---- Without a thread ---- */

/* By their name: GLib may start threads of its own meanwhile. */
static guint
count_pool_threads (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;
  guint n = 0;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", name, "comm", NULL);
      g_autofree char *comm = NULL;
      n += g_file_get_contents (path, &comm, NULL, NULL) && g_str_equal (comm, "cask\n");
    }
  return n;
}

static void
put_now (CaskStore *store, guint i, CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = numbered (i, digest);

  CU_ASSERT_TRUE (cask_store_put (store, digest, bytes, 0, NULL, NULL, &error));
  TEST_NO_ERROR (error);
}

/* Comes first, while the pool has no thread at all. */
static void
test_no_thread (void)
{
  g_autoptr (CaskStore) store = open_store ("memory:");
  Outcome got = { 0 }, info = { 0 }, absent = { 0 };
  CaskDigest digest, other;
  if (store == NULL)
    return;
  G_GNUC_UNUSED g_autoptr (GBytes) unknown = numbered (2, &other);
  put_now (store, 1, &digest);
  CU_ASSERT_EQUAL (count_pool_threads (), 0);
  cask_store_get_async (store, &digest, 0, NULL, on_get, &got);
  cask_store_stat_async (store, &digest, 0, NULL, on_stat, &info);
  cask_store_get_async (store, &other, 0, NULL, on_get, &absent);
  CU_ASSERT_EQUAL (got.n_done + info.n_done + absent.n_done, 0);
  /* One round of the loop, which sleeps for nothing. */
  g_main_context_iteration (NULL, FALSE);
  CU_ASSERT_EQUAL (got.n_done + info.n_done + absent.n_done, 3);
  CU_ASSERT_EQUAL (count_pool_threads (), 0);
  CU_ASSERT_TRUE (got.bytes != NULL && g_bytes_get_size (got.bytes) == 8);
  CU_ASSERT_TRUE (info.success && info.info.size == 8);
  TEST_ERROR (absent.error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "memory:: sha256:");
  outcome_clear (&got);
}

static void
test_no_thread_while_hung (void)
{
  g_autoptr (CaskStore) store = open_store ("memory:?threads=1");
  Outcome got = { 0 };
  CaskDigest digest;
  Hang hang;
  if (store == NULL)
    return;
  put_now (store, 1, &digest);
  hang_begin (&hang, store);
  CU_ASSERT_TRUE (count_pool_threads () > 0);
  cask_store_get_async (store, &digest, 0, NULL, on_get, &got);
  drain ();
  CU_ASSERT_TRUE (got.n_done == 1 && got.bytes != NULL);
  outcome_clear (&got);
  hang_end (&hang);
}

/* ---- Groups ---- */

#define GROUP_PUTS 100
#define GROUP_WRONG 70 /* given the digest of another */
#define GROUP_AGAIN 80 /* the same as number 3 */
#define GROUP_CANCELLED 90

static void
group_start (CaskStore *store, Outcome *outcomes, GCancellable *cancellable)
{
  for (guint i = 0; i < GROUP_PUTS; i++)
    {
      CaskDigest digest;
      g_autoptr (GBytes) bytes = numbered (i == GROUP_AGAIN ? 3 : i, &digest);
      if (i == GROUP_WRONG)
        digest.bytes[0] ^= 1;
      cask_store_put_async (store, &digest, bytes, 0, 0,
                            i == GROUP_CANCELLED ? cancellable : NULL, on_put,
                            &outcomes[i]);
    }
}

static void
group_check (CaskStore *store, Outcome *outcomes)
{
  for (guint i = 0; i < GROUP_PUTS; i++)
    {
      CaskDigest digest;
      gboolean present = FALSE;
      gboolean good = i != GROUP_WRONG && i != GROUP_CANCELLED;
      G_GNUC_UNUSED g_autoptr (GBytes) bytes = numbered (i, &digest);
      CU_ASSERT_EQUAL (outcomes[i].n_done, 1);
      CU_ASSERT_EQUAL (outcomes[i].success, good);
      CU_ASSERT_EQUAL (outcomes[i].flag, good && i != GROUP_AGAIN);
      CU_ASSERT_TRUE (cask_store_contains (store, &digest, &present, NULL, NULL));
      CU_ASSERT_EQUAL (present, good && i != GROUP_AGAIN);
    }
}

static void
test_group (void)
{
  g_autoptr (CaskStore) store = open_store ("counting?threads=1");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome outcomes[GROUP_PUTS] = { 0 };
  Hang hang;
  if (store == NULL)
    return;
  hang_begin (&hang, store);
  group_start (store, outcomes, cancellable);
  g_cancellable_cancel (cancellable);
  hang_end (&hang);
  for (guint i = 0; i < GROUP_PUTS; i++)
    wait_for (&outcomes[i]);
  drain ();
  group_check (store, outcomes);
  CU_ASSERT_EQUAL (largest_group (store), CASK_POOL_RUN_JOBS);
  CU_ASSERT_TRUE (outcomes[GROUP_WRONG].error != NULL &&
                  cask_error_get_digests (outcomes[GROUP_WRONG].error, NULL, NULL));
  TEST_ERROR (outcomes[GROUP_WRONG].error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH,
              "counting: ");
  TEST_ERROR (outcomes[GROUP_CANCELLED].error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
}

/* Puts with flags mean more than put_many can be told. */
static void
test_group_flags (void)
{
  static const CaskPutFlags flags[] = { CASK_PUT_COPY, CASK_PUT_VERIFY_EXISTING };
  g_autoptr (CaskStore) store = open_store ("counting?threads=1");
  Outcome outcomes[20] = { 0 };
  Hang hang;
  if (store == NULL)
    return;
  hang_begin (&hang, store);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      CaskDigest digest;
      g_autoptr (GBytes) bytes = numbered (i, &digest);
      cask_store_put_async (store, &digest, bytes, flags[i % 2], 0, NULL, on_put,
                            &outcomes[i]);
    }
  hang_end (&hang);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      wait_for (&outcomes[i]);
      CU_ASSERT_TRUE (outcomes[i].success && outcomes[i].flag);
    }
  CU_ASSERT_EQUAL (largest_group (store), 0);
}

/* ---- Giving up ---- */

static gpointer
cancel_elsewhere (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel_queued (void)
{
  g_autoptr (CaskStore) store = open_store ("counting?threads=1");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome put = { 0 }, get = { 0 }, late = { 0 };
  gboolean present = TRUE;
  CaskDigest digest;
  Hang hang;
  if (store == NULL)
    return;
  g_autoptr (GBytes) bytes = numbered (1, &digest);
  hang_begin (&hang, store);
  cask_store_put_async (store, &digest, bytes, 0, 0, cancellable, on_put, &put);
  cask_store_get_async (store, &digest, 0, cancellable, on_get, &get);
  drain ();
  CU_ASSERT_EQUAL (put.n_done + get.n_done, 0);
  g_thread_join (g_thread_new ("canceller", cancel_elsewhere, cancellable));
  cask_store_get_async (store, &digest, 0, cancellable, on_get, &late);
  CU_ASSERT_EQUAL (put.n_done + get.n_done + late.n_done, 0);
  drain ();
  CU_ASSERT_TRUE (put.n_done == 1 && get.n_done == 1 && late.n_done == 1);
  TEST_ERROR (put.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  TEST_ERROR (get.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  TEST_ERROR (late.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  hang_end (&hang);
  drain ();
  CU_ASSERT_TRUE (put.n_done == 1 && get.n_done == 1 && late.n_done == 1);
  CU_ASSERT_TRUE (cask_store_contains (store, &digest, &present, NULL, NULL));
  CU_ASSERT_FALSE (present);
}

static void
test_close_queued (void)
{
  g_autoptr (CaskStore) store = open_store ("counting?threads=1");
  Outcome put[5] = { 0 }, get = { 0 }, closed = { 0 }, after = { 0 };
  CaskDigest digest;
  Hang hang;
  if (store == NULL)
    return;
  hang_begin (&hang, store);
  for (guint i = 0; i < G_N_ELEMENTS (put); i++)
    {
      g_autoptr (GBytes) bytes = numbered (i, &digest);
      cask_store_put_async (store, &digest, bytes, 0, 0, NULL, on_put, &put[i]);
    }
  cask_store_get_async (store, &digest, 0, NULL, on_get, &get);
  cask_store_close_async (store, 0, NULL, on_close, &closed);
  /* No operation is under way, so nothing keeps close waiting; the hung lane does not. */
  wait_for (&closed);
  CU_ASSERT_TRUE (closed.success);
  TEST_NO_ERROR (closed.error);
  cask_store_get_async (store, &digest, 0, NULL, on_get, &after);
  hang_end (&hang);
  for (guint i = 0; i < G_N_ELEMENTS (put); i++)
    {
      wait_for (&put[i]);
      CU_ASSERT_FALSE (put[i].success);
      TEST_ERROR (put[i].error, CASK_ERROR, CASK_ERROR_CLOSED,
                  "counting?threads=1: the store is closed");
    }
  wait_for (&get);
  wait_for (&after);
  TEST_ERROR (get.error, CASK_ERROR, CASK_ERROR_CLOSED, "counting?threads=1: ");
  TEST_ERROR (after.error, CASK_ERROR, CASK_ERROR_CLOSED, "counting?threads=1: ");
}

/* ---- Many reads at once ---- */

#define MANY_READS 200
#define MANY_BIG (2 * CASK_TRY_LIMIT)

/* As if reads of the store had been slow: most of those that follow are left to a helper
 * (async-share.c), where there are two processors. */
static void
many_start (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
            Outcome *outcomes)
{
  for (guint i = 0; i < MANY_READS; i++)
    {
      g_atomic_int_set (&store->n_slow_tries, G_MAXINT16);
      cask_store_get_async (store, digest, 0, cancellable, on_get, &outcomes[i]);
    }
}

static CaskStore *
many_open (CaskDigest *digest, gsize size)
{
  CaskStore *store = open_store ("memory:?threads=1");
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, digest);
  if (store != NULL)
    CU_ASSERT_TRUE (cask_store_put (store, digest, bytes, 0, NULL, NULL, NULL));
  return store;
}

static void
test_many (void)
{
  static Outcome outcomes[MANY_READS];
  CaskDigest digest;
  Hang hang;
  g_autoptr (CaskStore) store = many_open (&digest, 100);
  if (store == NULL)
    return;
  hang_begin (&hang, store);
  many_start (store, &digest, NULL, outcomes);
  for (guint i = 0; i < MANY_READS; i++)
    {
      wait_for (&outcomes[i]);
      CU_ASSERT_TRUE (outcomes[i].bytes != NULL);
      outcome_clear (&outcomes[i]);
    }
  drain ();
  for (guint i = 0; i < MANY_READS; i++)
    CU_ASSERT_EQUAL (outcomes[i].n_done, 0);
  hang_end (&hang);
}

/* What no try answers waits for the store's thread, whoever has tried. */
static void
test_many_cancelled (void)
{
  static Outcome outcomes[MANY_READS];
  CaskDigest digest;
  Hang hang;
  g_autoptr (CaskStore) store = many_open (&digest, MANY_BIG);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  if (store == NULL)
    return;
  hang_begin (&hang, store);
  many_start (store, &digest, cancellable, outcomes);
  drain ();
  for (guint i = 0; i < MANY_READS; i++)
    CU_ASSERT_EQUAL (outcomes[i].n_done, 0);
  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < MANY_READS; i++)
    {
      wait_for (&outcomes[i]);
      TEST_ERROR (outcomes[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
    }
  drain ();
  for (guint i = 0; i < MANY_READS; i++)
    CU_ASSERT_EQUAL (outcomes[i].n_done, 1);
  hang_end (&hang);
}

int
main (int argc, char **argv)
{
  CU_TestInfo threads[] = {
    { "get and stat of memory complete without a thread", test_no_thread },
    { "get of memory completes while the lane is hung", test_no_thread_while_hung },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo groups[] = {
    { "queued puts go as one put_many, each with its own result", test_group },
    { "puts with flags go one by one", test_group_flags },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo giving_up[] = {
    { "a queued operation is cancelled at once", test_cancel_queued },
    { "close leaves CLOSED for what is queued", test_close_queued },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo many[] = {
    { "C70 many reads come back, once each, while the lane is hung", test_many },
    { "S12 many reads that wait are cancelled at once, by whomever they were tried",
      test_many_cancelled },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "without a thread", .pTests = threads },
    { .pName = "groups", .pTests = groups },
    { .pName = "giving up", .pTests = giving_up },
    { .pName = "many at once", .pTests = many },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
