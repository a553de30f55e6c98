/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-config.c: any text as a config string, as a location, as an option's value (G4,
 * G6).
 *
 * What parses prints, and parses again to the same tree; what does not says at which byte
 * of the string. A value that is secret is in nothing that is printed. */
#include "fuzz.h"

#include <string.h>

#include "config-private.h"

static gboolean
config_equal (const CaskConfigNode *a, const CaskConfigNode *b)
{
  if (!g_str_equal (a->name, b->name) || g_strcmp0 (a->location, b->location) != 0 ||
      a->options->len != b->options->len || a->children->len != b->children->len)
    return FALSE;
  for (guint i = 0; i < a->options->len; i++)
    {
      const CaskConfigOption *x = a->options->pdata[i], *y = b->options->pdata[i];
      if (!g_str_equal (x->name, y->name) || !g_str_equal (x->value, y->value))
        return FALSE;
    }
  for (guint i = 0; i < a->children->len; i++)
    if (!config_equal (a->children->pdata[i], b->children->pdata[i]))
      return FALSE;
  return TRUE;
}

/* Returns: how many nodes the tree has */
static guint
config_check_node (const CaskConfigNode *node, const char *text, guint depth)
{
  gsize length = strlen (text);
  guint n = 1;

  FUZZ_CHECK (depth <= CASK_CONFIG_MAX_DEPTH);
  FUZZ_CHECK (g_str_has_prefix (text + MIN (node->offset, length), node->name));
  FUZZ_CHECK (node->location == NULL || node->location_offset <= length);
  for (guint i = 0; i < node->options->len; i++)
    {
      const CaskConfigOption *option = node->options->pdata[i];
      FUZZ_CHECK (g_str_has_prefix (text + MIN (option->offset, length), option->name));
      FUZZ_CHECK (option->value_offset == option->offset + strlen (option->name) + 1);
      FUZZ_CHECK (g_utf8_validate (option->value, -1, NULL));
    }
  for (guint i = 0; i < node->children->len; i++)
    n += config_check_node (node->children->pdata[i], text, depth + 1);
  return n;
}

static void
config_hide (CaskConfigNode *node, const char *value)
{
  for (guint i = 0; i < node->options->len; i++)
    {
      CaskConfigOption *option = node->options->pdata[i];
      option->secret = TRUE;
      g_free (option->value);
      option->value = g_strdup (value);
    }
  for (guint i = 0; i < node->children->len; i++)
    config_hide (node->children->pdata[i], value);
}

/* Two trees that differ in secret values only look the same. */
static void
config_check_secrets (CaskConfigNode *node)
{
  config_hide (node, "file:/one");
  g_autofree char *one = cask_config_print (node);
  config_hide (node, "");
  g_autofree char *other = cask_config_print (node);
  FUZZ_CHECK (g_str_equal (one, other));
}

/* What a plugin of every type of option makes of the first node. No secret: a reference
 * would be followed, to any file of this machine. */
static void
config_try_options (CaskConfigNode *node)
{
  static const CaskOptionSpec specs[] = {
    { .name = "a", .type = CASK_OPTION_STRING },
    { .name = "b", .type = CASK_OPTION_UINT, .min = 1, .max = 99 },
    { .name = "c", .type = CASK_OPTION_SIZE, .fallback = "64MiB" },
    { .name = "d", .type = CASK_OPTION_DURATION, .fallback = "60s" },
    { .name = "e", .type = CASK_OPTION_BOOLEAN, .fallback = "yes" },
    { .name = "f", .type = CASK_OPTION_CHOICE, .choices = "none|data|full" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskOptions) options =
      cask_options_resolve ("fuzz", specs, G_N_ELEMENTS (specs), node, &error);
  if (options == NULL)
    {
      fuzz_check_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG);
      return;
    }
  FUZZ_CHECK (options->n_values == G_N_ELEMENTS (specs));
  FUZZ_CHECK (!options->values[1].is_set ||
              (options->values[1].number >= 1 && options->values[1].number <= 99));
  FUZZ_CHECK (options->values[3].number <= G_MAXINT64);
  FUZZ_CHECK (options->values[4].number <= 1 && options->values[5].number <= 2);
}

static void
config_check_error_offset (const GError *error, gsize length)
{
  char *end = NULL;

  fuzz_check_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG);
  const char *number = error->message + strlen ("config string, byte ");
  FUZZ_CHECK (g_str_has_prefix (error->message, "config string, byte "));
  FUZZ_CHECK (g_ascii_strtoull (number, &end, 10) <= length);
  FUZZ_CHECK (end > number && g_str_has_prefix (end, ": "));
}

static void
config_try_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskConfigNode) node = cask_config_parse (text, &error);
  if (node == NULL)
    {
      config_check_error_offset (error, strlen (text));
      return;
    }
  FUZZ_CHECK (error == NULL && strlen (text) <= CASK_CONFIG_MAX_LENGTH);
  FUZZ_CHECK (config_check_node (node, text, 1) <= CASK_CONFIG_MAX_NODES);

  g_autofree char *full = cask_config_print_full (node);
  g_autofree char *plain = cask_config_print (node);
  g_autofree char *name = cask_config_print_name (node);
  FUZZ_CHECK (fuzz_is_one_line (full) && fuzz_is_one_line (name));
  FUZZ_CHECK (g_str_equal (full, plain) && g_str_has_prefix (full, name));
  /* Escapes make it longer, perhaps longer than a config string may be. */
  g_autoptr (CaskConfigNode) again = cask_config_parse (full, NULL);
  FUZZ_CHECK (again != NULL ? config_equal (node, again)
                            : strlen (full) > CASK_CONFIG_MAX_LENGTH);
  config_try_options (node);
  config_check_secrets (node);
}

/* Any bytes, escaped, are a location; any UTF-8, a value. */
static void
config_try_escaped (const char *text)
{
  g_autofree char *escaped = cask_config_escape (text);
  g_autofree char *config = g_strdup_printf ("x:%s?y=%s", escaped, escaped);
  g_autofree char *location = g_strdup_printf ("x:%s", escaped);
  if (strlen (config) > CASK_CONFIG_MAX_LENGTH)
    return;

  g_autoptr (CaskConfigNode) place = cask_config_parse (location, NULL);
  FUZZ_CHECK (place != NULL && g_str_equal (place->location, text));
  g_autoptr (CaskConfigNode) both = cask_config_parse (config, NULL);
  FUZZ_CHECK ((both != NULL) == g_utf8_validate (text, -1, NULL));
  if (both == NULL)
    return;
  const CaskConfigOption *option = both->options->pdata[0];
  FUZZ_CHECK (g_str_equal (option->value, text) && fuzz_is_one_line (config));
}

static void
config_try_value (const char *text)
{
  for (guint type = CASK_OPTION_STRING; type <= CASK_OPTION_SECRET; type++)
    {
      CaskOptionSpec spec = { .name = "x", .type = type, .choices = "a|bb|ccc" };
      CaskOptionValue value;
      g_autofree CaskOptionProblem problem = cask_option_parse (&spec, text, &value);
      FUZZ_CHECK (problem == NULL || fuzz_is_one_line (problem));
      if (type == CASK_OPTION_STRING && problem == NULL)
        {
          FUZZ_CHECK (g_str_equal (value.string, text));
          g_free ((char *) value.string);
        }
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);

  config_try_text (text);
  config_try_escaped (text);
  config_try_value (text);
  return 0;
}
