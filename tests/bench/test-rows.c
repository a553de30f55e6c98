/* SPDX-License-Identifier: Apache-2.0
 *
 * test-rows.c: what a comparison makes of its samples: quartiles, ratios, and whether a
 * bound is met. A mistake here would praise or blame what was never measured. */
#include "test-support.h"

#include "bounds.h"

static const BenchEntrant peer_quick = { .name = "quick" };
static const BenchEntrant peer_slow = { .name = "slow" };
static const BenchEntrant peer_many = { .name = "quick, 64 a transaction" };

const BenchEntrant *const peer_entrants[BENCH_N_FIELDS][8] = {
  [BENCH_FIELD_FILES] = { &peer_quick, &peer_slow, &peer_many }
};
const BenchEntrant *const glib_entrants[BENCH_N_FIELDS][8] = { { NULL } };

/* ---- A run that was never run ---- */

static void
rows_add (BenchRow *row, const char *entrant, guint n, const double *samples)
{
  BenchColumn *column = bench_row_add (row, entrant, NULL);
  for (guint i = 0; i < n; i++)
    bench_column_add (column, samples[i], 0);
}

static void
rows_add_one (BenchRow *row, const char *entrant, double sample)
{
  rows_add (row, entrant, 1, &sample);
}

/* Three rounds, the second of which was slow for all. */
static BenchRun
rows_run (void)
{
  static const double floor[] = { 10, 100, 20 };
  static const double ours[] = { 11, 110, 30 };
  BenchRun run = { .rows =
                       g_ptr_array_new_with_free_func ((GDestroyNotify) bench_row_free) };
  BenchRow *row = bench_row_new ("files", "get", 4096, "ns");
  rows_add (row, "floor", 3, floor);
  rows_add (row, "cask", 3, ours);
  bench_row_add (row, "empty", NULL);
  g_ptr_array_add (run.rows, row);
  return run;
}

static void
rows_clear (BenchRun *run)
{
  g_ptr_array_unref (run->rows);
}

static gboolean
rows_near (double a, double b)
{
  return a - b < 1e-9 && b - a < 1e-9;
}

/* ---- Quartiles and ratios ---- */

static void
test_quartiles (void)
{
  static const double samples[] = { 5, 1, 4, 2, 3 };
  BenchRow *row = bench_row_new ("files", "get", 0, "ns");
  rows_add (row, "odd", 5, samples);
  rows_add (row, "even", 4, samples);
  BenchQuartiles odd, even;
  CU_ASSERT_TRUE (bench_quartiles (bench_row_find (row, "odd")->samples, &odd));
  CU_ASSERT_TRUE (bench_quartiles (bench_row_find (row, "even")->samples, &even));
  CU_ASSERT_TRUE (rows_near (odd.q1, 2) && rows_near (odd.median, 3));
  CU_ASSERT_TRUE (rows_near (odd.q3, 4));
  /* 1 2 4 5 */
  CU_ASSERT_TRUE (rows_near (even.q1, 1.75) && rows_near (even.median, 3));
  CU_ASSERT_TRUE (rows_near (even.q3, 4.25));
  bench_row_free (row);
}

static void
test_no_samples (void)
{
  BenchQuartiles quartiles;
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (double));
  CU_ASSERT_FALSE (bench_quartiles (none, &quartiles));
}

static void
test_ratio (void)
{
  BenchRun run = rows_run ();
  BenchRow *row = bench_run_find (&run, "files", "get", 4096);
  BenchQuartiles ratio;
  CU_ASSERT_TRUE (
      bench_ratio (bench_row_find (row, "cask"), bench_row_find (row, "floor"), &ratio));
  /* 1.1 1.1 1.5, where the medians' ratio would be 30 / 20. */
  CU_ASSERT_TRUE (rows_near (ratio.median, 1.1));
  CU_ASSERT_TRUE (rows_near (ratio.q3, 1.3));
  rows_clear (&run);
}

static void
test_ratio_cut (void)
{
  BenchRun run = rows_run ();
  BenchRow *row = bench_run_find (&run, "files", "get", 4096);
  BenchQuartiles ratio;
  rows_add_one (row, "failed later", 20);
  CU_ASSERT_TRUE (bench_ratio (bench_row_find (row, "failed later"),
                               bench_row_find (row, "floor"), &ratio));
  CU_ASSERT_TRUE (rows_near (ratio.median, 2));
  rows_clear (&run);
}

/* ---- Bounds ---- */

static BenchVerdict
rows_check (BenchBound bound)
{
  BenchRun run = rows_run ();
  BenchQuartiles measured;
  bound.claim = "claim";
  bound.field = bound.field ? bound.field : "files";
  bound.operation = "get";
  bound.size = 4096;
  BenchVerdict verdict = bench_bound_check (&run, &bound, &measured);
  rows_clear (&run);
  return verdict;
}

static void
test_at_most (void)
{
  BenchBound bound = { .entrant = "cask", .against = "floor", .bound = 1.15 };
  CU_ASSERT_EQUAL (rows_check (bound), BENCH_BOUND_MET);
  bound.bound = 1.05;
  CU_ASSERT_EQUAL (rows_check (bound), BENCH_BOUND_MISSED);
}

static void
test_at_least (void)
{
  BenchBound bound = {
    .entrant = "cask", .against = "floor", .is_least = TRUE, .bound = 1.05
  };
  CU_ASSERT_EQUAL (rows_check (bound), BENCH_BOUND_MET);
  bound.bound = 1.15;
  CU_ASSERT_EQUAL (rows_check (bound), BENCH_BOUND_MISSED);
}

static void
test_value (void)
{
  BenchBound bound = { .entrant = "cask", .bound = 30 };
  CU_ASSERT_EQUAL (rows_check (bound), BENCH_BOUND_MET);
  bound.bound = 29;
  CU_ASSERT_EQUAL (rows_check (bound), BENCH_BOUND_MISSED);
}

static void
test_not_run (void)
{
  static const BenchBound missing[] = {
    { .entrant = "nobody", .against = "floor", .bound = 9 },
    { .entrant = "cask", .against = "nobody", .bound = 9 },
    { .entrant = "empty", .against = "floor", .bound = 9 },
    { .entrant = "cask", .against = "empty", .bound = 9 },
    { .entrant = "empty", .bound = 9 },
    { .field = "memory", .entrant = "cask", .against = "floor", .bound = 9 }
  };
  for (guint i = 0; i < G_N_ELEMENTS (missing); i++)
    CU_ASSERT_EQUAL (rows_check (missing[i]), BENCH_BOUND_NOT_RUN);
}

/* ---- Peers ---- */

static void
test_peers (void)
{
  BenchRun run = rows_run ();
  BenchRow *row = bench_run_find (&run, "files", "get", 4096);
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GString) behind = g_string_new (NULL);
  rows_add_one (row, "slow", 22);
  CU_ASSERT_EQUAL (bench_bounds_peers (&run, line, behind), 0);
  CU_ASSERT_PTR_NOT_NULL (strstr (line->str, "ahead in 1 of 1"));
  CU_ASSERT_EQUAL (behind->len, 0);
  rows_add_one (row, "quick", 5);
  g_string_truncate (line, 0);
  CU_ASSERT_EQUAL (bench_bounds_peers (&run, line, behind), 1);
  CU_ASSERT_PTR_NOT_NULL (strstr (line->str, "ahead in 1 of 2"));
  CU_ASSERT_PTR_NOT_NULL (strstr (behind->str, "| quick | cask | 4 KiB 2.20 |"));
  rows_clear (&run);
}

static void
test_transactions (void)
{
  BenchRun run = rows_run ();
  BenchRow *row = bench_run_find (&run, "files", "get", 4096);
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GString) behind = g_string_new (NULL);
  rows_add_one (row, "quick, 64 a transaction", 5);
  rows_add_one (row, "cask, batches of 64", 4);
  CU_ASSERT_EQUAL (bench_bounds_peers (&run, line, behind), 0);
  CU_ASSERT_PTR_NOT_NULL (strstr (line->str, "ahead in 1 of 1"));
  rows_clear (&run);
}

static void
test_goals (void)
{
  BenchRun run = rows_run ();
  g_autoptr (GString) markdown = g_string_new (NULL);
  guint n_lines = 0;
  /* Of all that is asked for, this run has one row, and 1.1 is at most 1.15. */
  CU_ASSERT_EQUAL (bench_bounds (&run, markdown), 0);
  for (const char *line = markdown->str; (line = strstr (line, "| met |\n")); line++)
    n_lines++;
  CU_ASSERT_EQUAL (n_lines, 1);
  CU_ASSERT_PTR_NOT_NULL (strstr (markdown->str, "| not run |"));
  rows_clear (&run);
}

int
main (int argc, char **argv)
{
  CU_TestInfo samples[] = {
    { "a quartile lies between two samples where there is none at its place",
      test_quartiles },
    { "no samples have no quartiles", test_no_samples },
    { "a ratio is the median of the rounds' ratios", test_ratio },
    { "an entrant that fails later is compared in the rounds it has", test_ratio_cut },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo bounds[] = {
    { "at most is met below and missed above", test_at_most },
    { "at least is met above and missed below", test_at_least },
    { "without another entrant the value itself is bound", test_value },
    { "what is missing is not run, and neither met nor missed", test_not_run },
    CU_TEST_INFO_NULL,
  };
  CU_TestInfo peers[] = {
    { "a peer that is ahead without a known reason is counted and listed", test_peers },
    { "a peer's transactions are set beside batches", test_transactions },
    { "the goals' table tells met from not run", test_goals },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "samples", .pTests = samples },
    { .pName = "bounds", .pTests = bounds },
    { .pName = "peers", .pTests = peers },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
