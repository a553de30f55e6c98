/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-work.c: a workload: blobs, a script, processes and threads that run it.
 *
 * Each process has a store of its own on the same directory, opened after the fork, and
 * a thread for each of its parts of the script. */
#include "powercut.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern const CaskPlugin cask_plugin;

/* One page and less, more, and nothing at all. */
static const guint32 power_sizes[] = { 60, 5000, 300, 9000, 40, 4096, 0, 700 };

/* Tries contents until the digest begins with the shard's byte. */
static void
power_blob_make (PowerLog *log, GRand *random, guint32 index, gint shard)
{
  PowerBlob *blob = &log->blobs[index];
  blob->size = power_sizes[index % G_N_ELEMENTS (power_sizes)];
  if (blob->size == 0 && index >= G_N_ELEMENTS (power_sizes))
    blob->size = 64; /* there is one empty blob only */
  g_autofree guint8 *bytes = g_malloc (blob->size + 1);
  for (guint32 i = 0; i < blob->size; i++)
    bytes[i] = (guint8) g_rand_int (random);
  for (guint32 tries = 0;; tries++)
    {
      if (blob->size >= sizeof tries)
        memcpy (bytes, &tries, sizeof tries);
      g_autoptr (GBytes) whole = g_bytes_new (bytes, blob->size);
      cask_digest_of_bytes (whole, CASK_ALGORITHM_SHA256, &blob->digest);
      if (blob->size < sizeof tries || blob->digest.bytes[0] == shard)
        break;
    }
  blob->heap = power_log_keep (log, bytes, blob->size);
}

/* power_blobs_make: the blobs of a recording, in so many shards. */
void
power_blobs_make (PowerLog *log, guint n_blobs, guint n_shards)
{
  GRand *random = g_rand_new_with_seed ((guint32) log->seed);
  for (guint32 i = 0; i < n_blobs && i < POWER_BLOBS; i++)
    power_blob_make (log, random, i, (gint) (i % n_shards));
  log->n_blobs = n_blobs;
  g_rand_free (random);
}

/* power_script_random: what threads may do at once, all on the same few blobs. */
char *
power_script_random (guint64 seed, guint n_processes, guint n_threads, guint n_steps)
{
  static const char *const steps[] = { "p%u", "p%u", "p%u", "d%u", "u%u",
                                       "s%u", "r%u", "S%u", "c%u", "R%u" };
  GRand *random = g_rand_new_with_seed ((guint32) seed);
  GString *script = g_string_new ("p0 p1 p2 x2 . : ");
  for (guint process = 0; process < n_processes; process++)
    for (guint thread = 0; thread < n_threads; thread++)
      {
        if (process + thread > 0)
          g_string_append (script, thread == 0 ? "| " : "/ ");
        for (guint step = 0; step < n_steps; step++)
          {
            guint kind = (guint) g_rand_int_range (random, 0, 14);
            guint blob = (guint) g_rand_int_range (random, 0, 8);
            if (kind >= 12)
              g_string_append_printf (script, kind == 12 ? "m%u-%u" : "D%u-%u", 3u,
                                      3 + blob / 2);
            else if (blob == 2 || kind >= 10) /* which is damaged */
              g_string_append_printf (script, kind == 11 ? "f" : "h%u", blob);
            else
              g_string_append_printf (script, steps[kind], blob);
            g_string_append_c (script, ' ');
          }
      }
  g_rand_free (random);
  return g_string_free (script, FALSE);
}

typedef struct
{
  PowerActor actor;
  guint64 seed;
  char *steps;
  GThread *thread;
} PowerPart;

static gpointer
power_part_run (gpointer data)
{
  PowerPart *part = data;
  g_auto (GStrv) tokens = g_strsplit (part->steps, " ", -1);
  power_record_thread (part->seed);
  for (guint i = 0; tokens[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      if (tokens[i][0] == '\0' || power_step (&part->actor, tokens[i], &error))
        continue;
      printf ("\n  step %s: %s\n", tokens[i], error->message);
      g_atomic_int_set (&part->actor.log->failed, TRUE);
    }
  return NULL;
}

/* One process's part of the script; its threads are separated by '/'. */
static void
power_process_run (PowerLog *log, const char *root, const char *script, guint64 seed)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = power_log_config (log, root);
  g_auto (GStrv) parts = g_strsplit (script, "/", -1);
  guint n_parts = g_strv_length (parts);
  g_autofree PowerPart *known = g_new0 (PowerPart, n_parts);
  CaskStore *store = NULL;
  if (cask_register_plugin (&cask_plugin, &error))
    store = cask_store_open (config, NULL, &error);
  if (store == NULL)
    {
      printf ("\n  %s\n", error->message);
      g_atomic_int_set (&log->failed, TRUE);
      return;
    }
  for (guint i = 0; i < n_parts; i++)
    {
      known[i] = (PowerPart){ .actor = { .log = log, .store = store, .root = root },
                              .seed = (seed + i) * 0x9e3779b97f4a7c15u,
                              .steps = parts[i] };
      known[i].thread = g_thread_new ("part", power_part_run, &known[i]);
    }
  for (guint i = 0; i < n_parts; i++)
    g_thread_join (known[i].thread);
  if (!cask_store_close (store, NULL, &error))
    g_atomic_int_set (&log->failed, TRUE);
  g_object_unref (store);
}

/* Returns: the process's id. */
static pid_t
power_process_start (PowerLog *log, const PowerShape *shape, const char *root,
                     const char *script, guint number)
{
  fflush (NULL);
  pid_t child = fork ();
  if (child != 0)
    return child;
  static FsSystem recorder;
  recorder = power_system ();
  fs_system = &recorder;
  power_record_begin (log, number == 0 ? POWER_LIE_NONE : shape->lies,
                      number == 0 ? 0 : shape->slow_usec);
  power_process_run (log, root, script, log->seed + 1000u * number);
  fflush (NULL);
  _exit (0);
}

static gboolean
power_processes_wait (pid_t *children, guint n_children)
{
  gboolean done = TRUE;
  for (guint i = 0; i < n_children; i++)
    {
      int status = 0;
      done &= children[i] > 0 && waitpid (children[i], &status, 0) == children[i] &&
              WIFEXITED (status) && WEXITSTATUS (status) == 0;
    }
  return done;
}

/* What was done before the recording begins counts as on the disk. */
static gboolean
power_prelude (PowerLog *log, const PowerShape *shape, const char *root,
               const char *script)
{
  pid_t child = power_process_start (log, shape, root, script, 0);
  if (!power_processes_wait (&child, 1))
    return FALSE;
  sync ();
  guint32 position = log->n_entries;
  power_log_append (log, POWER_ENTRY_SYNC);
  power_log_append (log, POWER_ENTRY_SYNCED)->a = position;
  for (guint32 i = 0; i < log->n_calls; i++)
    log->calls[i].begin_usec = 0;
  g_atomic_int_set (&log->n_blob_names, 0);
  g_atomic_int_set (&log->n_directories, 0);
  g_atomic_int_set (&log->n_removed, 0);
  return TRUE;
}

/* power_work: runs the shape's script in the directory; the log has what happened. */
gboolean
power_work (PowerLog *log, const PowerShape *shape, const char *directory)
{
  g_autofree char *root = g_build_filename (directory, POWER_ROOT, NULL);
  const char *script = log->script;
  const char *colon = strchr (script, ':');
  pid_t children[8];
  guint n_children = 0;
  gboolean done = TRUE;
  power_record_begin (log, POWER_LIE_NONE, 0);
  power_record_outside (log, directory);
  if (colon != NULL)
    {
      g_autofree char *before = g_strndup (script, (gsize) (colon - script));
      done = power_prelude (log, shape, root, before);
      script = colon + 1;
    }
  log->start = log->n_entries;
  g_auto (GStrv) processes = g_strsplit (script, "|", G_N_ELEMENTS (children));
  for (guint i = 0; processes[i] != NULL; i++)
    children[n_children++] = power_process_start (log, shape, root, processes[i], i + 1);
  done &= power_processes_wait (children, n_children);
  return done && !g_atomic_int_get (&log->failed);
}
