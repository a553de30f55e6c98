/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-histogram.h: how long operations took, in memory that does not grow. */
#pragma once

#include <glib.h>

/* Beneath this many nanoseconds every value has a place of its own; above it, each power
 * of two is divided into as many: a value is told to within half of 1/128 of itself. */
#define BENCH_HISTOGRAM_STEPS 128
#define BENCH_HISTOGRAM_STEP_BITS 7
/* Values of this many bits or more, over an hour, share the last place. */
#define BENCH_HISTOGRAM_BITS 42
#define BENCH_HISTOGRAM_PLACES                                                           \
  ((BENCH_HISTOGRAM_BITS - BENCH_HISTOGRAM_STEP_BITS + 1) * BENCH_HISTOGRAM_STEPS)

/** BenchHistogram: zeroed, it is empty. One thread at a time. */
typedef struct
{
  guint64 count, sum;
  guint64 minimum, maximum; /* exact; of none: 0 */
  guint64 places[BENCH_HISTOGRAM_PLACES];
} BenchHistogram;

void bench_histogram_record (BenchHistogram *histogram, guint64 value);
void bench_histogram_merge (BenchHistogram *histogram, const BenchHistogram *other);
guint64 bench_histogram_percentile (const BenchHistogram *histogram, double percent);
double bench_histogram_mean (const BenchHistogram *histogram);
