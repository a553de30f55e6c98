/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-batch.h: one call for many blobs, with a result for each.
 *
 * A batch is spread over the store's background threads. A call succeeds where the batch
 * could be tried at all; what became of each item, its result says. An item that fails
 * harms no other. Once the cancellable is cancelled, the items that were not begun fail
 * with %G_IO_ERROR_CANCELLED, each for itself, and the call succeeds: what was stored or
 * removed before is known. */
#pragma once

#include <gio/gio.h>
#include "cask-store.h"

G_BEGIN_DECLS

#define CASK_TYPE_RESULTS (cask_results_get_type ())

/**
 * CaskResults:
 *
 * What became of each item of a batch, in the order in which they were given.
 * Refcounted; does not change.
 *
 * Since: 1.0
 */
typedef struct _CaskResults CaskResults;

/**
 * CaskContainsFlags:
 * @CASK_CONTAINS_NONE: look only
 * @CASK_CONTAINS_FRESHEN: what is found counts as used now, as by cask_store_touch(): a
 * collector that asks "unused since" keeps it. Blobs that an upload protocol tells its
 * client not to send again need this
 *
 * How to look for blobs.
 *
 * Since: 1.0
 */
typedef enum
{
  CASK_CONTAINS_NONE = 0,
  CASK_CONTAINS_FRESHEN = 1 << 8
} CaskContainsFlags;

CaskResults *cask_store_put_many (CaskStore *store, const CaskDigest *const *digests,
                                  GBytes *const *bytes, gsize n_items, CaskPutFlags flags,
                                  GCancellable *cancellable, GError **error);
void cask_store_put_many_async (CaskStore *store, const CaskDigest *const *digests,
                                GBytes *const *bytes, gsize n_items, CaskPutFlags flags,
                                int io_priority, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
CaskResults *cask_store_put_many_finish (CaskStore *store, GAsyncResult *result,
                                         GError **error);

CaskResults *cask_store_get_many (CaskStore *store, const CaskDigest *const *digests,
                                  gsize n_items, GCancellable *cancellable,
                                  GError **error);
void cask_store_get_many_async (CaskStore *store, const CaskDigest *const *digests,
                                gsize n_items, int io_priority, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
CaskResults *cask_store_get_many_finish (CaskStore *store, GAsyncResult *result,
                                         GError **error);

CaskResults *cask_store_stat_many (CaskStore *store, const CaskDigest *const *digests,
                                   gsize n_items, GCancellable *cancellable,
                                   GError **error);
void cask_store_stat_many_async (CaskStore *store, const CaskDigest *const *digests,
                                 gsize n_items, int io_priority,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
CaskResults *cask_store_stat_many_finish (CaskStore *store, GAsyncResult *result,
                                          GError **error);

CaskResults *cask_store_contains_many (CaskStore *store, const CaskDigest *const *digests,
                                       gsize n_items, CaskContainsFlags flags,
                                       GCancellable *cancellable, GError **error);
void cask_store_contains_many_async (CaskStore *store, const CaskDigest *const *digests,
                                     gsize n_items, CaskContainsFlags flags,
                                     int io_priority, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
CaskResults *cask_store_contains_many_finish (CaskStore *store, GAsyncResult *result,
                                              GError **error);

CaskResults *cask_store_delete_many (CaskStore *store, const CaskDigest *const *digests,
                                     gsize n_items, gint64 unused_since_usec,
                                     GCancellable *cancellable, GError **error);
void cask_store_delete_many_async (CaskStore *store, const CaskDigest *const *digests,
                                   gsize n_items, gint64 unused_since_usec,
                                   int io_priority, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
CaskResults *cask_store_delete_many_finish (CaskStore *store, GAsyncResult *result,
                                            GError **error);

GType cask_results_get_type (void);
CaskResults *cask_results_ref (CaskResults *results);
void cask_results_unref (CaskResults *results);
gsize cask_results_get_length (CaskResults *results);
const CaskDigest *cask_results_get_digest (CaskResults *results, gsize index);
const GError *cask_results_get_error (CaskResults *results, gsize index);
gboolean cask_results_get_created (CaskResults *results, gsize index);
gboolean cask_results_get_present (CaskResults *results, gsize index);
CaskRemoved cask_results_get_removed (CaskResults *results, gsize index);
GBytes *cask_results_get_bytes (CaskResults *results, gsize index);
gboolean cask_results_get_info (CaskResults *results, gsize index, CaskBlobInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskResults, cask_results_unref)

G_END_DECLS
