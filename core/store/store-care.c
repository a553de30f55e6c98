/* SPDX-License-Identifier: Apache-2.0
 *
 * store-care.c: what is known of blobs without reading them, their use and their removal.
 */
#include "store-private.h"

/**
 * cask_store_stat:
 * @store: a store
 * @digest: a digest
 * @info: (out caller-allocates): what is known of the blob
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Size and time of last use of a blob, without reading it.
 *
 * Errors: %CASK_ERROR_NOT_FOUND; %CASK_ERROR_CORRUPT where something that is no blob is
 * in its place; %CASK_ERROR_IO and the like.
 *
 * Returns: whether the blob is there
 *
 * Since: 1.0
 */
gboolean
cask_store_stat (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
                 GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), FALSE);
  g_return_val_if_fail (digest != NULL && info != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  gboolean success =
      cask_node_ops.stat (cask_store_root (store), digest, 0, info, cancellable, error) ||
      cask_store_fail (store, digest, error);
  cask_store_leave (store);
  return success;
}

/**
 * cask_store_contains:
 * @store: a store
 * @digest: a digest
 * @present: (out): whether the blob is there
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Whether a blob is there. It does not count as use: a collector may remove the blob the
 * next moment. Who relies on it calls cask_store_touch().
 *
 * Errors: those of cask_store_stat() but %CASK_ERROR_NOT_FOUND. That the answer could not
 * be had is never reported as absence.
 *
 * Returns: whether @present was set
 *
 * Since: 1.0
 */
gboolean
cask_store_contains (CaskStore *store, const CaskDigest *digest, gboolean *present,
                     GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;
  GError *failure = NULL;

  g_return_val_if_fail (CASK_IS_STORE (store), FALSE);
  g_return_val_if_fail (digest != NULL && present != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  gboolean found = cask_node_ops.stat (cask_store_root (store), digest, 0, &info,
                                       cancellable, &failure);
  /* Absence is an answer: nobody will read its message, so none is made. */
  gboolean is_absent = g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND);
  if (is_absent)
    g_error_free (failure);
  else if (failure != NULL)
    g_propagate_error (error, failure);
  gboolean success = found || is_absent || cask_store_fail (store, digest, error);
  if (success)
    *present = found;
  cask_store_leave (store);
  return success;
}

/**
 * cask_store_touch:
 * @store: a store
 * @digest: a digest
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Counts as use of the blob now, which keeps it from cask_store_delete_unused(). A
 * modification time that is younger than the store's `freshen` interval may stay as it
 * is.
 *
 * Errors: %CASK_ERROR_NOT_FOUND: it must be put again; %CASK_ERROR_UNSUPPORTED without
 * %CASK_CAPABILITY_FRESHENS; %CASK_ERROR_READ_ONLY, %CASK_ERROR_PERMISSION,
 * %CASK_ERROR_IO and the like.
 *
 * Returns: whether the blob is there and will be kept
 *
 * Since: 1.0
 */
gboolean
cask_store_touch (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                  GError **error)
{
  CaskBlobInfo info;

  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  gboolean success = cask_node_ops.stat (cask_store_root (store), digest,
                                         CASK_STAT_FRESHEN, &info, cancellable, error) ||
                     cask_store_fail (store, digest, error);
  cask_store_leave (store);
  return success;
}

/**
 * cask_store_delete_unused:
 * @store: a store
 * @digest: a digest
 * @unused_since_usec: remove only what was last used before this time, in microseconds
 * since 1970 by the store's clock; %CASK_ALWAYS: whenever it was
 * @outcome: (out) (optional): what became of the blob
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Removes a blob unless somebody has put, hit or touched it since: what a collector
 * calls. Test and removal are one step against every use by any process. The time should
 * lie further back than the store's `freshen` interval, within which uses may go
 * unrecorded.
 *
 * Errors: %CASK_ERROR_UNSUPPORTED without %CASK_CAPABILITY_REMOVE_UNUSED; those of
 * cask_store_delete().
 *
 * Returns: whether @outcome was set; an absent blob is a success
 *
 * Since: 1.0
 */
gboolean
cask_store_delete_unused (CaskStore *store, const CaskDigest *digest,
                          gint64 unused_since_usec, CaskRemoved *outcome,
                          GCancellable *cancellable, GError **error)
{
  CaskRemoved became = CASK_REMOVED_MAYBE;

  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  gboolean success =
      cask_node_ops.remove (cask_store_root (store), digest, unused_since_usec, &became,
                            cancellable, error) ||
      cask_store_fail (store, digest, error);
  if (success && became != CASK_REMOVED_KEPT)
    cask_verified_clear_corrupt (store->verified, digest);
  cask_store_leave (store);
  if (success && outcome != NULL)
    *outcome = became;
  return success;
}

/**
 * cask_store_delete:
 * @store: a store
 * @digest: a digest
 * @existed: (out) (optional): whether the blob was there
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Removes a blob. Removing what is not there succeeds. Success means that the removal is
 * as durable as the store was opened to be.
 *
 * Errors: %CASK_ERROR_READ_ONLY, %CASK_ERROR_PERMISSION, %CASK_ERROR_CORRUPT where
 * something that is no blob is in its place, %CASK_ERROR_IO and the like.
 *
 * Returns: whether the blob is gone
 *
 * Since: 1.0
 */
gboolean
cask_store_delete (CaskStore *store, const CaskDigest *digest, gboolean *existed,
                   GCancellable *cancellable, GError **error)
{
  CaskRemoved outcome;

  if (!cask_store_delete_unused (store, digest, CASK_ALWAYS, &outcome, cancellable,
                                 error))
    return FALSE;
  if (existed != NULL)
    *existed = outcome == CASK_REMOVED_DONE;
  return TRUE;
}

/**
 * cask_store_flush:
 * @store: a store
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Makes durable whatever was acknowledged before, in whichever mode the store was opened.
 *
 * Errors: %CASK_ERROR_UNSUPPORTED where the store keeps nothing over a power loss;
 * %CASK_ERROR_IO: what was acknowledged lately may be lost.
 *
 * Returns: whether it is durable
 *
 * Since: 1.0
 */
gboolean
cask_store_flush (CaskStore *store, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), FALSE);

  if (!cask_store_begin (store, NULL, cancellable, error))
    return FALSE;
  gboolean success = cask_node_ops.flush (cask_store_root (store), cancellable, error) ||
                     cask_store_fail (store, NULL, error);
  cask_store_leave (store);
  return success;
}

/**
 * cask_store_usage:
 * @store: a store
 * @usage: (out caller-allocates): how full the store is; %CASK_UNKNOWN where that is not
 * cheap to know
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * How full the store is, as far as it knows without counting.
 *
 * Returns: whether @usage was set
 *
 * Since: 1.0
 */
gboolean
cask_store_usage (CaskStore *store, CaskUsage *usage, GCancellable *cancellable,
                  GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store) && usage != NULL, FALSE);

  if (!cask_store_begin (store, NULL, cancellable, error))
    return FALSE;
  gboolean success =
      cask_node_ops.usage (cask_store_root (store), usage, cancellable, error) ||
      cask_store_fail (store, NULL, error);
  cask_store_leave (store);
  return success;
}
