/* SPDX-License-Identifier: Apache-2.0
 *
 * old-batch.c: batches, one by one. */
#include "old.h"

gboolean
old_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
              GCancellable *cancellable, GError **error)
{
  (void) error;
  for (gsize i = 0; i < n_items; i++)
    {
      gboolean created = FALSE;
      if (old_put (self, items[i].digest, items[i].bytes, flags, &created, cancellable,
                   &items[i].error))
        items[i].outcome = (guint32) created;
    }
  return TRUE;
}

gboolean
old_get_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
              GCancellable *cancellable, GError **error)
{
  (void) error;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskBlobInfo info;
      items[i].bytes = old_get (self, items[i].digest, 0, CASK_TO_END, flags, &info,
                                cancellable, &items[i].error);
      if (items[i].bytes != NULL && items[i].info != NULL)
        *items[i].info = info;
    }
  return TRUE;
}

gboolean
old_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                   GCancellable *cancellable, GError **error)
{
  (void) error;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskBlobInfo info;
      gboolean present =
          old_stat (self, items[i].digest, flags, &info, cancellable, NULL);
      items[i].outcome = (guint32) present;
      if (present && items[i].info != NULL)
        *items[i].info = info;
    }
  return TRUE;
}

gboolean
old_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                 gint64 unused_since_usec, GCancellable *cancellable, GError **error)
{
  (void) error;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskRemoved outcome = CASK_REMOVED_ABSENT;
      if (old_remove (self, items[i].digest, unused_since_usec, &outcome, cancellable,
                      &items[i].error))
        items[i].outcome = outcome;
    }
  return TRUE;
}
