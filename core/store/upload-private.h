/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-private.h: writing a blob piece by piece, synchronously.
 *
 * Calls on one engine come one at a time; who makes them sees to that. */
#pragma once

#include <stdatomic.h>

#include "hasher-private.h"
#include "store-private.h"

#include <cask/cask-upload.h>

/* What is written gathers in chunks of this size. Of an upload, one is being filled, so
 * many at most are full and wait to be handed on, one is being handed on, and so many are
 * being hashed: that is all of it that is in memory. */
#define CASK_UPLOAD_CHUNK (256 * 1024)
#define CASK_UPLOAD_ASIDE 3
#define CASK_UPLOAD_HASHING 7

/* Of all uploads of the process, so many chunks are in memory before it is short. From
 * then on what is new gathers in smaller ones, of which an upload has one at a time. */
#define CASK_UPLOAD_PLENTY 128
#define CASK_UPLOAD_CHUNK_SHORT (64 * 1024)

/* ---- upload-state.c: what is known of an upload, and kept with a saved one ---- */

#define CASK_UPLOAD_ALGORITHMS 2

typedef struct
{
  CaskAlgorithm algorithm; /* of the blob's name, unless a commit asks for the other */
  gboolean all_algorithms;
  gboolean verify_existing;
  gboolean has_digest;
  CaskDigest digest; /* what it is expected to be */
  guint64 expected_size;
  guint64 offset;                              /* how many bytes are hashed */
  gint64 saved_usec;                           /* when it was saved */
  CaskHasher *hashers[CASK_UPLOAD_ALGORITHMS]; /* by algorithm - 1; NULL: not asked for */
} CaskUploadState;

void cask_upload_state_begin (CaskUploadState *state);
void cask_upload_state_clear (CaskUploadState *state);
GBytes *cask_upload_state_save (const CaskUploadState *state);
/* Errors: CORRUPT; UNSUPPORTED where another version of Cask has written it. */
gboolean cask_upload_state_load (CaskUploadState *state, GBytes *bytes, GError **error);

/* ---- upload-buffer.c: memory for a chunk of full size ---- */

guint8 *cask_upload_buffer_new (void);
void cask_upload_buffer_free (gpointer buffer);
gboolean cask_upload_buffers_are_short (void);

/* ---- upload-chunk.c: gathered, hashed and handed on ---- */

typedef struct
{
  CaskPoolJob job;
  CaskUploadState *state; /* whose hashers are fed */
  GMutex lock;
  GCond progress;
  GBytes *hashing[CASK_UPLOAD_HASHING]; /* lock; in order, from `first` on */
  guint first, n_hashing;               /* lock */
  gboolean is_queued;  /* lock; the job is on its way, or runs, until nothing is left */
  gboolean is_awaited; /* lock; the writer waits, */
  guint n_awaited;     /* lock; until so many are left to be hashed, */
  GBytes *aside[CASK_UPLOAD_ASIDE]; /* lock; full ones, in order */
  guint n_aside;                    /* lock */
  guint8 *data;                     /* what is gathered */
  gsize size, capacity;
  gboolean has_filled; /* a chunk was full already */
} CaskUploadChunk;

void cask_upload_chunk_init (CaskUploadChunk *chunk, CaskUploadState *state);
void cask_upload_chunk_clear (CaskUploadChunk *chunk);
/* Whether it is to be handed on, or set aside, before more is gathered. */
gboolean cask_upload_chunk_is_full (const CaskUploadChunk *chunk);
/* Where the next bytes may be written. room: how many at most; not 0 unless it is full.
 */
guint8 *cask_upload_chunk_reserve (CaskUploadChunk *chunk, gsize *room);
/* Sets it aside where it is full. Returns: whether there is room now */
gboolean cask_upload_chunk_set_aside (CaskUploadChunk *chunk);
gboolean cask_upload_chunk_has_aside (CaskUploadChunk *chunk);
/* Takes what was set aside first; after that, if asked for all, what is gathered; or
 * NULL. Its hash is begun, perhaps on another thread. Unless asked for all, others may
 * gather and set aside at the same time. */
GBytes *cask_upload_chunk_take (CaskUploadChunk *chunk, gboolean all);
/* Returns when all that was taken is hashed. */
void cask_upload_chunk_wait (CaskUploadChunk *chunk);

/* ---- upload-handle.c: the backend's handle ---- */

typedef struct
{
  GList link;                /* in the store's list, data: this handle */
  CaskBackendUpload *upload; /* NULL once the store has closed it */
  gboolean keep;             /* it was saved */
  gboolean is_dropped;       /* nobody but the store's list has it */
} CaskUploadHandle;

/* The first three within an operation of the store. */
CaskUploadHandle *cask_upload_handle_new (CaskStore *store, CaskBackendUpload *upload,
                                          gboolean keep);
void cask_upload_handle_keep (CaskStore *store, CaskUploadHandle *handle);
void cask_upload_handle_close (CaskStore *store, CaskUploadHandle *handle, gboolean keep);
/* From anywhere; may block where the backend does. */
void cask_upload_handle_drop (CaskStore *store, CaskUploadHandle *handle);

/* ---- upload.c, upload-write.c ---- */

/* See the table in upload-write.c. */
typedef enum
{
  CASK_UPLOAD_OPEN,
  CASK_UPLOAD_SEALED,
  CASK_UPLOAD_FAILED,
  CASK_UPLOAD_ENDED
} CaskUploadStage;

typedef struct
{
  CaskStore *store;
  CaskUploadHandle *handle; /* NULL once ENDED */
  _Atomic CaskUploadStage stage;
  CaskUploadState state;
  CaskUploadChunk chunk;
  CaskPutFlags flags;
  _Atomic guint64 taken;  /* bytes written so far; read by anybody, to show progress */
  _Atomic (char *) id;    /* (nullable) once saved; set once, read by anybody */
  CaskDigest sealed;      /* what the backend was asked to commit */
  CaskPoolJob job;        /* that frees it */
  GList dropped_link;     /* the store's close_lock; data: this engine */
  guint64 dropped_ticket; /* the same */
} CaskUploadEngine;

CaskUploadEngine *cask_upload_begin (CaskStore *store, const CaskDigest *digest,
                                     CaskAlgorithm algorithm, guint64 expected_size,
                                     CaskPutFlags flags, GCancellable *cancellable,
                                     GError **error);
CaskUploadEngine *cask_upload_resume (CaskStore *store, const char *id,
                                      GCancellable *cancellable, GError **error);

/* Gives it up: what was saved stays saved. Never blocks: it is closed in the background.
 */
void cask_upload_engine_free (CaskUploadEngine *engine);

/* Returns when those given up before are closed, or of them that which was saved under an
 * id (nullable). Who drops an upload and then resumes it is not to be told that it is in
 * use. */
void cask_uploads_wait_dropped (CaskStore *store, const char *id);

guint64 cask_upload_engine_get_offset (CaskUploadEngine *engine);
gboolean cask_upload_engine_get_digest (CaskUploadEngine *engine, CaskAlgorithm algorithm,
                                        CaskDigest *digest);

/* Takes what it can without blocking. Returns: 0 where it has to be asked to write. */
gsize cask_upload_engine_take (CaskUploadEngine *engine, const void *data, gsize count);

/* Returns: count; less where it was cancelled on the way; -1 with an error. */
gssize cask_upload_engine_write (CaskUploadEngine *engine, const void *data, gsize count,
                                 GCancellable *cancellable, GError **error);

/* Two steps of a write that copies nothing: room to read into, 0 where the upload has all
 * the bytes that were announced; then how many of it were used. */
guint8 *cask_upload_engine_reserve (CaskUploadEngine *engine, gsize *room,
                                    GCancellable *cancellable, GError **error);
gboolean cask_upload_engine_advance (CaskUploadEngine *engine, gsize count,
                                     GError **error);

/* Whether it can be written to; otherwise sets why not. */
gboolean cask_upload_engine_check_open (CaskUploadEngine *engine, GError **error);

/* To gather on one thread while another hands on: makes room without blocking; room as of
 * a reserve, after that; whether there is anything to hand on; and what the other thread
 * does, until nothing is aside any more, or others wait for the thread. */
gboolean cask_upload_engine_make_room (CaskUploadEngine *engine);
/* Whether memory is so short that a chunk which is being written is to be waited for. */
gboolean cask_upload_engine_is_short (const CaskUploadEngine *engine);
guint8 *cask_upload_engine_fill (CaskUploadEngine *engine, gsize *room,
                                 GCancellable *cancellable, GError **error);
gboolean cask_upload_engine_has_aside (CaskUploadEngine *engine);
gboolean cask_upload_engine_hand_on (CaskUploadEngine *engine, GCancellable *cancellable,
                                     GError **error);

/* Sets DIGEST_MISMATCH: more bytes come than were announced. Returns: FALSE */
gboolean cask_upload_engine_fail_longer (CaskUploadEngine *engine, GError **error);

/* Writes all that source has. Returns: how many bytes, or -1 with an error. */
gssize cask_upload_engine_pump (CaskUploadEngine *engine, GInputStream *source,
                                GCancellable *cancellable, GError **error);

gboolean cask_upload_engine_save (CaskUploadEngine *engine, GCancellable *cancellable,
                                  GError **error);
gboolean cask_upload_engine_commit (CaskUploadEngine *engine, const CaskDigest *expected,
                                    CaskDigest *stored, gboolean *created,
                                    GCancellable *cancellable, GError **error);
gboolean cask_upload_engine_abort (CaskUploadEngine *engine, GError **error);
