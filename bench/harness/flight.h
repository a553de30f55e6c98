/* SPDX-License-Identifier: Apache-2.0
 *
 * flight.h: asynchronous operations, so many of them under way at a time.
 *
 * A thread with a main loop of its own begins them, and each callback begins the next, as
 * a server does; or in waves: so many at once, and when all are back the next ones. */
#pragma once

#include "bench.h"

#define BENCH_WIDTH_MAX 256

typedef struct
{
  GMainContext *context;
  guint width; /* how many are under way: at most BENCH_WIDTH_MAX */
  gboolean in_waves;
} BenchLoop;

typedef struct _BenchFlight BenchFlight;

/* One of those under way: what its callback gets. */
typedef struct
{
  BenchFlight *flight;
  gpointer place;
  const BenchBlob *blob;
  gboolean expected; /* of the answer: created, present */
} BenchSlot;

/* Begins the operation on the slot's blob. Its callback gets the slot, and ends with
 * bench_flight_landed(). */
typedef void (*BenchBegin) (BenchSlot *slot);

BenchLoop bench_loop_new (guint width, gboolean in_waves);
void bench_loop_clear (BenchLoop *loop);

/* Returns when all are back. After an error none is begun any more. */
gboolean bench_flight_run (const BenchLoop *loop, gpointer place, BenchBegin begin,
                           gboolean expected, const BenchBlob *blobs, guint n_blobs,
                           GError **error);
/* error: (transfer full) (nullable): why the answer is none */
void bench_flight_landed (BenchSlot *slot, GError *error);
