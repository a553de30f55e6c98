/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-list.c: `cask upload ls`, `status` and `expire`: the uploads that wait. */

#include "upload.h"
#include "output.h"

#include <string.h>

typedef struct
{
  const char *id;
  guint64 offset;
  guint64 size; /* CASK_UNKNOWN where it was not announced */
  gint64 saved_usec;
} UploadLine;

static gboolean
upload_print_id (const UploadLine *line, gboolean is_long)
{
  g_autofree char *id = output_escape (line->id);
  if (!is_long)
    return output_print ("%s\n", id);
  g_autofree char *time = output_time (line->saved_usec);
  return output_print ("%s %" G_GUINT64_FORMAT " %s\n", id, line->offset,
                       time ? time : "unknown");
}

/* size: whether the line tells the size announced, which a list does not know */
static gboolean
upload_print_json (const UploadLine *line, gboolean size)
{
  g_autofree char *time = output_time (line->saved_usec);
  g_autoptr (GString) json = g_string_new ("{\"id\":");
  output_json_string (json, line->id);
  g_string_append (json, ",\"offset\":");
  output_json_number (json, line->offset);
  if (size)
    {
      g_string_append (json, ",\"size\":");
      output_json_number (json, line->size);
    }
  if (time)
    g_string_append_printf (json, ",\"saved\":\"%s\"}", time);
  else
    g_string_append (json, ",\"saved\":null}");
  return output_print ("%s\n", json->str);
}

ToolStatus
upload_ls (ToolCall *call)
{
  gboolean is_long = FALSE, json = FALSE;
  const GOptionEntry entries[] = { { "long", 'l', 0, G_OPTION_ARG_NONE, &is_long,
                                     "Show offset and time of saving too", NULL },
                                   { "json", 0, 0, G_OPTION_ARG_NONE, &json,
                                     "One JSON object a line", NULL },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 0, 0) || !tool_open (call, TOOL_READ))
    return call->status;

  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUploadList) list = cask_store_list_uploads (call->store, NULL, &error);
  if (!list)
    return tool_add_error (call, error);
  guint length = cask_upload_list_get_length (list);
  gboolean printed = TRUE;
  for (guint i = 0; i < length && printed; i++)
    {
      UploadLine line = { .id = cask_upload_list_get_id (list, i),
                          .offset = cask_upload_list_get_offset (list, i),
                          .saved_usec = cask_upload_list_get_saved_usec (list, i) };
      printed =
          json ? upload_print_json (&line, FALSE) : upload_print_id (&line, is_long);
    }
  return call->status;
}

/* In the greatest unit of config strings that leaves a number above 1. */
static char *
upload_age (gint64 age_usec)
{
  gint64 seconds = MAX (age_usec, 0) / G_USEC_PER_SEC;
  if (seconds < 120)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", seconds);
  if (seconds < 120 * 60)
    return g_strdup_printf ("%" G_GINT64_FORMAT " min", seconds / 60);
  return g_strdup_printf ("%" G_GINT64_FORMAT " h", seconds / 3600);
}

static void
upload_print_status (const UploadLine *line)
{
  g_autofree char *time = output_time (line->saved_usec);
  g_autofree char *age = upload_age (g_get_real_time () - line->saved_usec);
  output_print ("offset  %" G_GUINT64_FORMAT "\n", line->offset);
  if (line->size == CASK_UNKNOWN)
    output_print ("size    unknown\n");
  else
    output_print ("size    %" G_GUINT64_FORMAT "\n", line->size);
  if (time)
    output_print ("saved   %s\nage     %s\n", time, age);
  else
    output_print ("saved   unknown\nage     unknown\n");
}

/* The list knows when it was saved, the upload itself what was announced. Of what is in
 * use, only the use can tell: BUSY.
 *
 * Returns: FALSE after having said why */
static gboolean
upload_examine (ToolCall *call, UploadLine *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUploadList) list = cask_store_list_uploads (call->store, NULL, &error);
  if (!list)
    return !tool_add_error (call, error);
  guint length = cask_upload_list_get_length (list);
  line->saved_usec = G_MAXINT64;
  for (guint i = 0; i < length; i++)
    if (strcmp (cask_upload_list_get_id (list, i), line->id) == 0)
      line->saved_usec = cask_upload_list_get_saved_usec (list, i);
  g_autoptr (CaskUpload) upload = upload_resume (call, line->id);
  if (!upload)
    return FALSE;
  line->offset = cask_upload_get_offset (upload);
  line->size = cask_upload_get_expected_size (upload);
  return TRUE;
}

ToolStatus
upload_status (ToolCall *call)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json,
                                     "One JSON object", NULL },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, 1) || !tool_open (call, TOOL_READ))
    return call->status;
  UploadLine line = { .id = call->operands[0] };
  if (!upload_examine (call, &line))
    return call->status;
  if (json)
    upload_print_json (&line, TRUE);
  else
    upload_print_status (&line);
  return call->status;
}

ToolStatus
upload_expire (ToolCall *call)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, 1))
    return call->status;
  gint64 age_usec;
  if (!tool_parse_duration (call->operands[0], &age_usec))
    return tool_usage (call, "'%s' is no duration such as 90s, 15min or 24h",
                       call->operands[0]);
  if (!tool_open (call, TOOL_READ))
    return call->status;
  tool_watch_signals (call);
  g_autoptr (GError) error = NULL;
  guint n_removed = 0;
  if (!cask_store_expire_uploads (call->store, g_get_real_time () - age_usec, &n_removed,
                                  call->cancellable, &error))
    tool_add_error (call, error);
  output_print ("expired %u uploads\n", n_removed);
  return call->status;
}
