/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-batch-test.h: batches for the tests of the fs backend. */
#pragma once

#include "fs-test.h"

#define MANY 100
#define MANY_SHARDS 8

/* A batch; items lie in 8 shards, unless they are given others. */
typedef struct
{
  CaskItem items[MANY];
  CaskDigest digests[MANY];
  CaskBlobInfo infos[MANY];
} Many;

/* text: (nullable): what to put. */
Many *batch_new (guint first, guint n_items, const char *text);
void batch_free (Many *many);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Many, batch_free)

gboolean batch_put (FsStore *store, Many *many, guint n_items, GCancellable *cancellable);
/* Stores that many, numbered from first on. */
void batch_fill (FsStore *store, guint first, guint n_items);
/* Makes the shards, and has them known: what is made later unsettles what was before. */
void batch_warm (FsStore *store);
guint batch_count (const Many *many, guint n_items, guint outcome);
guint batch_count_errors (const Many *many, guint n_items, GQuark domain, int code);
/* Every item is there and has that text, or is absent and failed. */
gboolean batch_is_true (FsStore *store, const Many *many, guint n_items,
                        const char *expected);

/* ---- test-fs-batch-remove.c: the second suite ---- */

extern CU_TestInfo fs_batch_remove_tests[];
