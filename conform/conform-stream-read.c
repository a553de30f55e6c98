/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-stream-read.c: blobs read piece by piece: in order, by seeking, by GIO's own
 * helpers, and beyond the life of the blob and the store. */
#include "conform-stream.h"

#include <stdio.h>

/* About the sizes of a buffer, and of what is asked of a backend at once. */
static const gsize stream_sizes[] = { 0,      1,      1000,          262143,
                                      262144, 262145, (1 << 20) + 7, 3000000 };
static const gsize stream_pieces[] = { 4096, 65537, 262144, 5 << 20 };

static void
test_whole (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (stream_sizes) * G_N_ELEMENTS (stream_pieces); i++)
    {
      gsize size = stream_sizes[i / G_N_ELEMENTS (stream_pieces)];
      g_autoptr (GBytes) source = conform_bytes (200, size);
      CaskDigest digest = conform_put (c, source, NULL);
      g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
      g_autoptr (GError) error = NULL;
      if (stream == NULL)
        return;
      CONFORM_FALSE (cask_input_stream_is_verified (stream));
      stream_expect_rest (c, stream, source, 0,
                          stream_pieces[i % G_N_ELEMENTS (stream_pieces)]);
      CONFORM_TRUE (cask_input_stream_is_verified (stream));
      CONFORM_TRUE (stream_close (c, stream, &error));
      CONFORM_NO_ERROR (error);
    }
}

static void
test_one_byte_reads (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (201, 3000);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  stream_expect_rest (c, stream, source, 0, 1);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
}

static void
test_absent (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  static const gsize sizes[] = { 0, 10 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (202, sizes[i]);
      CaskDigest digest = conform_digest (bytes);
      g_autofree char *text = cask_digest_to_string (&digest);
      CONFORM_NULL (stream_open (c, &digest, NULL, &error));
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, text);
      digest.reserved[2] = 1;
      CONFORM_NULL (stream_open (c, &digest, NULL, &error));
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
    }
}

static void
test_info (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (203, 5000);
  CaskDigest digest = conform_put (c, source, NULL);
  CaskBlobInfo known = { 0 }, told = { 0 };
  CONFORM_TRUE (c->calls->stat (c->store, &digest, &known, NULL, &error));
  CONFORM_NO_ERROR (error);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  cask_input_stream_get_info (stream, &told);
  CONFORM_DIGEST (&told.digest, &digest);
  CONFORM_EQUAL (told.size, 5000);
  CONFORM_EQUAL (told.mtime_usec, known.mtime_usec);
  CONFORM_EQUAL (cask_input_stream_get_size (stream), 5000);
  CONFORM_TRUE (G_IS_SEEKABLE (stream) && g_seekable_can_seek (G_SEEKABLE (stream)));
  CONFORM_FALSE (g_seekable_can_truncate (G_SEEKABLE (stream)));
  CONFORM_FALSE (g_seekable_truncate (G_SEEKABLE (stream), 0, NULL, &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, NULL);
}

/* ---- Ranges ---- */

/* One read, which gives all there is of the range. */
static void
expect_part (Conform *c, CaskInputStream *stream, GBytes *source, gsize offset,
             gsize length)
{
  g_autoptr (GError) error = NULL;
  gsize size, due;
  const guint8 *data = g_bytes_get_data (source, &size);
  g_autofree guint8 *buffer = g_malloc0 (length + 1);

  due = MIN (length, size - offset);
  stream_seek_to (stream, (goffset) offset);
  gssize n = stream_read (c, stream, buffer, length, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (n, (gssize) due);
  CONFORM_TRUE (n != (gssize) due || due == 0 ||
                memcmp (buffer, data + offset, due) == 0);
  CONFORM_EQUAL (buffer[length], 0);
  CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), (goffset) (offset + due));
}

static void
test_ranges (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint i = 1; i < G_N_ELEMENTS (stream_sizes); i++)
    {
      gsize size = stream_sizes[i];
      g_autoptr (GBytes) source = conform_bytes (204, size);
      CaskDigest digest = conform_put (c, source, NULL);
      g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
      if (stream == NULL)
        return;
      expect_part (c, stream, source, size / 3, size / 3);
      expect_part (c, stream, source, size / 2, size);
      expect_part (c, stream, source, size / 2, 0);
      expect_part (c, stream, source, size - 1, 1);
      expect_part (c, stream, source, size - 1, 2);
      expect_part (c, stream, source, size, 10);
      expect_part (c, stream, source, 0, size + 10);
    }
}

static void
test_random_ranges (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GRand) rand = conform_rand_new ("C31");
  g_autoptr (GBytes) source = conform_bytes (205, 1000003);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  for (guint i = 0; i < 500; i++)
    expect_part (c, stream, source, (gsize) g_rand_int_range (rand, 0, 1000004),
                 (gsize) g_rand_int_range (rand, 0, i % 3 == 0 ? 1000004 : 3000));
  stream_seek_to (stream, 0);
  stream_expect_rest (c, stream, source, 0, 30000);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
}

static void
expect_no_seek (CaskInputStream *stream, goffset offset, GSeekType type)
{
  g_autoptr (GError) error = NULL;
  goffset before = g_seekable_tell (G_SEEKABLE (stream));

  CONFORM_FALSE (g_seekable_seek (G_SEEKABLE (stream), offset, type, NULL, &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, NULL);
  CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), before);
}

static void
test_seek (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (206, 1000);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  GSeekable *seekable = G_SEEKABLE (stream);
  stream_seek_to (stream, 300);
  CONFORM_TRUE (g_seekable_seek (seekable, -100, G_SEEK_CUR, NULL, &error));
  CONFORM_EQUAL (g_seekable_tell (seekable), 200);
  CONFORM_TRUE (g_seekable_seek (seekable, 800, G_SEEK_CUR, NULL, &error));
  CONFORM_EQUAL (g_seekable_tell (seekable), 1000);
  CONFORM_TRUE (g_seekable_seek (seekable, -1, G_SEEK_END, NULL, &error));
  CONFORM_EQUAL (g_seekable_tell (seekable), 999);
  CONFORM_NO_ERROR (error);
  expect_no_seek (stream, 1001, G_SEEK_SET);
  expect_no_seek (stream, -1, G_SEEK_SET);
  expect_no_seek (stream, 2, G_SEEK_CUR);
  expect_no_seek (stream, -1000, G_SEEK_CUR);
  expect_no_seek (stream, 1, G_SEEK_END);
  expect_no_seek (stream, -1001, G_SEEK_END);
  expect_no_seek (stream, G_MAXINT64, G_SEEK_CUR);
  expect_no_seek (stream, G_MININT64, G_SEEK_CUR);
  stream_expect_rest (c, stream, source, 999, 5);
  CONFORM_TRUE (stream_close (c, stream, &error));
  CONFORM_FALSE (g_seekable_seek (seekable, 0, G_SEEK_SET, NULL, &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CLOSED, NULL);
}

static void
test_seek_back (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (207, 700000);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  expect_part (c, stream, source, 0, 400000);
  expect_part (c, stream, source, 100, 1000);
  expect_part (c, stream, source, 300000, 200000);
  CONFORM_FALSE (cask_input_stream_is_verified (stream));
  stream_seek_to (stream, 0);
  stream_expect_rest (c, stream, source, 0, 70000);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
  stream_seek_to (stream, 0);
  stream_expect_rest (c, stream, source, 0, 700000);
}

/* ---- Verification that goes on ---- */

static void
test_skip (void)
{
  static const gsize skips[] = { 1, 1000, 300000, 5 << 20 };
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (208, 900000);
  CaskDigest digest = conform_put (c, source, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (skips); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
      gsize due = MIN (skips[i], 900000);
      if (stream == NULL)
        return;
      CONFORM_EQUAL (stream_skip (c, stream, skips[i], NULL, &error), (gssize) due);
      CONFORM_NO_ERROR (error);
      CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), (goffset) due);
      stream_expect_rest (c, stream, source, due, 10000);
      CONFORM_TRUE (cask_input_stream_is_verified (stream));
      CONFORM_EQUAL (stream_skip (c, stream, 1, NULL, &error), 0);
      CONFORM_NO_ERROR (error);
    }
}

static void
test_seek_away (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (209, 900000);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  expect_part (c, stream, source, 0, 270000);
  stream_seek_to (stream, 600000);
  stream_expect_rest (c, stream, source, 600000, 50000);
  CONFORM_FALSE (cask_input_stream_is_verified (stream));
  expect_part (c, stream, source, 200000, 500000);
  CONFORM_FALSE (cask_input_stream_is_verified (stream));
  stream_seek_to (stream, 650000);
  stream_expect_rest (c, stream, source, 650000, 50000);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
}

static void
test_never (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=never");
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (210, 300000);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  stream_expect_rest (c, stream, source, 0, 50000);
  CONFORM_FALSE (cask_input_stream_is_verified (stream));
}

const ConformCase conform_stream_read_tests[] = {
  { "C1 C6 C10 S7 a stream has the bytes, and verifies them in order", test_whole },
  { "C1 S7 a stream is read byte by byte", test_one_byte_reads },
  { "C8 C21 C22 S13 open_blob of what is absent is NOT_FOUND, of no digest "
    "INVALID_DIGEST",
    test_absent },
  { "C33 a stream knows the blob's size and info, and can not be truncated", test_info },
  { "C23-C27 C29 ranges by seek and read", test_ranges },
  { "C31 500 random ranges of one stream are slices of the source", test_random_ranges },
  { "C28 C30 seeks within the blob only, and to no other place by overflow", test_seek },
  { "C32 seek back and read again: the same bytes, hashed once", test_seek_back },
  { "a skip keeps verification", test_skip },
  { "a seek away interrupts verification, and coming back resumes it", test_seek_away },
  { "verify=never verifies no stream and says so", test_never },
  CONFORM_CASES_END
};
