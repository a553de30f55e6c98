/* SPDX-License-Identifier: Apache-2.0
 *
 * command-info.c: `cask info`: what a store is, can do, and holds. */

#include "tools-private.h"
#include "output.h"
#include "reading.h"

typedef struct
{
  const char *config;
  const char **capabilities;
  CaskUsage usage;
} Info;

/* Walks the whole list, for stores that do not know what they hold. */
static gboolean
info_count (CaskStore *store, CaskUsage *usage, GError **error)
{
  guint64 n_blobs = 0, n_bytes = 0;
  CaskDigest position = { 0 };
  gboolean more = TRUE;
  while (more)
    {
      g_autoptr (CaskListPage) page = cask_store_list (store, n_blobs ? &position : NULL,
                                                       CASK_LIST_MAXIMUM, NULL, error);
      if (!page)
        return FALSE;
      guint length = cask_list_page_get_length (page);
      for (guint i = 0; i < length; i++)
        {
          const CaskBlobInfo *info = cask_list_page_get_item (page, i);
          n_bytes += info->size == CASK_UNKNOWN ? 0 : info->size;
          position = info->digest;
        }
      n_blobs += length;
      more = length > 0 && cask_list_page_get_more (page);
    }
  usage->count = n_blobs;
  usage->bytes = n_bytes;
  return TRUE;
}

static void
info_print_json (const Info *info)
{
  g_autoptr (GString) json = g_string_new ("{\"config\":");
  output_json_string (json, info->config);
  g_string_append (json, ",\"capabilities\":[");
  for (guint i = 0; info->capabilities[i]; i++)
    g_string_append_printf (json, "%s\"%s\"", i ? "," : "", info->capabilities[i]);
  g_string_append (json, "],\"count\":");
  output_json_number (json, info->usage.count);
  g_string_append (json, ",\"bytes\":");
  output_json_number (json, info->usage.bytes);
  g_string_append (json, ",\"stored_bytes\":");
  output_json_number (json, info->usage.stored_bytes);
  g_string_append (json, ",\"limit_bytes\":");
  output_json_number (json, info->usage.limit_bytes);
  output_print ("%s}\n", json->str);
}

static void
info_print_number (const char *label, guint64 number)
{
  if (number == CASK_UNKNOWN)
    output_print ("%-13s unknown\n", label);
  else
    output_print ("%-13s %" G_GUINT64_FORMAT "\n", label, number);
}

static void
info_print_text (const Info *info)
{
  g_autofree char *config = output_escape (info->config);
  g_autofree char *capabilities = g_strjoinv (" ", (char **) info->capabilities);
  output_print ("%-13s %s\n", "config", config);
  output_print ("%-13s %s\n", "capabilities", *capabilities ? capabilities : "none");
  info_print_number ("count", info->usage.count);
  info_print_number ("bytes", info->usage.bytes);
  info_print_number ("stored bytes", info->usage.stored_bytes);
  info_print_number ("limit bytes", info->usage.limit_bytes);
}

ToolStatus
command_info (ToolCall *call)
{
  gboolean json = FALSE, count = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json,
                                     "One JSON object", NULL },
                                   { "count", 0, 0, G_OPTION_ARG_NONE, &count,
                                     "Walk the list to count blobs and bytes", NULL },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 0, 0) || !tool_open (call, TOOL_READ))
    return call->status;

  g_autoptr (GError) error = NULL;
  g_autofree const char **capabilities =
      tool_capability_names (cask_store_get_capabilities (call->store));
  g_autofree char *config =
      reading_shown (call->config, cask_store_get_config (call->store));
  Info info = { .config = config,
                .capabilities = capabilities,
                .usage = {
                    CASK_UNKNOWN, CASK_UNKNOWN, CASK_UNKNOWN, CASK_UNKNOWN, { 0 } } };
  /* A store that cannot tell is not a store that failed. */
  if (!cask_store_usage (call->store, &info.usage, NULL, &error) &&
      !g_error_matches (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED))
    return tool_add_error (call, error);
  g_clear_error (&error);
  if (count && !info_count (call->store, &info.usage, &error))
    return tool_add_error (call, error);
  if (json)
    info_print_json (&info);
  else
    info_print_text (&info);
  return call->status;
}
