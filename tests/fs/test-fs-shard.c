/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-shard.c: what a shard that is kept open must not hide: that somebody has moved
 * it away, or removed it and made another. */
#include "fs-test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARD_USES 1000 /* far more than it takes, on a busy machine too */

typedef struct
{
  FsStore *store;
  CaskDigest blob, other; /* in one shard; the first is there, the second not */
  char *shard, *aside;
} ShardCase;

static void
shard_case_begin (ShardCase *shard, FsStore *store)
{
  CaskBlobInfo info;
  *shard = (ShardCase){ .store = store,
                        .blob = fs_digest (CASK_ALGORITHM_SHA256, 7, 1),
                        .other = fs_digest (CASK_ALGORITHM_SHA256, 7, 2) };
  g_autofree char *path = fs_path (store, &shard->blob);
  shard->shard = g_path_get_dirname (path);
  shard->aside = g_build_filename (store->root, "aside", NULL);
  CU_ASSERT_EQUAL (fs_store_put (store, &shard->blob, "here"), FS_CREATED);
  guint before = fs_count_fds ();
  for (guint i = 0; i < SHARD_USES && fs_count_fds () == before; i++)
    CU_ASSERT_EQUAL (fs_store_stat (store, &shard->blob, &info), FS_OK);
  CU_ASSERT_EQUAL (fs_count_fds (), before + 1);
}

static void
shard_case_end (ShardCase *shard)
{
  g_free (shard->shard);
  g_free (shard->aside);
}

static gboolean
shard_is_there (const ShardCase *shard, const CaskDigest *digest)
{
  g_autofree char *path = fs_path (shard->store, digest);
  return access (path, F_OK) == 0;
}

typedef void (*ShardUse) (ShardCase *shard);

static void
shard_put (ShardCase *shard)
{
  CU_ASSERT_EQUAL (fs_store_put (shard->store, &shard->other, "new"), FS_CREATED);
  CU_ASSERT_TRUE (shard_is_there (shard, &shard->other));
}

static void
shard_replace (ShardCase *shard)
{
  CU_ASSERT (fs_store_put_flags (shard->store, &shard->blob, "new", CASK_PUT_REPLACE) <
             0);
  CU_ASSERT_TRUE (shard_is_there (shard, &shard->blob));
}

static void
shard_hit (ShardCase *shard)
{
  CU_ASSERT_EQUAL (fs_store_put (shard->store, &shard->blob, "here"), FS_CREATED);
  CU_ASSERT_TRUE (shard_is_there (shard, &shard->blob));
}

static void
shard_touch (ShardCase *shard)
{
  CaskBlobInfo info;
  CU_ASSERT_EQUAL (fs_store_touch (shard->store, &shard->blob, &info),
                   CASK_ERROR_NOT_FOUND);
}

/* Another process has stored the blob in the shard's place. */
static void
shard_remove (ShardCase *shard)
{
  g_autofree char *path = fs_path (shard->store, &shard->blob);
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  CU_ASSERT_TRUE (fs_write_file (path, "here"));
  CU_ASSERT_EQUAL (fs_store_remove (shard->store, &shard->blob, CASK_ALWAYS, &outcome),
                   FS_OK);
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_DONE);
  CU_ASSERT_FALSE (shard_is_there (shard, &shard->blob));
}

static void
test_moved (void)
{
  static const ShardUse uses[] = { shard_put, shard_replace, shard_hit, shard_touch,
                                   shard_remove };
  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      /* What is young is used without another look. */
      FS_TEST_STORE (store, .durability = i % 2 ? FS_DATA : FS_NONE,
                     .freshen_usec = 60 * G_USEC_PER_SEC);
      ShardCase shard;
      shard_case_begin (&shard, store);
      CU_ASSERT_EQUAL (rename (shard.shard, shard.aside), 0);
      uses[i](&shard);
      shard_case_end (&shard);
      fs_store_end (&store, &root);
    }
}

static void
test_removed (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  ShardCase shard;
  CaskBlobInfo info;
  shard_case_begin (&shard, store);
  g_autofree char *path = fs_path (store, &shard.blob);
  CU_ASSERT (unlink (path) == 0 && rmdir (shard.shard) == 0);
  CU_ASSERT_TRUE (fs_write_file (path, "again"));
  CU_ASSERT_EQUAL (fs_store_stat (store, &shard.blob, &info), FS_OK);
  CU_ASSERT_EQUAL (info.size, 5);
  shard_case_end (&shard);
  fs_store_end (&store, &root);
}

/* A name in the shard is looked up anew each time, and no link is followed. */
static void
test_link (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  ShardCase shard;
  CaskBlobInfo info;
  g_autofree char *text = NULL;
  shard_case_begin (&shard, store);
  g_autofree char *path = fs_path (store, &shard.blob);
  CU_ASSERT_EQUAL (rename (path, shard.aside), 0);
  CU_ASSERT_EQUAL (symlink (shard.aside, path), 0);
  CU_ASSERT_EQUAL (fs_store_get (store, &shard.blob, &text), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_stat (store, &shard.blob, &info), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_touch (store, &shard.blob, &info), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_put (store, &shard.blob, "here"), CASK_ERROR_CORRUPT);
  shard_case_end (&shard);
  fs_store_end (&store, &root);
}

static void
test_close (void)
{
  guint before = fs_count_fds ();
  FS_TEST_STORE (store, .durability = FS_NONE);
  ShardCase shard;
  shard_case_begin (&shard, store);
  shard_case_end (&shard);
  fs_store_end (&store, &root);
  CU_ASSERT_EQUAL (fs_count_fds (), before);
}

CU_TestInfo fs_shard_tests[] = {
  { "S3 nothing that is acknowledged goes into a shard that was moved away", test_moved },
  { "S3 a shard that was removed and made again hides nothing", test_removed },
  { "F5 S13 a link in a blob's place in a shard that is kept open is CORRUPT",
    test_link },
  { "a store that is closed keeps no shard open", test_close },
  CU_TEST_INFO_NULL
};
