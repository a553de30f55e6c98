/* SPDX-License-Identifier: Apache-2.0
 *
 * near.c: a cache that is right, and has its place for itself: near(FAST, SLOW).
 *
 * Every blob is in SLOW; what is read whole is copied to FAST and read from there. For
 * the contract it is what no backend of the tree is: a layer of two children, of which
 * one may hide that the other is damaged, and a place that one store at a time has open.
 *
 * Invariants: SLOW says what is there. A copy in FAST that is found bad is thrown out,
 * for it may have been filled from bytes that nobody has verified.
 *
 * Locks: near_lock guards near_places. */
#include <cask/cask-plugin.h>

struct _CaskBackend
{
  const CaskChild *fast, *slow;
};

struct _CaskBackendBlob
{
  const CaskChild *child;
  CaskBackendBlob *blob;
};

static GMutex near_lock;
static GHashTable *near_places; /* the names of what is SLOW to an open store */

static CaskBackend *
near_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  const CaskChild *slow = args->children[1];
  g_mutex_lock (&near_lock);
  if (near_places == NULL)
    near_places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean is_first = !g_hash_table_contains (near_places, slow->name) &&
                      g_hash_table_add (near_places, g_strdup (slow->name));
  g_mutex_unlock (&near_lock);
  if (!is_first)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_BUSY, "%s: in use", slow->name);
      return NULL;
    }
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->fast = args->children[0];
  self->slow = slow;
  return self;
}

static void
near_close (CaskBackend *self)
{
  g_mutex_lock (&near_lock);
  g_hash_table_remove (near_places, self->slow->name);
  if (g_hash_table_size (near_places) == 0)
    g_clear_pointer (&near_places, g_hash_table_unref);
  g_mutex_unlock (&near_lock);
  g_free (self);
}

/* Not SHARED: a second process is as little welcome as a second store. */
static guint64
near_capabilities (CaskBackend *self)
{
  const guint64 kept = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_DURABLE |
                       CASK_CAPABILITY_EXACT_CREATED | CASK_CAPABILITY_FRESHENS |
                       CASK_CAPABILITY_REMOVE_UNUSED;
  return (self->slow->capabilities & kept) |
         (self->fast->capabilities & self->slow->capabilities &
          CASK_CAPABILITY_READS_OUTLIVE_REMOVE);
}

static void
near_forget (CaskBackend *self, const CaskDigest *digest)
{
  CaskRemoved outcome;
  CASK_CALL (self->fast, remove, digest, CASK_ALWAYS, &outcome, NULL, NULL);
}

/* The copies' own versions may be the same number. */
static guint64
near_version (guint64 version)
{
  return version != 0 ? version ^ G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) : 0;
}

/* What is known of the copy in FAST, whose time is that of the one in SLOW. */
static void
near_finish_info (CaskBlobInfo *info, const CaskBlobInfo *slow)
{
  info->version = near_version (info->version);
  info->mtime_usec = slow->mtime_usec;
}

static gboolean
near_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  if (!CASK_CALL (self->slow, put, digest, bytes, flags, created, cancellable, error))
    return FALSE;
  if ((flags & CASK_PUT_REPLACE) != 0)
    near_forget (self, digest);
  return TRUE;
}

static GBytes *
near_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  CaskBlobInfo slow;
  if (!CASK_CALL (self->slow, stat, digest, 0, &slow, cancellable, error))
    return NULL;
  GBytes *bytes =
      CASK_CALL (self->fast, get, digest, offset, length, flags, info, cancellable, NULL);
  if (bytes != NULL && info->size == slow.size)
    {
      near_finish_info (info, &slow);
      return bytes;
    }
  g_clear_pointer (&bytes, g_bytes_unref);
  bytes = CASK_CALL (self->slow, get, digest, offset, length, flags, info, cancellable,
                     error);
  gboolean created;
  if (bytes != NULL && g_bytes_get_size (bytes) == info->size &&
      (flags & CASK_READ_SCAN) == 0)
    CASK_CALL (self->fast, put, digest, bytes, 0, &created, cancellable, NULL);
  return bytes;
}

static gboolean
near_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  return CASK_CALL (self->slow, stat, digest, flags, info, cancellable, error);
}

static gboolean
near_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  if (!CASK_CALL (self->slow, remove, digest, unused_since_usec, outcome, cancellable,
                  error))
    return FALSE;
  if (*outcome != CASK_REMOVED_KEPT)
    near_forget (self, digest);
  return TRUE;
}

static gboolean
near_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
           guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  return CASK_CALL (self->slow, list, after, flags, infos, n_infos, more, cancellable,
                    error);
}

static CaskBackendBlob *
near_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  CaskBlobInfo slow;
  if (!CASK_CALL (self->slow, stat, digest, 0, &slow, cancellable, error))
    return NULL;
  const CaskChild *child = self->fast;
  CaskBackendBlob *blob =
      CASK_CALL (child, blob_open, digest, flags, info, cancellable, NULL);
  if (blob != NULL && info->size == slow.size)
    near_finish_info (info, &slow);
  else
    {
      if (blob != NULL)
        CASK_CALL (child, blob_close, blob);
      child = self->slow;
      blob = CASK_CALL (child, blob_open, digest, flags, info, cancellable, error);
    }
  if (blob == NULL)
    return NULL;
  CaskBackendBlob *own = g_new (CaskBackendBlob, 1);
  *own = (CaskBackendBlob){ .child = child, .blob = blob };
  return own;
}

static gssize
near_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
                gsize count, GCancellable *cancellable, GError **error)
{
  (void) self;
  return CASK_CALL (blob->child, blob_read, blob->blob, offset, buffer, count,
                    cancellable, error);
}

static void
near_blob_close (CaskBackend *self, CaskBackendBlob *blob)
{
  (void) self;
  CASK_CALL (blob->child, blob_close, blob->blob);
  g_free (blob);
}

/* Whichever is bad, FAST's goes: it is only a copy. */
static gboolean
near_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version, guint32 flags,
              gboolean *again, GCancellable *cancellable, GError **error)
{
  CaskBlobInfo fast;
  *again = CASK_CALL (self->fast, stat, digest, 0, &fast, cancellable, NULL) &&
           (version == 0 || near_version (fast.version) == version);
  near_forget (self, digest);
  return *again || CASK_CALL (self->slow, condemn, digest, version, flags, again,
                              cancellable, error);
}

static const CaskBackendOps near_ops = { .size = sizeof (CaskBackendOps),
                                         .open = near_open,
                                         .close = near_close,
                                         .put = near_put,
                                         .get = near_get,
                                         .stat = near_stat,
                                         .remove = near_remove,
                                         .list = near_list,
                                         .capabilities = near_capabilities,
                                         .blob_open = near_blob_open,
                                         .blob_read = near_blob_read,
                                         .blob_close = near_blob_close,
                                         .condemn = near_condemn };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_LAYER, .min_children = 2, .max_children = 2,
                    .capabilities = CASK_CAPABILITY_WRITE, .name = "near",
                    .version = "1.0", .summary = "a cache that has its place for itself",
                    .license = "Apache-2.0", .ops = &near_ops)
