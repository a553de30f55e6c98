/* SPDX-License-Identifier: Apache-2.0
 *
 * store-host.c: the services that each open instance of a plugin gets: hasher, background
 * jobs, warnings.
 *
 * Background jobs have a lane of their own: a job that runs never keeps a caller waiting.
 * A warning becomes the store's `warning` signal; the library itself prints nothing. By
 * the time a backend warns while it is closed in the background, the store may be gone:
 * hence the weak reference.
 *
 * Locks: `lock` of a host guards its list of jobs; the pool's lock is taken under it,
 * never the other way round. A warning is emitted with a reference on the store held,
 * which may turn out to be the last; a handler must not close the store. */
#include "store-private.h"

#include <cask/cask-digest.h>

typedef struct
{
  CaskNodeHosts hosts;
  GWeakRef store;
  CaskLane *lane;
} StoreHosts;

typedef struct
{
  CaskHost table; /* what the plugin sees */
  StoreHosts *hosts;
  char *name;
  GCancellable *hurry;
  GMutex lock;
  GCond changed;
  GQueue jobs; /* lock; of StoreJob, spawned and not done */
} StoreHost;

typedef struct
{
  CaskPoolJob job;
  GList link; /* host's lock */
  StoreHost *host;
  CaskJob func;
  gpointer data;
} StoreJob;

static CaskHasher *
host_hasher_new (const CaskHost *table, guint32 algorithm)
{
  (void) table;
  return cask_hasher_new (algorithm);
}

static void
host_run_job (CaskPoolJob **jobs, guint n)
{
  StoreJob *job = (StoreJob *) (gpointer) jobs[0];
  StoreHost *host = job->host;
  (void) n;

  job->func (job->data, host->hurry);

  g_mutex_lock (&host->lock);
  g_queue_unlink (&host->jobs, &job->link);
  g_cond_broadcast (&host->changed);
  g_mutex_unlock (&host->lock);
  g_free (job);
}

static void
host_spawn (const CaskHost *table, CaskJob func, gpointer data)
{
  StoreHost *host = (StoreHost *) (gpointer) table;
  StoreJob *job = g_new0 (StoreJob, 1);

  job->job.func = host_run_job;
  job->host = host;
  job->func = func;
  job->data = data;
  job->link.data = job;

  g_mutex_lock (&host->lock);
  g_queue_push_tail_link (&host->jobs, &job->link);
  g_mutex_unlock (&host->lock);

  /* Not under the lock: where the system gives no thread, the pool runs the job right
   * here. A drain that looked in between saw a job that it could not take back yet; it
   * looks again. */
  cask_pool_push (host->hosts->lane, &job->job, G_PRIORITY_LOW);
  g_mutex_lock (&host->lock);
  g_cond_broadcast (&host->changed);
  g_mutex_unlock (&host->lock);
}

static void
host_warn (const CaskHost *table, const CaskDigest *digest, const GError *error)
{
  const StoreHost *host = (const StoreHost *) (gconstpointer) table;
  g_autoptr (CaskStore) store = g_weak_ref_get (&host->hosts->store);

  if (store == NULL || error == NULL)
    return;
  g_autoptr (GError) named = g_error_copy (error);
  if (digest != NULL)
    {
      char text[CASK_DIGEST_TEXT_SIZE];
      g_prefix_error (&named, "%s: ", cask_digest_write (digest, text));
    }
  g_prefix_error (&named, "%s: ", host->name);
  g_signal_emit_by_name (store, "warning", named);
}

static CaskHost *
store_host_new (gpointer data, const char *name)
{
  StoreHost *host = g_new0 (StoreHost, 1);

  host->table = (CaskHost){
    .size = sizeof (CaskHost),
    .minor = CASK_PLUGIN_ABI_MINOR,
    .hasher_new = host_hasher_new,
    .hasher_update = cask_hasher_update,
    .hasher_finish = cask_hasher_finish,
    .spawn = host_spawn,
    .warn = host_warn,
  };
  host->hosts = data;
  host->name = g_strdup (name);
  host->hurry = g_cancellable_new ();
  g_mutex_init (&host->lock);
  g_cond_init (&host->changed);
  return &host->table;
}

/* Under the host's lock. A job that no thread has begun. */
static CaskPoolJob *
host_withdraw_job (StoreHost *host)
{
  for (GList *link = host->jobs.head; link != NULL; link = link->next)
    {
      StoreJob *job = link->data;
      if (cask_pool_withdraw (&job->job))
        return &job->job;
    }
  return NULL;
}

/* Closing happens on a thread of the pool. Were it to wait there for jobs that the pool
 * has not begun, many stores closing at once would be all that the pool does, and wait
 * for ever: it runs those jobs itself. */
static void
store_host_drain (CaskHost *table)
{
  StoreHost *host = (StoreHost *) (gpointer) table;

  g_cancellable_cancel (host->hurry);
  g_mutex_lock (&host->lock);
  while (host->jobs.length > 0)
    {
      CaskPoolJob *job = host_withdraw_job (host);
      if (job == NULL)
        {
          g_cond_wait (&host->changed, &host->lock);
          continue;
        }
      g_mutex_unlock (&host->lock);
      host_run_job (&job, 1);
      g_mutex_lock (&host->lock);
    }
  g_mutex_unlock (&host->lock);
}

static void
store_host_free (CaskHost *table)
{
  StoreHost *host = (StoreHost *) (gpointer) table;

  g_object_unref (host->hurry);
  g_mutex_clear (&host->lock);
  g_cond_clear (&host->changed);
  g_free (host->name);
  g_free (host);
}

CaskNodeHosts *
cask_store_hosts_new (guint threads, const char *spool)
{
  StoreHosts *hosts = g_new0 (StoreHosts, 1);

  hosts->hosts = (CaskNodeHosts){
    .host_new = store_host_new,
    .host_drain = store_host_drain,
    .host_free = store_host_free,
    .data = hosts,
    .spool = g_strdup (spool),
  };
  g_weak_ref_init (&hosts->store, NULL);
  hosts->lane = cask_lane_new (threads);
  return &hosts->hosts;
}

void
cask_store_hosts_set_store (CaskNodeHosts *hosts, CaskStore *store)
{
  g_weak_ref_set (&((StoreHosts *) hosts->data)->store, store);
}

void
cask_store_hosts_free (CaskNodeHosts *table)
{
  StoreHosts *hosts = table->data;

  g_weak_ref_clear (&hosts->store);
  cask_lane_unref (hosts->lane);
  g_free (hosts->hosts.spool);
  g_free (hosts);
}
