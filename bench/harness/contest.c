/* SPDX-License-Identifier: Apache-2.0
 *
 * contest.c: every operation, on every size, by every entrant of a field.
 *
 * Each turn begins with a stretch that is not counted, in which the entrant gets into its
 * stride: as it would be in a program that does this for longer than a turn lasts, with
 * what it keeps open for a while, and its threads awake. Before puts and deletes it asks
 * for the names.
 *
 * Reads are repeated until a sample is long enough for the clock. What changes a store
 * can not be: each round puts blobs that are new to all, the same ones for each entrant.
 * Small files are deleted at the end of the run, after all else that is measured: ext4
 * does not use an inode again for minutes after it was freed, and looks past each of them
 * meanwhile, so that a put after deletes would measure that. Large files, of which there
 * are few, go at once, before they are written back; so do those in memory, and the empty
 * blob, of which there is one. */
#include "contest-private.h"

#include <string.h>

/* How long a sample of reads is at least. */
#define CONTEST_SAMPLE_NSEC 5000000
#define CONTEST_STRIDE_NSEC 8000000
#define CONTEST_REPEAT_MAX 1000
#define CONTEST_LARGE (1u << 20)
/* How long threads that have helped may take to fall asleep: the kernel adds up a running
 * thread's time only then, and it belongs to this sample, not to the next. */
#define CONTEST_SETTLE_USEC 500

static const char *const operation_names[BENCH_N_OPERATIONS] = {
  "put new",  "put existing",    "get",    "get range",
  "contains", "contains absent", "delete", "list"
};

/* ---- One sample ---- */

void
contest_fail (Contest *contest, ContestPlace *place, GError *error)
{
  g_ptr_array_add (contest->run->left,
                   g_strdup_printf ("%s: %s: %s", contest->field, place->entrant->name,
                                    error->message));
  place->is_out = TRUE;
  g_error_free (error);
}

/* Returns: FALSE where the entrant has failed, and is out from now on. */
static gboolean
contest_call (Contest *contest, ContestPlace *place, BenchOperation operation,
              const GArray *blobs, guint repeat, BenchMoment *spent)
{
  GError *error = NULL;
  const BenchBlob *first = &g_array_index (blobs, BenchBlob, 0);
  guint n_blobs = contest_take (place, blobs);
  BenchMoment before = bench_now ();
  for (guint i = 0; i < repeat; i++)
    if (!place->entrant->calls[operation](place->store, first, n_blobs, &error))
      {
        contest_fail (contest, place, error);
        return FALSE;
      }
  spent->wall_nsec = bench_wall_nsec () - before.wall_nsec;
  g_usleep (CONTEST_SETTLE_USEC);
  spent->cpu_nsec = bench_now ().cpu_nsec - before.cpu_nsec;
  return TRUE;
}

guint
contest_take (const ContestPlace *place, const GArray *blobs)
{
  return place->entrant->is_little ? MAX (blobs->len / 4, 1) : blobs->len;
}

static gboolean
contest_takes_part (const ContestPlace *place, BenchOperation operation, guint64 size)
{
  const BenchEntrant *entrant = place->entrant;
  return !place->is_out && entrant->calls[operation] != NULL &&
         (entrant->max_size == 0 || size <= entrant->max_size);
}

/* What is large needs no stride, and has time for none; of the empty blob there is one,
 * which may still be there. */
static gboolean
contest_stride (Contest *contest, ContestPlace *place, BenchOperation operation,
                const GArray *blobs)
{
  BenchOperation asked = operation == BENCH_PUT_NEW  ? BENCH_CONTAINS_ABSENT
                         : operation == BENCH_DELETE ? BENCH_CONTAINS
                                                     : operation;
  BenchCall call = place->entrant->calls[asked];
  if (!call || operation == BENCH_LIST || contest->size >= CONTEST_LARGE ||
      contest->size == 0)
    return TRUE;
  GError *error = NULL;
  gint64 until = bench_wall_nsec () + CONTEST_STRIDE_NSEC;
  while (bench_wall_nsec () < until)
    if (!call (place->store, &g_array_index (blobs, BenchBlob, 0),
               contest_take (place, blobs), &error))
      {
        contest_fail (contest, place, error);
        return FALSE;
      }
  return TRUE;
}

/* ---- One row ---- */

BenchRow *
contest_row (Contest *contest, BenchOperation operation, guint64 size)
{
  const char *name = operation_names[operation];
  if (!bench_run_wants (contest->run, contest->field, name, size))
    return NULL;
  BenchRow *row = bench_row_new (contest->field, name, size, "ns");
  for (guint i = 0; i < contest->places->len; i++)
    {
      ContestPlace *place = g_ptr_array_index (contest->places, i);
      place->repeat = 1;
      /* The empty blob is new only to who can delete it. */
      gboolean is_new = operation != BENCH_PUT_NEW || size != 0 ||
                        place->entrant->calls[BENCH_DELETE] != NULL;
      if (is_new && contest_takes_part (place, operation, size))
        bench_row_add (row, place->entrant->name, place->entrant->note);
    }
  g_ptr_array_add (contest->run->rows, row);
  return row;
}

/* Each in its turn; who begins is another one each round. */
void
contest_round (Contest *contest, BenchRow *row, BenchOperation operation,
               const GArray *blobs, guint round)
{
  guint n_places = contest->places->len;
  for (guint i = 0; i < n_places; i++)
    {
      guint turn = (round % 2 == 0 ? round / 2 + i : round / 2 + n_places - i) % n_places;
      ContestPlace *place = g_ptr_array_index (contest->places, turn);
      BenchMoment spent;
      if (!contest_takes_part (place, operation, contest->size) ||
          (row && !contest_stride (contest, place, operation, blobs)) ||
          !contest_call (contest, place, operation, blobs, place->repeat, &spent))
        continue;
      BenchColumn *column = row ? bench_row_find (row, place->entrant->name) : NULL;
      double n = (double) place->repeat * contest_take (place, blobs);
      if (column)
        bench_column_add (column, (double) spent.wall_nsec / n,
                          (double) spent.cpu_nsec / n);
    }
}

/* Also the warm-up: nothing of it counts. */
static void
contest_calibrate (Contest *contest, BenchOperation operation, guint64 size,
                   const GArray *blobs)
{
  for (guint i = 0; i < contest->places->len; i++)
    {
      ContestPlace *place = g_ptr_array_index (contest->places, i);
      BenchMoment spent;
      if (!contest_takes_part (place, operation, size) ||
          !contest_call (contest, place, operation, blobs, 1, &spent) ||
          !contest_call (contest, place, operation, blobs, 1, &spent))
        continue;
      gint64 wanted = CONTEST_SAMPLE_NSEC / MAX (spent.wall_nsec, 1) + 1;
      place->repeat = (guint) MIN (wanted, CONTEST_REPEAT_MAX);
    }
}

void
contest_repeat (Contest *contest, BenchOperation operation, guint64 size,
                const GArray *blobs, guint n_rounds)
{
  BenchRow *row = contest_row (contest, operation, size);
  if (!row)
    return;
  bench_run_say ("%s: %s, %s", contest->field, row->operation,
                 operation == BENCH_LIST ? "all" : contest->size_name);
  contest_calibrate (contest, operation, size, blobs);
  for (guint round = 0; round < n_rounds; round++)
    contest_round (contest, row, operation, blobs, round);
}

/* ---- One size ---- */

typedef struct
{
  BenchRow *row; /* (nullable): not wanted */
  guint64 size;
  GPtrArray *sets; /* of GArray of BenchBlob, one a round; the first is not counted */
} ContestLater;

static void
contest_later_free (gpointer data)
{
  ContestLater *later = data;
  g_ptr_array_unref (later->sets);
  g_free (later);
}

static void
contest_once (Contest *contest, BenchOperation operation, const GArray *blobs)
{
  for (guint i = 0; i < contest->places->len; i++)
    ((ContestPlace *) g_ptr_array_index (contest->places, i))->repeat = 1;
  contest_round (contest, NULL, operation, blobs, 0);
}

static gboolean
contest_deletes_at_once (const Contest *contest)
{
  return contest->size >= CONTEST_LARGE || contest->size == 0 ||
         g_str_equal (contest->field, "memory");
}

static void
contest_put_and_delete (Contest *contest, guint n_blobs)
{
  BenchRow *puts = contest_row (contest, BENCH_PUT_NEW, contest->size);
  BenchRow *deletes = contest_row (contest, BENCH_DELETE, contest->size);
  if (!puts && !deletes)
    return;
  bench_run_say ("%s: put new, %s", contest->field, contest->size_name);
  ContestLater *later = g_new0 (ContestLater, 1);
  later->row = deletes;
  later->size = contest->size;
  later->sets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  for (guint round = 0; round <= contest->run->n_rounds; round++)
    {
      GArray *blobs = bench_blobs_new (n_blobs, contest->size);
      contest_round (contest, round > 0 ? puts : NULL, BENCH_PUT_NEW, blobs, round);
      bench_blobs_drop_bytes (blobs);
      if (contest_deletes_at_once (contest))
        contest_round (contest, round > 0 ? deletes : NULL, BENCH_DELETE, blobs, round);
      g_ptr_array_add (later->sets, blobs);
    }
  if (contest_deletes_at_once (contest))
    contest_later_free (later);
  else
    g_ptr_array_add (contest->later, later);
}

static void
contest_delete_later (Contest *contest)
{
  for (guint i = 0; i < contest->later->len; i++)
    {
      ContestLater *later = g_ptr_array_index (contest->later, i);
      g_autofree char *name = bench_size_name (later->size);
      bench_run_say ("%s: delete, %s", contest->field, name);
      contest->size = later->size;
      contest_once (contest, BENCH_DELETE, g_ptr_array_index (later->sets, 0));
      for (guint round = 1; round < later->sets->len; round++)
        contest_round (contest, later->row, BENCH_DELETE,
                       g_ptr_array_index (later->sets, round), round);
    }
}

static guint
contest_n_blobs (BenchField field, guint64 size)
{
  static const guint most[BENCH_N_FIELDS] = { 1024, 256, 64 };
  guint64 fitting = (8u << 20) / MAX (size, 1);
  return (guint) CLAMP (fitting, 1, most[field]);
}

static void
contest_size (Contest *contest, BenchField field, guint64 size)
{
  guint n_blobs = contest_n_blobs (field, size);
  guint n_rounds = contest->run->n_rounds;
  g_autofree char *name = bench_size_name (size);
  contest->size_name = name;
  contest->size = size;
  if (field == BENCH_FIELD_DURABLE)
    {
      contest_put_and_delete (contest, n_blobs);
      return;
    }
  g_autoptr (GArray) kept = bench_blobs_new (n_blobs, size);
  g_autoptr (GArray) absent = bench_blobs_new_absent (n_blobs);
  contest_once (contest, BENCH_PUT_NEW, kept);
  contest_repeat (contest, BENCH_GET, size, kept, n_rounds);
  contest_repeat (contest, BENCH_GET_RANGE, size, kept, n_rounds);
  contest_repeat (contest, BENCH_CONTAINS, size, kept, n_rounds);
  contest_repeat (contest, BENCH_CONTAINS_ABSENT, size, absent, n_rounds);
  contest_repeat (contest, BENCH_PUT_EXISTING, size, kept, n_rounds);
  if (contest_deletes_at_once (contest))
    contest_once (contest, BENCH_DELETE, kept);
  contest_put_and_delete (contest, n_blobs);
}

/* ---- One field ---- */

static void
contest_run_field (Contest *contest, BenchField field)
{
  static const guint64 sizes[BENCH_N_FIELDS][8] = {
    { 1 << 10, 4 << 10, 64 << 10, 1 << 20, 64 << 20, CASK_UNKNOWN },
    { 0, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20, 64 << 20, CASK_UNKNOWN },
    { 4 << 10, 1 << 20, CASK_UNKNOWN }
  };
  for (const guint64 *size = sizes[field]; *size != CASK_UNKNOWN; size++)
    if (contest->run->is_quick ? *size == 4 << 10 : TRUE)
      contest_size (contest, field, *size);
}

static const char *const field_names[BENCH_N_FIELDS] = { "memory", "files", "durable" };

/* What is wanted alone may name its field, or only an operation. */
static gboolean
contest_is_wanted (const BenchRun *run, guint field)
{
  if (!run->only)
    return TRUE;
  for (guint other = 0; other < BENCH_N_FIELDS; other++)
    if (g_str_has_prefix (run->only, field_names[other]))
      return other == field;
  return !g_str_has_prefix (run->only, "trial");
}

gboolean
bench_contest (BenchRun *run, GError **error)
{
  Contest contests[BENCH_N_FIELDS] = { 0 };
  gboolean done = TRUE;
  for (guint field = 0; done && field < BENCH_N_FIELDS; field++)
    {
      if (!contest_is_wanted (run, field))
        continue;
      contests[field] = (Contest){
        .run = run,
        .field = field_names[field],
        .later = g_ptr_array_new_with_free_func (contest_later_free),
      };
      done = contest_open (&contests[field], field, error);
      if (done)
        contest_run_field (&contests[field], field);
    }
  done = done && contest_list (run, error) && bench_trials (run, error);
  for (guint field = 0; field < BENCH_N_FIELDS; field++)
    {
      if (done && contests[field].places)
        contest_delete_later (&contests[field]);
      g_clear_pointer (&contests[field].later, g_ptr_array_unref);
      contest_close (&contests[field]);
    }
  return done;
}
