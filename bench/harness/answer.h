/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.h: whether an answer is what it must be. */
#pragma once

#include "bench.h"

/* Returns: is_right; FALSE with "what: not what it must be". */
gboolean bench_answer (gboolean is_right, const char *what, GError **error);
/* Whether that many bytes are the whole blob. Nothing is known of one whose bytes were
 * dropped. */
gboolean bench_answer_size (const BenchBlob *blob, guint64 size, GError **error);
/* Whether a put has made the blob or found it. There is one blob of the size 0 only, so
 * its second put finds it. */
gboolean bench_answer_created (const BenchBlob *blob, gboolean created, gboolean expected,
                               GError **error);
/* Where a get range begins, and how much there is. */
gsize bench_range (const BenchBlob *blob, gsize *length);
