/* SPDX-License-Identifier: Apache-2.0
 *
 * glib-files.h: files as an application keeps them that has GLib and no library for it.
 */
#pragma once

#include "bench.h"

gpointer glib_files_open (const char *directory, GError **error);
gpointer glib_files_open_16 (const char *directory, GError **error);
gpointer glib_files_open_durable (const char *directory, GError **error);
gpointer glib_files_open_durable_16 (const char *directory, GError **error);
void glib_files_close (gpointer place);

gboolean glib_files_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs,
                             GError **error);
gboolean glib_files_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                                  GError **error);
gboolean glib_files_get (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error);
gboolean glib_files_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                              GError **error);
gboolean glib_files_contains_absent (gpointer place, const BenchBlob *blobs,
                                     guint n_blobs, GError **error);
gboolean glib_files_delete (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error);
