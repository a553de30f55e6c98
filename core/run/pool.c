/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.c: a pool of threads with a bounded lane for each store.
 *
 * GTask's own pool has a handful of threads that the whole process shares: one hung disk,
 * and name lookups stop. This one grows while work waits that may run, up to
 * CASK_POOL_MAX_THREADS, and shrinks when it is idle; what limits a store is its lane.
 * Runnable lanes take turns.
 *
 * Invariants: a lane is linked in `runnable` exactly if it has queued jobs and runs fewer
 * than its bound. A job's `queued` is TRUE exactly while it is in its lane's queue.
 *
 * Locks: `lock` guards everything in this file that is not a lane's reference count.
 * Nothing of a caller runs under it. */
#include "pool-private.h"

#include <pthread.h>
#include <signal.h>

/* How long a thread waits for work before it ends. */
#define POOL_IDLE_USEC (10 * G_USEC_PER_SEC)

/* The queued jobs of one priority. */
typedef struct
{
  int priority;
  GQueue jobs;
} PoolBand;

struct _CaskLane
{
  gatomicrefcount references;
  guint bound;

  guint epoch;     /* lock; of the process that used it last */
  guint n_running; /* lock */
  guint n_queued;  /* lock */
  guint n_wanted;  /* lock; its share of the sum of that name */
  GArray *bands;   /* lock; of PoolBand, ascending, none empty */
  GList link;      /* lock; in `runnable`, data: this lane */
  gboolean linked; /* lock */
};

static GMutex lock;
static GCond work;
static GQueue runnable = G_QUEUE_INIT; /* lock */
static guint n_threads;                /* lock */
static guint n_idle;                   /* lock; threads that wait */
static guint n_woken;    /* lock; those among them that were signalled already */
static guint epoch;      /* lock; counts forks */
static guint n_starting; /* lock; threads on their way, that have not looked yet */
static guint n_wanted;   /* lock; how many jobs could begin now, of all lanes */

CaskLane *
cask_lane_new (guint bound)
{
  CaskLane *lane = g_new0 (CaskLane, 1);

  g_atomic_ref_count_init (&lane->references);
  lane->bound = MAX (bound, 1);
  lane->bands = g_array_new (FALSE, FALSE, sizeof (PoolBand));
  lane->link.data = lane;
  g_mutex_lock (&lock);
  lane->epoch = epoch;
  g_mutex_unlock (&lock);
  return lane;
}

CaskLane *
cask_lane_ref (CaskLane *lane)
{
  g_atomic_ref_count_inc (&lane->references);
  return lane;
}

void
cask_lane_unref (CaskLane *lane)
{
  if (!g_atomic_ref_count_dec (&lane->references))
    return;
  g_array_unref (lane->bands);
  g_free (lane);
}

guint
cask_lane_count (CaskLane *lane)
{
  g_mutex_lock (&lock);
  guint count = lane->epoch == epoch ? lane->n_queued : 0;
  g_mutex_unlock (&lock);
  return count;
}

/* Under lock. */
static void
lane_update_link (CaskLane *lane)
{
  guint free_slots = lane->bound - MIN (lane->n_running, lane->bound);
  guint wanted = MIN (lane->n_queued, free_slots);

  if (wanted > 0 && !lane->linked)
    g_queue_push_tail_link (&runnable, &lane->link);
  else if (wanted == 0 && lane->linked)
    g_queue_unlink (&runnable, &lane->link);
  lane->linked = wanted > 0;
  n_wanted = n_wanted - lane->n_wanted + wanted;
  lane->n_wanted = wanted;
}

/* Under lock. Where the band of a priority is, or belongs. A host uses a few priorities,
 * so a walk will do; a single sorted queue would make an urgent job walk past every job
 * that waits. */
static guint
lane_find_band (CaskLane *lane, int priority)
{
  guint i = 0;

  while (i < lane->bands->len &&
         g_array_index (lane->bands, PoolBand, i).priority < priority)
    i++;
  return i;
}

/* Under lock. */
static void
lane_insert (CaskLane *lane, CaskPoolJob *job)
{
  guint i = lane_find_band (lane, job->priority);

  if (i == lane->bands->len ||
      g_array_index (lane->bands, PoolBand, i).priority != job->priority)
    {
      PoolBand band = { .priority = job->priority, .jobs = G_QUEUE_INIT };
      g_array_insert_val (lane->bands, i, band);
    }
  g_queue_push_tail_link (&g_array_index (lane->bands, PoolBand, i).jobs, &job->link);
  job->queued = TRUE;
  lane->n_queued++;
}

/* Under lock. */
static void
lane_remove (CaskLane *lane, CaskPoolJob *job)
{
  guint i = lane_find_band (lane, job->priority);
  PoolBand *band = &g_array_index (lane->bands, PoolBand, i);

  g_queue_unlink (&band->jobs, &job->link);
  if (band->jobs.length == 0)
    g_array_remove_index (lane->bands, i);
  job->queued = FALSE;
  lane->n_queued--;
}

/* Under lock. Takes the next job, with those behind it that may run in the same call. */
static guint
lane_take (CaskLane *lane, CaskPoolJob **jobs)
{
  guint n = 0;
  gsize weight = 0;

  while (n < CASK_POOL_RUN_JOBS && lane->n_queued > 0)
    {
      CaskPoolJob *job = g_array_index (lane->bands, PoolBand, 0).jobs.head->data;
      if (n > 0 &&
          (!job->together || job->func != jobs[0]->func ||
           job->weight > CASK_POOL_RUN_BYTES - MIN (weight, CASK_POOL_RUN_BYTES)))
        break;
      lane_remove (lane, job);
      jobs[n++] = job;
      weight += job->weight;
      if (!job->together)
        break;
    }
  return n;
}

/* Takes what the longest waiting lane has. Under lock, which it drops while the jobs run.
 */
static void
pool_run_next (void)
{
  CaskPoolJob *jobs[CASK_POOL_RUN_JOBS];
  CaskLane *lane = g_queue_peek_head (&runnable);
  guint n = lane_take (lane, jobs);

  /* To the end of the line, if it stays in it. */
  g_queue_unlink (&runnable, &lane->link);
  lane->linked = FALSE;
  lane->n_running++;
  lane_update_link (lane);
  g_mutex_unlock (&lock);

  jobs[0]->func (jobs, n);

  g_mutex_lock (&lock);
  lane->n_running--;
  lane_update_link (lane);
  g_mutex_unlock (&lock);
  /* Each job held one. */
  for (guint i = 0; i < n; i++)
    cask_lane_unref (lane);
  g_mutex_lock (&lock);
}

static gpointer
pool_thread (gpointer data)
{
  (void) data;
  g_mutex_lock (&lock);
  n_starting--;
  for (;;)
    {
      while (runnable.length > 0)
        pool_run_next ();

      gint64 end = g_get_monotonic_time () + POOL_IDLE_USEC;
      gboolean timely = TRUE;
      n_idle++;
      while (runnable.length == 0 && timely)
        {
          timely = g_cond_wait_until (&work, &lock, end);
          /* Given back at every waking: a busy thread may have been faster, and who waits
           * again must not count as woken, or a push would find nobody to wake. */
          n_woken -= MIN (n_woken, 1);
        }
      n_idle--;
      if (runnable.length == 0)
        break;
    }
  n_threads--;
  g_mutex_unlock (&lock);
  return NULL;
}

/* A new thread inherits the mask of its maker: all signals blocked, so that the host's
 * handlers never run on a thread that the host does not know of; but for those that the
 * thread brings upon itself, for which the kernel would end the process unheard. */
static GThread *
pool_start_thread (void)
{
  static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };
  sigset_t all, before;

  sigfillset (&all);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    sigdelset (&all, faults[i]);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  GThread *thread = g_thread_try_new ("cask", pool_thread, NULL, NULL);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return thread;
}

/* Not under lock. One thread more. Where the system gives none and there is none, the
 * caller does the work: slow, but nothing hangs. */
static void
pool_grow (void)
{
  GThread *thread = pool_start_thread ();
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }

  g_mutex_lock (&lock);
  n_threads--;
  n_starting--;
  while (n_threads == 0 && runnable.length > 0)
    pool_run_next ();
  g_mutex_unlock (&lock);
}

/* Under lock. What a lane says of its queue and of running jobs was true in the parent,
 * whose threads are not here: the child begins anew. */
static void
lane_adopt (CaskLane *lane)
{
  if (G_LIKELY (lane->epoch == epoch))
    return;
  lane->epoch = epoch;
  lane->n_running = lane->n_queued = 0;
  lane->n_wanted = 0;
  lane->linked = FALSE;
  lane->link.prev = lane->link.next = NULL;
  lane->bands = g_array_new (FALSE, FALSE, sizeof (PoolBand));
}

/* Under lock, which it drops. */
static void
pool_push_locked (CaskLane *lane, CaskPoolJob *job, int priority)
{
  gboolean grow = FALSE;

  job->lane = cask_lane_ref (lane);
  job->priority = priority;
  job->link.data = job;
  job->unwanted = FALSE;
  job->epoch = epoch;
  lane_adopt (lane);
  lane_insert (lane, job);
  lane_update_link (lane);
  /* Threads that are on their way already will take what they can: no more than there is
   * to do. */
  gboolean short_handed = n_woken + n_starting < n_wanted;
  if (short_handed && n_idle > n_woken)
    {
      n_woken++;
      g_cond_signal (&work);
    }
  else if (short_handed && n_threads < CASK_POOL_MAX_THREADS)
    {
      n_threads++;
      n_starting++;
      grow = TRUE;
    }
  g_mutex_unlock (&lock);

  if (grow)
    pool_grow ();
}

void
cask_pool_push (CaskLane *lane, CaskPoolJob *job, int priority)
{
  g_mutex_lock (&lock);
  pool_push_locked (lane, job, priority);
}

gboolean
cask_pool_push_on (CaskLane *lane, CaskPoolJob *job, int priority)
{
  g_mutex_lock (&lock);
  if (job->unwanted)
    {
      g_mutex_unlock (&lock);
      return FALSE;
    }
  pool_push_locked (lane, job, priority);
  return TRUE;
}

gboolean
cask_pool_withdraw (CaskPoolJob *job)
{
  g_mutex_lock (&lock);
  /* What a parent queued is in no queue here. */
  gboolean withdrawn = job->queued && job->epoch == epoch;
  if (withdrawn)
    {
      lane_remove (job->lane, job);
      lane_update_link (job->lane);
    }
  job->unwanted = !withdrawn;
  g_mutex_unlock (&lock);

  if (withdrawn)
    cask_lane_unref (job->lane);
  return withdrawn;
}

guint
cask_pool_count_processors (void)
{
  static gint n_processors; /* atomic */
  gint n = g_atomic_int_get (&n_processors);

  /* Perhaps twice, but never half: a child forked within g_once_init_enter() would wait
   * for its end for ever. */
  if (n == 0)
    {
      n = (gint) g_get_num_processors ();
      g_atomic_int_set (&n_processors, n);
    }
  return (guint) n;
}

void
cask_pool_after_fork (void)
{
  g_mutex_init (&lock);
  g_cond_init (&work);
  g_queue_init (&runnable);
  n_threads = n_idle = n_woken = n_starting = n_wanted = 0;
  epoch++;
}
