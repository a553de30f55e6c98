/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload-again.c: an upload whose commit failed, whose backend fails, or that was
 * saved with more than its bytes; and a blob that is read in two goes. */
#include "keeper.h"

#include <cask/cask-digest.h>
#include <string.h>

static CaskUpload *
again_begin (CaskStore *store, guint64 expected_size, CaskPutFlags flags,
             const char *text)
{
  g_autoptr (GError) error = NULL;
  CaskUpload *upload = cask_store_begin_upload (store, NULL, CASK_ALGORITHM_SHA256,
                                                expected_size, flags, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (upload != NULL &&
                  g_output_stream_write_all (G_OUTPUT_STREAM (upload), text,
                                             strlen (text), NULL, NULL, &error));
  TEST_NO_ERROR (error);
  return upload;
}

static CaskDigest
again_digest (const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  CaskDigest digest;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  return digest;
}

/* After a commit that the backend could not do there is only that commit, or an end. */
static void
test_commit_again (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  CaskDigest right = again_digest ("bytes"), wrong = again_digest ("others"), stored;
  gboolean created = FALSE;
  if (store == NULL)
    return;
  g_autoptr (CaskUpload) upload = again_begin (store, CASK_UNKNOWN, 0, "bytes");
  if (upload == NULL)
    return;
  keeper.failing_commits = 2;
  CU_ASSERT_FALSE (cask_upload_commit (upload, NULL, &stored, &created, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NO_SPACE, "the shelf is full");
  CU_ASSERT_EQUAL (
      g_output_stream_write (G_OUTPUT_STREAM (upload), "more", 4, NULL, &error), -1);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a commit was tried; commit again");
  CU_ASSERT_PTR_NULL (cask_upload_save (upload, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a commit was tried");
  CU_ASSERT_FALSE (cask_upload_commit (upload, &wrong, &stored, &created, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "a commit was tried");
  CU_ASSERT_FALSE (cask_upload_commit (upload, &right, &stored, &created, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NO_SPACE, "the shelf is full");
  CU_ASSERT_TRUE (cask_upload_commit (upload, &right, &stored, &created, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (created);
  CU_ASSERT_TRUE (cask_digest_equal (&stored, &right));
  CU_ASSERT_FALSE (cask_upload_commit (upload, &right, NULL, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "committed or aborted already");
}

/* Saves an upload with that text, and closes it. */
static void
again_leave (CaskStore *store, guint64 expected_size, CaskPutFlags flags,
             const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUpload) upload = again_begin (store, expected_size, flags, text);
  CU_ASSERT_TRUE (upload != NULL && cask_upload_save (upload, NULL, &error) != NULL);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (g_output_stream_close (G_OUTPUT_STREAM (upload), NULL, &error));
  TEST_NO_ERROR (error);
}

static gboolean
again_expire (CaskStore *store, CaskError failure, guint *n_removed, GError **error)
{
  keeper.fails = TRUE;
  keeper.failure = failure;
  return cask_store_expire_uploads (store, G_MAXINT64, n_removed, NULL, error);
}

/* What somebody is at work on, what is gone, damaged or of another version is nobody's
 * failure; what can not be told is. */
static void
test_expire_fails (void)
{
  static const CaskError fine[] = { CASK_ERROR_BUSY, CASK_ERROR_UNSUPPORTED,
                                    CASK_ERROR_NOT_FOUND, CASK_ERROR_CORRUPT };
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint n = 7;
  if (store == NULL)
    return;
  again_leave (store, CASK_UNKNOWN, 0, "bytes");
  for (gsize i = 0; i < G_N_ELEMENTS (fine); i++)
    {
      CU_ASSERT_TRUE (again_expire (store, fine[i], &n, &error));
      TEST_NO_ERROR (error);
      CU_ASSERT_EQUAL (n, 0);
    }
  n = 7;
  CU_ASSERT_FALSE (again_expire (store, CASK_ERROR_IO, &n, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "keeper: it was told to fail");
  CU_ASSERT_EQUAL (n, 0);
  CU_ASSERT_FALSE (again_expire (store, CASK_ERROR_PERMISSION, NULL, NULL));
  CU_ASSERT_EQUAL (keeper.n_lost, 0);
  keeper.fails = FALSE;
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (
      cask_store_expire_uploads (store, G_MAXINT64, &n, cancellable, &error));
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  CU_ASSERT_TRUE (cask_store_expire_uploads (store, G_MAXINT64, &n, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (n, 1);
}

/* What the caller wanted of the commit is saved with the bytes. */
static void
test_resume_replaces (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  if (store == NULL)
    return;
  again_leave (store, 5, CASK_PUT_VERIFY_EXISTING, "bytes");
  g_autoptr (CaskUpload) upload = cask_store_resume_upload (store, "one", NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (upload != NULL &&
                  cask_upload_commit (upload, NULL, NULL, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE ((keeper.commit_flags & CASK_PUT_REPLACE) != 0);
}

static void
test_resume_longer (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = keeper_open ();
  if (store == NULL)
    return;
  again_leave (store, 5, 0, "bytes");
  keeper.offset = 6;
  guint n_lost = keeper.n_lost;
  g_autoptr (CaskUpload) upload = cask_store_resume_upload (store, "one", NULL, &error);
  CU_ASSERT_PTR_NULL (upload);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT,
              "6 bytes of the upload were saved, of 5 announced");
  CU_ASSERT_EQUAL (keeper.n_lost, n_lost + 1);
}

/* Of a blob whose size is not known a part is read first, and the rest of it once the
 * size is allowed. */
#define READ_FIRST (64u << 20)

static void
again_read (const char *config, gsize size, gboolean allowed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);
  CaskDigest digest;
  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  CU_ASSERT_TRUE (cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, 0, &digest, NULL,
                                  NULL, &error));
  TEST_NO_ERROR (error);
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_EQUAL (got != NULL, allowed);
  if (allowed)
    TEST_NO_ERROR (error);
  else
    TEST_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, "more than max-get");
  CU_ASSERT_TRUE (got == NULL || g_bytes_equal (got, bytes));
}

static void
test_two_goes (void)
{
  again_read ("memory:", READ_FIRST, TRUE);
  again_read ("memory:", READ_FIRST + 1, TRUE);
  again_read ("memory:?max-get=67108865", READ_FIRST + 1, TRUE);
  again_read ("memory:?max-get=64MiB", READ_FIRST + 1, FALSE);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C54 C60 a commit that failed may be tried again, and nothing else",
      test_commit_again },
    { "C62 one upload that can not be expired is an error, unless it is somebody's",
      test_expire_fails },
    { "C51 a resumed upload replaces where it was begun so", test_resume_replaces },
    { "C55 more saved than announced is CORRUPT, and removed", test_resume_longer },
    { "S11 a blob larger than the first read is read whole", test_two_goes },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "again", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  int status = test_main (argc, argv, suites);
  keeper_clear ();
  return status;
}
