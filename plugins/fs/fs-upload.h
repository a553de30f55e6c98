/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-upload.h: what the files of the fs backend's uploads share.
 *
 *   nameless, or in .tmp --- save ---> .uploads/<id>/data --- commit ---> the blob's name
 *            |                                  ^                              ^
 *            |                                  +-- resume, in any process     |
 *            +---------------------------- commit -----------------------------+
 *
 * Invariants:
 * - The file of an upload has one name at most, ever: what is saved is published by
 *   moving its name. A second link would let a crash leave a published blob under a name
 *   by which somebody resumes, and writes into it.
 * - Who writes to a saved upload, or removes it, holds the lock of its data file, and has
 *   seen under it that the name `data` leads there.
 * - The lock is taken before the file gets its name, so nobody else ever gets it first.
 *
 * The lock is that of the open file description over byte ranges (F_OFD_SETLK), not
 * flock(2): whether one is held can be asked without taking it, so a listing never makes
 * a resume find an upload busy; and it does not meet the flock(2) by which blobs are
 * removed and renewed, so a committed upload that is not closed yet keeps nobody from its
 * blob. */
#pragma once

#include "fs-private.h"

G_BEGIN_DECLS

#define FS_SAVED_ROOT ".uploads"
#define FS_SAVED_DATA "data"
#define FS_SAVED_STATE "state"
#define FS_SAVED_STATE_NEW "state.new"
#define FS_SAVED_ID 32

struct _CaskBackendUpload
{
  FsTemp temp;
  guint64 offset;           /* atomic: others read beside the one that writes */
  guint64 started;          /* writing to the disk was begun up to here */
  mode_t mode;              /* the blob's: 0444 less the umask of who began the upload */
  int directory;            /* .uploads/<id>, or -1 */
  char id[FS_SAVED_ID + 1]; /* "": it has none yet */
  gboolean is_private;      /* the file's mode is 0600 for now */
  gboolean is_listed;       /* the directory's own name is durable */
  gboolean is_saved;        /* there is a state */
  gboolean is_committed;
  gboolean has_failed; /* a write has: only close is left */
};

static inline guint64
fs_upload_offset (CaskBackendUpload *upload)
{
  return __atomic_load_n (&upload->offset, __ATOMIC_ACQUIRE);
}

CaskBackendUpload *fs_upload_new (CaskBackend *self);
gboolean fs_upload_check_usable (const CaskBackendUpload *upload, GError **error);

/* ---- fs-saved.c: an upload's directory ---- */

gboolean fs_saved_is_id (const char *id);
int fs_saved_open_file (int directory, const char *name, int flags);
FsLock fs_saved_lock (CaskBackend *self, int fd, short type, GError **error);
gboolean fs_saved_is_at (int directory, int fd, struct stat *st);
void fs_saved_discard (CaskBackend *self, int directory, const char *id);

/* ---- fs-saved-list.c: all uploads' directories ---- */

gboolean fs_saved_has_root (CaskBackend *self);
gboolean fs_saved_check_limits (CaskBackend *self, const CaskBackendUpload *upload,
                                GCancellable *cancellable, GError **error);

/* ---- fs-saved-state.c ---- */

gboolean fs_state_write (CaskBackend *self, int directory, guint64 offset, mode_t mode,
                         GBytes *state, GCancellable *cancellable, GError **error);
gboolean fs_state_read (CaskBackend *self, int directory, GBytes **state, guint64 *offset,
                        mode_t *mode, GError **error);
gboolean fs_state_peek (int directory, guint64 *offset, gint64 *mtime_usec);

G_END_DECLS
