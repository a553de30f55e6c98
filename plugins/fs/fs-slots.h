/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-slots.h: the slots of the backend, for the files that define them and for fs.c,
 * which puts them into the table. */
#pragma once

#include "fs-private.h"

G_BEGIN_DECLS

gboolean fs_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                 guint32 flags, gboolean *created, GCancellable *cancellable,
                 GError **error);
GBytes *fs_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                guint64 length, guint32 flags, CaskBlobInfo *info,
                GCancellable *cancellable, GError **error);
gboolean fs_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                  CaskBlobInfo *info, GCancellable *cancellable, GError **error);
gboolean fs_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
                    CaskRemoved *outcome, GCancellable *cancellable, GError **error);
gboolean fs_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version,
                     guint32 flags, gboolean *again, GCancellable *cancellable,
                     GError **error);
gboolean fs_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
                  CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
                  GCancellable *cancellable, GError **error);
CaskTry fs_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                    guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info);
CaskTry fs_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info);
CaskBackendBlob *fs_handle_open (CaskBackend *self, const CaskDigest *digest,
                                 guint32 flags, CaskBlobInfo *info,
                                 GCancellable *cancellable, GError **error);
gssize fs_handle_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                       void *buffer, gsize count, GCancellable *cancellable,
                       GError **error);
void fs_handle_close (CaskBackend *self, CaskBackendBlob *blob);
CaskBackendUpload *fs_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                                    GCancellable *cancellable, GError **error);
gboolean fs_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                          GCancellable *cancellable, GError **error);
gboolean fs_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                         void *buffer, gsize count, gsize *n_read,
                         GCancellable *cancellable, GError **error);
gboolean fs_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                           const CaskDigest *digest, guint32 flags, gboolean *created,
                           GCancellable *cancellable, GError **error);
void fs_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep);
gboolean fs_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                         char **id, GCancellable *cancellable, GError **error);
CaskBackendUpload *fs_upload_resume (CaskBackend *self, const char *id, GBytes **state,
                                     guint64 *offset, GCancellable *cancellable,
                                     GError **error);
gboolean fs_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                         GCancellable *cancellable, GError **error);
gboolean fs_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                      GCancellable *cancellable, GError **error);
gboolean fs_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                           guint32 flags, GCancellable *cancellable, GError **error);
gboolean fs_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                         gint64 unused_since_usec, GCancellable *cancellable,
                         GError **error);

G_END_DECLS
