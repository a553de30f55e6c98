/* SPDX-License-Identifier: Apache-2.0
 *
 * store.c: opening and closing a store.
 *
 * An operation is bracketed by enter and leave, which count it in `state`. Closing sets
 * the lowest bit of `state`, after which nothing enters, and waits for the count to reach
 * zero: only then is the backend closed. Where the last reference is dropped instead, no
 * operation can be under way, for each holds a reference; the backend is closed on a
 * thread of the pool, so that dropping never blocks.
 *
 * Locks: `close_lock` guards `is_closed` and the wait for the last operation. */
#include "store-private.h"

#include "completion-private.h"
#include "error-private.h"
#include "fork-private.h"

#define STORE_CLOSED 1
#define STORE_OPERATION 2

G_DEFINE_FINAL_TYPE (CaskStore, cask_store, G_TYPE_OBJECT)

/* Options that any root node takes: they belong to the store, not to its backend. */
enum
{
  STORE_OPTION_VERIFY,
  STORE_OPTION_THREADS,
  STORE_OPTION_MAX_GET,
  N_STORE_OPTIONS
};

static const CaskOptionSpec store_options[N_STORE_OPTIONS] = {
  { .name = "verify",
    .help = "when get hashes what it has read",
    .type = CASK_OPTION_CHOICE,
    .choices = "always|changed|never",
    .fallback = "changed" },
  { .name = "threads",
    .help = "how many operations may be under way in the background at once",
    .type = CASK_OPTION_UINT,
    .fallback = "16",
    .min = 1,
    .max = CASK_POOL_MAX_THREADS },
  { .name = "max-get",
    .help = "the largest blob that get reads as a whole",
    .type = CASK_OPTION_SIZE,
    .fallback = "2GiB",
    .min = 1,
    .max = G_MAXSSIZE },
};

/* Closing
 * ----------------------------------------------------------------------------------------------
 */

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

static void
store_dismantle (CaskStore *store)
{
  if (store->root != NULL)
    store_close_in_background (store->root, store->hosts);
  else if (store->hosts != NULL)
    cask_store_hosts_free (store->hosts);
  cask_lane_unref (store->lane);
  cask_verified_free (store->verified);
  g_mutex_clear (&store->close_lock);
  g_cond_clear (&store->close_progress);
}

static void
cask_store_finalize (GObject *object)
{
  CaskStore *self = CASK_STORE (object);

  /* In a forked child the backend's threads are gone, and any lock may have been held by
   * one of them: what has a lock is left alone. */
  if (self->fork_generation == cask_fork_generation ())
    store_dismantle (self);
  g_free (self->config);
  G_OBJECT_CLASS (cask_store_parent_class)->finalize (object);
}

static void
cask_store_class_init (CaskStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cask_store_finalize;

  /**
   * CaskStore::warning:
   * @store: the store
   * @error: what happened, with the part of the store and the digest it happened to
   *
   * A backend survived a fault that a person should know of: a mirror found one copy
   * corrupt, a cache could not be filled. Emitted in the thread where it happened, which
   * may be any.
   *
   * Since: 1.0
   */
  g_signal_new ("warning", CASK_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
cask_store_init (CaskStore *self)
{
  self->verified = cask_verified_new ();
  self->fork_generation = cask_fork_generation ();
  g_mutex_init (&self->close_lock);
  g_cond_init (&self->close_progress);
}

void
cask_store_refuse_new (CaskStore *store)
{
  g_atomic_int_or ((guint *) &store->state, STORE_CLOSED);
}

static gboolean
store_is_ours (CaskStore *store, GError **error)
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
  if (!store_is_ours (store, error))
    return FALSE;

  gint before = g_atomic_int_add (&store->state, STORE_OPERATION);
  if (G_LIKELY (!(before & STORE_CLOSED)))
    return TRUE;
  cask_store_leave (store);
  g_set_error (error, CASK_ERROR, CASK_ERROR_CLOSED, "%s: the store is closed",
               store->config);
  return FALSE;
}

void
cask_store_leave (CaskStore *store)
{
  gint before = g_atomic_int_add (&store->state, -STORE_OPERATION);

  if (G_LIKELY (before != (STORE_OPERATION | STORE_CLOSED)))
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
  while (g_atomic_int_get (&store->state) != STORE_CLOSED)
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
 * started, fail with %CASK_ERROR_CLOSED; those under way finish; then the backend is
 * closed, and the call returns. Closing a closed store does nothing.
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

  if (!store_is_ours (store, error) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  cask_store_refuse_new (store);
  if (!store_wait_idle (store, &root))
    return TRUE;

  cask_node_close (root);
  g_mutex_lock (&store->close_lock);
  store->is_closed = TRUE;
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
  return TRUE;
}

/* Opening
 * ----------------------------------------------------------------------------------------------
 */

/* Takes the store's own options from the root of the tree, and puts them back after the
 * backend has been given its own, for the text of the config. */
static gboolean
store_take_options (CaskConfigNode *tree, CaskOptionValue *values, GPtrArray *texts,
                    GError **error)
{
  const char *reserved[N_STORE_OPTIONS];

  for (guint i = 0; i < N_STORE_OPTIONS; i++)
    {
      reserved[i] = store_options[i].name;
      for (guint k = 0; k < tree->options->len; k++)
        {
          const CaskConfigOption *option = tree->options->pdata[k];
          if (g_str_equal (option->name, reserved[i]))
            g_ptr_array_index (texts, i) = g_strdup (option->value);
        }
      if (!cask_config_take (tree, reserved[i], &store_options[i], &values[i], error))
        return FALSE;
    }
  return cask_config_refuse_reserved (tree, reserved, N_STORE_OPTIONS, error);
}

static char *
store_print_config (CaskConfigNode *tree, GPtrArray *texts)
{
  for (guint i = 0; i < N_STORE_OPTIONS; i++)
    if (texts->pdata[i] != NULL)
      cask_config_node_add_option (tree, store_options[i].name, texts->pdata[i]);
  return cask_config_print (tree);
}

static CaskStore *
store_new (CaskNode *root, CaskNodeHosts *hosts, const CaskOptionValue *values,
           char *config)
{
  CaskStore *store = g_object_new (CASK_TYPE_STORE, NULL);

  store->root = root;
  store->hosts = hosts;
  store->lane = cask_lane_new ((guint) values[STORE_OPTION_THREADS].number);
  store->policy = (CaskVerifyPolicy) values[STORE_OPTION_VERIFY].number;
  store->max_get = values[STORE_OPTION_MAX_GET].number;
  store->config = config;
  store->capabilities = (CaskCapabilities) root->capabilities;
  store->groups_puts = root->ops.put_many != NULL;
  cask_store_hosts_set_store (hosts, store);
  return store;
}

/**
 * cask_store_open:
 * @config: what to open, for example `fs:/srv/blobs?durability=data`
 * @cancellable: (nullable): to give up waiting for the backend
 * @error: return location for an error
 *
 * Opens the store that a config string describes. Opening scans nothing: a store of a
 * million blobs opens as fast as an empty one.
 *
 * Errors: %CASK_ERROR_INVALID_CONFIG, with the byte it is about;
 * %CASK_ERROR_PLUGIN_NOT_FOUND, %CASK_ERROR_PLUGIN_INVALID and %CASK_ERROR_PLUGIN_ABI,
 * about the backend's file; whatever the backend met.
 *
 * Returns: (transfer full) (nullable): the store, or %NULL
 *
 * Since: 1.0
 */
CaskStore *
cask_store_open (const char *config, GCancellable *cancellable, GError **error)
{
  CaskOptionValue values[N_STORE_OPTIONS] = { 0 };

  g_return_val_if_fail (config != NULL, NULL);

  cask_fork_watch ();
  cask_error_quark ();
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  g_autoptr (CaskConfigNode) tree = cask_config_parse (config, error);
  if (tree == NULL)
    return NULL;
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_set_size (texts, N_STORE_OPTIONS);
  if (!store_take_options (tree, values, texts, error))
    return NULL;

  CaskNodeHosts *hosts =
      cask_store_hosts_new ((guint) values[STORE_OPTION_THREADS].number);
  CaskNode *root = cask_node_open (tree, hosts, cancellable, error);
  if (root == NULL)
    {
      cask_store_hosts_free (hosts);
      return NULL;
    }
  return store_new (root, hosts, values, store_print_config (tree, texts));
}

/**
 * cask_store_get_config:
 * @store: a store
 *
 * Returns: (transfer none): the config string it was opened with, in canonical form; what
 * is secret in it reads `***`
 *
 * Since: 1.0
 */
const char *
cask_store_get_config (CaskStore *store)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);

  return store->config;
}

/**
 * cask_store_get_capabilities:
 * @store: a store
 *
 * Returns: what the store promises beyond the ordinary; does not change while it is open
 *
 * Since: 1.0
 */
CaskCapabilities
cask_store_get_capabilities (CaskStore *store)
{
  g_return_val_if_fail (CASK_IS_STORE (store), 0);

  return store->capabilities;
}

gboolean
cask_store_fail (CaskStore *store, const CaskDigest *digest, GError **error)
{
  if (error != NULL && *error != NULL && (*error)->domain == CASK_ERROR)
    cask_error_prefix (error, store->root->name, digest);
  return FALSE;
}

gboolean
cask_store_begin (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                  GError **error)
{
  if (digest != NULL && !cask_digest_check (digest, error))
    return FALSE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  return cask_store_enter (store, error);
}
