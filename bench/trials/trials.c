/* SPDX-License-Identifier: Apache-2.0
 *
 * trials.c: all trials, and what several of them use.
 *
 * Failure modes: a trial that can not be made is told in the report, and its bounds are
 * not run; the others go on. */
#include "trials.h"

#include <glib/gstdio.h>

#define TRIALS_BATCH 1000

BenchRow *
trials_row (BenchRun *run, const char *operation, guint64 size, const char *unit)
{
  BenchRow *row = bench_row_new ("trial", operation, size, unit);
  g_ptr_array_add (run->rows, row);
  return row;
}

char *
trials_config (BenchRun *run, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (run->directory, name, NULL);
  g_autofree char *escaped = cask_config_escape (path);
  if (g_mkdir (path, 0700) == 0)
    return g_strconcat ("fs:", escaped, "?durability=none", NULL);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: can not be made", name);
  return NULL;
}

/* ---- Filling a store ---- */

/* The first shard has one digest in 256: as many are made, and the others dropped. */
static GArray *
trials_blobs (guint n_blobs, gboolean one_shard)
{
  GArray *blobs = bench_blobs_new (n_blobs, 16);
  for (guint i = blobs->len; one_shard && i-- > 0;)
    if (g_array_index (blobs, BenchBlob, i).digest.bytes[0] != 0)
      g_array_remove_index_fast (blobs, i);
  return blobs;
}

static gboolean
trials_put (CaskStore *store, const GArray *blobs, guint first, guint n, GError **error)
{
  const CaskDigest *digests[TRIALS_BATCH] = { NULL };
  GBytes *bytes[TRIALS_BATCH] = { NULL };
  for (guint i = 0; i < n; i++)
    {
      const BenchBlob *blob = &g_array_index (blobs, BenchBlob, first + i);
      digests[i] = &blob->digest;
      bytes[i] = blob->bytes;
    }
  g_autoptr (CaskResults) results =
      cask_store_put_many (store, digests, bytes, n, CASK_PUT_NONE, NULL, error);
  for (guint i = 0; results && i < n; i++)
    {
      const GError *item = cask_results_get_error (results, i);
      if (!item)
        continue;
      g_propagate_error (error, g_error_copy (item));
      return FALSE;
    }
  return results != NULL;
}

gboolean
trials_fill (CaskStore *store, guint n_blobs, gboolean one_shard, GArray *keep,
             guint n_keep, GError **error)
{
  guint step = MAX (n_blobs / MAX (n_keep, 1), 1);
  for (guint done = 0; done < n_blobs;)
    {
      g_autoptr (GArray) blobs =
          trials_blobs (one_shard ? 100 * TRIALS_BATCH : TRIALS_BATCH, one_shard);
      guint n = MIN (MIN (n_blobs - done, blobs->len), TRIALS_BATCH);
      if (!trials_put (store, blobs, 0, n, error))
        return FALSE;
      for (guint i = 0; keep && i < n; i++)
        if ((done + i) % step == 0 && keep->len < n_keep)
          g_array_append_val (keep, g_array_index (blobs, BenchBlob, i).digest);
      done += n;
      if (done % 100000 == 0)
        bench_run_say ("trial: %u of %u blobs put", done, n_blobs);
    }
  return TRUE;
}

char *
trials_ask (BenchRun *run, const char *const *arguments, GError **error)
{
  g_autofree char *program = g_build_filename (run->programs, arguments[0], NULL);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  char *printed = NULL;
  int status;
  g_ptr_array_add (all, program);
  for (guint i = 1; arguments[i]; i++)
    g_ptr_array_add (all, (gpointer) arguments[i]);
  g_ptr_array_add (all, NULL);
  if (!g_spawn_sync (NULL, (char **) all->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                     &printed, NULL, &status, error))
    return NULL;
  if (g_spawn_check_wait_status (status, error))
    return printed;
  g_free (printed);
  return NULL;
}

/* ---- All of them ---- */

gboolean
bench_trials (BenchRun *run, GError **error)
{
  static const struct
  {
    const char *name;
    gboolean (*func) (BenchRun *run, GError **error);
  } trials[] = { { "memory", trials_memory },
                 { "first get", trials_first },
                 { "cold start", trials_cold },
                 { "open", trials_open } };
  (void) error;
  for (guint i = 0; i < G_N_ELEMENTS (trials); i++)
    {
      g_autoptr (GError) failed = NULL;
      if (!bench_run_wants (run, "trial", trials[i].name, 0))
        continue;
      bench_run_say ("trial: %s", trials[i].name);
      if (!trials[i].func (run, &failed))
        g_ptr_array_add (run->left, g_strdup_printf ("trial: %s: %s", trials[i].name,
                                                     failed->message));
    }
  return TRUE;
}
