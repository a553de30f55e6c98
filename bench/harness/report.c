/* SPDX-License-Identifier: Apache-2.0
 *
 * report.c: what a run leaves to read: report.md for people, results.tsv for programs. */
#include "report.h"

static void
report_add_line (GString *tsv, const BenchRow *row, BenchColumn *column)
{
  BenchQuartiles value, cpu, ratio = { 0 };
  if (!bench_quartiles (column->samples, &value) || !bench_quartiles (column->cpu, &cpu))
    return;
  bench_ratio (column, g_ptr_array_index (row->columns, 0), &ratio);
  g_string_append_printf (tsv, "%s\t%s\t%" G_GUINT64_FORMAT "\t%s\t%s\t%u", row->field,
                          row->operation, row->size, row->unit, column->entrant,
                          column->samples->len);
  g_string_append_printf (tsv, "\t%.1f\t%.1f\t%.1f\t%.1f\t%.4f\t%.4f\t%.4f\n",
                          value.median, value.q1, value.q3, cpu.median, ratio.median,
                          ratio.q1, ratio.q3);
}

static char *
report_tsv (const BenchRun *run)
{
  GString *tsv = g_string_new ("field\toperation\tsize\tunit\tentrant\trounds\tmedian\tq1"
                               "\tq3\tcpu\tratio\tratio_q1\tratio_q3\n");
  for (guint i = 0; i < run->rows->len; i++)
    {
      const BenchRow *row = g_ptr_array_index (run->rows, i);
      for (guint j = 0; j < row->columns->len; j++)
        report_add_line (tsv, row, g_ptr_array_index (row->columns, j));
    }
  return g_string_free (tsv, FALSE);
}

/* Messages name files; the directory is nobody's business. */
static void
report_left (const BenchRun *run, GString *markdown)
{
  if (run->left->len == 0)
    return;
  g_string_append (markdown, "\n## Left out\n\n");
  for (guint i = 0; i < run->left->len; i++)
    {
      GString *line = g_string_new (g_ptr_array_index (run->left, i));
      g_string_replace (line, run->directory, "DIR", 0);
      g_string_append_printf (markdown, "- %s\n", line->str);
      g_string_free (line, TRUE);
    }
}

static char *
report_markdown (BenchRun *run)
{
  GString *markdown = g_string_new (
      "# Cask beside the floor and the peers\n\n"
      "Medians of the rounds; a ratio is the median of the rounds' ratios, in each of "
      "which everyone had a turn. Lower is better. Made by `bench/compare`; "
      "`bench/README.md` says how to read it.\n\n");
  report_environment (run, markdown);
  g_string_append (markdown, "\n## Goals\n\n");
  guint n_missed = bench_bounds (run, markdown);
  g_string_append_printf (markdown, "\n%u missed.\n", n_missed);
  report_tables (run, markdown);
  report_trials (run, markdown);
  report_notes (run, markdown);
  report_left (run, markdown);
  return g_string_free (markdown, FALSE);
}

static gboolean
report_write (const char *directory, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  return g_file_set_contents (path, text, -1, error);
}

gboolean
bench_report (BenchRun *run, const char *directory, GError **error)
{
  g_autofree char *tsv = report_tsv (run);
  g_autofree char *markdown = report_markdown (run);
  return report_write (directory, "results.tsv", tsv, error) &&
         report_write (directory, "report.md", markdown, error);
}
