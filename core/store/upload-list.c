/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-list.c: the saved uploads of a store, and the end of those that nobody resumed.
 *
 * An upload is expired by resuming it: the backend gives it to one user at a time, so one
 * that is in use is never taken; and only once it is held, the time in what was saved of
 * it decides, so that one which was resumed and saved since it was listed is not taken
 * either. */
#include "upload-private.h"

typedef struct
{
  char *id;
  guint64 offset;
  gint64 saved_usec;
} UploadListItem;

struct _CaskUploadList
{
  gatomicrefcount references;
  GArray *items; /* of UploadListItem */
};

G_DEFINE_BOXED_TYPE (CaskUploadList, cask_upload_list, cask_upload_list_ref,
                     cask_upload_list_unref)

static void
upload_list_clear_item (gpointer item)
{
  g_free (((UploadListItem *) item)->id);
}

static CaskUploadList *
upload_list_new (void)
{
  CaskUploadList *list = g_new0 (CaskUploadList, 1);

  g_atomic_ref_count_init (&list->references);
  list->items = g_array_new (FALSE, FALSE, sizeof (UploadListItem));
  g_array_set_clear_func (list->items, upload_list_clear_item);
  return list;
}

/**
 * cask_upload_list_ref:
 * @list: a list of uploads
 *
 * Returns: (transfer full): @list
 *
 * Since: 1.0
 */
CaskUploadList *
cask_upload_list_ref (CaskUploadList *list)
{
  g_atomic_ref_count_inc (&list->references);
  return list;
}

/**
 * cask_upload_list_unref:
 * @list: (transfer full): a list of uploads
 *
 * Since: 1.0
 */
void
cask_upload_list_unref (CaskUploadList *list)
{
  if (!g_atomic_ref_count_dec (&list->references))
    return;
  g_array_unref (list->items);
  g_free (list);
}

/**
 * cask_upload_list_get_length:
 * @list: a list of uploads
 *
 * Returns: how many uploads there are
 *
 * Since: 1.0
 */
guint
cask_upload_list_get_length (CaskUploadList *list)
{
  g_return_val_if_fail (list != NULL, 0);

  return list->items->len;
}

/**
 * cask_upload_list_get_id:
 * @list: a list of uploads
 * @index: less than cask_upload_list_get_length()
 *
 * Returns: (transfer none): what cask_store_resume_upload() takes
 *
 * Since: 1.0
 */
const char *
cask_upload_list_get_id (CaskUploadList *list, guint index)
{
  g_return_val_if_fail (list != NULL && index < list->items->len, NULL);

  return g_array_index (list->items, UploadListItem, index).id;
}

/**
 * cask_upload_list_get_offset:
 * @list: a list of uploads
 * @index: less than cask_upload_list_get_length()
 *
 * Returns: how many bytes are saved
 *
 * Since: 1.0
 */
guint64
cask_upload_list_get_offset (CaskUploadList *list, guint index)
{
  g_return_val_if_fail (list != NULL && index < list->items->len, 0);

  return g_array_index (list->items, UploadListItem, index).offset;
}

/**
 * cask_upload_list_get_saved_usec:
 * @list: a list of uploads
 * @index: less than cask_upload_list_get_length()
 *
 * Returns: when it was saved last, in microseconds since 1970
 *
 * Since: 1.0
 */
gint64
cask_upload_list_get_saved_usec (CaskUploadList *list, guint index)
{
  g_return_val_if_fail (list != NULL && index < list->items->len, 0);

  return g_array_index (list->items, UploadListItem, index).saved_usec;
}

static gboolean
upload_list_take (const char *id, guint64 offset, gint64 saved_usec, gpointer data)
{
  CaskUploadList *list = data;
  UploadListItem item = { g_strdup (id), offset, saved_usec };

  g_array_append_val (list->items, item);
  return TRUE;
}

/**
 * cask_store_list_uploads:
 * @store: a store
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Lists the uploads that were saved and are not open, in no particular order. The lists
 * of a store in use are out of date when they are made: cask_store_resume_upload() tells.
 *
 * Errors: %CASK_ERROR_UNSUPPORTED where the store does not announce
 * %CASK_CAPABILITY_RESUME; %CASK_ERROR_IO and the like.
 *
 * Returns: (transfer full) (nullable): the uploads, or %NULL
 *
 * Since: 1.0
 */
CaskUploadList *
cask_store_list_uploads (CaskStore *store, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);

  if (!cask_store_begin (store, NULL, cancellable, error))
    return NULL;
  cask_uploads_wait_dropped (store, NULL);
  CaskUploadList *list = upload_list_new ();
  if (!cask_node_ops.upload_list (cask_store_root (store), upload_list_take, list,
                                  cancellable, error))
    {
      cask_store_fail (store, NULL, error);
      g_clear_pointer (&list, cask_upload_list_unref);
    }
  cask_store_leave (store);
  return list;
}

/* Within enter and leave. What another version saved goes by the time in the list: it
 * can not be read here. Returns: whether it is gone. */
static gboolean
upload_expire_one (CaskStore *store, const char *id, gint64 saved_before_usec,
                   GCancellable *cancellable, GError **error)
{
  CaskBackend *root = cask_store_root (store);
  CaskUploadState state = { 0 };
  g_autoptr (GBytes) saved = NULL;
  guint64 offset;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  CaskBackendUpload *upload =
      cask_node_ops.upload_resume (root, id, &saved, &offset, cancellable, error);
  if (upload == NULL)
    return FALSE;
  gboolean is_known = cask_upload_state_load (&state, saved, NULL);
  gboolean is_late = !is_known || state.saved_usec < saved_before_usec;
  cask_node_ops.upload_close (root, upload, !is_late);
  cask_upload_state_clear (&state);
  return is_late;
}

/* Somebody is at work on it, or was quicker; it was damaged, and is gone with that; or
 * the backend knows that another version of it can go on. */
static gboolean
upload_expire_may_fail (const GError *error)
{
  return g_error_matches (error, CASK_ERROR, CASK_ERROR_BUSY) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_CORRUPT);
}

/**
 * cask_store_expire_uploads:
 * @store: a store
 * @saved_before_usec: in microseconds since 1970
 * @n_removed: (out) (optional): how many are gone; set on failure too
 * @cancellable: (nullable): to give up, between two uploads
 * @error: return location for an error
 *
 * Removes the uploads that were saved last before a point in time. One that is open
 * anywhere is never taken. A host calls this now and then, with the longest time that a
 * client may take to come back.
 *
 * Errors: %CASK_ERROR_UNSUPPORTED where the store does not announce
 * %CASK_CAPABILITY_RESUME; %CASK_ERROR_IO and the like: the first of them, after all
 * uploads were tried.
 *
 * Returns: whether all that could go are gone
 *
 * Since: 1.0
 */
gboolean
cask_store_expire_uploads (CaskStore *store, gint64 saved_before_usec, guint *n_removed,
                           GCancellable *cancellable, GError **error)
{
  g_autoptr (CaskUploadList) list = cask_store_list_uploads (store, cancellable, error);
  g_autoptr (GError) first = NULL;
  guint n = 0;

  if (n_removed != NULL)
    *n_removed = 0;
  if (list == NULL || !cask_store_begin (store, NULL, cancellable, error))
    return FALSE;
  for (guint i = 0; i < list->items->len; i++)
    {
      const UploadListItem *item = &g_array_index (list->items, UploadListItem, i);
      g_autoptr (GError) failure = NULL;
      if (item->saved_usec >= saved_before_usec)
        continue;
      n += upload_expire_one (store, item->id, saved_before_usec, cancellable, &failure);
      if (first == NULL && failure != NULL && !upload_expire_may_fail (failure))
        first = g_steal_pointer (&failure);
    }
  if (n_removed != NULL)
    *n_removed = n;
  cask_store_fail (store, NULL, &first);
  cask_store_leave (store);
  if (first == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}
