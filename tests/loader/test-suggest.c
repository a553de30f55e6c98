/* SPDX-License-Identifier: Apache-2.0
 *
 * test-suggest.c: which known word a mistyped one is taken for. */
#include "config-private.h"
#include "test-support.h"

#define N(words) G_N_ELEMENTS (words)

/* Whether `given` is taken for the one known word. */
static gboolean
is_near (const char *given, const char *known)
{
  return cask_suggest (given, &known, 1) == known;
}

/* Two edits at least are forgiven, and of a long word a third of its letters. */
static void
test_distance (void)
{
  CU_ASSERT_TRUE (is_near ("memory", "memory"));
  CU_ASSERT_TRUE (is_near ("memry", "memory"));
  CU_ASSERT_TRUE (is_near ("mmeory", "memory"));
  CU_ASSERT_TRUE (is_near ("mmeroy", "memory"));
  CU_ASSERT_TRUE (is_near ("memoxx", "memory"));
  CU_ASSERT_FALSE (is_near ("memxxx", "memory"));
  CU_ASSERT_FALSE (is_near ("mem", "memory"));
  CU_ASSERT_TRUE (is_near ("durabilxxx", "durability"));
  CU_ASSERT_FALSE (is_near ("durabixxxx", "durability"));
  CU_ASSERT_TRUE (is_near ("MEMORY", "memory"));
}

/* Words that share nothing are not near, however short they are. */
static void
test_short (void)
{
  CU_ASSERT_FALSE (is_near ("x", "y"));
  CU_ASSERT_FALSE (is_near ("xy", "fs"));
  CU_ASSERT_TRUE (is_near ("fx", "fs"));
  CU_ASSERT_TRUE (is_near ("sf", "fs"));
  CU_ASSERT_TRUE (is_near ("abc", "abcd"));
  CU_ASSERT_FALSE (is_near ("ab", "abcd"));
  CU_ASSERT_FALSE (is_near ("a", "ab"));
  CU_ASSERT_FALSE (is_near ("", "fs"));
  CU_ASSERT_FALSE (is_near ("fs", ""));
}

/* Neighbours that changed places are one edit, others are two. */
static void
test_swaps (void)
{
  const char *known[] = { "abxy", "bacd" };
  CU_ASSERT_PTR_EQUAL (cask_suggest ("abcd", known, N (known)), known[1]);
  const char *wrong[] = { "dcba", "abxd" };
  CU_ASSERT_PTR_EQUAL (cask_suggest ("abcd", wrong, N (wrong)), wrong[1]);
  CU_ASSERT_FALSE (is_near ("cxxa", "abcd"));
}

static void
test_nearest (void)
{
  const char *known[] = { "layout", "layoux", "layer" };
  CU_ASSERT_PTR_EQUAL (cask_suggest ("layout", known, N (known)), known[0]);
  CU_ASSERT_PTR_EQUAL (cask_suggest ("layouu", known, N (known)), known[0]);
  CU_ASSERT_PTR_EQUAL (cask_suggest ("laye", known, N (known)), known[2]);
  CU_ASSERT_PTR_NULL (cask_suggest ("nothing", known, N (known)));
  CU_ASSERT_PTR_NULL (cask_suggest ("layout", known, 0));
}

static void
test_long (void)
{
  g_autofree char *most = g_strnfill (64, 'a'), *more = g_strnfill (65, 'a');
  g_autofree char *huge = g_strnfill (1 << 20, 'a');
  CU_ASSERT_TRUE (is_near (most, most));
  CU_ASSERT_FALSE (is_near (more, most));
  CU_ASSERT_FALSE (is_near (most, more));
  CU_ASSERT_FALSE (is_near (huge, huge));
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "G2 a few wrong letters are forgiven", test_distance },
    { "G2 short words have to share something", test_short },
    { "G2 letters that changed places are one mistake", test_swaps },
    { "G2 the nearest word is taken, the first of equals", test_nearest },
    { "G6 words of more than 64 bytes are near to nothing", test_long },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "suggestions", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
