/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-stream-damage.c: C84: a stream of damaged bytes is CORRUPT before its end, and
 * stays it. */
#include "conform-stream.h"

static const gsize damage_sizes[] = { 1000, 262144, 700000 };
static const gsize damage_pieces[] = { 100, 65536, 262144, 1 << 20 };

/* Whatever is done with the stream afterwards. */
static void
expect_corrupt_for_good (Conform *c, CaskInputStream *stream, const char *text)
{
  g_autoptr (GError) error = NULL;
  guint8 buffer[10];

  CONFORM_FALSE (cask_input_stream_is_verified (stream));
  CONFORM_EQUAL (stream_read (c, stream, buffer, 10, NULL, &error), -1);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  stream_seek_to (stream, 0);
  CONFORM_EQUAL (stream_read (c, stream, buffer, 1, NULL, &error), -1);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CONFORM_EQUAL (stream_skip (c, stream, 1, NULL, &error), -1);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CONFORM_TRUE (stream_close (c, stream, &error));
  CONFORM_NO_ERROR (error);
}

/* Reads a damaged blob. */
static void
expect_corrupt (Conform *c, const CaskDigest *digest, gsize piece)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = cask_digest_to_string (digest);
  g_autoptr (CaskInputStream) stream = stream_open (c, digest, NULL, &error);

  /* Where it is seen at once. */
  if (stream == NULL)
    {
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
      return;
    }
  guint64 size = cask_input_stream_get_size (stream);
  g_autoptr (GByteArray) read = stream_drain (c, stream, piece, &error);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CONFORM_TRUE (size == 0 || read->len < size);
  CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), (goffset) read->len);
  expect_corrupt_for_good (c, stream, text);
}

static void
expect_healed (Conform *c, const Victim *victim)
{
  gboolean created = TRUE;

  conform_put (c, victim->good, &created);
  CONFORM_FALSE (created);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &victim->digest);
  if (stream == NULL)
    return;
  stream_expect_rest (c, stream, victim->good, 0, 30000);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
}

static void
damage_and_read (Damage damage)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (damage_sizes) * G_N_ELEMENTS (damage_pieces); i++)
    {
      gsize size = damage_sizes[i / G_N_ELEMENTS (damage_pieces)];
      g_auto (Victim) victim = conform_put_victim (c, 240 + i, size);
      if (!conform_damage (c, &victim, damage))
        {
          conform_skip ("none of its bytes are in reach to damage them so");
          return;
        }
      expect_corrupt (c, &victim.digest, damage_pieces[i % G_N_ELEMENTS (damage_pieces)]);
      expect_healed (c, &victim);
    }
}

static void
test_flip_first (void)
{
  damage_and_read (DAMAGE_FLIP_FIRST);
}

static void
test_flip_middle (void)
{
  damage_and_read (DAMAGE_FLIP);
}

static void
test_flip_last (void)
{
  damage_and_read (DAMAGE_FLIP_LAST);
}

static void
test_truncated (void)
{
  damage_and_read (DAMAGE_TRUNCATE);
}

static void
test_grown (void)
{
  damage_and_read (DAMAGE_GROW);
}

static void
test_emptied (void)
{
  damage_and_read (DAMAGE_EMPTY);
}

static void
test_empty_grown (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_auto (Victim) victim = conform_put_victim (c, 260, 0);
  if (!conform_is_in_file (c, &victim) || !conform_damage (c, &victim, DAMAGE_GROW))
    {
      conform_skip ("none of its bytes are in reach to damage them so");
      return;
    }
  expect_corrupt (c, &victim.digest, 10);
  expect_healed (c, &victim);
}

/* By a skip and by a splice. */
static void
test_other_ways (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 261, 700000);
  g_autofree char *text = cask_digest_to_string (&victim.digest);
  if (!conform_damage (c, &victim, DAMAGE_FLIP))
    {
      conform_skip ("none of its bytes are in reach to damage them");
      return;
    }
  g_autoptr (CaskInputStream) skipped = stream_open_well (c, &victim.digest);
  g_autoptr (CaskInputStream) spliced = stream_open_well (c, &victim.digest);
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  if (skipped == NULL || spliced == NULL)
    return;
  CONFORM_EQUAL (stream_skip (c, skipped, 700000, NULL, &error), -1);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  expect_corrupt_for_good (c, skipped, text);
  CONFORM_EQUAL (stream_splice (c, output, spliced, 0, &error), -1);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CONFORM_TRUE (g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (output)) <
                700000);
  expect_corrupt_for_good (c, spliced, text);
}

/* What is skipped must be seen: the damage lies in it, and the rest is read. */
static void
test_skipped_damage (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 262, 700000);
  if (!conform_damage (c, &victim, DAMAGE_FLIP_FIRST))
    {
      conform_skip ("none of its bytes are in reach to damage them");
      return;
    }
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &victim.digest);
  if (stream == NULL)
    return;
  CONFORM_EQUAL (stream_skip (c, stream, 1000, NULL, &error), 1000);
  CONFORM_NO_ERROR (error);
  g_autoptr (GByteArray) read = stream_drain (c, stream, 9000, &error);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
  CONFORM_TRUE (read->len < 699000);
}

/* The file is cut off below the reader. */
static void
test_truncated_while_reading (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=never");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  guint8 start[10];
  g_auto (Victim) victim = conform_put_victim (c, 263, 700000);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &victim.digest);
  if (stream == NULL)
    return;
  CONFORM_EQUAL (stream_read (c, stream, start, 10, NULL, &error), 10);
  CONFORM_NO_ERROR (error);
  if (!conform_is_in_file (c, &victim) || !conform_damage (c, &victim, DAMAGE_TRUNCATE))
    {
      conform_skip ("none of its bytes are in reach to damage them so");
      return;
    }
  g_autoptr (GByteArray) read = stream_drain (c, stream, 30000, &error);
  CONFORM_TRUE (read->len < 699990);
  if (!g_error_matches (error, CASK_ERROR, CASK_ERROR_GONE))
    CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "700000 bytes expected");
}

const ConformCase conform_stream_damage_tests[] = {
  { "C84 C78 a stream whose first byte is wrong is CORRUPT before its end",
    test_flip_first },
  { "C84 C78 a stream with a wrong byte in it is CORRUPT before its end",
    test_flip_middle },
  { "C84 C78 a stream whose last byte is wrong is CORRUPT before its end",
    test_flip_last },
  { "C84 C79 a stream of a truncated blob is CORRUPT before its end", test_truncated },
  { "C84 C80 a stream of a grown blob is CORRUPT before its end", test_grown },
  { "C84 C81 a stream of an emptied blob is CORRUPT and not empty", test_emptied },
  { "C84 C80 a stream of the empty blob, grown, is CORRUPT", test_empty_grown },
  { "C84 a skip over the end and a splice are CORRUPT too", test_other_ways },
  { "C84 damage in what is skipped is found", test_skipped_damage },
  { "C79 S5 a blob that is cut off while it is read is CORRUPT, never short",
    test_truncated_while_reading },
  CONFORM_CASES_END
};
