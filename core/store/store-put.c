/* SPDX-License-Identifier: Apache-2.0
 *
 * store-put.c: bytes on their way in.
 *
 * The core hashes what it is given, so what a backend stores under a digest was right
 * when it was handed over. A put also heals: where this process has found the blob
 * corrupt, or the caller doubts it, the backend is asked to replace whatever it has. */
#include "batch-private.h"

#include <cask/cask-digest.h>

#include "error-private.h"
#include "hasher-private.h"

/* What the caller asks of the backend, whichever the blob. */
static guint32
store_asked_flags (CaskPutFlags flags)
{
  return (flags & CASK_PUT_COPY ? 0 : CASK_PUT_KEEP) |
         (flags & CASK_PUT_VERIFY_EXISTING ? CASK_PUT_REPLACE : 0);
}

guint32
cask_store_put_flags (CaskStore *store, const CaskDigest *digest, CaskPutFlags flags)
{
  guint32 backend_flags = store_asked_flags (flags);

  if (cask_verified_is_corrupt (store->verified, digest))
    backend_flags |= CASK_PUT_REPLACE;
  return backend_flags;
}

/* Puts bytes that are known to match. */
static gboolean
store_put_checked (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                   CaskPutFlags flags, gboolean *created, GCancellable *cancellable,
                   GError **error)
{
  gboolean made = FALSE;
  guint32 backend_flags = cask_store_put_flags (store, digest, flags);

  if (!cask_node_ops.put (cask_store_root (store), digest, bytes, backend_flags, &made,
                          cancellable, error))
    return cask_store_fail (store, digest, error);
  if (backend_flags & CASK_PUT_REPLACE)
    cask_verified_clear_corrupt (store->verified, digest);
  if (created != NULL)
    *created = made;
  return TRUE;
}

static gboolean
store_check_given (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                   GError **error)
{
  CaskDigest actual;
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  cask_hash (digest->algorithm, data, size, &actual);
  if (cask_digest_equal (digest, &actual))
    return TRUE;
  cask_error_set_mismatch (error, CASK_ERROR_DIGEST_MISMATCH, digest, &actual);
  cask_error_prefix (error, store->name, NULL);
  return FALSE;
}

/**
 * cask_store_put:
 * @store: a store
 * @digest: what @bytes hash to
 * @bytes: the blob; kept by reference where the store is in memory, unless %CASK_PUT_COPY
 * is given
 * @flags: how to put
 * @created: (out) (optional): whether this call made the blob; %FALSE where it was there
 * already
 * @cancellable: (nullable): to give up; looked at until the blob is committed
 * @error: return location for an error
 *
 * Stores a blob whose digest is known. A blob that is there already counts as used now.
 * Success means that the durability the store was opened with has been reached.
 *
 * Errors: %CASK_ERROR_DIGEST_MISMATCH where @bytes hash to something else: nothing is
 * stored, and a blob that was there is untouched; %CASK_ERROR_NO_SPACE,
 * %CASK_ERROR_READ_ONLY, %CASK_ERROR_PERMISSION, %CASK_ERROR_CORRUPT where something that
 * is no blob is in its place, %CASK_ERROR_IO and the like.
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_store_put (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                CaskPutFlags flags, gboolean *created, GCancellable *cancellable,
                GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), FALSE);
  g_return_val_if_fail (digest != NULL && bytes != NULL, FALSE);

  if (!cask_store_begin (store, digest, cancellable, error))
    return FALSE;
  gboolean success =
      store_check_given (store, digest, bytes, error) &&
      store_put_checked (store, digest, bytes, flags, created, cancellable, error);
  cask_store_leave (store);
  return success;
}

/**
 * cask_store_add:
 * @store: a store
 * @bytes: the blob; kept by reference where the store is in memory, unless %CASK_PUT_COPY
 * is given
 * @algorithm: the hash to name it by
 * @flags: how to put
 * @digest: (out caller-allocates): what @bytes hash to
 * @created: (out) (optional): whether this call made the blob
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Stores a blob whose digest is not known yet. Otherwise as cask_store_put().
 *
 * Errors: %CASK_ERROR_INVALID_DIGEST where @algorithm is not known; those of
 * cask_store_put().
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_store_add (CaskStore *store, GBytes *bytes, CaskAlgorithm algorithm,
                CaskPutFlags flags, CaskDigest *digest, gboolean *created,
                GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), FALSE);
  g_return_val_if_fail (bytes != NULL && digest != NULL, FALSE);

  CaskDigest name = { .algorithm = (guint8) algorithm };
  if (!cask_store_begin (store, &name, cancellable, error))
    return FALSE;
  cask_digest_of_bytes (bytes, algorithm, &name);
  gboolean success =
      store_put_checked (store, &name, bytes, flags, created, cancellable, error);
  cask_store_leave (store);
  if (success)
    *digest = name;
  return success;
}

/* Whether an item's bytes can be put together with others'. What needs healing is put by
 * itself, unless all are to replace what is there. */
static gboolean
store_check_item (CaskStore *store, CaskItem *item, gint64 parameter,
                  GCancellable *cancellable)
{
  CaskPutFlags flags = (CaskPutFlags) parameter;
  gboolean created = FALSE;

  if (!store_check_given (store, item->digest, item->bytes, &item->error))
    return FALSE;
  if ((flags & CASK_PUT_VERIFY_EXISTING) ||
      !cask_verified_is_corrupt (store->verified, item->digest))
    return TRUE;
  if (store_put_checked (store, item->digest, item->bytes, flags, &created, cancellable,
                         &item->error))
    item->outcome = created;
  return FALSE;
}

static gboolean
store_put_call (CaskStore *store, CaskItem *items, gsize n_items, gint64 parameter,
                GCancellable *cancellable, GError **error)
{
  guint32 backend_flags = store_asked_flags ((CaskPutFlags) parameter);

  if (!cask_node_ops.put_many (cask_store_root (store), items, n_items, backend_flags,
                               cancellable, error))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    {
      if (items[i].error == NULL && (backend_flags & CASK_PUT_REPLACE))
        cask_verified_clear_corrupt (store->verified, items[i].digest);
      cask_store_fail (store, items[i].digest, &items[i].error);
    }
  return TRUE;
}

void
cask_store_put_items (CaskStore *store, CaskItem *items, gsize n_items,
                      CaskPutFlags flags, GCancellable *cancellable)
{
  cask_store_group (store, items, n_items, store_check_item, store_put_call, flags,
                    cancellable);
}

void
cask_store_put_group (CaskStore *store, CaskItem *items, gsize n_items)
{
  g_autoptr (GError) failure = NULL;

  if (!cask_store_enter (store, &failure))
    {
      for (gsize i = 0; i < n_items; i++)
        items[i].error = g_error_copy (failure);
      return;
    }
  cask_store_put_items (store, items, n_items, CASK_PUT_NONE, NULL);
  cask_store_leave (store);
}
