/* SPDX-License-Identifier: Apache-2.0
 *
 * test-async-storm.c: C70, C73, C92, C94 and C95 all at once: four threads, each with a
 * context of its own, start random operations on stores of their own and on one in
 * common; a fifth cancels what comes its way; stores are closed and dropped with all that
 * pending, callbacks cancel others and run the loop within.
 *
 * Each operation has to call back exactly once, in the thread of its context, with what
 * it could have come to: CANCELLED only where somebody cancelled it, CLOSED only where
 * somebody closed its store. */
#include "test-support.h"

#include <cask/cask.h>

#define STORM_THREADS 4
#define STORM_FLIGHTS 60
#define STORM_BLOBS 24
#define STORM_DEPTH 3

typedef struct
{
  GBytes *bytes[STORM_BLOBS];
  CaskDigest digests[STORM_BLOBS];
  CaskStore *common;
  GAsyncQueue *doomed; /* of GCancellable, for the fifth thread */
  gint64 until;
  gint n_called, n_wrong, n_cancelled, n_closed; /* atomic */
} Storm;

typedef struct _Round Round;

typedef struct
{
  Round *round;
  guint number;
  guint n_calls;
  gboolean is_common;
  GCancellable *cancellable; /* (nullable) */
} Flight;

/* What one thread is at. */
struct _Round
{
  Storm *storm;
  GRand *rand;
  GMainContext *context;
  GThread *thread;
  CaskStore *store; /* (nullable): its own, until it has dropped it */
  gboolean was_closed;
  guint n_pending, depth;
  Flight flights[STORM_FLIGHTS];
};

static gboolean
storm_chance (Round *round, gint n)
{
  return g_rand_int_range (round->rand, 0, n) == 0;
}

static void
storm_wrong (Flight *flight, const char *what, const GError *error)
{
  if (g_atomic_int_add (&flight->round->storm->n_wrong, 1) < 5)
    g_print ("\n    %s: %s\n", what, error != NULL ? error->message : "");
}

/* ---- Callbacks ---- */

/* Somebody else's, and perhaps of one that has ended. */
static void
storm_cancel_any (Round *round)
{
  Flight *other = &round->flights[g_rand_int_range (round->rand, 0, STORM_FLIGHTS)];

  if (other->cancellable == NULL)
    return;
  if (storm_chance (round, 2))
    g_cancellable_cancel (other->cancellable);
  else
    g_async_queue_push (round->storm->doomed, g_object_ref (other->cancellable));
}

static void
storm_drop (Round *round)
{
  g_clear_object (&round->store);
}

static void
storm_nest (Round *round)
{
  guint before = round->n_pending;

  if (round->depth >= STORM_DEPTH)
    return;
  round->depth++;
  /* Until another has come, if one is still to come. */
  while (round->n_pending > 0 && round->n_pending == before)
    g_main_context_iteration (round->context, TRUE);
  round->depth--;
}

static void
storm_judge (Flight *flight, const GError *error)
{
  Storm *storm = flight->round->storm;

  if (error == NULL || g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    return;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_atomic_int_inc (&storm->n_cancelled);
      if (!g_cancellable_is_cancelled (flight->cancellable))
        storm_wrong (flight, "cancelled by nobody", error);
      return;
    }
  g_atomic_int_inc (&storm->n_closed);
  if (!g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED) || flight->is_common ||
      !flight->round->was_closed)
    storm_wrong (flight, "failed", error);
}

/* The last thing that a callback does. */
static void
storm_land (Flight *flight, const GError *error)
{
  Round *round = flight->round;

  storm_judge (flight, error);
  if (++flight->n_calls != 1 || round->thread != g_thread_self ())
    storm_wrong (flight, "called twice, or in another thread", NULL);
  g_atomic_int_inc (&round->storm->n_called);
  round->n_pending--;
  if (storm_chance (round, 4))
    storm_cancel_any (round);
  if (storm_chance (round, 60))
    storm_drop (round);
  if (storm_chance (round, 8))
    storm_nest (round);
}

static void
storm_put_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  cask_store_put_finish (CASK_STORE (source), result, NULL, &error);
  storm_land (data, error);
}

static void
storm_get_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Flight *flight = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (source), result, &error);

  if (bytes != NULL &&
      !g_bytes_equal (bytes, flight->round->storm->bytes[flight->number]))
    storm_wrong (flight, "other bytes", NULL);
  storm_land (flight, error);
}

static void
storm_stat_done (GObject *source, GAsyncResult *result, gpointer data)
{
  CaskBlobInfo info;
  g_autoptr (GError) error = NULL;
  cask_store_stat_finish (CASK_STORE (source), result, &info, &error);
  storm_land (data, error);
}

static void
storm_delete_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  cask_store_delete_finish (CASK_STORE (source), result, NULL, &error);
  storm_land (data, error);
}

static void
storm_list_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskListPage) page =
      cask_store_list_finish (CASK_STORE (source), result, &error);

  if (page != NULL && cask_list_page_get_length (page) > 5)
    storm_wrong (data, "more than was asked for", NULL);
  storm_land (data, error);
}

static void
storm_many_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) results =
      cask_store_contains_many_finish (CASK_STORE (source), result, &error);

  if (results != NULL && cask_results_get_length (results) != STORM_BLOBS)
    storm_wrong (data, "not a result for each", NULL);
  storm_land (data, error);
}

static void
storm_close_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  cask_store_close_finish (CASK_STORE (source), result, &error);
  storm_land (data, error);
}

/* ---- A round ---- */

static void
storm_start (Flight *flight, CaskStore *store)
{
  Round *round = flight->round;
  Storm *storm = round->storm;
  const CaskDigest *digest = &storm->digests[flight->number], *many[STORM_BLOBS];
  int priority = g_rand_int_range (round->rand, -1, 2) * 100;
  GCancellable *cancellable = flight->cancellable;

  switch (g_rand_int_range (round->rand, 0, 9))
    {
    case 0:
    case 1:
    case 2:
      cask_store_put_async (store, digest, storm->bytes[flight->number], CASK_PUT_NONE,
                            priority, cancellable, storm_put_done, flight);
      break;
    case 3:
    case 4:
      cask_store_get_async (store, digest, priority, cancellable, storm_get_done, flight);
      break;
    case 5:
      cask_store_stat_async (store, digest, priority, cancellable, storm_stat_done,
                             flight);
      break;
    case 6:
      cask_store_delete_async (store, digest, priority, cancellable, storm_delete_done,
                               flight);
      break;
    case 7:
      cask_store_list_async (store, NULL, 5, priority, cancellable, storm_list_done,
                             flight);
      break;
    default:
      for (guint i = 0; i < STORM_BLOBS; i++)
        many[i] = &storm->digests[i];
      cask_store_contains_many_async (store, many, STORM_BLOBS, CASK_CONTAINS_FRESHEN,
                                      priority, cancellable, storm_many_done, flight);
      break;
    }
}

static void
storm_fly (Round *round, guint i)
{
  Flight *flight = &round->flights[i];

  *flight =
      (Flight){ .round = round,
                .number = (guint) g_rand_int_range (round->rand, 0, STORM_BLOBS),
                .is_common = round->store == NULL || storm_chance (round, 3),
                .cancellable = storm_chance (round, 2) ? g_cancellable_new () : NULL };
  CaskStore *store = flight->is_common ? round->storm->common : round->store;
  round->n_pending++;
  if (!flight->is_common && storm_chance (round, 80))
    {
      round->was_closed = TRUE;
      cask_store_close_async (store, G_PRIORITY_DEFAULT, NULL, storm_close_done, flight);
    }
  else
    storm_start (flight, store);
  if (storm_chance (round, 3))
    storm_cancel_any (round);
  if (storm_chance (round, 10))
    g_main_context_iteration (round->context, FALSE);
}

/* Who cancels in another thread holds an operation, and its store, until the handler has
 * returned there. */
static void
storm_await_end (Round *round, GWeakRef *weak)
{
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  gpointer store;

  while ((store = g_weak_ref_get (weak)) != NULL)
    {
      g_object_unref (store);
      if (g_get_monotonic_time () > end)
        {
          storm_wrong (&round->flights[0], "the store outlives its references", NULL);
          return;
        }
      g_thread_yield ();
    }
}

static void
storm_round (Round *round, const char *config)
{
  g_autoptr (GError) error = NULL;
  GWeakRef weak;

  round->store = cask_store_open (config, NULL, &error);
  round->was_closed = FALSE;
  TEST_NO_ERROR (error);
  if (round->store == NULL)
    return;
  g_weak_ref_init (&weak, round->store);
  memset (round->flights, 0, sizeof round->flights);
  for (guint i = 0; i < STORM_FLIGHTS; i++)
    storm_fly (round, i);
  if (storm_chance (round, 2))
    storm_drop (round);
  while (round->n_pending > 0)
    g_main_context_iteration (round->context, TRUE);
  storm_drop (round);
  /* The task of the last callback goes when that has returned. */
  while (g_main_context_iteration (round->context, FALSE))
    ;
  for (guint i = 0; i < STORM_FLIGHTS; i++)
    {
      if (round->flights[i].n_calls != 1)
        storm_wrong (&round->flights[i], "not called once", NULL);
      g_clear_object (&round->flights[i].cancellable);
    }
  storm_await_end (round, &weak);
  g_weak_ref_clear (&weak);
}

typedef struct
{
  Storm *storm;
  guint32 seed;
  const char *config;
} Corner;

static gpointer
storm_thread (gpointer data)
{
  const Corner *corner = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (corner->seed);
  Round round = {
    .storm = corner->storm, .rand = rand, .context = context, .thread = g_thread_self ()
  };

  g_main_context_push_thread_default (context);
  while (g_get_monotonic_time () < corner->storm->until)
    storm_round (&round, corner->config);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* Ends at the storm itself. */
static gpointer
storm_cancel_thread (gpointer data)
{
  Storm *storm = data;
  gpointer doomed;

  while ((doomed = g_async_queue_pop (storm->doomed)) != storm)
    {
      g_cancellable_cancel (doomed);
      g_object_unref (doomed);
    }
  return NULL;
}

/* ---- All of it ---- */

static void
storm_begin (Storm *storm)
{
  gboolean is_long = g_getenv ("CASK_TEST_LONG") != NULL;

  for (guint i = 0; i < STORM_BLOBS; i++)
    {
      gsize size = 1 + i * i * 150;
      guint8 *data = g_malloc (size);
      memset (data, (int) i, size);
      storm->bytes[i] = g_bytes_new_take (data, size);
      cask_digest_of_bytes (storm->bytes[i], CASK_ALGORITHM_SHA256, &storm->digests[i]);
    }
  storm->doomed = g_async_queue_new ();
  storm->until = g_get_monotonic_time () + (is_long ? 60 : 2) * G_USEC_PER_SEC;
}

static void
storm_end (Storm *storm, const char *row)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_EQUAL (storm->n_wrong, 0);
  CU_ASSERT (storm->n_cancelled > 0 && storm->n_closed > 0);
  CU_ASSERT_TRUE (cask_store_close (storm->common, NULL, &error));
  TEST_NO_ERROR (error);
  test_score (row, "%d", storm->n_called);
  g_object_unref (storm->common);
  g_async_queue_unref (storm->doomed);
  for (guint i = 0; i < STORM_BLOBS; i++)
    g_bytes_unref (storm->bytes[i]);
}

static void
storm_run (const char *config, const char *row)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GRand) rand = test_rand_new (row);
  Storm storm = { .common = cask_store_open (config, NULL, &error) };
  Corner corners[STORM_THREADS];
  GThread *threads[STORM_THREADS];

  TEST_NO_ERROR (error);
  if (storm.common == NULL)
    return;
  storm_begin (&storm);
  GThread *canceller = g_thread_new ("cancel", storm_cancel_thread, &storm);
  for (guint i = 0; i < STORM_THREADS; i++)
    {
      corners[i] =
          (Corner){ .storm = &storm, .seed = g_rand_int (rand), .config = config };
      threads[i] = g_thread_new ("storm", storm_thread, &corners[i]);
    }
  for (guint i = 0; i < STORM_THREADS; i++)
    g_thread_join (threads[i]);
  g_async_queue_push (storm.doomed, &storm);
  g_thread_join (canceller);
  storm_end (&storm, row);
}

static void
test_memory (void)
{
  storm_run ("memory:storm", "async storm: callbacks, each exactly once, memory");
}

static void
test_fs (void)
{
  g_autofree char *place = cask_config_escape (test_directory ());
  g_autofree char *config = g_strdup_printf ("fs:%s?durability=none", place);

  storm_run (config, "async storm: callbacks, each exactly once, fs");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C70 C73 C92 C94 C95 in a storm every callback comes once, in memory",
      test_memory },
    { "C70 C73 C92 C94 C95 in a storm every callback comes once, in files", test_fs },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "a storm", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
