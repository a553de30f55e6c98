/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-instances.c: the places of the process, private ones and named ones.
 *
 * A named place is there while any store has it open, and gone with the last. All who
 * share it must agree on what it does, for it can only do one thing.
 *
 * Locks: instances_lock guards the table and MemoryPlace.users; places are made and freed
 * without it. */
#include "memory-private.h"

#include <pthread.h>

static GMutex instances_lock;
static GHashTable *instances_table; /* by lock: name to place; NULL while there is none */

/* A fork leaves the child without the threads that may have held this lock or a place's.
 * The places of the parent belong to stores that say CLOSED there; a name that is opened
 * anew is a new place. */
static void
instances_fork_child (void)
{
  g_mutex_init (&instances_lock);
  instances_table = NULL;
}

__attribute__ ((constructor)) static void
instances_watch_fork (void)
{
  pthread_atfork (NULL, NULL, instances_fork_child);
}

static MemoryPlace *
instances_new_place (const CaskOpenArgs *args, const MemorySettings *settings)
{
  MemoryPlace *place = g_new0 (MemoryPlace, 1);
  place->settings = *settings;
  place->is_encoded = args->encoding != NULL;
  place->encoding = g_strdup (args->encoding);
  place->name = args->location[0] != '\0' ? g_strdup (args->location) : NULL;
  place->users = 1;
  place->shards =
      g_aligned_alloc0 (MEMORY_SHARDS, sizeof (MemoryShardSlot), MEMORY_SHARD_STRIDE);
  place->rows =
      g_aligned_alloc0 (MEMORY_DOORS, sizeof (MemoryDoorRow), MEMORY_SHARD_STRIDE);
  for (guint i = 0; i < MEMORY_SHARDS; i++)
    {
      MemoryShard *shard = memory_place_shard (place, i);
      g_mutex_init (&shard->lock);
      atomic_init (&shard->oldest_nsec, MEMORY_NEVER_USED);
    }
  memory_saved_init (&place->uploads);
  return place;
}

static void
instances_free_place (MemoryPlace *place)
{
  for (guint i = 0; i < MEMORY_SHARDS; i++)
    memory_shard_clear (memory_place_shard (place, i));
  memory_saved_clear (&place->uploads);
  g_aligned_free (place->shards);
  g_aligned_free (place->rows);
  g_free (place->encoding);
  g_free (place->name);
  g_free (place);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryPlace, instances_free_place)

/* Returns: (nullable): what two that want to share a place disagree about. */
static const char *
instances_find_difference (const MemoryPlace *one, const MemoryPlace *other)
{
  if (one->settings.max_bytes != other->settings.max_bytes)
    return "max-bytes";
  if (one->settings.evict != other->settings.evict)
    return "evict";
  if (one->settings.freshen_usec != other->settings.freshen_usec)
    return "freshen";
  if (one->settings.max_uploads != other->settings.max_uploads)
    return "max-uploads";
  if (one->settings.max_upload_bytes != other->settings.max_upload_bytes)
    return "max-upload-bytes";
  if (g_strcmp0 (one->encoding, other->encoding) != 0)
    return "encoding";
  return NULL;
}

/* Returns: the place of that name: the candidate, where there was none. */
static MemoryPlace *
instances_share (MemoryPlace *candidate, const char **difference)
{
  g_mutex_lock (&instances_lock);
  if (instances_table == NULL)
    instances_table = g_hash_table_new (g_str_hash, g_str_equal);
  MemoryPlace *place = g_hash_table_lookup (instances_table, candidate->name);
  if (place == NULL)
    {
      place = candidate;
      g_hash_table_insert (instances_table, place->name, place);
    }
  else
    {
      *difference = instances_find_difference (place, candidate);
      place->users += *difference == NULL;
    }
  g_mutex_unlock (&instances_lock);
  return place;
}

/* memory_place_acquire: a place for a store that is being opened.
 *
 * Errors: INVALID_CONFIG where the name is open with other options, or under layers that
 * encode otherwise. */
MemoryPlace *
memory_place_acquire (const CaskOpenArgs *args, const MemorySettings *settings,
                      GError **error)
{
  g_autoptr (MemoryPlace) candidate = instances_new_place (args, settings);
  if (candidate->name == NULL)
    return g_steal_pointer (&candidate);
  const char *difference = NULL;
  MemoryPlace *place = instances_share (candidate, &difference);
  if (difference != NULL)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                   "%s: another store has this name open with another", difference);
      return NULL;
    }
  if (place == candidate)
    return g_steal_pointer (&candidate);
  return place;
}

/* The table goes with its last entry, so that a process that has closed all its stores
 * has nothing left. */
static gboolean
instances_leave (MemoryPlace *place)
{
  g_mutex_lock (&instances_lock);
  gboolean last = --place->users == 0;
  if (last)
    g_hash_table_remove (instances_table, place->name);
  if (last && g_hash_table_size (instances_table) == 0)
    g_clear_pointer (&instances_table, g_hash_table_unref);
  g_mutex_unlock (&instances_lock);
  return last;
}

/* memory_place_release: what memory_place_acquire() gave is no longer used. */
void
memory_place_release (MemoryPlace *place)
{
  if (place->name == NULL || instances_leave (place))
    instances_free_place (place);
}
