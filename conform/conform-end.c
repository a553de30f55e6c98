/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-end.c: the last reference, and the other side of a fork.
 *
 * Each test that could hang is cut off by the alarm clock of its process. */
#include "conform-case.h"

#include <cask/cask-input-stream.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_SECONDS 20

/* ---- The last reference ---- */

typedef struct
{
  CaskStore *store; /* a reference of the callbacks', given up in the last of them */
  guint n_pending, n_wrong;
} Last;

static void
last_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Last *last = data;
  g_autoptr (GError) error = NULL;
  gboolean created;

  if (!cask_store_put_finish (CASK_STORE (source), result, &created, &error))
    last->n_wrong++;
  if (--last->n_pending == 0)
    g_clear_object (&last->store);
}

/* Starts puts of a store of which the caller holds one reference. */
static void
last_start (Last *last, CaskStore *store, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (140 + i, 3000);
      CaskDigest digest = conform_digest (bytes);
      last->n_pending++;
      cask_store_put_async (store, &digest, bytes, 0, 0, NULL, last_done, last);
    }
}

static void
last_finish (Last *last, gpointer *weak)
{
  while (last->n_pending > 0)
    g_main_context_iteration (NULL, TRUE);
  /* The task of the last callback goes when the callback has returned. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  CONFORM_EQUAL (last->n_wrong, 0);
  CONFORM_NULL (*weak);
}

/* Takes the fixture's reference. */
static CaskStore *
last_take (Conform *c, gpointer *weak)
{
  *weak = c->store;
  g_object_add_weak_pointer (G_OBJECT (c->store), weak);
  return g_steal_pointer (&c->store);
}

static void
test_dropped_in_callback (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  gpointer weak;
  Last last = { 0 };
  last.store = last_take (c, &weak);
  last_start (&last, last.store, 30);
  last_finish (&last, &weak);
}

static void
test_dropped_while_pending (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  gpointer weak;
  Last last = { 0 };
  CaskStore *store = last_take (c, &weak);
  last_start (&last, store, 100);
  g_object_unref (store);
  last_finish (&last, &weak);
}

static gpointer
drop_in_thread (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
test_dropped_in_thread (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  gpointer weak;
  Last last = { 0 };
  CaskStore *store = last_take (c, &weak);
  last_start (&last, store, 30);
  GThread *thread = g_thread_new ("drop", drop_in_thread, store);
  g_thread_join (thread);
  last_finish (&last, &weak);
}

/* Where one store at a time may have the place, the one that was dropped gives it back.
 */
static CaskStore *
end_open_soon (Conform *c, gint64 end, GError **error)
{
  CaskStore *store = c->calls->open (c->config, NULL, error);

  while (conform_is_exclusive (c, *error) && g_get_monotonic_time () < end)
    {
      g_clear_error (error);
      g_thread_yield ();
      store = c->calls->open (c->config, NULL, error);
    }
  return store;
}

static guint
end_count_descriptors (void)
{
  g_autoptr (GDir) descriptors = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (descriptors != NULL && g_dir_read_name (descriptors) != NULL)
    n++;
  return n;
}

/* Dropped without a close, again and again: what a store has open is given back. */
static void
test_dropped_stores (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  g_autoptr (GError) failure = NULL;
  CONFORM_TRUE (c->calls->close (c->store, NULL, &failure));
  g_clear_object (&c->store);
  gint64 end = g_get_monotonic_time () + END_SECONDS * G_USEC_PER_SEC;
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskStore) store = end_open_soon (c, end, &error);
      CONFORM_NO_ERROR (error);
      CONFORM_NOT_NULL (store);
    }
  guint n_open = G_MAXUINT;
  /* They are closed in the background: soon, but not at once. */
  while (n_open > 100 && g_get_monotonic_time () < end)
    {
      g_autoptr (GDir) descriptors = g_dir_open ("/proc/self/fd", 0, NULL);
      for (n_open = 0; g_dir_read_name (descriptors) != NULL;)
        n_open++;
      g_thread_yield ();
    }
  CONFORM_TRUE (n_open <= 100);
}

/* Streams that are dropped give back what they had open, with the store still open. */
static void
test_dropped_streams (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (151, 100000);
  CaskDigest digest = conform_put (c, bytes, NULL);
  guint before = end_count_descriptors ();
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GError) error = NULL;
      guint8 byte;
      g_autoptr (CaskInputStream) stream =
          cask_store_open_blob (c->store, &digest, NULL, &error);
      CONFORM_OK (stream != NULL && g_input_stream_read (G_INPUT_STREAM (stream), &byte,
                                                         1, NULL, &error) == 1,
                  error);
    }
  /* They may be closed in the background. */
  gint64 end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (end_count_descriptors () > before + 100 && g_get_monotonic_time () < end)
    g_thread_yield ();
  CONFORM_TRUE (end_count_descriptors () <= before + 100);
}

/* ---- In a forked child ---- */

static gboolean
is_closed_error (gboolean success, GError **error)
{
  gboolean right = !success && g_error_matches (*error, CASK_ERROR, CASK_ERROR_CLOSED);
  g_clear_error (error);
  return right;
}

/* Each call in turn. Returns: 0, or which of them was not CLOSED */
static int
fork_try_calls (Conform *c, const Calls *calls, const CaskDigest *digest, GBytes *bytes)
{
  GError *e = NULL;
  CaskBlobInfo info;
  CaskUsage usage;
  CaskDigest named;
  gboolean flag;
  const gboolean closed[] = {
    is_closed_error (calls->put (c->store, digest, bytes, 0, NULL, NULL, &e), &e),
    is_closed_error (
        calls->add (c->store, bytes, CASK_ALGORITHM_SHA256, 0, &named, NULL, NULL, &e),
        &e),
    is_closed_error (calls->get (c->store, digest, NULL, &e) != NULL, &e),
    is_closed_error (calls->get_range (c->store, digest, 0, 1, NULL, &e) != NULL, &e),
    is_closed_error (calls->stat (c->store, digest, &info, NULL, &e), &e),
    is_closed_error (calls->contains (c->store, digest, &flag, NULL, &e), &e),
    is_closed_error (calls->list (c->store, NULL, 0, NULL, &e) != NULL, &e),
    is_closed_error (calls->touch (c->store, digest, NULL, &e), &e),
    is_closed_error (calls->remove (c->store, digest, NULL, NULL, &e), &e),
    is_closed_error (calls->remove_unused (c->store, digest, 1, NULL, NULL, &e), &e),
    is_closed_error (calls->verify (c->store, digest, NULL, &e), &e),
    is_closed_error (calls->flush (c->store, NULL, &e), &e),
    is_closed_error (calls->usage (c->store, &usage, NULL, &e), &e),
    is_closed_error (calls->close (c->store, NULL, &e), &e),
  };
  for (guint i = 0; i < G_N_ELEMENTS (closed); i++)
    if (!closed[i])
      return (int) i + 1;
  return 0;
}

/* A store that the child opens for itself works there, unless the parent's has the place
 * for itself. */
static int
fork_try_fresh (Conform *c, GBytes *bytes)
{
  CaskDigest digest;
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = c->calls->open (c->config, NULL, &error);

  if (conform_is_exclusive (c, error))
    return 0;
  if (store == NULL ||
      !c->calls->add (store, bytes, CASK_ALGORITHM_SHA512, 0, &digest, NULL, NULL, NULL))
    return 100;
  g_autoptr (GBytes) got = c->calls->get (store, &digest, NULL, NULL);
  return got != NULL && g_bytes_equal (got, bytes) ? 0 : 101;
}

static int
fork_run_child (Conform *c, const CaskDigest *digest, GBytes *bytes)
{
  alarm (END_SECONDS);
  int status = fork_try_calls (c, c->calls, digest, bytes);
  if (status == 0)
    status = fork_try_fresh (c, bytes);
  g_object_unref (c->store);
  return status;
}

static void
test_fork (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (150, 1000);
  CaskDigest digest = conform_put (c, bytes, NULL);
  Last last = { 0 };
  /* With workers in the midst of work. */
  last_start (&last, c->store, 50);
  pid_t child = fork ();
  if (child == 0)
    _exit (fork_run_child (c, &digest, bytes));
  int status = -1;
  CONFORM_EQUAL (waitpid (child, &status, 0), child);
  if (status != 0)
    conform_note ("the forked child: signal %d, call %d",
                  WIFSIGNALED (status) ? WTERMSIG (status) : 0, WEXITSTATUS (status));
  CONFORM_EQUAL (status, 0);
  while (last.n_pending > 0)
    g_main_context_iteration (NULL, TRUE);
  CONFORM_EQUAL (last.n_wrong, 0);
  conform_expect_bytes (c, &digest, bytes);
}

const ConformCase conform_end_tests[] = {
  { "C95 the last reference is dropped in a callback", test_dropped_in_callback },
  { "C95 the last reference is dropped with operations pending",
    test_dropped_while_pending },
  { "C95 the last reference is dropped in another thread", test_dropped_in_thread },
  { "C95 stores that are dropped without a close give back what they had open",
    test_dropped_stores },
  { "C95 S5 streams that were dropped give back what they had open",
    test_dropped_streams },
  { "C96 S17 calls in a forked child are CLOSED, and nothing hangs", test_fork },
  CONFORM_CASES_END
};
