/* SPDX-License-Identifier: Apache-2.0
 *
 * test-support.c: runs CUnit suites, and cleans up behind them. */
#include "test-support.h"

#include <CUnit/Basic.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static GPtrArray *directories;
static pid_t directories_owner;

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void) status;
  (void) place;
  if (type == FTW_DP || type == FTW_DNR)
    return rmdir (path);
  return unlink (path);
}

static int
open_up_entry (const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void) place;
  if (type == FTW_D || type == FTW_DNR)
    (void) !chmod (path, status->st_mode | S_IRWXU);
  return 0;
}

void
test_remove_tree (const char *path)
{
  nftw (path, open_up_entry, 16, FTW_PHYS);
  nftw (path, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
}

static void
remove_directories (void)
{
  /* A child that was forked by a test ends without taking its parent's files along. */
  if (directories_owner == getpid ())
    for (guint i = 0; i < directories->len; i++)
      test_remove_tree (directories->pdata[i]);
}

const char *
test_directory (void)
{
  if (directories == NULL)
    {
      directories = g_ptr_array_new_with_free_func (g_free);
      directories_owner = getpid ();
      atexit (remove_directories);
    }
  char *path = g_dir_make_tmp ("cask-test-XXXXXX", NULL);
  g_assert (path != NULL);
  g_ptr_array_add (directories, path);
  return path;
}

void
test_error (GError **error, GQuark domain, int code, const char *text, const char *file,
            guint line)
{
  gboolean right = g_error_matches (*error, domain, code) &&
                   (text == NULL || strstr ((*error)->message, text) != NULL);

  if (!right)
    printf ("\n  %s:%u: expected %s %d with \"%s\", got %s %d: %s\n", file, line,
            g_quark_to_string (domain), code, text != NULL ? text : "",
            *error != NULL ? g_quark_to_string ((*error)->domain) : "no error",
            *error != NULL ? (*error)->code : 0, *error != NULL ? (*error)->message : "");
  CU_assertImplementation (right, line, "the expected error", file, "", CU_FALSE);
  g_clear_error (error);
}

void
test_no_error (GError **error, const char *file, guint line)
{
  if (*error != NULL)
    printf ("\n  %s:%u: %s\n", file, line, (*error)->message);
  CU_assertImplementation (*error == NULL, line, "no error", file, "", CU_FALSE);
  g_clear_error (error);
}

GRand *
test_rand_new (const char *what)
{
  const char *given = g_getenv ("CASK_TEST_SEED");
  guint32 seed =
      given != NULL ? (guint32) g_ascii_strtoull (given, NULL, 0) : g_random_int ();

  printf ("\n  %s: CASK_TEST_SEED=%u\n", what, seed);
  return g_rand_new_with_seed (seed);
}

void
test_score (const char *row, const char *format, ...)
{
  const char *path = g_getenv ("CASK_SCORE_FILE");
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *figure = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  printf ("\n  %s: %s\n", row, figure);
  if (path == NULL)
    return;
  FILE *file = fopen (path, "ae");
  /* One write, so that lines of several programs do not mix. */
  if (file == NULL || fprintf (file, "%s\t%s\n", row, figure) < 0 || fclose (file) != 0)
    CU_FAIL ("the scoreboard can not be written");
}

static gboolean
name_is_wanted (const char *suite, const char *test, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (strstr (suite, argv[i]) != NULL || strstr (test, argv[i]) != NULL)
      return TRUE;
  return argc < 2;
}

static void
select_tests (int argc, char **argv)
{
  for (CU_pSuite suite = CU_get_registry ()->pSuite; suite != NULL; suite = suite->pNext)
    for (CU_pTest test = suite->pTest; test != NULL; test = test->pNext)
      CU_set_test_active (test, name_is_wanted (suite->pName, test->pName, argc, argv));
}

static int
list_tests (void)
{
  for (CU_pSuite suite = CU_get_registry ()->pSuite; suite != NULL; suite = suite->pNext)
    for (CU_pTest test = suite->pTest; test != NULL; test = test->pNext)
      printf ("%s: %s\n", suite->pName, test->pName);
  return 0;
}

int
test_main (int argc, char **argv, CU_SuiteInfo *suites)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (CU_initialize_registry () != CUE_SUCCESS ||
      CU_register_suites (suites) != CUE_SUCCESS)
    {
      fprintf (stderr, "CUnit: %s\n", CU_get_error_msg ());
      return 2;
    }
  if (argc == 2 && g_str_equal (argv[1], "--list"))
    return list_tests ();

  select_tests (argc, argv);
  CU_set_fail_on_inactive (CU_FALSE);
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures () + CU_get_number_of_suites_failed ();
  guint run = CU_get_number_of_tests_run ();
  CU_cleanup_registry ();
  return failures > 0 || run == 0;
}
