/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload.h: what the upload cases share: one shape for both APIs, an upload that
 * is begun, written or committed without a failure, and what an upload may leave behind.
 */
#pragma once

#include "conform-case.h"

#include <cask/cask-upload.h>

/* ---- conform-upload-calls.c ---- */

typedef struct
{
  CaskUpload *(*begin) (CaskStore *store, const CaskDigest *digest,
                        CaskAlgorithm algorithm, guint64 expected_size,
                        CaskPutFlags flags, GCancellable *cancellable, GError **error);
  CaskUpload *(*resume) (CaskStore *store, const char *id, GCancellable *cancellable,
                         GError **error);
  CaskUploadList *(*list) (CaskStore *store, GCancellable *cancellable, GError **error);
  gboolean (*expire) (CaskStore *store, gint64 saved_before_usec, guint *n_removed,
                      GCancellable *cancellable, GError **error);
  gboolean (*put_stream) (CaskStore *store, const CaskDigest *digest,
                          CaskAlgorithm algorithm, GInputStream *source,
                          guint64 expected_size, CaskPutFlags flags, CaskDigest *stored,
                          gboolean *created, GCancellable *cancellable, GError **error);
  /* All of it. */
  gboolean (*write) (CaskUpload *upload, const void *data, gsize count,
                     GCancellable *cancellable, GError **error);
  gboolean (*end) (CaskUpload *upload, GCancellable *cancellable, GError **error);
  const char *(*save) (CaskUpload *upload, GCancellable *cancellable, GError **error);
  gboolean (*commit) (CaskUpload *upload, const CaskDigest *expected, CaskDigest *stored,
                      gboolean *created, GCancellable *cancellable, GError **error);
  gboolean (*abort) (CaskUpload *upload, GCancellable *cancellable, GError **error);
} UploadCalls;

/* Of the kind that the test's other calls are. */
const UploadCalls *upload_calls (Conform *conform);

/* ---- conform-upload-steps.c: steps that must not fail ---- */

/* SHA-256, size and digest unknown. Returns: NULL after a failed assertion */
CaskUpload *upload_begin (Conform *conform);
/* The same, with these first bytes in it. */
CaskUpload *upload_begin_with (Conform *conform, GBytes *bytes);
/* Returns: whether all was written; asserts that the offset has followed. */
gboolean upload_write (Conform *conform, CaskUpload *upload, GBytes *bytes);
/* Bytes [from, to) of it. */
gboolean upload_write_part (Conform *conform, CaskUpload *upload, GBytes *bytes,
                            gsize from, gsize to);
/* Commits, and expects that what is stored are these bytes, under their SHA-256 where no
 * other name is expected. Returns: created */
gboolean upload_commit (Conform *conform, CaskUpload *upload, const CaskDigest *expected,
                        GBytes *bytes);
/* Returns: (transfer full): the id, which stays the same */
char *upload_save (Conform *conform, CaskUpload *upload);
/* Drops it without a commit: what was saved of it is listed at once. */
void upload_drop (Conform *conform, CaskUpload **upload);
/* Begins, writes, saves and drops. Returns: (transfer full): the id */
char *upload_leave (Conform *conform, GBytes *bytes);
CaskUpload *upload_resume (Conform *conform, const char *id);
/* An upload that cannot be resumed, and with which error. */
void upload_expect_no_resume (Conform *conform, const char *id, CaskError code);
/* Closes the store and opens it anew. Returns: FALSE, skipped, where blobs do not live so
 * long either. */
gboolean upload_reopen (Conform *conform);

/* ---- conform-upload-steps.c: what is there ---- */

/* How much a store has, as far as it can be seen from outside. */
typedef struct
{
  CaskUsage usage; /* all CASK_UNKNOWN where the store does not tell */
  guint n_blobs, n_saved;
  guint64 file_bytes; /* below the test's directory */
  guint64 n_files;
} UploadTrace;

UploadTrace upload_trace (Conform *conform);
/* Nothing has come or gone since. */
void upload_expect_trace (Conform *conform, const UploadTrace *before);

/* Which place an id has in the list. Returns: -1 where it is not listed */
int upload_find_listed (CaskUploadList *list, const char *id);

/* ---- conform-upload-source.c: a stream that does what a test needs ---- */

typedef struct
{
  gint64 fails_at;       /* the read at this offset fails; -1: none does */
  gint64 cancels_at;     /* the read at this offset cancels; -1: none does */
  gsize most;            /* a read gives that many bytes; 0: all it is asked for */
  GCancellable *cancels; /* (nullable) what is cancelled */
} UploadSourcePlan;

/* Reads bytes, as the plan says. plan: (nullable). A failure is
 * G_IO_ERROR_HOST_UNREACHABLE, which no store would come by itself to. */
GInputStream *upload_source_new (GBytes *bytes, const UploadSourcePlan *plan);
/* How many of its bytes were read. */
gsize upload_source_get_offset (GInputStream *source);
