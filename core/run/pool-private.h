/* SPDX-License-Identifier: Apache-2.0
 *
 * pool-private.h: the threads on which blocking calls run, shared by all stores of the
 * process. */
#pragma once

#include <glib.h>

/* A lane is one store's share: it runs at most `bound` jobs at once, so that a store on a
 * hung disk starves no other. Refcounted; a queued or running job holds a reference. */
typedef struct _CaskLane CaskLane;

typedef struct _CaskPoolJob CaskPoolJob;

/* Runs n jobs that were taken together; all have the same func. Each is the callee's from
 * here on. */
typedef void (*CaskPoolFunc) (CaskPoolJob **jobs, guint n);

/* To be embedded in what is queued. The owner sets func, and weight where jobs of a kind
 * may be taken together; the rest belongs to the pool. */
struct _CaskPoolJob
{
  CaskPoolFunc func;
  gboolean together; /* may be run in one call with neighbours of the same func */
  gsize weight; /* bytes; what is taken together weighs CASK_POOL_RUN_BYTES at most */

  CaskLane *lane;
  GList link; /* in the lane's queue, data: this job */
  int priority;
  gboolean queued;
  gboolean unwanted; /* somebody wanted it back when it ran */
  guint epoch;       /* of the process that queued it */
};

#define CASK_POOL_MAX_THREADS 256
#define CASK_POOL_RUN_JOBS 64
#define CASK_POOL_RUN_BYTES (32u << 20)

CaskLane *cask_lane_new (guint bound);
CaskLane *cask_lane_ref (CaskLane *lane);
void cask_lane_unref (CaskLane *lane);

/* How many jobs wait. */
guint cask_lane_count (CaskLane *lane);

/* Queues a job behind those of the same or a more urgent (smaller) priority. */
void cask_pool_push (CaskLane *lane, CaskPoolJob *job, int priority);

/* Queues a job that runs, from its func, in another lane. Returns: FALSE where somebody
 * has tried to withdraw it meanwhile: it is not queued, and still the caller's. */
gboolean cask_pool_push_on (CaskLane *lane, CaskPoolJob *job, int priority);

/* Takes a job back. Returns: FALSE where it runs, or has run, already. */
gboolean cask_pool_withdraw (CaskPoolJob *job);

/* How many processors there are, looked up once: GLib reads a file each time. */
guint cask_pool_count_processors (void);

void cask_pool_after_fork (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskLane, cask_lane_unref)
