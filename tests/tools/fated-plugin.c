/* SPDX-License-Identifier: Apache-2.0
 *
 * fated-plugin.c: a plugin that fits the ABI and ends the process from its constructor,
 * or never comes out of it (L41). */

#include <cask/cask-plugin.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__ ((constructor)) static void
fated_meet_end (void)
{
#ifdef FATE_abort
  abort ();
#elif defined FATE_hang
  pause ();
#else
  _exit (0);
#endif
}

static const CaskBackendOps fated_ops = { .size = sizeof (CaskBackendOps) };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND, .name = FATE_NAME, .version = "1.0",
                    .summary = "Ends the process that loads it", .license = "Apache-2.0",
                    .homepage = "https://example.org/", .ops = &fated_ops)
