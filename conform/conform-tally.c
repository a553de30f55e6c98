/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-tally.c: how much the random cases have done: a case that is given a time, and
 * not a number, would otherwise pass with one step as well as with thousands.
 *
 * Locks: tally_lock guards tally_rows. */
#include "conform-check.h"

#define TALLY_ROWS 8

static GMutex tally_lock;
static struct
{
  const char *what;
  guint64 total;
} tally_rows[TALLY_ROWS];

void
conform_tally (const char *what, guint64 n)
{
  guint i = 0;

  g_mutex_lock (&tally_lock);
  while (i < TALLY_ROWS && tally_rows[i].what != NULL &&
         !g_str_equal (tally_rows[i].what, what))
    i++;
  if (i < TALLY_ROWS)
    {
      tally_rows[i].what = what;
      tally_rows[i].total += n;
    }
  g_mutex_unlock (&tally_lock);
}

const char *
conform_tally_get (guint n, guint64 *total)
{
  const char *what = NULL;

  g_mutex_lock (&tally_lock);
  if (n < TALLY_ROWS)
    {
      what = tally_rows[n].what;
      *total = tally_rows[n].total;
    }
  g_mutex_unlock (&tally_lock);
  return what;
}
