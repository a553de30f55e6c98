/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-batch.c: many blobs in one call, each with its own end. */
#include "memory-fixture.h"

#define MANY 1500

static const CaskBackendOps *
ops (void)
{
  return cask_plugin.ops;
}

/* A batch: item i is of the digest of number i, and of size bytes for a put. */
typedef struct
{
  CaskItem items[MANY];
  CaskDigest digests[MANY];
  CaskBlobInfo infos[MANY];
} Many;

static Many *
batch_new (guint n_items, gsize size)
{
  Many *many = g_new0 (Many, 1);
  for (guint i = 0; i < n_items; i++)
    {
      memory_fixture_digest (i,
                             i % 3 == 0 ? CASK_ALGORITHM_SHA512 : CASK_ALGORITHM_SHA256,
                             &many->digests[i]);
      many->items[i].digest = &many->digests[i];
      many->items[i].info = i % 2 == 0 ? &many->infos[i] : NULL;
      many->items[i].outcome = 99;
      if (size > 0)
        many->items[i].bytes = g_bytes_new_take (g_strnfill (size, (char) i), size);
    }
  return many;
}

static void
batch_free (Many *many)
{
  for (guint i = 0; i < MANY; i++)
    {
      g_clear_pointer (&many->items[i].bytes, g_bytes_unref);
      g_clear_error (&many->items[i].error);
    }
  g_free (many);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Many, batch_free)

static guint
batch_count (const Many *many, guint n_items, guint outcome)
{
  guint count = 0;
  for (guint i = 0; i < n_items; i++)
    count += many->items[i].error == NULL && many->items[i].outcome == outcome;
  return count;
}

static guint
batch_count_errors (const Many *many, guint n_items, GQuark domain, int code)
{
  guint count = 0;
  for (guint i = 0; i < n_items; i++)
    count += g_error_matches (many->items[i].error, domain, code);
  return count;
}

static void
batch_put (CaskBackend *self, guint n_items, gsize size)
{
  g_autoptr (Many) many = batch_new (n_items, size);
  CU_ASSERT_TRUE (ops ()->put_many (self, many->items, n_items, 0, NULL, NULL));
  CU_ASSERT_EQUAL (batch_count (many, n_items, TRUE), n_items);
}

static void
batch_put_get (void)
{
  const guint32 flags[] = { 0, CASK_PUT_KEEP };
  for (guint f = 0; f < G_N_ELEMENTS (flags); f++)
    {
      g_autoptr (CaskBackend) self = memory_fixture_new ();
      g_autoptr (Many) put = batch_new (MANY, 10);
      g_autoptr (Many) got = batch_new (MANY, 0);
      CU_ASSERT_TRUE (ops ()->put_many (self, put->items, 1000, flags[f], NULL, NULL));
      CU_ASSERT_EQUAL (batch_count (put, 1000, TRUE), 1000);
      CU_ASSERT_TRUE (ops ()->put_many (self, put->items, 1000, flags[f], NULL, NULL));
      CU_ASSERT_EQUAL (batch_count (put, 1000, FALSE), 1000);
      CU_ASSERT_EQUAL (memory_fixture_used (self), 10000);
      CU_ASSERT_TRUE (ops ()->get_many (self, got->items, MANY, 0, NULL, NULL));
      for (guint i = 0; i < 1000; i++)
        {
          GBytes *bytes = got->items[i].bytes;
          if (bytes == NULL || !g_bytes_equal (bytes, put->items[i].bytes) ||
              got->items[i].error != NULL || got->items[i].outcome != TRUE)
            CU_FAIL ("the wrong bytes");
          gboolean same =
              bytes != NULL && g_bytes_get_data (bytes, NULL) ==
                                   g_bytes_get_data (put->items[i].bytes, NULL);
          CU_ASSERT_EQUAL (same, flags[f] == CASK_PUT_KEEP);
          if (i % 2 == 0)
            CU_ASSERT_TRUE (cask_digest_equal (&got->infos[i].digest, &got->digests[i]) &&
                            got->infos[i].size == 10);
        }
      CU_ASSERT_EQUAL (batch_count_errors (got, MANY, CASK_ERROR, CASK_ERROR_NOT_FOUND),
                       MANY - 1000);
    }
}

static void
batch_duplicates (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (Many) many = batch_new (100, 4);
  for (guint i = 0; i < 100; i++)
    many->items[i].digest = &many->digests[i % 10];
  CU_ASSERT_TRUE (ops ()->put_many (self, many->items, 100, 0, NULL, NULL));
  for (guint i = 0; i < 100; i++)
    CU_ASSERT_TRUE (many->items[i].error == NULL && many->items[i].outcome == (i < 10));
  for (guint i = 0; i < 100; i++)
    g_clear_pointer (&many->items[i].bytes, g_bytes_unref);
  CU_ASSERT_TRUE (ops ()->remove_many (self, many->items, 100, CASK_ALWAYS, NULL, NULL));
  for (guint i = 0; i < 100; i++)
    CU_ASSERT_EQUAL (many->items[i].outcome,
                     (guint) (i < 10 ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT));
}

static void
batch_replace (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  batch_put (self, 50, 10);
  g_autoptr (Many) many = batch_new (60, 10);
  g_autoptr (Many) got = batch_new (60, 0);
  for (guint i = 0; i < 60; i++)
    {
      g_bytes_unref (many->items[i].bytes);
      many->items[i].bytes = g_bytes_new_static ("0123456789", i < 40 ? 10 : 9);
    }
  CU_ASSERT_TRUE (ops ()->put_many (self, many->items, 60, CASK_PUT_REPLACE, NULL, NULL));
  CU_ASSERT_EQUAL (batch_count (many, 60, FALSE), 50);
  CU_ASSERT_EQUAL (batch_count (many, 60, TRUE), 10);
  CU_ASSERT_TRUE (ops ()->get_many (self, got->items, 60, 0, NULL, NULL));
  for (guint i = 0; i < 60; i++)
    CU_ASSERT_TRUE (got->items[i].bytes != NULL &&
                    g_bytes_equal (got->items[i].bytes, many->items[i].bytes));
}

static void
batch_contains (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  batch_put (self, 500, 1);
  for (guint freshen = 0; freshen < 2; freshen++)
    {
      memory_fixture_tick ();
      gint64 since_usec = g_get_real_time ();
      g_autoptr (Many) many = batch_new (MANY, 0);
      CU_ASSERT_TRUE (ops ()->contains_many (
          self, many->items, MANY, freshen ? CASK_STAT_FRESHEN : 0, NULL, NULL));
      for (guint i = 0; i < MANY; i++)
        if (many->items[i].error != NULL || many->items[i].outcome != (i < 500))
          CU_FAIL ("present, absent");
      for (guint i = 0; i < 500; i += 2)
        CU_ASSERT_TRUE (many->infos[i].size == 1 &&
                        (many->infos[i].mtime_usec >= since_usec) == freshen);
    }
  CU_ASSERT_TRUE (ops ()->contains_many (self, NULL, 0, 0, NULL, NULL));
}

static void
batch_remove (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  batch_put (self, 300, 1);
  memory_fixture_tick ();
  gint64 since_usec = g_get_real_time ();
  g_autoptr (Many) used = batch_new (100, 0);
  CU_ASSERT_TRUE (
      ops ()->contains_many (self, used->items, 100, CASK_STAT_FRESHEN, NULL, NULL));
  g_autoptr (Many) many = batch_new (400, 0);
  CU_ASSERT_TRUE (ops ()->remove_many (self, many->items, 400, since_usec, NULL, NULL));
  for (guint i = 0; i < 400; i++)
    {
      CaskRemoved expected = i < 100   ? CASK_REMOVED_KEPT
                             : i < 300 ? CASK_REMOVED_DONE
                                       : CASK_REMOVED_ABSENT;
      CU_ASSERT_TRUE (many->items[i].error == NULL && many->items[i].outcome == expected);
    }
  CU_ASSERT_EQUAL (memory_fixture_used (self), 100);
}

/* ---- The limit ---- */

static void
batch_limits (void)
{
  g_autoptr (CaskBackend) full =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 100 }, NULL);
  g_autoptr (Many) many = batch_new (50, 10);
  g_bytes_unref (many->items[7].bytes);
  many->items[7].bytes = g_bytes_new_take (g_strnfill (101, 'x'), 101);
  CU_ASSERT_TRUE (ops ()->put_many (full, many->items, 50, 0, NULL, NULL));
  CU_ASSERT_EQUAL (batch_count (many, 50, TRUE), 10);
  CU_ASSERT_TRUE (
      g_error_matches (many->items[7].error, CASK_ERROR, CASK_ERROR_TOO_LARGE));
  CU_ASSERT_EQUAL (batch_count_errors (many, 50, CASK_ERROR, CASK_ERROR_NO_SPACE), 39);
  CU_ASSERT_EQUAL (memory_fixture_used (full), 100);

  g_autoptr (CaskBackend) lru =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 100, .evict_lru = TRUE }, NULL);
  batch_put (lru, 50, 10);
  CU_ASSERT_EQUAL (memory_fixture_used (lru), 100);
}

/* A batch of gets, of touches and of hits keeps what it used from the next eviction. */
static void
batch_counts_as_use (void)
{
  for (guint use = 0; use < 4; use++)
    {
      g_autoptr (CaskBackend) self = memory_fixture_open (
          &(MemoryOpen){ .max_bytes = 100, .evict_lru = TRUE }, NULL);
      batch_put (self, 5, 10);
      memory_fixture_tick ();
      for (guint i = 100; i < 105; i++)
        CU_ASSERT_TRUE (memory_fixture_put (self, i, 10, NULL, NULL));
      memory_fixture_tick ();
      g_autoptr (Many) many = batch_new (5, use == 0 ? 10 : 0);
      if (use == 0)
        ops ()->put_many (self, many->items, 5, 0, NULL, NULL);
      else if (use == 1)
        ops ()->contains_many (self, many->items, 5, CASK_STAT_FRESHEN, NULL, NULL);
      else
        ops ()->get_many (self, many->items, 5, use == 2 ? 0 : CASK_READ_SCAN, NULL,
                          NULL);
      memory_fixture_tick ();
      for (guint i = 200; i < 205; i++)
        CU_ASSERT_TRUE (memory_fixture_put (self, i, 10, NULL, NULL));
      for (guint i = 100; i < 105; i++)
        CU_ASSERT_EQUAL (memory_fixture_has (self, i), use == 3);
    }
}

/* ---- Cancellation ---- */

static void
batch_cancelled_before (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  batch_put (self, 10, 1);
  g_cancellable_cancel (cancelled);
  for (guint slot = 0; slot < 5; slot++)
    {
      g_autoptr (Many) many = batch_new (20, slot < 2 ? 1 : 0);
      gboolean tried = FALSE;
      if (slot < 2)
        tried = ops ()->put_many (self, many->items, 20, slot == 0 ? 0 : CASK_PUT_KEEP,
                                  cancelled, NULL);
      else if (slot == 2)
        tried = ops ()->get_many (self, many->items, 20, 0, cancelled, NULL);
      else if (slot == 3)
        tried = ops ()->contains_many (self, many->items, 20, 0, cancelled, NULL);
      else
        tried = ops ()->remove_many (self, many->items, 20, CASK_ALWAYS, cancelled, NULL);
      CU_ASSERT_TRUE (tried);
      CU_ASSERT_EQUAL (batch_count_errors (many, 20, G_IO_ERROR, G_IO_ERROR_CANCELLED),
                       20);
      CU_ASSERT_EQUAL (memory_fixture_used (self), 10);
    }
}

static void
batch_cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* The bytes that are replaced cancel the batch when they are let go of. */
static void
batch_cancelled_between (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (Many) many = batch_new (200, 8);
  g_autoptr (GBytes) trap =
      g_bytes_new_with_free_func ("trapped", 7, batch_cancel, cancellable);
  gboolean created = FALSE;
  CU_ASSERT_TRUE (
      ops ()->put (self, &many->digests[100], trap, CASK_PUT_KEEP, &created, NULL, NULL));
  g_clear_pointer (&trap, g_bytes_unref);
  CU_ASSERT_TRUE (
      ops ()->put_many (self, many->items, 200, CASK_PUT_KEEP, cancellable, NULL));
  guint n_cancelled = batch_count_errors (many, 200, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  CU_ASSERT_TRUE (many->items[100].error == NULL && many->items[100].outcome == FALSE);
  CU_ASSERT_TRUE (n_cancelled > 0 && n_cancelled < 199);
  CU_ASSERT_EQUAL (batch_count (many, 200, TRUE), 199 - n_cancelled);
  CU_ASSERT_EQUAL (memory_fixture_used (self), 8 * (200 - n_cancelled));
}

static const MemoryTest batch_tests[] = {
  { "put_many creates, then hits; get_many gives what was put", batch_put_get },
  { "of one digest many times in a batch the first is created", batch_duplicates },
  { "put_many with REPLACE swaps the bytes of each", batch_replace },
  { "C46 contains_many tells present from absent, and freshens where asked",
    batch_contains },
  { "C47 C90 remove_many says for each what it did, and keeps what was used",
    batch_remove },
  { "a batch never exceeds max-bytes, and fails or evicts item by item", batch_limits },
  { "what a batch uses is not evicted next, but for a scan", batch_counts_as_use },
  { "C67 each item of a batch that was cancelled before says so",
    batch_cancelled_before },
  { "a batch is cancelled between items: what is done stays", batch_cancelled_between },
};

void
test_memory_add_batches (void)
{
  memory_fixture_add ("memory: batches", batch_tests, G_N_ELEMENTS (batch_tests));
}
