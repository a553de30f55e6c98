/* SPDX-License-Identifier: Apache-2.0
 *
 * node-try.c: the slots that never block, behind checks. A wrong answer is no answer:
 * AGAIN. */
#include "node-private.h"

CaskTry
cask_node_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                   guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  CaskNode *node = cask_node_of (self);
  CaskBlobInfo found;
  GBytes *given = NULL;

  if (CASK_NODE_DELEGATES (node, try_get))
    return CASK_CALL (node->children[0], try_get, digest, offset, length, flags, bytes,
                      info);
  if (node->ops.try_get == NULL)
    return CASK_TRY_AGAIN;

  cask_node_clear_info (&found);
  CaskTry answer =
      node->ops.try_get (node->backend, digest, offset, length, flags, &given, &found);
  if (answer == CASK_TRY_ABSENT && given == NULL)
    return CASK_TRY_ABSENT;
  if (answer == CASK_TRY_FOUND && given != NULL && found.size != CASK_UNKNOWN &&
      cask_range_clamp (found.size, offset, &length) &&
      g_bytes_get_size (given) == length && length <= CASK_TRY_LIMIT)
    {
      *bytes = given;
      cask_node_give_info (info, digest, &found);
      return CASK_TRY_FOUND;
    }
  g_clear_pointer (&given, g_bytes_unref);
  return CASK_TRY_AGAIN;
}

CaskTry
cask_node_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  CaskNode *node = cask_node_of (self);
  CaskBlobInfo found;

  if (CASK_NODE_DELEGATES (node, try_stat))
    return CASK_CALL (node->children[0], try_stat, digest, info);
  if (node->ops.try_stat == NULL)
    return CASK_TRY_AGAIN;

  cask_node_clear_info (&found);
  CaskTry answer = node->ops.try_stat (node->backend, digest, &found);
  if (answer == CASK_TRY_ABSENT)
    return CASK_TRY_ABSENT;
  if (answer != CASK_TRY_FOUND || found.size == CASK_UNKNOWN)
    return CASK_TRY_AGAIN;
  cask_node_give_info (info, digest, &found);
  return CASK_TRY_FOUND;
}
