/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-operations-upload.c: uploads, saved and not. */
#include "fs-operations.h"

#include <errno.h>

static gboolean
upload_begin (FsWorld *world)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = CASK_UNKNOWN };
  GError *error = NULL;
  world->upload = OPS (world)->upload_begin (SELF (world), &spec, NULL, &error);
  return fs_world_went_well (world, world->upload != NULL, error);
}

/* The first half of the new copy, or the second. */
static gboolean
upload_write (FsWorld *world, guint half)
{
  gsize size = g_bytes_get_size (world->copies[1]);
  g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (
      world->copies[1], half * (size / 2), half == 0 ? size / 2 : size - size / 2);
  GError *error = NULL;
  gboolean done =
      OPS (world)->upload_write (SELF (world), world->upload, bytes, NULL, &error);
  return fs_world_went_well (world, done, error);
}

static gboolean
upload_save (FsWorld *world, guint64 offset)
{
  FsTruth *truth = world->truth;
  g_autoptr (GBytes) state = g_bytes_new_static ("state", 5);
  g_autofree char *id = NULL;
  GError *error = NULL;
  truth->tried = offset;
  truth->saved = MAX (truth->saved, FS_SAVED_PERHAPS);
  gboolean done =
      OPS (world)->upload_save (SELF (world), world->upload, state, &id, NULL, &error);
  if (!fs_world_went_well (world, done, error))
    return FALSE;
  g_strlcpy (truth->id, id, sizeof truth->id);
  truth->acknowledged = offset;
  truth->saved = FS_SAVED_SURELY;
  return TRUE;
}

static gboolean
upload_commit (FsWorld *world)
{
  FsTruth *truth = world->truth;
  guint8 before = truth->may[0];
  gboolean created = FALSE;
  GError *error = NULL;
  truth->may[0] |= FS_NEW;
  truth->saved = MIN (truth->saved, FS_SAVED_PERHAPS);
  gboolean done = OPS (world)->upload_commit (
      SELF (world), world->upload, &world->digests[0], 0, &created, NULL, &error);
  if (!fs_world_went_well (world, done, error))
    return FALSE;
  truth->may[0] = FS_NEW;
  if (created != (before == FS_ABSENT))
    fs_world_wrong (world, "a commit does not know whether it was the first");
  return TRUE;
}

static void
upload_close (FsWorld *world, gboolean keep)
{
  if (!keep)
    world->truth->saved = MIN (world->truth->saved, FS_SAVED_PERHAPS);
  if (world->upload != NULL)
    OPS (world)->upload_close (SELF (world), world->upload, keep);
  world->upload = NULL;
}

static gboolean
upload_resume (FsWorld *world)
{
  g_autoptr (GBytes) state = NULL;
  guint64 offset = 0;
  GError *error = NULL;
  world->upload = OPS (world)->upload_resume (SELF (world), world->truth->id, &state,
                                              &offset, NULL, &error);
  if (!fs_world_went_well (world, world->upload != NULL, error))
    return FALSE;
  if (offset != world->truth->acknowledged || g_bytes_get_size (state) != 5)
    fs_world_wrong (world, "an upload resumes elsewhere");
  return TRUE;
}

static void
run_upload (FsWorld *world)
{
  if (upload_begin (world) && upload_write (world, 0) && upload_write (world, 1))
    upload_commit (world);
  upload_close (world, FALSE);
}

static void
run_upload_save (FsWorld *world)
{
  gsize size = g_bytes_get_size (world->copies[1]);
  if (upload_begin (world) && upload_write (world, 0) && upload_save (world, size / 2) &&
      upload_write (world, 1))
    upload_save (world, size);
  upload_close (world, TRUE);
}

static void
run_upload_saved_commit (FsWorld *world)
{
  gsize size = g_bytes_get_size (world->copies[1]);
  if (upload_begin (world) && upload_write (world, 0) && upload_save (world, size / 2) &&
      upload_write (world, 1))
    upload_commit (world);
  upload_close (world, FALSE);
}

/* A saved half, and some more behind it that was not saved. */
static void
stage_upload (FsWorld *world)
{
  gsize size = g_bytes_get_size (world->copies[1]);
  if (upload_begin (world) && upload_write (world, 0) && upload_save (world, size / 2))
    upload_write (world, 1);
  upload_close (world, TRUE);
}

static void
run_upload_resume (FsWorld *world)
{
  gsize size = g_bytes_get_size (world->copies[1]);
  if (upload_resume (world) && upload_write (world, 1))
    upload_save (world, size);
  upload_close (world, TRUE);
}

static void
run_upload_resume_commit (FsWorld *world)
{
  if (upload_resume (world) && upload_write (world, 1))
    upload_commit (world);
  upload_close (world, FALSE);
}

static void
run_upload_abort (FsWorld *world)
{
  gboolean is_resumed = upload_resume (world);
  if (is_resumed)
    upload_close (world, FALSE);
}

static gboolean
upload_seen (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  (void) mtime_usec;
  FsWorld *world = data;
  if (strcmp (id, world->truth->id) != 0 || offset != world->truth->acknowledged)
    fs_world_wrong (world, "a list of uploads that is wrong");
  world->is_listed = TRUE;
  return TRUE;
}

/* Left out is what may be another user's, be open, or has no whole state. */
static void
run_upload_list (FsWorld *world)
{
  GError *error = NULL;
  gboolean done =
      OPS (world)->upload_list (SELF (world), upload_seen, world, NULL, &error);
  FsHit hit = fs_point_hit ();
  if (fs_world_went_well (world, done, error) && !world->is_listed &&
      !world->may_be_corrupt && hit.call != FS_CALL_LOCK && hit.code != EACCES)
    fs_world_wrong (world, "a saved upload is not listed");
}

static void
run_upload_read (FsWorld *world)
{
  char buffer[16];
  gsize count = 0;
  GError *error = NULL;
  if (upload_begin (world) && upload_write (world, 0))
    {
      gboolean done = OPS (world)->upload_read (SELF (world), world->upload, 0, buffer,
                                                sizeof buffer, &count, NULL, &error);
      if (fs_world_went_well (world, done, error) &&
          (count > g_bytes_get_size (world->copies[1]) / 2 ||
           memcmp (buffer, g_bytes_get_data (world->copies[1], NULL), count) != 0))
        fs_world_wrong (world, "other bytes than were written");
    }
  upload_close (world, FALSE);
}

const FsOperation fs_upload_operations[] = {
  { .name = "upload", .before = ".", .run = run_upload },
  { .name = "upload of what is there", .before = "n", .run = run_upload },
  { .name = "upload over another size", .before = "o", .run = run_upload },
  { .name = "upload 9 MiB", .before = ".", .run = run_upload, .size = 9 * 1024 * 1024 },
  { .name = "upload, saved twice", .before = ".", .run = run_upload_save },
  { .name = "upload, saved under a limit",
    .before = ".",
    .run = run_upload_save,
    .spec.max_upload_bytes = 1 << 20 },
  { .name = "upload, saved and committed",
    .before = ".",
    .run = run_upload_saved_commit },
  { .name = "upload, resumed and saved",
    .before = ".",
    .run = run_upload_resume,
    .stage = stage_upload },
  { .name = "upload, resumed and committed",
    .before = ".",
    .run = run_upload_resume_commit,
    .stage = stage_upload },
  { .name = "upload, resumed over another size",
    .before = "o",
    .run = run_upload_resume_commit,
    .stage = stage_upload },
  { .name = "upload, resumed and aborted",
    .before = ".",
    .run = run_upload_abort,
    .stage = stage_upload },
  { .name = "upload list",
    .before = ".",
    .run = run_upload_list,
    .stage = stage_upload,
    .only_reads = TRUE },
  { .name = "upload read", .before = ".", .run = run_upload_read, .only_reads = TRUE },
  { .name = NULL }
};
