/* SPDX-License-Identifier: Apache-2.0
 *
 * store.c: opening a store, and what it says of itself.
 *
 * The options that belong to the store are taken from the root of the config's tree; the
 * rest of the tree is the loader's. */
#include "store-private.h"

#include "error-private.h"
#include "fork-private.h"

G_DEFINE_FINAL_TYPE (CaskStore, cask_store, G_TYPE_OBJECT)

/* Options that any root node takes: they belong to the store, not to its backend. */
enum
{
  STORE_OPTION_VERIFY,
  STORE_OPTION_THREADS,
  STORE_OPTION_MAX_GET,
  STORE_OPTION_SPOOL,
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
  { .name = "spool",
    .help =
        "the directory where an upload gathers that the backend takes as a whole only",
    .type = CASK_OPTION_STRING,
    .fallback = "/var/tmp" },
};

static void
cask_store_finalize (GObject *object)
{
  CaskStore *self = CASK_STORE (object);

  /* In a forked child the backend's threads are gone, and any lock may have been held by
   * one of them: what has a lock is left alone. */
  if (self->fork_generation == cask_fork_generation ())
    cask_store_dismantle (self);
  g_free (self->name);
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
  self->gate = cask_gate_new ();
  self->verified = cask_verified_new ();
  self->fork_generation = cask_fork_generation ();
  g_mutex_init (&self->close_lock);
  g_cond_init (&self->close_progress);
}

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
  store->name = g_strdup (root->name);
  store->capabilities = (CaskCapabilities) root->capabilities;
  store->threads = (guint) values[STORE_OPTION_THREADS].number;
  /* Only a flush is worth more for many than for one: without one to share, two threads
   * that put one by one are faster than one that puts all. */
  store->groups_puts =
      root->ops.put_many != NULL && (root->capabilities & CASK_CAPABILITY_DURABLE) != 0;
  cask_store_hosts_set_store (hosts, store);
  return store;
}

static CaskStore *
store_open_tree (CaskConfigNode *tree, const CaskOptionValue *values, GPtrArray *texts,
                 GCancellable *cancellable, GError **error)
{
  CaskNodeHosts *hosts = cask_store_hosts_new (
      (guint) values[STORE_OPTION_THREADS].number, values[STORE_OPTION_SPOOL].string);
  CaskNode *root = cask_node_open (tree, hosts, cancellable, error);

  if (root == NULL)
    {
      cask_store_hosts_free (hosts);
      return NULL;
    }
  return store_new (root, hosts, values, store_print_config (tree, texts));
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
  CaskStore *store = NULL;

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
  if (store_take_options (tree, values, texts, error))
    store = store_open_tree (tree, values, texts, cancellable, error);
  g_free ((char *) values[STORE_OPTION_SPOOL].string);
  return store;
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
