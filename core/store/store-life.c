/* SPDX-License-Identifier: Apache-2.0
 *
 * store-life.c: what brackets every operation, and the end of a store.
 *
 * An operation is bracketed by enter and leave, which count it at the store's gate
 * (gate.c). Closing closes the gate, after which nothing enters, and waits until it is
 * empty. Then uploads are aborted, for nobody is at work on them; readers that were
 * dropped are waited for, the others read on, and the last of them to go closes the
 * backend in the background. Where the last reference is dropped instead, no operation,
 * reader or upload can be left, for each holds one; the backend is closed on a thread of
 * the pool, so that dropping never blocks.
 *
 * Locks: `close_lock` guards `is_closed`, `n_readers`, `orphan`, the list of uploads, and
 * the wait for the last operation. */
#include "store-private.h"

#include "error-private.h"
#include "fork-private.h"
#include "reader-private.h"

/* The backend of a store that nobody holds any more. */
typedef struct
{
  CaskPoolJob job;
  CaskNode *root;
  CaskNodeHosts *hosts;
} StoreRemains;

static void
store_close_remains (CaskPoolJob **jobs, guint n)
{
  StoreRemains *remains = (StoreRemains *) (gpointer) jobs[0];
  (void) n;

  cask_node_close (remains->root);
  cask_store_hosts_free (remains->hosts);
  g_free (remains);
}

static void
store_close_in_background (CaskNode *root, CaskNodeHosts *hosts)
{
  StoreRemains *remains = g_new0 (StoreRemains, 1);
  g_autoptr (CaskLane) lane = cask_lane_new (1);

  remains->job.func = store_close_remains;
  remains->root = root;
  remains->hosts = hosts;
  cask_pool_push (lane, &remains->job, G_PRIORITY_DEFAULT);
}

void
cask_store_dismantle (CaskStore *store)
{
  if (store->root != NULL)
    store_close_in_background (store->root, store->hosts);
  else if (store->hosts != NULL)
    cask_store_hosts_free (store->hosts);
  cask_lane_unref (store->lane);
  cask_verified_free (store->verified);
  cask_gate_free (store->gate);
  g_mutex_clear (&store->close_lock);
  g_cond_clear (&store->close_progress);
}

void
cask_store_refuse_new (CaskStore *store)
{
  cask_gate_close (store->gate);
}

gboolean
cask_store_is_ours (CaskStore *store, GError **error)
{
  if (G_LIKELY (store->fork_generation == cask_fork_generation ()))
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_CLOSED,
               "%s: opened before a fork; open it anew in this process", store->config);
  return FALSE;
}

gboolean
cask_store_enter (CaskStore *store, GError **error)
{
  if (!cask_store_is_ours (store, error))
    return FALSE;

  if (G_LIKELY (cask_gate_enter (store->gate)))
    return TRUE;
  cask_store_leave (store);
  g_set_error (error, CASK_ERROR, CASK_ERROR_CLOSED, "%s: the store is closed",
               store->config);
  return FALSE;
}

void
cask_store_leave (CaskStore *store)
{
  if (G_LIKELY (!cask_gate_leave (store->gate)))
    return;
  g_mutex_lock (&store->close_lock);
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
}

/* Waits until the last operation has left. Returns: whether closing the backend is now
 * the caller's; FALSE where another thread has done it. */
static gboolean
store_wait_idle (CaskStore *store, CaskNode **root)
{
  g_mutex_lock (&store->close_lock);
  while (!cask_gate_is_empty (store->gate))
    g_cond_wait (&store->close_progress, &store->close_lock);
  *root = g_steal_pointer (&store->root);
  while (*root == NULL && !store->is_closed)
    g_cond_wait (&store->close_progress, &store->close_lock);
  g_mutex_unlock (&store->close_lock);
  return *root != NULL;
}

/**
 * cask_store_close:
 * @store: a store
 * @cancellable: (nullable): looked at before anything is done; a close that has begun is
 * not given up
 * @error: return location for an error
 *
 * Closes the store: operations from now on, and those that are queued and have not
 * started, fail with %CASK_ERROR_CLOSED; those under way finish; uploads that were not
 * committed are aborted, and stay as they were saved where they were; then the backend is
 * closed, and the call returns. Streams that read a blob read on: where there are any,
 * the backend is closed after the last of them. Closing a closed store does nothing.
 *
 * Errors: %CASK_ERROR_CLOSED only in a forked child, %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the store is closed
 *
 * Since: 1.0
 */
gboolean
cask_store_close (CaskStore *store, GCancellable *cancellable, GError **error)
{
  CaskNode *root;

  g_return_val_if_fail (CASK_IS_STORE (store), FALSE);

  if (!cask_store_is_ours (store, error) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  cask_store_refuse_new (store);
  if (!store_wait_idle (store, &root))
    return TRUE;

  cask_store_abort_uploads (store, root);
  cask_readers_wait_dropped (store);
  g_mutex_lock (&store->close_lock);
  if (store->n_readers > 0)
    store->orphan = g_steal_pointer (&root);
  g_mutex_unlock (&store->close_lock);
  if (root != NULL)
    cask_node_close (root);

  g_mutex_lock (&store->close_lock);
  store->is_closed = TRUE;
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
  return TRUE;
}

void
cask_store_add_reader (CaskStore *store)
{
  g_mutex_lock (&store->close_lock);
  store->n_readers++;
  g_mutex_unlock (&store->close_lock);
}

void
cask_store_remove_reader (CaskStore *store)
{
  CaskNode *root = NULL;
  CaskNodeHosts *hosts = NULL;

  g_mutex_lock (&store->close_lock);
  if (--store->n_readers == 0 && store->orphan != NULL)
    {
      root = g_steal_pointer (&store->orphan);
      hosts = g_steal_pointer (&store->hosts);
    }
  g_mutex_unlock (&store->close_lock);
  if (root != NULL)
    store_close_in_background (root, hosts);
}

gboolean
cask_store_fail (CaskStore *store, const CaskDigest *digest, GError **error)
{
  if (error != NULL && *error != NULL && (*error)->domain == CASK_ERROR)
    cask_error_prefix (error, store->name, digest);
  return FALSE;
}

gboolean
cask_store_begin (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                  GError **error)
{
  if (digest != NULL && !cask_digest_check (digest, error))
    return FALSE;
  if (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  return cask_store_enter (store, error);
}
