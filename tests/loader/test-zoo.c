/* SPDX-License-Identifier: Apache-2.0
 *
 * test-zoo.c: every broken plugin is refused with a sentence that names its file, what is
 * wrong, and mostly what to do (L11 to L14, L23 to L38), and the whole ones load. */
#include "zoo-fixture.h"

typedef struct
{
  const char *name;
  const char *text;
  guint runs; /* how often its constructor may have run */
} ZooRow;

static void
zoo_check (const ZooRow *row, CaskError code)
{
  g_autofree char *path = zoo_copy (row->name, test_directory ());

  zoo_refused (path, row->name, code, row->text);
  CU_ASSERT_EQUAL (zoo_runs (row->name), row->runs);
}

static void
zoo_check_all (const ZooRow *rows, gsize n)
{
  for (gsize i = 0; i < n; i++)
    zoo_check (&rows[i], CASK_ERROR_PLUGIN_INVALID);
}

static void
test_before (void)
{
  static const ZooRow rows[] = {
    { "no-note", "it has no Cask note: define it with CASK_PLUGIN_DEFINE()", 0 },
    { "two-notes", "it has two Cask notes", 0 },
    { "undefined", "undefined symbol: zoo_that_nobody_defines", 0 },
    { "no-dependency", "cannot be loaded: libzoo-absent.so.9", 0 },
  };
  static const ZooRow major = { "major-2", "built for plugin ABI 2", 0 };

  zoo_check_all (rows, G_N_ELEMENTS (rows));
  zoo_check (&major, CASK_ERROR_PLUGIN_ABI);
}

static void
test_disagree (void)
{
  static const ZooRow rows[] = {
    { "note-other-minor", "disagree: build all of the plugin again", 1 },
    { "table-other-major", "disagree: build all of the plugin again", 1 },
  };
  zoo_check_all (rows, G_N_ELEMENTS (rows));
}

static void
test_symbols (void)
{
  static const ZooRow rows[] = {
    { "no-table", "it exports no `cask_plugin`: define it", 1 },
    { "mangled", "has one with a C++ name: define it with CASK_PLUGIN_DEFINE()", 1 },
    { "borrowed", "libzoo-lender.so, which it only links", 1 },
  };
  zoo_check_all (rows, G_N_ELEMENTS (rows));
}

static void
test_table (void)
{
  static const ZooRow rows[] = {
    { "magic", "wrong magic", 1 },
    { "size-0", "disagree", 1 },
    { "size-forgotten", "has 128 bytes, which is not what ABI 1.0 has (120)", 0 },
    { "size-huge", "claims to have 1048576 bytes", 1 },
    { "ops-size", "its CaskBackendOps has 224 bytes", 1 },
    { "name-null", "its table has no name", 1 },
    { "name-other",
      "named 'something-else', not 'name-other': name the file "
      "cask-something-else.so",
      1 },
    { "ops-null", "its table has no functions: set .ops", 1 },
    { "half-group", "blob_close and not blob_read", 1 },
    { "children", "a backend has no children", 1 },
    { "kind", "its kind 3 is neither", 1 },
    { "location", "its location 9 is unknown", 1 },
    { "stride", "its CaskOptionSpec has 48 bytes", 1 },
    { "option-null", "its option 0 has no name", 1 },
    { "option-type", "option 'room'", 1 },
    { "option-fallback", "option 'room': fallback", 1 },
  };
  static const ZooRow newer = { "need-newer",
                                "it needs plugin ABI 1.3 or newer, and this Cask has 1.0",
                                1 };

  zoo_check_all (rows, G_N_ELEMENTS (rows));
  zoo_check (&newer, CASK_ERROR_PLUGIN_ABI);
}

static void
test_slots (void)
{
  static const ZooRow rows[] = {
    { "no-open", "the required slot open is NULL", 1 },
    { "no-close", "the required slot close is NULL", 1 },
    { "no-put", "the required slot put is NULL", 1 },
    { "no-get", "the required slot get is NULL", 1 },
    { "no-stat", "the required slot stat is NULL", 1 },
    { "no-remove", "the required slot remove is NULL", 1 },
    { "no-list", "the required slot list is NULL", 1 },
  };
  zoo_check_all (rows, G_N_ELEMENTS (rows));
}

static void
test_whole (void)
{
  static const char *const names[] = {
    "minimal",   "counting",  "layer",         "plus-plus",     "zoo-whole",
    "newer",     "get-wrong", "get-short",     "get-long",      "open-silent",
    "open-both", "open-null", "list-unsorted", "foreign-error", "cancelled-lie",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = zoo_copy (names[i], test_directory ());
      g_autoptr (CaskLoadedPlugin) loaded =
          cask_plugin_file_load (path, names[i], &error);
      TEST_NO_ERROR (error);
      CU_ASSERT_TRUE (loaded != NULL && g_str_equal (loaded->path, path));
    }
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L11 to L13 L23 L24 what cannot fit is refused before it runs", test_before },
    { "L14 note and table that disagree are refused", test_disagree },
    { "L25 to L27 the table is there, and the plugin's own", test_symbols },
    { "L28 to L35 L37 L38 a table that is wrong is refused", test_table },
    { "L36 each required slot is required", test_slots },
    { "L32 L45 whole plugins load, newer ones and C++ too", test_whole },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "zoo", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
