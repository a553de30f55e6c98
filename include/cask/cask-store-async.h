/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-store-async.h: the operations of cask-store.h for main loops.
 *
 * Each `_async` returns at once and calls `callback` exactly once, from the main context
 * that was the thread-default one at the call, never before `_async` has returned.
 * Digests are copied, GBytes are kept by reference until then. `io_priority` is a GLib
 * priority (%G_PRIORITY_DEFAULT): it orders the operation among those of its store that
 * wait, and its callback among the context's sources. What `_finish` gives, and the
 * errors it sets, are those of the synchronous call. Once an operation has taken effect
 * it reports success, also where its cancellable fires before `_finish`. */
#pragma once

#include "cask-store.h"

G_BEGIN_DECLS

void cask_store_open_async (const char *config, int io_priority,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
CaskStore *cask_store_open_finish (GAsyncResult *result, GError **error);

void cask_store_put_async (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                           CaskPutFlags flags, int io_priority, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_put_finish (CaskStore *store, GAsyncResult *result, gboolean *created,
                                GError **error);

void cask_store_add_async (CaskStore *store, GBytes *bytes, CaskAlgorithm algorithm,
                           CaskPutFlags flags, int io_priority, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_add_finish (CaskStore *store, GAsyncResult *result,
                                CaskDigest *digest, gboolean *created, GError **error);

void cask_store_get_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
GBytes *cask_store_get_finish (CaskStore *store, GAsyncResult *result, GError **error);

void cask_store_get_range_async (CaskStore *store, const CaskDigest *digest,
                                 guint64 offset, guint64 length, int io_priority,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
GBytes *cask_store_get_range_finish (CaskStore *store, GAsyncResult *result,
                                     GError **error);

void cask_store_stat_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
gboolean cask_store_stat_finish (CaskStore *store, GAsyncResult *result,
                                 CaskBlobInfo *info, GError **error);

void cask_store_contains_async (CaskStore *store, const CaskDigest *digest,
                                int io_priority, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_contains_finish (CaskStore *store, GAsyncResult *result,
                                     gboolean *present, GError **error);

void cask_store_list_async (CaskStore *store, const CaskDigest *after, guint limit,
                            int io_priority, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
CaskListPage *cask_store_list_finish (CaskStore *store, GAsyncResult *result,
                                      GError **error);

void cask_store_touch_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean cask_store_touch_finish (CaskStore *store, GAsyncResult *result, GError **error);

void cask_store_delete_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean cask_store_delete_finish (CaskStore *store, GAsyncResult *result,
                                   gboolean *existed, GError **error);

void cask_store_delete_unused_async (CaskStore *store, const CaskDigest *digest,
                                     gint64 unused_since_usec, int io_priority,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_delete_unused_finish (CaskStore *store, GAsyncResult *result,
                                          CaskRemoved *outcome, GError **error);

void cask_store_verify_async (CaskStore *store, const CaskDigest *digest, int io_priority,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean cask_store_verify_finish (CaskStore *store, GAsyncResult *result,
                                   GError **error);

void cask_store_quarantine_async (CaskStore *store, const CaskDigest *digest,
                                  int io_priority, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_quarantine_finish (CaskStore *store, GAsyncResult *result,
                                       gboolean *moved, GError **error);

void cask_store_flush_async (CaskStore *store, int io_priority, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_flush_finish (CaskStore *store, GAsyncResult *result, GError **error);

void cask_store_usage_async (CaskStore *store, int io_priority, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_usage_finish (CaskStore *store, GAsyncResult *result,
                                  CaskUsage *usage, GError **error);

void cask_store_close_async (CaskStore *store, int io_priority, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_close_finish (CaskStore *store, GAsyncResult *result, GError **error);

G_END_DECLS
