/* SPDX-License-Identifier: Apache-2.0
 *
 * verified.c: a bounded table of verified copies and a bounded set of corrupt blobs.
 *
 * The table is an array of sets of four; a digest belongs to one set, where the oldest
 * entry makes room. It is as large as it will ever be from the start, but untouched
 * memory costs nothing.
 *
 * Locks: a set is guarded by the lock of its shard, so that readers on many cores seldom
 * meet; `corrupt_lock` guards `corrupt`. `n_corrupt` is read without it, for there are
 * hardly ever any. */
#include "verified-private.h"

#define VERIFIED_WAYS 4
#define VERIFIED_SETS (CASK_VERIFIED_MAX / VERIFIED_WAYS)
#define VERIFIED_SHARDS 64

typedef struct
{
  CaskDigest digest;
  guint64 version;
} VerifiedEntry;

struct _CaskVerified
{
  GMutex locks[VERIFIED_SHARDS];
  VerifiedEntry *entries; /* locks */
  guint8 *next;           /* locks; of each set, the entry to give up */

  GMutex corrupt_lock;
  GHashTable *corrupt; /* corrupt_lock; a set of CaskDigest */
  guint n_corrupt;     /* atomic */
};

CaskVerified *
cask_verified_new (void)
{
  CaskVerified *verified = g_new0 (CaskVerified, 1);

  for (guint i = 0; i < VERIFIED_SHARDS; i++)
    g_mutex_init (&verified->locks[i]);
  g_mutex_init (&verified->corrupt_lock);
  verified->entries = g_new0 (VerifiedEntry, CASK_VERIFIED_MAX);
  verified->next = g_new0 (guint8, VERIFIED_SETS);
  verified->corrupt =
      g_hash_table_new_full (cask_digest_hash, cask_digest_equal, g_free, NULL);
  return verified;
}

void
cask_verified_free (CaskVerified *verified)
{
  for (guint i = 0; i < VERIFIED_SHARDS; i++)
    g_mutex_clear (&verified->locks[i]);
  g_mutex_clear (&verified->corrupt_lock);
  g_free (verified->entries);
  g_free (verified->next);
  g_hash_table_unref (verified->corrupt);
  g_free (verified);
}

static VerifiedEntry *
verified_find (VerifiedEntry *set, const CaskDigest *digest)
{
  for (guint i = 0; i < VERIFIED_WAYS; i++)
    if (set[i].version != 0 && cask_digest_equal (&set[i].digest, digest))
      return &set[i];
  return NULL;
}

gboolean
cask_verified_knows (CaskVerified *verified, const CaskDigest *digest, guint64 version)
{
  guint set = cask_digest_hash (digest) % VERIFIED_SETS;
  GMutex *lock = &verified->locks[set % VERIFIED_SHARDS];

  if (version == 0)
    return FALSE;
  g_mutex_lock (lock);
  const VerifiedEntry *entry =
      verified_find (&verified->entries[set * VERIFIED_WAYS], digest);
  gboolean known = entry != NULL && entry->version == version;
  g_mutex_unlock (lock);
  return known;
}

void
cask_verified_remember (CaskVerified *verified, const CaskDigest *digest, guint64 version)
{
  guint set = cask_digest_hash (digest) % VERIFIED_SETS;
  GMutex *lock = &verified->locks[set % VERIFIED_SHARDS];
  VerifiedEntry *entries = &verified->entries[set * VERIFIED_WAYS];

  if (version == 0)
    return;
  g_mutex_lock (lock);
  VerifiedEntry *entry = verified_find (entries, digest);
  if (entry == NULL)
    {
      entry = &entries[verified->next[set]];
      verified->next[set] = (guint8) ((verified->next[set] + 1) % VERIFIED_WAYS);
    }
  entry->digest = *digest;
  entry->version = version;
  g_mutex_unlock (lock);
}

/* Under corrupt_lock. */
static void
verified_count_corrupt (CaskVerified *verified)
{
  g_atomic_int_set (&verified->n_corrupt, g_hash_table_size (verified->corrupt));
}

/* What was good once, and is not any more, must be hashed again whatever its version
 * says. */
static void
verified_forget (CaskVerified *verified, const CaskDigest *digest)
{
  guint set = cask_digest_hash (digest) % VERIFIED_SETS;
  GMutex *lock = &verified->locks[set % VERIFIED_SHARDS];

  g_mutex_lock (lock);
  VerifiedEntry *entry = verified_find (&verified->entries[set * VERIFIED_WAYS], digest);
  if (entry != NULL)
    entry->version = 0;
  g_mutex_unlock (lock);
}

void
cask_verified_mark_corrupt (CaskVerified *verified, const CaskDigest *digest)
{
  CaskDigest *copy = g_memdup2 (digest, sizeof *digest);

  verified_forget (verified, digest);
  g_mutex_lock (&verified->corrupt_lock);
  /* A store with so many corrupt blobs is past being healed by the way; `verify` finds
   * them all again. */
  if (g_hash_table_size (verified->corrupt) >= CASK_VERIFIED_MAX)
    g_hash_table_remove_all (verified->corrupt);
  g_hash_table_add (verified->corrupt, copy);
  verified_count_corrupt (verified);
  g_mutex_unlock (&verified->corrupt_lock);
}

gboolean
cask_verified_is_corrupt (CaskVerified *verified, const CaskDigest *digest)
{
  if (G_LIKELY (g_atomic_int_get (&verified->n_corrupt) == 0))
    return FALSE;
  g_mutex_lock (&verified->corrupt_lock);
  gboolean corrupt = g_hash_table_contains (verified->corrupt, digest);
  g_mutex_unlock (&verified->corrupt_lock);
  return corrupt;
}

void
cask_verified_clear_corrupt (CaskVerified *verified, const CaskDigest *digest)
{
  if (G_LIKELY (g_atomic_int_get (&verified->n_corrupt) == 0))
    return;
  g_mutex_lock (&verified->corrupt_lock);
  g_hash_table_remove (verified->corrupt, digest);
  verified_count_corrupt (verified);
  g_mutex_unlock (&verified->corrupt_lock);
}
