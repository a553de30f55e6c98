/* SPDX-License-Identifier: Apache-2.0
 *
 * cold-cask.c: the same with a store: opens memory:, puts a blob, gets it, closes. */
#include <cask/cask.h>

int
main (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("cask", 4);
  CaskDigest digest;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", cancellable, NULL);
  if (g_main_context_pending (context) || store == NULL ||
      !cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE, &digest, NULL,
                       cancellable, NULL))
    return 1;
  g_autoptr (GBytes) got = cask_store_get (store, &digest, cancellable, NULL);
  return got == NULL || !g_bytes_equal (got, bytes) ||
         !cask_store_close (store, NULL, NULL);
}
