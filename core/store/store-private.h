/* SPDX-License-Identifier: Apache-2.0
 *
 * store-private.h: what the files of this room, and the asynchronous room above, share of
 * a store. */
#pragma once

#include <cask/cask-store.h>

#include "gate-private.h"
#include "node-private.h"
#include "pool-private.h"
#include "verified-private.h"

/* When get hashes what it has read. */
typedef enum
{
  CASK_VERIFY_ALWAYS,
  CASK_VERIFY_CHANGED,
  CASK_VERIFY_NEVER
} CaskVerifyPolicy;

struct _CaskStore
{
  GObject parent;

  CaskNode *root; /* NULL once closed */
  CaskNodeHosts *hosts;
  CaskLane *lane;
  char *config; /* redacted */
  char *name;   /* of the root node, for messages: "fs:/srv/blobs" */
  CaskVerified *verified;
  CaskVerifyPolicy policy;
  guint64 max_get;
  guint fork_generation;
  CaskCapabilities capabilities;
  guint threads;        /* the lane's bound */
  gboolean groups_puts; /* puts that wait are taken together (async-write.c) */
  gint n_slow_tries;    /* atomic; of those last measured, in a row (async-share.c) */

  CaskGate *gate; /* the operations under way */
  GMutex close_lock;
  GCond close_progress;
  gboolean is_closed; /* close_lock */
  guint n_readers;    /* close_lock; streams that read from the backend, closed or not */
  CaskNode *orphan;   /* close_lock; what close left for the last of them to close */
  GQueue unread;      /* close_lock; of copies, dropped and not yet closed
                         (reader-drop.c) */
  GQueue uploads;     /* close_lock; of the open handles of uploads (upload-handle.c) */
  GQueue dropped;     /* close_lock; of CaskUploadEngine, given up and not yet closed
                         (upload.c) */
  guint64 n_dropped;  /* close_lock; so many were, ever */
};

/* Brackets every operation. cask_store_enter() fails with CLOSED. */
gboolean cask_store_enter (CaskStore *store, GError **error);
void cask_store_leave (CaskStore *store);

/* Refuses new operations from now on. */
void cask_store_refuse_new (CaskStore *store);

/* FALSE and CLOSED in a forked child. */
gboolean cask_store_is_ours (CaskStore *store, GError **error);

/* For as long as a reader is counted, the backend stays open, whatever becomes of the
 * store. Add within an operation; remove from any thread, without blocking. */
void cask_store_add_reader (CaskStore *store);
void cask_store_remove_reader (CaskStore *store);

/* Aborts the uploads of a store on which no operation is under way (upload-handle.c). */
void cask_store_abort_uploads (CaskStore *store, CaskNode *root);

/* What finalize does in the process that opened the store. */
void cask_store_dismantle (CaskStore *store);

/* Puts the store's name, and the digest if any, before a CASK_ERROR's message. Returns:
 * FALSE */
gboolean cask_store_fail (CaskStore *store, const CaskDigest *digest, GError **error);

/* What every operation on one blob begins with: digest and cancellable checked, then
 * enter. */
gboolean cask_store_begin (CaskStore *store, const CaskDigest *digest,
                           GCancellable *cancellable, GError **error);

static inline CaskBackend *
cask_store_root (CaskStore *store)
{
  return cask_node_self (store->root);
}

/* Hosts for the nodes of a store (store-host.c). */
/* spool: where uploads gather that a backend does not take in pieces. */
CaskNodeHosts *cask_store_hosts_new (guint threads, const char *spool);
void cask_store_hosts_set_store (CaskNodeHosts *hosts, CaskStore *store);
void cask_store_hosts_free (CaskNodeHosts *hosts);

/* Does the policy ask for a hash of this copy? (store-get.c) */
gboolean cask_store_must_hash (CaskStore *store, const CaskBlobInfo *info);

/* How many copies of a blob a backend may offer one after the other. */
#define CASK_STORE_COPIES 16

/* Tells the backend that a copy is bad. Returns: whether it has another one to offer. */
gboolean cask_store_condemn (CaskStore *store, const CaskBlobInfo *info,
                             GCancellable *cancellable);

/* Whether a copy's hash is its digest. TRUE remembers the copy as good; FALSE marks the
 * blob as corrupt and sets CORRUPT. */
gboolean cask_store_check_hash (CaskStore *store, const CaskBlobInfo *info,
                                const CaskDigest *actual, GError **error);

/* As cask_store_check_hash(). Whether bytes hash to their digest. */
gboolean cask_store_check_bytes (CaskStore *store, const CaskBlobInfo *info,
                                 GBytes *bytes, GError **error);

/* The non-blocking halves of get, stat and contains (store-try.c), for a main loop's
 * thread. Returns: TRUE where it is decided: the result or error stands; FALSE: ask the
 * blocking call. */
gboolean cask_store_try_get (CaskStore *store, const CaskDigest *digest, guint64 offset,
                             guint64 length, gboolean whole, GBytes **bytes,
                             GError **error);
gboolean cask_store_try_stat (CaskStore *store, const CaskDigest *digest,
                              CaskBlobInfo *info, GError **error);

/* The flags of cask-plugin.h for a put, or a commit, of this blob (store-put.c). */
guint32 cask_store_put_flags (CaskStore *store, const CaskDigest *digest,
                              CaskPutFlags flags);

/* What cask_store_get() does within begin and leave (store-get.c). */
GBytes *cask_store_get_verified (CaskStore *store, const CaskDigest *digest,
                                 GCancellable *cancellable, GError **error);

/* Puts several blobs in one call of the backend. Each item's outcome or error is set
 * (store-put.c). Within enter and leave. */
void cask_store_put_items (CaskStore *store, CaskItem *items, gsize n_items,
                           CaskPutFlags flags, GCancellable *cancellable);
/* The same for puts that were asked for one by one, without flags; not within. */
void cask_store_put_group (CaskStore *store, CaskItem *items, gsize n_items);

/* list-page.c; takes infos. */
CaskListPage *cask_list_page_new (GArray *infos, gboolean more);
