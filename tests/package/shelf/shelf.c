/* SPDX-License-Identifier: Apache-2.0
 *
 * shelf.c: a backend as somebody else would write it: blobs in one sorted tree under one
 * lock.
 *
 * Invariants: the bytes of a blob never change; a put hit renews its time only.
 * Locks: `lock` guards the tree and all in it; bytes leave by reference and outlive it.
 */
#include <cask/cask-plugin.h>

struct _CaskBackend
{
  GMutex lock;
  GTree *blobs; /* CaskDigest -> ShelfBlob */
};

typedef struct
{
  CaskDigest digest;
  GBytes *bytes;
  gint64 mtime_usec;
} ShelfBlob;

static void
shelf_blob_free (gpointer data)
{
  ShelfBlob *blob = data;
  g_bytes_unref (blob->bytes);
  g_free (blob);
}

static int
shelf_compare (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  return cask_digest_compare (a, b);
}

static CaskBackend *
shelf_open (G_GNUC_UNUSED const CaskOpenArgs *args,
            G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  g_mutex_init (&self->lock);
  self->blobs = g_tree_new_full (shelf_compare, NULL, NULL, shelf_blob_free);
  return self;
}

static void
shelf_close (CaskBackend *self)
{
  g_tree_unref (self->blobs);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static CaskBlobInfo
shelf_describe (const ShelfBlob *blob)
{
  return (CaskBlobInfo){ .digest = blob->digest,
                         .size = g_bytes_get_size (blob->bytes),
                         .mtime_usec = blob->mtime_usec };
}

static gboolean
shelf_fail_absent (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "not on the shelf");
  return FALSE;
}

static gboolean
shelf_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
           gboolean *created, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  ShelfBlob *blob = g_tree_lookup (self->blobs, digest);
  *created = blob == NULL;
  if (blob == NULL || (flags & CASK_PUT_REPLACE) != 0 ||
      g_bytes_get_size (blob->bytes) != g_bytes_get_size (bytes))
    {
      blob = g_new0 (ShelfBlob, 1);
      blob->digest = *digest;
      blob->bytes =
          (flags & CASK_PUT_KEEP) != 0
              ? g_bytes_ref (bytes)
              : g_bytes_new (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_tree_replace (self->blobs, &blob->digest, blob);
    }
  blob->mtime_usec = g_get_real_time ();
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static GBytes *
shelf_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
           G_GNUC_UNUSED guint32 flags, CaskBlobInfo *info,
           G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_mutex_lock (&self->lock);
  const ShelfBlob *blob = g_tree_lookup (self->blobs, digest);
  if (blob != NULL)
    {
      bytes = g_bytes_ref (blob->bytes);
      *info = shelf_describe (blob);
    }
  g_mutex_unlock (&self->lock);
  if (bytes == NULL)
    {
      shelf_fail_absent (error);
      return NULL;
    }
  if (!cask_range_clamp (g_bytes_get_size (bytes), offset, &length))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                           "range: starts past the end of the blob");
      return NULL;
    }
  return g_bytes_new_from_bytes (bytes, offset, length);
}

static gboolean
shelf_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
            CaskBlobInfo *info, G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  g_mutex_lock (&self->lock);
  ShelfBlob *blob = g_tree_lookup (self->blobs, digest);
  if (blob != NULL)
    {
      if ((flags & CASK_STAT_FRESHEN) != 0)
        blob->mtime_usec = g_get_real_time ();
      *info = shelf_describe (blob);
    }
  g_mutex_unlock (&self->lock);
  return blob != NULL || shelf_fail_absent (error);
}

static gboolean
shelf_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
              CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  const ShelfBlob *blob = g_tree_lookup (self->blobs, digest);
  if (blob == NULL)
    *outcome = CASK_REMOVED_ABSENT;
  else if (blob->mtime_usec < unused_since_usec)
    {
      g_tree_remove (self->blobs, digest);
      *outcome = CASK_REMOVED_DONE;
    }
  else
    *outcome = CASK_REMOVED_KEPT;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
shelf_list (CaskBackend *self, const CaskDigest *after, G_GNUC_UNUSED guint32 flags,
            CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
            GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  guint32 n = 0;
  g_mutex_lock (&self->lock);
  GTreeNode *node = after != NULL ? g_tree_upper_bound (self->blobs, after)
                                  : g_tree_node_first (self->blobs);
  for (; node != NULL && n < *n_infos; node = g_tree_node_next (node))
    infos[n++] = shelf_describe (g_tree_node_value (node));
  *more = node != NULL;
  g_mutex_unlock (&self->lock);
  *n_infos = n;
  return TRUE;
}

static const CaskBackendOps shelf_ops = { .size = sizeof (CaskBackendOps),
                                          .open = shelf_open,
                                          .close = shelf_close,
                                          .put = shelf_put,
                                          .get = shelf_get,
                                          .stat = shelf_stat,
                                          .remove = shelf_remove,
                                          .list = shelf_list };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND, .location = CASK_LOCATION_NONE,
                    .capabilities = CASK_CAPABILITY_WRITE |
                                    CASK_CAPABILITY_EXACT_CREATED |
                                    CASK_CAPABILITY_FRESHENS |
                                    CASK_CAPABILITY_REMOVE_UNUSED,
                    .name = "shelf", .version = "1.0",
                    .summary = "keeps blobs in one sorted tree", .license = "Apache-2.0",
                    .ops = &shelf_ops)
