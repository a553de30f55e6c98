/* SPDX-License-Identifier: Apache-2.0
 *
 * node-upload.c: writing in pieces, behind checks.
 *
 * A backend without upload_begin takes whole blobs: the host gathers the pieces in a
 * spool and hands all of it to put. A layer that delegates and leaves upload_begin NULL
 * gives out its child's handles, so whose a handle is follows from upload_begin alone. */
#include "node-private.h"

static gboolean
node_spools (const CaskNode *node)
{
  return node->ops.upload_begin == NULL && !CASK_NODE_DELEGATES (node, upload_begin);
}

static CaskSpool *
node_spool_of (CaskBackendUpload *upload)
{
  return (CaskSpool *) (gpointer) upload;
}

static CaskBackendUpload *
node_call_begin (CaskNode *node, const CaskUploadSpec *spec, GCancellable *cancellable,
                 GError **error)
{
  if (node_spools (node))
    {
      CaskSpool *spool = cask_spool_new (node->hosts->spool, spec->expected_size, error);
      return (CaskBackendUpload *) (gpointer) spool;
    }
  return node->ops.upload_begin (node->backend, spec, cancellable, error);
}

CaskBackendUpload *
cask_node_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                        GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (!(node->capabilities & CASK_CAPABILITY_WRITE))
    {
      cask_node_unsupported (node, "this store can not be written to", error);
      return NULL;
    }
  if (CASK_NODE_DELEGATES (node, upload_begin))
    return CASK_CALL (node->children[0], upload_begin, spec, cancellable, error);

  CaskBackendUpload *upload = node_call_begin (node, spec, cancellable, &failure);
  if (upload != NULL && failure != NULL)
    cask_node_upload_close (self, upload, FALSE);
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
  gboolean success;
  GError *failure = NULL;

  if (g_bytes_get_size (chunk) == 0)
    return TRUE;
  if (CASK_NODE_DELEGATES (node, upload_write))
    return CASK_CALL (node->children[0], upload_write, upload, chunk, cancellable, error);

  if (node_spools (node))
    success = cask_spool_write (node_spool_of (upload), chunk, cancellable, &failure);
  else
    success =
        node->ops.upload_write (node->backend, upload, chunk, cancellable, &failure);
  return cask_node_settle (node, "upload_write", success, failure, cancellable, error);
}

/* By the node's own put, with all its checks. A backend may keep plain memory; of a
 * mapping it must make a copy, or a file without a name would hold disk space for as long
 * as the blob lives. */
static gboolean
node_commit_spool (CaskNode *node, CaskSpool *spool, const CaskDigest *digest,
                   guint32 flags, gboolean *created, GCancellable *cancellable,
                   GError **error)
{
  gboolean is_plain = FALSE;
  GError *failure = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_autoptr (GBytes) whole = cask_spool_seal (spool, &is_plain, &failure);
  if (!cask_node_settle (node, "upload_commit", whole != NULL, failure, cancellable,
                         error))
    return FALSE;
  flags = is_plain ? flags | CASK_PUT_KEEP : flags & ~(guint32) CASK_PUT_KEEP;
  return cask_node_ops.put (cask_node_self (node), digest, whole, flags, created,
                            cancellable, error);
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
  if (node_spools (node))
    return node_commit_spool (node, node_spool_of (upload), digest, flags, created,
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
  else if (node_spools (node))
    cask_spool_free (node_spool_of (upload));
  else
    node->ops.upload_close (node->backend, upload, keep);
}

gboolean
cask_node_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                       void *buffer, gsize count, gsize *n_read,
                       GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  gboolean success;
  gsize n = 0;
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, upload_read))
    return CASK_CALL (node->children[0], upload_read, upload, offset, buffer, count,
                      n_read, cancellable, error);
  if (!node_spools (node) && node->ops.upload_read == NULL)
    return cask_node_unsupported (node, "this backend can not read an unfinished upload",
                                  error);

  count = MIN (count, G_MAXSSIZE);
  if (node_spools (node))
    success =
        cask_spool_read (node_spool_of (upload), offset, buffer, count, &n, &failure);
  else
    success = node->ops.upload_read (node->backend, upload, offset, buffer, count, &n,
                                     cancellable, &failure);
  if (success && failure == NULL && n > count)
    failure = cask_node_fault (node, CASK_ERROR_IO,
                               "says it read %zu bytes into a buffer of %zu", n, count);
  if (!cask_node_settle (node, "upload_read", success, failure, cancellable, error))
    return FALSE;
  *n_read = n;
  return TRUE;
}
