/* SPDX-License-Identifier: Apache-2.0
 *
 * verify.h: what the files of `cask verify` share. */
#pragma once

#include <gio/gio.h>
#include <cask/cask.h>

/** VerifyCounts: what was found, over all runs that one FILE of --resume joins. */
typedef struct
{
  guint64 n_verified, n_damaged, n_moved, n_failed, n_bytes;
} VerifyCounts;

/* ---- verify-state.c: how far a run came, in the FILE of --resume ---- */

typedef struct
{
  char *file;
  int lock_fd;      /* of the file as last read or saved, locked; -1: there is none yet */
  char *store;      /* which: another one's FILE is refused */
  CaskDigest after; /* all blobs up to this one are counted; no algorithm: none are */
  VerifyCounts counts;
  gint64 saved_usec;
  gboolean is_changed; /* since then */
  gboolean has_failed; /* to be saved, the last time */
} VerifyState;

VerifyState *verify_state_new (const char *file, CaskStore *store, GError **error);
gboolean verify_state_save (VerifyState *state, GError **error);
gboolean verify_state_is_due (const VerifyState *state);
gboolean verify_state_remove (VerifyState *state, GError **error);
void verify_state_free (VerifyState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VerifyState, verify_state_free)

/* ---- verify-pace.c: so many bytes a second, and no more ---- */

typedef struct
{
  guint64 rate;                 /* bytes a second; 0: any */
  gint64 paid_usec;             /* up to when the bytes that were taken are paid for */
  void (*tick) (gpointer data); /* called while it waits, and after each piece */
  gpointer data;
  gboolean is_watched; /* somebody wants to see a large blob move */
  guint64 n_read;      /* of the blob that is being read, where it is read in pieces */
} VerifyPace;

gboolean verify_pace_take (VerifyPace *pace, guint64 n_bytes, GCancellable *cancellable,
                           GError **error);
gboolean verify_pace_blob (VerifyPace *pace, CaskStore *store, const CaskBlobInfo *info,
                           GCancellable *cancellable, GError **error);

/* ---- verify-report.c: what is printed ---- */

typedef struct
{
  gboolean quiet, json, quarantine;
} VerifyReport;

gboolean verify_report_damage (const VerifyReport *report, CaskStore *store,
                               const CaskDigest *digest, const GError *damage,
                               gboolean moved);
void verify_report_counts (const VerifyReport *report, const VerifyCounts *counts,
                           gboolean complete);
