/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-host.c: an author's test program: the kit's main for a backend that it knows
 * itself (of the file PLUGIN_FILE, registered, or in PLUGIN_DIR, added); and without
 * arguments the kit's functions, one by one. */
#include <cask/cask.h>
#include <cask/cask-conform.h>
#include <dlfcn.h>
#include <stdio.h>

static guint n_told;

static void
host_tell (const CaskConformResult *result, gpointer data)
{
  (void) data;
  if (result->outcome == CASK_CONFORM_BEGUN || !g_str_equal (result->promise, "S1"))
    return;
  if (result->outcome == CASK_CONFORM_PASSED && result->details == NULL)
    n_told++;
}

static int
host_use_functions (void)
{
  g_autoptr (GError) error = NULL;
  CaskConformCounts counts;
  g_autoptr (CaskConform) conform = cask_conform_new ("memory:");

  cask_conform_add_case (conform, "C19 the first put is created");
  cask_conform_set_length (conform, CASK_CONFORM_QUICK);
  cask_conform_set_seed (conform, 19);
  cask_conform_set_func (conform, host_tell, NULL);
  g_auto (GStrv) names = cask_conform_list_cases (conform);
  if (g_strv_length (names) != 2 || cask_conform_get_seed (conform) != 19)
    return 4;
  if (!cask_conform_run (conform, &counts, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 5;
    }
  return counts.n_passed == 2 && counts.n_failed == 0 && n_told == 2 ? 0 : 6;
}

static int
host_register (const char *file)
{
  g_autoptr (GError) error = NULL;
  void *handle = dlopen (file, RTLD_NOW);
  const CaskPlugin *plugin = handle != NULL ? dlsym (handle, "cask_plugin") : NULL;

  if (plugin == NULL || !cask_register_plugin (plugin, &error))
    {
      fprintf (stderr, "%s\n", error != NULL ? error->message : dlerror ());
      return 7;
    }
  return 0;
}

int
main (int argc, char **argv)
{
  const char *file = g_getenv ("PLUGIN_FILE"), *directory = g_getenv ("PLUGIN_DIR");

  if (argc < 2)
    return host_use_functions ();
  if (directory != NULL)
    cask_add_plugin_dir (directory);
  if (file != NULL && host_register (file) != 0)
    return 7;
  return cask_conform_main (argc, argv);
}
