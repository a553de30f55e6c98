/* SPDX-License-Identifier: Apache-2.0
 *
 * config-print.c: a tree of nodes back as text: whole, redacted, or as a name.
 *
 * Invariants: what is printed is one line of printable, valid UTF-8, whatever bytes a
 * location holds: it ends up in logs and on terminals. Recursion is as deep as the tree,
 * which the parser bounds. */
#include "config-private.h"

typedef enum
{
  CONFIG_PRINT_REDACTED,
  CONFIG_PRINT_FULL
} ConfigPrint;

static gboolean
config_stands_literally (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("-._~/:@=+!$'*;[]", c) != NULL);
}

/* The bytes of the UTF-8 character beyond ASCII at text, if it may be shown; else 0. What
 * reorders or breaks a line could make an error or a log say what it does not. */
static gsize
config_shown_length (const char *text)
{
  gunichar c = g_utf8_get_char_validated (text, -1);
  if (c == (gunichar) -1 || c == (gunichar) -2 || c < 0x80)
    return 0;
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return 0;
    default:
      return (gsize) (g_utf8_next_char (text) - text);
    }
}

static void
config_append_escaped (GString *out, const char *text)
{
  while (*text != '\0')
    {
      gsize length = config_stands_literally (*text) ? 1 : config_shown_length (text);
      if (length == 0)
        {
          g_string_append_printf (out, "%%%02X", (guint8) *text);
          length = 1;
        }
      else
        g_string_append_len (out, text, (gssize) length);
      text += length;
    }
}

/**
 * cask_config_escape:
 * @text: (type filename): a location or an option's value, not NULL; any bytes
 *
 * Percent-encodes whatever must not stand literally in a location or an option's value of
 * a config string. Letters, digits, `-._~/:@=+!$'*;[]` and printable UTF-8 beyond ASCII
 * stay; everything else, a `%` included, becomes `%` and two upper-case hexadecimal
 * digits a byte. The result is one printable line of valid UTF-8.
 *
 *     g_autofree char *place = cask_config_escape ("/srv/my blobs");
 *     g_autofree char *config = g_strconcat ("fs:", place, NULL);
 *
 * Text that is not UTF-8 is refused in an option's value when the string is parsed; a
 * location may hold it.
 *
 * Returns: (transfer full): the escaped text; free it with g_free()
 *
 * Since: 1.0
 */
char *
cask_config_escape (const char *text)
{
  g_return_val_if_fail (text != NULL, NULL);

  GString *out = g_string_new (NULL);
  config_append_escaped (out, text);
  return g_string_free (out, FALSE);
}

static void
config_append_name (GString *out, const CaskConfigNode *node)
{
  g_string_append (out, node->name);
  if (node->location == NULL)
    return;
  g_string_append_c (out, ':');
  config_append_escaped (out, node->location);
}

static void
config_append_node (GString *out, const CaskConfigNode *node, ConfigPrint how)
{
  config_append_name (out, node);
  for (guint i = 0; i < node->options->len; i++)
    {
      const CaskConfigOption *option = node->options->pdata[i];
      g_string_append_c (out, i == 0 ? '?' : '&');
      g_string_append (out, option->name);
      g_string_append_c (out, '=');
      if (option->secret && how == CONFIG_PRINT_REDACTED)
        g_string_append (out, "***");
      else
        config_append_escaped (out, option->value);
    }
  for (guint i = 0; i < node->children->len; i++)
    {
      g_string_append (out, i == 0 ? "(" : ", ");
      config_append_node (out, node->children->pdata[i], how);
    }
  if (node->children->len > 0)
    g_string_append_c (out, ')');
}

char *
cask_config_print (const CaskConfigNode *node)
{
  GString *out = g_string_new (NULL);
  config_append_node (out, node, CONFIG_PRINT_REDACTED);
  return g_string_free (out, FALSE);
}

char *
cask_config_print_full (const CaskConfigNode *node)
{
  GString *out = g_string_new (NULL);
  config_append_node (out, node, CONFIG_PRINT_FULL);
  return g_string_free (out, FALSE);
}

char *
cask_config_print_name (const CaskConfigNode *node)
{
  GString *out = g_string_new (NULL);
  config_append_name (out, node);
  return g_string_free (out, FALSE);
}
