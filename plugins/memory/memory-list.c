/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-list.c: a page of a listing.
 *
 * Shards are in digest order, and so are the blobs of each: a page is copied straight
 * from where the last one ended, so all pages of a listing together cost one walk. The
 * walk stands at a digest, not at a blob: what comes and goes between two steps moves
 * nothing else.
 *
 * Locks: one shard's at a time, for LIST_STEP blobs at most. */
#include "memory-private.h"

#define LIST_STEP 64

typedef struct
{
  CaskBlobInfo *infos;
  guint32 room, filled;
  const CaskDigest *after; /* in this shard, where the walk stands; NULL: at its start */
} ListWalk;

/* Returns: whether more of the shard follows. */
static gboolean
list_step_locked (const MemoryShard *shard, ListWalk *walk)
{
  const MemoryBlob *blob = memory_shard_find_after (shard, walk->after);
  for (guint i = 0; i < LIST_STEP && blob != NULL && walk->filled < walk->room; i++)
    {
      memory_blob_info (blob, &walk->infos[walk->filled++]);
      blob = memory_shard_next (shard, blob);
    }
  return blob != NULL;
}

static gboolean
list_step (MemoryShard *shard, ListWalk *walk)
{
  guint32 filled = walk->filled;
  g_mutex_lock (&shard->lock);
  gboolean rest = list_step_locked (shard, walk);
  g_mutex_unlock (&shard->lock);
  if (walk->filled > filled)
    walk->after = &walk->infos[walk->filled - 1].digest;
  return rest;
}

/* What is removed after we found that more follows leaves the next page empty, and then
 * last. */
gboolean
memory_list (CaskBackend *self, const CaskDigest *after, G_GNUC_UNUSED guint32 flags,
             CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
             GCancellable *cancellable, GError **error)
{
  ListWalk walk = { .infos = infos, .room = *n_infos, .after = after };
  gboolean rest = FALSE;
  guint first = after != NULL ? memory_shard_index (after) : 0;
  for (guint i = first; i < MEMORY_SHARDS && !rest; i++, walk.after = NULL)
    do
      {
        if (g_cancellable_set_error_if_cancelled (cancellable, error))
          return FALSE;
        rest = list_step (memory_place_shard (self->place, i), &walk);
      }
    while (rest && walk.filled < walk.room);
  *n_infos = walk.filled;
  *more = rest;
  return TRUE;
}
