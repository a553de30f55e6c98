/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-list.c: what `wrong` lists. */
#include "wrong.h"

static GTreeNode *
list_nth_locked (CaskBackend *self, guint n)
{
  GTreeNode *node = g_tree_node_first (self->place->blobs);

  while (node != NULL && n-- > 0)
    node = g_tree_node_next (node);
  return node;
}

/* The first node of the page. Returns: (nullable) */
static GTreeNode *
list_seek_locked (CaskBackend *self, const CaskDigest *after)
{
  GTree *blobs = self->place->blobs;

  if (after == NULL)
    return g_tree_node_first (blobs);
  if (wrong_is (self, WRONG_LIST_BY_POSITION) && self->place->position > 0)
    return list_nth_locked (self, self->place->position);
  if (wrong_is (self, WRONG_LIST_TOKEN_INCLUSIVE))
    return g_tree_lower_bound (blobs, after);
  GTreeNode *node = g_tree_upper_bound (blobs, after);
  if (node != NULL && wrong_is (self, WRONG_LIST_SKIPS))
    return g_tree_node_next (node);
  return node;
}

static gboolean
list_shows (CaskBackend *self, const WrongBlob *blob)
{
  if (wrong_is (self, WRONG_LIST_ONE_ALGORITHM))
    return blob->info.digest.algorithm == CASK_ALGORITHM_SHA256;
  return !(wrong_is (self, WRONG_EMPTY_IS_ABSENT) && blob->info.size == 0);
}

/* Returns: whether more follows */
static gboolean
list_fill_locked (CaskBackend *self, const CaskDigest *after, CaskBlobInfo *infos,
                  guint32 room, guint32 *n_infos)
{
  guint32 n = 0;
  guint position = after != NULL ? self->place->position : 0;
  GTreeNode *node = list_seek_locked (self, after);

  if (wrong_is (self, WRONG_LISTS_UPLOADS) && self->place->n_open_uploads > 0 &&
      after == NULL)
    infos[n++] = (CaskBlobInfo){ .digest.algorithm = CASK_ALGORITHM_SHA256 };
  for (; node != NULL; node = g_tree_node_next (node))
    {
      const WrongBlob *blob = g_tree_node_value (node);
      if (!list_shows (self, blob))
        continue;
      if (n == room)
        break;
      infos[n++] = blob->info;
      if (wrong_is (self, WRONG_LIST_TIME_IN_MSEC))
        infos[n - 1].mtime_usec /= 1000;
      if (wrong_is (self, WRONG_LIST_IS_ALWAYS_BRIEF))
        infos[n - 1].size = CASK_UNKNOWN;
      position++;
    }
  self->place->position = position;
  if (wrong_is (self, WRONG_LIST_LOSES_LAST) && node == NULL && n == room &&
      after != NULL)
    n--;
  *n_infos = n;
  return node != NULL && !(wrong_is (self, WRONG_LIST_STOPS) && position >= 1000);
}

static gboolean
list_takes_token_locked (CaskBackend *self, const CaskDigest *after, GError **error)
{
  if (!wrong_is (self, WRONG_LIST_TOKEN_EXISTS) || after == NULL ||
      wrong_find_locked (self, after) != NULL)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such token");
  return FALSE;
}

gboolean
wrong_list (CaskBackend *self, const CaskDigest *after, G_GNUC_UNUSED guint32 flags,
            CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
            GCancellable *cancellable, GError **error)
{
  guint32 room = *n_infos;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->place->lock);
  gboolean is_taken = list_takes_token_locked (self, after, error);
  if (is_taken)
    *more = list_fill_locked (self, after, infos, room, n_infos);
  g_mutex_unlock (&self->place->lock);
  if (!is_taken)
    return FALSE;

  if (wrong_is (self, WRONG_LIST_UNSORTED) && *n_infos > 1)
    {
      CaskBlobInfo first = infos[0];
      infos[0] = infos[*n_infos - 1];
      infos[*n_infos - 1] = first;
    }
  if (wrong_is (self, WRONG_LIST_MORE_OF_NOTHING) && *n_infos == 0)
    *more = TRUE;
  if (wrong_is (self, WRONG_LIST_MORE_IF_FULL) && *n_infos == room)
    *more = TRUE;
  return TRUE;
}
