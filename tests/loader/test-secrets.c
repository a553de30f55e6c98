/* SPDX-License-Identifier: Apache-2.0
 *
 * test-secrets.c: where secrets are read from, and that they go nowhere but to the plugin
 * (case G5). */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "options-fixture.h"

#define CANARY "hunter2-Canary"

static gboolean
secret_is (const char *reference, const char *expected, gsize size)
{
  g_autofree char *text = g_strconcat ("fs?secret-key=", reference, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskOptions) options = resolve (text, &error);
  if (options == NULL)
    {
      printf ("\n  %s: %s\n", text, error->message);
      return FALSE;
    }
  gsize length = 0;
  const char *bytes = g_bytes_get_data (options->values[AT_SECRET_KEY].secret, &length);
  return length == size && memcmp (bytes, expected, size) == 0;
}

static void
check_file_secret (const char *path, const char *content, gssize size,
                   const char *expected)
{
  g_autofree char *escaped = cask_config_escape (path);
  g_autofree char *reference = g_strconcat ("file:", escaped, NULL);
  CU_ASSERT_TRUE (g_file_set_contents (path, content, size, NULL));
  CU_ASSERT_TRUE (secret_is (reference, expected, strlen (expected)));
}

static void
check_file_refused (const char *path, const char *problem)
{
  g_autofree char *escaped = cask_config_escape (path);
  g_autofree char *reference = g_strconcat ("file:", escaped, NULL);
  check_value_refused ("secret-key", reference, problem);
}

static void
test_secret_files (void)
{
  g_autofree char *dir = g_dir_make_tmp ("cask-secret-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "key", NULL);
  g_autofree char *fifo = g_build_filename (dir, "fifo", NULL);
  g_autofree char *full = g_strnfill (CASK_SECRET_MAX_LENGTH, 'k');
  g_autofree char *over = g_strnfill (CASK_SECRET_MAX_LENGTH + 1, 'k');

  check_file_secret (path, CANARY, -1, CANARY);
  check_file_secret (path, CANARY "\n", -1, CANARY);
  check_file_secret (path, CANARY "\n\n", -1, CANARY "\n");
  check_file_secret (path, full, -1, full);
  CU_ASSERT_TRUE (g_file_set_contents (path, over, -1, NULL));
  check_file_refused (path, "its file: more than 65536 bytes");
  CU_ASSERT_TRUE (g_file_set_contents (path, "\n", -1, NULL));
  check_file_refused (path, "its file: empty");
  CU_ASSERT_EQUAL (g_unlink (path), 0);
  check_file_refused (path, "its file: open: No such file or directory");
  CU_ASSERT_EQUAL (mkfifo (fifo, 0600), 0);
  check_file_refused (fifo, "its file: not a regular file");
  check_file_refused (dir, "its file: not a regular file");
  check_file_refused ("/dev/zero", "its file: not a regular file");
  CU_ASSERT_EQUAL (g_unlink (fifo), 0);
  CU_ASSERT_EQUAL (g_rmdir (dir), 0);
}

static void
test_secret_elsewhere (void)
{
  g_setenv ("CASK_TEST_SECRET", CANARY "\n", TRUE);
  CU_ASSERT_TRUE (secret_is ("env:CASK_TEST_SECRET", CANARY "\n", strlen (CANARY) + 1));
  g_setenv ("CASK_TEST_SECRET", "", TRUE);
  check_value_refused ("secret-key", "env:CASK_TEST_SECRET",
                       "its environment variable: empty");
  g_unsetenv ("CASK_TEST_SECRET");
  check_value_refused ("secret-key", "env:CASK_TEST_SECRET",
                       "its environment variable is not set");

  /* Non-blocking, so that the reader must wait for what is not there yet by itself. */
  int ends[2];
  CU_ASSERT_EQUAL (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), 0);
  CU_ASSERT_EQUAL (write (ends[1], "a\0b\n", 4), 4);
  g_close (ends[1], NULL);
  g_autofree char *reference = g_strdup_printf ("fd:%d", ends[0]);
  CU_ASSERT_TRUE (secret_is (reference, "a\0b", 3));
  check_value_refused ("secret-key", reference, "its descriptor: empty");
  g_close (ends[0], NULL);
  check_value_refused ("secret-key", reference,
                       "its descriptor: read: Bad file descriptor");
}

static void
test_secret_fallback (void)
{
  const CaskOptionSpec spec = { .name = "key",
                                .type = CASK_OPTION_SECRET,
                                .fallback = "env:CASK_TEST_FALLBACK" };
  g_autoptr (CaskConfigNode) node = cask_config_parse ("s3:b", NULL);
  g_unsetenv ("CASK_TEST_FALLBACK");
  g_autoptr (CaskOptions) absent = cask_options_resolve ("s3", &spec, 1, node, NULL);
  CU_ASSERT_PTR_NOT_NULL (absent);
  CU_ASSERT_TRUE (absent != NULL && absent->values[0].secret == NULL);
  g_setenv ("CASK_TEST_FALLBACK", CANARY, TRUE);
  g_autoptr (CaskOptions) there = cask_options_resolve ("s3", &spec, 1, node, NULL);
  CU_ASSERT_PTR_NOT_NULL (there);
  CU_ASSERT_TRUE (there != NULL && there->values[0].is_set == 0);
  CU_ASSERT_TRUE (there != NULL &&
                  g_bytes_get_size (there->values[0].secret) == strlen (CANARY));
  g_unsetenv ("CASK_TEST_FALLBACK");
}

/* Wherever the canary is put by mistake, nothing that may be shown holds it. */
static void
test_canary (void)
{
  static const char *const mistakes[] = {
    CANARY,
    "file:" CANARY,
    "env:" CANARY,
    "env:9" CANARY,
    "fd:" CANARY,
    "fd:-1",
    "fd:99999999999",
    "FILE:/" CANARY,
    "file:",
    "env:",
    "fd:",
    "/" CANARY,
    "x%26" CANARY,
    "x&" CANARY "=1",
    "x&hunter2-canary=1",
    "file:/nowhere/" CANARY,
    "",
    "file://" CANARY,
  };
  for (gsize i = 0; i < G_N_ELEMENTS (mistakes); i++)
    {
      g_autofree char *text = g_strconcat ("fs:/a?secret-key=", mistakes[i], NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskConfigNode) node = cask_config_parse (text, &error);
      if (node == NULL)
        {
          CU_ASSERT_PTR_NULL (strcasestr (error->message, "hunter2"));
          continue;
        }
      g_autoptr (CaskOptions) options =
          cask_options_resolve ("fs", specs, G_N_ELEMENTS (specs), node, &error);
      CU_ASSERT_PTR_NULL (options);
      g_autofree char *printed = cask_config_print (node);
      g_autofree char *name = cask_config_print_name (node);
      CU_ASSERT_PTR_NULL (strcasestr (printed, "=" CANARY));
      CU_ASSERT_PTR_NULL (strcasestr (printed, "/" CANARY));
      CU_ASSERT_STRING_EQUAL (name, "fs:/a");
      CU_ASSERT_TRUE (error != NULL && strcasestr (error->message, "hunter2") == NULL);
      CU_ASSERT_TRUE (error != NULL && strstr (error->message, "'secret-key'") != NULL);
    }
  check_value_refused ("secret-key", CANARY,
                       "takes a reference, never the secret itself; write file:/path, "
                       "env:NAME or fd:N");
}

/* A canary in any option, under a misspelt name, and in text that does not parse. */
static void
test_canary_elsewhere (void)
{
  static const char *const texts[] = {
    "fs?durability=" CANARY,
    "fs?max-bytes=" CANARY,
    "fs?freshen=1" CANARY,
    "fs?level=7" CANARY,
    "fs?create=" CANARY,
    "fs?secret-kye=" CANARY,
    "fs?secret-key=x&" CANARY,
    "fs?secret-key=" CANARY "#",
    "fs?a=" CANARY " x",
    "a(fs?secret-key=x," CANARY ")",
    "fs?secret-key=" CANARY "(",
    "fs?secret-key=" CANARY ")",
    "/a?key=" CANARY,
    "fs?x=1&x=" CANARY,
    "fs?x=" CANARY "%0",
    "fs?x=" CANARY "%FF",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskOptions) options = resolve (texts[i], &error);
      CU_ASSERT_PTR_NULL (options);
      CU_ASSERT_TRUE (error != NULL && strcasestr (error->message, "hunter2") == NULL);
      if (error != NULL && strcasestr (error->message, "hunter2") != NULL)
        printf ("\n  %s\n", error->message);
    }

  g_autoptr (CaskConfigNode) node = cask_config_parse ("fs?secret-kye=" CANARY, NULL);
  CU_ASSERT_PTR_NULL (
      cask_options_resolve ("fs", specs, G_N_ELEMENTS (specs), node, NULL));
  g_autofree char *printed = cask_config_print (node);
  CU_ASSERT_STRING_EQUAL (printed, "fs?secret-kye=***");
}

int
main (void)
{
  CU_initialize_registry ();
  CU_pSuite suite = CU_add_suite ("secrets", NULL, NULL);
  CU_add_test (suite, "a secret comes from a small regular file", test_secret_files);
  CU_add_test (suite, "a secret comes from a variable or descriptor",
               test_secret_elsewhere);
  CU_add_test (suite, "a secret's fallback may lead nowhere", test_secret_fallback);
  CU_add_test (suite, "G5 a mistaken secret is never shown", test_canary);
  CU_add_test (suite, "G5 a value is never shown", test_canary_elsewhere);
  CU_basic_run_tests ();
  int status = CU_get_number_of_failures () == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  CU_cleanup_registry ();
  return status;
}
