/* SPDX-License-Identifier: Apache-2.0
 *
 * test-node-lies.c: what a plugin's slots say, held to what it can be; and what a node
 * refuses before its plugin is asked. */
#include "liar.h"
#include "node-fixture.h"

#include <cask/cask-digest.h>

static CaskDigest digest;

/* A node of a liar that tells the truth so far. */
static CaskNode *
lies_open (const char *config)
{
  liar_register ();
  liar = (Liar){ .size = 3, .capabilities = SHELF_EVERYTHING };
  digest = shelf_digest ();
  return shelf_open (config, "/");
}

static int
lies_stat (CaskNode *node, guint32 flags, const char *text)
{
  GError *error = NULL;
  CaskBlobInfo info = { 0 };
  gboolean success =
      cask_node_ops.stat (cask_node_self (node), &digest, flags, &info, NULL, &error);
  CU_ASSERT_EQUAL (success, error == NULL);
  CU_ASSERT_EQUAL (success, cask_digest_equal (&info.digest, &digest));
  return shelf_code (error, text);
}

static int
lies_remove (CaskNode *node, gint64 unused_since, CaskRemoved *outcome, const char *text)
{
  GError *error = NULL;
  gboolean success = cask_node_ops.remove (cask_node_self (node), &digest, unused_since,
                                           outcome, NULL, &error);
  CU_ASSERT_EQUAL (success, error == NULL);
  return shelf_code (error, text);
}

static int
lies_list (CaskNode *node, const CaskDigest *after, guint32 *n, const char *text)
{
  GError *error = NULL;
  CaskBlobInfo infos[4];
  gboolean more = FALSE;
  gboolean success =
      cask_node_ops.list (cask_node_self (node), after, 0, infos, n, &more, NULL, &error);
  CU_ASSERT_EQUAL (success, error == NULL);
  return shelf_code (error, text);
}

static int
lies_condemn (CaskNode *node, guint32 flags, const char *text)
{
  GError *error = NULL;
  gboolean again = 42;
  gboolean success = cask_node_ops.condemn (cask_node_self (node), &digest, 1, flags,
                                            &again, NULL, &error);
  CU_ASSERT_EQUAL (success, error == NULL);
  CU_ASSERT_TRUE (!success || again == FALSE || again == TRUE);
  return shelf_code (error, text);
}

static void
test_sizes (void)
{
  CaskNode *node = lies_open ("liar");
  GError *error = NULL;
  CaskBlobInfo info;
  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (lies_stat (node, 0, NULL), SHELF_OK);
  liar.size = CASK_UNKNOWN;
  CU_ASSERT_EQUAL (lies_stat (node, 0, "the plugin 'liar' gave no size"), CASK_ERROR_IO);
  CU_ASSERT_PTR_NULL (
      cask_node_ops.get (cask_node_self (node), &digest, 0, 3, 0, &info, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "the plugin 'liar' gave 3 bytes"),
                   CASK_ERROR_CORRUPT);
  error = NULL;
  CU_ASSERT_PTR_NULL (
      cask_node_ops.blob_open (cask_node_self (node), &digest, 0, &info, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "the plugin 'liar' gave no size"), CASK_ERROR_IO);
  CU_ASSERT_EQUAL (liar.n_handles, 0);
  shelf_close (node);
}

static void
test_ranges (void)
{
  CaskNode *node = lies_open ("liar");
  GError *error = NULL;
  CaskBlobInfo info;
  if (node == NULL)
    return;
  /* Three bytes, of a blob that it says has two. */
  liar.size = 2;
  CU_ASSERT_PTR_NULL (
      cask_node_ops.get (cask_node_self (node), &digest, 0, 3, 0, &info, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "of a blob of 2, asked for 3 from 0"),
                   CASK_ERROR_CORRUPT);
  /* And from behind its end. */
  error = NULL;
  CU_ASSERT_PTR_NULL (
      cask_node_ops.get (cask_node_self (node), &digest, 5, 3, 0, &info, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "asked for 3 from 5"), CASK_ERROR_CORRUPT);
  shelf_close (node);
}

static void
test_pieces (void)
{
  CaskNode *node = lies_open ("liar");
  GError *error = NULL;
  CaskBlobInfo info;
  char buffer[3];
  if (node == NULL)
    return;
  CaskBackendBlob *blob =
      cask_node_ops.blob_open (cask_node_self (node), &digest, 0, &info, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_digest_equal (&info.digest, &digest));
  CU_ASSERT_EQUAL (
      cask_node_ops.blob_read (cask_node_self (node), blob, 0, buffer, 3, NULL, &error),
      3);
  TEST_NO_ERROR (error);
  liar.reads_more = 1;
  CU_ASSERT_EQUAL (
      cask_node_ops.blob_read (cask_node_self (node), blob, 0, buffer, 3, NULL, &error),
      -1);
  CU_ASSERT_EQUAL (shelf_code (error, "says it read 4 bytes into a buffer of 3"),
                   CASK_ERROR_IO);
  cask_node_ops.blob_close (cask_node_self (node), blob);
  /* A handle that came with an error is closed for the plugin. */
  error = NULL;
  liar.code = CASK_ERROR_BUSY;
  CU_ASSERT_PTR_NULL (
      cask_node_ops.blob_open (cask_node_self (node), &digest, 0, &info, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "so it says"), CASK_ERROR_BUSY);
  CU_ASSERT_EQUAL (liar.n_handles, 0);
  shelf_close (node);
}

static void
test_removed (void)
{
  CaskNode *node = lies_open ("liar");
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  if (node == NULL)
    return;
  liar.outcome = CASK_REMOVED_KEPT;
  CU_ASSERT_EQUAL (lies_remove (node, 5, &outcome, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_KEPT);
  liar.outcome = CASK_REMOVED_MAYBE;
  CU_ASSERT_EQUAL (lies_remove (node, 5, &outcome, "did not say what became of the blob"),
                   CASK_ERROR_IO);
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_KEPT);
  shelf_close (node);
}

static void
test_pages (void)
{
  CaskNode *node = lies_open ("liar");
  guint32 n = 4;
  if (node == NULL)
    return;
  liar.n_listed = 4;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (n, 4);
  liar.n_listed = 5;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, "more blobs than there was room for"),
                   CASK_ERROR_IO);
  liar.n_listed = 0;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (n, 0);
  n = 4;
  liar.more = TRUE;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, "an empty page and the word that more"),
                   CASK_ERROR_IO);
  liar.n_listed = 3;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (n, 3);
  shelf_close (node);
}

static void
test_page_order (void)
{
  CaskNode *node = lies_open ("liar");
  CaskDigest after = shelf_digest ();
  guint32 n = 4;
  if (node == NULL)
    return;
  liar.n_listed = 2;
  /* What is listed begins at 0: that is not behind 0. */
  after.bytes[0] = 0;
  CU_ASSERT_EQUAL (lies_list (node, &after, &n, "blobs out of order"), CASK_ERROR_IO);
  liar.listed_twice = TRUE;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, "blobs out of order"), CASK_ERROR_IO);
  liar.listed_twice = FALSE;
  liar.algorithm = 99;
  CU_ASSERT_EQUAL (lies_list (node, NULL, &n, "something that is no digest"),
                   CASK_ERROR_IO);
  shelf_close (node);
}

/* Any error of Cask's own leaves as it came; others become IO, with their words. */
static void
test_codes (void)
{
  CaskNode *node = lies_open ("liar");
  if (node == NULL)
    return;
  liar.fails = TRUE;
  for (int code = CASK_ERROR_NOT_FOUND; code <= CASK_ERROR_PLUGIN_ABI; code++)
    {
      liar.code = code;
      CU_ASSERT_EQUAL (lies_stat (node, 0, "so it says"), code);
    }
  liar.code = CASK_ERROR_PLUGIN_ABI + 1;
  CU_ASSERT_EQUAL (lies_stat (node, 0, "so it says"), CASK_ERROR_IO);
  liar.code = CASK_ERROR_NOT_FOUND - 1;
  CU_ASSERT_EQUAL (lies_stat (node, 0, "so it says"), CASK_ERROR_IO);
  shelf_close (node);
}

static void
test_care (void)
{
  CaskNode *node = lies_open ("liar");
  GError *error = NULL;
  CaskUsage usage = { .count = 7 };
  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (lies_condemn (node, CASK_CONDEMN_QUARANTINE, NULL), SHELF_OK);
  liar.code = CASK_ERROR_BUSY;
  CU_ASSERT_FALSE (cask_node_ops.usage (cask_node_self (node), &usage, NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "so it says"), CASK_ERROR_BUSY);
  CU_ASSERT_EQUAL (usage.count, 7);
  error = NULL;
  CU_ASSERT_FALSE (cask_node_ops.flush (cask_node_self (node), NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "so it says"), CASK_ERROR_BUSY);
  CU_ASSERT_EQUAL (lies_condemn (node, 0, "so it says"), CASK_ERROR_BUSY);
  shelf_close (node);
}

/* A layer without a slot for it is as durable as what it stands before. */
static void
test_flush_below (void)
{
  CaskNode *node = lies_open ("stage(liar)");
  GError *error = NULL;
  if (node == NULL)
    return;
  CU_ASSERT_TRUE (cask_node_ops.flush (cask_node_self (node), NULL, &error));
  TEST_NO_ERROR (error);
  liar.code = CASK_ERROR_BUSY;
  CU_ASSERT_FALSE (cask_node_ops.flush (cask_node_self (node), NULL, &error));
  CU_ASSERT_EQUAL (shelf_code (error, "so it says"), CASK_ERROR_BUSY);
  shelf_close (node);
}

/* A backend without a slot for many is asked for one after the other, for all of each. */
static void
test_many (void)
{
  CaskNode *node = lies_open ("bare");
  GError *error = NULL;
  CaskItem item = { .digest = &digest };
  if (node == NULL)
    return;
  shelf.digest = digest;
  shelf.kept = shelf_bytes (10);
  CU_ASSERT_TRUE (
      cask_node_ops.get_many (cask_node_self (node), &item, 1, 0, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (item.bytes != NULL && g_bytes_equal (item.bytes, shelf.kept));
  g_clear_pointer (&item.bytes, g_bytes_unref);
  shelf_close (node);
}

/* What is not announced is not asked for. */
static void
test_unannounced (void)
{
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  liar_register ();
  CaskNode *node = lies_open ("liar");
  if (node == NULL)
    return;
  node->capabilities = CASK_CAPABILITY_WRITE;
  CU_ASSERT_EQUAL (cask_node_ops.capabilities (cask_node_self (node)),
                   CASK_CAPABILITY_WRITE);
  CU_ASSERT_EQUAL (lies_stat (node, CASK_STAT_FRESHEN, "keep times of use"),
                   CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (lies_stat (node, 0, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (lies_remove (node, 5, &outcome, "delete without a condition"),
                   CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (lies_remove (node, CASK_ALWAYS, &outcome, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (lies_condemn (node, CASK_CONDEMN_QUARANTINE, "has no quarantine"),
                   CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (lies_condemn (node, 0, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (liar.n_asked, 3);
  node->capabilities = 0;
  CU_ASSERT_EQUAL (lies_remove (node, CASK_ALWAYS, &outcome, "can not be written to"),
                   CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (liar.n_asked, 3);
  shelf_close (node);
}

static void
test_tries (void)
{
  CaskNode *node = lies_open ("liar");
  CaskBlobInfo info = { 0 };
  GBytes *bytes = NULL;
  if (node == NULL)
    return;
  CaskBackend *self = cask_node_self (node);
  static const struct
  {
    CaskTry says, means;
    guint64 size;
    gsize given; /* G_MAXSIZE: none */
  } rows[] = {
    { CASK_TRY_FOUND, CASK_TRY_FOUND, 3, 3 },
    { CASK_TRY_FOUND, CASK_TRY_AGAIN, 3, 2 },
    { CASK_TRY_FOUND, CASK_TRY_AGAIN, 3, G_MAXSIZE },
    { CASK_TRY_FOUND, CASK_TRY_AGAIN, CASK_UNKNOWN, 3 },
    { CASK_TRY_FOUND, CASK_TRY_FOUND, CASK_TRY_LIMIT, CASK_TRY_LIMIT },
    { CASK_TRY_FOUND, CASK_TRY_AGAIN, CASK_TRY_LIMIT + 1, CASK_TRY_LIMIT + 1 },
    { CASK_TRY_ABSENT, CASK_TRY_ABSENT, 3, G_MAXSIZE },
    { CASK_TRY_ABSENT, CASK_TRY_AGAIN, 3, 3 },
    { CASK_TRY_AGAIN, CASK_TRY_AGAIN, 3, 3 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      liar.answer = rows[i].says;
      liar.size = rows[i].size;
      liar.given = rows[i].given;
      CaskTry answer =
          cask_node_ops.try_get (self, &digest, 0, CASK_TO_END, 0, &bytes, &info);
      CU_ASSERT_EQUAL (answer, rows[i].means);
      CU_ASSERT_EQUAL (bytes != NULL, answer == CASK_TRY_FOUND);
      g_clear_pointer (&bytes, g_bytes_unref);
    }
  /* From behind the end there is nothing. */
  liar.answer = CASK_TRY_FOUND, liar.size = 3, liar.given = 0;
  CU_ASSERT_EQUAL (cask_node_ops.try_get (self, &digest, 4, 1, 0, &bytes, &info),
                   CASK_TRY_AGAIN);
  CU_ASSERT_EQUAL (cask_node_ops.try_stat (self, &digest, &info), CASK_TRY_FOUND);
  liar.size = CASK_UNKNOWN;
  CU_ASSERT_EQUAL (cask_node_ops.try_stat (self, &digest, &info), CASK_TRY_AGAIN);
  liar.answer = CASK_TRY_ABSENT;
  CU_ASSERT_EQUAL (cask_node_ops.try_stat (self, &digest, &info), CASK_TRY_ABSENT);
  shelf_close (node);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L42 a blob without a size is no blob", test_sizes },
    { "L42 bytes that are not of the range are CORRUPT", test_ranges },
    { "L42 a read of more than the buffer holds is an error", test_pieces },
    { "a removal says what became of the blob", test_removed },
    { "S6 a page fits, and one with more to follow is not empty", test_pages },
    { "S6 a page has digests, in order, behind the token", test_page_order },
    { "L43 Cask's own errors leave as they came, others as IO", test_codes },
    { "usage, flush and condemn fail with the plugin's words", test_care },
    { "a layer's flush is that of the store below it", test_flush_below },
    { "many are got one by one where a backend has no slot for many", test_many },
    { "C86 what is not announced is refused before the plugin is asked",
      test_unannounced },
    { "an answer without waiting is whole, or is none", test_tries },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "lies", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
