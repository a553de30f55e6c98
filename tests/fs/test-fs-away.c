/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-away.c: F3, F7, F9, F10, F14: foreign files everywhere, a root that can not be
 * written, modes, a store that is taken away from under its user, and another's. */
#include "fs-place.h"

#include "fs-upload-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const PlaceExpect away_good = { .n_listed = PLACE_N_BLOBS, .n_uploads = 1 };

/* ---- F3 ---- */

#define AWAY_62 "0000000000000000000000000000000000000000000000000000000000000a"

/* A name that ends in '/' is a directory. All but `link` lead nowhere else. */
static const char *const away_foreign[] = {
  "README",
  "lost+found/",
  "sha256.txt",
  "SHA256/11/" AWAY_62,
  "sha1/11/000000000000000000000000000000000000ff",
  "blobs/README",
  "sha256/README",
  "sha256/1/" AWAY_62,
  "sha256/111/" AWAY_62,
  "sha256/1g/" AWAY_62,
  "sha256/AA/" AWAY_62,
  "sha256/.11/" AWAY_62,
  "sha256/11/" AWAY_62 "0",
  "sha256/11/0000000000000000000000000000000000000000000000000000000000000",
  "sha256/11/" AWAY_62 ".tmp",
  "sha256/11/00000000000000000000000000000000000000000000000000000000000A0b",
  "sha256/11/0000000000000000000000000000000000000000000000000000000000000g",
  "sha256/11/." AWAY_62,
  "sha256/11/" AWAY_62 AWAY_62,
  "sha256/11/new\nline",
  "sha256/11/\xff\xfe",
  "sha256/11/" AWAY_62 "/",
  "sha256/11/lost+found/",
  "sha512/11/" AWAY_62,
  ".tmp/mine",
  ".tmp/deadbeef-1-0123456789abcdef/mine",
  ".tmp/deadbeef-1-0123456789abcdeg/fedcba9876543210",
  ".tmp/deadbeef-1-fedcba9876543210/fedcba9876543210/",
  ".uploads/mine",
  ".uploads/0123456789abcdef0123456789abcdeg/data",
  ".uploads/0123456789abcdef0123456789abcdef0/data",
  ".uploads/0123456789abcdef0123456789abcdef",
  ".uploads/fedcba9876543210fedcba9876543210/mine",
  ".uploads/fedcba9876543210fedcba9876543210/data/",
  ".quarantine/mine",
  ".quarantine/sha256-11." AWAY_62 "/",
};

/* Returns: the place's path; makes it where make is TRUE. */
static char *
away_foreign_path (const char *root, guint number, gboolean make)
{
  char *path = g_build_filename (root, away_foreign[number], NULL);
  gboolean is_directory = g_str_has_suffix (path, "/");
  if (make)
    CU_ASSERT_TRUE (is_directory ? g_mkdir_with_parents (path, 0777) == 0
                                 : fs_write_file (path, away_foreign[number]));
  return path;
}

/* A sweep takes only what is old enough. */
static void
away_age (const char *path)
{
  struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
  CU_ASSERT_EQUAL (utimensat (AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void
test_foreign_everywhere (void)
{
  struct stat before[G_N_ELEMENTS (away_foreign)], after;
  g_autofree char *root = fs_scratch_new ();
  g_autofree char *id = fs_place_make (root);
  CU_ASSERT_PTR_NOT_NULL (id);
  for (guint i = 0; i < G_N_ELEMENTS (away_foreign); i++)
    g_free (away_foreign_path (root, i, TRUE));
  for (guint i = 0; i < G_N_ELEMENTS (away_foreign); i++)
    {
      g_autofree char *path = away_foreign_path (root, i, FALSE);
      away_age (path);
      g_autofree char *parent = g_path_get_dirname (path);
      if (strstr (parent, ".uploads/") != NULL)
        away_age (parent);
      CU_ASSERT_EQUAL (lstat (path, &before[i]), 0);
    }
  g_autoptr (FsStore) store = fs_place_open (root, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL || id == NULL)
    return;
  CU_ASSERT_EQUAL (fs_place_check (store, "among foreign files", id, &away_good), 0);
  g_clear_pointer (&store, fs_store_close);
  for (guint i = 0; i < G_N_ELEMENTS (away_foreign); i++)
    {
      g_autofree char *path = away_foreign_path (root, i, FALSE);
      gboolean is_same = lstat (path, &after) == 0 && after.st_ino == before[i].st_ino &&
                         after.st_mode == before[i].st_mode &&
                         after.st_mtim.tv_sec == before[i].st_mtim.tv_sec;
      if (!is_same)
        printf ("\n    touched: %s\n", path);
      CU_ASSERT_TRUE (is_same);
      fs_place_count_one ();
    }
  fs_scratch_free (g_steal_pointer (&root));
}

/* ---- F7 ---- */

static int
away_read_only_body (const char *base)
{
  g_autofree char *root = g_build_filename (base, "root", NULL);
  g_autofree char *missing = g_build_filename (base, "missing", NULL);
  g_autofree char *id = fs_place_make (root);
  FS_CHECK (id != NULL);
  g_autoptr (FsStore) outside = fs_place_open (root, NULL);
  if (!fs_place_unshare () || mount (base, base, NULL, MS_BIND, NULL) != 0)
    return FS_NOT_RUN;
  g_autoptr (FsStore) before = fs_place_open (root, NULL);
  FS_CHECK (before != NULL && outside != NULL);
  if (!fs_place_bind_read_only (base, TRUE))
    return FS_NOT_RUN;
  PlaceExpect expect = away_good;
  expect.failing = PLACE_WRITES;
  expect.code = CASK_ERROR_READ_ONLY;
  /* An absence that was made durable before needs no write, and no look at the mount. */
  expect.failing &= ~PLACE_BIT (REMOVE_ABSENT);
  FS_CHECK (fs_place_check (before, "read-only later", id, &expect) == 0);
  expect.failing = PLACE_WRITES;
  GError *error = NULL;
  g_autoptr (FsStore) store = fs_place_open (root, &error);
  FS_CHECK (store != NULL);
  FS_CHECK (fs_place_check (store, "read-only", id, &expect) == 0);
  g_autoptr (FsStore) none = fs_place_open (missing, &error);
  FS_CHECK (none == NULL && fs_code (error) == CASK_ERROR_READ_ONLY);
  FsSpec keep = { .keep_root = TRUE }, encoded = { .encoding = "zstd" };
  error = NULL;
  none = fs_store_open (missing, &keep, &error);
  FS_CHECK (none == NULL && fs_code (error) == CASK_ERROR_NOT_FOUND);
  g_autofree char *empty = g_build_filename (base, "empty", NULL);
  error = NULL;
  none = fs_store_open (empty, &encoded, &error);
  FS_CHECK (none == NULL && fs_code (error) == CASK_ERROR_READ_ONLY);
  /* And it can be written again. */
  FS_CHECK (fs_place_bind_read_only (base, FALSE));
  FS_CHECK (fs_place_check (store, "writable again", id, &away_good) == 0);
  return 0;
}

static void
test_read_only_mount (void)
{
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *empty = g_build_filename (base, "empty", NULL);
  CU_ASSERT_EQUAL (mkdir (empty, 0777), 0);
  fs_in_child ("a mount that is read-only", away_read_only_body, base);
  fs_scratch_free (g_steal_pointer (&base));
}

/* ---- F9 ---- */

static mode_t
away_mode (const char *root, const char *path)
{
  struct stat st = { 0 };
  g_autofree char *whole = g_build_filename (root, path, NULL);
  CU_ASSERT_EQUAL (lstat (whole, &st), 0);
  fs_place_count_one ();
  return st.st_mode & 07777;
}

static mode_t
away_blob_mode (FsStore *store, guint number)
{
  CaskDigest digest = fs_place_digest (number);
  g_autofree char *path = fs_path (store, &digest);
  return away_mode ("/", path);
}

static void
away_masked (mode_t mask)
{
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *root = g_build_filename (base, "root", NULL);
  CaskDigest digest = fs_place_digest (PLACE_BLOB_ABSENT);
  mode_t before = umask (mask);
  g_autofree char *id = fs_place_make (root);
  g_autofree char *quarantine = g_build_filename (root, ".quarantine", NULL);
  CU_ASSERT (id != NULL && rmdir (quarantine) == 0);
  g_autoptr (FsStore) store = fs_place_open (root, NULL);
  if (store == NULL || id == NULL)
    return;
  CU_ASSERT_EQUAL (fs_place_check (store, "umask", id, &away_good), 0);
  /* Who goes on with an upload may have another umask than who began. */
  umask (before == 0 ? 077 : 0);
  g_autofree char *in_uploads = g_build_filename (".uploads", id, NULL);
  g_autofree char *data = g_build_filename (in_uploads, "data", NULL);
  CU_ASSERT_EQUAL (away_mode (root, in_uploads), 0700);
  CU_ASSERT_EQUAL (away_mode (root, data), 0600);
  g_autoptr (FsUpload) upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  umask (before);
  static const guint blobs[] = { PLACE_BLOB_USED,      PLACE_BLOB_REPLACED,
                                 PLACE_BLOB_NEW,       PLACE_BLOB_NEW_MANY,
                                 PLACE_BLOB_NEW_SHARD, PLACE_BLOB_COMMITTED,
                                 PLACE_BLOB_ABSENT };
  for (guint i = 0; i < G_N_ELEMENTS (blobs); i++)
    CU_ASSERT_EQUAL (away_blob_mode (store, blobs[i]), 0444 & ~mask);
  static const char *const directories[] = { ".",         "sha256", "sha256/11",
                                             "sha256/12", ".tmp",   ".uploads" };
  for (guint i = 0; i < G_N_ELEMENTS (directories); i++)
    CU_ASSERT_EQUAL (away_mode (root, directories[i]), 0777 & ~mask);
  CU_ASSERT_EQUAL (away_mode (root, ".quarantine"), 0700);
  g_clear_pointer (&upload, fs_upload_drop);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&base));
}

static void
test_masks (void)
{
  away_masked (0);
  away_masked (022);
  away_masked (077);
}

/* ---- F10 ---- */

static int
away_remove (const char *path)
{
  g_autofree char *copy = g_strdup (path);
  fs_scratch_free (g_steal_pointer (&copy));
  return access (path, F_OK) != 0 && errno == ENOENT ? 0 : -1;
}

static void
test_gone (void)
{
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *root = g_build_filename (base, "root", NULL);
  g_autofree char *id = fs_place_make (root);
  g_autoptr (FsStore) store = fs_place_open (root, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL || id == NULL)
    return;
  CU_ASSERT_EQUAL (fs_place_do (store, PLACE_REPLACE, id, NULL), FS_OK);
  CU_ASSERT_EQUAL (away_remove (root), 0);
  PlaceExpect expect = { .code = CASK_ERROR_GONE,
                         .failing = PLACE_ALL & ~PLACE_BIT (TRY) };
  CU_ASSERT_EQUAL (fs_place_check (store, "root gone", id, &expect), 0);
  /* One that was made anew is not the one that was opened. */
  CU_ASSERT_EQUAL (mkdir (root, 0777), 0);
  CU_ASSERT_EQUAL (fs_place_check (store, "root made anew", id, &expect), 0);
  g_clear_pointer (&store, fs_store_close);
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE) + fs_count_files (root, TRUE), 0);
  fs_scratch_free (g_steal_pointer (&base));
}

static void
test_moved (void)
{
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *root = g_build_filename (base, "root", NULL);
  g_autofree char *elsewhere = g_build_filename (base, "elsewhere", NULL);
  g_autofree char *id = fs_place_make (root);
  g_autoptr (FsStore) store = fs_place_open (root, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL || id == NULL)
    return;
  CU_ASSERT_EQUAL (rename (root, elsewhere), 0);
  CU_ASSERT_EQUAL (mkdir (root, 0777), 0);
  CU_ASSERT_EQUAL (fs_place_check (store, "root moved", id, &away_good), 0);
  CU_ASSERT_EQUAL (rmdir (root), 0);
  g_clear_pointer (&store, fs_store_close);
  CU_ASSERT_EQUAL (fs_count_files (elsewhere, TRUE), 0);
  fs_scratch_free (g_steal_pointer (&base));
}

/* Parts of the store that somebody took away: what was in them is absent, and whatever
 * needs one makes it anew. */
static void
test_parts_gone (void)
{
  static const struct
  {
    const char *path;
    guint32 failing; /* with NOT_FOUND, or for having found nothing */
    guint n_listed, n_uploads;
  } parts[] = {
    { ".tmp", 0, PLACE_N_BLOBS, 1 },
    { ".quarantine", 0, PLACE_N_BLOBS, 1 },
    { ".uploads", PLACE_BIT (RESUME), PLACE_N_BLOBS, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *root = fs_scratch_new ();
      g_autofree char *id = fs_place_make (root);
      g_autofree char *path = g_build_filename (root, parts[i].path, NULL);
      g_autoptr (FsStore) store = fs_place_open (root, NULL);
      CU_ASSERT_PTR_NOT_NULL (store);
      if (store == NULL || id == NULL)
        return;
      CU_ASSERT_EQUAL (fs_place_do (store, PLACE_REPLACE, id, NULL), FS_OK);
      CU_ASSERT_EQUAL (away_remove (path), 0);
      PlaceExpect expect = { .failing = parts[i].failing,
                             .code = CASK_ERROR_NOT_FOUND,
                             .n_listed = parts[i].n_listed,
                             .n_uploads = parts[i].n_uploads };
      CU_ASSERT_EQUAL (fs_place_check (store, parts[i].path, id, &expect), 0);
      g_clear_pointer (&store, fs_store_close);
      fs_scratch_free (g_steal_pointer (&root));
    }
}

static void
test_shard_gone (void)
{
  static const char *const parts[] = { "sha256/11", "sha256" };
  static const PlaceOp puts[] = { PLACE_NEW, PLACE_NEW_MANY, PLACE_NEW_SHARD,
                                  PLACE_COMMIT };
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char *root = fs_scratch_new ();
      g_autofree char *id = fs_place_make (root);
      g_autofree char *path = g_build_filename (root, parts[i], NULL);
      g_autoptr (FsStore) store = fs_place_open (root, NULL);
      CaskDigest digest = fs_place_digest (PLACE_BLOB_USED);
      if (store == NULL || id == NULL)
        return;
      for (guint k = 0; k < G_N_ELEMENTS (puts); k++)
        {
          guint n_listed = 99;
          CU_ASSERT_EQUAL (away_remove (path), 0);
          CU_ASSERT_EQUAL (fs_place_do (store, PLACE_GET, id, NULL),
                           CASK_ERROR_NOT_FOUND);
          CU_ASSERT_EQUAL (fs_place_do (store, PLACE_LIST, id, &n_listed), FS_OK);
          CU_ASSERT (n_listed == 0 || (k == 3 && i == 0 && n_listed == 1));
          CU_ASSERT_EQUAL (fs_place_do (store, PLACE_REMOVE_ABSENT, id, NULL), FS_OK);
          CU_ASSERT_EQUAL (fs_place_do (store, puts[k], id, NULL), FS_OK);
        }
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "here"), FS_CREATED);
      CU_ASSERT_EQUAL (fs_place_do (store, PLACE_GET, id, NULL), FS_OK);
      fs_store_end (&store, &root);
    }
}

/* ---- F14 ---- */

/* In directories that all may write to, another's blobs can be used as one's own; an
 * upload that another has saved is not one's own. */
static int
away_others_body (const char *base)
{
  g_autofree char *root = g_build_filename (base, "root", NULL);
  mode_t before = umask (0);
  g_autofree char *id = fs_place_make (root);
  umask (before);
  FS_CHECK (id != NULL);
  if (geteuid () != 0 || !fs_place_be_nobody ())
    return FS_NOT_RUN;
  FsSpec spec = { .durability = FS_FULL, .freshen_usec = CASK_FRESHEN_LAG_USEC };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  PlaceExpect expect = { .failing = PLACE_BIT (RESUME) | PLACE_BIT (CONDEMN),
                         .code = CASK_ERROR_PERMISSION,
                         .n_listed = PLACE_N_BLOBS };
  FS_CHECK (fs_place_check (store, "another's store", id, &expect) == 0);
  /* Heals what is of another size. */
  CaskDigest digest = fs_place_digest (PLACE_BLOB_CONDEMNED);
  g_autofree char *text = NULL;
  FS_CHECK (fs_store_put (store, &digest, "longer") == FS_HIT);
  FS_CHECK (fs_store_get (store, &digest, &text) == FS_OK &&
            strcmp (text, "longer") == 0);
  return 0;
}

static void
test_others (void)
{
  g_autofree char *base = fs_scratch_new ();
  fs_in_child ("another owner's store", away_others_body, base);
  fs_scratch_free (g_steal_pointer (&base));
}

CU_TestInfo fs_away_tests[] = {
  { "F3 foreign files are no matter to any operation, and stay",
    test_foreign_everywhere },
  { "F7 on a read-only mount all that writes is READ_ONLY, hits included",
    test_read_only_mount },
  { "F9 every blob and directory has its mode less the umask", test_masks },
  { "F10 without its root a store is GONE to every operation", test_gone },
  { "F10 a root that was moved is as good as before", test_moved },
  { "F10 a shard that was taken away is made anew", test_shard_gone },
  { "F10 and so is what is beside the blobs", test_parts_gone },
  { "F14 another owner's blobs are hit, healed and removed", test_others },
  CU_TEST_INFO_NULL
};
