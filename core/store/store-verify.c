/* SPDX-License-Identifier: Apache-2.0
 *
 * store-verify.c: hashing a stored blob of any size, in pieces, and moving a bad one
 * aside.
 *
 * The pieces must be of one copy: where the version changes on the way, for the blob was
 * put anew, it begins again. So it does where the backend says that the copy that was
 * found bad is no longer the one that is there: a copy that somebody has healed meanwhile
 * is judged by its own bytes. */
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

typedef enum
{
  COPY_GOOD,
  COPY_BAD,     /* info says which */
  COPY_CHANGED, /* on the way: another look makes sense */
  COPY_FAILED
} Copy;

/* Looks at the copy that is there now. failure: why, where it is BAD or FAILED. */
static Copy
store_judge_copy (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
                  GCancellable *cancellable, GError **failure)
{
  CaskDigest actual;
  Pieces pieces = store_hash_pieces (store, digest, info, &actual, cancellable, failure);

  if (pieces == PIECES_CHANGED)
    return COPY_CHANGED;
  if (pieces == PIECES_HASHED)
    return cask_store_check_hash (store, info, &actual, failure) ? COPY_GOOD : COPY_BAD;
  if (g_error_matches (*failure, CASK_ERROR, CASK_ERROR_CORRUPT))
    cask_verified_mark_corrupt (store->verified, digest);
  return COPY_FAILED;
}

/* Returns: whether the copy is good; else failure is why, or NULL where it changed on the
 * way; again: whether another look makes sense. */
static gboolean
store_verify_once (CaskStore *store, const CaskDigest *digest, gboolean *again,
                   GCancellable *cancellable, GError **failure)
{
  CaskBlobInfo info;
  Copy copy = store_judge_copy (store, digest, &info, cancellable, failure);

  *again = copy == COPY_CHANGED;
  if (copy == COPY_BAD)
    *again = cask_store_condemn (store, &info, cancellable);
  return copy == COPY_GOOD;
}

/* Returns: FALSE with BUSY: copies that changed each time they were looked at. */
static gboolean
store_fail_restless (GError **failure)
{
  g_set_error (failure, CASK_ERROR, CASK_ERROR_BUSY,
               "the blob changed %d times while it was read", CASK_STORE_COPIES);
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
    store_fail_restless (&failure);
  if (!success)
    g_propagate_error (error, g_steal_pointer (&failure));
  if (!success)
    cask_store_fail (store, digest, error);
  cask_store_leave (store);
  return success;
}

/* Has the backend move the copy aside that info describes. again: it is not, or no
 * longer, the one that is there. */
static gboolean
store_move_aside (CaskStore *store, const CaskBlobInfo *info, gboolean *again,
                  GCancellable *cancellable, GError **error)
{
  *again = FALSE;
  if (!cask_node_ops.condemn (cask_store_root (store), &info->digest, info->version,
                              CASK_CONDEMN_QUARANTINE, again, cancellable, error))
    return FALSE;
  /* The next put makes a new blob: there is no copy left that it would have to replace.
   */
  if (!*again)
    cask_verified_clear_corrupt (store->verified, &info->digest);
  return TRUE;
}

static gboolean
store_quarantine_bad (CaskStore *store, const CaskDigest *digest, gboolean *moved,
                      GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < CASK_STORE_COPIES; i++)
    {
      CaskBlobInfo info;
      gboolean again;
      g_autoptr (GError) failure = NULL;
      Copy copy = store_judge_copy (store, digest, &info, cancellable, &failure);

      *moved = copy == COPY_BAD;
      if (copy == COPY_GOOD)
        return TRUE;
      if (copy == COPY_FAILED)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      if (copy == COPY_CHANGED)
        continue;
      if (!store_move_aside (store, &info, &again, cancellable, error))
        return FALSE;
      if (!again)
        return TRUE;
    }
  return store_fail_restless (error);
}

/**
 * cask_store_quarantine:
 * @store: a store
 * @digest: a digest
 * @moved: (out) (optional): whether the blob was damaged, and has been moved aside
 * @cancellable: (nullable): to give up, between pieces
 * @error: return location for an error
 *
 * Reads and hashes a blob as cask_store_verify() does, whatever the store's policy, and
 * takes it out of service where it is damaged: its bytes are kept for whoever wants to
 * look at them, in a place of the store's own, and from then on the blob is absent, as
 * durably as a put would be there. cask_store_get() fails with %CASK_ERROR_NOT_FOUND,
 * whose message tells where the store knows it that and where the bytes are kept; the
 * next put stores the blob anew.
 *
 * A good blob is left alone. What is moved is the copy that was found to be damaged and
 * no other: one that is stored while this call is under way is hashed in its turn.
 *
 * Errors: %CASK_ERROR_UNSUPPORTED without %CASK_CAPABILITY_QUARANTINE;
 * %CASK_ERROR_NOT_FOUND; %CASK_ERROR_CORRUPT where something that is no blob is in its
 * place, which stays there; %CASK_ERROR_BUSY where the blob was replaced over and over;
 * %CASK_ERROR_READ_ONLY, %CASK_ERROR_PERMISSION, %CASK_ERROR_IO and the like, after which
 * a damaged blob is where it was or moved, and CORRUPT or absent, never served.
 *
 * Returns: whether @moved was set: the blob is whole, or moved aside
 *
 * Since: 1.0
 */
gboolean
cask_store_quarantine (CaskStore *store, const CaskDigest *digest, gboolean *moved,
                       GCancellable *cancellable, GError **error)
{
  gboolean was_moved = FALSE, success;
  g_autoptr (GError) failure = NULL;

  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  /* Before the blob is read: a caller learns it at once, and of a good blob too. */
  if (store->capabilities & CASK_CAPABILITY_QUARANTINE)
    success = store_quarantine_bad (store, digest, &was_moved, cancellable, &failure);
  else
    success = cask_node_unsupported (cask_node_of (cask_store_root (store)),
                                     "this store has no quarantine", &failure);
  if (!success)
    cask_store_fail (store, digest, &failure);
  if (!success)
    g_propagate_error (error, g_steal_pointer (&failure));
  cask_store_leave (store);
  if (success && moved != NULL)
    *moved = was_moved;
  return success;
}
