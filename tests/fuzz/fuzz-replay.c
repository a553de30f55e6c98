/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-replay.c: runs a fuzz target once over each of the inputs that are kept, without
 * libFuzzer, so that every compiler and every build finds again what was found once.
 *
 *   fuzz-NAME CORPUS.txt…           each line
 *   fuzz-NAME CORPUS.txt:LINE       one of them
 *   fuzz-NAME FILE…                 a file that is an input itself, as libFuzzer keeps it
 *   fuzz-replay --unpack CORPUS.txt DIRECTORY   lines to files, named by their hash
 *   fuzz-replay --pack DIRECTORY|FILE           and files to sorted lines, printed
 *
 * Before each input it prints the command that runs that one alone: where a fault ends
 * the process, the last line of the output is how to see it again. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

static const char *replay_program;
static guint replay_count;

/* Each input lies in memory of its own size, so that a read beyond it is seen. */
static void
replay_input (const char *place, gconstpointer input, gsize size)
{
  g_autofree guint8 *data = g_memdup2 (input, size);
  printf ("%s %s\n", replay_program, place);
  fflush (stdout);
  LLVMFuzzerTestOneInput (data != NULL ? data : (const guint8 *) "", size);
  replay_count++;
}

static gboolean
replay_file (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size = 0;
  if (!g_file_get_contents (path, &text, &size, error))
    return FALSE;
  replay_input (path, text, size);
  return TRUE;
}

/* only: the line to run, 0 for all */
static gboolean
replay_corpus (const char *path, guint64 only, GError **error)
{
  g_autoptr (GPtrArray) inputs = corpus_read (path, error);
  if (inputs == NULL)
    return FALSE;
  for (guint i = 0; i < inputs->len; i++)
    {
      const CorpusInput *input = g_ptr_array_index (inputs, i);
      if (only != 0 && only != input->line)
        continue;
      g_autofree char *place = g_strdup_printf ("%s:%u", path, input->line);
      gsize size;
      gconstpointer data = g_bytes_get_data (input->bytes, &size);
      replay_input (place, data, size);
    }
  return TRUE;
}

static gboolean
replay (const char *argument, GError **error)
{
  if (g_str_has_suffix (argument, ".txt"))
    return replay_corpus (argument, 0, error);
  const char *colon = strrchr (argument, ':');
  g_autofree char *path = g_strndup (argument, colon != NULL ? colon - argument : 0);
  guint64 line = 0;
  if (g_str_has_suffix (path, ".txt") &&
      g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT, &line, NULL))
    return replay_corpus (path, line, error);
  return replay_file (argument, error);
}

static gboolean
replay_pack (const char *path, GError **error)
{
  g_autofree char *text = corpus_pack (path, error);
  if (text == NULL)
    return FALSE;
  fputs (text, stdout);
  return TRUE;
}

static gboolean
replay_all (int argc, char **argv, GError **error)
{
  LLVMFuzzerInitialize (&argc, &argv);
  for (int i = 1; i < argc; i++)
    if (!replay (argv[i], error))
      return FALSE;
  printf ("%u inputs\n", replay_count);
  if (replay_count > 0)
    return TRUE;
  /* A corpus that is not there must not pass. */
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no input was given");
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean is_done;
  replay_program = argv[0];
  if (argc == 4 && strcmp (argv[1], "--unpack") == 0)
    is_done = corpus_unpack (argv[2], argv[3], &error);
  else if (argc == 3 && strcmp (argv[1], "--pack") == 0)
    is_done = replay_pack (argv[2], &error);
  else
    is_done = replay_all (argc, argv, &error);
  if (!is_done)
    fprintf (stderr, "%s: %s\n", argv[0], error->message);
  /* What a full disk cut off must not be taken for the whole. */
  return is_done && fflush (stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
