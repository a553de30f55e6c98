/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-calls.c: the calls of uploads, synchronous and asynchronous, in one
 * shape. */
#include "conform-upload.h"

#include "conform-await.h"

/* ---- Synchronous ---- */

static gboolean
sync_write (CaskUpload *upload, const void *data, gsize count, GCancellable *cancellable,
            GError **error)
{
  return g_output_stream_write_all (G_OUTPUT_STREAM (upload), data, count, NULL,
                                    cancellable, error);
}

static gboolean
sync_end (CaskUpload *upload, GCancellable *cancellable, GError **error)
{
  return g_output_stream_close (G_OUTPUT_STREAM (upload), cancellable, error);
}

/* ---- Asynchronous ---- */

static CaskUpload *
async_begin (CaskStore *store, const CaskDigest *digest, CaskAlgorithm algorithm,
             guint64 expected_size, CaskPutFlags flags, GCancellable *cancellable,
             GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_begin_upload_async (store, await_begin (&await, digest), algorithm,
                                 expected_size, flags, G_PRIORITY_DEFAULT, cancellable,
                                 await_done, &await);
  return cask_store_begin_upload_finish (store, await_result (&await), error);
}

static CaskUpload *
async_resume (CaskStore *store, const char *id, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_autofree char *given = g_strdup (id);
  cask_store_resume_upload_async (store, given, G_PRIORITY_DEFAULT, cancellable,
                                  await_done, &await);
  /* As a digest, an id is copied at the call. */
  memset (given, '?', strlen (given));
  return cask_store_resume_upload_finish (store, await_result (&await), error);
}

static CaskUploadList *
async_list (CaskStore *store, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_list_uploads_async (store, G_PRIORITY_DEFAULT, cancellable, await_done,
                                 &await);
  return cask_store_list_uploads_finish (store, await_result (&await), error);
}

static gboolean
async_expire (CaskStore *store, gint64 saved_before_usec, guint *n_removed,
              GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_store_expire_uploads_async (store, saved_before_usec, G_PRIORITY_DEFAULT,
                                   cancellable, await_done, &await);
  return cask_store_expire_uploads_finish (store, await_result (&await), n_removed,
                                           error);
}

static gboolean
async_put_stream (CaskStore *store, const CaskDigest *digest, CaskAlgorithm algorithm,
                  GInputStream *source, guint64 expected_size, CaskPutFlags flags,
                  CaskDigest *stored, gboolean *created, GCancellable *cancellable,
                  GError **error)
{
  g_auto (Await) await = { 0 };
  cask_store_put_stream_async (store, await_begin (&await, digest), algorithm, source,
                               expected_size, flags, G_PRIORITY_DEFAULT, cancellable,
                               await_done, &await);
  return cask_store_put_stream_finish (store, await_result (&await), stored, created,
                                       error);
}

static gboolean
async_write (CaskUpload *upload, const void *data, gsize count, GCancellable *cancellable,
             GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_output_stream_write_all_async (G_OUTPUT_STREAM (upload), data, count,
                                   G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return g_output_stream_write_all_finish (G_OUTPUT_STREAM (upload),
                                           await_result (&await), NULL, error);
}

static gboolean
async_end (CaskUpload *upload, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  g_output_stream_close_async (G_OUTPUT_STREAM (upload), G_PRIORITY_DEFAULT, cancellable,
                               await_done, &await);
  return g_output_stream_close_finish (G_OUTPUT_STREAM (upload), await_result (&await),
                                       error);
}

static const char *
async_save (CaskUpload *upload, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_upload_save_async (upload, G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_upload_save_finish (upload, await_result (&await), error);
}

static gboolean
async_commit (CaskUpload *upload, const CaskDigest *expected, CaskDigest *stored,
              gboolean *created, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  cask_upload_commit_async (upload, await_begin (&await, expected), G_PRIORITY_DEFAULT,
                            cancellable, await_done, &await);
  return cask_upload_commit_finish (upload, await_result (&await), stored, created,
                                    error);
}

static gboolean
async_abort (CaskUpload *upload, GCancellable *cancellable, GError **error)
{
  g_auto (Await) await = { 0 };
  await_begin (&await, NULL);
  cask_upload_abort_async (upload, G_PRIORITY_DEFAULT, cancellable, await_done, &await);
  return cask_upload_abort_finish (upload, await_result (&await), error);
}

const UploadCalls *
upload_calls (Conform *conform)
{
  static const UploadCalls sync_calls = { .begin = cask_store_begin_upload,
                                          .resume = cask_store_resume_upload,
                                          .list = cask_store_list_uploads,
                                          .expire = cask_store_expire_uploads,
                                          .put_stream = cask_store_put_stream,
                                          .write = sync_write,
                                          .end = sync_end,
                                          .save = cask_upload_save,
                                          .commit = cask_upload_commit,
                                          .abort = cask_upload_abort };
  static const UploadCalls async_calls = { .begin = async_begin,
                                           .resume = async_resume,
                                           .list = async_list,
                                           .expire = async_expire,
                                           .put_stream = async_put_stream,
                                           .write = async_write,
                                           .end = async_end,
                                           .save = async_save,
                                           .commit = async_commit,
                                           .abort = async_abort };

  return conform->calls == &conform_async_calls ? &async_calls : &sync_calls;
}
