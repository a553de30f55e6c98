/* SPDX-License-Identifier: Apache-2.0
 *
 * old-upload.c: uploads, gathered in memory, and those saved to go on with. */
#include "old.h"

#define OLD_LIMIT (1u << 30)

struct _CaskBackendUpload
{
  GByteArray *data; /* the backend's lock: a reader may be beside the writer */
  char *id;         /* NULL until it is saved */
};

typedef struct
{
  GBytes *state;
  GBytes *data;
  gint64 mtime_usec;
  gboolean is_open;
} OldSaved;

void
old_saved_free (gpointer data)
{
  OldSaved *saved = data;
  g_bytes_unref (saved->state);
  g_bytes_unref (saved->data);
  g_free (saved);
}

CaskBackendUpload *
old_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                  GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) cancellable;
  if (spec->size < sizeof *spec)
    {
      old_fail (error, CASK_ERROR_IO, "begin: the host's table is shorter than 1.0's");
      return NULL;
    }
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  upload->data = g_byte_array_new ();
  return upload;
}

gboolean
old_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                  GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk, &size);

  (void) cancellable;
  if (size > OLD_LIMIT - upload->data->len)
    return old_fail (error, CASK_ERROR_TOO_LARGE, "write: over 1 GiB");
  g_mutex_lock (&self->lock);
  g_byte_array_append (upload->data, data, (guint) size);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

gboolean
old_upload_commit (CaskBackend *self, CaskBackendUpload *upload, const CaskDigest *digest,
                   guint32 flags, gboolean *created, GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (upload->data->data, upload->data->len);

  return old_put (self, digest, bytes, flags | CASK_PUT_KEEP, created, cancellable,
                  error);
}

void
old_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  g_mutex_lock (&self->lock);
  OldSaved *saved =
      upload->id != NULL ? g_hash_table_lookup (self->saved, upload->id) : NULL;
  if (saved != NULL)
    saved->is_open = FALSE;
  if (saved != NULL && !keep)
    g_hash_table_remove (self->saved, upload->id);
  g_mutex_unlock (&self->lock);
  g_byte_array_unref (upload->data);
  g_free (upload->id);
  g_free (upload);
}

/* ---- Later ---- */

static char *
old_id_new (CaskBackend *self)
{
  char hex[17] = "";
  CaskDigest digest;

  g_mutex_lock (&self->lock);
  guint64 number = ++self->ids;
  g_mutex_unlock (&self->lock);
  if (!self->hashed_ids)
    return g_strdup_printf ("old-%" G_GUINT64_FORMAT, number);

  CaskHasher *hasher = self->host->hasher_new (self->host, CASK_ALGORITHM_SHA256);
  self->host->hasher_update (hasher, &number, sizeof number);
  self->host->hasher_finish (hasher, &digest);
  for (guint i = 0; i < 8; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", digest.bytes[i]);
  return g_strdup (hex);
}

gboolean
old_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state, char **id,
                 GCancellable *cancellable, GError **error)
{
  OldSaved *saved = g_new0 (OldSaved, 1);

  (void) cancellable;
  (void) error;
  if (upload->id == NULL)
    upload->id = old_id_new (self);
  saved->state = g_bytes_ref (state);
  saved->data = g_bytes_new (upload->data->data, upload->data->len);
  saved->mtime_usec = g_get_real_time ();
  saved->is_open = TRUE;
  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->saved, g_strdup (upload->id), saved);
  g_mutex_unlock (&self->lock);
  *id = g_strdup (upload->id);
  return TRUE;
}

CaskBackendUpload *
old_upload_resume (CaskBackend *self, const char *id, GBytes **state, guint64 *offset,
                   GCancellable *cancellable, GError **error)
{
  CaskBackendUpload *upload = NULL;

  (void) cancellable;
  g_mutex_lock (&self->lock);
  OldSaved *saved = g_hash_table_lookup (self->saved, id);
  if (saved == NULL)
    old_fail (error, CASK_ERROR_NOT_FOUND, "no such upload");
  else if (saved->is_open)
    old_fail (error, CASK_ERROR_BUSY, "the upload is open");
  else
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (saved->data, &size);
      upload = g_new0 (CaskBackendUpload, 1);
      upload->data = g_byte_array_new ();
      g_byte_array_append (upload->data, data, (guint) size);
      upload->id = g_strdup (id);
      saved->is_open = TRUE;
      *state = g_bytes_ref (saved->state);
      *offset = size;
    }
  g_mutex_unlock (&self->lock);
  return upload;
}

typedef struct
{
  char *id;
  guint64 offset;
  gint64 mtime_usec;
} OldEntry;

static void
old_entry_clear (gpointer data)
{
  OldEntry *entry = data;
  g_free (entry->id);
}

gboolean
old_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (OldEntry));
  GHashTableIter iter;
  gpointer id, value;

  (void) cancellable;
  (void) error;
  g_array_set_clear_func (entries, old_entry_clear);
  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->saved);
  while (g_hash_table_iter_next (&iter, &id, &value))
    {
      OldSaved *saved = value;
      OldEntry entry = { g_strdup (id), g_bytes_get_size (saved->data),
                         saved->mtime_usec };
      if (saved->is_open)
        g_free (entry.id);
      else
        g_array_append_val (entries, entry);
    }
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < entries->len; i++)
    {
      OldEntry *entry = &g_array_index (entries, OldEntry, i);
      if (!func (entry->id, entry->offset, entry->mtime_usec, data))
        break;
    }
  return TRUE;
}

gboolean
old_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                 void *buffer, gsize count, gsize *n_read, GCancellable *cancellable,
                 GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  gsize n = offset < upload->data->len ? MIN (count, upload->data->len - offset) : 0;
  if (n > 0)
    memcpy (buffer, upload->data->data + offset, n);
  g_mutex_unlock (&self->lock);
  *n_read = n;
  return TRUE;
}
