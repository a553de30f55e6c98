/* SPDX-License-Identifier: Apache-2.0
 *
 * test-tsan-truth.c: ThreadSanitizer as it is used here reports a race, and none where
 * GLib orders the threads. Each half alone would be worth nothing. */
#include <test-support.h>

#include <string.h>
#include <sys/wait.h>

/* What a program ends with that had a race. */
#define TRUTH_RACE_STATUS 66

/* Returns: (transfer full): what the program said */
static char *
truth_run (const char *kind, const char *suffix, int *status)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *argument = g_strconcat (kind, suffix, NULL);
  char *arguments[] = { (char *) TSAN_RACES, argument, NULL };
  char *said = NULL;
  int wait_status = -1;

  g_spawn_sync (NULL, arguments, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                &said, &wait_status, &error);
  TEST_NO_ERROR (error);
  *status = WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : -1;
  return said;
}

static void
truth_expect (const char *kind, const char *where)
{
  int with_race = -1, without = -1;
  g_autofree char *reported = truth_run (kind, "", &with_race);
  g_autofree char *silent = truth_run (kind, "-locked", &without);

  CU_ASSERT_EQUAL (with_race, TRUTH_RACE_STATUS);
  CU_ASSERT (reported != NULL && strstr (reported, "data race") != NULL);
  CU_ASSERT (reported != NULL && strstr (reported, where) != NULL);
  CU_ASSERT_EQUAL (without, 0);
  CU_ASSERT_STRING_EQUAL (silent != NULL ? silent : "nothing", "");
}

static void
test_counter (void)
{
  truth_expect ("counter", "races_count");
}

static void
test_condition (void)
{
  truth_expect ("condition", "races_wait");
}

static void
test_once (void)
{
  truth_expect ("once", "races_once");
}

static void
test_object (void)
{
  truth_expect ("object", "races_drop");
}

static void
test_bytes (void)
{
  truth_expect ("bytes", "races_drop_bytes");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "a counter without a lock is a race, and none under a GMutex", test_counter },
    { "what is written after a GCond was told is a race, before it none",
      test_condition },
    { "two that make one thing are a race, and none within g_once_init_enter",
      test_once },
    { "a use after one's reference was dropped is a race, before it none", test_object },
    { "bytes that are read after an unref are a race, before it none", test_bytes },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { "what ThreadSanitizer tells", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL
  };

  return test_main (argc, argv, suites);
}
