/* SPDX-License-Identifier: Apache-2.0
 *
 * test-powercut.c: cases D1 to D10: what a power cut may leave, made and opened. */
#include "test-powercut.h"

#include <stdio.h>

static PowerResult test_sum;

const PowerDurability test_modes[] = { POWER_NONE, POWER_DATA, POWER_FULL, POWER_BATCH };
const guint test_n_modes = G_N_ELEMENTS (test_modes);

gboolean
test_is_long (void)
{
  return g_getenv ("CASK_TEST_LONG") != NULL;
}

/* test_seed: printed once, and taken from CASK_TEST_SEED where that is set. */
guint64
test_seed (void)
{
  static guint64 seed;
  if (seed == 0)
    {
      GRand *random = test_rand_new ("power cuts");
      seed = 1 + g_rand_int (random) % 1000000000;
      g_rand_free (random);
    }
  return seed;
}

/* Says which state it was and keeps the recording, so that it can be made again. */
static void
test_report (const PowerShape *shape, const PowerLog *log, const PowerResult *result)
{
  const char *where = g_getenv ("CASK_POWERCUT_KEEP");
  g_autofree char *name = g_strdup_printf ("cask-powercut-%s-%" G_GUINT64_FORMAT ".log",
                                           shape->name, log->seed);
  g_autofree char *path =
      g_build_filename (where != NULL ? where : g_get_tmp_dir (), name, NULL);
  printf ("\n  %s: %s\n  broken by rule:", shape->name, result->first);
  for (guint i = 0; i < POWER_N_RULES; i++)
    if (result->n_broken[i] > 0)
      printf (" %" G_GUINT64_FORMAT " x %.3s", result->n_broken[i], power_rules[i]);
  if (power_log_save (log, path))
    printf ("\n  again: test-powercut --replay %s CUT ORDER STATE CAP [DIRECTORY]\n",
            path);
}

/* test_run: records the shape and opens what a cut may leave of it. Returns: FALSE where
 * a rule was broken, or nothing could be found out. */
gboolean
test_run (const PowerShape *shape, guint64 seed, const PowerLimits *limits,
          gboolean is_broken, PowerResult *result)
{
  PowerLog *log = NULL;
  gboolean is_recorded = power_record (shape, seed, &log);
  PowerResult own = { .n_states = 0 };
  if (is_recorded)
    power_replay (log, limits, &own);
  gboolean is_fine =
      is_recorded && !own.is_torn && own.n_states > 0 && power_result_broken (&own) == 0;
  if (!is_fine && !is_broken)
    test_report (shape, log, &own);
  power_result_add (result, &own);
  power_log_free (log);
  return is_fine;
}

/* What one or two do, so small that most cuts have all their states looked at. */
static const PowerShape test_small[] = {
  { .name = "first", .script = "p0" },
  { .name = "first-twice", .script = "p0 p3 | p0 p1", .n_shards = 2 },
  { .name = "shared-shard", .script = "p0 p1 | p2 p0" },
  { .name = "equal", .script = "p0 : p1 p0 / p1 d0 | p1 p0 f" },
  { .name = "delete", .script = "p0 p1 p2 . : d0 d3 p0 c1 | d0 d2 p2", .n_shards = 2 },
  { .name = "group", .script = "p0 : p1 p8 / p2 / p3 / p4 / p5 / d0 / h7 | p9" },
  { .name = "heal", .script = "p0 p1 p2 x0 x1 . : h0 p2 d1 p1 | h1 h0" },
  { .name = "hits", .script = "p0 p1 . : p0 p0 f p1 . p0 | p1 . p1", .freshen = "60s" },
  { .name = "empty", .script = "p6 u6 d6 u6 f" },
  { .name = "upload", .script = "u1 p1 f | u3 u1", .n_shards = 2 },
  { .name = "save", .script = "s1 R1 r1 | S3 s0 a0 f" },
  { .name = "saved", .script = "s1 s3 s0 : R1 r1 p1 | r3 a0 p4" },
  { .name = "many", .script = "m0-5 D1-3 m2-4 f | m3-7 d5", .n_shards = 4 },
};

static PowerShape
test_shape (const PowerShape *shape, PowerDurability durability, guint layout)
{
  PowerShape full = *shape;
  full.durability = durability;
  full.layout = layout;
  full.freshen = shape->freshen != NULL ? shape->freshen : "0ms";
  full.slow_usec = 300;
  return full;
}

/* Whether a long run has still to make more recordings; of a store that breaks a rule,
 * the first round has said enough. */
static gboolean
test_goes_on (guint64 wanted)
{
  return test_is_long () && !test_sum.is_torn && power_result_broken (&test_sum) == 0 &&
         test_sum.n_distinct < wanted;
}

static void
test_small_recordings (void)
{
  PowerLimits limits = { .cap = test_is_long () ? 512 : 20 };
  for (guint round = 0; round == 0 || test_goes_on (600000); round++)
    for (guint mode = 0; mode < test_n_modes; mode++)
      for (guint layout = 0; layout < 2; layout++)
        for (guint i = 0; i < G_N_ELEMENTS (test_small); i++)
          {
            PowerShape shape = test_shape (&test_small[i], test_modes[mode], layout);
            CU_ASSERT (
                test_run (&shape, test_seed () + round, &limits, FALSE, &test_sum));
          }
}

static void
test_exhaustive (void)
{
  static const PowerShape shapes[] = {
    { .name = "one", .script = "p0" },
    { .name = "one-hit", .script = "p0 : p0" },
    { .name = "one-delete", .script = "p0 : d0" },
    { .name = "one-heal", .script = "p0 x0 : h0" },
    { .name = "one-upload", .script = "p0 : u1" },
    { .name = "one-save", .script = "p0 : s1" },
    { .name = "one-resume", .script = "p0 s1 : r1" },
    { .name = "one-flush", .script = "p0 : p1 f" },
  };
  PowerLimits limits = { .cap = 4096 };
  for (guint mode = 0; mode < test_n_modes; mode++)
    for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
      {
        PowerShape shape = test_shape (&shapes[i], test_modes[mode], 0);
        CU_ASSERT (test_run (&shape, test_seed (), &limits, FALSE, &test_sum));
      }
}

/* Eight threads of two processes, as they come. */
static void
test_crowd (void)
{
  PowerLimits limits = { .cap = test_is_long () ? 128 : 6 };
  for (guint round = 0; round == 0 || test_goes_on (1000000); round++)
    for (guint mode = 0; mode < test_n_modes; mode++)
      for (guint layout = 0; layout < 2; layout++)
        {
          PowerShape crowd = { .name = "crowd", .n_shards = 1 + round % 3 };
          PowerShape shape = test_shape (&crowd, test_modes[mode], layout);
          guint64 seed = test_seed () + 100 * round + 10 * mode + layout;
          CU_ASSERT (test_run (&shape, seed, &limits, FALSE, &test_sum));
        }
}

/* D8, and the figures. */
static void
test_figures (void)
{
  guint64 least = test_is_long () ? 1000000 : 10000;
  CU_ASSERT (test_sum.n_distinct >= least);
  CU_ASSERT_EQUAL (test_sum.n_lost, 0);
  test_score ("power cuts: distinct states",
              "%" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT " checks)", test_sum.n_distinct,
              test_sum.n_states);
  test_score ("power cuts: acknowledged blobs lost", "%" G_GUINT64_FORMAT,
              test_sum.n_lost);
}

static CU_TestInfo tests_states[] = {
  { "D1-D7 one step: every state", test_exhaustive },
  { "D1-D7 a few steps in two processes", test_small_recordings },
  { "D1-D7 eight threads in two processes", test_crowd },
  { "D8 at least 10,000 distinct states", test_figures },
  CU_TEST_INFO_NULL,
};

int
main (int argc, char **argv)
{
  if (argc > 1 && g_str_equal (argv[1], "--replay"))
    return power_replay_one (argc, argv);
  CU_SuiteInfo suites[] = {
    { "power cuts", NULL, NULL, NULL, NULL, tests_states },
    { "power cuts, controls", NULL, NULL, NULL, NULL, tests_controls },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
