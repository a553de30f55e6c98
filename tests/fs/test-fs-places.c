/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-places.c: the fs backend as somebody without rights, on full and read-only
 * filesystems, and short of descriptors. Each case runs in a child of its own. */
#include "fs-test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEST_NOBODY 65534

static gboolean
test_become_nobody (void)
{
  return geteuid () == 0 && setgroups (0, NULL) == 0 && setgid (TEST_NOBODY) == 0 &&
         setuid (TEST_NOBODY) == 0;
}

static void
test_age (const char *path)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                               { .tv_sec = time (NULL) - 9000 } };
  utimensat (AT_FDCWD, path, times, 0);
}

/* ---- F4: no rights, at each level ---- */

/* As root closes one level after the other, nobody looks. */
static int
test_denied_at (const char *root, const char *closed, int reads)
{
  FsSpec spec = { .durability = FS_NONE };
  CaskDigest digest = fs_digest (1, 1, 1);
  if (chmod (closed, 0) != 0 || !test_become_nobody ())
    return FS_NOT_RUN;
  GError *error = NULL;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, &error);
  if (store == NULL)
    {
      FS_CHECK (fs_code (error) == CASK_ERROR_PERMISSION);
      return 0;
    }
  CaskRemoved outcome;
  guint32 n_infos = 10;
  gboolean more;
  CaskBlobInfo info;
  FS_CHECK (fs_store_get (store, &digest, NULL) == reads);
  FS_CHECK (fs_store_touch (store, &digest, NULL) == reads);
  FS_CHECK (fs_store_put (store, &digest, "x") == CASK_ERROR_PERMISSION);
  FS_CHECK (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome) ==
            CASK_ERROR_PERMISSION);
  FS_CHECK (store->ops->try_stat (store->backend, &digest, &info) != CASK_TRY_ABSENT);
  int listed = fs_store_list (store, &n_infos, &more);
  FS_CHECK (listed == CASK_ERROR_PERMISSION || (listed == FS_OK && n_infos == 1));
  return 0;
}

static int
test_denied_blob (const char *root)
{
  g_autofree char *path = g_build_filename (root, "blob", NULL);
  g_autofree char *target = g_file_read_link (path, NULL);
  return test_denied_at (root, target, CASK_ERROR_PERMISSION);
}

static int
test_denied_shard (const char *root)
{
  g_autofree char *shard = g_build_filename (root, "sha256", "01", NULL);
  return test_denied_at (root, shard, CASK_ERROR_PERMISSION);
}

static int
test_denied_top (const char *root)
{
  g_autofree char *top = g_build_filename (root, "sha256", NULL);
  return test_denied_at (root, top, CASK_ERROR_PERMISSION);
}

static int
test_denied_root (const char *root)
{
  return test_denied_at (root, root, CASK_ERROR_PERMISSION);
}

static int
test_make_blob (const char *root)
{
  FsSpec spec = { .durability = FS_NONE };
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL && fs_store_put (store, &digest, "x") == FS_CREATED);
  g_autofree char *path = fs_path (store, &digest);
  g_autofree char *link = g_build_filename (root, "blob", NULL);
  FS_CHECK (symlink (path, link) == 0);
  return 0;
}

static void
test_with_blob (const char *name, FsBody body)
{
  g_autofree char *root = fs_scratch_new ();
  CU_ASSERT_EQUAL (test_make_blob (root), 0);
  fs_in_child (name, body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

static void
test_denied (void)
{
  test_with_blob ("a blob without rights", test_denied_blob);
  test_with_blob ("a shard without rights", test_denied_shard);
  test_with_blob ("an algorithm's directory without rights", test_denied_top);
  test_with_blob ("a root without rights", test_denied_root);
}

/* ---- F14: blobs of another owner ---- */

static int
test_other_owner_body (const char *root)
{
  g_autofree char *link = g_build_filename (root, "blob", NULL);
  g_autofree char *path = g_file_read_link (link, NULL);
  g_autofree char *shard = g_path_get_dirname (path);
  FsSpec spec = { .durability = FS_FULL, .freshen_usec = CASK_FRESHEN_LAG_USEC };
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskRemoved outcome;
  CaskBlobInfo info;
  struct stat st;
  test_age (path);
  if (chmod (shard, 0777) != 0 || !test_become_nobody ())
    return FS_NOT_RUN;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  FS_CHECK (fs_store_touch (store, &digest, NULL) == CASK_ERROR_PERMISSION);
  FS_CHECK (fs_store_put (store, &digest, "x") == FS_HIT);
  FS_CHECK (stat (path, &st) == 0 && st.st_uid == TEST_NOBODY);
  FS_CHECK (fs_store_touch (store, &digest, &info) == FS_OK);
  FS_CHECK (g_get_real_time () - info.mtime_usec < 1000 * G_USEC_PER_SEC);
  FS_CHECK (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome) == FS_OK);
  FS_CHECK (outcome == CASK_REMOVED_DONE);
  return 0;
}

static int
test_sticky_body (const char *root)
{
  g_autofree char *link = g_build_filename (root, "blob", NULL);
  g_autofree char *path = g_file_read_link (link, NULL);
  g_autofree char *shard = g_path_get_dirname (path);
  FsSpec spec = { .durability = FS_FULL, .freshen_usec = CASK_FRESHEN_LAG_USEC };
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskRemoved outcome;
  test_age (path);
  if (chmod (shard, 01777) != 0 || !test_become_nobody ())
    return FS_NOT_RUN;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  FS_CHECK (fs_store_put (store, &digest, "x") == CASK_ERROR_PERMISSION);
  FS_CHECK (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome) ==
            CASK_ERROR_PERMISSION);
  FS_CHECK (fs_store_get (store, &digest, NULL) == FS_OK);
  FS_CHECK (fs_count_files (root, TRUE) == 1); /* the lock of the open store */
  return 0;
}

static void
test_other_owner (void)
{
  test_with_blob ("another owner's blob", test_other_owner_body);
  test_with_blob ("another owner's blob that may not be replaced", test_sticky_body);
}

/* As an unprivileged user AT_EMPTY_PATH may be refused: the way through /proc. */
static int
test_unprivileged_body (const char *root)
{
  FsSpec spec = { .durability = FS_FULL };
  CaskDigest digest = fs_digest (1, 1, 1);
  if (!test_become_nobody ())
    return FS_NOT_RUN;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  FS_CHECK (fs_store_put (store, &digest, "x") == FS_CREATED);
  FS_CHECK (fs_store_put (store, &digest, "x") == FS_HIT);
  FS_CHECK (fs_store_put (store, &digest, "other") == FS_HIT);
  FS_CHECK (fs_store_get (store, &digest, NULL) == FS_OK);
  return 0;
}

static void
test_unprivileged (void)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child ("an unprivileged user", test_unprivileged_body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

/* ---- F6, F7: a filesystem of our own ---- */

static gboolean
test_mount (const char *root, const char *options)
{
  uid_t uid = geteuid ();
  gid_t gid = getegid ();
  if (unshare (uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return FALSE;
  if (uid != 0)
    {
      g_autofree char *uids = g_strdup_printf ("0 %u 1", (guint) uid);
      g_autofree char *gids = g_strdup_printf ("0 %u 1", (guint) gid);
      int fd = open ("/proc/self/setgroups", O_WRONLY);
      if (fd >= 0 && write (fd, "deny", 4) != 4)
        return FALSE;
      close (fd);
      fd = open ("/proc/self/uid_map", O_WRONLY);
      if (fd < 0 || write (fd, uids, strlen (uids)) < 0)
        return FALSE;
      close (fd);
      fd = open ("/proc/self/gid_map", O_WRONLY);
      if (fd < 0 || write (fd, gids, strlen (gids)) < 0)
        return FALSE;
      close (fd);
    }
  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount ("cask-test", root, "tmpfs", 0, options) == 0;
}

static int
test_no_space_body (const char *root)
{
  if (!test_mount (root, "size=256k"))
    return FS_NOT_RUN;
  FsSpec spec = { .durability = FS_FULL };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  g_autofree char *large = g_strnfill (300 * 1024, 'x');
  g_autofree char *half = g_strnfill (150 * 1024, 'x');
  CaskDigest big = fs_digest (1, 1, 1), first = fs_digest (1, 1, 2),
             second = fs_digest (1, 1, 3);
  CaskRemoved outcome;
  FS_CHECK (fs_store_put (store, &big, large) == CASK_ERROR_NO_SPACE);
  FS_CHECK (fs_store_get (store, &big, NULL) == CASK_ERROR_NOT_FOUND);
  FS_CHECK (fs_store_put (store, &first, half) == FS_CREATED);
  FS_CHECK (fs_store_put (store, &second, half) == CASK_ERROR_NO_SPACE);
  FS_CHECK (fs_store_put_flags (store, &first, half, CASK_PUT_REPLACE) ==
            CASK_ERROR_NO_SPACE);
  FS_CHECK (fs_count_files (root, FALSE) == 1);
  FS_CHECK (fs_count_files (root, TRUE) == 1); /* the lock of the open store */
  FS_CHECK (fs_store_get (store, &first, NULL) == FS_OK);
  FS_CHECK (fs_store_remove (store, &first, CASK_ALWAYS, &outcome) == FS_OK);
  FS_CHECK (fs_store_put (store, &second, half) == FS_CREATED);
  return 0;
}

/* No inode left: for the file, for the directory, for the directory's parent. */
static int
test_no_inodes_body (const char *root)
{
  for (guint inodes = 1; inodes < 5; inodes++)
    {
      g_autofree char *options = g_strdup_printf ("nr_inodes=%u", inodes);
      if (!test_mount (root, options))
        return FS_NOT_RUN;
      FsSpec spec = { .durability = FS_NONE };
      g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
      FS_CHECK (store != NULL);
      CaskDigest digest = fs_digest (1, 1, 1);
      int result = fs_store_put (store, &digest, "x");
      FS_CHECK (result == (inodes < 4 ? CASK_ERROR_NO_SPACE : FS_CREATED));
      FS_CHECK (fs_store_get (store, &digest, NULL) ==
                (inodes < 4 ? CASK_ERROR_NOT_FOUND : FS_OK));
      FS_CHECK (fs_count_files (root, FALSE) == (inodes < 4 ? 0 : 1));
    }
  return 0;
}

static void
test_no_space (void)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child ("a full filesystem", test_no_space_body, root);
  fs_in_child ("a filesystem without inodes", test_no_inodes_body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

static int
test_read_only_body (const char *root)
{
  FsSpec spec = { .durability = FS_FULL, .freshen_usec = CASK_FRESHEN_LAG_USEC };
  CaskDigest digest = fs_digest (1, 1, 1), missing = fs_digest (1, 1, 2);
  if (!test_mount (root, "size=1m"))
    return FS_NOT_RUN;
  g_autoptr (FsStore) before = fs_store_open (root, &spec, NULL);
  FS_CHECK (before != NULL && fs_store_put (before, &digest, "x") == FS_CREATED);
  if (mount (NULL, root, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0)
    return FS_NOT_RUN;
  FS_CHECK (fs_store_put (before, &missing, "x") == CASK_ERROR_READ_ONLY);
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  CaskRemoved outcome;
  guint32 n_infos = 10;
  gboolean more;
  FS_CHECK (fs_store_get (store, &digest, NULL) == FS_OK);
  FS_CHECK (fs_store_list (store, &n_infos, &more) == FS_OK && n_infos == 1);
  FS_CHECK (fs_store_put (store, &digest, "x") == CASK_ERROR_READ_ONLY);
  FS_CHECK (fs_store_put (store, &missing, "x") == CASK_ERROR_READ_ONLY);
  FS_CHECK (fs_store_touch (store, &digest, NULL) == CASK_ERROR_READ_ONLY);
  FS_CHECK (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome) ==
            CASK_ERROR_READ_ONLY);
  FS_CHECK (fs_store_remove (store, &missing, 1, &outcome) == CASK_ERROR_READ_ONLY);
  FS_CHECK (mount (NULL, root, NULL, MS_REMOUNT, NULL) == 0);
  FS_CHECK (fs_store_put (store, &missing, "x") == FS_CREATED);
  return 0;
}

static void
test_read_only (void)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child ("a read-only filesystem", test_read_only_body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

/* ---- F8 ---- */

typedef struct
{
  FsStore *store;
  guint number;
  int result;
} TestPut;

static gpointer
test_limit_run (gpointer data)
{
  TestPut *put = data;
  CaskDigest digest = fs_digest (1, (guint8) put->number, put->number);
  put->result = fs_store_put_flags (put->store, &digest, "x",
                                    put->number % 4 == 0 ? CASK_PUT_REPLACE : 0);
  return NULL;
}

static int
test_limit_body (const char *root)
{
  enum
  {
    N = 200
  };
  FsSpec spec = { .durability = FS_FULL };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  struct rlimit limit = { 32, 32 };
  FS_CHECK (setrlimit (RLIMIT_NOFILE, &limit) == 0);
  TestPut puts[N];
  GThread *threads[N];
  for (guint i = 0; i < N; i++)
    {
      puts[i] = (TestPut){ .store = store, .number = i };
      threads[i] = g_thread_new ("put", test_limit_run, &puts[i]);
    }
  for (guint i = 0; i < N; i++)
    g_thread_join (threads[i]);
  guint created = 0;
  for (guint i = 0; i < N; i++)
    created += puts[i].result == FS_CREATED;
  /* On a slow disk a second may not do for all; but then they say BUSY. */
  for (guint i = 0; i < N; i++)
    FS_CHECK (puts[i].result == FS_CREATED || puts[i].result == CASK_ERROR_BUSY);
  FS_CHECK (created >= 32);
  int held[64];
  guint n_held = 0;
  while (n_held < G_N_ELEMENTS (held) && (held[n_held] = dup (0)) >= 0)
    n_held++;
  CaskDigest digest = fs_digest (1, 0, 0);
  GError *error = NULL;
  CaskBlobInfo info;
  gint64 began = g_get_monotonic_time ();
  FS_CHECK (store->ops->get (store->backend, &digest, 0, CASK_TO_END, 0, &info, NULL,
                             &error) == NULL);
  FS_CHECK (g_get_monotonic_time () - began > G_USEC_PER_SEC / 2);
  FS_CHECK (strstr (error->message, "32") != NULL);
  FS_CHECK (fs_code (error) == CASK_ERROR_BUSY);
  FS_CHECK (store->ops->try_get (store->backend, &digest, 0, CASK_TO_END, 0,
                                 &(GBytes *){ NULL }, &info) == CASK_TRY_AGAIN);
  while (n_held > 0)
    close (held[--n_held]);
  FS_CHECK (fs_store_get (store, &digest, NULL) == FS_OK);
  return 0;
}

static void
test_limit (void)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child ("a limit of 32 descriptors", test_limit_body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

static const CU_TestInfo tests[] = {
  { "F4 without rights, at each level, is PERMISSION and never absence", test_denied },
  { "F14 another owner's blob is replaced by a hit that is due, or PERMISSION",
    test_other_owner },
  { "an unprivileged user links by one way or another", test_unprivileged },
  { "F6 a full filesystem is NO_SPACE, without residue, and works again", test_no_space },
  { "F7 a read-only filesystem reads, and says READ_ONLY to all else", test_read_only },
  { "F8 at the limit of descriptors operations wait for others, then say BUSY",
    test_limit },
  CU_TEST_INFO_NULL
};

int
main (void)
{
  fs_plugin (); /* before anybody gives up the right to read it */
  umask (022);  /* what is another owner's can be read */
  CU_initialize_registry ();
  CU_SuiteInfo suites[] = {
    { "fs: places", NULL, NULL, NULL, NULL, (CU_TestInfo *) tests }, CU_SUITE_INFO_NULL
  };
  CU_register_suites (suites);
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures ();
  CU_cleanup_registry ();
  return failures != 0;
}
