/* SPDX-License-Identifier: Apache-2.0
 *
 * test-upload-drop.c: uploads that are dropped uncommitted are released although no
 * thread of their store's gets to it, and whoever waits for that waits for no thread. */
#include "hang.h"
#include "test-support.h"
#include "upload-stream-private.h"

#define PATIENCE_USEC (20 * G_USEC_PER_SEC) /* only what is broken takes so long */

/* ---- The gap between the list of what was dropped and the queue of the pool ---- */

static struct
{
  CaskLane *lane;  /* that hangs */
  gint is_open;    /* atomic; the next job is of an upload that is dropped */
  gint was_wanted; /* atomic; somebody could not have that job */
} gap;

void __real_cask_pool_push (CaskLane *lane, CaskPoolJob *job, int priority);
void __wrap_cask_pool_push (CaskLane *lane, CaskPoolJob *job, int priority);
gboolean __real_cask_pool_withdraw (CaskPoolJob *job);
gboolean __wrap_cask_pool_withdraw (CaskPoolJob *job);

/* Queues it only when somebody waits for it already, and where no thread will take it: as
 * if all threads of the pool hung. */
void
__wrap_cask_pool_push (CaskLane *lane, CaskPoolJob *job, int priority)
{
  gboolean is_open = g_atomic_int_compare_and_exchange (&gap.is_open, TRUE, FALSE);

  while (is_open && !g_atomic_int_get (&gap.was_wanted))
    g_thread_yield ();
  __real_cask_pool_push (is_open ? gap.lane : lane, job, priority);
}

/* Whoever asks holds the store's lock until it waits, so that nobody finds it not yet
 * waiting. */
gboolean
__wrap_cask_pool_withdraw (CaskPoolJob *job)
{
  gboolean is_withdrawn = __real_cask_pool_withdraw (job);

  if (!is_withdrawn)
    g_atomic_int_set (&gap.was_wanted, TRUE);
  return is_withdrawn;
}

/* ---- */

static CaskStore *
drop_store (void)
{
  g_autoptr (GError) error = NULL;
  CaskStore *store = cask_store_open ("memory:?threads=1", NULL, &error);

  TEST_NO_ERROR (error);
  return store;
}

static CaskUpload *
drop_begin (CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);

  TEST_NO_ERROR (error);
  if (upload == NULL ||
      !g_output_stream_write_all (G_OUTPUT_STREAM (upload), "some", 4, NULL, NULL, NULL))
    return NULL;
  return g_steal_pointer (&upload);
}

/* Whether nothing is left of what was dropped, in time. */
static gboolean
drop_wait_released (CaskStore *store)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_USEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&store->close_lock);
  while (in_time && !g_queue_is_empty (&store->dropped))
    in_time = g_cond_wait_until (&store->close_progress, &store->close_lock, end);
  gboolean is_released =
      g_queue_is_empty (&store->dropped) && g_queue_is_empty (&store->uploads);
  g_mutex_unlock (&store->close_lock);
  return is_released;
}

static void
test_released_while_hung (void)
{
  Hang hang;
  g_autoptr (CaskStore) store = drop_store ();
  CaskUpload *upload = store != NULL ? drop_begin (store) : NULL;
  CU_ASSERT_PTR_NOT_NULL (upload);
  if (upload == NULL)
    return;
  hang_begin (&hang, store);
  g_object_unref (upload);
  CU_ASSERT_TRUE (drop_wait_released (store));
  hang_end (&hang);
}

typedef struct
{
  CaskStore *store;
  GMutex lock;
  GCond done;
  gboolean is_done; /* lock */
} Waiter;

/* What a resume does first. */
static gpointer
waiter_run (gpointer data)
{
  Waiter *waiter = data;

  while (TRUE)
    {
      g_mutex_lock (&waiter->store->close_lock);
      gboolean is_listed = !g_queue_is_empty (&waiter->store->dropped);
      g_mutex_unlock (&waiter->store->close_lock);
      if (is_listed)
        break;
      g_thread_yield ();
    }
  cask_uploads_wait_dropped (waiter->store, NULL);
  g_mutex_lock (&waiter->lock);
  waiter->is_done = TRUE;
  g_cond_signal (&waiter->done);
  g_mutex_unlock (&waiter->lock);
  return NULL;
}

static gboolean
waiter_ends (Waiter *waiter)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_USEC;
  gboolean in_time = TRUE;

  g_mutex_lock (&waiter->lock);
  while (in_time && !waiter->is_done)
    in_time = g_cond_wait_until (&waiter->done, &waiter->lock, end);
  gboolean is_done = waiter->is_done;
  g_mutex_unlock (&waiter->lock);
  return is_done;
}

/* It is listed as dropped before its job is queued: who finds it in between has to be
 * told of the job. */
static void
test_waited_for_in_the_gap (void)
{
  Hang hang;
  Waiter waiter = { 0 };
  g_autoptr (CaskStore) store = drop_store ();
  CaskUpload *upload = store != NULL ? drop_begin (store) : NULL;
  CU_ASSERT_PTR_NOT_NULL (upload);
  if (upload == NULL)
    return;
  hang_begin (&hang, store);
  waiter.store = store;
  gap.lane = store->lane;
  g_atomic_int_set (&gap.was_wanted, FALSE);
  g_atomic_int_set (&gap.is_open, TRUE);
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("resume", waiter_run, &waiter, &error);
  TEST_NO_ERROR (error);
  g_object_unref (upload);
  CU_ASSERT_TRUE (waiter_ends (&waiter));
  hang_end (&hang);
  g_thread_join (thread);
  CU_ASSERT_TRUE (drop_wait_released (store));
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C95 an upload that is dropped is released while its store's thread hangs",
      test_released_while_hung },
    { "C67 who finds an upload dropped before it is queued waits for no thread",
      test_waited_for_in_the_gap },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "dropped uploads", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
