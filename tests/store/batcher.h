/* SPDX-License-Identifier: Apache-2.0
 *
 * batcher.h: a backend in the program itself that writes down which calls it was given,
 * and does what a test tells it to. `batcher` has slots for batches, `plain` has not. */
#pragma once

#include "test-support.h"

#include <cask/cask-batch.h>
#include <cask/cask-plugins.h>

#define BATCHER_CALLS 256

/* The world of the one store that is open at a time. */
typedef struct
{
  /* what it is to do; set while no call runs */
  GCancellable *cancels;   /* (nullable) that it cancels at the item numbered cancel_at */
  guint cancel_at;         /* from 1 */
  gboolean refuses;        /* batches fail as a whole */
  gboolean meets;          /* put_many waits for a second call of it to come */
  gboolean hangs;          /* get and put wait for the gate */
  gboolean hides_sizes;    /* contains_many tells none */
  gboolean says_not_found; /* contains_many, as an error */
  gint odd_outcome;        /* of remove_many, unless 0 */
  gboolean first_is_bad;   /* get and get_many flip a bit until the copy is condemned */
  gboolean finds_once;     /* try_get; then all blobs are gone */

  /* what it was asked; by batcher_lock while calls run */
  guint n_calls; /* of batches */
  gsize sizes[BATCHER_CALLS];
  GThread *threads[BATCHER_CALLS];
  guint n_items, n_single, n_stats, n_gets, n_condemned, n_hanging, n_meeting, n_closed;
  gsize largest_read;
  guint32 put_flags;
} Batcher;

extern Batcher batcher;
extern GMutex batcher_lock;
extern GCond batcher_changed;

/* A new world and a store of it. NULL after a failed assertion. */
CaskStore *batcher_open (const char *config);

/* Lets what hangs go on, and nothing hang from now on. */
void batcher_open_gate (void);
/* Returns when so many calls hang. */
void batcher_wait_hanging (guint n);

/* ---- What the tests put ---- */

#define LOT_MOST 100

typedef struct
{
  guint n;
  CaskDigest digests[LOT_MOST];
  const CaskDigest *names[LOT_MOST];
  GBytes *bytes[LOT_MOST];
} Lot;

/* n different blobs of about that size. */
void lot_fill (Lot *lot, guint n, gsize size);
void lot_clear (Lot *lot);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lot, lot_clear)

/* One batch, which does not fail as a whole. */
CaskResults *lot_put (CaskStore *store, const Lot *lot, CaskPutFlags flags,
                      GCancellable *cancellable);
CaskResults *lot_get (CaskStore *store, const Lot *lot);

/* How many items failed with that, and how many did not fail. */
guint count_failed (CaskResults *results, GQuark domain, gint code);
guint count_good (CaskResults *results);

/* A callback that keeps its result, and the wait for it in the default context. data: a
 * pointer to a GAsyncResult pointer */
void on_result (GObject *source, GAsyncResult *result, gpointer data);
void wait_result (GAsyncResult **result);
