/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-faults.c: what the fs backend syncs, and what it does where system calls are
 * missing, or an fsync fails. That each call fails is test-fs-points.c's. */
#include "fs-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static FsStore *
test_open (const char *root, guint64 durability)
{
  FsSpec spec = { .durability = durability };
  FsStore *store = fs_store_open (root, &spec, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  return store;
}

static guint
test_syncs (void)
{
  return fs_fault_count (FS_CALL_FSYNC) + fs_fault_count (FS_CALL_FDATASYNC) +
         fs_fault_count (FS_CALL_SYNCFS);
}

static void
test_sync_counts (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) store = test_open (root, FS_FULL);
  CaskDigest first = fs_digest (1, 1, 1), second = fs_digest (1, 1, 2);
  CaskRemoved outcome;
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &first, "x"), FS_CREATED);
  /* The file, the shard, its parent, the root, and perhaps the root's parent. */
  CU_ASSERT (test_syncs () == 4 || test_syncs () == 5);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &second, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (test_syncs (), 2);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_remove (store, &second, CASK_ALWAYS, &outcome), FS_OK);
  CU_ASSERT_EQUAL (test_syncs (), 1);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_remove (store, &second, CASK_ALWAYS, &outcome), FS_OK);
  CU_ASSERT_EQUAL (test_syncs (), 1);
  /* Another process sees that the directories are there; that proves nothing to it. */
  g_autoptr (FsStore) other = test_open (root, FS_FULL);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (other, &second, "x"), FS_CREATED);
  CU_ASSERT (test_syncs () == 4 || test_syncs () == 5);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &second, "x"), FS_HIT);
  CU_ASSERT (test_syncs () >= 2);
  g_clear_pointer (&other, fs_store_close);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

static void
test_no_sync_without_durability (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) none = test_open (root, FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), other = fs_digest (1, 1, 2);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (none, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (test_syncs (), 0);
  g_autoptr (FsStore) data = test_open (root, FS_DATA);
  CU_ASSERT_EQUAL (fs_store_put (data, &other, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FDATASYNC), 1);
  CU_ASSERT_EQUAL (test_syncs (), 1);
  CU_ASSERT_TRUE (data->ops->flush (data->backend, NULL, NULL));
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_SYNCFS), 1);
  g_clear_pointer (&data, fs_store_close);
  g_clear_pointer (&none, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

/* A hit on a blob that this store knows to be durable costs no sync, once its ctime is
 * old enough to be trusted. */
static void
test_hit_is_known (void)
{
  g_autofree char *root = fs_scratch_new ();
  FsSpec spec = { .durability = FS_FULL, .freshen_usec = CASK_FRESHEN_LAG_USEC };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  guint syncs = 1;
  while (syncs != 0 && g_get_monotonic_time () < deadline)
    {
      fs_fault_count_clear ();
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_HIT);
      syncs = test_syncs ();
    }
  CU_ASSERT_EQUAL (syncs, 0);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

/* X4: the kernel says yes to the second fsync whatever became of the bytes. */
static void
test_failed_fsync (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) store = test_open (root, FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  fs_fault_count_clear ();
  fs_fault_set (FS_CALL_FSYNC, EIO, 3, 1); /* after the root, the top and its parent */
  int result = fs_store_put (store, &digest, "x");
  CU_ASSERT_EQUAL (result, CASK_ERROR_IO);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_NOT_FOUND);
  fs_fault_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  /* A hit whose fsync fails: the next put of the blob does not trust the file. */
  fs_fault_set (FS_CALL_FSYNC, EIO, 0, 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), CASK_ERROR_IO);
  fs_fault_clear ();
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_HIT);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_RENAMEAT), 1);
  /* The shard's: the blob can be seen, and is not trusted either. */
  CaskDigest other = fs_digest (1, 1, 2);
  fs_fault_set (FS_CALL_FSYNC, EIO, 1, 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &other, "x"), CASK_ERROR_IO);
  fs_fault_clear ();
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &other, "x"), FS_HIT);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_RENAMEAT), 1);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

static void
test_failed_flush (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) store = test_open (root, FS_NONE);
  GError *error = NULL;
  CU_ASSERT_TRUE (store->ops->flush (store->backend, NULL, NULL));
  CU_ASSERT_TRUE (store->ops->flush (store->backend, NULL, NULL));
  fs_fault_set (FS_CALL_SYNCFS, EIO, 0, 1);
  CU_ASSERT_FALSE (store->ops->flush (store->backend, NULL, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_IO);
  fs_fault_clear ();
  CU_ASSERT_FALSE (store->ops->flush (store->backend, NULL, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_IO);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

/* ---- What filesystems and kernels lack ---- */

static void
test_lacking (gboolean no_tmpfile, gboolean no_links, gboolean no_noreplace,
              gboolean no_openat2)
{
  g_autofree char *root = fs_scratch_new ();
  fs_fault_set_no_tmpfile (no_tmpfile);
  if (no_links)
    fs_fault_set (FS_CALL_LINKAT, EPERM, 0, 100000);
  if (no_noreplace)
    fs_fault_set (FS_CALL_RENAMEAT2, EINVAL, 0, 100000);
  if (no_openat2)
    fs_fault_set (FS_CALL_OPENAT2, ENOSYS, 0, 100000);
  g_autoptr (FsStore) store = test_open (root, FS_FULL);
  CaskRemoved outcome = CASK_REMOVED_ABSENT;
  for (guint64 i = 0; i < 3; i++)
    {
      CaskDigest digest = fs_digest (1, 3, i);
      g_autofree char *text = NULL;
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "first"), FS_CREATED);
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "first"), FS_HIT);
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "second"), FS_HIT);
      CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
      CU_ASSERT_STRING_EQUAL (text, "second");
    }
  CaskDigest digest = fs_digest (1, 3, 0);
  CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome), FS_OK);
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_DONE);
  guint32 n_infos = 10;
  gboolean more;
  CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), FS_OK);
  CU_ASSERT_EQUAL (n_infos, 2);
  g_clear_pointer (&store, fs_store_close);
  fs_fault_clear ();
  CU_ASSERT_EQUAL (fs_count_files (root, TRUE), 0);
  fs_scratch_free (g_steal_pointer (&root));
}

static void
test_no_tmpfile (void)
{
  test_lacking (TRUE, FALSE, FALSE, FALSE);
}

static void
test_no_links (void)
{
  test_lacking (FALSE, TRUE, FALSE, FALSE);
  test_lacking (TRUE, TRUE, FALSE, FALSE);
}

static void
test_no_noreplace (void)
{
  test_lacking (TRUE, TRUE, TRUE, FALSE);
}

static void
test_no_openat2 (void)
{
  test_lacking (FALSE, FALSE, FALSE, TRUE);
}

static void
test_hot_path (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) store = test_open (root, FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *large = g_strnfill (4096, 'x');
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, large), FS_CREATED);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), FS_OK);
  if (fs_fault_count (FS_CALL_OPENAT2) == 0)
    {
      printf ("\n    not run: there is no openat2 here\n");
      g_clear_pointer (&store, fs_store_close);
      fs_scratch_free (g_steal_pointer (&root));
      return;
    }
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_OPENAT2), 1);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSTAT), 1);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_PREAD), 1);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_OPENAT), 0);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FLOCK), 0);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

/* FUSE leaves it to each filesystem whether it has an fsync for directories. */
static int
test_fsync_of_files (int fd)
{
  struct stat st;
  if (fstat (fd, &st) != 0 || !S_ISDIR (st.st_mode))
    return fsync (fd);
  errno = EINVAL;
  return -1;
}

static void
test_no_directory_fsync (guint64 durability)
{
  g_autofree char *scratch = fs_scratch_new ();
  g_autofree char *root = g_build_filename (scratch, "new", NULL);
  const FsSystem *usual = fs_system;
  FsSystem lacking = *fs_system;
  lacking.fsync = test_fsync_of_files;
  fs_system = &lacking;
  fs_fault_count_clear ();
  g_autoptr (FsStore) store = test_open (root, durability);
  CaskDigest digest = fs_digest (1, 3, 1), other = fs_digest (2, 3, 1);
  CaskRemoved outcome;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT (fs_fault_count (FS_CALL_SYNCFS) >= 4); /* for each of the directories */
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_HIT);
  CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome), FS_OK);
  CU_ASSERT_EQUAL (fs_store_remove (store, &other, CASK_ALWAYS, &outcome), FS_OK);
  g_clear_pointer (&store, fs_store_close);
  fs_system = usual;
  fs_scratch_free (g_steal_pointer (&scratch));
}

static void
test_no_directory_fsync_full (void)
{
  test_no_directory_fsync (FS_FULL);
}

static void
test_no_directory_fsync_batch (void)
{
  test_no_directory_fsync (FS_BATCH);
}

static FsStore *test_meanwhile; /* (nullable) */

/* While the first file is synced, a put in the same shard fails for its directory. */
static int
test_fsync_meanwhile (int fd)
{
  struct stat st;
  FsStore *store = g_steal_pointer (&test_meanwhile);
  CaskDigest other = fs_digest (1, 3, 2);
  if (store == NULL)
    {
      gboolean fails = fstat (fd, &st) == 0 && S_ISDIR (st.st_mode) &&
                       fs_fault_count (FS_CALL_LINKAT) == 1;
      errno = EIO;
      return fails && fs_fault_count (FS_CALL_SYNCFS) == 0 ? -1 : fsync (fd);
    }
  CU_ASSERT_EQUAL (fs_store_put (store, &other, "y"), CASK_ERROR_IO);
  fs_fault_count_clear ();
  return fsync (fd);
}

/* S14: a hit that has looked already must not rest on a name that was lost since. */
static void
test_hit_of_a_lost_name (void)
{
  g_autofree char *root = fs_scratch_new ();
  CaskDigest digest = fs_digest (1, 3, 1), warm = fs_digest (1, 3, 9);
  g_autoptr (FsStore) first = test_open (root, FS_FULL);
  CU_ASSERT_EQUAL (fs_store_put (first, &digest, "x"), FS_CREATED);
  g_clear_pointer (&first, fs_store_close);

  g_autoptr (FsStore) store = test_open (root, FS_FULL);
  CU_ASSERT_EQUAL (fs_store_put (store, &warm, "z"), FS_CREATED);
  const FsSystem *usual = fs_system;
  FsSystem failing = *fs_system;
  failing.fsync = test_fsync_meanwhile;
  test_meanwhile = store;
  fs_fault_count_clear ();
  fs_system = &failing;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_HIT);
  fs_system = usual;
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_RENAMEAT), 1); /* stored anew */
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

static gboolean is_time_synced;
static guint n_renames_unsynced;

static int
test_futimens (int fd, const struct timespec times[2])
{
  is_time_synced = FALSE;
  return futimens (fd, times);
}

static int
test_fsync_time (int fd)
{
  is_time_synced = TRUE;
  return fsync (fd);
}

static int
test_rename_time (int from, const char *old, int to, const char *name, unsigned int flags)
{
  n_renames_unsynced += !is_time_synced;
  return renameat2 (from, old, to, name, flags);
}

/* The copy in whose place it comes was used meanwhile. */
static void
test_time_before_name (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) store = test_open (root, FS_FULL);
  const FsSystem *usual = fs_system;
  FsSystem watching = *fs_system;
  watching.futimens = test_futimens;
  watching.fsync = test_fsync_time;
  watching.renameat2 = test_rename_time;
  CaskDigest digest = fs_digest (1, 3, 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "first"), FS_CREATED);
  g_autofree char *path = fs_path (store, &digest);
  struct timespec later[2] = { { .tv_nsec = UTIME_OMIT },
                               { .tv_sec = g_get_real_time () / G_USEC_PER_SEC + 60 } };
  CU_ASSERT_EQUAL (utimensat (AT_FDCWD, path, later, 0), 0);
  fs_system = &watching;
  n_renames_unsynced = 0;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "the second"), FS_HIT);
  CU_ASSERT_EQUAL (n_renames_unsynced, 0);
  fs_system = usual;
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

static const CU_TestInfo tests[] = {
  { "D10 a put in a warm shard is two syncs, and what exists proves nothing",
    test_sync_counts },
  { "none never syncs, data syncs bytes, flush syncs all",
    test_no_sync_without_durability },
  { "a hit on what is known to be durable does not sync", test_hit_is_known },
  { "X4 a file whose fsync failed is not asked again", test_failed_fsync },
  { "a flush that failed is not followed by one that succeeds", test_failed_flush },
  { "files have names from the start where nameless ones are unknown", test_no_tmpfile },
  { "without hard links names are taken by renaming", test_no_links },
  { "without RENAME_NOREPLACE too", test_no_noreplace },
  { "without openat2 directories are opened one by one", test_no_openat2 },
  { "where directories have no fsync, the filesystem's is asked for: full",
    test_no_directory_fsync_full },
  { "where directories have no fsync, the filesystem's is asked for: batch",
    test_no_directory_fsync_batch },
  { "S14 X4 a hit does not rest on a name that was lost while it was looked at",
    test_hit_of_a_lost_name },
  { "a time inherited from the copy that is replaced is synced before the rename",
    test_time_before_name },
  { "a get is one open, one stat, one read", test_hot_path },
  CU_TEST_INFO_NULL
};

int
main (void)
{
  CU_initialize_registry ();
  CU_SuiteInfo suites[] = { { "fs: faults", NULL, NULL, NULL, NULL,
                              (CU_TestInfo *) tests },
                            { "fs: odd turns", NULL, NULL, NULL, NULL, fs_odd_tests },
                            CU_SUITE_INFO_NULL };
  CU_register_suites (suites);
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures ();
  CU_cleanup_registry ();
  return failures != 0;
}
