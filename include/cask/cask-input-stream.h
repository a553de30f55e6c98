/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-input-stream.h: reading a blob of any size, piece by piece. */
#pragma once

#include <gio/gio.h>
#include "cask-store.h"

G_BEGIN_DECLS

#define CASK_TYPE_INPUT_STREAM (cask_input_stream_get_type ())

/**
 * CaskInputStream:
 *
 * A blob that is being read: a #GInputStream that is #GSeekable too. It reads one copy,
 * fixed when it was opened: where the store announces
 * %CASK_CAPABILITY_READS_OUTLIVE_REMOVE it reads on after the blob has been deleted, and
 * in every store after the store has been closed; elsewhere a read then fails with
 * %CASK_ERROR_GONE. It never ends early, and never has another blob's bytes. A read gives
 * all that was asked for, up to the end of the blob.
 *
 * Read in order from the start, it verifies as it reads, as the store's `verify` option
 * says: where the bytes do not hash to the digest, the read that would have delivered the
 * last of them fails with %CASK_ERROR_CORRUPT instead. A skip reads what is still to be
 * hashed. Bytes that are read anywhere else than where the order left off are not
 * verified; verification goes on as soon as a read begins again where the order left off,
 * or before it.
 *
 * Reads of the asynchronous kind never block the main loop. Small reads are served from a
 * buffer of 256 KiB at most.
 *
 * Since: 1.0
 */
G_DECLARE_FINAL_TYPE (CaskInputStream, cask_input_stream, CASK, INPUT_STREAM,
                      GInputStream)

CaskInputStream *cask_store_open_blob (CaskStore *store, const CaskDigest *digest,
                                       GCancellable *cancellable, GError **error);
void cask_store_open_blob_async (CaskStore *store, const CaskDigest *digest,
                                 int io_priority, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
CaskInputStream *cask_store_open_blob_finish (CaskStore *store, GAsyncResult *result,
                                              GError **error);

void cask_input_stream_get_info (CaskInputStream *stream, CaskBlobInfo *info);
guint64 cask_input_stream_get_size (CaskInputStream *stream);
gboolean cask_input_stream_is_verified (CaskInputStream *stream);

G_END_DECLS
