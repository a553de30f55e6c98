/* SPDX-License-Identifier: Apache-2.0
 *
 * command-conform.c: `cask conform`: the conformance kit, which is a library of its own.
 *
 * It is opened when it is asked for: every other command starts without it, and works
 * where it is not installed. It lies beside libcask, wherever the tree was moved to. */

#include "tools-private.h"
#include "output.h"

#include <cask/cask-conform.h>
#include <dlfcn.h>
#include <stdlib.h>

#define CONFORM_LIBRARY "libcask-conform.so.1"

/* By its path, and not by the run path of this program: a sanitizer calls dlopen() for
 * us, and has none. */
static void *
conform_open_library (void)
{
  Dl_info place;

  if (dladdr ((void *) cask_version, &place) == 0)
    return dlopen (CONFORM_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  g_autofree char *canonical = realpath (place.dli_fname, NULL);
  g_autofree char *directory =
      g_path_get_dirname (canonical != NULL ? canonical : place.dli_fname);
  g_autofree char *path = g_build_filename (directory, CONFORM_LIBRARY, NULL);
  void *library = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  return library != NULL ? library : dlopen (CONFORM_LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

ToolStatus
command_conform (ToolCall *call)
{
  /* Never closed: its threads may still be there. */
  void *library = conform_open_library ();
  __typeof__ (cask_conform_main) *run =
      library != NULL ? dlsym (library, "cask_conform_main") : NULL;
  if (run == NULL)
    {
      output_error ("conform: %s", dlerror ());
      return TOOL_FAILED;
    }
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_ptr_array_add (arguments, (gpointer) "cask conform");
  for (char **argument = call->arguments; *argument; argument++)
    g_ptr_array_add (arguments, *argument);
  int count = (int) arguments->len;
  g_ptr_array_add (arguments, NULL);
  return (ToolStatus) run (count, (char **) arguments->pdata);
}
