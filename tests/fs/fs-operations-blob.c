/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-operations-blob.c: putting, reading and removing blobs. */
#include "fs-operations.h"

#include <stdio.h>

/* ---- put ---- */

void
run_put_flags (FsWorld *world, guint i, guint32 flags)
{
  guint8 before = world->truth->may[i];
  gboolean created = FALSE;
  GError *error = NULL;
  world->truth->may[i] |= FS_NEW;
  gboolean done = OPS (world)->put (SELF (world), &world->digests[i], world->copies[1],
                                    flags, &created, NULL, &error);
  if (!fs_world_went_well (world, done, error))
    return;
  world->truth->may[i] = FS_NEW;
  if (created != (before == FS_ABSENT))
    fs_world_wrong (world, "a put does not know whether it was the first");
}

static void
run_put (FsWorld *world)
{
  run_put_flags (world, 0, 0);
}

static void
run_replace (FsWorld *world)
{
  run_put_flags (world, 0, CASK_PUT_REPLACE);
}

/* A shard that another of the world's blobs has made, with what is in it known. */
static void
warm_shard (FsWorld *world)
{
  run_put_flags (world, 1, 0);
}

static void
run_many (FsWorld *world, guint32 flags)
{
  CaskItem items[FS_WORLD_BLOBS] = { 0 };
  gsize n_items = fs_world_n_blobs (world);
  GError *error = NULL;
  guint8 before[FS_WORLD_BLOBS];
  memcpy (before, world->truth->may, sizeof before);
  for (gsize i = 0; i < n_items; i++)
    {
      items[i] = (CaskItem){ .digest = &world->digests[i], .bytes = world->copies[1] };
      world->truth->may[i] |= FS_NEW;
    }
  gboolean done =
      OPS (world)->put_many (SELF (world), items, n_items, flags, NULL, &error);
  fs_world_went_well (world, done, error);
  for (gsize i = 0; done && i < n_items; i++)
    if (fs_world_went_well (world, items[i].error == NULL, items[i].error))
      {
        world->truth->may[i] = FS_NEW;
        if (items[i].outcome != (before[i] == FS_ABSENT))
          fs_world_wrong (world, "a put does not know whether it was the first");
      }
}

static void
run_put_many (FsWorld *world)
{
  run_many (world, 0);
}

/* ---- Reading ---- */

/* Takes bytes. */
static void
run_got (FsWorld *world, guint i, GBytes *bytes, gsize offset, GError *error)
{
  g_autoptr (GBytes) owned = bytes;
  if (!fs_world_went_well (world, owned != NULL, error))
    return;
  GBytes *copy = world->copies[world->operation->before[i] == 'n'];
  gsize size = g_bytes_get_size (owned);
  if ((offset == 0 && size != g_bytes_get_size (copy)) ||
      offset + size > g_bytes_get_size (copy) ||
      memcmp (g_bytes_get_data (owned, NULL),
              (const guint8 *) g_bytes_get_data (copy, NULL) + offset, size) != 0)
    fs_world_wrong (world, "other bytes than there are");
}

static void
run_get (FsWorld *world)
{
  CaskBlobInfo info;
  GError *error = NULL;
  GBytes *bytes = OPS (world)->get (SELF (world), &world->digests[0], 0, CASK_TO_END, 0,
                                    &info, NULL, &error);
  run_got (world, 0, bytes, 0, error);
}

static void
run_get_range (FsWorld *world)
{
  CaskBlobInfo info;
  GError *error = NULL;
  GBytes *bytes = OPS (world)->get (SELF (world), &world->digests[0], 3, 5,
                                    CASK_READ_SCAN, &info, NULL, &error);
  run_got (world, 0, bytes, 3, error);
}

static void
run_stat_flags (FsWorld *world, guint32 flags)
{
  CaskBlobInfo info = { 0 };
  GError *error = NULL;
  gboolean done =
      OPS (world)->stat (SELF (world), &world->digests[0], flags, &info, NULL, &error);
  if (fs_world_went_well (world, done, error) &&
      info.size != g_bytes_get_size (world->copies[1]))
    fs_world_wrong (world, "another size than there is");
}

static void
run_stat (FsWorld *world)
{
  run_stat_flags (world, 0);
}

static void
run_touch (FsWorld *world)
{
  run_stat_flags (world, CASK_STAT_FRESHEN);
}

/* The first is there, the second is not. */
static void
run_try (FsWorld *world)
{
  CaskBlobInfo info;
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GBytes) bytes = NULL;
      CaskTry never = i == 0 ? CASK_TRY_ABSENT : CASK_TRY_FOUND;
      CaskTry got = OPS (world)->try_get (SELF (world), &world->digests[i], 0,
                                          CASK_TO_END, 0, &bytes, &info);
      if (got == CASK_TRY_FOUND && bytes != NULL)
        run_got (world, i, g_steal_pointer (&bytes), 0, NULL);
      if (got == never ||
          OPS (world)->try_stat (SELF (world), &world->digests[i], &info) == never)
        fs_world_wrong (world, "a try that is wrong");
    }
}

static void
run_contains_flags (FsWorld *world, guint32 flags)
{
  CaskItem items[FS_WORLD_BLOBS] = { 0 };
  CaskBlobInfo infos[FS_WORLD_BLOBS];
  gsize n_items = fs_world_n_blobs (world);
  GError *error = NULL;
  for (gsize i = 0; i < n_items; i++)
    items[i] = (CaskItem){ .digest = &world->digests[i], .info = &infos[i] };
  gboolean done =
      OPS (world)->contains_many (SELF (world), items, n_items, flags, NULL, &error);
  fs_world_went_well (world, done, error);
  for (gsize i = 0; done && i < n_items; i++)
    if (fs_world_went_well (world, items[i].error == NULL, items[i].error) &&
        items[i].outcome != (world->operation->before[i] != '.'))
      fs_world_wrong (world, "contains is wrong");
}

static void
run_contains (FsWorld *world)
{
  run_contains_flags (world, 0);
}

static void
run_contains_freshen (FsWorld *world)
{
  run_contains_flags (world, CASK_STAT_FRESHEN);
}

static void
run_list_flags (FsWorld *world, guint32 flags)
{
  const CaskDigest *after = &world->before;
  CaskBlobInfo infos[2];
  CaskDigest last;
  gboolean more = TRUE;
  gsize listed = 0, there = 0;
  for (gsize i = 0; i < fs_world_n_blobs (world); i++)
    there += world->operation->before[i] != '.';
  while (more)
    {
      guint32 n_infos = G_N_ELEMENTS (infos);
      GError *error = NULL;
      gboolean done = OPS (world)->list (SELF (world), after, flags, infos, &n_infos,
                                         &more, NULL, &error);
      if (!fs_world_went_well (world, done, error))
        return;
      listed += n_infos;
      if (n_infos > 0)
        last = infos[n_infos - 1].digest;
      after = &last;
      if (more && n_infos == 0)
        {
          fs_world_wrong (world, "an empty page that is not the last");
          return;
        }
    }
  if (listed != there)
    fs_world_wrong (world, "a list that is not whole");
}

static void
run_list (FsWorld *world)
{
  run_list_flags (world, 0);
}

static void
run_list_brief (FsWorld *world)
{
  fs_fault_set_no_types (TRUE);
  run_list_flags (world, CASK_LIST_BRIEF);
}

static void
run_handle (FsWorld *world)
{
  CaskBlobInfo info;
  GError *error = NULL;
  CaskBackendBlob *blob =
      OPS (world)->blob_open (SELF (world), &world->digests[0], 0, &info, NULL, &error);
  if (!fs_world_went_well (world, blob != NULL, error))
    return;
  gsize size = g_bytes_get_size (world->copies[1]);
  g_autofree guint8 *buffer = g_malloc (size);
  gsize offset = 0;
  gssize got = 1;
  while (got > 0)
    {
      error = NULL;
      got = OPS (world)->blob_read (SELF (world), blob, offset, buffer + offset,
                                    size - offset, NULL, &error);
      if (fs_world_went_well (world, got >= 0, error))
        offset += (gsize) got;
    }
  if (got == 0 && (offset != size ||
                   memcmp (buffer, g_bytes_get_data (world->copies[1], NULL), size) != 0))
    fs_world_wrong (world, "other bytes than there are");
  OPS (world)->blob_close (SELF (world), blob);
}

/* ---- remove ---- */

static void
run_removed (FsWorld *world, guint i, guint8 before, guint32 outcome, gboolean is_always)
{
  if (outcome == CASK_REMOVED_KEPT)
    world->truth->may[i] = before;
  else
    world->truth->may[i] = FS_ABSENT;
  if ((outcome == CASK_REMOVED_KEPT && is_always) ||
      (outcome == CASK_REMOVED_ABSENT) != (before == FS_ABSENT))
    fs_world_wrong (world, "a removal with the wrong outcome");
}

static void
run_remove_since (FsWorld *world, gint64 unused_since)
{
  guint8 before = world->truth->may[0];
  CaskRemoved outcome = CASK_REMOVED_KEPT;
  GError *error = NULL;
  world->truth->may[0] |= FS_ABSENT;
  gboolean done = OPS (world)->remove (SELF (world), &world->digests[0], unused_since,
                                       &outcome, NULL, &error);
  if (fs_world_went_well (world, done, error))
    run_removed (world, 0, before, outcome, unused_since == CASK_ALWAYS);
}

static void
run_remove (FsWorld *world)
{
  run_remove_since (world, CASK_ALWAYS);
}

static void
run_remove_unused (FsWorld *world)
{
  run_remove_since (world, g_get_real_time () + 60 * G_USEC_PER_SEC);
}

static void
run_remove_used (FsWorld *world)
{
  run_remove_since (world, 1);
  if (world->truth->may[0] == FS_ABSENT)
    fs_world_wrong (world, "removed although it was used");
}

static void
run_remove_many (FsWorld *world)
{
  CaskItem items[FS_WORLD_BLOBS] = { 0 };
  gsize n_items = fs_world_n_blobs (world);
  guint8 before[FS_WORLD_BLOBS];
  GError *error = NULL;
  memcpy (before, world->truth->may, sizeof before);
  for (gsize i = 0; i < n_items; i++)
    {
      items[i].digest = &world->digests[i];
      world->truth->may[i] |= FS_ABSENT;
    }
  gboolean done =
      OPS (world)->remove_many (SELF (world), items, n_items, CASK_ALWAYS, NULL, &error);
  fs_world_went_well (world, done, error);
  for (gsize i = 0; done && i < n_items; i++)
    if (fs_world_went_well (world, items[i].error == NULL, items[i].error))
      run_removed (world, (guint) i, before[i], items[i].outcome, TRUE);
}

const FsOperation fs_blob_operations[] = {
  { .name = "put", .before = ".", .run = run_put },
  { .name = "put beside another", .before = "..", .run = run_put, .warm = warm_shard },
  { .name = "put hit", .before = "n", .run = run_put },
  { .name = "put hit, young",
    .before = "n",
    .run = run_put,
    .spec.freshen_usec = CASK_FRESHEN_LAG_USEC },
  { .name = "put over another size", .before = "o", .run = run_put },
  { .name = "put replace", .before = "n", .run = run_replace },
  { .name = "put replace absent", .before = ".", .run = run_replace },
  { .name = "put 1 MiB and more",
    .before = ".",
    .run = run_put,
    .size = 1024 * 1024 + 3 },
  { .name = "put_many", .before = ".no...", .run = run_put_many },
  { .name = "get", .before = "n", .run = run_get, .only_reads = TRUE },
  { .name = "get 1 MiB and more",
    .before = "n",
    .run = run_get,
    .size = 1024 * 1024 + 3,
    .only_reads = TRUE },
  { .name = "get by mmap",
    .before = "n",
    .run = run_get,
    .size = 100000,
    .spec.is_mapped = TRUE,
    .only_reads = TRUE },
  { .name = "get_range", .before = "n", .run = run_get_range, .only_reads = TRUE },
  { .name = "stat", .before = "n", .run = run_stat, .only_reads = TRUE },
  { .name = "touch", .before = "n", .run = run_touch },
  { .name = "try", .before = "n.", .run = run_try, .only_reads = TRUE },
  { .name = "contains_many", .before = "n.n", .run = run_contains, .only_reads = TRUE },
  { .name = "contains_many, freshening", .before = "n.n", .run = run_contains_freshen },
  { .name = "list", .before = "nnnn", .run = run_list, .only_reads = TRUE },
  { .name = "list, brief and without types",
    .before = "nnnn",
    .run = run_list_brief,
    .only_reads = TRUE },
  { .name = "open_blob", .before = "n", .run = run_handle, .only_reads = TRUE },
  { .name = "remove", .before = "n", .run = run_remove },
  { .name = "remove absent", .before = ".n", .run = run_remove },
  { .name = "remove absent, no shard", .before = ".", .run = run_remove },
  { .name = "remove unused", .before = "n", .run = run_remove_unused },
  { .name = "remove unused, but used", .before = "n", .run = run_remove_used },
  { .name = "remove_many", .before = "n.nn.n", .run = run_remove_many },
  { .name = NULL }
};
