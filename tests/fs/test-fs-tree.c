/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-tree.c: which names and modes the fs backend leaves on the disk, and what it
 * makes of what others left there. */
#include "fs-test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_layouts (void)
{
  for (guint64 layout = 0; layout < 2; layout++)
    {
      FS_TEST_STORE (store, .durability = FS_DATA, .layout = layout);
      CaskDigest mine = fs_digest (2, 0xab, 1), theirs = fs_digest (1, 0xab, 2);
      g_autofree char *my_path = fs_path (store, &mine);
      g_autofree char *their_path = fs_path (store, &theirs);
      g_autofree char *text = NULL;
      CU_ASSERT_EQUAL (fs_store_put (store, &mine, "mine"), FS_CREATED);
      CU_ASSERT (g_file_test (my_path, G_FILE_TEST_IS_REGULAR));
      CU_ASSERT (fs_write_file (their_path, "theirs"));
      CU_ASSERT_EQUAL (fs_store_get (store, &theirs, &text), FS_OK);
      CU_ASSERT_STRING_EQUAL (text, "theirs");
      CU_ASSERT_EQUAL (fs_store_put (store, &theirs, "theirs"), FS_HIT);
      fs_store_end (&store, &root);
    }
}

static void
test_foreign (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest real = fs_digest (1, 0x11, 1), directory = fs_digest (1, 0x11, 2);
  g_autofree char *real_path = fs_path (store, &real);
  g_autofree char *directory_path = fs_path (store, &directory);
  CU_ASSERT_EQUAL (fs_store_put (store, &real, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (directory_path, 0777), 0);
  g_autofree char *longer = g_strconcat (real_path, "0", NULL);
  g_autofree char *upper = g_strdup (real_path);
  upper[strlen (upper) - 2] = 'E';
  g_autofree char *shorter = g_strndup (real_path, strlen (real_path) - 1);
  g_autofree char *readme = g_build_filename (root, "sha256", "README", NULL);
  g_autofree char *strange = g_build_filename (root, "sha256", "1g", "x", NULL);
  g_autofree char *temp = g_build_filename (root, ".tmp", "mine", NULL);
  const char *foreign[] = { longer, upper, shorter, readme, strange, temp };
  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    CU_ASSERT (fs_write_file (foreign[i], "foreign"));
  guint32 n_infos = 10;
  gboolean more = TRUE;
  CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), FS_OK);
  CU_ASSERT_EQUAL (n_infos, 1);
  CU_ASSERT_FALSE (more);
  CaskRemoved outcome;
  CU_ASSERT_EQUAL (fs_store_put_flags (store, &real, "y", CASK_PUT_REPLACE), FS_HIT);
  CU_ASSERT_EQUAL (fs_store_remove (store, &real, CASK_ALWAYS, &outcome), FS_OK);
  g_clear_pointer (&store, fs_store_close);
  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    CU_ASSERT (g_file_test (foreign[i], G_FILE_TEST_IS_REGULAR));
  CU_ASSERT (g_file_test (directory_path, G_FILE_TEST_IS_DIR));
  fs_scratch_free (g_steal_pointer (&root));
}

/* What stands in the blob's place is CORRUPT to every operation, and stays there. */
static void
test_in_the_way_one (FsStore *store, const CaskDigest *digest, const char *path)
{
  struct stat before, after;
  CaskRemoved outcome;
  CU_ASSERT_EQUAL (lstat (path, &before), 0);
  CU_ASSERT_EQUAL (fs_store_get (store, digest, NULL), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_stat (store, digest, NULL), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_touch (store, digest, NULL), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_put (store, digest, "x"), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_put_flags (store, digest, "x", CASK_PUT_REPLACE),
                   CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_remove (store, digest, CASK_ALWAYS, &outcome),
                   CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_remove (store, digest, 1, &outcome), CASK_ERROR_CORRUPT);
  GBytes *bytes = NULL;
  CaskBlobInfo info;
  CU_ASSERT_EQUAL (
      store->ops->try_get (store->backend, digest, 0, CASK_TO_END, 0, &bytes, &info),
      CASK_TRY_AGAIN);
  CU_ASSERT_EQUAL (store->ops->try_stat (store->backend, digest, &info), CASK_TRY_AGAIN);
  CU_ASSERT_EQUAL (lstat (path, &after), 0);
  CU_ASSERT_EQUAL (before.st_ino, after.st_ino);
}

static void
test_in_the_way (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 0x11, 2);
  g_autofree char *path = fs_path (store, &digest);
  g_autofree char *shard = g_path_get_dirname (path);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (shard, 0777), 0);
  g_autofree char *outside = g_build_filename (root, "outside", NULL);
  CU_ASSERT (fs_write_file (outside, "x"));
  CU_ASSERT_EQUAL (symlink (outside, path), 0);
  test_in_the_way_one (store, &digest, path);
  CU_ASSERT_EQUAL (unlink (path), 0);
  CU_ASSERT_EQUAL (mkfifo (path, 0666), 0);
  test_in_the_way_one (store, &digest, path);
  CU_ASSERT_EQUAL (unlink (path), 0);
  CU_ASSERT_EQUAL (mkdir (path, 0777), 0);
  test_in_the_way_one (store, &digest, path);
  CU_ASSERT_EQUAL (rmdir (path), 0);
  CU_ASSERT_EQUAL (mknod (path, S_IFSOCK | 0666, 0), 0);
  test_in_the_way_one (store, &digest, path);
  guint32 n_infos = 10;
  gboolean more = TRUE;
  CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), FS_OK);
  CU_ASSERT_EQUAL (n_infos, 0);
  fs_store_end (&store, &root);
}

/* A symlink or a file in a directory's place, at each level. */
static void
test_symlinked_directories (void)
{
  g_autofree char *outside = fs_scratch_new ();
  for (guint level = 0; level < 4; level++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE);
      CaskDigest digest = fs_digest (1, 0x11, 2);
      CaskRemoved outcome;
      g_autofree char *top = g_build_filename (root, "sha256", NULL);
      g_autofree char *shard = g_build_filename (top, "11", NULL);
      if (level < 2)
        CU_ASSERT_EQUAL (mkdir (top, 0777), 0);
      const char *victim = level < 2 ? shard : top;
      if (level % 2 == 0)
        CU_ASSERT (symlink (outside, victim) == 0);
      if (level % 2 == 1)
        CU_ASSERT (fs_write_file (victim, "x"));
      guint32 n_infos = 10;
      gboolean more;
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_store_stat (store, &digest, NULL), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome),
                       CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_count_files (outside, FALSE), 0);
      fs_store_end (&store, &root);
    }
  fs_scratch_free (g_steal_pointer (&outside));
}

static void
test_umask (void)
{
  static const struct
  {
    mode_t mask, file, directory;
  } cases[] = { { 0, 0444, 0777 }, { 022, 0444, 0755 }, { 077, 0400, 0700 } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE);
      CaskDigest digest = fs_digest (1, 1, 1);
      g_autofree char *path = fs_path (store, &digest);
      g_autofree char *shard = g_path_get_dirname (path);
      struct stat st;
      mode_t before = umask (cases[i].mask);
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
      CU_ASSERT_EQUAL (stat (path, &st), 0);
      CU_ASSERT_EQUAL (st.st_mode & 07777, cases[i].file);
      CU_ASSERT_EQUAL (fs_store_put_flags (store, &digest, "y", CASK_PUT_REPLACE),
                       FS_HIT);
      umask (before);
      CU_ASSERT_EQUAL (stat (path, &st), 0);
      CU_ASSERT_EQUAL (st.st_mode & 07777, cases[i].file);
      CU_ASSERT_EQUAL (stat (shard, &st), 0);
      CU_ASSERT_EQUAL (st.st_mode & 07777, cases[i].directory);
      fs_store_end (&store, &root);
    }
}

static void
test_root_gone (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskRemoved outcome;
  guint32 n_infos = 10;
  gboolean more;
  CaskBlobInfo info;
  CU_ASSERT_EQUAL (rmdir (root), 0);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), CASK_ERROR_GONE);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_GONE);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, NULL), CASK_ERROR_GONE);
  CU_ASSERT_EQUAL (fs_store_touch (store, &digest, NULL), CASK_ERROR_GONE);
  CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome),
                   CASK_ERROR_GONE);
  CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), CASK_ERROR_GONE);
  CU_ASSERT_EQUAL (store->ops->try_stat (store->backend, &digest, &info), CASK_TRY_AGAIN);
}

static void
test_open (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autofree char *made = g_build_filename (root, "made", NULL);
  g_autofree char *deep = g_build_filename (root, "a", "b", NULL);
  g_autofree char *file = g_build_filename (root, "file", NULL);
  CU_ASSERT (fs_write_file (file, "x"));
  static const FsSpec keep = { .keep_root = TRUE }, make = { 0 };
  GError *error = NULL;
  CU_ASSERT_PTR_NULL (fs_store_open (made, &keep, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_PTR_NULL (fs_store_open (deep, &make, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_PTR_NULL (fs_store_open (file, &make, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_FALSE (g_file_test (made, G_FILE_TEST_EXISTS));
  g_autoptr (FsStore) store = fs_store_open (made, &make, &error);
  CU_ASSERT_PTR_NOT_NULL (store);
  g_clear_error (&error);
  fs_store_end (&store, &root);
}

static void
test_put_repairs_size (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *path = fs_path (store, &digest);
  static const char *const bad[] = { "", "shor", "longer" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *text = NULL;
      CU_ASSERT (fs_write_file (path, bad[i]));
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "right"), FS_HIT);
      CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
      CU_ASSERT_STRING_EQUAL (text, "right");
    }
  g_autofree char *same = NULL, *replaced = NULL;
  CU_ASSERT (fs_write_file (path, "wrong"));
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "right"), FS_HIT);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &same), FS_OK);
  CU_ASSERT_STRING_EQUAL (same, "wrong");
  CU_ASSERT_EQUAL (fs_store_put_flags (store, &digest, "right", CASK_PUT_REPLACE),
                   FS_HIT);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &replaced), FS_OK);
  CU_ASSERT_STRING_EQUAL (replaced, "right");
  CaskDigest other = fs_digest (1, 1, 2);
  CU_ASSERT_EQUAL (fs_store_put_flags (store, &other, "new", CASK_PUT_REPLACE),
                   FS_CREATED);
  fs_store_end (&store, &root);
}

static void
test_encoding (void)
{
  g_autofree char *root = fs_scratch_new ();
  FsSpec zstd = { .encoding = "zstd" }, both = { .encoding = "aes+zstd" }, plain = { 0 };
  CaskDigest digest = fs_digest (1, 1, 1);
  GError *error = NULL;
  g_autoptr (FsStore) store = fs_store_open (root, &zstd, &error);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL)
    return;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "packed"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "packed otherwise"), FS_HIT);
  g_clear_pointer (&store, fs_store_close);
  CU_ASSERT_PTR_NULL (fs_store_open (root, &both, &error));
  CU_ASSERT (error != NULL && strstr (error->message, "'aes+zstd'") != NULL &&
             strstr (error->message, "'zstd'") != NULL);
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_PTR_NULL (fs_store_open (root, &plain, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_INVALID_CONFIG);
  store = fs_store_open (root, &zstd, &error);
  CU_ASSERT_PTR_NOT_NULL (store);
  fs_store_end (&store, &root);
}

static void
test_encoding_over_plain (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (2, 0xfe, 1);
  FsSpec zstd = { .encoding = "zstd" };
  GError *error = NULL;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "plain"), FS_CREATED);
  CU_ASSERT_PTR_NULL (fs_store_open (root, &zstd, &error));
  CU_ASSERT_EQUAL (fs_code (error), CASK_ERROR_INVALID_CONFIG);
  g_autofree char *record = g_build_filename (root, ".cask-encoding", NULL);
  CU_ASSERT_FALSE (g_file_test (record, G_FILE_TEST_EXISTS));
  CU_ASSERT (fs_write_file (record, "no newline"));
  error = NULL;
  CU_ASSERT_PTR_NULL (fs_store_open (root, &zstd, &error));
  CU_ASSERT_EQUAL (fs_code (error), CASK_ERROR_INVALID_CONFIG);
  fs_store_end (&store, &root);
}

/* A dead process's temporary files go at the next store's first put; a live one's, and
 * what is not ours, stay. */
static void
test_sweep (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *tmp = g_build_filename (root, ".tmp", NULL);
  g_autofree char *dead = g_build_filename (tmp, "01234567-99-0123456789abcdef", NULL);
  g_autofree char *live = g_build_filename (tmp, "01234567-98-0123456789abcdef", NULL);
  g_autofree char *dead_file = g_build_filename (dead, "fedcba9876543210", NULL);
  g_autofree char *live_file = g_build_filename (live, "fedcba9876543210", NULL);
  g_autofree char *live_lock = g_build_filename (live, "lock", NULL);
  g_autofree char *foreign = g_build_filename (tmp, "foreign", "fedcba9876543210", NULL);
  CU_ASSERT (fs_write_file (dead_file, "x") && fs_write_file (live_file, "x") &&
             fs_write_file (live_lock, "") && fs_write_file (foreign, "x"));
  int fd = open (live_lock, O_RDWR);
  CU_ASSERT_EQUAL (flock (fd, LOCK_EX), 0);
  CaskDigest digest = fs_digest (1, 1, 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_FALSE (g_file_test (dead, G_FILE_TEST_EXISTS));
  CU_ASSERT_TRUE (g_file_test (live_file, G_FILE_TEST_EXISTS));
  CU_ASSERT_TRUE (g_file_test (foreign, G_FILE_TEST_EXISTS));
  close (fd);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
}

CU_TestInfo fs_tree_tests[] = {
  { "F1 F2 both layouts are read and written by the names others use", test_layouts },
  { "F3 foreign files are neither listed nor removed", test_foreign },
  { "F4 S13 what is no regular file is CORRUPT and stays", test_in_the_way },
  { "F4 F5 a symlink or file in a directory's place is an error and leads nowhere",
    test_symlinked_directories },
  { "F9 files are 0444 and directories 0777 less the umask", test_umask },
  { "F10 a root that was removed is GONE to every operation", test_root_gone },
  { "open makes the last component only, and says what is wrong", test_open },
  { "S8 a put replaces a copy of another size, and any where told so",
    test_put_repairs_size },
  { "a root of encoded blobs opens behind the same encoding only", test_encoding },
  { "a root of plain blobs does not open behind an encoding", test_encoding_over_plain },
  { "a sweep takes what dead processes left, and nothing else", test_sweep },
  CU_TEST_INFO_NULL
};
