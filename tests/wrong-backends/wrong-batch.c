/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-batch.c: what `wrong` does with many blobs at once: the same as with each. */
#include "wrong.h"

/* What MANY_CREATED_TWICE does: what one thread does alone is right. */
static void
batch_put_without_looking (CaskBackend *self, CaskItem *items, gsize n_items,
                           guint32 flags)
{
  g_autoptr (GHashTable) there = g_hash_table_new (cask_digest_hash, cask_digest_equal);

  g_mutex_lock (&self->place->lock);
  for (gsize i = 0; i < n_items; i++)
    if (wrong_find_locked (self, items[i].digest) != NULL)
      g_hash_table_add (there, (gpointer) items[i].digest);
  g_mutex_unlock (&self->place->lock);
  wrong_dawdle (500);
  for (gsize i = 0; i < n_items; i++)
    {
      gboolean unwanted;
      wrong_put (self, items[i].digest, items[i].bytes, flags, &unwanted, NULL, NULL);
      items[i].outcome = g_hash_table_add (there, (gpointer) items[i].digest);
    }
}

gboolean
wrong_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  if (wrong_is (self, WRONG_MANY_CREATED_TWICE))
    {
      batch_put_without_looking (self, items, n_items, flags);
      return TRUE;
    }
  for (gsize i = 0; i < n_items; i++)
    {
      gboolean created = FALSE;
      CaskBlobInfo unwanted;
      if (wrong_is (self, WRONG_PUT_ALL_BUT_LAST) && i > 0 && i + 1 == n_items)
        created = TRUE;
      else if (wrong_is (self, WRONG_MANY_HITS_ARE_STALE) &&
               wrong_stat (self, items[i].digest, 0, &unwanted, NULL, NULL))
        created = FALSE;
      else
        wrong_put (self, items[i].digest, items[i].bytes, flags, &created, cancellable,
                   &items[i].error);
      items[i].outcome = (guint32) created;
    }
  return TRUE;
}

gboolean
wrong_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                     GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  if (wrong_is (self, WRONG_CONTAINS_IS_IDLE))
    flags &= ~(guint32) CASK_STAT_FRESHEN;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskBlobInfo unwanted;
      CaskItem *item = &items[i];
      CaskBlobInfo *info = item->info != NULL ? item->info : &unwanted;
      if (wrong_is (self, WRONG_FRESHENS_FIRST) && i > 0)
        flags &= ~(guint32) CASK_STAT_FRESHEN;
      if (wrong_is (self, WRONG_CONTAINS_ALL_BUT_LAST) && i > 0 && i + 1 == n_items)
        continue;
      item->outcome = (guint32) wrong_stat (self, item->digest, flags, info, cancellable,
                                            &item->error);
      if (g_error_matches (item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
        g_clear_error (&item->error);
    }
  return TRUE;
}

gboolean
wrong_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                   gint64 unused_since_usec, GCancellable *cancellable,
                   G_GNUC_UNUSED GError **error)
{
  if (wrong_is (self, WRONG_REMOVES_MANY_ANY_AGE))
    unused_since_usec = CASK_ALWAYS;
  for (gsize i = 0; i < n_items; i++)
    {
      CaskRemoved outcome = CASK_REMOVED_ABSENT;
      wrong_remove (self, items[i].digest, unused_since_usec, &outcome, cancellable,
                    &items[i].error);
      items[i].outcome =
          wrong_is (self, WRONG_REMOVED_ALL) ? CASK_REMOVED_DONE : (guint32) outcome;
    }
  return TRUE;
}
