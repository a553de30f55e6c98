/* SPDX-License-Identifier: Apache-2.0
 *
 * hasher.c: SHA-256 and SHA-512. The only file that knows Nettle. */
#include "hasher-private.h"

#include <nettle/sha2.h>

/* Nettle's SHA instructions read the state in halves of 16 bytes, and again for each
 * block. A half that lay across two pages made all hashing in that place a seventh
 * slower, for as long as the program ran. */
#define HASHER_ALIGNMENT 16

struct _CaskHasher
{
  CaskAlgorithm algorithm;
  _Alignas(HASHER_ALIGNMENT) union
  {
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
  };
};

G_STATIC_ASSERT (G_STRUCT_OFFSET (CaskHasher, sha256) % HASHER_ALIGNMENT == 0);

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

static void
hasher_write_word (guint8 *bytes, guint64 word, guint size)
{
  for (guint i = 0; i < size; i++)
    bytes[i] = (guint8) (word >> (8 * (size - 1 - i)));
}

static guint64
hasher_read_word (const guint8 *bytes, guint size)
{
  guint64 word = 0;

  for (guint i = 0; i < size; i++)
    word = word << 8 | bytes[i];
  return word;
}

void
cask_hasher_peek (const CaskHasher *hasher, CaskDigest *digest)
{
  CaskHasher copy = *hasher;
  hasher_digest (&copy, digest);
}

gsize
cask_hasher_state_size (guint algorithm)
{
  return algorithm == CASK_ALGORITHM_SHA512 ? 64 + SHA512_BLOCK_SIZE
                                            : 32 + SHA256_BLOCK_SIZE;
}

void
cask_hasher_save (const CaskHasher *hasher, guint8 *state)
{
  memset (state, 0, cask_hasher_state_size (hasher->algorithm));
  if (hasher->algorithm == CASK_ALGORITHM_SHA512)
    {
      const struct sha512_ctx *context = &hasher->sha512;
      for (guint i = 0; i < 8; i++)
        hasher_write_word (state + 8 * i, context->state[i], 8);
      memcpy (state + 64, context->block, MIN (context->index, SHA512_BLOCK_SIZE));
      return;
    }
  const struct sha256_ctx *context = &hasher->sha256;
  for (guint i = 0; i < 8; i++)
    hasher_write_word (state + 4 * i, context->state[i], 4);
  memcpy (state + 32, context->block, MIN (context->index, SHA256_BLOCK_SIZE));
}

/* What Nettle uses as an index is made from the count, never taken from the state. */
CaskHasher *
cask_hasher_restore (guint algorithm, guint64 n_hashed, const guint8 *state)
{
  CaskHasher *hasher = g_new0 (CaskHasher, 1);

  hasher_init (hasher, algorithm);
  if (algorithm == CASK_ALGORITHM_SHA512)
    {
      struct sha512_ctx *context = &hasher->sha512;
      for (guint i = 0; i < 8; i++)
        context->state[i] = hasher_read_word (state + 8 * i, 8);
      context->count_low = n_hashed / SHA512_BLOCK_SIZE;
      context->index = (guint) (n_hashed % SHA512_BLOCK_SIZE);
      memcpy (context->block, state + 64, SHA512_BLOCK_SIZE);
      return hasher;
    }
  struct sha256_ctx *context = &hasher->sha256;
  for (guint i = 0; i < 8; i++)
    context->state[i] = (guint32) hasher_read_word (state + 4 * i, 4);
  context->count = n_hashed / SHA256_BLOCK_SIZE;
  context->index = (guint) (n_hashed % SHA256_BLOCK_SIZE);
  memcpy (context->block, state + 32, SHA256_BLOCK_SIZE);
  return hasher;
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
