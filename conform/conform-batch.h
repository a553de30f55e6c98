/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-batch.h: batches in one shape for both APIs, and blobs by the dozen. */
#pragma once

#include <cask/cask-batch.h>

#include "conform-case.h"

typedef struct
{
  CaskResults *(*put) (CaskStore *store, const CaskDigest *const *digests,
                       GBytes *const *bytes, gsize n_items, CaskPutFlags flags,
                       GCancellable *cancellable, GError **error);
  CaskResults *(*get) (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                       GCancellable *cancellable, GError **error);
  CaskResults *(*stat) (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                        GCancellable *cancellable, GError **error);
  CaskResults *(*contains) (CaskStore *store, const CaskDigest *const *digests,
                            gsize n_items, CaskContainsFlags flags,
                            GCancellable *cancellable, GError **error);
  CaskResults *(*remove) (CaskStore *store, const CaskDigest *const *digests,
                          gsize n_items, gint64 unused_since_usec,
                          GCancellable *cancellable, GError **error);
} BatchCalls;

/* In the way that this test's other calls go. */
const BatchCalls *conform_batch_calls (Conform *conform);

/* Blobs and their digests, in the shape that a batch is given. */
typedef struct
{
  guint n;
  CaskDigest *digests;
  const CaskDigest **names; /* one for each, into digests */
  GBytes **bytes;
} Blobs;

/* n blobs of sizes from nothing to `largest`. */
Blobs conform_blobs (guint64 seed, guint n, gsize largest);
void conform_blobs_clear (Blobs *blobs);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Blobs, conform_blobs_clear)

/* Puts all of them in one batch, without a failure. Returns: how many were created */
guint conform_put_blobs (Conform *conform, const Blobs *blobs);
/* get_many gives them all. */
void conform_expect_blobs (Conform *conform, const Blobs *blobs);
/* Asserts how that many items of a batch went. Frees nothing. */
void conform_no_item_failed (CaskResults *results, guint n);
