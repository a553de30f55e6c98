/* SPDX-License-Identifier: Apache-2.0
 *
 * host.c: a program that has nothing but an installed Cask: the blob makes its way in and
 * out of each store that the arguments name. P3, P4. */
#include <cask/cask.h>

static gboolean
host_fail (const char *config, const char *what, const GError *error)
{
  g_printerr ("host: %s: %s: %s\n", config, what,
              error != NULL ? error->message : "not what was expected");
  return FALSE;
}

static gboolean
host_list_is (CaskStore *store, const CaskDigest *only, GError **error)
{
  g_autoptr (CaskListPage) page = cask_store_list (store, NULL, 0, NULL, error);
  if (page == NULL || cask_list_page_get_more (page))
    return FALSE;
  if (only == NULL)
    return cask_list_page_get_length (page) == 0;
  return cask_list_page_get_length (page) == 1 &&
         cask_digest_equal (&cask_list_page_get_item (page, 0)->digest, only);
}

static gboolean
host_remove (CaskStore *store, const char *config, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;
  if (!cask_store_delete (store, digest, &existed, NULL, &error) || !existed)
    return host_fail (config, "delete", error);
  g_autoptr (GBytes) gone = cask_store_get (store, digest, NULL, &error);
  if (gone != NULL || !g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    return host_fail (config, "get of a deleted blob", error);
  g_clear_error (&error);
  if (!host_list_is (store, NULL, &error))
    return host_fail (config, "list of an empty store", error);
  return cask_store_close (store, NULL, &error) || host_fail (config, "close", error);
}

static gboolean
host_use (const char *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);
  if (store == NULL)
    return host_fail (config, "open", error);

  g_autoptr (GBytes) bytes = g_bytes_new_static ("a blob from outside", 19);
  CaskDigest digest;
  gboolean created = FALSE;
  if (!cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE, &digest,
                       &created, NULL, &error) ||
      !created)
    return host_fail (config, "add", error);
  if (!cask_store_put (store, &digest, bytes, CASK_PUT_NONE, &created, NULL, &error) ||
      created)
    return host_fail (config, "put again", error);

  g_autoptr (GBytes) back = cask_store_get (store, &digest, NULL, &error);
  if (back == NULL || !g_bytes_equal (back, bytes))
    return host_fail (config, "get", error);
  g_autoptr (GBytes) range = cask_store_get_range (store, &digest, 2, 4, NULL, &error);
  if (range == NULL || g_bytes_get_size (range) != 4 ||
      memcmp (g_bytes_get_data (range, NULL), "blob", 4) != 0)
    return host_fail (config, "get of a range", error);
  CaskBlobInfo info;
  if (!cask_store_stat (store, &digest, &info, NULL, &error) || info.size != 19)
    return host_fail (config, "stat", error);
  if (!host_list_is (store, &digest, &error))
    return host_fail (config, "list", error);
  return host_remove (store, config, &digest);
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    {
      if (!host_use (argv[i]))
        return 1;
      g_print ("%s works with Cask %s\n", argv[i], cask_version ());
    }
  return argc > 1 ? 0 : 2;
}
