/* SPDX-License-Identifier: Apache-2.0
 *
 * test-wrong-backends.c: the proof that the conformance kit bites: each wrong backend of
 * wrong.def fails the case that is named there, and the kit says which promise that is.
 *
 * Each is run in a process of its own, this program with --kit in front of the kit's own
 * arguments. Only a check that failed counts: neither a crash, nor a case that took too
 * long, nor one that does not apply. */
#include <cask/cask-conform.h>
#include <gio/gio.h>
#include <stdio.h>

#include "test-support.h"

#define KIT_SECONDS "20" /* for one case */

typedef struct
{
  const char *plugin, *name, *promise, *number, *what;
} WrongRow;

static const WrongRow wrong_rows[] = {
#define WRONG_wrong "wrong"
#define WRONG_wrong_files "wrong-files"
#define WRONG(plugin, id, name, promise, number, what)                                   \
  { WRONG_##plugin, name, promise, number, what },
#include "wrong.def"
#undef WRONG
};

static CU_TestInfo wrong_tests[G_N_ELEMENTS (wrong_rows) + 1];

static GSubprocess *
kit_start (const WrongRow *row)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = g_strdup_printf ("%s:%%d?wrong=%s", row->plugin, row->name);
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);

  /* It is ended as soon as it has said enough, and leaves what it has there. */
  g_subprocess_launcher_setenv (launcher, "TMPDIR", test_directory (), TRUE);
  GSubprocess *kit = g_subprocess_launcher_spawn (
      launcher, &error, "/proc/self/exe", "--kit", "--tap", "--timeout", KIT_SECONDS,
      "--case", row->number, config, NULL);
  TEST_NO_ERROR (error);
  return kit;
}

/* Whether the line says that a case of that number failed. */
static gboolean
kit_is_failure (const char *line, const char *number)
{
  g_autofree char *word = g_strdup_printf (" %s ", number);

  return g_str_has_prefix (line, "not ok ") && strstr (line, word) != NULL;
}

/* Reads what is told of a failed case, into heard as well. Returns: whether a check
 * failed that proves that promise */
static gboolean
kit_read_failure (GDataInputStream *lines, const char *promise, GString *heard)
{
  g_autofree char *due = g_strdup_printf ("  promise: %s", promise);
  gboolean is_due = FALSE, is_over = FALSE;

  while (!is_over)
    {
      g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
      if (line == NULL)
        return FALSE;
      is_due = is_due || g_str_equal (line, due);
      is_over = g_str_equal (line, "  ...");
      g_string_append_printf (heard, "\n  %s", line);
    }
  return is_due;
}

/* Reads on until a case of the right number and promise has failed. Returns: whether one
 * has */
static gboolean
kit_read (GDataInputStream *lines, const WrongRow *row, GString *heard)
{
  gboolean is_caught = FALSE;

  for (;;)
    {
      g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
      /* After a case that took too long, or crashed, the run says so and ends. */
      if (line == NULL || g_str_has_prefix (line, "Bail out!"))
        return FALSE;
      if (is_caught)
        return TRUE;
      g_string_append_printf (heard, "\n  %s", line);
      if (kit_is_failure (line, row->number))
        is_caught = kit_read_failure (lines, row->promise, heard);
    }
}

/* Returns: whether the kit fails the backend in its case */
static gboolean
kit_catches (const WrongRow *row)
{
  g_autoptr (GSubprocess) kit = kit_start (row);
  g_autoptr (GString) heard = g_string_new (NULL);

  if (kit == NULL)
    return FALSE;
  g_autoptr (GDataInputStream) lines =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (kit));
  gboolean is_caught = kit_read (lines, row, heard);
  g_subprocess_force_exit (kit);
  g_subprocess_wait (kit, NULL, NULL);
  if (!is_caught)
    printf ("\n  no case %s failed by a check of %s:%s\n", row->number, row->promise,
            heard->str);
  return is_caught;
}

static void
test_row (void)
{
  const char *name = CU_get_current_test ()->pName;

  for (guint i = 0; i < G_N_ELEMENTS (wrong_rows); i++)
    if (g_str_equal (wrong_tests[i].pName, name))
      CU_ASSERT_TRUE (kit_catches (&wrong_rows[i]));
}

int
main (int argc, char **argv)
{
  CU_SuiteInfo suites[] = { { "wrong backends", NULL, NULL, NULL, NULL, wrong_tests },
                            CU_SUITE_INFO_NULL };

  if (argc > 1 && g_str_equal (argv[1], "--kit"))
    return cask_conform_main (argc - 1, argv + 1);
  for (guint i = 0; i < G_N_ELEMENTS (wrong_rows); i++)
    {
      const WrongRow *row = &wrong_rows[i];
      wrong_tests[i].pName =
          g_strdup_printf ("%s %s: %s", row->number, row->name, row->what);
      wrong_tests[i].pTestFunc = test_row;
    }
  int status = test_main (argc, argv, suites);
  for (guint i = 0; i < G_N_ELEMENTS (wrong_rows); i++)
    g_free ((gpointer) wrong_tests[i].pName);
  return status;
}
