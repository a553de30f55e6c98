/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-child.c: a second process with the same place open, which does as it is told.
 *
 * It is this program, executed anew, with the config string as its argument. It reads a
 * line, does it, answers with a line, and ends with its input:
 *
 *   get D, touch D, delete D, list D      yes, no (absent), or the error
 *   unused D TIME                         what became of it: a CaskRemoved
 *   storm SEED N                          how many blobs were created (contract_storm)
 *
 * Failure modes: where it dies, the pipe ends and the answer is empty, which is no answer
 * that any test expects. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>

struct _Child
{
  GSubprocess *process;
  GDataInputStream *answers;
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

  if (g_str_equal (words[0], "storm"))
    return g_strdup_printf ("%u", contract_storm (store, strtoull (words[1], NULL, 10),
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

int
contract_child_main (const char *config)
{
  g_autoptr (GError) error = NULL;
  char line[512];

  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      g_auto (GStrv) words = g_strsplit (g_strstrip (line), " ", -1);
      g_autofree char *answer =
          store != NULL ? child_do (store, words) : g_strdup (error->message);
      printf ("%s\n", answer);
      fflush (stdout);
    }
  return 0;
}

Child *
contract_child_new (Contract *contract)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  if (contract->directory == NULL)
    {
      contract_skip ("%s is private to its process", contract->config);
      return NULL;
    }
  GSubprocess *process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                        &error, self, "--child", contract->config, NULL);
  TEST_NO_ERROR (error);
  if (process == NULL)
    return NULL;
  Child *child = g_new0 (Child, 1);
  child->process = process;
  child->answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  return child;
}

void
contract_child_free (Child *child)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (child->process), NULL, NULL);
  CU_ASSERT_TRUE (g_subprocess_wait_check (child->process, NULL, NULL));
  g_object_unref (child->answers);
  g_object_unref (child->process);
  g_free (child);
}

void
contract_child_send (Child *child, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *words = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *line = g_strconcat (words, "\n", NULL);

  CU_ASSERT_TRUE (g_output_stream_write_all (g_subprocess_get_stdin_pipe (child->process),
                                             line, strlen (line), NULL, NULL, NULL));
}

char *
contract_child_receive (Child *child)
{
  char *answer = g_data_input_stream_read_line (child->answers, NULL, NULL, NULL);
  return answer != NULL ? answer : g_strdup ("");
}

char *
contract_child_ask (Child *child, const char *word, const CaskDigest *digest)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  contract_child_send (child, "%s %s", word, cask_digest_write (digest, text));
  return contract_child_receive (child);
}
