/* SPDX-License-Identifier: Apache-2.0
 *
 * L32: this host and plugins that were built with the header of the next minor. */
#include "abi-fixture.h"

#define OURS CASK_PLUGIN_ABI_MINOR
#define THEIRS (CASK_PLUGIN_ABI_MINOR + 1)

static void
test_copied (void)
{
  g_autoptr (CaskLoadedPlugin) loaded = abi_load ("new");

  if (loaded == NULL)
    return;
  CU_ASSERT_EQUAL (loaded->descriptor.abi_minor, THEIRS);
  CU_ASSERT_STRING_EQUAL (loaded->descriptor.summary, "A plugin of the next minor");
  CU_ASSERT_EQUAL (loaded->ops_size, sizeof (CaskBackendOps) + 16);
  CU_ASSERT_EQUAL (loaded->ops.size, sizeof (CaskBackendOps));
  CU_ASSERT_PTR_NOT_NULL (loaded->ops.upload_begin);
  CU_ASSERT_PTR_NOT_NULL (loaded->ops.usage);
  CU_ASSERT_PTR_NULL (loaded->ops.condemn);
}

/* Each is 8 bytes longer than ours: a host with its own stride reads the second askew. */
static void
test_options (void)
{
  g_autoptr (CaskLoadedPlugin) loaded = abi_load ("new");

  if (loaded == NULL)
    return;
  CU_ASSERT_EQUAL (loaded->descriptor.n_options, 2);
  CU_ASSERT_STRING_EQUAL (loaded->options[0].name, "room");
  CU_ASSERT_STRING_EQUAL (loaded->options[1].name, "rooms");
  CU_ASSERT_STRING_EQUAL (loaded->options[1].fallback, "2");
  CU_ASSERT_EQUAL (loaded->options[1].type, CASK_OPTION_UINT);
  CU_ASSERT_EQUAL (loaded->options[1].max, 0);
}

static void
test_works (void)
{
  CaskNode *node = abi_open ("new?room=2MiB&rooms=3", 0x1000);

  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (node->args.size, sizeof (CaskOpenArgs));
  CU_ASSERT_EQUAL (node->options->values[1].number, 3);
  abi_put (node);
  cask_node_close (node);
}

/* What the plugin knows and this host does not: it looks at the sizes, finds nothing, and
 * what happens to lie behind the tables stays unread. */
static void
test_sized (void)
{
  struct
  {
    CaskUploadSpec spec;
    guint64 behind;
  } given = { { .size = sizeof (CaskUploadSpec),
                .algorithm = CASK_ALGORITHM_SHA512,
                .expected_size = CASK_UNKNOWN },
              0x4000 };
  CaskNode *node = abi_open ("new", 0x1000);

  if (node == NULL)
    return;
  abi_upload (node, &given.spec);
  CU_ASSERT_EQUAL (abi_seen (node), 0);
  cask_node_close (node);
}

static void
test_need_minor (void)
{
  g_autofree char *sentence =
      g_strdup_printf ("it needs plugin ABI 1.%d or newer, and this Cask has 1.%d: use a "
                       "newer Cask",
                       THEIRS, OURS);
  abi_refused ("new-minor", CASK_ERROR_PLUGIN_ABI, sentence);
}

static void
test_needs (void)
{
  abi_refused ("new-needs", CASK_ERROR_PLUGIN_ABI,
               "it needs what this Cask does not know (needs 0x8000000000000000): use a "
               "newer Cask");
}

/* L46; what it does, the contract suite says. */
static void
test_old (void)
{
  g_autoptr (CaskLoadedPlugin) loaded = abi_load ("old");

  if (loaded == NULL)
    return;
  CU_ASSERT_EQUAL (loaded->descriptor.abi_minor, 0);
  CU_ASSERT_EQUAL (loaded->ops_size, 232);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L32 of a newer plugin's tables what is known is copied", test_copied },
    { "L32 a newer plugin's options are read at its own stride", test_options },
    { "L32 a newer plugin opens and keeps blobs", test_works },
    { "L32 a newer plugin sees by the sizes that this host is older", test_sized },
    { "L32 one that needs the newer minor is refused with a sentence", test_need_minor },
    { "L32 one that needs what is unknown is refused with a sentence", test_needs },
    { "L46 a plugin built from the headers of 1.0 loads", test_old },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "newer plugin", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
