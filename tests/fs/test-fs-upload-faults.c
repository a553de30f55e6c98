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

/* ---- X1: every call fails once, and for ever ---- */

typedef enum
{
  TEST_PLAIN,   /* begin, write, commit */
  TEST_SAVED,   /* begin, write, save, commit */
  TEST_RESUMED, /* resume, write, save, commit */
  TEST_REPLACED /* begin, write, commit over what is there */
} TestKind;

static const char *const test_kinds[] = { "plain", "saved", "resumed", "replaced" };

static guint test_complaints;

static void
test_complain (TestKind kind, FsCall call, int code, guint skip, const char *what)
{
  if (test_complaints++ < 20)
    printf ("\n    %s, call %u of %s fails with %d: %s", test_kinds[kind], skip,
            fs_call_name (call), code, what);
}

/* Steps up to the commit, until one fails. Returns: FS_CREATED, FS_HIT, or a code. */
static int
test_steps (FsUpload *upload, TestKind kind, const CaskDigest *digest)
{
  if (upload->handle == NULL)
    return upload->code;
  int result = fs_upload_text (upload, kind == TEST_RESUMED ? "56789" : "0123456789");
  if (result == FS_OK && (kind == TEST_SAVED || kind == TEST_RESUMED))
    result = fs_upload_keep_code (upload, "s");
  if (result != FS_OK)
    return result;
  return fs_upload_done (upload, digest, 0);
}

static void
test_after (FsStore *store, TestKind kind, FsCall call, int code, guint skip, int result,
            const CaskDigest *digest)
{
  g_autofree char *text = NULL;
  int found = fs_store_get (store, digest, &text);
  gboolean is_there = found == FS_OK && strcmp (text, "0123456789") == 0;
  gboolean is_old = kind == TEST_REPLACED && found == FS_OK && strcmp (text, "old") == 0;
  if (result < 0 && !is_there)
    test_complain (kind, call, code, skip, "acknowledged and not there");
  if (!is_there && !is_old && found != CASK_ERROR_NOT_FOUND)
    test_complain (kind, call, code, skip, "broken after");
  if (fs_upload_residue (store->root) != 0)
    test_complain (kind, call, code, skip, "residue");
  if (fs_store_put (store, digest, "0123456789") >= 0)
    test_complain (kind, call, code, skip, "no put after");
}

/* Returns: whether the call was reached. */
static gboolean
test_fault_one (FsStore *store, TestKind kind, FsCall call, int code, guint skip,
                guint times)
{
  static guint64 number;
  CaskDigest digest = fs_digest (1, 1, ++number);
  g_autofree char *id = NULL;
  if (kind == TEST_REPLACED)
    CU_ASSERT_EQUAL (fs_store_put (store, &digest, "old"), FS_CREATED);
  if (kind == TEST_RESUMED)
    {
      FsUpload *first = fs_upload_start (store);
      CU_ASSERT_EQUAL (fs_upload_text (first, "01234"), FS_OK);
      id = fs_upload_keep (first, "s");
      fs_upload_finish (first, TRUE);
    }
  guint fds = fs_count_fds ();
  fs_fault_count_clear ();
  fs_fault_set (call, code, skip, times);
  FsUpload *upload = id != NULL ? fs_upload_again (store, id) : fs_upload_start (store);
  int result = test_steps (upload, kind, &digest);
  gboolean is_reached = fs_fault_count (call) > skip;
  fs_fault_clear ();
  gboolean was_opened = upload->handle != NULL;
  fs_upload_finish (upload, FALSE);
  if (id != NULL && !was_opened && fs_upload_try (store, id) != FS_OK)
    test_complain (kind, call, code, skip, "can not be resumed after");
  if (fs_count_fds () > fds + 2)
    test_complain (kind, call, code, skip, "descriptors leak");
  /* What a failed unlink after the commit left is the sweep's: here, this test's. */
  g_autofree char *left = g_build_filename (store->root, ".uploads", NULL);
  if (call == FS_CALL_UNLINKAT && fs_upload_residue (store->root) != 0)
    fs_scratch_free (g_steal_pointer (&left));
  test_after (store, kind, call, code, skip, result, &digest);
  return is_reached;
}

/* In memory where that is possible: thousands of fsyncs of a disk take their time. */
static char *
test_quick_scratch (void)
{
  char *path = g_strdup ("/dev/shm/cask-fs-XXXXXX");
  if (g_mkdtemp (path) != NULL)
    return path;
  g_free (path);
  return fs_scratch_new ();
}

static void
test_every_call_fails (void)
{
  static const int codes[] = { EIO, ENOSPC, EACCES, EINTR, EMFILE };
  guint cases = 0;
  test_complaints = 0;
  for (TestKind kind = TEST_PLAIN; kind <= TEST_REPLACED; kind++)
    for (FsCall call = 0; call < FS_N_CALLS; call++)
      for (guint c = 0; c < G_N_ELEMENTS (codes); c++)
        {
          g_autofree char *root = test_quick_scratch ();
          FsSpec spec = { .durability = FS_FULL };
          g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
          for (guint skip = 0; skip < 32; skip++, cases++)
            if (!test_fault_one (store, kind, call, codes[c], skip, 1) ||
                (codes[c] != EINTR && codes[c] != EMFILE &&
                 !test_fault_one (store, kind, call, codes[c], skip, 100000)))
              break;
          g_clear_pointer (&store, fs_store_close);
          fs_scratch_free (g_steal_pointer (&root));
        }
  printf ("\n    %u faults\n", cases);
  CU_ASSERT (cases > 300);
  CU_ASSERT_EQUAL (test_complaints, 0);
}

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
  { "X1 every call that an upload makes fails once, and for ever",
    test_every_call_fails },
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
