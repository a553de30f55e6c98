/* SPDX-License-Identifier: Apache-2.0
 *
 * test-plugin-path.c: the built-in plugin directory lies beside the library, wherever
 * that is. */
#include "test-support.h"

#include <cask/cask-plugins.h>

#include <dlfcn.h>
#include <string.h>

static void
test_builtin (void)
{
  Dl_info place;
  g_autoptr (GError) error = NULL;
  char **(*list) (void) = cask_list_plugins;
  void *address;

  memcpy (&address, &list, sizeof address);
  CU_ASSERT_NOT_EQUAL (dladdr (address, &place), 0);
  g_autofree char *directory = g_path_get_dirname (place.dli_fname);
  g_autofree char *expected = g_build_filename (directory, "cask/plugins-1", NULL);
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new ("never-there", &error);
  CU_ASSERT_PTR_NULL (info);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND, expected);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "the built-in directory is beside the library", test_builtin },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "plugin path", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  g_unsetenv ("CASK_PLUGIN_PATH");
  return test_main (argc, argv, suites);
}
