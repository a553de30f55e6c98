/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-sync.c: Cask's synchronous calls, one after another. */
#include "ways.h"

#include "answer.h"

static gboolean
ways_put (Way *way, const BenchBlob *blobs, guint n_blobs, gboolean expected,
          GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      CaskDigest digest;
      gboolean created;
      if (!cask_store_add (way->store, blobs[i].bytes, CASK_ALGORITHM_SHA256,
                           CASK_PUT_NONE, &digest, &created, NULL, error) ||
          !bench_answer_created (&blobs[i], created, expected, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ways_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_put (place, blobs, n_blobs, TRUE, error);
}

gboolean
ways_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_put (place, blobs, n_blobs, FALSE, error);
}

gboolean
ways_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  const Way *way = place;
  for (guint i = 0; i < n_blobs; i++)
    {
      g_autoptr (GBytes) bytes =
          cask_store_get (way->store, &blobs[i].digest, NULL, error);
      if (!bytes || !bench_answer_size (&blobs[i], g_bytes_get_size (bytes), error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ways_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  const Way *way = place;
  for (guint i = 0; i < n_blobs; i++)
    {
      gsize length, offset = bench_range (&blobs[i], &length);
      g_autoptr (GBytes) bytes = cask_store_get_range (way->store, &blobs[i].digest,
                                                       offset, length, NULL, error);
      if (!bytes ||
          !bench_answer (g_bytes_get_size (bytes) == length, "size of the range", error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ways_expect (Way *way, const BenchBlob *blobs, guint n_blobs, gboolean expected,
             GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      gboolean present;
      if (!cask_store_contains (way->store, &blobs[i].digest, &present, NULL, error) ||
          !bench_answer (present == expected, "contains", error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ways_contains (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_expect (place, blobs, n_blobs, TRUE, error);
}

gboolean
ways_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                      GError **error)
{
  return ways_expect (place, blobs, n_blobs, FALSE, error);
}

gboolean
ways_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  const Way *way = place;
  for (guint i = 0; i < n_blobs; i++)
    {
      gboolean existed;
      if (!cask_store_delete (way->store, &blobs[i].digest, &existed, NULL, error) ||
          !bench_answer (existed, "delete", error))
        return FALSE;
    }
  return TRUE;
}

/* By pages of the size that a host gets which says nothing of it. */
gboolean
ways_list (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  const Way *way = place;
  const CaskDigest *last = NULL;
  guint at = 0, n_right = 0;
  gboolean more = TRUE;
  while (more && at < n_blobs)
    {
      g_autoptr (CaskListPage) page =
          cask_store_list (way->store, last, CASK_LIST_DEFAULT, NULL, error);
      if (!page)
        return FALSE;
      guint n_items = cask_list_page_get_length (page);
      for (guint i = 0; i < n_items && at < n_blobs; i++, at++)
        n_right += cask_digest_equal (&cask_list_page_get_item (page, i)->digest,
                                      &blobs[at].digest);
      more = cask_list_page_get_more (page);
      last = at > 0 ? &blobs[at - 1].digest : NULL;
    }
  return bench_answer (!more && n_right == n_blobs, "list", error);
}
