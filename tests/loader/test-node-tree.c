/* SPDX-License-Identifier: Apache-2.0
 *
 * test-node-tree.c: which nodes may stand where, and what is told of them. */
#include "liar.h"
#include "node-fixture.h"

#include <cask/cask-plugins.h>
#include <cask/cask-store.h>

static void
tree_refused (const char *config, const char *text)
{
  g_autoptr (GError) error = NULL;
  liar_register ();
  CU_ASSERT_PTR_NULL (cask_store_open (config, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, text);
}

static void
test_places (void)
{
  tree_refused ("liar:/place", "liar takes no location behind its ':'");
  tree_refused ("odd(liar)", "odd needs a location: odd:LOCATION");
  tree_refused ("liar(liar)", "liar is a backend and takes nothing in parentheses");
}

static void
test_children (void)
{
  tree_refused ("odd:/place", "odd stands before 1 store, not 0");
  tree_refused ("pair(liar)", "pair stands before 2 stores, not 1");
  tree_refused ("pair(liar,liar,liar)", "pair stands before 2 stores, not 3");
  tree_refused ("few", "few stands before 1 to 3 stores, not 0");
  tree_refused ("few(liar,liar,liar,liar)", "few stands before 1 to 3 stores, not 4");
}

static void
tree_encoding (const char *config, const char *encoding)
{
  liar_register ();
  liar = (Liar){ .size = 3, .capabilities = SHELF_EVERYTHING };
  CaskNode *node = shelf_open (config, "/");
  if (node == NULL)
    return;
  CU_ASSERT_TRUE (g_strcmp0 (liar.encoding, encoding) == 0);
  shelf_close (node);
}

static void
test_encodings (void)
{
  tree_encoding ("liar", NULL);
  tree_encoding ("few(liar)", NULL);
  tree_encoding ("code(liar)", "code");
  tree_encoding ("code(few(liar))", "code");
  tree_encoding ("code(code-too(liar))", "code+code-too");
}

static const CaskOptionSpec tree_options[] = {
  { .name = "text", .type = CASK_OPTION_STRING, .help = "words" },
  { .name = "count", .type = CASK_OPTION_UINT, .fallback = "7" },
  { .name = "size", .type = CASK_OPTION_SIZE, .fallback = "1KiB" },
  { .name = "wait", .type = CASK_OPTION_DURATION, .fallback = "1s" },
  { .name = "sure", .type = CASK_OPTION_BOOLEAN, .fallback = "no" },
  { .name = "way", .type = CASK_OPTION_CHOICE, .choices = "up|down", .fallback = "up" },
  { .name = "key", .type = CASK_OPTION_SECRET, .flags = CASK_OPTION_REQUIRED },
  { .name = "old",
    .type = CASK_OPTION_UINT,
    .flags = CASK_OPTION_DEPRECATED,
    .fallback = "0" },
};
/* What people are told of the type of each. */
static const char *const tree_types[] = {
  "text",  "number", "size", "duration", "yes|no", "up|down", "file:PATH|env:NAME|fd:N",
  "number"
};

/* A backend `told` with those options. NULL after a failed assertion. */
static CaskPluginInfo *
tree_told (void)
{
  static CaskPlugin table;
  g_autoptr (GError) error = NULL;

  if (table.name == NULL)
    {
      table = *liar_table ();
      table.name = "told";
      table.summary = "says it all";
      table.license = "Apache-2.0";
      table.homepage = "https://example.org/";
      table.capabilities = CASK_CAPABILITY_WRITE;
      table.options = tree_options;
      table.n_options = G_N_ELEMENTS (tree_options);
      CU_ASSERT_TRUE (cask_register_plugin (&table, &error));
      TEST_NO_ERROR (error);
    }
  CaskPluginInfo *info = cask_plugin_info_new ("told", &error);
  TEST_NO_ERROR (error);
  return info;
}

static void
test_told (void)
{
  g_autoptr (CaskPluginInfo) info = tree_told ();
  if (info == NULL)
    return;
  g_autoptr (CaskPluginInfo) same = cask_plugin_info_ref (info);
  CU_ASSERT_PTR_EQUAL (same, info);
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_name (info), "told");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_version (info), "1");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_summary (info), "says it all");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_license (info), "Apache-2.0");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_homepage (info), "https://example.org/");
  CU_ASSERT_PTR_NULL (cask_plugin_info_get_path (info));
  CU_ASSERT_EQUAL (cask_plugin_info_get_abi_minor (info), CASK_PLUGIN_ABI_MINOR);
  CU_ASSERT_EQUAL (cask_plugin_info_get_kind (info), CASK_PLUGIN_BACKEND);
  CU_ASSERT_EQUAL (cask_plugin_info_get_location (info), CASK_LOCATION_NONE);
  CU_ASSERT_EQUAL (cask_plugin_info_get_capabilities (info), CASK_CAPABILITY_WRITE);
}

static void
test_told_options (void)
{
  g_autoptr (CaskPluginInfo) info = tree_told ();
  if (info == NULL)
    return;
  CU_ASSERT_EQUAL (cask_plugin_info_get_n_options (info), G_N_ELEMENTS (tree_options));
  for (guint i = 0; i < G_N_ELEMENTS (tree_options); i++)
    {
      CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_option_type (info, i), tree_types[i]);
      CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_option_name (info, i),
                              tree_options[i].name);
      CU_ASSERT_EQUAL (cask_plugin_info_is_option_required (info, i), i == 6);
      CU_ASSERT_EQUAL (cask_plugin_info_is_option_deprecated (info, i), i == 7);
      CU_ASSERT_TRUE (g_strcmp0 (cask_plugin_info_get_option_fallback (info, i),
                                 tree_options[i].fallback) == 0);
    }
}

static void
test_told_children (void)
{
  liar_register ();
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new ("few", NULL);
  CU_ASSERT_PTR_NOT_NULL (info);
  if (info == NULL)
    return;
  CU_ASSERT_EQUAL (cask_plugin_info_get_kind (info), CASK_PLUGIN_LAYER);
  CU_ASSERT_EQUAL (cask_plugin_info_get_min_children (info), 1);
  CU_ASSERT_EQUAL (cask_plugin_info_get_max_children (info), 3);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "G2 a location stands where one belongs", test_places },
    { "G2 a layer stands before as many stores as it takes", test_children },
    { "a backend is told what encodes above it", test_encodings },
    { "a plugin's page tells all that its table says", test_told },
    { "a plugin's page tells what each option takes", test_told_options },
    { "a layer's page tells how many stores it takes", test_told_children },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "node tree", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
