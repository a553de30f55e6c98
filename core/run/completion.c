/* SPDX-License-Identifier: Apache-2.0
 *
 * completion.c: one queue for each main context and priority, drained by one source.
 *
 * GTask alone would make, attach and destroy an idle source for each operation, 0.8 to 2
 * microseconds. A task that is returned from within the dispatch of a source of its own
 * context calls back at once; so finished operations queue up, and one dispatch returns
 * them all.
 *
 * The life of a queue: made by the first announcement for its context and priority;
 * leaves the table and is destroyed when nothing that was announced is left, which is
 * decided after the last callback has run, so that a chain of operations, each begun in
 * the callback of the one before, keeps its queue. It holds no reference on the context:
 * a context that is given up goes away, as soon as its last operation is done.
 *
 * A callback may run a nested main loop: the source may recurse, and each round takes one
 * completion at a time, so that the inner dispatch finds those which the outer one has
 * not begun.
 *
 * Locks: `lock` guards the table and every queue. It is static, for a worker that has
 * pushed the last completion would otherwise unlock a mutex in memory that the context's
 * thread frees at that moment. */
#include "completion-private.h"

struct _CaskCompletionQueue
{
  GSource source;
  GMainContext *context; /* not owned */
  int priority;
  guint n_announced;            /* lock; announced and not yet delivered */
  guint n_ready;                /* lock; pushed and not yet taken */
  CaskCompletion *head, **tail; /* lock */
};

static GMutex lock;
static GHashTable *table; /* lock; a set of queues, each holding the table's reference */

static guint
queue_hash (gconstpointer data)
{
  const CaskCompletionQueue *queue = data;
  return g_direct_hash (queue->context) ^ (guint) queue->priority;
}

static gboolean
queue_equal (gconstpointer a, gconstpointer b)
{
  const CaskCompletionQueue *x = a, *y = b;
  return x->context == y->context && x->priority == y->priority;
}

static CaskCompletion *
queue_take (CaskCompletionQueue *queue)
{
  g_mutex_lock (&lock);
  CaskCompletion *completion = queue->head;
  if (completion != NULL)
    {
      queue->n_ready--;
      queue->head = completion->next;
      if (queue->head == NULL)
        queue->tail = &queue->head;
    }
  g_mutex_unlock (&lock);
  return completion;
}

static void
queue_settle (CaskCompletionQueue *queue)
{
  g_mutex_lock (&lock);
  gboolean last = --queue->n_announced == 0;
  /* In a forked child the table is a new one, which a queue of the parent is not in. */
  gboolean listed = last && table != NULL && g_hash_table_lookup (table, queue) == queue;
  if (listed)
    g_hash_table_steal (table, queue);
  g_mutex_unlock (&lock);

  if (last)
    g_source_destroy (&queue->source);
  if (listed)
    g_source_unref (&queue->source);
}

static gboolean
queue_is_ready (CaskCompletionQueue *queue)
{
  g_mutex_lock (&lock);
  gboolean ready = queue->head != NULL;
  g_mutex_unlock (&lock);
  return ready;
}

static gboolean
queue_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return queue_is_ready ((CaskCompletionQueue *) source);
}

static gboolean
queue_check (GSource *source)
{
  return queue_is_ready ((CaskCompletionQueue *) source);
}

/* Delivers what is ready now. What becomes ready meanwhile waits for the next round, so
 * that a chain of operations that all complete at once leaves other sources their turn.
 */
static gboolean
queue_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  CaskCompletionQueue *queue = (CaskCompletionQueue *) source;
  (void) callback;
  (void) data;

  g_mutex_lock (&lock);
  guint n = queue->n_ready;
  g_mutex_unlock (&lock);

  for (; n > 0; n--)
    {
      CaskCompletion *completion = queue_take (queue);
      if (completion == NULL)
        break;
      completion->deliver (completion);
      queue_settle (queue);
    }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs queue_funcs = {
  .prepare = queue_prepare,
  .check = queue_check,
  .dispatch = queue_dispatch,
};

static CaskCompletionQueue *
queue_new (GMainContext *context, int priority)
{
  GSource *source = g_source_new (&queue_funcs, sizeof (CaskCompletionQueue));
  CaskCompletionQueue *queue = (CaskCompletionQueue *) source;

  queue->context = context;
  queue->priority = priority;
  queue->tail = &queue->head;
  g_source_set_static_name (source, "cask completions");
  g_source_set_priority (source, priority);
  g_source_set_can_recurse (source, TRUE);
  return queue;
}

/* Finds the queue and counts one announcement. Returns: how many that makes; 0 where
 * there is no queue. */
static guint
table_enter (const CaskCompletionQueue *wanted, CaskCompletionQueue *fresh,
             CaskCompletionQueue **entered)
{
  guint n_announced = 0;

  g_mutex_lock (&lock);
  if (table == NULL)
    table = g_hash_table_new (queue_hash, queue_equal);
  CaskCompletionQueue *queue = g_hash_table_lookup (table, wanted);
  if (queue == NULL && fresh != NULL)
    {
      queue = fresh;
      g_hash_table_add (table, g_source_ref (&fresh->source));
    }
  if (queue != NULL)
    n_announced = ++queue->n_announced;
  g_mutex_unlock (&lock);
  *entered = queue;
  return n_announced;
}

guint
cask_completion_announce (CaskCompletion *completion, GMainContext *context, int priority)
{
  if (context == NULL)
    context = g_main_context_default ();

  CaskCompletionQueue wanted = { .context = context, .priority = priority };
  guint n_announced = table_enter (&wanted, NULL, &completion->queue);
  if (n_announced > 0)
    return n_announced;

  CaskCompletionQueue *fresh = queue_new (context, priority);
  n_announced = table_enter (&wanted, fresh, &completion->queue);
  /* Another thread with the same context may have been faster. */
  if (completion->queue == fresh)
    g_source_attach (&fresh->source, context);
  g_source_unref (&fresh->source);
  return n_announced;
}

/* Under lock. */
static void
queue_append (CaskCompletion *completion)
{
  CaskCompletionQueue *queue = completion->queue;
  gboolean was_empty = queue->head == NULL;

  completion->next = NULL;
  *queue->tail = completion;
  queue->tail = &completion->next;
  queue->n_ready++;
  /* Under the lock: once it is free the context's thread may deliver, and with that drop
   * the last reference on the context. A thread that is within a dispatch of the context
   * looks at the queue before it sleeps and needs no waking. */
  gboolean looks = g_main_depth () > 0 && g_main_context_is_owner (queue->context);
  if (was_empty && !looks)
    g_main_context_wakeup (queue->context);
}

void
cask_completion_push (CaskCompletion *completion)
{
  cask_completion_push_all (&completion, 1);
}

void
cask_completion_push_all (CaskCompletion *const *completions, guint n)
{
  g_mutex_lock (&lock);
  for (guint i = 0; i < n; i++)
    queue_append (completions[i]);
  g_mutex_unlock (&lock);
}

guint
cask_completion_count_queues (void)
{
  g_mutex_lock (&lock);
  guint count = table != NULL ? g_hash_table_size (table) : 0;
  g_mutex_unlock (&lock);
  return count;
}

void
cask_completion_after_fork (void)
{
  g_mutex_init (&lock);
  table = NULL;
}
