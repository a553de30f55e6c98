/* SPDX-License-Identifier: Apache-2.0
 *
 * store-put.c: bytes on their way in.
 *
 * The core hashes what it is given, so what a backend stores under a digest was right
 * when it was handed over. A put also heals: where this process has found the blob
 * corrupt, or the caller doubts it, the backend is asked to replace whatever it has. */
#include "store-private.h"

#include <cask/cask-digest.h>

#include "error-private.h"
#include "hasher-private.h"

static guint32
store_backend_flags (CaskStore *store, const CaskDigest *digest, CaskPutFlags flags)
{
  guint32 backend_flags = flags & CASK_PUT_COPY ? 0 : CASK_PUT_KEEP;

  if ((flags & CASK_PUT_VERIFY_EXISTING) ||
      cask_verified_is_corrupt (store->verified, digest))
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
  guint32 backend_flags = store_backend_flags (store, digest, flags);

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
  cask_error_prefix (error, store->root->name, NULL);
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

/* Checks the items one by one, and copies those that can be put together to `fitting`;
 * what needs healing is put by itself. Returns: how many fit */
static gsize
store_sort_group (CaskStore *store, CaskItem *items, gsize n_items, gsize *places,
                  CaskItem *fitting)
{
  gsize n = 0;

  for (gsize i = 0; i < n_items; i++)
    {
      CaskItem *item = &items[i];
      gboolean created = FALSE;

      if (!cask_digest_check (item->digest, &item->error) ||
          !store_check_given (store, item->digest, item->bytes, &item->error))
        continue;
      if (!cask_verified_is_corrupt (store->verified, item->digest))
        {
          places[n] = i;
          fitting[n++] = *item;
        }
      else if (store_put_checked (store, item->digest, item->bytes, CASK_PUT_NONE,
                                  &created, NULL, &item->error))
        item->outcome = created;
    }
  return n;
}

void
cask_store_put_group (CaskStore *store, CaskItem *items, gsize n_items)
{
  g_autofree CaskItem *fitting = g_new0 (CaskItem, n_items);
  g_autofree gsize *places = g_new0 (gsize, n_items);
  g_autoptr (GError) failure = NULL;

  if (!cask_store_enter (store, &failure))
    {
      for (gsize i = 0; i < n_items; i++)
        items[i].error = g_error_copy (failure);
      return;
    }
  gsize n = store_sort_group (store, items, n_items, places, fitting);
  if (n > 0)
    cask_node_ops.put_many (cask_store_root (store), fitting, n, CASK_PUT_KEEP, NULL,
                            &failure);
  for (gsize i = 0; i < n; i++)
    {
      CaskItem *item = &items[places[i]];
      *item = fitting[i];
      if (failure != NULL)
        item->error = g_error_copy (failure);
      cask_store_fail (store, item->digest, &item->error);
    }
  cask_store_leave (store);
}
