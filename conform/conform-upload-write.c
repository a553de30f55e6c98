/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-write.c: what is written to an upload, in pieces of any size and
 * through any of GIO's ways, is the blob. */
#include "conform-upload.h"

static void
test_unknown_digest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskUpload) upload = c != NULL ? upload_begin (c) : NULL;
  if (upload == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (300, 700000);
  CONFORM_EQUAL (cask_upload_get_expected_size (upload), CASK_UNKNOWN);
  CONFORM_NULL (cask_upload_get_id (upload));
  if (!upload_write (c, upload, bytes))
    return;
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

static void
test_unknown_digest_sha512 (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (301, 5000);
  CaskDigest expected, stored;
  g_autoptr (CaskUpload) upload = upload_calls (c)->begin (
      c->store, NULL, CASK_ALGORITHM_SHA512, CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);
  CONFORM_NO_ERROR (error);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &expected);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  CONFORM_TRUE (upload_calls (c)->commit (upload, NULL, &stored, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_DIGEST (&stored, &expected);
  conform_expect_bytes (c, &expected, bytes);
}

static void
test_expected_digest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  /* At the begin, at the commit, at both. */
  for (guint when = 1; when <= 3; when++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = conform_bytes (302 + when, 300000);
      CaskDigest digest = conform_digest (bytes);
      g_autoptr (CaskUpload) upload = upload_calls (c)->begin (
          c->store, when & 1 ? &digest : NULL, CASK_ALGORITHM_SHA256,
          g_bytes_get_size (bytes), CASK_PUT_NONE, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (upload == NULL || !upload_write (c, upload, bytes))
        return;
      CONFORM_TRUE (upload_commit (c, upload, when & 2 ? &digest : NULL, bytes));
    }
}

static void
test_empty (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = g_bytes_new (NULL, 0);
  CaskDigest digest = conform_digest (bytes);
  conform_expect_absent (c, &digest);
  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskUpload) upload =
          upload_calls (c)->begin (c->store, round == 0 ? &digest : NULL,
                                   CASK_ALGORITHM_SHA256, 0, CASK_PUT_NONE, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (upload == NULL)
        return;
      CONFORM_EQUAL (upload_commit (c, upload, NULL, bytes), round == 0);
    }
}

static void
test_one_byte_writes (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskUpload) upload = c != NULL ? upload_begin (c) : NULL;
  if (upload == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (306, conform_is_long () ? 600000 : 5000);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint n_failed = 0, n_wrong = 0;
  for (gsize at = 0; at < size; at++)
    {
      n_failed += !upload_calls (c)->write (upload, data + at, 1, NULL, NULL);
      n_wrong += cask_upload_get_offset (upload) != at + 1;
    }
  CONFORM_EQUAL (n_failed, 0);
  CONFORM_EQUAL (n_wrong, 0);
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

/* Sizes beside a power of two, in writes that never end where a chunk does. */
static void
expect_size (Conform *c, GBytes *source, gsize size, gsize step)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUpload) upload = upload_begin (c);
  g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (source, 0, size);

  for (gsize at = 0; upload != NULL && at < size; at += step)
    if (!upload_write_part (c, upload, bytes, at, MIN (at + step, size)))
      return;
  if (upload == NULL)
    return;
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
  CaskDigest digest = conform_digest (bytes);
  /* 100 MB need not be there at once. */
  CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
}

static void
test_sizes (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (307, (1 << 24) + 1);
  guint step = conform_is_long () ? 1 : 3;
  for (guint power = 0; power <= 24; power += step)
    for (int beside = -1; beside <= 1; beside++)
      expect_size (c, source, (gsize) ((1 << power) + beside), 100003);
  /* About the chunks that things are gathered in: exactly, and one beside. */
  for (int beside = -1; beside <= 1; beside++)
    {
      expect_size (c, source, (gsize) (3 * (256 << 10) + beside), 256 << 10);
      expect_size (c, source, (gsize) (3 * (256 << 10) + beside), (gsize) 1 << 24);
      expect_size (c, source, (gsize) ((1 << 20) + beside), 4096);
    }
}

/* ---- GIO's ways to write ---- */

static void
test_no_bytes_and_flush (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskUpload) upload = c != NULL ? upload_begin (c) : NULL;
  if (upload == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (308, 1000);
  GOutputStream *stream = G_OUTPUT_STREAM (upload);
  for (guint round = 0; round < 3; round++)
    {
      CONFORM_EQUAL (g_output_stream_write (stream, "", 0, NULL, &error), 0);
      CONFORM_NO_ERROR (error);
      CONFORM_TRUE (upload_calls (c)->write (upload, "", 0, NULL, &error));
      CONFORM_NO_ERROR (error);
      CONFORM_TRUE (g_output_stream_flush (stream, NULL, &error));
      CONFORM_NO_ERROR (error);
      CONFORM_EQUAL (cask_upload_get_offset (upload), round * 400);
      if (!upload_write_part (c, upload, bytes, round * 400,
                              MIN (round * 400 + 400, 1000)))
        return;
    }
  /* A flush publishes nothing. */
  CaskDigest digest = conform_digest (bytes);
  CONFORM_TRUE (g_output_stream_flush (stream, NULL, &error));
  conform_expect_absent (c, &digest);
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

static void
test_splice (void)
{
  static const GOutputStreamSpliceFlags ways[] = {
    G_OUTPUT_STREAM_SPLICE_NONE, G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE,
    G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET
  };
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = conform_bytes (310 + way, 900000);
      g_autoptr (GInputStream) source = upload_source_new (bytes, NULL);
      g_autoptr (CaskUpload) upload = upload_begin (c);
      if (upload == NULL)
        return;
      CONFORM_EQUAL (g_output_stream_splice (G_OUTPUT_STREAM (upload), source, ways[way],
                                             NULL, &error),
                     900000);
      CONFORM_NO_ERROR (error);
      CONFORM_EQUAL (g_input_stream_is_closed (source), way > 0);
      CONFORM_EQUAL (cask_upload_get_offset (upload), 900000);
      CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
    }
}

static void
test_printf (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskUpload) upload = c != NULL ? upload_begin (c) : NULL;
  if (upload == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  for (int i = 0; i < 300; i++)
    {
      gsize written = 0;
      g_string_append_printf (text, "line %d\n", i);
      CONFORM_TRUE (g_output_stream_printf (G_OUTPUT_STREAM (upload), &written, NULL,
                                            &error, "line %d\n", i));
      CONFORM_NO_ERROR (error);
    }
  g_autoptr (GBytes) bytes = g_bytes_new (text->str, text->len);
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

/* A filter that closes what it stands on leaves the commit possible. */
static void
test_data_stream (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskUpload) upload = c != NULL ? upload_begin (c) : NULL;
  if (upload == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataOutputStream) data =
      g_data_output_stream_new (G_OUTPUT_STREAM (upload));
  g_autoptr (GByteArray) array = g_byte_array_new ();
  for (guint32 i = 0; i < 1000; i++)
    {
      guint32 big = GUINT32_TO_BE (i * 12345);
      g_byte_array_append (array, (const guint8 *) &big, sizeof big);
      CONFORM_TRUE (g_data_output_stream_put_uint32 (data, i * 12345, NULL, &error));
      CONFORM_NO_ERROR (error);
    }
  CONFORM_TRUE (g_output_stream_close (G_OUTPUT_STREAM (data), NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (g_output_stream_is_closed (G_OUTPUT_STREAM (upload)));
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

static void
test_close_then_commit (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (315, 400000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  CaskDigest digest = conform_digest (bytes);
  if (upload == NULL)
    return;
  CONFORM_TRUE (upload_calls (c)->end (upload, NULL, &error));
  CONFORM_NO_ERROR (error);
  conform_expect_absent (c, &digest);
  CONFORM_FALSE (upload_calls (c)->write (upload, "x", 1, NULL, &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CLOSED, NULL);
  CONFORM_TRUE (g_output_stream_close (G_OUTPUT_STREAM (upload), NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (cask_upload_get_offset (upload), 400000);
  CONFORM_TRUE (upload_commit (c, upload, &digest, bytes));
}

/* The caller's buffer is its own again when a write has returned. */
static void
test_buffer_reused (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskUpload) upload = c != NULL ? upload_begin (c) : NULL;
  if (upload == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (316, 2000000);
  g_autofree guint8 *buffer = g_malloc (400000);
  for (gsize at = 0; at < 2000000; at += 400000)
    {
      memcpy (buffer, (const guint8 *) g_bytes_get_data (bytes, NULL) + at, 400000);
      CONFORM_TRUE (upload_calls (c)->write (upload, buffer, 400000, NULL, &error));
      CONFORM_NO_ERROR (error);
      memset (buffer, 0xaa, 400000);
    }
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

const ConformCase conform_upload_write_tests[] = {
  { "C2 C50 an upload whose digest is not known", test_unknown_digest },
  { "C2 C4 an upload whose digest is not known, by SHA-512", test_unknown_digest_sha512 },
  { "C3 an upload whose digest is expected", test_expected_digest },
  { "C7 C8 the empty blob by upload", test_empty },
  { "C9 C50 an upload in one-byte writes", test_one_byte_writes },
  { "C10 uploads of sizes beside every power of two up to 16 MiB", test_sizes },
  { "writes of no bytes, and flushes, change nothing", test_no_bytes_and_flush },
  { "a stream is spliced into an upload", test_splice },
  { "text is printed into an upload", test_printf },
  { "numbers go through a data stream into an upload", test_data_stream },
  { "a close ends the writing and leaves the commit possible", test_close_then_commit },
  { "S15 a buffer may be reused when its write has returned", test_buffer_reused },
  CONFORM_CASES_END
};
