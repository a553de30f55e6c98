/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-batch.c: many blobs in one call.
 *
 * The items are put in the order of their shards, and those of one shard, up to
 * BATCH_RUN_MOST, are dealt with under one hold of its lock. Two items of one digest keep
 * their order: the first put of it creates, and the second is a hit.
 *
 * The cancellable is looked at before each run. An item that has to copy its bytes or to
 * evict others takes the way of a single put from there on, and looks for itself.
 *
 * Locks: see memory-private.h. What is let go of is so after the run.
 *
 * Failure modes: each item fails for itself. Where a batch does not fit under max-bytes,
 * which of its items do depends on their digests, not on their order. */
#include "memory-private.h"

/* So that a shard is never held for longer than a few microseconds. */
#define BATCH_RUN_MOST 32

/* What is copied for a put that may turn out to be a hit. */
#define BATCH_COPY_MOST 1024

typedef struct
{
  MemoryPlace *place;
  CaskItem *items;
  const gsize *order;
  gsize n_items;
  guint32 flags;
  gint64 unused_since_usec;
  GCancellable *cancellable;
} Batch;

/* Run: items of one shard, by their indices. */
typedef struct
{
  MemoryShard *shard;
  const gsize *first;
  gsize count;
} BatchRun;

typedef void (*BatchFunc) (const Batch *batch, const BatchRun *run);

/* A counting sort: it takes one pass, and leaves items of one shard in order. */
static gsize *
batch_order (const CaskItem *items, gsize n_items)
{
  gsize starts[MEMORY_SHARDS + 1] = { 0 };
  for (gsize i = 0; i < n_items; i++)
    starts[memory_shard_index (items[i].digest) + 1]++;
  for (guint i = 0; i < MEMORY_SHARDS; i++)
    starts[i + 1] += starts[i];
  gsize *order = g_new (gsize, n_items);
  for (gsize i = 0; i < n_items; i++)
    order[starts[memory_shard_index (items[i].digest)]++] = i;
  return order;
}

static BatchRun
batch_next_run (const Batch *batch, gsize start)
{
  const CaskDigest *first = batch->items[batch->order[start]].digest;
  guint index = memory_shard_index (first);
  gsize most = MIN (batch->n_items - start, BATCH_RUN_MOST);
  gsize count = 1;
  while (count < most &&
         memory_shard_index (batch->items[batch->order[start + count]].digest) == index)
    count++;
  return (BatchRun){ .shard = memory_place_shard (batch->place, index),
                     .first = batch->order + start,
                     .count = count };
}

/* asked: flags and the like. Returns: TRUE: every item has its outcome or its error */
static gboolean
batch_each (CaskBackend *self, CaskItem *items, gsize n_items, const Batch *asked,
            BatchFunc func)
{
  g_autofree gsize *order = batch_order (items, n_items);
  Batch batch = *asked;
  batch.place = self->place;
  batch.items = items;
  batch.order = order;
  batch.n_items = n_items;
  for (gsize done = 0; done < n_items;)
    {
      BatchRun run = batch_next_run (&batch, done);
      done += run.count;
      if (!g_cancellable_is_cancelled (batch.cancellable))
        func (&batch, &run);
      else
        for (gsize i = 0; i < run.count; i++)
          g_cancellable_set_error_if_cancelled (batch.cancellable,
                                                &items[run.first[i]].error);
    }
  return TRUE;
}

/* ---- put ---- */

typedef struct
{
  MemoryPut put;
  MemoryPutStep step;
  gboolean is_refused; /* it could never fit */
} BatchPut;

static void
batch_put_begin (const Batch *batch, CaskItem *item, BatchPut *one)
{
  one->put = (MemoryPut){ .digest = item->digest,
                          .size = g_bytes_get_size (item->bytes),
                          .flags = batch->flags };
  one->step = MEMORY_PUT_WANTS_BYTES;
  one->is_refused = !memory_room_check (batch->place, one->put.size, &item->error);
  /* To look twice costs more than to keep a reference or to copy a little. */
  if (!one->is_refused &&
      ((batch->flags & CASK_PUT_KEEP) != 0 || one->put.size <= BATCH_COPY_MOST))
    one->is_refused = !memory_put_keep_bytes (&one->put, item->bytes, &item->error);
}

static void
batch_put_end (const Batch *batch, CaskItem *item, BatchPut *one)
{
  gboolean done = one->step == MEMORY_PUT_DONE;
  if (!one->is_refused && !done)
    done = memory_put_run (batch->place, &one->put, item->bytes, batch->cancellable,
                           &item->error);
  if (done)
    item->outcome = (guint32) one->put.created;
  memory_put_clear (&one->put);
}

static void
batch_put (const Batch *batch, const BatchRun *run)
{
  BatchPut puts[BATCH_RUN_MOST];
  for (gsize i = 0; i < run->count; i++)
    batch_put_begin (batch, &batch->items[run->first[i]], &puts[i]);
  memory_lock (batch->place, run->shard, TRUE);
  for (gsize i = 0; i < run->count; i++)
    if (!puts[i].is_refused)
      puts[i].step = memory_put_step_locked (batch->place, run->shard, &puts[i].put);
  memory_unlock (run->shard, NULL);
  for (gsize i = 0; i < run->count; i++)
    batch_put_end (batch, &batch->items[run->first[i]], &puts[i]);
}

gboolean
memory_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                 GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  const Batch asked = { .flags = flags, .cancellable = cancellable };
  return batch_each (self, items, n_items, &asked, batch_put);
}

/* ---- get ---- */

static void
batch_get (const Batch *batch, const BatchRun *run)
{
  CaskBlobInfo ignored;
  MemoryDoor *door = memory_lock (batch->place, run->shard,
                                  memory_get_is_use (batch->place, batch->flags));
  for (gsize i = 0; i < run->count; i++)
    {
      CaskItem *item = &batch->items[run->first[i]];
      item->bytes = memory_ref_locked (batch->place, run->shard, item->digest,
                                       batch->flags, item->info ? item->info : &ignored);
      item->outcome = item->bytes != NULL;
    }
  memory_unlock (run->shard, door);
  for (gsize i = 0; i < run->count; i++)
    if (batch->items[run->first[i]].bytes == NULL)
      memory_fail_absent (&batch->items[run->first[i]].error);
}

gboolean
memory_get_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                 GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  const Batch asked = { .flags = flags, .cancellable = cancellable };
  return batch_each (self, items, n_items, &asked, batch_get);
}

/* ---- contains ---- */

static void
batch_contains (const Batch *batch, const BatchRun *run)
{
  MemoryDoor *door =
      memory_lock (batch->place, run->shard, (batch->flags & CASK_STAT_FRESHEN) != 0);
  for (gsize i = 0; i < run->count; i++)
    {
      CaskItem *item = &batch->items[run->first[i]];
      item->outcome = (guint32) memory_look_locked (
          batch->place, run->shard, item->digest, batch->flags, item->info);
    }
  memory_unlock (run->shard, door);
}

gboolean
memory_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                      GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  const Batch asked = { .flags = flags, .cancellable = cancellable };
  return batch_each (self, items, n_items, &asked, batch_contains);
}

/* ---- remove ---- */

static void
batch_remove (const Batch *batch, const BatchRun *run)
{
  MemoryBlob *removed[BATCH_RUN_MOST] = { NULL };
  memory_lock (batch->place, run->shard, TRUE);
  for (gsize i = 0; i < run->count; i++)
    {
      CaskItem *item = &batch->items[run->first[i]];
      item->outcome = (guint32) memory_remove_locked (
          batch->place, run->shard, item->digest, batch->unused_since_usec, &removed[i]);
    }
  memory_unlock (run->shard, NULL);
  for (gsize i = 0; i < run->count; i++)
    g_clear_pointer (&removed[i], memory_blob_free);
}

gboolean
memory_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                    gint64 unused_since_usec, GCancellable *cancellable,
                    G_GNUC_UNUSED GError **error)
{
  const Batch asked = { .unused_since_usec = unused_since_usec,
                        .cancellable = cancellable };
  return batch_each (self, items, n_items, &asked, batch_remove);
}
