/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-hostile.c: F3-F7, F9, F10, F14: the fs backend in hostile places. Every
 * operation is tried in each; the scoreboard has how many that were.
 *
 * CASK_TEST_DIR is where (default /var/tmp): scripts/nightly runs all of it once on each
 * filesystem that can be had. */
#include "fs-place.h"

#include "test-support.h"

int
main (int argc, char **argv)
{
  fs_plugin (); /* before anybody gives up the right to read it */
  fs_place_count ();
  CU_SuiteInfo suites[] = {
    { "fs: walls", NULL, NULL, NULL, NULL, fs_wall_tests },
    { "fs: away", NULL, NULL, NULL, NULL, fs_away_tests },
    { "fs: full", NULL, NULL, NULL, NULL, fs_full_tests },
    { "fs: exchange", NULL, NULL, NULL, NULL, fs_exchange_tests },
    CU_SUITE_INFO_NULL,
  };
  int status = test_main (argc, argv, suites);
  test_score ("hostile places: checks", "%u operations, each in a place of its own",
              fs_place_count ());
  return status;
}
