/* SPDX-License-Identifier: Apache-2.0
 *
 * test-error.c: errors that carry digests, and those that do not. */
#include "error-private.h"
#include "hasher-private.h"
#include "test-support.h"

#include <string.h>

typedef struct
{
  CaskDigest expected, actual;
} Pair;

static Pair
pair_new (void)
{
  Pair pair;

  cask_hash (CASK_ALGORITHM_SHA256, "abc", 3, &pair.expected);
  cask_hash (CASK_ALGORITHM_SHA256, "abd", 3, &pair.actual);
  return pair;
}

/* Both digests in the error, and both in its message. */
static void
pair_check (const Pair *pair, const GError *error)
{
  Pair found = { 0 };
  char expected[CASK_DIGEST_TEXT_SIZE], actual[CASK_DIGEST_TEXT_SIZE];

  CU_ASSERT_PTR_NOT_NULL (error);
  if (error == NULL)
    return;
  CU_ASSERT_TRUE (cask_error_get_digests (error, &found.expected, &found.actual));
  CU_ASSERT_TRUE (cask_digest_equal (&found.expected, &pair->expected));
  CU_ASSERT_TRUE (cask_digest_equal (&found.actual, &pair->actual));
  const char *first =
      strstr (error->message, cask_digest_write (&pair->expected, expected));
  const char *second = strstr (error->message, cask_digest_write (&pair->actual, actual));
  CU_ASSERT_TRUE (first != NULL && second != NULL && first < second);
}

static void
test_domain (void)
{
  CU_ASSERT_EQUAL (CASK_ERROR, cask_error_quark ());
  CU_ASSERT_STRING_EQUAL (g_quark_to_string (CASK_ERROR), "cask-error-quark");
}

static void
test_mismatch (void)
{
  Pair pair = pair_new ();
  g_autoptr (GError) mismatch = NULL, corrupt = NULL;

  cask_error_set_mismatch (&mismatch, CASK_ERROR_DIGEST_MISMATCH, &pair.expected,
                           &pair.actual);
  pair_check (&pair, mismatch);
  cask_error_set_mismatch (&corrupt, CASK_ERROR_CORRUPT, &pair.expected, &pair.actual);
  pair_check (&pair, corrupt);
  CU_ASSERT_TRUE (cask_error_get_digests (corrupt, NULL, NULL));
  TEST_ERROR (mismatch, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, "do not match: expected");
  TEST_ERROR (corrupt, CASK_ERROR, CASK_ERROR_CORRUPT, "stored bytes are corrupt");
  cask_error_set_mismatch (NULL, CASK_ERROR_CORRUPT, &pair.expected, &pair.actual);
}

static void
test_travel (void)
{
  Pair pair = pair_new ();
  g_autoptr (GError) made = NULL;

  cask_error_set_mismatch (&made, CASK_ERROR_DIGEST_MISMATCH, &pair.expected,
                           &pair.actual);
  g_autoptr (GError) copy = g_error_copy (made);
  g_clear_error (&made);
  pair_check (&pair, copy);

  cask_error_prefix (&copy, "fs:/srv/blobs", &pair.expected);
  cask_error_prefix (&copy, "cache", NULL);
  pair_check (&pair, copy);
  CU_ASSERT_TRUE (g_str_has_prefix (copy->message, "cache: fs:/srv/blobs: sha256:"));

  g_autoptr (GError) arrived = NULL;
  g_propagate_prefixed_error (&arrived, g_steal_pointer (&copy), "%s: ", "host");
  pair_check (&pair, arrived);
  CU_ASSERT_TRUE (g_str_has_prefix (arrived->message, "host: cache: "));
  g_autoptr (GError) again = g_error_copy (arrived);
  pair_check (&pair, again);
  TEST_ERROR (again, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, NULL);
}

static void
check_bare (GError *error)
{
  Pair found, before;

  memset (&found, 0x5a, sizeof found);
  before = found;
  CU_ASSERT_FALSE (cask_error_get_digests (error, &found.expected, &found.actual));
  CU_ASSERT_EQUAL (memcmp (&found, &before, sizeof found), 0);
  g_error_free (error);
}

static void
test_bare (void)
{
  GError *plugins = NULL, *copy = NULL;

  /* As a plugin makes them, which links nothing of libcask. */
  g_set_error (&plugins, CASK_ERROR, CASK_ERROR_CORRUPT, "read: %d", 5);
  copy = g_error_copy (plugins);
  g_prefix_error (&copy, "fs: ");
  check_bare (plugins);
  check_bare (copy);
  check_bare (g_error_new_literal (CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH, "no"));
  check_bare (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "no"));
}

static void
test_prefix_of_nothing (void)
{
  GError *none = NULL;

  cask_error_prefix (NULL, "fs", NULL);
  cask_error_prefix (&none, "fs", NULL);
  CU_ASSERT_PTR_NULL (none);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "the header's domain is the registered one", test_domain },
    { "a mismatch carries both digests and spells them", test_mismatch },
    { "the digests come along through copy, prefix and propagate", test_travel },
    { "an error that a plugin made has none", test_bare },
    { "a prefix to no error is none", test_prefix_of_nothing },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "error", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
