/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-crowd.c: more operations at once than anybody should have. */
#include "conform-case.h"

/* ---- Operations in flight ---- */

#define CROWD_BLOBS 200

typedef struct _Crowd Crowd;

typedef struct
{
  Crowd *crowd;
  guint number; /* of the blob */
  guint n_calls;
} Flight;

struct _Crowd
{
  CaskStore *store;
  GBytes *bytes[CROWD_BLOBS];
  CaskDigest digests[CROWD_BLOBS];
  gboolean may_be_closed;
  guint n_pending, n_wrong, n_done, n_closed, n_created;
  gboolean is_stored[CROWD_BLOBS];
};

static void
crowd_begin (Crowd *crowd, CaskStore *store)
{
  crowd->store = store;
  for (guint i = 0; i < CROWD_BLOBS; i++)
    {
      crowd->bytes[i] = conform_bytes (7300 + i, 1 + i * 400);
      crowd->digests[i] = conform_digest (crowd->bytes[i]);
    }
}

static void
crowd_end (Crowd *crowd)
{
  for (guint i = 0; i < CROWD_BLOBS; i++)
    g_bytes_unref (crowd->bytes[i]);
}

/* Counts one outcome; NOT_FOUND is one where nothing may be there yet. */
static void
flight_land (Flight *flight, gboolean right, gboolean absent_is_right,
             const GError *error)
{
  Crowd *crowd = flight->crowd;
  gboolean closed = g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED);
  gboolean absent = g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND);

  crowd->n_pending--;
  crowd->n_closed += closed;
  crowd->n_done += right;
  if (++flight->n_calls != 1 ||
      !(right || (closed && crowd->may_be_closed) || (absent && absent_is_right)))
    crowd->n_wrong++;
}

static void
flight_put_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Flight *flight = data;
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  gboolean right = cask_store_put_finish (CASK_STORE (source), result, &created, &error);

  flight->crowd->n_created += created;
  if (right)
    flight->crowd->is_stored[flight->number] = TRUE;
  flight_land (flight, right, FALSE, error);
}

static void
flight_get_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Flight *flight = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (source), result, &error);

  flight_land (flight,
               bytes != NULL &&
                   g_bytes_equal (bytes, flight->crowd->bytes[flight->number]),
               TRUE, error);
}

static void
flight_stat_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Flight *flight = data;
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };
  gboolean found = cask_store_stat_finish (CASK_STORE (source), result, &info, &error);

  flight_land (flight,
               found &&
                   info.size == g_bytes_get_size (flight->crowd->bytes[flight->number]),
               TRUE, error);
}

/* Of every twenty operations one is a put, ten are gets. */
static void
flight_start (Flight *flight, Crowd *crowd, guint i)
{
  flight->crowd = crowd;
  flight->number = i / 20 % CROWD_BLOBS;
  crowd->n_pending++;
  const CaskDigest *digest = &crowd->digests[flight->number];
  if (i % 20 == 0)
    cask_store_put_async (crowd->store, digest, crowd->bytes[flight->number],
                          CASK_PUT_NONE, G_PRIORITY_DEFAULT, NULL, flight_put_done,
                          flight);
  else if (i % 2 == 0)
    cask_store_get_async (crowd->store, digest, (int) (i % 7) * 10, NULL, flight_get_done,
                          flight);
  else
    cask_store_stat_async (crowd->store, digest, G_PRIORITY_LOW, NULL, flight_stat_done,
                           flight);
}

static void
test_many_in_flight (void)
{
  const guint n = 10000;
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Crowd crowd = { 0 };
  g_autofree Flight *flights = g_new0 (Flight, n);
  crowd_begin (&crowd, c->store);
  for (guint i = 0; i < n; i++)
    flight_start (&flights[i], &crowd, i);
  CONFORM_EQUAL (crowd.n_pending, n);
  while (crowd.n_pending > 0)
    g_main_context_iteration (NULL, TRUE);
  CONFORM_EQUAL (crowd.n_wrong, 0);
  CONFORM_EQUAL (crowd.n_created, CROWD_BLOBS);
  for (guint i = 0; i < CROWD_BLOBS; i++)
    conform_expect_bytes (c, &crowd.digests[i], crowd.bytes[i]);
  crowd_end (&crowd);
}

static void
note_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  *(gboolean *) data = cask_store_close_finish (CASK_STORE (source), result, &error);
}

/* What was acknowledged stays; the rest says CLOSED; nothing is forgotten. */
static void
close_with_pending (gboolean asynchronously)
{
  const guint n = 4000;
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  Crowd crowd = { .may_be_closed = TRUE };
  gboolean is_closed = FALSE, present = FALSE;
  g_autofree Flight *flights = g_new0 (Flight, n);
  crowd_begin (&crowd, c->store);
  for (guint i = 0; i < n; i++)
    flight_start (&flights[i], &crowd, i);
  if (asynchronously)
    cask_store_close_async (c->store, G_PRIORITY_DEFAULT, NULL, note_closed, &is_closed);
  else
    is_closed = cask_store_close (c->store, NULL, &error);
  while (crowd.n_pending > 0 || !is_closed)
    g_main_context_iteration (NULL, TRUE);
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (crowd.n_wrong, 0);
  CONFORM_FALSE (
      c->calls->contains (c->store, &crowd.digests[0], &present, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
  g_autoptr (CaskStore) again =
      c->directory != NULL ? c->calls->open (c->config, NULL, &error) : NULL;
  CONFORM_NO_ERROR (error);
  /* A named place in memory goes with its last store. */
  if (again != NULL && (c->capabilities & CASK_CAPABILITY_SHARED))
    for (guint i = 0; i < CROWD_BLOBS; i++)
      CONFORM_TRUE (!crowd.is_stored[i] || (c->calls->contains (again, &crowd.digests[i],
                                                                &present, NULL, NULL) &&
                                            present));
  crowd_end (&crowd);
}

static void
test_close_with_pending (void)
{
  close_with_pending (FALSE);
  close_with_pending (TRUE);
}

static void
test_closed (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  const Calls *calls = c->calls;
  GError *errors[9] = { NULL };
  CaskBlobInfo info;
  CaskUsage usage;
  g_autoptr (GBytes) bytes = conform_bytes (74, 100);
  CaskDigest digest = conform_put (c, bytes, NULL);
  CONFORM_TRUE (calls->close (c->store, NULL, NULL));
  CONFORM_TRUE (calls->close (c->store, NULL, NULL));
  CONFORM_FALSE (calls->put (c->store, &digest, bytes, 0, NULL, NULL, &errors[0]));
  CONFORM_NULL (calls->get (c->store, &digest, NULL, &errors[1]));
  CONFORM_NULL (calls->get_range (c->store, &digest, 0, 1, NULL, &errors[2]));
  CONFORM_FALSE (calls->stat (c->store, &digest, &info, NULL, &errors[3]));
  CONFORM_NULL (calls->list (c->store, NULL, 0, NULL, &errors[4]));
  CONFORM_FALSE (calls->remove (c->store, &digest, NULL, NULL, &errors[5]));
  CONFORM_FALSE (calls->verify (c->store, &digest, NULL, &errors[6]));
  CONFORM_FALSE (calls->flush (c->store, NULL, &errors[7]));
  CONFORM_FALSE (calls->usage (c->store, &usage, NULL, &errors[8]));
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    CONFORM_ERROR (errors[i], CASK_ERROR, CASK_ERROR_CLOSED, NULL);
}

/* ---- Many stores, threads and contexts ---- */

#define CROWD_STORES 6

static void
crossing_thread (gpointer data, guint index)
{
  Conform **stores = data;

  for (guint i = 0; i < 60; i++)
    {
      g_autoptr (GError) error = NULL;
      Conform *c = stores[(index + i) % CROWD_STORES];
      g_autoptr (GBytes) bytes = conform_bytes (i, 100 + i * 300);
      CaskDigest digest = conform_digest (bytes);
      CONFORM_OK (c->calls->put (c->store, &digest, bytes, 0, NULL, NULL, &error), error);
      g_autoptr (GBytes) got = c->calls->get (c->store, &digest, NULL, &error);
      CONFORM_OK (got != NULL && g_bytes_equal (got, bytes), error);
    }
}

static void
test_many_stores (void)
{
  Conform *stores[CROWD_STORES] = { NULL };
  guint n_open = 0;
  while (n_open < CROWD_STORES &&
         (stores[n_open] = conform_open (CASK_CAPABILITY_WRITE)) != NULL)
    n_open++;
  if (n_open == CROWD_STORES)
    conform_run_threads (12, crossing_thread, stores);
  while (n_open > 0)
    conform_close (stores[--n_open]);
}

const ConformCase conform_crowd_tests[] = {
  { "C74 10,000 asynchronous operations in flight at once", test_many_in_flight },
  { "C73 close with operations pending", test_close_with_pending },
  { "C73 every call on a closed store is CLOSED, closing it again is nothing",
    test_closed },
  { "C75 many stores, many threads, many contexts", test_many_stores },
  CONFORM_CASES_END
};
