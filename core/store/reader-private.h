/* SPDX-License-Identifier: Apache-2.0
 *
 * reader-private.h: one copy of a blob, read piece by piece.
 *
 * One call at a time; which thread makes it does not matter. Position and verification
 * may be looked at beside a call. */
#pragma once

#include "store-private.h"

typedef struct _CaskReader CaskReader;

/* The most that a reader keeps in memory. Smaller reads are served from there. */
#define CASK_READER_BUFFER (256u << 10)

/* Of all readers of the process, so many may keep more than the short buffer by which
 * those get by that come after them. */
#define CASK_READER_PLENTY 128
#define CASK_READER_BUFFER_SHORT (64u << 10)

/* Opens the copy of a blob that is there now. Errors: as cask_store_get(), without
 * TOO_LARGE. */
CaskReader *cask_reader_open (CaskStore *store, const CaskDigest *digest,
                              GCancellable *cancellable, GError **error);

/* Closes the copy. A reader that is not closed may be freed only after a
 * cask_reader_close_in_background(). In a forked child no lock is touched. */
void cask_reader_close (CaskReader *reader);
void cask_reader_close_in_background (CaskReader *reader);
void cask_reader_free (CaskReader *reader);

/* reader-drop.c: closes a copy in the background; the caller holds the store. */
void cask_reader_drop (CaskStore *store, CaskBackend *backend, CaskBackendBlob *blob);
/* Until all that were dropped are closed: for the closing of the store. */
void cask_readers_wait_dropped (CaskStore *store);

CaskStore *cask_reader_get_store (CaskReader *reader);
const CaskBlobInfo *cask_reader_get_info (CaskReader *reader);
gboolean cask_reader_is_verified (CaskReader *reader);

guint64 cask_reader_tell (CaskReader *reader);
/* No I/O. position must not be beyond the end. */
void cask_reader_seek (CaskReader *reader, guint64 position);

/* Reads or skips count bytes, or as many as there are. Returns: 0 only at the end; -1
 * with the position unchanged. */
gssize cask_reader_read (CaskReader *reader, void *buffer, gsize count,
                         GCancellable *cancellable, GError **error);
gssize cask_reader_skip (CaskReader *reader, gsize count, GCancellable *cancellable,
                         GError **error);

/* The same where no I/O is needed for it, for a main loop's thread. Returns: FALSE where
 * nothing was done: ask the blocking call. */
gboolean cask_reader_try_read (CaskReader *reader, void *buffer, gsize count,
                               gssize *n_read);
gboolean cask_reader_try_skip (CaskReader *reader, gsize count, gssize *n_skipped);
