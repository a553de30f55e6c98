/* SPDX-License-Identifier: Apache-2.0
 *
 * open.c: whether a store of a million blobs is opened as an empty one is, and how long a
 * get and a put take in it beside a store of ten thousand.
 *
 * Each operation is timed by itself, and the sample of a round is their median. What is
 * got is spread over the whole store and is another part of it each round: the blobs of a
 * large store are never all in a processor's cache. Every other one is got by bare system
 * calls, which tell what of a difference is the kernel's. */
#include "trials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_N_STORES 3
#define OPEN_KEEP 8192
#define OPEN_GETS 512
#define OPEN_PUTS 256
#define OPEN_REPEAT 20

typedef struct
{
  const char *name;
  guint n_blobs;
  char *config;
  CaskStore *store;
  GArray *keep;
  int root;
  BenchColumn *opens, *gets, *bare_gets, *puts;
} OpenStore;

static gint64
open_median (GArray *times)
{
  BenchQuartiles quartiles = { 0 };
  bench_quartiles (times, &quartiles);
  g_array_set_size (times, 0);
  return (gint64) quartiles.median;
}

static gboolean
open_time_open (OpenStore *one, GError **error)
{
  gint64 wall = 0, cpu = 0;
  for (guint i = 0; i < OPEN_REPEAT; i++)
    {
      BenchMoment before = bench_now ();
      g_autoptr (CaskStore) store = cask_store_open (one->config, NULL, error);
      BenchMoment after = bench_now ();
      if (!store || !cask_store_close (store, NULL, error))
        return FALSE;
      wall += after.wall_nsec - before.wall_nsec;
      cpu += after.cpu_nsec - before.cpu_nsec;
    }
  bench_column_add (one->opens, (double) wall / OPEN_REPEAT, (double) cpu / OPEN_REPEAT);
  return TRUE;
}

static gboolean
open_get (OpenStore *one, const CaskDigest *digest, GError **error)
{
  g_autoptr (GBytes) bytes = cask_store_get (one->store, digest, NULL, error);
  return bytes != NULL;
}

/* As Cask's layout names it. */
static gboolean
open_get_bare (OpenStore *one, const CaskDigest *digest, GError **error)
{
  char hex[65], path[80], bytes[16];
  struct stat st;
  bench_hex (digest, hex);
  g_snprintf (path, sizeof path, "sha256/%.2s/%s", hex, hex + 2);
  int fd = openat (one->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  gboolean done = fd >= 0 && fstat (fd, &st) == 0 &&
                  pread (fd, bytes, sizeof bytes, 0) == sizeof bytes;
  if (fd >= 0)
    close (fd);
  if (!done)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: can not be read", path);
  return done;
}

static gboolean
open_time_gets (OpenStore *one, guint round, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) bare_times = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < 2 * OPEN_GETS; i++)
    {
      guint place = (round * 2 * OPEN_GETS + i) % one->keep->len;
      const CaskDigest *digest = &g_array_index (one->keep, CaskDigest, place);
      gboolean is_bare = i % 2 == 1;
      gint64 before = bench_wall_nsec ();
      if (!(is_bare ? open_get_bare (one, digest, error) : open_get (one, digest, error)))
        return FALSE;
      double spent = (double) (bench_wall_nsec () - before);
      g_array_append_val (is_bare ? bare_times : times, spent);
    }
  double median = (double) open_median (times);
  bench_column_add (one->gets, median, median);
  median = (double) open_median (bare_times);
  bench_column_add (one->bare_gets, median, median);
  return TRUE;
}

static gboolean
open_time_puts (OpenStore *one, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) blobs = bench_blobs_new (OPEN_PUTS, 16);
  for (guint i = 0; i < blobs->len; i++)
    {
      const BenchBlob *blob = &g_array_index (blobs, BenchBlob, i);
      gint64 before = bench_wall_nsec ();
      if (!cask_store_put (one->store, &blob->digest, blob->bytes, CASK_PUT_NONE, NULL,
                           NULL, error))
        return FALSE;
      double spent = (double) (bench_wall_nsec () - before);
      g_array_append_val (times, spent);
    }
  double median = (double) open_median (times);
  bench_column_add (one->puts, median, median);
  return TRUE;
}

/* Filled by another opening than the one that is measured. */
static gboolean
open_prepare (OpenStore *one, BenchRun *run, GError **error)
{
  one->config = trials_config (run, one->name, error);
  one->keep = g_array_new (FALSE, FALSE, sizeof (CaskDigest));
  g_autoptr (CaskStore) filled =
      one->config ? cask_store_open (one->config, NULL, error) : NULL;
  if (!filled ||
      !trials_fill (filled, one->n_blobs, FALSE, one->keep, OPEN_KEEP, error) ||
      !cask_store_close (filled, NULL, error))
    return FALSE;
  one->store = cask_store_open (one->config, NULL, error);
  g_autofree char *path = g_build_filename (run->directory, one->name, NULL);
  one->root = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return one->store != NULL;
}

static gboolean
open_round (OpenStore *stores, guint round, GError **error)
{
  for (guint i = 0; i < OPEN_N_STORES; i++)
    {
      OpenStore *one = &stores[(round + i) % OPEN_N_STORES];
      if (one->opens && !open_time_open (one, error))
        return FALSE;
      if (one->gets &&
          !(open_time_gets (one, round, error) && open_time_puts (one, error)))
        return FALSE;
    }
  return TRUE;
}

static void
open_add_rows (OpenStore *stores, BenchRun *run)
{
  BenchRow *opens = trials_row (run, "open", 0, "ns");
  BenchRow *gets = trials_row (run, "get of 16 B, median", 0, "ns");
  BenchRow *puts = trials_row (run, "put new of 16 B, median", 0, "ns");
  const char *note = run->is_quick ? "20,000 blobs" : "1,000,000 blobs";
  stores[0].opens = bench_row_add (opens, "empty store", NULL);
  stores[2].opens = bench_row_add (opens, "large store", note);
  stores[1].gets = bench_row_add (gets, "store of 10,000", NULL);
  stores[2].gets = bench_row_add (gets, "large store", note);
  stores[1].bare_gets = bench_row_add (gets, "store of 10,000, bare calls", NULL);
  stores[2].bare_gets = bench_row_add (gets, "large store, bare calls", NULL);
  stores[1].puts = bench_row_add (puts, "store of 10,000", NULL);
  stores[2].puts = bench_row_add (puts, "large store", note);
}

gboolean
trials_open (BenchRun *run, GError **error)
{
  OpenStore stores[OPEN_N_STORES] = { { .name = "open-empty" },
                                      { .name = "open-small", .n_blobs = 10000 },
                                      { .name = "open-large",
                                        .n_blobs = run->is_quick ? 20000 : 1000000 } };
  gboolean done = TRUE;
  for (guint i = 0; done && i < OPEN_N_STORES; i++)
    done = open_prepare (&stores[i], run, error);
  /* Once without counting it. */
  BenchRun warm = *run;
  warm.rows = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_row_free);
  open_add_rows (stores, &warm);
  done = done && open_round (stores, 0, error);
  g_ptr_array_unref (warm.rows);
  if (done)
    open_add_rows (stores, run);
  for (guint round = 0; done && round < run->n_rounds; round++)
    done = open_round (stores, round + 1, error);
  for (guint i = 0; i < OPEN_N_STORES; i++)
    {
      g_clear_object (&stores[i].store);
      if (stores[i].root > 0)
        close (stores[i].root);
      g_clear_pointer (&stores[i].keep, g_array_unref);
      g_free (stores[i].config);
    }
  return done;
}
