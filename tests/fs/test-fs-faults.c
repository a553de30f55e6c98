/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-faults.c: the fs backend where system calls fail, do half, or are missing. */
#include "fs-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static FsStore *
test_open (const char *root, guint64 durability)
{
  FsSpec spec = { .durability = durability };
  FsStore *store = fs_store_open (root, &spec, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  return store;
}

/* ---- X1: each call of each operation fails ---- */

typedef struct
{
  const char *name;
  int (*run) (FsStore *store, const CaskDigest *digest);
  gboolean is_there; /* whether the blob is put before */
} TestOperation;

static int
test_run_put (FsStore *store, const CaskDigest *digest)
{
  return fs_store_put (store, digest, "0123456789");
}

static int
test_run_replace (FsStore *store, const CaskDigest *digest)
{
  return fs_store_put_flags (store, digest, "0123456789", CASK_PUT_REPLACE);
}

static int
test_run_get (FsStore *store, const CaskDigest *digest)
{
  return fs_store_get (store, digest, NULL);
}

static int
test_run_touch (FsStore *store, const CaskDigest *digest)
{
  return fs_store_touch (store, digest, NULL);
}

static int
test_run_stat (FsStore *store, const CaskDigest *digest)
{
  return fs_store_stat (store, digest, NULL);
}

static int
test_run_remove (FsStore *store, const CaskDigest *digest)
{
  CaskRemoved outcome;
  return fs_store_remove (store, digest, CASK_ALWAYS, &outcome);
}

static int
test_run_list (FsStore *store, const CaskDigest *digest)
{
  (void) digest;
  guint32 n_infos = 100;
  gboolean more;
  return fs_store_list (store, &n_infos, &more);
}

static const TestOperation test_operations[] = {
  { "put", test_run_put, FALSE },        { "hit", test_run_put, TRUE },
  { "replace", test_run_replace, TRUE }, { "get", test_run_get, TRUE },
  { "stat", test_run_stat, TRUE },       { "touch", test_run_touch, TRUE },
  { "remove", test_run_remove, TRUE },   { "remove absent", test_run_remove, FALSE },
  { "list", test_run_list, TRUE },
};

static void
test_complain (const TestOperation *operation, FsCall call, int code, guint skip,
               const char *what)
{
  printf ("\n    %s, %s number %u fails with %s: %s\n", operation->name,
          fs_call_name (call), skip, g_strerror (code), what);
  CU_FAIL ("fault");
}

/* Success must be true, failure must leave the blob right or absent, and the store works
 * after. Returns: whether the call was reached at all. */
static gboolean
test_fault_one (const char *root, const TestOperation *operation, FsCall call, int code,
                guint skip, guint times)
{
  static guint64 number;
  g_autoptr (FsStore) store = test_open (root, FS_FULL);
  CaskDigest digest = fs_digest (1 + number % 2, (guint8) (number % 251), number);
  number++;
  if (store == NULL)
    return FALSE;
  if (operation->is_there && fs_store_put (store, &digest, "0123456789") != FS_CREATED)
    test_complain (operation, call, code, skip, "set-up");
  guint fds = fs_count_fds ();
  fs_fault_count_clear ();
  fs_fault_set (call, code, skip, times);
  int result = operation->run (store, &digest);
  gboolean is_reached = fs_fault_count (call) > skip;
  fs_fault_clear ();
  g_autofree char *text = NULL;
  int found = fs_store_get (store, &digest, &text);
  gboolean is_put = operation->run == test_run_put || operation->run == test_run_replace;
  if (found != FS_OK && found != CASK_ERROR_NOT_FOUND)
    test_complain (operation, call, code, skip, "broken after");
  if (found == FS_OK && strcmp (text, "0123456789") != 0)
    test_complain (operation, call, code, skip, "wrong bytes after");
  if (is_put && result < 0 && found != FS_OK)
    test_complain (operation, call, code, skip, "acknowledged and not there");
  if (operation->run == test_run_remove && result < 0 && found == FS_OK)
    test_complain (operation, call, code, skip, "acknowledged and still there");
  if (!is_put && operation->run != test_run_remove && found != FS_OK)
    test_complain (operation, call, code, skip, "lost");
  if (is_reached && result == CASK_ERROR_NOT_FOUND && operation->is_there)
    test_complain (operation, call, code, skip, "a failure became absence");
  /* A store that has made its temporary directory keeps that, and its lock, open. */
  if (fs_count_fds () > fds + 2)
    test_complain (operation, call, code, skip, "descriptors leak");
  if (fs_store_put (store, &digest, "0123456789") >= 0)
    test_complain (operation, call, code, skip, "no put after");
  return is_reached;
}

static void
test_every_call_fails (void)
{
  static const int codes[] = { EIO, ENOSPC, EACCES, EROFS, EINTR, EMFILE };
  g_autofree char *root = fs_scratch_new ();
  guint cases = 0;
  for (guint o = 0; o < G_N_ELEMENTS (test_operations); o++)
    for (FsCall call = 0; call < FS_N_CALLS; call++)
      for (guint c = 0; c < G_N_ELEMENTS (codes); c++)
        for (guint skip = 0; skip < 24; skip++, cases++)
          if (!test_fault_one (root, &test_operations[o], call, codes[c], skip, 1) ||
              /* No kernel interrupts for ever; and at the limit each one waits. */
              (codes[c] != EINTR && codes[c] != EMFILE &&
               !test_fault_one (root, &test_operations[o], call, codes[c], skip, 100000)))
            break;
  printf ("\n    %u faults\n", cases);
  CU_ASSERT (cases > 500);
  fs_scratch_free (g_steal_pointer (&root));
}

static void
test_short (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autoptr (FsStore) store = test_open (root, FS_DATA);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *text = NULL;
  fs_fault_set_short (TRUE);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
  fs_fault_clear ();
  CU_ASSERT_STRING_EQUAL (text, "0123456789");
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
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

static const CU_TestInfo tests[] = {
  { "X1 whichever call fails, nothing is acknowledged that is not so",
    test_every_call_fails },
  { "X2 reads and writes that do one byte at a time do all of them", test_short },
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
