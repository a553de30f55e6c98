/* SPDX-License-Identifier: Apache-2.0
 *
 * ways.h: the ways in which a host may use Cask. */
#pragma once

#include "bench.h"
#include "flight.h"

#include <cask/cask.h>

/* A store, and how it is used. */
typedef struct
{
  CaskStore *store;
  BenchLoop loop; /* of what is asynchronous */
} Way;

/* ---- Places (ways-open.c): a config, or one and how many operations are under way ----
 */

gpointer ways_open_none (const char *directory, GError **error);
gpointer ways_open_none_1 (const char *directory, GError **error);
gpointer ways_open_none_16 (const char *directory, GError **error);
gpointer ways_open_none_waves (const char *directory, GError **error);
gpointer ways_open_none_256 (const char *directory, GError **error);
gpointer ways_open_verify_always (const char *directory, GError **error);
gpointer ways_open_verify_never (const char *directory, GError **error);
gpointer ways_open_lmdb (const char *directory, GError **error);
gpointer ways_open_memory (const char *directory, GError **error);
gpointer ways_open_memory_1 (const char *directory, GError **error);
gpointer ways_open_memory_16 (const char *directory, GError **error);
gpointer ways_open_memory_256 (const char *directory, GError **error);
gpointer ways_open_memory_waves (const char *directory, GError **error);
gpointer ways_open_full (const char *directory, GError **error);
gpointer ways_open_full_64 (const char *directory, GError **error);
gpointer ways_open_data (const char *directory, GError **error);
gpointer ways_open_batch (const char *directory, GError **error);
gpointer ways_open_batch_64 (const char *directory, GError **error);
gpointer ways_open_lmdb_full (const char *directory, GError **error);
void ways_close (gpointer place);

/* ---- One call after another (ways-sync.c) ---- */

gboolean ways_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                       GError **error);
gboolean ways_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);
gboolean ways_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error);
gboolean ways_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error);
gboolean ways_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                        GError **error);
gboolean ways_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error);
gboolean ways_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                      GError **error);
gboolean ways_list (gpointer place, const BenchBlob *blobs, guint n_blobs,
                    GError **error);

/* ---- In a main loop (ways-async.c) ---- */

gboolean ways_async_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                             GError **error);
gboolean ways_async_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                  GError **error);
gboolean ways_async_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error);
gboolean ways_async_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error);
gboolean ways_async_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                              GError **error);
gboolean ways_async_contains_absent (gpointer place, const BenchBlob *blobs,
                                     guint n_blobs, GError **error);
gboolean ways_async_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);

/* ---- Many in one call (ways-batch.c), the call in a main loop (ways-batch-async.c) ----
 */

#define WAYS_BATCH 64

typedef struct
{
  Way *way;
  const CaskDigest *digests[WAYS_BATCH];
  GBytes *bytes[WAYS_BATCH];
  guint n_items;
} WaysBatch;

/* Returns: (transfer full) */
typedef CaskResults *(*WaysBatchCall) (const WaysBatch *batch, GError **error);

typedef gboolean (*WaysBatchCheck) (CaskResults *results, guint i, const BenchBlob *blob,
                                    gboolean expected, GError **error);

/* Cuts the blobs into batches, and looks at each result. */
gboolean ways_batches (Way *way, WaysBatchCall call, WaysBatchCheck check,
                       const BenchBlob *blobs, guint n_blobs, gboolean expected,
                       GError **error);
gboolean ways_batch_check_created (CaskResults *results, guint i, const BenchBlob *blob,
                                   gboolean expected, GError **error);
gboolean ways_batch_check_size (CaskResults *results, guint i, const BenchBlob *blob,
                                gboolean expected, GError **error);
gboolean ways_batch_check_present (CaskResults *results, guint i, const BenchBlob *blob,
                                   gboolean expected, GError **error);
gboolean ways_batch_check_removed (CaskResults *results, guint i, const BenchBlob *blob,
                                   gboolean expected, GError **error);

gboolean ways_batch_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                             GError **error);
gboolean ways_batch_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                  GError **error);
gboolean ways_batch_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error);
gboolean ways_batch_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                              GError **error);
gboolean ways_batch_contains_absent (gpointer place, const BenchBlob *blobs,
                                     guint n_blobs, GError **error);
gboolean ways_batch_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);

gboolean ways_async_batch_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                   GError **error);
gboolean ways_async_batch_put_existing (gpointer place, const BenchBlob *blobs,
                                        guint n_blobs, GError **error);
gboolean ways_async_batch_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error);
gboolean ways_async_batch_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                    GError **error);
gboolean ways_async_batch_contains_absent (gpointer place, const BenchBlob *blobs,
                                           guint n_blobs, GError **error);
gboolean ways_async_batch_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                  GError **error);

/* ---- Piece by piece (ways-streams.c) ---- */

gboolean ways_stream_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                              GError **error);
gboolean ways_stream_put_new_small (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                    GError **error);
gboolean ways_stream_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                   GError **error);
gboolean ways_stream_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                          GError **error);

/* ---- One store, two threads (ways-threads.c) ---- */

gpointer ways_two_open_none (const char *directory, GError **error);
gpointer ways_two_open_memory (const char *directory, GError **error);
void ways_two_close (gpointer place);
gboolean ways_two_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error);
gboolean ways_two_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                GError **error);
gboolean ways_two_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                       GError **error);
gboolean ways_two_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                             GError **error);
gboolean ways_two_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);
gboolean ways_two_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                   GError **error);
gboolean ways_two_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                          GError **error);
