/* SPDX-License-Identifier: Apache-2.0
 *
 * trials.h: what is not one operation on one size. */
#pragma once

#include "bench.h"

#include <cask/cask.h>

/* Returns: (transfer full): a row that the run keeps. */
BenchRow *trials_row (BenchRun *run, const char *operation, guint64 size,
                      const char *unit);
/* Returns: (transfer full): the config string of a store in a new directory of the run,
 * not durable. */
char *trials_config (BenchRun *run, const char *name, GError **error);
/* Blobs of 16 bytes, all in one shard of Cask's layout or in any. keep: (nullable): of
 * CaskDigest, is given up to n_keep of the names, from first to last. */
gboolean trials_fill (CaskStore *store, guint n_blobs, gboolean one_shard, GArray *keep,
                      guint n_keep, GError **error);
/* Runs a program that is beside this one. Returns: (transfer full) (nullable): what it
 * printed. */
char *trials_ask (BenchRun *run, const char *const *arguments, GError **error);

gboolean trials_open (BenchRun *run, GError **error);   /* open.c */
gboolean trials_first (BenchRun *run, GError **error);  /* first.c */
gboolean trials_memory (BenchRun *run, GError **error); /* memory.c */
gboolean trials_cold (BenchRun *run, GError **error);   /* cold.c */
