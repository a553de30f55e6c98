/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-cancel.c: cancelled operations change nothing, finished ones stay finished. */
#include "contract.h"

static void
expect_cancelled (gboolean success, GError **error)
{
  CU_ASSERT_FALSE (success);
  TEST_ERROR (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
}

static void
test_cancelled_before (void)
{
  g_autoptr (Contract) c = contract_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  const Calls *calls = c->calls;
  g_autoptr (GError) e = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GBytes) there = contract_bytes (50, 100000);
  g_autoptr (GBytes) missing = contract_bytes (51, 1000);
  CaskDigest digest = contract_put (c, there, NULL), absent = contract_digest (missing),
             out;
  CaskBlobInfo info;
  CaskUsage usage;
  gboolean flag = FALSE;
  g_cancellable_cancel (cancelled);

  expect_cancelled (calls->put (c->store, &absent, missing, 0, &flag, cancelled, &e), &e);
  expect_cancelled (calls->add (c->store, missing, CASK_ALGORITHM_SHA256, 0, &out, &flag,
                                cancelled, &e),
                    &e);
  expect_cancelled (calls->get (c->store, &digest, cancelled, &e) != NULL, &e);
  expect_cancelled (calls->get_range (c->store, &digest, 0, 9, cancelled, &e) != NULL,
                    &e);
  expect_cancelled (calls->stat (c->store, &digest, &info, cancelled, &e), &e);
  expect_cancelled (calls->contains (c->store, &digest, &flag, cancelled, &e), &e);
  expect_cancelled (calls->list (c->store, NULL, 0, cancelled, &e) != NULL, &e);
  expect_cancelled (calls->touch (c->store, &digest, cancelled, &e), &e);
  expect_cancelled (calls->remove (c->store, &digest, &flag, cancelled, &e), &e);
  expect_cancelled (
      calls->remove_unused (c->store, &digest, CASK_ALWAYS, NULL, cancelled, &e), &e);
  expect_cancelled (calls->verify (c->store, &digest, cancelled, &e), &e);
  expect_cancelled (calls->flush (c->store, cancelled, &e), &e);
  expect_cancelled (calls->usage (c->store, &usage, cancelled, &e), &e);
  CU_ASSERT_FALSE (flag);
  contract_expect_bytes (c, &digest, there);
  contract_expect_absent (c, &absent);
}

static void
test_open_cancelled (void)
{
  g_autoptr (Contract) c = contract_open (0);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_cancellable_cancel (cancelled);
  g_autoptr (CaskStore) store = c->calls->open (c->config, cancelled, &error);
  expect_cancelled (store != NULL, &error);
}

/* A cancel after the end of an operation takes nothing back. */
static void
test_cancelled_after (void)
{
  g_autoptr (Contract) c = contract_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) bytes = contract_bytes (52, 1000);
  CaskDigest digest = contract_digest (bytes);
  CU_ASSERT_TRUE (c->calls->put (c->store, &digest, bytes, 0, NULL, cancellable, &error));
  TEST_NO_ERROR (error);
  g_cancellable_cancel (cancellable);
  contract_expect_bytes (c, &digest, bytes);
}

typedef struct
{
  Contract *c;
  GCancellable *cancellable;
  CaskDigest *digests;
  gboolean (*operation) (Contract *c, const CaskDigest *digest, GCancellable *cancellable,
                         GError **error);
  guint n;
  guint n_done, n_cancelled;
} CancelRace;

/* Thread 0 does the operation over and over, thread 1 cancels somewhere in between. */
static void
cancel_race_thread (gpointer data, guint index)
{
  CancelRace *race = data;
  if (index == 1)
    {
      contract_let_time_pass (2000);
      g_cancellable_cancel (race->cancellable);
      return;
    }
  for (guint i = 0; i < race->n; i++)
    {
      g_autoptr (GError) error = NULL;
      if (race->operation (race->c, &race->digests[i], race->cancellable, &error))
        race->n_done = i + 1;
      else
        race->n_cancelled += CONTRACT_CHECK_OK (
            g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED), error);
    }
}

static gboolean
race_list (Contract *c, const CaskDigest *digest, GCancellable *cancellable,
           GError **error)
{
  (void) digest;
  g_autoptr (CaskListPage) page = c->calls->list (c->store, NULL, 0, cancellable, error);
  CONTRACT_CHECK (page == NULL || cask_list_page_get_length (page) == 100);
  return page != NULL;
}

static void
test_cancel_list (void)
{
  g_autoptr (Contract) c = contract_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  CaskDigest digests[100];
  for (guint i = 0; i < G_N_ELEMENTS (digests); i++)
    digests[i] = contract_put_number (c, 600 + i);
  for (guint round = 0; round < 10; round++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      CancelRace race = { .c = c,
                          .cancellable = cancellable,
                          .digests = digests,
                          .operation = race_list,
                          .n = G_N_ELEMENTS (digests) };
      contract_run_threads (2, cancel_race_thread, &race);
    }
  g_autoptr (GArray) infos = contract_list_all (c, 0);
  CU_ASSERT_TRUE (infos != NULL && infos->len == G_N_ELEMENTS (digests));
}

#define RACE_BLOB_SIZE 20000

static gboolean
race_put (Contract *c, const CaskDigest *digest, GCancellable *cancellable,
          GError **error)
{
  guint32 number;
  memcpy (&number, digest->bytes, sizeof number);
  g_autoptr (GBytes) bytes = contract_bytes (number, RACE_BLOB_SIZE);
  CaskDigest name = contract_digest (bytes);
  return c->calls->put (c->store, &name, bytes, 0, NULL, cancellable, error);
}

/* A put that says it was cancelled left nothing, one that says it was done left all. */
static void
test_cancel_put (void)
{
  g_autoptr (Contract) c = contract_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CaskDigest numbers[200] = { 0 };
  for (guint32 i = 0; i < G_N_ELEMENTS (numbers); i++)
    memcpy (numbers[i].bytes, &i, sizeof i);
  CancelRace race = { .c = c,
                      .cancellable = cancellable,
                      .digests = numbers,
                      .operation = race_put,
                      .n = G_N_ELEMENTS (numbers) };
  contract_run_threads (2, cancel_race_thread, &race);
  CU_ASSERT_EQUAL (race.n_done + race.n_cancelled, race.n);
  for (guint i = 0; i < race.n; i++)
    {
      g_autoptr (GBytes) bytes = contract_bytes (i, RACE_BLOB_SIZE);
      CaskDigest digest = contract_digest (bytes);
      if (i < race.n_done)
        contract_expect_bytes (c, &digest, bytes);
      else
        contract_expect_absent (c, &digest);
    }
}

CU_TestInfo contract_cancel_tests[] = {
  { "C67 C45 what is cancelled before its start does nothing", test_cancelled_before },
  { "C67 an open that is cancelled before its start", test_open_cancelled },
  { "S12 a cancel after the end takes nothing back", test_cancelled_after },
  { "C45 a list that is cancelled on the way is whole or CANCELLED", test_cancel_list },
  { "C69 S12 a cancel racing puts: stored or CANCELLED", test_cancel_put },
  CU_TEST_INFO_NULL
};
