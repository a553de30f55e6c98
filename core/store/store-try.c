/* SPDX-License-Identifier: Apache-2.0
 *
 * store-try.c: what can be answered at once, in a main loop's own thread: bytes that are
 * in memory, and what is certainly absent. At most CASK_TRY_LIMIT bytes are hashed here.
 */
#include "store-private.h"

static gboolean
store_set_absent (CaskStore *store, const CaskDigest *digest, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  cask_store_fail (store, digest, error);
  return TRUE;
}

/* Within enter and leave. */
static gboolean
store_try_read (CaskStore *store, const CaskDigest *digest, guint64 offset,
                guint64 length, gboolean whole, GBytes **bytes, GError **error)
{
  CaskBlobInfo info;
  g_autoptr (GBytes) found = NULL;
  CaskTry answer = cask_node_ops.try_get (cask_store_root (store), digest, offset, length,
                                          0, &found, &info);

  if (answer == CASK_TRY_ABSENT)
    return store_set_absent (store, digest, error);
  if (answer != CASK_TRY_FOUND)
    return FALSE;
  /* Corrupt is for the blocking call to say: it asks the backend for another copy. */
  if (whole && cask_store_must_hash (store, &info) &&
      !cask_store_check_bytes (store, &info, found, NULL))
    return FALSE;
  *bytes = g_steal_pointer (&found);
  return TRUE;
}

gboolean
cask_store_try_get (CaskStore *store, const CaskDigest *digest, guint64 offset,
                    guint64 length, gboolean whole, GBytes **bytes, GError **error)
{
  /* Over the limit only the blocking call knows what to say. */
  if (store->max_get < CASK_TRY_LIMIT)
    return FALSE;
  if (!cask_store_begin (store, digest, NULL, error))
    return TRUE;
  gboolean decided = store_try_read (store, digest, offset, length, whole, bytes, error);
  cask_store_leave (store);
  return decided;
}

gboolean
cask_store_try_stat (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
                     GError **error)
{
  if (!cask_store_begin (store, digest, NULL, error))
    return TRUE;
  CaskTry answer = cask_node_ops.try_stat (cask_store_root (store), digest, info);
  if (answer == CASK_TRY_ABSENT)
    store_set_absent (store, digest, error);
  cask_store_leave (store);
  return answer != CASK_TRY_AGAIN;
}
