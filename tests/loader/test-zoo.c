/* SPDX-License-Identifier: Apache-2.0
 *
 * test-zoo.c: every broken plugin is refused with a sentence that names its file, what is
 * wrong and what to do, word for word (L11 to L14, L23 to L38), and the whole ones load.
 */
#include "zoo-fixture.h"

#include <dlfcn.h>

typedef struct
{
  const char *name;
  const char *text; /* after the file and ": "; %FILE% and %ZOO% stand for places */
  guint runs;       /* how often its constructor may have run */
} ZooRow;

static void
zoo_check (const ZooRow *row, CaskError code)
{
  g_autofree char *path = zoo_copy (row->name, test_directory ());

  zoo_refused_saying (path, row->name, code, row->text);
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
    { "no-note",
      "not a Cask plugin, it has no Cask note: define it with CASK_PLUGIN_DEFINE()", 0 },
    { "two-notes", "it has two Cask notes: use CASK_PLUGIN_DEFINE() once", 0 },
    { "undefined",
      "cannot be loaded: undefined symbol: zoo_that_nobody_defines: link or install what "
      "`ldd -r %FILE%` misses",
      0 },
    { "no-dependency",
      "cannot be loaded: libzoo-absent.so.9: cannot open shared object file: No such "
      "file or directory: link or install what `ldd -r %FILE%` misses",
      0 },
  };
  static const ZooRow major = { "major-2",
                                "built for plugin ABI 2, and this Cask has plugin ABI 1: "
                                "build it again with this Cask's cask-plugin.h",
                                0 };

  zoo_check_all (rows, G_N_ELEMENTS (rows));
  zoo_check (&major, CASK_ERROR_PLUGIN_ABI);
}

static void
test_disagree (void)
{
  static const ZooRow rows[] = {
    { "note-other-minor",
      "its note (ABI 1.7, 120 bytes) and its table (ABI 1.0, 120 bytes) disagree: build "
      "all of the plugin again",
      1 },
    { "table-other-major",
      "its note (ABI 1.0, 120 bytes) and its table (ABI 2.0, 120 bytes) disagree: build "
      "all of the plugin again",
      1 },
  };
  zoo_check_all (rows, G_N_ELEMENTS (rows));
}

static void
test_symbols (void)
{
  static const ZooRow rows[] = {
    { "no-table",
      "it exports no `cask_plugin`: define it with CASK_PLUGIN_DEFINE(), and do not hide "
      "it",
      1 },
    { "mangled",
      "it exports no `cask_plugin`, but has one with a C++ name: define it with "
      "CASK_PLUGIN_DEFINE(), or extern \"C\"",
      1 },
    { "borrowed",
      "its `cask_plugin` is in %ZOO%/libzoo-lender.so, which it only links: define one "
      "of its own",
      1 },
  };
  zoo_check_all (rows, G_N_ELEMENTS (rows));
}

static void
test_table (void)
{
  static const ZooRow rows[] = {
    { "magic",
      "`cask_plugin` is not a plugin's table (wrong magic): define it with "
      "CASK_PLUGIN_DEFINE()",
      1 },
    { "size-0",
      "its note (ABI 1.0, 120 bytes) and its table (ABI 1.0, 0 bytes) disagree: build "
      "all of the plugin again",
      1 },
    { "size-forgotten",
      "its note's CaskPlugin has 128 bytes, which is not what ABI 1.0 has (120): build "
      "the plugin again with the header of one Cask",
      0 },
    { "ops-size",
      "its CaskBackendOps has 224 bytes, which is not what ABI 1.0 has (232): build the "
      "plugin again with the header of one Cask",
      1 },
    { "name-null", "its table has no name: set .name", 1 },
    { "name-other",
      "the plugin in it is named 'something-else', not 'name-other': name the file "
      "cask-something-else.so",
      1 },
    { "ops-null", "its table has no functions: set .ops", 1 },
    { "half-group",
      "it has the slot blob_close and not blob_read: they go together, set both or none",
      1 },
    { "half-upload",
      "it has the slot upload_begin and not upload_close: they go together, set both or "
      "none",
      1 },
    { "half-resume",
      "it has the slot upload_save and not upload_list: they go together, set both or "
      "none",
      1 },
  };
  zoo_check_all (rows, G_N_ELEMENTS (rows));
}

/* How large the table is in its file is the compiler's to say: a sanitizer pads it. */
static void
test_huge (void)
{
  g_autofree char *path = zoo_copy ("size-huge", test_directory ());
  void *handle = dlopen (path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void *table = handle != NULL ? dlsym (handle, "cask_plugin") : NULL;
  const ElfW (Sym) *symbol = NULL;
  Dl_info place;
  gboolean found = table != NULL &&
                   dladdr1 (table, &place, (void **) &symbol, RTLD_DL_SYMENT) != 0 &&
                   symbol != NULL;

  CU_ASSERT_TRUE (found);
  if (!found)
    return;
  g_autofree char *text = g_strdup_printf (
      "its `cask_plugin` claims to have 1048576 bytes, and has %" G_GUINT64_FORMAT
      ": build the plugin again",
      (guint64) symbol->st_size);
  zoo_refused_saying (path, "size-huge", CASK_ERROR_PLUGIN_INVALID, text);
}

static void
test_descriptor (void)
{
  static const ZooRow rows[] = {
    { "children",
      "a backend has no children, and it asks for 0 to 1: leave .min_children and "
      ".max_children out, or make it a layer",
      1 },
    { "kind", "its kind 3 is neither backend (1) nor layer (2): correct .kind", 1 },
    { "location",
      "its location 9 is neither none (0) nor optional (1) nor required (2): correct "
      ".location",
      1 },
    { "stride",
      "its CaskOptionSpec has 48 bytes, which is not what ABI 1.0 has (56): build the "
      "plugin again with the header of one Cask",
      1 },
    { "option-null", "its option 0 has no name: set its .name, or correct .n_options",
      1 },
    { "option-type", "its option 'room': unknown type 99: correct its CaskOptionSpec",
      1 },
    { "option-fallback",
      "its option 'room': fallback: not a size; write for example 64MiB: correct its "
      "CaskOptionSpec",
      1 },
  };
  static const ZooRow newer = {
    "need-newer",
    "it needs plugin ABI 1.3 or newer, and this Cask has 1.0: use a newer Cask", 1
  };

  zoo_check_all (rows, G_N_ELEMENTS (rows));
  zoo_check (&newer, CASK_ERROR_PLUGIN_ABI);
}

static void
test_slots (void)
{
  static const ZooRow rows[] = {
    { "no-open", "the required slot open is NULL: set it", 1 },
    { "no-close", "the required slot close is NULL: set it", 1 },
    { "no-put", "the required slot put is NULL: set it", 1 },
    { "no-get", "the required slot get is NULL: set it", 1 },
    { "no-stat", "the required slot stat is NULL: set it", 1 },
    { "no-remove", "the required slot remove is NULL: set it", 1 },
    { "no-list", "the required slot list is NULL: set it", 1 },
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
    { "L28 to L35 a table that is wrong is refused", test_table },
    { "L31 a table that claims more than there is is refused", test_huge },
    { "L37 L38 a descriptor or an option that makes no sense is refused",
      test_descriptor },
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
