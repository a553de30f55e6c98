/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-batch-async.c: the same from a main loop, one batch after another: what a host's
 * loop is free for meanwhile costs it a way to a thread and back for each batch. */
#include "ways.h"

typedef CaskResults *(*BatchFinish) (CaskStore *store, GAsyncResult *result,
                                     GError **error);

typedef struct
{
  BatchFinish finish;
  CaskResults *results;
  GError *error;
  gboolean is_back;
} BatchWait;

static void
batch_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  BatchWait *wait = data;
  wait->results = wait->finish (CASK_STORE (source), result, &wait->error);
  wait->is_back = TRUE;
}

static CaskResults *
batch_await (const WaysBatch *batch, BatchWait *wait, GError **error)
{
  while (!wait->is_back)
    g_main_context_iteration (batch->way->loop.context, TRUE);
  g_main_context_pop_thread_default (batch->way->loop.context);
  if (wait->error)
    g_propagate_error (error, wait->error);
  return wait->results;
}

static void
batch_begin (const WaysBatch *batch)
{
  g_main_context_push_thread_default (batch->way->loop.context);
}

static CaskResults *
batch_put_many (const WaysBatch *batch, GError **error)
{
  BatchWait wait = { .finish = cask_store_put_many_finish };
  batch_begin (batch);
  cask_store_put_many_async (batch->way->store, batch->digests, batch->bytes,
                             batch->n_items, CASK_PUT_NONE, G_PRIORITY_DEFAULT, NULL,
                             batch_landed, &wait);
  return batch_await (batch, &wait, error);
}

static CaskResults *
batch_get_many (const WaysBatch *batch, GError **error)
{
  BatchWait wait = { .finish = cask_store_get_many_finish };
  batch_begin (batch);
  cask_store_get_many_async (batch->way->store, batch->digests, batch->n_items,
                             G_PRIORITY_DEFAULT, NULL, batch_landed, &wait);
  return batch_await (batch, &wait, error);
}

static CaskResults *
batch_contains_many (const WaysBatch *batch, GError **error)
{
  BatchWait wait = { .finish = cask_store_contains_many_finish };
  batch_begin (batch);
  cask_store_contains_many_async (batch->way->store, batch->digests, batch->n_items,
                                  CASK_CONTAINS_NONE, G_PRIORITY_DEFAULT, NULL,
                                  batch_landed, &wait);
  return batch_await (batch, &wait, error);
}

static CaskResults *
batch_delete_many (const WaysBatch *batch, GError **error)
{
  BatchWait wait = { .finish = cask_store_delete_many_finish };
  batch_begin (batch);
  cask_store_delete_many_async (batch->way->store, batch->digests, batch->n_items,
                                CASK_ALWAYS, G_PRIORITY_DEFAULT, NULL, batch_landed,
                                &wait);
  return batch_await (batch, &wait, error);
}

gboolean
ways_async_batch_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                          GError **error)
{
  return ways_batches (place, batch_put_many, ways_batch_check_created, blobs, n_blobs,
                       TRUE, error);
}

gboolean
ways_async_batch_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error)
{
  return ways_batches (place, batch_put_many, ways_batch_check_created, blobs, n_blobs,
                       FALSE, error);
}

gboolean
ways_async_batch_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                      GError **error)
{
  return ways_batches (place, batch_get_many, ways_batch_check_size, blobs, n_blobs, TRUE,
                       error);
}

gboolean
ways_async_batch_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error)
{
  return ways_batches (place, batch_contains_many, ways_batch_check_present, blobs,
                       n_blobs, TRUE, error);
}

gboolean
ways_async_batch_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                  GError **error)
{
  return ways_batches (place, batch_contains_many, ways_batch_check_present, blobs,
                       n_blobs, FALSE, error);
}

gboolean
ways_async_batch_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error)
{
  return ways_batches (place, batch_delete_many, ways_batch_check_removed, blobs, n_blobs,
                       TRUE, error);
}
