/* SPDX-License-Identifier: Apache-2.0
 *
 * test-store-quarantine.c: cask_store_quarantine() before a backend of several copies:
 * what is condemned, and which (S8, C82). */
#include "twin.h"

#include <cask/cask-digest.h>

static CaskDigest
put_blob (CaskStore *store, gboolean created)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("the bytes of a blob", 19);
  CaskDigest digest;
  gboolean was_created = !created;

  CU_ASSERT_TRUE (cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, 0, &digest,
                                  &was_created, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (was_created, created);
  return digest;
}

static void
test_good (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  gboolean moved = TRUE;
  if (store == NULL)
    return;
  CaskDigest digest = put_blob (store, TRUE);
  CU_ASSERT_TRUE (cask_store_quarantine (store, &digest, &moved, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (moved);
  CU_ASSERT_EQUAL (twin.n_condemned, 0);
  CU_ASSERT_TRUE (cask_store_quarantine (store, &digest, NULL, NULL, &error));
  TEST_NO_ERROR (error);
}

static void
test_bad (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("?verify=never");
  gboolean moved = FALSE;
  if (store == NULL)
    return;
  CaskDigest digest = put_blob (store, TRUE);
  twin.n_bad = 1;
  CU_ASSERT_TRUE (cask_store_quarantine (store, &digest, &moved, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (moved);
  CU_ASSERT_EQUAL (twin.n_condemned, 1);
  CU_ASSERT_EQUAL (twin.condemned[0], 1);
  CU_ASSERT_EQUAL (twin.condemn_flags, CASK_CONDEMN_QUARANTINE);
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  /* Nothing is left that a put would have to replace. */
  twin.n_bad = 0;
  put_blob (store, TRUE);
  CU_ASSERT_FALSE (twin.put_flags & CASK_PUT_REPLACE);
}

static void
test_healed (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  gboolean moved = TRUE;
  if (store == NULL)
    return;
  CaskDigest digest = put_blob (store, TRUE);
  twin.n_copies = 2;
  twin.n_bad = 1;
  CU_ASSERT_TRUE (cask_store_quarantine (store, &digest, &moved, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (moved);
  CU_ASSERT_EQUAL (twin.n_condemned, 1);
  CU_ASSERT_TRUE (cask_store_verify (store, &digest, NULL, &error));
  TEST_NO_ERROR (error);
}

static void
test_restless (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  gboolean moved = TRUE;
  if (store == NULL)
    return;
  CaskDigest digest = put_blob (store, TRUE);
  twin.n_copies = twin.n_bad = G_MAXUINT;
  CU_ASSERT_FALSE (cask_store_quarantine (store, &digest, &moved, NULL, &error));
  CU_ASSERT_TRUE (moved); /* as it was: nothing is said on failure */
  CU_ASSERT_TRUE (twin.n_condemned < 50);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_BUSY, "twin: sha256:");
}

static void
test_fails (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  if (store == NULL)
    return;
  CaskDigest digest = put_blob (store, TRUE);
  twin.n_bad = 1;
  twin.condemn_fails = TRUE;
  CU_ASSERT_FALSE (cask_store_quarantine (store, &digest, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "the note is full");
  /* It is still there, and known to be bad. */
  put_blob (store, FALSE);
  CU_ASSERT_TRUE (twin.put_flags & CASK_PUT_REPLACE);
}

static void
test_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = twin_open ("");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CaskDigest absent;
  if (store == NULL)
    return;
  CaskDigest digest = put_blob (store, TRUE);
  absent = digest;
  absent.bytes[0] ^= 1;
  CU_ASSERT_FALSE (cask_store_quarantine (store, &absent, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (cask_store_quarantine (store, &digest, NULL, cancellable, &error));
  TEST_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  CU_ASSERT_TRUE (cask_store_close (store, NULL, &error));
  CU_ASSERT_FALSE (cask_store_quarantine (store, &digest, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
}

static CU_TestInfo quarantine_tests[] = {
  { "a good blob is left alone", test_good },
  { "a bad copy is condemned by its version, and the blob put as a new one", test_bad },
  { "where another copy has come it is hashed in its turn", test_healed },
  { "copies without end are BUSY", test_restless },
  { "what the backend can not move is an error, and healed by a put", test_fails },
  { "an absent blob, a cancelled call and a closed store are refused", test_refused },
  CU_TEST_INFO_NULL,
};

int
main (int argc, char **argv)
{
  CU_SuiteInfo suites[] = {
    { "quarantine", NULL, NULL, NULL, NULL, quarantine_tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
