/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.c: how a target fails, and the directory it works in. */
#include "fuzz.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>

#include "test-support.h"

/* The longest message there is quotes a word of a few hundred bytes, escaped. */
#define FUZZ_MESSAGE_MAX 4096

static char *fuzz_place;

void
fuzz_fail (const char *file, int line, const char *format, ...)
{
  va_list arguments;

  fprintf (stderr, "%s:%d: does not hold: ", file, line);
  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
  abort ();
}

gboolean
fuzz_is_one_line (const char *text)
{
  if (!g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)))
      return FALSE;
  return TRUE;
}

void
fuzz_check_error (const GError *error, GQuark domain, int code)
{
  FUZZ_CHECK (error != NULL);
  if (!g_error_matches (error, domain, code))
    fuzz_fail (__FILE__, __LINE__, "%s %d, came %s %d: %s", g_quark_to_string (domain),
               code, g_quark_to_string (error->domain), error->code, error->message);
  FUZZ_CHECK (strlen (error->message) <= FUZZ_MESSAGE_MAX);
  FUZZ_CHECK (fuzz_is_one_line (error->message));
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  (void) argc;
  (void) argv;
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  return 0;
}

static void
fuzz_remove_directory (void)
{
  test_remove_tree (fuzz_place);
  g_free (fuzz_place);
}

const char *
fuzz_directory (void)
{
  if (fuzz_place != NULL)
    return fuzz_place;
  fuzz_place = g_dir_make_tmp ("cask-fuzz-XXXXXX", NULL);
  FUZZ_CHECK (fuzz_place != NULL);
  atexit (fuzz_remove_directory);
  return fuzz_place;
}
