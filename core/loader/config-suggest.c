/* SPDX-License-Identifier: Apache-2.0
 *
 * config-suggest.c: "did you mean …?": the known word that a mistyped one is nearest to.
 *
 * Invariants: work is bounded whatever is given: words over 64 bytes are near to nothing.
 */
#include "config-private.h"

#define SUGGEST_MAX_LENGTH 64

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b, case aside. */
static gsize
suggest_distance (const char *a, gsize a_length, const char *b, gsize b_length)
{
  gsize rows[3][SUGGEST_MAX_LENGTH + 1];
  gsize *before = rows[0], *last = rows[1], *row = rows[2];

  for (gsize j = 0; j <= b_length; j++)
    last[j] = j;
  for (gsize i = 1; i <= a_length; i++)
    {
      row[0] = i;
      for (gsize j = 1; j <= b_length; j++)
        {
          char x = g_ascii_tolower (a[i - 1]), y = g_ascii_tolower (b[j - 1]);
          gsize best = MIN (last[j] + 1, row[j - 1] + 1);
          best = MIN (best, last[j - 1] + (x == y ? 0 : 1));
          if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2]) &&
              y == g_ascii_tolower (a[i - 2]))
            best = MIN (best, before[j - 2] + 1);
          row[j] = best;
        }
      gsize *spare = before;
      before = last;
      last = row;
      row = spare;
    }
  return last[b_length];
}

const char *
cask_suggest (const char *given, const char *const *candidates, gsize n)
{
  gsize length = strnlen (given, SUGGEST_MAX_LENGTH + 1);
  if (length == 0 || length > SUGGEST_MAX_LENGTH)
    return NULL;

  const char *nearest = NULL;
  gsize nearest_distance = MAX (2, length / 3) + 1;
  for (gsize i = 0; i < n; i++)
    {
      gsize candidate_length = strnlen (candidates[i], SUGGEST_MAX_LENGTH + 1);
      if (candidate_length > SUGGEST_MAX_LENGTH)
        continue;
      gsize distance = suggest_distance (given, length, candidates[i], candidate_length);
      /* Words that share nothing are not near, however short they are. */
      if (distance < nearest_distance && distance < MIN (length, candidate_length))
        {
          nearest = candidates[i];
          nearest_distance = distance;
        }
    }
  return nearest;
}
