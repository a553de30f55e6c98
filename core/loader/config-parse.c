/* SPDX-License-Identifier: Apache-2.0
 *
 * config-parse.c: a config string into a tree of nodes.
 *
 * One pass from left to right with a stack of at most 16 open nodes, no recursion. A
 * location or value is first cut out at the next delimiter and then decoded, so that an
 * escaped delimiter never delimits.
 *
 * Invariants: time is linear in the length, which is bounded before anything else is
 * looked at. Once a value has been seen, no word of the text is quoted in an error any
 * more: an unescaped '&' or ',' in a secret makes its second half look like a name.
 *
 * Failure modes: all are the writer's, all are INVALID_CONFIG with the byte at which the
 * string stopped making sense; nothing partial is returned. */
#include "config-private.h"

#define CONFIG_NODE_END ":?(), \t\n"
#define CONFIG_LOCATION_END "?(), \t\n"
#define CONFIG_VALUE_END "&(), \t\n"
#define CONFIG_WORD_MAX 64 /* of what is quoted */
#define CONFIG_SUGGESTION_MAX 200

/* What stood last, which decides how to explain what follows it. */
typedef enum
{
  CONFIG_AFTER_NAME,
  CONFIG_AFTER_TEXT, /* a location or a value */
  CONFIG_AFTER_CHILDREN
} ConfigAfter;

typedef struct
{
  const char *text;
  gsize length;
  gsize at;
  guint n_nodes;
  gboolean value_seen;
  ConfigAfter after;
  guint depth;
  CaskConfigNode *open[CASK_CONFIG_MAX_DEPTH]; /* those whose ')' is still to come */
  gsize opened_at[CASK_CONFIG_MAX_DEPTH];      /* their '(' */
} ConfigParser;

/* ---- Characters ---- */

static gboolean
config_is_one_of (char c, const char *set)
{
  return c != '\0' && strchr (set, c) != NULL;
}

static gboolean
config_is_char (char c)
{
  return g_ascii_isalnum (c) || (guint8) c >= 0x80 ||
         config_is_one_of (c, "-._~/:@=+!$'*;[]");
}

static gboolean
config_is_word (char c)
{
  return g_ascii_isalnum (c) || c == '-';
}

/* "character '#'", or "byte 0x07" where it cannot be shown. */
static char *
config_describe (char c)
{
  return g_ascii_isprint (c) ? g_strdup_printf ("character '%c'", c)
                             : g_strdup_printf ("byte 0x%02X", (guint8) c);
}

static gboolean
config_refuse_character (const ConfigParser *parser, gsize at, GError **error)
{
  g_autofree char *what = config_describe (parser->text[at]);
  cask_config_set_error (error, at, "%s must be written %%%02X", what,
                         (guint8) parser->text[at]);
  return FALSE;
}

/* Returns: whether there was any. The text ends in a NUL, which is no space. */
static gboolean
config_skip_space (ConfigParser *parser)
{
  gsize start = parser->at;
  while (config_is_one_of (parser->text[parser->at], " \t\n"))
    parser->at++;
  return parser->at > start;
}

/* ---- Names ---- */

/* The first byte of a word that is not in order, or length where all of it is. */
static gsize
config_check_name (const char *word, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      gboolean inner = i > 0 && i + 1 < length;
      if (g_ascii_islower (word[i]) || (i > 0 && g_ascii_isdigit (word[i])))
        continue;
      if (word[i] != '-' || !inner || word[i + 1] == '-')
        return i;
    }
  return length;
}

static void
config_explain_name (const ConfigParser *parser, gsize length, gsize wrong,
                     const char *what, GError **error)
{
  gsize at = parser->at + wrong;
  g_autofree char *lower = g_ascii_strdown (parser->text + parser->at, (gssize) length);
  gboolean only_case = config_check_name (lower, length) == length;

  if (only_case && !parser->value_seen && length <= CONFIG_WORD_MAX)
    cask_config_set_error (error, at, "%s name is lower case; did you mean '%s'?", what,
                           lower);
  else if (g_ascii_isupper (parser->text[at]))
    cask_config_set_error (error, at, "%s name is lower case", what);
  else if (wrong == 0)
    cask_config_set_error (error, at, "%s name begins with a lower-case letter", what);
  else
    cask_config_set_error (error, at, "'-' in %s name stands between letters or digits",
                           what);
}

/* Reads a name, of which there is at least one character. */
static char *
config_read_name (ConfigParser *parser, const char *what, GError **error)
{
  const char *word = parser->text + parser->at;
  gsize length = 0;
  while (config_is_word (word[length]))
    length++;

  gsize wrong = config_check_name (word, length);
  if (wrong < length)
    {
      config_explain_name (parser, length, wrong, what, error);
      return NULL;
    }
  parser->at += length;
  return g_strndup (word, length);
}

/* ---- Locations and values ---- */

static gboolean
config_decode_escape (const ConfigParser *parser, gsize at, char *byte, GError **error)
{
  int high = g_ascii_xdigit_value (parser->text[at + 1]);
  int low = high < 0 ? -1 : g_ascii_xdigit_value (parser->text[at + 2]);
  if (low < 0)
    cask_config_set_error (error, at,
                           "'%%' must be followed by two hexadecimal digits; the "
                           "character itself is written %%25");
  else if (high == 0 && low == 0)
    cask_config_set_error (error, at, "%%00 is not allowed");
  else
    *byte = (char) (high * 16 + low);
  return low >= 0 && high + low > 0;
}

static gboolean
config_decode (const ConfigParser *parser, gsize start, gsize end, char *out,
               GError **error)
{
  for (gsize at = start; at < end; at++)
    {
      char c = parser->text[at];
      if (c == '%')
        {
          if (!config_decode_escape (parser, at, &c, error))
            return FALSE;
          at += 2;
        }
      else if (!config_is_char (c))
        return config_refuse_character (parser, at, error);
      *out++ = c;
    }
  return TRUE;
}

/* Reads up to one of the delimiters. */
static char *
config_read_text (ConfigParser *parser, const char *delimiters, GError **error)
{
  gsize start = parser->at;
  gsize end = start + strcspn (parser->text + start, delimiters);

  /* Decoding only shortens. */
  char *decoded = g_malloc0 (end - start + 1);
  if (!config_decode (parser, start, end, decoded, error))
    {
      explicit_bzero (decoded, end - start);
      g_free (decoded);
      return NULL;
    }
  parser->at = end;
  return decoded;
}

/* Where in the text the decoded byte of that index was written. */
static gsize
config_find_decoded (const ConfigParser *parser, gsize start, gsize index)
{
  gsize at = start;
  while (index-- > 0)
    at += parser->text[at] == '%' ? 3 : 1;
  return at;
}

/* ---- Options ---- */

static gboolean
config_expect_equals (ConfigParser *parser, GError **error)
{
  char c = parser->text[parser->at];
  if (c == '=')
    {
      parser->at++;
      return TRUE;
    }
  if (c == '\0' || config_is_one_of (c, CONFIG_VALUE_END))
    {
      cask_config_set_error (error, parser->at,
                             "'=' and a value expected after an option's name");
      return FALSE;
    }
  g_autofree char *what = config_describe (c);
  cask_config_set_error (error, parser->at, "%s is not allowed in an option's name",
                         what);
  return FALSE;
}

static gboolean
config_read_value (ConfigParser *parser, CaskConfigOption *option, GError **error)
{
  parser->value_seen = TRUE;
  option->value_offset = parser->at;
  option->value = config_read_text (parser, CONFIG_VALUE_END, error);
  if (option->value == NULL)
    return FALSE;

  const char *invalid;
  if (g_utf8_validate (option->value, -1, &invalid))
    return TRUE;
  cask_config_set_error (error,
                         config_find_decoded (parser, option->value_offset,
                                              (gsize) (invalid - option->value)),
                         "the value of an option must be valid UTF-8");
  return FALSE;
}

static gboolean
config_read_option (ConfigParser *parser, CaskConfigNode *node, GHashTable *names,
                    GError **error)
{
  char separator = parser->text[parser->at++];
  gsize offset = parser->at;
  if (!config_is_word (parser->text[offset]))
    {
      cask_config_set_error (error, offset, "option expected after '%c'", separator);
      return FALSE;
    }

  g_autofree char *name = config_read_name (parser, "an option's", error);
  if (name == NULL || !config_expect_equals (parser, error))
    return FALSE;
  if (g_hash_table_contains (names, name))
    {
      cask_config_set_error (error, offset, "option '%.*s' is given twice",
                             CONFIG_WORD_MAX, name);
      return FALSE;
    }

  CaskConfigOption *option = cask_config_node_add_option (node, name, NULL);
  option->offset = offset;
  g_hash_table_add (names, option->name);
  return config_read_value (parser, option, error);
}

static gboolean
config_read_options (ConfigParser *parser, CaskConfigNode *node, GError **error)
{
  if (parser->text[parser->at] != '?')
    return TRUE;
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  do
    if (!config_read_option (parser, node, names, error))
      return FALSE;
  while (parser->text[parser->at] == '&');
  parser->after = CONFIG_AFTER_TEXT;
  return TRUE;
}

/* ---- One node ---- */

static gboolean
config_is_path (const char *text)
{
  return text[0] == '/' || text[0] == '~' || g_str_has_prefix (text, "./") ||
         g_str_has_prefix (text, "../");
}

/* A path where a name belongs is the likeliest slip of all. It is quoted only where it is
 * all there is, short and without anything that may be a value. */
static void
config_explain_no_name (const ConfigParser *parser, GError **error)
{
  const char *rest = parser->text + parser->at;
  if (!config_is_path (rest))
    {
      cask_config_set_error (error, parser->at, "backend name expected");
      return;
    }
  g_autofree char *path = g_strchomp (g_strdup (rest));
  g_autofree char *escaped = cask_config_escape (path);
  gboolean quotable = parser->n_nodes == 0 && strchr (path, '?') == NULL &&
                      g_utf8_validate (path, -1, NULL) &&
                      strlen (escaped) < CONFIG_SUGGESTION_MAX;
  if (!quotable)
    cask_config_set_error (error, parser->at,
                           "backend name expected; a directory is written 'fs:/path'");
  else if (path[0] == '~')
    cask_config_set_error (error, parser->at,
                           "backend name expected; did you mean 'fs:%s'? '~' is not "
                           "expanded, write the directory out",
                           escaped);
  else
    cask_config_set_error (error, parser->at,
                           "backend name expected; did you mean 'fs:%s'?", escaped);
}

static gboolean
config_check_name_end (const ConfigParser *parser, GError **error)
{
  char c = parser->text[parser->at];
  if (c == '\0' || config_is_one_of (c, CONFIG_NODE_END))
    return TRUE;
  g_autofree char *what = config_describe (c);
  cask_config_set_error (error, parser->at,
                         "%s is not allowed in a backend's name; a location follows ':'",
                         what);
  return FALSE;
}

static CaskConfigNode *
config_read_node (ConfigParser *parser, GError **error)
{
  gsize offset = parser->at;
  if (!config_is_word (parser->text[offset]))
    {
      config_explain_no_name (parser, error);
      return NULL;
    }
  if (parser->n_nodes == CASK_CONFIG_MAX_NODES)
    {
      cask_config_set_error (error, offset, "more than %d backends",
                             CASK_CONFIG_MAX_NODES);
      return NULL;
    }
  parser->n_nodes++;

  g_autofree char *name = config_read_name (parser, "a backend's", error);
  if (name == NULL)
    return NULL;
  g_autoptr (CaskConfigNode) node = cask_config_node_new (name, offset);
  if (!config_check_name_end (parser, error))
    return NULL;

  parser->after = CONFIG_AFTER_NAME;
  if (parser->text[parser->at] == ':')
    {
      parser->after = CONFIG_AFTER_TEXT;
      node->location_offset = ++parser->at;
      node->location = config_read_text (parser, CONFIG_LOCATION_END, error);
      if (node->location == NULL)
        return NULL;
    }
  if (!config_read_options (parser, node, error))
    return NULL;
  return g_steal_pointer (&node);
}

/* ---- The tree ---- */

/* Says why the string cannot go on as it does; space is where the space before the
 * current byte starts. */
static void
config_explain_rest (const ConfigParser *parser, gsize space, GError **error)
{
  gsize at = parser->at;
  char c = parser->text[at];
  if (c == '\0')
    cask_config_set_error (error, at,
                           "')' is missing for the '(' at byte %" G_GSIZE_FORMAT,
                           parser->opened_at[parser->depth - 1]);
  else if (c == ')' || (c == ',' && parser->depth == 0))
    cask_config_set_error (error, at,
                           "superfluous '%c'; within a location or a value it is "
                           "written %%%02X",
                           c, (guint8) c);
  else if (parser->after == CONFIG_AFTER_CHILDREN && (c == '?' || c == ':'))
    cask_config_set_error (error, at, "location and options stand before '('");
  else if (parser->after == CONFIG_AFTER_CHILDREN)
    cask_config_set_error (error, at, "nothing but ',' or ')' may follow a ')'");
  else if (parser->after == CONFIG_AFTER_TEXT && space < at)
    config_refuse_character (parser, space, error);
  else
    cask_config_set_error (error, at,
                           "':' and a location expected right after a "
                           "backend's name");
}

static gboolean
config_open_children (ConfigParser *parser, CaskConfigNode *node, GError **error)
{
  /* A node may open children only where they would still be within the depth. */
  if (parser->depth + 1 == CASK_CONFIG_MAX_DEPTH)
    {
      cask_config_set_error (error, parser->at, "more than %d levels of backends",
                             CASK_CONFIG_MAX_DEPTH);
      return FALSE;
    }
  parser->opened_at[parser->depth] = parser->at++;
  parser->open[parser->depth++] = node;
  config_skip_space (parser);
  return TRUE;
}

static void
config_close_children (ConfigParser *parser)
{
  while (parser->depth > 0 && parser->text[parser->at] == ')')
    {
      parser->at++;
      parser->depth--;
      parser->after = CONFIG_AFTER_CHILDREN;
      config_skip_space (parser);
    }
}

/* Moves from behind a node to the next one. Returns: FALSE at the end and on error. */
static gboolean
config_step (ConfigParser *parser, CaskConfigNode *node, GError **error)
{
  gsize space = parser->at;
  config_skip_space (parser);
  if (parser->text[parser->at] == '(')
    return config_open_children (parser, node, error);

  config_close_children (parser);
  if (parser->at == parser->length && parser->depth == 0)
    return FALSE;
  if (parser->text[parser->at] != ',' || parser->depth == 0)
    {
      config_explain_rest (parser, space, error);
      return FALSE;
    }
  parser->at++;
  config_skip_space (parser);
  return TRUE;
}

CaskConfigNode *
cask_config_parse (const char *text, GError **error)
{
  ConfigParser parser = { .text = text };
  parser.length = strnlen (text, CASK_CONFIG_MAX_LENGTH + 1);
  if (parser.length > CASK_CONFIG_MAX_LENGTH)
    {
      cask_config_set_error (error, CASK_CONFIG_MAX_LENGTH, "longer than %d bytes",
                             CASK_CONFIG_MAX_LENGTH);
      return NULL;
    }

  g_autoptr (CaskConfigNode) root = NULL;
  g_autoptr (GError) wrong = NULL;
  CaskConfigNode *node;
  config_skip_space (&parser);
  do
    {
      node = config_read_node (&parser, &wrong);
      if (node != NULL && root == NULL)
        root = node;
      else if (node != NULL)
        g_ptr_array_add (parser.open[parser.depth - 1]->children, node);
    }
  while (node != NULL && config_step (&parser, node, &wrong));

  if (wrong != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&wrong));
      return NULL;
    }
  return g_steal_pointer (&root);
}
