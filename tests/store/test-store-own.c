/* SPDX-License-Identifier: Apache-2.0
 *
 * test-store-own.c: what the store does with a backend's optional words: bad copies,
 * warnings, jobs, secrets. */
#include <cask/cask-config.h>

#include "twin.h"

#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <string.h>

#define CANARY "xylophone-in-the-mine"

static GBytes *
make_bytes (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 7 + i / 251);
  return g_bytes_new_take (data, size);
}

/* Stores that many bytes. */
static GBytes *
put_bytes (CaskStore *store, gsize size, CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = make_bytes (size);

  CU_ASSERT_TRUE (cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, 0, digest, NULL,
                                  NULL, &error));
  TEST_NO_ERROR (error);
  return bytes;
}

static void
expect_bytes (CaskStore *store, const CaskDigest *digest, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) got = cask_store_get (store, digest, NULL, &error);

  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
  TEST_NO_ERROR (error);
}

/* ---- Copies ---- */

static void
test_second_copy (void)
{
  g_autoptr (CaskStore) store = twin_open ("");
  CaskDigest digest;
  if (store == NULL)
    return;
  g_autoptr (GBytes) bytes = put_bytes (store, 1000, &digest);
  twin.n_copies = 3;
  twin.n_bad = 2;
  expect_bytes (store, &digest, bytes);
  CU_ASSERT_EQUAL (twin.n_condemned, 2);
  CU_ASSERT_EQUAL (twin.condemned[0], 1);
  CU_ASSERT_EQUAL (twin.condemned[1], 2);
  CU_ASSERT_EQUAL (twin.n_gets, 3);
}

static void
test_verify_second_copy (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  CaskDigest digest;
  if (store == NULL)
    return;
  G_GNUC_UNUSED g_autoptr (GBytes) bytes = put_bytes (store, 1000, &digest);
  twin.n_copies = 2;
  twin.n_bad = 1;
  CU_ASSERT_TRUE (cask_store_verify (store, &digest, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (twin.n_condemned, 1);
  CU_ASSERT_TRUE (twin.get_flags & CASK_READ_SCAN);
}

static void
test_all_bad_heals (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  gboolean created = TRUE;
  CaskDigest digest, expected, actual;
  if (store == NULL)
    return;
  g_autoptr (GBytes) bytes = put_bytes (store, 1000, &digest);
  CU_ASSERT_FALSE (twin.put_flags & CASK_PUT_REPLACE);
  twin.n_copies = 2;
  twin.n_bad = 2;
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_EQUAL (twin.n_condemned, 2);
  CU_ASSERT_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
  CU_ASSERT_TRUE (cask_digest_equal (&expected, &digest));
  CU_ASSERT_FALSE (cask_digest_equal (&actual, &digest));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "twin: sha256:");
  /* S8: found corrupt, so a put replaces, once. */
  CU_ASSERT_TRUE (cask_store_put (store, &digest, bytes, 0, &created, NULL, &error));
  CU_ASSERT_TRUE ((twin.put_flags & CASK_PUT_REPLACE) && !created);
  expect_bytes (store, &digest, bytes);
  CU_ASSERT_TRUE (cask_store_put (store, &digest, bytes, 0, &created, NULL, &error));
  CU_ASSERT_FALSE (twin.put_flags & CASK_PUT_REPLACE);
  TEST_NO_ERROR (error);
}

static void
test_endless_copies (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  CaskDigest digest;
  if (store == NULL)
    return;
  G_GNUC_UNUSED g_autoptr (GBytes) bytes = put_bytes (store, 1000, &digest);
  twin.n_copies = twin.n_bad = G_MAXUINT;
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_TRUE (twin.n_gets < 50);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
}

static void
test_condemn_fails (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  CaskDigest digest;
  if (store == NULL)
    return;
  G_GNUC_UNUSED g_autoptr (GBytes) bytes = put_bytes (store, 1000, &digest);
  twin.n_bad = 1;
  twin.condemn_fails = TRUE;
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_EQUAL (twin.n_gets, 1);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "they hash to");
}

static void
test_pieces (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  CaskDigest digest;
  if (store == NULL)
    return;
  G_GNUC_UNUSED g_autoptr (GBytes) bytes = put_bytes (store, (9 << 20) + 1, &digest);
  CU_ASSERT_TRUE (cask_store_verify (store, &digest, NULL, &error));
  CU_ASSERT_EQUAL (twin.n_gets, 3);
  CU_ASSERT_EQUAL (twin.largest_get, 4 << 20);
  /* Replaced once while it is read: it begins again. */
  twin.n_gets = 0;
  twin.n_restless = 1;
  CU_ASSERT_TRUE (cask_store_verify (store, &digest, NULL, &error));
  CU_ASSERT_EQUAL (twin.n_gets, 5);
  TEST_NO_ERROR (error);
  twin.n_restless = G_MAXUINT;
  twin.n_gets = 0;
  CU_ASSERT_FALSE (cask_store_verify (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_BUSY, "changed 16 times");
  CU_ASSERT_EQUAL (twin.n_gets, 16 * 2);
  CU_ASSERT_EQUAL (twin.n_condemned, 0);
  twin.n_restless = 0;
  twin.n_bad = 1;
  CU_ASSERT_FALSE (cask_store_verify (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "twin: sha256:");
}

static void
test_hashed_when_changed (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  CaskDigest digest;
  if (store == NULL)
    return;
  g_autoptr (GBytes) bytes = put_bytes (store, 1000, &digest);
  expect_bytes (store, &digest, bytes);
  /* This version was seen: that it rots unseen is what `changed` means. */
  twin.n_bad = 1;
  g_autoptr (GBytes) rotten = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_TRUE (rotten != NULL && !g_bytes_equal (rotten, bytes));
  TEST_NO_ERROR (error);
  twin.n_restless = G_MAXUINT;
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
}

/* ---- What the host gives ---- */

typedef struct
{
  guint n;
  char *messages[4];
  GQuark domain;
} Warnings;

static void
on_warning (CaskStore *store, const GError *error, gpointer data)
{
  Warnings *warnings = data;
  (void) store;

  warnings->messages[warnings->n++ % 4] = g_strdup (error->message);
  warnings->domain = error->domain;
}

static void
test_warnings (void)
{
  g_autoptr (CaskStore) store = twin_open ("");
  Warnings warnings = { 0 };
  CaskDigest digest;
  if (store == NULL)
    return;
  g_autoptr (GBytes) bytes = put_bytes (store, 10, &digest);
  g_autofree char *text = cask_digest_to_string (&digest);
  g_autofree char *expected = g_strdup_printf ("twin: %s: one copy is bad", text);
  twin.warns = TRUE;
  g_signal_connect (store, "warning", G_CALLBACK (on_warning), &warnings);
  expect_bytes (store, &digest, bytes);
  CU_ASSERT_EQUAL (warnings.n, 2);
  CU_ASSERT_EQUAL (warnings.domain, CASK_ERROR);
  CU_ASSERT_EQUAL (g_strcmp0 (warnings.messages[0], expected), 0);
  CU_ASSERT_EQUAL (g_strcmp0 (warnings.messages[1], "twin: one copy is bad"), 0);
  for (guint i = 0; i < 4; i++)
    g_free (warnings.messages[i]);
}

static void
test_spawn (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("?threads=1");
  CaskDigest digest;
  if (store == NULL)
    return;
  twin.spawns = TRUE;
  /* The first job holds the lane of jobs; close starts the second, too, and awaits both.
   */
  G_GNUC_UNUSED g_autoptr (GBytes) bytes = put_bytes (store, 10, &digest);
  G_GNUC_UNUSED g_autoptr (GBytes) more = put_bytes (store, 11, &digest);
  CU_ASSERT_EQUAL (g_atomic_int_get (&twin.jobs_ended), 0);
  CU_ASSERT_TRUE (cask_store_close (store, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (twin.n_closed, 1);
  CU_ASSERT_EQUAL (twin.jobs_ended_at_close, 2);
  CU_ASSERT_TRUE (cask_store_close (store, NULL, &error));
  CU_ASSERT_EQUAL (twin.n_closed, 1);
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, "twin?threads=1: the store is close");
}

static void
test_hasher (void)
{
  G_GNUC_UNUSED g_autoptr (CaskStore) store = twin_open ("");
  g_autoptr (GBytes) abc = g_bytes_new_static ("abc", 3);
  CaskDigest expected;

  cask_digest_of_bytes (abc, CASK_ALGORITHM_SHA256, &expected);
  CU_ASSERT_TRUE (cask_digest_equal (&twin.hashed, &expected));
  CU_ASSERT_TRUE (twin.knew_no_hash);
}

static void
test_flush (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  if (store == NULL)
    return;
  CU_ASSERT_TRUE (cask_store_flush (store, NULL, &error));
  CU_ASSERT_EQUAL (twin.n_flushes, 1);
  TEST_NO_ERROR (error);
}

static void
test_cancelled (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CaskDigest digest;
  if (store == NULL)
    return;
  G_GNUC_UNUSED g_autoptr (GBytes) bytes = put_bytes (store, 10, &digest);
  twin.cancels = cancellable;
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, cancellable, &error));
  CU_ASSERT_EQUAL (twin.n_gets, 1);
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "given up");
}

/* ---- Secrets ---- */

static void
expect_canary (const char *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open (options);
  CaskDigest digest = { .algorithm = CASK_ALGORITHM_SHA256 };
  if (store == NULL)
    return;
  CU_ASSERT_EQUAL (g_strcmp0 (twin.secret, CANARY), 0);
  CU_ASSERT_STRING_EQUAL (cask_store_get_config (store), "twin?key=***&room=3");
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  CU_ASSERT_TRUE (error != NULL && strstr (error->message, CANARY) == NULL &&
                  strstr (error->message, "key") == NULL);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "twin: sha256:");
}

static void
refuse_canary (const char *options, CaskError code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = g_strconcat ("twin", options, NULL);

  CU_ASSERT_PTR_NULL (cask_store_open (config, NULL, &error));
  CU_ASSERT_TRUE (error != NULL && strstr (error->message, CANARY) == NULL);
  TEST_ERROR (error, CASK_ERROR, code, text);
}

static void
test_secrets (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (test_directory (), "key", NULL);
  g_autofree char *escaped = cask_config_escape (path);
  g_autofree char *by_file = g_strconcat ("?key=file:", escaped, "&room=3", NULL);

  g_setenv ("CASK_TEST_KEY", CANARY, TRUE);
  CU_ASSERT_TRUE (g_file_set_contents (path, CANARY "\n", -1, &error));
  TEST_NO_ERROR (error);
  expect_canary ("?key=env:CASK_TEST_KEY&room=3");
  expect_canary (by_file);
}

static void
test_secrets_in_errors (void)
{
  twin_reset ();
  twin.open_fails = TRUE;
  g_setenv ("CASK_TEST_KEY", CANARY, TRUE);
  refuse_canary ("?key=env:CASK_TEST_KEY", CASK_ERROR_AUTH, "twin: the key is refused");
  refuse_canary ("?key=" CANARY, CASK_ERROR_INVALID_CONFIG, "key");
  refuse_canary ("?key=" CANARY "&" CANARY "=1", CASK_ERROR_INVALID_CONFIG, "key");
  refuse_canary ("?key=env:CASK_TEST_KEY&room=" CANARY, CASK_ERROR_INVALID_CONFIG,
                 "room");
  refuse_canary ("?key=file:/nowhere/" CANARY, CASK_ERROR_INVALID_CONFIG,
                 "No such file or directory");
}

int
main (int argc, char **argv)
{
  CU_TestInfo copies[] = {
    { "S7 get goes on to the copy that is good", test_second_copy },
    { "S7 verify goes on to the copy that is good", test_verify_second_copy },
    { "S8 where all are bad it is CORRUPT, and a put heals", test_all_bad_heals },
    { "a backend that always has another copy is left at last", test_endless_copies },
    { "a condemn that fails is no other copy", test_condemn_fails },
    { "verify reads in pieces of 4 MiB, all of one copy", test_pieces },
    { "S7 only a changed version is hashed again", test_hashed_when_changed },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo host[] = {
    { "a warning is a signal that names store and digest", test_warnings },
    { "close hurries jobs and awaits them", test_spawn },
    { "the host's hasher hashes", test_hasher },
    { "flush is the backend's", test_flush },
    { "L43 CANCELLED stands where the cancellable is", test_cancelled },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo secrets[] = {
    { "G5 a secret arrives, and no text of the store has it", test_secrets },
    { "G5 no error has a secret", test_secrets_in_errors },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "copies", .pTests = copies },
    { .pName = "host", .pTests = host },
    { .pName = "secrets", .pTests = secrets },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
