/* SPDX-License-Identifier: Apache-2.0
 *
 * bench.h: what takes part in a comparison, and what a comparison leaves.
 *
 * An *entrant* is one way to keep blobs: bare system calls, Cask with so many operations
 * in flight, a peer. Entrants of one *field* promise alike (memory; files; files that
 * survive a power cut), so only they are set beside each other. A *row* is one operation
 * on one size: in each of its rounds every entrant of the field has its turn, in changing
 * order, so that what else the machine does hurts all alike; a ratio is the median of the
 * rounds' ratios, never a ratio of medians. */
#pragma once

#include <gio/gio.h>
#include <cask/cask-types.h>

/* ---- Blobs (blobs.c) ---- */

/* Bytes that nobody has put before, and their name. */
typedef struct
{
  CaskDigest digest;
  char hex[65];
  GBytes *bytes; /* (nullable): dropped where only the name is still needed */
} BenchBlob;

/* Returns: (transfer full): fresh blobs, as GArray of BenchBlob. Of the size 0 there is
 * one. */
GArray *bench_blobs_new (guint n_blobs, gsize size);
/* Names alone, of blobs that nobody has. */
GArray *bench_blobs_new_absent (guint n_blobs);
void bench_blobs_drop_bytes (GArray *blobs);
void bench_hash (GBytes *bytes, CaskDigest *digest);
void bench_hex (const CaskDigest *digest, char hex[65]);

/* ---- Entrants ---- */

typedef enum
{
  BENCH_PUT_NEW,
  BENCH_PUT_EXISTING,
  BENCH_GET,
  BENCH_GET_RANGE, /* BENCH_RANGE bytes from the middle, or what there is */
  BENCH_CONTAINS,
  BENCH_CONTAINS_ABSENT,
  BENCH_DELETE,
  BENCH_LIST, /* all names, in order; the blobs are what it has to find */
  BENCH_N_OPERATIONS
} BenchOperation;

#define BENCH_RANGE 512

/* Does the operation on each of the blobs, as the entrant does that best: one after
 * another, or many in flight. An answer that is not what it must be (another size, absent
 * where it is present) is an error.
 *
 * A put takes the bytes and finds their digest itself; the name is for the others. */
typedef gboolean (*BenchCall) (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error);

typedef enum
{
  BENCH_FIELD_MEMORY,
  BENCH_FIELD_FILES,   /* what a killed process wrote is kept */
  BENCH_FIELD_DURABLE, /* what was acknowledged survives a power cut */
  BENCH_N_FIELDS
} BenchField;

typedef struct
{
  const char *name;
  const char *note;   /* what it does that the others do not, for the report */
  guint64 max_size;   /* 0: any */
  gboolean is_little; /* one at a time where each waits for a disk: fewer blobs a round */
  gboolean is_lister; /* takes part in lists alone */
  /* A place of its own below directory, which is empty. */
  gpointer (*open) (const char *directory, GError **error);
  void (*close) (gpointer place);
  BenchCall calls[BENCH_N_OPERATIONS]; /* NULL: has none */
} BenchEntrant;

/* The entrants of each room, NULL at the end; the first floor of a field is its measure.
 */
extern const BenchEntrant *const floor_entrants[BENCH_N_FIELDS][8];
extern const BenchEntrant *const cask_entrants[BENCH_N_FIELDS][24];
extern const BenchEntrant *const glib_entrants[BENCH_N_FIELDS][8];
extern const BenchEntrant *const peer_entrants[BENCH_N_FIELDS][8];

/* ---- Rows (row.c) ---- */

typedef struct
{
  const char *entrant;
  const char *note;
  GArray *samples; /* of double, one a round */
  GArray *cpu;     /* of double, one a round: processor time of the same, all threads */
} BenchColumn;

typedef struct
{
  char *field;     /* "memory", "files", "durable", or "trial" (trials/) */
  char *operation; /* "get", "put new", … or what a trial measures */
  guint64 size;
  const char *unit;   /* "ns" an operation, or a trial's own */
  GPtrArray *columns; /* of BenchColumn; the first is the measure */
} BenchRow;

typedef struct
{
  double q1, median, q3;
} BenchQuartiles;

BenchRow *bench_row_new (const char *field, const char *operation, guint64 size,
                         const char *unit);
void bench_row_free (BenchRow *row);
BenchColumn *bench_row_add (BenchRow *row, const char *entrant, const char *note);
BenchColumn *bench_row_find (BenchRow *row, const char *entrant);
void bench_column_add (BenchColumn *column, double sample, double cpu);
/* Returns: FALSE where there are no samples. */
gboolean bench_quartiles (const GArray *samples, BenchQuartiles *quartiles);
/* Of the ratios of each round. */
gboolean bench_ratio (BenchColumn *column, BenchColumn *against,
                      BenchQuartiles *quartiles);

/* ---- A run ---- */

typedef struct
{
  char *directory; /* everything is kept below it, and removed at the end */
  guint n_rounds;
  const char *only;     /* (nullable): a part of "field/operation/size" to run alone */
  gboolean is_quick;    /* small sets, and without what takes minutes */
  GPtrArray *rows;      /* of BenchRow */
  GPtrArray *left;      /* of char *: "entrant: why" of what could not take part */
  const char *programs; /* directory of the programs that trials/ starts */
  gint64 began_usec;    /* by the monotonic clock */
} BenchRun;

gboolean bench_run_wants (const BenchRun *run, const char *field, const char *operation,
                          guint64 size);
void bench_run_say (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Returns: (transfer full): "0", "512 B", "4 KiB", "64 MiB" */
char *bench_size_name (guint64 size);

/* Wall and processor time of this process since a moment. */
typedef struct
{
  gint64 wall_nsec;
  gint64 cpu_nsec;
} BenchMoment;

BenchMoment bench_now (void);
/* Wall time alone: no system call, for what takes less than a microsecond. */
gint64 bench_wall_nsec (void);

/* All fields: operation by operation, size by size; then the trials, and last what is
 * deleted, which would be in the way of all else (contest.c). */
gboolean bench_contest (BenchRun *run, GError **error);
/* What is not one operation on one size (trials/). */
gboolean bench_trials (BenchRun *run, GError **error);
/* Which bound is met (bounds.c). Appends a Markdown table. Returns: how many are not */
guint bench_bounds (BenchRun *run, GString *markdown);
/* report.md and results.tsv in directory (report.c). */
gboolean bench_report (BenchRun *run, const char *directory, GError **error);
