/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-batch-put.c: many puts that wait for the disk together.
 *
 *   step, for all of a group         what of it may be left after a power loss
 *   look: a hit is done with         -
 *   open, write, begin to flush      nothing
 *   set the time, sync each file     nothing
 *   link each                        any of the blobs
 *   fsync each shard                 all of them
 *
 * The happy path is new blobs. Whatever else an item turns out to be (of another size,
 * suspect, the second of its digest, lost to somebody who was quicker, over the limit on
 * open files) goes the way of a single put, when its group holds no descriptor any more.
 *
 * The bytes of all are on their way to the disk before the first fsync waits for its own;
 * the first that waits for the journal finds all names there, and so does the first of
 * the shards.
 *
 * Failure modes: as put, for each item. A failed fsync of a file is that item's, a failed
 * fsync of a shard is that of all items linked there: they can be seen, but are not
 * acknowledged. */
#include "fs-batch.h"
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>

typedef enum
{
  FS_BATCH_ENDED, /* it has its outcome or its error */
  FS_BATCH_ALONE, /* it goes the way of a single put */
  FS_BATCH_WANTED,
  FS_BATCH_FILLED,
  FS_BATCH_LINKED
} FsBatchState;

typedef struct
{
  CaskItem *item;
  FsBatchState state;
  FsName name;
  FsTemp temp;
  FsBatchShard *shard; /* (nullable) */
} FsBatchPut;

typedef struct
{
  FsBatch *batch;
  gsize n_puts;
  guint n_shards;
  FsBatchPut puts[FS_BATCH_GROUP];
  FsBatchShard shards[FS_BATCH_GROUP];
} FsBatchPuts;

/* Returns: whether an item before it in the group stores the same blob. */
static gboolean
fs_batch_put_is_second (const FsBatchPuts *group, const FsBatchPut *put)
{
  for (const FsBatchPut *other = group->puts; other < put; other++)
    if (other->state == FS_BATCH_WANTED &&
        cask_digest_equal (other->item->digest, put->item->digest))
      return TRUE;
  return FALSE;
}

/* Takes failure. What a limit on open files has stopped is tried again, alone. */
static void
fs_batch_put_fail (FsBatch *batch, FsBatchPut *put, GError *failure)
{
  put->state = FS_BATCH_ENDED;
  if (g_error_matches (failure, CASK_ERROR, FS_ERROR_LIMIT))
    {
      put->state = FS_BATCH_ALONE;
      batch->most_fds = MAX (batch->most_fds / 2, FS_BATCH_FDS_LEAST);
      g_error_free (failure);
      return;
    }
  put->item->error = failure;
}

static void
fs_batch_put_look (FsBatchPuts *group, FsBatchPut *put)
{
  FsBatch *batch = group->batch;
  GError *failure = NULL;
  FsUse use = fs_write_look (batch->self, &put->name, g_bytes_get_size (put->item->bytes),
                             batch->flags, batch->cancellable, &failure);
  if (use == FS_USE_FAILED)
    {
      fs_batch_put_fail (batch, put, failure);
      return;
    }
  put->item->outcome = FALSE;
  put->state = use == FS_USE_DONE ? FS_BATCH_ENDED : FS_BATCH_ALONE;
  if (use == FS_USE_ABSENT && !fs_batch_put_is_second (group, put))
    put->state = FS_BATCH_WANTED;
}

/* Returns: (nullable): the shard of that name, open. */
static FsBatchShard *
fs_batch_put_shard (FsBatchPuts *group, const FsName *name, GError **error)
{
  FsBatchShard *last = &group->shards[group->n_shards] - 1;
  if (group->n_shards > 0 && last->name.shard_index == name->shard_index)
    return last;
  int fd = fs_write_open_shard (group->batch->self, name, error);
  if (fd < 0)
    return NULL;
  FsBatchShard *shard = &group->shards[group->n_shards++];
  *shard = (FsBatchShard){ .name = *name, .fd = fd };
  return shard;
}

static gboolean
fs_batch_put_is_removed (const FsBatchShard *shard)
{
  struct stat st;
  return fs_system->fstat (shard->fd, &st) == 0 && st.st_nlink == 0;
}

/* That the flush is begun helps the others; whether it went well, the fsync says. */
static void
fs_batch_put_fill (FsBatchPuts *group, FsBatchPut *put)
{
  FsBatch *batch = group->batch;
  GError *failure = NULL;
  put->shard = fs_batch_put_shard (group, &put->name, &failure);
  if (put->shard != NULL &&
      fs_publish_open (batch->self, put->shard->fd, &put->temp, &failure) &&
      fs_publish_write (batch->self, put->temp.fd, 0, put->item->bytes,
                        batch->cancellable, &failure))
    {
      fs_system->sync_file_range (put->temp.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
      put->state = FS_BATCH_FILLED;
      return;
    }
  fs_temp_clear (&put->temp);
  fs_batch_put_fail (batch, put, failure);
  /* Somebody removed the directory that was just opened: a single put makes it again. */
  if (put->state == FS_BATCH_ENDED && put->shard != NULL &&
      fs_batch_put_is_removed (put->shard))
    {
      g_clear_error (&put->item->error);
      put->state = FS_BATCH_ALONE;
    }
}

static void
fs_batch_put_date (FsBatchPuts *group, FsBatchPut *put)
{
  GError *failure = NULL;
  struct timespec set;
  if (fs_publish_date (group->batch->self, &put->temp, &set, &failure))
    return;
  fs_temp_clear (&put->temp);
  fs_batch_put_fail (group->batch, put, failure);
}

static void
fs_batch_put_synced (FsBatch *batch, FsBatchPut *put, int code)
{
  GError *failure = NULL;
  put->temp.sync_failed = code != 0;
  if (code != 0)
    fs_sync_file_failed (batch->self, batch->self->durability, code, &failure);
  if (code == 0 && !g_cancellable_set_error_if_cancelled (batch->cancellable, &failure))
    return;
  fs_temp_clear (&put->temp);
  fs_batch_put_fail (batch, put, failure);
}

static gboolean
fs_batch_put_is_young (const FsBatchPut *put)
{
  struct stat st;
  return fs_system->fstat (put->temp.fd, &st) == 0 && !fs_publish_is_stale (&st.st_mtim);
}

static void
fs_batch_put_finish (FsBatchPuts *group, FsBatchPut *put)
{
  FsBatch *batch = group->batch;
  GError *failure = NULL;
  if (fs_publish_finish (batch->self, &put->temp, batch->self->durability,
                         batch->cancellable, &failure))
    return;
  fs_temp_clear (&put->temp);
  fs_batch_put_fail (batch, put, failure);
}

/* Where others took long to sync, the time may be old by now, and has to be young at the
 * commit: it is set and synced once more. */
static void
fs_batch_put_link (FsBatchPuts *group, FsBatchPut *put)
{
  FsBatch *batch = group->batch;
  if (!fs_batch_put_is_young (put))
    fs_batch_put_finish (group, put);
  if (put->state != FS_BATCH_FILLED)
    return;
  GError *failure = NULL;
  FsPublish done = fs_publish_link_new (batch->self, &put->temp, put->shard->fd,
                                        fs_name_leaf (&put->name), &failure);
  fs_temp_clear (&put->temp);
  if (done == FS_PUBLISH_FAILED)
    fs_batch_put_fail (batch, put, failure);
  else
    put->state = done == FS_PUBLISH_DONE ? FS_BATCH_LINKED : FS_BATCH_ALONE;
  if (done == FS_PUBLISH_DONE)
    put->shard->is_changed = TRUE;
}

static void
fs_batch_put_acknowledge (FsBatchPuts *group, FsBatchPut *put)
{
  (void) group;
  put->state = FS_BATCH_ENDED;
  if (put->shard->failure != NULL)
    put->item->error = g_error_copy (put->shard->failure);
  else
    put->item->outcome = TRUE;
}

static void
fs_batch_put_alone (FsBatchPuts *group, FsBatchPut *put)
{
  FsBatch *batch = group->batch;
  gboolean created;
  if (fs_put_by (batch->self, put->item->digest, put->item->bytes, batch->flags, &created,
                 &batch->deadline, batch->cancellable, &put->item->error))
    put->item->outcome = (guint32) created;
}

typedef void (*FsBatchStep) (FsBatchPuts *group, FsBatchPut *put);

static void
fs_batch_put_each (FsBatchPuts *group, FsBatchState state, FsBatchStep step)
{
  for (gsize i = 0; i < group->n_puts; i++)
    if (group->puts[i].state == state)
      step (group, &group->puts[i]);
}

/* What fs_publish_finish() does, for all that are filled in one wait. A time that grew
 * old in it is seen to before the link. */
static void
fs_batch_put_finish_all (FsBatchPuts *group)
{
  FsBatch *batch = group->batch;
  FsBatchPut *puts[FS_BATCH_GROUP];
  FsSync syncs[FS_BATCH_GROUP];
  guint n_syncs = 0;
  fs_batch_put_each (group, FS_BATCH_FILLED, fs_batch_put_date);
  for (gsize i = 0; i < group->n_puts; i++)
    if (group->puts[i].state == FS_BATCH_FILLED)
      {
        syncs[n_syncs] = (FsSync){ .fd = group->puts[i].temp.fd };
        puts[n_syncs++] = &group->puts[i];
      }
  fs_group_sync (batch->self, syncs, n_syncs);
  for (guint i = 0; i < n_syncs; i++)
    fs_batch_put_synced (batch, puts[i], syncs[i].code);
}

static void
fs_batch_put_begin (FsBatchPuts *group, gsize start)
{
  FsBatch *batch = group->batch;
  group->n_shards = 0;
  for (gsize i = 0; i < group->n_puts; i++)
    {
      FsBatchPut *put = &group->puts[i];
      *put = (FsBatchPut){ .item = fs_batch_item (batch, start + i),
                           .temp = { .self = batch->self, .fd = -1 } };
      fs_name_set (&put->name, batch->self->layout, put->item->digest);
      fs_batch_put_look (group, put);
    }
}

static void
fs_batch_put_group (FsBatchPuts *group, gsize start)
{
  CaskBackend *self = group->batch->self;
  fs_batch_put_begin (group, start);
  fs_batch_put_each (group, FS_BATCH_WANTED, fs_batch_put_fill);
  fs_batch_put_finish_all (group);
  fs_batch_put_each (group, FS_BATCH_FILLED, fs_batch_put_link);
  fs_batch_shards_sync (self, group->shards, group->n_shards);
  fs_batch_put_each (group, FS_BATCH_LINKED, fs_batch_put_acknowledge);
  for (guint i = 0; i < group->n_shards; i++)
    fs_batch_shard_clear (&group->shards[i]);
  fs_batch_wake (self, group->n_puts);
  fs_batch_put_each (group, FS_BATCH_ALONE, fs_batch_put_alone);
}

/* Without a sync there is nothing to wait for together. */
static gboolean
fs_batch_put_one_by_one (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                         GCancellable *cancellable)
{
  gint64 deadline = 0;
  for (gsize i = 0; i < n_items; i++)
    {
      gboolean created;
      if (fs_put_by (self, items[i].digest, items[i].bytes, flags, &created, &deadline,
                     cancellable, &items[i].error))
        items[i].outcome = (guint32) created;
    }
  return TRUE;
}

gboolean
fs_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
             GCancellable *cancellable, GError **error)
{
  if (!fs_root_check_writable (self, error))
    return FALSE;
  if (n_items < 2 || self->durability == FS_DURABILITY_NONE)
    return fs_batch_put_one_by_one (self, items, n_items, flags, cancellable);
  fs_sweep_once (self);
  g_auto (FsBatch) batch = { .self = self };
  fs_batch_init (&batch, self, items, n_items, cancellable);
  batch.flags = flags;
  g_autofree FsBatchPuts *group = g_new (FsBatchPuts, 1);
  group->batch = &batch;
  for (gsize start = 0; start < n_items; start += group->n_puts)
    {
      group->n_puts = fs_batch_cut (&batch, start, 1);
      fs_batch_put_group (group, start);
    }
  return TRUE;
}
