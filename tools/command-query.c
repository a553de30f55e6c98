/* SPDX-License-Identifier: Apache-2.0
 *
 * command-query.c: `cask stat`, `cask has` and `cask ls`: what is there. */

#include "tools-private.h"
#include "output.h"

ToolStatus
command_stat (ToolCall *call)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json,
                                     "One JSON object a line", NULL },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, G_MAXUINT))
    return call->status;
  g_autofree CaskDigest *digests = tool_parse_digests (call);
  if (!digests || !tool_open (call, TOOL_READ))
    return call->status;

  for (guint i = 0; i < call->n_operands; i++)
    {
      g_autoptr (GError) error = NULL;
      CaskBlobInfo info;
      if (!cask_store_stat (call->store, &digests[i], &info, NULL, &error))
        tool_add_error (call, error);
      else if (!output_blob_line (&info, json))
        break;
    }
  return call->status;
}

ToolStatus
command_has (ToolCall *call)
{
  gboolean quiet = FALSE;
  const GOptionEntry entries[] = { { "quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet,
                                     "Print nothing: the exit status tells", NULL },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, G_MAXUINT))
    return call->status;
  g_autofree CaskDigest *digests = tool_parse_digests (call);
  if (!digests || !tool_open (call, TOOL_READ))
    return call->status;

  for (guint i = 0; i < call->n_operands; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean present;
      if (!cask_store_contains (call->store, &digests[i], &present, NULL, &error))
        {
          tool_add_error (call, error);
          continue;
        }
      if (!present)
        tool_add_status (call, TOOL_ABSENT);
      char text[CASK_DIGEST_TEXT_SIZE];
      cask_digest_write (&digests[i], text);
      if (!quiet && !output_print ("%s %s\n", text, present ? "present" : "absent"))
        break;
    }
  return call->status;
}

typedef struct
{
  gboolean is_long;
  gboolean json;
  gboolean nul;
  guint64 left; /* how many blobs may still be printed */
} Listing;

static gboolean
listing_print (const Listing *listing, const CaskBlobInfo *info)
{
  if (listing->is_long || listing->json)
    return output_blob_line (info, listing->json);
  char text[CASK_DIGEST_TEXT_SIZE];
  return output_print ("%s%c", cask_digest_write (&info->digest, text),
                       listing->nul ? '\0' : '\n');
}

/* Returns: FALSE where there is nothing more to print, or no way to. */
static gboolean
listing_print_page (Listing *listing, const CaskListPage *page, CaskDigest *after)
{
  guint length = cask_list_page_get_length (page);
  for (guint i = 0; i < length; i++, listing->left--)
    {
      const CaskBlobInfo *info = cask_list_page_get_item (page, i);
      if (listing->left == 0 || !listing_print (listing, info))
        return FALSE;
      *after = info->digest;
    }
  return length > 0 && listing->left > 0 && cask_list_page_get_more (page);
}

static gboolean
listing_run (Listing *listing, CaskStore *store, const CaskDigest *start, GError **error)
{
  CaskDigest after = { 0 };
  const CaskDigest *position = start;
  gboolean more = listing->left > 0;
  while (more)
    {
      guint limit = (guint) MIN (listing->left, CASK_LIST_DEFAULT);
      g_autoptr (CaskListPage) page =
          cask_store_list (store, position, limit, NULL, error);
      if (!page)
        return FALSE;
      more = listing_print_page (listing, page, &after);
      position = &after;
    }
  return TRUE;
}

ToolStatus
command_ls (ToolCall *call)
{
  Listing listing = { .left = G_MAXUINT64 };
  g_autofree char *after_text = NULL, *limit = NULL;
  const GOptionEntry entries[] = {
    { "long", 'l', 0, G_OPTION_ARG_NONE, &listing.is_long, "Show size and time as well",
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &listing.json, "One JSON object a line", NULL },
    { "null", '0', 0, G_OPTION_ARG_NONE, &listing.nul,
      "End each digest in NUL instead of a newline", NULL },
    { "after", 0, 0, G_OPTION_ARG_FILENAME, &after_text,
      "Begin after DIGEST, which need not exist", "DIGEST" },
    { "limit", 0, 0, G_OPTION_ARG_FILENAME, &limit, "List at most N blobs", "N" },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 0, 0))
    return call->status;
  if (listing.nul && (listing.is_long || listing.json))
    return tool_usage (call, "-0 goes with neither -l nor --json");
  if (limit && !tool_parse_number (limit, &listing.left))
    return tool_usage (call, "'%s' is no number", limit);

  g_autoptr (GError) error = NULL;
  CaskDigest after;
  if (after_text && !cask_digest_parse (after_text, &after, &error))
    return tool_add_error (call, error);
  if (!tool_open (call, TOOL_READ))
    return call->status;
  if (!listing_run (&listing, call->store, after_text ? &after : NULL, &error))
    tool_add_error (call, error);
  return call->status;
}
