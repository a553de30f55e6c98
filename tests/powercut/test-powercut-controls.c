/* SPDX-License-Identifier: Apache-2.0
 *
 * test-powercut-controls.c: case D9: stores that leave out a sync, each of which has to
 * be caught; and D10: how often the real one syncs. */
#include "test-powercut.h"

#include <stdio.h>

typedef struct
{
  PowerShape shape;
  const char *what;
} TestControl;

/* `w`, `W` and `v` wait until another process has made or taken away so many:
 * it has not come to its next sync then, or is still in it. */
static const TestControl test_controls[] = {
  { { .name = "data", .script = "p0 p1", .lies = POWER_LIE_DATA },
    "no fsync of the data" },
  { { .name = "shard", .script = "p0 : p1", .lies = POWER_LIE_SHARD },
    "no fsync of the shard" },
  { { .name = "top", .script = "p0 : p1", .n_shards = 2, .lies = POWER_LIE_TOP },
    "no fsync of what the shard is in" },
  { { .name = "root", .script = "p0", .lies = POWER_LIE_ROOT }, "no fsync of the root" },
  { { .name = "parent", .script = "p0", .lies = POWER_LIE_OUTSIDE },
    "no fsync of what the root is in" },
  { { .name = "exists", .script = "p0 : p1 | w1 p1", .lies = POWER_LIE_HIT },
    "exists, so acknowledge" },
  { { .name = "existed",
      .script = "p0 : p1 | W1 p3",
      .n_shards = 2,
      .lies = POWER_LIE_EXISTED },
    "the directory existed, so it is durable" },
  { { .name = "unlink", .script = "p0 : d0", .lies = POWER_LIE_DELETE },
    "no fsync after a delete" },
  { { .name = "absent", .script = "p0 : d0 | v1 d0", .lies = POWER_LIE_ABSENT },
    "no fsync after a delete of what is absent" },
  { { .name = "over", .script = "p0 x0 : h0", .lies = POWER_LIE_OVER },
    "no fsync after a rename over a damaged blob" },
  { { .name = "save", .script = "p0 : s1", .lies = POWER_LIE_SAVE },
    "no fsync of a saved upload's directory" },
  { { .name = "time", .script = "p0 : p0 p0", .lies = POWER_LIE_TIME },
    "no fsync of a renewed time" },
};

static gboolean
test_control (const TestControl *control, PowerDurability durability)
{
  PowerLimits limits = { .cap = 512, .most = 6000, .stop_at_first = TRUE };
  PowerShape shape = control->shape;
  PowerResult result = { .n_states = 0 };
  shape.durability = durability;
  shape.freshen = "0ms";
  shape.slow_usec = strchr (shape.script, '|') != NULL ? 20000 : 500;
  /* What needs two to meet is tried again. */
  for (guint i = 0; i < 10 && power_result_broken (&result) == 0; i++)
    test_run (&shape, test_seed () + i, &limits, TRUE, &result);
  gboolean is_caught = power_result_broken (&result) > 0 && !result.is_torn;
  printf ("\n  %s: %s: %.100s", power_durabilities[durability], control->what,
          is_caught ? result.first : "NOT CAUGHT");
  return is_caught;
}

static void
test_controls_all (void)
{
  guint n_caught = 0, n_all = 0;
  for (guint mode = 0; mode < test_n_modes; mode++)
    {
      PowerDurability durability = test_modes[mode];
      for (guint i = 0; i < G_N_ELEMENTS (test_controls); i++)
        {
          /* `data` promises no more than the bytes behind a name. */
          if (durability < POWER_FULL && !(durability == POWER_DATA && i == 0))
            continue;
          gboolean is_caught = test_control (&test_controls[i], durability);
          CU_ASSERT (is_caught);
          n_caught += is_caught ? 1 : 0;
          n_all++;
        }
      TestControl flush = {
        { .name = "flush", .script = "p0 f", .lies = POWER_LIE_FLUSH },
        "a flush that flushes nothing"
      };
      if (durability < POWER_FULL)
        {
          gboolean is_caught = test_control (&flush, durability);
          CU_ASSERT (is_caught);
          n_caught += is_caught ? 1 : 0;
          n_all++;
        }
    }
  /* The same scripts with nothing left out are fine, so it is the lie that was caught. */
  for (guint i = 0; i < G_N_ELEMENTS (test_controls); i++)
    {
      PowerLimits limits = { .cap = 24 };
      PowerResult result = { .n_states = 0 };
      PowerShape shape = test_controls[i].shape;
      shape.lies = POWER_LIE_NONE;
      shape.durability = POWER_FULL;
      shape.freshen = "0ms";
      shape.slow_usec = 2000;
      CU_ASSERT (test_run (&shape, test_seed (), &limits, FALSE, &result));
    }
  printf ("\n");
  test_score ("power cuts: negative controls caught", "%u of %u", n_caught, n_all);
}

/* ---- D10 ---- */

static const PowerCall *
test_last_call (const PowerLog *log, PowerCallKind kind, guint n_before)
{
  for (guint32 i = log->n_calls; i-- > 0;)
    if (log->calls[i].kind == kind && n_before-- == 0)
      return &log->calls[i];
  return NULL;
}

static void
test_flushes_of_a_put (void)
{
  for (guint mode = 0; mode < test_n_modes; mode++)
    {
      PowerLog *log = NULL;
      PowerShape shape = { .name = "flushes",
                           .script = "p0 p1 p2 p3",
                           .durability = test_modes[mode],
                           .freshen = "60s" };
      CU_ASSERT (power_record (&shape, test_seed (), &log));
      for (guint i = 0; i < 3; i++)
        {
          guint n_data, n_directories;
          const PowerCall *call = test_last_call (log, POWER_CALL_PUT, i);
          guint count = power_log_count_syncs (log, call, &n_data, &n_directories);
          CU_ASSERT (count <= 2);
          CU_ASSERT (shape.durability < POWER_FULL || count > 0);
        }
      power_log_free (log);
    }
}

static void
test_flushes_of_a_batch (void)
{
  for (guint mode = 0; mode < test_n_modes; mode++)
    {
      PowerLog *log = NULL;
      guint n_data, n_directories;
      PowerShape shape = { .name = "batch",
                           .script = "p0 p1 p2 p3 p6 m7-70",
                           .durability = test_modes[mode],
                           .freshen = "60s&threads=1", /* else it is several batches */
                           .n_shards = 4 };
      CU_ASSERT (power_record (&shape, test_seed (), &log));
      PowerCall all = *test_last_call (log, POWER_CALL_PUT, 63);
      all.end = test_last_call (log, POWER_CALL_PUT, 0)->end;
      guint count = power_log_count_syncs (log, &all, &n_data, &n_directories);
      CU_ASSERT (n_data <= 64);
      printf ("\n  64 puts in %s: %u syncs of data, %u of %u directories",
              power_durabilities[shape.durability], n_data, count - n_data,
              n_directories);
      CU_ASSERT (count - n_data <= n_directories);
      power_log_free (log);
    }
}

CU_TestInfo tests_controls[] = {
  { "D9 a store that leaves out a sync is caught", test_controls_all },
  { "D10 a put in a warm shard syncs twice at most", test_flushes_of_a_put },
  { "D10 a batch of 64 syncs each directory once", test_flushes_of_a_batch },
  CU_TEST_INFO_NULL,
};
