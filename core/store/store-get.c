/* SPDX-License-Identifier: Apache-2.0
 *
 * store-get.c: bytes on their way out.
 *
 * Whole blobs are hashed before they are handed out, as the store's policy says:
 * `always`; `changed`, unless this process has verified this very copy (same version)
 * before; or `never`. Corrupt bytes are never returned. The backend is told which copy
 * was bad, for it may have another. */
#include "store-private.h"

#include "error-private.h"
#include "hasher-private.h"

/* The version under which a copy is remembered. Where bytes can not change, any copy is
 * every copy. */
static guint64
store_version (CaskStore *store, const CaskBlobInfo *info)
{
  gboolean immutable = (store->capabilities & CASK_CAPABILITY_IMMUTABLE) != 0;
  return immutable && info->version == 0 ? 1 : info->version;
}

gboolean
cask_store_must_hash (CaskStore *store, const CaskBlobInfo *info)
{
  switch (store->policy)
    {
    case CASK_VERIFY_ALWAYS:
      return TRUE;
    case CASK_VERIFY_NEVER:
      return FALSE;
    default:
      return !cask_verified_knows (store->verified, &info->digest,
                                   store_version (store, info));
    }
}

gboolean
cask_store_check_hash (CaskStore *store, const CaskBlobInfo *info,
                       const CaskDigest *actual, GError **error)
{
  if (G_LIKELY (cask_digest_equal (&info->digest, actual)))
    {
      cask_verified_remember (store->verified, &info->digest,
                              store_version (store, info));
      cask_verified_clear_corrupt (store->verified, &info->digest);
      return TRUE;
    }
  cask_verified_mark_corrupt (store->verified, &info->digest);
  cask_error_set_mismatch (error, CASK_ERROR_CORRUPT, &info->digest, actual);
  return FALSE;
}

gboolean
cask_store_check_bytes (CaskStore *store, const CaskBlobInfo *info, GBytes *bytes,
                        GError **error)
{
  CaskDigest actual;
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  cask_hash (info->digest.algorithm, data, size, &actual);
  return cask_store_check_hash (store, info, &actual, error);
}

gboolean
cask_store_condemn (CaskStore *store, const CaskBlobInfo *info, GCancellable *cancellable)
{
  gboolean again = FALSE;

  /* That it could not even be told changes nothing for the caller, who gets CORRUPT
   * either way. */
  cask_node_ops.condemn (cask_store_root (store), &info->digest, info->version, 0, &again,
                         cancellable, NULL);
  return again;
}

/* How much is read before the size of a blob is known: more is asked for once it is known
 * to be allowed. */
#define GET_FIRST (64u << 20)

G_NO_INLINE static gboolean
store_refuse_size (CaskStore *store, guint64 size, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
               "%" G_GUINT64_FORMAT " bytes are more than max-get (%" G_GUINT64_FORMAT
               "); read it in ranges of at most that",
               size, store->max_get);
  return FALSE;
}

static inline gboolean
store_check_size (CaskStore *store, guint64 size, GError **error)
{
  return G_LIKELY (size <= store->max_get) || store_refuse_size (store, size, error);
}

/* Reads at most `limit` bytes; info tells how many there are. */
static GBytes *
store_read_start (CaskStore *store, const CaskDigest *digest, guint64 limit,
                  CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  GBytes *bytes = cask_node_ops.get (cask_store_root (store), digest, 0, limit, 0, info,
                                     cancellable, error);

  if (bytes == NULL && g_error_matches (*error, CASK_ERROR, CASK_ERROR_CORRUPT))
    cask_verified_mark_corrupt (store->verified, digest);
  return bytes;
}

/* error must not be NULL. */
static GBytes *
store_read_whole (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
                  GCancellable *cancellable, GError **error)
{
  guint64 limit = MIN (GET_FIRST, store->max_get);
  g_autoptr (GBytes) bytes =
      store_read_start (store, digest, limit, info, cancellable, error);

  if (bytes == NULL || !store_check_size (store, info->size, error))
    return NULL;
  if (info->size <= limit)
    return g_steal_pointer (&bytes);

  g_clear_pointer (&bytes, g_bytes_unref);
  bytes = store_read_start (store, digest, store->max_get, info, cancellable, error);
  if (bytes == NULL || !store_check_size (store, info->size, error))
    return NULL;
  return g_steal_pointer (&bytes);
}

/* Reads until a copy is good or there is none left. */
GBytes *
cask_store_get_verified (CaskStore *store, const CaskDigest *digest,
                         GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;

  for (guint copy = 0;; copy++)
    {
      g_autoptr (GError) failure = NULL;
      g_autoptr (GBytes) bytes =
          store_read_whole (store, digest, &info, cancellable, &failure);
      if (bytes != NULL)
        {
          if (!cask_store_must_hash (store, &info))
            return g_steal_pointer (&bytes);
          if (cask_store_check_bytes (store, &info, bytes, &failure))
            return g_steal_pointer (&bytes);
          if (copy < CASK_STORE_COPIES && cask_store_condemn (store, &info, cancellable))
            continue;
        }
      g_propagate_error (error, g_steal_pointer (&failure));
      cask_store_fail (store, digest, error);
      return NULL;
    }
}

/**
 * cask_store_get:
 * @store: a store
 * @digest: a digest
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Reads a whole blob. What is returned hashes to @digest, unless the store was opened
 * with `verify=never`.
 *
 * Errors: %CASK_ERROR_NOT_FOUND; %CASK_ERROR_CORRUPT, with both digests where the bytes
 * could be read at all: a put heals it; %CASK_ERROR_TOO_LARGE over the store's `max-get`;
 * %CASK_ERROR_IO and the like.
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL
 *
 * Since: 1.0
 */
GBytes *
cask_store_get (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, NULL);

  if (!cask_store_begin (store, digest, cancellable, error))
    return NULL;
  GBytes *bytes = cask_store_get_verified (store, digest, cancellable, error);
  cask_store_leave (store);
  return bytes;
}

/* A range that may be longer than max-get is measured first, rather than read and thrown
 * away. */
static gboolean
store_check_range (CaskStore *store, const CaskDigest *digest, guint64 offset,
                   guint64 length, GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;

  if (length <= store->max_get)
    return TRUE;
  if (!cask_node_ops.stat (cask_store_root (store), digest, 0, &info, cancellable, error))
    return FALSE;
  return offset > info.size ||
         store_check_size (store, MIN (length, info.size - offset), error);
}

/**
 * cask_store_get_range:
 * @store: a store
 * @digest: a digest
 * @offset: of the first byte
 * @length: in bytes; %CASK_TO_END for the rest; clamped to the end of the blob
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Reads a part of a blob. A part can not be verified: only cask_store_get() and
 * cask_store_verify() look at every byte.
 *
 * Errors: %CASK_ERROR_INVALID_RANGE where @offset is greater than the blob's size (equal
 * to it is an empty range); %CASK_ERROR_TOO_LARGE where the range is over the store's
 * `max-get`; those of cask_store_get().
 *
 * Returns: (transfer full) (nullable): the bytes, or %NULL
 *
 * Since: 1.0
 */
GBytes *
cask_store_get_range (CaskStore *store, const CaskDigest *digest, guint64 offset,
                      guint64 length, GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;

  g_return_val_if_fail (CASK_IS_STORE (store) && digest != NULL, NULL);

  if (!cask_store_begin (store, digest, cancellable, error))
    return NULL;
  g_autoptr (GBytes) bytes = NULL;
  if (store_check_range (store, digest, offset, length, cancellable, error))
    bytes =
        cask_node_ops.get (cask_store_root (store), digest, offset,
                           MIN (length, store->max_get), 0, &info, cancellable, error);
  if (bytes == NULL)
    cask_store_fail (store, digest, error);
  cask_store_leave (store);
  return g_steal_pointer (&bytes);
}
