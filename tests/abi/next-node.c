/* SPDX-License-Identifier: Apache-2.0
 *
 * next-node.c: the next minor's slots, as its host calls them: the plugin's own, the
 * child's where a layer delegates, or the host's emulation. */
#include "next.h"

#include "node-private.h"

gboolean
cask_node_next_size (CaskBackend *self, const CaskDigest *digest, guint64 *size,
                     GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  CaskBlobInfo info;

  if (CASK_NODE_DELEGATES (node, next_size))
    return CASK_CALL (node->children[0], next_size, digest, size, cancellable, error);
  if (node->ops.next_size != NULL)
    return node->ops.next_size (node->backend, digest, size, cancellable, error);
  if (!cask_node_ops.stat (self, digest, 0, &info, cancellable, error))
    return FALSE;
  *size = info.size;
  return TRUE;
}

gboolean
cask_node_next_mark (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);

  if (CASK_NODE_DELEGATES (node, next_mark))
    return CASK_CALL (node->children[0], next_mark, cancellable, error);
  if (node->ops.next_mark == NULL)
    return cask_node_unsupported (node, "marking", error);
  return node->ops.next_mark (node->backend, cancellable, error);
}
