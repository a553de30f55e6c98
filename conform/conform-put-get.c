/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-put-get.c: what goes in comes out, and nothing else does. */
#include "conform-case.h"

static void
test_round_trip (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (1, 12345);
  gboolean created = FALSE;
  CaskDigest digest = conform_put (c, bytes, &created);
  CONFORM_TRUE (created);
  conform_expect_bytes (c, &digest, bytes);
  CONFORM_TRUE (conform_is_listed (c, &digest));
}

static void
test_add (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (int algorithm = CASK_ALGORITHM_SHA256; algorithm <= CASK_ALGORITHM_SHA512;
       algorithm++)
    for (guint round = 0; round < 2; round++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (GBytes) bytes = conform_bytes (7, 4321);
        CaskDigest given, expected;
        gboolean created = round != 0;
        cask_digest_of_bytes (bytes, algorithm, &expected);
        CONFORM_TRUE (c->calls->add (c->store, bytes, algorithm, CASK_PUT_NONE, &given,
                                     &created, NULL, &error));
        CONFORM_NO_ERROR (error);
        CONFORM_DIGEST (&given, &expected);
        conform_expect_bytes (c, &expected, bytes);
      }
}

static void
test_add_twice (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (6, 4321);
  for (guint round = 0; round < 3; round++)
    {
      g_autoptr (GError) error = NULL;
      gboolean created = round != 0;
      CaskDigest digest;
      CONFORM_OK (c->calls->add (c->store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE,
                                 &digest, &created, NULL, &error),
                  error);
      CONFORM_EQUAL (created, round == 0);
    }
}

static void
test_add_unknown_algorithm (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  static const int unknown[] = { 0, 3, 255 };
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = conform_bytes (7, 10);
      CaskDigest digest;
      CONFORM_FALSE (c->calls->add (c->store, bytes, (CaskAlgorithm) unknown[i],
                                    CASK_PUT_NONE, &digest, NULL, NULL, &error));
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, NULL);
    }
  g_autoptr (GArray) infos = conform_list_all (c, 0);
  CONFORM_TRUE (infos != NULL && infos->len == 0);
}

static void
test_two_algorithms (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (2, 100);
  CaskDigest small = conform_put (c, bytes, NULL), large;
  gboolean created = FALSE;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &large);
  conform_expect_absent (c, &large);
  CONFORM_TRUE (c->calls->put (c->store, &large, bytes, 0, &created, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (created);
  conform_expect_bytes (c, &large, bytes);
  CONFORM_TRUE (c->calls->remove (c->store, &small, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  conform_expect_absent (c, &small);
  conform_expect_bytes (c, &large, bytes);
}

static void
test_every_byte (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  guint8 all[512] = { 0 };
  for (guint i = 0; i < sizeof all; i++)
    all[i] = (guint8) i;
  g_autoptr (GBytes) bytes = g_bytes_new (all, sizeof all);
  g_autoptr (GBytes) zeros = g_bytes_new_take (g_malloc0 (4096), 4096);
  CaskDigest digest = conform_put (c, bytes, NULL);
  CaskDigest digest_of_zeros = conform_put (c, zeros, NULL);
  conform_expect_bytes (c, &digest, bytes);
  conform_expect_bytes (c, &digest_of_zeros, zeros);
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
      gboolean created = round != 0;
      conform_put (c, bytes, &created);
      CONFORM_EQUAL (created, round == 0);
      conform_expect_bytes (c, &digest, bytes);
      CONFORM_TRUE (conform_is_listed (c, &digest));
    }
}

static void
test_sizes (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (3, (1 << 24) + 1);
  for (guint power = 0; power <= 24; power++)
    for (int beside = -1; beside <= 1; beside++)
      {
        gsize size = (gsize) ((1 << power) + beside);
        g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (source, 0, size);
        g_autoptr (GError) error = NULL;
        CaskDigest digest = conform_put (c, bytes, NULL);
        conform_expect_bytes (c, &digest, bytes);
        /* 100 MB need not be there at once. */
        CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
        CONFORM_NO_ERROR (error);
      }
}

static void
test_copy (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  guint8 reused[3000];
  memset (reused, 'a', sizeof reused);
  g_autoptr (GBytes) lent = g_bytes_new_static (reused, sizeof reused);
  g_autoptr (GBytes) copy = g_bytes_new (reused, sizeof reused);
  CaskDigest digest = conform_digest (copy);
  CONFORM_TRUE (
      c->calls->put (c->store, &digest, lent, CASK_PUT_COPY, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  memset (reused, 'b', sizeof reused);
  conform_expect_bytes (c, &digest, copy);
}

static void
expect_mismatch (Conform *c, const CaskDigest *wrong, GBytes *bytes)
{
  static const CaskPutFlags flags[] = { 0, CASK_PUT_COPY, CASK_PUT_VERIFY_EXISTING };
  CaskDigest expected, actual, truth;
  cask_digest_of_bytes (bytes, wrong->algorithm, &truth);
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean created = FALSE;
      char text[CASK_DIGEST_TEXT_SIZE];
      CONFORM_FALSE (
          c->calls->put (c->store, wrong, bytes, flags[i], &created, NULL, &error));
      CONFORM_FALSE (created);
      CONFORM_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
      CONFORM_DIGEST (&expected, wrong);
      CONFORM_DIGEST (&actual, &truth);
      CONFORM_TRUE (error != NULL &&
                    strstr (error->message, cask_digest_write (&truth, text)) != NULL);
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH,
                     cask_digest_write (wrong, text));
    }
}

static void
test_wrong_digest (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (4, 1000);
  g_autoptr (GBytes) other = conform_bytes (5, 1000);
  CaskDigest wrong = conform_digest (other);
  expect_mismatch (c, &wrong, bytes);
  conform_expect_absent (c, &wrong);
  wrong.bytes[0] ^= 1;
  expect_mismatch (c, &wrong, bytes);
  g_autoptr (GArray) infos = conform_list_all (c, 0);
  CONFORM_TRUE (infos != NULL && infos->len == 0);
}

static void
test_wrong_digest_of_existing (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) right = conform_bytes (6, 1000);
  g_autoptr (GBytes) shorter = conform_bytes (6, 999);
  g_autoptr (GBytes) other = conform_bytes (8, 1000);
  CaskDigest digest = conform_put (c, right, NULL);
  expect_mismatch (c, &digest, shorter);
  expect_mismatch (c, &digest, other);
  conform_expect_bytes (c, &digest, right);
}

static void
test_put_twice (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  static const CaskPutFlags flags[] = { 0, 0, CASK_PUT_COPY, CASK_PUT_VERIFY_EXISTING };
  g_autoptr (GBytes) bytes = conform_bytes (9, 70000);
  CaskDigest digest = conform_digest (bytes);
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean created = i != 0;
      CONFORM_TRUE (
          c->calls->put (c->store, &digest, bytes, flags[i], &created, NULL, &error));
      CONFORM_NO_ERROR (error);
      CONFORM_EQUAL (created, i == 0);
      conform_expect_bytes (c, &digest, bytes);
    }
  g_autoptr (GArray) infos = conform_list_all (c, 0);
  CONFORM_TRUE (infos != NULL && infos->len == 1);
}

static void
test_absent (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (10, 50);
  CaskDigest digest = conform_digest (bytes);
  conform_expect_absent (c, &digest);
  if (c->capabilities & CASK_CAPABILITY_WRITE)
    conform_put_number (c, 1);
  conform_expect_absent (c, &digest);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &digest);
  conform_expect_absent (c, &digest);
}

/* As absent beside a blob whose digest differs in the last bit only. */
static void
test_neighbour_is_absent (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  CaskDigest digest = conform_put_number (c, 500);
  digest.bytes[31] ^= 1;
  conform_expect_absent (c, &digest);
  digest.bytes[31] ^= 1;
  digest.bytes[0] ^= 0x80;
  conform_expect_absent (c, &digest);
}

const ConformCase conform_put_get_tests[] = {
  { "C1 what was put is got, stated, contained and listed", test_round_trip },
  { "C19 the first put is created, every later one is not", test_put_twice },
  { "C19 the first add is created, every later one is not", test_add_twice },
  { "C22 get of an absent blob is NOT_FOUND and nothing else", test_absent },
  { "C22 S3 a digest that differs in one bit is absent", test_neighbour_is_absent },
  { "C1 add names the bytes by either algorithm", test_add },
  { "C21 S2 add with an unknown algorithm is INVALID_DIGEST",
    test_add_unknown_algorithm },
  { "C4 sha256 and sha512 of the same bytes are two blobs", test_two_algorithms },
  { "C5 bytes with NUL and every byte value come back", test_every_byte },
  { "C6 C8 the empty blob is absent until it is put", test_empty },
  { "C10 sizes beside every power of two up to 16 MiB", test_sizes },
  { "a buffer put with COPY may be reused at once", test_copy },
  { "C13 a wrong digest is DIGEST_MISMATCH and nothing is visible", test_wrong_digest },
  { "C14 a wrong digest leaves the right blob untouched", test_wrong_digest_of_existing },
  CONFORM_CASES_END
};
