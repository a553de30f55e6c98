/* SPDX-License-Identifier: Apache-2.0
 *
 * config-options.c: a node's options against what its plugin takes.
 *
 * Invariants: names are quoted, values never. A secret written out where a reference
 * belongs is found before any other name of the node is quoted, for an unescaped '&' in
 * it would make its rest look like an unknown option. Whatever is not known to be
 * harmless is marked secret, also where resolving fails.
 *
 * Failure modes: what the string says is INVALID_CONFIG at its byte; what the plugin says
 * wrongly about its own options is PLUGIN_INVALID. */
#include "config-private.h"

#define OPTIONS_WORD_MAX 64 /* of a name that is quoted */

static const CaskOptionSpec *
options_find_spec (const CaskOptionSpec *specs, gsize n_specs, const char *name)
{
  for (gsize i = 0; i < n_specs; i++)
    if (g_strcmp0 (specs[i].name, name) == 0)
      return &specs[i];
  return NULL;
}

static CaskConfigOption *
options_find (const CaskConfigNode *node, const char *name, guint *index)
{
  for (guint i = 0; i < node->options->len; i++)
    {
      CaskConfigOption *option = node->options->pdata[i];
      if (strcmp (option->name, name) != 0)
        continue;
      if (index != NULL)
        *index = i;
      return option;
    }
  return NULL;
}

/* ---- Names ---- */

static void
options_mark_secrets (const CaskOptionSpec *specs, gsize n_specs, CaskConfigNode *node)
{
  for (guint i = 0; i < node->options->len; i++)
    {
      CaskConfigOption *option = node->options->pdata[i];
      const CaskOptionSpec *spec = options_find_spec (specs, n_specs, option->name);
      /* An unknown name may be a secret's, misspelt. */
      option->secret = spec == NULL || spec->type == CASK_OPTION_SECRET;
    }
}

static gboolean
options_refuse_value (const CaskConfigOption *option, const char *plugin_name,
                      const char *problem, GError **error)
{
  cask_config_set_error (error, option->value_offset, "option '%s' of %s: %s",
                         option->name, plugin_name, problem);
  return FALSE;
}

static gboolean
options_refuse_literal_secrets (const char *plugin_name, const CaskOptionSpec *specs,
                                gsize n_specs, const CaskConfigNode *node, GError **error)
{
  for (guint i = 0; i < node->options->len; i++)
    {
      const CaskConfigOption *option = node->options->pdata[i];
      const CaskOptionSpec *spec = options_find_spec (specs, n_specs, option->name);
      if (spec == NULL || spec->type != CASK_OPTION_SECRET)
        continue;
      CaskOptionValue value;
      g_autofree CaskOptionProblem problem =
          cask_option_parse (spec, option->value, &value);
      if (problem != NULL)
        return options_refuse_value (option, plugin_name, problem, error);
    }
  return TRUE;
}

static void
options_refuse_unknown (const char *plugin_name, const CaskOptionSpec *specs,
                        gsize n_specs, const CaskConfigOption *option, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (gsize i = 0; i < n_specs; i++)
    if (specs[i].name != NULL && (specs[i].flags & CASK_OPTION_DEPRECATED) == 0)
      g_ptr_array_add (names, (gpointer) specs[i].name);

  const char *nearest =
      cask_suggest (option->name, (const char *const *) names->pdata, names->len);
  g_autofree char *hint = NULL;
  if (nearest != NULL)
    hint = g_strdup_printf ("; did you mean '%s'?", nearest);
  else if (names->len == 0)
    hint = g_strdup ("; it takes none");
  cask_config_set_error (error, option->offset, "unknown option '%.*s' of %s%s",
                         OPTIONS_WORD_MAX, option->name, plugin_name,
                         hint != NULL ? hint : "");
}

static gboolean
options_check_names (const char *plugin_name, const CaskOptionSpec *specs, gsize n_specs,
                     const CaskConfigNode *node, GError **error)
{
  g_autofree gboolean *seen = g_new0 (gboolean, n_specs);
  for (guint i = 0; i < node->options->len; i++)
    {
      const CaskConfigOption *option = node->options->pdata[i];
      const CaskOptionSpec *spec = options_find_spec (specs, n_specs, option->name);
      if (spec == NULL)
        {
          options_refuse_unknown (plugin_name, specs, n_specs, option, error);
          return FALSE;
        }
      if (seen[spec - specs])
        {
          cask_config_set_error (error, option->offset, "option '%s' is given twice",
                                 option->name);
          return FALSE;
        }
      seen[spec - specs] = TRUE;
    }
  return TRUE;
}

/* ---- Values ---- */

static gboolean
options_fill_given (const char *plugin_name, const CaskOptionSpec *spec,
                    const CaskConfigOption *option, CaskOptionValue *value,
                    GError **error)
{
  g_autofree CaskOptionProblem problem = cask_option_parse (spec, option->value, value);
  if (problem == NULL && spec->type == CASK_OPTION_SECRET)
    {
      gboolean absent;
      problem = cask_secret_read (option->value, &value->secret, &absent);
    }
  if (problem != NULL)
    return options_refuse_value (option, plugin_name, problem, error);
  value->is_set = 1;
  return TRUE;
}

/* A secret's fallback, such as an environment variable of a customary name, may lead
 * nowhere: then there is no secret. */
static gboolean
options_fill_secret_fallback (const char *plugin_name, const CaskOptionSpec *spec,
                              gsize offset, CaskOptionValue *value, GError **error)
{
  gboolean absent;
  g_autofree CaskOptionProblem problem =
      cask_secret_read (spec->fallback, &value->secret, &absent);
  if (problem == NULL || absent)
    return TRUE;
  cask_config_set_error (error, offset,
                         "option '%s' of %s is not given; its fallback: %s", spec->name,
                         plugin_name, problem);
  return FALSE;
}

static gboolean
options_fill_fallback (const char *plugin_name, const CaskOptionSpec *spec, gsize offset,
                       CaskOptionValue *value, GError **error)
{
  memset (value, 0, sizeof *value);
  if ((spec->flags & CASK_OPTION_REQUIRED) != 0)
    {
      cask_config_set_error (error, offset, "option '%s' of %s is missing", spec->name,
                             plugin_name);
      return FALSE;
    }
  if (spec->fallback == NULL)
    return TRUE;

  g_autofree CaskOptionProblem problem = cask_option_parse (spec, spec->fallback, value);
  if (problem != NULL)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID,
                   "%s: option '%s': fallback: %s", plugin_name, spec->name, problem);
      return FALSE;
    }
  if (spec->type != CASK_OPTION_SECRET)
    return TRUE;
  return options_fill_secret_fallback (plugin_name, spec, offset, value, error);
}

static gboolean
options_fill (CaskOptions *options, const char *plugin_name, const CaskOptionSpec *specs,
              const CaskConfigNode *node, GError **error)
{
  for (gsize i = 0; i < options->n_values; i++)
    {
      const CaskConfigOption *option = options_find (node, specs[i].name, NULL);
      gboolean filled = option != NULL
                            ? options_fill_given (plugin_name, &specs[i], option,
                                                  &options->values[i], error)
                            : options_fill_fallback (plugin_name, &specs[i], node->offset,
                                                     &options->values[i], error);
      if (!filled)
        return FALSE;
    }
  return TRUE;
}

CaskOptions *
cask_options_resolve (const char *plugin_name, const CaskOptionSpec *specs, gsize n_specs,
                      CaskConfigNode *node, GError **error)
{
  options_mark_secrets (specs, n_specs, node);
  if (!options_refuse_literal_secrets (plugin_name, specs, n_specs, node, error) ||
      !options_check_names (plugin_name, specs, n_specs, node, error))
    return NULL;

  g_autoptr (CaskOptions) options = g_new0 (CaskOptions, 1);
  options->n_values = n_specs;
  options->values = g_new0 (CaskOptionValue, n_specs);
  options->types = g_new0 (guint32, n_specs);
  for (gsize i = 0; i < n_specs; i++)
    options->types[i] = specs[i].type;
  if (!options_fill (options, plugin_name, specs, node, error))
    return NULL;
  return g_steal_pointer (&options);
}

void
cask_options_free (CaskOptions *options)
{
  if (options == NULL)
    return;
  for (gsize i = 0; i < options->n_values; i++)
    {
      if (options->types[i] == CASK_OPTION_STRING)
        g_free ((char *) options->values[i].string);
      else if (options->types[i] == CASK_OPTION_SECRET)
        g_clear_pointer (&options->values[i].secret, g_bytes_unref);
    }
  g_free (options->values);
  g_free (options->types);
  g_free (options);
}

/* ---- Reserved options ---- */

gboolean
cask_config_take (CaskConfigNode *node, const char *name, const CaskOptionSpec *spec,
                  CaskOptionValue *value, GError **error)
{
  guint index = 0;
  CaskConfigOption *option = options_find (node, name, &index);
  if (option == NULL)
    return options_fill_fallback (node->name, spec, node->offset, value, error);
  if (!options_fill_given (node->name, spec, option, value, error))
    return FALSE;
  g_ptr_array_remove_index (node->options, index);
  return TRUE;
}

/* Recursion is as deep as the tree, which the parser bounds. */
static gboolean
options_refuse_reserved_in (const CaskConfigNode *root, const CaskConfigNode *node,
                            const char *const *reserved, gsize n, GError **error)
{
  for (gsize i = 0; node != root && i < n; i++)
    {
      const CaskConfigOption *option = options_find (node, reserved[i], NULL);
      if (option == NULL)
        continue;
      cask_config_set_error (error, option->offset,
                             "option '%s' is one of the whole store; move it from %.*s "
                             "to the outermost backend, %.*s",
                             option->name, OPTIONS_WORD_MAX, node->name, OPTIONS_WORD_MAX,
                             root->name);
      return FALSE;
    }
  for (guint i = 0; i < node->children->len; i++)
    if (!options_refuse_reserved_in (root, node->children->pdata[i], reserved, n, error))
      return FALSE;
  return TRUE;
}

gboolean
cask_config_refuse_reserved (const CaskConfigNode *root, const char *const *reserved,
                             gsize n, GError **error)
{
  return options_refuse_reserved_in (root, root, reserved, n, error);
}
