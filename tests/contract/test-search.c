/* SPDX-License-Identifier: Apache-2.0
 *
 * test-search.c: the judge of C77 itself: it explains what can be explained, and nothing
 * else. Histories made by hand, and random ones: each made from an order that there is,
 * with its times blurred, and then with one answer made a lie. */
#include "conform-search.h"

#include <test-support.h>

#include <stdlib.h>

/* thread, begin, end, kind, answer */
#define CALL(t, b, e, k, a)                                                              \
  {                                                                                      \
    .kind = HISTORY_##k, .thread = t, .begin = b, .end = e, .answer = a                  \
  }

static gboolean
explains (const HistoryCall *calls, guint n, gboolean stored, gboolean exact)
{
  Search search = { .exact = exact, .n = n };

  memcpy (search.calls, calls, n * sizeof *calls);
  return search_explains (&search, stored);
}

#define EXPLAINS(calls, stored) explains (calls, G_N_ELEMENTS (calls), stored, TRUE)
#define EXPLAINS_LOOSELY(calls, stored)                                                  \
  explains (calls, G_N_ELEMENTS (calls), stored, FALSE)

static void
test_in_order (void)
{
  const HistoryCall right[] = { CALL (0, 0, 10, PUT, TRUE), CALL (0, 20, 30, GET, TRUE),
                                CALL (1, 40, 50, PUT, FALSE),
                                CALL (1, 60, 70, DELETE, TRUE),
                                CALL (0, 80, 90, CONTAINS, FALSE) };

  CU_ASSERT_TRUE (EXPLAINS (right, FALSE));
  CU_ASSERT_FALSE (EXPLAINS (right, TRUE));
  CU_ASSERT_TRUE (EXPLAINS_LOOSELY (right, TRUE));
}

static void
test_lost (void)
{
  /* Acknowledged, then absent, with no delete at all. */
  const HistoryCall lost[] = { CALL (0, 0, 10, PUT, TRUE), CALL (1, 20, 30, GET, FALSE) };
  /* The same at once: the get may have come first. */
  const HistoryCall beside[] = { CALL (0, 0, 25, PUT, TRUE),
                                 CALL (1, 20, 30, GET, FALSE) };
  /* A delete that ended before the put began takes nothing from it. */
  const HistoryCall early[] = { CALL (2, 0, 5, DELETE, FALSE),
                                CALL (0, 10, 20, PUT, TRUE),
                                CALL (1, 30, 40, CONTAINS, FALSE) };

  CU_ASSERT_FALSE (EXPLAINS (lost, FALSE));
  CU_ASSERT_FALSE (EXPLAINS_LOOSELY (lost, FALSE));
  CU_ASSERT_TRUE (EXPLAINS (beside, FALSE));
  CU_ASSERT_FALSE (EXPLAINS (early, FALSE));
}

static void
test_created_twice (void)
{
  const HistoryCall twice[] = { CALL (0, 0, 30, PUT, TRUE), CALL (1, 10, 40, PUT, TRUE) };
  const HistoryCall between[] = { CALL (0, 0, 30, PUT, TRUE), CALL (1, 10, 40, PUT, TRUE),
                                  CALL (2, 5, 35, DELETE, TRUE) };
  const HistoryCall never[] = { CALL (0, 0, 30, PUT, FALSE),
                                CALL (1, 10, 40, PUT, FALSE) };

  CU_ASSERT_FALSE (EXPLAINS (twice, FALSE));
  CU_ASSERT_TRUE (EXPLAINS_LOOSELY (twice, FALSE));
  CU_ASSERT_TRUE (EXPLAINS (between, FALSE));
  CU_ASSERT_FALSE (EXPLAINS (never, FALSE));
}

/* Two readers see one change, the later one the older state. */
static void
test_back_in_time (void)
{
  const HistoryCall back[] = { CALL (0, 0, 100, PUT, TRUE), CALL (1, 10, 20, GET, TRUE),
                               CALL (2, 30, 40, GET, FALSE) };
  const HistoryCall forth[] = { CALL (0, 0, 100, PUT, TRUE), CALL (1, 10, 20, GET, FALSE),
                                CALL (2, 30, 40, GET, TRUE) };

  CU_ASSERT_FALSE (EXPLAINS (back, FALSE));
  CU_ASSERT_TRUE (EXPLAINS (forth, FALSE));
}

static void
test_same_microsecond (void)
{
  const HistoryCall same[] = { CALL (0, 0, 10, PUT, TRUE), CALL (1, 10, 20, GET, FALSE) };
  const HistoryCall one_thread[] = { CALL (0, 0, 10, PUT, TRUE),
                                     CALL (0, 10, 10, GET, FALSE) };

  CU_ASSERT_TRUE (EXPLAINS (same, FALSE));
  CU_ASSERT_FALSE (EXPLAINS (one_thread, FALSE));
}

/* ---- Random ones ---- */

#define RANDOM_HISTORIES 2000
#define RANDOM_CALLS 24
#define RANDOM_THREADS 4

/* A call of its thread at that moment, answered as it has to be. Returns: the state
 * after it */
static gboolean
random_call (GRand *rand, HistoryCall *call, gint64 moment, gboolean stored)
{
  call->kind = (HistoryKind) g_rand_int_range (rand, 0, HISTORY_NONE);
  call->begin = moment;
  call->end = moment;
  call->answer = call->kind == HISTORY_PUT ? !stored : stored;
  if (call->kind == HISTORY_PUT || call->kind == HISTORY_DELETE)
    return call->kind == HISTORY_PUT;
  return stored;
}

/* Each begins some time before its moment and ends some time after, but not while its
 * thread has another. */
static void
random_blur (GRand *rand, HistoryCall *calls)
{
  gint64 free_since[RANDOM_THREADS] = { 0 };

  for (guint i = 0; i < RANDOM_CALLS; i++)
    {
      HistoryCall *call = &calls[i];
      gint64 next = (RANDOM_CALLS + 1) * 100;
      for (guint k = RANDOM_CALLS; k-- > i + 1;)
        if (calls[k].thread == call->thread)
          next = calls[k].begin;
      call->begin -= g_rand_int_range (rand, 0, 400);
      call->begin = MAX (call->begin, free_since[call->thread]);
      gint64 end = call->end + g_rand_int_range (rand, 0, 400);
      call->end = MIN (end, next);
      free_since[call->thread] = call->end;
    }
}

static void
random_history (GRand *rand, HistoryCall *calls, gboolean stored)
{
  for (guint i = 0; i < RANDOM_CALLS; i++)
    {
      calls[i] =
          (HistoryCall){ .thread = (guint) g_rand_int_range (rand, 0, RANDOM_THREADS) };
      stored = random_call (rand, &calls[i], 100 * (i + 1), stored);
    }
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = test_rand_new ("histories");
  guint n_explained = 0, n_caught = 0;

  for (guint i = 0; i < RANDOM_HISTORIES; i++)
    {
      HistoryCall calls[RANDOM_CALLS];
      gboolean stored = g_rand_boolean (rand);
      random_history (rand, calls, stored);
      guint lie = (guint) g_rand_int_range (rand, 0, RANDOM_CALLS);
      /* One after another, there is one order, and a lie is never right. */
      CU_ASSERT_TRUE (explains (calls, RANDOM_CALLS, stored, TRUE));
      calls[lie].answer = !calls[lie].answer;
      n_caught += !explains (calls, RANDOM_CALLS, stored, TRUE);
      calls[lie].answer = !calls[lie].answer;
      random_blur (rand, calls);
      n_explained += explains (calls, RANDOM_CALLS, stored, TRUE);
    }
  CU_ASSERT_EQUAL (n_explained, RANDOM_HISTORIES);
  CU_ASSERT_EQUAL (n_caught, RANDOM_HISTORIES);
  test_score ("linearizability: planted lies that the checker caught", "%u of %u",
              n_caught, RANDOM_HISTORIES);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C77 calls one after another are right in their own order only", test_in_order },
    { "C77 a blob that is acknowledged and gone is not explained", test_lost },
    { "C77 two creations need a delete that may have been between", test_created_twice },
    { "C77 a later reader may not see the older state", test_back_in_time },
    { "C77 in one microsecond either may have been first, in one thread not",
      test_same_microsecond },
    { "C77 2,000 random histories are explained, and not with one lie", test_random },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "the judge of histories", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
