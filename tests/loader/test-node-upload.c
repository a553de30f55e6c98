/* SPDX-License-Identifier: Apache-2.0
 *
 * test-node-upload.c: what a node announces and refuses of uploads, whose slots a layer's
 * uploads go through, and ids and states that can not be. */
#include "node-fixture.h"

#include <string.h>

#define STATE_LIMIT (16 * 1024 * 1024)

static int
resume_code (CaskNode *node, const char *id, const char *text)
{
  GError *error = NULL;
  g_autoptr (GBytes) state = NULL;
  guint64 offset = 42;
  CaskBackendUpload *upload = cask_node_ops.upload_resume (cask_node_self (node), id,
                                                           &state, &offset, NULL, &error);

  CU_ASSERT_EQUAL (upload == NULL, error != NULL);
  CU_ASSERT_EQUAL (offset, upload != NULL ? shelf.offset : 42);
  CU_ASSERT_EQUAL (state == NULL, upload == NULL);
  if (upload != NULL)
    shelf_drop (node, upload);
  return shelf_code (error, text);
}

static int
save_code (CaskNode *node, CaskBackendUpload *upload, gsize state_size, const char *text)
{
  GError *error = NULL;
  g_autofree char *id = NULL;
  g_autoptr (GBytes) state = g_bytes_new_take (g_malloc0 (state_size), state_size);
  gboolean success =
      cask_node_ops.upload_save (cask_node_self (node), upload, state, &id, NULL, &error);

  CU_ASSERT_EQUAL (success, error == NULL);
  CU_ASSERT_EQUAL (success, id != NULL);
  if (success)
    CU_ASSERT_STRING_EQUAL (id, shelf.id);
  return shelf_code (error, text);
}

/* What the caller of a list is given, and when it says stop. */
typedef struct
{
  GPtrArray *ids;
  guint n_wanted;
} Listed;

static gboolean
list_one (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  Listed *listed = data;

  CU_ASSERT_EQUAL (offset, shelf.offset);
  CU_ASSERT_EQUAL (mtime_usec, 5);
  g_ptr_array_add (listed->ids, g_strdup (id));
  return listed->ids->len < listed->n_wanted;
}

static int
list_code (CaskNode *node, guint n_wanted, guint *n_listed)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  Listed listed = { ids, n_wanted };
  gboolean success =
      cask_node_ops.upload_list (cask_node_self (node), list_one, &listed, NULL, &error);

  CU_ASSERT_EQUAL (success, error == NULL);
  *n_listed = ids->len;
  return shelf_code (error, NULL);
}

/* ---- What is announced ---- */

static void
check_capabilities (const char *config, guint64 lost)
{
  CaskNode *node = shelf_open (config, "/");
  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (node->capabilities, SHELF_EVERYTHING & ~lost);
  CU_ASSERT_EQUAL (node->as_child.capabilities, node->capabilities);
  shelf_close (node);
}

static void
test_capabilities (void)
{
  const guint64 resume = CASK_CAPABILITY_RESUME;
  /* Nothing here has a slot `condemn` either. */
  const guint64 outlive =
      CASK_CAPABILITY_READS_OUTLIVE_REMOVE | CASK_CAPABILITY_QUARANTINE;

  check_capabilities ("bare", resume | outlive);
  check_capabilities ("clerk", outlive);
  check_capabilities ("pass(bare)", resume | outlive);
  check_capabilities ("pass(clerk)", outlive);
  check_capabilities ("stage(clerk)", resume | outlive);
}

/* No slot is asked for what is not announced, whoever has it. */
static void
check_no_resume (const char *config, guint64 capabilities)
{
  static const char *none[] = { "a", NULL };
  guint n = 0;
  CaskNode *node = shelf_open (config, test_directory ());
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  if (upload == NULL)
    return;
  node->capabilities &= capabilities;
  shelf.id = "a";
  shelf.ids = none;
  CU_ASSERT_EQUAL (save_code (node, upload, 3, "can not save"), CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (resume_code (node, "a", "can not save"), CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (list_code (node, 9, &n), CASK_ERROR_UNSUPPORTED);
  CU_ASSERT_EQUAL (shelf.n_saved + shelf.n_resumed + shelf.n_listed + n, 0);
  shelf_drop (node, upload);
  shelf_close (node);
}

static void
test_no_resume (void)
{
  check_no_resume ("bare", SHELF_EVERYTHING);
  check_no_resume ("pass(bare)", SHELF_EVERYTHING);
  check_no_resume ("stage(clerk)", SHELF_EVERYTHING);
  check_no_resume ("clerk", ~(guint64) CASK_CAPABILITY_RESUME);
  check_no_resume ("pass(clerk)", ~(guint64) CASK_CAPABILITY_RESUME);
}

static void
test_no_write (void)
{
  static const char *const configs[] = { "bare", "clerk", "pass(clerk)", "stage(bare)" };

  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      CaskNode *node = shelf_open (configs[i], "/");
      if (node == NULL)
        return;
      node->capabilities &= ~(guint64) CASK_CAPABILITY_WRITE;
      CU_ASSERT_EQUAL (shelf_begin_code (node, 5, "can not be written"),
                       CASK_ERROR_UNSUPPORTED);
      CU_ASSERT_EQUAL (shelf.n_begun, 0);
      shelf_close (node);
    }
}

/* ---- Whose slots ---- */

static void
check_layer (const char *config, gsize size, guint n_tallied)
{
  CaskNode *node = shelf_open (config, test_directory ());
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  g_autoptr (GBytes) bytes = shelf_bytes (size);
  gboolean created = FALSE;
  if (upload == NULL)
    return;
  CU_ASSERT_EQUAL (shelf_write (node, upload, bytes, NULL, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, &created, NULL, NULL), SHELF_OK);
  CU_ASSERT_TRUE (created && shelf_has_put (bytes));
  CU_ASSERT_EQUAL (shelf.n_tallied, n_tallied);
  CU_ASSERT_EQUAL (shelf.n_puts, 1);
  shelf_drop (node, upload);
  shelf_close (node);
}

static void
test_layers (void)
{
  for (gsize size = 3; size < 3000000; size *= 1000000)
    {
      check_layer ("pass(bare)", size, 0);
      check_layer ("pass(pass(bare))", size, 0);
      check_layer ("tally(bare)", size, 1);
      check_layer ("stage(bare)", size, 1);
      check_layer ("tally(pass(stage(bare)))", size, 2);
    }

  /* A layer that does not delegate gathers before its put; the child has no upload. */
  CaskNode *node = shelf_open ("stage(clerk)", test_directory ());
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  if (upload == NULL)
    return;
  CU_ASSERT_EQUAL (shelf.n_begun, 0);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
  shelf_drop (node, upload);
  shelf_close (node);
}

/* The error of a child's spool is the child's; that of the root names nobody. */
static void
test_names (void)
{
  CaskNode *node = shelf_open ("pass(bare)", "tmp");
  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (shelf_begin_code (node, 5, "bare: upload: the option 'spool'"),
                   CASK_ERROR_INVALID_CONFIG);
  shelf_close (node);
}

static void
test_own_slots (void)
{
  char byte;
  gsize n = 7;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0), some = shelf_bytes (5);
  CaskNode *node = shelf_open ("pass(clerk)", "nowhere");
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  if (upload == NULL)
    return;
  CU_ASSERT_EQUAL (shelf_write (node, upload, nothing, NULL, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (shelf.n_written, 0);
  CU_ASSERT_EQUAL (shelf_write (node, upload, some, NULL, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (shelf.n_written, 1);
  CU_ASSERT_FALSE (cask_node_ops.upload_read (cask_node_self (node), upload, 0, &byte, 1,
                                              &n, NULL, &error));
  CU_ASSERT_EQUAL (n, 7);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_IO, "the plugin 'clerk' says it read 2");
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, "somebody swept it"),
                   CASK_ERROR_NOT_FOUND);
  shelf_drop (node, upload);
  CU_ASSERT_EQUAL (shelf.n_closed, 1);
  shelf_close (node);
}

/* ---- Ids, states and offsets ---- */

static void
test_forged (void)
{
  g_autofree char *longest = g_strnfill (1024, 'z');
  g_autofree char *longer = g_strnfill (1025, 'z');
  const char *const bad[] = { "",    "../x", "a/b", "a b",  "a\n", "\xc3\xa9", "a%2e",
                              "a\\", "a*",   "a,b", "\x01", "a+b", longer };
  const char *const good[] = { "a", "..", "-", "A.z_0~9:-", longest };

  for (guint k = 0; k < 2; k++)
    {
      CaskNode *node = shelf_open (k == 0 ? "clerk" : "pass(clerk)", "/");
      if (node == NULL)
        return;
      for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
        CU_ASSERT_EQUAL (resume_code (node, bad[i], "no such upload"),
                         CASK_ERROR_NOT_FOUND);
      CU_ASSERT_EQUAL (shelf.n_resumed, 0);
      for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
        CU_ASSERT_EQUAL (resume_code (node, good[i], NULL), SHELF_OK);
      CU_ASSERT_EQUAL (shelf.n_resumed, G_N_ELEMENTS (good));
      shelf_close (node);
    }
}

static void
test_resume_lies (void)
{
  CaskNode *node = shelf_open ("clerk", "/");
  if (node == NULL)
    return;
  shelf.state_size = STATE_LIMIT;
  shelf.offset = G_MAXINT64;
  CU_ASSERT_EQUAL (resume_code (node, "a", NULL), SHELF_OK);
  shelf.state_size++;
  CU_ASSERT_EQUAL (resume_code (node, "a", "the plugin 'clerk' gave an upload with a"),
                   CASK_ERROR_IO);
  CU_ASSERT_TRUE (shelf.kept_saved);
  shelf.state_size = 0;
  shelf.offset++;
  CU_ASSERT_EQUAL (resume_code (node, "a", "at an impossible offset"), CASK_ERROR_IO);
  shelf.offset = CASK_UNKNOWN;
  CU_ASSERT_EQUAL (resume_code (node, "a", "at an impossible offset"), CASK_ERROR_IO);
  CU_ASSERT_EQUAL (shelf.n_closed, 4);
  shelf_close (node);
}

static void
test_save (void)
{
  g_autofree char *longer = g_strnfill (1025, 'z');
  const char *const bad[] = { "", "../x", "a b", longer };
  CaskNode *node = shelf_open ("pass(clerk)", "/");
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  if (upload == NULL)
    return;
  shelf.id = "upload-1";
  CU_ASSERT_EQUAL (save_code (node, upload, 0, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (save_code (node, upload, STATE_LIMIT, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (save_code (node, upload, STATE_LIMIT + 1, "16777216 bytes, not"),
                   CASK_ERROR_TOO_LARGE);
  CU_ASSERT_EQUAL (shelf.n_saved, 2);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      shelf.id = bad[i];
      CU_ASSERT_EQUAL (save_code (node, upload, 0, "the plugin 'clerk' gave an upload"),
                       CASK_ERROR_IO);
    }
  shelf.id = NULL;
  CU_ASSERT_EQUAL (save_code (node, upload, 0, "without saying why"), CASK_ERROR_IO);
  shelf_drop (node, upload);
  shelf_close (node);
}

static void
test_list (void)
{
  static const char *some[] = { "a", "../x", "b", "", "c", NULL };
  guint n = 0;
  CaskNode *node = shelf_open ("pass(clerk)", "/");
  if (node == NULL)
    return;
  shelf.ids = some;
  CU_ASSERT_EQUAL (list_code (node, 9, &n), SHELF_OK);
  CU_ASSERT_EQUAL (n, 3);
  CU_ASSERT_EQUAL (shelf.n_warnings, 1);
  /* The plugin goes on; who said stop hears no more. */
  CU_ASSERT_EQUAL (list_code (node, 2, &n), SHELF_OK);
  CU_ASSERT_EQUAL (n, 2);
  shelf.offset = CASK_UNKNOWN;
  CU_ASSERT_EQUAL (list_code (node, 9, &n), SHELF_OK);
  CU_ASSERT_EQUAL (n, 0);
  CU_ASSERT_EQUAL (shelf.n_warnings, 3);
  shelf_close (node);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C86 a node announces nothing that its NULL slots can not keep",
      test_capabilities },
    { "C86 what is not announced of resuming is UNSUPPORTED", test_no_resume },
    { "C86 a node that is not written to begins no upload", test_no_write },
    { "C88 an upload through a layer goes through its slots", test_layers },
    { "an error of a child's spool names the child", test_names },
    { "a plugin's own uploads are called and not believed", test_own_slots },
    { "C58 a forged id is NOT_FOUND, and no plugin sees it", test_forged },
    { "a resume that gives too much or the impossible is refused", test_resume_lies },
    { "a save is held to its id and its state", test_save },
    { "C61 a list leaves out what can not be resumed", test_list },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "uploads", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
