/* SPDX-License-Identifier: Apache-2.0
 *
 * batch-private.h: a batch from its call to its results, for this room and the
 * asynchronous one above.
 *
 * The results are made first, with copies of what was asked; the work fills them in. Once
 * a caller has them they do not change. */
#pragma once

#include <cask/cask-batch.h>

#include "store-private.h"

typedef enum
{
  CASK_BATCH_PUT,
  CASK_BATCH_GET,
  CASK_BATCH_STAT,
  CASK_BATCH_CONTAINS,
  CASK_BATCH_DELETE
} CaskBatchKind;

struct _CaskResults
{
  CaskBatchKind kind;
  gint64 parameter; /* flags, or since when unused */
  gsize n_items;
  CaskItem *items; /* each points to its digest, and to its info if any */
  CaskDigest *digests;
  CaskBlobInfo *infos; /* (nullable) of get and stat */
};

/* ---- results.c ---- */

/* Whether the arrays that a host gave have n_items each, and none of them NULL. bytes:
 * (nullable) where there are none. */
gboolean cask_results_are_askable (const CaskDigest *const *digests, GBytes *const *bytes,
                                   gsize n_items, CaskBatchKind kind);

/* Copies the digests and takes references of the bytes. */
CaskResults *cask_results_new (CaskBatchKind kind, gint64 parameter,
                               const CaskDigest *const *digests, GBytes *const *bytes,
                               gsize n_items);

/* ---- store-group.c ---- */

/* Whether an item is to be in the call. FALSE: it has its outcome or its error already.
 */
typedef gboolean (*CaskGroupCheck) (CaskStore *store, CaskItem *item, gint64 parameter,
                                    GCancellable *cancellable);
/* One call of the backend. FALSE: nothing was tried. */
typedef gboolean (*CaskGroupCall) (CaskStore *store, CaskItem *items, gsize n_items,
                                   gint64 parameter, GCancellable *cancellable,
                                   GError **error);

/* Makes one call for all items that have no error, have a digest, and pass `check`
 * (nullable). Within enter and leave. */
void cask_store_group (CaskStore *store, CaskItem *items, gsize n_items,
                       CaskGroupCheck check, CaskGroupCall call, gint64 parameter,
                       GCancellable *cancellable);

/* ---- store-batch.c ---- */

/* The blocking call: fills the results in. FALSE: nothing was tried. */
gboolean cask_store_run_batch (CaskStore *store, CaskResults *results, int priority,
                               GCancellable *cancellable, GError **error);

/* What comes after the backend's answer: what is absent, and what the answer lacked. */
void cask_store_settle_looks (CaskStore *store, CaskBatchKind kind, CaskItem *items,
                              gsize n_items, GCancellable *cancellable);

/* ---- store-spread.c ---- */

typedef void (*CaskSpreadFunc) (CaskStore *store, const CaskResults *results,
                                CaskItem *items, gsize n_items,
                                GCancellable *cancellable);

/* Runs func on all items: at once by several threads where there is enough to do. Returns
 * after the last. Within enter and leave. */
void cask_store_spread (CaskStore *store, const CaskResults *results, CaskSpreadFunc func,
                        int priority, GCancellable *cancellable);

/* ---- store-try-batch.c ---- */

/* Answers a small batch without blocking, for a main loop's thread. Returns: TRUE where
 * it is decided: the results, or error, stand; FALSE: ask the blocking call. */
gboolean cask_store_try_batch (CaskStore *store, CaskResults *results, GError **error);
