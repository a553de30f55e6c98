/* SPDX-License-Identifier: Apache-2.0
 *
 * floor.h: what the least would be that keeps blobs. */
#pragma once

#include "bench.h"

#define FLOOR_SHARDS 256

/* A directory of shards (floor-files.c). */
typedef struct
{
  int root;
  int shards[FLOOR_SHARDS];
  gboolean is_durable;
} Floor;

gpointer floor_open (const char *directory, GError **error);
gpointer floor_open_durable (const char *directory, GError **error);
void floor_close (gpointer place);

gboolean floor_put (gpointer place, const BenchBlob *blobs, guint n_blobs,
                    GError **error);
gboolean floor_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                    GError **error);
gboolean floor_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                          GError **error);
gboolean floor_get_hashed (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error);
gboolean floor_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error);
gboolean floor_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                GError **error);
gboolean floor_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                       GError **error);

/* floor-list.c */
gboolean floor_list (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error);
gboolean floor_list_names (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error);

/* A GHashTable under a GMutex (floor-map.c). */

gpointer floor_map_open (const char *directory, GError **error);
void floor_map_close (gpointer place);

gboolean floor_map_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);
gboolean floor_map_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                 GError **error);
gboolean floor_map_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                        GError **error);
gboolean floor_map_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                              GError **error);
gboolean floor_map_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                             GError **error);
gboolean floor_map_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                    GError **error);
gboolean floor_map_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error);

/* The same on two threads (floor-threads.c). */

gpointer floor_two_open (const char *directory, GError **error);
void floor_two_close (gpointer place);
gpointer floor_two_map_open (const char *directory, GError **error);
void floor_two_map_close (gpointer place);

gboolean floor_two_put (gpointer place, const BenchBlob *blobs, guint n_blobs,
                        GError **error);
gboolean floor_two_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                        GError **error);
gboolean floor_two_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                              GError **error);
gboolean floor_two_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                             GError **error);
gboolean floor_two_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                    GError **error);
gboolean floor_two_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                           GError **error);
gboolean floor_two_map_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                GError **error);
gboolean floor_two_map_put_existing (gpointer place, const BenchBlob *blobs,
                                     guint n_blobs, GError **error);
gboolean floor_two_map_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);
gboolean floor_two_map_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                  GError **error);
gboolean floor_two_map_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                 GError **error);
gboolean floor_two_map_contains_absent (gpointer place, const BenchBlob *blobs,
                                        guint n_blobs, GError **error);
gboolean floor_two_map_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                               GError **error);
