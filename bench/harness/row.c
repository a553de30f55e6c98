/* SPDX-License-Identifier: Apache-2.0
 *
 * row.c: samples of one operation, and what is made of them. */
#include "bench.h"

static void
bench_column_free (BenchColumn *column)
{
  g_array_unref (column->samples);
  g_array_unref (column->cpu);
  g_free (column);
}

BenchRow *
bench_row_new (const char *field, const char *operation, guint64 size, const char *unit)
{
  BenchRow *row = g_new0 (BenchRow, 1);
  row->field = g_strdup (field);
  row->operation = g_strdup (operation);
  row->size = size;
  row->unit = unit;
  row->columns = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_column_free);
  return row;
}

void
bench_row_free (BenchRow *row)
{
  g_free (row->field);
  g_free (row->operation);
  g_ptr_array_unref (row->columns);
  g_free (row);
}

BenchColumn *
bench_row_add (BenchRow *row, const char *entrant, const char *note)
{
  BenchColumn *column = g_new0 (BenchColumn, 1);
  column->entrant = entrant;
  column->note = note;
  column->samples = g_array_new (FALSE, FALSE, sizeof (double));
  column->cpu = g_array_new (FALSE, FALSE, sizeof (double));
  g_ptr_array_add (row->columns, column);
  return column;
}

BenchColumn *
bench_row_find (BenchRow *row, const char *entrant)
{
  for (guint i = 0; i < row->columns->len; i++)
    {
      BenchColumn *column = g_ptr_array_index (row->columns, i);
      if (g_strcmp0 (column->entrant, entrant) == 0)
        return column;
    }
  return NULL;
}

void
bench_column_add (BenchColumn *column, double sample, double cpu)
{
  g_array_append_val (column->samples, sample);
  g_array_append_val (column->cpu, cpu);
}

static int
bench_compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Between two samples, where the place is between two. */
static double
bench_at (const double *sorted, guint n, double part)
{
  double place = part * (n - 1);
  guint below = (guint) place;
  guint above = MIN (below + 1, n - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

gboolean
bench_quartiles (const GArray *samples, BenchQuartiles *quartiles)
{
  guint n = samples->len;
  if (n == 0)
    return FALSE;
  g_autofree double *sorted = g_memdup2 (samples->data, n * sizeof (double));
  qsort (sorted, n, sizeof (double), bench_compare);
  quartiles->q1 = bench_at (sorted, n, 0.25);
  quartiles->median = bench_at (sorted, n, 0.5);
  quartiles->q3 = bench_at (sorted, n, 0.75);
  return TRUE;
}

gboolean
bench_ratio (BenchColumn *column, BenchColumn *against, BenchQuartiles *quartiles)
{
  g_autoptr (GArray) ratios = g_array_new (FALSE, FALSE, sizeof (double));
  guint n = MIN (column->samples->len, against->samples->len);
  for (guint i = 0; i < n; i++)
    {
      double ratio = g_array_index (column->samples, double, i) /
                     g_array_index (against->samples, double, i);
      g_array_append_val (ratios, ratio);
    }
  return bench_quartiles (ratios, quartiles);
}
