/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin-private.h: plugins, found, checked and loaded. */
#pragma once

#include "elf-note.h"

#include <cask/cask-plugin.h>

/** CASK_PLUGIN_NAME_LIMIT: the longest name of a plugin or an option. */
#define CASK_PLUGIN_NAME_LIMIT 64

/* A plugin that passed every check; immutable, and lives as long as the process. */
typedef struct _CaskLoadedPlugin CaskLoadedPlugin;
struct _CaskLoadedPlugin
{
  CaskPlugin descriptor;   /* what this host knows of it, the rest 0; no string is NULL;
                              options and ops point at the two below */
  CaskOptionSpec *options; /* descriptor.n_options of them, copied from the plugin's own
                              stride */
  CaskBackendOps ops;      /* likewise; slots that the plugin's table lacks are NULL */
  guint32 ops_size;        /* of the plugin's own table: a slot beyond it was not the
                              plugin's to leave NULL */
  char *path;              /* canonical; NULL for a registered one */
};

void cask_loaded_plugin_free (CaskLoadedPlugin *loaded);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskLoadedPlugin, cask_loaded_plugin_free)

/* ---- plugin-registry.c ---- */

/* The plugin of that name: registered, loaded before, or found on the search path,
 * checked and opened now. Any thread; of several at once one does the work. Errors:
 * PLUGIN_NOT_FOUND, PLUGIN_INVALID, PLUGIN_ABI. */
const CaskLoadedPlugin *cask_plugin_find (const char *name, GError **error);

/* In the child of a fork: no lock is held by a thread that no longer exists. */
void cask_plugin_registry_after_fork (void);

/* ---- plugin-file.c ---- */

/* Checks path's place, owner and note, opens it, and checks its table. path is absolute;
 * it may be a symbolic link, and the checks are of what it leads to. Any thread. */
CaskLoadedPlugin *cask_plugin_file_load (const char *path, const char *name,
                                         GError **error);

/* In the child of a fork; the registry's calls it. */
void cask_plugin_file_after_fork (void);

/* Whether the root of the parent user namespace has a number here, going by the text of
 * /proc/self/uid_map. */
gboolean cask_uid_map_has_root (const char *map);

/* ---- plugin-check.c ---- */

/* What belongs to an ABI minor, frozen with it. */
typedef struct
{
  guint16 minor;
  guint32 plugin_size;
  guint32 option_size;
  guint32 ops_size;
} CaskAbiSizes;

extern const CaskAbiSizes cask_abi_sizes[];
extern const gsize cask_abi_n_sizes;

gboolean cask_plugin_name_is_valid (const char *name);

/* Whether this host, whose own minor is the last row of sizes, can open what the note
 * describes. */
gboolean cask_plugin_check_note (const CaskElfNote *note, const CaskAbiSizes *sizes,
                                 gsize n_sizes, GError **error);

/* Checks a descriptor and all it leads to, and copies what this host knows of it. note:
 * (nullable) for one that has no file. expected_name: (nullable) any will do. Messages do
 * not name the plugin. */
gboolean cask_plugin_check (const CaskPlugin *plugin, const CaskElfNote *note,
                            const char *expected_name, const CaskAbiSizes *sizes,
                            gsize n_sizes, CaskLoadedPlugin **loaded, GError **error);
