/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-limit.c: operations that meet the limit on open files wait for others to finish.
 *
 * An operation that meets the limit closes all that it holds, fails with FS_ERROR_LIMIT,
 * and its slot asks fs_patience_again() whether to run it anew. So nobody keeps one
 * descriptor while waiting for a second, and the operations that got theirs always end.
 * Each end wakes one that waits: as many run at once as the limit allows, whatever it is.
 *
 * Failure modes: where the whole process's descriptors are held by others than this
 * store, nothing wakes the waiting; after a second they fail with BUSY. */
#include "fs-private.h"

static void
fs_patience_begin (FsPatience *patience)
{
  FsLimit *limit = &patience->self->limit;
  patience->waiting = TRUE;
  if (patience->deadline == 0)
    patience->deadline = g_get_monotonic_time () + G_USEC_PER_SEC;
  g_mutex_lock (&limit->lock);
  g_atomic_int_inc (&limit->waiters);
  patience->seen = limit->finished;
  g_mutex_unlock (&limit->lock);
  fs_shards_withhold ();
}

/* Returns: whether some operation has ended since the last look. */
static gboolean
fs_patience_wait (FsPatience *patience)
{
  FsLimit *limit = &patience->self->limit;
  gboolean in_time = TRUE;
  g_mutex_lock (&limit->lock);
  while (in_time && limit->finished == patience->seen)
    in_time = g_cond_wait_until (&limit->finished_cond, &limit->lock, patience->deadline);
  in_time = limit->finished != patience->seen;
  patience->seen = limit->finished;
  g_mutex_unlock (&limit->lock);
  return in_time && g_get_monotonic_time () < patience->deadline;
}

/* fs_patience_again: whether an operation that failed is to be run again; then the
 * failure is forgotten. */
gboolean
fs_patience_again (FsPatience *patience, GCancellable *cancellable, GError **failure)
{
  if (!g_error_matches (*failure, CASK_ERROR, FS_ERROR_LIMIT))
    return FALSE;
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_clear_error (failure);
      g_cancellable_set_error_if_cancelled (cancellable, failure);
      return FALSE;
    }
  /* The first time there is no wait: an operation that ended before we were counted
   * among the waiting has woken nobody. */
  if (!patience->waiting)
    fs_patience_begin (patience);
  else if (!fs_patience_wait (patience))
    return FALSE;
  g_clear_error (failure);
  return TRUE;
}

/* fs_patience_none: for what opens nothing and so never waits: hands its failure on.
 *
 * Returns: FALSE */
gboolean
fs_patience_none (GError *failure, GError **error)
{
  if (g_error_matches (failure, CASK_ERROR, FS_ERROR_LIMIT))
    failure->code = CASK_ERROR_BUSY;
  g_propagate_error (error, failure);
  return FALSE;
}

/* fs_patience_end: called once where an operation ends; hands its failure on.
 *
 * Returns: whether there was none. */
gboolean
fs_patience_end (FsPatience *patience, GError *failure, GError **error)
{
  FsLimit *limit = &patience->self->limit;
  if (patience->waiting)
    {
      g_atomic_int_add (&limit->waiters, -1);
      fs_shards_allow ();
    }
  if (g_atomic_int_get (&limit->waiters) > 0)
    {
      g_mutex_lock (&limit->lock);
      limit->finished++;
      g_cond_signal (&limit->finished_cond);
      g_mutex_unlock (&limit->lock);
    }
  return failure == NULL || fs_patience_none (failure, error);
}
