/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-version.h: which Cask this is. CMake reads the numbers from here. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CASK_MAJOR_VERSION 1
#define CASK_MINOR_VERSION 0
#define CASK_MICRO_VERSION 0

/** CASK_CHECK_VERSION: whether the headers are of at least this version. Since: 1.0 */
#define CASK_CHECK_VERSION(major, minor, micro)                                          \
  (CASK_MAJOR_VERSION > (major) ||                                                       \
   (CASK_MAJOR_VERSION == (major) && CASK_MINOR_VERSION > (minor)) ||                    \
   (CASK_MAJOR_VERSION == (major) && CASK_MINOR_VERSION == (minor) &&                    \
    CASK_MICRO_VERSION >= (micro)))

const char *cask_version (void);

G_END_DECLS
