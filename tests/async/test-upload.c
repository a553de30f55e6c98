/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload.c: uploads from a main loop: one call at a time, each with one callback in
 * the caller's context. */
#include <cask/cask.h>

#include "test-support.h"

#define SIZE 900000

typedef struct
{
  GMainContext *context;
  GThread *thread;
  GAsyncResult *result;
  guint n_calls, n_elsewhere;
} Wait;

static void
wait_begin (Wait *wait)
{
  *wait = (Wait){ .context = g_main_context_new (), .thread = g_thread_self () };
  g_main_context_push_thread_default (wait->context);
}

static void
wait_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;
  (void) source;
  wait->n_calls++;
  wait->n_elsewhere += wait->thread != g_thread_self () ||
                       g_main_context_get_thread_default () != wait->context;
  g_set_object (&wait->result, result);
}

static GAsyncResult *
wait_result (Wait *wait)
{
  while (wait->result == NULL)
    g_main_context_iteration (wait->context, TRUE);
  return wait->result;
}

static void
wait_end (Wait *wait)
{
  while (g_main_context_iteration (wait->context, FALSE))
    ;
  CU_ASSERT_EQUAL (wait->n_calls, 1);
  CU_ASSERT_EQUAL (wait->n_elsewhere, 0);
  g_clear_object (&wait->result);
  g_main_context_pop_thread_default (wait->context);
  g_main_context_unref (wait->context);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wait, wait_end)

static GBytes *
some_bytes (void)
{
  guint8 *data = g_malloc (SIZE);

  for (guint i = 0; i < SIZE; i++)
    data[i] = (guint8) (i * 13 + i / 255);
  return g_bytes_new_take (data, SIZE);
}

static CaskUpload *
begin (CaskStore **store)
{
  g_autoptr (GError) error = NULL;

  *store = cask_store_open ("memory:", NULL, &error);
  TEST_NO_ERROR (error);
  if (*store == NULL)
    return NULL;
  CaskUpload *upload = cask_store_begin_upload (*store, NULL, CASK_ALGORITHM_SHA256,
                                                CASK_UNKNOWN, 0, NULL, &error);
  TEST_NO_ERROR (error);
  return upload;
}

static void
expect_stored (CaskStore *store, CaskUpload *upload, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest, stored;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (cask_upload_commit (upload, NULL, &stored, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_digest_equal (&stored, &digest));
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
}

static void
expect_pending (gboolean success, GError **error)
{
  CU_ASSERT_FALSE (success);
  TEST_ERROR (*error, G_IO_ERROR, G_IO_ERROR_PENDING, NULL);
}

/* While a write has not been finished, nothing else begins; and it is not disturbed. */
static void
test_pending (void)
{
  static const gsize sizes[] = { 1, SIZE };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) e = NULL;
      g_autoptr (GBytes) all = some_bytes ();
      g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (all, 0, sizes[i]);
      g_autoptr (CaskStore) store = NULL;
      g_autoptr (CaskUpload) upload = begin (&store);
      if (upload == NULL)
        return;
      {
        g_auto (Wait) wait = { 0 };
        wait_begin (&wait);
        g_output_stream_write_all_async (G_OUTPUT_STREAM (upload),
                                         g_bytes_get_data (bytes, NULL), sizes[i], 0,
                                         NULL, wait_done, &wait);
        expect_pending (
            g_output_stream_write (G_OUTPUT_STREAM (upload), "x", 1, NULL, &e) >= 0, &e);
        expect_pending (cask_upload_commit (upload, NULL, NULL, NULL, NULL, &e), &e);
        expect_pending (cask_upload_save (upload, NULL, &e) != NULL, &e);
        expect_pending (cask_upload_abort (upload, NULL, &e), &e);
        CU_ASSERT_TRUE (g_output_stream_write_all_finish (G_OUTPUT_STREAM (upload),
                                                          wait_result (&wait), NULL, &e));
        TEST_NO_ERROR (e);
      }
      expect_stored (store, upload, bytes);
    }
}

/* While a commit is under way it is the only one; once it has been, all is over. */
static void
expect_pending_or_over (gboolean success, GError **error)
{
  CU_ASSERT_FALSE (success);
  CU_ASSERT_TRUE (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_PENDING) ||
                  g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
                  g_error_matches (*error, CASK_ERROR, CASK_ERROR_CLOSED));
  g_clear_error (error);
}

static void
test_pending_commit (void)
{
  g_autoptr (GError) e = NULL;
  g_autoptr (GBytes) bytes = some_bytes ();
  g_autoptr (CaskStore) store = NULL;
  g_autoptr (CaskUpload) upload = begin (&store);
  CaskDigest digest, stored;
  if (upload == NULL)
    return;
  CU_ASSERT_TRUE (g_output_stream_write_all (
      G_OUTPUT_STREAM (upload), g_bytes_get_data (bytes, NULL), SIZE, NULL, NULL, &e));
  g_auto (Wait) wait = { 0 }, second = { 0 };
  wait_begin (&wait);
  cask_upload_commit_async (upload, NULL, 0, NULL, wait_done, &wait);
  expect_pending_or_over (
      g_output_stream_write (G_OUTPUT_STREAM (upload), "x", 1, NULL, &e) >= 0, &e);
  expect_pending_or_over (cask_upload_commit (upload, NULL, NULL, NULL, NULL, &e), &e);
  wait_begin (&second);
  cask_upload_commit_async (upload, NULL, 0, NULL, wait_done, &second);
  expect_pending_or_over (
      cask_upload_commit_finish (upload, wait_result (&second), NULL, NULL, &e), &e);
  CU_ASSERT_TRUE (
      cask_upload_commit_finish (upload, wait_result (&wait), &stored, NULL, &e));
  TEST_NO_ERROR (e);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (cask_digest_equal (&stored, &digest));
}

static void
test_splice_async (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = some_bytes ();
  g_autoptr (GInputStream) source = g_memory_input_stream_new_from_bytes (bytes);
  g_autoptr (CaskStore) store = NULL;
  g_autoptr (CaskUpload) upload = begin (&store);
  if (upload == NULL)
    return;
  {
    g_auto (Wait) wait = { 0 };
    wait_begin (&wait);
    g_output_stream_splice_async (G_OUTPUT_STREAM (upload), source,
                                  G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE |
                                      G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                  0, NULL, wait_done, &wait);
    CU_ASSERT_EQUAL (g_output_stream_splice_finish (G_OUTPUT_STREAM (upload),
                                                    wait_result (&wait), &error),
                     SIZE);
    TEST_NO_ERROR (error);
  }
  CU_ASSERT_TRUE (g_input_stream_is_closed (source));
  expect_stored (store, upload, bytes);
}

/* Dropped with a write under way: it is finished, then given up. */
static void
test_dropped_while_writing (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = some_bytes ();
  g_autoptr (CaskStore) store = NULL;
  g_autoptr (CaskUpload) upload = begin (&store);
  gpointer weak = upload;
  if (upload == NULL)
    return;
  g_object_add_weak_pointer (G_OBJECT (upload), &weak);
  {
    g_auto (Wait) wait = { 0 };
    wait_begin (&wait);
    GOutputStream *stream = G_OUTPUT_STREAM (upload);
    g_output_stream_write_all_async (stream, g_bytes_get_data (bytes, NULL), SIZE, 0,
                                     NULL, wait_done, &wait);
    g_clear_object (&upload);
    CU_ASSERT_TRUE (
        g_output_stream_write_all_finish (stream, wait_result (&wait), NULL, &error));
    TEST_NO_ERROR (error);
  }
  CU_ASSERT_PTR_NULL (weak);
  g_autoptr (CaskListPage) page = cask_store_list (store, NULL, 0, NULL, &error);
  CU_ASSERT_TRUE (page != NULL && cask_list_page_get_length (page) == 0);
}

static gpointer
watch_id (gpointer upload)
{
  const char *id;

  while ((id = cask_upload_get_id (upload)) == NULL)
    g_thread_yield ();
  return (gpointer) id;
}

/* Under ThreadSanitizer (preset `tsan`) also: without a race. */
static void
test_id_from_elsewhere (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = NULL;
  g_autoptr (CaskUpload) upload = begin (&store);
  if (upload == NULL)
    return;
  GThread *thread = g_thread_try_new ("watch", watch_id, upload, &error);
  TEST_NO_ERROR (error);
  const char *id = cask_upload_save (upload, NULL, &error);
  TEST_NO_ERROR (error);
  if (id != NULL)
    CU_ASSERT_PTR_EQUAL (g_thread_join (thread), id);
  CU_ASSERT_PTR_NOT_NULL (id);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C70 while a write is under way other calls are PENDING", test_pending },
    { "C70 while a commit is under way nothing else is done", test_pending_commit },
    { "C70 a stream is spliced from a main loop", test_splice_async },
    { "C70 the id is asked for by another thread while a save is under way",
      test_id_from_elsewhere },
    { "C95 an upload is dropped with a write under way", test_dropped_while_writing },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "uploads from a main loop", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
