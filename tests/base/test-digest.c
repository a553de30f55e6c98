/* SPDX-License-Identifier: Apache-2.0
 *
 * test-digest.c: a digest as text and back, its order, and the hashes themselves.
 *
 * The known hashes are those of FIPS 180-4's examples. */
#include "hasher-private.h"
#include "error-private.h"
#include "test-support.h"

#include <string.h>

#define EMPTY_256                                                                        \
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_256 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_512                                                                        \
  "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"              \
  "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
#define ABC_512                                                                          \
  "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"              \
  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static CaskDigest
parse (const char *text)
{
  CaskDigest digest = { 0 };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (cask_digest_parse (text, &digest, &error));
  TEST_NO_ERROR (error);
  return digest;
}

/* Nothing but the refusal: what was in the digest before is still there. */
static void
refuse (const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest, before;

  memset (&digest, 0x5a, sizeof digest);
  before = digest;
  CU_ASSERT_FALSE (cask_digest_parse (text, &digest, &error));
  CU_ASSERT_TRUE (cask_digest_equal (&digest, &before));
  CU_ASSERT_FALSE (cask_digest_parse (text, &digest, NULL));
  for (const char *c = error != NULL ? error->message : ""; *c != '\0'; c++)
    CU_ASSERT_TRUE ((guchar) *c >= ' ' && *c != 0x7f);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, message);
}

static void
test_round_trip (void)
{
  static const char *const texts[] = { EMPTY_256, ABC_256, EMPTY_512, ABC_512 };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      CaskDigest digest = parse (texts[i]);
      g_autofree char *text = cask_digest_to_string (&digest);
      char buffer[CASK_DIGEST_TEXT_SIZE];
      CU_ASSERT_STRING_EQUAL (text, texts[i]);
      CU_ASSERT_PTR_EQUAL (cask_digest_write (&digest, buffer), buffer);
      CU_ASSERT_STRING_EQUAL (buffer, texts[i]);
      CU_ASSERT_TRUE (cask_digest_is_valid (&digest));
      CU_ASSERT_EQUAL (2 * cask_digest_length (&digest), strlen (texts[i]) - 7);
    }
  CU_ASSERT_TRUE (strlen (ABC_512) < CASK_DIGEST_TEXT_SIZE);
}

static void
test_upper_case (void)
{
  static const char *const texts[] = { ABC_256, ABC_512 };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *upper = g_ascii_strup (texts[i], -1);
      memcpy (upper, texts[i], 6);
      CaskDigest digest = parse (upper), lower = parse (texts[i]);
      g_autofree char *text = cask_digest_to_string (&digest);
      CU_ASSERT_STRING_EQUAL (text, texts[i]);
      CU_ASSERT_TRUE (cask_digest_equal (&digest, &lower));
      /* Of the algorithm's name there is one spelling. */
      memcpy (upper, "SHA", 3);
      refuse (upper, "unknown digest algorithm 'SHA");
    }
}

static void
test_no_separator (void)
{
  refuse ("", "digest '' has no ':'; expected sha256:<64 hexadecimal digits>");
  refuse ("sha256", "digest 'sha256' has no ':'");
  refuse (&ABC_256[7], "has no ':'; expected sha256:<64 hexadecimal digits>");
  /* However long the text, the message is short. */
  g_autofree char *endless = g_strnfill (1 << 20, 'a');
  g_autoptr (GError) error = NULL;
  CaskDigest digest;
  CU_ASSERT_FALSE (cask_digest_parse (endless, &digest, &error));
  CU_ASSERT_TRUE (error != NULL && strlen (error->message) < 200);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, "aaa...' has no ':'");
}

static void
test_algorithms (void)
{
  g_autoptr (GError) error = NULL;
  CaskAlgorithm algorithm = 0;

  refuse (":", "unknown digest algorithm ''; known are sha256 and sha512");
  refuse ("md5:d41d8cd98f00b204e9800998ecf8427e", "unknown digest algorithm 'md5'");
  refuse (" sha256:00", "unknown digest algorithm ' sha256'");
  refuse ("sha256 :00", "unknown digest algorithm 'sha256 '");
  refuse ("sha2567:00", "unknown digest algorithm 'sha2567'");
  CU_ASSERT_TRUE (cask_algorithm_parse ("sha256", &algorithm, &error));
  CU_ASSERT_EQUAL (algorithm, CASK_ALGORITHM_SHA256);
  CU_ASSERT_TRUE (cask_algorithm_parse ("sha512", &algorithm, &error));
  CU_ASSERT_EQUAL (algorithm, CASK_ALGORITHM_SHA512);
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (cask_algorithm_parse ("sha1", &algorithm, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, "'sha1'");
  CU_ASSERT_EQUAL (algorithm, CASK_ALGORITHM_SHA512);
  CU_ASSERT_STRING_EQUAL (cask_algorithm_to_string (CASK_ALGORITHM_SHA512), "sha512");
  CU_ASSERT_PTR_NULL (cask_algorithm_to_string (0));
  CU_ASSERT_PTR_NULL (cask_algorithm_to_string (3));
}

static void
test_lengths (void)
{
  g_autofree char *one_short = g_strndup (ABC_256, strlen (ABC_256) - 1);
  g_autofree char *one_long = g_strconcat (ABC_256, "0", NULL);
  g_autofree char *too_many = g_strdup (ABC_512);
  g_autofree char *too_few = g_strdup (ABC_256);

  refuse ("sha256:", "sha256 digest has 0 hexadecimal digits, expected 64");
  refuse (one_short, "sha256 digest has 63 hexadecimal digits, expected 64");
  refuse (one_long, "sha256 digest has 65 hexadecimal digits, expected 64");
  memcpy (too_many, "sha256", 6);
  refuse (too_many, "sha256 digest has 128 hexadecimal digits, expected 64");
  memcpy (too_few, "sha512", 6);
  refuse (too_few, "sha512 digest has 64 hexadecimal digits, expected 128");
}

/* ABC_256 with one of its digits replaced. */
static void
refuse_with (gsize at, char character, const char *message)
{
  g_autofree char *text = g_strdup (ABC_256);

  text[at] = character;
  refuse (text, message);
}

static void
test_characters (void)
{
  refuse_with (7, 'g', "digest has 'g' at byte 7, where a hexadecimal digit belongs");
  refuse_with (70, 'G', "digest has 'G' at byte 70,");
  refuse_with (9, '/', "digest has '/' at byte 9,");
  refuse_with (9, '.', "digest has '.' at byte 9,");
  refuse_with (9, ':', "digest has ':' at byte 9,");
  refuse_with (9, ' ', "digest has ' ' at byte 9,");
  refuse_with (9, '\n', "digest has '\\n' at byte 9,");
  refuse_with (9, '\033', "digest has '\\033' at byte 9,");
  refuse_with (9, '\177', "digest has '\\177' at byte 9,");
  refuse_with (9, '\303', "digest has '\\303' at byte 9,");
  /* A NUL ends the text. */
  refuse_with (9, '\0', "sha256 digest has 2 hexadecimal digits, expected 64");
  refuse ("sha256:xyz", "digest has 'x' at byte 7,");
  refuse ("sha256:0x00", "digest has 'x' at byte 8,");
}

static void
test_paths (void)
{
  refuse ("../../etc/passwd", "digest '../../etc/passwd' has no ':'");
  refuse ("../sha256:00", "unknown digest algorithm '../sha256'");
  refuse ("sha256:../../etc/passwd", "digest has '.' at byte 7,");
  refuse ("sha256:/etc/passwd", "digest has '/' at byte 7,");
  refuse ("sha256:ba/..", "digest has '/' at byte 9,");
}

static void
test_escapes (void)
{
  refuse ("a\033[2Jb\r\n", "digest 'a\\033[2Jb\\r\\n' has no ':'");
  refuse ("sha\n256:00", "unknown digest algorithm 'sha\\n256'");
  refuse ("\001\002", "digest '\\001\\002' has no ':'");
}

static void
test_order (void)
{
  CaskDigest a = parse (ABC_256), b = parse (EMPTY_256), c = parse (EMPTY_512);
  CaskDigest same = a;
  g_autoptr (CaskDigest) copy = cask_digest_copy (&c);

  CU_ASSERT_TRUE (cask_digest_compare (&a, &b) < 0 && cask_digest_compare (&b, &a) > 0);
  CU_ASSERT_TRUE (cask_digest_compare (&b, &c) < 0);
  CU_ASSERT_EQUAL (cask_digest_compare (&a, &same), 0);
  CU_ASSERT_TRUE (cask_digest_equal (&a, &same) && cask_digest_equal (copy, &c));
  CU_ASSERT_FALSE (cask_digest_equal (&a, &b));
  CU_ASSERT_EQUAL (cask_digest_hash (&a), cask_digest_hash (&same));
  CU_ASSERT_NOT_EQUAL (cask_digest_hash (&a), cask_digest_hash (&b));
  same.bytes[31] ^= 1;
  CU_ASSERT_FALSE (cask_digest_equal (&a, &same));
}

static void
test_valid (void)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = parse (ABC_256);

  CU_ASSERT_TRUE (cask_digest_check (&digest, &error));
  TEST_NO_ERROR (error);
  digest.bytes[32] = 1;
  CU_ASSERT_FALSE (cask_digest_is_valid (&digest));
  CU_ASSERT_FALSE (cask_digest_check (&digest, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST, "not a digest: algorithm 1");
  digest = parse (ABC_256);
  digest.bytes[63] = 1;
  CU_ASSERT_FALSE (cask_digest_is_valid (&digest));
  digest = parse (ABC_512);
  digest.reserved[6] = 1;
  CU_ASSERT_FALSE (cask_digest_is_valid (&digest));
  digest = (CaskDigest){ .algorithm = 3 };
  CU_ASSERT_FALSE (cask_digest_is_valid (&digest));
  digest = (CaskDigest){ 0 };
  CU_ASSERT_FALSE (cask_digest_is_valid (&digest));
}

static void
check_hash (CaskAlgorithm algorithm, const char *bytes, const char *expected)
{
  g_autoptr (GBytes) given = g_bytes_new_static (bytes, strlen (bytes));
  char text[CASK_DIGEST_TEXT_SIZE];
  CaskDigest digest;

  memset (&digest, 0x5a, sizeof digest);
  cask_digest_of_bytes (given, algorithm, &digest);
  CU_ASSERT_STRING_EQUAL (cask_digest_write (&digest, text), expected);
  CU_ASSERT_TRUE (cask_digest_is_valid (&digest));
}

static void
test_known (void)
{
  check_hash (CASK_ALGORITHM_SHA256, "", EMPTY_256);
  check_hash (CASK_ALGORITHM_SHA256, "abc", ABC_256);
  check_hash (CASK_ALGORITHM_SHA512, "", EMPTY_512);
  check_hash (CASK_ALGORITHM_SHA512, "abc", ABC_512);
}

static CaskDigest
hash_in_pieces (CaskAlgorithm algorithm, const guint8 *data, gsize size, GRand *rand)
{
  CaskHasher *hasher = cask_hasher_new (algorithm);
  CaskDigest digest;

  cask_hasher_update (hasher, NULL, 0);
  for (gsize at = 0; at < size;)
    {
      gsize piece = (gsize) g_rand_int_range (rand, 0, 200);
      piece = MIN (piece, size - at);
      cask_hasher_update (hasher, data + at, piece);
      at += piece;
    }
  cask_hasher_finish (hasher, &digest);
  return digest;
}

static void
test_pieces (void)
{
  g_autoptr (GRand) rand = test_rand_new ("pieces");
  guint8 data[5000];

  for (gsize i = 0; i < sizeof data; i++)
    data[i] = (guint8) g_rand_int (rand);
  for (guint round = 0; round < 200; round++)
    for (CaskAlgorithm a = CASK_ALGORITHM_SHA256; a <= CASK_ALGORITHM_SHA512; a++)
      {
        gsize size = (gsize) g_rand_int_range (rand, 0, sizeof data + 1);
        CaskDigest whole, pieces = hash_in_pieces (a, data, size, rand);
        cask_hash (a, data, size, &whole);
        CU_ASSERT_TRUE (cask_digest_equal (&whole, &pieces));
      }
  CU_ASSERT_PTR_NULL (cask_hasher_new (0));
  CU_ASSERT_PTR_NULL (cask_hasher_new (3));
  cask_hasher_finish (cask_hasher_new (CASK_ALGORITHM_SHA512), NULL);
}

int
main (int argc, char **argv)
{
  CU_TestInfo text[] = {
    { "both algorithms go to text and back", test_round_trip },
    { "upper-case digits are taken and normalised", test_upper_case },
    { "text without a separator is refused", test_no_separator },
    { "an unknown algorithm is named", test_algorithms },
    { "a wrong length is told with the one expected", test_lengths },
    { "a wrong character is told with its place", test_characters },
    { "what could lead out of a directory is refused", test_paths },
    { "control characters are escaped in messages", test_escapes },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo values[] = {
    { "equality, order and hash are of the value", test_order },
    { "a digest with a stray byte is none", test_valid },
    { "the known hashes come out", test_known },
    { "hashing in odd pieces gives what hashing at once does", test_pieces },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "digest text", .pTests = text },
    { .pName = "digest values", .pTests = values },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
