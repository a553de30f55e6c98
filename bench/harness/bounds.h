/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds.h: how fast Cask is to be, and whether it is. */
#pragma once

#include "bench.h"

/* One entrant's part of another's, by the rounds' ratios; or what a trial measured. */
typedef struct
{
  const char *claim; /* as the project's goals say it; several bounds may belong to one */
  const char *field, *operation;
  guint64 size;
  const char *entrant;
  const char *against; /* (nullable): NULL: the value itself, in the row's unit */
  gboolean is_least;   /* not at most, but at least */
  double bound;
} BenchBound;

typedef enum
{
  BENCH_BOUND_MET,
  BENCH_BOUND_MISSED,
  BENCH_BOUND_NOT_RUN /* the row, or one of the two, is not there */
} BenchVerdict;

/* The goals (bounds-table.c), to one without a claim. */
extern const BenchBound bench_goals[];

/* Returns: (transfer none) (nullable) */
BenchRow *bench_run_find (BenchRun *run, const char *field, const char *operation,
                          guint64 size);
BenchVerdict bench_bound_check (BenchRun *run, const BenchBound *bound,
                                BenchQuartiles *measured);

/* What is known of where a peer is ahead (bounds-why.c). Returns: (nullable) */
const char *bench_why (const char *field, const char *peer, const char *operation,
                       guint64 size);
/* Each peer on each row: appends a line to the table of bounds, and what is not ahead to
 * another (bounds-peers.c). Returns: how many are behind without a reason that is known
 */
guint bench_bounds_peers (BenchRun *run, GString *line, GString *behind);
