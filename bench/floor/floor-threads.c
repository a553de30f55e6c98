/* SPDX-License-Identifier: Apache-2.0
 *
 * floor-threads.c: the floor on two threads, which says how far a machine scales. */
#include "floor.h"

#include "pair.h"

gpointer
floor_two_open (const char *directory, GError **error)
{
  return bench_pair_new (floor_open (directory, error));
}

void
floor_two_close (gpointer place)
{
  floor_close (bench_pair_free (place));
}

gboolean
floor_two_put (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, floor_put, blobs, n_blobs, error);
}

gboolean
floor_two_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, floor_get, blobs, n_blobs, error);
}

gboolean
floor_two_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error)
{
  return bench_pair_run (place, floor_get_range, blobs, n_blobs, error);
}

gboolean
floor_two_contains (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, floor_contains, blobs, n_blobs, error);
}

gboolean
floor_two_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error)
{
  return bench_pair_run (place, floor_contains_absent, blobs, n_blobs, error);
}

gboolean
floor_two_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, floor_delete, blobs, n_blobs, error);
}

/* ---- In memory ---- */

gpointer
floor_two_map_open (const char *directory, GError **error)
{
  return bench_pair_new (floor_map_open (directory, error));
}

void
floor_two_map_close (gpointer place)
{
  floor_map_close (bench_pair_free (place));
}

gboolean
floor_two_map_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                       GError **error)
{
  return bench_pair_run (place, floor_map_put_new, blobs, n_blobs, error);
}

gboolean
floor_two_map_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error)
{
  return bench_pair_run (place, floor_map_put_existing, blobs, n_blobs, error);
}

gboolean
floor_two_map_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_pair_run (place, floor_map_get, blobs, n_blobs, error);
}

gboolean
floor_two_map_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error)
{
  return bench_pair_run (place, floor_map_get_range, blobs, n_blobs, error);
}

gboolean
floor_two_map_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                        GError **error)
{
  return bench_pair_run (place, floor_map_contains, blobs, n_blobs, error);
}

gboolean
floor_two_map_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error)
{
  return bench_pair_run (place, floor_map_contains_absent, blobs, n_blobs, error);
}

gboolean
floor_two_map_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                      GError **error)
{
  return bench_pair_run (place, floor_map_delete, blobs, n_blobs, error);
}
