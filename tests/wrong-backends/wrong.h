/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong.h: a correct backend in memory that does one thing wrong on demand.
 *
 * Blobs lie in one tree under one lock, so that whatever is right here is plainly right,
 * and each wrong turn is a line that asks wrong_is().
 *
 * Locks: WrongPlace.lock guards all of the place, and what uploads and blobs hold. */
#pragma once

#include <cask/cask-plugin.h>

typedef enum
{
  WRONG_NOTHING,
#define WRONG_wrong(id) WRONG_##id,
#define WRONG_wrong_files(id)
#define WRONG(plugin, id, name, promise, number, what) WRONG_##plugin (id)
#include "wrong.def"
#undef WRONG
#undef WRONG_wrong
#undef WRONG_wrong_files
} Wrong;

typedef struct
{
  CaskBlobInfo info;
  GBytes *bytes;
} WrongBlob;

/* What all stores of one location share; it goes with the last of them. */
typedef struct
{
  char *location;
  guint n_stores; /* guarded by the lock of all places */
  GMutex lock;
  GTree *blobs;        /* of CaskDigest to WrongBlob */
  GHashTable *saved;   /* of ids to CaskBackendUpload */
  GHashTable *removed; /* of CaskDigest: what REMEMBERS_REMOVED remembers */
  guint64 last_version, last_id;
  guint n_open_uploads;
  guint64 leaked_bytes;
  guint position; /* where LIST_BY_POSITION is */
} WrongPlace;

struct _CaskBackend
{
  WrongPlace *place;
  gint64 freshen_usec;
  Wrong wrong;
  GHashTable *seen; /* of CaskDigest to WrongBlob: what TRY_IS_STALE saw and FILLS_CORRUPT
                       has; guarded by the place's lock */
};

struct _CaskBackendBlob
{
  GBytes *bytes;
  CaskDigest digest;
  guint64 position; /* where READER_FORWARD_ONLY is */
};

struct _CaskBackendUpload
{
  GByteArray *data;
  GBytes *state;
  char *id; /* (nullable) from the first save on */
  gsize saved_size;
  gint64 begun_usec, written_usec, saved_usec;
  CaskDigest shown; /* (where it has an algorithm) what is seen before its commit */
  guint n_chunks, n_users;
  gboolean is_committed, is_trusted;
};

static inline gboolean
wrong_is (const CaskBackend *self, Wrong wrong)
{
  return self->wrong == wrong;
}

/* Lets other threads have their turn, where something wrong needs a chance to show. */
void wrong_dawdle (gint64 usec);

/* ---- wrong-place.c ---- */

WrongPlace *wrong_place_open (const char *location);
void wrong_place_close (WrongPlace *place);
/* Returns: (nullable) */
WrongBlob *wrong_find_locked (CaskBackend *self, const CaskDigest *digest);
/* Stores bytes, which are kept, or freshens what is there. Returns: created */
gboolean wrong_store_locked (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                             guint32 flags);
void wrong_drop_locked (CaskBackend *self, const CaskDigest *digest);
void wrong_insert_locked (WrongPlace *place, const CaskDigest *digest, GBytes *bytes);
void wrong_blob_free (gpointer blob);
void wrong_freshen_locked (CaskBackend *self, WrongBlob *blob);
void wrong_upload_free (CaskBackendUpload *upload);

/* ---- wrong-read.c ---- */

GBytes *wrong_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                   guint64 length, guint32 flags, CaskBlobInfo *info,
                   GCancellable *cancellable, GError **error);
gboolean wrong_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                     CaskBlobInfo *info, GCancellable *cancellable, GError **error);
CaskTry wrong_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                       guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info);
CaskTry wrong_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info);
CaskBackendBlob *wrong_blob_open (CaskBackend *self, const CaskDigest *digest,
                                  guint32 flags, CaskBlobInfo *info,
                                  GCancellable *cancellable, GError **error);
gssize wrong_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                        void *buffer, gsize count, GCancellable *cancellable,
                        GError **error);
void wrong_blob_close (CaskBackend *self, CaskBackendBlob *blob);

/* ---- wrong-list.c ---- */

gboolean wrong_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
                     CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
                     GCancellable *cancellable, GError **error);

/* ---- wrong-batch.c ---- */

gboolean wrong_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                         GCancellable *cancellable, GError **error);
gboolean wrong_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                              guint32 flags, GCancellable *cancellable, GError **error);
gboolean wrong_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                            gint64 unused_since_usec, GCancellable *cancellable,
                            GError **error);

/* ---- wrong-upload.c, wrong-saved.c ---- */

CaskBackendUpload *wrong_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                                       GCancellable *cancellable, GError **error);
gboolean wrong_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                             GCancellable *cancellable, GError **error);
gboolean wrong_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                              const CaskDigest *digest, guint32 flags, gboolean *created,
                              GCancellable *cancellable, GError **error);
void wrong_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep);
gboolean wrong_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                            void *buffer, gsize count, gsize *n_read,
                            GCancellable *cancellable, GError **error);
gboolean wrong_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                            char **id, GCancellable *cancellable, GError **error);
CaskBackendUpload *wrong_upload_resume (CaskBackend *self, const char *id, GBytes **state,
                                        guint64 *offset, GCancellable *cancellable,
                                        GError **error);
gboolean wrong_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                            GCancellable *cancellable, GError **error);

/* ---- wrong.c ---- */

gboolean wrong_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                    guint32 flags, gboolean *created, GCancellable *cancellable,
                    GError **error);
gboolean wrong_remove (CaskBackend *self, const CaskDigest *digest,
                       gint64 unused_since_usec, CaskRemoved *outcome,
                       GCancellable *cancellable, GError **error);
