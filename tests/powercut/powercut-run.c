/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-run.c: records a workload, and replays all that a power cut may leave of it.
 *
 * Two workers share a recording's states by their hash, so what they count as distinct
 * is. Nothing that a worker does reaches the others: each is a process with a directory
 * of its own. */
#include "powercut.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#define POWER_WORKERS 2

extern const CaskPlugin cask_plugin;

/* ---- Another boot ---- */

static gboolean power_has_rebooted;
const char *__wrap_fs_sweep_boot (void);

/* What is replayed was recorded before the power went, so on another boot. */
const char *
__wrap_fs_sweep_boot (void)
{
  return power_has_rebooted ? "22222222" : "11111111";
}

/* power_after_boot: this process is one that comes after the power cut. */
void
power_after_boot (void)
{
  g_autoptr (GError) error = NULL;
  fs_system = &fs_system_libc;
  power_has_rebooted = TRUE;
  if (!cask_register_plugin (&cask_plugin, &error))
    g_error ("%s", error->message);
}

/* ---- Where ---- */

static char *power_directory_made;

static void
power_directory_remove (void)
{
  power_tree_clear (power_directory_made);
  rmdir (power_directory_made);
}

/* power_directory: a directory in memory if there is one: nothing here needs a disk. */
const char *
power_directory (void)
{
  if (power_directory_made != NULL)
    return power_directory_made;
  struct statfs fs;
  g_autofree char *in_memory = g_strdup ("/dev/shm/cask-powercut-XXXXXX");
  if (statfs ("/dev/shm", &fs) == 0 && fs.f_type == TMPFS_MAGIC &&
      mkdtemp (in_memory) != NULL)
    power_directory_made = g_steal_pointer (&in_memory);
  else
    power_directory_made = g_dir_make_tmp ("cask-powercut-XXXXXX", NULL);
  g_assert (power_directory_made != NULL);
  atexit (power_directory_remove);
  return power_directory_made;
}

static char *
power_place (const char *name)
{
  char *path = g_build_filename (power_directory (), name, NULL);
  if (mkdir (path, 0755) != 0)
    power_tree_clear (path);
  return path;
}

/* ---- Recording ---- */

static guint
power_count_blobs (const char *script)
{
  guint most = 0;
  for (const char *at = script; *at != '\0'; at++)
    if (g_ascii_isdigit (*at) && (at == script || !g_ascii_isdigit (at[-1])))
      most = MAX (most, (guint) g_ascii_strtoull (at, NULL, 10));
  return most + 1;
}

/* power_log_for: an empty record of the shape, with its blobs. */
PowerLog *
power_log_for (const PowerShape *shape, guint64 seed)
{
  PowerLog *log = power_log_new ();
  g_autofree char *script = shape->script != NULL ? g_strdup (shape->script)
                                                  : power_script_random (seed, 2, 4, 4);
  log->seed = seed;
  log->durability = shape->durability;
  log->layout = shape->layout;
  g_strlcpy (log->freshen, shape->freshen, sizeof log->freshen);
  g_strlcpy (log->script, script, sizeof log->script);
  power_blobs_make (log, power_count_blobs (script), MAX (shape->n_shards, 1));
  return log;
}

/* power_record: runs the shape's workload once. log: (out): what happened. */
gboolean
power_record (const PowerShape *shape, guint64 seed, PowerLog **log)
{
  g_autofree char *place = power_place ("recording");
  *log = power_log_for (shape, seed);
  gboolean done = power_work (*log, shape, place);
  power_tree_clear (place);
  return done;
}

/* ---- Replaying ---- */

typedef struct
{
  PowerLog *log;
  const PowerLimits *limits;
  PowerResult *result;
  PowerModel *model;
  PowerStates *states;
  GHashTable *seen;    /* directories */
  GHashTable *checked; /* directories, with what was promised of them */
  PowerWants wants;
  guint64 wants_hash;
  guint worker;
  char *place, *root;
} PowerWorker;

static void
power_worker_report (PowerWorker *worker, PowerOrder order, guint64 number,
                     PowerRule rule, const char *reason)
{
  PowerResult *result = worker->result;
  result->n_broken[rule]++;
  result->n_lost += rule == POWER_D1 ? 1 : 0;
  if (result->first[0] != '\0' && (rule != POWER_D1 || result->n_lost > 1))
    return;
  g_snprintf (result->first, sizeof result->first,
              "%s (%s); durability=%s layout=%s script '%s': cut %u order %u state "
              "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " cap %" G_GUINT64_FORMAT,
              power_rules[rule], reason, power_durabilities[worker->log->durability],
              power_layouts[worker->log->layout], worker->log->script, worker->model->cut,
              order, number, worker->log->seed, worker->limits->cap);
}

static void
power_worker_state (PowerWorker *worker, PowerOrder order, guint64 number)
{
  const PowerState *state = power_states_get (worker->states, number);
  guint64 hash = power_states_hash (worker->states);
  if ((hash >> 40) % POWER_WORKERS != worker->worker)
    return;
  guint64 key = power_mix (hash, worker->wants_hash);
  if (!g_hash_table_add (worker->checked, GSIZE_TO_POINTER (key)))
    return;
  /* An empty directory is what every recording may leave: it is nobody's own. */
  if (hash != 0 && g_hash_table_add (worker->seen, GSIZE_TO_POINTER (hash)))
    worker->result->n_distinct++;
  worker->result->n_states++;
  g_autofree char *reason = NULL;
  PowerRule rule = POWER_BROKEN;
  if (power_tree_make (worker->model, state, worker->place))
    rule = power_check (worker->log, &worker->wants, worker->root, &reason);
  else
    reason = g_strdup (g_strerror (errno));
  power_tree_clear (worker->place);
  if (rule != POWER_FINE)
    power_worker_report (worker, order, number, rule, reason);
}

static gboolean
power_worker_is_done (const PowerWorker *worker)
{
  const PowerLimits *limits = worker->limits;
  return (limits->most != 0 &&
          worker->result->n_states >= limits->most / POWER_WORKERS) ||
         (limits->stop_at_first && worker->result->first[0] != '\0');
}

static void
power_worker_cut (PowerWorker *worker)
{
  power_wants (worker->log, worker->model->cut, &worker->wants);
  worker->wants_hash = 0;
  const guint64 *words = (const guint64 *) &worker->wants;
  for (gsize i = 0; i < sizeof worker->wants / sizeof *words; i++)
    worker->wants_hash = power_mix (worker->wants_hash, words[i]);
  for (guint order = 0; order < POWER_N_ORDERS; order++)
    {
      guint64 count =
          power_states_begin (worker->states, (PowerOrder) order, worker->limits->cap);
      for (guint64 number = 0; number < count && !power_worker_is_done (worker); number++)
        power_worker_state (worker, (PowerOrder) order, number);
    }
}

/* What changes neither what is left nor what was promised makes no cut. */
static gboolean
power_worker_is_wanted (const PowerWorker *worker, guint32 cut)
{
  guint8 kind = worker->log->entries[cut - 1].kind;
  return cut >= worker->log->start && kind != POWER_ENTRY_CREATE &&
         kind != POWER_ENTRY_SYNC;
}

static void
power_worker_init (PowerWorker *worker, guint number)
{
  g_autofree char *name = g_strdup_printf ("worker-%u", number);
  power_after_boot ();
  worker->worker = number;
  worker->place = power_place (name);
  worker->root = g_build_filename (worker->place, POWER_ROOT, NULL);
  worker->model = power_model_new (worker->log);
  worker->states = power_states_new (worker->model);
  worker->seen = g_hash_table_new (NULL, NULL);
  worker->checked = g_hash_table_new (NULL, NULL);
}

static void
power_worker_run (PowerWorker *worker)
{
  while (worker->model->cut <= worker->log->n_entries && !power_worker_is_done (worker))
    {
      if (worker->model->cut > 0 && power_worker_is_wanted (worker, worker->model->cut))
        power_worker_cut (worker);
      if (worker->model->cut < worker->log->n_entries)
        power_model_advance (worker->model);
      else
        break;
    }
}

void
power_result_add (PowerResult *sum, const PowerResult *more)
{
  sum->n_states += more->n_states;
  sum->n_distinct += more->n_distinct;
  sum->n_lost += more->n_lost;
  sum->is_torn |= more->is_torn;
  for (guint i = 0; i < POWER_N_RULES; i++)
    sum->n_broken[i] += more->n_broken[i];
  if (sum->first[0] == '\0')
    g_strlcpy (sum->first, more->first, sizeof sum->first);
}

guint64
power_result_broken (const PowerResult *result)
{
  guint64 sum = 0;
  for (guint i = 0; i < POWER_N_RULES; i++)
    sum += result->n_broken[i];
  return sum;
}

/* power_replay: opens every state of the recording and adds what came of it. */
void
power_replay (PowerLog *log, const PowerLimits *limits, PowerResult *result)
{
  PowerResult *shared = mmap (NULL, POWER_WORKERS * sizeof *shared,
                              PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t children[POWER_WORKERS];
  g_assert (shared != MAP_FAILED);
  power_directory ();
  for (guint i = 0; i < POWER_WORKERS; i++)
    {
      fflush (NULL);
      children[i] = fork ();
      if (children[i] != 0)
        continue;
      PowerWorker worker = { .log = log, .limits = limits, .result = &shared[i] };
      power_worker_init (&worker, i);
      power_worker_run (&worker);
      power_tree_clear (worker.place);
      fflush (NULL);
      _exit (0);
    }
  for (guint i = 0; i < POWER_WORKERS; i++)
    {
      int status = 0;
      if (children[i] < 0 || waitpid (children[i], &status, 0) != children[i] ||
          status != 0)
        shared[i].is_torn = TRUE;
      power_result_add (result, &shared[i]);
    }
  munmap (shared, POWER_WORKERS * sizeof *shared);
}

/* power_replay_one: LOG CUT ORDER NUMBER CAP [DIRECTORY]: one state of a recording that
 * was kept, in the directory, where it stays to be looked at. Returns: main's. */
int
power_replay_one (int argc, char **argv)
{
  PowerLog *log = argc >= 7 ? power_log_load (argv[2]) : NULL;
  if (log == NULL)
    {
      fprintf (stderr, "usage: %s --replay LOG CUT ORDER STATE CAP [DIRECTORY]\n",
               argv[0]);
      return 2;
    }
  guint32 cut = (guint32) atoi (argv[3]);
  PowerLimits limits = { .cap = g_ascii_strtoull (argv[6], NULL, 10) };
  PowerResult result = { .n_states = 0 };
  PowerWorker worker = { .log = log, .limits = &limits, .result = &result };
  g_autofree char *reason = NULL;
  power_log_print (log, cut);
  power_worker_init (&worker, 0);
  while (worker.model->cut < MIN (cut, log->n_entries))
    power_model_advance (worker.model);
  power_wants (log, worker.model->cut, &worker.wants);
  power_states_begin (worker.states, (PowerOrder) atoi (argv[4]), limits.cap);
  const PowerState *state =
      power_states_get (worker.states, g_ascii_strtoull (argv[5], NULL, 10));
  if (argc > 7 && !power_tree_make (worker.model, state, argv[7]))
    fprintf (stderr, "%s: %s\n", argv[7], g_strerror (errno));
  if (!power_tree_make (worker.model, state, worker.place))
    return 2;
  PowerRule rule = power_check (log, &worker.wants, worker.root, &reason);
  printf ("%s %s\n", power_rules[rule], reason != NULL ? reason : "");
  return rule != POWER_FINE;
}
