/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-upload.c: how a blob comes into `wrong` in pieces. */
#include "wrong.h"

/* Shows what is no blob yet, under a name. */
static void
upload_show_locked (WrongPlace *place, CaskBackendUpload *upload,
                    const CaskDigest *digest, GBytes *bytes)
{
  if (g_tree_lookup (place->blobs, digest) != NULL)
    return;
  upload->shown = *digest;
  wrong_insert_locked (place, digest, bytes);
}

static void
upload_unshow_locked (WrongPlace *place, CaskBackendUpload *upload)
{
  if (upload->shown.algorithm != 0)
    g_tree_remove (place->blobs, &upload->shown);
  upload->shown.algorithm = 0;
}

CaskBackendUpload *
wrong_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                    GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  upload->data = g_byte_array_new ();
  upload->begun_usec = g_get_real_time ();
  upload->n_users = 1;
  g_mutex_lock (&self->place->lock);
  upload->is_trusted = wrong_is (self, WRONG_UPLOAD_TRUSTS_BEGIN) &&
                       spec->digest != NULL &&
                       wrong_find_locked (self, spec->digest) != NULL;
  self->place->n_open_uploads++;
  if (wrong_is (self, WRONG_VISIBLE_AT_BEGIN) && spec->digest != NULL)
    {
      g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
      upload_show_locked (self->place, upload, spec->digest, nothing);
    }
  g_mutex_unlock (&self->place->lock);
  return upload;
}

gboolean
wrong_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                    GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk, &size);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (wrong_is (self, WRONG_CANCELLED_CHUNK_LOST))
    {
      wrong_dawdle (1000);
      if (g_cancellable_is_cancelled (cancellable))
        return TRUE;
    }
  g_mutex_lock (&self->place->lock);
  gboolean is_lost = wrong_is (self, WRONG_UPLOAD_LOSES_CHUNK) && upload->n_chunks == 1;
  if (!is_lost)
    g_byte_array_append (upload->data, data, (guint) size);
  upload->n_chunks++;
  upload->written_usec = g_get_real_time ();
  if (wrong_is (self, WRONG_VISIBLE_AT_WRITE))
    {
      CaskDigest name = { .algorithm = CASK_ALGORITHM_SHA256 };
      memcpy (name.bytes, &upload, sizeof upload);
      upload_show_locked (self->place, upload, &name, chunk);
    }
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}

static void
upload_settle_locked (CaskBackend *self, CaskBackendUpload *upload,
                      const CaskDigest *digest)
{
  WrongPlace *place = self->place;
  WrongBlob *blob = g_tree_lookup (place->blobs, digest);

  upload->is_committed = TRUE;
  if (wrong_is (self, WRONG_UPLOAD_TIME_OF_BEGIN) && blob != NULL)
    blob->info.mtime_usec = upload->begun_usec;
  if (wrong_is (self, WRONG_UPLOAD_TIME_OF_WRITE) && blob != NULL)
    blob->info.mtime_usec = upload->written_usec;
  if (wrong_is (self, WRONG_UPLOAD_TIME_OF_SAVE) && blob != NULL && upload->id != NULL)
    blob->info.mtime_usec = upload->saved_usec;
  if (upload->id != NULL && !wrong_is (self, WRONG_RESUME_AFTER_COMMIT))
    g_hash_table_remove (place->saved, upload->id);
}

gboolean
wrong_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                     const CaskDigest *digest, guint32 flags, gboolean *created,
                     GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  *created = FALSE;
  if (upload->is_trusted)
    {
      upload->is_committed = TRUE;
      return TRUE;
    }
  g_mutex_lock (&self->place->lock);
  upload_unshow_locked (self->place, upload);
  gboolean was_there = wrong_find_locked (self, digest) != NULL;
  if (wrong_is (self, WRONG_UPLOAD_CREATED_TWICE))
    {
      g_mutex_unlock (&self->place->lock);
      wrong_dawdle (500);
      g_mutex_lock (&self->place->lock);
    }
  g_autoptr (GBytes) bytes = g_bytes_new (upload->data->data, upload->data->len);
  *created = wrong_store_locked (self, digest, bytes, flags);
  upload_settle_locked (self, upload, digest);
  g_mutex_unlock (&self->place->lock);

  if (wrong_is (self, WRONG_UPLOAD_CREATED_ALWAYS))
    *created = TRUE;
  if (wrong_is (self, WRONG_UPLOAD_CREATED_TWICE))
    *created = !was_there;
  if (!wrong_is (self, WRONG_CANCELLED_COMMIT_STORED))
    return TRUE;
  wrong_dawdle (500);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
upload_forget_locked (CaskBackend *self, CaskBackendUpload *upload)
{
  WrongPlace *place = self->place;

  upload_unshow_locked (place, upload);
  if (upload->id != NULL)
    g_hash_table_remove (place->saved, upload->id);
  if (wrong_is (self, WRONG_ABORT_LEAVES_BYTES) && !upload->is_committed)
    place->leaked_bytes += upload->data->len;
  wrong_upload_free (upload);
}

void
wrong_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  gboolean is_saved =
      upload->state != NULL &&
      (!upload->is_committed || wrong_is (self, WRONG_RESUME_AFTER_COMMIT));

  if (wrong_is (self, WRONG_ABORT_KEEPS_SAVED) ||
      wrong_is (self, WRONG_RESUME_AFTER_COMMIT))
    keep = TRUE;
  g_mutex_lock (&self->place->lock);
  self->place->n_open_uploads--;
  gboolean is_last = --upload->n_users == 0;
  if (is_last && keep && is_saved)
    {
      if (!wrong_is (self, WRONG_RESUME_AT_WRITTEN))
        g_byte_array_set_size (upload->data, (guint) upload->saved_size);
      if (wrong_is (self, WRONG_SAVES_BLOCKS))
        g_byte_array_set_size (upload->data, (guint) upload->saved_size / 4096 * 4096);
    }
  else if (is_last)
    upload_forget_locked (self, upload);
  g_mutex_unlock (&self->place->lock);
}

gboolean
wrong_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                   void *buffer, gsize count, gsize *n_read, GCancellable *cancellable,
                   GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->place->lock);
  guint64 left = upload->data->len - MIN (offset, upload->data->len);
  *n_read = (gsize) MIN (count, left);
  if (*n_read > 0)
    memcpy (buffer, upload->data->data + offset, *n_read);
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}
