/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-limits.c: max-bytes, evict=lru, and stores that share a name. */
#include "memory-fixture.h"

static void
limits_none (void)
{
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 100 }, NULL);
  g_autoptr (GError) error = NULL;
  gboolean created = TRUE;
  CU_ASSERT_FALSE (memory_fixture_put (self, 1, 101, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_TOO_LARGE, "max-bytes"));
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 60, NULL, NULL));
  CU_ASSERT_FALSE (memory_fixture_put (self, 2, 41, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_NO_SPACE, "max-bytes"));
  CU_ASSERT_FALSE (memory_fixture_has (self, 2));
  CU_ASSERT_TRUE (memory_fixture_put (self, 2, 40, NULL, NULL));
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 60, &created, NULL));
  CU_ASSERT_FALSE (created);
  CU_ASSERT_TRUE (memory_fixture_put (self, 3, 0, NULL, NULL));

  /* A replacement needs the difference only, and where it is refused the old stays. */
  CU_ASSERT_FALSE (memory_fixture_put (self, 2, 41, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_NO_SPACE, "max-bytes"));
  CU_ASSERT_TRUE (memory_fixture_put (self, 2, 30, NULL, NULL));
  CU_ASSERT_TRUE (memory_fixture_put (self, 2, 40, NULL, NULL));
  CU_ASSERT_EQUAL (memory_fixture_used (self), 100);
  memory_fixture_remove (self, 1);
  CU_ASSERT_TRUE (memory_fixture_put (self, 4, 60, NULL, NULL));
  CU_ASSERT_EQUAL (memory_fixture_used (self), 100);
}

static void
limits_usage (void)
{
  g_autoptr (CaskBackend) unlimited = memory_fixture_new ();
  g_autoptr (CaskBackend) limited =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 1000 }, NULL);
  CaskUsage usage = { 0 };
  CU_ASSERT_TRUE (cask_plugin.ops->usage (unlimited, &usage, NULL, NULL));
  CU_ASSERT_EQUAL (usage.limit_bytes, CASK_UNKNOWN);
  for (guint i = 0; i < 10; i++)
    CU_ASSERT_TRUE (memory_fixture_put (limited, i, i, NULL, NULL));
  CU_ASSERT_TRUE (cask_plugin.ops->usage (limited, &usage, NULL, NULL));
  CU_ASSERT_EQUAL (usage.count, 10);
  CU_ASSERT_EQUAL (usage.bytes, 45);
  CU_ASSERT_EQUAL (usage.stored_bytes, 45);
  CU_ASSERT_EQUAL (usage.limit_bytes, 1000);
}

static CaskBackend *
limits_lru_of_five (void)
{
  CaskBackend *self =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 50, .evict_lru = TRUE }, NULL);
  for (guint i = 0; i < 5; i++)
    {
      CU_ASSERT_TRUE (memory_fixture_put (self, i, 10, NULL, NULL));
      memory_fixture_tick ();
    }
  return self;
}

static void
limits_lru_order (void)
{
  g_autoptr (CaskBackend) self = limits_lru_of_five ();
  for (guint i = 5; i < 200; i++)
    {
      CU_ASSERT_TRUE (memory_fixture_put (self, i, 10, NULL, NULL));
      memory_fixture_tick ();
      CU_ASSERT_FALSE (memory_fixture_has (self, i - 5));
      CU_ASSERT_TRUE (memory_fixture_has (self, i - 4));
      CU_ASSERT_EQUAL (memory_fixture_used (self), 50);
    }
  CU_ASSERT_TRUE (memory_fixture_put (self, 1000, 25, NULL, NULL));
  CU_ASSERT_FALSE (memory_fixture_has (self, 197));
  CU_ASSERT_TRUE (memory_fixture_has (self, 198));
  g_autoptr (GError) error = NULL;
  CU_ASSERT_FALSE (memory_fixture_put (self, 1001, 51, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_TOO_LARGE, "max-bytes"));
  CU_ASSERT_TRUE (memory_fixture_has (self, 198));
}

/* What counts as a use: 0 is the oldest, and stays if it was used. */
typedef enum
{
  USE_GET,
  USE_SCAN,
  USE_PUT,
  USE_TOUCH,
  USE_STAT,
  USE_TRY_GET,
  USE_TRY_SCAN,
  USE_LIST,
  USE_REPLACE,
  USE_LAST
} LimitsUse;

static void
limits_use (CaskBackend *self, LimitsUse use)
{
  CaskDigest digest;
  CaskBlobInfo infos[5];
  guint32 count = 5;
  gboolean flag;
  GBytes *bytes = NULL;
  gboolean worked = TRUE;
  memory_fixture_digest (0, CASK_ALGORITHM_SHA256, &digest);
  if (use == USE_GET || use == USE_SCAN)
    memory_fixture_read (self, 0, use == USE_SCAN ? CASK_READ_SCAN : 0);
  else if (use == USE_PUT || use == USE_REPLACE)
    worked = memory_fixture_put (self, 0, use == USE_REPLACE ? 9 : 10, NULL, NULL);
  else if (use == USE_LIST)
    worked = cask_plugin.ops->list (self, NULL, 0, infos, &count, &flag, NULL, NULL);
  else if (use == USE_TRY_GET || use == USE_TRY_SCAN)
    worked = cask_plugin.ops->try_get (self, &digest, 0, 5,
                                       use == USE_TRY_SCAN ? CASK_READ_SCAN : 0, &bytes,
                                       infos) == CASK_TRY_FOUND;
  else
    worked = cask_plugin.ops->stat (
        self, &digest, use == USE_TOUCH ? CASK_STAT_FRESHEN : 0, infos, NULL, NULL);
  CU_ASSERT_TRUE (worked);
  g_clear_pointer (&bytes, g_bytes_unref);
}

static void
limits_lru_uses (void)
{
  for (LimitsUse use = 0; use < USE_LAST; use++)
    {
      g_autoptr (CaskBackend) self = limits_lru_of_five ();
      gboolean promotes =
          use != USE_SCAN && use != USE_TRY_SCAN && use != USE_STAT && use != USE_LIST;
      limits_use (self, use);
      memory_fixture_tick ();
      CU_ASSERT_TRUE (memory_fixture_put (self, 100, 10, NULL, NULL));
      CU_ASSERT_EQUAL (memory_fixture_has (self, 0), promotes);
      CU_ASSERT_EQUAL (memory_fixture_has (self, 1), !promotes);
    }
}

static void
limits_lru_alone (void)
{
  g_autoptr (GError) error = NULL;
  CU_ASSERT_PTR_NULL (memory_fixture_open (&(MemoryOpen){ .evict_lru = TRUE }, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_INVALID_CONFIG, "max-bytes"));
}

/* ---- Names ---- */

static void
limits_shared (void)
{
  const MemoryOpen open = { .name = "shared\xff" };
  CaskBackend *one = memory_fixture_open (&open, NULL);
  CaskBackend *two = memory_fixture_open (&open, NULL);
  g_autoptr (CaskBackend) other =
      memory_fixture_open (&(MemoryOpen){ .name = "other" }, NULL);
  g_autoptr (CaskBackend) private = memory_fixture_new ();
  CU_ASSERT_TRUE (memory_fixture_put (one, 1, 10, NULL, NULL));
  CU_ASSERT_TRUE (memory_fixture_has (two, 1));
  CU_ASSERT_FALSE (memory_fixture_has (other, 1));
  CU_ASSERT_FALSE (memory_fixture_has (private, 1));
  memory_fixture_close (one);
  CU_ASSERT_TRUE (memory_fixture_has (two, 1));
  memory_fixture_close (two);
  one = memory_fixture_open (&open, NULL);
  CU_ASSERT_FALSE (memory_fixture_has (one, 1));
  memory_fixture_close (one);
}

static void
limits_disagreement (void)
{
  const MemoryOpen first = { .name = "n", .max_bytes = 10 };
  static const struct
  {
    MemoryOpen open;
    const char *word;
  } others[] = {
    { { .name = "n", .max_bytes = 11 }, "max-bytes" },
    { { .name = "n" }, "max-bytes" },
    { { .name = "n", .max_bytes = 10, .evict_lru = TRUE }, "evict" },
    { { .name = "n", .max_bytes = 10, .freshen_usec = 1 }, "freshen" },
    { { .name = "n", .max_bytes = 10, .encoding = "zstd" }, "encoding" },
  };
  g_autoptr (GError) error = NULL;
  CaskBackend *self = memory_fixture_open (&first, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      CU_ASSERT_PTR_NULL (memory_fixture_open (&others[i].open, &error));
      CU_ASSERT_TRUE (
          memory_fixture_failed (&error, CASK_ERROR_INVALID_CONFIG, others[i].word));
    }
  memory_fixture_close (self);
  self = memory_fixture_open (&others[2].open, NULL);
  CU_ASSERT_PTR_NOT_NULL (self);
  if (self != NULL)
    memory_fixture_close (self);
}

static const MemoryTest limits_tests[] = {
  { "max-bytes refuses what is over it, to the byte", limits_none },
  { "usage counts blobs and their bytes", limits_usage },
  { "evict=lru drops the least recently used, one by one", limits_lru_order },
  { "get, put, touch count as use; scan, stat, list do not", limits_lru_uses },
  { "C87 evict=lru without max-bytes is INVALID_CONFIG", limits_lru_alone },
  { "a name is shared while a store has it open", limits_shared },
  { "C87 who shares a name must agree on its options", limits_disagreement },
};

void
test_memory_add_limits (void)
{
  memory_fixture_add ("memory: limits and names", limits_tests,
                      G_N_ELEMENTS (limits_tests));
}
