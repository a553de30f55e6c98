/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-errors.c: what each failure of the system is called, how long an operation that
 * met the limit of descriptors waits, and what a store learns from a failure. */
#include "fs-test.h"
#include "test-support.h"

#include "fs-batch.h"
#include "fs-upload.h"

#include <errno.h>
#include <sys/stat.h>

static void
test_codes (void)
{
  static const struct
  {
    int code, error;
  } cases[] = {
    { ENOSPC, CASK_ERROR_NO_SPACE },
    { EDQUOT, CASK_ERROR_NO_SPACE },
    { EROFS, CASK_ERROR_READ_ONLY },
    { EACCES, CASK_ERROR_PERMISSION },
    { EPERM, CASK_ERROR_PERMISSION },
    { EFBIG, CASK_ERROR_TOO_LARGE },
    { EOVERFLOW, CASK_ERROR_TOO_LARGE },
    { ESTALE, CASK_ERROR_GONE },
    { ETIMEDOUT, CASK_ERROR_TIMED_OUT },
    { EAGAIN, CASK_ERROR_UNAVAILABLE },
    { ENOMEM, CASK_ERROR_UNAVAILABLE },
    { ENOLCK, CASK_ERROR_UNAVAILABLE },
    { EHOSTDOWN, CASK_ERROR_UNAVAILABLE },
    { ENOTCONN, CASK_ERROR_UNAVAILABLE },
    { EOPNOTSUPP, CASK_ERROR_UNSUPPORTED },
    { ENOSYS, CASK_ERROR_UNSUPPORTED },
    { ENAMETOOLONG, CASK_ERROR_INVALID_CONFIG },
    { EIO, CASK_ERROR_IO },
    { ENOENT, CASK_ERROR_IO }, /* never NOT_FOUND: that is said by who looked */
    { ENOTDIR, CASK_ERROR_IO },
  };
  FS_TEST_STORE (store, .durability = FS_NONE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = NULL;
      CU_ASSERT_FALSE (
          fs_fail_path (store->backend, cases[i].code, "open", "ab/cd", &error));
      g_autofree char *text =
          g_strdup_printf ("ab/cd: open: %s", g_strerror (cases[i].code));
      TEST_ERROR (error, CASK_ERROR, cases[i].error, text);
    }
  fs_store_end (&store, &root);
}

/* Why the root can not be opened. */
static void
test_open_codes (void)
{
  static const struct
  {
    int code, error;
  } cases[] = {
    { EACCES, CASK_ERROR_PERMISSION },
    { EPERM, CASK_ERROR_PERMISSION },
    { EROFS, CASK_ERROR_READ_ONLY },
    { ENOSPC, CASK_ERROR_NO_SPACE },
    { EDQUOT, CASK_ERROR_NO_SPACE },
    { ENOTDIR, CASK_ERROR_INVALID_CONFIG },
    { ELOOP, CASK_ERROR_INVALID_CONFIG },
    { ENAMETOOLONG, CASK_ERROR_INVALID_CONFIG },
    { EIO, CASK_ERROR_IO },
    { EMFILE, CASK_ERROR_BUSY },
    { ENFILE, CASK_ERROR_BUSY },
  };
  g_autofree char *scratch = fs_scratch_new ();
  g_autofree char *root = g_build_filename (scratch, "new", NULL);
  FsSpec spec = { .durability = FS_NONE };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint is_new = 0; is_new < 2; is_new++)
      {
        GError *error = NULL;
        /* Not once: at the limit of descriptors it is tried again. */
        fs_fault_set (is_new ? FS_CALL_MKDIRAT : FS_CALL_OPENAT, cases[i].code, 0,
                      G_MAXINT);
        CU_ASSERT_PTR_NULL (fs_store_open (root, &spec, &error));
        CU_ASSERT_EQUAL (fs_code (error), cases[i].error);
      }
  fs_fault_clear ();
  GError *error = NULL;
  spec.keep_root = TRUE;
  CU_ASSERT_PTR_NULL (fs_store_open (root, &spec, &error));
  CU_ASSERT_EQUAL (fs_code (error), CASK_ERROR_NOT_FOUND);
  fs_scratch_free (g_steal_pointer (&scratch));
}

/* F10: ext4 says EPERM to a new file in a directory that was removed. Other failures are
 * not explained by it. */
static void
test_gone (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE, .keep_root = TRUE);
  GError *error = NULL;
  test_remove_tree (root);
  fs_fail (store->backend, ENOENT, "open", &error);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_GONE, "was removed");
  fs_fail (store->backend, EPERM, "open", &error);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_GONE, "was removed");
  fs_fail (store->backend, EIO, "open", &error);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "open: ");
  g_clear_pointer (&store, fs_store_close);
}

static void
test_limit_text (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  GError *error = NULL;
  CU_ASSERT_FALSE (fs_fail (store->backend, EMFILE, "open", &error));
  TEST_ERROR (error, CASK_ERROR, FS_ERROR_LIMIT, "(the limit is ");
  CU_ASSERT_FALSE (fs_fail (store->backend, ENFILE, "open", &error));
  CU_ASSERT (error != NULL && strstr (error->message, "limit is") == NULL);
  TEST_ERROR (error, CASK_ERROR, FS_ERROR_LIMIT, "open: ");
  fs_store_end (&store, &root);
}

static void
test_types (void)
{
  static const struct
  {
    mode_t mode;
    const char *text;
  } cases[] = {
    { S_IFDIR, "p: a directory is in the blob's place" },
    { S_IFLNK | 0777, "p: a symbolic link is" },
    { S_IFIFO | 0600, "p: a FIFO is" },
    { S_IFSOCK, "p: a socket is" },
    { S_IFCHR | 0600, "p: a device is" },
    { S_IFBLK, "p: a device is" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = NULL;
      CU_ASSERT_FALSE (fs_fail_type ("p", cases[i].mode, &error));
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, cases[i].text);
    }
  GError *error = NULL;
  CU_ASSERT_FALSE (fs_fail_short ("p", 10, 4, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "10 bytes expected, 4 read");
}

/* ---- F8: patience ---- */

static GError *
test_limit_new (void)
{
  return g_error_new_literal (CASK_ERROR, FS_ERROR_LIMIT, "open: too many");
}

static int
test_waiters (FsStore *store)
{
  return g_atomic_int_get (&store->backend->limit.waiters);
}

static void
test_patience_ends (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  FsPatience patience = { .self = store->backend };
  GError *failure = test_limit_new (), *error = NULL;
  gint64 start = g_get_monotonic_time ();
  CU_ASSERT_TRUE (fs_patience_again (&patience, NULL, &failure)); /* at once */
  CU_ASSERT_PTR_NULL (failure);
  CU_ASSERT_EQUAL (test_waiters (store), 1);
  failure = test_limit_new ();
  CU_ASSERT_FALSE (fs_patience_again (&patience, NULL, &failure));
  gint64 waited = g_get_monotonic_time () - start;
  CU_ASSERT (waited >= G_USEC_PER_SEC * 9 / 10);
  CU_ASSERT_FALSE (fs_patience_end (&patience, failure, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_BUSY, "too many");
  CU_ASSERT_EQUAL (test_waiters (store), 0);
  fs_store_end (&store, &root);
}

/* One that ends wakes one that waits, long before its second is over. */
static void
test_patience_is_woken (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  FsPatience waiting = { .self = store->backend }, other = { .self = store->backend };
  GError *failure = test_limit_new ();
  CU_ASSERT_TRUE (fs_patience_again (&waiting, NULL, &failure));
  CU_ASSERT_TRUE (fs_patience_end (&other, NULL, NULL));
  CU_ASSERT_EQUAL (test_waiters (store), 1);
  failure = test_limit_new ();
  CU_ASSERT_TRUE (fs_patience_again (&waiting, NULL, &failure));
  CU_ASSERT_PTR_NULL (failure);
  CU_ASSERT_TRUE (fs_patience_end (&waiting, NULL, NULL));
  CU_ASSERT_EQUAL (test_waiters (store), 0);
  fs_store_end (&store, &root);
}

/* So does a batch, whose items do not wait one by one. */
static void
test_patience_is_woken_by_batch (void)
{
  FS_TEST_STORE (store, .durability = FS_DATA);
  for (guint is_remove = 0; is_remove < 2; is_remove++)
    {
      CaskDigest digests[2] = { fs_digest (1, 1, 1), fs_digest (1, 1, 2) };
      g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
      CaskItem items[2] = { { .digest = &digests[0], .bytes = bytes },
                            { .digest = &digests[1], .bytes = bytes } };
      FsPatience waiting = { .self = store->backend };
      GError *failure = test_limit_new ();
      CU_ASSERT_TRUE (fs_patience_again (&waiting, NULL, &failure));
      guint64 finished = store->backend->limit.finished;
      if (is_remove)
        store->ops->remove_many (store->backend, items, 2, CASK_ALWAYS, NULL, NULL);
      else
        store->ops->put_many (store->backend, items, 2, 0, NULL, NULL);
      CU_ASSERT (items[0].error == NULL && items[1].error == NULL);
      CU_ASSERT (store->backend->limit.finished >= finished + 2);
      CU_ASSERT_TRUE (fs_patience_end (&waiting, NULL, NULL));
    }
  fs_store_end (&store, &root);
}

static void
test_patience_is_cancelled (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  FsPatience patience = { .self = store->backend };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GError *failure = test_limit_new ();
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (fs_patience_again (&patience, cancellable, &failure));
  TEST_ERROR (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  CU_ASSERT_EQUAL (test_waiters (store), 0);
  failure = g_error_new_literal (CASK_ERROR, CASK_ERROR_IO, "read");
  CU_ASSERT_FALSE (fs_patience_again (&patience, NULL, &failure));
  TEST_ERROR (failure, CASK_ERROR, CASK_ERROR_IO, "read");
  fs_store_end (&store, &root);
}

/* Three items of one shard and one of another, of each as many as there are descriptors
 * for; one at least. */
static void
test_batch_is_cut (void)
{
  static const struct
  {
    guint most_fds, per_item, count;
  } cases[] = {
    { 0, 1, 1 }, { 1, 1, 1 }, { 2, 1, 1 }, { 3, 1, 1 },  { 4, 1, 2 },
    { 5, 1, 3 }, { 6, 1, 3 }, { 7, 1, 4 }, { 0, 0, 1 },  { 1, 0, 1 },
    { 2, 0, 3 }, { 3, 0, 4 }, { 9, 2, 3 }, { 11, 2, 4 },
  };
  guint16 shards[] = { 5, 5, 5, 7 };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FsBatch batch = { .shards = shards,
                        .n_items = G_N_ELEMENTS (shards),
                        .most_fds = cases[i].most_fds };
      CU_ASSERT_EQUAL (fs_batch_cut (&batch, 0, cases[i].per_item), cases[i].count);
      CU_ASSERT_EQUAL (fs_batch_cut (&batch, 3, cases[i].per_item), 1);
    }
}

/* ---- Locks ---- */

static void
test_locks (void)
{
  static const struct
  {
    int code;
    FsLock lock;
    int error;
  } cases[] = {
    { EAGAIN, FS_LOCK_BUSY, FS_OK },
    { EACCES, FS_LOCK_BUSY, FS_OK },
    { EINVAL, FS_LOCK_FAILED, CASK_ERROR_UNSUPPORTED },
    { ENOLCK, FS_LOCK_FAILED, CASK_ERROR_UNAVAILABLE },
    { EIO, FS_LOCK_FAILED, CASK_ERROR_IO },
  };
  FS_TEST_STORE (store, .durability = FS_NONE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = NULL;
      fs_fault_set (FS_CALL_LOCK, cases[i].code, 0, 1);
      FsLock lock = fs_saved_lock (store->backend, store->backend->root, F_WRLCK, &error);
      CU_ASSERT_EQUAL (lock, cases[i].lock);
      CU_ASSERT_EQUAL (error != NULL ? fs_code (error) : FS_OK, cases[i].error);
    }
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* ---- S7: how old a change has to be ---- */

static void
test_settled (void)
{
  static const struct
  {
    gint64 changed, changed_nsec, now, now_nsec;
    FsPlace place;
    gboolean is_settled;
  } cases[] = {
    { 1000, 1, 1000, 20000001, FS_PLACE_LOCAL, TRUE },
    { 1000, 1, 1000, 20000001, FS_PLACE_MEMORY, TRUE },
    { 1000, 1, 1000, 20000000, FS_PLACE_LOCAL, FALSE },
    { 1000, 999999999, 1001, 19999999, FS_PLACE_LOCAL, TRUE },
    { 1000, 999999999, 1001, 19999998, FS_PLACE_LOCAL, FALSE },
    { 1000, 0, 1000, 20000001, FS_PLACE_LOCAL, FALSE }, /* whole seconds, perhaps */
    { 1000, 0, 1001, 999999999, FS_PLACE_LOCAL, FALSE },
    { 1000, 0, 1002, 0, FS_PLACE_LOCAL, TRUE },
    { 1000, 1, 1001, 999999999, FS_PLACE_OTHER, FALSE },
    { 1000, 1, 1002, 1, FS_PLACE_REMOTE, TRUE },
    { 1000, 1, 999, 999999999, FS_PLACE_LOCAL, FALSE }, /* the future */
    { 1000, 1, 4601, 0, FS_PLACE_REMOTE, TRUE },
    { G_MININT64, 1, 1000, 0, FS_PLACE_LOCAL, FALSE },
    { G_MAXINT64, 1, -1000, 0, FS_PLACE_LOCAL, FALSE },
  };
  FS_TEST_STORE (store, .durability = FS_NONE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct stat st = { .st_ctim = { .tv_sec = cases[i].changed,
                                      .tv_nsec = cases[i].changed_nsec } };
      struct timespec now = { .tv_sec = cases[i].now, .tv_nsec = cases[i].now_nsec };
      store->backend->place = cases[i].place;
      fs_clock_set (&now);
      CU_ASSERT_EQUAL (fs_notes_settled (store->backend, &st), cases[i].is_settled);
    }
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* ---- A directory for temporary files that can not be had ---- */

static guint
test_count_directories (const char *root)
{
  g_autofree char *path = g_build_filename (root, FS_TEMP_ROOT, NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;
  guint count = 0;
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *entry = g_build_filename (path, name, NULL);
      count += g_file_test (entry, G_FILE_TEST_IS_DIR);
    }
  return count;
}

static void
test_no_directory_is_left (FsCall call, int code, guint skip)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  fs_fault_set_no_tmpfile (TRUE);
  fs_fault_set (call, code, skip, 1);
  fs_store_put (store, &digest, "x");
  fs_fault_clear ();
  guint used = store->backend->temps.directory >= 0;
  CU_ASSERT_EQUAL (test_count_directories (root), used);
  CU_ASSERT (fs_store_put (store, &digest, "x") < 0);
  fs_store_end (&store, &root);
}

static void
test_no_directories_are_left (void)
{
  static const int codes[] = { ENOSPC, EACCES, EMFILE };
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    for (guint skip = 0; skip < 8; skip++)
      {
        test_no_directory_is_left (FS_CALL_OPENAT, codes[i], skip);
        test_no_directory_is_left (FS_CALL_OPENAT2, codes[i], skip);
      }
}

/* ---- A filesystem without links ---- */

static void
test_links_are_tried_once (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest first = fs_digest (1, 1, 1), second = fs_digest (1, 1, 2);
  CaskDigest third = fs_digest (1, 1, 3);
  fs_fault_set_no_tmpfile (TRUE);
  fs_fault_set (FS_CALL_LINKAT, EPERM, 0, G_MAXINT);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &first, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_LINKAT), 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &second, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_put (store, &third, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_LINKAT), 1);
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

static int
test_linkat_refused (int from, const char *path, int to, const char *name, int flags)
{
  (void) from, (void) path, (void) to, (void) name, (void) flags;
  errno = EPERM;
  return -1;
}

static int
test_renameat2_failed (int from, const char *path, int to, const char *name,
                       unsigned flags)
{
  (void) from, (void) path, (void) to, (void) name, (void) flags;
  errno = EIO;
  return -1;
}

/* Only where the other way worked was it the links that were missing. */
static void
test_links_are_not_blamed (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest first = fs_digest (1, 1, 1), second = fs_digest (1, 1, 2);
  fs_fault_set_no_tmpfile (TRUE);
  CU_ASSERT_EQUAL (fs_store_put (store, &first, "x"), FS_CREATED);
  const FsSystem *usual = fs_system;
  FsSystem failing = *fs_system;
  failing.linkat = test_linkat_refused;
  failing.renameat2 = test_renameat2_failed;
  fs_system = &failing;
  CU_ASSERT_EQUAL (fs_store_put (store, &second, "x"), CASK_ERROR_IO);
  fs_system = usual;
  CU_ASSERT_FALSE (g_atomic_int_get (&store->backend->no_links));
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "F4 each errno has its code, and none is NOT_FOUND", test_codes },
    { "F4 what keeps a root from being opened is told", test_open_codes },
    { "F10 what fails in a root that was removed is GONE", test_gone },
    { "F8 the limit of the process is told, not that of the machine", test_limit_text },
    { "what is in a blob's place is named", test_types },
    { "F8 an operation at the limit waits for a second, then it is BUSY",
      test_patience_ends },
    { "F8 an operation that ends wakes one that waits", test_patience_is_woken },
    { "F8 a batch that ends wakes as many as it had items",
      test_patience_is_woken_by_batch },
    { "F8 a batch does as much at a time as it has descriptors for", test_batch_is_cut },
    { "a lock that a filesystem does not have is UNSUPPORTED", test_locks },
    { "S7 a change is trusted when the clock and the filesystem could tell another",
      test_settled },
    { "F8 one that is cancelled does not wait", test_patience_is_cancelled },
    { "X1 what a store could not use for its temporary files it does not leave",
      test_no_directories_are_left },
    { "links that a filesystem does not have are tried once", test_links_are_tried_once },
    { "links are not blamed for another failure", test_links_are_not_blamed },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { .pName = "fs errors", .pTests = tests },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
