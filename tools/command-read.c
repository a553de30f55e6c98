/* SPDX-License-Identifier: Apache-2.0
 *
 * command-read.c: `cask get` and `cask cat`: a blob becomes a file or a stream.
 *
 * A blob goes through in pieces, verified on the way: one that turns out to be damaged
 * ends in an error before its last byte, which is too late for what a pipe has already
 * carried off, but not for a file, which then does not appear.
 *
 * Standard output needs no tidying up, so that a signal ends the process there as it does
 * any filter; a file that is half written is taken away. */

#include "tools-private.h"
#include "output.h"
#include "progress.h"
#include "save.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_PIECE_SIZE ((gsize) 256 * 1024)

typedef struct
{
  gboolean from_end; /* offset counts from there */
  guint64 offset;
  guint64 length;
} ReadRange;

static const ReadRange read_everything = { .length = CASK_TO_END };

/* Where the bytes go. Returns: FALSE where nothing more is wanted, with an error or,
 * where output.c knows the reason, without. */
typedef gboolean (*ReadSink) (gpointer data, const char *bytes, gsize size,
                              GError **error);

static gboolean
read_to_output (gpointer data, const char *bytes, gsize size, GError **error)
{
  (void) data;
  (void) error;
  return output_data (bytes, size);
}

static gboolean
read_to_file (gpointer data, const char *bytes, gsize size, GError **error)
{
  return save_write (data, bytes, size, error);
}

/* Nobody wants the line between the bytes of a terminal, or of a pager. */
static gboolean
read_progress_fits (ReadSink sink)
{
  struct stat status;
  return sink != read_to_output ||
         (fstat (STDOUT_FILENO, &status) == 0 && S_ISREG (status.st_mode));
}

/* Reads past the last byte where the whole blob is meant: of a copy that was cut to
 * nothing, that read is the one that fails. */
static gboolean
read_copy (CaskInputStream *stream, guint64 left, Progress *progress, ReadSink sink,
           gpointer data, GCancellable *cancellable, GError **error)
{
  g_autofree char *buffer = g_malloc (READ_PIECE_SIZE);
  guint64 size = cask_input_stream_get_size (stream), done = 0;
  guint64 total = MIN (left, size);
  while (left > 0)
    {
      gssize got = g_input_stream_read (G_INPUT_STREAM (stream), buffer,
                                        MIN (left, READ_PIECE_SIZE), cancellable, error);
      if (got <= 0)
        return got == 0;
      if (!sink (data, buffer, (gsize) got, error))
        return FALSE;
      if (left != CASK_TO_END)
        left -= (guint64) got;
      done += (guint64) got;
      progress_bytes (progress, done, total);
    }
  return TRUE;
}

/* Goes to where the range begins, and cuts it to the blob. */
static gboolean
read_seek (CaskInputStream *stream, const char *name, ReadRange *range, GError **error)
{
  guint64 size = cask_input_stream_get_size (stream);
  if (range->from_end)
    range->offset = size > range->offset ? size - range->offset : 0;
  if (range->offset > size)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                   "%s: a range from byte %" G_GUINT64_FORMAT
                   " starts past the end at %" G_GUINT64_FORMAT,
                   name, range->offset, size);
      return FALSE;
    }
  if (range->offset == 0)
    return TRUE;
  range->length = MIN (range->length, size - range->offset);
  return g_seekable_seek (G_SEEKABLE (stream), (goffset) range->offset, G_SEEK_SET, NULL,
                          error);
}

/* target: what the bytes become, for the progress line; NULL is standard output */
static gboolean
read_stream (ToolCall *call, CaskInputStream *stream, ReadRange range, ReadSink sink,
             gpointer data, const char *target, GError **error)
{
  CaskBlobInfo info;
  char name[CASK_DIGEST_TEXT_SIZE];
  cask_input_stream_get_info (stream, &info);
  cask_digest_write (&info.digest, name);
  if (!read_seek (stream, name, &range, error))
    return FALSE;
  g_autoptr (Progress) progress =
      read_progress_fits (sink) ? progress_new ("reading", target ? target : name) : NULL;
  return read_copy (stream, range.length, progress, sink, data, call->cancellable, error);
}

static gboolean
read_print (ToolCall *call, const CaskDigest *digest, ReadRange range, GError **error)
{
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (call->store, digest, NULL, error);
  return stream && read_stream (call, stream, range, read_to_output, NULL, NULL, error);
}

/* Signals are watched only after the file is open: a FIFO waits for its reader there, and
 * no cancellable would end that. */
static gboolean
read_save (ToolCall *call, const CaskDigest *digest, const char *name, GError **error)
{
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (call->store, digest, NULL, error);
  g_autoptr (Save) save = stream ? save_new (name, error) : NULL;
  if (!save)
    return FALSE;
  tool_watch_signals (call);
  return read_stream (call, stream, read_everything, read_to_file, save, name, error) &&
         save_finish (save, error);
}

ToolStatus
command_get (ToolCall *call)
{
  g_autofree char *output = NULL;
  const GOptionEntry entries[] = { { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
                                     "Write to FILE (default, and '-': standard output)",
                                     "FILE" },
                                   G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 1, 1))
    return call->status;
  g_autofree CaskDigest *digest = tool_parse_digests (call);
  if (!digest || !tool_open (call, TOOL_READ))
    return call->status;

  g_autoptr (GError) error = NULL;
  if (output && strcmp (output, "-") != 0)
    read_save (call, digest, output, &error);
  else
    read_print (call, digest, read_everything, &error);
  if (error)
    tool_add_error (call, error);
  return call->status;
}

/* "A-B", "A-" or "-N". */
static gboolean
read_parse_range (const char *text, ReadRange *range)
{
  const char *dash = strchr (text, '-');
  if (!dash)
    return FALSE;
  g_autofree char *first = g_strndup (text, (gsize) (dash - text));
  const char *last = dash + 1;
  guint64 end;

  *range = read_everything;
  range->from_end = *first == '\0';
  if (range->from_end)
    return tool_parse_number (last, &range->offset) && range->offset > 0;
  if (!tool_parse_number (first, &range->offset))
    return FALSE;
  if (*last == '\0')
    return TRUE;
  if (!tool_parse_number (last, &end) || end < range->offset)
    return FALSE;
  if (end - range->offset < CASK_TO_END)
    range->length = end - range->offset + 1;
  return TRUE;
}

ToolStatus
command_cat (ToolCall *call)
{
  g_autofree char *text = NULL;
  const GOptionEntry entries[] = { { "range", 'r', 0, G_OPTION_ARG_FILENAME, &text,
                                     "Write these bytes only", "RANGE" },
                                   G_OPTION_ENTRY_NULL };
  ReadRange range = read_everything;
  if (!tool_parse (call, entries, 1, 1))
    return call->status;
  if (text && !read_parse_range (text, &range))
    return tool_usage (call, "'%s' is no range such as 0-99, 100- or -100", text);
  g_autofree CaskDigest *digest = tool_parse_digests (call);
  if (!digest || !tool_open (call, TOOL_READ))
    return call->status;

  g_autoptr (GError) error = NULL;
  read_print (call, digest, range, &error);
  if (error)
    tool_add_error (call, error);
  return call->status;
}
