/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-operations-mutate.c: new sequences from old ones, operation by operation.
 *
 * A byte that changes seldom makes an operation, and hardly ever four that belong
 * together. So whole operations are put in, taken out, copied, moved and given other
 * numbers; and most often a story is put in: some operations of one theme that name the
 * same blob and the same slot. */
#include "fuzz-operations.h"

#define STORY_MOST 10

/* How often each store is tried: a file costs ten times what memory costs, and a layout
 * in 256 folders, which every list reads, three times that. */
static const char mutate_kinds[] = "mmmmmmmmmmmmmkkkkllddddbbbvvvnf";

typedef struct
{
  guint32 state;
} Chance;

/* Below limit. */
static guint
chance (Chance *chance, guint limit)
{
  chance->state = chance->state * 1664525u + 1013904223u;
  return (guint) ((guint64) (chance->state >> 8) * limit >> 24);
}

static gboolean
chance_one_in (Chance *c, guint n)
{
  return chance (c, n) == 0;
}

/* Large blobs cost most of the time and reach little that small ones do not; and what is
 * spread over all slots makes no long story of any. */
static guint8
mutate_draw (Chance *c, guint8 limit)
{
  guint8 drawn = (guint8) chance (c, limit);
  if (limit == MODEL_SLOTS && !chance_one_in (c, 3))
    return 0;
  if (limit == MODEL_NAMES && drawn % 8 >= 6 && !chance_one_in (c, 4))
    drawn = (guint8) (drawn - 1 - chance (c, 5));
  return drawn;
}

/* A number as it occurs elsewhere in the sequence, or another: most mistakes need that
 * the same blob is named twice. */
static guint8
mutate_draw_alike (Chance *c, const Sequence *sequence, guint8 limit)
{
  if (sequence->n == 0 || chance_one_in (c, 3))
    return mutate_draw (c, limit);
  const Step *step = &sequence->steps[chance (c, sequence->n)];
  const guint8 *limits = operations[step->operation].limits;
  for (guint i = 0; limits[i] != 0; i++)
    if (limits[i] == limit)
      return step->draws[i];
  return mutate_draw (c, limit);
}

static Step
mutate_step (Chance *c, const Sequence *sequence)
{
  Step step = { .operation = (guint8) chance (c, operations_n) };
  const guint8 *limits = operations[step.operation].limits;

  for (guint i = 0; limits[i] != 0; i++)
    step.draws[i] = mutate_draw_alike (c, sequence, limits[i]);
  return step;
}

static void
mutate_insert (Sequence *sequence, guint at, const Step *steps, guint n)
{
  n = MIN (n, STEPS_MOST - sequence->n);
  memmove (&sequence->steps[at + n], &sequence->steps[at],
           (sequence->n - at) * sizeof (Step));
  memcpy (&sequence->steps[at], steps, n * sizeof (Step));
  sequence->n += n;
}

static void
mutate_remove (Sequence *sequence, guint at, guint n)
{
  memmove (&sequence->steps[at], &sequence->steps[at + n],
           (sequence->n - at - n) * sizeof (Step));
  sequence->n -= n;
}

/* ---- Stories ---- */

/* The first of a theme, or any of it. Returns: its place in the table */
static guint8
story_operation (Chance *c, guint theme, gboolean is_first)
{
  guint first = 0, n = 0;

  while (operations[first].theme != theme)
    first++;
  while (first + n < operations_n && operations[first + n].theme == theme)
    n++;
  return (guint8) (first + (is_first ? 0 : chance (c, n)));
}

static void
mutate_tell (Chance *c, Sequence *sequence)
{
  Step story[STORY_MOST];
  guint n = 2 + chance (c, STORY_MOST - 1), theme = chance (c, THEMES);
  guint8 name = mutate_draw_alike (c, sequence, MODEL_NAMES);
  guint8 slot = mutate_draw_alike (c, sequence, MODEL_SLOTS);

  for (guint i = 0; i < n; i++)
    {
      story[i] = mutate_step (c, sequence);
      if (!chance_one_in (c, 6))
        story[i].operation = story_operation (c, theme, i == 0 && !chance_one_in (c, 4));
      const guint8 *limits = operations[story[i].operation].limits;
      for (guint k = 0; k < MODEL_DRAWS; k++)
        story[i].draws[k] = limits[k] == 0             ? 0
                            : chance_one_in (c, 8)     ? mutate_draw (c, limits[k])
                            : limits[k] == MODEL_NAMES ? name
                            : limits[k] == MODEL_SLOTS ? slot
                                                       : mutate_draw (c, limits[k]);
    }
  mutate_insert (sequence, chance (c, sequence->n + 1), story, n);
}

/* ---- One change ---- */

/* Some steps that follow one another, copied elsewhere; or moved there. */
static void
mutate_repeat (Chance *c, Sequence *sequence, gboolean moves)
{
  Step steps[STORY_MOST];
  guint at = chance (c, sequence->n);
  guint n = 1 + chance (c, MIN (STORY_MOST, sequence->n - at));

  memcpy (steps, &sequence->steps[at], n * sizeof (Step));
  if (moves)
    mutate_remove (sequence, at, n);
  mutate_insert (sequence, chance (c, sequence->n + 1), steps, n);
}

static void
mutate_one_draw (Chance *c, Sequence *sequence)
{
  Step *step = &sequence->steps[chance (c, sequence->n)];
  const guint8 *limits = operations[step->operation].limits;
  guint n = 0;

  while (limits[n] != 0)
    n++;
  if (n == 0)
    return;
  guint i = chance (c, n);
  step->draws[i] = mutate_draw_alike (c, sequence, limits[i]);
}

static void
mutate_once (Chance *c, Sequence *sequence)
{
  guint what = sequence->n == 0 ? 0 : chance (c, 16);

  if (what >= 8 && sequence->n + STORY_MOST > STEPS_MOST)
    what = 0;
  if (what < 6)
    mutate_tell (c, sequence);
  else if (what < 8)
    sequence->steps[chance (c, sequence->n)] = mutate_step (c, sequence);
  else if (what == 8)
    {
      Step step = mutate_step (c, sequence);
      mutate_insert (sequence, chance (c, sequence->n + 1), &step, 1);
    }
  else if (what < 11)
    mutate_one_draw (c, sequence);
  else if (what < 13)
    mutate_repeat (c, sequence, what == 11);
  else
    {
      guint at = chance (c, sequence->n);
      mutate_remove (sequence, at, 1 + chance (c, sequence->n - at));
    }
}

/* ---- libFuzzer's ways in ---- */

/* What is made up must be read as it was meant. */
static gsize
mutate_write (const Sequence *sequence, guint8 *data, gsize room)
{
  Sequence again;
  gsize size = sequence_write (sequence, data, room);

  sequence_read (&again, data, size);
  FUZZ_CHECK (again.kind == sequence->kind && again.n <= sequence->n);
  FUZZ_CHECK (memcmp (again.steps, sequence->steps, again.n * sizeof (Step)) == 0);
  return size;
}

gsize
LLVMFuzzerCustomMutator (guint8 *data, gsize size, gsize room, guint seed)
{
  Chance c = { seed };
  Sequence sequence;

  sequence_read (&sequence, data, size);
  if (size == 0 || chance_one_in (&c, 6))
    sequence.kind = (guint8) mutate_kinds[chance (&c, sizeof mutate_kinds - 1)];
  for (guint n = 1 + chance (&c, 3); n > 0; n--)
    mutate_once (&c, &sequence);
  return mutate_write (&sequence, data, room);
}

/* The beginning of one, and what comes in the other from some place on. */
gsize
LLVMFuzzerCustomCrossOver (const guint8 *a, gsize a_size, const guint8 *b, gsize b_size,
                           guint8 *data, gsize room, guint seed)
{
  Chance c = { seed };
  Sequence first, second;

  sequence_read (&first, a, a_size);
  sequence_read (&second, b, b_size);
  first.n = chance (&c, first.n + 1);
  guint from = chance (&c, second.n + 1);
  mutate_insert (&first, first.n, &second.steps[from], second.n - from);
  return mutate_write (&first, data, room);
}
