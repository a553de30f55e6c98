/* SPDX-License-Identifier: Apache-2.0
 *
 * test-input-stream.c: which calls of a stream need a thread, which wait for one, and
 * what becomes of streams that are dropped.
 *
 * A store of one thread is hung by a job of the test's own in its lane: what then needs a
 * thread does not end until the test lets go. */
#include "hang.h"
#include "pieces.h"
#include "store-private.h"

#define STREAM_SIZE 600000

typedef struct
{
  guint n_done;
  gssize count;
  GError *error;
} Outcome;

static void
on_read (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->count =
      g_input_stream_read_finish (G_INPUT_STREAM (source), result, &outcome->error);
}

static void
on_skip (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->count =
      g_input_stream_skip_finish (G_INPUT_STREAM (source), result, &outcome->error);
}

static void
on_close (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  outcome->n_done++;
  outcome->count =
      g_input_stream_close_finish (G_INPUT_STREAM (source), result, &outcome->error);
}

static void
wait_for (const Outcome *outcome, guint n)
{
  while (outcome->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

static void
drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* What is in the buffer, a skip within what was hashed, and the end need no thread. */
static void
test_no_thread (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?threads=1&verify=always", STREAM_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  GInputStream *input = (GInputStream *) (gpointer) stream;
  g_autofree guint8 *buffer = g_malloc (STREAM_SIZE);
  Outcome outcome = { 0 };
  Hang hang;
  if (stream == NULL)
    return;
  pieces_expect (stream, 1000);
  hang_begin (&hang, store);
  g_input_stream_read_async (input, buffer, 5000, 0, NULL, on_read, &outcome);
  CU_ASSERT_EQUAL (outcome.n_done, 0);
  wait_for (&outcome, 1);
  CU_ASSERT_EQUAL (outcome.count, 5000);
  CU_ASSERT_EQUAL (memcmp (buffer,
                           (const guint8 *) g_bytes_get_data (pieces_bytes, NULL) + 1000,
                           5000),
                   0);
  g_input_stream_skip_async (input, 200000, 0, NULL, on_skip, &outcome);
  wait_for (&outcome, 2);
  CU_ASSERT_EQUAL (outcome.count, 200000);
  g_seekable_seek (G_SEEKABLE (stream), 0, G_SEEK_END, NULL, NULL);
  g_input_stream_read_async (input, buffer, 5000, 0, NULL, on_read, &outcome);
  wait_for (&outcome, 3);
  CU_ASSERT_EQUAL (outcome.count, 0);

  /* More than the buffer has waits for the thread. */
  g_seekable_seek (G_SEEKABLE (stream), 206000, G_SEEK_SET, NULL, NULL);
  g_input_stream_read_async (input, buffer, 100000, 0, NULL, on_read, &outcome);
  drain ();
  CU_ASSERT_EQUAL (outcome.n_done, 3);
  hang_end (&hang);
  wait_for (&outcome, 4);
  CU_ASSERT_EQUAL (outcome.count, 100000);
  TEST_NO_ERROR (outcome.error);
}

static void
test_cancel_queued (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?threads=1&verify=always", STREAM_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint8 buffer[10];
  Outcome outcome = { 0 };
  Hang hang;
  if (stream == NULL)
    return;
  hang_begin (&hang, store);
  g_input_stream_read_async (G_INPUT_STREAM (stream), buffer, 10, 0, cancellable, on_read,
                             &outcome);
  g_cancellable_cancel (cancellable);
  wait_for (&outcome, 1);
  CU_ASSERT_EQUAL (outcome.count, -1);
  TEST_ERROR (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  hang_end (&hang);
  CU_ASSERT_EQUAL (pieces.n_reads, 0);
  pieces_expect (stream, STREAM_SIZE);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (stream));
}

/* Within the backend; seeks are refused meanwhile. */
static void
test_cancel_running (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = pieces_open ("?verify=always", STREAM_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  guint8 buffer[10];
  if (stream == NULL)
    return;
  pieces_expect (stream, 300000);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Outcome outcome = { 0 };
      pieces.hangs = TRUE;
      if (i == 0)
        g_input_stream_read_async (G_INPUT_STREAM (stream), buffer, 10, 0, cancellable,
                                   on_read, &outcome);
      else
        g_input_stream_skip_async (G_INPUT_STREAM (stream), 10, 0, cancellable, on_skip,
                                   &outcome);
      while (g_atomic_int_get (&pieces.n_hanging) == (gint) i)
        g_thread_yield ();
      CU_ASSERT_FALSE (
          g_seekable_seek (G_SEEKABLE (stream), 0, G_SEEK_SET, NULL, &error));
      TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_PENDING, NULL);
      CU_ASSERT_EQUAL (outcome.n_done, 0);
      g_cancellable_cancel (cancellable);
      wait_for (&outcome, 1);
      CU_ASSERT_EQUAL (outcome.count, -1);
      TEST_ERROR (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
      CU_ASSERT_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), 300000);
    }
  pieces.hangs = FALSE;
  pieces_expect (stream, 300000);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (stream));
}

/* ---- The end ---- */

static void
test_close_async (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?threads=1", STREAM_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  Outcome outcome = { 0 };
  Hang hang;
  if (stream == NULL)
    return;
  g_cancellable_cancel (cancelled);
  hang_begin (&hang, store);
  g_input_stream_close_async (G_INPUT_STREAM (stream), 0, cancelled, on_close, &outcome);
  drain ();
  CU_ASSERT_EQUAL (outcome.n_done, 0);
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_handles), 1);
  hang_end (&hang);
  wait_for (&outcome, 1);
  CU_ASSERT_TRUE (outcome.count);
  TEST_NO_ERROR (outcome.error);
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_handles), 0);
}

/* Dropping waits for nothing, and closes all the same. */
static void
test_dropped (void)
{
  CaskStore *store = pieces_open ("?threads=1", STREAM_SIZE);
  CaskInputStream *stream = store != NULL ? pieces_stream (store) : NULL;
  Hang hang;
  if (stream == NULL)
    return;
  hang_begin (&hang, store);
  g_object_unref (store);
  g_object_unref (stream);
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_handles), 1);
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_closed), 0);
  hang_end (&hang);
  pieces_wait_closed ();
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_closed), 1);
}

/* Nobody reads by a stream that was dropped, so a close does not leave the backend to it:
 * who closes a store may unmount what it was on. */
static void
test_dropped_before_close (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (CaskStore) store = pieces_open ("?threads=1", STREAM_SIZE);
      if (store == NULL)
        return;
      for (guint k = 0; k < 3; k++)
        g_object_unref (pieces_stream (store));
      CU_ASSERT_TRUE (cask_store_close (store, NULL, NULL));
      CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_handles), 0);
      CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_closed), 1);
    }
}

/* The last of a closed store's streams closes the backend. */
static void
test_closed_store (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?verify=always", STREAM_SIZE);
  if (store == NULL)
    return;
  CaskInputStream *closed = pieces_stream (store), *dropped = pieces_stream (store);
  CU_ASSERT_TRUE (cask_store_close (store, NULL, NULL));
  pieces_expect (closed, STREAM_SIZE);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (closed));
  CU_ASSERT_TRUE (g_input_stream_close (G_INPUT_STREAM (closed), NULL, NULL));
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_closed), 0);
  g_object_unref (closed);
  pieces_expect (dropped, STREAM_SIZE);
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_closed), 0);
  g_object_unref (dropped);
  pieces_wait_closed ();
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_closed), 1);
}

/* A stream that was opened for a callback that does not take it. */
static void
test_not_taken (void)
{
  CaskStore *store = pieces_open ("", STREAM_SIZE);
  if (store == NULL)
    return;
  cask_store_open_blob_async (store, &pieces_digest, 0, NULL, NULL, NULL);
  g_object_unref (store);
  /* The store lives until the stream has come and gone. */
  while (g_atomic_int_get (&pieces.n_closed) == 0)
    g_main_context_iteration (NULL, FALSE);
  CU_ASSERT_EQUAL (pieces.n_opened, 1);
  pieces_wait_closed ();
}

int
main (int argc, char **argv)
{
  CU_TestInfo stream[] = {
    { "what is in the buffer is read without a thread", test_no_thread },
    { "a queued read is cancelled at once", test_cancel_queued },
    { "a running read or skip is cancelled, and the position stays",
      test_cancel_running },
    { "close_async closes in the pool, cancelled or not", test_close_async },
    { "C95 a stream that is dropped is closed in the background", test_dropped },
    { "a close waits for the streams that were dropped", test_dropped_before_close },
    { "the last stream of a closed store closes the backend", test_closed_store },
    { "a stream that nobody takes is closed", test_not_taken },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { .pName = "input stream", .pTests = stream },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
