/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin-registry.c: which plugin a name means.
 *
 * A name that has been resolved means the same plugin for the life of the process:
 * registered by the host, or found as `cask-NAME.so` in the first directory that has it.
 * So a package upgrade under a running server changes nothing until it is started again.
 *
 * Invariants: the three lists only grow (loading also shrinks), and each change is one
 * store of a pointer. A fork at any moment leaves the child lists that it can read.
 *
 * Locks: registry_lock guards the three lists; no I/O happens under it. Whoever loads a
 * plugin puts its name on the loading list, and others who want the same wait for it. */
#include "plugin-private.h"

#include "config-private.h"
#include "error-private.h"

#include <cask/cask-plugins.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#define PREFIX "cask-"
#define SUFFIX ".so"

typedef struct Resolved Resolved;
struct Resolved
{
  const CaskLoadedPlugin *plugin;
  Resolved *next;
};

typedef struct Directory Directory;
struct Directory
{
  char *path;
  Directory *next;
};

/* On the stack of the thread that loads. */
typedef struct Loading Loading;
struct Loading
{
  const char *name;
  GThread *thread;
  Loading *next;
};

static GMutex registry_lock;
static GCond registry_changed;
static Resolved *registry_resolved;
static Directory *registry_added; /* newest first */
static Loading *registry_loading;

/* ---- The search path ---- */

static void
registry_append_added (GPtrArray *path)
{
  guint at = path->len;

  g_mutex_lock (&registry_lock);
  Directory *added = registry_added;
  g_mutex_unlock (&registry_lock);
  for (; added != NULL; added = added->next)
    g_ptr_array_insert (path, (int) at, g_strdup (added->path));
}

static void
registry_append_environment (GPtrArray *path)
{
  const char *variable = g_getenv ("CASK_PLUGIN_PATH");

  /* A set-user-ID program must not run code that its caller names. */
  if (variable == NULL || getauxval (AT_SECURE) != 0)
    return;
  g_auto (GStrv) entries = g_strsplit (variable, ":", -1);
  for (char **entry = entries; *entry != NULL; entry++)
    if (g_path_is_absolute (*entry))
      g_ptr_array_add (path, g_strdup (*entry));
}

/* Beside this library, wherever it was moved to. In a program that links it statically
 * there is no such place: a link map without a name is the program's own. */
static void
registry_append_builtin (GPtrArray *path)
{
  char canonical[PATH_MAX];
  Dl_info place;
  struct link_map *map = NULL;

  if (dladdr1 (&registry_lock, &place, (void **) &map, RTLD_DL_LINKMAP) == 0 ||
      map == NULL || map->l_name[0] == '\0' || realpath (map->l_name, canonical) == NULL)
    return;
  g_autofree char *directory = g_path_get_dirname (canonical);
  g_ptr_array_add (path, g_build_filename (directory, CASK_PLUGIN_SUBDIR, NULL));
}

static GPtrArray *
registry_search_path (void)
{
  GPtrArray *path = g_ptr_array_new_with_free_func (g_free);

  registry_append_added (path);
  registry_append_environment (path);
  registry_append_builtin (path);
  return path;
}

/* ---- Names ---- */

static gboolean
registry_is_candidate (const char *file)
{
  return g_str_has_prefix (file, PREFIX) && g_str_has_suffix (file, SUFFIX) &&
         strlen (file) > strlen (PREFIX) + strlen (SUFFIX);
}

static void
registry_add_names_in (const char *path, GHashTable *names)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *file;

  while (directory != NULL && (file = g_dir_read_name (directory)) != NULL)
    {
      if (!registry_is_candidate (file))
        continue;
      g_autofree char *name = g_strndup (
          file + strlen (PREFIX), strlen (file) - strlen (PREFIX) - strlen (SUFFIX));
      if (cask_plugin_name_is_valid (name))
        g_hash_table_add (names, g_steal_pointer (&name));
    }
}

static int
registry_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Every name that could be resolved, sorted, ended by NULL. */
static char **
registry_names (const GPtrArray *path)
{
  g_autoptr (GHashTable) names =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < path->len; i++)
    registry_add_names_in (path->pdata[i], names);
  g_mutex_lock (&registry_lock);
  const Resolved *resolved = registry_resolved;
  g_mutex_unlock (&registry_lock);
  for (; resolved != NULL; resolved = resolved->next)
    g_hash_table_add (names, g_strdup (resolved->plugin->descriptor.name));

  guint n;
  char **list = (char **) g_hash_table_get_keys_as_array (names, &n);
  g_hash_table_steal_all (names);
  qsort (list, n, sizeof *list, registry_compare_names);
  return list;
}

/* ---- Finding ---- */

static void
registry_set_not_found (const char *name, const GPtrArray *path, GError **error)
{
  g_auto (GStrv) names = registry_names (path);
  g_autoptr (GString) message = g_string_new (NULL);
  const char *near =
      cask_suggest (name, (const char *const *) names, g_strv_length (names));

  g_string_printf (message, "%s: no such plugin", name);
  if (near != NULL)
    g_string_append_printf (message, "; did you mean '%s'?", near);
  for (guint i = 0; i < path->len; i++)
    g_string_append_printf (message, "%s%s",
                            i > 0 ? ", " : " (searched: ", (const char *) path->pdata[i]);
  g_string_append (message, path->len > 0 ? ")"
                                          : " (there is no directory to search: set "
                                            "CASK_PLUGIN_PATH)");
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND, message->str);
}

/* The first hit decides, also where it is broken: what stands before a plugin on the path
 * hides it. Only what is certainly absent is passed over. */
static CaskLoadedPlugin *
registry_search (const char *name, GError **error)
{
  g_autoptr (GPtrArray) path = registry_search_path ();

  for (guint i = 0; i < path->len; i++)
    {
      g_autofree char *file =
          g_strdup_printf ("%s/" PREFIX "%s" SUFFIX, (char *) path->pdata[i], name);
      struct stat info;
      if (lstat (file, &info) == 0)
        return cask_plugin_file_load (file, name, error);
      if (errno == ENOENT || errno == ENOTDIR)
        continue;
      g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "%s: %s", file,
                   g_strerror (errno));
      return NULL;
    }
  registry_set_not_found (name, path, error);
  return NULL;
}

/* Called with the lock held. */
static const CaskLoadedPlugin *
registry_lookup (const char *name)
{
  for (const Resolved *r = registry_resolved; r != NULL; r = r->next)
    if (strcmp (r->plugin->descriptor.name, name) == 0)
      return r->plugin;
  return NULL;
}

/* Called with the lock held. */
static const Loading *
registry_lookup_loading (const char *name)
{
  for (const Loading *l = registry_loading; l != NULL; l = l->next)
    if (strcmp (l->name, name) == 0)
      return l;
  return NULL;
}

/* Called with the lock held. */
static void
registry_publish (const CaskLoadedPlugin *plugin)
{
  Resolved *resolved = g_new (Resolved, 1);

  *resolved = (Resolved){ plugin, registry_resolved };
  g_atomic_pointer_set (&registry_resolved, resolved);
}

/* Called with the lock held. */
static void
registry_end_loading (const Loading *done)
{
  Loading **at = &registry_loading;

  while (*at != NULL && *at != done)
    at = &(*at)->next;
  if (*at != NULL)
    *at = done->next;
  g_cond_broadcast (&registry_changed);
}

/* Waits for another thread that loads it. plugin: NULL where it is for the caller to load
 * it, with own on the loading list. Returns: FALSE where waiting would be for ever. */
static gboolean
registry_begin_loading (Loading *own, const CaskLoadedPlugin **plugin, GError **error)
{
  const Loading *other = NULL;

  g_mutex_lock (&registry_lock);
  while ((*plugin = registry_lookup (own->name)) == NULL &&
         (other = registry_lookup_loading (own->name)) != NULL &&
         other->thread != own->thread)
    g_cond_wait (&registry_changed, &registry_lock);
  gboolean is_own = *plugin == NULL && other != NULL;
  if (*plugin == NULL && other == NULL)
    {
      own->next = registry_loading;
      g_atomic_pointer_set (&registry_loading, own);
    }
  g_mutex_unlock (&registry_lock);

  /* A constructor that opens a store of its own plugin. */
  if (is_own)
    g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID,
                 "%s: the plugin asks for itself while it is being loaded", own->name);
  return !is_own;
}

const CaskLoadedPlugin *
cask_plugin_find (const char *name, GError **error)
{
  const CaskLoadedPlugin *plugin;

  if (!cask_plugin_name_is_valid (name))
    {
      g_autofree char *quoted = cask_error_quote (name);
      g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND,
                   "%s: not a plugin's name: lower-case letters, digits and single '-', "
                   "at most %d",
                   quoted, CASK_PLUGIN_NAME_LIMIT);
      return NULL;
    }
  Loading own = { name, g_thread_self (), NULL };
  if (!registry_begin_loading (&own, &plugin, error))
    return NULL;
  if (plugin != NULL)
    return plugin;

  plugin = registry_search (name, error);
  g_mutex_lock (&registry_lock);
  if (plugin != NULL)
    registry_publish (plugin);
  registry_end_loading (&own);
  g_mutex_unlock (&registry_lock);
  return plugin;
}

void
cask_plugin_registry_after_fork (void)
{
  /* The threads that waited, loaded or held the lock are not in this process. */
  g_mutex_init (&registry_lock);
  g_cond_init (&registry_changed);
  registry_loading = NULL;
  cask_plugin_file_after_fork ();
}

/* ---- For hosts ---- */

/**
 * cask_add_plugin_dir:
 * @path: (type filename): a directory
 *
 * Searches @path for plugins before `CASK_PLUGIN_PATH` and the built-in directory, and
 * after what was added before. A relative path is taken from the current directory, now.
 * Names that have been resolved already keep their meaning.
 *
 * Since: 1.0
 */
void
cask_add_plugin_dir (const char *path)
{
  g_return_if_fail (path != NULL && path[0] != '\0');

  Directory *added = g_new (Directory, 1);
  added->path = g_canonicalize_filename (path, NULL);
  g_mutex_lock (&registry_lock);
  added->next = registry_added;
  g_atomic_pointer_set (&registry_added, added);
  g_mutex_unlock (&registry_lock);
}

/**
 * cask_register_plugin:
 * @plugin: (transfer none): the descriptor of a plugin that is linked into the program;
 * it, and all it points to, must stay as it is for the life of the process
 * @error: return location
 *
 * Makes a plugin known that has no file. It wins over any file of its name, and so has to
 * come before the name is first used.
 *
 * Errors: %CASK_ERROR_PLUGIN_INVALID, also where the name is taken;
 * %CASK_ERROR_PLUGIN_ABI.
 *
 * Returns: whether it is known now
 *
 * Since: 1.0
 */
gboolean
cask_register_plugin (const CaskPlugin *plugin, GError **error)
{
  g_autoptr (CaskLoadedPlugin) loaded = NULL;

  g_return_val_if_fail (plugin != NULL, FALSE);

  if (!cask_plugin_check (plugin, NULL, NULL, cask_abi_sizes, cask_abi_n_sizes, &loaded,
                          error))
    {
      g_prefix_error (error, "registered plugin: ");
      return FALSE;
    }
  const char *name = loaded->descriptor.name;
  g_mutex_lock (&registry_lock);
  gboolean taken =
      registry_lookup (name) != NULL || registry_lookup_loading (name) != NULL;
  if (!taken)
    registry_publish (g_steal_pointer (&loaded));
  g_mutex_unlock (&registry_lock);
  if (taken)
    g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID,
                 "registered plugin: %s: a plugin of that name is in use already: "
                 "register it once, and before the first store is opened",
                 name);
  return !taken;
}

/**
 * cask_list_plugins:
 *
 * The names of all plugins that were registered, loaded, or lie on the search path.
 * Nothing is opened: whether a plugin works is for cask_plugin_info_new() to say, which
 * runs code of the plugin.
 *
 * Returns: (transfer full) (array zero-terminated=1): names in alphabetical order
 *
 * Since: 1.0
 */
char **
cask_list_plugins (void)
{
  g_autoptr (GPtrArray) path = registry_search_path ();
  return registry_names (path);
}

static void
registry_add_files_in (const char *path, GPtrArray *files)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint first = files->len;
  const char *file;

  while (directory != NULL && (file = g_dir_read_name (directory)) != NULL)
    if (registry_is_candidate (file))
      g_ptr_array_add (files, g_build_filename (path, file, NULL));
  if (files->len > first)
    qsort (files->pdata + first, files->len - first, sizeof *files->pdata,
           registry_compare_names);
}

/* A directory that is on the path twice, perhaps by another name. */
static gboolean
registry_is_same (const char *a, const char *b)
{
  struct stat of_a, of_b;

  return stat (a, &of_a) == 0 && stat (b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

/**
 * cask_list_plugin_files:
 *
 * Every file on the search path that is named as a plugin's, `cask-NAME.so`, in the order
 * in which it is searched: of several for one name the first is the one that is loaded.
 * Files whose NAME no plugin can have are there, too. Nothing is opened.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): absolute
 * paths
 *
 * Since: 1.0
 */
char **
cask_list_plugin_files (void)
{
  g_autoptr (GPtrArray) path = registry_search_path ();
  GPtrArray *files = g_ptr_array_new ();

  for (guint i = 0; i < path->len; i++)
    {
      gboolean again = FALSE;
      for (guint k = 0; k < i && !again; k++)
        again = registry_is_same (path->pdata[k], path->pdata[i]);
      if (!again)
        registry_add_files_in (path->pdata[i], files);
    }
  g_ptr_array_add (files, NULL);
  return (char **) g_ptr_array_free (files, FALSE);
}
