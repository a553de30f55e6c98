/* SPDX-License-Identifier: Apache-2.0
 *
 * hasher.c: SHA-256 and SHA-512. The only file that knows Nettle. */
#include "hasher-private.h"

#include <nettle/sha2.h>

struct _CaskHasher
{
  CaskAlgorithm algorithm;
  union
  {
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
  };
};

static void
hasher_init (CaskHasher *hasher, CaskAlgorithm algorithm)
{
  hasher->algorithm = algorithm;
  if (algorithm == CASK_ALGORITHM_SHA512)
    sha512_init (&hasher->sha512);
  else
    sha256_init (&hasher->sha256);
}

static void
hasher_digest (CaskHasher *hasher, CaskDigest *digest)
{
  *digest = (CaskDigest){ .algorithm = (guint8) hasher->algorithm };
  if (hasher->algorithm == CASK_ALGORITHM_SHA512)
    sha512_digest (&hasher->sha512, SHA512_DIGEST_SIZE, digest->bytes);
  else
    sha256_digest (&hasher->sha256, SHA256_DIGEST_SIZE, digest->bytes);
}

void
cask_hash (guint algorithm, const void *data, gsize size, CaskDigest *digest)
{
  CaskHasher hasher;

  hasher_init (&hasher, algorithm);
  cask_hasher_update (&hasher, data, size);
  hasher_digest (&hasher, digest);
}

/**
 * cask_hasher_new: (skip)
 * @algorithm: a known algorithm
 *
 * Begins a hash that is fed piece by piece.
 *
 * Returns: (transfer full) (nullable): a hasher, freed by cask_hasher_finish(); %NULL
 * where @algorithm is not known
 *
 * Since: 1.0
 */
CaskHasher *
cask_hasher_new (CaskAlgorithm algorithm)
{
  if (cask_algorithm_to_string (algorithm) == NULL)
    return NULL;

  CaskHasher *hasher = g_new (CaskHasher, 1);
  hasher_init (hasher, algorithm);
  return hasher;
}

/**
 * cask_hasher_update: (skip)
 * @hasher: a hasher
 * @data: (array length=count) (nullable): bytes; may be %NULL where @count is 0
 * @count: how many
 *
 * Hashes more bytes.
 *
 * Since: 1.0
 */
void
cask_hasher_update (CaskHasher *hasher, const void *data, gsize count)
{
  if (count == 0)
    return;
  if (hasher->algorithm == CASK_ALGORITHM_SHA512)
    sha512_update (&hasher->sha512, count, data);
  else
    sha256_update (&hasher->sha256, count, data);
}

/**
 * cask_hasher_finish: (skip)
 * @hasher: (transfer full): a hasher
 * @digest: (out caller-allocates) (optional): what all the bytes hash to; %NULL throws
 * the hash away
 *
 * Ends a hash and frees the hasher.
 *
 * Since: 1.0
 */
void
cask_hasher_finish (CaskHasher *hasher, CaskDigest *digest)
{
  if (digest != NULL)
    hasher_digest (hasher, digest);
  g_free (hasher);
}
