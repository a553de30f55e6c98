/* SPDX-License-Identifier: Apache-2.0
 *
 * pair.h: the same calls by two threads, each with half of the blobs. */
#pragma once

#include "bench.h"

typedef struct _BenchPair BenchPair;

/* place: (transfer full) (nullable): what both use at once. Returns: NULL where it is */
BenchPair *bench_pair_new (gpointer place);
/* Returns: (transfer full): the place, for its own close */
gpointer bench_pair_free (BenchPair *pair);
gboolean bench_pair_run (BenchPair *pair, BenchCall call, const BenchBlob *blobs,
                         guint n_blobs, GError **error);
