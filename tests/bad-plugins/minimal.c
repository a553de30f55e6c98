/* SPDX-License-Identifier: Apache-2.0
 *
 * minimal.c: the smallest whole backend: the required slots and no other. With
 * ZOO_COUNTING it takes batches of puts as well, claims to be durable, and says as
 * `stored_bytes` of its usage how many blobs the largest had. As C++ it is L45. */
#include "zoo.h"

#ifdef ZOO_COUNTING
static gboolean
zoo_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
              GCancellable *cancellable, GError **error)
{
  (void) error;
  g_mutex_lock (&self->lock);
  self->largest_group = MAX (self->largest_group, n_items);
  g_mutex_unlock (&self->lock);
  for (gsize i = 0; i < n_items; i++)
    {
      gboolean created = FALSE;
      zoo_put (self, items[i].digest, items[i].bytes, flags, &created, cancellable,
               &items[i].error);
      items[i].outcome = (guint32) created;
    }
  return TRUE;
}

static gboolean
zoo_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  usage->count = (guint64) g_tree_nnodes (self->blobs);
  usage->stored_bytes = self->largest_group;
  g_mutex_unlock (&self->lock);
  return TRUE;
}
#endif

static const CaskBackendOps minimal_ops = {
  .size = (guint32) sizeof (CaskBackendOps),
  .open = zoo_open,
  .close = zoo_close,
  .put = zoo_put,
  .get = zoo_get,
  .stat = zoo_stat,
  .remove = zoo_remove,
  .list = zoo_list,
#ifdef ZOO_COUNTING
  .put_many = zoo_put_many,
  .usage = zoo_usage,
#endif
};

/* A host gathers puts only where a flush is saved by it. */
#ifdef ZOO_COUNTING
#define ZOO_CAPABILITIES CASK_CAPABILITY_DURABLE
#else
#define ZOO_CAPABILITIES 0
#endif

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND,
                    .capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS |
                                    CASK_CAPABILITY_REMOVE_UNUSED | ZOO_CAPABILITIES,
                    .name = ZOO_NAME, .version = "1.0", .summary = "Blobs in a tree",
                    .ops = &minimal_ops)
