/* SPDX-License-Identifier: Apache-2.0
 *
 * test-pool.c: what a lane promises: its bound, its order, its independence of others.
 *
 * A gate holds jobs that run until the test opens it, so that what is queued behind them
 * stays queued; nothing here depends on how fast a thread is. */
#include "fork-private.h"
#include "pool-private.h"
#include "test-support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Long enough for any machine; reached only where something is broken. */
#define POOL_PATIENCE_USEC (30 * G_USEC_PER_SEC)
/* Less than an idle thread waits for work: whoever waits longer met a lost wake-up. */
#define POOL_PROMPT_USEC (8 * G_USEC_PER_SEC)

typedef struct
{
  GMutex lock;
  GCond progress;
  gboolean open;      /* lock */
  guint n_inside;     /* lock */
  guint most_inside;  /* lock */
  guint n_done;       /* lock */
  guint order[2000];  /* lock; the names of jobs as they ran */
  guint groups[2000]; /* lock; with how many others each ran */
} Gate;

typedef struct
{
  CaskPoolJob job;
  Gate *gate;
  guint name;
} GateJob;

static void
gate_init (Gate *gate, gboolean open)
{
  memset (gate, 0, sizeof *gate);
  g_mutex_init (&gate->lock);
  g_cond_init (&gate->progress);
  gate->open = open;
}

static void
gate_open (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->open = TRUE;
  g_cond_broadcast (&gate->progress);
  g_mutex_unlock (&gate->lock);
}

/* Waits until that many are inside, or done. */
static void
gate_wait (Gate *gate, const guint *count, guint awaited)
{
  gint64 start = g_get_monotonic_time (), end = start + POOL_PATIENCE_USEC;
  gboolean timely = TRUE;

  g_mutex_lock (&gate->lock);
  while (*count < awaited && timely)
    timely = g_cond_wait_until (&gate->progress, &gate->lock, end);
  g_mutex_unlock (&gate->lock);
  CU_ASSERT_TRUE (timely && g_get_monotonic_time () - start < POOL_PROMPT_USEC);
}

static void
gate_run (CaskPoolJob **jobs, guint n)
{
  Gate *gate = ((GateJob *) (gpointer) jobs[0])->gate;

  g_mutex_lock (&gate->lock);
  gate->n_inside++;
  gate->most_inside = MAX (gate->most_inside, gate->n_inside);
  g_cond_broadcast (&gate->progress);
  while (!gate->open)
    g_cond_wait (&gate->progress, &gate->lock);
  for (guint i = 0; i < n; i++)
    {
      GateJob *job = (GateJob *) (gpointer) jobs[i];
      gate->groups[gate->n_done] = n;
      gate->order[gate->n_done++] = job->name;
      g_free (job);
    }
  gate->n_inside--;
  g_cond_broadcast (&gate->progress);
  g_mutex_unlock (&gate->lock);
}

/* Another function, whose jobs are of another kind. */
static void
gate_run_other (CaskPoolJob **jobs, guint n)
{
  gate_run (jobs, n);
}

static GateJob *
gate_job_new (Gate *gate, guint name)
{
  GateJob *job = g_new0 (GateJob, 1);

  job->job.func = gate_run;
  job->gate = gate;
  job->name = name;
  return job;
}

static GateJob *
gate_push (Gate *gate, CaskLane *lane, guint name, int priority)
{
  GateJob *job = gate_job_new (gate, name);
  cask_pool_push (lane, &job->job, priority);
  return job;
}

static void
gate_push_together (Gate *gate, CaskLane *lane, guint name, gsize weight)
{
  GateJob *job = gate_job_new (gate, name);
  job->job.together = TRUE;
  job->job.weight = weight;
  cask_pool_push (lane, &job->job, 0);
}

static void
gate_end (Gate *gate, guint n)
{
  gate_open (gate);
  gate_wait (gate, &gate->n_done, n);
  g_mutex_lock (&gate->lock);
  CU_ASSERT_EQUAL (gate->n_done, n);
  g_mutex_unlock (&gate->lock);
}

static void
test_bound (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (3);

  gate_init (&gate, FALSE);
  for (guint i = 0; i < 50; i++)
    gate_push (&gate, lane, i, 0);
  gate_wait (&gate, &gate.n_inside, 3);
  gate_end (&gate, 50);
  CU_ASSERT_EQUAL (gate.most_inside, 3);
}

static void
test_bound_under_load (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (2);

  gate_init (&gate, TRUE);
  for (guint i = 0; i < 2000; i++)
    gate_push (&gate, lane, i, (int) (i % 5));
  gate_end (&gate, 2000);
  CU_ASSERT_TRUE (gate.most_inside <= 2);
}

static void
test_priorities (void)
{
  static const int priorities[] = { 0, 300, -100, 0, -100, 300, 0 };
  static const guint expected[] = { 99, 2, 4, 0, 3, 6, 1, 5 };
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  gate_init (&gate, FALSE);
  gate_push (&gate, lane, 99, 1000);
  gate_wait (&gate, &gate.n_inside, 1);
  for (guint i = 0; i < G_N_ELEMENTS (priorities); i++)
    gate_push (&gate, lane, i, priorities[i]);
  gate_end (&gate, G_N_ELEMENTS (expected));
  CU_ASSERT_EQUAL (memcmp (gate.order, expected, sizeof expected), 0);
}

static void
test_hung_lane (void)
{
  Gate hung, well;
  g_autoptr (CaskLane) bad = cask_lane_new (4);
  g_autoptr (CaskLane) good = cask_lane_new (1);

  gate_init (&hung, FALSE);
  gate_init (&well, TRUE);
  for (guint i = 0; i < 300; i++)
    gate_push (&hung, bad, i, -100);
  gate_wait (&hung, &hung.n_inside, 4);
  for (guint i = 0; i < 100; i++)
    gate_push (&well, good, i, 300);
  gate_wait (&well, &well.n_done, 100);
  CU_ASSERT_EQUAL (hung.n_done, 0);
  gate_end (&hung, 300);
}

static void
test_withdraw (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  gate_init (&gate, FALSE);
  GateJob *running = gate_push (&gate, lane, 0, 0);
  gate_wait (&gate, &gate.n_inside, 1);
  gate_push (&gate, lane, 1, 0);
  GateJob *queued = gate_push (&gate, lane, 2, 0);
  GateJob *alone = gate_push (&gate, lane, 3, 7);
  CU_ASSERT_FALSE (cask_pool_withdraw (&running->job));
  CU_ASSERT_TRUE (cask_pool_withdraw (&queued->job));
  CU_ASSERT_TRUE (cask_pool_withdraw (&alone->job));
  gate_push (&gate, lane, 4, 0);
  gate_end (&gate, 3);
  CU_ASSERT_EQUAL (gate.order[1], 1);
  CU_ASSERT_EQUAL (gate.order[2], 4);
  g_free (queued);
  g_free (alone);
}

/* A withdrawn job can be queued again. */
static void
test_push_again (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  gate_init (&gate, FALSE);
  gate_push (&gate, lane, 0, 0);
  gate_wait (&gate, &gate.n_inside, 1);
  GateJob *job = gate_push (&gate, lane, 1, 0);
  CU_ASSERT_TRUE (cask_pool_withdraw (&job->job));
  CU_ASSERT_FALSE (cask_pool_withdraw (&job->job));
  cask_pool_push (lane, &job->job, 0);
  gate_end (&gate, 2);
}

static CaskLane *passing_on_to;

/* Number 2 is wanted back when it runs; what goes on from here is at the gate. */
static void
passing_run (CaskPoolJob **jobs, guint n)
{
  GateJob *job = (GateJob *) (gpointer) jobs[0];

  job->job.func = gate_run;
  if ((job->name == 2 && cask_pool_withdraw (&job->job)) ||
      !cask_pool_push_on (passing_on_to, &job->job, 0))
    {
      job->name += 10;
      gate_run (jobs, n);
    }
}

static void
test_pass_on (void)
{
  Gate hung, gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);
  g_autoptr (CaskLane) next = cask_lane_new (1);

  gate_init (&hung, FALSE);
  gate_init (&gate, TRUE);
  passing_on_to = next;
  gate_push (&hung, next, 0, 0);
  for (guint i = 1; i <= 2; i++)
    {
      GateJob *job = gate_job_new (&gate, i);
      job->job.func = passing_run;
      cask_pool_push (lane, &job->job, 0);
    }
  gate_wait (&gate, &gate.n_done, 1);
  CU_ASSERT_EQUAL (gate.order[0], 12);
  gate_end (&hung, 1);
  gate_end (&gate, 2);
  CU_ASSERT_EQUAL (gate.order[1], 1);
}

/* The one at the gate runs by itself; n more behind it, of that weight. */
static void
gate_group (Gate *gate, CaskLane *lane, guint n, gsize weight)
{
  gate_init (gate, FALSE);
  gate_push (gate, lane, 0, 0);
  gate_wait (gate, &gate->n_inside, 1);
  for (guint i = 1; i <= n; i++)
    gate_push_together (gate, lane, i, weight);
  gate_end (gate, n + 1);
  for (guint i = 0; i <= n; i++)
    CU_ASSERT_EQUAL (gate->order[i], i);
  CU_ASSERT_EQUAL (gate->groups[0], 1);
}

static void
test_together_by_count (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  gate_group (&gate, lane, 100, 1);
  CU_ASSERT_EQUAL (gate.groups[1], CASK_POOL_RUN_JOBS);
  CU_ASSERT_EQUAL (gate.groups[CASK_POOL_RUN_JOBS], CASK_POOL_RUN_JOBS);
  CU_ASSERT_EQUAL (gate.groups[CASK_POOL_RUN_JOBS + 1], 100 - CASK_POOL_RUN_JOBS);
}

static void
test_together_by_weight (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  gate_group (&gate, lane, 10, CASK_POOL_RUN_BYTES / 4);
  CU_ASSERT_EQUAL (gate.groups[1], 4);
  CU_ASSERT_EQUAL (gate.groups[5], 4);
  CU_ASSERT_EQUAL (gate.groups[9], 2);
  gate_group (&gate, lane, 4, CASK_POOL_RUN_BYTES / 4 * 3);
  CU_ASSERT_EQUAL (gate.groups[1], 1);
  /* What is too heavy for any run goes by itself; no sum overflows. */
  gate_group (&gate, lane, 4, G_MAXSIZE - 1);
  CU_ASSERT_EQUAL (gate.groups[4], 1);
}

static void
test_together_only_alike (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  gate_init (&gate, FALSE);
  gate_push (&gate, lane, 0, 0);
  gate_wait (&gate, &gate.n_inside, 1);
  gate_push_together (&gate, lane, 1, 1);
  gate_push_together (&gate, lane, 2, 1);
  gate_push (&gate, lane, 3, 0);
  gate_push_together (&gate, lane, 4, 1);
  GateJob *other = gate_job_new (&gate, 5);
  other->job.func = gate_run_other;
  other->job.together = TRUE;
  cask_pool_push (lane, &other->job, 0);
  gate_end (&gate, 6);
  static const guint expected[] = { 1, 2, 2, 1, 1, 1 };
  CU_ASSERT_EQUAL (memcmp (gate.groups, expected, sizeof expected), 0);
}

typedef struct
{
  Gate *gate;
  CaskLane *lane;
  guint first;
} Pusher;

static gpointer
pusher_run (gpointer data)
{
  Pusher *pusher = data;

  for (guint i = 0; i < 200; i++)
    gate_push (pusher->gate, pusher->lane, pusher->first + i, (int) (i % 3));
  return NULL;
}

static void
test_many_threads (void)
{
  Gate gate;
  Pusher pushers[10];
  GThread *threads[10];
  guint8 seen[2000] = { 0 };
  g_autoptr (CaskLane) lane = cask_lane_new (4);

  gate_init (&gate, TRUE);
  for (guint i = 0; i < 10; i++)
    {
      pushers[i] = (Pusher){ &gate, lane, i * 200 };
      threads[i] = g_thread_new ("pusher", pusher_run, &pushers[i]);
    }
  for (guint i = 0; i < 10; i++)
    g_thread_join (threads[i]);
  gate_end (&gate, 2000);
  CU_ASSERT_TRUE (gate.most_inside <= 4);
  for (guint i = 0; i < 2000; i++)
    CU_ASSERT_EQUAL (seen[gate.order[i]]++, 0);
}

/* In the child: a lane of the parent's, whose jobs all run there, and a new one. */
static int
child_run (CaskLane *inherited)
{
  Gate gate;
  g_autoptr (CaskLane) fresh = cask_lane_new (1);
  guint before = CU_get_number_of_failures ();

  alarm (60);
  gate_init (&gate, TRUE);
  for (guint i = 0; i < 20; i++)
    gate_push (&gate, i % 2 == 0 ? inherited : fresh, i, 0);
  gate_wait (&gate, &gate.n_done, 20);
  return CU_get_number_of_failures () > before || cask_fork_generation () == 0;
}

static void
test_fork (void)
{
  Gate gate;
  g_autoptr (CaskLane) lane = cask_lane_new (2);
  int status = -1;

  cask_fork_watch ();
  gate_init (&gate, FALSE);
  for (guint i = 0; i < 10; i++)
    gate_push (&gate, lane, i, 0);
  gate_wait (&gate, &gate.n_inside, 2);
  GateJob *queued = gate_push (&gate, lane, 10, 5);
  pid_t child = fork ();
  if (child == 0)
    _exit (cask_pool_withdraw (&queued->job) || child_run (lane));
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  CU_ASSERT_TRUE (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  gate_end (&gate, 11);
}

/* Which of the signals a pool's thread has blocked. */
typedef struct
{
  CaskPoolJob job;
  GMutex lock;
  GCond progress;
  gboolean is_known; /* lock */
  sigset_t blocked;  /* lock */
} MaskJob;

static void
mask_run (CaskPoolJob **jobs, guint n)
{
  MaskJob *mask = (MaskJob *) (gpointer) jobs[0];
  (void) n;

  g_mutex_lock (&mask->lock);
  pthread_sigmask (SIG_BLOCK, NULL, &mask->blocked);
  mask->is_known = TRUE;
  g_cond_signal (&mask->progress);
  g_mutex_unlock (&mask->lock);
}

/* A fault that is blocked ends the process before any handler of the host's hears of it.
 */
static void
test_signals (void)
{
  MaskJob mask = { .job.func = mask_run };
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  g_mutex_init (&mask.lock);
  g_cond_init (&mask.progress);
  cask_pool_push (lane, &mask.job, G_PRIORITY_DEFAULT);
  g_mutex_lock (&mask.lock);
  while (!mask.is_known)
    g_cond_wait (&mask.progress, &mask.lock);
  g_mutex_unlock (&mask.lock);
  CU_ASSERT_FALSE (sigismember (&mask.blocked, SIGSEGV));
  CU_ASSERT_FALSE (sigismember (&mask.blocked, SIGBUS));
  CU_ASSERT_TRUE (sigismember (&mask.blocked, SIGINT));
  CU_ASSERT_TRUE (sigismember (&mask.blocked, SIGCHLD));
  g_mutex_clear (&mask.lock);
  g_cond_clear (&mask.progress);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "a lane fills its bound and never exceeds it", test_bound },
    { "a lane never exceeds its bound under load", test_bound_under_load },
    { "urgent jobs come first, those alike in order", test_priorities },
    { "a hung lane starves no other", test_hung_lane },
    { "what is queued can be withdrawn, what runs can not", test_withdraw },
    { "a withdrawn job can be pushed again", test_push_again },
    { "a job that runs goes on in another lane, but not if it is wanted back",
      test_pass_on },
    { "jobs are taken together up to 64", test_together_by_count },
    { "jobs are taken together up to 32 MiB", test_together_by_weight },
    { "only neighbours of one kind are taken together", test_together_only_alike },
    { "many threads push and each job runs once", test_many_threads },
    { "a thread of the pool blocks the host's signals, and no faults", test_signals },
    { "C96 a forked child can use the pool", test_fork },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "pool", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
