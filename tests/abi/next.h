/* SPDX-License-Identifier: Apache-2.0
 *
 * next.h: what the host and the plugins of the next minor (next.cmake) know beyond this
 * one. */
#pragma once

#include <cask/cask-plugin.h>

/* What the host of the next minor puts into its new members. */
#define NEXT_HOST_WORD G_GUINT64_CONSTANT (0x100)
#define NEXT_ARGS_WORD G_GUINT64_CONSTANT (0x20)
#define NEXT_SPEC_WORD G_GUINT64_CONSTANT (0x3)

/* By this a size that comes from a plugin's own next_size can be told from one that the
 * host made up by stat. */
#define NEXT_SIZE_MARK (G_GUINT64_CONSTANT (1) << 40)

#if CASK_PLUGIN_ABI_MINOR > 0
/* The host's functions for the new slots: one that it emulates, one that it can not. */
gboolean cask_node_next_size (CaskBackend *self, const CaskDigest *digest, guint64 *size,
                              GCancellable *cancellable, GError **error);
gboolean cask_node_next_mark (CaskBackend *self, GCancellable *cancellable,
                              GError **error);
#endif
