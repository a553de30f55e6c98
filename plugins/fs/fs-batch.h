/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-batch.h: a batch, cut into groups that share what they can: an open shard, and its
 * fsync. */
#pragma once

#include "fs-private.h"

G_BEGIN_DECLS

#define FS_BATCH_GROUP 64    /* items in a group */
#define FS_BATCH_FDS_LEAST 3 /* an item's, its shard's, and one for a look on the way */

/* FsBatch: the items in the order of their shards; those of one shard in theirs. */
typedef struct
{
  CaskBackend *self;
  CaskItem *items;
  gsize n_items;
  gsize *order;    /* indices of items */
  guint16 *shards; /* the shard of each, in that order */
  guint most_fds;  /* that a group may hold at a time; halved where it met the limit */
  guint taken_fds; /* of those that the batches of the store may hold */
  gint64 deadline; /* of the wait for open files; see fs_put_by() */
  guint32 flags;
  gint64 unused_since_usec;
  GCancellable *cancellable;
} FsBatch;

void fs_batch_init (FsBatch *batch, CaskBackend *self, CaskItem *items, gsize n_items,
                    GCancellable *cancellable);
void fs_batch_clear (FsBatch *batch);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FsBatch, fs_batch_clear)

gsize fs_batch_cut (const FsBatch *batch, gsize start, guint fds_per_item);
void fs_batch_wake (CaskBackend *self, gsize n_items);

static inline CaskItem *
fs_batch_item (const FsBatch *batch, gsize position)
{
  return &batch->items[batch->order[position]];
}

/* FsBatchShard: a shard that a group holds open. */
typedef struct
{
  FsName name; /* of one of its blobs */
  int fd;
  gboolean is_changed; /* so it has to be synced */
  GError *failure;     /* of the fsync */
} FsBatchShard;

void fs_batch_shard_clear (FsBatchShard *shard);
void fs_batch_shards_sync (CaskBackend *self, FsBatchShard *shards, guint n_shards);

G_END_DECLS
