/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-segment.c: hands out operations while the clock runs, and notes what came of
 * them.
 *
 * A segment ends when its items are used up, its time is over, the store has refused the
 * operation, or at Ctrl-C. What is under way then is waited for and counts: operations
 * are not cancelled, so that what became of each put is known.
 *
 * Invariants:
 * - every item is handed out once, to one slot; a blob of a chunk is written to by that
 *   slot only;
 * - slots take blocks of items from the shared counter, so that threads that take
 *   nanoseconds an operation do not meet there at each. */

#include "bench.h"

#include <string.h>

#define SEGMENT_BLOCK_MAXIMUM 64
#define SEGMENT_RANGE_LENGTH 4096

void
bench_segment_begin (BenchSegment *segment)
{
  guint64 share = segment->n_items / (segment->plan->concurrency * 16);
  segment->block = CLAMP (share, 1, SEGMENT_BLOCK_MAXIMUM);
  getrusage (RUSAGE_SELF, &segment->usage_before);
  segment->begun_nsec = bench_now_nsec ();
}

void
bench_segment_end (BenchSegment *segment, gint64 begun_nsec, gint64 ended_nsec)
{
  segment->begun_nsec = begun_nsec;
  segment->ended_nsec = ended_nsec;
  getrusage (RUSAGE_SELF, &segment->usage_after);
}

/* Shows how far the phase is: in time or in operations, whichever is ahead. */
void
bench_segment_draw (BenchSegment *segment)
{
  if (!segment->progress)
    return;
  gint64 passed_nsec = segment->nsec_before + bench_now_nsec () - segment->begun_nsec;
  guint64 taken =
      MIN (__atomic_load_n (&segment->taken, __ATOMIC_RELAXED), segment->n_items);
  double in_time = (double) passed_nsec / (double) segment->nsec_wanted;
  double in_items = (double) (segment->n_before + taken) / (double) segment->n_wanted;
  progress_part (segment->progress, MIN (MAX (in_time, in_items), 1));
}

void
bench_slot_init (BenchSlot *slot, BenchSegment *segment, BenchTally *tally,
                 guint64 number)
{
  *slot = (BenchSlot){ .segment = segment, .tally = tally };
  slot->random = segment->plan->seed ^ segment->random ^ (number << 16);
}

/* The time is the slot's own: a thread that the machine let wait works no shorter. */
void
bench_slot_begin (BenchSlot *slot, gint64 now_nsec)
{
  gint64 length_nsec = slot->segment->length_nsec;
  slot->deadline_nsec =
      length_nsec < G_MAXINT64 - now_nsec ? now_nsec + length_nsec : G_MAXINT64;
}

/* Taken past the end is not taken: the counter may run over it, by a block a slot. */
static gboolean
slot_take (BenchSlot *slot)
{
  BenchSegment *segment = slot->segment;
  if (__atomic_load_n (&segment->taken, __ATOMIC_RELAXED) >= segment->n_items)
    return FALSE;
  slot->next = __atomic_fetch_add (&segment->taken, segment->block, __ATOMIC_RELAXED);
  slot->end = MIN (slot->next + segment->block, segment->n_items);
  return slot->next < slot->end;
}

/* Some bytes of a blob, at a place that no cache expects. */
static void
slot_choose_range (BenchSlot *slot, BenchItem *item)
{
  guint64 size = item->blob->size;
  item->length = MIN (SEGMENT_RANGE_LENGTH, MAX (size / 2, 1));
  item->length = MIN (item->length, size);
  item->offset = bench_random_below (&slot->random, size - item->length + 1);
}

/* What is not there: no hash is known to give these digests. */
static void
slot_choose_absent (BenchSlot *slot, BenchItem *item)
{
  item->digest = (CaskDigest){ .algorithm = CASK_ALGORITHM_SHA256 };
  for (guint i = 0; i < 4; i++)
    {
      guint64 word = bench_random (&slot->random);
      memcpy (item->digest.bytes + i * sizeof word, &word, sizeof word);
    }
}

static void
slot_choose (BenchSlot *slot, guint64 number, BenchItem *item)
{
  BenchSegment *segment = slot->segment;
  item->blob = NULL;
  if (segment->operation == BENCH_LIST)
    return;
  if (segment->operation == BENCH_CONTAINS_ABSENT)
    {
      slot_choose_absent (slot, item);
      return;
    }
  guint64 index = segment->is_consumed
                      ? number
                      : bench_random_below (&slot->random, segment->blobs->len);
  item->blob = &g_array_index (segment->blobs, BenchBlob, index);
  item->digest = item->blob->digest;
  item->length = item->blob->size;
  if (segment->operation == BENCH_RANGE)
    slot_choose_range (slot, item);
}

/* Returns: FALSE where this slot is to do nothing more */
gboolean
bench_slot_next (BenchSlot *slot, gint64 now_nsec, BenchItem *item)
{
  BenchSegment *segment = slot->segment;
  if (now_nsec >= slot->deadline_nsec || g_atomic_int_get (&segment->is_over) ||
      g_cancellable_is_cancelled (segment->cancellable))
    return FALSE;
  if (slot->next == slot->end && !slot_take (slot))
    return FALSE;
  slot_choose (slot, slot->next++, item);
  return TRUE;
}

static void
slot_fail (BenchSlot *slot, const char *what, const BenchItem *item)
{
  char text[CASK_DIGEST_TEXT_SIZE];
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s",
                                          cask_digest_write (&item->digest, text), what);
  bench_slot_failed (slot, error);
}

void
bench_slot_failed (BenchSlot *slot, const GError *error)
{
  BenchTally *tally = slot->tally;
  if (bench_is_refusal (error))
    {
      g_atomic_int_set (&slot->segment->is_over, TRUE);
      if (!tally->refusal)
        tally->refusal = g_error_copy (error);
      return;
    }
  tally->n_errors++;
  if (!tally->error)
    tally->error = g_error_copy (error);
}

/* An operation has succeeded. answer: created, existed or present, as it has it. */
void
bench_slot_note (BenchSlot *slot, const BenchItem *item, gboolean answer)
{
  BenchTally *tally = slot->tally;
  switch (slot->segment->operation)
    {
    case BENCH_PUT:
    case BENCH_PUT_EXISTING:
      item->blob->ours |= answer;
      tally->n_bytes += item->length;
      tally->n_odd += answer != (slot->segment->operation == BENCH_PUT);
      break;
    case BENCH_DELETE:
      item->blob->ours = FALSE;
      tally->n_odd += !answer;
      break;
    case BENCH_CONTAINS:
    case BENCH_CONTAINS_ABSENT:
      if (answer != (slot->segment->operation == BENCH_CONTAINS))
        {
          slot_fail (slot,
                     answer ? "never was put, and is present" : "was put, and is absent",
                     item);
          return;
        }
      break;
    default:
      break;
    }
  tally->n_done++;
}

/* What get verifies needs no second look, but for whose it is. */
void
bench_slot_got (BenchSlot *slot, const BenchItem *item, GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);
  if (size != item->length && item->length != CASK_UNKNOWN)
    {
      slot_fail (slot, "has another length than was put", item);
      return;
    }
  slot->tally->n_bytes += size;
  slot->tally->n_done++;
}

/* The next listing goes on behind this page, and at the end begins anew. */
void
bench_slot_page (BenchSlot *slot, CaskListPage *page)
{
  guint length = cask_list_page_get_length (page);
  slot->position = (CaskDigest){ 0 };
  if (length > 0 && cask_list_page_get_more (page))
    slot->position = cask_list_page_get_item (page, length - 1)->digest;
  slot->tally->n_done++;
}

/* Leaves nothing in other. */
void
bench_tally_merge (BenchTally *tally, BenchTally *other)
{
  tally->n_done += other->n_done;
  tally->n_bytes += other->n_bytes;
  tally->n_errors += other->n_errors;
  tally->n_odd += other->n_odd;
  if (!tally->error)
    tally->error = g_steal_pointer (&other->error);
  if (!tally->refusal)
    tally->refusal = g_steal_pointer (&other->refusal);
  bench_histogram_merge (&tally->latency, &other->latency);
  bench_tally_clear (other);
}

void
bench_tally_clear (BenchTally *tally)
{
  g_clear_error (&tally->error);
  g_clear_error (&tally->refusal);
  memset (tally, 0, sizeof *tally);
}
