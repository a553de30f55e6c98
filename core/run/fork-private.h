/* SPDX-License-Identifier: Apache-2.0
 *
 * fork-private.h: what was opened before a fork is closed in the child. */
#pragma once

#include <glib.h>

/* Installs the hook, once. To be called before the first thread or lock of ours is used.
 */
void cask_fork_watch (void);

/* How many forks lie between this process and the one that loaded the library. Whoever
 * remembers another number than this was set up by an ancestor, whose threads do not
 * exist here. */
guint cask_fork_generation (void);
