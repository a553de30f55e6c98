/* SPDX-License-Identifier: Apache-2.0
 *
 * test-support.h: what every test program needs. */
#pragma once

#include <CUnit/CUnit.h>
#include <gio/gio.h>

/* Runs the suites and prints each failure. Returns: what main is to return; CUnit's own
 * runners report success although tests failed, so this counts for itself. Arguments name
 * tests to run: a part of a suite's or a test's name; --list prints them. */
int test_main (int argc, char **argv, CU_SuiteInfo *suites);

/* A new empty directory, removed with all that is in it when the program ends. Returns:
 * (transfer none) */
const char *test_directory (void);

/* Removes a tree, following no symbolic link. */
void test_remove_tree (const char *path);

/* Asserts that a call failed with this code and that its message has this text; then
 * forgets the error. */
#define TEST_ERROR(error, domain_, code_, text_)                                         \
  test_error (&(error), domain_, (int) (code_), text_, __FILE__, __LINE__)
void test_error (GError **error, GQuark domain, int code, const char *text,
                 const char *file, guint line);

/* Asserts that nothing failed; says what did. */
#define TEST_NO_ERROR(error) test_no_error (&(error), __FILE__, __LINE__)
void test_no_error (GError **error, const char *file, guint line);

/* A random generator whose seed is printed, and taken from CASK_TEST_SEED where that is
 * set. */
GRand *test_rand_new (const char *what);

/* A row of the scoreboard (docs/RELIABILITY.md): prints it, and adds it to the file that
 * CASK_SCORE_FILE names, where it does: "row TAB figure". */
void test_score (const char *row, const char *format, ...) G_GNUC_PRINTF (2, 3);
