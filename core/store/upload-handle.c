/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-handle.c: the backend's handle of an upload, which has two owners: the upload,
 * and its store, which closes it where the store is closed first.
 *
 * A handle is in the store's list for as long as the backend has it open. Whoever takes
 * it out of the list closes it: an operation on the upload, within enter and leave; or
 * the closing of the store, when no operation is left. An upload that is dropped when the
 * store is on its way to be closed leaves its handle to the closing.
 *
 * Locks: the store's `close_lock` guards all members. */
#include "upload-private.h"

CaskUploadHandle *
cask_upload_handle_new (CaskStore *store, CaskBackendUpload *upload, gboolean keep)
{
  CaskUploadHandle *handle = g_new0 (CaskUploadHandle, 1);

  handle->upload = upload;
  handle->keep = keep;
  handle->link.data = handle;
  g_mutex_lock (&store->close_lock);
  g_queue_push_tail_link (&store->uploads, &handle->link);
  g_mutex_unlock (&store->close_lock);
  return handle;
}

void
cask_upload_handle_keep (CaskStore *store, CaskUploadHandle *handle)
{
  g_mutex_lock (&store->close_lock);
  handle->keep = TRUE;
  g_mutex_unlock (&store->close_lock);
}

void
cask_upload_handle_close (CaskStore *store, CaskUploadHandle *handle, gboolean keep)
{
  g_mutex_lock (&store->close_lock);
  g_queue_unlink (&store->uploads, &handle->link);
  g_mutex_unlock (&store->close_lock);
  cask_node_ops.upload_close (cask_store_root (store), handle->upload, keep);
  g_free (handle);
}

void
cask_upload_handle_drop (CaskStore *store, CaskUploadHandle *handle)
{
  if (cask_store_enter (store, NULL))
    {
      cask_upload_handle_close (store, handle, handle->keep);
      cask_store_leave (store);
      return;
    }
  g_mutex_lock (&store->close_lock);
  gboolean is_closed = handle->upload == NULL;
  handle->is_dropped = TRUE;
  g_mutex_unlock (&store->close_lock);
  if (is_closed)
    g_free (handle);
}

/* Returns: what became of the handle's upload, for the caller to close, or NULL where
 * there is none left. */
static CaskBackendUpload *
handle_take_next (CaskStore *store, gboolean *keep)
{
  CaskBackendUpload *upload = NULL;
  gboolean is_dropped = FALSE;

  g_mutex_lock (&store->close_lock);
  GList *link = g_queue_pop_head_link (&store->uploads);
  CaskUploadHandle *handle = link != NULL ? link->data : NULL;
  if (handle != NULL)
    {
      upload = g_steal_pointer (&handle->upload);
      *keep = handle->keep;
      is_dropped = handle->is_dropped;
    }
  g_mutex_unlock (&store->close_lock);
  if (is_dropped)
    g_free (handle);
  return upload;
}

void
cask_store_abort_uploads (CaskStore *store, CaskNode *root)
{
  CaskBackendUpload *upload;
  gboolean keep = FALSE;

  while ((upload = handle_take_next (store, &keep)) != NULL)
    cask_node_ops.upload_close (cask_node_self (root), upload, keep);
}
