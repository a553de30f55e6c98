/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-histogram.c: counts values in places that grow with the values.
 *
 * A value of b bits, b > 7, falls into one of the 128 places of its power of two by the
 * seven bits that follow its first. A percentile is the middle of its place, and so at
 * most 1/256 of itself off, whatever the number of values; minimum and maximum are exact.
 * Of values of more than an hour in nanoseconds, which share a place, only that is known.
 */

#include "bench-histogram.h"

static guint
histogram_place (guint64 value)
{
  if (value < BENCH_HISTOGRAM_STEPS)
    return (guint) value;
  if (value >> BENCH_HISTOGRAM_BITS != 0)
    return BENCH_HISTOGRAM_PLACES - 1;
  guint first_bit = 63 - (guint) __builtin_clzll (value);
  guint shift = first_bit - BENCH_HISTOGRAM_STEP_BITS;
  return (shift + 1) * BENCH_HISTOGRAM_STEPS +
         (guint) (value >> shift) % BENCH_HISTOGRAM_STEPS;
}

/* The middle of what falls into a place. */
static guint64
histogram_value (guint place)
{
  if (place < BENCH_HISTOGRAM_STEPS)
    return place;
  guint shift = place / BENCH_HISTOGRAM_STEPS - 1;
  guint64 lowest = (guint64) (BENCH_HISTOGRAM_STEPS + place % BENCH_HISTOGRAM_STEPS)
                   << shift;
  return lowest + (((guint64) 1 << shift) - 1) / 2;
}

void
bench_histogram_record (BenchHistogram *histogram, guint64 value)
{
  if (histogram->count == 0 || value < histogram->minimum)
    histogram->minimum = value;
  histogram->maximum = MAX (histogram->maximum, value);
  histogram->count++;
  histogram->sum += value;
  histogram->places[histogram_place (value)]++;
}

void
bench_histogram_merge (BenchHistogram *histogram, const BenchHistogram *other)
{
  if (other->count == 0)
    return;
  if (histogram->count == 0 || other->minimum < histogram->minimum)
    histogram->minimum = other->minimum;
  histogram->maximum = MAX (histogram->maximum, other->maximum);
  histogram->count += other->count;
  histogram->sum += other->sum;
  for (guint i = 0; i < BENCH_HISTOGRAM_PLACES; i++)
    histogram->places[i] += other->places[i];
}

/* Returns: the value that percent of all values do not exceed; 0 where there are none */
guint64
bench_histogram_percentile (const BenchHistogram *histogram, double percent)
{
  /* As an exact rank: the 99th of 100 values is their 99 %, and no rounding of a product
   * of doubles may make it the 100th. */
  double exact = (double) histogram->count * percent / 100;
  guint64 rank = (guint64) exact;
  if (exact - (double) rank > 1e-6)
    rank++;
  rank = CLAMP (rank, 1, MAX (histogram->count, 1));

  /* Which also spares the last place an answer: it has no end. */
  if (rank >= histogram->count)
    return histogram->maximum;
  guint64 passed = 0;
  for (guint i = 0; i < BENCH_HISTOGRAM_PLACES; i++)
    {
      passed += histogram->places[i];
      if (passed >= rank)
        return CLAMP (histogram_value (i), histogram->minimum, histogram->maximum);
    }
  return 0;
}

double
bench_histogram_mean (const BenchHistogram *histogram)
{
  return histogram->count > 0 ? (double) histogram->sum / (double) histogram->count : 0;
}
