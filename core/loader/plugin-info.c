/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin-info.c: what a plugin says of itself, for hosts that show it to people.
 *
 * Invariants: a loaded plugin stays, so what an info hands out lives as long as the
 * process. */
#include "plugin-private.h"

#include <cask/cask-plugins.h>

struct _CaskPluginInfo
{
  gatomicrefcount references;
  const CaskLoadedPlugin *plugin;
};

G_DEFINE_BOXED_TYPE (CaskPluginInfo, cask_plugin_info, cask_plugin_info_ref,
                     cask_plugin_info_unref)

/**
 * cask_plugin_info_new:
 * @name: a plugin's name, as in a config string
 * @error: return location
 *
 * Finds, checks and loads a plugin, which runs its constructors in this process; it stays
 * loaded.
 *
 * Errors: %CASK_ERROR_PLUGIN_NOT_FOUND, %CASK_ERROR_PLUGIN_INVALID,
 * %CASK_ERROR_PLUGIN_ABI.
 *
 * Returns: (transfer full) (nullable): what it says of itself, or %NULL with @error
 *
 * Since: 1.0
 */
CaskPluginInfo *
cask_plugin_info_new (const char *name, GError **error)
{
  g_return_val_if_fail (name != NULL, NULL);

  const CaskLoadedPlugin *plugin = cask_plugin_find (name, error);
  if (plugin == NULL)
    return NULL;
  CaskPluginInfo *info = g_new (CaskPluginInfo, 1);
  g_atomic_ref_count_init (&info->references);
  info->plugin = plugin;
  return info;
}

/**
 * cask_plugin_info_ref:
 * @info: an info
 *
 * Returns: (transfer full): @info
 *
 * Since: 1.0
 */
CaskPluginInfo *
cask_plugin_info_ref (CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  g_atomic_ref_count_inc (&info->references);
  return info;
}

/**
 * cask_plugin_info_unref:
 * @info: (transfer full): an info
 *
 * Since: 1.0
 */
void
cask_plugin_info_unref (CaskPluginInfo *info)
{
  g_return_if_fail (info != NULL);

  if (g_atomic_ref_count_dec (&info->references))
    g_free (info);
}

/**
 * cask_plugin_info_get_name:
 * @info: an info
 *
 * Returns: (transfer none): its name in config strings
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_name (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  return info->plugin->descriptor.name;
}

/**
 * cask_plugin_info_get_version:
 * @info: an info
 *
 * Returns: (transfer none): its own version, "" where it has none
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_version (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  return info->plugin->descriptor.version;
}

/**
 * cask_plugin_info_get_summary:
 * @info: an info
 *
 * Returns: (transfer none): one line, or ""
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_summary (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  return info->plugin->descriptor.summary;
}

/**
 * cask_plugin_info_get_license:
 * @info: an info
 *
 * Returns: (transfer none): an SPDX expression, or ""
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_license (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  return info->plugin->descriptor.license;
}

/**
 * cask_plugin_info_get_homepage:
 * @info: an info
 *
 * Returns: (transfer none): a URL, or ""
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_homepage (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  return info->plugin->descriptor.homepage;
}

/**
 * cask_plugin_info_get_path:
 * @info: an info
 *
 * Returns: (transfer none) (nullable) (type filename): the file it was loaded from, or
 * %NULL for one that was registered
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_path (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);

  return info->plugin->path;
}

/**
 * cask_plugin_info_get_abi_minor:
 * @info: an info
 *
 * Returns: the minor of the plugin ABI that it was built with
 *
 * Since: 1.0
 */
guint
cask_plugin_info_get_abi_minor (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, 0);

  return info->plugin->descriptor.abi_minor;
}

/**
 * cask_plugin_info_get_kind:
 * @info: an info
 *
 * Returns: backend or layer
 *
 * Since: 1.0
 */
CaskPluginKind
cask_plugin_info_get_kind (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, CASK_PLUGIN_BACKEND);

  return (CaskPluginKind) info->plugin->descriptor.kind;
}

/**
 * cask_plugin_info_get_location:
 * @info: an info
 *
 * Returns: whether something may, must or must not stand behind its name
 *
 * Since: 1.0
 */
CaskLocation
cask_plugin_info_get_location (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, CASK_LOCATION_NONE);

  return (CaskLocation) info->plugin->descriptor.location;
}

/**
 * cask_plugin_info_get_min_children:
 * @info: an info
 *
 * Returns: how many children it has at least; 0 for a backend
 *
 * Since: 1.0
 */
guint
cask_plugin_info_get_min_children (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, 0);

  return info->plugin->descriptor.min_children;
}

/**
 * cask_plugin_info_get_max_children:
 * @info: an info
 *
 * Returns: how many children it has at most; 0 for a backend
 *
 * Since: 1.0
 */
guint
cask_plugin_info_get_max_children (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, 0);

  return info->plugin->descriptor.max_children;
}

/**
 * cask_plugin_info_get_capabilities:
 * @info: an info
 *
 * Returns: what it says that every store of it promises, a layer's where its children
 * promise it too; an open store may promise more
 *
 * Since: 1.0
 */
CaskCapabilities
cask_plugin_info_get_capabilities (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, (CaskCapabilities) 0);

  return (CaskCapabilities) info->plugin->descriptor.capabilities;
}

/**
 * cask_plugin_info_get_n_options:
 * @info: an info
 *
 * Returns: how many options it takes
 *
 * Since: 1.0
 */
guint
cask_plugin_info_get_n_options (const CaskPluginInfo *info)
{
  g_return_val_if_fail (info != NULL, 0);

  return info->plugin->descriptor.n_options;
}

static const CaskOptionSpec *
info_option (const CaskPluginInfo *info, guint index)
{
  return &info->plugin->options[index];
}

/**
 * cask_plugin_info_get_option_name:
 * @info: an info
 * @index: which option, less than cask_plugin_info_get_n_options()
 *
 * Returns: (transfer none): the name of the option
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_option_name (const CaskPluginInfo *info, guint index)
{
  g_return_val_if_fail (info != NULL, NULL);
  g_return_val_if_fail (index < info->plugin->descriptor.n_options, NULL);

  return info_option (info, index)->name;
}

/**
 * cask_plugin_info_get_option_help:
 * @info: an info
 * @index: which option, less than cask_plugin_info_get_n_options()
 *
 * Returns: (transfer none): one line, or ""
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_option_help (const CaskPluginInfo *info, guint index)
{
  g_return_val_if_fail (info != NULL, NULL);
  g_return_val_if_fail (index < info->plugin->descriptor.n_options, NULL);

  return info_option (info, index)->help;
}

/**
 * cask_plugin_info_get_option_fallback:
 * @info: an info
 * @index: which option, less than cask_plugin_info_get_n_options()
 *
 * Returns: (transfer none) (nullable): what stands where it is not given, as text
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_option_fallback (const CaskPluginInfo *info, guint index)
{
  g_return_val_if_fail (info != NULL, NULL);
  g_return_val_if_fail (index < info->plugin->descriptor.n_options, NULL);

  return info_option (info, index)->fallback;
}

/**
 * cask_plugin_info_get_option_type:
 * @info: an info
 * @index: which option, less than cask_plugin_info_get_n_options()
 *
 * Returns: (transfer none): what a value looks like, for people: "size", "none|data|full"
 *
 * Since: 1.0
 */
const char *
cask_plugin_info_get_option_type (const CaskPluginInfo *info, guint index)
{
  g_return_val_if_fail (info != NULL, NULL);
  g_return_val_if_fail (index < info->plugin->descriptor.n_options, NULL);

  const CaskOptionSpec *option = info_option (info, index);
  switch (option->type)
    {
    case CASK_OPTION_STRING:
      return "text";
    case CASK_OPTION_UINT:
      return "number";
    case CASK_OPTION_SIZE:
      return "size";
    case CASK_OPTION_DURATION:
      return "duration";
    case CASK_OPTION_BOOLEAN:
      return "yes|no";
    case CASK_OPTION_CHOICE:
      return option->choices;
    default:
      return "file:PATH|env:NAME|fd:N";
    }
}

/**
 * cask_plugin_info_is_option_required:
 * @info: an info
 * @index: which option, less than cask_plugin_info_get_n_options()
 *
 * Returns: whether the option must be given
 *
 * Since: 1.0
 */
gboolean
cask_plugin_info_is_option_required (const CaskPluginInfo *info, guint index)
{
  g_return_val_if_fail (info != NULL, FALSE);
  g_return_val_if_fail (index < info->plugin->descriptor.n_options, FALSE);

  return (info_option (info, index)->flags & CASK_OPTION_REQUIRED) != 0;
}

/**
 * cask_plugin_info_is_option_deprecated:
 * @info: an info
 * @index: which option, less than cask_plugin_info_get_n_options()
 *
 * Returns: whether the option is still taken, but best not shown
 *
 * Since: 1.0
 */
gboolean
cask_plugin_info_is_option_deprecated (const CaskPluginInfo *info, guint index)
{
  g_return_val_if_fail (info != NULL, FALSE);
  g_return_val_if_fail (index < info->plugin->descriptor.n_options, FALSE);

  return (info_option (info, index)->flags & CASK_OPTION_DEPRECATED) != 0;
}
