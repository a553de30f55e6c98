/* SPDX-License-Identifier: Apache-2.0
 *
 * node-blob.c: reading in pieces, behind checks.
 *
 * A backend without blob_open is read by its get, piece by piece: the handle remembers
 * which copy it opened. It reads by name, so a removal or another copy ends the reading:
 * that is GONE, and READS_OUTLIVE_REMOVE is not announced for it (node.c). */
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
  CaskBlobInfo found;
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, blob_open))
    return CASK_CALL (node->children[0], blob_open, digest, flags, info, cancellable,
                      error);
  if (node->ops.blob_open == NULL)
    return node_blob_emulate (node, digest, flags, info, cancellable, error);

  cask_node_clear_info (&found);
  CaskBackendBlob *blob =
      node->ops.blob_open (node->backend, digest, flags, &found, cancellable, &failure);
  if (blob != NULL && failure == NULL && found.size == CASK_UNKNOWN)
    failure = cask_node_fault (node, CASK_ERROR_IO, "gave no size");
  if (blob != NULL && failure != NULL)
    node->ops.blob_close (node->backend, blob);
  if (!cask_node_settle (node, "blob_open", blob != NULL, failure, cancellable, error))
    return NULL;
  cask_node_give_info (info, digest, &found);
  return blob;
}

/* Whether a piece could not be had because the copy that was opened is no longer there. A
 * piece that starts within the blob is out of range only of another, shorter copy. */
static gboolean
node_blob_is_lost (const GError *failure)
{
  return g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND) ||
         g_error_matches (failure, CASK_ERROR, CASK_ERROR_INVALID_RANGE);
}

static gssize
node_blob_gone (CaskNode *node, const char *what, GError **error)
{
  GError *failure = g_error_new (CASK_ERROR, CASK_ERROR_GONE,
                                 "the copy that was being read has been %s", what);
  cask_node_settle (node, "blob_read", FALSE, failure, NULL, error);
  return -1;
}

/* get has been held to its length: it gave count bytes, or all up to the end. */
static gssize
node_blob_read_emulated (CaskNode *node, const NodeBlob *blob, guint64 offset,
                         void *buffer, gsize count, GCancellable *cancellable,
                         GError **error)
{
  CaskBlobInfo info;
  g_autoptr (GError) failure = NULL;

  if (offset >= blob->size)
    return 0;
  g_autoptr (GBytes) bytes = cask_node_ops.get (
      cask_node_self (node), &blob->digest, offset, MIN (count, G_MAXSSIZE), blob->flags,
      &info, cancellable, &failure);
  if (bytes == NULL && node_blob_is_lost (failure))
    return node_blob_gone (node, "removed", error);
  if (bytes == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return -1;
    }
  gboolean moved =
      info.version != 0 && blob->version != 0 && info.version != blob->version;
  if (info.size != blob->size || moved)
    return node_blob_gone (node, "replaced", error);

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
    failure = cask_node_fault (node, CASK_ERROR_IO,
                               "says it read %zd bytes into a buffer of %zu", n, count);
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
