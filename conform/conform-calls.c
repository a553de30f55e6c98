/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-calls.c: the asynchronous calls in the shape of the synchronous ones, so that
 * every case is run over both; conform-await.c waits for them. */
#include "conform-await.h"

static CaskStore *
async_open (const char *config, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_open_async (config, G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_open_finish (await_result (&await), error);
}

static gboolean
async_put (CaskStore *store, const CaskDigest *digest, GBytes *bytes, CaskPutFlags flags,
           gboolean *created, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_put_async (store, await_begin (&await, digest), bytes, flags,
                        G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_put_finish (store, await_result (&await), created, error);
}

static gboolean
async_add (CaskStore *store, GBytes *bytes, CaskAlgorithm algorithm, CaskPutFlags flags,
           CaskDigest *digest, gboolean *created, GCancellable *cancellable,
           GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_add_async (store, bytes, algorithm, flags, G_PRIORITY_DEFAULT, cancellable,
                        await_done, &await);
  return cask_store_add_finish (store, await_result (&await), digest, created, error);
}

static GBytes *
async_get (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
           GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_get_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                        cancellable, await_done, &await);
  return cask_store_get_finish (store, await_result (&await), error);
}

static GBytes *
async_get_range (CaskStore *store, const CaskDigest *digest, guint64 offset,
                 guint64 length, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_get_range_async (store, await_begin (&await, digest), offset, length,
                              G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_get_range_finish (store, await_result (&await), error);
}

static gboolean
async_stat (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
            GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_stat_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                         cancellable, await_done, &await);
  return cask_store_stat_finish (store, await_result (&await), info, error);
}

static gboolean
async_contains (CaskStore *store, const CaskDigest *digest, gboolean *present,
                GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_contains_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                             cancellable, await_done, &await);
  return cask_store_contains_finish (store, await_result (&await), present, error);
}

static CaskListPage *
async_list (CaskStore *store, const CaskDigest *after, guint limit,
            GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_list_async (store, await_begin (&await, after), limit, G_PRIORITY_DEFAULT,
                         cancellable, await_done, &await);
  return cask_store_list_finish (store, await_result (&await), error);
}

static gboolean
async_touch (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
             GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_touch_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                          cancellable, await_done, &await);
  return cask_store_touch_finish (store, await_result (&await), error);
}

static gboolean
async_remove (CaskStore *store, const CaskDigest *digest, gboolean *existed,
              GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_delete_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                           cancellable, await_done, &await);
  return cask_store_delete_finish (store, await_result (&await), existed, error);
}

static gboolean
async_remove_unused (CaskStore *store, const CaskDigest *digest, gint64 unused_since_usec,
                     CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_delete_unused_async (store, await_begin (&await, digest), unused_since_usec,
                                  G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_delete_unused_finish (store, await_result (&await), outcome, error);
}

static gboolean
async_verify (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
              GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_verify_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                           cancellable, await_done, &await);
  return cask_store_verify_finish (store, await_result (&await), error);
}

static gboolean
async_quarantine (CaskStore *store, const CaskDigest *digest, gboolean *moved,
                  GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_quarantine_async (store, await_begin (&await, digest), G_PRIORITY_DEFAULT,
                               cancellable, await_done, &await);
  return cask_store_quarantine_finish (store, await_result (&await), moved, error);
}

static gboolean
async_flush (CaskStore *store, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_flush_async (store, G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_flush_finish (store, await_result (&await), error);
}

static gboolean
async_usage (CaskStore *store, CaskUsage *usage, GCancellable *cancellable,
             GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_usage_async (store, G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_usage_finish (store, await_result (&await), usage, error);
}

static gboolean
async_close (CaskStore *store, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_close_async (store, G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_store_close_finish (store, await_result (&await), error);
}

const Calls conform_sync_calls = { .name = "synchronous",
                                   .open = cask_store_open,
                                   .put = cask_store_put,
                                   .add = cask_store_add,
                                   .get = cask_store_get,
                                   .get_range = cask_store_get_range,
                                   .stat = cask_store_stat,
                                   .contains = cask_store_contains,
                                   .list = cask_store_list,
                                   .touch = cask_store_touch,
                                   .remove = cask_store_delete,
                                   .remove_unused = cask_store_delete_unused,
                                   .verify = cask_store_verify,
                                   .quarantine = cask_store_quarantine,
                                   .flush = cask_store_flush,
                                   .usage = cask_store_usage,
                                   .close = cask_store_close };

const Calls conform_async_calls = { .name = "asynchronous",
                                    .open = async_open,
                                    .put = async_put,
                                    .add = async_add,
                                    .get = async_get,
                                    .get_range = async_get_range,
                                    .stat = async_stat,
                                    .contains = async_contains,
                                    .list = async_list,
                                    .touch = async_touch,
                                    .remove = async_remove,
                                    .remove_unused = async_remove_unused,
                                    .verify = async_verify,
                                    .quarantine = async_quarantine,
                                    .flush = async_flush,
                                    .usage = async_usage,
                                    .close = async_close };
