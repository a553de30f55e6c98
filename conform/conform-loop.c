/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-loop.c: callbacks: once, in the right context, whatever is done within them.
 *
 * That a callback comes once, never before its _async has returned, and in the thread of
 * its context, is checked in every test that goes through conform_async_calls too. */
#include "conform-case.h"

/* Every operation, kept until its callback has come. */
typedef struct
{
  Conform *c;
  GMainContext *context; /* that must be the one */
  GThread *thread;
  CaskDigest there, absent;
  GBytes *bytes;
  guint n_started, n_done, n_wrong;
} Loop;

static void
loop_begin (Loop *loop, Conform *c, GMainContext *context)
{
  g_autoptr (GBytes) other = conform_bytes (131, 100000);

  loop->c = c;
  loop->context = context;
  loop->thread = g_thread_self ();
  loop->bytes = conform_bytes (130, 2000);
  loop->there = conform_put (c, loop->bytes, NULL);
  loop->absent = conform_digest (other);
}

static void
loop_count (Loop *loop)
{
  loop->n_done++;
  if (loop->thread != g_thread_self () ||
      (loop->context != NULL && !g_main_context_is_owner (loop->context)))
    loop->n_wrong++;
}

static void
loop_done (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  (void) result;
  loop_count (data);
}

/* One of each kind: what is answered at once, and what needs a thread. */
static void
loop_start_all (Loop *loop, GCancellable *cancellable)
{
  CaskStore *store = loop->c->store;

  cask_store_get_async (store, &loop->there, 0, cancellable, loop_done, loop);
  cask_store_get_async (store, &loop->absent, 0, cancellable, loop_done, loop);
  cask_store_get_range_async (store, &loop->there, 5, 10, 0, cancellable, loop_done,
                              loop);
  cask_store_stat_async (store, &loop->there, 0, cancellable, loop_done, loop);
  cask_store_contains_async (store, &loop->absent, 0, cancellable, loop_done, loop);
  cask_store_list_async (store, NULL, 0, 0, cancellable, loop_done, loop);
  cask_store_put_async (store, &loop->there, loop->bytes, 0, 0, cancellable, loop_done,
                        loop);
  cask_store_put_async (store, &loop->absent, loop->bytes, 0, 0, cancellable, loop_done,
                        loop);
  cask_store_add_async (store, loop->bytes, CASK_ALGORITHM_SHA512, 0, 0, cancellable,
                        loop_done, loop);
  cask_store_touch_async (store, &loop->there, 0, cancellable, loop_done, loop);
  cask_store_delete_async (store, &loop->absent, 0, cancellable, loop_done, loop);
  cask_store_delete_unused_async (store, &loop->there, 0, 0, cancellable, loop_done,
                                  loop);
  cask_store_verify_async (store, &loop->there, 0, cancellable, loop_done, loop);
  cask_store_flush_async (store, 0, cancellable, loop_done, loop);
  cask_store_usage_async (store, 0, cancellable, loop_done, loop);
  cask_store_open_async ("no-such-backend:", 0, cancellable, loop_done, loop);
  loop->n_started += 16;
}

static void
loop_end (Loop *loop)
{
  while (g_main_context_iteration (loop->context, FALSE))
    ;
  CONFORM_EQUAL (loop->n_done, loop->n_started);
  CONFORM_EQUAL (loop->n_wrong, 0);
  g_bytes_unref (loop->bytes);
}

static void
test_private_context (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Loop loop = { 0 };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  loop_begin (&loop, c, context);
  g_main_context_push_thread_default (context);
  loop_start_all (&loop, NULL);
  g_cancellable_cancel (cancelled);
  loop_start_all (&loop, cancelled);
  g_main_context_pop_thread_default (context);
  CONFORM_EQUAL (loop.n_done, 0);
  /* The default context is not the one that was default for the thread. */
  gint64 end = g_get_monotonic_time () + 50000;
  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  CONFORM_EQUAL (loop.n_done, 0);
  while (loop.n_done < loop.n_started)
    g_main_context_iteration (context, TRUE);
  loop_end (&loop);
}

static void
test_default_context (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Loop loop = { 0 };
  loop_begin (&loop, c, NULL);
  for (guint i = 0; i < 20; i++)
    loop_start_all (&loop, NULL);
  CONFORM_EQUAL (loop.n_done, 0);
  while (loop.n_done < loop.n_started)
    g_main_context_iteration (NULL, TRUE);
  loop_end (&loop);
}

static void
test_no_callback (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (132, 10);
  CaskDigest digest = conform_digest (bytes);
  for (guint i = 0; i < 50; i++)
    {
      cask_store_put_async (c->store, &digest, bytes, 0, 0, NULL, NULL, NULL);
      cask_store_get_async (c->store, &digest, 0, NULL, NULL, NULL);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* ---- A loop in a callback ---- */

#define NESTED_DEPTH 12

typedef struct
{
  Loop loop;
  guint depth;
} Nested;

static void
nested_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Nested *nested = data;
  (void) source;
  (void) result;

  loop_count (&nested->loop);
  if (nested->depth == NESTED_DEPTH)
    return;
  nested->depth++;
  guint awaited = nested->loop.n_done + 3;
  nested->loop.n_started += 3;
  cask_store_list_async (nested->loop.c->store, NULL, 0, 0, NULL, loop_done, nested);
  cask_store_stat_async (nested->loop.c->store, &nested->loop.absent, 0, NULL,
                         nested_done, nested);
  cask_store_put_async (nested->loop.c->store, &nested->loop.there, nested->loop.bytes, 0,
                        0, NULL, nested_done, nested);
  while (nested->loop.n_done < awaited)
    g_main_context_iteration (nested->loop.context, TRUE);
}

static void
test_nested_loop (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Nested nested = { 0 };
  g_autoptr (GMainContext) context = g_main_context_new ();
  loop_begin (&nested.loop, c, context);
  g_main_context_push_thread_default (context);
  /* Many that are ready at once, of which the first waits for the last. */
  for (guint i = 0; i < 30; i++)
    cask_store_stat_async (c->store, &nested.loop.absent, 0, NULL, nested_done, &nested);
  nested.loop.n_started = 30;
  while (nested.loop.n_done < nested.loop.n_started)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  loop_end (&nested.loop);
  CONFORM_EQUAL (nested.depth, NESTED_DEPTH);
}

/* ---- Contexts that come and go ---- */

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (directory != NULL && g_dir_read_name (directory) != NULL)
    n++;
  return n;
}

static void
test_short_lived_contexts (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (133, 500);
  CaskDigest digest = conform_put (c, bytes, NULL);
  guint before = 0;
  for (guint i = 0; i < 10100; i++)
    {
      gboolean present = FALSE;
      g_autoptr (CaskListPage) page = NULL;
      /* What is opened once is open now: each context has a descriptor of its own. */
      if (i == 100)
        before = count_entries ("/proc/self/fd");
      if (i % 2 == 0)
        conform_async_calls.contains (c->store, &digest, &present, NULL, NULL);
      else
        page = conform_async_calls.list (c->store, NULL, 1, NULL, NULL);
      CONFORM_TRUE (present || page != NULL);
    }
  CONFORM_EQUAL (count_entries ("/proc/self/fd"), before);
  CONFORM_TRUE (count_entries ("/proc/self/task") < 300);
}

/* ---- Cancelling late ---- */

typedef struct
{
  GCancellable *cancellable;
  GAsyncResult *result;
} Late;

static void
late_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Late *late = data;
  (void) source;
  g_cancellable_cancel (late->cancellable);
  late->result = g_object_ref (result);
}

static GAsyncResult *
late_wait (Late *late)
{
  while (late->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  CONFORM_TRUE (g_cancellable_is_cancelled (late->cancellable));
  g_cancellable_reset (late->cancellable);
  g_cancellable_cancel (late->cancellable);
  return g_steal_pointer (&late->result);
}

static void
test_cancel_in_callback (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (134, 5000);
  CaskDigest digest = conform_digest (bytes);
  CaskBlobInfo info = { 0 };
  gboolean flag = FALSE;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Late late = { .cancellable = cancellable };

  cask_store_put_async (c->store, &digest, bytes, 0, 0, cancellable, late_done, &late);
  g_autoptr (GAsyncResult) put = late_wait (&late);
  CONFORM_TRUE (cask_store_put_finish (c->store, put, &flag, &error) && flag);
  g_cancellable_reset (cancellable);
  cask_store_get_async (c->store, &digest, 0, cancellable, late_done, &late);
  g_autoptr (GAsyncResult) get = late_wait (&late);
  g_autoptr (GBytes) got = cask_store_get_finish (c->store, get, &error);
  CONFORM_BYTES (got, bytes, "get");
  g_cancellable_reset (cancellable);
  cask_store_stat_async (c->store, &digest, 0, cancellable, late_done, &late);
  g_autoptr (GAsyncResult) stat = late_wait (&late);
  CONFORM_TRUE (cask_store_stat_finish (c->store, stat, &info, &error));
  g_cancellable_reset (cancellable);
  cask_store_list_async (c->store, NULL, 0, 0, cancellable, late_done, &late);
  g_autoptr (GAsyncResult) list = late_wait (&late);
  g_autoptr (CaskListPage) page = cask_store_list_finish (c->store, list, &error);
  CONFORM_NOT_NULL (page);
  g_cancellable_reset (cancellable);
  cask_store_delete_async (c->store, &digest, 0, cancellable, late_done, &late);
  g_autoptr (GAsyncResult) deletion = late_wait (&late);
  CONFORM_TRUE (cask_store_delete_finish (c->store, deletion, &flag, &error) && flag);
  CONFORM_NO_ERROR (error);
  conform_expect_absent (c, &digest);
}

const ConformCase conform_loop_tests[] = {
  { "C70 with a private context callbacks come there, once", test_private_context },
  { "C70 without one they come in the default context, once", test_default_context },
  { "C70 an operation without a callback is done all the same", test_no_callback },
  { "C92 a loop in a callback awaits other operations", test_nested_loop },
  { "C93 10,000 short-lived contexts leave nothing behind", test_short_lived_contexts },
  { "C94 a cancel in the callback or before _finish changes no result",
    test_cancel_in_callback },
  CONFORM_CASES_END
};
