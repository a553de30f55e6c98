/* SPDX-License-Identifier: Apache-2.0
 *
 * cold.c: from nothing to a blob that was put and got, beside a program that has GLib and
 * does nothing: processes, one after another, in turn. */
#include "trials.h"

#include <spawn.h>
#include <sys/wait.h>

#define COLD_STARTS 10 /* of each, a round */

extern char **environ;

static gboolean
cold_start (const BenchRun *run, const char *name, gint64 *nsec, GError **error)
{
  g_autofree char *program = g_build_filename (run->programs, name, NULL);
  char *const arguments[] = { program, NULL };
  int status = -1;
  pid_t pid;
  gint64 before = bench_wall_nsec ();
  int failed = posix_spawn (&pid, program, NULL, NULL, arguments, environ);
  if (failed == 0)
    waitpid (pid, &status, 0);
  *nsec += bench_wall_nsec () - before;
  if (failed == 0 && status == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: does not run", name);
  return FALSE;
}

gboolean
trials_cold (BenchRun *run, GError **error)
{
  BenchRow *row = trials_row (run, "cold start", 0, "ns");
  BenchRow *over = trials_row (run, "cold start, over the empty program", 0, "ns");
  BenchColumn *glib = bench_row_add (row, "empty GLib program", NULL);
  BenchColumn *cask = bench_row_add (row, "cask", "open memory:, one put, one get");
  BenchColumn *beyond = bench_row_add (over, "cask", NULL);
  for (guint round = 0; round <= run->n_rounds; round++)
    {
      gint64 empty = 0, full = 0;
      for (guint i = 0; i < COLD_STARTS; i++)
        if (!cold_start (run, "cask-trial-cold-glib", &empty, error) ||
            !cold_start (run, "cask-trial-cold", &full, error))
          return FALSE;
      if (round == 0) /* the files are in the page cache now */
        continue;
      bench_column_add (glib, (double) empty / COLD_STARTS, 0);
      bench_column_add (cask, (double) full / COLD_STARTS, 0);
      bench_column_add (beyond, (double) (full - empty) / COLD_STARTS, 0);
    }
  return TRUE;
}
