/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-odd.c: the fs backend where a disk is slow, somebody writes within a tick of
 * the clock, directories are removed and made again, and open meets a limit. */
#include "fs-test.h"

#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Versions ---- */

/* The write leaves the ctime that the touch noted. */
static void
test_write_in_the_tick (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo before, touched, after;
  g_autofree char *path = fs_path (store, &digest);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (chmod (path, 0600), 0);
  struct timespec changed = { .tv_sec = 1000000000, .tv_nsec = 1 };
  fs_fault_set_ctime (&changed);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &before), FS_OK);
  CU_ASSERT_NOT_EQUAL (before.version, 0);
  CU_ASSERT_EQUAL (fs_store_touch (store, &digest, &touched), FS_OK);
  CU_ASSERT_EQUAL (touched.version, before.version);
  int fd = open (path, O_WRONLY);
  CU_ASSERT_EQUAL (pwrite (fd, "y", 1, 0), 1);
  close (fd);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), FS_OK);
  CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &after), FS_OK);
  CU_ASSERT_NOT_EQUAL (after.version, before.version);
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* Somebody may have written between the look and the end of the read. */
static void
test_version_of_slow_read (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  struct stat st = { 0 };
  g_autofree char *path = fs_path (store, &digest);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (stat (path, &st), 0);
  fs_clock_set (&st.st_ctim);
  fs_fault_set_slow (FS_CALL_PREAD, 1);
  g_autoptr (GBytes) bytes =
      store->ops->get (store->backend, &digest, 0, CASK_TO_END, 0, &info, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL (bytes);
  CU_ASSERT_EQUAL (info.version, 0);
  fs_clock_set (&st.st_ctim);
  fs_fault_set_slow (FS_CALL_PREADV2, 1);
  g_autoptr (GBytes) tried = NULL;
  if (store->ops->try_get (store->backend, &digest, 0, CASK_TO_END, 0, &tried, &info) ==
      CASK_TRY_FOUND)
    CU_ASSERT_EQUAL (info.version, 0);
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* ---- S16: the time is the commit's ---- */

static void
test_slow_sync (void)
{
  static const struct
  {
    guint slow, renewals;
  } cases[] = { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 1000, 4 } };
  FS_TEST_STORE (store, .durability = FS_DATA);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CaskDigest digest = fs_digest (1, 1, i);
      fs_fault_count_clear ();
      fs_fault_set_slow (FS_CALL_FDATASYNC, cases[i].slow);
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
      fs_fault_clear ();
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FUTIMENS), cases[i].renewals);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FDATASYNC), cases[i].renewals);
    }
  fs_store_end (&store, &root);
}

/* The sync of one of a batch is slow, so all of them are old when it ends. */
static void
test_slow_batch (void)
{
  FS_TEST_STORE (store, .durability = FS_DATA);
  for (guint slow = 0; slow < 2; slow++)
    {
      CaskDigest digests[3];
      CaskItem items[3] = { 0 };
      for (guint i = 0; i < G_N_ELEMENTS (items); i++)
        {
          digests[i] = fs_digest (1, 1, 10 * slow + i);
          items[i].digest = &digests[i];
          items[i].bytes = g_bytes_new_static ("x", 1);
        }
      fs_fault_count_clear ();
      fs_fault_set_slow (FS_CALL_FDATASYNC, slow);
      CU_ASSERT_TRUE (store->ops->put_many (store->backend, items, G_N_ELEMENTS (items),
                                            0, NULL, NULL));
      fs_fault_clear ();
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FUTIMENS), slow == 0 ? 3 : 6);
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FDATASYNC), slow == 0 ? 3 : 6);
      for (guint i = 0; i < G_N_ELEMENTS (items); i++)
        {
          CU_ASSERT (items[i].error == NULL && items[i].outcome == TRUE);
          g_clear_error (&items[i].error);
          g_bytes_unref (items[i].bytes);
        }
    }
  fs_store_end (&store, &root);
}

/* ---- A time that the filesystem may have rounded ---- */

static void
test_rounded_time (void)
{
  static const struct
  {
    gint64 nsec;
    FsPlace place;
    gint64 since_usec; /* after the time's second */
    CaskRemoved outcome;
  } cases[] = {
    { 1000, FS_PLACE_LOCAL, 1, CASK_REMOVED_KEPT },
    { 1000, FS_PLACE_LOCAL, 2, CASK_REMOVED_DONE },
    { 0, FS_PLACE_LOCAL, 1000000, CASK_REMOVED_KEPT },
    { 0, FS_PLACE_LOCAL, 1000001, CASK_REMOVED_DONE },
    { 0, FS_PLACE_MEMORY, 1000000, CASK_REMOVED_KEPT },
    { 0, FS_PLACE_MEMORY, 1000001, CASK_REMOVED_DONE },
    { 0, FS_PLACE_OTHER, 2000000, CASK_REMOVED_KEPT },
    { 0, FS_PLACE_OTHER, 2000001, CASK_REMOVED_DONE },
  };
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *path = fs_path (store, &digest);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const gint64 second = 1500000000;
      struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                   { .tv_sec = second, .tv_nsec = cases[i].nsec } };
      CaskRemoved outcome = CASK_REMOVED_MAYBE;
      fs_store_put (store, &digest, "x");
      CU_ASSERT_EQUAL (utimensat (AT_FDCWD, path, times, 0), 0);
      store->backend->place = cases[i].place;
      CU_ASSERT_EQUAL (fs_store_remove (store, &digest,
                                        second * G_USEC_PER_SEC + cases[i].since_usec,
                                        &outcome),
                       FS_OK);
      CU_ASSERT_EQUAL (outcome, cases[i].outcome);
    }
  fs_store_end (&store, &root);
}

/* ---- Directories that are made again ---- */

static gint64
test_born (const char *path)
{
  struct statx st = { 0 };
  CU_ASSERT_EQUAL (statx (AT_FDCWD, path, 0, STATX_BTIME, &st), 0);
  return st.stx_mask & STATX_BTIME
             ? st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec
             : 0;
}

/* By the store itself, or by another process. */
static void
test_made_again (gboolean by_other)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskRemoved outcome;
  g_autofree char *shard = g_build_filename (root, "sha256", "01", NULL);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome), FS_OK);
  gint64 born = test_born (shard);
  if (by_other && born == 0)
    printf ("\n    not run: this filesystem does not tell when files were born\n");
  else
    {
      CU_ASSERT_EQUAL (rmdir (shard), 0);
      while (by_other && mkdir (shard, 0777) == 0 && test_born (shard) == born)
        CU_ASSERT_EQUAL (rmdir (shard), 0);
      fs_fault_count_clear ();
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
      /* The file, the shard, and what it is in. */
      CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSYNC), 3);
    }
  fs_store_end (&store, &root);
}

static void
test_directories_made_again (void)
{
  test_made_again (FALSE);
  test_made_again (TRUE);
}

/* Their inode numbers may be those of before. */
static void
test_top_made_again (void)
{
  FS_TEST_STORE (store, .durability = FS_FULL);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskRemoved outcome;
  g_autofree char *top = g_build_filename (root, "sha256", NULL);
  g_autofree char *shard = g_build_filename (top, "01", NULL);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome), FS_OK);
  CU_ASSERT (rmdir (shard) == 0 && rmdir (top) == 0);
  fs_fault_count_clear ();
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_FSYNC), 4);
  fs_store_end (&store, &root);
}

/* ---- Lists ---- */

static void
test_types_untold (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), other = fs_digest (1, 1, 2);
  CaskBlobInfo infos[4];
  gboolean more;
  GError *error = NULL;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_put (store, &other, "x"), FS_CREATED);
  fs_fault_set_no_types (TRUE);
  static const int codes[] = { 0, EIO, EACCES, ENOENT };
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      guint32 n_infos = G_N_ELEMENTS (infos);
      fs_fault_set (FS_CALL_FSTATAT, codes[i], 0, 1);
      gboolean listed = store->ops->list (store->backend, NULL, CASK_LIST_BRIEF, infos,
                                          &n_infos, &more, NULL, &error);
      CU_ASSERT_EQUAL (listed, codes[i] == 0 || codes[i] == ENOENT);
      CU_ASSERT (!listed || n_infos == (codes[i] == 0 ? 2 : 1));
      fs_code (g_steal_pointer (&error));
    }
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* ---- Open at the limit ---- */

static void
test_open_at_limit (void)
{
  g_autofree char *root = fs_scratch_new ();
  FsSpec spec = { .durability = FS_NONE };
  GError *error = NULL;
  fs_fault_count_clear ();
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  guint opens = fs_fault_count (FS_CALL_OPENAT2);
  g_clear_pointer (&store, fs_store_close);
  /* The first asks whether there is such a call, which this does not answer. */
  fs_fault_set (FS_CALL_OPENAT2, EMFILE, 0, 1);
  store = fs_store_open (root, &spec, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  CU_ASSERT_EQUAL (fs_fault_count (FS_CALL_OPENAT2), 2 * opens);
  g_clear_pointer (&store, fs_store_close);
  /* Those between look for the other layout, and for nothing that has to be known. */
  fs_fault_set (FS_CALL_OPENAT2, EMFILE, opens - 1, G_MAXINT);
  if (opens > 1)
    {
      CU_ASSERT_PTR_NULL (fs_store_open (root, &spec, &error));
      CU_ASSERT (error != NULL && strstr (error->message, "limit") != NULL);
      CU_ASSERT_EQUAL (fs_code (error), CASK_ERROR_BUSY);
    }
  fs_fault_clear ();
  fs_scratch_free (g_steal_pointer (&root));
}

/* ---- A try where no read is free of waiting ---- */

static void
test_try_without_nowait (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), missing = fs_digest (1, 1, 2);
  CaskBlobInfo info;
  g_autoptr (GBytes) bytes = NULL;
  const CaskBackendOps *ops = store->ops;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (fs_store_get (store, &missing, NULL), CASK_ERROR_NOT_FOUND);
  CaskTry absent = ops->try_stat (store->backend, &missing, &info);
  fs_fault_set (FS_CALL_PREADV2, EOPNOTSUPP, 0, 1);
  for (guint i = 0; i < 2; i++)
    CU_ASSERT_EQUAL (
        ops->try_get (store->backend, &digest, 0, CASK_TO_END, 0, &bytes, &info),
        CASK_TRY_AGAIN);
  CU_ASSERT_EQUAL (
      ops->try_get (store->backend, &missing, 0, CASK_TO_END, 0, &bytes, &info), absent);
  if (absent != CASK_TRY_ABSENT)
    printf ("\n    not run: the kernel does not remember absence here\n");
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

/* ---- X5: sizes that no file has ---- */

/* Refused memory is NULL under AddressSanitizer too. */
const char *__asan_default_options (void);
const char *
__asan_default_options (void)
{
  return "allocator_may_return_null=1";
}

static int
test_get_range (FsStore *store, const CaskDigest *digest, guint64 offset, guint64 length)
{
  CaskBlobInfo info;
  GError *error = NULL;
  g_autoptr (GBytes) bytes =
      store->ops->get (store->backend, digest, offset, length, 0, &info, NULL, &error);
  CU_ASSERT ((bytes != NULL) == (error == NULL));
  return fs_code (error);
}

/* The file has ten bytes, whatever it says. */
static void
test_size (FsStore *store, gint64 size)
{
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  GError *error = NULL;
  char buffer[16];
  g_autoptr (GBytes) tried = NULL;
  const CaskBackendOps *ops = store->ops;
  fs_fault_set_size (0);
  CU_ASSERT (fs_store_put (store, &digest, "0123456789") < 0);
  fs_fault_set_size (size);
  int whole = fs_store_get (store, &digest, NULL);
  CU_ASSERT (whole == CASK_ERROR_TOO_LARGE || whole == CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (test_get_range (store, &digest, 0, 10), FS_OK);
  CU_ASSERT_EQUAL (test_get_range (store, &digest, 10, 10), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (
      ops->try_get (store->backend, &digest, 0, CASK_TO_END, 0, &tried, &info),
      CASK_TRY_AGAIN);
  CaskBackendBlob *blob =
      ops->blob_open (store->backend, &digest, 0, &info, NULL, &error);
  CU_ASSERT_PTR_NOT_NULL (blob);
  if (blob == NULL)
    return;
  CU_ASSERT_EQUAL (
      ops->blob_read (store->backend, blob, 0, buffer, sizeof buffer, NULL, NULL), 10);
  CU_ASSERT_EQUAL (
      ops->blob_read (store->backend, blob, 10, buffer, sizeof buffer, NULL, &error), -1);
  CU_ASSERT_EQUAL (fs_code (error), CASK_ERROR_CORRUPT);
  ops->blob_close (store->backend, blob);
}

static void
test_sizes (void)
{
  static const gint64 sizes[] = { G_MAXINT64, -1, G_MININT64, (gint64) 1 << 62,
                                  (gint64) 1 << 45 };
  FS_TEST_STORE (store, .durability = FS_NONE);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    test_size (store, sizes[i]);
  fs_fault_clear ();
  fs_store_end (&store, &root);
}

CU_TestInfo fs_odd_tests[] = {
  { "X5 a size that no file has is believed as far as there are bytes", test_sizes },
  { "S7 a write in the tick of a renewal changes the version", test_write_in_the_tick },
  { "S7 a blob that was new before it was read has no version",
    test_version_of_slow_read },
  { "S16 a time that grew old in a slow sync is set again, a few times", test_slow_sync },
  { "S16 and so are those of a batch of which one was slow", test_slow_batch },
  { "C90 a time of whole seconds may have been a later one", test_rounded_time },
  { "D10 a shard that was made again is not known to be durable",
    test_directories_made_again },
  { "D10 nor is what the shards are in", test_top_made_again },
  { "a blob of which no type can be had fails the list", test_types_untold },
  { "F8 open at the limit of descriptors is BUSY", test_open_at_limit },
  { "a try says ABSENT also where every read may wait", test_try_without_nowait },
  CU_TEST_INFO_NULL
};
