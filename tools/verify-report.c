/* SPDX-License-Identifier: Apache-2.0
 *
 * verify-report.c: what `cask verify` prints: a line for what is damaged, another for
 * where it was moved, and a summary. */

#include "verify.h"
#include "output.h"

#include <string.h>

/* What is wrong, without the store and the digest, which stand before it anyway. */
static const char *
report_reason (const char *message, const char *digest)
{
  const char *found = strstr (message, digest);
  gsize length = strlen (digest);
  return found && strncmp (found + length, ": ", 2) == 0 ? found + length + 2 : message;
}

/* Where a copy is kept, only the store knows, and says it to who wants the blob.
 * Returns: (transfer full) (nullable) */
static char *
report_find_kept (CaskStore *store, const CaskDigest *digest)
{
  g_autoptr (GError) absence = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_range (store, digest, 0, 0, NULL, &absence);
  if (bytes || !g_error_matches (absence, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    return NULL;
  const char *kept = strstr (absence->message, "kept as ");
  if (!kept)
    return NULL;
  kept += strlen ("kept as ");
  return g_strndup (kept, strcspn (kept, ":"));
}

static gboolean
report_damage_json (const char *digest, const char *reason, gboolean moved,
                    const char *kept)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_string_append_printf (
      line, "{\"digest\":\"%s\",\"status\":\"corrupt\",\"reason\":", digest);
  output_json_string (line, reason);
  g_string_append_printf (line, ",\"quarantined\":%s", moved ? "true" : "false");
  if (kept)
    {
      g_string_append (line, ",\"kept\":");
      output_json_string (line, kept);
    }
  return output_print ("%s}\n", line->str);
}

static gboolean
report_damage (const VerifyReport *report, CaskStore *store, const CaskDigest *digest,
               const GError *damage, gboolean moved)
{
  char text[CASK_DIGEST_TEXT_SIZE];
  cask_digest_write (digest, text);
  const char *reason = report_reason (damage->message, text);
  g_autofree char *kept = moved ? report_find_kept (store, digest) : NULL;
  if (report->json)
    return report_damage_json (text, reason, moved, kept);
  g_autofree char *escaped = output_escape (reason);
  gboolean printed = output_print ("%s corrupt %s\n", text, escaped);
  if (!printed || !moved)
    return printed;
  g_autofree char *place = output_escape (kept ? kept : "and kept aside");
  return output_print ("%s quarantined %s\n", text, place);
}

/* Out at once: what is counted in the FILE of --resume must have been told, also where
 * the process is killed.
 *
 * Returns: FALSE where standard output is gone. */
gboolean
verify_report_damage (const VerifyReport *report, CaskStore *store,
                      const CaskDigest *digest, const GError *damage, gboolean moved)
{
  return report_damage (report, store, digest, damage, moved) && output_flush ();
}

static void
report_counts_json (const VerifyCounts *counts, gboolean complete)
{
  output_print ("{\"verified\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT
                ",\"damaged\":%" G_GUINT64_FORMAT ",\"quarantined\":%" G_GUINT64_FORMAT
                ",\"failed\":%" G_GUINT64_FORMAT ",\"complete\":%s}\n",
                counts->n_verified, counts->n_bytes, counts->n_damaged, counts->n_moved,
                counts->n_failed, complete ? "true" : "false");
}

void
verify_report_counts (const VerifyReport *report, const VerifyCounts *counts,
                      gboolean complete)
{
  if (report->quiet)
    return;
  if (report->json)
    {
      report_counts_json (counts, complete);
      return;
    }
  g_autofree char *size = output_size (counts->n_bytes);
  g_autofree char *moved =
      report->quarantine
          ? g_strdup_printf (", %" G_GUINT64_FORMAT " quarantined", counts->n_moved)
          : g_strdup ("");
  output_print ("verified %" G_GUINT64_FORMAT " blobs (%s), %" G_GUINT64_FORMAT
                " damaged%s, %" G_GUINT64_FORMAT " failed\n",
                counts->n_verified, size, counts->n_damaged, moved, counts->n_failed);
}
