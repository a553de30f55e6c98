/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-two.h: what test-fs-two.c does to a store, and the ledger that it is checked by. */
#pragma once

#include <cask/cask.h>

#define TWO_BLOBS 32 /* those with even numbers are never deleted */
#define TWO_LARGEST 300000

typedef struct
{
  gint is_kept[TWO_BLOBS]; /* acknowledged, of one that is never deleted */
  gint balance[TWO_BLOBS]; /* creations less removals */
  gint n_done, n_failed, n_lists, n_removed, n_uploads;
  char first_failure[400];
} Ledger;

typedef struct
{
  CaskStore *store;
  Ledger *ledger;
  GBytes *bytes[TWO_BLOBS];
  CaskDigest digests[TWO_BLOBS];
  guint32 seed;
  gint64 until;
} Process;

typedef struct
{
  Process *process;
  GRand *rand;
  guint number; /* of the blob that it is at */
  const char *operation;
} Actor;

/* One random operation on a random blob, checked against the ledger. */
void two_act_once (Actor *actor);
