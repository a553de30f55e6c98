/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c: the `cask` command: global options, and the table of its commands. */

#include "tools-private.h"
#include "output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const ToolCommand main_commands[] = {
  { "put", "FILE…|-", "Store files, or standard input",
    "Prints the digest, 'created' or 'exists', and the name of each.", command_put },
  { "get", "DIGEST", "Fetch a blob, verified",
    "FILE appears whole or not at all; one that exists is replaced.", command_get },
  { "cat", "DIGEST", "Write a blob, or a range of it, to standard output",
    "RANGE counts bytes from 0 and includes its end, as in HTTP: 0-99, 100-, -100 (the\n"
    "last 100). A whole blob is verified before its last byte is written, a range is "
    "not.",
    command_cat },
  { "stat", "DIGEST…", "Show size and time of blobs", NULL, command_stat },
  { "has", "DIGEST…", "Tell whether blobs are there",
    "Exit status 0: all are there; 1: at least one is absent.", command_has },
  { "rm", "DIGEST…", "Remove blobs",
    "DURATION is a number and one of ms, s, min, h: what was put, hit or touched since\n"
    "then is kept.",
    command_rm },
  { "ls", "", "List blobs in the order of their digests", NULL, command_ls },
  { "cp", "SOURCE DESTINATION", "Copy all blobs from one store to another",
    "Both are config strings. What the destination has is not copied again, so that an\n"
    "interrupted copy continues where it is run again.",
    command_cp },
  { "verify", "[DIGEST…]", "Read blobs and compare them with their digests",
    "Without DIGEST all blobs. Exit status 3 where any is damaged. FILE is removed when\n"
    "all blobs have been read; what it counts is of all the runs until then.",
    command_verify },
  { "upload", "COMMAND …", "Write a blob piece by piece, across processes", NULL,
    command_upload },
  { "info", "", "Show what the store is, can do, and holds", NULL, command_info },
  { "plugins", "[NAME]", "List the plugins, or show the options of one", NULL,
    command_plugins },
  { "conform", "CONFIG", "Hold a store to the contract of all backends", NULL,
    command_conform },
  { "bench", "[CONFIG]", "Measure how fast a store is",
    "Operations: put, put-existing, get, range, stat, contains, contains-absent, list,\n"
    "delete. Sizes are as in config strings, times a number and one of ms, s, min, h.\n"
    "What was put is deleted at the end.",
    command_bench },
};

static const ToolCommand *
main_find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (main_commands); i++)
    if (g_strcmp0 (main_commands[i].name, name) == 0)
      return &main_commands[i];
  return NULL;
}

static char *
main_describe_commands (void)
{
  g_autoptr (GString) text = g_string_new ("Commands:\n");
  for (guint i = 0; i < G_N_ELEMENTS (main_commands); i++)
    g_string_append_printf (text, "  %-9s %s\n", main_commands[i].name,
                            main_commands[i].summary);
  g_string_append (text, "\n'cask COMMAND --help' shows the options of a command.\n"
                         "Exit status: 0 done, 1 absent, 2 usage or config, 3 failure.");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* A descriptor among the first three that is not open would be given to the next file
 * opened, and a result printed into it: into a blob. What stands in fails on use. */
static gboolean
main_hold_standard_files (void)
{
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl (fd, F_GETFD) < 0 &&
        open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      return FALSE;
  return TRUE;
}

static ToolStatus
main_run (const char *config, char **arguments)
{
  if (!arguments || !*arguments)
    {
      output_error ("no command (see 'cask --help')");
      return TOOL_USAGE;
    }
  ToolCall call = { .command = main_find_command (*arguments), .config = config };
  if (!call.command)
    {
      output_error ("unknown command '%s' (see 'cask --help')", *arguments);
      return TOOL_USAGE;
    }
  call.arguments = arguments + 1;
  /* The environment of a program that runs with more rights than its caller is the
   * caller's, not the owner's. */
  if (!call.config)
    call.config = secure_getenv ("CASK_STORE");
  tool_add_status (&call, call.command->run (&call));
  tool_finish (&call);
  return call.status;
}

static ToolStatus
main_parse_and_run (int argc, char **argv)
{
  gboolean help = FALSE, version = FALSE;
  g_autofree char *config = NULL;
  g_auto (GStrv) arguments = NULL;
  const GOptionEntry entries[] = {
    { "store", 's', 0, G_OPTION_ARG_FILENAME, &config,
      "The store, such as fs:/srv/blobs (default: $CASK_STORE)", "CONFIG" },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL },
    { "version", 'V', 0, G_OPTION_ARG_NONE, &version, "Show the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments, NULL,
      "COMMAND …" },
    G_OPTION_ENTRY_NULL
  };
  g_autofree char *description = main_describe_commands ();
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- content-addressed blob storage");
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, description);

  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      error->message[0] = g_ascii_tolower (error->message[0]);
      output_error ("%s (see 'cask --help')", error->message);
      return TOOL_USAGE;
    }
  if (help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);
      output_print ("%s", text);
      return TOOL_DONE;
    }
  if (version)
    {
      output_print ("cask %s\n", cask_version ());
      return TOOL_DONE;
    }
  return main_run (config, arguments);
}

int
main (int argc, char **argv)
{
  if (!main_hold_standard_files ())
    return TOOL_FAILED;
  g_set_prgname ("cask");
  ToolStatus status = main_parse_and_run (argc, argv);
  return output_finish () ? (int) status : TOOL_FAILED;
}
