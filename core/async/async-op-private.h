/* SPDX-License-Identifier: Apache-2.0
 *
 * async-op-private.h: one asynchronous operation, from its call to its callback. */
#pragma once

#include <cask/cask-store-async.h>

#include "completion-private.h"
#include "store-private.h"

typedef struct _AsyncOp AsyncOp;

/* The synchronous call on what the operation is of: a store or a stream. Runs on a pool
 * thread; leaves its outcome in `error`, or in `result` and `out`. */
typedef void (*AsyncWork) (AsyncOp *op, gpointer source, GCancellable *cancellable);

struct _AsyncOp
{
  CaskPoolJob job;
  CaskCompletion completion;
  GTask *task; /* owned until it is delivered; owns the operation as its task data */
  gulong cancel_handler;
  guint n_pending; /* of its context, when it began, this one too */
  AsyncWork work;
  gint *claim; /* (nullable) reset before its callback, which may begin the next one */

  /* what was asked */
  CaskDigest digest;
  gboolean has_digest;
  guint32 flags; /* also: an algorithm, a limit */
  guint32 algorithm;
  guint64 offset; /* also: a time */
  guint64 length;
  GBytes *bytes;
  char *text;
  gpointer buffer; /* the caller's, who keeps it until the callback */

  /* what came of it */
  GError *error;
  gpointer result;
  GDestroyNotify free_result;
  union
  {
    CaskBlobInfo info;
    CaskUsage usage;
    CaskRemoved removed;
    gboolean flag;
    gssize count;
  } out;
};

/* Begins an operation of source, a store or a stream, or of none (nullable). tag: the
 * address of the public function. */
AsyncOp *async_op_new (gpointer source, gpointer tag, int io_priority,
                       GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);

void async_op_set_digest (AsyncOp *op, const CaskDigest *digest);

/* Hands a decided operation to its main context. */
void async_op_complete (AsyncOp *op);

/* Runs work on the pool, then completes. A cancellable that fires before the start
 * completes it at once, also where the pool is busy. */
void async_op_queue (AsyncOp *op, CaskLane *lane, AsyncWork work);

/* Tries to read without blocking. whole: a blob, not a range. Returns: whether the
 * operation is decided (async-share.c). */
gboolean async_op_try_read (AsyncOp *op, CaskStore *store, gboolean whole);

/* Leaves a read that is one of many to another thread, which tries it as the caller's
 * would have. Returns: FALSE where the caller's had better do it. */
gboolean async_op_share (AsyncOp *op, CaskStore *store, gboolean whole, AsyncWork work);

/* As async_op_queue() in the store's own lane, with a work that is not given up once it
 * was queued. */
void async_op_queue_certain (AsyncOp *op, CaskLane *lane, AsyncWork work);

/* Leaves an operation whose job runs to another lane. Returns: FALSE where it was
 * cancelled meanwhile, which decides it. */
gboolean async_op_pass_on (AsyncOp *op, CaskLane *lane);

/* For `_finish`: the operation where it succeeded, or NULL and its error. (transfer none)
 */
AsyncOp *async_op_finish (gpointer source, GAsyncResult *result, gpointer tag,
                          GError **error);

/* As async_op_finish(), for operations that give a pointer. (transfer full) */
gpointer async_op_finish_pointer (gpointer source, GAsyncResult *result, gpointer tag,
                                  GError **error);
