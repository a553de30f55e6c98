/* SPDX-License-Identifier: Apache-2.0
 *
 * L33, L46: a host of the next minor, whose tables are longer, and plugins that were
 * built with the frozen headers of 1.0, with today's and with its own. */
#include "abi-fixture.h"
#include "next.h"

#include <dlfcn.h>

#define TEXT_SIZE 12

/* Asks the host's table, as a layer would its child, for a slot that 1.0 does not have.
 */
static guint64
newer_size (CaskNode *node, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  guint64 size = 0;

  CU_ASSERT_TRUE (CASK_CALL (&node->as_child, next_size, digest, &size, NULL, &error));
  TEST_NO_ERROR (error);
  return size;
}

static void
test_filled (void)
{
  g_autoptr (CaskLoadedPlugin) loaded = abi_load ("old");

  if (loaded == NULL)
    return;
  CU_ASSERT_EQUAL (loaded->descriptor.abi_minor, 0);
  CU_ASSERT_EQUAL (loaded->descriptor.next_word, 0);
  CU_ASSERT_EQUAL (loaded->ops_size, 232);
  CU_ASSERT_EQUAL (loaded->ops.size, sizeof (CaskBackendOps));
  CU_ASSERT_PTR_NOT_NULL (loaded->ops.condemn);
  CU_ASSERT_PTR_NULL (loaded->ops.next_size);
  CU_ASSERT_PTR_NULL (loaded->ops.next_mark);
  CU_ASSERT_STRING_EQUAL (loaded->options[0].name, "room");
  CU_ASSERT_EQUAL (loaded->options[0].next_word, 0);
  CU_ASSERT_STRING_EQUAL (loaded->options[1].name, "ids");
  CU_ASSERT_STRING_EQUAL (loaded->options[1].choices, "plain|hashed");
  CU_ASSERT_EQUAL (loaded->options[1].next_word, 0);
}

/* The same plugin with something behind each of its tables, which is not its tables'. */
static void
test_behind (void)
{
  struct
  {
    guint64 table[120 / 8], behind;
  } plugin;
  struct
  {
    guint64 table[232 / 8], behind[2];
  } ops;
  g_autoptr (CaskLoadedPlugin) loaded = NULL;
  g_autoptr (GError) error = NULL;
  void *handle = dlopen (ABI_PLUGINS "/cask-old.so", RTLD_NOW | RTLD_LOCAL);
  const CaskPlugin *old = handle != NULL ? dlsym (handle, "cask_plugin") : NULL;

  CU_ASSERT_PTR_NOT_NULL (old);
  if (old == NULL)
    return;
  memset (&plugin, 0xff, sizeof plugin);
  memset (&ops, 0xff, sizeof ops);
  memcpy (&plugin, old, sizeof plugin.table);
  memcpy (&ops, old->ops, sizeof ops.table);
  CaskPlugin *copy = (CaskPlugin *) (gpointer) &plugin;
  copy->ops = (const CaskBackendOps *) (gpointer) &ops;
  CU_ASSERT_TRUE (cask_plugin_check (copy, NULL, "old", cask_abi_sizes, cask_abi_n_sizes,
                                     &loaded, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (loaded != NULL && loaded->descriptor.next_word == 0);
  CU_ASSERT_TRUE (loaded != NULL && loaded->ops.next_size == NULL);
  CU_ASSERT_TRUE (loaded != NULL && loaded->ops.next_mark == NULL);
  dlclose (handle);
}

static void
test_emulated (void)
{
  static const char *const configs[] = { "old", "minimal", "layer(old)" };

  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_autoptr (GError) error = NULL;
      CaskNode *node = abi_open (configs[i], 0);
      if (node == NULL)
        continue;
      CaskDigest digest = abi_put (node);
      CU_ASSERT_EQUAL (newer_size (node, &digest), TEXT_SIZE);
      CU_ASSERT_FALSE (CASK_CALL (&node->as_child, next_mark, NULL, &error));
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "marking");
      cask_node_close (node);
    }
}

/* `layer` is of 1.0: it left those slots to its child that it knew of, and the new ones
 * it did not, so the host does not go past it. */
static void
test_layer (void)
{
  g_autoptr (GError) error = NULL;
  CaskNode *node = abi_open ("layer(new)", 0);

  if (node == NULL)
    return;
  CaskDigest digest = abi_put (node);
  CU_ASSERT_EQUAL (newer_size (node->child_nodes[0], &digest),
                   TEXT_SIZE | NEXT_SIZE_MARK);
  CU_ASSERT_EQUAL (newer_size (node, &digest), TEXT_SIZE);
  CU_ASSERT_FALSE (CASK_CALL (&node->as_child, next_mark, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "marking");
  cask_node_close (node);
}

/* An old plugin is given longer structs, and what is in them does not disturb it. */
static void
test_upload (void)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA512,
                          .expected_size = CASK_UNKNOWN,
                          .next_word = NEXT_SPEC_WORD };
  CaskNode *node = abi_open ("old", NEXT_HOST_WORD);

  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (node->args.size, sizeof (CaskOpenArgs));
  CU_ASSERT_EQUAL (node->args.next_word, NEXT_ARGS_WORD);
  abi_upload (node, &spec);
  cask_node_close (node);
}

/* The proof that the newer parts are there at all: a plugin that knows them meets them.
 */
static void
test_newer (void)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA512,
                          .expected_size = CASK_UNKNOWN,
                          .next_word = NEXT_SPEC_WORD };
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskLoadedPlugin) needy = abi_load ("new-minor");
  CaskNode *node = abi_open ("new", NEXT_HOST_WORD);

  if (needy == NULL || node == NULL)
    return;
  CU_ASSERT_EQUAL (needy->descriptor.need_minor, CASK_PLUGIN_ABI_MINOR);
  CU_ASSERT_EQUAL (node->plugin->descriptor.next_word, 9);
  CU_ASSERT_EQUAL (node->plugin->options[1].next_word, 8);
  CaskDigest digest = abi_upload (node, &spec);
  CU_ASSERT_EQUAL (newer_size (node, &digest), TEXT_SIZE | NEXT_SIZE_MARK);
  CU_ASSERT_TRUE (CASK_CALL (&node->as_child, next_mark, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (abi_seen (node), NEXT_HOST_WORD + NEXT_ARGS_WORD + NEXT_SPEC_WORD);
  cask_node_close (node);
}

/* Of this host's own minor: no newer Cask would help. */
static void
test_needs (void)
{
  abi_refused ("new-needs", CASK_ERROR_PLUGIN_INVALID,
               "it needs what this Cask does not know (needs 0x8000000000000000): "
               "correct .needs");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L33 L46 a plugin of 1.0 is copied, and what it lacks is NULL", test_filled },
    { "L33 what lies behind an older plugin's tables is not read", test_behind },
    { "L33 what an older plugin lacks the host does, or refuses", test_emulated },
    { "L33 a slot beyond an older layer's table is not its child's", test_layer },
    { "L33 an older plugin works with longer structs", test_upload },
    { "a plugin of the same minor is used whole", test_newer },
    { "needs that no minor has are the plugin's mistake", test_needs },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "newer host", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
