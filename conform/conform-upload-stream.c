/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-stream.c: put_stream: a source that is whole, short, long or broken. */
#include "conform-upload.h"

#define STREAM_SIZE 700000

/* One put_stream, and what it is given. */
typedef struct
{
  const CaskDigest *digest;
  guint64 expected_size;
  CaskPutFlags flags;
  UploadSourcePlan plan;
} Stream;

#define STREAM(size, ...)                                                                \
  {                                                                                      \
    .expected_size = size, .plan.fails_at = -1, .plan.cancels_at = -1, __VA_ARGS__       \
  }

static gboolean
stream_put (Conform *c, const Stream *stream, GBytes *bytes, CaskDigest *stored,
            gboolean *created, GError **error)
{
  g_autoptr (GInputStream) source = upload_source_new (bytes, &stream->plan);
  gboolean done = upload_calls (c)->put_stream (
      c->store, stream->digest, CASK_ALGORITHM_SHA256, source, stream->expected_size,
      stream->flags, stored, created, stream->plan.cancels, error);

  /* The caller's, whatever became of it. */
  CONFORM_FALSE (g_input_stream_is_closed (source));
  CONFORM_FALSE (g_input_stream_has_pending (source));
  return done;
}

static void
expect_put (Conform *c, const Stream *stream, GBytes *bytes, gboolean is_new)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = conform_digest (bytes), stored;
  gboolean created = !is_new;

  memset (&stored, 0xff, sizeof stored);
  CONFORM_TRUE (stream_put (c, stream, bytes, &stored, &created, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (created, is_new);
  CONFORM_DIGEST (&stored, &digest);
  conform_expect_bytes (c, &digest, bytes);
}

/* It fails with this error, and everything is as it was. */
static void
expect_refused (Conform *c, const Stream *stream, GBytes *bytes, GQuark domain, int code,
                const char *text)
{
  g_autoptr (GError) error = NULL;
  UploadTrace before = upload_trace (c);
  CaskDigest digest = conform_digest (bytes), stored;
  gboolean created = FALSE;

  CONFORM_FALSE (stream_put (c, stream, bytes, &stored, &created, &error));
  CONFORM_FALSE (created);
  CONFORM_ERROR (error, domain, code, text);
  upload_expect_trace (c, &before);
  conform_expect_absent (c, &digest);
}

static void
test_put (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  static const gsize sizes[] = { 0, 1, 4096, 262144, 262145, STREAM_SIZE };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) unnamed = conform_bytes (370, sizes[i]);
      g_autoptr (GBytes) named = conform_bytes (371, sizes[i]);
      CaskDigest digest = conform_digest (named);
      Stream without = STREAM (CASK_UNKNOWN, .plan.most = 3001);
      Stream with = STREAM (sizes[i], .digest = &digest);
      expect_put (c, &without, unnamed, TRUE);
      expect_put (c, &without, unnamed, FALSE);
      expect_put (c, &with, named, sizes[i] > 0);
      with.flags = CASK_PUT_ALL_ALGORITHMS;
      expect_put (c, &with, named, FALSE);
    }
}

static void
test_put_without_answers (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (372, 10000);
  CaskDigest digest;
  Stream stream = STREAM (CASK_UNKNOWN, .digest = NULL);
  CONFORM_TRUE (stream_put (c, &stream, bytes, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  digest = conform_digest (bytes);
  conform_expect_bytes (c, &digest, bytes);
}

static void
test_put_sha512 (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (373, 10000);
  g_autoptr (GInputStream) source = upload_source_new (bytes, NULL);
  CaskDigest digest, stored;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &digest);
  CONFORM_TRUE (upload_calls (c)->put_stream (c->store, NULL, CASK_ALGORITHM_SHA512,
                                              source, CASK_UNKNOWN, CASK_PUT_NONE,
                                              &stored, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_DIGEST (&digest, &stored);
  conform_expect_bytes (c, &digest, bytes);
}

/* From where the source is, to its end. */
static void
test_put_rest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (374, STREAM_SIZE);
  g_autoptr (GBytes) rest = g_bytes_new_from_bytes (bytes, 1000, STREAM_SIZE - 1000);
  CaskDigest digest = conform_digest (rest);
  g_autoptr (GInputStream) source = upload_source_new (bytes, NULL);
  CONFORM_EQUAL (g_input_stream_skip (source, 1000, NULL, &error), 1000);
  CONFORM_TRUE (upload_calls (c)->put_stream (c->store, &digest, CASK_ALGORITHM_SHA256,
                                              source, STREAM_SIZE - 1000, CASK_PUT_NONE,
                                              NULL, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (upload_source_get_offset (source), STREAM_SIZE);
  conform_expect_bytes (c, &digest, rest);
}

static void
test_wrong_digest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (375, STREAM_SIZE);
  g_autoptr (GBytes) other = conform_bytes (376, STREAM_SIZE);
  CaskDigest truth = conform_digest (bytes), wrong = conform_put (c, other, NULL);
  CaskDigest expected, actual;
  Stream stream = STREAM (CASK_UNKNOWN, .digest = &wrong);
  expect_refused (c, &stream, bytes, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  CONFORM_FALSE (stream_put (c, &stream, bytes, NULL, NULL, &error));
  CONFORM_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
  CONFORM_DIGEST (&expected, &wrong);
  CONFORM_DIGEST (&actual, &truth);
  conform_expect_bytes (c, &wrong, other);
}

static void
test_shorter (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (377, STREAM_SIZE);
  CaskDigest digest = conform_digest (bytes);
  Stream unnamed = STREAM (STREAM_SIZE + 1, .digest = NULL);
  Stream named = STREAM ((guint64) STREAM_SIZE * 100, .digest = &digest);
  expect_refused (c, &unnamed, bytes, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  named.plan.most = 1000;
  expect_refused (c, &named, bytes, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
  /* A size that a store has no room for, it may also refuse at once. */
  g_autoptr (GError) error = NULL;
  named.expected_size = (guint64) STREAM_SIZE << 20;
  CONFORM_FALSE (stream_put (c, &named, bytes, NULL, NULL, &error));
  CONFORM_OK (g_error_matches (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH) ||
                  g_error_matches (error, CASK_ERROR, CASK_ERROR_TOO_LARGE) ||
                  g_error_matches (error, CASK_ERROR, CASK_ERROR_NO_SPACE),
              error);
  conform_expect_absent (c, &digest);
}

static void
test_longer (void)
{
  static const guint64 announced[] = { 0, 1, 262144, STREAM_SIZE - 1 };
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (378, STREAM_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (announced); i++)
    {
      /* The bytes that were announced would be a blob: it is not to be stored either. */
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, announced[i]);
      CaskDigest digest = conform_digest (part);
      Stream stream = STREAM (announced[i], .digest = &digest);
      expect_refused (c, &stream, bytes, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
      conform_expect_absent (c, &digest);
      stream.digest = NULL;
      expect_refused (c, &stream, bytes, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
      conform_expect_absent (c, &digest);
    }
}

static void
test_broken_source (void)
{
  static const gint64 places[] = { 0, 1, 100000, 262144, STREAM_SIZE - 1, STREAM_SIZE };
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (379, STREAM_SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, (gsize) places[i]);
      CaskDigest digest = conform_digest (part);
      Stream stream = STREAM (CASK_UNKNOWN, .plan.most = 50000);
      stream.plan.fails_at = places[i];
      /* Bounded by what comes before the failure. */
      expect_refused (c, &stream, bytes, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE,
                      "the far end is gone");
      conform_expect_absent (c, &digest);
    }
}

/* A source that is in use already is not read beside its user. */
static void
test_busy_source (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (380, 1000);
  g_autoptr (GInputStream) source = upload_source_new (bytes, NULL);
  UploadTrace before = upload_trace (c);
  CONFORM_TRUE (g_input_stream_set_pending (source, &error));
  CONFORM_FALSE (upload_calls (c)->put_stream (c->store, NULL, CASK_ALGORITHM_SHA256,
                                               source, CASK_UNKNOWN, 0, NULL, NULL, NULL,
                                               &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_PENDING, NULL);
  g_input_stream_clear_pending (source);
  CONFORM_EQUAL (upload_source_get_offset (source), 0);
  upload_expect_trace (c, &before);
}

/* ---- Healing ---- */

/* Damages a blob and puts it anew: by a stream, or by an upload and its commit. */
static void
expect_healed (Damage damage, gboolean is_found, CaskPutFlags flags, gboolean by_stream)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 381, 300000);
  if (!conform_damage (c, &victim, damage))
    {
      conform_skip ("none of its bytes are in reach to damage them so");
      return;
    }
  if (is_found)
    {
      g_autoptr (GBytes) bad = c->calls->get (c->store, &victim.digest, NULL, &error);
      CONFORM_NULL (bad);
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
    }
  Stream stream = STREAM (CASK_UNKNOWN, .flags = flags);
  if (by_stream)
    {
      expect_put (c, &stream, victim.good, FALSE);
      return;
    }
  g_autoptr (CaskUpload) upload = upload_calls (c)->begin (
      c->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, flags, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (upload == NULL || !upload_write (c, upload, victim.good))
    return;
  CONFORM_FALSE (upload_commit (c, upload, NULL, victim.good));
}

static void
test_heal_found (void)
{
  for (int damage = DAMAGE_FLIP; damage <= DAMAGE_EMPTY; damage++)
    for (guint way = 0; way < 2; way++)
      expect_healed ((Damage) damage, TRUE, CASK_PUT_NONE, way == 0);
}

static void
test_heal_wrong_size (void)
{
  for (int damage = DAMAGE_TRUNCATE; damage <= DAMAGE_EMPTY; damage++)
    for (guint way = 0; way < 2; way++)
      expect_healed ((Damage) damage, FALSE, CASK_PUT_NONE, way == 0);
}

static void
test_heal_verify_existing (void)
{
  for (guint way = 0; way < 2; way++)
    expect_healed (DAMAGE_FLIP, FALSE, CASK_PUT_VERIFY_EXISTING, way == 0);
}

const ConformCase conform_upload_stream_tests[] = {
  { "C2 C3 C18 C19 a stream is put, with a digest and without, and not closed",
    test_put },
  { "a stream is put for nobody who asks what came of it", test_put_without_answers },
  { "C4 S15 a stream is put by SHA-512", test_put_sha512 },
  { "a stream is put from where it is", test_put_rest },
  { "C13 C14 C18 a stream of other bytes is DIGEST_MISMATCH", test_wrong_digest },
  { "C15 a stream that is shorter than announced leaves nothing", test_shorter },
  { "C16 a stream that is longer than announced leaves nothing", test_longer },
  { "C17 C18 a failure of the source reaches the caller, and nothing is visible",
    test_broken_source },
  { "a source that is in use is PENDING", test_busy_source },
  { "C82 S8 an upload heals what was found corrupt", test_heal_found },
  { "C82 S8 an upload heals a wrong size that nobody has seen", test_heal_wrong_size },
  { "C82 S8 an upload with VERIFY_EXISTING heals what nobody has seen",
    test_heal_verify_existing },
  CONFORM_CASES_END
};
