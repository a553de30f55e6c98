/* SPDX-License-Identifier: Apache-2.0
 *
 * bench.h: what the files of `cask bench` share.
 *
 * A plan says what is measured. Each operation of it is a phase, and a phase is made of
 * segments: what a segment needs (bytes, digests, blobs to delete) is prepared before its
 * clock runs, and put away after it has stopped. */
#pragma once

#include <gio/gio.h>
#include <cask/cask.h>
#include <sys/resource.h>
#include <time.h>
#include "bench-histogram.h"
#include "progress.h"

/* ---- bench-plan.c: what is measured ---- */

typedef enum
{
  BENCH_PUT,
  BENCH_PUT_EXISTING,
  BENCH_GET,
  BENCH_RANGE,
  BENCH_STAT,
  BENCH_CONTAINS,
  BENCH_CONTAINS_ABSENT,
  BENCH_LIST,
  BENCH_DELETE,
  BENCH_N_OPERATIONS
} BenchOperation;

typedef enum
{
  BENCH_SYNC,  /* concurrency threads, one call at a time in each */
  BENCH_ASYNC, /* one main loop with concurrency operations in flight */
  BENCH_BATCH  /* concurrency threads, each with calls for many blobs */
} BenchMode;

#define BENCH_SIZES_MAXIMUM 16
#define BENCH_PHASES_MAXIMUM 32

typedef struct
{
  guint64 bytes, weight;
} BenchSize;

typedef struct
{
  BenchOperation operations[BENCH_PHASES_MAXIMUM];
  guint n_operations;
  gboolean is_named; /* the user asked for these, and not for what there is */
  BenchSize sizes[BENCH_SIZES_MAXIMUM];
  guint n_sizes;
  BenchMode mode;
  guint64 concurrency, batch; /* batch: 1 but in that mode */
  guint64 count;              /* of operations; G_MAXUINT64: until the time is over */
  gint64 duration_usec;       /* G_MAXINT64: until count */
  gint64 warmup_usec;
  guint64 n_blobs; /* to read from */
  guint64 space;   /* what puts may leave in the store before it is tidied */
  guint64 seed;
  gboolean keep, json;
} BenchPlan;

const char *bench_operation_name (BenchOperation operation);
const char *bench_mode_name (BenchMode mode);
gboolean bench_operation_reads_set (BenchOperation operation);
gboolean bench_operation_has_batch (BenchOperation operation);
gboolean bench_plan_set_operations (BenchPlan *plan, const char *text, GError **error);
gboolean bench_plan_set_sizes (BenchPlan *plan, const char *text, GError **error);
gboolean bench_plan_set_mode (BenchPlan *plan, const char *text, GError **error);
gboolean bench_plan_complete (BenchPlan *plan, GError **error);
guint64 bench_plan_largest (const BenchPlan *plan);

/* ---- bench-data.c: blobs out of nothing ---- */

typedef enum
{
  BENCH_DATA_SET,   /* what is read */
  BENCH_DATA_FRESH, /* what put puts */
  BENCH_DATA_DOOMED /* what delete deletes */
} BenchKind;

#define BENCH_N_KINDS (BENCH_DATA_DOOMED + 1)

guint64 bench_random (guint64 *state);
guint64 bench_random_below (guint64 *state, guint64 limit);
guint64 bench_data_size (const BenchPlan *plan, BenchKind kind, guint64 index);
GBytes *bench_data_bytes (const BenchPlan *plan, BenchKind kind, guint64 index);

/* ---- bench-stock.c: the blobs of a run, and what of them is in the store ---- */

typedef struct
{
  CaskDigest digest;
  guint64 size;
  GBytes *bytes; /* (nullable) where they are to be put */
  gboolean ours; /* this run made it, and it is in the store */
} BenchBlob;

typedef struct
{
  CaskStore *store;
  const BenchPlan *plan;
  GCancellable *cancellable;

  GArray *set;     /* BenchBlob: what reads read */
  GError *trouble; /* (nullable) why there is no set */
  gboolean is_set; /* or trouble says why not */
  gboolean is_foreign;

  GArray *chunk;  /* BenchBlob: what one segment consumes */
  GArray *left;   /* CaskDigest: what puts have left in the store */
  guint64 weight; /* of these */
  guint64 next[BENCH_N_KINDS];
  guint64 random;  /* of the segments */
  guint64 n_stuck; /* could not be deleted */
  GError *stuck;   /* (nullable) the first reason */
} BenchStock;

gboolean bench_is_refusal (const GError *error);
BenchStock *bench_stock_new (CaskStore *store, const BenchPlan *plan,
                             GCancellable *cancellable);
gboolean bench_stock_fill_set (BenchStock *stock, GError **error);
gboolean bench_stock_prepare (BenchStock *stock, BenchOperation operation,
                              guint64 n_blobs, GError **error);
void bench_stock_settle (BenchStock *stock);
gboolean bench_stock_is_full (const BenchStock *stock);
void bench_stock_tidy (BenchStock *stock);
void bench_stock_clear (BenchStock *stock);
void bench_stock_free (BenchStock *stock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchStock, bench_stock_free)

/* ---- bench-segment.c: what runs between two looks at the clock ---- */

/** BenchTally: what was measured, of one thread, or of all. */
typedef struct
{
  guint64 n_done; /* operations that succeeded: blobs, and of list pages */
  guint64 n_bytes;
  guint64 n_errors;
  guint64 n_odd;   /* puts of what was there, deletes of what was not */
  GError *error;   /* (nullable) the first */
  GError *refusal; /* (nullable) the store does not do that */
  BenchHistogram latency;
} BenchTally;

typedef struct
{
  const BenchPlan *plan;
  CaskStore *store;
  BenchOperation operation;
  GCancellable *cancellable;
  GArray *blobs;          /* BenchBlob, of the set or the chunk */
  gboolean is_consumed;   /* each blob once, in turn; else at random */
  guint64 n_items, block; /* taken so many at a time */
  gint64 length_nsec;
  guint64 random;

  guint64 taken;                 /* atomic */
  gint is_over;                  /* atomic */
  gint64 begun_nsec, ended_nsec; /* of the first and the last operation */
  struct rusage usage_before, usage_after;

  Progress *progress;         /* (nullable) */
  guint64 n_before, n_wanted; /* of the phase: done by earlier segments, and in all */
  gint64 nsec_before, nsec_wanted;
} BenchSegment;

/** BenchItem: one operation to do. */
typedef struct
{
  BenchBlob *blob; /* (nullable) */
  CaskDigest digest;
  guint64 offset, length; /* of a range; of others, the bytes that are expected */
} BenchItem;

/** BenchSlot: a thread, or an operation in flight. */
typedef struct
{
  BenchSegment *segment;
  BenchTally *tally;
  gint64 deadline_nsec;
  guint64 next, end; /* items that are taken and not done */
  guint64 random;
  CaskDigest position; /* of a listing; no algorithm: at its start */
} BenchSlot;

static inline gint64
bench_now_nsec (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

void bench_segment_begin (BenchSegment *segment);
void bench_segment_end (BenchSegment *segment, gint64 begun_nsec, gint64 ended_nsec);
void bench_segment_draw (BenchSegment *segment);
void bench_slot_init (BenchSlot *slot, BenchSegment *segment, BenchTally *tally,
                      guint64 number);
void bench_slot_begin (BenchSlot *slot, gint64 now_nsec);
gboolean bench_slot_next (BenchSlot *slot, gint64 now_nsec, BenchItem *item);
void bench_slot_page (BenchSlot *slot, CaskListPage *page);
void bench_slot_note (BenchSlot *slot, const BenchItem *item, gboolean answer);
void bench_slot_got (BenchSlot *slot, const BenchItem *item, GBytes *bytes);
void bench_slot_failed (BenchSlot *slot, const GError *error);
void bench_tally_merge (BenchTally *tally, BenchTally *other);
void bench_tally_clear (BenchTally *tally);

/* ---- bench-sync.c, bench-batch.c, bench-async.c: the three ways to run one ---- */

typedef void (*BenchBody) (BenchSlot *slot);

void bench_threads_run (BenchSegment *segment, BenchTally *tally, BenchBody body);
void bench_sync_body (BenchSlot *slot);
void bench_batch_body (BenchSlot *slot);
void bench_async_run (BenchSegment *segment, BenchTally *tally);

/* ---- bench-phase.c: one operation, from its warm-up to its last segment ---- */

typedef enum
{
  BENCH_DONE,
  BENCH_UNSUPPORTED,
  BENCH_FAILED, /* to begin; errors of single operations do not count here */
  BENCH_INTERRUPTED
} BenchOutcome;

typedef struct
{
  BenchOperation operation;
  BenchOutcome outcome;
  char *reason; /* (nullable) */
  BenchTally tally;
  gint64 nsec;                   /* of all segments */
  gint64 user_usec, system_usec; /* of the process, in these */
} BenchResult;

BenchResult *bench_phase_run (BenchStock *stock, BenchOperation operation);
void bench_result_free (BenchResult *result);

/* ---- bench-report.c: what is printed ---- */

void bench_report_head (const BenchPlan *plan, CaskStore *store);
void bench_report_result (const BenchResult *result);
void bench_report_foot (const BenchPlan *plan);
void bench_report_json (const BenchPlan *plan, CaskStore *store, GPtrArray *results,
                        gboolean is_complete);
