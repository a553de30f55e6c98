/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-child.c: a second process with the same place open, which does as it is told.
 *
 * It is a program that hands its arguments to cask_conform_main(): the one that is
 * installed beside the library, or the caller's. It is executed and not only forked, for
 * this process has threads. It gets the config string, and the directories in which this
 * process has found its plugins; CASK_PLUGIN_PATH it inherits. It reads a line, does it,
 * answers with a line, and ends with its input:
 *
 *   get D, touch D, delete D, list D      yes, no (absent), or the error
 *   unused D TIME                         what became of it: a CaskRemoved
 *   storm SEED N                          how many blobs were created (conform_storm)
 *   upload …, finish …                    see conform-upload-child.c
 *
 * Failure modes: where it dies, the pipe ends and the answer is empty, which is no answer
 * that any case expects. A program that does not hand its arguments on would begin a run
 * of its own, and a second process of that: a variable in its environment forbids it. */
#include "conform-case.h"
#include "conform-private.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <cask/cask-plugins.h>

#define CHILD_PLUGIN_DIR "--plugin-dir="

struct _Child
{
  GSubprocess *process;
  GDataInputStream *answers;
  gboolean is_killed;
};

static char *
child_say (gboolean yes, const GError *error)
{
  if (yes)
    return g_strdup ("yes");
  if (error == NULL || g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    return g_strdup ("no");
  return g_strdup (error->message);
}

static char *
child_list (CaskStore *store, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskListPage) page =
      cask_store_list (store, NULL, CASK_LIST_MAXIMUM, NULL, &error);
  gboolean found = FALSE;

  for (guint i = 0; page != NULL && i < cask_list_page_get_length (page); i++)
    found =
        found || cask_digest_equal (&cask_list_page_get_item (page, i)->digest, digest);
  return child_say (found, error);
}

static char *
child_delete_unused (CaskStore *store, const CaskDigest *digest, gint64 since)
{
  g_autoptr (GError) error = NULL;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;

  if (!cask_store_delete_unused (store, digest, since, &outcome, NULL, &error))
    return g_strdup (error->message);
  return g_strdup_printf ("%d", outcome);
}

static char *
child_do (CaskStore *store, char **words)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest;
  gboolean existed = FALSE;
  g_autofree char *upload = conform_child_do_upload (store, words);

  if (upload != NULL)
    return g_steal_pointer (&upload);
  if (g_str_equal (words[0], "storm"))
    return g_strdup_printf ("%u", conform_storm (store, strtoull (words[1], NULL, 10),
                                                 (guint) atoi (words[2])));
  if (!cask_digest_parse (words[1], &digest, &error))
    return g_strdup (error->message);
  if (g_str_equal (words[0], "unused"))
    return child_delete_unused (store, &digest, strtoll (words[2], NULL, 10));
  if (g_str_equal (words[0], "list"))
    return child_list (store, &digest);
  if (g_str_equal (words[0], "touch"))
    return child_say (cask_store_touch (store, &digest, NULL, &error), error);
  if (g_str_equal (words[0], "delete"))
    return child_say (
        cask_store_delete (store, &digest, &existed, NULL, &error) && existed, error);
  g_autoptr (GBytes) bytes = cask_store_get (store, &digest, NULL, &error);
  return child_say (bytes != NULL, error);
}

/* What failed here is not known there. */
static void
child_tell_failures (void)
{
  g_auto (ConformRecord) record = conform_record_get ();

  if (record.details != NULL)
    fprintf (stderr, "the second process:\n%s", record.details);
}

int
conform_child_main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  char line[512];

  /* A first process that is ended by its time limit can not ask this one to go. */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 2; i < argc - 1; i++)
    if (g_str_has_prefix (argv[i], CHILD_PLUGIN_DIR))
      cask_add_plugin_dir (argv[i] + strlen (CHILD_PLUGIN_DIR));
  conform_layer_register (NULL);
  g_autoptr (CaskStore) store = cask_store_open (argv[argc - 1], NULL, &error);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      g_auto (GStrv) words = g_strsplit (g_strstrip (line), " ", -1);
      conform_record_begin ();
      g_autofree char *answer =
          store != NULL ? child_do (store, words) : g_strdup (error->message);
      child_tell_failures ();
      printf ("%s\n", answer);
      fflush (stdout);
    }
  return 0;
}

/* ---- From this side ---- */

char *
conform_find_helper (void)
{
  static const int here;
  char canonical[PATH_MAX];
  Dl_info place;

  if (dladdr (&here, &place) == 0 || realpath (place.dli_fname, canonical) == NULL)
    return NULL;
  g_autofree char *directory = g_path_get_dirname (canonical);
  return g_build_filename (directory, CONFORM_HELPER_NAME, NULL);
}

static void
child_add_plugin_dir (GPtrArray *dirs, const char *name, gboolean *has_registered)
{
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new (name, NULL);

  if (info == NULL)
    return;
  const char *path = cask_plugin_info_get_path (info);
  if (path == NULL)
    *has_registered = TRUE;
  else
    g_ptr_array_add (dirs, g_path_get_dirname (path));
}

GPtrArray *
conform_find_plugin_dirs (const char *config, gboolean *has_registered)
{
  GPtrArray *dirs = g_ptr_array_new_with_free_func (g_free);

  *has_registered = FALSE;
  for (const char *at = config; at != NULL; at = strpbrk (at, "(,"))
    {
      at += at != config;
      at += strspn (at, " \t\n");
      g_autofree char *name =
          g_strndup (at, strspn (at, "abcdefghijklmnopqrstuvwxyz0123456789-"));
      if (*name != '\0')
        child_add_plugin_dir (dirs, name, has_registered);
    }
  return dirs;
}

static GSubprocess *
child_spawn (const char *config, GError **error)
{
  gboolean has_registered;
  g_autoptr (GPtrArray) dirs = conform_find_plugin_dirs (config, &has_registered);
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);

  g_ptr_array_add (arguments, g_strdup (conform_helper ()));
  g_ptr_array_add (arguments, g_strdup ("--child"));
  for (guint i = 0; i < dirs->len; i++)
    g_ptr_array_add (arguments, g_strconcat (CHILD_PLUGIN_DIR, dirs->pdata[i], NULL));
  g_ptr_array_add (arguments, g_strdup (config));
  g_ptr_array_add (arguments, NULL);
  g_subprocess_launcher_setenv (launcher, CONFORM_CHILD_VARIABLE, "1", TRUE);
  return g_subprocess_launcher_spawnv (launcher, (const char *const *) arguments->pdata,
                                       error);
}

Child *
conform_child_new (Conform *conform)
{
  g_autoptr (GError) error = NULL;

  if (conform->directory == NULL)
    {
      conform_skip ("a place without %%d is private to its process");
      return NULL;
    }
  if (!CONFORM_NOT_NULL (conform_helper ()))
    return NULL;
  GSubprocess *process = child_spawn (conform->config, &error);
  CONFORM_NO_ERROR (error);
  if (process == NULL)
    return NULL;
  Child *child = g_new0 (Child, 1);
  child->process = process;
  child->answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  return child;
}

void
conform_child_kill (Child *child)
{
  child->is_killed = TRUE;
  g_subprocess_force_exit (child->process);
  CONFORM_TRUE (g_subprocess_wait (child->process, NULL, NULL));
}

void
conform_child_free (Child *child)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (child->process), NULL, NULL);
  CONFORM_TRUE (child->is_killed || g_subprocess_wait_check (child->process, NULL, NULL));
  g_object_unref (child->answers);
  g_object_unref (child->process);
  g_free (child);
}

/* A second process that has died must fail the case and not end the first one, whose
 * handling of SIGPIPE is its own: the signal is kept from this thread, and taken back
 * where it came. */
static gboolean
child_write (Child *child, const char *line)
{
  sigset_t pipe_signal, before, waiting;
  struct timespec at_once = { 0 };

  sigemptyset (&pipe_signal);
  sigaddset (&pipe_signal, SIGPIPE);
  sigpending (&waiting);
  pthread_sigmask (SIG_BLOCK, &pipe_signal, &before);
  gboolean success =
      g_output_stream_write_all (g_subprocess_get_stdin_pipe (child->process), line,
                                 strlen (line), NULL, NULL, NULL);
  if (!success && !sigismember (&waiting, SIGPIPE))
    sigtimedwait (&pipe_signal, NULL, &at_once);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return success;
}

void
conform_child_send (Child *child, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *words = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *line = g_strconcat (words, "\n", NULL);

  CONFORM_TRUE (child_write (child, line));
}

char *
conform_child_receive (Child *child)
{
  char *answer = g_data_input_stream_read_line (child->answers, NULL, NULL, NULL);
  return answer != NULL ? answer : g_strdup ("");
}

char *
conform_child_ask (Child *child, const char *word, const CaskDigest *digest)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  conform_child_send (child, "%s %s", word, cask_digest_write (digest, text));
  return conform_child_receive (child);
}
