/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-open.c: the stores that take part, and how many operations each has under way. */
#include "ways.h"

#include <glib/gstdio.h>

#define WAYS_SHARDS 256

static gpointer
ways_open (const char *config, guint width, gboolean in_waves, GError **error)
{
  CaskStore *store = cask_store_open (config, NULL, error);
  if (!store)
    return NULL;
  Way *way = g_new0 (Way, 1);
  way->store = store;
  way->loop = bench_loop_new (width, in_waves);
  return way;
}

void
ways_close (gpointer place)
{
  Way *way = place;
  cask_store_close (way->store, NULL, NULL);
  g_object_unref (way->store);
  bench_loop_clear (&way->loop);
  g_free (way);
}

/* ---- Files ---- */

/* A store that has been used has all its shards; to make and flush each is what its first
 * few thousand puts cost more. The floor's are made beforehand as well. */
static gboolean
ways_make_shards (const char *directory, GError **error)
{
  for (guint i = 0; i < WAYS_SHARDS; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/sha256/%02x", directory, i);
      if (g_mkdir_with_parents (path, 0755) == 0)
        continue;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "sha256/%02x: can not be made",
                   i);
      return FALSE;
    }
  return TRUE;
}

static gpointer
ways_open_files (const char *directory, const char *options, guint width,
                 gboolean in_waves, GError **error)
{
  g_autofree char *location = cask_config_escape (directory);
  g_autofree char *config = g_strdup_printf ("fs:%s?%s", location, options);
  if (!ways_make_shards (directory, error))
    return NULL;
  return ways_open (config, width, in_waves, error);
}

gpointer
ways_open_none (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none", 1, FALSE, error);
}

gpointer
ways_open_none_1 (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none", 1, FALSE, error);
}

gpointer
ways_open_none_16 (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none", 16, FALSE, error);
}

gpointer
ways_open_none_waves (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none", 64, TRUE, error);
}

gpointer
ways_open_none_256 (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none", 256, FALSE, error);
}

gpointer
ways_open_verify_always (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none&verify=always", 1, FALSE, error);
}

gpointer
ways_open_verify_never (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=none&verify=never", 1, FALSE, error);
}

/* ---- Memory ---- */

gpointer
ways_open_memory (const char *directory, GError **error)
{
  (void) directory;
  return ways_open ("memory:", 1, FALSE, error);
}

gpointer
ways_open_memory_1 (const char *directory, GError **error)
{
  (void) directory;
  return ways_open ("memory:", 1, FALSE, error);
}

gpointer
ways_open_memory_16 (const char *directory, GError **error)
{
  (void) directory;
  return ways_open ("memory:", 16, FALSE, error);
}

gpointer
ways_open_memory_256 (const char *directory, GError **error)
{
  (void) directory;
  return ways_open ("memory:", 256, FALSE, error);
}

gpointer
ways_open_memory_waves (const char *directory, GError **error)
{
  (void) directory;
  return ways_open ("memory:", 64, TRUE, error);
}

/* ---- What survives a power cut ---- */

gpointer
ways_open_full (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=full", 1, FALSE, error);
}

gpointer
ways_open_full_64 (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=full", 64, FALSE, error);
}

gpointer
ways_open_data (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=data", 1, FALSE, error);
}

gpointer
ways_open_batch (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=batch", 1, FALSE, error);
}

gpointer
ways_open_batch_64 (const char *directory, GError **error)
{
  return ways_open_files (directory, "durability=batch", 64, FALSE, error);
}

/* ---- The plugin of examples/plugin ---- */

static gpointer
ways_open_plugin (const char *directory, const char *options, GError **error)
{
  static gsize added;
  if (g_once_init_enter (&added))
    {
      cask_add_plugin_dir (CASK_BENCH_PLUGINS);
      g_once_init_leave (&added, 1);
    }
  g_autofree char *location = cask_config_escape (directory);
  g_autofree char *config = g_strdup_printf ("lmdb:%s?%s", location, options);
  return ways_open (config, 1, FALSE, error);
}

gpointer
ways_open_lmdb (const char *directory, GError **error)
{
  return ways_open_plugin (directory, "durability=none", error);
}

gpointer
ways_open_lmdb_full (const char *directory, GError **error)
{
  return ways_open_plugin (directory, "durability=full", error);
}
