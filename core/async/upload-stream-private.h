/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-stream-private.h: what the files about CaskUpload share. */
#pragma once

#include "async-op-private.h"
#include "upload-private.h"

struct _CaskUpload
{
  GOutputStream parent;
  CaskUploadEngine *engine;
  gint busy; /* atomic; a call is under way */
};

/* Takes engine, which may be NULL. */
CaskUpload *cask_upload_wrap (CaskUploadEngine *engine);

/* Calls on an upload come one at a time. FALSE: PENDING. */
gboolean cask_upload_claim (CaskUpload *upload, GError **error);
void cask_upload_release (CaskUpload *upload);

/* FALSE: CLOSED, for it is committed or aborted. */
gboolean cask_upload_check_writable (CaskUpload *upload, GError **error);

/* An operation of upload that has claimed it. Where that failed, the operation is on its
 * way to its callback. Returns: (nullable): the operation to queue */
AsyncOp *cask_upload_op_new (CaskUpload *upload, gpointer tag, int io_priority,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);

/* The same for a write, in which GIO has the stream pending. */
AsyncOp *cask_upload_write_op_new (CaskUpload *upload, gpointer tag, int io_priority,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);

CaskLane *cask_upload_lane (CaskUpload *upload);

/* upload-pump.c */
void cask_upload_splice_async (GOutputStream *stream, GInputStream *source,
                               GOutputStreamSpliceFlags flags, int io_priority,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gssize cask_upload_splice_finish (GOutputStream *stream, GAsyncResult *result,
                                  GError **error);
