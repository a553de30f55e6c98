/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-full.c: F6: a small filesystem that is full, of blocks or of inodes, at each
 * stage of each operation: one page or inode more at a time, until it succeeds. What
 * fails says NO_SPACE and leaves nothing, and once there is room the same works. */
#include "fs-place.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FULL_MOST 24

typedef struct
{
  guint64 blocks, inodes; /* free ones */
} FullRoom;

static FullRoom
full_room (const char *root)
{
  struct statfs fs = { 0 };
  statfs (root, &fs);
  return (FullRoom){ fs.f_bfree, fs.f_ffree };
}

/* Leaves exactly so much room, or ample room. */
static gboolean
full_leave (const char *root, gboolean is_inodes, gint64 room)
{
  struct statfs fs;
  if (statfs (root, &fs) != 0)
    return FALSE;
  guint64 blocks = fs.f_blocks - fs.f_bfree, inodes = fs.f_files - fs.f_ffree;
  blocks += is_inodes || room < 0 ? 1000 : (guint64) room;
  inodes += !is_inodes || room < 0 ? 1000 : (guint64) room;
  g_autofree char *options = g_strdup_printf (
      "nr_blocks=%" G_GUINT64_FORMAT ",nr_inodes=%" G_GUINT64_FORMAT, blocks, inodes);
  return mount (NULL, root, NULL, MS_REMOUNT, options) == 0;
}

/* Directories that a blob or an upload needs stay: they are empty, and serve the next. */
static guint full_n_files;

static int
full_count_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) type;
  (void) ftw;
  gboolean is_lock = g_str_has_suffix (path, "/lock");
  full_n_files += S_ISREG (st->st_mode) && !is_lock;
  return 0;
}

static guint
full_count (const char *root)
{
  full_n_files = 0;
  nftw (root, full_count_one, 16, FTW_PHYS);
  return full_n_files;
}

/* One operation in ever more room. Returns: 0 when it has succeeded at last. */
static int
full_try (const char *root, PlaceOp op, gboolean is_inodes)
{
  guint n_failed = 0;
  for (gint64 room = 0; room < FULL_MOST; room++)
    {
      FS_CHECK (fs_place_mount_tmpfs (root, "size=16m"));
      g_autofree char *id = fs_place_make (root);
      g_autoptr (FsStore) store = fs_place_open (root, NULL);
      FS_CHECK (id != NULL && store != NULL);
      guint before = full_count (root);
      FS_CHECK (full_leave (root, is_inodes, room));
      FullRoom room_before = full_room (root);
      int code = fs_place_do (store, op, id, NULL);
      if (code != FS_OK && code != CASK_ERROR_NO_SPACE)
        fprintf (stderr, "\n    %s with room for %d: %d", fs_place_name (op), (int) room,
                 code);
      FS_CHECK (code == FS_OK || code == CASK_ERROR_NO_SPACE);
      gboolean is_done = code == FS_OK;
      n_failed += !is_done;
      if (!is_done)
        {
          FS_CHECK (full_count (root) == before);
          FS_CHECK (full_room (root).blocks + 4 >= room_before.blocks);
          FS_CHECK (fs_place_do (store, PLACE_GET, id, NULL) == FS_OK);
          FS_CHECK (fs_place_do (store, PLACE_LIST, id, NULL) == FS_OK);
          FS_CHECK (fs_place_do (store, PLACE_RESUME, id, NULL) == FS_OK);
          FS_CHECK (full_leave (root, is_inodes, -1));
          FS_CHECK (fs_place_do (store, op, id, NULL) == FS_OK);
        }
      g_clear_pointer (&store, fs_store_close);
      FS_CHECK (fs_count_files (root, TRUE) == 0);
      FS_CHECK (umount (root) == 0);
      if (is_done)
        return n_failed > 0 ? 0 : 1;
    }
  return 1;
}

static int
full_body (const char *root, gboolean is_inodes)
{
  static const PlaceOp ops[] = { PLACE_NEW,     PLACE_NEW_MANY, PLACE_NEW_SHARD,
                                 PLACE_REPLACE, PLACE_UPLOAD,   PLACE_COMMIT,
                                 PLACE_SAVE };
  if (!fs_place_unshare () || !fs_place_mount_tmpfs (root, "size=1m") ||
      umount (root) != 0)
    return FS_NOT_RUN;
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      int code = full_try (root, ops[i], is_inodes);
      if (code != 0)
        fprintf (stderr, "\n    %s\n", fs_place_name (ops[i]));
      FS_CHECK (code == 0);
    }
  return 0;
}

static int
full_blocks_body (const char *root)
{
  return full_body (root, FALSE);
}

static int
full_inodes_body (const char *root)
{
  return full_body (root, TRUE);
}

/* What needs no room works where there is none: blobs can be used, and removed. */
static int
full_rest_body (const char *root)
{
  if (!fs_place_unshare () || !fs_place_mount_tmpfs (root, "size=16m"))
    return FS_NOT_RUN;
  g_autofree char *id = fs_place_make (root);
  g_autoptr (FsStore) store = fs_place_open (root, NULL);
  FS_CHECK (id != NULL && store != NULL && full_leave (root, TRUE, 0));
  FS_CHECK (full_leave (root, FALSE, 0) && full_leave (root, TRUE, 0));
  PlaceExpect expect = {
    .n_listed = PLACE_N_BLOBS,
    .n_uploads = 1,
    .code = CASK_ERROR_NO_SPACE,
    .failing = PLACE_BIT (NEW) | PLACE_BIT (NEW_MANY) | PLACE_BIT (NEW_SHARD) |
               PLACE_BIT (REPLACE) | PLACE_ANY_UPLOAD,
  };
  FS_CHECK (fs_place_check (store, "no room", id, &expect) == 0);
  return 0;
}

static void
full_run (const char *name, FsBody body)
{
  g_autofree char *root = fs_scratch_new ();
  fs_in_child (name, body, root);
  fs_scratch_free (g_steal_pointer (&root));
}

static void
test_blocks (void)
{
  full_run ("a filesystem without blocks", full_blocks_body);
}

static void
test_inodes (void)
{
  full_run ("a filesystem without inodes", full_inodes_body);
}

static void
test_rest (void)
{
  full_run ("a full filesystem", full_rest_body);
}

CU_TestInfo fs_full_tests[] = {
  { "F6 without blocks each stage is NO_SPACE, and works once there are some",
    test_blocks },
  { "F6 and so without inodes", test_inodes },
  { "F6 what needs no room works without", test_rest },
  CU_TEST_INFO_NULL
};
