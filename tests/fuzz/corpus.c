/* SPDX-License-Identifier: Apache-2.0
 *
 * corpus.c: inputs to lines of text and back. */
#include "corpus.h"

#include <string.h>

#define CORPUS_EMPTY "\\e"

static gboolean
corpus_is_comment (const char *line)
{
  return line[0] == '#' && (line[1] == ' ' || line[1] == '\0');
}

static gboolean
corpus_is_plain (const guint8 *data, gsize size, gsize at)
{
  if (data[at] == ' ')
    return at + 1 < size;
  if (data[at] == '#' && at == 0)
    return size > 1 && data[1] != ' ';
  return g_ascii_isgraph ((char) data[at]);
}

char *
corpus_line (const guint8 *data, gsize size)
{
  GString *line = g_string_new (size == 0 ? CORPUS_EMPTY : NULL);
  for (gsize i = 0; i < size; i++)
    if (data[i] == '\\')
      g_string_append (line, "\\\\");
    else if (data[i] == '\n')
      g_string_append (line, "\\n");
    else if (corpus_is_plain (data, size, i))
      g_string_append_c (line, (char) data[i]);
    else
      g_string_append_printf (line, "\\x%02x", data[i]);
  return g_string_free (line, FALSE);
}

/* Takes one escape, behind its backslash. Returns: how long it is, 0 where it is none */
static gsize
corpus_take_escape (GByteArray *bytes, const char *escape)
{
  guint8 byte;
  gsize length = 1;
  if (escape[0] == '\\')
    byte = '\\';
  else if (escape[0] == 'n')
    byte = '\n';
  else if (escape[0] == 'x' && g_ascii_isxdigit (escape[1]) &&
           g_ascii_isxdigit (escape[2]))
    {
      int high = g_ascii_xdigit_value (escape[1]);
      byte = (guint8) (high << 4 | g_ascii_xdigit_value (escape[2]));
      length = 3;
    }
  else
    return 0;
  g_byte_array_append (bytes, &byte, 1);
  return length;
}

/* Lenient: what else a line may not be is seen by writing it again. */
static GByteArray *
corpus_take (const char *line)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  if (strcmp (line, CORPUS_EMPTY) == 0)
    return g_steal_pointer (&bytes);
  for (const char *c = line; *c != '\0'; c++)
    {
      if (*c != '\\')
        {
          g_byte_array_append (bytes, (const guint8 *) c, 1);
          continue;
        }
      gsize length = corpus_take_escape (bytes, c + 1);
      if (length == 0)
        return NULL;
      c += length;
    }
  return g_steal_pointer (&bytes);
}

GBytes *
corpus_parse (const char *line, GError **error)
{
  g_autoptr (GByteArray) bytes = corpus_take (line);
  if (bytes == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "a backslash that begins none of \\\\, \\n, \\xNN and \\e");
      return NULL;
    }
  g_autofree char *again = corpus_line (bytes->data, bytes->len);
  if (strcmp (again, line) != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "is to be written %.80s",
                   again);
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

static void
corpus_input_free (gpointer data)
{
  CorpusInput *input = data;
  g_bytes_unref (input->bytes);
  g_free (input);
}

/* A last line without an end would become one with what is added behind it. */
static gboolean
corpus_check_text (const char *path, const char *text, gsize size, GError **error)
{
  if (strlen (text) == size && (size == 0 || text[size - 1] == '\n'))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path,
               strlen (text) == size ? "the last line has no end" : "has a zero byte");
  return FALSE;
}

GPtrArray *
corpus_read (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size = 0;
  if (!g_file_get_contents (path, &text, &size, error) ||
      !corpus_check_text (path, text, size, error))
    return NULL;

  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (corpus_input_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (lines[i][0] == '\0' || corpus_is_comment (lines[i]))
        continue;
      GBytes *bytes = corpus_parse (lines[i], error);
      if (bytes == NULL)
        {
          g_prefix_error (error, "%s:%u: ", path, i + 1);
          return NULL;
        }
      CorpusInput *input = g_new (CorpusInput, 1);
      *input = (CorpusInput){ .line = i + 1, .bytes = bytes };
      g_ptr_array_add (inputs, input);
    }
  return g_steal_pointer (&inputs);
}

gboolean
corpus_unpack (const char *path, const char *directory, GError **error)
{
  g_autoptr (GPtrArray) inputs = corpus_read (path, error);
  if (inputs == NULL)
    return FALSE;
  /* Where it cannot be made, the first file cannot be either, and says so. */
  (void) g_mkdir_with_parents (directory, 0777);
  for (guint i = 0; i < inputs->len; i++)
    {
      const CorpusInput *input = g_ptr_array_index (inputs, i);
      g_autofree char *name =
          g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, input->bytes);
      g_autofree char *file = g_build_filename (directory, name, NULL);
      gsize size;
      const char *data = g_bytes_get_data (input->bytes, &size);
      if (!g_file_set_contents (file, data != NULL ? data : "", (gssize) size, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
corpus_pack_file (GPtrArray *lines, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size = 0;
  if (!g_file_get_contents (path, &text, &size, error))
    return FALSE;
  g_ptr_array_add (lines, corpus_line ((const guint8 *) text, size));
  return TRUE;
}

static gboolean
corpus_pack_directory (GPtrArray *lines, const char *path, GError **error)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, error);
  if (directory == NULL)
    return FALSE;
  const char *name;
  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      if (!corpus_pack_file (lines, file, error))
        return FALSE;
    }
  return TRUE;
}

static int
corpus_compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
corpus_pack (const char *path, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  gboolean is_directory = g_file_test (path, G_FILE_TEST_IS_DIR);
  if (is_directory ? !corpus_pack_directory (lines, path, error)
                   : !corpus_pack_file (lines, path, error))
    return NULL;

  g_ptr_array_sort (lines, corpus_compare);
  GString *text = g_string_new (NULL);
  const char *last = NULL;
  for (guint i = 0; i < lines->len; i++)
    {
      const char *line = g_ptr_array_index (lines, i);
      if (last == NULL || strcmp (line, last) != 0)
        g_string_append_printf (text, "%s\n", line);
      last = line;
    }
  return g_string_free (text, FALSE);
}
