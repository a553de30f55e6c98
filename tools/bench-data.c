/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-data.c: blobs out of nothing: as many as are wanted, none like another.
 *
 * Invariants:
 * - size and bytes follow from the seed, the kind and the index alone, so that a blob can
 *   be made anew instead of being kept;
 * - the bytes do not compress, and making them costs less than hashing them. */

#include "bench.h"

#include <string.h>

/* Odd, and without a pattern in its bits: 2^64 divided by the golden ratio. */
#define DATA_STEP G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

/* Every bit of the result depends on every bit of value, and no two values have the same
 * result. */
static inline guint64
data_mix (guint64 value)
{
  value = (value ^ (value >> 32)) * G_GUINT64_CONSTANT (0xd6e8feb86659fd93);
  value = (value ^ (value >> 29)) * G_GUINT64_CONSTANT (0xa0761d6478bd642f);
  return value ^ (value >> 32);
}

guint64
bench_random (guint64 *state)
{
  *state += DATA_STEP;
  return data_mix (*state);
}

/* Returns: a number below limit, or 0 where that is 0 */
guint64
bench_random_below (guint64 *state, guint64 limit)
{
  guint64 number = bench_random (state);
  return limit == 0 ? 0 : number % limit;
}

static guint64
data_key (const BenchPlan *plan, BenchKind kind, guint64 index)
{
  return data_mix (data_mix (plan->seed + (guint64) kind * DATA_STEP) + index);
}

guint64
bench_data_size (const BenchPlan *plan, BenchKind kind, guint64 index)
{
  guint64 state = data_key (plan, kind, index) + 1, weights = 0;
  if (plan->n_sizes == 1)
    return plan->sizes[0].bytes;
  for (guint i = 0; i < plan->n_sizes; i++)
    weights += plan->sizes[i].weight;
  guint64 drawn = bench_random_below (&state, weights);
  guint last = 0;
  for (; drawn >= plan->sizes[last].weight; last++)
    drawn -= plan->sizes[last].weight;
  return plan->sizes[last].bytes;
}

/* Returns: (transfer full): in memory of its own, which a store may keep */
GBytes *
bench_data_bytes (const BenchPlan *plan, BenchKind kind, guint64 index)
{
  guint64 size = bench_data_size (plan, kind, index);
  guint64 state = data_key (plan, kind, index);
  char *bytes = g_malloc (size);
  guint64 at = 0;
  for (; at + sizeof state <= size; at += sizeof state)
    {
      guint64 word = bench_random (&state);
      memcpy (bytes + at, &word, sizeof word);
    }
  guint64 word = bench_random (&state);
  memcpy (bytes + at, &word, size - at);
  return g_bytes_new_take (bytes, size);
}
