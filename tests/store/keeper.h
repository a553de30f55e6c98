/* SPDX-License-Identifier: Apache-2.0
 *
 * keeper.h: a backend in the program itself that keeps one upload, and gives back of it
 * what a test wants instead of what was saved. */
#pragma once

#include "test-support.h"

#include <cask/cask-plugins.h>
#include <cask/cask-upload.h>

/* Set up and read while no call runs. */
typedef struct
{
  /* what it gives back: NULL and CASK_UNKNOWN for the truth */
  GBytes *state;
  guint64 offset;
  gboolean reads_nothing;   /* upload_read finds no bytes */
  const char *id;           /* what save gives; NULL: "one" */
  GCancellable *cancels;    /* (nullable) by upload_write, in the midst of it */
  gboolean fails_cancelled; /* upload_write, where it was given that one */
  guint failing_commits;    /* that many upload_commits fail */
  gboolean fails;           /* upload_resume, with this: */
  CaskError failure;

  /* what it keeps, and what it was asked for */
  GBytes *saved;
  GByteArray *bytes;
  gboolean is_open;
  guint32 commit_flags;              /* of the last one */
  guint n_resumes, n_closes, n_lost; /* n_lost: closed without keep */
  guint64 n_read;                    /* by upload_read */
} Keeper;

extern Keeper keeper;

/* A new world, and a store. NULL after a failed assertion. */
CaskStore *keeper_open (void);
void keeper_clear (void);
