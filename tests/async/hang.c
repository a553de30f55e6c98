/* SPDX-License-Identifier: Apache-2.0
 *
 * hang.c: a job that keeps a store's only thread until the test lets go. */
#include "hang.h"

static void
hang_run (CaskPoolJob **jobs, guint n)
{
  Hang *hang = (Hang *) (gpointer) jobs[0];
  (void) n;

  g_mutex_lock (&hang->lock);
  hang->hangs = TRUE;
  g_cond_broadcast (&hang->progress);
  while (!hang->let_go)
    g_cond_wait (&hang->progress, &hang->lock);
  hang->gone = TRUE;
  g_cond_broadcast (&hang->progress);
  g_mutex_unlock (&hang->lock);
}

void
hang_begin (Hang *hang, CaskStore *store)
{
  *hang = (Hang){ .job.func = hang_run };
  g_mutex_init (&hang->lock);
  g_cond_init (&hang->progress);
  cask_pool_push (store->lane, &hang->job, G_MININT);
  g_mutex_lock (&hang->lock);
  while (!hang->hangs)
    g_cond_wait (&hang->progress, &hang->lock);
  g_mutex_unlock (&hang->lock);
}

void
hang_end (Hang *hang)
{
  g_mutex_lock (&hang->lock);
  hang->let_go = TRUE;
  g_cond_broadcast (&hang->progress);
  while (!hang->gone)
    g_cond_wait (&hang->progress, &hang->lock);
  g_mutex_unlock (&hang->lock);
}
