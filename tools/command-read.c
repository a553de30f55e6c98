/* SPDX-License-Identifier: Apache-2.0
 *
 * command-read.c: `cask get` and `cask cat`: a blob becomes a file or a stream.
 *
 * A whole blob is verified before its first byte is written. A range cannot be; it is
 * read in pieces, so that memory does not grow with it. */

#include "tools-private.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_PIECE_SIZE ((guint64) 1024 * 1024)

typedef struct
{
  gboolean from_end; /* offset counts from there */
  guint64 offset;
  guint64 length;
} ReadRange;

static gboolean
read_write_all (int fd, const char *data, gsize size)
{
  while (size > 0)
    {
      gssize count = write (fd, data, size);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return FALSE;
      data += count;
      size -= (gsize) count;
    }
  return TRUE;
}

static gboolean
read_set_errno (GError **error, int code, const char *name)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", name,
               g_strerror (code));
  return FALSE;
}

/* Takes fd. Returns: 0, or what went wrong, which a network filesystem may say only as
 * the file is closed. */
static int
read_write_and_close (int fd, GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  int code = read_write_all (fd, data, size) ? 0 : errno;
  if (close (fd) != 0 && code == 0)
    code = errno;
  return code;
}

/* A device or a FIFO is written to. To rename over it would replace /dev/null. */
static gboolean
read_save_to_special (const char *name, GBytes *bytes, GError **error)
{
  int fd = open (name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  int code = fd < 0 ? errno : read_write_and_close (fd, bytes);
  return code == 0 || read_set_errno (error, code, name);
}

/* Whoever reads the name finds the old file or the new one, never a part, also where this
 * process is killed. */
static gboolean
read_save_by_rename (const char *name, GBytes *bytes, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *temporary = g_build_filename (folder, ".cask-XXXXXX", NULL);
  int fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0)
    return read_set_errno (error, errno, name);

  int code = read_write_and_close (fd, bytes);
  if (code == 0 && rename (temporary, name) != 0)
    code = errno;
  if (code == 0)
    return TRUE;
  unlink (temporary);
  return read_set_errno (error, code, name);
}

static gboolean
read_save (const char *name, GBytes *bytes, GError **error)
{
  struct stat status;
  if (stat (name, &status) != 0)
    return read_save_by_rename (name, bytes, error);
  if (S_ISDIR (status.st_mode))
    return read_set_errno (error, EISDIR, name);
  if (!S_ISREG (status.st_mode))
    return read_save_to_special (name, bytes, error);
  /* A symbolic link stays one, and the file it leads to is replaced. */
  g_autofree char *target = realpath (name, NULL);
  return read_save_by_rename (target ? target : name, bytes, error);
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
  g_autoptr (GBytes) bytes = cask_store_get (call->store, digest, NULL, &error);
  if (!bytes)
    tool_add_error (call, error);
  else if (!output || strcmp (output, "-") == 0)
    output_bytes (bytes);
  else if (!read_save (output, bytes, &error))
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

  *range = (ReadRange){ .length = CASK_TO_END };
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

static gboolean
read_print_range (CaskStore *store, const CaskDigest *digest, ReadRange range,
                  GError **error)
{
  if (range.from_end)
    {
      CaskBlobInfo info;
      if (!cask_store_stat (store, digest, &info, NULL, error))
        return FALSE;
      range.offset = info.size > range.offset ? info.size - range.offset : 0;
    }
  for (;;)
    {
      guint64 wanted = MIN (range.length, READ_PIECE_SIZE);
      g_autoptr (GBytes) piece =
          cask_store_get_range (store, digest, range.offset, wanted, NULL, error);
      if (!piece)
        return FALSE;
      gsize size = g_bytes_get_size (piece);
      if (!output_bytes (piece) || size < wanted || range.length == size)
        return TRUE;
      range.offset += size;
      if (range.length != CASK_TO_END)
        range.length -= size;
    }
}

ToolStatus
command_cat (ToolCall *call)
{
  g_autofree char *text = NULL;
  const GOptionEntry entries[] = { { "range", 'r', 0, G_OPTION_ARG_FILENAME, &text,
                                     "Write these bytes only", "RANGE" },
                                   G_OPTION_ENTRY_NULL };
  ReadRange range;
  if (!tool_parse (call, entries, 1, 1))
    return call->status;
  if (text && !read_parse_range (text, &range))
    return tool_usage (call, "'%s' is no range such as 0-99, 100- or -100", text);
  g_autofree CaskDigest *digest = tool_parse_digests (call);
  if (!digest || !tool_open (call, TOOL_READ))
    return call->status;

  g_autoptr (GError) error = NULL;
  if (text && !read_print_range (call->store, digest, range, &error))
    return tool_add_error (call, error);
  if (text)
    return call->status;
  g_autoptr (GBytes) bytes = cask_store_get (call->store, digest, NULL, &error);
  if (!bytes)
    return tool_add_error (call, error);
  output_bytes (bytes);
  return call->status;
}
