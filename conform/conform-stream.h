/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-stream.h: streams in one shape for both ways, as conform-case.h has it for the
 * store: which way is taken is what `c->calls` says. */
#pragma once

#include "conform-case.h"

#include <cask/cask-input-stream.h>

CaskInputStream *stream_open (Conform *c, const CaskDigest *digest,
                              GCancellable *cancellable, GError **error);
gssize stream_read (Conform *c, gpointer stream, void *buffer, gsize count,
                    GCancellable *cancellable, GError **error);
gssize stream_skip (Conform *c, gpointer stream, gsize count, GCancellable *cancellable,
                    GError **error);
gboolean stream_close (Conform *c, gpointer stream, GError **error);
gssize stream_splice (Conform *c, GOutputStream *output, gpointer stream,
                      GOutputStreamSpliceFlags flags, GError **error);

/* Opens without a failure. Returns: (nullable): NULL after a failed assertion */
CaskInputStream *stream_open_well (Conform *c, const CaskDigest *digest);
/* Reads to the end or to an error in reads of `piece` bytes. Returns: (transfer full):
 * what was read */
GByteArray *stream_drain (Conform *c, gpointer stream, gsize piece, GError **error);
/* Reads to the end, without a failure, what must be the rest of source from offset on. */
void stream_expect_rest (Conform *c, gpointer stream, GBytes *source, gsize offset,
                         gsize piece);
/* Without a failure. */
void stream_seek_to (gpointer stream, goffset offset);
