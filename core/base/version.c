/* SPDX-License-Identifier: Apache-2.0
 *
 * version.c: which Cask is loaded. */
#include <cask/cask-version.h>

/**
 * cask_version:
 *
 * The version of the library that is loaded, which may be newer than the headers a
 * program was compiled with.
 *
 * Returns: (transfer none): for example "1.0.0"
 *
 * Since: 1.0
 */
const char *
cask_version (void)
{
  return G_STRINGIFY (CASK_MAJOR_VERSION) "." G_STRINGIFY (
      CASK_MINOR_VERSION) "." G_STRINGIFY (CASK_MICRO_VERSION);
}
