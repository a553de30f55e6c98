/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.h: what every fuzz target needs.
 *
 * A target is one file, fuzz-NAME.c, with LLVMFuzzerTestOneInput(). It is linked with
 * libFuzzer, which makes inputs up, or with fuzz-replay.c, which only runs those that are
 * kept. A wrong result ends the process: the input that led to it is the finding. */
#pragma once

#include <glib.h>

/* libFuzzer's, or fuzz-replay.c's, way in. Returns: 0, always */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
/* Called once before: faults of GLib's kind are findings, too. */
int LLVMFuzzerInitialize (int *argc, char ***argv);

/* Says what does not hold, and ends the process. */
#define FUZZ_CHECK(claim)                                                                \
  do                                                                                     \
    if (G_UNLIKELY (!(claim)))                                                           \
      fuzz_fail (__FILE__, __LINE__, "%s", #claim);                                      \
  while (0)
G_NORETURN void fuzz_fail (const char *file, int line, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* An error must have this domain and code, and a message of one printable line that is
 * not endless. */
void fuzz_check_error (const GError *error, GQuark domain, int code);

/* Whether it is one line of valid UTF-8 without control characters. */
gboolean fuzz_is_one_line (const char *text);

/* A directory of this process, in $TMPDIR; removed when it ends well. Returns: (transfer
 * none) */
const char *fuzz_directory (void);
