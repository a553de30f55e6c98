/* SPDX-License-Identifier: Apache-2.0
 *
 * fated-plugin.c: a plugin that fits the ABI and ends the process from its constructor,
 * never comes out of it, or disturbs what `cask plugins` hears of it (L41). */

#include <cask/cask-plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef FATE_fork
/* Starts a process that outlives the one which loads the plugin, with its descriptors,
 * and writes its number to the file that CASK_FATED_FORK names. */
static void
fated_fork (void)
{
  const char *path = getenv ("CASK_FATED_FORK");
  pid_t child = path != NULL ? fork () : -1;

  if (child == 0)
    {
      alarm (120);
      pause ();
    }
  FILE *file = child > 0 ? fopen (path, "w") : NULL;
  if (file == NULL)
    return;
  fprintf (file, "%d\n", (int) child);
  fclose (file);
}
#endif

__attribute__ ((constructor)) static void
fated_meet_end (void)
{
#ifdef FATE_abort
  abort ();
#elif defined FATE_hang
  setpgid (0, getpgid (getppid ())); /* out of reach of who ends a group */
  pause ();
#elif defined FATE_fork
  fated_fork ();
#elif defined FATE_flood
  /* The pipe of tools/probe.c. */
  static const char block[65536];
  while (write (3, block, sizeof block) > 0)
    continue;
#else
  _exit (0);
#endif
}

static const CaskBackendOps fated_ops = { .size = sizeof (CaskBackendOps) };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND, .name = FATE_NAME, .version = "1.0",
                    .summary = "Ends the process that loads it", .license = "Apache-2.0",
                    .homepage = "https://example.org/", .ops = &fated_ops)
