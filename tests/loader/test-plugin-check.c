/* SPDX-License-Identifier: Apache-2.0
 *
 * test-plugin-check.c: a plugin's table against the ABI (L14, L28 to L38), also as hosts
 * older and newer than this one see it. */
#include "plugin-private.h"
#include "test-support.h"

#include <string.h>

/* A plugin that is whole until a test changes something. */
typedef struct
{
  CaskPlugin plugin;
  CaskBackendOps ops;
  CaskOptionSpec options[3];
  CaskElfNote note;
} Specimen;

/* Only the address counts: nothing is called. */
static void
specimen_slot (void)
{
}

static void
specimen_fill (CaskBackendOps *ops, gsize offset)
{
  void (*function) (void) = specimen_slot;
  memcpy ((char *) ops + offset, &function, sizeof function);
}

static void
specimen_init (Specimen *s)
{
  memset (s, 0, sizeof *s);
  s->plugin = (CaskPlugin){ .magic = CASK_PLUGIN_MAGIC,
                            .size = sizeof (CaskPlugin),
                            .abi_major = 1,
                            .option_size = sizeof (CaskOptionSpec),
                            .n_options = 2,
                            .kind = CASK_PLUGIN_BACKEND,
                            .name = "shelf",
                            .options = s->options,
                            .ops = &s->ops };
  s->options[0] =
      (CaskOptionSpec){ .name = "room", .fallback = "1MiB", .type = CASK_OPTION_SIZE };
  s->options[1] =
      (CaskOptionSpec){ .name = "tidy", .fallback = "yes", .type = CASK_OPTION_BOOLEAN };
  s->ops.size = sizeof (CaskBackendOps);
  for (gsize i = 0; i < 7; i++)
    specimen_fill (&s->ops, 8 + 8 * i);
  s->note = (CaskElfNote){ 1, 0, sizeof (CaskPlugin), sizeof (CaskBackendOps) };
}

static CaskLoadedPlugin *
specimen_check (const Specimen *s, const CaskAbiSizes *sizes, gsize n, GError **error)
{
  CaskLoadedPlugin *loaded = NULL;

  if (!cask_plugin_check_note (&s->note, sizes, n, error) ||
      !cask_plugin_check (&s->plugin, &s->note, "shelf", sizes, n, &loaded, error))
    return NULL;
  return loaded;
}

static void
specimen_refused (const Specimen *s, CaskError code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskLoadedPlugin) loaded =
      specimen_check (s, cask_abi_sizes, cask_abi_n_sizes, &error);

  CU_ASSERT_PTR_NULL (loaded);
  TEST_ERROR (error, CASK_ERROR, code, text);
}

#define REFUSED(change, text)                                                            \
  do                                                                                     \
    {                                                                                    \
      Specimen s;                                                                        \
      specimen_init (&s);                                                                \
      change;                                                                            \
      specimen_refused (&s, CASK_ERROR_PLUGIN_INVALID, text);                            \
    }                                                                                    \
  while (0)

static void
test_whole (void)
{
  Specimen s;
  g_autoptr (GError) error = NULL;

  specimen_init (&s);
  g_autoptr (CaskLoadedPlugin) loaded =
      specimen_check (&s, cask_abi_sizes, cask_abi_n_sizes, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (loaded);
  if (loaded == NULL)
    return;
  CU_ASSERT_STRING_EQUAL (loaded->descriptor.version, "");
  CU_ASSERT_PTR_EQUAL (loaded->descriptor.ops, &loaded->ops);
  CU_ASSERT_PTR_EQUAL (loaded->descriptor.options, loaded->options);
  CU_ASSERT_STRING_EQUAL (loaded->options[1].name, "tidy");
  CU_ASSERT_PTR_NOT_NULL (loaded->ops.list);
  CU_ASSERT_PTR_NULL (loaded->ops.flush);
  CU_ASSERT_EQUAL (loaded->ops_size, sizeof (CaskBackendOps));
}

static void
test_head (void)
{
  REFUSED (s.plugin.magic++, "wrong magic");
  REFUSED (s.note.plugin_size = s.plugin.size = 0, "impossible size 0");
  REFUSED (s.note.plugin_size = s.plugin.size = 1 << 20, "impossible size 1048576");
  REFUSED (s.note.plugin_size = s.plugin.size = 121, "impossible size 121");
  REFUSED (s.note.plugin_size = s.plugin.size = 128, "not what ABI 1.0 has (120)");
  REFUSED (s.note.ops_size = s.ops.size = 224, "not what ABI 1.0 has (232)");
  REFUSED (s.plugin.option_size = 48, "CaskOptionSpec has 48 bytes");
  REFUSED (s.plugin.option_size = 0, "impossible size 0");
  REFUSED (s.note.minor = 70000, "there never was a plugin ABI 1.70000");
}

static void
test_agreement (void)
{
  REFUSED (s.plugin.abi_minor = 1, "disagree");
  REFUSED (s.plugin.abi_major = 2, "disagree");
  REFUSED (s.plugin.size = 112, "disagree");
  REFUSED (s.ops.size = 224, "not what ABI 1.0 has");
  REFUSED ((s.note.minor = s.plugin.abi_minor = 3, s.ops.size = 240), "disagree");
}

static void
test_major (void)
{
  Specimen s;

  specimen_init (&s);
  s.note.major = s.plugin.abi_major = 2;
  specimen_refused (&s, CASK_ERROR_PLUGIN_ABI,
                    "built for plugin ABI 2, and this Cask has plugin ABI 1");
  specimen_init (&s);
  s.plugin.need_minor = 4;
  specimen_refused (&s, CASK_ERROR_PLUGIN_ABI,
                    "it needs plugin ABI 1.4 or newer, and this Cask has 1.0");
}

static void
test_names (void)
{
  static char longest[66];

  memset (longest, 'a', 65);
  REFUSED (s.plugin.name = NULL, "its table has no name");
  REFUSED (s.plugin.name = "cellar", "is named 'cellar', not 'shelf'");
  REFUSED (s.plugin.name = "", "not a plugin's name");
  REFUSED (s.plugin.name = "../shelf", "not a plugin's name");
  REFUSED (s.plugin.name = longest, "not a plugin's name");
  REFUSED (s.plugin.summary = "\xff", "its summary is not UTF-8");
  CU_ASSERT_TRUE (cask_plugin_name_is_valid (longest + 1));
  CU_ASSERT_TRUE (cask_plugin_name_is_valid ("s3-fast"));
  CU_ASSERT_FALSE (cask_plugin_name_is_valid ("s3--fast"));
  CU_ASSERT_FALSE (cask_plugin_name_is_valid ("s3-"));
  CU_ASSERT_FALSE (cask_plugin_name_is_valid ("-s3"));
  CU_ASSERT_FALSE (cask_plugin_name_is_valid ("3s"));
}

static void
test_shape (void)
{
  REFUSED (s.plugin.kind = 3, "its kind 3");
  REFUSED (s.plugin.kind = 0, "its kind 0");
  REFUSED (s.plugin.location = 3, "its location 3");
  REFUSED (s.plugin.max_children = 1, "a backend has no children");
  REFUSED (s.plugin.kind = CASK_PLUGIN_LAYER, "a layer has 1 to 64 children");
  REFUSED ((s.plugin.kind = 2, s.plugin.min_children = 2, s.plugin.max_children = 1),
           "asks for 2 to 1");
  REFUSED ((s.plugin.kind = 2, s.plugin.min_children = 1, s.plugin.max_children = 65),
           "asks for 1 to 65");
}

static void
test_needs (void)
{
  REFUSED (s.plugin.needs = 1 << 9, "it needs what this Cask does not know");
  REFUSED (s.plugin.needs = 3, "contradict each other");
  REFUSED (s.plugin.needs = CASK_NEEDS_DELEGATION, "only a layer");
  REFUSED ((s.plugin.kind = 2, s.plugin.min_children = 1, s.plugin.max_children = 2,
            s.plugin.needs = CASK_NEEDS_DELEGATION),
           "one child, and it takes 2");
}

static void
test_delegation (void)
{
  Specimen s;
  g_autoptr (GError) error = NULL;

  specimen_init (&s);
  s.plugin.kind = CASK_PLUGIN_LAYER;
  s.plugin.min_children = s.plugin.max_children = 1;
  s.plugin.needs = CASK_NEEDS_DELEGATION;
  memset ((char *) &s.ops + 24, 0, sizeof s.ops - 24);
  specimen_fill (&s.ops, G_STRUCT_OFFSET (CaskBackendOps, upload_begin));
  g_autoptr (CaskLoadedPlugin) loaded =
      specimen_check (&s, cask_abi_sizes, cask_abi_n_sizes, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (loaded);

  s.ops.close = NULL;
  specimen_refused (&s, CASK_ERROR_PLUGIN_INVALID, "the required slot close is NULL");
}

static void
test_slots (void)
{
  static const char *const names[] = { "open", "close",  "put", "get",
                                       "stat", "remove", "list" };

  REFUSED (s.plugin.ops = NULL, "its table has no functions");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *text = g_strdup_printf ("the required slot %s is NULL", names[i]);
      REFUSED (memset ((char *) &s.ops + 8 + 8 * i, 0, 8), text);
    }
#define LONELY(slot, text)                                                               \
  REFUSED (specimen_fill (&s.ops, G_STRUCT_OFFSET (CaskBackendOps, slot)), text)
  LONELY (blob_open, "it has the slot blob_open and not blob_close");
  LONELY (upload_commit, "it has the slot upload_commit and not upload_close");
  LONELY (upload_save, "it has the slot upload_save and not upload_list");
  LONELY (upload_read, "it has the slot upload_read and not upload_begin");
}

/* Each group but one slot of it, whichever; a whole one; and saving what is never begun.
 */
static void
test_groups (void)
{
#define AT(slot) G_STRUCT_OFFSET (CaskBackendOps, slot)
  static const gsize begin[] = { AT (upload_begin), AT (upload_write), AT (upload_commit),
                                 AT (upload_close) };
  static const gsize resume[] = { AT (upload_save), AT (upload_resume), AT (upload_list),
                                  0 };
  static const gsize blob[] = { AT (blob_open), AT (blob_read), AT (blob_close), 0 };
  static const gsize *const groups[] = { begin, resume, blob };

  for (gsize g = 0; g < G_N_ELEMENTS (groups); g++)
    for (gsize missing = 0; missing < 4 && groups[g][missing] != 0; missing++)
      {
        Specimen s;
        specimen_init (&s);
        for (gsize i = 0; i < 4 && groups[g][i] != 0; i++)
          if (i != missing)
            specimen_fill (&s.ops, groups[g][i]);
        specimen_refused (&s, CASK_ERROR_PLUGIN_INVALID, "they go together");
      }

  Specimen s;
  specimen_init (&s);
  for (gsize i = 0; i < 3; i++)
    specimen_fill (&s.ops, resume[i]);
  specimen_refused (&s, CASK_ERROR_PLUGIN_INVALID, "upload_save and not upload_begin");
}

static void
test_options (void)
{
  REFUSED (s.plugin.n_options = 257, "it has 257 options");
  REFUSED (s.plugin.options = NULL, "no table of them");
  REFUSED ((s.plugin.n_options = 1, s.plugin.options = NULL), "no table of them");
  REFUSED (s.options[0].name = NULL, "its option 0 has no name");
  REFUSED (s.options[1].name = "Tidy", "has no option's name");
  REFUSED (s.options[1].name = "room", "it has the option 'room' twice");
  REFUSED (s.options[1].name = "max-get", "one of Cask's own");
  REFUSED (s.options[0].type = 99, "option 'room'");
  REFUSED (s.options[0].fallback = "large", "option 'room': fallback");
  REFUSED (s.options[1].type = CASK_OPTION_CHOICE, "option 'tidy'");
  REFUSED (s.options[1].help = "\xff", "its option's help is not UTF-8");
  REFUSED ((s.options[1].type = CASK_OPTION_CHOICE, s.options[1].choices = "yes|\xff"),
           "its option's list of choices is not UTF-8: write it in UTF-8");
}

/* The tables lie in memory of exactly their size: a sanitizer sees a read past them. */
static void
test_older (void)
{
  static const CaskAbiSizes host[] = { { 0, 120, 48, 200 }, { 1, 120, 56, 232 } };
  Specimen s;
  g_autoptr (GError) error = NULL;
  g_autofree char *ops = g_malloc (200);
  g_autofree char *options = g_malloc (2 * 48);
  const guint32 ops_size = 200;

  specimen_init (&s);
  memcpy (ops, &s.ops, 200);
  memcpy (ops, &ops_size, sizeof ops_size);
  memcpy (options, &s.options[0], 48);
  memcpy (options + 48, &s.options[1], 48);
  s.plugin.option_size = 48;
  s.plugin.options = (const CaskOptionSpec *) (void *) options;
  s.plugin.ops = (const CaskBackendOps *) (void *) ops;
  s.note.ops_size = ops_size;
  g_autoptr (CaskLoadedPlugin) loaded = specimen_check (&s, host, 2, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (loaded);
  if (loaded == NULL)
    return;
  CU_ASSERT_EQUAL (loaded->ops_size, 200);
  CU_ASSERT_EQUAL (loaded->ops.size, sizeof (CaskBackendOps));
  CU_ASSERT_PTR_NULL (loaded->ops.condemn);
  CU_ASSERT_STRING_EQUAL (loaded->options[1].name, "tidy");
  CU_ASSERT_EQUAL (loaded->options[1].max, 0);
}

static void
test_newer (void)
{
  static const CaskAbiSizes host[] = { { 0, 120, 56, 232 }, { 1, 120, 56, 232 } };
  Specimen s;
  g_autoptr (GError) error = NULL;
  g_autofree char *ops = g_malloc0 (264);

  specimen_init (&s);
  memcpy (ops, &s.ops, sizeof s.ops);
  *(guint32 *) (void *) ops = 264;
  s.plugin.abi_minor = 5;
  s.plugin.need_minor = 1;
  s.plugin.ops = (const CaskBackendOps *) (void *) ops;
  s.note = (CaskElfNote){ 1, 5, 120, 264 };
  g_autoptr (CaskLoadedPlugin) loaded = specimen_check (&s, host, 2, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (loaded);

  s.plugin.needs = 1 << 9;
  g_autoptr (CaskLoadedPlugin) needy = specimen_check (&s, host, 2, &error);
  CU_ASSERT_PTR_NULL (needy);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_ABI, "use a newer Cask");

  s.plugin.needs = 0;
  *(guint32 *) (void *) ops = s.note.ops_size = 224;
  g_autoptr (CaskLoadedPlugin) shorter = specimen_check (&s, host, 2, &error);
  CU_ASSERT_PTR_NULL (shorter);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "at least 232");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "a whole table is copied, and its gaps are filled", test_whole },
    { "L28 to L31 magic and sizes have to be right", test_head },
    { "L14 note and table that disagree are refused", test_agreement },
    { "L13 another major, and a host too old, are named", test_major },
    { "L34 a name is there, well-formed, and the file's", test_names },
    { "L37 kind, location and children make sense", test_shape },
    { "what a plugin needs is known and fits together", test_needs },
    { "a delegating layer may leave out all but open and close", test_delegation },
    { "L35 L36 slots are there, and groups are not one slot", test_slots },
    { "a group of slots that lacks any one of them is refused", test_groups },
    { "L38 options make sense", test_options },
    { "L33 an older minor's shorter tables are filled", test_older },
    { "L32 a newer minor's longer tables are accepted", test_newer },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "plugin check", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
