/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-shard.c: a table of blobs that is both hashed and in order.
 *
 * A digest is as evenly spread as any hash of it, so its leading bits can choose the
 * bucket; and since they lead, buckets are in digest order. Each bucket is a sorted chain
 * of about one blob. So one table finds a blob in a step or two and walks a listing from
 * any point, with no second structure to keep in step.
 *
 * Invariants: a chain ascends; every blob of bucket i sorts before those of i + 1; while
 * there are blobs there are at most as many buckets as 4 times their number or
 * SHARD_BITS_LEAST allows, so a walk over empty buckets is short.
 *
 * Locks: the caller holds the shard's for every function here.
 *
 * Failure modes: who hashes for long enough can make digests that share their leading
 * bits, and a chain long. That costs more work than it causes, and slows that one bucket
 * only. */
#include "memory-private.h"

#define SHARD_BITS_LEAST 3
#define SHARD_BITS_MOST 30

/* Within a shard the first byte is the same everywhere. */
static gsize
shard_bucket (const CaskDigest *digest, guint bits)
{
  guint32 leading;
  memcpy (&leading, digest->bytes + 1, sizeof leading);
  return GUINT32_FROM_BE (leading) >> (32 - bits);
}

/* memory_shard_find: the blob of that digest, or NULL. */
MemoryBlob *
memory_shard_find (const MemoryShard *shard, const CaskDigest *digest)
{
  if (shard->buckets == NULL)
    return NULL;
  MemoryBlob *blob = shard->buckets[shard_bucket (digest, shard->bits)];
  while (blob != NULL && !cask_digest_equal (&blob->digest, digest))
    blob = blob->next;
  return blob;
}

static MemoryBlob *
shard_first_from (const MemoryShard *shard, gsize bucket)
{
  gsize n_buckets = (gsize) 1 << shard->bits;
  for (; bucket < n_buckets; bucket++)
    if (shard->buckets[bucket] != NULL)
      return shard->buckets[bucket];
  return NULL;
}

/* memory_shard_find_after: the first blob that sorts after that digest, which need not be
 * here but must belong to this shard; with NULL the first of all. */
MemoryBlob *
memory_shard_find_after (const MemoryShard *shard, const CaskDigest *after)
{
  if (shard->buckets == NULL)
    return NULL;
  if (after == NULL)
    return shard_first_from (shard, 0);
  gsize bucket = shard_bucket (after, shard->bits);
  MemoryBlob *blob = shard->buckets[bucket];
  while (blob != NULL && cask_digest_compare (&blob->digest, after) <= 0)
    blob = blob->next;
  return blob != NULL ? blob : shard_first_from (shard, bucket + 1);
}

/* memory_shard_next: the blob that follows, or NULL. */
MemoryBlob *
memory_shard_next (const MemoryShard *shard, const MemoryBlob *blob)
{
  if (blob->next != NULL)
    return blob->next;
  return shard_first_from (shard, shard_bucket (&blob->digest, shard->bits) + 1);
}

/* The old buckets are walked in order, so each blob goes to the end of the chain that was
 * last written to, or begins a later one. */
static void
shard_resize (MemoryShard *shard, guint bits)
{
  MemoryBlob **buckets = g_new0 (MemoryBlob *, (gsize) 1 << bits);
  gsize n_old = shard->buckets == NULL ? 0 : (gsize) 1 << shard->bits;
  MemoryBlob **tail = buckets;
  gsize current = 0;
  for (gsize i = 0; i < n_old; i++)
    for (MemoryBlob *blob = shard->buckets[i], *next; blob != NULL; blob = next)
      {
        next = blob->next;
        blob->next = NULL;
        gsize bucket = shard_bucket (&blob->digest, bits);
        if (bucket != current)
          tail = &buckets[bucket];
        current = bucket;
        *tail = blob;
        tail = &blob->next;
      }
  g_free (shard->buckets);
  shard->buckets = buckets;
  shard->bits = bits;
}

static MemoryBlob **
shard_position (MemoryShard *shard, const CaskDigest *digest)
{
  MemoryBlob **position = &shard->buckets[shard_bucket (digest, shard->bits)];
  while (*position != NULL && cask_digest_compare (&(*position)->digest, digest) < 0)
    position = &(*position)->next;
  return position;
}

/* memory_shard_insert: takes a blob in, whose digest must not be here. */
void
memory_shard_insert (MemoryShard *shard, MemoryBlob *blob)
{
  if (shard->buckets == NULL)
    shard_resize (shard, SHARD_BITS_LEAST);
  else if (shard->count >> shard->bits != 0 && shard->bits < SHARD_BITS_MOST)
    shard_resize (shard, shard->bits + 1);
  MemoryBlob **position = shard_position (shard, &blob->digest);
  blob->next = *position;
  *position = blob;
  shard->count++;
  shard->bytes += blob->size;
}

/* memory_shard_take: takes a blob out; it is the caller's now. A shard that was once
 * large gives its memory back. */
void
memory_shard_take (MemoryShard *shard, MemoryBlob *blob)
{
  *shard_position (shard, &blob->digest) = blob->next;
  blob->next = NULL;
  shard->count--;
  shard->bytes -= blob->size;
  if (shard->bits > SHARD_BITS_LEAST && shard->count < (guint64) 1 << (shard->bits - 2))
    shard_resize (shard, shard->bits - 1);
}

/* memory_shard_clear: frees all that is in a shard that nobody else can reach. */
void
memory_shard_clear (MemoryShard *shard)
{
  MemoryBlob *blob = memory_shard_find_after (shard, NULL);
  while (blob != NULL)
    {
      MemoryBlob *next = memory_shard_next (shard, blob);
      memory_blob_free (blob);
      blob = next;
    }
  g_clear_pointer (&shard->buckets, g_free);
  g_mutex_clear (&shard->lock);
}
