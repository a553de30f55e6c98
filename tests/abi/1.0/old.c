/* SPDX-License-Identifier: Apache-2.0
 *
 * old.c: a plugin of ABI 1.0 for ever: blobs, and the table. */
#include "old.h"

struct _CaskBackendBlob
{
  GBytes *bytes;
};

gboolean
old_fail (GError **error, CaskError code, const char *message)
{
  g_set_error_literal (error, CASK_ERROR, (int) code, message);
  return FALSE;
}

static gint
old_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  (void) data;
  return cask_digest_compare (a, b);
}

static void
old_blob_free (gpointer data)
{
  OldBlob *blob = data;
  g_bytes_unref (blob->bytes);
  g_free (blob);
}

/* ---- Life ---- */

static CaskBackend *
old_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  if (args->size < sizeof *args || args->host->size < sizeof *args->host)
    {
      old_fail (error, CASK_ERROR_IO, "open: the host's tables are shorter than 1.0's");
      return NULL;
    }
  CaskBackend *self = g_new0 (CaskBackend, 1);
  g_mutex_init (&self->lock);
  self->blobs = g_tree_new_full (old_compare, NULL, NULL, old_blob_free);
  self->saved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, old_saved_free);
  self->room = args->values[0].number;
  self->hashed_ids = args->values[1].number == 1;
  self->host = args->host;
  return self;
}

static void
old_close (CaskBackend *self)
{
  g_hash_table_destroy (self->saved);
  g_tree_destroy (self->blobs);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static guint64
old_capabilities (CaskBackend *self)
{
  (void) self;
  return CASK_CAPABILITY_WRITE | CASK_CAPABILITY_EXACT_CREATED |
         CASK_CAPABILITY_FRESHENS | CASK_CAPABILITY_REMOVE_UNUSED |
         CASK_CAPABILITY_READS_OUTLIVE_REMOVE | CASK_CAPABILITY_RESUME;
}

/* ---- Blobs ---- */

/* With the lock held. */
static OldBlob *
old_lookup (CaskBackend *self, const CaskDigest *digest, GError **error)
{
  OldBlob *blob = g_tree_lookup (self->blobs, digest);

  if (blob == NULL)
    old_fail (error, CASK_ERROR_NOT_FOUND, "no such blob");
  return blob;
}

/* With the lock held; takes bytes where it succeeds. */
static gboolean
old_insert (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint64 freed)
{
  gsize size = g_bytes_get_size (bytes);

  if (self->room > 0 && (size > self->room || self->used - freed > self->room - size))
    return FALSE;
  OldBlob *blob = g_new0 (OldBlob, 1);
  blob->bytes = bytes;
  blob->info.digest = *digest;
  blob->info.size = size;
  blob->info.mtime_usec = g_get_real_time ();
  blob->info.version = ++self->versions;
  g_tree_replace (self->blobs, &blob->info.digest, blob);
  self->used += size - freed;
  return TRUE;
}

gboolean
old_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
         gboolean *created, GCancellable *cancellable, GError **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  g_autoptr (GBytes) kept =
      (flags & CASK_PUT_KEEP) != 0 ? g_bytes_ref (bytes) : g_bytes_new (data, size);
  gboolean success = TRUE;

  (void) cancellable;
  g_mutex_lock (&self->lock);
  OldBlob *old = g_tree_lookup (self->blobs, digest);
  gboolean was_there = old != NULL;
  if (was_there && (flags & CASK_PUT_REPLACE) == 0 && old->info.size == size)
    old->info.mtime_usec = g_get_real_time ();
  else if (old_insert (self, digest, kept, was_there ? old->info.size : 0))
    kept = NULL;
  else
    success = FALSE;
  g_mutex_unlock (&self->lock);

  if (!success)
    return old_fail (error, CASK_ERROR_NO_SPACE, "put: all of `room` is in use");
  *created = !was_there;
  return TRUE;
}

GBytes *
old_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
         guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  GBytes *bytes = NULL;

  (void) flags;
  (void) cancellable;
  g_mutex_lock (&self->lock);
  OldBlob *blob = old_lookup (self, digest, error);
  if (blob != NULL && !cask_range_clamp (blob->info.size, offset, &length))
    old_fail (error, CASK_ERROR_INVALID_RANGE, "the range starts past the end");
  else if (blob != NULL)
    {
      bytes = g_bytes_new_from_bytes (blob->bytes, (gsize) offset, (gsize) length);
      *info = blob->info;
    }
  g_mutex_unlock (&self->lock);
  return bytes;
}

gboolean
old_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
          GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  g_mutex_lock (&self->lock);
  OldBlob *blob = old_lookup (self, digest, error);
  if (blob != NULL && (flags & CASK_STAT_FRESHEN) != 0)
    blob->info.mtime_usec = g_get_real_time ();
  if (blob != NULL)
    *info = blob->info;
  g_mutex_unlock (&self->lock);
  return blob != NULL;
}

gboolean
old_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
            CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  OldBlob *blob = g_tree_lookup (self->blobs, digest);
  if (blob == NULL)
    *outcome = CASK_REMOVED_ABSENT;
  else if (blob->info.mtime_usec >= unused_since_usec)
    *outcome = CASK_REMOVED_KEPT;
  else
    {
      self->used -= blob->info.size;
      g_tree_remove (self->blobs, digest);
      *outcome = CASK_REMOVED_DONE;
    }
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
old_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
          guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  guint32 n = 0;

  (void) flags;
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  GTreeNode *node = after != NULL ? g_tree_upper_bound (self->blobs, after)
                                  : g_tree_node_first (self->blobs);
  for (; node != NULL && n < *n_infos; node = g_tree_node_next (node))
    infos[n++] = ((OldBlob *) g_tree_node_value (node))->info;
  g_mutex_unlock (&self->lock);
  *n_infos = n;
  *more = node != NULL;
  return TRUE;
}

/* ---- From a main loop ---- */

static CaskTry
old_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
             guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  CaskTry answer = CASK_TRY_AGAIN;

  (void) flags;
  if (!g_mutex_trylock (&self->lock))
    return CASK_TRY_AGAIN;
  OldBlob *blob = g_tree_lookup (self->blobs, digest);
  if (blob == NULL)
    answer = CASK_TRY_ABSENT;
  else if (cask_range_clamp (blob->info.size, offset, &length) &&
           length <= CASK_TRY_LIMIT)
    {
      *bytes = g_bytes_new_from_bytes (blob->bytes, (gsize) offset, (gsize) length);
      *info = blob->info;
      answer = CASK_TRY_FOUND;
    }
  g_mutex_unlock (&self->lock);
  return answer;
}

static CaskTry
old_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  if (!g_mutex_trylock (&self->lock))
    return CASK_TRY_AGAIN;
  OldBlob *blob = g_tree_lookup (self->blobs, digest);
  if (blob != NULL)
    *info = blob->info;
  g_mutex_unlock (&self->lock);
  return blob != NULL ? CASK_TRY_FOUND : CASK_TRY_ABSENT;
}

/* ---- In pieces ---- */

static CaskBackendBlob *
old_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
               CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  GBytes *bytes = old_get (self, digest, 0, CASK_TO_END, flags, info, cancellable, error);

  if (bytes == NULL)
    return NULL;
  CaskBackendBlob *blob = g_new (CaskBackendBlob, 1);
  blob->bytes = bytes;
  return blob;
}

static gssize
old_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
               gsize count, GCancellable *cancellable, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (blob->bytes, &size);

  (void) self;
  (void) cancellable;
  (void) error;
  if (offset >= size)
    return 0;
  gsize n = MIN (count, size - (gsize) offset);
  memcpy (buffer, data + offset, n);
  return (gssize) n;
}

static void
old_blob_close (CaskBackend *self, CaskBackendBlob *blob)
{
  (void) self;
  g_bytes_unref (blob->bytes);
  g_free (blob);
}

/* ---- The whole ---- */

static gboolean
old_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) cancellable;
  return old_fail (error, CASK_ERROR_UNSUPPORTED, "flush: memory is not durable");
}

static gboolean
old_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  usage->count = (guint64) g_tree_nnodes (self->blobs);
  usage->bytes = usage->stored_bytes = self->used;
  if (self->room > 0)
    usage->limit_bytes = self->room;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
old_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version, guint32 flags,
             gboolean *again, GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) digest;
  (void) version;
  (void) cancellable;
  if ((flags & CASK_CONDEMN_QUARANTINE) != 0)
    return old_fail (error, CASK_ERROR_UNSUPPORTED, "condemn: there is no other place");
  *again = FALSE;
  return TRUE;
}

static const CaskOptionSpec old_options[] = {
  { .name = "room",
    .help = "How many bytes fit; 0: no limit",
    .fallback = "0",
    .type = CASK_OPTION_SIZE },
  { .name = "ids",
    .help = "What the ids of saved uploads look like",
    .fallback = "plain",
    .choices = "plain|hashed",
    .type = CASK_OPTION_CHOICE },
};

static const CaskBackendOps old_ops = {
  .size = sizeof (CaskBackendOps),
  .open = old_open,
  .close = old_close,
  .put = old_put,
  .get = old_get,
  .stat = old_stat,
  .remove = old_remove,
  .list = old_list,
  .capabilities = old_capabilities,
  .try_get = old_try_get,
  .try_stat = old_try_stat,
  .blob_open = old_blob_open,
  .blob_read = old_blob_read,
  .blob_close = old_blob_close,
  .upload_begin = old_upload_begin,
  .upload_write = old_upload_write,
  .upload_commit = old_upload_commit,
  .upload_close = old_upload_close,
  .upload_save = old_upload_save,
  .upload_resume = old_upload_resume,
  .upload_list = old_upload_list,
  .upload_read = old_upload_read,
  .put_many = old_put_many,
  .get_many = old_get_many,
  .contains_many = old_contains_many,
  .remove_many = old_remove_many,
  .flush = old_flush,
  .usage = old_usage,
  .condemn = old_condemn,
};

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (old_options), .kind = CASK_PLUGIN_BACKEND,
                    .location = CASK_LOCATION_NONE, .name = "old", .version = "1.0",
                    .summary = "A plugin of ABI 1.0", .license = "Apache-2.0",
                    .options = old_options, .ops = &old_ops)
