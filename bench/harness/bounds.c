/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds.c: whether what was measured is within its bound, and the table that says so. */
#include "bounds.h"

#include <string.h>

BenchRow *
bench_run_find (BenchRun *run, const char *field, const char *operation, guint64 size)
{
  for (guint i = 0; i < run->rows->len; i++)
    {
      BenchRow *row = g_ptr_array_index (run->rows, i);
      if (g_str_equal (row->field, field) && g_str_equal (row->operation, operation) &&
          row->size == size)
        return row;
    }
  return NULL;
}

BenchVerdict
bench_bound_check (BenchRun *run, const BenchBound *bound, BenchQuartiles *measured)
{
  BenchRow *row = bench_run_find (run, bound->field, bound->operation, bound->size);
  BenchColumn *column = row ? bench_row_find (row, bound->entrant) : NULL;
  BenchColumn *against =
      row && bound->against ? bench_row_find (row, bound->against) : NULL;
  gboolean has_run = FALSE;
  if (column && bound->against == NULL)
    has_run = bench_quartiles (column->samples, measured);
  else if (column && against)
    has_run = bench_ratio (column, against, measured);
  if (!has_run)
    return BENCH_BOUND_NOT_RUN;
  gboolean is_met = bound->is_least ? measured->median >= bound->bound
                                    : measured->median <= bound->bound;
  return is_met ? BENCH_BOUND_MET : BENCH_BOUND_MISSED;
}

/* ---- The table ---- */

/* A trial's own value, in the unit that people use. */
static void
bounds_append_value (GString *markdown, const BenchBound *bound, double value)
{
  gboolean is_time = strstr (bound->operation, "cold start") != NULL;
  if (bound->against)
    g_string_append_printf (markdown, "%.2f", value);
  else if (is_time)
    g_string_append_printf (markdown, "%.2f ms", value / 1e6);
  else
    g_string_append_printf (markdown, "%.0f bytes", value);
}

static void
bounds_append_what (GString *markdown, const BenchBound *bound)
{
  g_autofree char *size = bench_size_name (bound->size);
  gboolean has_size = bound->size > 0;
  g_string_append_printf (markdown, "%s: %s%s%s: ", bound->field, bound->operation,
                          has_size ? ", " : "", has_size ? size : "");
  g_string_append (markdown, bound->entrant);
  if (bound->against)
    g_string_append_printf (markdown, " ÷ %s", bound->against);
}

static void
bounds_append (GString *markdown, const BenchBound *bound, const char *claim,
               BenchVerdict verdict, const BenchQuartiles *measured)
{
  static const char *const verdicts[] = { "met", "**missed**", "not run" };
  g_string_append_printf (markdown, "| %s | ", claim);
  bounds_append_what (markdown, bound);
  g_string_append_printf (markdown, " | %s ", bound->is_least ? "≥" : "≤");
  bounds_append_value (markdown, bound, bound->bound);
  g_string_append (markdown, " | ");
  if (verdict != BENCH_BOUND_NOT_RUN)
    {
      bounds_append_value (markdown, bound, measured->median);
      g_string_append (markdown, " (");
      bounds_append_value (markdown, bound, measured->q1);
      g_string_append (markdown, "–");
      bounds_append_value (markdown, bound, measured->q3);
      g_string_append (markdown, ")");
    }
  g_string_append_printf (markdown, " | %s |\n", verdicts[verdict]);
}

guint
bench_bounds (BenchRun *run, GString *markdown)
{
  g_autoptr (GString) behind = g_string_new (NULL);
  const char *claim = NULL;
  guint n_missed = 0;
  g_string_append (markdown, "| goal | measured by | bound | median (quartiles) | |\n"
                             "|---|---|---|---|---|\n");
  for (const BenchBound *bound = bench_goals; bound->claim; bound++)
    {
      BenchQuartiles measured = { 0 };
      BenchVerdict verdict = bench_bound_check (run, bound, &measured);
      gboolean is_same = g_strcmp0 (claim, bound->claim) == 0;
      bounds_append (markdown, bound, is_same ? "" : bound->claim, verdict, &measured);
      claim = bound->claim;
      n_missed += verdict == BENCH_BOUND_MISSED;
    }
  n_missed += bench_bounds_peers (run, markdown, behind) > 0;
  g_string_append_printf (markdown, "\n%s", behind->str);
  return n_missed;
}
