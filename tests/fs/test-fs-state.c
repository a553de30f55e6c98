/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-state.c: saved uploads that were damaged, forged, or left by a crash. */
#include "fs-upload-test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
test_saved (FsStore *store)
{
  FsUpload *upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
  char *id = fs_upload_keep (upload, "the state");
  fs_upload_finish (upload, TRUE);
  return id;
}

/* Resumes an upload with this in the state's place and gives it up: what is damaged is
 * removed by the one, what is not by the other. */
static int
test_try_state (FsStore *store, const char *bytes, gsize count)
{
  g_autofree char *id = test_saved (store);
  g_autofree char *path = fs_upload_path (store->root, id, "state");
  g_autofree char *directory = fs_upload_path (store->root, id, NULL);
  unlink (path);
  CU_ASSERT_TRUE (g_file_set_contents (path, bytes, (gssize) count, NULL));
  int code = fs_upload_try (store, id);
  CU_ASSERT_EQUAL (access (directory, F_OK) == 0, code == CASK_ERROR_UNSUPPORTED);
  return code;
}

/* A flipped bit anywhere: magic, version, offset, length, the host's bytes, checksum. */
static void
test_flipped (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *id = test_saved (store);
  g_autofree char *path = fs_upload_path (root, id, "state");
  g_autofree char *good = NULL;
  gsize count = 0;
  CU_ASSERT_TRUE (g_file_get_contents (path, &good, &count, NULL));
  CU_ASSERT_EQUAL (count, 32 + strlen ("the state") + 32);
  for (gsize i = 0; i < count; i++)
    for (guint bit = 0; bit < 8; bit++)
      {
        good[i] ^= (char) (1 << bit);
        CU_ASSERT_EQUAL (test_try_state (store, good, count), CASK_ERROR_CORRUPT);
        good[i] ^= (char) (1 << bit);
      }
  for (gsize i = 0; i < count; i++)
    CU_ASSERT_EQUAL (test_try_state (store, good, i), CASK_ERROR_CORRUPT);
  g_autofree char *longer = g_malloc0 (count + 1);
  memcpy (longer, good, count);
  CU_ASSERT_EQUAL (test_try_state (store, longer, count + 1), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (test_try_state (store, good, count), FS_OK);
  fs_store_end (&store, &root);
}

/* What another version of the backend has saved stays for that one. */
static void
test_other_version (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  guint8 file[64] = "CASKUPL\2";
  gsize length = 32;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (checksum, file, 32);
  g_checksum_get_digest (checksum, file + 32, &length);
  CU_ASSERT_EQUAL (test_try_state (store, (const char *) file, sizeof file),
                   CASK_ERROR_UNSUPPORTED);
  fs_store_end (&store, &root);
}

/* The checksum is no proof of origin: what is in a well-formed state is hostile too. */
static void
test_forged_numbers (void)
{
  static const guint64 offsets[] = { G_MAXUINT64, G_GUINT64_CONSTANT (1) << 63, 11,
                                     G_MAXINT64 };
  static const int codes[] = { CASK_ERROR_CORRUPT, CASK_ERROR_CORRUPT, FS_OK, FS_OK };
  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE);
      g_autofree char *id = test_saved (store);
      g_autofree char *path = fs_upload_path (root, id, "state");
      guint8 file[64] = "CASKUPL\1";
      guint64 number = GUINT64_TO_LE (offsets[i]);
      gsize length = 32;
      memcpy (file + 8, &number, 8);
      g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
      g_checksum_update (checksum, file, 32);
      g_checksum_get_digest (checksum, file + 32, &length);
      unlink (path);
      CU_ASSERT_TRUE (g_file_set_contents (path, (const char *) file, sizeof file, NULL));
      FsUpload *upload = fs_upload_again (store, id);
      CU_ASSERT_EQUAL (upload->code, codes[i]);
      CU_ASSERT_EQUAL (upload->offset, codes[i] == FS_OK ? 10 : 0);
      fs_upload_finish (upload, TRUE);
      fs_store_end (&store, &root);
    }
}

/* A huge state is refused by its size, before anything is allocated for it. */
static void
test_huge (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *id = test_saved (store);
  g_autofree char *path = fs_upload_path (root, id, "state");
  CU_ASSERT_EQUAL (chmod (path, 0644), 0);
  CU_ASSERT_EQUAL (truncate (path, G_GINT64_CONSTANT (1) << 40), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 0);
  fs_store_end (&store, &root);
}

/* Data longer than saved is cut; shorter, resumed where it ends. */
static void
test_data_size (void)
{
  static const guint sizes[] = { 0, 4, 10, 15 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE);
      CaskDigest digest = fs_digest (1, 1, 1);
      CaskBlobInfo info = { 0 };
      g_autofree char *id = test_saved (store);
      g_autofree char *path = fs_upload_path (root, id, "data");
      CU_ASSERT_EQUAL (truncate (path, sizes[i]), 0);
      FsUpload *upload = fs_upload_again (store, id);
      CU_ASSERT_EQUAL (upload->code, FS_OK);
      CU_ASSERT_EQUAL (upload->offset, MIN (sizes[i], 10));
      CU_ASSERT_EQUAL (fs_upload_text (upload, "x"), FS_OK);
      CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), FS_CREATED);
      CU_ASSERT_EQUAL (fs_store_stat (store, &digest, &info), FS_OK);
      CU_ASSERT_EQUAL (info.size, MIN (sizes[i], 10) + 1);
      fs_upload_finish (upload, FALSE);
      fs_store_end (&store, &root);
    }
}

/* Data that was cut, then grew past what was saved without a save: what is behind the cut
 * is not what was saved, and the next resume does not take it for that. */
static void
test_cut_and_grown (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *id = test_saved (store);
  g_autofree char *path = fs_upload_path (root, id, "data");
  CU_ASSERT_EQUAL (truncate (path, 4), 0);
  FsUpload *upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (upload->offset, 4);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "abcdefghijkl"), FS_OK);
  fs_upload_finish (upload, TRUE);
  upload = fs_upload_again (store, id);
  CU_ASSERT_EQUAL (upload->code, FS_OK);
  CU_ASSERT_EQUAL (upload->offset, 4);
  fs_upload_finish (upload, TRUE);
  fs_store_end (&store, &root);
}

/* What `none` saved before another boot counts one byte less, so that it is hashed again;
 * what was synced counts whole. */
static void
test_other_boot (void)
{
  for (guint synced = 0; synced < 2; synced++)
    {
      FS_TEST_STORE (store, .durability = synced ? FS_DATA : FS_NONE);
      g_autofree char *id = test_saved (store);
      g_autofree char *path = fs_upload_path (root, id, "state");
      g_autofree char *file = NULL;
      gsize count = 0, length = 32;
      CU_ASSERT_TRUE (g_file_get_contents (path, &file, &count, NULL));
      if (count < 64)
        return;
      for (guint i = 24; i < 32; i++)
        file[i] = file[i] == 0 ? 0 : (char) (file[i] ^ 1);
      g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
      g_checksum_update (checksum, (const guint8 *) file, (gssize) count - 32);
      g_checksum_get_digest (checksum, (guint8 *) file + count - 32, &length);
      unlink (path);
      CU_ASSERT_TRUE (g_file_set_contents (path, file, (gssize) count, NULL));
      FsUpload *upload = fs_upload_again (store, id);
      CU_ASSERT_EQUAL (upload->code, FS_OK);
      CU_ASSERT_EQUAL (upload->offset, synced ? 10 : 9);
      fs_upload_finish (upload, FALSE);
      fs_store_end (&store, &root);
    }
}

/* Somebody cuts the file while the upload is open: not a blob of the wrong size. */
static void
test_cut_while_open (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (fs_upload_text (upload, "0123456789"), FS_OK);
  g_autofree char *id = fs_upload_keep (upload, "s");
  g_autofree char *path = fs_upload_path (root, id, "data");
  CU_ASSERT_EQUAL (truncate (path, 3), 0);
  CU_ASSERT_EQUAL (fs_upload_done (upload, &digest, 0), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), CASK_ERROR_NOT_FOUND);
  g_clear_pointer (&upload, fs_upload_drop);
  fs_store_end (&store, &root);
}

/* C58: no id but one of ours is ever looked for. */
static void
test_forged_ids (void)
{
  static const char *const ids[] = { "",
                                     ".",
                                     "..",
                                     "../x",
                                     "x",
                                     "data",
                                     "0123456789abcdef0123456789abcdeF",
                                     "0123456789abcdef0123456789abcde",
                                     "0123456789abcdef0123456789abcdef0",
                                     "0123456789abcdef0123456789abcdef/",
                                     "0123456789abcdef0123456789abcdef" };
  FS_TEST_STORE (store, .durability = FS_NONE);
  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
        CU_ASSERT_EQUAL (fs_upload_try (store, ids[i]), CASK_ERROR_NOT_FOUND);
      g_free (test_saved (store));
    }
  fs_store_end (&store, &root);
}

/* Nothing is opened through a symlink, and nothing but files and directories. */
static void
test_odd_types (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *id = test_saved (store);
  g_autofree char *link = fs_upload_path (root, "00000000000000000000000000000000", NULL);
  CU_ASSERT_EQUAL (symlink (id, link), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, "00000000000000000000000000000000"),
                   CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 1);
  g_autofree char *data = fs_upload_path (root, id, "data");
  g_autofree char *state = fs_upload_path (root, id, "state");
  g_autofree char *aside = fs_upload_path (root, id, "aside");
  CU_ASSERT_EQUAL (rename (data, aside), 0);
  CU_ASSERT_EQUAL (symlink ("aside", data), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (unlink (data), 0);
  CU_ASSERT_EQUAL (mkdir (data, 0700), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (rmdir (data), 0);
  CU_ASSERT_EQUAL (mkfifo (data, 0600), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 0);
  CU_ASSERT_EQUAL (unlink (data), 0);
  CU_ASSERT_EQUAL (rename (aside, data), 0);
  CU_ASSERT_EQUAL (rename (state, aside), 0);
  CU_ASSERT_EQUAL (symlink ("aside", state), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_CORRUPT);
  CU_ASSERT_EQUAL (unlink (state), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (rename (aside, state), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), FS_OK);
  fs_store_end (&store, &root);
}

/* A second name may be a published blob's: it is never written to. */
static void
test_second_name (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  g_autofree char *id = test_saved (store);
  g_autofree char *data = fs_upload_path (root, id, "data");
  g_autofree char *path = fs_path (store, &digest);
  g_autofree char *text = NULL;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "gone"), FS_CREATED);
  CU_ASSERT_EQUAL (unlink (path), 0);
  CU_ASSERT_EQUAL (link (data, path), 0);
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, &text), FS_OK);
  CU_ASSERT_STRING_EQUAL (text, "0123456789");
  fs_store_end (&store, &root);
}

/* What a commit that died after its rename leaves. */
static void
test_no_data (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  g_autofree char *id = test_saved (store);
  g_autofree char *data = fs_upload_path (root, id, "data");
  CU_ASSERT_EQUAL (unlink (data), 0);
  CU_ASSERT_EQUAL (fs_upload_count (store, NULL, NULL, NULL), 0);
  CU_ASSERT_EQUAL (fs_upload_try (store, id), CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_upload_residue (root), 0);
  fs_store_end (&store, &root);
}

CU_TestInfo fs_state_tests[] = {
  { "a state with any bit flipped, or any length, is CORRUPT, and removed",
    test_flipped },
  { "data that was cut and grew again is not what was saved", test_cut_and_grown },
  { "what was not synced before another boot is hashed again", test_other_boot },
  { "a state of another version is UNSUPPORTED, and kept", test_other_version },
  { "X5 a well-formed state's numbers are not believed", test_forged_numbers },
  { "X5 a huge state is CORRUPT", test_huge },
  { "data of another size than saved is resumed at the smaller", test_data_size },
  { "data that was cut while open does not become a blob", test_cut_while_open },
  { "C58 unknown and forged ids are NOT_FOUND", test_forged_ids },
  { "S13 nothing but files and directories is resumed", test_odd_types },
  { "an upload whose data has a second name is given up", test_second_name },
  { "an upload without data is given up", test_no_data },
  CU_TEST_INFO_NULL
};
