/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-upload.h: writing a blob of any size, piece by piece, and in more than one process
 * where that is needed. */
#pragma once

#include <gio/gio.h>
#include "cask-store.h"

G_BEGIN_DECLS

#define CASK_TYPE_UPLOAD (cask_upload_get_type ())

/**
 * CaskUpload:
 *
 * A blob that is being written: a #GOutputStream that hashes what is written to it, and a
 * commit. Nothing is visible before the commit. It holds a reference on its store.
 *
 * Dropping an upload without a commit aborts it, or where it was saved, leaves it as it
 * was saved last. That is done in the background: it may be resumed at once, but a
 * program that ends at once does not wait for it; cask_upload_abort() and
 * cask_store_close() do.
 *
 * g_output_stream_close() ends the writing and leaves the commit possible. A commit that
 * succeeds closes the upload, as an abort does; after one that was refused for its digest
 * or its size more may be written.
 *
 * The calls that write, save, commit and abort come one at a time: one while another is
 * under way, or its callback still to come, fails with %G_IO_ERROR_PENDING. How far it
 * is, and its id, may be asked at any time, from any thread.
 *
 * A write of more than was announced fails and takes nothing. Any other write that failed
 * in the store (%CASK_ERROR_NO_SPACE, %CASK_ERROR_IO, or %G_IO_ERROR_CANCELLED in the
 * midst of it) has left the upload unusable, and every later call but the abort says
 * %CASK_ERROR_CLOSED: abort it, or resume what was saved of it.
 *
 * Since: 1.0
 */
G_DECLARE_FINAL_TYPE (CaskUpload, cask_upload, CASK, UPLOAD, GOutputStream)

#define CASK_TYPE_UPLOAD_LIST (cask_upload_list_get_type ())

/**
 * CaskUploadList:
 *
 * The uploads of a store that were saved and are not open. Refcounted; does not change.
 *
 * Since: 1.0
 */
typedef struct _CaskUploadList CaskUploadList;

/* ---- From and to the store ---- */

CaskUpload *cask_store_begin_upload (CaskStore *store, const CaskDigest *digest,
                                     CaskAlgorithm algorithm, guint64 expected_size,
                                     CaskPutFlags flags, GCancellable *cancellable,
                                     GError **error);
void cask_store_begin_upload_async (CaskStore *store, const CaskDigest *digest,
                                    CaskAlgorithm algorithm, guint64 expected_size,
                                    CaskPutFlags flags, int io_priority,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
CaskUpload *cask_store_begin_upload_finish (CaskStore *store, GAsyncResult *result,
                                            GError **error);

CaskUpload *cask_store_resume_upload (CaskStore *store, const char *id,
                                      GCancellable *cancellable, GError **error);
void cask_store_resume_upload_async (CaskStore *store, const char *id, int io_priority,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
CaskUpload *cask_store_resume_upload_finish (CaskStore *store, GAsyncResult *result,
                                             GError **error);

CaskUploadList *cask_store_list_uploads (CaskStore *store, GCancellable *cancellable,
                                         GError **error);
void cask_store_list_uploads_async (CaskStore *store, int io_priority,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
CaskUploadList *cask_store_list_uploads_finish (CaskStore *store, GAsyncResult *result,
                                                GError **error);

gboolean cask_store_expire_uploads (CaskStore *store, gint64 saved_before_usec,
                                    guint *n_removed, GCancellable *cancellable,
                                    GError **error);
void cask_store_expire_uploads_async (CaskStore *store, gint64 saved_before_usec,
                                      int io_priority, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_expire_uploads_finish (CaskStore *store, GAsyncResult *result,
                                           guint *n_removed, GError **error);

gboolean cask_store_put_stream (CaskStore *store, const CaskDigest *digest,
                                CaskAlgorithm algorithm, GInputStream *source,
                                guint64 expected_size, CaskPutFlags flags,
                                CaskDigest *stored, gboolean *created,
                                GCancellable *cancellable, GError **error);
void cask_store_put_stream_async (CaskStore *store, const CaskDigest *digest,
                                  CaskAlgorithm algorithm, GInputStream *source,
                                  guint64 expected_size, CaskPutFlags flags,
                                  int io_priority, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_store_put_stream_finish (CaskStore *store, GAsyncResult *result,
                                       CaskDigest *stored, gboolean *created,
                                       GError **error);

/* ---- One upload ---- */

guint64 cask_upload_get_offset (CaskUpload *upload);
guint64 cask_upload_get_expected_size (CaskUpload *upload);
const char *cask_upload_get_id (CaskUpload *upload);
gboolean cask_upload_get_digest (CaskUpload *upload, CaskAlgorithm algorithm,
                                 CaskDigest *digest);

const char *cask_upload_save (CaskUpload *upload, GCancellable *cancellable,
                              GError **error);
void cask_upload_save_async (CaskUpload *upload, int io_priority,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
const char *cask_upload_save_finish (CaskUpload *upload, GAsyncResult *result,
                                     GError **error);

gboolean cask_upload_commit (CaskUpload *upload, const CaskDigest *expected,
                             CaskDigest *stored, gboolean *created,
                             GCancellable *cancellable, GError **error);
void cask_upload_commit_async (CaskUpload *upload, const CaskDigest *expected,
                               int io_priority, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean cask_upload_commit_finish (CaskUpload *upload, GAsyncResult *result,
                                    CaskDigest *stored, gboolean *created,
                                    GError **error);

gboolean cask_upload_abort (CaskUpload *upload, GCancellable *cancellable,
                            GError **error);
void cask_upload_abort_async (CaskUpload *upload, int io_priority,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean cask_upload_abort_finish (CaskUpload *upload, GAsyncResult *result,
                                   GError **error);

/* ---- A list of uploads ---- */

GType cask_upload_list_get_type (void);
CaskUploadList *cask_upload_list_ref (CaskUploadList *list);
void cask_upload_list_unref (CaskUploadList *list);
guint cask_upload_list_get_length (CaskUploadList *list);
const char *cask_upload_list_get_id (CaskUploadList *list, guint index);
guint64 cask_upload_list_get_offset (CaskUploadList *list, guint index);
gint64 cask_upload_list_get_saved_usec (CaskUploadList *list, guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskUploadList, cask_upload_list_unref)

G_END_DECLS
