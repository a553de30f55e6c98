/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-list.c: the table of the memory backend: its order, and its growth. */
#include "memory-fixture.h"

#define LIST_BLOBS 3000

/* Reads pages of the given size into an array; notes every broken promise. */
static GArray *
list_all (CaskBackend *self, guint32 page)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (CaskBlobInfo));
  g_autofree CaskBlobInfo *infos = g_new (CaskBlobInfo, page);
  CaskDigest token;
  gboolean more = TRUE;
  while (more)
    {
      guint32 count = page;
      if (!cask_plugin.ops->list (self, all->len > 0 ? &token : NULL, 0, infos, &count,
                                  &more, NULL, NULL) ||
          count > page || (more && count == 0))
        {
          CU_FAIL ("list");
          break;
        }
      if (count > 0)
        token = infos[count - 1].digest;
      g_array_append_vals (all, infos, count);
    }
  return all;
}

static gboolean
list_is_sorted (const GArray *all)
{
  for (guint i = 1; i < all->len; i++)
    if (cask_digest_compare (&g_array_index (all, CaskBlobInfo, i - 1).digest,
                             &g_array_index (all, CaskBlobInfo, i).digest) >= 0)
      return FALSE;
  return TRUE;
}

static void
list_put (CaskBackend *self, const CaskDigest *digest)
{
  gboolean created = FALSE;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("list", 4);
  CU_ASSERT_TRUE (
      cask_plugin.ops->put (self, digest, bytes, CASK_PUT_KEEP, &created, NULL, NULL));
}

static void
list_empty (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GArray) all = list_all (self, 10);
  CU_ASSERT_EQUAL (all->len, 0);
}

static void
list_pages (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  for (guint i = 0; i < LIST_BLOBS; i++)
    {
      CaskDigest digest;
      memory_fixture_digest (i / 2, i % 2 + CASK_ALGORITHM_SHA256, &digest);
      list_put (self, &digest);
    }
  const guint32 pages[] = { 1, 2, 3, LIST_BLOBS - 1, LIST_BLOBS, LIST_BLOBS + 1 };
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      g_autoptr (GArray) all = list_all (self, pages[i]);
      CU_ASSERT_EQUAL (all->len, LIST_BLOBS);
      CU_ASSERT_TRUE (list_is_sorted (all));
      CU_ASSERT_EQUAL (g_array_index (all, CaskBlobInfo, 0).size, 4);
    }
}

static void
list_between_pages (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  for (guint i = 0; i < 100; i++)
    CU_ASSERT_TRUE (memory_fixture_put (self, i, 1, NULL, NULL));
  g_autoptr (GArray) all = list_all (self, 1000);
  if (all->len != 100)
    {
      CU_FAIL ("not 100");
      return;
    }
  const CaskBlobInfo *known = &g_array_index (all, CaskBlobInfo, 0);
  CaskBlobInfo infos[10];
  guint32 count = 10;
  gboolean more = FALSE;
  CaskRemoved outcome;
  /* The token itself goes, so does what follows it, and something new comes before. */
  for (guint i = 49; i <= 50; i++)
    cask_plugin.ops->remove (self, &known[i].digest, CASK_ALWAYS, &outcome, NULL, NULL);
  CaskDigest earlier = known[49].digest;
  earlier.bytes[31] ^= 1;
  earlier.bytes[0] = 0;
  list_put (self, &earlier);
  CU_ASSERT_TRUE (cask_plugin.ops->list (self, &known[49].digest, 0, infos, &count, &more,
                                         NULL, NULL));
  CU_ASSERT_EQUAL (count, 10);
  CU_ASSERT_TRUE (more);
  for (guint i = 0; i < count; i++)
    CU_ASSERT_TRUE (cask_digest_equal (&infos[i].digest, &known[51 + i].digest));
  count = 10;
  CU_ASSERT_TRUE (cask_plugin.ops->list (self, &known[99].digest, 0, infos, &count, &more,
                                         NULL, NULL));
  CU_ASSERT_EQUAL (count, 0);
  CU_ASSERT_FALSE (more);
}

/* Digests that crowd into one shard, and there into few buckets: chains, growth and
 * shrinking are all met. */
static void
list_crowded_digest (guint32 number, CaskDigest *digest)
{
  memory_fixture_digest (number, CASK_ALGORITHM_SHA512, digest);
  digest->bytes[0] = 0xab;
  if (number % 4 == 0)
    memset (digest->bytes + 1, 0xff, 4);
}

static gint
list_compare (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  return cask_digest_compare (a, b);
}

static gboolean
list_matches_model (CaskBackend *self, GTree *model)
{
  g_autoptr (GArray) all = list_all (self, 77);
  if (all->len != (guint) g_tree_nnodes (model))
    return FALSE;
  GTreeNode *node = g_tree_node_first (model);
  for (guint i = 0; i < all->len; i++, node = g_tree_node_next (node))
    if (!cask_digest_equal (g_tree_node_key (node),
                            &g_array_index (all, CaskBlobInfo, i).digest))
      return FALSE;
  return TRUE;
}

static void
list_model (void)
{
  guint32 seed = g_random_int ();
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GTree) model = g_tree_new_full (list_compare, NULL, g_free, NULL);
  guint wrong = 0;
  for (guint step = 0; step < 20000; step++)
    {
      /* Five phases: growing, shrinking, and so on. */
      gboolean puts = g_rand_int_range (random, 0, 8) < (step / 4000 % 2 == 0 ? 6 : 2);
      CaskDigest digest;
      CaskRemoved outcome = CASK_REMOVED_MAYBE;
      list_crowded_digest (g_rand_int_range (random, 0, 3000), &digest);
      gboolean is_there = g_tree_lookup_extended (model, &digest, NULL, NULL);
      if (puts)
        list_put (self, &digest);
      else
        cask_plugin.ops->remove (self, &digest, CASK_ALWAYS, &outcome, NULL, NULL);
      wrong += !puts && outcome != (is_there ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT);
      if (puts && !is_there)
        g_tree_insert (model, g_memdup2 (&digest, sizeof digest), NULL);
      else if (!puts)
        g_tree_remove (model, &digest);
      if (step % 1000 == 0)
        wrong += !list_matches_model (self, model);
    }
  wrong += !list_matches_model (self, model);
  CU_ASSERT_EQUAL (wrong, 0);
  CU_ASSERT_EQUAL (memory_fixture_used (self), 4 * (guint64) g_tree_nnodes (model));
  if (wrong != 0)
    g_printerr ("\nseed %u\n", seed);
}

static const MemoryTest list_tests[] = {
  { "C39 an empty store has an empty list", list_empty },
  { "C40 C41 a list is sorted and whole, whatever the page size", list_pages },
  { "C42 C43 C44 a token need not exist, and nothing else moves", list_between_pages },
  { "C76 20,000 random steps among crowded digests agree with a model", list_model },
};

void
test_memory_add_list (void)
{
  memory_fixture_add ("memory: list", list_tests, G_N_ELEMENTS (list_tests));
}
