/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-wall.c: F3, F4, F5: something stands in the place of each file and directory of
 * a store, or bars the way to it, before it is opened and after: what has to pass there
 * fails, what does not goes on, and nothing is made, read or removed elsewhere. */
#include "fs-place.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum
{
  WALL_DENIED,       /* mode 0 */
  WALL_UNSEARCHABLE, /* a directory that may be read and not passed */
  WALL_UNWRITABLE,
  WALL_LINK, /* to the real thing, outside */
  WALL_LOOP, /* a link to itself */
  WALL_FIFO,
  WALL_OTHER, /* a file for a directory, a directory for a file */
  WALL_N
} WallKind;

static const char *const wall_kinds[WALL_N] = { "mode 0",        "mode 0444", "mode 0555",
                                                "link",          "loop",      "FIFO",
                                                "the other kind" };

static const struct
{
  const char *path; /* of the upload's parts: below .uploads/<id>; "": every blob */
  gboolean is_directory;
  gboolean is_upload;
  guint32 passing;  /* what has to look there */
  guint32 renaming; /* what adds or takes away a name there */
} walls[] = {
  { .path = ".",
    .is_directory = TRUE,
    .passing = PLACE_ALL & ~(PLACE_BIT (TRY) | PLACE_BIT (USAGE) | PLACE_BIT (FLUSH)),
    .renaming = PLACE_ANY_UPLOAD },
  { .path = "sha256",
    .is_directory = TRUE,
    .passing = PLACE_IN_SHARD | PLACE_BIT (NEW_SHARD),
    .renaming = PLACE_BIT (NEW_SHARD) },
  { .path = "sha256/11",
    .is_directory = TRUE,
    .passing = PLACE_IN_SHARD,
    .renaming = PLACE_NAMES },
  { .path = "", .passing = PLACE_OLD },
  { .path = ".tmp",
    .is_directory = TRUE,
    .passing = PLACE_BIT (REPLACE),
    .renaming = PLACE_BIT (REPLACE) },
  { .path = ".uploads",
    .is_directory = TRUE,
    .passing = PLACE_BIT (SAVE) | PLACE_BIT (RESUME) | PLACE_BIT (UPLOADS),
    .renaming = PLACE_BIT (SAVE) },
  { .path = "", .is_directory = TRUE, .is_upload = TRUE, .passing = PLACE_BIT (RESUME) },
  { .path = "data", .is_upload = TRUE, .passing = PLACE_BIT (RESUME) },
  { .path = "state", .is_upload = TRUE, .passing = PLACE_BIT (RESUME) },
  { .path = ".quarantine",
    .is_directory = TRUE,
    .passing = PLACE_BIT (CONDEMN),
    .renaming = PLACE_BIT (CONDEMN) },
};

typedef struct
{
  guint at;
  WallKind kind;
  gboolean is_late; /* it is put up once the store is open */
} Wall;

static Wall wall;

/* ---- Putting it up ---- */

static int
wall_put (const char *path, const char *outside)
{
  static const mode_t modes[] = { 0, 0444, 0555 };
  if (wall.kind <= WALL_UNWRITABLE)
    return chmod (path, modes[wall.kind]);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *moved = g_build_filename (outside, name, NULL);
  if (rename (path, moved) != 0)
    return -1;
  if (wall.kind == WALL_LINK)
    return symlink (moved, path);
  if (wall.kind == WALL_LOOP)
    return symlink (path, path);
  if (wall.kind == WALL_FIFO)
    return mkfifo (path, 0666);
  return walls[wall.at].is_directory ? !g_file_set_contents (path, "", 0, NULL)
                                     : mkdir (path, 0777);
}

static int
wall_put_all (FsStore *named, const char *root, const char *outside, const char *id)
{
  const char *path = walls[wall.at].path;
  g_autofree char *one = walls[wall.at].is_upload
                             ? g_build_filename (root, ".uploads", id, path, NULL)
                             : g_build_filename (root, path, NULL);
  if (path[0] != '\0' || walls[wall.at].is_upload)
    return wall_put (g_str_has_suffix (one, "/.") ? root : one, outside);
  for (guint i = 0; i < PLACE_N_BLOBS; i++)
    {
      CaskDigest digest = fs_place_digest (i);
      g_autofree char *blob = fs_path (named, &digest);
      if (wall_put (blob, outside) != 0)
        return -1;
    }
  return 0;
}

/* ---- What is right there ---- */

static int
wall_code (void)
{
  if (wall.kind <= WALL_UNWRITABLE)
    return CASK_ERROR_PERMISSION;
  /* In a blob's or an upload's place it is that one that is damaged. */
  return !walls[wall.at].is_directory || walls[wall.at].is_upload ? CASK_ERROR_CORRUPT
                                                                  : CASK_ERROR_IO;
}

static PlaceExpect
wall_expect (void)
{
  PlaceExpect expect = { .failing = walls[wall.at].passing,
                         .code = wall_code (),
                         .n_listed = PLACE_N_BLOBS,
                         .n_uploads = 1 };
  gboolean is_blob = !walls[wall.at].is_directory && !walls[wall.at].is_upload;
  if (wall.kind == WALL_UNWRITABLE)
    expect.failing = walls[wall.at].renaming;
  else if (walls[wall.at].is_upload)
    expect.n_uploads = 0;
  /* Looking at a file needs no right to read it. Taking its name does, for the lock. */
  if (is_blob && wall.kind == WALL_DENIED)
    expect.failing &= ~(PLACE_BIT (STAT) | PLACE_BIT (CONTAINS));
  else if (is_blob)
    expect.n_listed = 0;
  return expect;
}

static gboolean
wall_applies (void)
{
  if (wall.kind == WALL_UNWRITABLE)
    return walls[wall.at].renaming != 0;
  if (wall.kind == WALL_UNSEARCHABLE)
    return walls[wall.at].is_directory;
  /* The root itself is what its path leads to: nothing can stand in its place later. */
  return wall.at > 0 || wall.kind == WALL_DENIED;
}

static int
wall_body (const char *base)
{
  if (!fs_place_be_nobody ())
    return FS_NOT_RUN;
  g_autofree char *root = g_build_filename (base, "root", NULL);
  g_autofree char *outside = g_build_filename (base, "outside", NULL);
  g_autofree char *id = mkdir (outside, 0777) == 0 ? fs_place_make (root) : NULL;
  FS_CHECK (id != NULL);
  g_autofree char *what =
      g_strdup_printf ("%s%s: %s%s", walls[wall.at].is_upload ? "upload " : "",
                       walls[wall.at].path[0] ? walls[wall.at].path : "itself",
                       wall_kinds[wall.kind], wall.is_late ? ", later" : "");
  /* Syncs pass more directories, but take their time. */
  FsSpec spec = { .durability = wall.kind == WALL_LINK ? FS_FULL : FS_NONE };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  FS_CHECK (store != NULL);
  FS_CHECK (wall_put_all (store, root, outside, id) == 0);
  g_autofree char *before = fs_place_fingerprint (outside);
  if (!wall.is_late)
    {
      GError *error = NULL;
      g_clear_pointer (&store, fs_store_close);
      store = fs_store_open (root, &spec, &error);
      gboolean is_closed = wall.at == 0 && wall.kind < WALL_UNWRITABLE;
      FS_CHECK ((store == NULL) == is_closed);
      FS_CHECK (!is_closed || fs_code (error) == CASK_ERROR_PERMISSION);
      fs_place_count_one ();
    }
  PlaceExpect expect = wall_expect ();
  guint n_wrong = store != NULL ? fs_place_check (store, what, id, &expect) : 0;
  g_clear_pointer (&store, fs_store_close);
  g_autofree char *after = fs_place_fingerprint (outside);
  if (wall.at == 0)
    chmod (root, 0777);
  FS_CHECK (strcmp (before, after) == 0);
  return n_wrong != 0;
}

static void
wall_try (guint at, WallKind kind, gboolean is_late)
{
  wall = (Wall){ at, kind, is_late };
  if (!wall_applies ())
    return;
  g_autofree char *base = fs_scratch_new ();
  fs_in_child (wall_kinds[kind], wall_body, base);
  fs_scratch_free (g_steal_pointer (&base));
}

static void
test_walls (void)
{
  for (guint at = 0; at < G_N_ELEMENTS (walls); at++)
    for (guint kind = 0; kind < WALL_N; kind++)
      wall_try (at, (WallKind) kind, FALSE);
}

/* What this process has seen already, and keeps open, protects nothing. */
static void
test_walls_later (void)
{
  for (guint at = 0; at < G_N_ELEMENTS (walls); at++)
    {
      wall_try (at, WALL_DENIED, TRUE);
      wall_try (at, WALL_LINK, TRUE);
    }
}

/* ---- F5: the root ---- */

/* The root's own path is followed once, at open: a link there may be switched under the
 * store, which stays where it is. */
static void
test_root_link (void)
{
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *root = g_build_filename (base, "root", NULL);
  g_autofree char *other = g_build_filename (base, "other", NULL);
  g_autofree char *link = g_build_filename (base, "link", NULL);
  g_autofree char *id = fs_place_make (root);
  CU_ASSERT (id != NULL && mkdir (other, 0777) == 0 && symlink (root, link) == 0);
  g_autoptr (FsStore) store = fs_place_open (link, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL || id == NULL)
    return;
  CU_ASSERT (unlink (link) == 0 && symlink (other, link) == 0);
  PlaceExpect expect = { .n_listed = PLACE_N_BLOBS, .n_uploads = 1 };
  CU_ASSERT_EQUAL (fs_place_check (store, "root by a link", id, &expect), 0);
  CU_ASSERT_EQUAL (rmdir (other), 0);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&base));
}

/* What is no directory is no root, and a FIFO hangs nobody. */
static void
test_root_odd (void)
{
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *path = g_build_filename (base, "root", NULL);
  GError *error = NULL;
  for (guint kind = 0; kind < 4; kind++)
    {
      int made = kind == 0   ? mkfifo (path, 0666)
                 : kind == 1 ? symlink (path, path)
                 : kind == 2 ? mknod (path, S_IFSOCK | 0666, 0)
                             : symlink ("/dev/null", path);
      CU_ASSERT_EQUAL (made, 0);
      g_autoptr (FsStore) store = fs_place_open (path, &error);
      CU_ASSERT_PTR_NULL (store);
      CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_INVALID_CONFIG);
      CU_ASSERT_EQUAL (unlink (path), 0);
      fs_place_count_one ();
    }
  /* A link to nowhere: mkdir makes nothing through it. */
  CU_ASSERT_EQUAL (symlink ("nowhere", path), 0);
  g_autoptr (FsStore) store = fs_place_open (path, &error);
  CU_ASSERT_PTR_NULL (store);
  CU_ASSERT_EQUAL (fs_code (g_steal_pointer (&error)), CASK_ERROR_NOT_FOUND);
  fs_scratch_free (g_steal_pointer (&base));
}

/* The record of an encoding is read from a regular file of the root itself, or not. */
static void
test_record_odd (void)
{
  static const int codes[] = { CASK_ERROR_INVALID_CONFIG, CASK_ERROR_IO,
                               CASK_ERROR_INVALID_CONFIG, CASK_ERROR_IO };
  g_autofree char *base = fs_scratch_new ();
  g_autofree char *path = g_build_filename (base, ".cask-encoding", NULL);
  g_autofree char *outside = g_build_filename (base, "outside", NULL);
  CU_ASSERT_TRUE (fs_write_file (outside, "zstd\n"));
  FsSpec spec = { .encoding = "zstd" };
  for (guint kind = 0; kind < G_N_ELEMENTS (codes); kind++)
    {
      GError *error = NULL;
      int made = kind == 0   ? mkfifo (path, 0666)
                 : kind == 1 ? symlink (path, path)
                 : kind == 2 ? mkdir (path, 0777)
                             : symlink (outside, path);
      CU_ASSERT_EQUAL (made, 0);
      g_autoptr (FsStore) store = fs_store_open (base, &spec, &error);
      CU_ASSERT_PTR_NULL (store);
      CU_ASSERT_EQUAL (fs_code (error), codes[kind]);
      CU_ASSERT_EQUAL (remove (path), 0);
      fs_place_count_one ();
    }
  fs_scratch_free (g_steal_pointer (&base));
}

/* ---- F2: the other layout ---- */

static int
wall_open_layout (const char *root, guint64 layout)
{
  FsSpec spec = { .layout = layout };
  GError *error = NULL;
  g_autoptr (FsStore) store = fs_store_open (root, &spec, &error);
  fs_place_count_one ();
  if (store != NULL)
    return FS_OK;
  CU_ASSERT (strstr (error->message, "holds the other layout") != NULL);
  return fs_code (error);
}

#define WALL_16 "0123456789abcdef"
#define WALL_64 WALL_16 WALL_16 WALL_16 WALL_16

/* What a root has, and how opening it in layout=cask and in layout=oci is to end. */
static void
test_other_layout (void)
{
  static const struct
  {
    const char *has[2];
    int codes[2];
  } roots[] = {
    { { ".tmp", "README" }, { FS_OK, FS_OK } },
    { { "sha256/11", NULL }, { FS_OK, CASK_ERROR_INVALID_CONFIG } },
    { { "sha512/a0", NULL }, { FS_OK, CASK_ERROR_INVALID_CONFIG } },
    { { "sha512", "sha256/other" }, { FS_OK, FS_OK } },
    { { "blobs/sha256/" WALL_64 }, { CASK_ERROR_INVALID_CONFIG, FS_OK } },
    { { "blobs/sha512/" WALL_64 WALL_64 }, { CASK_ERROR_INVALID_CONFIG, FS_OK } },
    { { "blobs/sha256/11", "blobs/sha512/" WALL_64 }, { FS_OK, FS_OK } },
    { { "blobs", NULL }, { FS_OK, FS_OK } },
    { { "blobs", "sha256" }, { FS_OK, FS_OK } },
    { { "blobs/sha256/" WALL_64, "sha512" }, { FS_OK, FS_OK } },
  };
  for (guint i = 0; i < G_N_ELEMENTS (roots); i++)
    {
      g_autofree char *root = fs_scratch_new ();
      for (guint k = 0; k < 2 && roots[i].has[k] != NULL; k++)
        {
          g_autofree char *path = g_build_filename (root, roots[i].has[k], NULL);
          CU_ASSERT_EQUAL (g_mkdir_with_parents (path, 0777), 0);
        }
      CU_ASSERT_EQUAL (wall_open_layout (root, 0), roots[i].codes[0]);
      CU_ASSERT_EQUAL (wall_open_layout (root, 1), roots[i].codes[1]);
      fs_scratch_free (g_steal_pointer (&root));
    }
}

CU_TestInfo fs_wall_tests[] = {
  { "F2 a root that holds the other layout alone is refused", test_other_layout },
  { "F4 F5 what is in the way at any level is an error and leads nowhere", test_walls },
  { "F4 F5 and so is what comes in the way of an open store", test_walls_later },
  { "F5 a root that is a link is followed once", test_root_link },
  { "F4 what is no directory is no root", test_root_odd },
  { "F4 F5 a record of an encoding that is no file is refused", test_record_odd },
  CU_TEST_INFO_NULL
};
