/* SPDX-License-Identifier: Apache-2.0
 *
 * contest-private.h: the entrants of one field while they are at it. */
#pragma once

#include "bench.h"

typedef struct
{
  const BenchEntrant *entrant;
  char *directory;
  gpointer store;
  guint repeat;    /* of the row that is being measured */
  gboolean is_out; /* it has failed, and takes no part in what follows */
} ContestPlace;

typedef struct
{
  BenchRun *run;
  const char *field;
  guint64 size; /* of the blobs that are at hand */
  const char *size_name;
  BenchOperation needs; /* BENCH_LIST: only who has that takes part */
  GPtrArray *places;    /* of ContestPlace; the first is the measure */
  GPtrArray *later;     /* of ContestLater: what is deleted at the end of the run */
} Contest;

/* Opens each entrant of the field in a directory of its own (places.c). Error: the
 * measure itself can not be opened. */
gboolean contest_open (Contest *contest, BenchField field, GError **error);
void contest_close (Contest *contest);

/* Takes the error; the entrant is out. */
void contest_fail (Contest *contest, ContestPlace *place, GError *error);
guint contest_take (const ContestPlace *place, const GArray *blobs);

/* Returns: (transfer none) (nullable): NULL where that is not wanted */
BenchRow *contest_row (Contest *contest, BenchOperation operation, guint64 size);
void contest_round (Contest *contest, BenchRow *row, BenchOperation operation,
                    const GArray *blobs, guint round);
void contest_repeat (Contest *contest, BenchOperation operation, guint64 size,
                     const GArray *blobs, guint n_rounds);

/* A list of many blobs, in places of their own (list.c). */
gboolean contest_list (BenchRun *run, GError **error);
