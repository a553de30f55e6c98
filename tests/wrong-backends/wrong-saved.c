/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-saved.c: the uploads of `wrong` that wait to be gone on with. */
#include "wrong.h"

#define SAVED_PREFIX 8 /* characters, that RESUME_BY_PREFIX looks at */

static gboolean
saved_fail (GError **error, CaskError code, const char *what)
{
  g_set_error_literal (error, CASK_ERROR, (gint) code, what);
  return FALSE;
}

/* Whoever has an id has the upload, so it is not to be guessed. */
static char *
saved_make_id (WrongPlace *place)
{
  return g_strdup_printf ("%08x%08x%08x%08x-%" G_GUINT64_FORMAT, g_random_int (),
                          g_random_int (), g_random_int (), g_random_int (),
                          ++place->last_id);
}

static void
saved_enter_locked (CaskBackend *self, CaskBackendUpload *upload, GBytes *state)
{
  WrongPlace *place = self->place;

  if (upload->id != NULL && wrong_is (self, WRONG_SAVE_CHANGES_ID))
    {
      g_hash_table_remove (place->saved, upload->id);
      g_clear_pointer (&upload->id, g_free);
    }
  if (upload->id == NULL)
    upload->id = saved_make_id (place);
  g_clear_pointer (&upload->state, g_bytes_unref);
  upload->state = g_bytes_new (g_bytes_get_data (state, NULL), g_bytes_get_size (state));
  upload->saved_size = upload->data->len;
  upload->saved_usec = wrong_is (self, WRONG_SAVED_WITHOUT_TIME) ? 0 : g_get_real_time ();
  if (wrong_is (self, WRONG_SAVED_TIME_OF_BEGIN))
    upload->saved_usec = upload->begun_usec;
  g_hash_table_replace (place->saved, g_strdup (upload->id), upload);
}

gboolean
wrong_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state, char **id,
                   GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (wrong_is (self, WRONG_CLAIMS_RESUME))
    return saved_fail (error, CASK_ERROR_UNSUPPORTED, "nothing is saved here");
  g_mutex_lock (&self->place->lock);
  saved_enter_locked (self, upload, state);
  *id = g_strdup (upload->id);
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}

/* Returns: (nullable) */
static CaskBackendUpload *
saved_find_locked (CaskBackend *self, const char *id)
{
  GHashTableIter iter;
  gpointer name, upload;

  if (!wrong_is (self, WRONG_RESUME_BY_PREFIX) || strlen (id) < SAVED_PREFIX)
    return g_hash_table_lookup (self->place->saved, id);
  g_hash_table_iter_init (&iter, self->place->saved);
  while (g_hash_table_iter_next (&iter, &name, &upload))
    if (strncmp (name, id, SAVED_PREFIX) == 0)
      return upload;
  return NULL;
}

/* Returns: FALSE where it is in use */
static gboolean
saved_take_locked (CaskBackend *self, CaskBackendUpload *upload, GBytes **state,
                   guint64 *offset)
{
  if (upload->n_users > 0 && !wrong_is (self, WRONG_RESUME_FOR_TWO))
    return FALSE;
  upload->n_users++;
  upload->is_committed = FALSE;
  self->place->n_open_uploads++;
  *state = g_bytes_ref (upload->state);
  *offset = upload->saved_size;
  if (wrong_is (self, WRONG_RESUME_AT_WRITTEN))
    *offset = upload->data->len;
  if (wrong_is (self, WRONG_RESUME_OFF_BY_ONE) && *offset > 0)
    --*offset;
  return TRUE;
}

CaskBackendUpload *
wrong_upload_resume (CaskBackend *self, const char *id, GBytes **state, guint64 *offset,
                     GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_mutex_lock (&self->place->lock);
  CaskBackendUpload *upload = saved_find_locked (self, id);
  gboolean is_taken = upload != NULL && saved_take_locked (self, upload, state, offset);
  g_mutex_unlock (&self->place->lock);
  if (is_taken)
    return upload;
  if (upload != NULL)
    saved_fail (error, CASK_ERROR_BUSY, "the upload is in use");
  else
    saved_fail (error, CASK_ERROR_NOT_FOUND, "no such upload");
  return NULL;
}

gboolean
wrong_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                   GCancellable *cancellable, GError **error)
{
  GHashTableIter iter;
  gpointer id, value;
  gboolean goes_on = TRUE;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  /* func calls no slot, so it may be called under the lock. */
  g_mutex_lock (&self->place->lock);
  g_hash_table_iter_init (&iter, self->place->saved);
  while (goes_on && g_hash_table_iter_next (&iter, &id, &value))
    {
      const CaskBackendUpload *upload = value;
      if (upload->n_users == 0 || wrong_is (self, WRONG_SAVED_LISTED_OPEN))
        goes_on = func (id, upload->saved_size, upload->saved_usec, data) &&
                  !wrong_is (self, WRONG_SAVED_LISTS_ONE);
    }
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}
