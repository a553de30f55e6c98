/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-batch.c: many blobs in one call: looking, removing, and what putting shares with it.
 *
 * A group of removals opens each shard once, takes all names away, and then syncs each
 * shard once. What a group holds open meanwhile is bounded by what the process may.
 *
 * Failure modes: an fsync of a shard that fails fails the items of that shard, and no
 * other. An item that meets the limit on open files is tried again by itself, when its
 * group holds nothing any more; the groups after it are half as large. */
#include "fs-batch.h"
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

/* As many as a group can use: a file and a shard for each item. */
#define FS_BATCH_FDS_MOST (2 * FS_BATCH_GROUP + 1)

/* All batches of a store together hold a quarter of what the process may open; each takes
 * half of what is left of that, so that whoever comes next has some as well. */
static guint
fs_batch_take_fds (CaskBackend *self)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return FS_BATCH_FDS_LEAST;
  gint held = g_atomic_int_get (&self->batch_fds);
  gint64 left = (gint64) MIN (limit.rlim_cur / 4, G_MAXINT32) - held;
  gint taken = (gint) CLAMP (left / 2, FS_BATCH_FDS_LEAST, FS_BATCH_FDS_MOST);
  g_atomic_int_add (&self->batch_fds, taken);
  return (guint) taken;
}

/* A counting sort: items of one shard stay in order, so that the first of several of one
 * digest is dealt with first. */
static void
fs_batch_sort (FsBatch *batch)
{
  gsize starts[FS_NAME_SHARDS + 1] = { 0 };
  g_autofree guint16 *shards = g_new (guint16, batch->n_items);
  for (gsize i = 0; i < batch->n_items; i++)
    {
      FsName name;
      fs_name_set (&name, batch->self->layout, batch->items[i].digest);
      shards[i] = (guint16) name.shard_index;
      starts[name.shard_index + 1]++;
    }
  for (guint i = 0; i < FS_NAME_SHARDS; i++)
    starts[i + 1] += starts[i];
  for (gsize i = 0; i < batch->n_items; i++)
    {
      gsize position = starts[shards[i]]++;
      batch->order[position] = i;
      batch->shards[position] = shards[i];
    }
}

void
fs_batch_init (FsBatch *batch, CaskBackend *self, CaskItem *items, gsize n_items,
               GCancellable *cancellable)
{
  *batch = (FsBatch){ .self = self,
                      .items = items,
                      .n_items = n_items,
                      .order = g_new (gsize, n_items),
                      .shards = g_new (guint16, n_items),
                      .taken_fds = fs_batch_take_fds (self),
                      .cancellable = cancellable };
  fs_shards_give_back (self);
  batch->most_fds = batch->taken_fds;
  fs_batch_sort (batch);
}

void
fs_batch_clear (FsBatch *batch)
{
  g_atomic_int_add (&batch->self->batch_fds, -(gint) batch->taken_fds);
  g_clear_pointer (&batch->order, g_free);
  g_clear_pointer (&batch->shards, g_free);
}

/* fs_batch_cut: how many items from start on make a group. Those of one shard stay
 * together where they can, so that it is synced once. */
gsize
fs_batch_cut (const FsBatch *batch, gsize start, guint fds_per_item)
{
  gsize count = 0;
  gsize fds = 1; /* for a look on the way */
  while (start + count < batch->n_items)
    {
      gsize run = 1;
      while (start + count + run < batch->n_items &&
             batch->shards[start + count + run] == batch->shards[start + count])
        run++;
      gsize room = FS_BATCH_GROUP - count;
      if (fds_per_item > 0)
        room =
            MIN (room, (batch->most_fds - MIN (fds + 1, batch->most_fds)) / fds_per_item);
      else if (fds + 1 > batch->most_fds)
        room = 0;
      if (run > room)
        return count > 0 ? count : MAX (room, 1);
      count += run;
      fds += 1 + run * fds_per_item;
    }
  return count;
}

/* fs_batch_wake: a group has let go of its descriptors: each may be what somebody waits
 * for. */
void
fs_batch_wake (CaskBackend *self, gsize n_items)
{
  for (gsize i = 0; i < n_items; i++)
    {
      FsPatience patience = { .self = self };
      fs_patience_end (&patience, NULL, NULL);
    }
}

void
fs_batch_shard_clear (FsBatchShard *shard)
{
  fs_fd_close (fs_fd_steal (&shard->fd));
  g_clear_error (&shard->failure);
}

/* fs_batch_shards_sync: each once, for all that the group changed in it. */
void
fs_batch_shards_sync (CaskBackend *self, FsBatchShard *shards, guint n_shards)
{
  FsSync syncs[FS_BATCH_GROUP];
  FsBatchShard *synced[FS_BATCH_GROUP];
  guint n_syncs = 0;
  if (!fs_sync_is_promised (self))
    return;
  for (guint i = 0; i < n_shards; i++)
    if (shards[i].is_changed && shards[i].fd >= 0)
      {
        syncs[n_syncs] = (FsSync){ .fd = shards[i].fd,
                                   .is_shard = TRUE,
                                   .shard_index = shards[i].name.shard_index };
        synced[n_syncs++] = &shards[i];
      }
  fs_group_sync (self, syncs, n_syncs);
  for (guint i = 0; i < n_syncs; i++)
    if (syncs[i].code != 0)
      fs_sync_shard_failed (self, &synced[i]->name, syncs[i].code, &synced[i]->failure);
}

/* ---- contains ---- */

gboolean
fs_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                  GCancellable *cancellable, GError **error)
{
  (void) error;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskItem *item = &items[i];
      CaskBlobInfo ignored;
      if (g_cancellable_set_error_if_cancelled (cancellable, &item->error))
        continue;
      item->outcome = (guint32) fs_stat (self, item->digest, flags,
                                         item->info != NULL ? item->info : &ignored,
                                         cancellable, &item->error);
      if (g_error_matches (item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
        g_clear_error (&item->error);
    }
  return TRUE;
}

/* ---- remove ---- */

typedef struct
{
  FsBatch *batch;
  gsize start, n_items;
  FsRemove done[FS_BATCH_GROUP];
  gboolean is_alone[FS_BATCH_GROUP]; /* to be tried again by itself */
  FsBatchShard *at[FS_BATCH_GROUP];
  FsBatchShard shards[FS_BATCH_GROUP];
  guint n_shards;
} FsBatchRemove;

/* Returns: FALSE with an error; fd stays -1 where the shard is missing. */
static gboolean
fs_batch_remove_open (CaskBackend *self, FsBatchShard *shard, GError **error)
{
  shard->fd = fs_root_open (self, shard->name.directory, O_RDONLY | O_DIRECTORY);
  if (shard->fd >= 0)
    return TRUE;
  if (errno != ENOENT)
    return fs_fail_path (self, errno, "open", shard->name.directory, error);
  return !fs_root_is_gone (self) || fs_fail_gone (error);
}

/* Returns: the shard of the item at that place of the group. */
static FsBatchShard *
fs_batch_remove_shard (FsBatchRemove *group, gsize i, const FsName *name, GError **error)
{
  const guint16 *ids = group->batch->shards + group->start;
  if (i > 0 && ids[i] == ids[i - 1] && group->at[i - 1] != NULL)
    return group->at[i - 1];
  FsBatchShard *shard = &group->shards[group->n_shards++];
  *shard = (FsBatchShard){ .name = *name, .fd = -1 };
  return fs_batch_remove_open (group->batch->self, shard, error) ? shard : NULL;
}

static void
fs_batch_remove_one (FsBatchRemove *group, gsize i)
{
  FsBatch *batch = group->batch;
  CaskItem *item = fs_batch_item (batch, group->start + i);
  FsName name;
  fs_name_set (&name, batch->self->layout, item->digest);
  group->done[i] = FS_REMOVE_FAILED;
  group->is_alone[i] = FALSE;
  group->at[i] = NULL;
  if (g_cancellable_set_error_if_cancelled (batch->cancellable, &item->error))
    return;
  FsBatchShard *shard = fs_batch_remove_shard (group, i, &name, &item->error);
  group->at[i] = shard;
  if (shard != NULL)
    group->done[i] = shard->fd < 0 ? FS_REMOVE_ABSENT : FS_REMOVE_AGAIN;
  while (group->done[i] == FS_REMOVE_AGAIN)
    group->done[i] =
        fs_remove_at (batch->self, &name, shard->fd, batch->unused_since_usec,
                      batch->cancellable, &item->error);
  if (g_error_matches (item->error, CASK_ERROR, FS_ERROR_LIMIT))
    {
      g_clear_error (&item->error);
      group->is_alone[i] = TRUE;
      batch->most_fds = MAX (batch->most_fds / 2, FS_BATCH_FDS_LEAST);
    }
  /* What is absent may be so by somebody's removal that is not durable yet. */
  if (group->done[i] == FS_REMOVE_DONE || group->done[i] == FS_REMOVE_ABSENT)
    shard->is_changed = TRUE;
}

/* Of a shard that is missing, the directory above it says so. */
static void
fs_batch_remove_sync (CaskBackend *self, FsBatchShard *shards, guint n_shards)
{
  fs_batch_shards_sync (self, shards, n_shards);
  for (guint i = 0; i < n_shards; i++)
    if (shards[i].fd < 0 && shards[i].is_changed && fs_sync_is_promised (self))
      fs_sync_absence (self, &shards[i].name, &shards[i].failure);
}

static void
fs_batch_remove_end (FsBatchRemove *group, gsize i)
{
  FsBatch *batch = group->batch;
  CaskItem *item = fs_batch_item (batch, group->start + i);
  if (group->is_alone[i])
    {
      CaskRemoved outcome;
      if (fs_remove (batch->self, item->digest, batch->unused_since_usec, &outcome,
                     batch->cancellable, &item->error))
        item->outcome = (guint32) outcome;
      return;
    }
  if (item->error == NULL)
    item->outcome = (guint32) fs_remove_outcome (group->done[i]);
}

/* Hands a shard's failure on to the items that depend on it; the limit on open files can
 * only have been met where the shard is missing. */
static void
fs_batch_remove_judge (FsBatchRemove *group, gsize i)
{
  CaskItem *item = fs_batch_item (group->batch, group->start + i);
  const GError *failure = group->at[i] != NULL ? group->at[i]->failure : NULL;
  if (failure == NULL || item->error != NULL || group->done[i] == FS_REMOVE_KEPT)
    return;
  if (g_error_matches (failure, CASK_ERROR, FS_ERROR_LIMIT))
    group->is_alone[i] = TRUE;
  else
    item->error = g_error_copy (failure);
}

static void
fs_batch_remove_group (FsBatchRemove *group)
{
  CaskBackend *self = group->batch->self;
  group->n_shards = 0;
  for (gsize i = 0; i < group->n_items; i++)
    fs_batch_remove_one (group, i);
  fs_batch_remove_sync (self, group->shards, group->n_shards);
  for (gsize i = 0; i < group->n_items; i++)
    fs_batch_remove_judge (group, i);
  for (guint i = 0; i < group->n_shards; i++)
    fs_batch_shard_clear (&group->shards[i]);
  fs_batch_wake (self, group->n_items);
  for (gsize i = 0; i < group->n_items; i++)
    fs_batch_remove_end (group, i);
}

gboolean
fs_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                gint64 unused_since_usec, GCancellable *cancellable, GError **error)
{
  if (!fs_remove_check (self, unused_since_usec, error))
    return FALSE;
  g_auto (FsBatch) batch = { .self = self };
  fs_batch_init (&batch, self, items, n_items, cancellable);
  batch.unused_since_usec = unused_since_usec;
  g_autofree FsBatchRemove *group = g_new (FsBatchRemove, 1);
  group->batch = &batch;
  for (gsize start = 0; start < n_items; start += group->n_items)
    {
      group->start = start;
      group->n_items = fs_batch_cut (&batch, start, 0);
      fs_batch_remove_group (group);
    }
  return TRUE;
}
