/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-operations-store.c: what is done with a store as a whole, and quarantine. */
#include "fs-operations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void
run_open (FsWorld *world)
{
  fs_store_close (g_steal_pointer (&world->store));
  fs_world_open (world);
}

static void
run_open_encoded (FsWorld *world)
{
  g_autofree char *record = g_build_filename (world->root, ".cask-encoding", NULL);
  unlink (record);
  run_open (world);
}

static void
run_open_new (FsWorld *world)
{
  fs_store_close (g_steal_pointer (&world->store));
  rmdir (world->root);
  if (fs_world_open (world))
    run_put_flags (world, 0, 0);
}

/* A directory for temporary files, which a close removes. */
static void
warm_temps (FsWorld *world)
{
  run_put_flags (world, 1, CASK_PUT_REPLACE);
}

static void
run_close (FsWorld *world)
{
  fs_store_close (g_steal_pointer (&world->store));
}

static void
run_flush (FsWorld *world)
{
  GError *error = NULL;
  run_put_flags (world, 0, 0);
  gboolean done = OPS (world)->flush (SELF (world), NULL, &error);
  fs_world_went_well (world, done, error);
}

static void
run_usage (FsWorld *world)
{
  CaskUsage usage = { 0 };
  GError *error = NULL;
  gboolean done = OPS (world)->usage (SELF (world), &usage, NULL, &error);
  fs_world_went_well (world, done, error);
}

static void
run_put_first (FsWorld *world)
{
  run_put_flags (world, 0, 0);
}

/* What processes that died have left: a temporary file, and an old upload without a
 * state. */
static void
stage_dead (FsWorld *world)
{
  static const char *const files[] = {
    ".tmp/01234567-1-0123456789abcdef/lock",
    ".tmp/01234567-1-0123456789abcdef/fedcba9876543210",
    ".uploads/0123456789abcdef0123456789abcdef/data"
  };
  static const struct timespec old[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (world->root, files[i], NULL);
      if (!fs_write_file (path, "x"))
        fs_world_wrong (world, "set-up: residue");
    }
  g_autofree char *upload =
      g_build_filename (world->root, ".uploads/0123456789abcdef0123456789abcdef", NULL);
  if (utimensat (AT_FDCWD, upload, old, 0) != 0)
    fs_world_wrong (world, "set-up: residue");
}

static void
run_condemn (FsWorld *world)
{
  CaskBlobInfo info = { 0 };
  gboolean again = FALSE;
  GError *error = NULL;
  if (OPS (world)->condemn == NULL)
    return;
  /* Settled by now, so that there is a version. */
  fs_clock_advance (10);
  gboolean done =
      OPS (world)->stat (SELF (world), &world->digests[0], 0, &info, NULL, &error);
  if (!fs_world_went_well (world, done, error))
    return;
  world->truth->may[0] |= FS_ABSENT;
  done = OPS (world)->condemn (SELF (world), &world->digests[0], info.version,
                               CASK_CONDEMN_QUARANTINE, &again, NULL, &error);
  if (fs_world_went_well (world, done, error) && !again)
    world->truth->may[0] = FS_ABSENT;
}

const FsOperation fs_store_operations[] = {
  { .name = "open", .before = "n", .run = run_open },
  { .name = "open where there is no root", .before = ".", .run = run_open_new },
  { .name = "open behind an encoding",
    .before = ".",
    .run = run_open_encoded,
    .spec.encoding = "zstd" },
  { .name = "close", .before = "nn", .run = run_close, .warm = warm_temps },
  { .name = "flush", .before = ".", .run = run_flush },
  { .name = "usage", .before = ".", .run = run_usage, .only_reads = TRUE },
  { .name = "sweep", .before = ".", .run = run_put_first, .stage = stage_dead },
  { .name = "quarantine", .before = "n", .run = run_condemn },
  { .name = NULL }
};

const FsOperation *
fs_operation (guint number)
{
  static const FsOperation *const all[] = { fs_blob_operations, fs_upload_operations,
                                            fs_store_operations };
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    for (const FsOperation *operation = all[i]; operation->name != NULL; operation++)
      if (number-- == 0)
        return operation;
  return NULL;
}
