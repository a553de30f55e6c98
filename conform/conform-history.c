/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-history.c: C77: what threads are answered at once could have been answered to
 * one after another.
 *
 * Four threads put, delete and look for the same two blobs. For each blob there must be
 * an order of all the calls in which one that ended before another began comes first, and
 * in which every answer is right (conform-search.c). */
#include "conform-case.h"
#include "conform-search.h"

#include <stdlib.h>

#define HISTORIES 300
#define HISTORIES_LONG 10000
/* A slow store makes as many as this gives it time for. */
#define HISTORY_USEC (G_USEC_PER_SEC * 3 / 2)
#define HISTORY_USEC_LONG (600 * (gint64) G_USEC_PER_SEC)
#define HISTORY_THREADS 4
#define HISTORY_CALLS 6
#define HISTORY_BLOBS 2
/* All calls on one blob, and the look at it when all are over. */
G_STATIC_ASSERT (HISTORY_THREADS *HISTORY_CALLS + 1 <= SEARCH_MOST);

typedef struct
{
  Conform *c;
  gboolean exact;
  GBytes *bytes[HISTORY_BLOBS];
  CaskDigest digests[HISTORY_BLOBS];
  gboolean was_stored[HISTORY_BLOBS]; /* before it all */
  HistoryCall calls[HISTORY_THREADS][HISTORY_CALLS];
} History;

/* ---- Making one ---- */

static gboolean
history_get (History *history, HistoryCall *call, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GBytes) bytes = history->c->calls->get (
      history->c->store, &history->digests[call->blob], NULL, &failure);

  call->answer = bytes != NULL;
  if (bytes != NULL)
    return CONFORM_TRUE (g_bytes_equal (bytes, history->bytes[call->blob]));
  if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    return TRUE;
  /* Whether it was deleted before or while it was read is not known. */
  if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_GONE) &&
      !(history->c->capabilities & CASK_CAPABILITY_READS_OUTLIVE_REMOVE))
    {
      call->kind = HISTORY_NONE;
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
history_do (History *history, HistoryCall *call, GError **error)
{
  const Calls *calls = history->c->calls;
  CaskStore *store = history->c->store;
  const CaskDigest *digest = &history->digests[call->blob];

  switch (call->kind)
    {
    case HISTORY_PUT:
      return calls->put (store, digest, history->bytes[call->blob], CASK_PUT_NONE,
                         &call->answer, NULL, error);
    case HISTORY_DELETE:
      return calls->remove (store, digest, &call->answer, NULL, error);
    case HISTORY_CONTAINS:
      return calls->contains (store, digest, &call->answer, NULL, error);
    case HISTORY_GET:
      return history_get (history, call, error);
    case HISTORY_NONE:
    default:
      return TRUE;
    }
}

static void
history_thread (gpointer data, guint index)
{
  History *history = data;

  for (guint i = 0; i < HISTORY_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      HistoryCall *call = &history->calls[index][i];
      call->begin = g_get_monotonic_time ();
      gboolean done = history_do (history, call, &error);
      call->end = g_get_monotonic_time ();
      CONFORM_OK (done, error);
    }
}

/* ---- Explaining it ---- */

static int
search_compare (gconstpointer a, gconstpointer b)
{
  const HistoryCall *first = a, *second = b;

  return (first->begin > second->begin) - (first->begin < second->begin);
}

static void
search_print (Search *search, gboolean stored)
{
  static const char *const names[] = { "put", "delete", "contains", "get", "get" };
  static const char *const yes[] = { "created", "existed", "present", "found", "GONE" };
  static const char *const no[] = { "was there", "did not exist", "absent", "NOT_FOUND",
                                    "GONE" };

  qsort (search->calls, search->n, sizeof search->calls[0], search_compare);
  conform_note ("no order explains these calls on one blob, which was %s before:",
                stored ? "stored" : "not stored");
  for (guint i = 0; i < search->n; i++)
    {
      const HistoryCall *call = &search->calls[i];
      conform_note ("thread %u, %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " us: %s: %s",
                    call->thread, call->begin - search->calls[0].begin,
                    call->end - search->calls[0].begin, names[call->kind],
                    (call->answer ? yes : no)[call->kind]);
    }
}

/* ---- All of it ---- */

static gboolean
history_judge (History *history, guint blob)
{
  Search search = { .exact = history->exact };
  HistoryCall last = { .kind = HISTORY_CONTAINS,
                       .blob = blob,
                       .thread = HISTORY_THREADS };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < HISTORY_THREADS; i++)
    for (guint k = 0; k < HISTORY_CALLS; k++)
      {
        if (history->calls[i][k].blob == blob)
          search.calls[search.n++] = history->calls[i][k];
        last.begin = MAX (last.begin, history->calls[i][k].end + 1);
      }
  last.end = last.begin;
  CONFORM_OK (history_do (history, &last, &error), error);
  search.calls[search.n++] = last;
  gboolean is_explained = search_explains (&search, history->was_stored[blob]);
  if (!is_explained)
    search_print (&search, history->was_stored[blob]);
  history->was_stored[blob] = last.answer;
  return CONFORM_TRUE (is_explained);
}

/* Each history begins with what the last one has left. */
static gboolean
history_run (History *history, GRand *rand)
{
  gboolean is_right = TRUE;

  for (guint i = 0; i < HISTORY_THREADS; i++)
    for (guint k = 0; k < HISTORY_CALLS; k++)
      history->calls[i][k] =
          (HistoryCall){ .kind = (HistoryKind) g_rand_int_range (rand, 0, HISTORY_NONE),
                         .blob = (guint) g_rand_int_range (rand, 0, HISTORY_BLOBS),
                         .thread = i };
  if (conform_join_threads (HISTORY_THREADS, history_thread, history) > 0)
    return FALSE;
  for (guint i = 0; i < HISTORY_BLOBS; i++)
    is_right = history_judge (history, i) && is_right;
  return is_right;
}

static void
test_histories (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GRand) rand = conform_rand_new ("C77");
  History history = { .c = c };
  guint n = conform_is_long () ? HISTORIES_LONG : HISTORIES;
  gint64 end =
      g_get_monotonic_time () + (conform_is_long () ? HISTORY_USEC_LONG : HISTORY_USEC);
  history.exact = (c->capabilities & CASK_CAPABILITY_EXACT_CREATED) != 0;
  for (guint i = 0; i < HISTORY_BLOBS; i++)
    {
      history.bytes[i] = conform_bytes (7700 + i, 100 + i * 20000);
      history.digests[i] = conform_digest (history.bytes[i]);
    }
  guint i = 0;
  while (i < n && g_get_monotonic_time () < end && history_run (&history, rand))
    i++;
  CONFORM_TRUE (i > 0);
  conform_tally ("histories checked for linearizability", i);
  for (guint k = 0; k < HISTORY_BLOBS; k++)
    g_bytes_unref (history.bytes[k]);
}

const ConformCase conform_history_tests[] = {
  { "C77 what threads are answered at once, one could be answered in some order",
    test_histories },
  CONFORM_CASES_END
};
