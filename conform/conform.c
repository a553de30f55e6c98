/* SPDX-License-Identifier: Apache-2.0
 *
 * conform.c: what is to be run: the config, and which of the cases. */
#include "conform-private.h"

#include <string.h>

/**
 * cask_conform_new:
 * @config: the config string of the store, with `%d` where a directory belongs (or a name
 *   that is new for each case): "fs:%d?durability=none"
 *
 * Prepares a run of the cases against a store. Each case opens its own, which must be
 * empty: a config without `%d` must stand for a store that begins anew whenever it is
 * opened, as `memory:` does.
 *
 * Returns: (transfer full): a run of all cases, with a random seed; free it with
 *   cask_conform_free()
 *
 * Since: 1.0
 */
CaskConform *
cask_conform_new (const char *config)
{
  g_return_val_if_fail (config != NULL, NULL);

  CaskConform *conform = g_new0 (CaskConform, 1);
  conform->config = g_strdup (config);
  conform->patterns = g_ptr_array_new_with_free_func (g_free);
  conform->seed = g_random_int ();
  return conform;
}

/**
 * cask_conform_free:
 * @conform: (nullable): a run that is not under way
 *
 * Frees it.
 *
 * Since: 1.0
 */
void
cask_conform_free (CaskConform *conform)
{
  if (conform == NULL)
    return;
  g_ptr_array_unref (conform->patterns);
  g_free (conform->helper);
  g_free (conform->config);
  g_free (conform);
}

/**
 * cask_conform_add_case:
 * @conform: a run
 * @pattern: a number, such as "C68" or "S12", or a part of a case's name
 *
 * Chooses the cases that have this number or this text. Without any choice every case is
 * run, with several those that fit one of them.
 *
 * Since: 1.0
 */
void
cask_conform_add_case (CaskConform *conform, const char *pattern)
{
  g_return_if_fail (conform != NULL && pattern != NULL);

  g_ptr_array_add (conform->patterns, g_strdup (pattern));
}

/**
 * cask_conform_set_calls:
 * @conform: a run
 * @calls: which calls the cases go through
 *
 * Runs the cases over the synchronous or the asynchronous calls only.
 *
 * Since: 1.0
 */
void
cask_conform_set_calls (CaskConform *conform, CaskConformCalls calls)
{
  g_return_if_fail (conform != NULL);

  conform->calls = calls;
}

/**
 * cask_conform_set_length:
 * @conform: a run
 * @length: how long it may take
 *
 * Leaves out the slow cases, or gives them their full length.
 *
 * Since: 1.0
 */
void
cask_conform_set_length (CaskConform *conform, CaskConformLength length)
{
  g_return_if_fail (conform != NULL);

  conform->length = length;
}

/**
 * cask_conform_set_seed:
 * @conform: a run
 * @seed: of all its random parts
 *
 * Repeats what a run with the same seed has done.
 *
 * Since: 1.0
 */
void
cask_conform_set_seed (CaskConform *conform, guint32 seed)
{
  g_return_if_fail (conform != NULL);

  conform->seed = seed;
}

/**
 * cask_conform_get_seed:
 * @conform: a run
 *
 * Returns: the seed, random where none was set
 *
 * Since: 1.0
 */
guint32
cask_conform_get_seed (CaskConform *conform)
{
  g_return_val_if_fail (conform != NULL, 0);

  return conform->seed;
}

/**
 * cask_conform_set_helper:
 * @conform: a run
 * @program: (type filename) (nullable): a program whose main hands its arguments to
 *   cask_conform_main(); %NULL for the one that is installed with the library
 *
 * Says which program is started where a case needs a second process. The installed one
 * finds the plugins that this process has found; a backend that is registered with
 * cask_register_plugin() is known only to a program that registers it as well, such as
 * this one, `/proc/self/exe`.
 *
 * Since: 1.0
 */
void
cask_conform_set_helper (CaskConform *conform, const char *program)
{
  g_return_if_fail (conform != NULL);

  g_free (conform->helper);
  conform->helper = g_strdup (program);
}

/**
 * cask_conform_set_func:
 * @conform: a run
 * @func: (nullable) (scope forever): what is called when a case begins and when it ends
 * @user_data: given to @func
 *
 * Says who is told how the run goes. The library prints nothing by itself.
 *
 * Since: 1.0
 */
void
cask_conform_set_func (CaskConform *conform, CaskConformFunc func, gpointer user_data)
{
  g_return_if_fail (conform != NULL);

  conform->func = func;
  conform->user_data = user_data;
}

/* ---- Choosing ---- */

static gboolean
choice_is_number (const char *pattern)
{
  return g_ascii_isalpha (pattern[0]) && pattern[1] != '\0' &&
         strspn (pattern + 1, "0123456789") == strlen (pattern + 1);
}

static gboolean
choice_fits (const CaskConform *conform, const ConformChoice *choice)
{
  for (guint i = 0; i < conform->patterns->len; i++)
    {
      const char *pattern = conform->patterns->pdata[i];
      if (choice_is_number (pattern)
              ? conform_has_number (choice->item->sentence, pattern)
              : strstr (choice->name, pattern) != NULL)
        return TRUE;
    }
  return conform->patterns->len == 0;
}

static void
choice_clear (gpointer data)
{
  ConformChoice *choice = data;
  g_free (choice->name);
}

/* Adds the case as it goes in this way, if it is wanted. */
static void
choice_consider (GArray *choices, const CaskConform *conform, const ConformSuite *suite,
                 const ConformCase *item, CaskConformCalls way, guint *n_left_out)
{
  static const char *const ways[] = { "", ", synchronously", ", asynchronously" };
  ConformChoice choice = { .suite = suite, .item = item, .way = way };

  choice.name = g_strconcat (suite->name, ways[way], ": ", item->sentence, NULL);
  if (!choice_fits (conform, &choice))
    choice_clear (&choice);
  else if (conform->length == CASK_CONFORM_QUICK && conform_case_is_slow (suite, item))
    {
      ++*n_left_out;
      choice_clear (&choice);
    }
  else
    g_array_append_val (choices, choice);
}

GArray *
conform_choose (const CaskConform *conform, guint *n_left_out)
{
  GArray *choices = g_array_new (FALSE, FALSE, sizeof (ConformChoice));

  g_array_set_clear_func (choices, choice_clear);
  *n_left_out = 0;
  for (const ConformSuite *suite = conform_suites; suite->name != NULL; suite++)
    for (CaskConformCalls way = CASK_CONFORM_BOTH; way <= CASK_CONFORM_ASYNC; way++)
      {
        if (suite->one_way != (way == CASK_CONFORM_BOTH) ||
            (!suite->one_way && conform->calls != CASK_CONFORM_BOTH &&
             conform->calls != way))
          continue;
        for (const ConformCase *item = suite->cases; item->sentence != NULL; item++)
          choice_consider (choices, conform, suite, item, way, n_left_out);
      }
  return choices;
}

/**
 * cask_conform_list_cases:
 * @conform: a run
 *
 * Names the cases that it has, in the order in which they are run.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
char **
cask_conform_list_cases (CaskConform *conform)
{
  g_return_val_if_fail (conform != NULL, NULL);

  guint n_left_out;
  g_autoptr (GArray) choices = conform_choose (conform, &n_left_out);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = 0; i < choices->len; i++)
    g_ptr_array_add (names, g_strdup (g_array_index (choices, ConformChoice, i).name));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* ---- Again ---- */

/* Its first number, where no other case has it; else its sentence. */
static char *
choice_print_pattern (const ConformChoice *choice)
{
  g_autofree char *number =
      g_strndup (choice->item->sentence, strcspn (choice->item->sentence, " "));
  guint n_found = 0;

  for (const ConformSuite *suite = conform_suites; suite->name != NULL; suite++)
    for (const ConformCase *item = suite->cases; item->sentence != NULL; item++)
      n_found += choice_is_number (number) && conform_has_number (item->sentence, number);
  return n_found == 1 ? g_steal_pointer (&number)
                      : g_shell_quote (choice->item->sentence);
}

/* White space in a config may be a line's end, and a report is a line. Other control
 * characters, which no store takes as they are, must not reach a terminal. */
char *
conform_print_config (const char *config)
{
  g_autofree char *valid = g_utf8_make_valid (config, -1);
  GString *line = g_string_new (NULL);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);
      g_string_append_unichar (line, g_unichar_iscntrl (character) ? ' ' : character);
    }
  return g_string_free (line, FALSE);
}

char *
conform_print_repeat (const CaskConform *conform, const ConformChoice *choice)
{
  static const char *const ways[] = { "", " --sync", " --async" };
  g_autofree char *pattern = choice_print_pattern (choice);
  g_autofree char *printed = conform_print_config (conform->config);
  g_autofree char *config = g_shell_quote (printed);

  return g_strdup_printf (
      "cask conform --case %s%s%s --seed %u %s", pattern, ways[choice->way],
      conform->length == CASK_CONFORM_LONG ? " --long" : "", conform->seed, config);
}
