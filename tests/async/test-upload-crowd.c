/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload-crowd.c: so many uploads at once that what each may have in memory would be
 * too much for all: they get by with less, and lose nothing by it. */
#include "pump-fixture.h"
#include "upload-stream-private.h"

#define CROWD 400
#define CROWD_BYTES (250 * 1024)
#define CROWD_PIECE (10 * 1024)
#define CROWD_PIECES (CROWD_BYTES / CROWD_PIECE)

static GBytes *
crowd_bytes (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 2654435761u >> 13);
  return g_bytes_new_take (data, size);
}

/* Holds all the chunks that there are before memory is short. */
static void
crowd_take_all (guint8 **buffers)
{
  CU_ASSERT_FALSE (cask_upload_buffers_are_short ());
  for (guint i = 0; i < CASK_UPLOAD_PLENTY; i++)
    buffers[i] = cask_upload_buffer_new ();
  CU_ASSERT_TRUE (cask_upload_buffers_are_short ());
}

static void
crowd_give_all (guint8 **buffers)
{
  for (guint i = 0; i < CASK_UPLOAD_PLENTY; i++)
    cask_upload_buffer_free (buffers[i]);
  CU_ASSERT_FALSE (cask_upload_buffers_are_short ());
}

static CaskUpload *
crowd_begin (CaskStore *store, guint64 expected_size)
{
  g_autoptr (GError) error = NULL;
  CaskUpload *upload = cask_store_begin_upload (store, NULL, CASK_ALGORITHM_SHA256,
                                                expected_size, 0, NULL, &error);
  TEST_NO_ERROR (error);
  return upload;
}

static void
crowd_commit (CaskUpload *upload, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (cask_upload_commit (upload, &digest, NULL, NULL, NULL, &error));
  TEST_NO_ERROR (error);
}

/* Each gets a little, in turns, as from so many clients; then all are silent. */
static void
test_idle (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) uploads = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  g_autoptr (GBytes) bytes = crowd_bytes (CROWD_BYTES);
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  guint64 held = 0;
  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  for (guint i = 0; i < CROWD; i++)
    g_ptr_array_add (uploads, crowd_begin (store, i % 2 ? CASK_UNKNOWN : CROWD_BYTES));
  for (guint piece = 0; piece < CROWD_PIECES; piece++)
    for (guint i = 0; i < CROWD && error == NULL; i++)
      g_output_stream_write_all (uploads->pdata[i], data + piece * CROWD_PIECE,
                                 CROWD_PIECE, NULL, NULL, &error);
  TEST_NO_ERROR (error);
  for (guint i = 0; i < CROWD; i++)
    held += CASK_UPLOAD (uploads->pdata[i])->engine->chunk.capacity;
  CU_ASSERT (held <= CASK_UPLOAD_PLENTY * CASK_UPLOAD_CHUNK +
                         (CROWD - CASK_UPLOAD_PLENTY) * CASK_UPLOAD_CHUNK_SHORT);
  for (guint i = 0; i < CROWD; i++)
    crowd_commit (uploads->pdata[i], bytes);
  CU_ASSERT_FALSE (cask_upload_buffers_are_short ());
}

/* What was gathered and is given up is no longer held. */
static void
test_given_up (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  g_autoptr (GBytes) bytes = crowd_bytes (CROWD_BYTES);
  TEST_NO_ERROR (error);
  for (guint i = 0; store != NULL && i <= CASK_UPLOAD_PLENTY; i++)
    {
      g_autoptr (CaskUpload) upload = crowd_begin (store, CROWD_BYTES);
      CU_ASSERT_TRUE (g_output_stream_write_all (G_OUTPUT_STREAM (upload),
                                                 g_bytes_get_data (bytes, NULL),
                                                 CROWD_BYTES / 2, NULL, NULL, &error));
      if (i % 2 == 0)
        CU_ASSERT_TRUE (cask_upload_abort (upload, NULL, &error));
      TEST_NO_ERROR (error);
    }
  if (store != NULL)
    cask_uploads_wait_dropped (store, NULL);
  CU_ASSERT_FALSE (cask_upload_buffers_are_short ());
}

/* Who has brought all that was announced, and is silent, holds no more than that. */
static void
test_announced (void)
{
  static const gsize sizes[] = { 0, 1, 30000, CASK_UPLOAD_CHUNK_SHORT };
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  TEST_NO_ERROR (error);
  for (gsize i = 0; store != NULL && i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) bytes = crowd_bytes (sizes[i]);
      g_autoptr (CaskUpload) upload = crowd_begin (store, sizes[i]);
      g_autoptr (GInputStream) source = g_memory_input_stream_new_from_bytes (bytes);
      CU_ASSERT_EQUAL (g_output_stream_splice (G_OUTPUT_STREAM (upload), source,
                                               G_OUTPUT_STREAM_SPLICE_NONE, NULL, &error),
                       (gssize) sizes[i]);
      TEST_NO_ERROR (error);
      CU_ASSERT_EQUAL (upload->engine->chunk.capacity, sizes[i]);
      crowd_commit (upload, bytes);
    }
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  g_set_object ((GAsyncResult **) data, result);
}

/* While one chunk is written no other is filled, and none waits to be hashed. */
static void
test_one_at_a_time (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  guint8 *buffers[CASK_UPLOAD_PLENTY];
  g_autoptr (CaskStore) store = gate_store ("gate(memory:)", TRUE, FALSE);
  g_autoptr (Source) source = source_new (9 * CHUNK + 77);
  if (store == NULL)
    return;
  crowd_take_all (buffers);
  g_autoptr (CaskUpload) upload = crowd_begin (store, CASK_UNKNOWN);
  g_output_stream_splice_async (G_OUTPUT_STREAM (upload), G_INPUT_STREAM (source),
                                G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT, NULL,
                                keep_result, &result);
  gate_wait_begun ();
  while (g_main_context_iteration (NULL, FALSE))
    ;
  CU_ASSERT_EQUAL (source->given, CASK_UPLOAD_CHUNK_SHORT);
  gate_set (FALSE, FALSE);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  CU_ASSERT_EQUAL (
      g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), result, &error),
      9 * CHUNK + 77);
  TEST_NO_ERROR (error);
  crowd_commit (upload, source->bytes);
  /* No other thread was ever asked to hash. */
  CU_ASSERT_PTR_NULL (upload->engine->chunk.job.lane);
  crowd_give_all (buffers);
}

/* What was begun while there was plenty goes on, and the other way round. */
static void
test_between (void)
{
  g_autoptr (GError) error = NULL;
  guint8 *buffers[CASK_UPLOAD_PLENTY];
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  g_autoptr (GBytes) bytes = crowd_bytes (8 * CROWD_BYTES);
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = crowd_begin (store, CASK_UNKNOWN);
  for (guint i = 0; i < 8; i++)
    {
      if (i % 2 == 1)
        crowd_take_all (buffers);
      CU_ASSERT_TRUE (g_output_stream_write_all (G_OUTPUT_STREAM (upload),
                                                 data + i * CROWD_BYTES, CROWD_BYTES,
                                                 NULL, NULL, &error));
      TEST_NO_ERROR (error);
      if (i % 2 == 1)
        crowd_give_all (buffers);
    }
  crowd_commit (upload, bytes);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "S11 of a crowd of silent uploads each holds 64 KiB, but for 128 of them",
      test_idle },
    { "S11 an upload that is given up with a chunk half full gives it back",
      test_given_up },
    { "S11 to look for the end of a source takes no memory", test_announced },
    { "S11 where memory is short an upload has one chunk at a time", test_one_at_a_time },
    { "C18 nothing is lost where memory gets short, and plenty again", test_between },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "a crowd of uploads", .pInitFunc = gate_register, .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
