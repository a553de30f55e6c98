/* SPDX-License-Identifier: Apache-2.0
 *
 * command-upload.c: `cask upload`: finds the command that is meant; begins, commits and
 * aborts.
 *
 * Each command is a process of its own, so that an upload is resumed, used, and saved
 * again by each; two at once cannot have it. */

#include "upload.h"
#include "output.h"

#include <string.h>

static const ToolCommand upload_commands[] = {
  { "upload begin", "", "Begin an upload, and print its id",
    "The upload waits in the store until it is committed, aborted or expired.",
    upload_begin },
  { "upload append", "ID FILE…|-", "Append files, or standard input, and save",
    "Prints how many bytes are saved now, after a failure as well: what came before it\n"
    "is kept. With --offset a command that was repeated appends nothing twice.",
    upload_append },
  { "upload commit", "ID [DIGEST]", "Make a blob of what was appended",
    "Prints the digest, and 'created' or 'exists'. Where DIGEST turns out wrong, the\n"
    "upload stays.",
    upload_commit },
  { "upload abort", "ID…", "Remove uploads", NULL, upload_abort },
  { "upload status", "ID", "Show how far an upload is",
    "It must not be open elsewhere at that moment.", upload_status },
  { "upload ls", "", "List the uploads that wait", NULL, upload_ls },
  { "upload expire", "AGE", "Remove the uploads that were saved last before AGE",
    "AGE is a number and one of ms, s, min, h. What is being written to is kept.",
    upload_expire },
};

static const ToolCommand *
upload_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (upload_commands); i++)
    if (strcmp (strchr (upload_commands[i].name, ' ') + 1, name) == 0)
      return &upload_commands[i];
  return NULL;
}

static ToolStatus
upload_show_help (void)
{
  g_autoptr (GString) text = g_string_new (
      "Usage:\n  cask upload COMMAND … - Write a blob piece by piece\n\nCommands:\n");
  for (guint i = 0; i < G_N_ELEMENTS (upload_commands); i++)
    {
      const ToolCommand *command = &upload_commands[i];
      g_autofree char *usage =
          g_strdup_printf ("%s %s", strchr (command->name, ' ') + 1, command->operands);
      /* An ellipsis is one column and three bytes. */
      int width = 20 + (int) (strlen (usage) - (gsize) g_utf8_strlen (usage, -1));
      g_string_append_printf (text, "  %-*s %s\n", width, usage, command->summary);
    }
  g_string_append (text,
                   "\n'cask upload COMMAND --help' shows the options of a command.\n");
  output_print ("%s", text->str);
  return TOOL_DONE;
}

ToolStatus
command_upload (ToolCall *call)
{
  const char *name = *call->arguments;
  if (!name)
    return tool_usage (call, "COMMAND expected");
  if (strcmp (name, "--help") == 0 || strcmp (name, "-h") == 0)
    return upload_show_help ();
  const ToolCommand *command = upload_find (name);
  if (!command)
    return tool_usage (call, "unknown command '%s'", name);
  call->command = command;
  call->arguments++;
  return command->run (call);
}

/* Takes up an upload for this process alone. Says what is wrong where it cannot. */
CaskUpload *
upload_resume (ToolCall *call, const char *id)
{
  g_autoptr (GError) error = NULL;
  CaskUpload *upload =
      cask_store_resume_upload (call->store, id, call->cancellable, &error);
  if (error)
    tool_add_error (call, error);
  return upload;
}

typedef struct
{
  CaskDigest digest;
  gboolean has_digest;
  CaskAlgorithm algorithm;
  guint64 size;
  CaskPutFlags flags;
} UploadSpec;

static gboolean
upload_parse_names (ToolCall *call, const char *digest, const char *algorithm,
                    UploadSpec *spec)
{
  g_autoptr (GError) error = NULL;
  spec->algorithm = CASK_ALGORITHM_SHA256;
  spec->has_digest = digest != NULL;
  if (algorithm && !cask_algorithm_parse (algorithm, &spec->algorithm, &error))
    return !tool_usage (call, "%s", error->message);
  if (!digest)
    return TRUE;
  if (!cask_digest_parse (digest, &spec->digest, &error))
    return !tool_add_error (call, error);
  if (algorithm && spec->algorithm != spec->digest.algorithm)
    return !tool_usage (call, "--digest and --algorithm contradict each other");
  spec->algorithm = spec->digest.algorithm;
  return TRUE;
}

static void
upload_make (ToolCall *call, const UploadSpec *spec)
{
  g_autoptr (GError) error = NULL;
  if (!(cask_store_get_capabilities (call->store) & CASK_CAPABILITY_SHARED))
    {
      g_set_error (
          &error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
          "%s: this store ends with the command, and an upload would end with it",
          cask_store_get_config (call->store));
      tool_add_error (call, error);
      return;
    }
  g_autoptr (CaskUpload) upload =
      cask_store_begin_upload (call->store, spec->has_digest ? &spec->digest : NULL,
                               spec->algorithm, spec->size, spec->flags, NULL, &error);
  const char *id = upload ? cask_upload_save (upload, NULL, &error) : NULL;
  if (!id)
    {
      tool_add_error (call, error);
      return;
    }
  /* An upload whose id nobody was told would wait until it expires. */
  output_print ("%s\n", id);
  if (!output_flush () && !cask_upload_abort (upload, NULL, &error))
    tool_add_error (call, error);
}

ToolStatus
upload_begin (ToolCall *call)
{
  UploadSpec spec = { .size = CASK_UNKNOWN };
  g_autofree char *digest = NULL, *size = NULL, *algorithm = NULL;
  gboolean all_algorithms = FALSE;
  const GOptionEntry entries[] = {
    { "digest", 'd', 0, G_OPTION_ARG_FILENAME, &digest, "What the bytes will hash to",
      "DIGEST" },
    { "size", 0, 0, G_OPTION_ARG_FILENAME, &size, "How many bytes there will be", "N" },
    { "algorithm", 'a', 0, G_OPTION_ARG_FILENAME, &algorithm,
      "Hash by sha256 (default) or sha512", "ALGORITHM" },
    { "all-algorithms", 0, 0, G_OPTION_ARG_NONE, &all_algorithms,
      "Hash by every algorithm: either digest may be committed", NULL },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 0, 0))
    return call->status;
  if (size && (!tool_parse_number (size, &spec.size) || spec.size == CASK_UNKNOWN))
    return tool_usage (call, "'%s' is no number of bytes", size);
  if (!upload_parse_names (call, digest, algorithm, &spec))
    return call->status;
  spec.flags = all_algorithms ? CASK_PUT_ALL_ALGORITHMS : CASK_PUT_NONE;
  tool_outlive_pipe ();
  if (tool_open (call, TOOL_WRITE))
    upload_make (call, &spec);
  return call->status;
}

/* The line put prints, with the other digests behind it where they were asked for. */
static void
upload_print_committed (CaskUpload *upload, const CaskDigest *stored, gboolean created)
{
  static const CaskAlgorithm algorithms[] = { CASK_ALGORITHM_SHA256,
                                              CASK_ALGORITHM_SHA512 };
  char text[CASK_DIGEST_TEXT_SIZE];
  g_autoptr (GString) line = g_string_new (cask_digest_write (stored, text));
  g_string_append (line, created ? " created" : " exists");
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    {
      CaskDigest other;
      if (algorithms[i] != stored->algorithm &&
          cask_upload_get_digest (upload, algorithms[i], &other))
        g_string_append_printf (line, " %s", cask_digest_write (&other, text));
    }
  output_print ("%s\n", line->str);
}

ToolStatus
upload_commit (ToolCall *call)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, 2))
    return call->status;
  g_autoptr (GError) error = NULL;
  CaskDigest expected, stored;
  const char *text = call->n_operands > 1 ? call->operands[1] : NULL;
  if (text && !cask_digest_parse (text, &expected, &error))
    return tool_add_error (call, error);
  if (!tool_open (call, TOOL_READ))
    return call->status;

  tool_watch_signals (call);
  g_autoptr (CaskUpload) upload = upload_resume (call, call->operands[0]);
  gboolean created;
  if (!upload)
    return call->status;
  if (cask_upload_commit (upload, text ? &expected : NULL, &stored, &created,
                          call->cancellable, &error))
    upload_print_committed (upload, &stored, created);
  else
    tool_add_error (call, error);
  return call->status;
}

ToolStatus
upload_abort (ToolCall *call)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, G_MAXUINT) || !tool_open (call, TOOL_READ))
    return call->status;
  for (guint i = 0; i < call->n_operands; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskUpload) upload = upload_resume (call, call->operands[i]);
      if (upload && !cask_upload_abort (upload, NULL, &error))
        tool_add_error (call, error);
    }
  return call->status;
}
