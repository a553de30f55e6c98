/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-phase.c: measures one operation: its warm-up, then segment after segment until
 * there were enough, or for long enough.
 *
 *   prepare ──> segment, timed ──> settle ──> enough? ── no ──> tidy where full ─┐
 *      ^                                        └─ yes: the result               │
 *      └──────────────────────────────────────────────────────────────────────────┘
 *
 * Reads have nothing to prepare, and take one segment. What puts and deletes consume
 * comes in chunks, as much as is used up in a while, so that the end of a segment, when
 * some threads have nothing to do any more, weighs little.
 *
 * Failure modes: single operations that fail are counted, and the others go on; one that
 * the store refuses as such, or that cannot be prepared, ends the phase. */

#include "bench.h"

#define PHASE_SHORT_NSEC (G_GINT64_CONSTANT (250) * 1000000)
#define PHASE_LONG_NSEC (4 * PHASE_SHORT_NSEC)
#define PHASE_CHUNK_MAXIMUM (G_GUINT64_CONSTANT (1) << 20)

typedef struct
{
  BenchStock *stock;
  BenchOperation operation;
  BenchTally *tally;
  Progress *progress;
  guint64 n_wanted, n_begun;
  gint64 nsec_wanted, nsec;
  gint64 user_usec, system_usec;
  guint64 chunk; /* blobs of the next segment */
} Phase;

static gboolean
phase_is_consuming (BenchOperation operation)
{
  return operation == BENCH_PUT || operation == BENCH_PUT_EXISTING ||
         operation == BENCH_DELETE;
}

static gint64
phase_usec (const struct timeval *before, const struct timeval *after)
{
  return (gint64) (after->tv_sec - before->tv_sec) * G_USEC_PER_SEC +
         (after->tv_usec - before->tv_usec);
}

static void
phase_run_segment (Phase *phase, BenchSegment *segment)
{
  const struct rusage *before = &segment->usage_before, *after = &segment->usage_after;
  switch (phase->stock->plan->mode)
    {
    case BENCH_SYNC:
      bench_threads_run (segment, phase->tally, bench_sync_body);
      break;
    case BENCH_BATCH:
      bench_threads_run (segment, phase->tally, bench_batch_body);
      break;
    default:
      bench_async_run (segment, phase->tally);
    }
  phase->n_begun += MIN (segment->taken, segment->n_items);
  phase->nsec += segment->ended_nsec - segment->begun_nsec;
  phase->user_usec += phase_usec (&before->ru_utime, &after->ru_utime);
  phase->system_usec += phase_usec (&before->ru_stime, &after->ru_stime);
}

static BenchSegment
phase_segment (Phase *phase)
{
  BenchStock *stock = phase->stock;
  gboolean is_consumed = phase_is_consuming (phase->operation);
  return (BenchSegment){ .plan = stock->plan,
                         .store = stock->store,
                         .operation = phase->operation,
                         .cancellable = stock->cancellable,
                         .blobs = is_consumed ? stock->chunk : stock->set,
                         .is_consumed = is_consumed,
                         .n_items = is_consumed ? stock->chunk->len
                                                : phase->n_wanted - phase->n_begun,
                         .length_nsec = phase->nsec_wanted - phase->nsec,
                         .random = bench_random (&stock->random),
                         .progress = phase->progress,
                         .n_before = phase->n_begun,
                         .n_wanted = phase->n_wanted,
                         .nsec_before = phase->nsec,
                         .nsec_wanted = phase->nsec_wanted };
}

static gboolean
phase_is_over (const Phase *phase)
{
  return phase->n_begun >= phase->n_wanted || phase->nsec >= phase->nsec_wanted ||
         phase->tally->refusal != NULL ||
         g_cancellable_is_cancelled (phase->stock->cancellable);
}

/* What was put and could not be removed again would be more with every segment. */
static gboolean
phase_tidy (Phase *phase, GError **error)
{
  BenchStock *stock = phase->stock;
  guint64 n_stuck = stock->n_stuck;
  if (!bench_stock_is_full (stock))
    return TRUE;
  bench_stock_tidy (stock);
  if (stock->n_stuck == n_stuck)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               "what was put could not be deleted again: %s",
               stock->stuck ? stock->stuck->message : "in use");
  return FALSE;
}

static gboolean
phase_run_consuming (Phase *phase, GError **error)
{
  while (!phase_is_over (phase))
    {
      guint64 n_blobs = MIN (phase->chunk, phase->n_wanted - phase->n_begun);
      if (!phase_tidy (phase, error) ||
          !bench_stock_prepare (phase->stock, phase->operation, n_blobs, error))
        return FALSE;
      BenchSegment segment = phase_segment (phase);
      phase_run_segment (phase, &segment);
      bench_stock_settle (phase->stock);
      gint64 nsec = segment.ended_nsec - segment.begun_nsec;
      if (nsec < PHASE_SHORT_NSEC)
        phase->chunk = MIN (phase->chunk * 2, PHASE_CHUNK_MAXIMUM);
      else if (nsec > PHASE_LONG_NSEC)
        phase->chunk = MAX (phase->chunk / 2, 1);
    }
  return TRUE;
}

/* Runs until n_wanted, or for usec. */
static gboolean
phase_run (Phase *phase, const char *verb, guint64 n_wanted, gint64 usec, GError **error)
{
  g_autoptr (Progress) progress =
      progress_new (verb, bench_operation_name (phase->operation));
  phase->progress = progress;
  phase->n_wanted = n_wanted;
  phase->nsec_wanted = usec < G_MAXINT64 / 1000 ? usec * 1000 : G_MAXINT64;
  phase->n_begun = 0;
  phase->nsec = phase->user_usec = phase->system_usec = 0;
  gboolean ran = TRUE;
  if (phase_is_consuming (phase->operation))
    ran = phase_run_consuming (phase, error);
  else if (!phase_is_over (phase))
    {
      BenchSegment segment = phase_segment (phase);
      phase_run_segment (phase, &segment);
    }
  bench_stock_settle (phase->stock);
  phase->progress = NULL;
  return ran;
}

static gboolean
phase_prepare (Phase *phase, GError **error)
{
  BenchStock *stock = phase->stock;
  if (!bench_operation_reads_set (phase->operation))
    return TRUE;
  if (!bench_stock_fill_set (stock, error))
    {
      /* Whatever is there can be listed. */
      if (phase->operation != BENCH_LIST || !bench_is_refusal (stock->trouble))
        return FALSE;
      g_clear_error (error);
    }
  if (stock->is_foreign && phase->operation == BENCH_PUT_EXISTING)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_READ_ONLY,
                           "the store cannot be written");
      return FALSE;
    }
  return TRUE;
}

/* What the warm-up has met counts only where it ends the phase. */
static gboolean
phase_warm_up_and_run (Phase *phase, GError **error)
{
  const BenchPlan *plan = phase->stock->plan;
  if (!phase_prepare (phase, error))
    return FALSE;
  if (plan->warmup_usec > 0)
    {
      if (!phase_run (phase, "warming up", G_MAXUINT64, plan->warmup_usec, error))
        return FALSE;
      if (phase->tally->refusal)
        return TRUE;
      bench_tally_clear (phase->tally);
    }
  return phase_run (phase, "measuring", plan->count, plan->duration_usec, error);
}

static void
phase_judge (BenchResult *result, const GError *failure, GCancellable *cancellable)
{
  const GError *reason = failure ? failure : result->tally.refusal;
  result->outcome = BENCH_DONE;
  if (reason && bench_is_refusal (reason))
    result->outcome = BENCH_UNSUPPORTED;
  else if (g_cancellable_is_cancelled (cancellable))
    result->outcome = BENCH_INTERRUPTED;
  else if (failure)
    result->outcome = BENCH_FAILED;
  if (reason && result->outcome != BENCH_INTERRUPTED)
    result->reason = g_strdup (reason->message);
}

/* Returns: (transfer full) */
BenchResult *
bench_phase_run (BenchStock *stock, BenchOperation operation)
{
  BenchResult *result = g_new0 (BenchResult, 1);
  g_autoptr (GError) failure = NULL;
  Phase phase = { .stock = stock, .operation = operation, .tally = &result->tally };
  /* Some for each slot, to begin with; a store that is fast is soon given more. */
  phase.chunk = stock->plan->concurrency * stock->plan->batch * 8;
  result->operation = operation;
  phase_warm_up_and_run (&phase, &failure);
  phase_judge (result, failure, stock->cancellable);
  result->nsec = phase.nsec;
  result->user_usec = phase.user_usec;
  result->system_usec = phase.system_usec;
  return result;
}

void
bench_result_free (BenchResult *result)
{
  bench_tally_clear (&result->tally);
  g_free (result->reason);
  g_free (result);
}
