/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c: one run of the comparison: `bench/compare` builds it, and calls it. */
#include "bench.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct
{
  char *directory; /* to keep blobs in */
  char *report;    /* where report.md and results.tsv go */
  char *only;
  int n_rounds;
  gboolean is_quick;
  gboolean is_strict;
} MainOptions;

static gboolean
main_parse (MainOptions *options, int *count, char ***arguments, GError **error)
{
  const GOptionEntry entries[] = {
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &options->directory,
      "Keep blobs below DIR, on the filesystem to be measured (.)", "DIR" },
    { "report", 'r', 0, G_OPTION_ARG_FILENAME, &options->report,
      "Write report.md and results.tsv into DIR (.)", "DIR" },
    { "rounds", 'n', 0, G_OPTION_ARG_INT, &options->n_rounds, "Rounds of each row (15)",
      "N" },
    { "only", 'o', 0, G_OPTION_ARG_STRING, &options->only,
      "Only rows whose field/operation/size has TEXT in it", "TEXT" },
    { "quick", 'q', 0, G_OPTION_ARG_NONE, &options->is_quick,
      "One size, five rounds, without what takes minutes", NULL },
    { "strict", 0, 0, G_OPTION_ARG_NONE, &options->is_strict,
      "Fail where one that should take part could not", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- Cask beside the floor and the peers");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, count, arguments, error))
    return FALSE;
  if (options->n_rounds == 0)
    options->n_rounds = options->is_quick ? 5 : 15;
  if (options->n_rounds > 0 && *count == 1)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s: not understood; see --help",
               *count > 1 ? (*arguments)[1] : "a number of rounds below 1");
  return FALSE;
}

/* Depth first, and never through a symbolic link. */
static void
main_remove_tree (const char *path)
{
  g_autoptr (GDir) directory =
      g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;
  while (directory && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      main_remove_tree (child);
    }
  g_remove (path);
}

/* Has ext4 place what is made in this directory as it places what is made in its root:
 * each in a part of the disk of its own, so that no entrant's files are in the way of
 * another's. Where there is no such thing, nothing is lost. */
static void
main_spread (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int flags = 0;
  if (fd >= 0 && ioctl (fd, FS_IOC_GETFLAGS, &flags) == 0)
    {
      flags |= FS_TOPDIR_FL;
      (void) !ioctl (fd, FS_IOC_SETFLAGS, &flags);
    }
  if (fd >= 0)
    close (fd);
}

static gboolean
main_run (BenchRun *run, const MainOptions *options, GError **error)
{
  if (!bench_contest (run, error) ||
      !bench_report (run, options->report ? options->report : ".", error))
    return FALSE;
  if (!options->is_strict || run->left->len == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u could not take part, first: %s",
               run->left->len, (char *) g_ptr_array_index (run->left, 0));
  return FALSE;
}

/* The programs that the trials start are beside this one. */
static char *
main_programs (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  return self ? g_path_get_dirname (self) : g_strdup (".");
}

static gboolean
main_compare (const MainOptions *options, GError **error)
{
  g_autofree char *programs = main_programs ();
  g_autofree char *directory = g_build_filename (
      options->directory ? options->directory : ".", "cask-compare.XXXXXX", NULL);
  g_autoptr (GPtrArray) rows =
      g_ptr_array_new_with_free_func ((GDestroyNotify) bench_row_free);
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (g_free);
  BenchRun run = { .directory = directory,
                   .n_rounds = (guint) options->n_rounds,
                   .only = options->only,
                   .is_quick = options->is_quick,
                   .rows = rows,
                   .left = left,
                   .programs = programs,
                   .began_usec = g_get_monotonic_time () };
  if (!g_mkdtemp_full (directory, 0700))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: can not be made",
                   directory);
      return FALSE;
    }
  main_spread (directory);
  gboolean done = main_run (&run, options, error);
  bench_run_say ("removing what was kept");
  main_remove_tree (directory);
  return done;
}

int
main (int count, char **arguments)
{
  setlocale (LC_CTYPE, ""); /* not LC_NUMERIC: the report's numbers have points */
  g_autoptr (GError) error = NULL;
  MainOptions options = { 0 };
  gboolean done = main_parse (&options, &count, &arguments, &error) &&
                  main_compare (&options, &error);
  if (!done)
    g_printerr ("cask-compare: %s\n", error->message);
  g_free (options.directory);
  g_free (options.report);
  g_free (options.only);
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
