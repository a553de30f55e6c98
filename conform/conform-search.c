/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-search.c: the search for an order that explains a history.
 *
 * A call may come next when all that ended before it began have come. What is left after
 * a set of calls depends on that set and on the state alone, so a set from which the
 * search has not come on is never tried twice. */
#include "conform-search.h"

/* Times are whole microseconds: who ends in the one in which another begins may have been
 * at it together. */
static gboolean
search_comes_first (const Search *search, guint a, guint b)
{
  const HistoryCall *first = &search->calls[a], *second = &search->calls[b];

  return first->thread == second->thread ? a < b : first->end < second->begin;
}

/* Whether the answer is right in that state. after: (out): the state it leaves */
static gboolean
search_fits (const Search *search, const HistoryCall *call, gboolean stored,
             gboolean *after)
{
  *after = stored;
  switch (call->kind)
    {
    case HISTORY_PUT:
      *after = TRUE;
      return !search->exact || call->answer == !stored;
    case HISTORY_DELETE:
      *after = FALSE;
      return !search->exact || call->answer == stored;
    case HISTORY_CONTAINS:
    case HISTORY_GET:
      return call->answer == stored;
    case HISTORY_NONE:
    default:
      return TRUE;
    }
}

/* Whether the calls that are not in the set `made` can follow. */
static gboolean
search_on (Search *search, guint32 made, gboolean stored)
{
  gpointer key = GUINT_TO_POINTER (made << 1 | (stored ? 1u : 0u));

  if (made == (1u << search->n) - 1)
    return TRUE;
  if (g_hash_table_contains (search->dead_ends, key))
    return FALSE;
  for (guint i = 0; i < search->n; i++)
    {
      gboolean after, is_due = !(made & 1u << i) && !(search->before[i] & ~made);
      if (is_due && search_fits (search, &search->calls[i], stored, &after) &&
          search_on (search, made | 1u << i, after))
        return TRUE;
    }
  g_hash_table_add (search->dead_ends, key);
  return FALSE;
}

gboolean
search_explains (Search *search, gboolean stored)
{
  for (guint i = 0; i < search->n; i++)
    for (guint k = 0; k < search->n; k++)
      if (k != i && search_comes_first (search, k, i))
        search->before[i] |= 1u << k;
  search->dead_ends = g_hash_table_new (NULL, NULL);
  gboolean explained = search_on (search, 0, stored);
  g_hash_table_unref (search->dead_ends);
  return explained;
}
