/* SPDX-License-Identifier: Apache-2.0
 *
 * layer.c: the smallest whole layer: it delegates everything to its one child. */
#include <cask/cask-plugin.h>

struct _CaskBackend
{
  guint64 nothing;
};

static CaskBackend *
layer_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) args;
  (void) cancellable;
  (void) error;
  return g_new0 (CaskBackend, 1);
}

static void
layer_close (CaskBackend *self)
{
  g_free (self);
}

static const CaskBackendOps layer_ops = { .size = sizeof (CaskBackendOps),
                                          .open = layer_open,
                                          .close = layer_close };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_LAYER, .min_children = 1, .max_children = 1,
                    .capabilities = G_MAXUINT64, .needs = CASK_NEEDS_DELEGATION,
                    .name = ZOO_NAME, .version = "1.0", .summary = "Adds nothing",
                    .ops = &layer_ops)
