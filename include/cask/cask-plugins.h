/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-plugins.h: which plugins a host has, and where they come from. */
#pragma once

#include <glib-object.h>
#include "cask-plugin.h"
#include "cask-types.h"

G_BEGIN_DECLS

void cask_add_plugin_dir (const char *path);
gboolean cask_register_plugin (const CaskPlugin *plugin, GError **error);
char **cask_list_plugins (void);
char **cask_list_plugin_files (void);

#define CASK_TYPE_PLUGIN_INFO (cask_plugin_info_get_type ())

/** CaskPluginInfo: what a plugin says of itself; refcounted, immutable. Since: 1.0 */
typedef struct _CaskPluginInfo CaskPluginInfo;

GType cask_plugin_info_get_type (void) G_GNUC_CONST;

CaskPluginInfo *cask_plugin_info_new (const char *name, GError **error);
CaskPluginInfo *cask_plugin_info_ref (CaskPluginInfo *info);
void cask_plugin_info_unref (CaskPluginInfo *info);

const char *cask_plugin_info_get_name (const CaskPluginInfo *info);
const char *cask_plugin_info_get_version (const CaskPluginInfo *info);
const char *cask_plugin_info_get_summary (const CaskPluginInfo *info);
const char *cask_plugin_info_get_license (const CaskPluginInfo *info);
const char *cask_plugin_info_get_homepage (const CaskPluginInfo *info);
const char *cask_plugin_info_get_path (const CaskPluginInfo *info);
guint cask_plugin_info_get_abi_minor (const CaskPluginInfo *info);
CaskPluginKind cask_plugin_info_get_kind (const CaskPluginInfo *info);
CaskLocation cask_plugin_info_get_location (const CaskPluginInfo *info);
guint cask_plugin_info_get_min_children (const CaskPluginInfo *info);
guint cask_plugin_info_get_max_children (const CaskPluginInfo *info);
CaskCapabilities cask_plugin_info_get_capabilities (const CaskPluginInfo *info);

guint cask_plugin_info_get_n_options (const CaskPluginInfo *info);
const char *cask_plugin_info_get_option_name (const CaskPluginInfo *info, guint index);
const char *cask_plugin_info_get_option_help (const CaskPluginInfo *info, guint index);
const char *cask_plugin_info_get_option_fallback (const CaskPluginInfo *info,
                                                  guint index);
const char *cask_plugin_info_get_option_type (const CaskPluginInfo *info, guint index);
gboolean cask_plugin_info_is_option_required (const CaskPluginInfo *info, guint index);
gboolean cask_plugin_info_is_option_deprecated (const CaskPluginInfo *info, guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskPluginInfo, cask_plugin_info_unref)

G_END_DECLS
