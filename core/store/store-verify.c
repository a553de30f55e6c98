/* SPDX-License-Identifier: Apache-2.0
 *
 * store-verify.c: hashing a stored blob of any size, in pieces.
 *
 * The pieces must be of one copy: where the version changes on the way, for the blob was
 * put anew, it begins again. */
#include "store-private.h"

#include <cask/cask-digest.h>

#define VERIFY_PIECE (4u << 20)

typedef enum
{
  PIECES_HASHED,
  PIECES_CHANGED,
  PIECES_FAILED
} Pieces;

/* 0 is no version: it says nothing either way. */
static gboolean
pieces_differ (guint64 a, guint64 b)
{
  return a != 0 && b != 0 && a != b;
}

/* Reads the copy that is there now to its end. */
static Pieces
store_hash_pieces (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *first,
                   CaskDigest *actual, GCancellable *cancellable, GError **error)
{
  CaskHasher *hasher = cask_hasher_new (digest->algorithm);
  Pieces outcome = PIECES_HASHED;
  guint64 offset = 0;

  do
    {
      CaskBlobInfo info;
      g_autoptr (GBytes) piece =
          cask_node_ops.get (cask_store_root (store), digest, offset, VERIFY_PIECE,
                             CASK_READ_SCAN, &info, cancellable, error);
      if (piece == NULL)
        {
          outcome = PIECES_FAILED;
          break;
        }
      if (offset == 0)
        *first = info;
      else if (info.size != first->size || pieces_differ (first->version, info.version))
        {
          outcome = PIECES_CHANGED;
          break;
        }
      gsize size;
      const void *data = g_bytes_get_data (piece, &size);
      cask_hasher_update (hasher, data, size);
      offset += size;
    }
  while (offset < first->size);
  cask_hasher_finish (hasher, actual);
  return outcome;
}

/* Returns: whether the copy is good; else failure is why, or NULL where it changed on the
 * way; again: whether another look makes sense. */
static gboolean
store_verify_once (CaskStore *store, const CaskDigest *digest, gboolean *again,
                   GCancellable *cancellable, GError **failure)
{
  CaskBlobInfo info;
  CaskDigest actual;
  Pieces pieces = store_hash_pieces (store, digest, &info, &actual, cancellable, failure);

  *again = pieces == PIECES_CHANGED;
  if (pieces == PIECES_FAILED &&
      g_error_matches (*failure, CASK_ERROR, CASK_ERROR_CORRUPT))
    cask_verified_mark_corrupt (store->verified, digest);
  if (pieces != PIECES_HASHED)
    return FALSE;
  if (cask_store_check_hash (store, &info, &actual, failure))
    return TRUE;
  *again = cask_store_condemn (store, &info, cancellable);
  return FALSE;
}

/**
 * cask_store_verify:
 * @store: a store
 * @digest: a digest
 * @cancellable: (nullable): to give up, between pieces
 * @error: return location for an error
 *
 * Reads and hashes a blob of any size, whatever the store's policy and whatever was
 * verified before.
 *
 * Errors: %CASK_ERROR_CORRUPT where it is damaged: a put heals it; %CASK_ERROR_NOT_FOUND;
 * %CASK_ERROR_BUSY where the blob was replaced over and over while it was read;
 * %CASK_ERROR_IO and the like.
 *
 * Returns: whether the blob is there and whole
 *
 * Since: 1.0
 */
gboolean
cask_store_verify (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                   GError **error)
{
  gboolean again = TRUE, success = FALSE;
  g_autoptr (GError) failure = NULL;

  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  for (guint copy = 0; !success && again && copy < CASK_STORE_COPIES; copy++)
    {
      g_clear_error (&failure);
      success = store_verify_once (store, digest, &again, cancellable, &failure);
    }
  if (!success && failure == NULL)
    g_set_error (&failure, CASK_ERROR, CASK_ERROR_BUSY,
                 "the blob changed %d times while it was read", CASK_STORE_COPIES);
  if (!success)
    g_propagate_error (error, g_steal_pointer (&failure));
  if (!success)
    cask_store_fail (store, digest, error);
  cask_store_leave (store);
  return success;
}
