/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload-source.c: streams that do what no stream should, spliced into an upload. */
#include <cask/cask.h>

#include "test-support.h"

/* A stream of `size` bytes, which may lie about how many it has read, and may call back
 * before its asynchronous read has returned. */
typedef struct
{
  GInputStream parent;
  gsize left;
  gboolean lies, calls_at_once;
} OddStream;
typedef GInputStreamClass OddStreamClass;

GType odd_stream_get_type (void);
G_DEFINE_TYPE (OddStream, odd_stream, G_TYPE_INPUT_STREAM)

static gssize
odd_stream_read (GInputStream *stream, void *buffer, gsize count,
                 GCancellable *cancellable, GError **error)
{
  OddStream *self = (OddStream *) stream;
  gsize n = MIN (count, self->left);
  (void) cancellable;
  (void) error;

  if (self->calls_at_once)
    n = MIN (n, 1);
  memset (buffer, 'x', n);
  self->left -= n;
  return (gssize) (self->lies ? n + 100000 : n);
}

static void
odd_stream_read_async (GInputStream *stream, void *buffer, gsize count, int io_priority,
                       GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, NULL, NULL);
  (void) io_priority;

  g_task_return_int (task, odd_stream_read (stream, buffer, count, NULL, NULL));
  callback (G_OBJECT (stream), G_ASYNC_RESULT (task), user_data);
}

static gssize
odd_stream_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  (void) stream;
  return g_task_propagate_int (G_TASK (result), error);
}

static void
odd_stream_class_init (OddStreamClass *klass)
{
  klass->read_fn = odd_stream_read;
  klass->read_async = odd_stream_read_async;
  klass->read_finish = odd_stream_read_finish;
}

static void
odd_stream_init (OddStream *self)
{
  (void) self;
}

static GInputStream *
odd_stream_new (gsize size, gboolean lies, gboolean calls_at_once)
{
  OddStream *stream = g_object_new (odd_stream_get_type (), NULL);

  stream->left = size;
  stream->lies = lies;
  stream->calls_at_once = calls_at_once;
  return G_INPUT_STREAM (stream);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  g_set_object ((GAsyncResult **) data, result);
}

/* Puts the stream asynchronously. Returns: whether that went well */
static gboolean
put_from_loop (CaskStore *store, GInputStream *stream, guint64 size, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cask_store_put_stream_async (store, NULL, CASK_ALGORITHM_SHA256, stream, size, 0,
                               G_PRIORITY_DEFAULT, NULL, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
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
test_lies (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  g_autoptr (GInputStream) first = odd_stream_new (50000, TRUE, FALSE);
  g_autoptr (GInputStream) second = odd_stream_new (50000, TRUE, FALSE);
  g_autoptr (GInputStream) third = odd_stream_new (50000, TRUE, FALSE);

  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  CU_ASSERT_FALSE (cask_store_put_stream (store, NULL, CASK_ALGORITHM_SHA256, first,
                                          CASK_UNKNOWN, 0, NULL, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "more than were asked for");
  CU_ASSERT_FALSE (put_from_loop (store, second, CASK_UNKNOWN, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "more than were asked for");
  /* There is room for all that it says, but not so much was announced. */
  CU_ASSERT_FALSE (put_from_loop (store, third, 120000, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "more than were asked for");
  expect_empty (store);
}

/* What was counted of a stream that lied is nothing that may be committed. */
static void
test_no_commit_after_lie (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  g_autoptr (GInputStream) stream = odd_stream_new (50000, TRUE, FALSE);

  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (g_output_stream_splice (G_OUTPUT_STREAM (upload), stream,
                                          G_OUTPUT_STREAM_SPLICE_NONE, NULL, &error) < 0);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, NULL);
  CU_ASSERT_FALSE (cask_upload_commit (upload, NULL, NULL, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a write has failed");
  expect_empty (store);
}

/* Deep as the stack is, it would not hold a frame for each byte. */
static void
test_calls_at_once (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  gsize size = 400000;
  g_autoptr (GInputStream) stream = odd_stream_new (size, FALSE, TRUE);
  g_autoptr (GInputStream) longer = odd_stream_new (size + 1, FALSE, TRUE);
  g_autofree char *text = g_malloc (size);
  CaskBlobInfo info = { 0 };
  CaskDigest digest;

  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  memset (text, 'x', size);
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, size);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_FALSE (put_from_loop (store, longer, size, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, "more than");
  expect_empty (store);
  CU_ASSERT_TRUE (put_from_loop (store, stream, CASK_UNKNOWN, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_store_stat (store, &digest, &info, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (info.size, size);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C17 a stream that says too much is an IO error", test_lies },
    { "C60 after a stream that says too much there is no commit",
      test_no_commit_after_lie },
    { "C18 a stream that calls back at once is read in a loop", test_calls_at_once },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "odd streams", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
