/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-batch.c: many blobs in one call: what each is told, and how often the disk is
 * waited for. */
#include "fs-batch-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- A call that is counted, and cancels ---- */

static gint batch_flushes;
static gint batch_cancel_at; /* 0: never */
static GCancellable *batch_cancellable;

__attribute__ ((visibility ("default"))) int
sync_file_range (int fd, off64_t offset, off64_t count, unsigned int flags)
{
  (void) fd;
  CU_ASSERT_TRUE (offset == 0 && count == 0 && flags == SYNC_FILE_RANGE_WRITE);
  batch_flushes++;
  if (batch_flushes == batch_cancel_at)
    g_cancellable_cancel (batch_cancellable);
  return 0;
}

/* ---- put ---- */

/* Returns: how many fsyncs there were but for one of each file: where the disk takes more
 * than a second, the time is set once more, and synced once more. */
static guint
batch_count_others (void)
{
  guint files = fs_fault_count (FS_CALL_FUTIMENS);
  CU_ASSERT_TRUE (files >= 64);
  return fs_fault_count (FS_CALL_FSYNC) - files;
}

static void
batch_counts_flushes (void)
{
  for (guint64 layout = 0; layout < 2; layout++)
    {
      FS_TEST_STORE (store, .durability = FS_FULL, .layout = layout);
      batch_warm (store);
      g_autoptr (Many) many = batch_new (0, 64, "text");
      fs_fault_count_clear ();
      batch_flushes = 0;
      CU_ASSERT_TRUE (batch_put (store, many, 64, NULL));
      guint n_directories = layout == 0 ? MANY_SHARDS : 2;
      CU_ASSERT_EQUAL (batch_count_others (), n_directories);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FDATASYNC), 0);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_SYNCFS), 0);
      CU_ASSERT_EQUAL (batch_flushes, 64);
      CU_ASSERT_EQUAL (batch_count (many, 64, TRUE), 64);
      CU_ASSERT_TRUE (batch_is_true (store, many, 64, "text"));
      fs_store_end (&store, &root);
    }
}

/* In shards that are new, each of their names is made durable too. */
static void
batch_counts_ancestors (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  g_autoptr (Many) many = batch_new (0, 64, "text");
  fs_fault_count_clear ();
  CU_ASSERT_TRUE (batch_put (store, many, 64, NULL));
  CU_ASSERT_EQUAL (batch_count (many, 64, TRUE), 64);
  CU_ASSERT_EQUAL (batch_count_others (), 2 * MANY_SHARDS + 2 + 1);
  fs_store_end (&store, &root);
}

static void
batch_other_durabilities (void)
{
  for (guint64 durability = FS_NONE; durability <= FS_DATA; durability++)
    {
      FS_TEST_STORE (store, .durability = durability);
      g_autoptr (Many) many = batch_new (0, 64, "text");
      fs_fault_count_clear ();
      CU_ASSERT_TRUE (batch_put (store, many, 64, NULL));
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSYNC), 0);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FDATASYNC),
                       durability == FS_DATA ? fs_fault_count (FS_CALL_FUTIMENS) : 0);
      CU_ASSERT_EQUAL (batch_count (many, 64, TRUE), 64);
      CU_ASSERT_TRUE (batch_is_true (store, many, 64, "text"));
      fs_store_end (&store, &root);
    }
}

/* Hits, misses, a copy of another size, and something else in a blob's place. */
static void
batch_mixed (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  g_autoptr (Many) many = batch_new (0, 40, "after!");
  batch_fill (store, 0, 20);
  CU_ASSERT_EQUAL (fs_store_put (store, &many->digests[30], "longer than that"),
                   FS_CREATED);
  g_autofree char *path = fs_path (store, &many->digests[25]);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (path, 0777), 0);
  CU_ASSERT_TRUE (batch_put (store, many, 40, NULL));
  for (guint i = 0; i < 40; i++)
    {
      const CaskItem *item = &many->items[i];
      if (i == 25)
        CU_ASSERT_EQUAL (fs_code (g_error_copy (item->error)), CASK_ERROR_CORRUPT);
      if (i != 25)
        CU_ASSERT_TRUE (item->error == NULL &&
                        item->outcome == (i >= 20 && i != 30 ? TRUE : FALSE));
    }
  CU_ASSERT_TRUE (g_file_test (path, G_FILE_TEST_IS_DIR));
  g_autofree char *hit = NULL;
  g_autofree char *replaced = NULL;
  fs_store_get (store, &many->digests[3], &hit);
  fs_store_get (store, &many->digests[30], &replaced);
  CU_ASSERT_STRING_EQUAL (hit, "before");
  CU_ASSERT_STRING_EQUAL (replaced, "after!");

  g_autoptr (Many) again = batch_new (0, 40, "AFTER!");
  CU_ASSERT_TRUE (store->ops->put_many (store->backend, again->items, 20,
                                        CASK_PUT_REPLACE, NULL, NULL));
  CU_ASSERT_EQUAL (batch_count (again, 20, FALSE), 20);
  CU_ASSERT_TRUE (batch_is_true (store, again, 20, "AFTER!"));
  fs_store_end (&store, &root);
}

static void
batch_duplicates (void)
{
  for (guint64 durability = FS_NONE; durability <= FS_FULL; durability++)
    {
      FS_TEST_STORE (store, .durability = durability);
      g_autoptr (Many) many = batch_new (0, 90, "text");
      for (guint i = 0; i < 90; i++)
        many->items[i].digest = &many->digests[i % 9];
      fs_fault_count_clear ();
      CU_ASSERT_TRUE (batch_put (store, many, 90, NULL));
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_PWRITE), 9);
      for (guint i = 0; i < 90; i++)
        CU_ASSERT_TRUE (many->items[i].error == NULL &&
                        many->items[i].outcome == (i < 9));
      CU_ASSERT_EQUAL (fs_count_files (root, FALSE), 9);
      fs_store_end (&store, &root);
    }
}

/* ---- Faults ---- */

/* The first shard that is synced fails: it takes its own items along, and nobody else's.
 * In memory, so that no slow disk makes it another fsync that fails. */
static void
batch_shard_fails (void)
{
  g_autofree char *before = g_strdup (g_getenv ("CASK_TEST_DIR"));
  if (access ("/dev/shm", W_OK) == 0)
    g_setenv ("CASK_TEST_DIR", "/dev/shm", TRUE);
  FS_TEST_STORE (store, .durability = FS_FULL);
  batch_warm (store);
  g_autoptr (Many) many = batch_new (0, 64, "text");
  fs_fault_set (FS_CALL_FSYNC, EIO, 64, 1);
  CU_ASSERT_TRUE (batch_put (store, many, 64, NULL));
  fs_fault_clear ();
  for (guint i = 0; i < 64; i++)
    {
      const CaskItem *item = &many->items[i];
      gboolean is_first =
          item->digest->algorithm == CASK_ALGORITHM_SHA256 && item->digest->bytes[0] == 0;
      CU_ASSERT_EQUAL (g_error_matches (item->error, CASK_ERROR, CASK_ERROR_IO),
                       is_first);
      CU_ASSERT_EQUAL (item->error == NULL && item->outcome == TRUE, !is_first);
    }
  CU_ASSERT_EQUAL (batch_count_errors (many, 64, CASK_ERROR, CASK_ERROR_IO), 8);

  /* What was seen but not acknowledged is stored anew. */
  g_autoptr (Many) again = batch_new (0, 64, "text");
  fs_fault_count_clear ();
  CU_ASSERT_TRUE (batch_put (store, again, 64, NULL));
  CU_ASSERT_EQUAL (batch_count (again, 64, FALSE), 64);
  CU_ASSERT_TRUE (fs_fault_count (FS_CALL_RENAMEAT) >= 8);
  CU_ASSERT_TRUE (fs_fault_count (FS_CALL_SYNCFS) >= 1);
  fs_store_end (&store, &root);
  if (before != NULL)
    g_setenv ("CASK_TEST_DIR", before, TRUE);
  else
    g_unsetenv ("CASK_TEST_DIR");
}

static struct
{
  FsStore *store;
  const CaskDigest *digest;
  guint n_directories;
  int outcome;
} batch_meanwhile;

/* The first directory's fsync fails; while the second's runs, somebody else puts a blob
 * whose name the first one lost. */
static int
batch_fsync_meanwhile (int fd)
{
  struct stat st;
  if (fstat (fd, &st) != 0 || !S_ISDIR (st.st_mode))
    return fsync (fd);
  guint number = ++batch_meanwhile.n_directories;
  if (number == 2)
    batch_meanwhile.outcome =
        fs_store_put (batch_meanwhile.store, batch_meanwhile.digest, "text");
  errno = EIO;
  return number == 1 ? -1 : fsync (fd);
}

/* A hit must not rest on that name, though the batch waits for other shards still. */
static void
batch_shard_fails_at_once (void)
{
  for (guint64 durability = FS_FULL; durability <= FS_BATCH; durability++)
    {
      FS_TEST_STORE (store, .durability = durability);
      const FsSystem *usual = fs_system;
      FsSystem failing = *fs_system;
      failing.fsync = batch_fsync_meanwhile;
      batch_warm (store);
      g_autoptr (Many) many = batch_new (0, 64, "text");
      batch_meanwhile.store = store;
      batch_meanwhile.digest = &many->digests[0];
      batch_meanwhile.n_directories = 0;
      fs_fault_count_clear ();
      fs_system = &failing;
      CU_ASSERT_TRUE (batch_put (store, many, 64, NULL));
      fs_system = usual;
      CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&many->items[0].error)), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (batch_meanwhile.outcome, FS_HIT);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_RENAMEAT), 1); /* stored anew */
      fs_store_end (&store, &root);
    }
}

/* Each call fails once, somewhere: one item or one shard pays, nothing is left behind,
 * and what is said is true. */
static void
batch_call_fails (void)
{
  static const struct
  {
    FsCall call;
    int code;
  } faults[] = { { FS_CALL_FSYNC, EIO },     { FS_CALL_PWRITE, ENOSPC },
                 { FS_CALL_FUTIMENS, EIO },  { FS_CALL_LINKAT, EIO },
                 { FS_CALL_OPENAT, EIO },    { FS_CALL_OPENAT2, EACCES },
                 { FS_CALL_OPENAT, EMFILE }, { FS_CALL_OPENAT2, EMFILE } };
  FS_TEST_STORE (store, .durability = FS_FULL);
  batch_fill (store, 10000, 64);
  guint fds = fs_count_fds ();
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    for (guint skip = 0; skip < 30; skip += 7)
      {
        g_autoptr (Many) many = batch_new (100 * (i * 30 + skip), 30, "text");
        fs_fault_set (faults[i].call, faults[i].code, skip, 1);
        CU_ASSERT_TRUE (batch_put (store, many, 30, NULL));
        fs_fault_clear ();
        guint n_failed = 30 - batch_count (many, 30, TRUE);
        if (faults[i].code == EMFILE)
          CU_ASSERT_EQUAL (n_failed, 0);
        if (faults[i].code != EMFILE)
          CU_ASSERT_TRUE (n_failed <= 1);
        CU_ASSERT_TRUE (batch_is_true (store, many, 30, "text"));
        CU_ASSERT_TRUE (fs_count_fds () <= fds + 2);
      }
  fs_store_end (&store, &root);
}

static int
batch_few_files (const char *root)
{
  FsSpec spec = { .durability = FS_FULL };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  for (guint spare = 6; spare < 24; spare += 4)
    {
      g_autoptr (Many) many = batch_new (spare * 1000, MANY, "text");
      struct rlimit limit = { 0 };
      getrlimit (RLIMIT_NOFILE, &limit);
      limit.rlim_cur = fs_count_fds () - 1 + spare;
      FS_CHECK (setrlimit (RLIMIT_NOFILE, &limit) == 0);
      FS_CHECK (batch_put (store, many, MANY, NULL));
      FS_CHECK (batch_count (many, MANY, TRUE) == MANY);
      FS_CHECK (store->ops->remove_many (store->backend, many->items, MANY, CASK_ALWAYS,
                                         NULL, NULL));
      FS_CHECK (batch_count (many, MANY, CASK_REMOVED_DONE) == MANY);
    }
  return 0;
}

static void
batch_file_limit (void)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child ("few files", batch_few_files, root);
  fs_scratch_free (g_steal_pointer (&root));
}

/* A disk that takes two seconds for each fsync: the time of each is its commit's. */
static void
batch_slow_disk (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  batch_fill (store, 1000, 64);
  g_autoptr (Many) many = batch_new (0, 16, "text");
  fs_fault_set_slow (FS_CALL_FSYNC, 16);
  CU_ASSERT_TRUE (batch_put (store, many, 16, NULL));
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  for (guint i = 0; i < 16; i++)
    {
      CaskBlobInfo info = { 0 };
      CU_ASSERT_EQUAL (fs_store_stat (store, &many->digests[i], &info), FS_OK);
      CU_ASSERT_TRUE (info.mtime_usec + 2 * G_USEC_PER_SEC >=
                      (gint64) now.tv_sec * G_USEC_PER_SEC);
    }
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* ---- Cancellation ---- */

static void
batch_cancelled (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (Many) many = batch_new (0, MANY, "text");
  batch_cancellable = cancellable;
  batch_flushes = 0;
  batch_cancel_at = 80;
  CU_ASSERT_TRUE (batch_put (store, many, MANY, cancellable));
  batch_cancel_at = 0;
  guint n_created = batch_count (many, MANY, TRUE);
  CU_ASSERT_TRUE (n_created > 0 && n_created < 80);
  CU_ASSERT_EQUAL (batch_count_errors (many, MANY, G_IO_ERROR, G_IO_ERROR_CANCELLED),
                   MANY - n_created);
  CU_ASSERT_TRUE (batch_is_true (store, many, MANY, "text"));
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE), n_created);

  g_autoptr (Many) looked = batch_new (0, MANY, NULL);
  CU_ASSERT_TRUE (store->ops->contains_many (store->backend, looked->items, MANY, 0,
                                             cancellable, NULL));
  CU_ASSERT_EQUAL (batch_count_errors (looked, MANY, G_IO_ERROR, G_IO_ERROR_CANCELLED),
                   MANY);
  g_autoptr (Many) removed = batch_new (0, MANY, NULL);
  CU_ASSERT_TRUE (store->ops->remove_many (store->backend, removed->items, MANY,
                                           CASK_ALWAYS, cancellable, NULL));
  CU_ASSERT_EQUAL (batch_count_errors (removed, MANY, G_IO_ERROR, G_IO_ERROR_CANCELLED),
                   MANY);
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE), n_created);
  fs_store_end (&store, &root);
}

static CU_TestInfo batch_tests[] = {
  { "D10 a batch of 64 syncs 64 files and each directory once", batch_counts_flushes },
  { "new shards' names are synced once each", batch_counts_ancestors },
  { "durability=data syncs the bytes alone, none nothing", batch_other_durabilities },
  { "hits, misses, other sizes and a directory in the way each have their own end",
    batch_mixed },
  { "of one digest many times in a batch the first is created", batch_duplicates },
  { "a shard whose fsync fails fails its own items only", batch_shard_fails },
  { "S14 X4 no hit rests on a shard whose fsync failed, while its batch waits for others",
    batch_shard_fails_at_once },
  { "X1 X4 a call that fails harms one item, and the limit on open files none",
    batch_call_fails },
  { "F8 a batch lives with very few open files", batch_file_limit },
  { "S16 on a slow disk the time of each is its commit's", batch_slow_disk },
  { "C67 C69 a batch is cancelled between items and leaves nothing of the rest",
    batch_cancelled },
  CU_TEST_INFO_NULL
};

int
main (void)
{
  CU_SuiteInfo suites[] = { { .pName = "fs: batches", .pTests = batch_tests },
                            { .pName = "fs: batches that look and remove",
                              .pTests = fs_batch_remove_tests },
                            CU_SUITE_INFO_NULL };
  if (CU_initialize_registry () != CUE_SUCCESS ||
      CU_register_suites (suites) != CUE_SUCCESS)
    return 2;
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures ();
  CU_cleanup_registry ();
  return failures > 0;
}
