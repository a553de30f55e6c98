/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-resume.c: saved, left, and gone on with: in the same store, in another
 * one, in another process after a crash.
 *
 * An upload is resumed at what was saved last, whatever was written to it afterwards. */
#include "conform-upload.h"

#include <stdio.h>
#include <stdlib.h>

#define NEEDS (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_RESUME)

/* Resumes, finds itself at the offset, writes the rest and commits. */
static void
resume_and_finish (Conform *c, const char *id, gsize offset, GBytes *bytes)
{
  g_autoptr (CaskUpload) upload = upload_resume (c, id);

  if (upload == NULL)
    return;
  CONFORM_EQUAL (cask_upload_get_offset (upload), offset);
  if (cask_upload_get_offset (upload) != offset ||
      !upload_write_part (c, upload, bytes, offset, g_bytes_get_size (bytes)))
    return;
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
  g_clear_object (&upload);
  upload_expect_no_resume (c, id, CASK_ERROR_NOT_FOUND);
}

static void
test_resume (void)
{
  static const gsize offsets[] = { 0, 1, 63, 64, 127, 128, 129, 262143, 262144, 700000 };
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  UploadTrace before = upload_trace (c);
  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = conform_bytes (340 + i, 700000);
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, offsets[i]);
      CaskDigest digest = conform_digest (bytes);
      g_autofree char *id = upload_leave (c, part);
      conform_expect_absent (c, &digest);
      resume_and_finish (c, id, offsets[i], bytes);
      CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
      CONFORM_NO_ERROR (error);
    }
  upload_expect_trace (c, &before);
}

static void
test_resume_after_close (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (351, 900000);
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, 500001);
  g_autofree char *id = upload_leave (c, part);
  if (!upload_reopen (c))
    return;
  resume_and_finish (c, id, 500001, bytes);
}

/* Saved at once, as an upload protocol needs, then again and again. */
static void
test_saved_often (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (352, 50000);
  g_autoptr (CaskUpload) upload = upload_begin (c);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  for (gsize at = 0; at < 50000 && id != NULL; at += 10000)
    {
      if (!upload_write_part (c, upload, bytes, at, at + 10000))
        return;
      for (guint round = 0; round < 2; round++)
        {
          g_autofree char *again = upload_save (c, upload);
          CONFORM_TRUE (g_strcmp0 (again, id) == 0);
        }
    }
  if (upload == NULL)
    return;
  upload_drop (c, &upload);
  resume_and_finish (c, id, 50000, bytes);
}

/* Resumed, saved, left, resumed: a piece in each life, and another size each time. */
static void
test_many_lives (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (353, 800000);
  g_autoptr (GBytes) none = g_bytes_new (NULL, 0);
  g_autofree char *id = upload_leave (c, none);
  gsize at = 0;
  for (gsize step = 1; at + step < 600000; step = step * 3 + 5)
    {
      g_autoptr (CaskUpload) upload = upload_resume (c, id);
      if (upload == NULL || !upload_write_part (c, upload, bytes, at, at + step))
        return;
      at += step;
      g_autofree char *again = upload_save (c, upload);
      CONFORM_TRUE (g_strcmp0 (again, id) == 0);
      upload_drop (c, &upload);
    }
  resume_and_finish (c, id, at, bytes);
}

/* What was written after the save is not part of it, whether it was little or much; and
 * nothing of it is left in what follows. */
static void
test_written_after_save (void)
{
  static const gsize more[] = { 1, 1000, 262144, 1000000 };
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (more); i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (354 + i, 400000);
      g_autoptr (GBytes) other = conform_bytes (359, more[i]);
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, 300000);
      g_autoptr (CaskUpload) upload = upload_begin_with (c, part);
      g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
      if (id == NULL || !upload_write (c, upload, other))
        return;
      upload_drop (c, &upload);
      resume_and_finish (c, id, 300000, bytes);
    }
}

/* Digest, size, algorithm and flags are saved as well. */
static void
test_resume_keeps_its_terms (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (360, 3000);
  CaskDigest digest, other, told;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &digest);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &other);
  CaskDigest wrong = digest;
  wrong.bytes[5] ^= 4;
  g_autoptr (CaskUpload) upload =
      upload_calls (c)->begin (c->store, &wrong, CASK_ALGORITHM_SHA512, 3000,
                               CASK_PUT_ALL_ALGORITHMS, NULL, &error);
  CONFORM_NO_ERROR (error);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  if (upload == NULL)
    return;
  upload_drop (c, &upload);
  upload = upload_resume (c, id);
  if (upload == NULL)
    return;
  CONFORM_EQUAL (cask_upload_get_expected_size (upload), 3000);
  CONFORM_FALSE (upload_calls (c)->commit (upload, NULL, NULL, NULL, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  if (!upload_write (c, upload, bytes))
    return;
  CONFORM_FALSE (upload_calls (c)->write (upload, "x", 1, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  CONFORM_FALSE (upload_calls (c)->commit (upload, NULL, NULL, NULL, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  CONFORM_TRUE (upload_commit (c, upload, &digest, bytes));
  CONFORM_TRUE (cask_upload_get_digest (upload, CASK_ALGORITHM_SHA256, &told));
  CONFORM_DIGEST (&told, &other);
}

/* After a resume as before: a wrong digest, then the right one. */
static void
test_wrong_then_right (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (361, 400000);
  CaskDigest wrong = conform_digest (bytes), digest = wrong, expected, actual;
  wrong.bytes[16] ^= 1;
  g_autofree char *id = upload_leave (c, bytes);
  g_autoptr (CaskUpload) upload = upload_resume (c, id);
  if (upload == NULL)
    return;
  CONFORM_FALSE (upload_calls (c)->commit (upload, &wrong, NULL, NULL, NULL, &error));
  CONFORM_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
  CONFORM_DIGEST (&actual, &digest);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  upload_drop (c, &upload);
  /* The failed commit has taken nothing from what was saved. */
  resume_and_finish (c, id, 400000, bytes);
}

/* ---- Without reading again ---- */

/* Bytes that this process has read by system calls. FALSE where the kernel does not say.
 */
static gboolean
count_read (guint64 *count)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/io", &text, NULL, NULL))
    return FALSE;
  const char *field = strstr (text, "rchar: ");
  *count = field != NULL ? strtoull (field + strlen ("rchar: "), NULL, 10) : 0;
  return field != NULL;
}

#define LARGE ((gsize) 64 << 20)

static void
test_not_read_again (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_auto (Victim) victim = conform_put_victim (c, 362, 1000);
  guint64 before, after;
  if (!conform_is_in_file (c, &victim) || !count_read (&before))
    {
      conform_skip ("what it reads can not be counted");
      return;
    }
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (363, LARGE);
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, LARGE - 1);
  CaskDigest digest = conform_digest (bytes), stored;
  g_autofree char *id = upload_leave (c, part);
  if (id == NULL || !upload_reopen (c))
    return;
  count_read (&before);
  g_autoptr (CaskUpload) upload = upload_resume (c, id);
  if (upload == NULL || !upload_write_part (c, upload, bytes, LARGE - 1, LARGE))
    return;
  CONFORM_TRUE (upload_calls (c)->commit (upload, &digest, &stored, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  count_read (&after);
  CONFORM_TRUE (after - before < LARGE / 16);
  conform_expect_bytes (c, &digest, bytes);
}

/* ---- Two processes ---- */

static void
test_resume_after_kill (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  g_autoptr (Child) child = c != NULL ? conform_child_new (c) : NULL;
  if (child == NULL)
    return;
  if (!(c->capabilities & CASK_CAPABILITY_SHARED))
    {
      conform_skip ("it does not announce SHARED");
      return;
    }
  g_autoptr (GBytes) bytes = conform_bytes (364, 800000);
  conform_child_send (child, "upload 364 800000 600000");
  g_autofree char *id = conform_child_receive (child);
  upload_expect_no_resume (c, id, CASK_ERROR_BUSY);
  conform_child_kill (child);
  resume_and_finish (c, id, 600000, bytes);
}

static void
test_resume_in_child (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  g_autoptr (Child) child = c != NULL ? conform_child_new (c) : NULL;
  if (child == NULL)
    return;
  if (!(c->capabilities & CASK_CAPABILITY_SHARED))
    {
      conform_skip ("it does not announce SHARED");
      return;
    }
  g_autoptr (GBytes) bytes = conform_bytes (365, 500000);
  g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, 400000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, part);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  if (id == NULL)
    return;
  conform_child_send (child, "finish %s 365 500000", id);
  g_autofree char *busy = conform_child_receive (child);
  CONFORM_TRUE (g_str_equal (busy, "busy"));
  upload_drop (c, &upload);
  conform_child_send (child, "finish %s 365 500000", id);
  g_autofree char *done = conform_child_receive (child);
  CONFORM_TRUE (g_str_equal (done, "yes"));
  if (!g_str_equal (done, "yes"))
    conform_note ("the second process: %s", done);
  CaskDigest digest = conform_digest (bytes);
  conform_expect_bytes (c, &digest, bytes);
  upload_expect_no_resume (c, id, CASK_ERROR_NOT_FOUND);
}

const ConformCase conform_upload_resume_tests[] = {
  { "C51 saved at any offset, left, and resumed in the same store", test_resume },
  { "C52 saved, left, and resumed after the store was closed", test_resume_after_close },
  { "C51 saved at once and often: the id stays the same", test_saved_often },
  { "C51 an upload of many lives", test_many_lives },
  { "C51 what was written after the save is not part of it", test_written_after_save },
  { "C51 digest, size, algorithm and flags are saved", test_resume_keeps_its_terms },
  { "C54 C51 after a resume a wrong digest, then the right one", test_wrong_then_right },
  { "C53 a resumed upload does not read what was hashed", test_not_read_again },
  { "C52 C56 saved by a process that is killed, and resumed", test_resume_after_kill },
  { "C52 C56 resumed by another process, once it is left", test_resume_in_child },
  CONFORM_CASES_END
};
