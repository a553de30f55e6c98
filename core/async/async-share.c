/* SPDX-License-Identifier: Apache-2.0
 *
 * async-share.c: of many reads at once, some are tried by another thread.
 *
 * What is in memory is answered in the caller's thread, for a hop to another costs more
 * than the read. But where many are asked for at a time, that thread makes one system
 * call after another while the other processors idle. So once SHARE_PENDING operations of
 * its context are under way, it leaves reads to a helper, up to SHARE_BACKLOG in a row,
 * and does by itself what comes while so many wait. A helper takes all that wait at once:
 * as long as reads keep coming nobody is woken and nobody waits.
 *
 * What is found in less than a hop costs, in the process's own memory, is never left to
 * anybody: some reads of a crowd are measured, and two in a row have to be slow.
 *
 * A helper does what the caller's thread would have done: it tries, without blocking, and
 * leaves to the store's own lane what has to wait for a disk. So the helpers of all
 * stores are one lane. */
#include "async-op-private.h"

#define SHARE_PENDING 32
#define SHARE_BACKLOG 4
/* One loop's thread can feed no more. */
#define SHARE_HELPERS 3
#define SHARE_SAMPLE 16 /* one of so many is measured, by its digest */
#define SHARE_SLOW_USEC 2
#define SHARE_SLOW_TRIES 2

/* Never freed: for as long as there may be stores. */
static CaskLane *
share_lane (guint most)
{
  static CaskLane *lane; /* atomic */

  if (G_UNLIKELY (g_atomic_pointer_get (&lane) == NULL))
    {
      /* Not g_once_init_enter(): a child forked within it would wait for its end for
       * ever. */
      g_autoptr (CaskLane) fresh = cask_lane_new (MIN (most, SHARE_HELPERS));
      if (g_atomic_pointer_compare_and_exchange (&lane, NULL, fresh))
        g_steal_pointer (&fresh);
    }
  return g_atomic_pointer_get (&lane);
}

static gboolean
share_try_now (AsyncOp *op, CaskStore *store, gboolean whole)
{
  return cask_store_try_get (store, &op->digest, op->offset, op->length, whole,
                             (GBytes **) &op->result, &op->error);
}

gboolean
async_op_try_read (AsyncOp *op, CaskStore *store, gboolean whole)
{
  if (op->n_pending < SHARE_PENDING || op->digest.bytes[0] % SHARE_SAMPLE != 0)
    return share_try_now (op, store, whole);

  gint64 began = g_get_monotonic_time ();
  gboolean decided = share_try_now (op, store, whole);
  if (!decided || g_get_monotonic_time () - began < SHARE_SLOW_USEC)
    g_atomic_int_set (&store->n_slow_tries, 0);
  else if (g_atomic_int_get (&store->n_slow_tries) < SHARE_SLOW_TRIES)
    g_atomic_int_inc (&store->n_slow_tries);
  return decided;
}

/* Where it is for the disk, the operation is a job of its own in the store's lane; and
 * so, for some time, are those after it. */
static gboolean
share_try (AsyncOp *op)
{
  CaskStore *store = g_task_get_source_object (op->task);

  if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (op->task),
                                            &op->error) ||
      share_try_now (op, store, op->flags != 0))
    return TRUE;
  g_atomic_int_set (&store->n_slow_tries, 0);
  return !async_op_pass_on (op, store->lane);
}

static void
share_run (CaskPoolJob **jobs, guint n)
{
  CaskCompletion *done[CASK_POOL_RUN_JOBS];
  guint n_done = 0;

  for (guint i = 0; i < n; i++)
    {
      AsyncOp *op = (AsyncOp *) (gpointer) jobs[i];
      CaskCompletion *completion = &op->completion;
      if (share_try (op))
        done[n_done++] = completion;
    }
  cask_completion_push_all (done, n_done);
}

gboolean
async_op_share (AsyncOp *op, CaskStore *store, gboolean whole, AsyncWork work)
{
  guint n_processors = cask_pool_count_processors ();

  if (op->n_pending < SHARE_PENDING || n_processors < 2 ||
      g_atomic_int_get (&store->n_slow_tries) < SHARE_SLOW_TRIES)
    return FALSE;
  CaskLane *lane = share_lane (n_processors - 1);
  if (cask_lane_count (lane) >= SHARE_BACKLOG)
    return FALSE;
  op->flags = (guint32) whole;
  op->job.func = share_run;
  op->job.together = TRUE;
  async_op_queue (op, lane, work);
  return TRUE;
}
