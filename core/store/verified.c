/* SPDX-License-Identifier: Apache-2.0
 *
 * verified.c: a bounded table of verified copies and a bounded set of corrupt blobs.
 *
 * The table is an array of sets of four entries, and a set is one cache line: every get
 * looks into one. A digest belongs to one set, where the newest comes first and the
 * oldest makes room. The table is as large as it will ever be from the start, but
 * untouched memory costs nothing.
 *
 * An entry is two words, each the version xor a hash of the whole digest under keys that
 * nobody outside of this process knows. The hash is NH, of UMAC: whoever picks two names
 * without the keys, a made-up one for a hard link among them, has one chance in 2^64 that
 * one of them is taken for the other, and then only where both have one version.
 *
 * Readers take no lock. One that sees the first word of one entry and the second of
 * another finds that they do not fit: where both are of its digest, both must have its
 * version; where they are not, it takes such an accident. And what it is told stays true:
 * a copy that was hashed was hashed.
 *
 * Invariant: the entries of a set are of different digests.
 *
 * Locks: `lock` is taken to change the table, and guards `corrupt`. `n_corrupt` is read
 * without it, for there are hardly ever any. */
#include "verified-private.h"

#include <stdatomic.h>
#include <sys/random.h>

#define VERIFIED_PARTS (sizeof ((CaskDigest *) NULL)->bytes / sizeof (guint64))
#define VERIFIED_WAYS 4
#define VERIFIED_SETS (CASK_VERIFIED_MAX / VERIFIED_WAYS)
#define VERIFIED_LINE 64

typedef struct
{
  guint64 front, back;
} VerifiedWords;

typedef struct
{
  _Atomic guint64 front, back;
} VerifiedEntry;

typedef struct
{
  VerifiedEntry entries[VERIFIED_WAYS];
} VerifiedSet;

G_STATIC_ASSERT (sizeof (VerifiedSet) == VERIFIED_LINE);

struct _CaskVerified
{
  VerifiedSet *sets; /* within `memory`, at the start of a cache line */
  guint64 keys[VERIFIED_PARTS];
  gpointer memory;
  guint n_corrupt; /* atomic */

  GMutex lock;
  GHashTable *corrupt; /* lock; a set of CaskDigest */
};

/* Where the kernel has no random numbers, GLib's make do against accidents. */
static void
verified_make_keys (CaskVerified *verified)
{
  if (getentropy (verified->keys, sizeof verified->keys) == 0)
    return;
  for (guint i = 0; i < VERIFIED_PARTS; i++)
    verified->keys[i] = (guint64) g_random_int () << 32 | g_random_int ();
}

CaskVerified *
cask_verified_new (void)
{
  CaskVerified *verified = g_new0 (CaskVerified, 1);

  verified_make_keys (verified);
  g_mutex_init (&verified->lock);
  /* Not g_aligned_alloc0(), which would touch it all. */
  verified->memory = g_new0 (VerifiedSet, VERIFIED_SETS + 1);
  verified->sets = (VerifiedSet *) (((guintptr) verified->memory + VERIFIED_LINE - 1) &
                                    ~(guintptr) (VERIFIED_LINE - 1));
  verified->corrupt =
      g_hash_table_new_full (cask_digest_hash, cask_digest_equal, g_free, NULL);
  return verified;
}

void
cask_verified_free (CaskVerified *verified)
{
  g_mutex_clear (&verified->lock);
  g_free (verified->memory);
  g_hash_table_unref (verified->corrupt);
  g_free (verified);
}

/* ---- The table ---- */

static VerifiedSet *
verified_set_of (const CaskVerified *verified, const CaskDigest *digest)
{
  return &verified->sets[cask_digest_hash (digest) % VERIFIED_SETS];
}

/* sum += a * b, in 128 bits. */
static inline void
verified_add_product (VerifiedWords *sum, guint64 a, guint64 b)
{
#ifdef __SIZEOF_INT128__
  unsigned __int128 product = (unsigned __int128) a * b;
  guint64 low = (guint64) product, high = (guint64) (product >> 64);
#else
  guint64 cross = (a >> 32) * (guint32) b, other = (guint32) a * (b >> 32);
  guint64 bottom = (guint64) (guint32) a * (guint32) b;
  guint64 middle = (bottom >> 32) + (guint32) cross + (guint32) other;
  guint64 low = middle << 32 | (guint32) bottom;
  guint64 high = (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32) + (middle >> 32);
#endif
  sum->front += low;
  sum->back += high + (sum->front < low);
}

static VerifiedWords
verified_words (const CaskVerified *verified, const CaskDigest *digest, guint64 version)
{
  gsize n_parts = cask_digest_length (digest) / sizeof (guint64);
  VerifiedWords words = { 0 };

  for (gsize i = 0; i < n_parts; i += 2)
    {
      guint64 parts[2];
      memcpy (parts, digest->bytes + i * sizeof *parts, sizeof parts);
      verified_add_product (&words, parts[0] + verified->keys[i],
                            parts[1] + verified->keys[i + 1]);
    }
  words.front ^= version;
  words.back ^= version;
  return words;
}

static VerifiedWords
verified_load (const VerifiedEntry *entry)
{
  return (VerifiedWords){
    .front = atomic_load_explicit (&entry->front, memory_order_relaxed),
    .back = atomic_load_explicit (&entry->back, memory_order_relaxed),
  };
}

static void
verified_store (VerifiedEntry *entry, VerifiedWords words)
{
  atomic_store_explicit (&entry->front, words.front, memory_order_relaxed);
  atomic_store_explicit (&entry->back, words.back, memory_order_relaxed);
}

gboolean
cask_verified_is_corrupt (CaskVerified *verified, const CaskDigest *digest)
{
  if (G_LIKELY (g_atomic_int_get (&verified->n_corrupt) == 0))
    return FALSE;
  g_mutex_lock (&verified->lock);
  gboolean corrupt = g_hash_table_contains (verified->corrupt, digest);
  g_mutex_unlock (&verified->lock);
  return corrupt;
}

static gboolean
verified_has (const CaskVerified *verified, const CaskDigest *digest, guint64 version)
{
  const VerifiedSet *set = verified_set_of (verified, digest);
  VerifiedWords wanted = verified_words (verified, digest, version);

  for (guint i = 0; i < VERIFIED_WAYS && version != 0; i++)
    {
      VerifiedWords words = verified_load (&set->entries[i]);
      if (words.front == wanted.front && words.back == wanted.back)
        return TRUE;
    }
  return FALSE;
}

gboolean
cask_verified_knows (CaskVerified *verified, const CaskDigest *digest, guint64 version)
{
  return !cask_verified_is_corrupt (verified, digest) &&
         verified_has (verified, digest, version);
}

/* Under lock. The entry of a digest, whichever its version; xor takes that out. To take
 * another's for it costs a hash. */
static VerifiedEntry *
verified_find (const CaskVerified *verified, const CaskDigest *digest)
{
  VerifiedSet *set = verified_set_of (verified, digest);
  VerifiedWords wanted = verified_words (verified, digest, 0);

  for (guint i = 0; i < VERIFIED_WAYS; i++)
    {
      VerifiedWords words = verified_load (&set->entries[i]);
      if ((words.front ^ words.back) == (wanted.front ^ wanted.back))
        return &set->entries[i];
    }
  return NULL;
}

/* Under lock. */
static VerifiedEntry *
verified_make_room (VerifiedSet *set)
{
  for (guint i = VERIFIED_WAYS - 1; i > 0; i--)
    verified_store (&set->entries[i], verified_load (&set->entries[i - 1]));
  return &set->entries[0];
}

void
cask_verified_remember (CaskVerified *verified, const CaskDigest *digest, guint64 version)
{
  VerifiedSet *set = verified_set_of (verified, digest);

  if (version == 0 || verified_has (verified, digest, version))
    return;
  g_mutex_lock (&verified->lock);
  VerifiedEntry *entry = verified_find (verified, digest);
  if (entry == NULL)
    entry = verified_make_room (set);
  verified_store (entry, verified_words (verified, digest, version));
  g_mutex_unlock (&verified->lock);
}

/* ---- Corrupt blobs ---- */

/* Under lock. */
static void
verified_count_corrupt (CaskVerified *verified)
{
  g_atomic_int_set (&verified->n_corrupt, g_hash_table_size (verified->corrupt));
}

void
cask_verified_mark_corrupt (CaskVerified *verified, const CaskDigest *digest)
{
  CaskDigest *copy = g_memdup2 (digest, sizeof *digest);

  g_mutex_lock (&verified->lock);
  /* What was good once, and is not any more, must be hashed again whatever its version
   * says. */
  VerifiedEntry *entry = verified_find (verified, digest);
  if (entry != NULL)
    verified_store (entry, (VerifiedWords){ 0 });
  /* A store with so many corrupt blobs is past being healed by the way; `verify` finds
   * them all again. */
  if (g_hash_table_size (verified->corrupt) >= CASK_VERIFIED_MAX)
    g_hash_table_remove_all (verified->corrupt);
  g_hash_table_add (verified->corrupt, copy);
  verified_count_corrupt (verified);
  g_mutex_unlock (&verified->lock);
}

void
cask_verified_clear_corrupt (CaskVerified *verified, const CaskDigest *digest)
{
  if (G_LIKELY (g_atomic_int_get (&verified->n_corrupt) == 0))
    return;
  g_mutex_lock (&verified->lock);
  g_hash_table_remove (verified->corrupt, digest);
  verified_count_corrupt (verified);
  g_mutex_unlock (&verified->lock);
}
