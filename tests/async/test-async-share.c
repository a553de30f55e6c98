/* SPDX-License-Identifier: Apache-2.0
 *
 * test-async-share.c: reads of a crowd that are left to a helper: where the store's own
 * thread hangs, and over a fork. */
#include <cask/cask-plugin.h>
#include <cask/cask.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hang.h"
#include "test-support.h"

#define CROWD 40 /* more than it takes for some to be shared */

struct _CaskBackend
{
  const CaskChild *child;
};

/* A try that is made on another thread waits for the test, and then does not know unless
 * it is told to. */
static struct
{
  GMutex lock;
  GCond progress;
  GThread *main;
  gboolean holds;   /* lock */
  gboolean answers; /* lock; it knows, once it has waited */
  guint n_waiting;  /* lock; so many came */
  guint n_passing;  /* lock; so many of them need not wait */
} slow;

static CaskBackend *
slow_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  (void) cancellable, (void) error;
  self->child = args->children[0];
  return self;
}

static void
slow_close (CaskBackend *self)
{
  g_free (self);
}

static CaskTry
slow_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
              guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  if (g_thread_self () == slow.main)
    return CASK_CALL (self->child, try_get, digest, offset, length, flags, bytes, info);
  g_mutex_lock (&slow.lock);
  guint number = ++slow.n_waiting;
  g_cond_broadcast (&slow.progress);
  while (slow.holds && number > slow.n_passing)
    g_cond_wait (&slow.progress, &slow.lock);
  gboolean answers = slow.answers;
  g_mutex_unlock (&slow.lock);
  if (!answers)
    return CASK_TRY_AGAIN;
  return CASK_CALL (self->child, try_get, digest, offset, length, flags, bytes, info);
}

static guint64
slow_capabilities (CaskBackend *self)
{
  return self->child->capabilities;
}

static const CaskBackendOps slow_ops = {
  .size = sizeof (CaskBackendOps),
  .open = slow_open,
  .close = slow_close,
  .try_get = slow_try_get,
  .capabilities = slow_capabilities,
};

static const CaskPlugin slow_plugin = {
  .magic = CASK_PLUGIN_MAGIC,
  .size = sizeof (CaskPlugin),
  .abi_major = CASK_PLUGIN_ABI_MAJOR,
  .abi_minor = CASK_PLUGIN_ABI_MINOR,
  .option_size = sizeof (CaskOptionSpec),
  .kind = CASK_PLUGIN_LAYER,
  .min_children = 1,
  .max_children = 1,
  .needs = CASK_NEEDS_DELEGATION,
  .name = "slow",
  .version = "1",
  .ops = &slow_ops,
};

typedef struct
{
  guint n_done, n_got, n_cancelled;
} Outcome;

static void
on_get (GObject *store, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (store), result, &error);

  outcome->n_done++;
  outcome->n_got += bytes != NULL;
  outcome->n_cancelled += g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A store with one blob, of which the last tries were slow. */
static CaskStore *
slow_store (CaskDigest *digest, gboolean holds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("blob", 4);
  CaskStore *store = cask_store_open ("slow?threads=1(memory:)", NULL, &error);

  TEST_NO_ERROR (error);
  if (store == NULL)
    return NULL;
  slow.holds = holds;
  slow.answers = FALSE;
  slow.n_waiting = slow.n_passing = 0;
  CU_ASSERT_TRUE (cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, 0, digest, NULL,
                                  NULL, &error));
  TEST_NO_ERROR (error);
  g_atomic_int_set (&store->n_slow_tries, 2);
  return store;
}

static void
slow_get (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
          Outcome *outcome)
{
  for (guint i = 0; i < CROWD; i++)
    cask_store_get_async (store, digest, 0, cancellable, on_get, outcome);
}

static void
slow_await (void)
{
  g_mutex_lock (&slow.lock);
  while (slow.n_waiting == 0)
    g_cond_wait (&slow.progress, &slow.lock);
  g_mutex_unlock (&slow.lock);
}

/* Lets those go on that wait, and returns when there is another one. Returns: how many
 * there were */
static guint
slow_pass (void)
{
  g_mutex_lock (&slow.lock);
  slow.n_passing = slow.n_waiting;
  g_cond_broadcast (&slow.progress);
  while (slow.n_waiting == slow.n_passing)
    g_cond_wait (&slow.progress, &slow.lock);
  guint n = slow.n_waiting;
  g_mutex_unlock (&slow.lock);
  return n;
}

static void
slow_let_go (void)
{
  g_mutex_lock (&slow.lock);
  slow.holds = FALSE;
  g_cond_broadcast (&slow.progress);
  g_mutex_unlock (&slow.lock);
}

static void
wait_all (const Outcome *outcome)
{
  while (outcome->n_done < CROWD)
    g_main_context_iteration (NULL, TRUE);
}

/* What the helper can not decide goes to the store's lane, but not if it is cancelled by
 * then: nobody would take it from there. */
static void
test_cancelled_while_tried (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CaskDigest digest;
  Outcome outcome = { 0 };
  Hang hang;
  g_autoptr (CaskStore) store = slow_store (&digest, TRUE);
  if (store == NULL || cask_pool_count_processors () < 2)
    return;
  hang_begin (&hang, store);
  slow_get (store, &digest, cancellable, &outcome);
  slow_await ();
  g_cancellable_cancel (cancellable);
  slow_let_go ();
  wait_all (&outcome);
  CU_ASSERT (outcome.n_cancelled > 0);
  CU_ASSERT_EQUAL (outcome.n_got + outcome.n_cancelled, CROWD);
  hang_end (&hang);
}

/* The same in the store's lane: whoever cancels takes it from there. */
static void
test_cancelled_in_lane (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CaskDigest digest;
  Outcome outcome = { 0 };
  Hang hang;
  g_autoptr (CaskStore) store = slow_store (&digest, FALSE);
  if (store == NULL || cask_pool_count_processors () < 2)
    return;
  hang_begin (&hang, store);
  slow_get (store, &digest, cancellable, &outcome);
  while (cask_lane_count (store->lane) == 0)
    g_thread_yield ();
  g_cancellable_cancel (cancellable);
  wait_all (&outcome);
  CU_ASSERT (outcome.n_cancelled > 0);
  CU_ASSERT_EQUAL (outcome.n_got + outcome.n_cancelled, CROWD);
  hang_end (&hang);
}

/* What the helper has taken together with one that hangs is nobody's to withdraw, and
 * would be found now. */
static void
test_cancelled_while_taken (void)
{
  guint n_helpers = MIN (cask_pool_count_processors () - 1, 3);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CaskDigest digest;
  Outcome outcome = { 0 };
  g_autoptr (CaskStore) store = slow_store (&digest, TRUE);
  if (store == NULL || n_helpers == 0)
    return;
  slow.answers = TRUE;
  slow_get (store, &digest, cancellable, &outcome);
  slow_await ();
  guint n = slow_pass (); /* it has taken what came meanwhile */
  g_cancellable_cancel (cancellable);
  slow_let_go ();
  wait_all (&outcome);
  CU_ASSERT (outcome.n_cancelled > 0);
  CU_ASSERT_EQUAL (outcome.n_got + outcome.n_cancelled, CROWD);
  /* Another helper may have been about to try as it was cancelled. */
  CU_ASSERT (slow.n_waiting < n + n_helpers);
}

static void
run_child (void)
{
  CaskDigest digest;
  Outcome outcome = { 0 };
  guint before = CU_get_number_of_failures ();
  g_autoptr (CaskStore) store = slow_store (&digest, FALSE);

  alarm (60);
  if (store == NULL)
    _exit (2);
  slow.main = NULL; /* every try says that it does not know */
  slow_get (store, &digest, NULL, &outcome);
  wait_all (&outcome);
  _exit (outcome.n_got == CROWD && CU_get_number_of_failures () == before ? 0 : 1);
}

/* C96: the helper of the parent is not in the child, which has as much to leave to one.
 */
static void
test_fork (void)
{
  CaskDigest digest;
  Outcome outcome = { 0 };
  int status = -1;
  g_autoptr (CaskStore) store = slow_store (&digest, TRUE);
  if (store == NULL || cask_pool_count_processors () < 2)
    return;
  slow_get (store, &digest, NULL, &outcome);
  slow_await ();
  g_mutex_lock (&slow.lock);
  pid_t child = fork ();
  if (child == 0)
    {
      g_mutex_init (&slow.lock);
      g_cond_init (&slow.progress);
      run_child ();
    }
  g_mutex_unlock (&slow.lock);
  CU_ASSERT (child > 0 && waitpid (child, &status, 0) == child);
  CU_ASSERT_EQUAL (status, 0);
  slow_let_go ();
  wait_all (&outcome);
  CU_ASSERT_EQUAL (outcome.n_got, CROWD);
}

static int
share_register (void)
{
  slow.main = g_thread_self ();
  return !cask_register_plugin (&slow_plugin, NULL);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C67 a read that a helper tries is cancelled, though the store's thread hangs",
      test_cancelled_while_tried },
    { "C67 a read that a helper has passed on is cancelled in the hung lane",
      test_cancelled_in_lane },
    { "C67 a read that a helper has taken and not begun is cancelled, not answered",
      test_cancelled_while_taken },
    { "C96 a child forked beside a helper at work has helpers of its own", test_fork },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "shared reads", .pInitFunc = share_register, .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
