/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-types.h: the values that hosts and plugins share: digests, what is known of a
 * blob, errors, and what a store can do.
 *
 * Every struct here is frozen for ever: callers allocate them, alone and in arrays.
 * Reserved members are 0. Nothing here needs libcask at link time. */
#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/**
 * CaskAlgorithm:
 * @CASK_ALGORITHM_SHA256: SHA-256, 32 bytes
 * @CASK_ALGORITHM_SHA512: SHA-512, 64 bytes
 *
 * The hash that names a blob.
 *
 * Since: 1.0
 */
typedef enum
{
  CASK_ALGORITHM_SHA256 = 1,
  CASK_ALGORITHM_SHA512 = 2
} CaskAlgorithm;

/**
 * CaskDigest:
 * @algorithm: a #CaskAlgorithm
 * @bytes: the hash; bytes past cask_digest_length() are 0
 *
 * The name of a blob. A plain value: keep it on the stack, copy it by assignment. Because
 * unused bytes are 0, equality and list order are memcmp() of the whole struct.
 *
 * Since: 1.0
 */
typedef struct
{
  guint8 algorithm;
  guint8 reserved[7];
  guint8 bytes[64];
} CaskDigest;

/** CASK_UNKNOWN: a count or size that is not known. Since: 1.0 */
#define CASK_UNKNOWN G_MAXUINT64
/** CASK_TO_END: the length of a range that runs to the end of the blob. Since: 1.0 */
#define CASK_TO_END G_MAXUINT64
/** CASK_ALWAYS: an "unused since" that every blob meets: remove whatever its age.
 * Since: 1.0 */
#define CASK_ALWAYS G_MAXINT64

/**
 * CaskBlobInfo:
 * @digest: the blob's name
 * @size: bytes; %CASK_UNKNOWN only in a brief list
 * @mtime_usec: when it was last put, hit or touched, by the store's clock, in
 * microseconds since 1970; may lag behind by the store's `freshen` interval
 * @version: changes whenever the stored bytes may have changed; 0 where that is not known
 *
 * What is known of a stored blob without reading it.
 *
 * Since: 1.0
 */
typedef struct
{
  CaskDigest digest;
  guint64 size;
  gint64 mtime_usec;
  guint64 version;
  guint64 reserved[4];
} CaskBlobInfo;

/**
 * CaskUsage:
 * @count: blobs
 * @bytes: the sum of their sizes
 * @stored_bytes: what they occupy
 * @limit_bytes: how many bytes the store takes at most
 *
 * How full a store is. Each member is %CASK_UNKNOWN where the answer is not cheap or
 * there is none.
 *
 * Since: 1.0
 */
typedef struct
{
  guint64 count;
  guint64 bytes;
  guint64 stored_bytes;
  guint64 limit_bytes;
  guint64 reserved[4];
} CaskUsage;

/**
 * CaskRemoved:
 * @CASK_REMOVED_ABSENT: there was nothing to remove
 * @CASK_REMOVED_DONE: it was there and is gone
 * @CASK_REMOVED_KEPT: it was used since, or is in use now, and is still there
 * @CASK_REMOVED_MAYBE: it is not there; whether it was is not known (batches only)
 *
 * What became of a removal.
 *
 * Since: 1.0
 */
typedef enum
{
  CASK_REMOVED_ABSENT,
  CASK_REMOVED_DONE,
  CASK_REMOVED_KEPT,
  CASK_REMOVED_MAYBE
} CaskRemoved;

/**
 * CaskCapabilities:
 * @CASK_CAPABILITY_WRITE: blobs can be put and deleted
 * @CASK_CAPABILITY_DURABLE: success survives a power loss
 * @CASK_CAPABILITY_SHARED: processes see each other's commits and removals at once
 * @CASK_CAPABILITY_IMMUTABLE: stored bytes cannot change: verified once is verified
 * @CASK_CAPABILITY_EXACT_CREATED: of N concurrent puts of one blob, in any processes,
 * exactly one is created
 * @CASK_CAPABILITY_FRESHENS: a put hit and a touch renew the modification time
 * @CASK_CAPABILITY_REMOVE_UNUSED: "remove if unused since" is one step against every
 * process
 * @CASK_CAPABILITY_READS_OUTLIVE_REMOVE: an open reader reads on after a removal
 * @CASK_CAPABILITY_RESUME: uploads can be saved and resumed
 * @CASK_CAPABILITY_QUARANTINE: a corrupt copy can be moved aside and kept
 *
 * What an open store promises beyond the ordinary.
 *
 * Since: 1.0
 */
typedef enum
{
  CASK_CAPABILITY_WRITE = 1 << 0,
  CASK_CAPABILITY_DURABLE = 1 << 1,
  CASK_CAPABILITY_SHARED = 1 << 2,
  CASK_CAPABILITY_IMMUTABLE = 1 << 3,
  CASK_CAPABILITY_EXACT_CREATED = 1 << 4,
  CASK_CAPABILITY_FRESHENS = 1 << 5,
  CASK_CAPABILITY_REMOVE_UNUSED = 1 << 6,
  CASK_CAPABILITY_READS_OUTLIVE_REMOVE = 1 << 7,
  CASK_CAPABILITY_RESUME = 1 << 8,
  CASK_CAPABILITY_QUARANTINE = 1 << 9
} CaskCapabilities;

/** CASK_ERROR: the domain of #CaskError. Since: 1.0 */
#define CASK_ERROR (cask_error_domain ())

/* Asked once and kept: GLib's table of quarks has one lock for the whole program, which a
 * fork may leave held in the child. The name is copied, so that a plugin may go. */
static inline GQuark
cask_error_domain (void)
{
  static guint domain;
  guint known = (guint) g_atomic_int_get ((gint *) &domain);

  if (G_UNLIKELY (known == 0))
    {
      known = g_quark_from_string ("cask-error-quark");
      g_atomic_int_set ((gint *) &domain, (gint) known);
    }
  return known;
}

/**
 * CaskError:
 * @CASK_ERROR_NOT_FOUND: the blob is certainly not in the store
 * @CASK_ERROR_DIGEST_MISMATCH: the bytes given do not hash to the digest given, or are
 * more or fewer than were announced
 * @CASK_ERROR_INVALID_DIGEST: not a digest
 * @CASK_ERROR_CORRUPT: the stored bytes do not hash to their digest, or are no blob at
 * all
 * @CASK_ERROR_INVALID_CONFIG: the config string is wrong
 * @CASK_ERROR_INVALID_RANGE: the range starts past the end of the blob
 * @CASK_ERROR_UNSUPPORTED: this store cannot do that
 * @CASK_ERROR_READ_ONLY: the store cannot be written
 * @CASK_ERROR_NO_SPACE: the store is full
 * @CASK_ERROR_PERMISSION: the process may not
 * @CASK_ERROR_BUSY: in use elsewhere, or a limit of the process is reached
 * @CASK_ERROR_GONE: what was opened no longer exists
 * @CASK_ERROR_TOO_LARGE: over a limit of the store
 * @CASK_ERROR_CLOSED: the store is closed, or was opened before a fork
 * @CASK_ERROR_IO: any other failure of the place where the bytes are
 * @CASK_ERROR_UNAVAILABLE: out of reach for now: try again
 * @CASK_ERROR_TIMED_OUT: no answer in time
 * @CASK_ERROR_AUTH: credentials are missing or refused
 * @CASK_ERROR_PLUGIN_NOT_FOUND: no plugin of that name
 * @CASK_ERROR_PLUGIN_INVALID: the plugin is broken, or its file is not to be trusted
 * @CASK_ERROR_PLUGIN_ABI: the plugin was built for another ABI
 *
 * Why an operation failed. Cancellation is %G_IO_ERROR_CANCELLED.
 *
 * Since: 1.0
 */
typedef enum
{
  CASK_ERROR_NOT_FOUND,
  CASK_ERROR_DIGEST_MISMATCH,
  CASK_ERROR_INVALID_DIGEST,
  CASK_ERROR_CORRUPT,
  CASK_ERROR_INVALID_CONFIG,
  CASK_ERROR_INVALID_RANGE,
  CASK_ERROR_UNSUPPORTED,
  CASK_ERROR_READ_ONLY,
  CASK_ERROR_NO_SPACE,
  CASK_ERROR_PERMISSION,
  CASK_ERROR_BUSY,
  CASK_ERROR_GONE,
  CASK_ERROR_TOO_LARGE,
  CASK_ERROR_CLOSED,
  CASK_ERROR_IO,
  CASK_ERROR_UNAVAILABLE,
  CASK_ERROR_TIMED_OUT,
  CASK_ERROR_AUTH,
  CASK_ERROR_PLUGIN_NOT_FOUND,
  CASK_ERROR_PLUGIN_INVALID,
  CASK_ERROR_PLUGIN_ABI
} CaskError;

/**
 * cask_digest_length:
 * @digest: a digest
 *
 * Returns: how many of @digest's bytes are the hash: 32 or 64
 *
 * Since: 1.0
 */
static inline gsize
cask_digest_length (const CaskDigest *digest)
{
  return digest->algorithm == CASK_ALGORITHM_SHA512 ? 64 : 32;
}

/**
 * cask_digest_compare:
 * @a: a digest
 * @b: another
 *
 * The order of every list: by algorithm, then by hash.
 *
 * Returns: less than, equal to or greater than 0, as @a sorts before, with or after @b
 *
 * Since: 1.0
 */
static inline int
cask_digest_compare (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (CaskDigest));
}

/**
 * cask_digest_equal:
 * @a: a digest
 * @b: another
 *
 * Returns: whether both name the same blob; fits g_hash_table_new()
 *
 * Since: 1.0
 */
static inline gboolean
cask_digest_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (CaskDigest)) == 0;
}

/**
 * cask_digest_hash:
 * @digest: a digest
 *
 * Returns: a hash value for hash tables; fits g_hash_table_new(). A digest's own bytes
 * are as evenly spread as any hash of them; which of them an attacker can choose costs
 * work only, so no secret is mixed in.
 *
 * Since: 1.0
 */
static inline guint
cask_digest_hash (gconstpointer digest)
{
  guint hash;
  memcpy (&hash, ((const CaskDigest *) digest)->bytes, sizeof hash);
  return hash;
}

G_STATIC_ASSERT (sizeof (CaskDigest) == 72);
G_STATIC_ASSERT (sizeof (CaskBlobInfo) == 128);
G_STATIC_ASSERT (sizeof (CaskUsage) == 64);

G_END_DECLS
