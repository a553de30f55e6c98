/* SPDX-License-Identifier: Apache-2.0
 *
 * test-gate.c: the count of those inside, however many threads come. */
#include "gate-private.h"
#include "test-support.h"

/* More than there are doors, so that some share one. */
#define N_THREADS 40

typedef struct
{
  CaskGate *gate;
  GMutex lock;
  GCond progress;
  guint n_entered, n_left; /* lock */
  guint may_leave;         /* lock; so many */
  gint n_told;             /* atomic */
  gint n_inside, n_late;   /* atomic */
  gint is_seen_empty;      /* atomic */
} GateCase;

static gpointer
gate_stay (gpointer data)
{
  GateCase *shared = data;
  gboolean entered = cask_gate_enter (shared->gate);

  g_mutex_lock (&shared->lock);
  guint number = shared->n_entered++;
  g_cond_broadcast (&shared->progress);
  while (shared->may_leave <= number)
    g_cond_wait (&shared->progress, &shared->lock);
  if (cask_gate_leave (shared->gate))
    g_atomic_int_inc (&shared->n_told);
  shared->n_left++;
  g_cond_broadcast (&shared->progress);
  g_mutex_unlock (&shared->lock);
  return GINT_TO_POINTER (entered);
}

static void
test_every_door (void)
{
  GateCase shared = { .gate = cask_gate_new () };
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("stays", gate_stay, &shared);
  g_mutex_lock (&shared.lock);
  while (shared.n_entered < N_THREADS)
    g_cond_wait (&shared.progress, &shared.lock);
  cask_gate_close (shared.gate);
  for (guint i = 1; i <= N_THREADS; i++)
    {
      CU_ASSERT_FALSE (cask_gate_is_empty (shared.gate));
      shared.may_leave = i;
      g_cond_broadcast (&shared.progress);
      while (shared.n_left < i)
        g_cond_wait (&shared.progress, &shared.lock);
    }
  g_mutex_unlock (&shared.lock);
  for (guint i = 0; i < N_THREADS; i++)
    CU_ASSERT_TRUE (GPOINTER_TO_INT (g_thread_join (threads[i])));
  CU_ASSERT_TRUE (cask_gate_is_empty (shared.gate));
  /* Each door's last one tells. */
  CU_ASSERT_EQUAL (shared.n_told, 16);
  cask_gate_free (shared.gate);
}

static void
test_closed (void)
{
  CaskGate *gate = cask_gate_new ();

  CU_ASSERT_TRUE (cask_gate_is_empty (gate));
  CU_ASSERT_TRUE (cask_gate_enter (gate));
  CU_ASSERT_TRUE (cask_gate_enter (gate));
  CU_ASSERT_FALSE (cask_gate_leave (gate));
  cask_gate_close (gate);
  CU_ASSERT_FALSE (cask_gate_is_empty (gate));
  CU_ASSERT_TRUE (cask_gate_leave (gate));
  CU_ASSERT_TRUE (cask_gate_is_empty (gate));
  /* Who is refused has to be waited for, and tells who waits. */
  CU_ASSERT_FALSE (cask_gate_enter (gate));
  CU_ASSERT_FALSE (cask_gate_is_empty (gate));
  CU_ASSERT_TRUE (cask_gate_leave (gate));
  CU_ASSERT_TRUE (cask_gate_is_empty (gate));
  cask_gate_free (gate);
}

static gpointer
gate_hurry (gpointer data)
{
  GateCase *shared = data;
  gboolean entered = TRUE;

  while (entered)
    {
      entered = cask_gate_enter (shared->gate);
      if (entered)
        {
          g_atomic_int_inc (&shared->n_inside);
          if (g_atomic_int_get (&shared->is_seen_empty))
            g_atomic_int_inc (&shared->n_late);
          g_atomic_int_add (&shared->n_inside, -1);
        }
      cask_gate_leave (shared->gate);
    }
  return NULL;
}

static void
test_close_in_a_crowd (void)
{
  for (guint round = 0; round < 20; round++)
    {
      GateCase shared = { .gate = cask_gate_new () };
      GThread *threads[4];
      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("hurries", gate_hurry, &shared);
      for (guint i = 0; i < 500 * round; i++)
        g_atomic_int_inc (&shared.n_told);
      cask_gate_close (shared.gate);
      while (!cask_gate_is_empty (shared.gate))
        g_thread_yield ();
      CU_ASSERT_EQUAL (g_atomic_int_get (&shared.n_inside), 0);
      g_atomic_int_set (&shared.is_seen_empty, TRUE);
      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
      CU_ASSERT_EQUAL (shared.n_late, 0);
      cask_gate_free (shared.gate);
    }
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "a closed gate is empty when the last has left, by whichever door",
      test_every_door },
    { "nobody enters a closed gate", test_closed },
    { "nobody is inside once a closed gate was found empty", test_close_in_a_crowd },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "gate", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
