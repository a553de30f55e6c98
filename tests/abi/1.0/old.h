/* SPDX-License-Identifier: Apache-2.0
 *
 * old.h: what the files of the plugin `old` share.
 *
 * `old` is a plugin of ABI 1.0, and stays one: it is compiled against the frozen headers
 * beside it and nothing else of this tree, as a stranger's is that was built when 1.0 was
 * new. It has every slot of 1.0, each in its simplest form over a table in memory.
 *
 * Locks: `lock` of the backend guards everything; no call that blocks is made under it.
 */
#pragma once

#include <cask/cask-plugin.h>

typedef struct
{
  GBytes *bytes;
  CaskBlobInfo info;
} OldBlob;

struct _CaskBackend
{
  GMutex lock;
  GTree *blobs;      /* of OldBlob by digest */
  GHashTable *saved; /* of OldSaved by id */
  guint64 versions;
  guint64 ids;
  guint64 used;
  guint64 room;
  gboolean hashed_ids;
  const CaskHost *host;
};

/* ---- old.c ---- */

gboolean old_fail (GError **error, CaskError code, const char *message);
gboolean old_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                  guint32 flags, gboolean *created, GCancellable *cancellable,
                  GError **error);
GBytes *old_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                 guint64 length, guint32 flags, CaskBlobInfo *info,
                 GCancellable *cancellable, GError **error);
gboolean old_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                   CaskBlobInfo *info, GCancellable *cancellable, GError **error);
gboolean old_remove (CaskBackend *self, const CaskDigest *digest,
                     gint64 unused_since_usec, CaskRemoved *outcome,
                     GCancellable *cancellable, GError **error);

/* ---- old-batch.c ---- */

gboolean old_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                       GCancellable *cancellable, GError **error);
gboolean old_get_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                       GCancellable *cancellable, GError **error);
gboolean old_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                            guint32 flags, GCancellable *cancellable, GError **error);
gboolean old_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                          gint64 unused_since_usec, GCancellable *cancellable,
                          GError **error);

/* ---- old-upload.c ---- */

void old_saved_free (gpointer saved);
CaskBackendUpload *old_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                                     GCancellable *cancellable, GError **error);
gboolean old_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                           GCancellable *cancellable, GError **error);
gboolean old_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                            const CaskDigest *digest, guint32 flags, gboolean *created,
                            GCancellable *cancellable, GError **error);
void old_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep);
gboolean old_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                          char **id, GCancellable *cancellable, GError **error);
CaskBackendUpload *old_upload_resume (CaskBackend *self, const char *id, GBytes **state,
                                      guint64 *offset, GCancellable *cancellable,
                                      GError **error);
gboolean old_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                          GCancellable *cancellable, GError **error);
gboolean old_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                          void *buffer, gsize count, gsize *n_read,
                          GCancellable *cancellable, GError **error);
