/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-store.h: a store and its operations, synchronously.
 *
 * Every call here may block, runs in the caller's thread, and may be made at once from
 * any number of threads on one store. cask-store-async.h has the same operations for main
 * loops. */
#pragma once

#include <gio/gio.h>
#include "cask-list.h"
#include "cask-types.h"

G_BEGIN_DECLS

#define CASK_TYPE_STORE (cask_store_get_type ())

/**
 * CaskStore:
 *
 * An open store of blobs. Dropping the last reference never blocks: what is left to close
 * is closed in the background. cask_store_close() waits for it.
 *
 * Since: 1.0
 */
G_DECLARE_FINAL_TYPE (CaskStore, cask_store, CASK, STORE, GObject)

/**
 * CaskPutFlags:
 * @CASK_PUT_NONE: nothing special
 * @CASK_PUT_COPY: the bytes are a slice of something larger, or memory that is soon
 * reused: a backend that keeps bytes in memory is to copy them
 * @CASK_PUT_VERIFY_EXISTING: what the store has under this digest may be damaged: store
 * the bytes anew
 * @CASK_PUT_ALL_ALGORITHMS: hash by every algorithm, in the one pass: uploads only, see
 * cask_upload_get_digest()
 *
 * How to put. The lower bits belong to the plugin interface.
 *
 * Since: 1.0
 */
typedef enum
{
  CASK_PUT_NONE = 0,
  CASK_PUT_COPY = 1 << 8,
  CASK_PUT_VERIFY_EXISTING = 1 << 9,
  CASK_PUT_ALL_ALGORITHMS = 1 << 10
} CaskPutFlags;

/** CASK_LIST_DEFAULT: how many blobs a page has where the limit is given as 0. Since: 1.0
 */
#define CASK_LIST_DEFAULT 1000
/** CASK_LIST_MAXIMUM: how many blobs a page has at most. Since: 1.0 */
#define CASK_LIST_MAXIMUM 100000

CaskStore *cask_store_open (const char *config, GCancellable *cancellable,
                            GError **error);
const char *cask_store_get_config (CaskStore *store);
CaskCapabilities cask_store_get_capabilities (CaskStore *store);

gboolean cask_store_put (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                         CaskPutFlags flags, gboolean *created, GCancellable *cancellable,
                         GError **error);
gboolean cask_store_add (CaskStore *store, GBytes *bytes, CaskAlgorithm algorithm,
                         CaskPutFlags flags, CaskDigest *digest, gboolean *created,
                         GCancellable *cancellable, GError **error);

GBytes *cask_store_get (CaskStore *store, const CaskDigest *digest,
                        GCancellable *cancellable, GError **error);
GBytes *cask_store_get_range (CaskStore *store, const CaskDigest *digest, guint64 offset,
                              guint64 length, GCancellable *cancellable, GError **error);
gboolean cask_store_stat (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
                          GCancellable *cancellable, GError **error);
gboolean cask_store_contains (CaskStore *store, const CaskDigest *digest,
                              gboolean *present, GCancellable *cancellable,
                              GError **error);
CaskListPage *cask_store_list (CaskStore *store, const CaskDigest *after, guint limit,
                               GCancellable *cancellable, GError **error);

gboolean cask_store_touch (CaskStore *store, const CaskDigest *digest,
                           GCancellable *cancellable, GError **error);
gboolean cask_store_delete (CaskStore *store, const CaskDigest *digest, gboolean *existed,
                            GCancellable *cancellable, GError **error);
gboolean cask_store_delete_unused (CaskStore *store, const CaskDigest *digest,
                                   gint64 unused_since_usec, CaskRemoved *outcome,
                                   GCancellable *cancellable, GError **error);

gboolean cask_store_verify (CaskStore *store, const CaskDigest *digest,
                            GCancellable *cancellable, GError **error);
gboolean cask_store_quarantine (CaskStore *store, const CaskDigest *digest,
                                gboolean *moved, GCancellable *cancellable,
                                GError **error);
gboolean cask_store_flush (CaskStore *store, GCancellable *cancellable, GError **error);
gboolean cask_store_usage (CaskStore *store, CaskUsage *usage, GCancellable *cancellable,
                           GError **error);
gboolean cask_store_close (CaskStore *store, GCancellable *cancellable, GError **error);

G_END_DECLS
