/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-upload.c: writing a blob in pieces. */
#include "fs-upload-test.h"
#include "test-support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_in_pieces (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *text = NULL;
  g_autofree char *path = fs_path (store, &digest);
  struct stat st = { 0 };
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (upload->code, FS_OK);
  if (upload->handle == NULL)
    return;
  CU_ASSERT_EQUAL (fs_upload_text (upload, "01234"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "56789"), FS_OK);
  g_autofree char *seen = fs_upload_bytes (upload, 3);
  CU_ASSERT_STRING_EQUAL (seen, "3456789");
  g_autofree char *none = fs_upload_bytes (upload, 10);
  CU_ASSERT_STRING_EQUAL (none, "");
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE), 0);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "more"), CASK_ERROR_CLOSED);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_CLOSED);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
  CU_ASSERT_STRING_EQUAL (text, "0123456789");
  CU_ASSERT_EQUAL (stat (path, &st), 0);
  CU_ASSERT_EQUAL (st.st_nlink, 1);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

static void
test_abort (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  guint fds = fs_count_fds ();
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 1);
  g_clear_pointer (&upload, fs_upload_drop);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
  g_clear_pointer (&upload, fs_upload_drop);
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE), 0);
  CU_ASSERT_EQUAL (fs_count_fds (), fds);
  fs_store_end (&store, &root);
}

/* What is kept without ever having been saved is not kept. */
static void
test_keep_unsaved (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  FsUpload *upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
  fs_upload_finish (upload, TRUE);
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE), 0);
  fs_store_end (&store, &root);
}

/* A hit leaves the copy that is there, renews its time, and removes what was saved. */
static void
test_hit (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo before, after;
  g_autofree char *path = fs_path (store, &digest);
  struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
  struct stat first = { 0 }, second = { 0 };
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_CREATED);
  CU_ASSERT_EQUAL (utimensat (AT_FDCWD, path, old, 0), 0);
  CU_ASSERT_EQUAL (stat (path, &first), 0);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &before), FS_OK);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_HIT);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &after), FS_OK);
  CU_ASSERT_EQUAL (stat (path, &second), 0);
  CU_ASSERT_EQUAL (first.st_ino, second.st_ino);
  CU_ASSERT (after.mtime_usec > before.mtime_usec + G_USEC_PER_SEC);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* A copy of another size, and with REPLACE any: by a nameless file and by a saved one. */
static void
test_replace (void)
{
  for (guint saved = 0; saved < 2; saved++)
    for (guint forced = 0; forced < 2; forced++)
      {
        FS_TEST_STORE (store, .durability = FS_FULL);
        CaskDigest digest = fs_digest (1, 1, 1);
        g_autofree char *text = NULL;
        g_autofree char *path = fs_path (store, &digest);
        struct stat st = { 0 };
        CU_ASSERT_EQUAL (fs_store_put (store, &digest, forced ? "abcdefghij" : "short"),
                         FS_CREATED);
        g_autoptr (FsUpload) upload = fs_upload_start (store);
        CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
        if (saved)
          CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), FS_OK);
        CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, forced ? CASK_PUT_REPLACE : 0),
                         FS_HIT);
        CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
        CU_ASSERT_STRING_EQUAL (text, "0123456789");
        CU_ASSERT_EQUAL (stat (path, &st), 0);
        CU_ASSERT_EQUAL (st.st_mode & 07777, 0444);
        CU_ASSERT_EQUAL (st.st_nlink, 1);
        CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
        g_clear_pointer (&upload, fs_upload_drop);
        fs_store_end (&store, &root);
      }
}

/* With REPLACE and nothing there it is an ordinary commit. */
static void
test_replace_absent (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, CASK_PUT_REPLACE), FS_CREATED);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* S16: the time is the commit's. */
static void
test_time (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info = { 0 };
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), FS_OK);
  fs_clock_advance (1000);
  gint64 now = g_get_real_time ();
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &info), FS_OK);
  CU_ASSERT (info.mtime_usec >= now);
  fs_clock_set (NULL);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* F9: the mode is that of who began, whatever the umask of who resumes. */
static void
test_modes (void)
{
  static const mode_t masks[] = { 0, 022, 077 };
  for (guint i = 0; i < G_N_ELEMENTS (masks); i++)
    for (guint saved = 0; saved < 2; saved++)
      {
        FS_TEST_STORE (store, .durability = FS_NONE);
        CaskDigest digest = fs_digest (1, 1, 1);
        g_autofree char *path = fs_path (store, &digest);
        struct stat st = { 0 };
        mode_t before = umask (masks[i]);
        FsUpload *upload = fs_upload_start (store);
        umask (before);
        CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
        if (saved)
          {
            g_autofree char *id = fs_upload_keep (upload, "s");
            g_autofree char *data = fs_upload_path (root, id, "data");
            g_autofree char *directory = fs_upload_path (root, id, "");
            CU_ASSERT (stat (data, &st) == 0 && (st.st_mode & 07777) == 0600);
            CU_ASSERT (stat (directory, &st) == 0 && (st.st_mode & 07777) == 0700);
            fs_upload_finish (upload, TRUE);
            upload = fs_upload_again (store, id);
          }
        CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
        CU_ASSERT_EQUAL (stat (path, &st), 0);
        CU_ASSERT_EQUAL (st.st_mode & 07777, 0444 & ~masks[i]);
        fs_upload_finish (upload, FALSE);
        fs_store_end (&store, &root);
      }
}

/* Of many commits of one blob at once one is told that it created it. */
static gpointer
test_race_one (gpointer data)
{
  FsUpload *upload = data;
  CaskDigest digest = fs_digest (1, 1, 1);
  return GINT_TO_POINTER (fs_upload_done (upload, &digest, 0));
}

static void
test_race (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  FsUpload *uploads[16];
  GThread *threads[16];
  guint created = 0, hits = 0;
  for (guint i = 0; i < G_N_ELEMENTS (uploads); i++)
    {
      uploads[i] = fs_upload_start (store);
      CU_ASSERT_EQUAL (fs_upload_text (uploads[i], "x"), FS_OK);
      if (i % 2 == 1)
        CU_ASSERT_EQUAL (fs_upload_keep_code (uploads[i], "s"), FS_OK);
    }
  for (guint i = 0; i < G_N_ELEMENTS (uploads); i++)
    threads[i] = g_thread_new ("commit", test_race_one, uploads[i]);
  for (guint i = 0; i < G_N_ELEMENTS (uploads); i++)
    {
      int result = GPOINTER_TO_INT (g_thread_join (threads[i]));
      created += result == FS_CREATED;
      hits += result == FS_HIT;
      fs_upload_finish (uploads[i], FALSE);
    }
  CU_ASSERT_EQUAL (created, 1);
  CU_ASSERT_EQUAL (hits, G_N_ELEMENTS (uploads) - 1);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  CU_ASSERT_EQUAL (fs_count_files (root, FALSE), 1);
  fs_store_end (&store, &root);
}

/* C67 C68: what is cancelled leaves nothing, and a cancelled commit may come again. */
static void
test_cancel (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  const CaskBackendOps *ops = store->ops;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  CaskUploadSpec what = { .size = sizeof what, .expected_size = CASK_UNKNOWN };
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  GError *error = NULL;
  gboolean created;
  char *id = NULL;
  CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (ops->upload_commit (store->backend, upload->handle, &digest, 0,
                                       &created, cancellable, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), FS_CANCELLED);
  CU_ASSERT_FALSE (
      ops->upload_save (store->backend, upload->handle, bytes, &id, cancellable, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), FS_CANCELLED);
  CU_ASSERT_PTR_NULL (ops->upload_begin (store->backend, &what, cancellable, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), FS_CANCELLED);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  g_clear_pointer (&upload, fs_upload_drop);
  upload = fs_upload_start (store);
  CU_ASSERT_FALSE (
      ops->upload_write (store->backend, upload->handle, bytes, cancellable, &error));
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), FS_CANCELLED);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_IO);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* Writing to the disk begins before the commit, which changes nothing that can be seen.
 */
static void
test_large (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info = { 0 };
  g_autofree char *chunk = g_strnfill (3 * 1024 * 1024, 'x');
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  for (guint i = 0; i < 8; i++)
    CU_ASSERT_EQUAL (fs_upload_text (upload, chunk), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &info), FS_OK);
  CU_ASSERT_EQUAL (info.size, 24 * 1024 * 1024);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

static CU_TestInfo tests[] = {
  { "C50 S3 what is written in pieces is a blob once it is committed", test_in_pieces },
  { "C57 an abort leaves nothing", test_abort },
  { "what was never saved is not kept", test_keep_unsaved },
  { "C59 S1 a commit of what is there is a hit", test_hit },
  { "S8 a commit replaces a copy of another size, and any with REPLACE", test_replace },
  { "a replacing commit of what is absent creates it", test_replace_absent },
  { "S16 a blob's time is the commit's", test_time },
  { "F9 a blob's mode is that of who began its upload", test_modes },
  { "C65 of 16 commits of one blob one creates it", test_race },
  { "C67 C68 what is cancelled leaves nothing and may be tried again", test_cancel },
  { "a large upload is whole", test_large },
  CU_TEST_INFO_NULL
};

int
main (int argc, char **argv)
{
  CU_SuiteInfo suites[] = {
    { "fs: uploads", NULL, NULL, NULL, NULL, tests },
    { "fs: saved uploads", NULL, NULL, NULL, NULL, fs_saved_tests },
    { "fs: states", NULL, NULL, NULL, NULL, fs_state_tests },
    { "fs: uploads and faults", NULL, NULL, NULL, NULL, fs_upload_fault_tests },
    { "fs: handles", NULL, NULL, NULL, NULL, fs_handle_tests },
    CU_SUITE_INFO_NULL
  };
  umask (022); /* which the modes that are expected go by */
  return test_main (argc, argv, suites);
}
