/* SPDX-License-Identifier: Apache-2.0
 *
 * heap-program.c: prints how much memory something takes, in a process of its own that
 * has done nothing else.
 *
 *   cask-trial-heap get|put CONFIG N    N operations in flight at once, of 16 bytes each
 *   cask-trial-heap list CONFIG LIMIT   a whole list, page by page
 *
 * It prints the most that malloc gave beyond what was in use before, and for how many
 * operations or blobs; of operations also by how much the resident memory has grown.
 *
 * A put is of what is there already: so nothing of what the store keeps is counted. */
#include "heap.h"

#include <cask/cask.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  CaskStore *store;
  GBytes **bytes;
  CaskDigest *digests;
  guint n;
  gboolean is_put;
  guint n_pending;
  guint n_failed;
} Flight;

static gint64
flight_resident (void)
{
  long pages = 0;
  FILE *file = fopen ("/proc/self/statm", "re");
  if (file == NULL || fscanf (file, "%*d %ld", &pages) != 1)
    pages = 0;
  if (file)
    fclose (file);
  return pages * sysconf (_SC_PAGESIZE);
}

static void
flight_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  Flight *flight = data;
  if (flight->is_put)
    flight->n_failed += !cask_store_put_finish (CASK_STORE (source), result, NULL, NULL);
  else
    {
      g_autoptr (GBytes) bytes =
          cask_store_get_finish (CASK_STORE (source), result, NULL);
      flight->n_failed += bytes == NULL;
    }
  flight->n_pending--;
}

static void
flight_start (Flight *flight, guint n)
{
  flight->n_pending = n;
  for (guint i = 0; i < n; i++)
    if (flight->is_put)
      cask_store_put_async (flight->store, &flight->digests[i], flight->bytes[i],
                            CASK_PUT_NONE, G_PRIORITY_DEFAULT, NULL, flight_landed,
                            flight);
    else
      cask_store_get_async (flight->store, &flight->digests[i], G_PRIORITY_DEFAULT, NULL,
                            flight_landed, flight);
}

static void
flight_wait (Flight *flight)
{
  while (flight->n_pending > 0)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
flight_prepare (Flight *flight, GError **error)
{
  flight->bytes = g_new0 (GBytes *, flight->n);
  flight->digests = g_new0 (CaskDigest, flight->n);
  for (guint i = 0; i < flight->n; i++)
    {
      guint32 words[4] = { g_random_int (), g_random_int (), g_random_int (), i };
      flight->bytes[i] = g_bytes_new (words, sizeof words);
      if (!cask_store_add (flight->store, flight->bytes[i], CASK_ALGORITHM_SHA256,
                           CASK_PUT_NONE, &flight->digests[i], NULL, NULL, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
flight_run (CaskStore *store, gboolean is_put, guint n, GError **error)
{
  Flight flight = { .store = store, .n = n, .is_put = is_put };
  gboolean done = flight_prepare (&flight, error);
  if (done)
    {
      /* Threads, types and sources are there before it counts. */
      flight_start (&flight, MIN (n, 16));
      flight_wait (&flight);
      gint64 resident = flight_resident ();
      heap_forget_peak ();
      gint64 before = heap_now ();
      flight_start (&flight, n);
      resident = flight_resident () - resident;
      flight_wait (&flight);
      printf ("%" G_GINT64_FORMAT " %u %" G_GINT64_FORMAT "\n", heap_peak () - before, n,
              resident);
      if (flight.n_failed > 0)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u of %u failed",
                     flight.n_failed, n);
      done = flight.n_failed == 0;
    }
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&flight.bytes[i], g_bytes_unref);
  g_free (flight.bytes);
  g_free (flight.digests);
  return done;
}

static gboolean
list_run (CaskStore *store, guint limit, GError **error)
{
  CaskDigest after;
  guint n_blobs = 0;
  gboolean more = TRUE;
  heap_forget_peak ();
  gint64 before = heap_now ();
  while (more)
    {
      g_autoptr (CaskListPage) page =
          cask_store_list (store, n_blobs > 0 ? &after : NULL, limit, NULL, error);
      if (!page)
        return FALSE;
      guint n = cask_list_page_get_length (page);
      if (n > 0)
        after = cask_list_page_get_item (page, n - 1)->digest;
      n_blobs += n;
      more = cask_list_page_get_more (page);
    }
  printf ("%" G_GINT64_FORMAT " %u 0\n", heap_peak () - before, n_blobs);
  return TRUE;
}

int
main (int count, char **arguments)
{
  g_autoptr (GError) error = NULL;
  if (count != 4)
    return EXIT_FAILURE;
  guint n = (guint) g_ascii_strtoull (arguments[3], NULL, 10);
  g_autoptr (CaskStore) store = cask_store_open (arguments[2], NULL, &error);
  gboolean done = store != NULL;
  if (done && g_str_equal (arguments[1], "list"))
    done = list_run (store, n, &error);
  else if (done)
    done = flight_run (store, g_str_equal (arguments[1], "put"), n, &error);
  if (done)
    done = cask_store_close (store, NULL, &error);
  if (!done)
    fprintf (stderr, "cask-trial-heap: %s\n", error->message);
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
