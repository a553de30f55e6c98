/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-delete.c: what is deleted is gone, for good and for everybody, and can come
 * again. */
#include "conform-case.h"

static gboolean
delete_blob (Conform *c, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;

  CONFORM_TRUE (c->calls->remove (c->store, digest, &existed, NULL, &error));
  CONFORM_NO_ERROR (error);
  return existed;
}

static void
test_delete (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) kept = conform_bytes (31, 100);
  CaskDigest digest = conform_put_number (c, 30), other = conform_put (c, kept, NULL);
  CONFORM_TRUE (delete_blob (c, &digest));
  conform_expect_absent (c, &digest);
  conform_expect_bytes (c, &other, kept);
}

static void
test_delete_missing (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (32, 100);
  CaskDigest digest = conform_digest (bytes);
  CONFORM_FALSE (delete_blob (c, &digest));
  conform_put (c, bytes, NULL);
  CONFORM_TRUE (delete_blob (c, &digest));
  CONFORM_FALSE (delete_blob (c, &digest));
  conform_expect_absent (c, &digest);
}

static void
test_put_again (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  static const gsize sizes[] = { 0, 10, 100000 };
  for (guint i = 0; i < 3 * G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (33, sizes[i / 3]);
      gboolean created = FALSE;
      CaskDigest digest = conform_put (c, bytes, &created);
      CONFORM_TRUE (created);
      conform_expect_bytes (c, &digest, bytes);
      CONFORM_TRUE (delete_blob (c, &digest));
      conform_expect_absent (c, &digest);
    }
}

/* What was got before stays what it was. */
static void
test_bytes_outlive_delete (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) expected = conform_bytes (34, 50000);
  g_autoptr (GBytes) given = conform_bytes (34, 50000);
  CaskDigest digest = conform_put (c, given, NULL);
  g_clear_pointer (&given, g_bytes_unref);
  g_autoptr (GBytes) got = c->calls->get (c->store, &digest, NULL, &error);
  g_autoptr (GBytes) part = c->calls->get_range (c->store, &digest, 10, 20, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (delete_blob (c, &digest));
  CONFORM_TRUE (c->calls->close (c->store, NULL, &error));
  CONFORM_NO_ERROR (error);
  g_autoptr (GBytes) slice = g_bytes_new_from_bytes (expected, 10, 20);
  CONFORM_BYTES (got, expected, "get");
  CONFORM_BYTES (part, slice, "get_range");
}

static void
test_usage (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskUsage usage = { 0 };
  conform_put_number (c, 1);
  conform_put_number (c, 2);
  conform_put_number (c, 2);
  CONFORM_TRUE (c->calls->usage (c->store, &usage, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (usage.count == 2 || usage.count == CASK_UNKNOWN);
  CONFORM_TRUE (usage.bytes == 5 || usage.bytes == CASK_UNKNOWN);
}

/* A blob that was there throughout is in the listing once; one that goes meanwhile is in
 * it once or not at all. */
static void
test_delete_while_listing (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GHashTable) staying = g_hash_table_new (cask_digest_hash, cask_digest_equal);
  CaskDigest digests[120], after;
  for (guint i = 0; i < G_N_ELEMENTS (digests); i++)
    {
      digests[i] = conform_put_number (c, 1000 + i);
      if (i % 2 == 0)
        g_hash_table_add (staying, &digests[i]);
    }
  gboolean more = TRUE;
  for (guint n = 0; more; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskListPage) page =
          c->calls->list (c->store, n > 0 ? &after : NULL, 7, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (page == NULL || cask_list_page_get_length (page) == 0)
        break;
      more = cask_list_page_get_more (page);
      guint length = cask_list_page_get_length (page);
      after = cask_list_page_get_item (page, length - 1)->digest;
      for (guint i = 0; i < length; i++)
        g_hash_table_remove (staying, &cask_list_page_get_item (page, i)->digest);
      for (guint i = 0; i < 5 && n * 5 + i < G_N_ELEMENTS (digests) / 2; i++)
        CONFORM_TRUE (delete_blob (c, &digests[2 * (n * 5 + i) + 1]));
    }
  CONFORM_EQUAL (g_hash_table_size (staying), 0);
}

const ConformCase conform_delete_tests[] = {
  { "C36 a deleted blob is gone, its neighbour is not", test_delete },
  { "C37 deleting what is missing succeeds and says so", test_delete_missing },
  { "C38 what was deleted is created again", test_put_again },
  { "S5 bytes that were got outlive the blob and the store", test_bytes_outlive_delete },
  { "S3 usage counts each blob once, or says that it does not know", test_usage },
  { "C49 deleting while listing loses and repeats nothing else",
    test_delete_while_listing },
  CONFORM_CASES_END
};
