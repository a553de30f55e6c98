/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-saved.c: uploads that outlive their process: resumed, locked, listed, limited,
 * swept. */
#include "fs-upload-test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Begins, writes, saves, and leaves it saved; the caller frees the id. */
static char *
test_saved (FsStore *store, const char *text, const char *state)
{
  FsUpload *upload = fs_upload_start (store);
  if (text[0] != '\0')
    CU_ASSERT_EQUAL (fs_upload_text (upload, text), FS_OK);
  char *id = fs_upload_keep (upload, state);
  fs_upload_finish (upload, TRUE);
  return id;
}

/* C51 C52: with and without another store in between, at offset 0 too, saved often. */
static void
test_resume (void)
{
  for (guint durability = FS_NONE; durability <= FS_FULL; durability++)
    {
      FS_TEST_STORE (store, .durability = durability);
      CaskDigest digest = fs_digest (1, 1, 1);
      g_autofree char *text = NULL;
      g_autofree char *path = fs_path (store, &digest);
      struct stat st = { 0 };
      g_autofree char *id = test_saved (store, "", "first");
      CU_ASSERT_EQUAL (strlen (id), 32);
      CU_ASSERT (store->ops->capabilities (store->backend) & CASK_CAPABILITY_RESUME);
      FsUpload *upload = fs_upload_again (store, id);
      CU_ASSERT_EQUAL (upload->code, FS_OK);
      CU_ASSERT_EQUAL (upload->offset, 0);
      CU_ASSERT_EQUAL (g_strcmp0 (upload->state, "first"), 0);
      CU_ASSERT_EQUAL (fs_upload_text (upload, "01234"), FS_OK);
      g_autofree char *again = fs_upload_keep (upload, "second");
      CU_ASSERT_STRING_EQUAL (again, id);
      CU_ASSERT_EQUAL (fs_upload_text (upload, "lost"), FS_OK);
      fs_upload_finish (upload, TRUE);
      fs_store_close (store);
      store = fs_store_open (root, &spec, NULL);
      upload = fs_upload_again (store, id);
      CU_ASSERT_EQUAL (upload->code, FS_OK);
      CU_ASSERT_EQUAL (upload->offset, 5);
      CU_ASSERT_EQUAL (g_strcmp0 (upload->state, "second"), 0);
      CU_ASSERT_EQUAL (fs_upload_text (upload, "56789"), FS_OK);
      g_autofree char *seen = fs_upload_bytes (upload, 0);
      CU_ASSERT_STRING_EQUAL (seen, "0123456789");
      CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
      fs_upload_finish (upload, TRUE);
      CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
      CU_ASSERT_STRING_EQUAL (text, "0123456789");
      CU_ASSERT (stat (path, &st) == 0 && st.st_nlink == 1 && (st.st_mode & 0222) == 0);
      CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
      CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_NOT_FOUND);
      fs_store_end (&store, &root);
    }
}

/* C56, in this process, in another, and after the other is dead. */
static int
test_busy_body (const char *root)
{
  FsSpec spec = { .durability = FS_FULL };
  g_autofree char *path = g_build_filename (root, "id", NULL);
  g_autofree char *id = NULL;
  FsStore *store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL && g_file_get_contents (path, &id, NULL, NULL));
  FS_CHECK (fs_upload_try (store, id) == CASK_ERROR_BUSY);
  FS_CHECK (fs_upload_count (store, NULL, NULL, NULL) == 0);
  return 0;
}

static void
test_busy (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  g_autofree char *id = fs_upload_keep (upload, "s");
  g_autofree char *path = g_build_filename (root, "id", NULL);
  guint64 offset;
  gint64 mtime;
  CU_ASSERT_TRUE (g_file_set_contents (path, id, -1, NULL));
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_BUSY);
  CU_ASSERT_EQUAL (fs_upload_count (store, id, &offset, &mtime), 0);
  fs_in_child ("a second user", test_busy_body, root);
  fs_upload_finish (g_steal_pointer (&upload), TRUE);
  CU_ASSERT_EQUAL (fs_upload_count (store, id, &offset, &mtime), 1);
  upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (upload->code, FS_OK);
  fs_in_child ("a second user of a resumed one", test_busy_body, root);
  g_clear_pointer (&upload, fs_upload_drop);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  fs_store_end (&store, &root);
}

/* A child that was forked while the upload was open does not keep it open. */
static void
test_forked (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  int ends[2];
  char byte = 0;
  CU_ASSERT_EQUAL (pipe (ends), 0);
  FsUpload *upload = fs_upload_start (store);
  g_autofree char *id = fs_upload_keep (upload, "s");
  pid_t child = fork ();
  if (child == 0)
    {
      close (ends[1]);
      _exit (read (ends[0], &byte, 1) == 0 ? 0 : 1);
    }
  fs_upload_finish (upload, TRUE);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), FS_OK);
  close (ends[0]);
  close (ends[1]);
  CU_ASSERT_EQUAL (waitpid (child, NULL, 0), child);
  fs_store_end (&store, &root);
}

/* Killed after a save and more writes: what was saved is there. */
static void
test_killed (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  int ends[2], status = 0;
  char id[33] = "";
  g_autofree char *text = NULL;
  CU_ASSERT_EQUAL (pipe (ends), 0);
  fflush (NULL);
  pid_t child = fork ();
  if (child == 0)
    {
      FsStore *mine = fs_store_open (root, &spec, NULL);
      FsUpload *upload = fs_upload_start (mine);
      fs_upload_text (upload, "01234");
      char *saved = fs_upload_keep (upload, "state");
      fs_upload_text (upload, "not saved");
      if (write (ends[1], saved, 32) == 32)
        kill (getpid (), SIGKILL);
      _exit (1);
    }
  close (ends[1]);
  CU_ASSERT_EQUAL (read (ends[0], id, 32), 32);
  close (ends[0]);
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  CU_ASSERT (WIFSIGNALED (status));
  guint64 offset = 0;
  gint64 mtime = 0;
  CU_ASSERT_EQUAL (fs_upload_count (store, id, &offset, &mtime), 1);
  CU_ASSERT_EQUAL (offset, 5);
  g_autoptr (FsUpload) upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (upload->offset, 5);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "56789"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
  CU_ASSERT_STRING_EQUAL (text, "0123456789");
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* C61: what is listed, in any company. */
static void
test_list (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  guint64 offset = 0;
  gint64 mtime = 0, before = g_get_real_time () - 10 * G_USEC_PER_SEC;
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 0);
  g_autofree char *id = test_saved (store, "0123", "s");
  g_free (test_saved (store, "", "s"));
  g_autofree char *readme = fs_upload_path (root, "README", NULL);
  g_autofree char *empty = fs_upload_path (root, "00000000000000000000000000000000", "");
  CU_ASSERT_TRUE (fs_write_file (readme, "x"));
  CU_ASSERT_EQUAL (mkdir (empty, 0700), 0);
  CU_ASSERT_EQUAL (fs_upload_count (store, id, &offset, &mtime), 2);
  CU_ASSERT_EQUAL (offset, 4);
  CU_ASSERT (mtime >= before && mtime <= g_get_real_time () + G_USEC_PER_SEC);
  guint32 n_infos = 10;
  gboolean more = TRUE;
  CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), FS_OK);
  CU_ASSERT_EQUAL (n_infos, 0);
  CU_ASSERT_FALSE (more);
  fs_store_end (&store, &root);
}

static void
test_limits (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE, .max_uploads = 2, .max_upload_bytes = 10);
  g_free (test_saved (store, "01234", "s"));
  FsUpload *second = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (second, "012345"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (second, "s"), CASK_ERROR_NO_SPACE);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 1);
  fs_upload_finish (second, FALSE);
  second = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (second, "01234"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (second, "s"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (second, "t"), FS_OK);
  g_autoptr (FsUpload) third = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_keep_code (third, "s"), CASK_ERROR_NO_SPACE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CU_ASSERT_EQUAL (fs_upload_text (second, "5"), FS_OK);
  CU_ASSERT_EQUAL (fs_upload_keep_code (second, "s"), CASK_ERROR_NO_SPACE);
  CU_ASSERT_EQUAL (fs_upload_done (second, &digest, 0), FS_CREATED);
  fs_upload_finish (second, FALSE);
  CU_ASSERT_EQUAL (fs_upload_keep_code (third, "s"), FS_OK);
  g_clear_pointer (&third, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* A limit on their number alone, and none. */
static void
test_limit_of_one (void)
{
  for (guint64 limit = 0; limit < 2; limit++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE, .max_uploads = limit);
      g_free (test_saved (store, "01234", "s"));
      g_autoptr (FsUpload) second = fs_upload_start (store);
      CU_ASSERT_EQUAL (fs_upload_keep_code (second, "s"),
                       limit == 1 ? CASK_ERROR_NO_SPACE : FS_OK);
      CU_ASSERT_EQUAL (fs_upload_residue (root), limit == 1 ? 1 : 2);
      g_clear_pointer (&second, fs_upload_drop);
      fs_store_end (&store, &root);
    }
}

/* Only where links are missing is a copy made instead. */
static void
test_link_that_fails (void)
{
  static const struct
  {
    int code, error;
  } cases[] = { { ENOSPC, CASK_ERROR_NO_SPACE },
                { EIO, CASK_ERROR_IO },
                { EOPNOTSUPP, FS_OK } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE);
      g_autoptr (FsUpload) upload = fs_upload_start (store);
      CU_ASSERT_EQUAL (fs_upload_text (upload, "01234"), FS_OK);
      fs_fault_set (FS_CALL_LINKAT, cases[i].code, 0,
                    cases[i].error == FS_OK ? G_MAXINT : 1);
      CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), cases[i].error);
      fs_fault_clear ();
      g_clear_pointer (&upload, fs_upload_drop);
      fs_store_end (&store, &root);
    }
}

/* Makes a path's time older than any sweep spares. */
static void
test_age (const char *path)
{
  struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
  CU_ASSERT_EQUAL (utimensat (AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW), 0);
}

/* C62: the sweep takes what nobody can resume, when it is old, and nothing else. */
static void
test_sweep (void)
{
  static const char *const ids[] = { "00000000000000000000000000000000",
                                     "11111111111111111111111111111111",
                                     "22222222222222222222222222222222" };
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *saved = test_saved (store, "0123", "s");
  g_autofree char *committed = test_saved (store, "0123", "s");
  g_autofree char *data = fs_upload_path (root, committed, "data");
  CU_ASSERT_EQUAL (unlink (data), 0);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *left = fs_upload_path (root, ids[i], "data");
      g_autofree char *directory = fs_upload_path (root, ids[i], NULL);
      CU_ASSERT_TRUE (fs_write_file (left, "x"));
      if (i != 1)
        test_age (directory);
    }
  g_autofree char *locked = fs_upload_path (root, ids[2], "data");
  struct flock lock = { .l_type = F_WRLCK };
  int fd = open (locked, O_RDWR | O_CLOEXEC);
  CU_ASSERT_EQUAL (fcntl (fd, F_OFD_SETLK, &lock), 0);
  g_autofree char *old = fs_upload_path (root, saved, NULL);
  g_autofree char *gone = fs_upload_path (root, committed, NULL);
  test_age (old);
  test_age (gone);
  g_autoptr (FsStore) other = fs_store_open (root, &spec, NULL);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 5);
  g_clear_pointer (&other, fs_store_close);
  other = fs_store_open (root, &spec, NULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CU_ASSERT_EQUAL (fs_store_put (other, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 3);
  CU_ASSERT_EQUAL (fs_upload_try (other, saved), FS_OK);
  close (fd);
  g_clear_pointer (&other, fs_store_close);
  fs_store_end (&store, &root);
}

/* An open upload that was never saved is not the sweep's, whatever its directory's age.
 */
static void
test_sweep_live (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  g_autofree char *id = fs_upload_keep (upload, "s");
  g_autofree char *state = fs_upload_path (root, id, "state");
  g_autofree char *directory = fs_upload_path (root, id, NULL);
  CU_ASSERT_EQUAL (unlink (state), 0);
  test_age (directory);
  g_autoptr (FsStore) other = fs_store_open (root, &spec, NULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CU_ASSERT_EQUAL (fs_store_put (other, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 1);
  CU_ASSERT_EQUAL (fs_upload_keep_code (upload, "s"), FS_OK);
  g_clear_pointer (&other, fs_store_close);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* Without privileges a file of a blob's mode can not be opened for writing. */
static gboolean
test_is_unprivileged (void)
{
  return geteuid () != 0 || (setgid (65534) == 0 && setuid (65534) == 0);
}

static int
test_sealed_body (const char *root)
{
  FsSpec spec = { .durability = FS_FULL };
  if (!test_is_unprivileged ())
    return FS_NOT_RUN;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  g_autofree char *id = test_saved (store, "0123", "s");
  g_autofree char *data = fs_upload_path (root, id, "data");
  FS_CHECK (chmod (data, 0444) == 0);
  FS_CHECK (fs_upload_count (store, NULL, NULL, NULL) == 1);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autoptr (FsUpload) upload = fs_upload_again (store, id);
  FS_CHECK (upload->code == FS_OK && upload->offset == 4);
  FS_CHECK (chmod (data, 0444) == 0);
  FS_CHECK (fs_upload_try (store, id) == CASK_ERROR_BUSY);
  FS_CHECK (fs_upload_text (upload, "4") == FS_OK);
  FS_CHECK (fs_upload_done (upload, &digest, 0) == FS_CREATED);
  return 0;
}

/* D7: of a rename that was seen half done, the other name is the blob's. */
static int
test_sealed_twice_body (const char *root)
{
  FsSpec spec = { .durability = FS_FULL };
  if (!test_is_unprivileged ())
    return FS_NOT_RUN;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  g_autofree char *id = test_saved (store, "0123", "s");
  g_autofree char *data = fs_upload_path (root, id, "data");
  g_autofree char *other = g_build_filename (root, "other", NULL);
  struct stat st;
  FS_CHECK (chmod (data, 0444) == 0 && link (data, other) == 0);
  FS_CHECK (fs_upload_try (store, id) == CASK_ERROR_NOT_FOUND);
  FS_CHECK (fs_upload_residue (root) == 0);
  FS_CHECK (stat (other, &st) == 0 && st.st_size == 4 && (st.st_mode & 07777) == 0444);
  return 0;
}

static void
test_sealed (void)
{
  g_autofree char *root = fs_scratch_new ();
  g_autofree char *twice = fs_scratch_new ();
  fs_in_child ("an unprivileged user", test_sealed_body, root);
  fs_in_child ("an unprivileged user, and a second name", test_sealed_twice_body, twice);
  fs_scratch_free (g_steal_pointer (&twice));
  fs_scratch_free (g_steal_pointer (&root));
}

/* The system calls of one opening, of each kind. */
static void
test_count_open (const char *root, guint *counts)
{
  FsSpec spec = { .durability = FS_NONE };
  fs_fault_count_clear ();
  FsStore *store = fs_store_open (root, &spec, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  for (guint call = 0; call < FS_N_CALLS; call++)
    counts[call] = fs_fault_count ((FsCall) call);
  if (store != NULL)
    fs_store_close (store);
}

/* An opening looks at no saved upload, however many there are. */
static void
test_open_costs (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  guint before[FS_N_CALLS], after[FS_N_CALLS];
  g_free (test_saved (store, "0123", "s"));
  test_count_open (root, before);
  for (guint i = 0; i < 1000; i++)
    g_free (test_saved (store, i % 2 == 0 ? "" : "0123", "s"));
  CU_ASSERT_EQUAL (fs_upload_residue (root), 1001);
  test_count_open (root, after);
  for (guint call = 0; call < FS_N_CALLS; call++)
    CU_ASSERT_EQUAL (after[call], before[call]);
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 1001);
  fs_store_end (&store, &root);
}

CU_TestInfo fs_saved_tests[] = {
  { "C51 C52 a saved upload goes on where it was saved, in any process", test_resume },
  { "C56 an open upload is BUSY for everybody else, and not listed", test_busy },
  { "a forked child does not keep an upload open", test_forked },
  { "C52 X3 what was saved survives a kill", test_killed },
  { "C61 saved uploads are listed, and no blobs", test_list },
  { "a save over a limit is NO_SPACE, and the upload goes on", test_limits },
  { "a save that can not be linked is copied only where links are missing",
    test_link_that_fails },
  { "a limit of one upload is one, and none is none", test_limit_of_one },
  { "C62 the sweep removes what nobody can resume", test_sweep },
  { "C62 the sweep leaves what is open", test_sweep_live },
  { "an upload whose commit died before its rename goes on", test_sealed },
  { "1,000 saved uploads cost an opening not one system call", test_open_costs },
  CU_TEST_INFO_NULL
};
