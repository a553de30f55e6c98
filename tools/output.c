/* SPDX-License-Identifier: Apache-2.0
 *
 * output.c: prints so that a script can rely on it.
 *
 * Invariants:
 * - an error is one line, whatever bytes its message holds: names of files and messages
 *   of plugins reach a terminal only with their control characters escaped;
 * - a result that could not be written is a failure of the command: output_finish() says
 *   so once, after the last buffer has reached the kernel. */

#include "output.h"
#include "progress.h"

#include <errno.h>
#include <stdio.h>

static int output_errno;

static gboolean
output_is_plain (gunichar character)
{
  return g_unichar_isprint (character) && character != 0x2028 && character != 0x2029;
}

/* Returns: (transfer full): text with every byte that is not printable UTF-8 as \xNN. */
char *
output_escape (const char *text)
{
  g_autoptr (GString) plain = g_string_new (NULL);
  while (*text)
    {
      gunichar character = g_utf8_get_char_validated (text, -1);
      gboolean valid = character < 0x110000;
      gsize length = valid ? (gsize) g_unichar_to_utf8 (character, NULL) : 1;
      if (valid && output_is_plain (character))
        g_string_append_len (plain, text, (gssize) length);
      else
        for (gsize i = 0; i < length; i++)
          g_string_append_printf (plain, "\\x%02x", (guchar) text[i]);
      text += length;
    }
  return g_string_free (g_steal_pointer (&plain), FALSE);
}

void
output_error (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_autofree char *plain = output_escape (message);
  progress_hide ();
  fprintf (stderr, "cask: %s\n", plain);
}

/* The first failure is the one with the reason; what follows it only repeats it. */
static gboolean
output_check (gboolean written)
{
  if (!written && output_errno == 0)
    output_errno = errno ? errno : EIO;
  return output_errno == 0;
}

/* Returns: FALSE once anything could not be written: a loop over many blobs stops there.
 */
gboolean
output_print (const char *format, ...)
{
  progress_hide ();
  va_list arguments;
  va_start (arguments, format);
  errno = 0;
  int length = vfprintf (stdout, format, arguments);
  va_end (arguments);
  return output_check (length >= 0);
}

gboolean
output_data (const char *data, gsize size)
{
  errno = 0;
  return output_check (size == 0 || fwrite (data, 1, size, stdout) == size);
}

/* For what must not be lost where the process is killed. */
gboolean
output_flush (void)
{
  errno = 0;
  return output_check (fflush (stdout) == 0);
}

/* Pushes the last buffer out and closes, which is where a full disk or a quota on a
 * network filesystem shows. A closed pipe is the reader's choice and gets no words. */
gboolean
output_finish (void)
{
  output_flush ();
  errno = 0;
  output_check (fclose (stdout) == 0);
  if (output_errno != 0 && output_errno != EPIPE)
    output_error ("standard output: %s", g_strerror (output_errno));
  return output_errno == 0;
}

/* Returns: (transfer full) (nullable): ISO 8601, UTC, to the microsecond; NULL for a time
 * that no calendar here has. */
char *
output_time (gint64 time_usec)
{
  gint64 second = time_usec / G_USEC_PER_SEC;
  gint64 fraction = time_usec % G_USEC_PER_SEC;
  if (fraction < 0)
    {
      second--;
      fraction += G_USEC_PER_SEC;
    }
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (second);
  if (!time)
    return NULL;

  g_autofree char *text = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf ("%s.%06dZ", text, (int) fraction);
}

/* Returns: (transfer full): for a person: "17 B", "3.4 MiB". */
char *
output_size (guint64 bytes)
{
  static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
  if (bytes < 1024)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " B", bytes);

  double size = (double) bytes / 1024;
  guint unit = 0;
  for (; size >= 1023.95 && unit + 1 < G_N_ELEMENTS (units); unit++)
    size /= 1024;
  return g_strdup_printf ("%.1f %s", size, units[unit]);
}

/* JSON is UTF-8: bytes that are not become U+FFFD. */
void
output_json_string (GString *json, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_string_append_c (json, '"');
  for (const char *at = valid; *at; at++)
    if (*at == '"' || *at == '\\')
      g_string_append_printf (json, "\\%c", *at);
    else if ((guchar) *at < 0x20 || *at == 0x7f)
      g_string_append_printf (json, "\\u%04x", (guchar) *at);
    else
      g_string_append_c (json, *at);
  g_string_append_c (json, '"');
}

void
output_json_number (GString *json, guint64 number)
{
  if (number == CASK_UNKNOWN)
    g_string_append (json, "null");
  else
    g_string_append_printf (json, "%" G_GUINT64_FORMAT, number);
}

void
output_json_blob (GString *json, const CaskBlobInfo *info)
{
  char digest[CASK_DIGEST_TEXT_SIZE];
  g_autofree char *time = output_time (info->mtime_usec);
  g_string_append_printf (
      json, "{\"digest\":\"%s\",\"size\":", cask_digest_write (&info->digest, digest));
  output_json_number (json, info->size);
  if (time)
    g_string_append_printf (json, ",\"mtime\":\"%s\"}", time);
  else
    g_string_append (json, ",\"mtime\":null}");
}

/* One blob, one line, the same from stat and ls. */
gboolean
output_blob_line (const CaskBlobInfo *info, gboolean json)
{
  if (json)
    {
      g_autoptr (GString) line = g_string_new (NULL);
      output_json_blob (line, info);
      return output_print ("%s\n", line->str);
    }
  char digest[CASK_DIGEST_TEXT_SIZE];
  g_autofree char *time = output_time (info->mtime_usec);
  cask_digest_write (&info->digest, digest);
  const char *shown = time ? time : "unknown";
  if (info->size == CASK_UNKNOWN)
    return output_print ("%s unknown %s\n", digest, shown);
  return output_print ("%s %" G_GUINT64_FORMAT " %s\n", digest, info->size, shown);
}
