/* SPDX-License-Identifier: Apache-2.0
 *
 * cold-glib.c: the least that a program with a main loop and objects does. */
#include <gio/gio.h>

int
main (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("cask", 4);
  return g_main_context_pending (context) || g_cancellable_is_cancelled (cancellable) ||
         g_bytes_get_size (bytes) != 4;
}
