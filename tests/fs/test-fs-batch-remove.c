/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-batch-remove.c: many blobs looked for, touched and removed in one call. */
#include "fs-batch-test.h"

#include <errno.h>

static void
batch_contains (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  batch_fill (store, 0, 20);
  g_autoptr (Many) looked = batch_new (0, 40, NULL);
  g_autoptr (Many) touched = batch_new (0, 40, NULL);
  g_autofree char *path = fs_path (store, &looked->digests[35]);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (path, 0777), 0);
  struct timespec before;
  clock_gettime (CLOCK_REALTIME, &before);
  gint64 since_usec = (gint64) before.tv_sec * G_USEC_PER_SEC + before.tv_nsec / 1000;
  CU_ASSERT_TRUE (
      store->ops->contains_many (store->backend, looked->items, 40, 0, NULL, NULL));
  CU_ASSERT_TRUE (store->ops->contains_many (store->backend, touched->items, 40,
                                             CASK_STAT_FRESHEN, NULL, NULL));
  for (guint i = 0; i < 40; i++)
    {
      const CaskItem *item = &looked->items[i];
      if (i == 35)
        CU_ASSERT_EQUAL (fs_code (g_error_copy (item->error)), CASK_ERROR_CORRUPT);
      if (i != 35)
        CU_ASSERT_TRUE (item->error == NULL && item->outcome == (i < 20));
      if (i < 20)
        CU_ASSERT_TRUE (looked->infos[i].size == 6 &&
                        looked->infos[i].mtime_usec <= since_usec &&
                        touched->infos[i].mtime_usec >= since_usec);
    }
  fs_store_end (&store, &root);
}

static void
batch_remove (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  g_autoptr (Many) many = batch_new (0, MANY, NULL);
  batch_fill (store, 0, 60);
  gint64 since_usec = g_get_real_time ();
  for (guint i = 0; i < 10; i++)
    CU_ASSERT_EQUAL (fs_store_touch (store, &many->digests[i], NULL), FS_OK);
  many->digests[99] = fs_digest (1, 200, 1); /* its shard is missing */
  many->items[98].digest = many->items[50].digest;
  g_autofree char *path = fs_path (store, &many->digests[97]);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (path, 0777), 0);
  fs_fault_count_clear ();
  CU_ASSERT_TRUE (
      store->ops->remove_many (store->backend, many->items, 60, since_usec, NULL, NULL));
  CU_ASSERT_EQUAL (batch_count (many, 10, CASK_REMOVED_KEPT), 10);
  CU_ASSERT_EQUAL (batch_count (many, 60, CASK_REMOVED_DONE), 50);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSYNC), MANY_SHARDS);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_UNLINKAT), 50);

  /* Absence is made durable as well, one sync for each shard. */
  fs_fault_count_clear ();
  CU_ASSERT_TRUE (store->ops->remove_many (store->backend, many->items + 40, 60,
                                           CASK_ALWAYS, NULL, NULL));
  for (guint i = 40; i < MANY; i++)
    if (i != 97)
      CU_ASSERT_TRUE (many->items[i].error == NULL &&
                      many->items[i].outcome == CASK_REMOVED_ABSENT);
  CU_ASSERT_EQUAL (fs_code (g_error_copy (many->items[97].error)), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSYNC), MANY_SHARDS + 1);
  CU_ASSERT_TRUE (g_file_test (path, G_FILE_TEST_IS_DIR));
  fs_store_end (&store, &root);
}

static void
batch_remove_shard_fails (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  batch_fill (store, 0, 64);
  g_autoptr (Many) many = batch_new (0, 64, NULL);
  fs_fault_set (FS_CALL_FSYNC, EIO, 2, 1);
  CU_ASSERT_TRUE (
      store->ops->remove_many (store->backend, many->items, 64, CASK_ALWAYS, NULL, NULL));
  fs_fault_clear ();
  CU_ASSERT_EQUAL (batch_count_errors (many, 64, CASK_ERROR, CASK_ERROR_IO), 8);
  CU_ASSERT_EQUAL (batch_count (many, 64, CASK_REMOVED_DONE), 56);
  for (guint i = 0; i < 64; i++)
    CU_ASSERT_EQUAL (many->items[i].error != NULL,
                     many->digests[i].algorithm == 1 && many->digests[i].bytes[0] == 4);
  fs_store_end (&store, &root);
}

CU_TestInfo fs_batch_remove_tests[] = {
  { "C46 contains_many tells present from absent, and freshens where asked",
    batch_contains },
  { "C47 C90 D4 remove_many syncs each shard once, for what was absent too",
    batch_remove },
  { "a removal whose shard's fsync fails is not acknowledged", batch_remove_shard_fails },
  CU_TEST_INFO_NULL
};
