/* SPDX-License-Identifier: Apache-2.0
 *
 * source.h: a file, or standard input, whose bytes become a blob. */
#pragma once

#include <gio/gio.h>
#include "progress.h"

/** Source: one of them, open. */
typedef struct
{
  int fd;
  gboolean owned;   /* the descriptor is ours to close */
  gboolean regular; /* a read of it does not wait for anybody */
  gboolean ended;
  guint64 size;  /* CASK_UNKNOWN where it cannot be told in advance */
  guint64 taken; /* read so far */
  Progress *progress;
} Source;

/** SOURCE_SMALL: a source of up to that many bytes is read whole, whatever size it was
 * said to have. */
#define SOURCE_SMALL ((gsize) 1024 * 1024)

Source *source_new (const char *name, gboolean dash_is_input, const char *verb,
                    GError **error);
gboolean source_fill (Source *source, char *buffer, gsize room, gsize *count,
                      GCancellable *cancellable, GError **error);
void source_free (Source *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Source, source_free)
