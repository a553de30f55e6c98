/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-ranges.c: parts of blobs, what is known of them, and digests that are none. */
#include "conform-case.h"

static void
expect_range (Conform *c, const CaskDigest *digest, GBytes *source, guint64 offset,
              guint64 length)
{
  g_autoptr (GError) error = NULL;
  gsize size = g_bytes_get_size (source);
  g_autoptr (GBytes) part =
      c->calls->get_range (c->store, digest, offset, length, NULL, &error);
  if (offset > size)
    {
      CONFORM_NULL (part);
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE, NULL);
      return;
    }
  gsize due = (gsize) MIN (length, size - offset);
  g_autoptr (GBytes) slice = g_bytes_new_from_bytes (source, (gsize) offset, due);
  CONFORM_NO_ERROR (error);
  g_autofree char *what =
      g_strdup_printf ("the range at %" G_GUINT64_FORMAT " of length %" G_GUINT64_FORMAT
                       " of a blob of %" G_GSIZE_FORMAT,
                       offset, length, size);
  CONFORM_BYTES (part, slice, what);
}

/* A small blob may be answered in the main loop, a large one is not. */
static const gsize range_sizes[] = { 0, 1, 1000, 300000 };

typedef struct
{
  guint64 offset, length;
} Range;

/* Offsets are counted from the end of the blob where `from_end`. */
static void
expect_ranges (const Range *ranges, guint n, gboolean from_end)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint k = 0; k < G_N_ELEMENTS (range_sizes); k++)
    {
      g_autoptr (GBytes) source = conform_bytes (20, range_sizes[k]);
      CaskDigest digest = conform_put (c, source, NULL);
      for (guint i = 0; i < n; i++)
        if (!from_end || range_sizes[k] + ranges[i].offset + 1 > 0)
          expect_range (c, &digest, source,
                        from_end ? range_sizes[k] + ranges[i].offset : ranges[i].offset,
                        ranges[i].length);
    }
}

static void
test_middle (void)
{
  static const Range ranges[] = { { 1, 1 }, { 100, 200 }, { 333, 1 }, { 0, 10 } };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), FALSE);
}

static void
test_to_end (void)
{
  static const Range ranges[] = { { 0, CASK_TO_END },
                                  { 1, CASK_TO_END },
                                  { 500, CASK_TO_END } };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), FALSE);
}

static void
test_length_zero (void)
{
  static const Range ranges[] = { { 0, 0 }, { 1, 0 }, { 999, 0 } };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), FALSE);
}

static void
test_last_byte (void)
{
  static const Range ranges[] = { { G_MAXUINT64, 1 },
                                  { G_MAXUINT64, 2 },
                                  { G_MAXUINT64, CASK_TO_END } };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), TRUE);
}

static void
test_offset_is_size (void)
{
  static const Range ranges[] = { { 0, 0 }, { 0, 1 }, { 0, CASK_TO_END } };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), TRUE);
}

static void
test_offset_past_end (void)
{
  static const Range ranges[] = {
    { 1, 0 }, { 1, 1 }, { 1, CASK_TO_END }, { 1 << 20, 5 }
  };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), TRUE);
}

static void
test_end_clamps (void)
{
  static const Range ranges[] = {
    { 0, 1001 }, { 999, 2 }, { 500, 1 << 20 }, { 0, 1 << 30 }
  };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), FALSE);
}

static void
test_overflow (void)
{
  static const Range ranges[] = {
    { 10, G_MAXUINT64 - 1 },         { 10, G_MAXUINT64 - 10 },
    { 10, G_MAXUINT64 - 9 },         { G_MAXUINT64, 1 },
    { G_MAXUINT64, G_MAXUINT64 },    { G_MAXINT64, G_MAXINT64 },
    { (guint64) G_MAXINT64 + 1, 5 }, { G_MAXUINT32, G_MAXUINT32 }
  };
  expect_ranges (ranges, G_N_ELEMENTS (ranges), FALSE);
}

static void
test_random_ranges (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GRand) rand = conform_rand_new ("C31");
  g_autoptr (GBytes) source = conform_bytes (21, 200003);
  CaskDigest digest = conform_put (c, source, NULL);
  for (guint i = 0; i < 500; i++)
    {
      guint64 offset = (guint64) g_rand_int_range (rand, 0, 200010);
      guint64 length = (guint64) g_rand_int_range (rand, 0, i % 2 == 0 ? 300 : 200010);
      expect_range (c, &digest, source, offset, length);
    }
}

static void
test_stat (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (range_sizes); i++)
    {
      g_autoptr (GBytes) source = conform_bytes (22, range_sizes[i]);
      CaskDigest digest = conform_put (c, source, NULL);
      conform_expect_bytes (c, &digest, source);
    }
}

static void
test_mtime (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };
  gint64 before = g_get_real_time ();
  CaskDigest digest = conform_put_number (c, 77);
  gint64 after = g_get_real_time ();
  CONFORM_TRUE (c->calls->stat (c->store, &digest, &info, NULL, &error));
  CONFORM_NO_ERROR (error);
  /* Some places keep whole seconds, rounded either way. */
  CONFORM_TRUE (info.mtime_usec >= before - G_USEC_PER_SEC);
  CONFORM_TRUE (info.mtime_usec <= after + G_USEC_PER_SEC);
}

/* Each call of the store with something that is no digest. */
static void
expect_invalid (Conform *c, const CaskDigest *digest)
{
  const Calls *calls = c->calls;
  CaskStore *store = c->store;
  GError *errors[10] = { NULL };
  CaskBlobInfo info;
  gboolean flag;
  g_autoptr (GBytes) bytes = conform_bytes (23, 10);
  gpointer results[] = { calls->get (store, digest, NULL, &errors[0]),
                         calls->get_range (store, digest, 0, 1, NULL, &errors[1]),
                         calls->list (store, digest, 5, NULL, &errors[2]) };
  CONFORM_TRUE (results[0] == NULL && results[1] == NULL && results[2] == NULL);
  CONFORM_FALSE (calls->put (store, digest, bytes, 0, NULL, NULL, &errors[3]));
  CONFORM_FALSE (calls->stat (store, digest, &info, NULL, &errors[4]));
  CONFORM_FALSE (calls->contains (store, digest, &flag, NULL, &errors[5]));
  CONFORM_FALSE (calls->touch (store, digest, NULL, &errors[6]));
  CONFORM_FALSE (calls->remove (store, digest, NULL, NULL, &errors[7]));
  CONFORM_FALSE (calls->remove_unused (store, digest, 1, NULL, NULL, &errors[8]));
  CONFORM_FALSE (calls->verify (store, digest, NULL, &errors[9]));
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    CONFORM_ERROR (errors[i], CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
}

static void
test_bad_digests (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (24, 10);
  CaskDigest good = conform_digest (bytes);
  CaskDigest none = { 0 }, unknown = good, huge = good, tail = good, reserved = good;
  unknown.algorithm = 3;
  huge.algorithm = 255;
  tail.bytes[32] = 1;
  reserved.reserved[6] = 1;
  expect_invalid (c, &none);
  expect_invalid (c, &unknown);
  expect_invalid (c, &huge);
  expect_invalid (c, &tail);
  expect_invalid (c, &reserved);
  conform_expect_absent (c, &good);
}

const ConformCase conform_ranges_tests[] = {
  { "C21 every call refuses what is no digest as INVALID_DIGEST", test_bad_digests },
  { "C23 a range in the middle", test_middle },
  { "C24 a range to the end", test_to_end },
  { "C25 a range of length 0 is empty", test_length_zero },
  { "C26 the last byte", test_last_byte },
  { "C27 a range that starts at the end is empty", test_offset_is_size },
  { "C28 a range that starts past the end is INVALID_RANGE", test_offset_past_end },
  { "C29 the end of a range clamps", test_end_clamps },
  { "C30 offset + length may overflow", test_overflow },
  { "C31 500 random ranges are slices of the source", test_random_ranges },
  { "C33 C35 stat has get's length, and contains agrees", test_stat },
  { "C34 a blob's mtime is within the test's time", test_mtime },
  CONFORM_CASES_END
};
