/* SPDX-License-Identifier: Apache-2.0
 *
 * host.c: keeps a blob and fetches it back: ./host fs:/srv/blobs */
#include <cask/cask.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store =
      cask_store_open (argc > 1 ? argv[1] : "memory:", NULL, &error);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  g_autoptr (GBytes) back = NULL;
  CaskDigest digest;
  if (store != NULL && cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE,
                                       &digest, NULL, NULL, &error))
    back = cask_store_get (store, &digest, NULL, &error);
  if (back == NULL)
    g_printerr ("host: %s\n", error->message);
  else
    g_print ("%.*s\n", (int) g_bytes_get_size (back),
             (const char *) g_bytes_get_data (back, NULL));
  return back != NULL ? 0 : 1;
}
