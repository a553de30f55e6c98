/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c: what all parts of a run use. */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

gboolean
bench_run_wants (const BenchRun *run, const char *field, const char *operation,
                 guint64 size)
{
  g_autofree char *name = bench_size_name (size);
  g_autofree char *path = g_strdup_printf ("%s/%s/%s", field, operation, name);
  return run->only == NULL || strstr (path, run->only) != NULL;
}

/* A run takes minutes: where it is goes to standard error, on a terminal in one line. */
void
bench_run_say (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  gboolean is_terminal = g_log_writer_supports_color (fileno (stderr));
  fprintf (stderr, is_terminal ? "\r\033[K%s" : "%s\n", text);
  fflush (stderr);
}

char *
bench_size_name (guint64 size)
{
  if (size >= 1 << 20)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " MiB", size >> 20);
  if (size >= 1 << 10)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " KiB", size >> 10);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " B", size);
}

static gint64
run_clock (clockid_t clock)
{
  struct timespec now;
  clock_gettime (clock, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

gint64
bench_wall_nsec (void)
{
  return run_clock (CLOCK_MONOTONIC);
}

BenchMoment
bench_now (void)
{
  return (BenchMoment){ .wall_nsec = run_clock (CLOCK_MONOTONIC),
                        .cpu_nsec = run_clock (CLOCK_PROCESS_CPUTIME_ID) };
}
