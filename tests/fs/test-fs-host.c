/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-host.c: directories that others made, read and extended through the host API.
 *
 * Names and digests are written out, as sha256sum says them, so that nothing here agrees
 * with the library only because the library said it first. */
#include "test-support.h"

#include <cask/cask.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define WORLD "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"
#define BRACES "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define ABC_512                                                                          \
  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                     \
  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

#define OCI_LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define OCI_INDEX                                                                        \
  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"                                  \
  "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:" BRACES           \
  "\",\"size\":2}]}"

static CaskStore *
host_open (const char *root, const char *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *place = cask_config_escape (root);
  g_autofree char *config = g_strconcat ("fs:", place, options, NULL);
  CaskStore *store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  return store;
}

static void
host_close (CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  CU_ASSERT_TRUE (cask_store_close (store, NULL, &error));
  TEST_NO_ERROR (error);
}

static CaskDigest
host_digest (const char *text)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = { 0 };
  CU_ASSERT_TRUE (cask_digest_parse (text, &digest, &error));
  TEST_NO_ERROR (error);
  return digest;
}

static void
host_write (const char *root, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (root, name, NULL);
  g_autofree char *directory = g_path_get_dirname (path);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (directory, 0777), 0);
  CU_ASSERT_TRUE (g_file_set_contents (path, text, -1, NULL));
}

/* The file with this name holds this text, and nothing else. */
static void
host_expect_file (const char *root, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (root, name, NULL);
  g_autofree char *found = NULL;
  gsize length = 0;
  CU_ASSERT_TRUE (g_file_get_contents (path, &found, &length, NULL));
  CU_ASSERT_EQUAL (length, strlen (text));
  CU_ASSERT (g_strcmp0 (found, text) == 0);
}

static void
host_expect_blob (CaskStore *store, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = host_digest (name);
  CaskBlobInfo info = { 0 };
  g_autoptr (GBytes) right = g_bytes_new_static (text, strlen (text));
  g_autoptr (GBytes) bytes = cask_store_get (store, &digest, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT (bytes != NULL && g_bytes_equal (bytes, right));
  CU_ASSERT_TRUE (cask_store_stat (store, &digest, &info, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (info.size, strlen (text));
  CU_ASSERT_TRUE (cask_store_verify (store, &digest, NULL, &error));
  TEST_NO_ERROR (error);
}

static void
host_put (CaskStore *store, const char *name, const char *text, gboolean is_new)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = host_digest (name);
  gboolean created = !is_new;
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  CU_ASSERT_TRUE (cask_store_put (store, &digest, bytes, 0, &created, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (created, is_new);
}

/* The store lists these, in this order, and no more. */
static void
host_expect_list (CaskStore *store, const char *const *names)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskListPage) page = cask_store_list (store, NULL, 0, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (page);
  if (page == NULL)
    return;
  guint length = cask_list_page_get_length (page);
  CU_ASSERT_EQUAL (length, g_strv_length ((char **) names));
  CU_ASSERT_FALSE (cask_list_page_get_more (page));
  for (guint i = 0; i < length && names[i] != NULL; i++)
    {
      g_autofree char *name =
          cask_digest_to_string (&cask_list_page_get_item (page, i)->digest);
      CU_ASSERT_STRING_EQUAL (name, names[i]);
    }
}

static void
test_crate_directory (void)
{
  const char *root = test_directory ();
  host_write (root,
              "sha256/2c/" /* then the other 62 */
              "f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
              "hello");
  host_write (root,
              "sha512/dd/" /* then the other 126 */
              "af35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
              "abc");
  g_autoptr (CaskStore) store = host_open (root, "");
  if (store == NULL)
    return;
  static const char *const before[] = { "sha256:" HELLO, "sha512:" ABC_512, NULL };
  static const char *const after[] = { "sha256:" HELLO, "sha256:" WORLD,
                                       "sha512:" ABC_512, NULL };
  host_expect_list (store, before);
  host_expect_blob (store, before[0], "hello");
  host_expect_blob (store, before[1], "abc");
  host_put (store, before[0], "hello", FALSE);
  host_put (store, "sha256:" WORLD, "world", TRUE);
  host_expect_list (store, after);
  host_close (store);
  host_expect_file (root,
                    "sha256/48/"
                    "6ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7",
                    "world");
}

static void
test_image_layout (void)
{
  const char *root = test_directory ();
  host_write (root, "oci-layout", OCI_LAYOUT);
  host_write (root, "index.json", OCI_INDEX);
  host_write (root, "blobs/sha256/" BRACES, "{}");
  g_autoptr (CaskStore) store = host_open (root, "?layout=oci");
  if (store == NULL)
    return;
  static const char *const before[] = { "sha256:" BRACES, NULL };
  static const char *const after[] = { "sha256:" HELLO, "sha256:" BRACES,
                                       "sha512:" ABC_512, NULL };
  host_expect_list (store, before);
  host_expect_blob (store, before[0], "{}");
  host_put (store, before[0], "{}", FALSE);
  host_put (store, "sha256:" HELLO, "hello", TRUE);
  host_put (store, "sha512:" ABC_512, "abc", TRUE);
  host_expect_list (store, after);
  host_close (store);
  host_expect_file (root, "blobs/sha256/" HELLO, "hello");
  host_expect_file (root, "blobs/sha512/" ABC_512, "abc");
  host_expect_file (root, "blobs/sha256/" BRACES, "{}");
  host_expect_file (root, "oci-layout", OCI_LAYOUT);
  host_expect_file (root, "index.json", OCI_INDEX);
}

static void
test_root_gone (void)
{
  g_autofree char *root = g_build_filename (test_directory (), "blobs", NULL);
  g_autoptr (CaskStore) store = host_open (root, "");
  if (store == NULL)
    return;
  host_put (store, "sha256:" HELLO, "hello", TRUE);
  test_remove_tree (root);
  g_autoptr (GError) error = NULL;
  CaskDigest known = host_digest ("sha256:" HELLO), other = host_digest ("sha256:" WORLD);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("world", 5);
  CU_ASSERT_FALSE (cask_store_put (store, &other, bytes, 0, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_GONE, NULL);
  CU_ASSERT_PTR_NULL (cask_store_get (store, &known, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_GONE, NULL);
  CU_ASSERT_PTR_NULL (cask_store_list (store, NULL, 0, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_GONE, NULL);
  /* A store that made its root anew would hide that everything is lost. */
  CU_ASSERT_FALSE (g_file_test (root, G_FILE_TEST_EXISTS));
  cask_store_close (store, NULL, NULL);
}

static CU_TestInfo tests[] = {
  { "F1 a directory by the Rust crate's names is read and extended",
    test_crate_directory },
  { "F2 an OCI image layout is read and extended, its other files left alone",
    test_image_layout },
  { "F10 a put below a root that was removed is GONE, and so are get and list",
    test_root_gone },
  CU_TEST_INFO_NULL
};

int
main (int argc, char **argv)
{
  CU_SuiteInfo suites[] = { { "fs: host", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
