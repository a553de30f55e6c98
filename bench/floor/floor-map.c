/* SPDX-License-Identifier: Apache-2.0
 *
 * floor-map.c: blobs in a GHashTable under one GMutex, by Nettle, and nothing else.
 *
 * Locks: lock guards the table. A put hashes without it, and keeps the bytes by
 * reference; a get takes a reference. */
#include "floor.h"

#include "answer.h"

#include <string.h>

#define MAP_NAME_SIZE 32

typedef struct
{
  GMutex lock;
  GHashTable *table; /* of MapEntry, by itself */
} Map;

typedef struct
{
  guint8 name[MAP_NAME_SIZE];
  GBytes *bytes;
} MapEntry;

static guint
map_hash (gconstpointer name)
{
  guint hash;
  memcpy (&hash, name, sizeof hash);
  return hash;
}

static gboolean
map_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, MAP_NAME_SIZE) == 0;
}

static void
map_entry_free (gpointer data)
{
  MapEntry *entry = data;
  g_bytes_unref (entry->bytes);
  g_free (entry);
}

gpointer
floor_map_open (const char *directory, GError **error)
{
  Map *map = g_new0 (Map, 1);
  (void) directory;
  (void) error;
  g_mutex_init (&map->lock);
  map->table = g_hash_table_new_full (map_hash, map_equal, map_entry_free, NULL);
  return map;
}

void
floor_map_close (gpointer place)
{
  Map *map = place;
  g_hash_table_unref (map->table);
  g_mutex_clear (&map->lock);
  g_free (map);
}

/* Returns: whether it was not there. */
static gboolean
map_put_one (Map *map, GBytes *bytes)
{
  CaskDigest digest;
  bench_hash (bytes, &digest);
  g_mutex_lock (&map->lock);
  gboolean created = !g_hash_table_contains (map->table, digest.bytes);
  if (created)
    {
      MapEntry *entry = g_new (MapEntry, 1);
      memcpy (entry->name, digest.bytes, sizeof entry->name);
      entry->bytes = g_bytes_ref (bytes);
      g_hash_table_add (map->table, entry);
    }
  g_mutex_unlock (&map->lock);
  return created;
}

gboolean
floor_map_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    if (!bench_answer_created (&blobs[i], map_put_one (place, blobs[i].bytes), TRUE,
                               error))
      return FALSE;
  return TRUE;
}

gboolean
floor_map_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                        GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    if (!bench_answer_created (&blobs[i], map_put_one (place, blobs[i].bytes), FALSE,
                               error))
      return FALSE;
  return TRUE;
}

static GBytes *
map_get_one (Map *map, const CaskDigest *digest)
{
  g_mutex_lock (&map->lock);
  const MapEntry *entry = g_hash_table_lookup (map->table, digest->bytes);
  GBytes *bytes = entry ? g_bytes_ref (entry->bytes) : NULL;
  g_mutex_unlock (&map->lock);
  return bytes;
}

gboolean
floor_map_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      g_autoptr (GBytes) bytes = map_get_one (place, &blobs[i].digest);
      if (!bench_answer (bytes != NULL, "get", error) ||
          !bench_answer_size (&blobs[i], g_bytes_get_size (bytes), error))
        return FALSE;
    }
  return TRUE;
}

gboolean
floor_map_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      gsize length, offset = bench_range (&blobs[i], &length);
      g_autoptr (GBytes) bytes = map_get_one (place, &blobs[i].digest);
      if (!bench_answer (bytes != NULL, "get range", error))
        return FALSE;
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, offset, length);
      if (!bench_answer (g_bytes_get_size (part) == length, "size of the range", error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
map_expect (Map *map, const BenchBlob *blobs, guint n_blobs, gboolean present,
            GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      g_mutex_lock (&map->lock);
      gboolean found = g_hash_table_contains (map->table, blobs[i].digest.bytes);
      g_mutex_unlock (&map->lock);
      if (!bench_answer (found == present, "contains", error))
        return FALSE;
    }
  return TRUE;
}

gboolean
floor_map_contains (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return map_expect (place, blobs, n_blobs, TRUE, error);
}

gboolean
floor_map_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error)
{
  return map_expect (place, blobs, n_blobs, FALSE, error);
}

gboolean
floor_map_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  Map *map = place;
  for (guint i = 0; i < n_blobs; i++)
    {
      g_mutex_lock (&map->lock);
      gboolean existed = g_hash_table_remove (map->table, blobs[i].digest.bytes);
      g_mutex_unlock (&map->lock);
      if (!bench_answer (existed, "delete", error))
        return FALSE;
    }
  return TRUE;
}
