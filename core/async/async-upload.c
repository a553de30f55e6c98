/* SPDX-License-Identifier: Apache-2.0
 *
 * async-upload.c: uploads begun, resumed, listed and expired under a main loop. */
#include "upload-stream-private.h"

static void
begin_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  op->result =
      cask_store_begin_upload (store, op->has_digest ? &op->digest : NULL, op->algorithm,
                               op->length, op->flags, cancellable, &op->error);
  op->free_result = g_object_unref;
}

/**
 * cask_store_begin_upload_async:
 * @store: a store
 * @digest: (nullable): what the bytes will hash to; copied
 * @algorithm: the hash to name the blob by
 * @expected_size: how many bytes will come, or %CASK_UNKNOWN
 * @flags: how to put
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_begin_upload().
 *
 * Since: 1.0
 */
void
cask_store_begin_upload_async (CaskStore *store, const CaskDigest *digest,
                               CaskAlgorithm algorithm, guint64 expected_size,
                               CaskPutFlags flags, int io_priority,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_begin_upload_async, io_priority,
                              cancellable, callback, user_data);
  async_op_set_digest (op, digest);
  op->algorithm = algorithm;
  op->length = expected_size;
  op->flags = flags;
  async_op_queue (op, store->lane, begin_work);
}

/**
 * cask_store_begin_upload_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_begin_upload_async(). Errors: those of cask_store_begin_upload().
 *
 * Returns: (transfer full) (nullable): the upload, or %NULL
 *
 * Since: 1.0
 */
CaskUpload *
cask_store_begin_upload_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_begin_upload_async, error);
}

static void
resume_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  op->result = cask_store_resume_upload (store, op->text, cancellable, &op->error);
  op->free_result = g_object_unref;
}

/**
 * cask_store_resume_upload_async:
 * @store: a store
 * @id: what cask_upload_save() gave; copied
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_resume_upload().
 *
 * Since: 1.0
 */
void
cask_store_resume_upload_async (CaskStore *store, const char *id, int io_priority,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store) && id != NULL);

  AsyncOp *op = async_op_new (store, cask_store_resume_upload_async, io_priority,
                              cancellable, callback, user_data);
  op->text = g_strdup (id);
  async_op_queue (op, store->lane, resume_work);
}

/**
 * cask_store_resume_upload_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_resume_upload_async(). Errors: those of cask_store_resume_upload().
 *
 * Returns: (transfer full) (nullable): the upload, or %NULL
 *
 * Since: 1.0
 */
CaskUpload *
cask_store_resume_upload_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_resume_upload_async, error);
}

static void
list_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  op->result = cask_store_list_uploads (store, cancellable, &op->error);
  op->free_result = (GDestroyNotify) cask_upload_list_unref;
}

/**
 * cask_store_list_uploads_async:
 * @store: a store
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_list_uploads().
 *
 * Since: 1.0
 */
void
cask_store_list_uploads_async (CaskStore *store, int io_priority,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_list_uploads_async, io_priority,
                              cancellable, callback, user_data);
  async_op_queue (op, store->lane, list_work);
}

/**
 * cask_store_list_uploads_finish:
 * @store: a store
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes cask_store_list_uploads_async(). Errors: those of cask_store_list_uploads().
 *
 * Returns: (transfer full) (nullable): the uploads, or %NULL
 *
 * Since: 1.0
 */
CaskUploadList *
cask_store_list_uploads_finish (CaskStore *store, GAsyncResult *result, GError **error)
{
  return async_op_finish_pointer (store, result, cask_store_list_uploads_async, error);
}

static void
expire_work (AsyncOp *op, gpointer store, GCancellable *cancellable)
{
  guint n_removed = 0;

  cask_store_expire_uploads (store, (gint64) op->offset, &n_removed, cancellable,
                             &op->error);
  op->length = n_removed;
}

/**
 * cask_store_expire_uploads_async:
 * @store: a store
 * @saved_before_usec: in microseconds since 1970
 * @io_priority: a GLib priority, as %G_PRIORITY_DEFAULT
 * @cancellable: (nullable): to give up
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: (closure): for @callback
 *
 * The asynchronous form of cask_store_expire_uploads().
 *
 * Since: 1.0
 */
void
cask_store_expire_uploads_async (CaskStore *store, gint64 saved_before_usec,
                                 int io_priority, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CASK_IS_STORE (store));

  AsyncOp *op = async_op_new (store, cask_store_expire_uploads_async, io_priority,
                              cancellable, callback, user_data);
  op->offset = (guint64) saved_before_usec;
  async_op_queue (op, store->lane, expire_work);
}

/**
 * cask_store_expire_uploads_finish:
 * @store: a store
 * @result: what the callback was given
 * @n_removed: (out) (optional): how many are gone
 * @error: return location for an error
 *
 * Finishes cask_store_expire_uploads_async(). Errors: those of
 * cask_store_expire_uploads().
 *
 * Returns: whether all that could go are gone
 *
 * Since: 1.0
 */
gboolean
cask_store_expire_uploads_finish (CaskStore *store, GAsyncResult *result,
                                  guint *n_removed, GError **error)
{
  const AsyncOp *op =
      async_op_finish (store, result, cask_store_expire_uploads_async, error);

  if (op == NULL)
    return FALSE;
  if (n_removed != NULL)
    *n_removed = (guint) op->length;
  return TRUE;
}
