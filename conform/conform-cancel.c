/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-cancel.c: cancelled operations change nothing, finished ones stay finished. */
#include "conform-case.h"

static void
expect_cancelled (gboolean success, GError **error)
{
  CONFORM_FALSE (success);
  CONFORM_ERROR (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
}

static void
test_cancelled_before (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  const Calls *calls = c->calls;
  g_autoptr (GError) e = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GBytes) there = conform_bytes (50, 100000);
  g_autoptr (GBytes) missing = conform_bytes (51, 1000);
  CaskDigest digest = conform_put (c, there, NULL), absent = conform_digest (missing),
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
  CONFORM_FALSE (flag);
  conform_expect_bytes (c, &digest, there);
  conform_expect_absent (c, &absent);
}

static void
test_open_cancelled (void)
{
  g_autoptr (Conform) c = conform_open (0);
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
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) bytes = conform_bytes (52, 1000);
  CaskDigest digest = conform_digest (bytes);
  CONFORM_TRUE (c->calls->put (c->store, &digest, bytes, 0, NULL, cancellable, &error));
  CONFORM_NO_ERROR (error);
  g_cancellable_cancel (cancellable);
  conform_expect_bytes (c, &digest, bytes);
}

typedef struct
{
  Conform *c;
  GCancellable *cancellable;
  CaskDigest *digests;
  gboolean (*operation) (Conform *c, const CaskDigest *digest, GCancellable *cancellable,
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
      conform_let_time_pass (2000);
      g_cancellable_cancel (race->cancellable);
      return;
    }
  for (guint i = 0; i < race->n; i++)
    {
      g_autoptr (GError) error = NULL;
      if (race->operation (race->c, &race->digests[i], race->cancellable, &error))
        race->n_done = i + 1;
      else
        race->n_cancelled +=
            CONFORM_OK (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED), error);
    }
}

static gboolean
race_list (Conform *c, const CaskDigest *digest, GCancellable *cancellable,
           GError **error)
{
  (void) digest;
  g_autoptr (CaskListPage) page = c->calls->list (c->store, NULL, 0, cancellable, error);
  CONFORM_TRUE (page == NULL || cask_list_page_get_length (page) == 100);
  return page != NULL;
}

static void
test_cancel_list (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  CaskDigest digests[100];
  for (guint i = 0; i < G_N_ELEMENTS (digests); i++)
    digests[i] = conform_put_number (c, 600 + i);
  for (guint round = 0; round < 10; round++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      CancelRace race = { .c = c,
                          .cancellable = cancellable,
                          .digests = digests,
                          .operation = race_list,
                          .n = G_N_ELEMENTS (digests) };
      conform_run_threads (2, cancel_race_thread, &race);
    }
  g_autoptr (GArray) infos = conform_list_all (c, 0);
  CONFORM_TRUE (infos != NULL && infos->len == G_N_ELEMENTS (digests));
}

#define RACE_BLOB_SIZE 20000

static gboolean
race_put (Conform *c, const CaskDigest *digest, GCancellable *cancellable, GError **error)
{
  guint32 number;
  memcpy (&number, digest->bytes, sizeof number);
  g_autoptr (GBytes) bytes = conform_bytes (number, RACE_BLOB_SIZE);
  CaskDigest name = conform_digest (bytes);
  return c->calls->put (c->store, &name, bytes, 0, NULL, cancellable, error);
}

/* A put that says it was cancelled left nothing, one that says it was done left all. */
static void
test_cancel_put (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
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
  conform_run_threads (2, cancel_race_thread, &race);
  CONFORM_EQUAL (race.n_done + race.n_cancelled, race.n);
  for (guint i = 0; i < race.n; i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (i, RACE_BLOB_SIZE);
      CaskDigest digest = conform_digest (bytes);
      if (i < race.n_done)
        conform_expect_bytes (c, &digest, bytes);
      else
        conform_expect_absent (c, &digest);
    }
}

const ConformCase conform_cancel_tests[] = {
  { "C67 C45 what is cancelled before its start does nothing", test_cancelled_before },
  { "C67 an open that is cancelled before its start", test_open_cancelled },
  { "S12 a cancel after the end takes nothing back", test_cancelled_after },
  { "C45 a list that is cancelled on the way is whole or CANCELLED", test_cancel_list },
  { "C69 S12 a cancel racing puts: stored or CANCELLED", test_cancel_put },
  CONFORM_CASES_END
};
