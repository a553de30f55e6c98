/* SPDX-License-Identifier: Apache-2.0
 *
 * reading.c: config strings that open what is there, and make nothing.
 *
 * A mistyped name must not become an empty store that a reader then finds sound: each
 * backend of the string that makes what is missing is told not to, below layers as well,
 * unless the string itself says what it wants. None of "(,)?&" stands literally in a
 * location or a value, so that the string can be taken apart at them. */

#include "reading.h"

#include <cask/cask.h>
#include <string.h>

#define READING_DELIMITERS "(,)"
#define READING_SPACE " \t\n"
#define READING_ADDITION "?create=no"

static gboolean
reading_has_create_option (const char *plugin)
{
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new (plugin, NULL);
  guint n_options = info ? cask_plugin_info_get_n_options (info) : 0;
  for (guint i = 0; i < n_options; i++)
    if (strcmp (cask_plugin_info_get_option_name (info, i), "create") == 0)
      return strcmp (cask_plugin_info_get_option_type (info, i), "yes|no") == 0;
  return FALSE;
}

static gboolean
reading_says_create (const char *node)
{
  return strstr (node, "?create=") || strstr (node, "&create=");
}

/* Takes the node that begins at *at, its children left out, and goes to what ends it.
 *
 * Returns: (transfer full) */
static char *
reading_take (const char **at)
{
  gsize length = strcspn (*at, READING_DELIMITERS);
  char *node = g_strndup (*at, length);
  *at += length;
  return node;
}

static void
reading_append (GString *text, char *node)
{
  const char *start = node + strspn (node, READING_SPACE);
  g_autofree char *name = g_strndup (start, strcspn (start, ":?" READING_SPACE));
  if (*name && !reading_says_create (node) && reading_has_create_option (name))
    {
      g_strchomp (node);
      g_string_append_printf (text, "%s%s", node, READING_ADDITION);
      if (strchr (node, '?'))
        text->str[text->len - strlen (READING_ADDITION)] = '&';
    }
  else
    g_string_append (text, node);
}

/* Where the string is wrong, the byte that the core names is the same up to the end of
 * the first backend, and may be later behind it.
 *
 * Returns: (transfer full): the config string to open */
char *
reading_config (const char *config)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const char *at = config;; at++)
    {
      g_autofree char *node = reading_take (&at);
      reading_append (text, node);
      if (!*at)
        return g_string_free (g_steal_pointer (&text), FALSE);
      g_string_append_c (text, *at);
    }
}

/* What a store opened by reading_config() calls itself, as the user means it.
 *
 * config: the user's; shown: the store's own config string, which has the same nodes
 * Returns: (transfer full): shown without what was added to it */
char *
reading_shown (const char *config, const char *shown)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const char *at = shown;; at++)
    {
      g_autofree char *node = reading_take (&at), *given = reading_take (&config);
      if (!reading_says_create (given) && (g_str_has_suffix (node, "?create=no") ||
                                           g_str_has_suffix (node, "&create=no")))
        node[strlen (node) - strlen (READING_ADDITION)] = '\0';
      g_string_append (text, node);
      if (*config)
        config++;
      if (!*at)
        return g_string_free (g_steal_pointer (&text), FALSE);
      g_string_append_c (text, *at);
    }
}
