/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.h: a line on the terminal that says how far a long command is. */
#pragma once

#include <glib.h>
#include <cask/cask.h>

typedef struct _Progress Progress;

Progress *progress_new (const char *verb, const char *name);
void progress_step (Progress *progress, const CaskDigest *position, guint64 n_blobs,
                    guint64 n_bytes);
void progress_bytes (Progress *progress, guint64 done, guint64 total);
void progress_part (Progress *progress, double fraction);
void progress_free (Progress *progress);
void progress_hide (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Progress, progress_free)
