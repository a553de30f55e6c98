/* SPDX-License-Identifier: Apache-2.0
 *
 * output.h: what `cask` writes: results to standard output, errors to standard error. */
#pragma once

#include <glib.h>
#include <cask/cask.h>

void output_error (const char *format, ...) G_GNUC_PRINTF (1, 2);

gboolean output_print (const char *format, ...) G_GNUC_PRINTF (1, 2);
gboolean output_data (const char *data, gsize size);
gboolean output_flush (void);
gboolean output_finish (void);

char *output_escape (const char *text);
char *output_time (gint64 time_usec);
char *output_size (guint64 bytes);

void output_json_string (GString *json, const char *text);
void output_json_number (GString *json, guint64 number);
void output_json_blob (GString *json, const CaskBlobInfo *info);
gboolean output_blob_line (const CaskBlobInfo *info, gboolean json);
