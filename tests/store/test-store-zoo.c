/* SPDX-License-Identifier: Apache-2.0
 *
 * test-store-zoo.c: plugins that load and then break their word, and the options that
 * belong to the store. */
#include "test-support.h"

#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <cask/cask-plugins.h>
#include <cask/cask-store.h>
#include <string.h>

static CaskStore *
zoo_store (const char *config)
{
  g_autoptr (GError) error = NULL;
  CaskStore *store = cask_store_open (config, NULL, &error);

  TEST_NO_ERROR (error);
  return store;
}

static void
zoo_store_refused (const char *config, CaskError code, const char *text)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (cask_store_open (config, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, code, text);
  CU_ASSERT_PTR_NULL (cask_store_open (config, NULL, NULL));
}

/* Stores text. */
static CaskDigest
zoo_store_put (CaskStore *store, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  CaskDigest digest = { 0 };

  CU_ASSERT_TRUE (cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, 0, &digest, NULL,
                                  NULL, &error));
  TEST_NO_ERROR (error);
  return digest;
}

static void
test_open_silent (void)
{
  zoo_store_refused ("open-silent", CASK_ERROR_IO,
                     "open-silent: the plugin 'open-silent' failed in its slot 'open' "
                     "without saying why");
}

static void
test_open_both (void)
{
  zoo_store_refused (
      "open-both", CASK_ERROR_IO,
      "open-both: the plugin 'open-both' opened and failed at once: open:");
  zoo_store_refused ("open-null", CASK_ERROR_IO, "open-null: open: Success");
}

static void
test_open_child (void)
{
  zoo_store_refused ("layer(open-silent)", CASK_ERROR_IO,
                     "open-silent: the plugin 'open-silent' failed");
}

static void
test_get_wrong (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("get-wrong");
  CaskDigest expected, actual;
  if (store == NULL)
    return;
  CaskDigest digest = zoo_store_put (store, "what is in the cask");

  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
  CU_ASSERT_TRUE (cask_digest_equal (&expected, &digest));
  CU_ASSERT_FALSE (cask_digest_equal (&actual, &digest));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "get-wrong: sha256:");
  CU_ASSERT_FALSE (cask_store_verify (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "get-wrong: sha256:");
}

static void
test_get_unverified (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("get-wrong?verify=never");
  if (store == NULL)
    return;
  CaskDigest digest = zoo_store_put (store, "what is in the cask");
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_PTR_NOT_NULL (got);
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (cask_store_verify (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "they hash to");
}

/* A plugin that gives too few or too many bytes, whatever the policy. */
static void
check_length (const char *config, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store (config);
  g_autofree char *text = g_strdup_printf (": the plugin '%s' gave ", name);
  if (store == NULL)
    return;
  CaskDigest digest = zoo_store_put (store, "what is in the cask");

  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_TRUE (error != NULL && !cask_error_get_digests (error, NULL, NULL));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CU_ASSERT_PTR_NULL (cask_store_get_range (store, &digest, 3, 5, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CU_ASSERT_FALSE (cask_store_verify (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
}

static void
test_get_lengths (void)
{
  check_length ("get-short", "get-short");
  check_length ("get-short?verify=never", "get-short");
  check_length ("get-long", "get-long");
  check_length ("layer?verify=never(get-long)", "get-long");
}

static void
test_foreign_error (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("foreign-error");
  if (store == NULL)
    return;
  CaskDigest digest = zoo_store_put (store, "a");

  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_TRUE (error != NULL && !cask_error_get_digests (error, NULL, NULL));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "the shelf is gone");
}

static void
test_cancelled_lie (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("cancelled-lie");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  if (store == NULL)
    return;
  CaskDigest digest = zoo_store_put (store, "a");

  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "no longer wanted");
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, cancellable, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "no longer wanted");
  g_cancellable_cancel (cancellable);
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, cancellable, &error));
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
}

static void
test_list_unsorted (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("list-unsorted");
  if (store == NULL)
    return;
  zoo_store_put (store, "a");
  zoo_store_put (store, "b");
  zoo_store_put (store, "c");
  CU_ASSERT_PTR_NULL (cask_store_list (store, NULL, 0, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO,
              "list-unsorted: the plugin 'list-unsorted' listed blobs out of order");
}

/* What a store says of a plugin that breaks its word, all of it but the digest. */
static void
check_fault (const char *name, const char *prefix, const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) unloadable = NULL;
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new (name, &unloadable);
  g_autoptr (CaskStore) store = cask_store_open (name, NULL, &error);
  TEST_NO_ERROR (unloadable);
  if (info == NULL)
    return;
  if (store != NULL)
    {
      CaskDigest digest = zoo_store_put (store, "a");
      zoo_store_put (store, "b");
      g_autoptr (GBytes) bytes = cask_store_get (store, &digest, NULL, &error);
      if (bytes != NULL)
        CU_ASSERT_PTR_NULL (cask_store_list (store, NULL, 0, NULL, &error));
    }
  g_autofree char *tail =
      g_strdup_printf ("the plugin '%s' %s: report it to the makers of %s", name, what,
                       cask_plugin_info_get_path (info));
  CU_ASSERT_TRUE (error != NULL && g_str_has_prefix (error->message, prefix));
  CU_ASSERT_TRUE (error != NULL && g_str_has_suffix (error->message, tail));
  if (error != NULL && !g_str_has_suffix (error->message, tail))
    printf ("\n  said:     %s\n  expected: %s… %s\n", error->message, prefix, tail);
}

static void
test_faults (void)
{
  check_fault ("open-silent", "open-silent: the plugin ",
               "failed in its slot 'open' without saying why");
  check_fault ("open-both", "open-both: the plugin ",
               "opened and failed at once: open: Success");
  check_fault ("get-short", "get-short: sha256:",
               "gave 0 bytes of a blob of 1, asked for 67108864 from 0");
  check_fault ("get-long", "get-long: sha256:",
               "gave 2 bytes of a blob of 1, asked for 67108864 from 0");
  check_fault ("list-unsorted", "list-unsorted: the plugin ",
               "listed blobs out of order");
}

static void
test_flush (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("minimal");
  if (store == NULL)
    return;
  CU_ASSERT_FALSE (cask_store_flush (store, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "minimal: this store keeps");
}

/* ---- The store's own options ---- */

static void
test_config_text (void)
{
  g_autoptr (CaskStore) store =
      zoo_store (" zoo-whole?verify=always&room=2MiB&max-get=1KiB&threads=3\n");
  if (store == NULL)
    return;
  CU_ASSERT_STRING_EQUAL (cask_store_get_config (store),
                          "zoo-whole?room=2MiB&verify=always&threads=3&max-get=1KiB");
  g_autoptr (CaskStore) again = zoo_store (cask_store_get_config (store));
  CU_ASSERT_TRUE (again != NULL && g_str_equal (cask_store_get_config (store),
                                                cask_store_get_config (again)));
}

static void
test_reserved (void)
{
  zoo_store_refused ("layer(minimal?verify=always)", CASK_ERROR_INVALID_CONFIG, "verify");
  zoo_store_refused ("layer(minimal?threads=4)", CASK_ERROR_INVALID_CONFIG, "threads");
  zoo_store_refused ("layer(minimal?max-get=4)", CASK_ERROR_INVALID_CONFIG, "max-get");
  zoo_store_refused ("minimal?verify=perhaps", CASK_ERROR_INVALID_CONFIG, "verify");
  zoo_store_refused ("minimal?threads=0", CASK_ERROR_INVALID_CONFIG, "threads");
  zoo_store_refused ("minimal?threads=257", CASK_ERROR_INVALID_CONFIG, "threads");
  zoo_store_refused ("minimal?max-get=0", CASK_ERROR_INVALID_CONFIG, "max-get");
  zoo_store_refused ("minimal?verify=never&verify=never", CASK_ERROR_INVALID_CONFIG,
                     "verify");
}

static void
test_max_get (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = zoo_store ("minimal?max-get=4");
  if (store == NULL)
    return;
  CaskDigest four = zoo_store_put (store, "cask"), five = zoo_store_put (store, "casks");
  g_autoptr (GBytes) got = cask_store_get (store, &four, NULL, &error);
  g_autoptr (GBytes) rest =
      cask_store_get_range (store, &five, 1, CASK_TO_END, NULL, &error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_get_size (got) == 4);
  CU_ASSERT_TRUE (rest != NULL && g_bytes_get_size (rest) == 4);
  CU_ASSERT_TRUE (cask_store_verify (store, &five, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NULL (cask_store_get (store, &five, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, "5 bytes are more than max-get");
  CU_ASSERT_PTR_NULL (cask_store_get_range (store, &five, 0, 5, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, "more than max-get (4)");
}

int
main (int argc, char **argv)
{
  CU_TestInfo running[] = {
    { "L39 an open that fails without a word is given one", test_open_silent },
    { "L40 an open that contradicts itself has failed", test_open_both },
    { "L39 a child's open is named by the child", test_open_child },
    { "L42 wrong bytes are CORRUPT, with both digests", test_get_wrong },
    { "L42 wrong bytes pass only where nobody looks", test_get_unverified },
    { "L42 too few and too many bytes are CORRUPT, always", test_get_lengths },
    { "L43 an error of another domain becomes IO", test_foreign_error },
    { "L43 a CANCELLED that nobody asked for becomes IO", test_cancelled_lie },
    { "a list out of order is refused", test_list_unsorted },
    { "L39 L40 L42 a fault is told with the plugin's file and what to do", test_faults },
    { "flush of a store that keeps nothing is UNSUPPORTED", test_flush },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo options[] = {
    { "the config is told in canonical form", test_config_text },
    { "the store's options are checked, and taken at the root only", test_reserved },
    { "S11 max-get bounds what is read at once", test_max_get },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "running", .pTests = running },
    { .pName = "options", .pTests = options },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
