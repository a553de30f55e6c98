/* SPDX-License-Identifier: Apache-2.0
 *
 * config-node.c: the nodes of a config tree, and the form of every error about one.
 *
 * Invariants: a value is wiped before it is freed: somebody may have written a secret
 * where a reference to it belongs. */
#include "config-private.h"

void
cask_config_set_error (GError **error, gsize offset, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
               "config string, byte %" G_GSIZE_FORMAT ": %s", offset, what);
}

static void
config_option_free (gpointer data)
{
  CaskConfigOption *option = data;
  if (option->value != NULL)
    explicit_bzero (option->value, strlen (option->value));
  g_free (option->value);
  g_free (option->name);
  g_free (option);
}

static void
config_child_free (gpointer data)
{
  cask_config_node_free (data);
}

CaskConfigNode *
cask_config_node_new (const char *name, gsize offset)
{
  CaskConfigNode *node = g_new0 (CaskConfigNode, 1);
  node->name = g_strdup (name);
  node->offset = offset;
  node->options = g_ptr_array_new_with_free_func (config_option_free);
  node->children = g_ptr_array_new_with_free_func (config_child_free);
  return node;
}

CaskConfigOption *
cask_config_node_add_option (CaskConfigNode *node, const char *name, const char *value)
{
  CaskConfigOption *option = g_new0 (CaskConfigOption, 1);
  option->name = g_strdup (name);
  option->value = g_strdup (value);
  g_ptr_array_add (node->options, option);
  return option;
}

void
cask_config_node_free (CaskConfigNode *node)
{
  if (node == NULL)
    return;
  g_ptr_array_unref (node->children);
  g_ptr_array_unref (node->options);
  g_free (node->location);
  g_free (node->name);
  g_free (node);
}
