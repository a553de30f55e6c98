/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c: what operations in flight and lists take of the memory, beside the blobs.
 *
 * Asked of cask-trial-heap, a fresh process each time, which counts every block that
 * malloc gives (heap.c). One sample is enough: it hardly differs. */
#include "trials.h"

#include <stdio.h>

#define MEMORY_IN_FLIGHT "10000"
#define MEMORY_LISTED 100000
#define MEMORY_LISTED_QUICK 10000
#define MEMORY_SHARDS 256
/* A page smaller than a shard, so that what is compared is what is read, not the page. */
#define MEMORY_PAGE "25"

typedef struct
{
  gint64 peak, resident;
  guint n;
} MemoryAnswer;

static gboolean
memory_ask (BenchRun *run, const char *what, const char *config, const char *number,
            MemoryAnswer *answer, GError **error)
{
  const char *const arguments[] = { "cask-trial-heap", what, config, number, NULL };
  g_autofree char *printed = trials_ask (run, arguments, error);
  if (!printed)
    return FALSE;
  if (sscanf (printed, "%" G_GINT64_FORMAT " %u %" G_GINT64_FORMAT, &answer->peak,
              &answer->n, &answer->resident) == 3)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cask-trial-heap: said nothing");
  return FALSE;
}

static gboolean
memory_in_flight (BenchRun *run, const char *place, GError **error)
{
  static const struct
  {
    const char *what, *column;
    gboolean on_fs;
  } cases[] = { { "get", "get, memory", FALSE },
                { "put", "put, memory", FALSE },
                { "get", "get, fs", TRUE },
                { "put", "put, fs", TRUE } };
  BenchRow *heap = trials_row (run, "memory of an operation in flight", 0, "bytes");
  BenchRow *grown = trials_row (run, "resident memory of the same", 0, "bytes");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      MemoryAnswer answer;
      if (!memory_ask (run, cases[i].what, cases[i].on_fs ? place : "memory:",
                       MEMORY_IN_FLIGHT, &answer, error))
        return FALSE;
      double n = answer.n;
      bench_column_add (bench_row_add (heap, cases[i].column, "one of 10,000"),
                        (double) answer.peak / n, 0);
      bench_column_add (
          bench_row_add (grown, cases[i].column, "with what threads and the heap keep"),
          (double) answer.resident / n, 0);
    }
  return TRUE;
}

static gboolean
memory_list (BenchRun *run, BenchColumn *column, const char *place, guint n_blobs,
             gboolean one_shard, GError **error)
{
  MemoryAnswer answer;
  g_autofree char *config = trials_config (run, place, error);
  g_autoptr (CaskStore) store = config ? cask_store_open (config, NULL, error) : NULL;
  if (!store || !trials_fill (store, n_blobs, one_shard, NULL, 0, error) ||
      !cask_store_close (store, NULL, error) ||
      !memory_ask (run, "list", config, MEMORY_PAGE, &answer, error))
    return FALSE;
  bench_column_add (column, (double) answer.peak, 0);
  if (answer.n == n_blobs)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u of %u blobs were listed",
               answer.n, n_blobs);
  return FALSE;
}

gboolean
trials_memory (BenchRun *run, GError **error)
{
  guint n_listed = run->is_quick ? MEMORY_LISTED_QUICK : MEMORY_LISTED;
  g_autofree char *place = trials_config (run, "memory-flight", error);
  if (!place || !memory_in_flight (run, place, error))
    return FALSE;
  BenchRow *row = trials_row (run, "memory of a list", 0, "bytes");
  BenchColumn *one = bench_row_add (row, "one shard", "as many blobs as a shard has");
  BenchColumn *all =
      bench_row_add (row, "256 shards", run->is_quick ? "10,000 blobs" : "100,000 blobs");
  return memory_list (run, one, "memory-list-one", n_listed / MEMORY_SHARDS, TRUE,
                      error) &&
         memory_list (run, all, "memory-list-all", n_listed, FALSE, error);
}
