/* SPDX-License-Identifier: Apache-2.0
 *
 * corpus.h: the kept inputs of a fuzz target as one text file, corpus/NAME.txt, that a
 * diff can show and a person can read.
 *
 * One input is one line of printable ASCII. `\\` is a backslash, `\n` a newline, `\xNN`
 * (lower case) any other byte that is not printable; so is a space at the end, which
 * editors take away, and a `#` that would make the line a comment. `\e` alone is the
 * empty input. A line that is `#`, or begins with `# `, is a comment; an empty line is
 * nothing.
 *
 * Invariants: an input has exactly one line: any other spelling of it is refused, so that
 * equal inputs are equal lines and `grep` can tell what is new. */
#pragma once

#include <gio/gio.h>

/* Of a corpus: an input, and the line it stands on, counted from 1. */
typedef struct
{
  guint line;
  GBytes *bytes;
} CorpusInput;

/* The line of an input, without its newline. Returns: (transfer full) */
char *corpus_line (const guint8 *data, gsize size);

/* The input that a line stands for, which is no comment. Errors: G_IO_ERROR_INVALID_DATA
 * where it is not as corpus_line() writes it. Returns: (transfer full) */
GBytes *corpus_parse (const char *line, GError **error);

/* All inputs of a file, in its order. Errors: those of reading it, and
 * G_IO_ERROR_INVALID_DATA naming the line. Returns: (transfer full) (element-type
 * CorpusInput) */
GPtrArray *corpus_read (const char *path, GError **error);

/* Writes each input of the file `path` to a file in `directory`, made where it is
 * missing, and named by its SHA-1, as libFuzzer names them. */
gboolean corpus_unpack (const char *path, const char *directory, GError **error);

/* The lines of the inputs that lie in a directory, or of one that is a file, sorted, each
 * once, each with its newline. Returns: (transfer full) */
char *corpus_pack (const char *path, GError **error);
