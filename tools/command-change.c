/* SPDX-License-Identifier: Apache-2.0
 *
 * command-change.c: `cask rm`: blobs go, all the same or only where nobody used them. */

#include "tools-private.h"
#include "output.h"

static gboolean
change_remove (CaskStore *store, const CaskDigest *digest, gint64 unused_since_usec,
               CaskRemoved *outcome, GError **error)
{
  if (unused_since_usec != CASK_ALWAYS)
    return cask_store_delete_unused (store, digest, unused_since_usec, outcome, NULL,
                                     error);
  gboolean existed;
  if (!cask_store_delete (store, digest, &existed, NULL, error))
    return FALSE;
  *outcome = existed ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT;
  return TRUE;
}

static void
change_remove_one (ToolCall *call, const CaskDigest *digest, gint64 unused_since_usec,
                   gboolean ignore_missing)
{
  g_autoptr (GError) error = NULL;
  CaskRemoved outcome;
  if (!change_remove (call->store, digest, unused_since_usec, &outcome, &error))
    {
      tool_add_error (call, error);
      return;
    }
  char text[CASK_DIGEST_TEXT_SIZE];
  cask_digest_write (digest, text);
  if (outcome == CASK_REMOVED_KEPT)
    output_print ("%s kept\n", text);
  if (outcome == CASK_REMOVED_ABSENT && !ignore_missing)
    {
      output_error ("%s: not found", text);
      tool_add_status (call, TOOL_ABSENT);
    }
}

ToolStatus
command_rm (ToolCall *call)
{
  gboolean ignore_missing = FALSE;
  g_autofree char *duration = NULL;
  const GOptionEntry entries[] = {
    { "ignore-missing", 0, 0, G_OPTION_ARG_NONE, &ignore_missing,
      "An absent blob is no matter", NULL },
    { "unused-for", 0, 0, G_OPTION_ARG_FILENAME, &duration,
      "Keep, and print, what was used within DURATION", "DURATION" },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 1, G_MAXUINT))
    return call->status;
  gint64 unused_since_usec = CASK_ALWAYS, duration_usec = 0;
  if (duration && !tool_parse_duration (duration, &duration_usec))
    return tool_usage (call, "'%s' is no duration such as 90s, 15min or 24h", duration);
  if (duration)
    unused_since_usec = g_get_real_time () - duration_usec;

  g_autofree CaskDigest *digests = tool_parse_digests (call);
  if (!digests || !tool_open (call, TOOL_READ))
    return call->status;
  for (guint i = 0; i < call->n_operands; i++)
    change_remove_one (call, &digests[i], unused_since_usec, ignore_missing);
  return call->status;
}
