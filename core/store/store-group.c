/* SPDX-License-Identifier: Apache-2.0
 *
 * store-group.c: several items in one call of the backend.
 *
 * What fails before the call, for it has no digest or not the bytes that it should have,
 * is left out of it, and so harms no other. */
#include "batch-private.h"

#include "error-private.h"

/* Who is cancelled before its turn was not begun. */
static gboolean
group_takes (CaskStore *store, CaskItem *item, CaskGroupCheck check, gint64 parameter,
             GCancellable *cancellable)
{
  if (item->error != NULL || !cask_digest_check (item->digest, &item->error) ||
      g_cancellable_set_error_if_cancelled (cancellable, &item->error))
    return FALSE;
  return check == NULL || check (store, item, parameter, cancellable);
}

/* Nothing was tried: each item has that for its error, and nothing else. */
static void
group_fail (CaskStore *store, CaskItem *items, gsize n_items, const GError *failure)
{
  for (gsize i = 0; i < n_items; i++)
    {
      g_clear_error (&items[i].error);
      items[i].error = g_error_copy (failure);
      cask_store_fail (store, items[i].digest, &items[i].error);
    }
}

void
cask_store_group (CaskStore *store, CaskItem *items, gsize n_items, CaskGroupCheck check,
                  CaskGroupCall call, gint64 parameter, GCancellable *cancellable)
{
  g_autofree CaskItem *fitting = g_new (CaskItem, n_items);
  g_autofree gsize *places = g_new (gsize, n_items);
  g_autoptr (GError) failure = NULL;
  gsize n = 0;

  for (gsize i = 0; i < n_items; i++)
    {
      if (!group_takes (store, &items[i], check, parameter, cancellable))
        continue;
      places[n] = i;
      fitting[n++] = items[i];
    }
  if (n == 0)
    return;
  if (!call (store, fitting, n, parameter, cancellable, &failure))
    group_fail (store, fitting, n, failure);
  for (gsize i = 0; i < n; i++)
    items[places[i]] = fitting[i];
}
