/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c: whether an answer is what it must be: a comparison with what answers wrongly,
 * or not at all, would be none. */
#include "answer.h"

gboolean
bench_answer (gboolean is_right, const char *what, GError **error)
{
  if (G_LIKELY (is_right))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: not what it must be", what);
  return FALSE;
}

gboolean
bench_answer_size (const BenchBlob *blob, guint64 size, GError **error)
{
  return !blob->bytes ||
         bench_answer (size == g_bytes_get_size (blob->bytes), "size", error);
}

gboolean
bench_answer_created (const BenchBlob *blob, gboolean created, gboolean expected,
                      GError **error)
{
  return bench_answer (created == expected || g_bytes_get_size (blob->bytes) == 0,
                       "created", error);
}

gsize
bench_range (const BenchBlob *blob, gsize *length)
{
  gsize size = g_bytes_get_size (blob->bytes);
  gsize offset = size / 2;
  *length = MIN (BENCH_RANGE, size - offset);
  return offset;
}
