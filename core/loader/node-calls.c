/* SPDX-License-Identifier: Apache-2.0
 *
 * node-calls.c: the required slots, and care, behind checks.
 *
 * A plugin is not trusted to keep its word: each function here looks at what came back.
 * What a broken plugin gave is an error that names it, never a result. */
#include "node-private.h"

#include <cask/cask-digest.h>

GError *
cask_node_fault (CaskNode *node, CaskError code, const char *format, ...)
{
  const CaskLoadedPlugin *plugin = node->plugin;
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return g_error_new (CASK_ERROR, (int) code,
                      "the plugin '%s' %s: report it to the makers of %s",
                      plugin->descriptor.name, what,
                      plugin->path != NULL ? plugin->path : "this program");
}

/* What may not leave the library becomes IO; the plugin's words are kept. */
static GError *
node_translate (CaskNode *node, const char *slot, GError *failure,
                GCancellable *cancellable)
{
  if (failure == NULL)
    return cask_node_fault (node, CASK_ERROR_IO,
                            "failed in its slot '%s' without saying why", slot);
  if (failure->domain == CASK_ERROR && failure->code >= CASK_ERROR_NOT_FOUND &&
      failure->code <= CASK_ERROR_PLUGIN_ABI)
    return failure;
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
      cancellable != NULL && g_cancellable_is_cancelled (cancellable))
    return failure;

  GError *translated = g_error_new_literal (CASK_ERROR, CASK_ERROR_IO, failure->message);
  g_error_free (failure);
  return translated;
}

gboolean
cask_node_fail (CaskNode *node, const char *slot, GError *failure,
                GCancellable *cancellable, GError **error)
{
  GError *translated = node_translate (node, slot, failure, cancellable);
  /* The store itself names the root, with the digest. */
  if (!node->is_root && translated->domain == CASK_ERROR)
    g_prefix_error (&translated, "%s: ", node->name);
  g_propagate_error (error, translated);
  return FALSE;
}

gboolean
cask_node_unsupported (CaskNode *node, const char *what, GError **error)
{
  GError *failure = g_error_new (CASK_ERROR, CASK_ERROR_UNSUPPORTED, "%s", what);
  return cask_node_settle (node, what, FALSE, failure, NULL, error);
}

static gboolean
node_check_writable (CaskNode *node, GError **error)
{
  if (node->capabilities & CASK_CAPABILITY_WRITE)
    return TRUE;
  return cask_node_unsupported (node, "this store can not be written to", error);
}

static gboolean
node_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;
  gboolean made = FALSE;

  if (!node_check_writable (node, error))
    return FALSE;
  if (CASK_NODE_DELEGATES (node, put))
    return CASK_CALL (node->children[0], put, digest, bytes, flags, created, cancellable,
                      error);

  gboolean success =
      node->ops.put (node->backend, digest, bytes, flags, &made, cancellable, &failure);
  if (!cask_node_settle (node, "put", success, failure, cancellable, error))
    return FALSE;
  *created = made != FALSE;
  return TRUE;
}

/* Does info describe a blob of which this range has that many bytes? */
static gboolean
node_check_range (CaskNode *node, const CaskBlobInfo *info, guint64 offset,
                  guint64 length, gsize given, GError **error)
{
  guint64 due = length;

  if (info->size != CASK_UNKNOWN && cask_range_clamp (info->size, offset, &due) &&
      due == given)
    return TRUE;

  GError *failure =
      cask_node_fault (node, CASK_ERROR_CORRUPT,
                       "gave %zu bytes of a blob of %" G_GUINT64_FORMAT
                       ", asked for %" G_GUINT64_FORMAT " from %" G_GUINT64_FORMAT,
                       given, info->size, length, offset);
  return cask_node_settle (node, "get", FALSE, failure, NULL, error);
}

static GBytes *
node_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  CaskBlobInfo found;
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, get))
    return CASK_CALL (node->children[0], get, digest, offset, length, flags, info,
                      cancellable, error);

  cask_node_clear_info (&found);
  g_autoptr (GBytes) bytes = node->ops.get (node->backend, digest, offset, length, flags,
                                            &found, cancellable, &failure);
  if (!cask_node_settle (node, "get", bytes != NULL, failure, cancellable, error))
    return NULL;
  if (!node_check_range (node, &found, offset, length, g_bytes_get_size (bytes), error))
    return NULL;
  cask_node_give_info (info, digest, &found);
  return g_steal_pointer (&bytes);
}

static gboolean
node_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  CaskBlobInfo found;
  GError *failure = NULL;

  if ((flags & CASK_STAT_FRESHEN) && !(node->capabilities & CASK_CAPABILITY_FRESHENS))
    return cask_node_unsupported (node, "this store does not keep times of use", error);
  if (CASK_NODE_DELEGATES (node, stat))
    return CASK_CALL (node->children[0], stat, digest, flags, info, cancellable, error);

  cask_node_clear_info (&found);
  gboolean success =
      node->ops.stat (node->backend, digest, flags, &found, cancellable, &failure);
  if (success && failure == NULL && found.size == CASK_UNKNOWN)
    failure = cask_node_fault (node, CASK_ERROR_IO, "gave no size");
  if (!cask_node_settle (node, "stat", success, failure, cancellable, error))
    return FALSE;
  cask_node_give_info (info, digest, &found);
  return TRUE;
}

static gboolean
node_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  CaskRemoved became = CASK_REMOVED_MAYBE;
  GError *failure = NULL;

  if (!node_check_writable (node, error))
    return FALSE;
  if (unused_since_usec != CASK_ALWAYS &&
      !(node->capabilities & CASK_CAPABILITY_REMOVE_UNUSED))
    return cask_node_unsupported (
        node, "this store can not tell what is in use; delete without a condition",
        error);
  if (CASK_NODE_DELEGATES (node, remove))
    return CASK_CALL (node->children[0], remove, digest, unused_since_usec, outcome,
                      cancellable, error);

  gboolean success = node->ops.remove (node->backend, digest, unused_since_usec, &became,
                                       cancellable, &failure);
  if (success && failure == NULL && became > CASK_REMOVED_KEPT)
    failure =
        cask_node_fault (node, CASK_ERROR_IO, "did not say what became of the blob");
  if (!cask_node_settle (node, "remove", success, failure, cancellable, error))
    return FALSE;
  *outcome = became;
  return TRUE;
}

/* What is wrong with a page, or NULL. */
static const char *
node_page_fault (const CaskDigest *after, const CaskBlobInfo *infos, guint32 n,
                 guint32 room, gboolean more)
{
  if (n > room)
    return "more blobs than there was room for";
  if (n == 0 && more)
    return "an empty page and the word that more follow";
  for (guint32 i = 0; i < n; i++)
    {
      if (!cask_digest_is_valid (&infos[i].digest))
        return "something that is no digest";
      if (after != NULL && cask_digest_compare (&infos[i].digest, after) <= 0)
        return "blobs out of order";
      after = &infos[i].digest;
    }
  return NULL;
}

static gboolean
node_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
           guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  guint32 room = *n_infos, n = room;
  gboolean follow = FALSE;
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, list))
    return CASK_CALL (node->children[0], list, after, flags, infos, n_infos, more,
                      cancellable, error);

  gboolean success = node->ops.list (node->backend, after, flags, infos, &n, &follow,
                                     cancellable, &failure);
  if (success && failure == NULL)
    {
      const char *fault = node_page_fault (after, infos, n, room, follow);
      if (fault != NULL)
        failure = cask_node_fault (node, CASK_ERROR_IO, "listed %s", fault);
    }
  if (!cask_node_settle (node, "list", success, failure, cancellable, error))
    return FALSE;
  *n_infos = n;
  *more = follow != FALSE;
  return TRUE;
}

static guint64
node_capabilities (CaskBackend *self)
{
  return cask_node_of (self)->capabilities;
}

static gboolean
node_flush_children (CaskNode *node, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < node->n_children; i++)
    if (!CASK_CALL (node->children[i], flush, cancellable, error))
      return FALSE;
  return TRUE;
}

static gboolean
node_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;

  if (node->ops.flush != NULL)
    {
      gboolean success = node->ops.flush (node->backend, cancellable, &failure);
      return cask_node_settle (node, "flush", success, failure, cancellable, error);
    }
  if (node->n_children > 0)
    return node_flush_children (node, cancellable, error);
  if (node->capabilities & CASK_CAPABILITY_DURABLE)
    return TRUE;
  return cask_node_unsupported (node, "this store keeps nothing over a power loss",
                                error);
}

static gboolean
node_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable,
            GError **error)
{
  CaskNode *node = cask_node_of (self);
  CaskUsage found = { CASK_UNKNOWN, CASK_UNKNOWN, CASK_UNKNOWN, CASK_UNKNOWN, { 0 } };
  GError *failure = NULL;

  if (CASK_NODE_DELEGATES (node, usage))
    return CASK_CALL (node->children[0], usage, usage, cancellable, error);
  if (node->ops.usage != NULL)
    {
      gboolean success = node->ops.usage (node->backend, &found, cancellable, &failure);
      if (!cask_node_settle (node, "usage", success, failure, cancellable, error))
        return FALSE;
    }
  *usage = found;
  return TRUE;
}

static gboolean
node_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version, guint32 flags,
              gboolean *again, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  gboolean retry = FALSE;
  GError *failure = NULL;

  if ((flags & CASK_CONDEMN_QUARANTINE) &&
      !(node->capabilities & CASK_CAPABILITY_QUARANTINE))
    return cask_node_unsupported (node, "this store has no quarantine", error);
  if (CASK_NODE_DELEGATES (node, condemn))
    return CASK_CALL (node->children[0], condemn, digest, version, flags, again,
                      cancellable, error);
  if (node->ops.condemn != NULL)
    {
      gboolean success = node->ops.condemn (node->backend, digest, version, flags, &retry,
                                            cancellable, &failure);
      if (!cask_node_settle (node, "condemn", success, failure, cancellable, error))
        return FALSE;
    }
  *again = retry != FALSE;
  return TRUE;
}

const CaskBackendOps cask_node_ops = {
  .size = sizeof (CaskBackendOps),
  .put = node_put,
  .get = node_get,
  .stat = node_stat,
  .remove = node_remove,
  .list = node_list,
  .capabilities = node_capabilities,
  .try_get = cask_node_try_get,
  .try_stat = cask_node_try_stat,
  .blob_open = cask_node_blob_open,
  .blob_read = cask_node_blob_read,
  .blob_close = cask_node_blob_close,
  .upload_begin = cask_node_upload_begin,
  .upload_write = cask_node_upload_write,
  .upload_commit = cask_node_upload_commit,
  .upload_close = cask_node_upload_close,
  .upload_save = cask_node_upload_save,
  .upload_resume = cask_node_upload_resume,
  .upload_list = cask_node_upload_list,
  .upload_read = cask_node_upload_read,
  .put_many = cask_node_put_many,
  .get_many = cask_node_get_many,
  .contains_many = cask_node_contains_many,
  .remove_many = cask_node_remove_many,
  .flush = node_flush,
  .usage = node_usage,
  .condemn = node_condemn,
};
