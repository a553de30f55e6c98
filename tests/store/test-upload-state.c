/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload-state.c: what was saved of an upload comes back whole, damaged, or about
 * other bytes than the backend has.
 *
 * A damaged one is removed; one of another version is kept for that version. */
#include "keeper.h"

#include <cask/cask-digest.h>

#define STATE_BYTES 100001
#define STATE_VERSION_AT 8
#define STATE_CHECKSUM 32

/* A store with an upload of STATE_BYTES, saved and closed. */
static CaskStore *
state_leave (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();

  if (store == NULL)
    return NULL;
  g_autoptr (CaskUpload) upload =
      cask_store_begin_upload (store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                               CASK_PUT_ALL_ALGORITHMS, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (upload != NULL &&
                  g_output_stream_write_all (G_OUTPUT_STREAM (upload),
                                             g_bytes_get_data (bytes, NULL), STATE_BYTES,
                                             NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (upload != NULL && cask_upload_save (upload, NULL, &error) != NULL);
  TEST_NO_ERROR (error);
  /* The close of the store waits for what a drop leaves to the background. */
  cask_store_close (store, NULL, &error);
  TEST_NO_ERROR (error);
  keeper.n_closes = keeper.n_lost = 0;
  return cask_store_open ("keeper", NULL, NULL);
}

static GBytes *
state_bytes (void)
{
  guint8 *data = g_malloc (STATE_BYTES);

  for (guint i = 0; i < STATE_BYTES; i++)
    data[i] = (guint8) (i * 7 + i / 251);
  return g_bytes_new_take (data, STATE_BYTES);
}

/* Resumes and commits with the right digest. Returns: whether both went well */
static gboolean
state_finish (CaskStore *store, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest;
  g_autoptr (CaskUpload) upload = cask_store_resume_upload (store, "one", NULL, &error);

  TEST_NO_ERROR (error);
  if (upload == NULL)
    return FALSE;
  CU_ASSERT_EQUAL (cask_upload_get_offset (upload), g_bytes_get_size (bytes));
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &digest);
  gboolean done = cask_upload_commit (upload, &digest, NULL, NULL, NULL, &error);
  TEST_NO_ERROR (error);
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
  return done;
}

static void
expect_refused (CaskStore *store, GBytes *state, CaskError code)
{
  g_autoptr (GError) error = NULL;
  guint n_closes = keeper.n_closes, n_lost = keeper.n_lost;

  keeper.state = state;
  g_autoptr (CaskUpload) upload = cask_store_resume_upload (store, "one", NULL, &error);
  CU_ASSERT_PTR_NULL (upload);
  TEST_ERROR (error, CASK_ERROR, code, NULL);
  CU_ASSERT_EQUAL (keeper.n_closes, n_closes + 1);
  CU_ASSERT_EQUAL (keeper.n_lost, n_lost + (code == CASK_ERROR_CORRUPT));
  keeper.state = NULL;
}

static GBytes *
state_seal (guint8 *data, gsize size)
{
  CaskDigest checksum;
  g_autoptr (GBytes) body = g_bytes_new (data, size - STATE_CHECKSUM);

  cask_digest_of_bytes (body, CASK_ALGORITHM_SHA256, &checksum);
  memcpy (data + size - STATE_CHECKSUM, checksum.bytes, STATE_CHECKSUM);
  return g_bytes_new (data, size);
}

static void
test_whole (void)
{
  g_autoptr (GBytes) bytes = state_bytes ();
  g_autoptr (CaskStore) store = state_leave (bytes);
  if (store == NULL)
    return;
  CU_ASSERT_TRUE (state_finish (store, bytes));
  CU_ASSERT_EQUAL (keeper.n_read, 0);
}

static void
test_every_bit (void)
{
  g_autoptr (GBytes) bytes = state_bytes ();
  g_autoptr (CaskStore) store = state_leave (bytes);
  if (store == NULL)
    return;
  gsize size;
  const guint8 *saved = g_bytes_get_data (keeper.saved, &size);
  g_autofree guint8 *data = g_memdup2 (saved, size);
  for (gsize bit = 0; bit < size * 8; bit++)
    {
      data[bit / 8] ^= (guint8) (1 << bit % 8);
      g_autoptr (GBytes) flipped = g_bytes_new (data, size);
      expect_refused (store, flipped, CASK_ERROR_CORRUPT);
      data[bit / 8] ^= (guint8) (1 << bit % 8);
    }
  CU_ASSERT_TRUE (state_finish (store, bytes));
}

static void
test_every_length (void)
{
  g_autoptr (GBytes) bytes = state_bytes ();
  g_autoptr (CaskStore) store = state_leave (bytes);
  if (store == NULL)
    return;
  gsize size = g_bytes_get_size (keeper.saved);
  g_autofree guint8 *data = g_malloc0 (1 << 20);
  memcpy (data, g_bytes_get_data (keeper.saved, NULL), size);
  for (gsize length = 0; length < size + 100; length++)
    {
      g_autoptr (GBytes) cut = g_bytes_new (data, length);
      if (length == size)
        continue;
      expect_refused (store, cut, CASK_ERROR_CORRUPT);
      if (length <= STATE_CHECKSUM)
        continue;
      /* Of that length on purpose. */
      g_autofree guint8 *copy = g_memdup2 (data, length);
      g_autoptr (GBytes) sealed = state_seal (copy, length);
      expect_refused (store, sealed, CASK_ERROR_CORRUPT);
    }
  g_autoptr (GBytes) huge = g_bytes_new (data, 1 << 20);
  expect_refused (store, huge, CASK_ERROR_CORRUPT);
  CU_ASSERT_TRUE (state_finish (store, bytes));
}

static void
test_other_version (void)
{
  g_autoptr (GBytes) bytes = state_bytes ();
  g_autoptr (CaskStore) store = state_leave (bytes);
  if (store == NULL)
    return;
  gsize size = g_bytes_get_size (keeper.saved);
  g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (keeper.saved, NULL), size);
  data[STATE_VERSION_AT]++;
  g_autoptr (GBytes) newer = state_seal (data, size);
  expect_refused (store, newer, CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_TRUE (state_finish (store, bytes));
}

/* The backend has more, or fewer, bytes than were hashed: they are hashed again. */
static void
test_other_offset (void)
{
  static const gsize sizes[] = { 0, 1, 64, 70000, STATE_BYTES - 1, STATE_BYTES + 5000 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) bytes = state_bytes ();
      g_autoptr (CaskStore) store = state_leave (bytes);
      if (store == NULL)
        return;
      guint before = keeper.bytes->len;
      g_byte_array_set_size (keeper.bytes, (guint) sizes[i]);
      if (sizes[i] > before)
        memset (keeper.bytes->data + before, 'x', sizes[i] - before);
      g_autoptr (GBytes) there = g_bytes_new (keeper.bytes->data, sizes[i]);
      CU_ASSERT_TRUE (state_finish (store, there));
      CU_ASSERT_EQUAL (keeper.n_read, sizes[i]);
    }
}

/* It says it has bytes, and has none to show. */
static void
test_nothing_to_read (void)
{
  g_autoptr (GBytes) bytes = state_bytes ();
  g_autoptr (CaskStore) store = state_leave (bytes);
  if (store == NULL)
    return;
  keeper.offset = STATE_BYTES / 2;
  keeper.reads_nothing = TRUE;
  expect_refused (store, NULL, CASK_ERROR_CORRUPT);
}

/* keeper lists its upload as one of 1970: only the state knows when it was saved. */
static void
test_time_of_save (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = state_bytes ();
  gint64 before = g_get_real_time ();
  g_autoptr (CaskStore) store = state_leave (bytes);
  guint n_removed = G_MAXUINT;
  if (store == NULL)
    return;
  CU_ASSERT_TRUE (cask_store_expire_uploads (store, before, &n_removed, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (n_removed, 0);
  CU_ASSERT_EQUAL (keeper.n_lost, 0);
  CU_ASSERT_TRUE (
      cask_store_expire_uploads (store, G_MAXINT64, &n_removed, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (n_removed, 1);
  CU_ASSERT_EQUAL (keeper.n_lost, 1);
}

/* An id that the core would not take back is not given to anybody. */
static void
test_bad_id (void)
{
  static const char *const bad[] = { "", "../x", "a b", "x/y", "\xff" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskStore) store = keeper_open ();
      if (store == NULL)
        return;
      keeper.id = bad[i];
      g_autoptr (CaskUpload) upload = cask_store_begin_upload (
          store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);
      CU_ASSERT_PTR_NULL (cask_upload_save (upload, NULL, &error));
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, NULL);
      g_autoptr (CaskUpload) other =
          cask_store_resume_upload (store, bad[i], NULL, &error);
      CU_ASSERT_PTR_NULL (other);
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
      CU_ASSERT_EQUAL (keeper.n_resumes, 0);
      cask_store_close (store, NULL, NULL);
    }
}

/* Of any digest and size. NULL after a failed assertion. */
static CaskUpload *
keeper_begin (CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  CaskUpload *upload = cask_store_begin_upload (store, NULL, CASK_ALGORITHM_SHA256,
                                                CASK_UNKNOWN, 0, NULL, &error);
  TEST_NO_ERROR (error);
  return upload;
}

/* Cancelled between two chunks: what was taken is said, and the upload goes on. */
static void
test_write_cancelled (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gsize size = 2000000;
  g_autofree char *data = g_malloc0 (size);
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = keeper_begin (store);
  if (upload == NULL)
    return;
  keeper.cancels = cancellable;
  gssize n =
      g_output_stream_write (G_OUTPUT_STREAM (upload), data, size, cancellable, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (n > 0 && (gsize) n < size);
  CU_ASSERT_EQUAL (cask_upload_get_offset (upload), (guint64) n);
  CU_ASSERT_TRUE (g_output_stream_write_all (G_OUTPUT_STREAM (upload), data,
                                             size - (gsize) n, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_upload_commit (upload, NULL, NULL, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (keeper.bytes->len, size);
}

/* Cancelled in the midst of a chunk: nobody knows how much of it is written. */
static void
test_write_given_up (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gsize size = 2000000;
  g_autofree char *data = g_malloc0 (size);
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = keeper_begin (store);
  if (upload == NULL)
    return;
  GOutputStream *stream = G_OUTPUT_STREAM (upload);
  keeper.cancels = cancellable;
  keeper.fails_cancelled = TRUE;
  CU_ASSERT_EQUAL (g_output_stream_write (stream, data, size, cancellable, &error), -1);
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  CU_ASSERT_EQUAL (g_output_stream_write (stream, data, 1, NULL, &error), -1);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a write has failed");
  CU_ASSERT_PTR_NULL (cask_upload_save (upload, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a write has failed");
  CU_ASSERT_FALSE (cask_upload_commit (upload, NULL, NULL, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a write has failed");
  CU_ASSERT_TRUE (cask_upload_abort (upload, NULL, &error));
  TEST_NO_ERROR (error);
}

/* Cancelled while the last bytes are handed on, a commit may be tried again. */
static void
test_commit_cancelled (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = keeper_begin (store);
  if (upload == NULL)
    return;
  CU_ASSERT_TRUE (g_output_stream_write_all (G_OUTPUT_STREAM (upload), "bytes", 5, NULL,
                                             NULL, &error));
  TEST_NO_ERROR (error);
  keeper.cancels = cancellable;
  keeper.fails_cancelled = TRUE;
  if (!cask_upload_commit (upload, NULL, NULL, NULL, cancellable, &error))
    {
      TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
      CU_ASSERT_TRUE (cask_upload_commit (upload, NULL, NULL, NULL, NULL, &error));
    }
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (keeper.bytes->len, 5);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C53 a whole state goes on without reading a byte", test_whole },
    { "any flipped bit of a state is CORRUPT", test_every_bit },
    { "a state of any other length is CORRUPT", test_every_length },
    { "a state of another version is UNSUPPORTED", test_other_version },
    { "a state about other bytes than are there: they are hashed again",
      test_other_offset },
    { "bytes that cannot be hashed again are CORRUPT", test_nothing_to_read },
    { "C62 what counts as stale is told by the state", test_time_of_save },
    { "C58 an id that is none is neither given out nor asked for", test_bad_id },
    { "C68 a write that is cancelled says what it took, and the upload goes on",
      test_write_cancelled },
    { "C68 after a write that is cancelled in the midst of a chunk only the abort is "
      "left",
      test_write_given_up },
    { "C68 a commit that is cancelled on its way may be tried again",
      test_commit_cancelled },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "saved states", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  int status = test_main (argc, argv, suites);
  keeper_clear ();
  return status;
}
