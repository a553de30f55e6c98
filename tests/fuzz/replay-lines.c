/* SPDX-License-Identifier: Apache-2.0
 *
 * replay-lines.c: what the program fuzz-replay runs inputs against: the text that they
 * are kept as.
 *
 * Each input, and each made from it by what an editor, a diff or a comment would spoil,
 * is one line that reads as the same input; and each input, taken for a line, is refused
 * or is the only line of what it stands for. */
#include "fuzz.h"

#include <string.h>

#include "corpus.h"

static void
lines_check (const char *before, GBytes *input, const char *behind)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gsize size;
  gconstpointer data = g_bytes_get_data (input, &size);
  g_byte_array_append (bytes, (const guint8 *) before, (guint) strlen (before));
  g_byte_array_append (bytes, data, (guint) size);
  g_byte_array_append (bytes, (const guint8 *) behind, (guint) strlen (behind));

  g_autofree char *line = corpus_line (bytes->data, bytes->len);
  gsize length = strlen (line);
  FUZZ_CHECK (length > 0 && line[length - 1] != ' ');
  FUZZ_CHECK (strcmp (line, "#") != 0 && !g_str_has_prefix (line, "# "));
  for (gsize i = 0; i < length; i++)
    FUZZ_CHECK (g_ascii_isprint (line[i]));

  g_autoptr (GBytes) again = corpus_parse (line, NULL);
  FUZZ_CHECK (again != NULL);
  g_autoptr (GBytes) whole = g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
  FUZZ_CHECK (g_bytes_equal (again, whole));
}

static void
lines_check_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) input = corpus_parse (text, &error);
  if (input == NULL)
    {
      fuzz_check_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      return;
    }
  gsize size;
  const guint8 *data = g_bytes_get_data (input, &size);
  g_autofree char *line = corpus_line (data, size);
  FUZZ_CHECK (strcmp (line, text) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const char *const before[] = { "", "#", "# ", "\\", "\\e", " " };
  static const char *const behind[] = { "", " ", "\n", "\r\n", "\\", "\\x4" };
  g_autoptr (GBytes) input = g_bytes_new (data, size);
  for (gsize i = 0; i < G_N_ELEMENTS (before); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (behind); j++)
      lines_check (before[i], input, behind[j]);
  g_autofree char *text = g_strndup ((const char *) data, size);
  lines_check_text (text);
  return 0;
}
