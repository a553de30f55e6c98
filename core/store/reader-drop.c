/* SPDX-License-Identifier: Apache-2.0
 *
 * reader-drop.c: copies of blobs that nobody reads any more, closed in the background:
 * whoever drops a stream does not wait for a disk. A store that is closed does, for then
 * it may go wherever its owner sends it.
 *
 * Locks: the store's `close_lock` guards its queue `unread`. */
#include "reader-private.h"
#include "store-private.h"

typedef struct
{
  CaskPoolJob job;
  GList link; /* the store's close_lock */
  CaskStore *store;
  CaskBackend *backend;
  CaskBackendBlob *blob;
} ReaderRemains;

static void
reader_release (ReaderRemains *remains)
{
  g_autoptr (CaskStore) store = remains->store;

  cask_node_ops.blob_close (remains->backend, remains->blob);
  cask_store_remove_reader (store);
  g_mutex_lock (&store->close_lock);
  g_queue_unlink (&store->unread, &remains->link);
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
  g_free (remains);
}

static void
reader_release_job (CaskPoolJob **jobs, guint n)
{
  (void) n;
  reader_release ((ReaderRemains *) (gpointer) jobs[0]);
}

/* Under close_lock. Returns: (nullable): one that no thread has begun to close, for the
 * caller to close. */
static ReaderRemains *
reader_find_idle (CaskStore *store)
{
  for (GList *link = store->unread.head; link != NULL; link = link->next)
    {
      ReaderRemains *remains = link->data;
      if (cask_pool_withdraw (&remains->job))
        return remains;
    }
  return NULL;
}

void
cask_readers_wait_dropped (CaskStore *store)
{
  g_mutex_lock (&store->close_lock);
  while (!g_queue_is_empty (&store->unread))
    {
      ReaderRemains *idle = reader_find_idle (store);
      if (idle == NULL)
        {
          g_cond_wait (&store->close_progress, &store->close_lock);
          continue;
        }
      g_mutex_unlock (&store->close_lock);
      reader_release (idle);
      g_mutex_lock (&store->close_lock);
    }
  g_mutex_unlock (&store->close_lock);
}

void
cask_reader_drop (CaskStore *store, CaskBackend *backend, CaskBackendBlob *blob)
{
  ReaderRemains *remains = g_new0 (ReaderRemains, 1);

  remains->job.func = reader_release_job;
  remains->link.data = remains;
  remains->store = g_object_ref (store);
  remains->backend = backend;
  remains->blob = blob;
  g_mutex_lock (&store->close_lock);
  g_queue_push_tail_link (&store->unread, &remains->link);
  g_mutex_unlock (&store->close_lock);
  cask_pool_push (store->lane, &remains->job, G_PRIORITY_DEFAULT);
  /* A close that waits for this may hold the lane's last thread: it can take the job from
   * the queue only now. */
  g_mutex_lock (&store->close_lock);
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
}
