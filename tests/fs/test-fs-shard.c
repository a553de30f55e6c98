/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-shard.c: what a shard that is kept open must not hide: that somebody has moved
 * it away, or removed it and made another; and that it is in nobody's way. */
#include "fs-private.h"
#include "fs-test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARD_USES 1000 /* far more than it takes, on a busy machine too */

typedef struct
{
  FsStore *store;
  CaskDigest blob, other; /* in one shard; the first is there, the second not */
  char *shard, *aside;
} ShardCase;

static void
shard_case_begin (ShardCase *shard, FsStore *store)
{
  CaskBlobInfo info;
  *shard = (ShardCase){ .store = store,
                        .blob = fs_digest (CASK_ALGORITHM_SHA256, 7, 1),
                        .other = fs_digest (CASK_ALGORITHM_SHA256, 7, 2) };
  g_autofree char *path = fs_path (store, &shard->blob);
  shard->shard = g_path_get_dirname (path);
  shard->aside = g_build_filename (store->root, "aside", NULL);
  CU_ASSERT_EQUAL (fs_store_put (store, &shard->blob, "here"), FS_CREATED);
  guint before = fs_count_fds ();
  for (guint i = 0; i < SHARD_USES && fs_count_fds () == before; i++)
    CU_ASSERT_EQUAL (fs_store_stat (store, &shard->blob, &info), FS_OK);
  CU_ASSERT_EQUAL (fs_count_fds (), before + 1);
}

static void
shard_case_end (ShardCase *shard)
{
  g_free (shard->shard);
  g_free (shard->aside);
}

static gboolean
shard_is_there (const ShardCase *shard, const CaskDigest *digest)
{
  g_autofree char *path = fs_path (shard->store, digest);
  return access (path, F_OK) == 0;
}

typedef void (*ShardUse) (ShardCase *shard);

static void
shard_put (ShardCase *shard)
{
  CU_ASSERT_EQUAL (fs_store_put (shard->store, &shard->other, "new"), FS_CREATED);
  CU_ASSERT_TRUE (shard_is_there (shard, &shard->other));
}

static void
shard_replace (ShardCase *shard)
{
  CU_ASSERT (fs_store_put_flags (shard->store, &shard->blob, "new", CASK_PUT_REPLACE) <
             0);
  CU_ASSERT_TRUE (shard_is_there (shard, &shard->blob));
}

static void
shard_hit (ShardCase *shard)
{
  CU_ASSERT_EQUAL (fs_store_put (shard->store, &shard->blob, "here"), FS_CREATED);
  CU_ASSERT_TRUE (shard_is_there (shard, &shard->blob));
}

static void
shard_touch (ShardCase *shard)
{
  CaskBlobInfo info;
  CU_ASSERT_EQUAL (fs_store_touch (shard->store, &shard->blob, &info),
                   CASK_ERROR_NOT_FOUND);
}

/* Another process has stored the blob in the shard's place. */
static void
shard_remove (ShardCase *shard)
{
  g_autofree char *path = fs_path (shard->store, &shard->blob);
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  CU_ASSERT_TRUE (fs_write_file (path, "here"));
  CU_ASSERT_EQUAL (fs_store_remove (shard->store, &shard->blob, CASK_ALWAYS, &outcome),
                   FS_OK);
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_DONE);
  CU_ASSERT_FALSE (shard_is_there (shard, &shard->blob));
}

static void
test_moved (void)
{
  static const ShardUse uses[] = { shard_put, shard_replace, shard_hit, shard_touch,
                                   shard_remove };
  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      /* What is young is used without another look. */
      FS_TEST_STORE (store, .durability = i % 2 ? FS_DATA : FS_NONE,
                     .freshen_usec = 60 * G_USEC_PER_SEC);
      ShardCase shard;
      shard_case_begin (&shard, store);
      CU_ASSERT_EQUAL (rename (shard.shard, shard.aside), 0);
      uses[i](&shard);
      shard_case_end (&shard);
      fs_store_end (&store, &root);
    }
}

static void
test_removed (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  ShardCase shard;
  CaskBlobInfo info;
  shard_case_begin (&shard, store);
  g_autofree char *path = fs_path (store, &shard.blob);
  CU_ASSERT (unlink (path) == 0 && rmdir (shard.shard) == 0);
  CU_ASSERT_TRUE (fs_write_file (path, "again"));
  CU_ASSERT_EQUAL (fs_store_stat (store, &shard.blob, &info), FS_OK);
  CU_ASSERT_EQUAL (info.size, 5);
  shard_case_end (&shard);
  fs_store_end (&store, &root);
}

/* A name in the shard is looked up anew each time, and no link is followed. */
static void
test_link (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  ShardCase shard;
  CaskBlobInfo info;
  g_autofree char *text = NULL;
  shard_case_begin (&shard, store);
  g_autofree char *path = fs_path (store, &shard.blob);
  CU_ASSERT_EQUAL (rename (path, shard.aside), 0);
  CU_ASSERT_EQUAL (symlink (shard.aside, path), 0);
  CU_ASSERT_EQUAL (fs_store_get (store, &shard.blob, &text), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_stat (store, &shard.blob, &info), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_touch (store, &shard.blob, &info), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_put (store, &shard.blob, "here"), CASK_ERROR_CORRUPT);
  shard_case_end (&shard);
  fs_store_end (&store, &root);
}

/* ---- Beside who waits for a descriptor ---- */

#define SHARD_FDS 64

/* Leaves the process no descriptor to open. Returns: how many it took */
static guint
shard_take_fds (int *fds, struct rlimit *before)
{
  struct rlimit few;
  guint n = 0;
  CU_ASSERT_EQUAL (getrlimit (RLIMIT_NOFILE, before), 0);
  few = *before;
  few.rlim_cur = SHARD_FDS;
  CU_ASSERT_EQUAL (setrlimit (RLIMIT_NOFILE, &few), 0);
  while (n < SHARD_FDS && (fds[n] = dup (STDIN_FILENO)) >= 0)
    n++;
  CU_ASSERT_EQUAL (errno, EMFILE);
  return n;
}

/* Makes the store keep one shard more. */
static void
shard_keep_another (FsStore *store, const CaskDigest *digest)
{
  CaskBlobInfo info;
  guint before = fs_count_fds ();
  CU_ASSERT_EQUAL (fs_store_put (store, digest, "here"), FS_CREATED);
  for (guint i = 0; i < SHARD_USES && fs_count_fds () == before; i++)
    CU_ASSERT_EQUAL (fs_store_stat (store, digest, &info), FS_OK);
  CU_ASSERT_EQUAL (fs_count_fds (), before + 1);
}

/* Another store idles, and would keep what it has until somebody comes to it. */
static void
test_other_waits (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *other_root = fs_scratch_new ();
  g_autoptr (FsStore) other = fs_store_open (other_root, &spec, NULL);
  CaskDigest digest = fs_digest (CASK_ALGORITHM_SHA256, 9, 1);
  CaskDigest next = fs_digest (CASK_ALGORITHM_SHA512, 7, 1);
  ShardCase shard;
  struct rlimit before;
  int fds[SHARD_FDS];
  CU_ASSERT_PTR_NOT_NULL (other);
  if (other == NULL)
    return;
  shard_case_begin (&shard, store);
  guint n_fds = fs_count_fds ();
  shard_keep_another (store, &next);
  CU_ASSERT_EQUAL (fs_store_put (other, &digest, "x"), FS_CREATED);
  guint n = shard_take_fds (fds, &before);
  CU_ASSERT_EQUAL (fs_store_get (other, &digest, NULL), FS_OK);
  for (guint i = 0; i < n; i++)
    close (fds[i]);
  CU_ASSERT_EQUAL (setrlimit (RLIMIT_NOFILE, &before), 0);
  CU_ASSERT_EQUAL (fs_count_fds (), n_fds - 1);
  shard_case_end (&shard);
  fs_store_end (&other, &other_root);
  fs_store_end (&store, &root);
}

/* The same where the other one is only being opened. */
static void
test_other_opens (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *other_root = fs_scratch_new ();
  g_autoptr (GError) error = NULL;
  CaskDigest next = fs_digest (CASK_ALGORITHM_SHA512, 7, 1);
  ShardCase shard;
  struct rlimit before;
  int fds[SHARD_FDS];
  shard_case_begin (&shard, store);
  shard_keep_another (store, &next);
  guint n = shard_take_fds (fds, &before);
  g_autoptr (FsStore) other = fs_store_open (other_root, &spec, &error);
  CU_ASSERT_PTR_NOT_NULL (other);
  g_clear_error (&error);
  /* Nobody keeps anything now. */
  while (n < SHARD_FDS && (fds[n] = dup (STDIN_FILENO)) >= 0)
    n++;
  g_autoptr (FsStore) none = fs_store_open (root, &spec, &error);
  CU_ASSERT_PTR_NULL (none);
  CU_ASSERT_TRUE (g_error_matches (error, CASK_ERROR, CASK_ERROR_BUSY));
  for (guint i = 0; i < n; i++)
    close (fds[i]);
  CU_ASSERT_EQUAL (setrlimit (RLIMIT_NOFILE, &before), 0);
  /* Shards are kept again. */
  CU_ASSERT_EQUAL (fs_store_get (store, &next, NULL), FS_OK);
  next = fs_digest (CASK_ALGORITHM_SHA512, 8, 1);
  shard_keep_another (store, &next);
  shard_case_end (&shard);
  if (other != NULL)
    fs_store_end (&other, &other_root);
  fs_store_end (&store, &root);
}

static struct
{
  const FsSystem *system; /* what the calls go to */
  guint n_shards;         /* so many were opened */
  gboolean waits;         /* somebody begins to wait while one is */
} shard_watch;

static int
shard_watch_openat2 (int directory, const char *path, const struct open_how *how)
{
  if (how->flags & O_DIRECTORY)
    shard_watch.n_shards++;
  if ((how->flags & O_DIRECTORY) && shard_watch.waits)
    fs_shards_withhold ();
  return shard_watch.system->openat2 (directory, path, how);
}

/* Uses the shard far more than it takes. Returns: how often it was opened */
static guint
shard_count_opens (FsStore *store, const CaskDigest *digest, gboolean waits, guint n_uses)
{
  FsSystem watching = *fs_system;
  CaskBlobInfo info;
  shard_watch.system = fs_system;
  shard_watch.n_shards = 0;
  shard_watch.waits = waits;
  watching.openat2 = shard_watch_openat2;
  fs_system = &watching;
  for (guint i = 0; i < n_uses && (!waits || shard_watch.n_shards == 0); i++)
    CU_ASSERT_EQUAL (fs_store_stat (store, digest, &info), FS_OK);
  fs_system = shard_watch.system;
  return shard_watch.n_shards;
}

static void
test_none_is_kept (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (CASK_ALGORITHM_SHA256, 9, 1);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  guint before = fs_count_fds ();
  fs_shards_withhold ();
  CU_ASSERT_EQUAL (shard_count_opens (store, &digest, FALSE, SHARD_USES), 0);
  fs_shards_allow ();
  /* Now the same, but that somebody comes to wait when it is being opened. */
  if (shard_count_opens (store, &digest, TRUE, SHARD_USES) == 1)
    {
      CU_ASSERT_EQUAL (fs_count_fds (), before);
      fs_shards_allow ();
    }
  else /* a kernel without openat2 */
    CU_ASSERT_EQUAL (shard_watch.n_shards, 0);
  fs_store_end (&store, &root);
}

static void
test_close (void)
{
  guint before = fs_count_fds ();
  FS_TEST_STORE (store, .durability = FS_NONE);
  ShardCase shard;
  shard_case_begin (&shard, store);
  shard_case_end (&shard);
  fs_store_end (&store, &root);
  CU_ASSERT_EQUAL (fs_count_fds (), before);
}

CU_TestInfo fs_shard_tests[] = {
  { "S3 nothing that is acknowledged goes into a shard that was moved away", test_moved },
  { "S3 a shard that was removed and made again hides nothing", test_removed },
  { "F5 S13 a link in a blob's place in a shard that is kept open is CORRUPT",
    test_link },
  { "F8 a store that idles gives its shards back where another waits for a descriptor",
    test_other_waits },
  { "F8 a store that is opened gets the descriptors of shards that another keeps",
    test_other_opens },
  { "F8 no shard is kept while somebody waits for a descriptor", test_none_is_kept },
  { "a store that is closed keeps no shard open", test_close },
  CU_TEST_INFO_NULL
};
