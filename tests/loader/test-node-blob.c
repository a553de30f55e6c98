/* SPDX-License-Identifier: Apache-2.0
 *
 * test-node-blob.c: reading in pieces from a backend that only has get. */
#include "node-fixture.h"

#include <string.h>

/* A node with a blob of that many bytes, kept, and a handle on it. */
static CaskBackendBlob *
blob_open (const char *config, gsize size, CaskNode **node)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = shelf_digest ();
  CaskBlobInfo info = { 0 };

  *node = shelf_open (config, "/");
  if (*node == NULL)
    return NULL;
  shelf.digest = digest;
  shelf.version = 3;
  shelf.kept = shelf_bytes (size);
  CaskBackendBlob *blob =
      cask_node_ops.blob_open (cask_node_self (*node), &digest, 0, &info, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (blob);
  CU_ASSERT_EQUAL (info.size, size);
  CU_ASSERT_EQUAL (info.version, 3);
  return blob;
}

static void
blob_end (CaskNode *node, CaskBackendBlob *blob)
{
  cask_node_ops.blob_close (cask_node_self (node), blob);
  shelf_close (node);
}

/* Returns: the code; *n is what the read gave. */
static int
blob_read (CaskNode *node, CaskBackendBlob *blob, guint64 offset, void *buffer,
           gsize count, gssize *n, const char *text)
{
  GError *error = NULL;

  *n = cask_node_ops.blob_read (cask_node_self (node), blob, offset, buffer, count, NULL,
                                &error);
  CU_ASSERT_EQUAL (*n < 0, error != NULL);
  return shelf_code (error, text);
}

static void
check_pieces (const char *config)
{
  CaskNode *node;
  CaskBackendBlob *blob = blob_open (config, 10000, &node);
  char buffer[3000];
  gssize n = 0;
  if (blob == NULL)
    return;
  const char *data = g_bytes_get_data (shelf.kept, NULL);

  for (gsize at = 0; at < 10000; at += (gsize) n)
    {
      CU_ASSERT_EQUAL (blob_read (node, blob, at, buffer, 3000, &n, NULL), SHELF_OK);
      CU_ASSERT_EQUAL (n, (gssize) MIN (3000, 10000 - at));
      CU_ASSERT_TRUE (n > 0 && memcmp (buffer, data + at, (gsize) n) == 0);
      if (n <= 0)
        break;
    }
  CU_ASSERT_EQUAL (shelf.largest_get, 3000);
  CU_ASSERT_EQUAL (blob_read (node, blob, 10000, buffer, 5, &n, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (n, 0);
  CU_ASSERT_EQUAL (blob_read (node, blob, G_MAXUINT64, buffer, 5, &n, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (n, 0);
  CU_ASSERT_EQUAL (blob_read (node, blob, 5, buffer, 0, &n, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (n, 0);
  blob_end (node, blob);
}

static void
test_pieces (void)
{
  check_pieces ("bare");
  check_pieces ("pass(bare)");
  check_pieces ("stage(bare)");
}

static void
test_removed (void)
{
  CaskNode *node;
  CaskBackendBlob *blob = blob_open ("bare", 100, &node);
  char buffer[10];
  gssize n;
  if (blob == NULL)
    return;
  CU_ASSERT_EQUAL (blob_read (node, blob, 0, buffer, 10, &n, NULL), SHELF_OK);
  g_clear_pointer (&shelf.kept, g_bytes_unref);
  CU_ASSERT_EQUAL (blob_read (node, blob, 10, buffer, 10, &n, "has been removed"),
                   CASK_ERROR_GONE);
  /* At its end nothing is read, so nothing is missed. */
  CU_ASSERT_EQUAL (blob_read (node, blob, 100, buffer, 10, &n, NULL), SHELF_OK);
  blob_end (node, blob);
}

static void
check_replaced (gsize size, guint64 version, guint64 offset, int code)
{
  CaskNode *node;
  CaskBackendBlob *blob = blob_open ("bare", 100, &node);
  char buffer[10];
  gssize n;
  if (blob == NULL)
    return;
  g_bytes_unref (shelf.kept);
  shelf.kept = shelf_bytes (size);
  shelf.version = version;
  CU_ASSERT_EQUAL (blob_read (node, blob, offset, buffer, 10, &n, NULL), code);
  blob_end (node, blob);
}

static void
test_replaced (void)
{
  check_replaced (100, 3, 50, SHELF_OK);
  check_replaced (100, 0, 50, SHELF_OK); /* nothing known against it */
  check_replaced (100, 4, 50, CASK_ERROR_GONE);
  check_replaced (200, 3, 50, CASK_ERROR_GONE);
  check_replaced (60, 3, 50, CASK_ERROR_GONE);
  check_replaced (20, 4, 50, CASK_ERROR_GONE);
}

static void
test_short (void)
{
  CaskNode *node;
  CaskBackendBlob *blob = blob_open ("bare", 100, &node);
  char buffer[10];
  gssize n;
  if (blob == NULL)
    return;
  shelf.gives_short = TRUE;
  CU_ASSERT_EQUAL (blob_read (node, blob, 0, buffer, 10, &n, "the plugin 'bare' gave 9"),
                   CASK_ERROR_CORRUPT);
  blob_end (node, blob);
}

static void
test_absent (void)
{
  GError *error = NULL;
  CaskDigest digest = shelf_digest ();
  CaskBlobInfo info;
  CaskNode *node = shelf_open ("bare", "/");
  if (node == NULL)
    return;
  CU_ASSERT_PTR_NULL (
      cask_node_ops.blob_open (cask_node_self (node), &digest, 0, &info, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "no such blob"), CASK_ERROR_NOT_FOUND);
  shelf_close (node);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C1 C26 C27 a blob is read in pieces, none larger than asked for", test_pieces },
    { "C71 a blob that was removed is GONE, not absent", test_removed },
    { "C71 a blob that was replaced is GONE, not foreign", test_replaced },
    { "L42 a get that gives too little is CORRUPT", test_short },
    { "C22 an absent blob is not opened", test_absent },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "blobs", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
