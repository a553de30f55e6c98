/* SPDX-License-Identifier: Apache-2.0
 *
 * hang.h: a job that keeps a store's only thread until the test lets go. */
#pragma once

#include "store-private.h"

typedef struct
{
  CaskPoolJob job;
  GMutex lock;
  GCond progress;
  gboolean hangs, let_go, gone; /* lock */
} Hang;

/* Returns when the thread hangs. */
void hang_begin (Hang *hang, CaskStore *store);
/* Lets go, and returns when the thread has gone on. */
void hang_end (Hang *hang);
