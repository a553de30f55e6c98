/* SPDX-License-Identifier: Apache-2.0
 *
 * node.c: a config tree becomes a tree of open nodes.
 *
 * In two passes, so that a mistake anywhere in a config string is found before any
 * backend has touched its place: first every plugin is found and every option read, then
 * the instances are opened, children before their layer. */
#include "node-private.h"

static gboolean
node_check_location (const CaskConfigNode *config, const CaskPlugin *plugin,
                     GError **error)
{
  gboolean given = config->location != NULL && *config->location != '\0';

  if (given && plugin->location == CASK_LOCATION_NONE)
    {
      cask_config_set_error (error, config->location_offset,
                             "%s takes no location behind its ':'", config->name);
      return FALSE;
    }
  if (!given && plugin->location == CASK_LOCATION_REQUIRED)
    {
      cask_config_set_error (error, config->offset, "%s needs a location: %s:LOCATION",
                             config->name, config->name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
node_check_children (const CaskConfigNode *config, const CaskPlugin *plugin,
                     GError **error)
{
  guint n = config->children->len;

  if (n >= plugin->min_children && n <= plugin->max_children)
    return TRUE;
  if (plugin->kind == CASK_PLUGIN_BACKEND)
    {
      const CaskConfigNode *child = config->children->pdata[0];
      cask_config_set_error (error, child->offset,
                             "%s is a backend and takes nothing in parentheses",
                             config->name);
    }
  else if (plugin->min_children == plugin->max_children)
    cask_config_set_error (error, config->offset, "%s stands before %u store%s, not %u",
                           config->name, plugin->min_children,
                           plugin->min_children == 1 ? "" : "s", n);
  else
    cask_config_set_error (error, config->offset,
                           "%s stands before %u to %u stores, not %u", config->name,
                           plugin->min_children, plugin->max_children, n);
  return FALSE;
}

/* What the children of a node are told of the encodings above them. */
static char *
node_encoding_below (const CaskNode *node)
{
  if (!(node->plugin->descriptor.needs & CASK_NEEDS_ENCODING))
    return g_strdup (node->encoding);
  if (node->encoding == NULL)
    return g_strdup (node->plugin->descriptor.name);
  return g_strdup_printf ("%s+%s", node->encoding, node->plugin->descriptor.name);
}

static CaskNode *
node_prepare (CaskConfigNode *config, const char *encoding, GError **error)
{
  const CaskLoadedPlugin *plugin = cask_plugin_find (config->name, error);
  if (plugin == NULL)
    return NULL;

  const CaskPlugin *descriptor = &plugin->descriptor;
  if (!node_check_location (config, descriptor, error) ||
      !node_check_children (config, descriptor, error))
    return NULL;
  g_autoptr (CaskOptions) options = cask_options_resolve (
      descriptor->name, plugin->options, descriptor->n_options, config, error);
  if (options == NULL)
    return NULL;

  CaskNode *node = g_new0 (CaskNode, 1);
  node->plugin = plugin;
  node->ops = plugin->ops;
  node->delegates = (descriptor->needs & CASK_NEEDS_DELEGATION) != 0;
  node->name = cask_config_print_name (config);
  node->location = g_strdup (config->location != NULL ? config->location : "");
  node->encoding = g_strdup (encoding);
  node->options = g_steal_pointer (&options);
  node->child_nodes = g_new0 (CaskNode *, config->children->len + 1);
  node->children = g_new0 (const CaskChild *, config->children->len + 1);

  g_autofree char *below = node_encoding_below (node);
  for (guint i = 0; i < config->children->len; i++)
    {
      CaskNode *child = node_prepare (config->children->pdata[i], below, error);
      if (child == NULL)
        {
          cask_node_close (node);
          return NULL;
        }
      node->child_nodes[node->n_children] = child;
      node->children[node->n_children++] = &child->as_child;
    }
  return node;
}

/* What no plugin can promise for slots that it leaves NULL: an upload that the host
 * gathers does not outlive the process, a blob that the host reads by get is read by its
 * name, and nothing moves a bad copy aside. Where the slots are the child's, so is the
 * promise. */
static guint64
node_unkept_capabilities (const CaskNode *node)
{
  const CaskBackendOps *ops = &node->ops;
  guint64 unkept = 0;

  if (ops->upload_save == NULL || ops->upload_resume == NULL || ops->upload_list == NULL)
    unkept |= CASK_CAPABILITY_RESUME;
  if (ops->blob_open == NULL || ops->blob_read == NULL)
    unkept |= CASK_CAPABILITY_READS_OUTLIVE_REMOVE;
  if (ops->condemn == NULL)
    unkept |= CASK_CAPABILITY_QUARANTINE;
  return node->delegates ? unkept & ~node->children[0]->capabilities : unkept;
}

static guint64
node_ask_capabilities (CaskNode *node)
{
  const guint64 known = (CASK_CAPABILITY_QUARANTINE << 1) - 1;
  const guint64 kept = known & ~node_unkept_capabilities (node);

  if (node->ops.capabilities != NULL)
    return node->ops.capabilities (node->backend) & kept;

  guint64 capabilities = node->plugin->descriptor.capabilities;
  for (guint i = 0; i < node->n_children; i++)
    capabilities &= node->children[i]->capabilities;
  return capabilities & kept;
}

/* Calls the plugin's open and believes it only where backend and error agree. */
static gboolean
node_call_open (CaskNode *node, GCancellable *cancellable, GError **error)
{
  node->args = (CaskOpenArgs){
    .size = sizeof (CaskOpenArgs),
    .n_children = node->n_children,
    .host = node->host,
    .location = node->location,
    .values = node->options->values,
    .children = node->children,
    .encoding = node->encoding,
  };
  GError *failure = NULL;
  CaskBackend *backend = node->ops.open (&node->args, cancellable, &failure);

  if (backend != NULL && failure != NULL)
    {
      node->hosts->host_drain (node->host);
      node->ops.close (backend);
      /* Its domain and code stay: it may be a cancelled open. */
      g_autoptr (GError) fault = cask_node_fault (
          node, CASK_ERROR_IO, "opened and failed at once: %s", failure->message);
      g_free (failure->message);
      failure->message = g_steal_pointer (&fault->message);
      backend = NULL;
    }
  node->backend = backend;
  if (!cask_node_settle (node, "open", backend != NULL, failure, cancellable, error))
    {
      if (node->is_root && error != NULL && (*error)->domain == CASK_ERROR)
        g_prefix_error (error, "%s: ", node->name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
node_open_backend (CaskNode *node, const CaskNodeHosts *hosts, GCancellable *cancellable,
                   GError **error)
{
  for (guint i = 0; i < node->n_children; i++)
    if (!node_open_backend (node->child_nodes[i], hosts, cancellable, error))
      return FALSE;

  node->hosts = hosts;
  node->host = hosts->host_new (hosts->data, node->name);
  if (!node_call_open (node, cancellable, error))
    return FALSE;

  node->capabilities = node_ask_capabilities (node);
  node->as_child = (CaskChild){
    .size = sizeof (CaskChild),
    .ops = &cask_node_ops,
    .backend = cask_node_self (node),
    .capabilities = node->capabilities,
    .name = node->name,
  };
  return TRUE;
}

CaskNode *
cask_node_open (CaskConfigNode *config, const CaskNodeHosts *hosts,
                GCancellable *cancellable, GError **error)
{
  CaskNode *node = node_prepare (config, NULL, error);
  if (node == NULL)
    return NULL;

  node->is_root = TRUE;
  if (!node_open_backend (node, hosts, cancellable, error))
    {
      cask_node_close (node);
      return NULL;
    }
  return node;
}

void
cask_node_close (CaskNode *node)
{
  if (node->host != NULL)
    node->hosts->host_drain (node->host);
  if (node->backend != NULL)
    node->ops.close (node->backend);
  if (node->host != NULL)
    node->hosts->host_free (node->host);
  for (guint i = 0; i < node->n_children; i++)
    cask_node_close (node->child_nodes[i]);

  g_free (node->children);
  g_free (node->child_nodes);
  cask_options_free (node->options);
  g_free (node->encoding);
  g_free (node->location);
  g_free (node->name);
  g_free (node);
}
