/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-upload-faults.c: uploads where system calls fail, and where a filesystem has no
 * room or no links. */
#include "fs-upload-test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* X2: one byte a call. */
static void
test_short (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *text = NULL;
  fs_fault_set_short (TRUE);
  FsUpload *upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "01234"), FS_OK);
  g_autofree char *id = fs_upload_keep (upload, "state");
  fs_upload_finish (upload, TRUE);
  upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (upload->offset, 5);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "56789"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  fs_upload_finish (upload, FALSE);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
  CU_ASSERT_STRING_EQUAL (text, "0123456789");
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* ---- X4 ---- */

/* A failed fsync fails the commit, and every later one, and is not repeated. */
static void
test_sync_fails (void)
{
  for (guint saved = 0; saved < 2; saved++)
    {
      FS_TEST_STORE (store, .durability = FS_FULL);
      CaskDigest first = fs_digest (1, 1, 1), digest = fs_digest (1, 1, 2);
      CU_ASSERT_EQUAL (fs_store_put (store, &first, "warm"), FS_CREATED);
      FsUpload *upload = fs_upload_start (store);
      CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
      fs_fault_set (FS_CALL_FSYNC, EIO, 0, 1);
      CU_ASSERT_EQUAL (saved ? fs_upload_keep_code (upload, "s")
                             : fs_upload_done (upload, &digest, 0),
                       CASK_ERROR_IO);
      fs_fault_clear ();
      fs_fault_count_clear ();
      CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), CASK_ERROR_IO);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSYNC), 0);
      CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_NOT_FOUND);
      fs_upload_finish (upload, FALSE);
      CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
      fs_store_end (&store, &root);
    }
}

/* The shard's fsync fails after the blob has its name: the commit fails, and the next put
 * stores the blob anew. */
static void
test_shard_sync_fails (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest first = fs_digest (1, 1, 1), digest = fs_digest (1, 1, 2);
  struct stat before = { 0 }, after = { 0 };
  g_autofree char *path = fs_path (store, &digest);
  CU_ASSERT_EQUAL (fs_store_put (store, &first, "warm"), FS_CREATED);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), FS_OK);
  fs_fault_set (FS_CALL_FSYNC, EIO, 1, 1);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_IO);
  fs_fault_clear ();
  CU_ASSERT_EQUAL (stat (path, &before), 0);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_IO);
  fs_upload_finish (g_steal_pointer (&upload), TRUE);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_HIT);
  CU_ASSERT_EQUAL (stat (path, &after), 0);
  CU_ASSERT_NOT_EQUAL (before.st_ino, after.st_ino);
  fs_store_end (&store, &root);
}

/* A commit that failed for another reason keeps the file, and comes again. */
static void
test_commit_again (void)
{
  static const FsCall calls[] = { FS_CALL_FUTIMENS, FS_CALL_LINKAT, FS_CALL_MKDIRAT };
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      FS_TEST_STORE (store, .durability = FS_FULL);
      CaskDigest digest = fs_digest (1, 1, 1);
      g_autofree char *text = NULL;
      g_autoptr (FsUpload) upload = fs_upload_start (store);
      CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
      fs_fault_set (calls[i], ENOSPC, 0, 1);
      CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_NO_SPACE);
      fs_fault_clear ();
      CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
      CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
      CU_ASSERT_STRING_EQUAL (text, "0123456789");
      g_clear_pointer (&upload, fs_upload_drop);
      fs_store_end (&store, &root);
    }
}

/* A save that failed for want of room leaves the one before it, and comes again. */
static void
test_save_again (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  g_autofree char *id = fs_upload_keep (upload, "first");
  CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
  fs_fault_set (FS_CALL_PWRITE, ENOSPC, 0, 1);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "second"), CASK_ERROR_NO_SPACE);
  fs_fault_clear ();
  fs_upload_finish (g_steal_pointer (&upload), TRUE);
  upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (upload->offset, 0);
  CU_ASSERT_EQUAL (g_strcmp0 (upload->state, "first"), 0);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "01"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "third"), FS_OK);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* ---- Filesystems that can less ---- */

/* What an upload goes through, whatever the filesystem can. */
typedef void (*TestPrepare) (void);

static void
test_whole_way (TestPrepare prepare, gboolean saved)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *text = NULL;
  g_autofree char *path = fs_path (store, &digest);
  struct stat st = { 0 };
  prepare ();
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "01234"), FS_OK);
  if (saved)
    {
      g_autofree char *id = fs_upload_keep (upload, "s");
      CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_BUSY);
      fs_upload_finish (g_steal_pointer (&upload), TRUE);
      upload = fs_upload_again (store, id);
    }
  CU_ASSERT_EQUAL (upload->code, FS_OK);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "56789"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
  CU_ASSERT_STRING_EQUAL (text, "0123456789");
  CU_ASSERT (stat (path, &st) == 0 && st.st_nlink == 1 && (st.st_mode & 0222) == 0);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  fs_fault_clear ();
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

static void
test_prepare_no_tmpfile (void)
{
  fs_fault_set_no_tmpfile (TRUE);
}

static void
test_prepare_no_links (void)
{
  fs_fault_set_no_tmpfile (TRUE);
  fs_fault_set (FS_CALL_LINKAT, EPERM, 0, 100000);
}

/* Nameless files can be made, but not linked: a copy gets the name. */
static void
test_prepare_unlinkable (void)
{
  fs_fault_set (FS_CALL_LINKAT, EPERM, 0, 100000);
}

static void
test_prepare_no_noreplace (void)
{
  fs_fault_set (FS_CALL_RENAMEAT2, EINVAL, 0, 100000);
}

static void
test_lesser_places (void)
{
  static const TestPrepare places[] = { test_prepare_no_tmpfile, test_prepare_no_links,
                                        test_prepare_unlinkable,
                                        test_prepare_no_noreplace };
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    for (guint saved = 0; saved < 2; saved++)
      test_whole_way (places[i], saved != 0);
}

/* F6: a small filesystem fills up in the middle. */
static int
test_no_space_body (const char *root)
{
  if (unshare (CLONE_NEWNS) != 0 ||
      mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("cask-test", root, "tmpfs", 0, "size=256k") != 0)
    return FS_NOT_RUN;
  FsSpec spec = { .durability = FS_FULL };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  g_autofree char *half = g_strnfill (150 * 1024, 'x');
  CaskDigest digest = fs_digest (1, 1, 1);
  FsUpload *upload = fs_upload_start (store);
  FS_CHECK (fs_upload_text (upload, half) == FS_OK);
  g_autofree char *id = fs_upload_keep (upload, "s");
  FS_CHECK (fs_upload_text (upload, half) == CASK_ERROR_NO_SPACE);
  FS_CHECK (fs_upload_text (upload, "x") == CASK_ERROR_IO);
  FS_CHECK (fs_upload_done (upload, &digest, 0) == CASK_ERROR_IO);
  FS_CHECK (fs_store_get (store, &digest, NULL) == CASK_ERROR_NOT_FOUND);
  fs_upload_finish (upload, TRUE);
  upload = fs_upload_again (store, id);
  FS_CHECK (upload->code == FS_OK && upload->offset == 150 * 1024);
  FS_CHECK (fs_upload_done (upload, &digest, 0) == FS_CREATED);
  fs_upload_finish (upload, FALSE);
  FS_CHECK (fs_upload_residue (root) == 0);
  return 0;
}

static void
test_no_space (void)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child ("a full filesystem", test_no_space_body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

CU_TestInfo fs_upload_fault_tests[] = {
  { "X2 one byte a call makes the same blob", test_short },
  { "X4 a failed fsync fails every commit and is not repeated", test_sync_fails },
  { "X4 a failed fsync of the shard fails every commit", test_shard_sync_fails },
  { "a commit that failed comes again", test_commit_again },
  { "a save that failed leaves the one before", test_save_again },
  { "F11 uploads do without nameless files, links and RENAME_NOREPLACE",
    test_lesser_places },
  { "F6 an upload that fills the disk goes on from where it was saved", test_no_space },
  CU_TEST_INFO_NULL
};
