/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-main.c: the contract of every store, run against the one that
 * CASK_CONTRACT_CONFIG names (`memory:` where it names none). */
#include "contract.h"

#include <stdio.h>

#define BOTH_WAYS(name, tests)                                                           \
  { name ", synchronously", contract_use_sync_calls, NULL, NULL, NULL, tests },          \
  {                                                                                      \
    name ", asynchronously", contract_use_async_calls, NULL, NULL, NULL, tests           \
  }
#define ONE_WAY(name, tests)                                                             \
  {                                                                                      \
    name, contract_use_sync_calls, NULL, NULL, NULL, tests                               \
  }

static CU_SuiteInfo contract_suites[] = {
  BOTH_WAYS ("put and get", contract_put_get_tests),
  BOTH_WAYS ("ranges and stat", contract_ranges_tests),
  BOTH_WAYS ("delete", contract_delete_tests),
  BOTH_WAYS ("list", contract_list_tests),
  BOTH_WAYS ("cancellation", contract_cancel_tests),
  BOTH_WAYS ("concurrency", contract_concurrency_tests),
  BOTH_WAYS ("crowds", contract_crowd_tests),
  BOTH_WAYS ("integrity", contract_integrity_tests),
  BOTH_WAYS ("policies", contract_policy_tests),
  BOTH_WAYS ("truthfulness", contract_truth_tests),
  ONE_WAY ("options", contract_options_tests),
  BOTH_WAYS ("use and removal", contract_removal_tests),
  ONE_WAY ("use against removal", contract_race_tests),
  ONE_WAY ("the loop", contract_loop_tests),
  BOTH_WAYS ("the end", contract_end_tests),
  CU_SUITE_INFO_NULL,
};

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--child"))
    return contract_child_main (argv[2]);

  const char *config = g_getenv ("CASK_CONTRACT_CONFIG");
  printf ("\nthe contract of %s\n", config != NULL ? config : "memory:");
  return test_main (argc, argv, contract_suites);
}
