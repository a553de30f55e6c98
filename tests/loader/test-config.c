/* SPDX-License-Identifier: Apache-2.0
 *
 * test-config.c: config strings: what parses, what each broken rule says, and the limits
 * (cases G1 to G3). */
#include <stdio.h>
#include <stdlib.h>
#include <CUnit/Basic.h>

#include "config-private.h"

/* ---- G1: what parses ---- */

static void
check_prints (const char *text, const char *canonical)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskConfigNode) node = cask_config_parse (text, &error);
  CU_ASSERT_PTR_NOT_NULL (node);
  if (node == NULL)
    {
      printf ("\n  %s: %s\n", text, error->message);
      return;
    }
  g_autofree char *printed = cask_config_print (node);
  CU_ASSERT_STRING_EQUAL (printed, canonical);
  if (strcmp (printed, canonical) != 0)
    printf ("\n  %s\n  printed as %s\n", text, printed);
}

static void
test_examples (void)
{
  static const char *const examples[] = {
    "memory:",
    "memory",
    "memory:?max-bytes=64MiB",
    "memory:name",
    "fs:/srv/blobs",
    "fs:/srv/blobs?durability=batch",
    "fs:/srv/my%20blobs",
    "zstd?level=9(fs:/srv/blobs)",
    "cache(memory:?max-bytes=256MiB, s3://bucket/prefix?endpoint=https://minio.lan:9000)",
    "mirror(fs:/a, fs:/b)",
    "fs:/srv/blobs?verify=always&threads=8&max-get=2GiB",
    "s3://b?secret-key=file:/run/secrets/key&session=env:AWS_TOKEN&other=fd:3",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (examples); i++)
    check_prints (examples[i], examples[i]);
}

static void
test_writings (void)
{
  check_prints (" \t\nfs:/a\n", "fs:/a");
  check_prints ("mirror ( fs:/a\n,\tfs:/b ) ", "mirror(fs:/a, fs:/b)");
  check_prints ("a(b(c),d?x=1(e))", "a(b(c), d?x=1(e))");
  check_prints ("fs:%2fsrv%2Fblobs", "fs:/srv/blobs");
  check_prints ("fs:a%3Fb%26c%28d%29e%2Cf%25g%23h%22i%5Cj",
                "fs:a%3Fb%26c%28d%29e%2Cf%25g%23h%22i%5Cj");
  check_prints ("x:-._~/:@=+!$'*;[]?o=-._~/:@=+!$'*;[]",
                "x:-._~/:@=+!$'*;[]?o=-._~/:@=+!$'*;[]");
  check_prints ("x?o=", "x?o=");
  check_prints ("x?a=1&b=2=3", "x?a=1&b=2=3");
  check_prints ("a1-b2?c3-d4=e", "a1-b2?c3-d4=e");
  check_prints ("fs:/bl\xc3\xb6"
                "be?o=%C3%B6",
                "fs:/bl\xc3\xb6"
                "be?o=\xc3\xb6");
  check_prints ("fs:/latin\xf6%f6", "fs:/latin%F6%F6");
  check_prints ("fs:/a%0A%1b[31m", "fs:/a%0A%1B[31m");
  /* A right-to-left override and a line separator do not reach a terminal. */
  check_prints ("fs:/\xe2\x80\xae%E2%80%A8", "fs:/%E2%80%AE%E2%80%A8");
}

static void
test_offsets (void)
{
  g_autoptr (CaskConfigNode) root = cask_config_parse (" z?l=9 (fs:/a?b=c&d=%41)", NULL);
  CU_ASSERT_PTR_NOT_NULL (root);
  if (root == NULL || root->children->len != 1)
    {
      CU_FAIL ("one child expected");
      return;
    }
  const CaskConfigNode *child = root->children->pdata[0];
  const CaskConfigOption *level = root->options->pdata[0];
  const CaskConfigOption *last = child->options->pdata[1];
  CU_ASSERT_EQUAL (root->offset, 1);
  CU_ASSERT_PTR_NULL (root->location);
  CU_ASSERT_EQUAL (level->offset, 3);
  CU_ASSERT_EQUAL (level->value_offset, 5);
  CU_ASSERT_EQUAL (child->offset, 8);
  CU_ASSERT_STRING_EQUAL (child->location, "/a");
  CU_ASSERT_EQUAL (child->location_offset, 11);
  CU_ASSERT_EQUAL (last->offset, 18);
  CU_ASSERT_EQUAL (last->value_offset, 20);
  CU_ASSERT_STRING_EQUAL (last->value, "A");
  CU_ASSERT_FALSE (last->secret);
}

static void
test_names (void)
{
  g_autoptr (CaskConfigNode) node =
      cask_config_parse ("fs:/a%0Ab%FF%20c?o=1(memory)", NULL);
  CU_ASSERT_PTR_NOT_NULL (node);
  if (node == NULL)
    return;
  g_autofree char *name = cask_config_print_name (node);
  g_autofree char *child = cask_config_print_name (node->children->pdata[0]);
  CU_ASSERT_STRING_EQUAL (name, "fs:/a%0Ab%FF%20c");
  CU_ASSERT_STRING_EQUAL (child, "memory");
}

static void
test_redaction (void)
{
  g_autoptr (CaskConfigNode) node = cask_config_parse ("s3:b?key=env:KEY&x=1", NULL);
  CU_ASSERT_PTR_NOT_NULL (node);
  if (node == NULL)
    return;
  ((CaskConfigOption *) node->options->pdata[0])->secret = TRUE;
  g_autofree char *hidden = cask_config_print (node);
  g_autofree char *full = cask_config_print_full (node);
  CU_ASSERT_STRING_EQUAL (hidden, "s3:b?key=***&x=1");
  CU_ASSERT_STRING_EQUAL (full, "s3:b?key=env:KEY&x=1");
}

static void
test_escape (void)
{
  g_autofree char *plain = cask_config_escape ("/srv/a-b_c.d~e");
  g_autofree char *hard = cask_config_escape ("a b%?&(),"
                                              "#\"\\\t\x7f\xff\xc3\xb6<>^`{|}");
  g_autofree char *none = cask_config_escape ("");
  CU_ASSERT_STRING_EQUAL (plain, "/srv/a-b_c.d~e");
  CU_ASSERT_STRING_EQUAL (
      hard, "a%20b%25%3F%26%28%29%2C%23%22%5C%09%7F%FF\xc3\xb6%3C%3E%5E%60%7B%7C%7D");
  CU_ASSERT_STRING_EQUAL (none, "");
}

/* ---- G2: what does not ---- */

static void
check_refused (const char *text, gsize offset, const char *what)
{
  g_autofree char *message =
      g_strdup_printf ("config string, byte %" G_GSIZE_FORMAT ": %s", offset, what);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskConfigNode) node = cask_config_parse (text, &error);
  CU_ASSERT_PTR_NULL (node);
  CU_ASSERT_TRUE (g_error_matches (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG));
  if (error == NULL)
    {
      printf ("\n  accepted: %s\n", text);
      return;
    }
  CU_ASSERT_STRING_EQUAL (error->message, message);
  if (strcmp (error->message, message) != 0)
    printf ("\n  %s\n  got      %s\n  expected %s\n", text, error->message, message);
}

static void
test_refused_backend_names (void)
{
  check_refused ("", 0, "backend name expected");
  check_refused ("  ", 2, "backend name expected");
  check_refused (":x", 0, "backend name expected");
  check_refused ("FS:/a", 0, "a backend's name is lower case; did you mean 'fs'?");
  check_refused ("mirror(Fs:/a)", 7,
                 "a backend's name is lower case; did you mean 'fs'?");
  check_refused ("mirror(fs:/a?x=y, Hunter2)", 18, "a backend's name is lower case");
  check_refused ("9p:/a", 0, "a backend's name begins with a lower-case letter");
  check_refused ("-a", 0, "a backend's name begins with a lower-case letter");
  check_refused ("a-", 1, "'-' in a backend's name stands between letters or digits");
  check_refused ("a--b:", 1, "'-' in a backend's name stands between letters or digits");
  check_refused (
      "my_fs:", 2,
      "character '_' is not allowed in a backend's name; a location follows ':'");
  check_refused (
      "fs/srv", 2,
      "character '/' is not allowed in a backend's name; a location follows ':'");
  check_refused ("fs\xff", 2,
                 "byte 0xFF is not allowed in a backend's name; a location follows ':'");
  check_refused ("fs /srv", 3,
                 "':' and a location expected right after a backend's name");
}

static void
test_refused_paths (void)
{
  g_autofree char *most = g_strnfill (199, '/'), *long_path = g_strnfill (200, '/');
  g_autofree char *quoted =
      g_strdup_printf ("backend name expected; did you mean 'fs:%s'?", most);
  check_refused (most, 0, quoted);
  check_refused ("/srv/blobs", 0, "backend name expected; did you mean 'fs:/srv/blobs'?");
  check_refused (" /srv/my blobs\n", 1,
                 "backend name expected; did you mean 'fs:/srv/my%20blobs'?");
  check_refused ("./blobs", 0, "backend name expected; did you mean 'fs:./blobs'?");
  check_refused ("../blobs", 0, "backend name expected; did you mean 'fs:../blobs'?");
  check_refused ("~/blobs", 0,
                 "backend name expected; did you mean 'fs:~/blobs'? '~' is not expanded, "
                 "write the directory out");
  check_refused ("/b?key=hunter2", 0,
                 "backend name expected; a directory is written 'fs:/path'");
  check_refused ("/b\xff", 0, "backend name expected; a directory is written 'fs:/path'");
  check_refused (long_path, 0,
                 "backend name expected; a directory is written 'fs:/path'");
  check_refused ("zstd(/b)", 5,
                 "backend name expected; a directory is written 'fs:/path'");
}

static void
test_refused_options (void)
{
  check_refused ("fs:/a?", 6, "option expected after '?'");
  check_refused ("fs:/a?a=b&", 10, "option expected after '&'");
  check_refused ("fs:/a?&a=b", 6, "option expected after '?'");
  check_refused ("fs:/a?=b", 6, "option expected after '?'");
  check_refused ("fs:/a?sync", 10, "'=' and a value expected after an option's name");
  check_refused ("fs:/a?sync&b=c", 10, "'=' and a value expected after an option's name");
  check_refused ("fs:/a?max_bytes=1", 9,
                 "character '_' is not allowed in an option's name");
  check_refused ("fs:/a?%61=1", 6, "option expected after '?'");
  check_refused ("fs:/a?Layout=oci", 6,
                 "an option's name is lower case; did you mean 'layout'?");
  check_refused ("fs:/a?a=b&Layout=oci", 10, "an option's name is lower case");
  check_refused ("fs:/a?2=1", 6, "an option's name begins with a lower-case letter");
  check_refused ("fs:/a?a-=1", 7,
                 "'-' in an option's name stands between letters or digits");
  check_refused ("fs:/a?a=1&b=2&a=1", 14, "option 'a' is given twice");
  check_refused ("fs:/a?a=1?b=2", 9, "character '?' must be written %3F");
}

static void
test_refused_characters (void)
{
  check_refused ("fs:/srv/my blobs", 10, "character ' ' must be written %20");
  check_refused ("fs:/a?o=b c", 9, "character ' ' must be written %20");
  check_refused ("fs:/a\tb", 5, "byte 0x09 must be written %09");
  check_refused ("fs:/a\r\n", 5, "byte 0x0D must be written %0D");
  check_refused ("fs:/a\x1b", 5, "byte 0x1B must be written %1B");
  check_refused ("fs:/a#b", 5, "character '#' must be written %23");
  check_refused ("fs:\"/a\"", 3, "character '\"' must be written %22");
  check_refused ("fs:C:\\a", 5, "character '\\' must be written %5C");
  check_refused ("fs:/a&b=c", 5, "character '&' must be written %26");
  check_refused ("fs:/a?o=<", 8, "character '<' must be written %3C");

  const char *escape = "'%' must be followed by two hexadecimal digits; the character "
                       "itself is written %25";
  check_refused ("fs:/100%", 7, escape);
  check_refused ("fs:/a%2", 5, escape);
  check_refused ("fs:/a%2,", 5, escape);
  check_refused ("fs:/a%g0", 5, escape);
  check_refused ("fs:/a%%20", 5, escape);
  check_refused ("fs:/a%00", 5, "%00 is not allowed");
  check_refused ("fs:/a?o=b%00", 9, "%00 is not allowed");
  check_refused ("x?o=a%41%FF", 8, "the value of an option must be valid UTF-8");
  check_refused ("x?o=\xc3(", 4, "the value of an option must be valid UTF-8");
  check_refused ("x?o=%ED%A0%80", 4, "the value of an option must be valid UTF-8");
}

static void
test_refused_parentheses (void)
{
  check_refused ("zstd(fs:/a", 10, "')' is missing for the '(' at byte 4");
  check_refused ("a(b(c)", 6, "')' is missing for the '(' at byte 1");
  check_refused ("zstd(", 5, "backend name expected");
  check_refused ("zstd()", 5, "backend name expected");
  check_refused ("a(b,)", 4, "backend name expected");
  check_refused ("a(,b)", 2, "backend name expected");
  check_refused ("a(b,,c)", 4, "backend name expected");
  check_refused ("fs:/a)", 5,
                 "superfluous ')'; within a location or a value it is written %29");
  check_refused ("a(b))", 4,
                 "superfluous ')'; within a location or a value it is written %29");
  check_refused ("fs:/a,fs:/b", 5,
                 "superfluous ','; within a location or a value it is written %2C");
  check_refused ("a(b)(c)", 4, "nothing but ',' or ')' may follow a ')'");
  check_refused ("a(b)c", 4, "nothing but ',' or ')' may follow a ')'");
  check_refused ("a(b c)", 4, "':' and a location expected right after a backend's name");
  check_refused ("a(b)?level=9", 4, "location and options stand before '('");
  check_refused ("a(b):x", 4, "location and options stand before '('");
}

static void
test_suggestions (void)
{
  static const char *const words[] = { "none", "data", "full", "batch", "durability" };
  static const struct
  {
    const char *given, *expected;
  } cases[] = {
    { "durabilty", "durability" },
    { "durabiltiy", "durability" },
    { "DURABILITY", "durability" },
    { "dxrxbxlity", "durability" },
    { "dxrxbxlxty", NULL },
    { "bacth", "batch" },
    { "fll", "full" },
    { "nnoe", "none" },
    { "zzzz", NULL },
    { "q", NULL },
    { "", NULL },
  };
  g_autofree char *huge = g_strnfill (8000, 'a');
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *nearest = cask_suggest (cases[i].given, words, G_N_ELEMENTS (words));
      CU_ASSERT_EQUAL (g_strcmp0 (nearest, cases[i].expected), 0);
      if (g_strcmp0 (nearest, cases[i].expected) != 0)
        printf ("\n  '%s' suggests '%s'\n", cases[i].given, nearest);
    }
  CU_ASSERT_PTR_NULL (cask_suggest (huge, words, G_N_ELEMENTS (words)));
  CU_ASSERT_PTR_NULL (cask_suggest ("fs", NULL, 0));
}

/* ---- G3: limits ---- */

static char *
nested (guint levels)
{
  GString *text = g_string_new ("a");
  for (guint i = 1; i < levels; i++)
    g_string_append (text, "(a");
  for (guint i = 1; i < levels; i++)
    g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

static char *
broad (guint nodes)
{
  GString *text = g_string_new ("a(b");
  for (guint i = 2; i < nodes; i++)
    g_string_append (text, ",b");
  g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  g_autofree char *deepest = nested (16);
  g_autofree char *too_deep = nested (17);
  g_autofree char *broadest = broad (64);
  g_autofree char *too_broad = broad (65);
  g_autofree char *longest = g_strnfill (8192, 'a');
  g_autofree char *too_long = g_strnfill (8193, 'a');
  check_prints (deepest, deepest);
  check_refused (too_deep, 31, "more than 16 levels of backends");
  g_autoptr (CaskConfigNode) node = cask_config_parse (broadest, NULL);
  CU_ASSERT_PTR_NOT_NULL (node);
  CU_ASSERT_EQUAL (node != NULL ? node->children->len : 0, 63);
  check_refused (too_broad, 128, "more than 64 backends");
  check_prints (longest, longest);
  check_refused (too_long, 8192, "longer than 8192 bytes");
}

int
main (void)
{
  CU_initialize_registry ();
  CU_pSuite suite = CU_add_suite ("config strings", NULL, NULL);
  CU_add_test (suite, "G1 the examples of the design parse and print", test_examples);
  CU_add_test (suite, "G1 every way to write a string prints canonically", test_writings);
  CU_add_test (suite, "G1 nodes and options know where they were written", test_offsets);
  CU_add_test (suite, "a node's name is one printable line", test_names);
  CU_add_test (suite, "G5 a secret option prints as ***", test_redaction);
  CU_add_test (suite, "escaped text may stand anywhere", test_escape);
  CU_add_test (suite, "G2 broken backend names", test_refused_backend_names);
  CU_add_test (suite, "G2 a path where a name belongs", test_refused_paths);
  CU_add_test (suite, "G2 broken options", test_refused_options);
  CU_add_test (suite, "G2 characters that must be escaped", test_refused_characters);
  CU_add_test (suite, "G2 missing and superfluous ')' and ','", test_refused_parentheses);
  CU_add_test (suite, "G2 suggestions are near or not made", test_suggestions);
  CU_add_test (suite, "G3 limits hold at and just over", test_limits);
  CU_basic_run_tests ();
  int status = CU_get_number_of_failures () == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  CU_cleanup_registry ();
  return status;
}
