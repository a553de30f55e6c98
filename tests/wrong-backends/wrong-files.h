/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-files.h: a correct backend in a directory that does one thing wrong on demand:
 * for the promises that are about files and about other processes.
 *
 *   ROOT/lock            whoever changes anything holds it
 *   ROOT/sha256/HEX      blobs
 *   ROOT/tmp/HEX         what is being written
 *
 * A blob comes by rename and goes by unlink, under the lock; so readers need none.
 *
 * Locks: the store's mutex, then the file's. */
#pragma once

#include <cask/cask-plugin.h>
#include <sys/stat.h>

typedef enum
{
  WRONG_NOTHING,
#define WRONG_wrong(id)
#define WRONG_wrong_files(id) WRONG_##id,
#define WRONG(plugin, id, name, promise, number, what) WRONG_##plugin (id)
#include "wrong.def"
#undef WRONG
#undef WRONG_wrong
#undef WRONG_wrong_files
} Wrong;

#define FILES_NAME 160 /* "sha512/", 128 digits, and room */

struct _CaskBackend
{
  int root;
  gint64 freshen_usec;
  Wrong wrong;
  GMutex lock;
  GHashTable *known; /* of CaskDigest to CaskBlobInfo: what REMEMBERS_PRESENCE knows */
};

struct _CaskBackendBlob
{
  int fd;
  CaskDigest digest;
};

struct _CaskBackendUpload
{
  int fd;
  guint64 size;
  char name[FILES_NAME];
};

static inline gboolean
wrong_is (const CaskBackend *self, Wrong wrong)
{
  return self->wrong == wrong;
}

/* ---- wrong-files-temp.c ---- */

/* Lets others have their turn, where something wrong needs a chance to show. */
void files_dawdle (void);
/* Says what errno means. Returns: FALSE */
gboolean files_fail (GError **error, const char *what);
/* The path of a blob below the root. */
void files_name (const CaskDigest *digest, char name[FILES_NAME]);
/* Returns: -1 with an error; else what files_unlock() takes. unless: what is wrong where
 * no other process is kept out */
int files_lock (CaskBackend *self, Wrong unless, GError **error);
void files_unlock (CaskBackend *self, int lock);
gboolean files_set_time (int fd, GError **error);
gboolean files_write (int fd, const guint8 *data, gsize size, GError **error);
/* Returns: -1 with an error, or a new file of that name in ROOT/tmp */
int files_make_temp (CaskBackend *self, char name[FILES_NAME], GError **error);
/* Gives a temp its name, or freshens what is there. */
gboolean files_publish (CaskBackend *self, const char *temp, int fd,
                        const CaskDigest *digest, guint64 size, guint32 flags,
                        gboolean *created, GError **error);

/* ---- wrong-files-read.c ---- */

/* Opens and checks it. Returns: -1 with an error */
int files_open_blob (CaskBackend *self, const CaskDigest *digest, struct stat *status,
                     GError **error);
CaskBlobInfo files_info (CaskBackend *self, const CaskDigest *digest,
                         const struct stat *status);
gboolean files_freshen (CaskBackend *self, int fd, const struct stat *status,
                        GError **error);
GBytes *files_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                   guint64 length, guint32 flags, CaskBlobInfo *info,
                   GCancellable *cancellable, GError **error);
gboolean files_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                     CaskBlobInfo *info, GCancellable *cancellable, GError **error);
gboolean files_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                              guint32 flags, GCancellable *cancellable, GError **error);
CaskBackendBlob *files_blob_open (CaskBackend *self, const CaskDigest *digest,
                                  guint32 flags, CaskBlobInfo *info,
                                  GCancellable *cancellable, GError **error);
gssize files_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                        void *buffer, gsize count, GCancellable *cancellable,
                        GError **error);
void files_blob_close (CaskBackend *self, CaskBackendBlob *blob);

/* ---- wrong-files-list.c ---- */

gboolean files_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
                     CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
                     GCancellable *cancellable, GError **error);
