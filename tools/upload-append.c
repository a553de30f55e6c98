/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-append.c: `cask upload append`: files and standard input become the next bytes
 * of an upload.
 *
 * Invariant: the number that is printed is the offset of what is saved, from where the
 * upload goes on, whether all of it went well or not.
 *
 * Failure modes:
 * - a source that fails, or a signal: what came before is saved, and the rest can be
 *   appended by another run;
 * - the store takes no more: the upload stays as it was saved last;
 * - the process is killed: likewise, and APPEND_SAVE_EVERY bounds what is lost. */

#include "upload.h"
#include "output.h"
#include "source.h"

#define APPEND_SAVE_EVERY ((guint64) 256 * 1024 * 1024)

typedef struct
{
  ToolCall *call;
  CaskUpload *upload;
  char *buffer;  /* SOURCE_SMALL bytes */
  guint64 saved; /* offset */
} Append;

/* Signals end the reading, never the saving: what was received is to be kept. */
static gboolean
append_save (Append *append)
{
  g_autoptr (GError) error = NULL;
  if (!cask_upload_save (append->upload, NULL, &error))
    return !tool_add_error (append->call, error);
  append->saved = cask_upload_get_offset (append->upload);
  return TRUE;
}

static gboolean
append_write (Append *append, gsize count)
{
  g_autoptr (GError) error = NULL;
  if (!g_output_stream_write_all (G_OUTPUT_STREAM (append->upload), append->buffer, count,
                                  NULL, NULL, &error))
    return !tool_add_error (append->call, error);
  if (cask_upload_get_offset (append->upload) - append->saved < APPEND_SAVE_EVERY)
    return TRUE;
  return append_save (append);
}

/* ended: (out): the source failed, or a signal came: what there was is written
 *
 * Returns: FALSE where the upload cannot be written any more */
static gboolean
append_source (Append *append, Source *source, const char *name, gboolean *ended)
{
  gsize count;
  do
    {
      g_autoptr (GError) error = NULL;
      if (!source_fill (source, append->buffer, SOURCE_SMALL, &count,
                        append->call->cancellable, &error))
        {
          tool_add_file_error (append->call, name, error);
          *ended = TRUE;
        }
      if (count > 0 && !append_write (append, count))
        return FALSE;
    }
  while (count > 0 && !*ended);
  return TRUE;
}

static void
append_files (Append *append)
{
  gboolean ended = FALSE;
  for (guint i = 1; i < append->call->n_operands && !ended; i++)
    {
      const char *name = append->call->operands[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (Source) source = source_new (name, TRUE, "appending", &error);
      if (!source)
        {
          tool_add_file_error (append->call, name, error);
          break;
        }
      if (!append_source (append, source, name, &ended))
        return;
    }
  append_save (append);
}

static void
append_run (ToolCall *call, const char *offset_text, guint64 offset)
{
  tool_watch_signals (call);
  g_autoptr (CaskUpload) upload = upload_resume (call, call->operands[0]);
  if (!upload)
    return;
  g_autofree char *buffer = g_malloc (SOURCE_SMALL);
  Append append = { .call = call, .upload = upload, .buffer = buffer };
  append.saved = cask_upload_get_offset (upload);
  if (offset_text && offset != append.saved)
    {
      output_error ("%s: the upload is at %" G_GUINT64_FORMAT ", not at %s",
                    call->operands[0], append.saved, offset_text);
      tool_add_status (call, TOOL_FAILED);
    }
  else
    append_files (&append);
  output_print ("%" G_GUINT64_FORMAT "\n", append.saved);
}

ToolStatus
upload_append (ToolCall *call)
{
  g_autofree char *offset_text = NULL;
  guint64 offset = 0;
  const GOptionEntry entries[] = { { "offset", 0, 0, G_OPTION_ARG_FILENAME, &offset_text,
                                     "Append only where the upload is at N bytes", "N" },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 2, G_MAXUINT))
    return call->status;
  if (offset_text && !tool_parse_number (offset_text, &offset))
    return tool_usage (call, "'%s' is no number of bytes", offset_text);
  if (tool_open (call, TOOL_READ))
    append_run (call, offset_text, offset);
  return call->status;
}
