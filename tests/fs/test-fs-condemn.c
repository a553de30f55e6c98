/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-condemn.c: the slot `condemn`: what it moves aside, what it leaves, and what a
 * system call that fails makes of it (C82, S8, X1, X4). */
#include "fs-test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOVED (-10)
#define AGAIN (-11)

static int
condemn (FsStore *store, const CaskDigest *digest, guint64 version, guint32 flags)
{
  GError *error = NULL;
  gboolean again = FALSE;

  if (!store->ops->condemn (store->backend, digest, version, flags, &again, NULL, &error))
    return fs_code (error);
  CU_ASSERT_PTR_NULL (error);
  return again ? AGAIN : MOVED;
}

/* Puts a blob. Returns: its version, once it has one */
static guint64
put_old (FsStore *store, const CaskDigest *digest)
{
  CaskBlobInfo info = { 0 };

  CU_ASSERT_EQUAL (fs_store_put (store, digest, "damaged"), FS_CREATED);
  fs_clock_advance (10);
  CU_ASSERT_EQUAL (fs_store_stat (store, digest, &info), FS_OK);
  CU_ASSERT_NOT_EQUAL (info.version, 0);
  return info.version;
}

static char *
quarantine_path (FsStore *store)
{
  return g_build_filename (store->root, ".quarantine", NULL);
}

static void
test_moves (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), other = fs_digest (1, 1, 2);
  CaskBlobInfo info;
  struct stat st = { 0 };
  char text[8] = "";
  g_autofree char *place = quarantine_path (store);
  guint64 version = put_old (store, &digest);
  CU_ASSERT_EQUAL (fs_store_put (store, &other, "other"), FS_CREATED);
  /* Without the flag there is nothing to do, and with another version nothing to move. */
  CU_ASSERT_EQUAL (condemn (store, &digest, version, 0), MOVED);
  CU_ASSERT_EQUAL (condemn (store, &digest, version + 1, CASK_CONDEMN_QUARANTINE), AGAIN);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), FS_OK);
  CU_ASSERT_NOT_EQUAL (access (place, F_OK), 0);
  CaskBackendBlob *reader =
      store->ops->blob_open (store->backend, &digest, 0, &info, NULL, NULL);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &info), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_store_get (store, &other, NULL), FS_OK);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), AGAIN);
  CU_ASSERT_TRUE (stat (place, &st) == 0 && (st.st_mode & 0777) == 0700);
  CU_ASSERT_EQUAL (fs_count_files (place, FALSE), 1);
  /* Who has it open reads on. */
  if (reader != NULL)
    {
      CU_ASSERT_EQUAL (
          store->ops->blob_read (store->backend, reader, 0, text, 7, NULL, NULL), 7);
      store->ops->blob_close (store->backend, reader);
    }
  CU_ASSERT_STRING_EQUAL (text, "damaged");
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "damaged"), FS_CREATED);
  fs_fault_clear ();
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* Also where the filesystem can not rename without replacing: an older one stays. */
static void
test_never_over (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *place = quarantine_path (store);
  for (guint i = 0; i < 6; i++)
    {
      guint64 version = put_old (store, &digest);
      fs_fault_set (FS_CALL_RENAMEAT2, i % 2 == 0 ? EINVAL : ENOSYS, 0, i < 4 ? 100 : 0);
      CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
      fs_fault_clear ();
    }
  CU_ASSERT_EQUAL (fs_count_files (place, FALSE), 6);
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* A copy that was written this moment has no version: the next one could not be told from
 * it. */
static void
test_too_new (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  fs_clock_set (NULL);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (condemn (store, &digest, 0, CASK_CONDEMN_QUARANTINE), AGAIN);
  CaskBlobInfo info = { 0 };
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &info), FS_OK);
  CU_ASSERT_NOT_EQUAL (info.version, 0);
  CU_ASSERT_EQUAL (condemn (store, &digest, info.version, CASK_CONDEMN_QUARANTINE),
                   MOVED);
  fs_store_end (&store, &root);
}

static void
test_in_the_way (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), absent = fs_digest (1, 1, 2);
  guint64 version = put_old (store, &digest);
  g_autofree char *place = quarantine_path (store);
  CU_ASSERT_EQUAL (symlink ("/tmp", place), 0);
  int code = condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE);
  CU_ASSERT_TRUE (code >= 0 && code != CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), FS_OK);
  CU_ASSERT_EQUAL (fs_store_get (store, &absent, NULL), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (unlink (place), 0);
  CU_ASSERT_TRUE (fs_write_file (place, "a file"));
  code = condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE);
  CU_ASSERT_TRUE (code >= 0 && code != CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_store_get (store, &absent, NULL), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (unlink (place), 0);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* What anybody may have named there is not repeated to the user. */
static void
test_odd_names (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  g_autoptr (GError) error = NULL;
  guint64 version = put_old (store, &digest);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  g_autofree char *place = quarantine_path (store);
  g_autoptr (GDir) names = g_dir_open (place, 0, NULL);
  const char *name = names != NULL ? g_dir_read_name (names) : NULL;
  CU_ASSERT_PTR_NOT_NULL (name);
  if (name == NULL)
    return;
  g_autofree char *odd = g_strconcat (place, "/", name, "~\033[2J", NULL);
  CU_ASSERT_TRUE (fs_write_file (odd, "x"));
  CU_ASSERT_PTR_NULL (
      store->ops->get (store->backend, &digest, 0, CASK_TO_END, 0, &info, NULL, &error));
  CU_ASSERT_TRUE (error != NULL && strstr (error->message, name) != NULL &&
                  strchr (error->message, '\033') == NULL);
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

static CaskTry
try_get (FsStore *store, const CaskDigest *digest)
{
  g_autoptr (GBytes) bytes = NULL;
  CaskBlobInfo info;
  return store->ops->try_get (store->backend, digest, 0, CASK_TO_END, 0, &bytes, &info);
}

/* Returns: whether a get says that the blob was moved aside */
static gboolean
is_told (FsStore *store, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info;
  g_autoptr (GBytes) bytes =
      store->ops->get (store->backend, digest, 0, CASK_TO_END, 0, &info, NULL, &error);
  CU_ASSERT_PTR_NULL (bytes);
  CU_ASSERT_TRUE (g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND));
  return error != NULL && strstr (error->message, ".quarantine/") != NULL;
}

/* What another process moves aside makes such a name. */
static gboolean
move_elsewhere (FsStore *store, const CaskDigest *digest)
{
  g_autofree char *place = quarantine_path (store);
  g_autoptr (GString) path = g_string_new (place);
  g_string_append (path, "/sha256-");
  for (guint i = 0; i < 32; i++)
    g_string_append_printf (path, "%02x", digest->bytes[i]);
  g_string_append (path, ".20200101T000000Z");
  return fs_write_file (path->str, "damaged");
}

/* A cache is asked for what is absent all day, and a quarantine stays. */
static void
test_misses (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), absent = fs_digest (1, 2, 1),
             theirs = fs_digest (1, 3, 1);
  fs_fault_set_ext4 (TRUE);
  guint64 version = put_old (store, &digest);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  fs_clock_advance (10);
  CU_ASSERT_FALSE (is_told (store, &absent));
  fs_fault_count_clear ();
  for (guint i = 0; i < 5; i++)
    {
      CU_ASSERT_FALSE (is_told (store, &absent));
      CU_ASSERT_EQUAL (try_get (store, &absent), CASK_TRY_ABSENT);
    }
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_READDIR), 0);
  CU_ASSERT_TRUE (is_told (store, &digest));
  CU_ASSERT_EQUAL (try_get (store, &digest), CASK_TRY_AGAIN);
  /* It has changed, so it is read again. */
  CU_ASSERT_TRUE (move_elsewhere (store, &theirs));
  CU_ASSERT_EQUAL (try_get (store, &absent), CASK_TRY_AGAIN);
  CU_ASSERT_TRUE (is_told (store, &theirs));
  CU_ASSERT_EQUAL (try_get (store, &absent), CASK_TRY_ABSENT);
  CU_ASSERT_EQUAL (try_get (store, &theirs), CASK_TRY_AGAIN);
  fs_fault_clear ();
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* A change in the same tick of the clock would not show: what was read then is not kept.
 */
static void
test_misses_at_once (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), absent = fs_digest (1, 2, 1);
  guint64 version = put_old (store, &digest);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  struct timespec early = { .tv_sec = 1 };
  fs_clock_set (&early); /* and a time of change in the future proves nothing */
  CU_ASSERT_FALSE (is_told (store, &absent));
  fs_fault_count_clear ();
  CU_ASSERT_FALSE (is_told (store, &absent));
  CU_ASSERT_NOT_EQUAL (fs_fault_count (FS_CALL_READDIR), 0);
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* Somebody has cleared it away: then there is no reason to tell, and none to look for. */
static void
test_misses_after (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), absent = fs_digest (1, 2, 1);
  fs_fault_set_ext4 (TRUE);
  guint64 version = put_old (store, &digest);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  g_autofree char *place = quarantine_path (store);
  CU_ASSERT_TRUE (is_told (store, &digest));
  fs_scratch_free (g_strdup (place));
  CU_ASSERT_FALSE (is_told (store, &absent));
  CU_ASSERT_EQUAL (try_get (store, &absent), CASK_TRY_ABSENT);
  CU_ASSERT_TRUE (mkdir (place, 0700) == 0 && move_elsewhere (store, &absent));
  CU_ASSERT_EQUAL (try_get (store, &absent), CASK_TRY_AGAIN);
  CU_ASSERT_TRUE (is_told (store, &absent));
  fs_fault_clear ();
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* Every call fails once, with every error that fits: the copy is in its place or kept
 * aside, and said to be moved only where it is; no descriptor is left; no file is synced
 * again of which a sync failed. */
static gboolean
fail_at (guint number, guint choice, FsCall *call)
{
  g_autofree char *root = fs_scratch_new ();
  FsSpec spec = { .durability = FS_FULL };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL)
    return FALSE;
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *place = quarantine_path (store), *path = fs_path (store, &digest);
  guint64 version = put_old (store, &digest);
  guint n_fds = fs_count_fds ();

  fs_point_set (FS_HOW_ONCE, number, choice);
  int code = condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE);
  FsHit hit = fs_point_end ();
  gboolean is_there = access (path, F_OK) == 0;
  guint n_kept = access (place, F_OK) == 0 ? fs_count_files (place, FALSE) : 0;
  CU_ASSERT_EQUAL (fs_count_fds (), n_fds);
  CU_ASSERT_EQUAL (n_kept + (guint) is_there, 1);
  CU_ASSERT_FALSE (code == MOVED && is_there);
  CU_ASSERT_NOT_EQUAL (code, CASK_ERROR_NOT_FOUND);
  CU_ASSERT_FALSE (hit.is_repeated);
  if (code != MOVED && is_there)
    CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "damaged"), FS_CREATED);
  *call = hit.call;
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
  return hit.is_reached;
}

static void
test_faults (void)
{
  gboolean reached = TRUE;
  guint number;

  for (number = 0; reached; number++)
    {
      FsCall call;
      reached = fail_at (number, 0, &call);
      for (guint choice = 1; reached && fs_call_code (call, choice) != 0; choice++)
        fail_at (number, choice, &call);
    }
  CU_ASSERT (number > 10);
}

/* Who holds the lock is using the blob; a removal waits as well. */
static void
test_locked (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  guint64 version = put_old (store, &digest);
  g_autofree char *path = fs_path (store, &digest);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GError *error = NULL;
  gboolean again;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  CU_ASSERT_EQUAL (flock (fd, LOCK_SH), 0);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (store->ops->condemn (store->backend, &digest, version,
                                        CASK_CONDEMN_QUARANTINE, &again, cancellable,
                                        &error));
  CU_ASSERT_EQUAL (fs_code (error), FS_CANCELLED);
  close (fd);
  CU_ASSERT_EQUAL (condemn (store, &digest, version, CASK_CONDEMN_QUARANTINE), MOVED);
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

/* X4: after an fsync of .quarantine that failed its next one proves nothing. */
static void
test_sync_after_failure (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  guint64 versions[4];
  CaskDigest digests[4];
  for (guint i = 0; i < G_N_ELEMENTS (digests); i++)
    {
      digests[i] = fs_digest (1, 1, i);
      versions[i] = put_old (store, &digests[i]);
    }
  const guint32 flags = CASK_CONDEMN_QUARANTINE;
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (condemn (store, &digests[0], versions[0], flags), MOVED);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_SYNCFS), 0);
  fs_fault_set (FS_CALL_FSYNC, EIO, 0, 1);
  CU_ASSERT_EQUAL (condemn (store, &digests[1], versions[1], flags), CASK_ERROR_IO);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (condemn (store, &digests[2], versions[2], flags), MOVED);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_SYNCFS), 1);
  fs_fault_set (FS_CALL_SYNCFS, EIO, 0, 1);
  CU_ASSERT_EQUAL (condemn (store, &digests[3], versions[3], flags), CASK_ERROR_IO);
  fs_fault_clear ();
  fs_clock_set (NULL);
  fs_store_end (&store, &root);
}

int
main (void)
{
  CU_TestInfo tests[] = {
    { "C82 the condemned version is moved aside and kept, and no other", test_moves },
    { "an older quarantined copy is never replaced", test_never_over },
    { "a copy without a version is not moved before it has one", test_too_new },
    { "what is in the way of .quarantine is not followed", test_in_the_way },
    { "odd names in .quarantine are not shown", test_odd_names },
    { "a miss does not read .quarantine again before it has changed", test_misses },
    { "what was read of it in the moment of a change is not kept", test_misses_at_once },
    { "where .quarantine was removed a miss is decided at once", test_misses_after },
    { "a locked copy is waited for, and that can be cancelled", test_locked },
    { "X4 once its fsync has failed the filesystem's is asked for",
      test_sync_after_failure },
    { "X1 X4 any call that fails leaves the copy in one place", test_faults },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { "fs: condemned copies", NULL, NULL, NULL, NULL, tests },
    CU_SUITE_INFO_NULL,
  };
  if (CU_initialize_registry () != CUE_SUCCESS ||
      CU_register_suites (suites) != CUE_SUCCESS)
    return 1;
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures ();
  CU_cleanup_registry ();
  return failures > 0;
}
