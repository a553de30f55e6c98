/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-threads.c: one store, and two threads that call it at once. */
#include "ways.h"

#include "pair.h"

gpointer
ways_two_open_none (const char *directory, GError **error)
{
  return bench_pair_new (ways_open_none (directory, error));
}

gpointer
ways_two_open_memory (const char *directory, GError **error)
{
  return bench_pair_new (ways_open_memory (directory, error));
}

void
ways_two_close (gpointer place)
{
  ways_close (bench_pair_free (place));
}

gboolean
ways_two_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, ways_put_new, blobs, n_blobs, error);
}

gboolean
ways_two_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                       GError **error)
{
  return bench_pair_run (place, ways_put_existing, blobs, n_blobs, error);
}

gboolean
ways_two_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, ways_get, blobs, n_blobs, error);
}

gboolean
ways_two_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, ways_get_range, blobs, n_blobs, error);
}

gboolean
ways_two_contains (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, ways_contains, blobs, n_blobs, error);
}

gboolean
ways_two_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                          GError **error)
{
  return bench_pair_run (place, ways_contains_absent, blobs, n_blobs, error);
}

gboolean
ways_two_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, ways_delete, blobs, n_blobs, error);
}
