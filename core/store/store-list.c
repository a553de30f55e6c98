/* SPDX-License-Identifier: Apache-2.0
 *
 * store-list.c: listing, a page at a time. */
#include "store-private.h"

/* How many entries a backend is asked for at once: memory grows with what there is, not
 * with the limit. */
#define LIST_PIECE 1024

/* Asks for the next piece behind what infos holds already. */
static gboolean
store_list_piece (CaskStore *store, const CaskDigest *after, guint limit, GArray *infos,
                  gboolean *more, GCancellable *cancellable, GError **error)
{
  guint have = infos->len;
  guint32 n = MIN (limit - have, LIST_PIECE);

  g_array_set_size (infos, have + n);
  if (have > 0)
    after = &g_array_index (infos, CaskBlobInfo, have - 1).digest;
  gboolean success = cask_node_ops.list (cask_store_root (store), after, 0,
                                         &g_array_index (infos, CaskBlobInfo, have), &n,
                                         more, cancellable, error);
  g_array_set_size (infos, have + (success ? n : 0));
  return success;
}

/**
 * cask_store_list:
 * @store: a store
 * @after: (nullable): where to go on: only blobs greater than this digest, which need not
 * exist; %NULL from the start
 * @limit: how many blobs at most; 0: %CASK_LIST_DEFAULT; over %CASK_LIST_MAXIMUM counts
 * as that
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Lists blobs in the order of cask_digest_compare(). Blobs that exist throughout a whole
 * listing, page after page, appear exactly once in it; what is put or deleted meanwhile
 * may or may not appear.
 *
 * Returns: (transfer full) (nullable): a page, or %NULL
 *
 * Since: 1.0
 */
CaskListPage *
cask_store_list (CaskStore *store, const CaskDigest *after, guint limit,
                 GCancellable *cancellable, GError **error)
{
  gboolean more = TRUE, success = TRUE;

  g_return_val_if_fail (CASK_IS_STORE (store), NULL);

  if (!cask_store_begin (store, after, cancellable, error))
    return NULL;
  limit = limit == 0 ? CASK_LIST_DEFAULT : MIN (limit, CASK_LIST_MAXIMUM);
  g_autoptr (GArray) infos = g_array_new (FALSE, TRUE, sizeof (CaskBlobInfo));
  while (success && more && infos->len < limit)
    success = store_list_piece (store, after, limit, infos, &more, cancellable, error);
  if (!success)
    cask_store_fail (store, NULL, error);
  cask_store_leave (store);
  return success ? cask_list_page_new (g_steal_pointer (&infos), more) : NULL;
}
