/* SPDX-License-Identifier: Apache-2.0
 *
 * node-handles.c: reading and writing in pieces, behind checks.
 *
 * A backend without blob_open is read by its get, piece by piece: the handle remembers
 * which copy it opened, and a piece of any other copy is GONE. Uploads need the backend's
 * own slots. */
#include "node-private.h"

#include <string.h>

/* What blob_open gives out where the plugin has none of its own. */
typedef struct
{
  CaskDigest digest;
  guint32 flags;
  guint64 size;
  guint64 version;
} NodeBlob;

static CaskBackendBlob *
node_blob_emulate (CaskNode *node, const CaskDigest *digest, guint32 flags,
                   CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  if (!cask_node_ops.stat (cask_node_self (node), digest, 0, info, cancellable, error))
    return NULL;

  NodeBlob *blob = g_new0 (NodeBlob, 1);
  blob->digest = *digest;
  blob->flags = flags;
  blob->size = info->size;
  blob->version = info->version;
  return (CaskBackendBlob *) (gpointer) blob;
}

CaskBackendBlob *
cask_node_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                     CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  CaskBlobInfo found = { .size = CASK_UNKNOWN };
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, blob_open))
    return CASK_CALL (node->children[0], blob_open, digest, flags, info, cancellable,
                      error);
  if (node->ops.blob_open == NULL)
    return node_blob_emulate (node, digest, flags, info, cancellable, error);

  CaskBackendBlob *blob =
      node->ops.blob_open (node->backend, digest, flags, &found, cancellable, &failure);
  if (blob != NULL && failure == NULL && found.size == CASK_UNKNOWN)
    failure = g_error_new (CASK_ERROR, CASK_ERROR_IO, "the plugin '%s' gave no size",
                           node->plugin->descriptor.name);
  if (blob != NULL && failure != NULL)
    node->ops.blob_close (node->backend, blob);
  if (!cask_node_settle (node, "blob_open", blob != NULL, failure, cancellable, error))
    return NULL;
  *info = found;
  info->digest = *digest;
  return blob;
}

static gssize
node_blob_read_emulated (CaskNode *node, const NodeBlob *blob, guint64 offset,
                         void *buffer, gsize count, GCancellable *cancellable,
                         GError **error)
{
  CaskBlobInfo info;

  if (offset >= blob->size)
    return 0;
  count = MIN (count, G_MAXSSIZE);
  g_autoptr (GBytes) bytes =
      cask_node_ops.get (cask_node_self (node), &blob->digest, offset, count, blob->flags,
                         &info, cancellable, error);
  if (bytes == NULL)
    return -1;
  gboolean moved =
      info.version != 0 && blob->version != 0 && info.version != blob->version;
  if (info.size != blob->size || moved)
    {
      GError *failure = g_error_new (CASK_ERROR, CASK_ERROR_GONE,
                                     "the copy that was being read has been replaced");
      cask_node_settle (node, "blob_read", FALSE, failure, cancellable, error);
      return -1;
    }
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  memcpy (buffer, data, size);
  return (gssize) size;
}

gssize
cask_node_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                     void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, blob_read))
    return CASK_CALL (node->children[0], blob_read, blob, offset, buffer, count,
                      cancellable, error);
  if (count == 0)
    return 0;
  if (node->ops.blob_read == NULL)
    return node_blob_read_emulated (node, (const NodeBlob *) (gpointer) blob, offset,
                                    buffer, count, cancellable, error);

  gssize n = node->ops.blob_read (node->backend, blob, offset, buffer,
                                  MIN (count, G_MAXSSIZE), cancellable, &failure);
  if (failure == NULL && n >= 0 && (gsize) n > count)
    failure = g_error_new (CASK_ERROR, CASK_ERROR_IO,
                           "the plugin '%s' says it read %zd bytes into a buffer of %zu",
                           node->plugin->descriptor.name, n, count);
  return cask_node_settle (node, "blob_read", n >= 0, failure, cancellable, error) ? n
                                                                                   : -1;
}

void
cask_node_blob_close (CaskBackend *self, CaskBackendBlob *blob)
{
  CaskNode *node = cask_node_of (self);

  if (CASK_NODE_DELEGATES (node, blob_close))
    {
      const CaskChild *child = node->children[0];
      child->ops->blob_close (child->backend, blob);
    }
  else if (node->ops.blob_close != NULL)
    node->ops.blob_close (node->backend, blob);
  else
    g_free (blob);
}

/* Uploads
 * --------------------------------------------------------------------------------------------
 */

static const char no_uploads[] = "this backend takes whole blobs only";
static const char no_resume[] = "this backend can not save uploads";

CaskBackendUpload *
cask_node_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                        GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  gboolean able = (node->capabilities & CASK_CAPABILITY_WRITE) != 0;
  if (able && CASK_NODE_DELEGATES (node, upload_begin))
    return CASK_CALL (node->children[0], upload_begin, spec, cancellable, error);
  if (!able || node->ops.upload_begin == NULL)
    {
      cask_node_unsupported (node, no_uploads, error);
      return NULL;
    }

  CaskBackendUpload *upload =
      node->ops.upload_begin (node->backend, spec, cancellable, &failure);
  if (upload != NULL && failure != NULL)
    node->ops.upload_close (node->backend, upload, FALSE);
  if (!cask_node_settle (node, "upload_begin", upload != NULL, failure, cancellable,
                         error))
    return NULL;
  return upload;
}

gboolean
cask_node_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                        GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, upload_write))
    return CASK_CALL (node->children[0], upload_write, upload, chunk, cancellable, error);

  gboolean success =
      node->ops.upload_write (node->backend, upload, chunk, cancellable, &failure);
  return cask_node_settle (node, "upload_write", success, failure, cancellable, error);
}

gboolean
cask_node_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                         const CaskDigest *digest, guint32 flags, gboolean *created,
                         GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  gboolean made = FALSE;
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, upload_commit))
    return CASK_CALL (node->children[0], upload_commit, upload, digest, flags, created,
                      cancellable, error);

  gboolean success = node->ops.upload_commit (node->backend, upload, digest, flags, &made,
                                              cancellable, &failure);
  if (!cask_node_settle (node, "upload_commit", success, failure, cancellable, error))
    return FALSE;
  *created = made != FALSE;
  return TRUE;
}

void
cask_node_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  CaskNode *node = cask_node_of (self);

  if (CASK_NODE_DELEGATES (node, upload_close))
    {
      const CaskChild *child = node->children[0];
      child->ops->upload_close (child->backend, upload, keep);
    }
  else
    node->ops.upload_close (node->backend, upload, keep);
}

gboolean
cask_node_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                       char **id, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;
  g_autofree char *given = NULL;

  if (CASK_NODE_DELEGATES (node, upload_save))
    return CASK_CALL (node->children[0], upload_save, upload, state, id, cancellable,
                      error);
  if (node->ops.upload_save == NULL)
    return cask_node_unsupported (node, no_resume, error);

  gboolean success =
      node->ops.upload_save (node->backend, upload, state, &given, cancellable, &failure);
  if (!cask_node_settle (node, "upload_save", success && given != NULL, failure,
                         cancellable, error))
    return FALSE;
  *id = g_steal_pointer (&given);
  return TRUE;
}

CaskBackendUpload *
cask_node_upload_resume (CaskBackend *self, const char *id, GBytes **state,
                         guint64 *offset, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;
  g_autoptr (GBytes) saved = NULL;

  gboolean able = (node->capabilities & CASK_CAPABILITY_RESUME) != 0;
  if (able && CASK_NODE_DELEGATES (node, upload_resume))
    return CASK_CALL (node->children[0], upload_resume, id, state, offset, cancellable,
                      error);
  if (!able || node->ops.upload_resume == NULL)
    {
      cask_node_unsupported (node, no_resume, error);
      return NULL;
    }

  CaskBackendUpload *upload =
      node->ops.upload_resume (node->backend, id, &saved, offset, cancellable, &failure);
  gboolean whole = upload != NULL && saved != NULL && failure == NULL;
  if (upload != NULL && !whole)
    node->ops.upload_close (node->backend, upload, TRUE);
  if (!cask_node_settle (node, "upload_resume", whole, failure, cancellable, error))
    return NULL;
  *state = g_steal_pointer (&saved);
  return upload;
}

gboolean
cask_node_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                       GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, upload_list))
    return CASK_CALL (node->children[0], upload_list, func, data, cancellable, error);
  if (node->ops.upload_list == NULL)
    return cask_node_unsupported (node, no_resume, error);

  gboolean success =
      node->ops.upload_list (node->backend, func, data, cancellable, &failure);
  return cask_node_settle (node, "upload_list", success, failure, cancellable, error);
}

gboolean
cask_node_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                       void *buffer, gsize count, gsize *n_read,
                       GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, upload_read))
    return CASK_CALL (node->children[0], upload_read, upload, offset, buffer, count,
                      n_read, cancellable, error);
  if (node->ops.upload_read == NULL)
    return cask_node_unsupported (node, "this backend can not read an unfinished upload",
                                  error);

  gboolean success = node->ops.upload_read (node->backend, upload, offset, buffer, count,
                                            n_read, cancellable, &failure);
  return cask_node_settle (node, "upload_read", success, failure, cancellable, error);
}
