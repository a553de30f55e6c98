/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-commit.c: what a commit accepts and refuses, and what it makes visible,
 * and when. */
#include "conform-upload.h"

#define COMMIT_TICK 30000 /* usec; more than a tick of the kernel's coarse clock */

/* A commit that says DIGEST_MISMATCH and gives no digests: it is about the size. */
static void
expect_wrong_size (gboolean success, GError **error)
{
  CaskDigest expected, actual;

  CONFORM_FALSE (success);
  CONFORM_FALSE (*error != NULL && cask_error_get_digests (*error, &expected, &actual));
  CONFORM_ERROR (*error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
}

static void
expect_mismatch (Conform *c, CaskUpload *upload, const CaskDigest *given,
                 const CaskDigest *wrong, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  CaskDigest truth, expected, actual, untouched, stored;

  cask_digest_of_bytes (bytes, wrong->algorithm, &truth);
  memset (&stored, 0x5a, sizeof stored);
  untouched = stored;
  CONFORM_FALSE (
      upload_calls (c)->commit (upload, given, &stored, &created, NULL, &error));
  CONFORM_FALSE (created);
  CONFORM_DIGEST (&stored, &untouched);
  CONFORM_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
  CONFORM_DIGEST (&expected, wrong);
  CONFORM_DIGEST (&actual, &truth);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
}

static void
test_wrong_then_right (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (320, 600000);
  CaskDigest right = conform_digest (bytes), wrong = right;
  UploadTrace before = upload_trace (c);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  if (upload == NULL)
    return;
  wrong.bytes[31] ^= 1;
  for (guint round = 0; round < 3; round++)
    {
      expect_mismatch (c, upload, &wrong, &wrong, bytes);
      conform_expect_absent (c, &wrong);
      conform_expect_absent (c, &right);
    }
  CONFORM_TRUE (upload_commit (c, upload, &right, bytes));
  g_clear_object (&upload);
  CONFORM_TRUE (c->calls->remove (c->store, &right, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  upload_expect_trace (c, &before);
}

/* The digest of the begin is the one expected where a commit names none; the commit's
 * goes before it. */
static void
test_wrong_at_begin (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (321, 1000);
  CaskDigest right = conform_digest (bytes), wrong = right;
  wrong.bytes[0] ^= 0x80;
  g_autoptr (CaskUpload) upload = upload_calls (c)->begin (
      c->store, &wrong, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  expect_mismatch (c, upload, NULL, &wrong, bytes);
  conform_expect_absent (c, &right);
  CONFORM_TRUE (upload_commit (c, upload, &right, bytes));
}

static void
test_wrong_leaves_existing (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) there = conform_bytes (322, 3000);
  g_autoptr (GBytes) other = conform_bytes (323, 3000);
  CaskDigest digest = conform_put (c, there, NULL);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, other);
  if (upload == NULL)
    return;
  expect_mismatch (c, upload, &digest, &digest, other);
  conform_expect_bytes (c, &digest, there);
}

static void
test_wrong_size (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  const UploadCalls *calls = upload_calls (c);
  static const gsize sizes[] = { 1000, 700000 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gsize size = sizes[i];
      g_autoptr (GBytes) bytes = conform_bytes (324, size);
      CaskDigest digest = conform_digest (bytes);
      g_autofree guint8 *longer = g_malloc0 (size + 1);
      g_autoptr (CaskUpload) upload = calls->begin (c->store, NULL, CASK_ALGORITHM_SHA256,
                                                    size, CASK_PUT_NONE, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (upload == NULL)
        return;
      CONFORM_EQUAL (cask_upload_get_expected_size (upload), size);
      expect_wrong_size (calls->commit (upload, NULL, NULL, NULL, NULL, &error), &error);
      CONFORM_EQUAL (g_output_stream_write (G_OUTPUT_STREAM (upload), longer, size + 1,
                                            NULL, &error),
                     -1);
      expect_wrong_size (FALSE, &error);
      CONFORM_EQUAL (cask_upload_get_offset (upload), 0);
      if (!upload_write_part (c, upload, bytes, 0, size - 1))
        return;
      expect_wrong_size (calls->commit (upload, &digest, NULL, NULL, NULL, &error),
                         &error);
      expect_wrong_size (calls->write (upload, longer, 2, NULL, &error), &error);
      conform_expect_absent (c, &digest);
      if (!upload_write_part (c, upload, bytes, size - 1, size))
        return;
      expect_wrong_size (calls->write (upload, longer, 1, NULL, &error), &error);
      CONFORM_TRUE (upload_commit (c, upload, &digest, bytes));
    }
}

static void
test_closed_too_short (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (325, 50);
  CaskDigest digest = conform_digest (bytes);
  UploadTrace before = upload_trace (c);
  g_autoptr (CaskUpload) upload = upload_calls (c)->begin (
      c->store, NULL, CASK_ALGORITHM_SHA256, 51, CASK_PUT_NONE, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  CONFORM_TRUE (upload_calls (c)->end (upload, NULL, &error));
  CONFORM_NO_ERROR (error);
  for (guint round = 0; round < 2; round++)
    expect_wrong_size (
        upload_calls (c)->commit (upload, &digest, NULL, NULL, NULL, &error), &error);
  g_clear_object (&upload);
  upload_expect_trace (c, &before);
}

static void
test_existing (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (326, 400000);
  conform_put (c, bytes, NULL);
  UploadTrace before = upload_trace (c);
  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
      CONFORM_TRUE (upload != NULL && !upload_commit (c, upload, NULL, bytes));
    }
  upload_expect_trace (c, &before);
}

/* Two uploads of one blob, open at once. */
static void
test_side_by_side (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (327, 600000);
  g_autoptr (CaskUpload) first = upload_begin (c);
  g_autoptr (CaskUpload) second = upload_begin (c);
  if (first == NULL || second == NULL)
    return;
  for (gsize at = 0; at < 600000; at += 100000)
    if (!upload_write_part (c, first, bytes, at, at + 100000) ||
        !upload_write_part (c, second, bytes, at, at + 100000))
      return;
  CONFORM_TRUE (upload_commit (c, second, NULL, bytes));
  CONFORM_FALSE (upload_commit (c, first, NULL, bytes));
}

static void
expect_over (Conform *c, CaskUpload *upload)
{
  g_autoptr (GError) error = NULL;
  const UploadCalls *calls = upload_calls (c);

  CONFORM_FALSE (calls->write (upload, "x", 1, NULL, &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CLOSED, NULL);
  CONFORM_FALSE (calls->commit (upload, NULL, NULL, NULL, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
  CONFORM_NULL (calls->save (upload, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
  /* Whatever an abort says now, it takes nothing back. */
  calls->abort (upload, NULL, &error);
}

static void
test_over (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (328, 2000);
  CaskDigest digest = conform_digest (bytes);
  g_autoptr (CaskUpload) aborted = upload_begin_with (c, bytes);
  g_autoptr (CaskUpload) committed = upload_begin_with (c, bytes);
  if (aborted == NULL || committed == NULL)
    return;
  CONFORM_TRUE (upload_calls (c)->abort (aborted, NULL, &error));
  CONFORM_NO_ERROR (error);
  expect_over (c, aborted);
  conform_expect_absent (c, &digest);
  CONFORM_TRUE (upload_commit (c, committed, NULL, bytes));
  expect_over (c, committed);
  conform_expect_bytes (c, &digest, bytes);
}

/* What is there at the begin may be gone at the commit, which looks again. */
static void
test_gone_meanwhile (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (328, 400000);
  CaskDigest digest = conform_put (c, bytes, NULL);
  gboolean existed = FALSE;
  g_autoptr (CaskUpload) upload =
      upload_calls (c)->begin (c->store, &digest, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                               CASK_PUT_NONE, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  CONFORM_TRUE (c->calls->remove (c->store, &digest, &existed, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (existed);
  CONFORM_TRUE (upload_commit (c, upload, &digest, bytes));
}

/* The last of what was written is handed to the backend with a commit, also with one that
 * is refused: from then on no write is to come that could renew a time. */
static gboolean
commit_refused (Conform *c, CaskUpload *upload, GBytes *bytes)
{
  CaskDigest wrong = conform_digest (bytes);

  if (upload == NULL)
    return FALSE;
  wrong.bytes[0] ^= 1;
  expect_mismatch (c, upload, &wrong, &wrong, bytes);
  return TRUE;
}

/* S16: an upload's time is its commit's. */
static void
expect_time_of_commit (Conform *c, CaskUpload *upload, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };

  conform_let_time_pass (2 * COMMIT_TICK);
  gint64 before = g_get_real_time ();
  if (upload == NULL || !CONFORM_TRUE (upload_commit (c, upload, NULL, bytes)))
    return;
  CaskDigest digest = conform_digest (bytes);
  CONFORM_TRUE (c->calls->stat (c->store, &digest, &info, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (info.mtime_usec >= before - COMMIT_TICK);
  CONFORM_TRUE (info.mtime_usec <= g_get_real_time () + COMMIT_TICK);
}

static void
test_time_of_commit (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (329, 400000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  if (commit_refused (c, upload, bytes))
    expect_time_of_commit (c, upload, bytes);
}

static void
test_time_of_resumed (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_RESUME);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (337, 400000);
  g_autofree char *id = upload_leave (c, bytes);
  g_autoptr (CaskUpload) upload = id != NULL ? upload_resume (c, id) : NULL;
  expect_time_of_commit (c, upload, bytes);
}

/* ---- Digests ---- */

static void
test_all_algorithms (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint named = CASK_ALGORITHM_SHA256; named <= CASK_ALGORITHM_SHA512; named++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = conform_bytes (330 + named, 500000);
      CaskDigest digests[3], told;
      g_autoptr (CaskUpload) upload =
          upload_calls (c)->begin (c->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                                   CASK_PUT_ALL_ALGORITHMS, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (upload == NULL || !upload_write (c, upload, bytes))
        return;
      for (guint i = CASK_ALGORITHM_SHA256; i <= CASK_ALGORITHM_SHA512; i++)
        cask_digest_of_bytes (bytes, i, &digests[i]);
      upload_commit (c, upload, &digests[named], bytes);
      for (guint i = CASK_ALGORITHM_SHA256; i <= CASK_ALGORITHM_SHA512; i++)
        {
          CONFORM_TRUE (cask_upload_get_digest (upload, i, &told));
          CONFORM_DIGEST (&told, &digests[i]);
        }
      /* One name, one blob. */
      conform_expect_absent (c, &digests[3 - named]);
    }
}

static void
test_all_algorithms_wrong (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (335, 5000);
  CaskDigest wrong;
  g_autoptr (CaskUpload) upload =
      upload_calls (c)->begin (c->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                               CASK_PUT_ALL_ALGORITHMS, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &wrong);
  wrong.bytes[63] ^= 1;
  expect_mismatch (c, upload, &wrong, &wrong, bytes);
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

static void
test_other_algorithm (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (336, 5000);
  CaskDigest other, told, garbage;
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  if (upload == NULL)
    return;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &other);
  CONFORM_FALSE (upload_calls (c)->commit (upload, &other, NULL, NULL, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
  memset (&garbage, 0xee, sizeof garbage);
  CONFORM_FALSE (upload_calls (c)->commit (upload, &garbage, NULL, NULL, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
  CONFORM_FALSE (cask_upload_get_digest (upload, CASK_ALGORITHM_SHA512, &told));
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
  CONFORM_FALSE (cask_upload_get_digest (upload, CASK_ALGORITHM_SHA512, &told));
}

static void
test_bad_begin (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  static const guint unknown[] = { 0, 3, 255 };
  UploadTrace before = upload_trace (c);
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;
      CaskDigest digest = { .algorithm = (guint8) unknown[i] };
      g_autoptr (CaskUpload) upload = upload_calls (c)->begin (
          c->store, NULL, (CaskAlgorithm) unknown[i], CASK_UNKNOWN, 0, NULL, &error);
      CONFORM_NULL (upload);
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
      g_autoptr (CaskUpload) named = upload_calls (c)->begin (
          c->store, &digest, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
      CONFORM_NULL (named);
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
    }
  upload_expect_trace (c, &before);
}

const ConformCase conform_upload_commit_tests[] = {
  { "C54 a commit with a wrong digest, then with the right one", test_wrong_then_right },
  { "C54 a wrong digest at the begin, then the right one", test_wrong_at_begin },
  { "C14 C54 a wrong digest leaves the blob of that name alone",
    test_wrong_leaves_existing },
  { "C55 C15 C16 a size other than announced, then the right one", test_wrong_size },
  { "C55 C15 a closed upload that is too short cannot be committed",
    test_closed_too_short },
  { "C59 a commit of what is there already is not created", test_existing },
  { "C59 two uploads of one blob side by side: one is created", test_side_by_side },
  { "C59 a commit of what was there at the begin, and is gone, is created",
    test_gone_meanwhile },
  { "C60 after a commit or an abort an upload is closed", test_over },
  { "C20 S16 the time of a blob is its commit's", test_time_of_commit },
  { "C20 S16 the time of a blob is its commit's, not its save's", test_time_of_resumed },
  { "both algorithms at once: either may be the name", test_all_algorithms },
  { "both algorithms at once: a wrong one is DIGEST_MISMATCH",
    test_all_algorithms_wrong },
  { "C21 S2 a commit by what was not hashed is INVALID_DIGEST", test_other_algorithm },
  { "C21 S2 an upload by an unknown algorithm is INVALID_DIGEST", test_bad_begin },
  CONFORM_CASES_END
};
