/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-saved.c: uploads that were saved, and can be resumed by any store of the place.
 *
 *   state            in the table   is_open   moves
 *   begun            no             -         save: open; close: gone
 *   saved and open   yes            TRUE      close (keep): resting; commit, close: gone
 *   resting          yes            FALSE     resume: saved and open
 *
 * A save notes how far the buffer goes, for what lies before that never changes; the
 * close that keeps an upload cuts off what came after. So a resume has nothing to do but
 * to take it, and there is only ever one copy of the bytes.
 *
 * Locks: MemoryUploads.lock, for a look into the table. Nothing of size is copied or
 * freed under it.
 *
 * Failure modes: NO_SPACE where max-uploads are saved; BUSY for one that is open in any
 * store of the process. The last store that closes takes them along. */
#include "memory-private.h"

#include <errno.h>
#include <sys/random.h>

/* memory_saved_init: no upload is saved. */
void
memory_saved_init (MemoryUploads *uploads)
{
  g_mutex_init (&uploads->lock);
}

/* memory_saved_clear: lets go of those that nobody will come back for: all handles are
 * closed. */
void
memory_saved_clear (MemoryUploads *uploads)
{
  if (uploads->saved != NULL)
    {
      GHashTableIter iter;
      gpointer upload;
      g_hash_table_iter_init (&iter, uploads->saved);
      while (g_hash_table_iter_next (&iter, NULL, &upload))
        memory_upload_free (upload);
      g_hash_table_unref (uploads->saved);
    }
  g_mutex_clear (&uploads->lock);
}

/* memory_saved_rest: the handle of a saved upload is closed, and the upload kept. */
void
memory_saved_rest (MemoryUploads *uploads, CaskBackendUpload *upload)
{
  g_mutex_lock (&uploads->lock);
  upload->is_open = FALSE;
  g_mutex_unlock (&uploads->lock);
}

/* memory_saved_forget: nobody can resume the upload any more; it is the caller's. */
void
memory_saved_forget (MemoryUploads *uploads, CaskBackendUpload *upload)
{
  g_mutex_lock (&uploads->lock);
  g_hash_table_remove (uploads->saved, upload->id);
  g_mutex_unlock (&uploads->lock);
  upload->is_saved = FALSE;
}

/* Whoever has the id has the upload: it must not be guessed. */
static gboolean
saved_make_id (char *id, GError **error)
{
  guint8 random[MEMORY_UPLOAD_ID / 2];
  ssize_t count;
  do
    count = getrandom (random, sizeof random, 0);
  while (count < 0 && errno == EINTR);
  if (count != sizeof random)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_IO, "getrandom: %s",
                   count < 0 ? g_strerror (errno) : "too few bytes");
      return FALSE;
    }
  for (gsize i = 0; i < sizeof random; i++)
    g_snprintf (id + 2 * i, 3, "%02x", random[i]);
  return TRUE;
}

/* Returns: whether there was room for one more. */
static gboolean
saved_enter_locked (MemoryPlace *place, CaskBackendUpload *upload)
{
  MemoryUploads *uploads = &place->uploads;
  if (uploads->saved == NULL)
    uploads->saved = g_hash_table_new (g_str_hash, g_str_equal);
  guint64 limit = place->settings.max_uploads;
  if (limit != 0 && g_hash_table_size (uploads->saved) >= limit)
    return FALSE;
  g_hash_table_insert (uploads->saved, upload->id, upload);
  return TRUE;
}

/* Takes *state, and leaves there what was kept before. */
static gboolean
saved_note (MemoryPlace *place, CaskBackendUpload *upload, GBytes **state)
{
  g_mutex_lock (&place->uploads.lock);
  gboolean is_noted = upload->is_saved || saved_enter_locked (place, upload);
  if (is_noted)
    {
      GBytes *before = upload->state;
      upload->state = *state;
      *state = before;
      upload->saved_size = atomic_load (&upload->size);
      upload->saved_usec = g_get_real_time ();
    }
  g_mutex_unlock (&place->uploads.lock);
  upload->is_saved = is_noted;
  return is_noted;
}

/* The state is copied: that it may be kept, nobody said. */
gboolean
memory_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                    char **id, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (upload->is_committed)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CLOSED,
                           "the upload is committed: nothing is left to save");
      return FALSE;
    }
  if (upload->id[0] == '\0' && !saved_make_id (upload->id, error))
    return FALSE;
  gsize size;
  gconstpointer data = g_bytes_get_data (state, &size);
  g_autoptr (GBytes) kept = g_bytes_new (data, size);
  if (!saved_note (self->place, upload, &kept))
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_NO_SPACE,
                   "max-uploads: %" G_GUINT64_FORMAT " uploads are saved already: "
                   "commit, abort or expire some, or raise the limit",
                   self->place->settings.max_uploads);
      return FALSE;
    }
  *id = g_strdup (upload->id);
  return TRUE;
}

static gboolean
saved_fail_resume (gboolean is_there, GError **error)
{
  if (is_there)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_BUSY,
                         "the upload is open already");
  else
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND,
                         "no such upload is saved");
  return FALSE;
}

CaskBackendUpload *
memory_upload_resume (CaskBackend *self, const char *id, GBytes **state, guint64 *offset,
                      GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  MemoryUploads *uploads = &self->place->uploads;
  g_mutex_lock (&uploads->lock);
  CaskBackendUpload *upload =
      uploads->saved != NULL ? g_hash_table_lookup (uploads->saved, id) : NULL;
  gboolean is_free = upload != NULL && !upload->is_open;
  if (is_free)
    upload->is_open = TRUE;
  g_mutex_unlock (&uploads->lock);
  if (!is_free)
    return saved_fail_resume (upload != NULL, error), NULL;
  *state = g_bytes_ref (upload->state);
  *offset = upload->saved_size;
  return upload;
}

/* ---- The list ---- */

typedef struct
{
  char id[MEMORY_UPLOAD_ID + 1];
  guint64 offset;
  gint64 saved_usec;
} SavedEntry;

static GArray *
saved_collect (MemoryUploads *uploads)
{
  GArray *entries = g_array_new (FALSE, FALSE, sizeof (SavedEntry));
  GHashTableIter iter;
  gpointer data;
  g_mutex_lock (&uploads->lock);
  if (uploads->saved != NULL)
    {
      g_hash_table_iter_init (&iter, uploads->saved);
      while (g_hash_table_iter_next (&iter, NULL, &data))
        {
          const CaskBackendUpload *upload = data;
          SavedEntry entry = { .offset = upload->saved_size,
                               .saved_usec = upload->saved_usec };
          memcpy (entry.id, upload->id, sizeof entry.id);
          if (!upload->is_open)
            g_array_append_val (entries, entry);
        }
    }
  g_mutex_unlock (&uploads->lock);
  return entries;
}

gboolean
memory_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                    GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) entries = saved_collect (&self->place->uploads);
  for (guint i = 0; i < entries->len; i++)
    {
      const SavedEntry *entry = &g_array_index (entries, SavedEntry, i);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (!func (entry->id, entry->offset, entry->saved_usec, data))
        break;
    }
  return TRUE;
}
