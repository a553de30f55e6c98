/* SPDX-License-Identifier: Apache-2.0
 *
 * test-contract.c: the conformance kit against the store that the environment names:
 * CASK_CONTRACT_CONFIG (`memory:` where it names none). CASK_TEST_LONG is --long, and
 * CASK_TEST_SEED --seed. Arguments are numbers or parts of the names of cases. */
#include <cask/cask-conform.h>

static void
runner_add (GPtrArray *arguments, const char *option, const char *value)
{
  if (option != NULL)
    g_ptr_array_add (arguments, (gpointer) option);
  if (value != NULL)
    g_ptr_array_add (arguments, (gpointer) value);
}

int
main (int argc, char **argv)
{
  const char *config = g_getenv ("CASK_CONTRACT_CONFIG");
  const char *seed = g_getenv ("CASK_TEST_SEED");
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();

  if (argc > 2 && g_str_equal (argv[1], "--child"))
    return cask_conform_main (argc, argv);
  runner_add (arguments, NULL, argv[0]);
  for (int i = 1; i < argc; i++)
    runner_add (arguments, g_str_has_prefix (argv[i], "--") ? NULL : "--case", argv[i]);
  if (g_getenv ("CASK_TEST_LONG") != NULL)
    runner_add (arguments, "--long", NULL);
  if (seed != NULL)
    runner_add (arguments, "--seed", seed);
  runner_add (arguments, NULL, config != NULL ? config : "memory:");
  int count = (int) arguments->len;
  g_ptr_array_add (arguments, NULL);
  return cask_conform_main (count, (char **) arguments->pdata);
}
