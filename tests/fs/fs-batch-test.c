/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-batch-test.c: makes batches, and counts what became of their items. */
#include "fs-batch-test.h"

Many *
batch_new (guint first, guint n_items, const char *text)
{
  Many *many = g_new0 (Many, 1);
  for (guint i = 0; i < n_items; i++)
    {
      many->digests[i] = fs_digest (1 + (first + i) % 2,
                                    (guint8) ((first + i) % MANY_SHARDS), first + i);
      many->items[i].digest = &many->digests[i];
      many->items[i].info = &many->infos[i];
      many->items[i].outcome = 99;
      if (text != NULL)
        many->items[i].bytes = g_bytes_new (text, strlen (text));
    }
  return many;
}

void
batch_free (Many *many)
{
  for (guint i = 0; i < MANY; i++)
    {
      g_clear_pointer (&many->items[i].bytes, g_bytes_unref);
      g_clear_error (&many->items[i].error);
    }
  g_free (many);
}

gboolean
batch_put (FsStore *store, Many *many, guint n_items, GCancellable *cancellable)
{
  return store->ops->put_many (store->backend, many->items, n_items, 0, cancellable,
                               NULL);
}

void
batch_fill (FsStore *store, guint first, guint n_items)
{
  g_autoptr (Many) many = batch_new (first, n_items, "before");
  CU_ASSERT_TRUE (batch_put (store, many, n_items, NULL));
}

void
batch_warm (FsStore *store)
{
  batch_fill (store, 1000, 16);
  batch_fill (store, 2000, 16);
}

guint
batch_count (const Many *many, guint n_items, guint outcome)
{
  guint count = 0;
  for (guint i = 0; i < n_items; i++)
    count += many->items[i].error == NULL && many->items[i].outcome == outcome;
  return count;
}

guint
batch_count_errors (const Many *many, guint n_items, GQuark domain, int code)
{
  guint count = 0;
  for (guint i = 0; i < n_items; i++)
    count += g_error_matches (many->items[i].error, domain, code);
  return count;
}

gboolean
batch_is_true (FsStore *store, const Many *many, guint n_items, const char *expected)
{
  for (guint i = 0; i < n_items; i++)
    {
      g_autofree char *text = NULL;
      int code = fs_store_get (store, &many->digests[i], &text);
      if (many->items[i].error == NULL && g_strcmp0 (text, expected) != 0)
        return FALSE;
      if (many->items[i].error != NULL && code != CASK_ERROR_NOT_FOUND)
        return FALSE;
    }
  return TRUE;
}
