/* SPDX-License-Identifier: Apache-2.0
 *
 * node-batch.c: batches, by the plugin's slot where it has one, item by item where not.
 */
#include "node-private.h"

/* One item, through the node's own checked slots. Sets item->error on failure. */
typedef void (*NodeItemFunc) (CaskNode *node, CaskItem *item, gint64 parameter,
                              GCancellable *cancellable);

/* Cancelled between items: those not begun say so, each for itself. */
static gboolean
node_each (CaskNode *node, CaskItem *items, gsize n_items, gint64 parameter,
           GCancellable *cancellable, NodeItemFunc func)
{
  for (gsize i = 0; i < n_items; i++)
    if (!g_cancellable_set_error_if_cancelled (cancellable, &items[i].error))
      func (node, &items[i], parameter, cancellable);
  return TRUE;
}

/* After a plugin's own batch: every error becomes one that may leave the library. */
static gboolean
node_settle_items (CaskNode *node, const char *slot, gboolean success, GError *failure,
                   CaskItem *items, gsize n_items, GCancellable *cancellable,
                   GError **error)
{
  for (gsize i = 0; i < n_items; i++)
    {
      GError *item_failure = g_steal_pointer (&items[i].error);
      if (item_failure != NULL && (!success || failure != NULL))
        g_clear_error (&item_failure);
      else if (item_failure != NULL)
        cask_node_settle (node, slot, FALSE, item_failure, cancellable, &items[i].error);
    }
  return cask_node_settle (node, slot, success, failure, cancellable, error);
}

static void
node_put_item (CaskNode *node, CaskItem *item, gint64 flags, GCancellable *cancellable)
{
  gboolean created = FALSE;

  if (cask_node_ops.put (cask_node_self (node), item->digest, item->bytes,
                         (guint32) flags, &created, cancellable, &item->error))
    item->outcome = created ? 1 : 0;
}

gboolean
cask_node_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                    GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  /* Item by item is also how a node refuses what it can not do. */
  gboolean able = (node->capabilities & CASK_CAPABILITY_WRITE) != 0;
  if (able && CASK_NODE_DELEGATES (node, put_many))
    return CASK_CALL (node->children[0], put_many, items, n_items, flags, cancellable,
                      error);
  if (!able || node->ops.put_many == NULL)
    return node_each (node, items, n_items, flags, cancellable, node_put_item);

  gboolean success =
      node->ops.put_many (node->backend, items, n_items, flags, cancellable, &failure);
  return node_settle_items (node, "put_many", success, failure, items, n_items,
                            cancellable, error);
}

static void
node_get_item (CaskNode *node, CaskItem *item, gint64 flags, GCancellable *cancellable)
{
  CaskBlobInfo unwanted;
  CaskBlobInfo *info = item->info != NULL ? item->info : &unwanted;

  item->bytes = cask_node_ops.get (cask_node_self (node), item->digest, 0, CASK_TO_END,
                                   (guint32) flags, info, cancellable, &item->error);
}

/* What get would not give, get_many does not. */
static void
node_check_got (CaskNode *node, CaskItem *item, gboolean success)
{
  gboolean given = success && item->error == NULL && item->bytes != NULL;
  gboolean sized =
      given && (item->info == NULL || item->info->size == g_bytes_get_size (item->bytes));

  if (sized && item->info != NULL)
    item->info->digest = *item->digest;
  if (sized)
    return;
  g_clear_pointer (&item->bytes, g_bytes_unref);
  if (item->error == NULL)
    item->error =
        cask_node_fault (node, given ? CASK_ERROR_CORRUPT : CASK_ERROR_IO, "gave %s",
                         given ? "another number of bytes than it says the blob has"
                               : "neither bytes nor an error");
}

gboolean
cask_node_get_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                    GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, get_many))
    return CASK_CALL (node->children[0], get_many, items, n_items, flags, cancellable,
                      error);
  if (node->ops.get_many == NULL)
    return node_each (node, items, n_items, flags, cancellable, node_get_item);

  gboolean success =
      node->ops.get_many (node->backend, items, n_items, flags, cancellable, &failure);
  for (gsize i = 0; i < n_items; i++)
    node_check_got (node, &items[i], success && failure == NULL);
  return node_settle_items (node, "get_many", success, failure, items, n_items,
                            cancellable, error);
}

static void
node_contains_item (CaskNode *node, CaskItem *item, gint64 flags,
                    GCancellable *cancellable)
{
  CaskBlobInfo unwanted;
  CaskBlobInfo *info = item->info != NULL ? item->info : &unwanted;

  item->outcome = cask_node_ops.stat (cask_node_self (node), item->digest,
                                      (guint32) flags, info, cancellable, &item->error);
  if (g_error_matches (item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    g_clear_error (&item->error);
}

gboolean
cask_node_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                         GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  gboolean able =
      !(flags & CASK_STAT_FRESHEN) || (node->capabilities & CASK_CAPABILITY_FRESHENS);
  if (able && CASK_NODE_DELEGATES (node, contains_many))
    return CASK_CALL (node->children[0], contains_many, items, n_items, flags,
                      cancellable, error);
  if (!able || node->ops.contains_many == NULL)
    return node_each (node, items, n_items, flags, cancellable, node_contains_item);

  gboolean success = node->ops.contains_many (node->backend, items, n_items, flags,
                                              cancellable, &failure);
  return node_settle_items (node, "contains_many", success, failure, items, n_items,
                            cancellable, error);
}

static void
node_remove_item (CaskNode *node, CaskItem *item, gint64 unused_since_usec,
                  GCancellable *cancellable)
{
  CaskRemoved outcome = CASK_REMOVED_MAYBE;

  if (cask_node_ops.remove (cask_node_self (node), item->digest, unused_since_usec,
                            &outcome, cancellable, &item->error))
    item->outcome = outcome;
}

gboolean
cask_node_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                       gint64 unused_since_usec, GCancellable *cancellable,
                       GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  guint64 needed = CASK_CAPABILITY_WRITE;
  if (unused_since_usec != CASK_ALWAYS)
    needed |= CASK_CAPABILITY_REMOVE_UNUSED;
  gboolean able = (node->capabilities & needed) == needed;
  if (able && CASK_NODE_DELEGATES (node, remove_many))
    return CASK_CALL (node->children[0], remove_many, items, n_items, unused_since_usec,
                      cancellable, error);
  if (!able || node->ops.remove_many == NULL)
    return node_each (node, items, n_items, unused_since_usec, cancellable,
                      node_remove_item);

  gboolean success = node->ops.remove_many (node->backend, items, n_items,
                                            unused_since_usec, cancellable, &failure);
  return node_settle_items (node, "remove_many", success, failure, items, n_items,
                            cancellable, error);
}
