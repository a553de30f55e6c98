/* SPDX-License-Identifier: Apache-2.0
 *
 * twin.h: a backend in the program itself that keeps one blob in several copies, some of
 * them bad, and does what a test tells it to. */
#pragma once

#include "test-support.h"

#include <cask/cask-plugins.h>
#include <cask/cask-store.h>

/* The world of the one store that is open at a time. Set up and read while no call runs.
 */
typedef struct
{
  /* what it is to do */
  guint n_copies, n_bad;  /* the first n_bad copies have a bit flipped */
  guint n_restless;       /* that many gets find another version each */
  gboolean open_fails;    /* with an error of its own */
  gboolean warns;         /* get warns, with the digest and without */
  gboolean spawns;        /* put spawns a job that ends only when close wants it to */
  GCancellable *cancels;  /* (nullable) get cancels it and says so */
  gboolean condemn_fails; /* and says again all the same */

  /* what it did */
  guint n_gets, n_flushes, n_closed, n_condemned;
  guint64 largest_get;
  guint64 condemned[64]; /* versions */
  guint32 get_flags, put_flags, condemn_flags;
  CaskDigest hashed; /* "abc", by the host's hasher */
  gboolean knew_no_hash;
  char *secret;
  gint jobs_ended; /* atomic */
  gint jobs_ended_at_close;
} Twin;

extern Twin twin;

/* A new world, and a store `twin` with this put after its name. NULL after a failed
 * assertion. */
CaskStore *twin_open (const char *options);
void twin_reset (void);
