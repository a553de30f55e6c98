/* SPDX-License-Identifier: Apache-2.0
 *
 * first.c: what a blob's first get costs, which verifies, and what the second does.
 *
 * Each round opens the store anew, for it is the open store that remembers which copies
 * it has hashed. */
#include "floor.h"
#include "trials.h"

typedef struct
{
  BenchRow *row;
  GArray *blobs;
  gpointer floor;
  char *config;
} First;

static gboolean
first_floor (First *first, const char *entrant, BenchCall call, GError **error)
{
  const BenchBlob *blobs = &g_array_index (first->blobs, BenchBlob, 0);
  double n = first->blobs->len;
  BenchMoment before = bench_now ();
  if (!call (first->floor, blobs, first->blobs->len, error))
    return FALSE;
  BenchMoment after = bench_now ();
  bench_column_add (bench_row_find (first->row, entrant),
                    (double) (after.wall_nsec - before.wall_nsec) / n,
                    (double) (after.cpu_nsec - before.cpu_nsec) / n);
  return TRUE;
}

static gboolean
first_get (First *first, CaskStore *store, const char *entrant, GError **error)
{
  double n = first->blobs->len;
  BenchMoment before = bench_now ();
  for (guint i = 0; i < first->blobs->len; i++)
    {
      g_autoptr (GBytes) bytes = cask_store_get (
          store, &g_array_index (first->blobs, BenchBlob, i).digest, NULL, error);
      if (!bytes)
        return FALSE;
    }
  BenchMoment after = bench_now ();
  bench_column_add (bench_row_find (first->row, entrant),
                    (double) (after.wall_nsec - before.wall_nsec) / n,
                    (double) (after.cpu_nsec - before.cpu_nsec) / n);
  return TRUE;
}

static gboolean
first_cask (First *first, GError **error)
{
  g_autoptr (CaskStore) store = cask_store_open (first->config, NULL, error);
  return store && first_get (first, store, "cask, first time", error) &&
         first_get (first, store, "cask, second time", error) &&
         cask_store_close (store, NULL, error);
}

static gboolean
first_round (First *first, guint round, GError **error)
{
  gboolean floor_begins = round % 2 == 0;
  return (floor_begins || first_cask (first, error)) &&
         first_floor (first, "floor, hashed", floor_get_hashed, error) &&
         first_floor (first, "floor", floor_get, error) &&
         (!floor_begins || first_cask (first, error));
}

static gboolean
first_put (First *first, GError **error)
{
  g_autoptr (CaskStore) store = cask_store_open (first->config, NULL, error);
  gboolean done =
      store && floor_put (first->floor, &g_array_index (first->blobs, BenchBlob, 0),
                          first->blobs->len, error);
  for (guint i = 0; done && i < first->blobs->len; i++)
    {
      const BenchBlob *blob = &g_array_index (first->blobs, BenchBlob, i);
      done = cask_store_put (store, &blob->digest, blob->bytes, CASK_PUT_NONE, NULL, NULL,
                             error);
    }
  return done && cask_store_close (store, NULL, error);
}

static void
first_add_row (First *first, BenchRun *run, guint64 size)
{
  first->row = trials_row (run, "get, first and second time", size, "ns");
  bench_row_add (first->row, "floor, hashed", NULL);
  bench_row_add (first->row, "floor", NULL);
  bench_row_add (first->row, "cask, first time", "a store that was opened just now");
  bench_row_add (first->row, "cask, second time", NULL);
}

static gboolean
first_size (BenchRun *run, guint64 size, First *first, GError **error)
{
  g_autofree char *name = g_strdup_printf ("first-%" G_GUINT64_FORMAT, size);
  g_autofree char *floor_name = g_strconcat (name, "-floor", NULL);
  g_autofree char *floor_config = trials_config (run, floor_name, error);
  g_autofree char *floor_path = g_build_filename (run->directory, floor_name, NULL);
  first->config = trials_config (run, name, error);
  first->floor = floor_config && first->config ? floor_open (floor_path, error) : NULL;
  if (!first->floor || !first_put (first, error))
    return FALSE;
  BenchRun warm = *run;
  warm.rows = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_row_free);
  first_add_row (first, &warm, size);
  gboolean done = first_round (first, 0, error);
  g_ptr_array_unref (warm.rows);
  if (done)
    first_add_row (first, run, size);
  for (guint round = 0; done && round < run->n_rounds; round++)
    done = first_round (first, round, error);
  return done;
}

gboolean
trials_first (BenchRun *run, GError **error)
{
  static const guint64 sizes[] = { 4 << 10, 1 << 20 };
  gboolean done = TRUE;
  for (guint i = 0; done && i < (run->is_quick ? 1 : G_N_ELEMENTS (sizes)); i++)
    {
      First first = { .blobs = bench_blobs_new (i == 0 ? 1024 : 16, sizes[i]) };
      done = first_size (run, sizes[i], &first, error);
      g_clear_pointer (&first.floor, floor_close);
      g_array_unref (first.blobs);
      g_free (first.config);
    }
  return done;
}
