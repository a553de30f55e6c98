/* SPDX-License-Identifier: Apache-2.0
 *
 * fork.c: the one pthread_atfork hook of libcask. (A plugin that keeps locks of its own
 * for the process, as fs does, has one too.)
 *
 * A fork copies memory but not threads: in the child our workers are gone and any lock
 * may have been held by one of them. So the child gets fresh locks, an empty pool and an
 * empty completion table, and a new generation: stores of the parent refuse every call
 * with CLOSED, stores opened after the fork work. What the parent had queued is leaked in
 * the child on purpose, for nobody could tell what state it is in. */
#include "fork-private.h"

#include <pthread.h>

#include "completion-private.h"
#include "plugin-private.h"
#include "pool-private.h"

static guint generation;

static void
fork_child (void)
{
  generation++;
  cask_plugin_registry_after_fork ();
  cask_pool_after_fork ();
  cask_completion_after_fork ();
}

static void
fork_install (void)
{
  pthread_atfork (NULL, NULL, fork_child);
}

/* Not g_once_init_enter(): a child forked within it would wait for ever. pthread_once()
 * begins anew there; that the hook may then run twice does no harm. */
void
cask_fork_watch (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, fork_install);
}

guint
cask_fork_generation (void)
{
  return generation;
}
