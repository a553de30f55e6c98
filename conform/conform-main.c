/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-main.c: the command line of the kit: `cask conform`, and the main of any
 * program that wants to be the same for its own backend.
 *
 * Failure modes: a backend that crashes is named with its case by a signal handler, and
 * the process ends by that signal; one that does not answer can not be left, so the whole
 * process ends, after the summary. */
#include "conform-case.h"
#include "conform-private.h"
#include "conform-report.h"
#include "conform-watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAIN_USAGE 2
#define MAIN_FAILED 3
#define MAIN_TIMEOUT 300

typedef struct
{
  gboolean quick, full, sync, async, has_tap, is_verbose, list, help;
  gint64 seed; /* -1: none */
  int timeout;
  char **cases;
  char **operands;
} MainOptions;

static int main_say (const char *program, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* As every error of `cask` is: one line, behind the program's name, whatever the
 * arguments hold that it quotes. */
static int
main_say (const char *program, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *base = g_path_get_basename (program);

  base[strcspn (base, " ")] = '\0';
  for (char *at = text; *at != '\0'; at++)
    if (g_ascii_iscntrl (*at))
      *at = *at == '\n' || *at == '\r' ? ' ' : '?';
  fprintf (stderr, "%s: %s\n", base, text);
  return MAIN_USAGE;
}

/* The command's name has two words; a program's own has a directory perhaps. */
static int
main_say_usage (const char *program, const char *wrong)
{
  g_autofree char *base = g_path_get_basename (program);
  return main_say (program, "conform: %s (see '%s --help')", wrong, base);
}

/* Returns: (transfer full) */
static GOptionContext *
main_option_context (MainOptions *options)
{
  const GOptionEntry entries[] = {
    { "case", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &options->cases,
      "Only cases with this number or text; may be repeated", "C68" },
    { "quick", 'q', 0, G_OPTION_ARG_NONE, &options->quick,
      "Without crowds, races and large blobs: seconds", NULL },
    { "long", 'l', 0, G_OPTION_ARG_NONE, &options->full, "At full length: minutes",
      NULL },
    { "sync", 0, 0, G_OPTION_ARG_NONE, &options->sync, "Only over synchronous calls",
      NULL },
    { "async", 0, 0, G_OPTION_ARG_NONE, &options->async, "Only over asynchronous calls",
      NULL },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &options->seed,
      "Repeat a run's random parts (default: a new one)", "N" },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout,
      "End the run where a case takes longer (default: 300; with --long 1800)",
      "SECONDS" },
    { "tap", 0, 0, G_OPTION_ARG_NONE, &options->has_tap, "Print TAP, version 13", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->is_verbose,
      "A line for each case that is skipped, too", NULL },
    { "list", 0, 0, G_OPTION_ARG_NONE, &options->list, "List the cases and run none",
      NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Show this help", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->operands, NULL,
      "CONFIG" },
    G_OPTION_ENTRY_NULL
  };
  GOptionContext *context =
      g_option_context_new ("- hold a store to the contract of all backends");

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (
      context, "CONFIG has %d where a directory belongs that is new for each case:\n"
               "fs:%d?durability=none. A store that has blobs is refused.\n"
               "Exit status: 0 every case passed or does not apply, 2 usage or the\n"
               "store cannot be opened, 3 a case failed, 133, 134 or 139 (in a shell)\n"
               "the backend crashed: standard error says in which case.");
  return context;
}

static void
main_options_clear (MainOptions *options)
{
  g_strfreev (options->cases);
  g_strfreev (options->operands);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MainOptions, main_options_clear)

/* Returns: (nullable): what is wrong with them */
static const char *
main_check_options (const MainOptions *options)
{
  if (options->quick && options->full)
    return "--quick and --long exclude each other";
  if (options->sync && options->async)
    return "--sync and --async exclude each other";
  if (options->seed < -1 || options->seed > G_MAXUINT32)
    return "--seed: a number from 0 to 4294967295 expected";
  if (options->timeout < 0)
    return "--timeout: a number of seconds expected";
  if (options->operands != NULL && options->operands[1] != NULL)
    return "one CONFIG expected";
  if (options->operands == NULL && !options->list)
    return "CONFIG expected, such as 'fs:%d'";
  return NULL;
}

static CaskConform *
main_prepare (const MainOptions *options)
{
  const char *config = options->operands != NULL ? options->operands[0] : "";
  CaskConform *conform = cask_conform_new (config);
  gboolean has_registered;

  g_ptr_array_unref (conform_find_plugin_dirs (config, &has_registered));
  for (char **pattern = options->cases; pattern != NULL && *pattern != NULL; pattern++)
    cask_conform_add_case (conform, *pattern);
  if (options->quick || options->full)
    cask_conform_set_length (conform,
                             options->quick ? CASK_CONFORM_QUICK : CASK_CONFORM_LONG);
  if (options->sync || options->async)
    cask_conform_set_calls (conform,
                            options->sync ? CASK_CONFORM_SYNC : CASK_CONFORM_ASYNC);
  if (options->seed >= 0)
    cask_conform_set_seed (conform, (guint32) options->seed);
  /* Who registers a backend and calls this with his arguments has it in both. */
  if (has_registered)
    cask_conform_set_helper (conform, "/proc/self/exe");
  return conform;
}

static int
main_list (CaskConform *conform)
{
  g_auto (GStrv) names = cask_conform_list_cases (conform);

  for (char **name = names; *name != NULL; name++)
    printf ("%s\n", *name);
  return 0;
}

static void
main_cut_short (const char *why, gboolean is_failure, gpointer data)
{
  conform_report_cut_short (data, why, is_failure);
  conform_place_abandon ();
  _exit (MAIN_FAILED);
}

static void
main_tell (const CaskConformResult *result, gpointer data)
{
  gboolean begins = result->outcome == CASK_CONFORM_BEGUN;

  if (!begins)
    conform_watch_case (NULL, NULL);
  conform_report_case (result, data);
  if (!begins)
    return;
  const char *indent = conform_report_get_indent (data);
  g_autofree char *more =
      g_strdup_printf ("\n%sit proves %s: %s\n%sagain: %s", indent, result->promise,
                       result->promise_words, indent, result->repeat);
  conform_watch_case (result->name, more);
}

static int
main_run (const char *program, CaskConform *conform, const MainOptions *options)
{
  g_autoptr (GError) error = NULL;
  CaskConformCounts counts;
  int timeout = options->full ? 6 * MAIN_TIMEOUT : MAIN_TIMEOUT;
  g_autoptr (ConformReport) report = conform_report_new (
      conform, options->operands[0], options->has_tap, options->is_verbose);

  conform_watch_begin ((guint) (options->timeout > 0 ? options->timeout : timeout),
                       options->has_tap ? STDOUT_FILENO : STDERR_FILENO,
                       options->has_tap ? "Bail out! " : "\n", main_cut_short, report);
  conform_watch_case ("opening the store", NULL);
  cask_conform_set_func (conform, main_tell, report);
  gboolean was_run = cask_conform_run (conform, &counts, &error);
  conform_watch_case (NULL, NULL);
  if (!was_run)
    {
      conform_report_no_run (report, error->message);
      return main_say (program, "%s", error->message);
    }
  conform_report_end (report, &counts);
  return counts.n_failed > 0 ? MAIN_FAILED : 0;
}

/**
 * cask_conform_main:
 * @argc: main's
 * @argv: (array length=argc): main's
 *
 * Is `cask conform`, as the main of another program: options and a config string,
 * `--help` shows them. The report goes to standard output. It is called once, and handles
 * signals of the process: a backend that crashes is reported with the case, one that does
 * not answer ends the process.
 *
 * A program that registers its backend with cask_register_plugin() does so first, and
 * hands over the arguments as they are: where a case needs a second process, the program
 * is started again with other ones.
 *
 * Returns: the exit status: 0 every case passed or does not apply, 2 wrong arguments or a
 *   store that cannot be opened, 3 a case failed
 *
 * Since: 1.0
 */
int
cask_conform_main (int argc, char **argv)
{
  g_auto (MainOptions) options = { .seed = -1 };
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (argc > 0 && argv != NULL, MAIN_USAGE);

  const char *program = argv[0];
  if (argc > 2 && g_str_equal (argv[1], "--child"))
    return conform_child_main (argc, argv);
  if (g_getenv (CONFORM_CHILD_VARIABLE) != NULL)
    return main_say (program, "started as a second process without its arguments");

  g_set_prgname (program);
  g_autoptr (GOptionContext) context = main_option_context (&options);
  g_auto (GStrv) arguments = g_new0 (char *, (gsize) argc + 1);
  for (int i = 0; i < argc; i++)
    arguments[i] = g_strdup (argv[i]);
  if (!g_option_context_parse_strv (context, &arguments, &error))
    {
      error->message[0] = g_ascii_tolower (error->message[0]);
      return main_say_usage (program, error->message);
    }
  if (options.help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);
      printf ("%s", text);
      return 0;
    }
  const char *wrong = main_check_options (&options);
  if (wrong != NULL)
    return main_say_usage (program, wrong);

  setvbuf (stdout, NULL, _IOLBF, 0);
  g_autoptr (CaskConform) conform = main_prepare (&options);
  int status = options.list ? main_list (conform) : main_run (program, conform, &options);
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  main_say (program, "standard output: the report could not be written");
  return MAIN_FAILED;
}
