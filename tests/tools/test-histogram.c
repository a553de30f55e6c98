/* SPDX-License-Identifier: Apache-2.0
 *
 * test-histogram.c: what the histogram of `cask bench` tells of values that are known. */
#include "bench-histogram.h"
#include "test-support.h"

#include <string.h>

/* Half of a place, relative to the values in it. */
#define TOLERANCE (0.5 / BENCH_HISTOGRAM_STEPS)

static BenchHistogram histogram, other;

static void
begin (void)
{
  memset (&histogram, 0, sizeof histogram);
  memset (&other, 0, sizeof other);
}

static gboolean
is_close (double found, double expected)
{
  double off = found > expected ? found - expected : expected - found;
  if (off <= expected * TOLERANCE)
    return TRUE;
  g_printerr ("%.1f instead of %.1f\n", found, expected);
  return FALSE;
}

static void
test_empty (void)
{
  begin ();
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 50), 0);
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 100), 0);
  CU_ASSERT_EQUAL (bench_histogram_mean (&histogram), 0);
  bench_histogram_merge (&histogram, &other);
  CU_ASSERT_EQUAL (histogram.count, 0);
}

/* Each by its own place, and the 99 % of a hundred are the 99th, not the 100th. */
static void
test_small (void)
{
  begin ();
  for (guint64 i = 1; i <= 100; i++)
    bench_histogram_record (&histogram, i);
  for (guint i = 1; i <= 100; i++)
    CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, i), i);
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 0), 1);
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 98.5), 99);
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 99.9), 100);
  CU_ASSERT_EQUAL (bench_histogram_mean (&histogram), 50.5);
}

static void
test_uniform (void)
{
  static const double percents[] = { 0.1, 1, 10, 50, 90, 99, 99.9, 99.99 };

  begin ();
  /* Not in order: 7 and a million have no common divisor. */
  for (guint64 i = 0; i < 1000000; i++)
    bench_histogram_record (&histogram, 1000 * (i * 7 % 1000000 + 1));
  for (gsize i = 0; i < G_N_ELEMENTS (percents); i++)
    CU_ASSERT_TRUE (
        is_close ((double) bench_histogram_percentile (&histogram, percents[i]),
                  percents[i] * 1e7));
  CU_ASSERT_EQUAL (histogram.minimum, 1000);
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 100), 1000000000);
  CU_ASSERT_TRUE (is_close (bench_histogram_mean (&histogram), 500000500));
}

/* One slow operation in a thousand is the p99.9's business, and not the median's. */
static void
test_tail (void)
{
  begin ();
  for (guint i = 0; i < 99900; i++)
    bench_histogram_record (&histogram, 5000);
  for (guint i = 0; i < 100; i++)
    bench_histogram_record (&histogram, 20 * 1000 * 1000);
  CU_ASSERT_TRUE (is_close ((double) bench_histogram_percentile (&histogram, 50), 5000));
  CU_ASSERT_TRUE (
      is_close ((double) bench_histogram_percentile (&histogram, 99.9), 5000));
  CU_ASSERT_TRUE (
      is_close ((double) bench_histogram_percentile (&histogram, 99.91), 2e7));
}

/* Around every power of two, where one place gives way to the next. */
static void
test_one_value (void)
{
  for (guint bit = 0; bit < BENCH_HISTOGRAM_BITS; bit++)
    for (int off = -1; off <= 1; off++)
      {
        guint64 value = ((guint64) 1 << bit) + (guint64) (gint64) off;
        begin ();
        bench_histogram_record (&histogram, value / 2);
        bench_histogram_record (&histogram, value);
        bench_histogram_record (&histogram, value * 2);
        CU_ASSERT_TRUE (is_close ((double) bench_histogram_percentile (&histogram, 50),
                                  (double) value));
      }
}

/* Longer than an hour: no place of its own, but nothing is written past the last. */
static void
test_huge (void)
{
  begin ();
  bench_histogram_record (&histogram, 5000);
  bench_histogram_record (&histogram, G_MAXUINT64);
  bench_histogram_record (&histogram, (guint64) 1 << BENCH_HISTOGRAM_BITS);
  CU_ASSERT_EQUAL (histogram.count, 3);
  CU_ASSERT_EQUAL (histogram.places[BENCH_HISTOGRAM_PLACES - 1], 2);
  CU_ASSERT_EQUAL (bench_histogram_percentile (&histogram, 100), G_MAXUINT64);
  CU_ASSERT_TRUE (is_close ((double) bench_histogram_percentile (&histogram, 33), 5000));
}

static void
test_merge (void)
{
  begin ();
  for (guint64 i = 1; i <= 50; i++)
    bench_histogram_record (&histogram, 1000 * i);
  for (guint64 i = 51; i <= 100; i++)
    bench_histogram_record (&other, 1000 * i);
  bench_histogram_record (&other, 1);
  bench_histogram_merge (&histogram, &other);
  CU_ASSERT_EQUAL (histogram.count, 101);
  CU_ASSERT_EQUAL (histogram.minimum, 1);
  CU_ASSERT_EQUAL (histogram.maximum, 100000);
  CU_ASSERT_TRUE (is_close ((double) bench_histogram_percentile (&histogram, 50), 50000));
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "an empty histogram answers 0", test_empty },
    { "small values are told exactly, by rank", test_small },
    { "percentiles of a million even values are within half a place", test_uniform },
    { "a rare slow value shows in the tail alone", test_tail },
    { "every size of value is within half a place", test_one_value },
    { "values of hours do not overflow", test_huge },
    { "two histograms become one", test_merge },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "histogram", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
