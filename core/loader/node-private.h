/* SPDX-License-Identifier: Apache-2.0
 *
 * node-private.h: an open backend or layer, behind checks.
 *
 * A config string opens a tree of nodes. A node's table is the host's own,
 * `cask_node_ops`: each function calls the plugin's slot and holds it to what
 * cask-plugin.h says, or does the work itself where the slot is NULL. The store calls its
 * root node, and a layer its children, through that same table. */
#pragma once

#include <cask/cask-plugin.h>

#include "config-private.h"
#include "plugin-private.h"

typedef struct _CaskNode CaskNode;

/* What a node needs of the rooms above: a host table for each instance. */
typedef struct
{
  CaskHost *(*host_new) (gpointer data, const char *name);
  /* Called before the instance is closed: returns when no job of it is left. */
  void (*host_drain) (CaskHost *host);
  void (*host_free) (CaskHost *host);
  gpointer data;
  char *spool; /* (nullable) the directory for what a backend does not take in pieces; not
                  looked at before it is needed */
} CaskNodeHosts;

struct _CaskNode
{
  const CaskLoadedPlugin *plugin;
  CaskBackendOps ops; /* the plugin's, as far as its table goes; the rest NULL */
  CaskBackend *backend;
  CaskHost *host;
  const CaskNodeHosts *hosts;
  guint64 capabilities;
  gboolean delegates;
  gboolean is_root;

  char *name; /* "fs:/srv/blobs" */
  char *location;
  char *encoding; /* (nullable) */
  CaskOptions *options;
  CaskOpenArgs args; /* valid until close, as promised */

  guint n_children;
  CaskNode **child_nodes;
  const CaskChild **children; /* each the `as_child` of a child node */
  CaskChild as_child;
};

extern const CaskBackendOps cask_node_ops;

/* What a plugin is given to fill in. The digest is left out, which the host knows better
 * (cask_node_give_info()); to clear all of it takes as long as finding a blob in memory.
 */
static inline void
cask_node_clear_info (CaskBlobInfo *info)
{
  info->size = CASK_UNKNOWN;
  info->mtime_usec = 0;
  info->version = 0;
  memset (info->reserved, 0, sizeof info->reserved);
}

/* Gives on what a plugin has filled in; the name of a blob is the one it was asked for
 * by. digest may be that of info. */
static inline void
cask_node_give_info (CaskBlobInfo *info, const CaskDigest *digest,
                     const CaskBlobInfo *found)
{
  info->digest = *digest;
  info->size = found->size;
  info->mtime_usec = found->mtime_usec;
  info->version = found->version;
  memcpy (info->reserved, found->reserved, sizeof info->reserved);
}

/* Opens the tree that config describes; marks its secret options. hosts must outlive the
 * node. */
CaskNode *cask_node_open (CaskConfigNode *config, const CaskNodeHosts *hosts,
                          GCancellable *cancellable, GError **error);

/* Closes from the root down: a layer may use its children until its close has returned.
 */
void cask_node_close (CaskNode *node);

static inline CaskNode *
cask_node_of (CaskBackend *self)
{
  return (CaskNode *) (gpointer) self;
}

static inline CaskBackend *
cask_node_self (CaskNode *node)
{
  return (CaskBackend *) (gpointer) node;
}

/* Whether a NULL slot is the child's: only within the plugin's own table, for what lies
 * behind it the plugin can not have meant to leave. */
#define CASK_NODE_DELEGATES(node, slot)                                                  \
  ((node)->ops.slot == NULL && (node)->delegates &&                                      \
   G_STRUCT_OFFSET (CaskBackendOps, slot) < (node)->plugin->ops_size)

/* A call of a slot that went wrong. Sets error to what may leave the library: CASK_ERROR,
 * or CANCELLED if cancellable is. Takes failure (nullable). Returns: FALSE */
gboolean cask_node_fail (CaskNode *node, const char *slot, GError *failure,
                         GCancellable *cancellable, GError **error);

/* Whether a call went well: the plugin said so and set no error; else as
 * cask_node_fail(). */
static inline gboolean
cask_node_settle (CaskNode *node, const char *slot, gboolean success, GError *failure,
                  GCancellable *cancellable, GError **error)
{
  if (G_LIKELY (success && failure == NULL))
    return TRUE;
  return cask_node_fail (node, slot, failure, cancellable, error);
}

/* What a plugin did that none may do: "the plugin 'shelf' FORMAT", and whose it is. */
GError *cask_node_fault (CaskNode *node, CaskError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Sets UNSUPPORTED for what this node can not do. Returns: FALSE */
gboolean cask_node_unsupported (CaskNode *node, const char *what, GError **error);

/* The optional slots; see cask-plugin.h. */
CaskTry cask_node_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                           guint64 length, guint32 flags, GBytes **bytes,
                           CaskBlobInfo *info);
CaskTry cask_node_try_stat (CaskBackend *self, const CaskDigest *digest,
                            CaskBlobInfo *info);
CaskBackendBlob *cask_node_blob_open (CaskBackend *self, const CaskDigest *digest,
                                      guint32 flags, CaskBlobInfo *info,
                                      GCancellable *cancellable, GError **error);
gssize cask_node_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                            void *buffer, gsize count, GCancellable *cancellable,
                            GError **error);
void cask_node_blob_close (CaskBackend *self, CaskBackendBlob *blob);
CaskBackendUpload *cask_node_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                                           GCancellable *cancellable, GError **error);
gboolean cask_node_upload_write (CaskBackend *self, CaskBackendUpload *upload,
                                 GBytes *chunk, GCancellable *cancellable,
                                 GError **error);
gboolean cask_node_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                                  const CaskDigest *digest, guint32 flags,
                                  gboolean *created, GCancellable *cancellable,
                                  GError **error);
void cask_node_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep);
gboolean cask_node_upload_save (CaskBackend *self, CaskBackendUpload *upload,
                                GBytes *state, char **id, GCancellable *cancellable,
                                GError **error);
CaskBackendUpload *cask_node_upload_resume (CaskBackend *self, const char *id,
                                            GBytes **state, guint64 *offset,
                                            GCancellable *cancellable, GError **error);
gboolean cask_node_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                                GCancellable *cancellable, GError **error);
gboolean cask_node_upload_read (CaskBackend *self, CaskBackendUpload *upload,
                                guint64 offset, void *buffer, gsize count, gsize *n_read,
                                GCancellable *cancellable, GError **error);
gboolean cask_node_put_many (CaskBackend *self, CaskItem *items, gsize n_items,
                             guint32 flags, GCancellable *cancellable, GError **error);
gboolean cask_node_get_many (CaskBackend *self, CaskItem *items, gsize n_items,
                             guint32 flags, GCancellable *cancellable, GError **error);
gboolean cask_node_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                                  guint32 flags, GCancellable *cancellable,
                                  GError **error);
gboolean cask_node_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                                gint64 unused_since_usec, GCancellable *cancellable,
                                GError **error);

/* ---- node-spool.c: an upload to a backend that takes whole blobs only ---- */

typedef struct _CaskSpool CaskSpool;

/* directory: (nullable) as somebody wrote it into a config string. Errors: INVALID_CONFIG
 * where it is no directory's absolute path, TOO_LARGE. */
CaskSpool *cask_spool_new (const char *directory, guint64 expected_size, GError **error);
void cask_spool_free (CaskSpool *spool);

/* All of chunk or a failure, after which nothing can be written or sealed any more. */
gboolean cask_spool_write (CaskSpool *spool, GBytes *chunk, GCancellable *cancellable,
                           GError **error);

/* All that was written, as often as it is asked for; the first time ends the writing.
 * is_plain: whether it is memory that may be kept; else it is a mapping of the file. */
GBytes *cask_spool_seal (CaskSpool *spool, gboolean *is_plain, GError **error);

/* What was written so far; any thread, beside the one writer. */
gboolean cask_spool_read (CaskSpool *spool, guint64 offset, void *buffer, gsize count,
                          gsize *n_read, GError **error);
