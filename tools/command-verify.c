/* SPDX-License-Identifier: Apache-2.0
 *
 * command-verify.c: `cask verify`: reads blobs and names those that are damaged. */

#include "tools-private.h"
#include "output.h"
#include "walk.h"

#include <string.h>

typedef struct
{
  ToolCall *call;
  gboolean quiet;
  guint64 n_verified, n_damaged, n_failed;
  guint64 bytes_verified;
} Verify;

/* One blob being read. */
typedef struct
{
  Verify *verify;
  Walk *walk;
  CaskBlobInfo info;
} VerifyItem;

/* What is wrong, without the store and the digest, which stand before it anyway. */
static const char *
verify_reason (const char *message, const char *digest)
{
  const char *found = strstr (message, digest);
  gsize length = strlen (digest);
  return found && strncmp (found + length, ": ", 2) == 0 ? found + length + 2 : message;
}

/* Counts one outcome. error: (nullable). Returns: FALSE where standard output is gone. */
static gboolean
verify_record (Verify *verify, const CaskBlobInfo *info, const GError *error)
{
  if (!error)
    {
      verify->n_verified++;
      verify->bytes_verified += info->size == CASK_UNKNOWN ? 0 : info->size;
      return TRUE;
    }
  if (!g_error_matches (error, CASK_ERROR, CASK_ERROR_CORRUPT))
    {
      verify->n_failed++;
      tool_add_error (verify->call, error);
      return TRUE;
    }
  verify->n_damaged++;
  tool_add_status (verify->call, TOOL_FAILED);
  char text[CASK_DIGEST_TEXT_SIZE];
  cask_digest_write (&info->digest, text);
  g_autofree char *reason = output_escape (verify_reason (error->message, text));
  return output_print ("%s corrupt %s\n", text, reason);
}

static void
verify_on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree VerifyItem *item = data;
  g_autoptr (GError) error = NULL;
  cask_store_verify_finish (CASK_STORE (source), result, &error);
  /* A blob that was removed since it was listed is nobody's damage. */
  gboolean void_result = g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND) ||
                         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  if (!void_result && !verify_record (item->verify, &item->info, error))
    walk_stop (item->walk);
  walk_done (item->walk, &item->info);
}

static void
verify_begin (Walk *walk, const CaskBlobInfo *info, gpointer data)
{
  VerifyItem *item = g_new0 (VerifyItem, 1);
  item->verify = data;
  item->walk = walk;
  item->info = *info;
  cask_store_verify_async (item->verify->call->store, &info->digest, G_PRIORITY_DEFAULT,
                           walk_get_cancellable (walk), verify_on_done, item);
}

static void
verify_all (Verify *verify)
{
  g_autoptr (GError) error = NULL;
  WalkResult result =
      walk_run (verify->call->store, "verifying", verify_begin, verify, &error);
  if (error)
    tool_add_error (verify->call, error);
  if (result == WALK_INTERRUPTED)
    output_error ("verify: interrupted: not all blobs were read");
  if (result != WALK_COMPLETE)
    tool_add_status (verify->call, TOOL_FAILED);
}

static void
verify_named (Verify *verify, const CaskDigest *digests)
{
  CaskStore *store = verify->call->store;
  for (guint i = 0; i < verify->call->n_operands; i++)
    {
      g_autoptr (GError) error = NULL;
      CaskBlobInfo info = { .digest = digests[i], .size = CASK_UNKNOWN };
      if (cask_store_verify (store, &digests[i], NULL, &error))
        cask_store_stat (store, &digests[i], &info, NULL, NULL);
      if (!verify_record (verify, &info, error))
        return;
    }
}

ToolStatus
command_verify (ToolCall *call)
{
  Verify verify = { .call = call };
  const GOptionEntry entries[] = { { "quiet", 'q', 0, G_OPTION_ARG_NONE, &verify.quiet,
                                     "Print what is damaged, but no summary", NULL },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 0, G_MAXUINT))
    return call->status;
  g_autofree CaskDigest *digests = tool_parse_digests (call);
  if (!digests || !tool_open (call, TOOL_READ))
    return call->status;

  if (call->n_operands > 0)
    verify_named (&verify, digests);
  else
    verify_all (&verify);
  g_autofree char *size = output_size (verify.bytes_verified);
  if (!verify.quiet)
    output_print ("verified %" G_GUINT64_FORMAT " blobs (%s), %" G_GUINT64_FORMAT
                  " damaged, %" G_GUINT64_FORMAT " failed\n",
                  verify.n_verified, size, verify.n_damaged, verify.n_failed);
  return call->status;
}
