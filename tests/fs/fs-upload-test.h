/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-upload-test.h: the fs plugin's upload slots, in one line each. */
#pragma once

#include "fs-test.h"

/* An upload, and how opening it ended: FS_OK or an error's code. */
typedef struct
{
  FsStore *store;
  CaskBackendUpload *handle; /* NULL: it could not be opened */
  int code;
  guint64 offset; /* of a resumed one, as state */
  char *state;
} FsUpload;

FsUpload *fs_upload_start (FsStore *store);
FsUpload *fs_upload_again (FsStore *store, const char *id);
/* keep: as in the slot. */
void fs_upload_finish (FsUpload *upload, gboolean keep);
static inline void
fs_upload_drop (FsUpload *upload)
{
  fs_upload_finish (upload, FALSE);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsUpload, fs_upload_drop)

int fs_upload_text (FsUpload *upload, const char *text);
int fs_upload_done (FsUpload *upload, const CaskDigest *digest, guint32 flags);
/* Gives "" where it fails: the caller frees it. */
char *fs_upload_keep (FsUpload *upload, const char *state);
int fs_upload_keep_code (FsUpload *upload, const char *state);
/* What it has from offset on: the caller frees it. */
char *fs_upload_bytes (FsUpload *upload, guint64 offset);

/* How many are listed; offset and time of the one called id, where it is among them. */
guint fs_upload_count (FsStore *store, const char *id, guint64 *offset, gint64 *mtime);

/* <root>/.uploads/<id>/name: the caller frees it. */
char *fs_upload_path (const char *root, const char *id, const char *name);
/* How many names there are in .uploads. */
guint fs_upload_residue (const char *root);
/* Resumes and drops it. Returns: FS_OK, or the code. */
int fs_upload_try (FsStore *store, const char *id);

/* ---- The suites of fs-upload ---- */

extern CU_TestInfo fs_saved_tests[];        /* test-fs-saved.c */
extern CU_TestInfo fs_state_tests[];        /* test-fs-state.c */
extern CU_TestInfo fs_upload_fault_tests[]; /* test-fs-upload-faults.c */
extern CU_TestInfo fs_handle_tests[];       /* test-fs-handle.c */
