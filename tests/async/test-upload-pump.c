/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload-pump.c: a stream that is spliced from a main loop faster than the backend
 * writes, so that chunks are set aside: what becomes of them where a write fails, or the
 * splice is cancelled. */
#include "pump-fixture.h"

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  g_set_object ((GAsyncResult **) data, result);
}

static gboolean
waited_too_long (gpointer source)
{
  CU_FAIL ("the source is waited for");
  source_let_go (source);
  return G_SOURCE_REMOVE;
}

static void
wait_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* Puts it from a main loop. Returns: whether that went well */
static gboolean
put_source (CaskStore *store, Source *source, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cask_store_put_stream_async (store, NULL, CASK_ALGORITHM_SHA256,
                               G_INPUT_STREAM (source), CASK_UNKNOWN, 0,
                               G_PRIORITY_DEFAULT, NULL, keep_result, &result);
  wait_result (&result);
  return cask_store_put_stream_finish (store, result, NULL, NULL, error);
}

static void
expect_empty (CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskListPage) page = cask_store_list (store, NULL, 0, NULL, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (page != NULL && cask_list_page_get_length (page) == 0);
}

static void
test_failed_write (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = gate_store ("gate(memory:)", FALSE, TRUE);
  g_autoptr (Source) source = source_new (CHUNK + 1);
  if (store == NULL)
    return;
  source->is_silent = TRUE;
  guint late = g_timeout_add_seconds (20, waited_too_long, source);
  CU_ASSERT_FALSE (put_source (store, source, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NO_SPACE, "the gate is shut");
  CU_ASSERT_EQUAL (source->given, CHUNK + 1);
  if (g_main_context_find_source_by_id (NULL, late) != NULL)
    g_source_remove (late);
  expect_empty (store);
}

static void
test_wordless_failure (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = gate_store ("gate(memory:)", FALSE, FALSE);
  g_autoptr (Source) source = source_new (3 * CHUNK + 1);
  if (store == NULL)
    return;
  source->fails = TRUE;
  CU_ASSERT_FALSE (put_source (store, source, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "did not say why");
  expect_empty (store);
  source->given = 0;
  g_clear_error (&error);
  CU_ASSERT_FALSE (cask_store_put_stream (store, NULL, CASK_ALGORITHM_SHA256,
                                          G_INPUT_STREAM (source), CASK_UNKNOWN,
                                          CASK_PUT_NONE, NULL, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "did not say why");
  expect_empty (store);
}

/* Splices until chunks are aside, and one is being written for as long as the gate holds.
 */
static void
splice_until_aside (CaskUpload *upload, Source *source, GCancellable *cancellable,
                    GAsyncResult **result)
{
  g_output_stream_splice_async (G_OUTPUT_STREAM (upload), G_INPUT_STREAM (source),
                                G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT,
                                cancellable, keep_result, result);
  while (source->given < 4 * CHUNK)
    g_main_context_iteration (NULL, TRUE);
  gate_wait_begun ();
}

/* How the upload is gone on with. */
typedef enum
{
  GO_ON_SPLICE,
  GO_ON_WRITE,
  GO_ON_SAVE,
  GO_ON_DROP,
  N_GO_ON
} GoOn;

static void
go_on (CaskUpload *upload, Source *source, GoOn how)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  gsize size, n;
  const guint8 *data = g_bytes_get_data (source->bytes, &size);

  if (how == GO_ON_SAVE)
    {
      CU_ASSERT_PTR_NOT_NULL (cask_upload_save (upload, NULL, &error));
      TEST_NO_ERROR (error);
    }
  if (how != GO_ON_SPLICE)
    {
      CU_ASSERT_TRUE (g_output_stream_write_all (G_OUTPUT_STREAM (upload),
                                                 data + source->given,
                                                 size - source->given, &n, NULL, &error));
      TEST_NO_ERROR (error);
      return;
    }
  g_output_stream_splice_async (G_OUTPUT_STREAM (upload), G_INPUT_STREAM (source),
                                G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT, NULL,
                                keep_result, &result);
  wait_result (&result);
  CU_ASSERT_TRUE (
      g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), result, &error) >= 0);
  TEST_NO_ERROR (error);
}

static void
expect_committed (CaskStore *store, CaskUpload *upload, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest, stored;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (cask_upload_commit (upload, NULL, &stored, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_digest_equal (&stored, &digest));
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
}

static void
cancel_and_go_on (GoOn how)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (CaskStore) store = gate_store ("gate(memory:)", TRUE, FALSE);
  g_autoptr (Source) source = source_new (9 * CHUNK + 77);
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  TEST_NO_ERROR (error);
  if (upload == NULL)
    return;
  splice_until_aside (upload, source, cancellable, &result);
  g_cancellable_cancel (cancellable);
  gate_set (FALSE, FALSE);
  wait_result (&result);
  CU_ASSERT_TRUE (
      g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), result, &error) < 0);
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  CU_ASSERT_EQUAL (cask_upload_get_offset (upload), source->given);
  CU_ASSERT_EQUAL (gate.n_begun, 1);
  if (how == GO_ON_DROP)
    return;
  go_on (upload, source, how);
  expect_committed (store, upload, source->bytes);
}

static void
test_cancelled (void)
{
  for (guint how = 0; how < N_GO_ON; how++)
    cancel_and_go_on ((GoOn) how);
}

/* A host cancels from within its loop, and the stream calls back in the midst of it. */
static void
test_cancelled_within (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (CaskStore) store = gate_store ("gate(memory:)", FALSE, FALSE);
  g_autoptr (Source) source = source_new (1000);
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  TEST_NO_ERROR (error);
  if (upload == NULL)
    return;
  source->is_silent = TRUE;
  g_output_stream_splice_async (G_OUTPUT_STREAM (upload), G_INPUT_STREAM (source),
                                G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT,
                                cancellable, keep_result, &result);
  CU_ASSERT_PTR_NOT_NULL (source->callback);
  g_cancellable_cancel (cancellable);
  wait_result (&result);
  CU_ASSERT_TRUE (
      g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), result, &error) < 0);
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  expect_committed (store, upload, source->bytes);
}

/* With one thread, and a stream that is faster than the writes, nothing else would have
 * its turn before the end. */
static void
test_gives_way (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) spliced = NULL, put = NULL;
  g_autoptr (CaskStore) store = gate_store ("gate?threads=1(memory:)", TRUE, FALSE);
  g_autoptr (Source) source = source_new (12 * CHUNK);
  g_autoptr (GBytes) other = g_bytes_new_static ("other", 5);
  CaskDigest digest;
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  TEST_NO_ERROR (error);
  if (upload == NULL)
    return;
  splice_until_aside (upload, source, NULL, &spliced);
  cask_digest_of_bytes (other, CASK_ALGORITHM_SHA256, &digest);
  cask_store_put_async (store, &digest, other, 0, G_PRIORITY_DEFAULT, NULL, keep_result,
                        &put);
  gate_set (FALSE, FALSE);
  wait_result (&put);
  CU_ASSERT_TRUE (cask_store_put_finish (store, put, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (gate.n_before_put, 1);
  wait_result (&spliced);
  CU_ASSERT_EQUAL (
      g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), spliced, &error),
      12 * CHUNK);
  TEST_NO_ERROR (error);
  expect_committed (store, upload, source->bytes);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C17 a write that fails does not wait for a silent stream", test_failed_write },
    { "C17 a stream that fails without a word is an IO error", test_wordless_failure },
    { "C70 what was set aside as it was cancelled goes with the next write",
      test_cancelled },
    { "C70 a stream may call back as it is cancelled", test_cancelled_within },
    { "C70 a stream gives way to others that wait for a thread", test_gives_way },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { "chunks set aside", gate_register, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL
  };

  return test_main (argc, argv, suites);
}
