/* SPDX-License-Identifier: Apache-2.0
 *
 * test-spool.c: the option `spool`, and uploads to a backend of another's making that has
 * the required slots only, below the calls of the store. */
#include "store-private.h"
#include "test-support.h"

#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <string.h>

static CaskStore *
spool_store (const char *layers, const char *spool)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *escaped = cask_config_escape (spool);
  g_autofree char *config = g_strdup_printf (layers, escaped);
  CaskStore *store = cask_store_open (config, NULL, &error);

  TEST_NO_ERROR (error);
  return store;
}

static CaskBackendUpload *
spool_begin (CaskStore *store, GError **error)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = CASK_UNKNOWN };
  return cask_node_ops.upload_begin (cask_store_root (store), &spec, NULL, error);
}

static void
check_upload (const char *layers)
{
  g_autofree char *place = g_build_filename (test_directory (), "my spool", NULL);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (place, 0700), 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = spool_store (layers, place);
  if (store == NULL)
    return;
  const gsize size = 3000000;
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_strnfill (size, 'x'), size);
  CaskDigest digest;
  gboolean created = FALSE;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CaskBackend *root = cask_store_root (store);
  CaskBackendUpload *upload = spool_begin (store, &error);
  TEST_NO_ERROR (error);
  if (upload == NULL)
    return;

  CU_ASSERT_TRUE (cask_node_ops.upload_write (root, upload, bytes, NULL, &error));
  CU_ASSERT_FALSE (cask_store_stat (store, &digest, &(CaskBlobInfo){ 0 }, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
  CU_ASSERT_TRUE (
      cask_node_ops.upload_commit (root, upload, &digest, 0, &created, NULL, &error));
  CU_ASSERT_TRUE (created);
  cask_node_ops.upload_close (root, upload, FALSE);
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
  TEST_NO_ERROR (error);
  g_autoptr (GDir) dir = g_dir_open (place, 0, NULL);
  CU_ASSERT_TRUE (dir != NULL && g_dir_read_name (dir) == NULL);
}

static void
test_upload (void)
{
  check_upload ("minimal?spool=%s");
  check_upload ("layer?spool=%s(minimal)");
}

static void
test_told (void)
{
  g_autoptr (CaskStore) store = spool_store ("minimal?spool=%s", "/my spool");
  if (store == NULL)
    return;
  CU_ASSERT_STRING_EQUAL (cask_store_get_config (store), "minimal?spool=/my%20spool");
  CU_ASSERT_FALSE (cask_store_get_capabilities (store) & CASK_CAPABILITY_RESUME);
  CU_ASSERT_FALSE (cask_store_get_capabilities (store) &
                   CASK_CAPABILITY_READS_OUTLIVE_REMOVE);
}

/* A store that never uploads does not need it, so it is looked at when one begins. */
static void
test_unfit (void)
{
  static const char *const unfit[] = { "tmp", "../tmp", "/no/such/place", "/dev/null" };

  for (gsize i = 0; i < G_N_ELEMENTS (unfit); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskStore) store = spool_store ("minimal?spool=%s", unfit[i]);
      CU_ASSERT_TRUE (store != NULL && spool_begin (store, &error) == NULL);
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, "the option 'spool'");
    }
}

/* Returns: how many files without a name the process has open in that directory. */
static guint
spool_count_files (const char *place)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree char *target = g_file_read_link (path, NULL);
      n += target != NULL && g_str_has_prefix (target, place);
    }
  return n;
}

#define CROWD 100
#define CROWD_BYTES 900000

/* What one upload may have in memory, a crowd may not have as many times. */
static void
test_crowd (void)
{
  g_autofree char *place = g_build_filename (test_directory (), "crowd", NULL);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (place, 0700), 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = spool_store ("minimal?spool=%s", place);
  if (store == NULL)
    return;
  g_autoptr (GBytes) bytes =
      g_bytes_new_take (g_strnfill (CROWD_BYTES, 'x'), CROWD_BYTES);
  CaskBackend *root = cask_store_root (store);
  CaskBackendUpload *uploads[CROWD];
  CaskDigest digest;
  gboolean created = FALSE;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  for (guint round = 0; round < 2; round++) /* what was given back can be had again */
    {
      for (guint i = 0; i < CROWD; i++)
        {
          uploads[i] = spool_begin (store, &error);
          CU_ASSERT_TRUE (
              uploads[i] != NULL &&
              cask_node_ops.upload_write (root, uploads[i], bytes, NULL, &error));
          TEST_NO_ERROR (error);
        }
      CU_ASSERT_EQUAL (spool_count_files (place), CROWD - (64 << 20) / CROWD_BYTES);
      for (guint i = 0; i < CROWD; i += CROWD - 1) /* one of either kind */
        CU_ASSERT_TRUE (cask_node_ops.upload_commit (root, uploads[i], &digest, 0,
                                                     &created, NULL, &error));
      for (guint i = 0; i < CROWD; i++)
        cask_node_ops.upload_close (root, uploads[i], FALSE);
      TEST_NO_ERROR (error);
    }
  g_autoptr (GBytes) got = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
}

static void
test_root_only (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_PTR_NULL (cask_store_open ("layer(minimal?spool=/tmp)", NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, "spool");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "S3 an upload to a minimal backend gathers where spool says", test_upload },
    { "C86 the option is told, and no resuming is announced", test_told },
    { "a spool that will not do fails the upload, not the open", test_unfit },
    { "S11 a crowd of uploads gathers 64 MiB in memory, and the rest in files",
      test_crowd },
    { "the option is taken at the root only", test_root_only },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "spool", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
