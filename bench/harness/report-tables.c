/* SPDX-License-Identifier: Apache-2.0
 *
 * report-tables.c: rows of one field and operation as a table, entrants by sizes. */
#include "report.h"

/* Three digits that count: more would be noise. */
static void
tables_append_usec (GString *markdown, double nsec)
{
  double usec = nsec / 1000;
  g_string_append_printf (markdown,
                          usec < 10    ? "%.2f"
                          : usec < 100 ? "%.1f"
                                       : "%.0f",
                          usec);
}

/* Processor time is told where it is another story than the clock's. */
static void
tables_append_cell (GString *markdown, BenchRow *row, const char *entrant)
{
  BenchColumn *column = bench_row_find (row, entrant);
  BenchQuartiles wall, cpu, ratio;
  if (!column || !bench_quartiles (column->samples, &wall) ||
      !bench_quartiles (column->cpu, &cpu) ||
      !bench_ratio (column, g_ptr_array_index (row->columns, 0), &ratio))
    {
      g_string_append (markdown, " – |");
      return;
    }
  g_string_append_c (markdown, ' ');
  tables_append_usec (markdown, wall.median);
  g_string_append_printf (markdown, " (%.2f×)", ratio.median);
  if (cpu.median > 1.25 * wall.median || cpu.median < 0.75 * wall.median)
    {
      g_string_append (markdown, " cpu ");
      tables_append_usec (markdown, cpu.median);
    }
  g_string_append (markdown, " |");
}

/* Who has a column in any of the rows, in the order of coming. */
static GPtrArray *
tables_entrants (const GPtrArray *rows)
{
  GPtrArray *entrants = g_ptr_array_new ();
  for (guint i = 0; i < rows->len; i++)
    {
      const BenchRow *row = g_ptr_array_index (rows, i);
      for (guint j = 0; j < row->columns->len; j++)
        {
          const BenchColumn *column = g_ptr_array_index (row->columns, j);
          if (!g_ptr_array_find_with_equal_func (entrants, column->entrant, g_str_equal,
                                                 NULL))
            g_ptr_array_add (entrants, (gpointer) column->entrant);
        }
    }
  return entrants;
}

static void
tables_append (GString *markdown, const GPtrArray *rows)
{
  const BenchRow *first = g_ptr_array_index (rows, 0);
  g_autoptr (GPtrArray) entrants = tables_entrants (rows);
  g_string_append_printf (markdown, "\n### %s: %s, µs\n\n| |", first->field,
                          first->operation);
  for (guint i = 0; i < rows->len; i++)
    {
      g_autofree char *size =
          bench_size_name (((const BenchRow *) g_ptr_array_index (rows, i))->size);
      g_string_append_printf (markdown, " %s |", size);
    }
  g_string_append (markdown, "\n|---|");
  for (guint i = 0; i < rows->len; i++)
    g_string_append (markdown, "--:|");
  for (guint i = 0; i < entrants->len; i++)
    {
      const char *entrant = g_ptr_array_index (entrants, i);
      g_string_append_printf (markdown, "\n| %s |", entrant);
      for (guint j = 0; j < rows->len; j++)
        tables_append_cell (markdown, g_ptr_array_index (rows, j), entrant);
    }
  g_string_append_c (markdown, '\n');
}

static gboolean
tables_are_alike (const BenchRow *one, const BenchRow *other)
{
  return g_str_equal (one->field, other->field) &&
         g_str_equal (one->operation, other->operation);
}

void
report_tables (const BenchRun *run, GString *markdown)
{
  g_autoptr (GPtrArray) done = g_ptr_array_new ();
  g_string_append (markdown,
                   "\n## Operations\n\nOf one blob; in brackets the part of the first "
                   "line. `cpu` is the time of all processors, where it differs much.\n");
  for (guint i = 0; i < run->rows->len; i++)
    {
      BenchRow *first = g_ptr_array_index (run->rows, i);
      if (g_str_equal (first->field, "trial") || g_ptr_array_find (done, first, NULL))
        continue;
      g_autoptr (GPtrArray) alike = g_ptr_array_new ();
      for (guint j = i; j < run->rows->len; j++)
        if (tables_are_alike (first, g_ptr_array_index (run->rows, j)))
          {
            g_ptr_array_add (alike, g_ptr_array_index (run->rows, j));
            g_ptr_array_add (done, g_ptr_array_index (run->rows, j));
          }
      tables_append (markdown, alike);
    }
}

/* ---- Trials ---- */

static void
tables_append_trial (GString *markdown, const BenchRow *row, BenchColumn *column)
{
  BenchQuartiles value, ratio;
  if (!bench_quartiles (column->samples, &value) ||
      !bench_ratio (column, g_ptr_array_index (row->columns, 0), &ratio))
    return;
  g_autofree char *size = bench_size_name (row->size);
  gboolean is_first = g_ptr_array_index (row->columns, 0) == (gpointer) column;
  g_string_append_printf (
      markdown, "| %s%s%s | %s%s%s | ", is_first ? row->operation : "",
      is_first && row->size > 0 ? ", " : "", is_first && row->size > 0 ? size : "",
      column->entrant, column->note ? ": " : "", column->note ? column->note : "");
  if (g_str_equal (row->unit, "ns"))
    {
      tables_append_usec (markdown, value.median);
      g_string_append (markdown, " µs");
    }
  else
    g_string_append_printf (markdown, "%.0f %s", value.median, row->unit);
  g_string_append_printf (markdown, " | %.2f (%.2f–%.2f) |\n", ratio.median, ratio.q1,
                          ratio.q3);
}

void
report_trials (const BenchRun *run, GString *markdown)
{
  gboolean any = FALSE;
  for (guint i = 0; i < run->rows->len; i++)
    {
      const BenchRow *row = g_ptr_array_index (run->rows, i);
      if (!g_str_equal (row->field, "trial"))
        continue;
      if (!any)
        g_string_append (markdown, "\n## Trials\n\n| what | of | median | part of the "
                                   "first (quartiles) |\n|---|---|--:|--:|\n");
      any = TRUE;
      for (guint j = 0; j < row->columns->len; j++)
        tables_append_trial (markdown, row, g_ptr_array_index (row->columns, j));
    }
}

/* ---- Notes ---- */

void
report_notes (const BenchRun *run, GString *markdown)
{
  g_autoptr (GHashTable) said =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < run->rows->len; i++)
    {
      const BenchRow *row = g_ptr_array_index (run->rows, i);
      for (guint j = 0; j < row->columns->len; j++)
        {
          const BenchColumn *column = g_ptr_array_index (row->columns, j);
          if (!column->note || g_str_equal (row->field, "trial"))
            continue;
          char *line = g_strdup_printf ("- %s: **%s**: %s\n", row->field, column->entrant,
                                        column->note);
          if (g_hash_table_size (said) == 0)
            g_string_append (markdown, "\n## Notes\n\n");
          if (!g_hash_table_contains (said, line))
            g_string_append (markdown, line);
          g_hash_table_add (said, line);
        }
    }
}
