/* SPDX-License-Identifier: Apache-2.0
 *
 * hot.c: does one hot operation a number of times, warm; under callgrind, which is told
 * to count nothing else.
 *
 *   hot --list                    the operations: name, config, count, by tabs
 *   hot OPERATION CONFIG COUNT    CONFIG: "-", memory:, or fs: with a directory that is
 * not there yet
 *
 * Counting begins after a warm-up and ends before anything is given back: what the
 * program costs to start, and to fill the store, is not in it. It covers all threads. */
#include "hot.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

/* Before the count begins: every symbol is bound, every cache filled, every copy hashed.
 */
#define HOT_WARM_STEPS 4

void
hot_must (gboolean done, const GError *error)
{
  if (G_LIKELY (done))
    return;
  fprintf (stderr, "hot: %s\n", error != NULL ? error->message : "not what was expected");
  exit (1);
}

/* The library sees as many processors as it may run on. */
static void
hot_keep_to_one_processor (void)
{
  cpu_set_t set;
  int cpu = 0;

  hot_must (sched_getaffinity (0, sizeof set, &set) == 0, NULL);
  while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET (cpu, &set))
    cpu++;
  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  hot_must (sched_setaffinity (0, sizeof set, &set) == 0, NULL);
}

/* Bytes that are the same in every run, and in no two blobs. */
static GBytes *
hot_make_bytes (guint i, gsize size)
{
  guint8 *bytes = g_malloc (MAX (size, 1));
  guint32 state = i * 2654435761u + 1;

  for (gsize at = 0; at < size; at++)
    {
      state = state * 1664525u + 1013904223u;
      bytes[at] = (guint8) (state >> 24);
    }
  return g_bytes_new_take (bytes, size);
}

static void
hot_make_blobs (Hot *hot, gsize size)
{
  hot->blobs = g_new0 (GBytes *, hot->n_blobs);
  hot->digests = g_new0 (CaskDigest, hot->n_blobs);
  hot->pointers = g_new0 (const CaskDigest *, hot->n_blobs);
  hot->texts = g_malloc0_n (hot->n_blobs, sizeof *hot->texts);
  hot->buffer = g_malloc0 (HOT_BUFFER);
  for (guint i = 0; i < hot->n_blobs; i++)
    {
      hot->blobs[i] = hot_make_bytes (i, size);
      hot->pointers[i] = &hot->digests[i];
      cask_digest_of_bytes (hot->blobs[i], CASK_ALGORITHM_SHA256, &hot->digests[i]);
      cask_digest_write (&hot->digests[i], hot->texts[i]);
    }
}

static void
hot_clear (Hot *hot)
{
  for (guint i = 0; i < hot->n_blobs; i++)
    g_bytes_unref (hot->blobs[i]);
  g_free (hot->blobs);
  g_free (hot->digests);
  g_free (hot->pointers);
  g_free (hot->texts);
  g_free (hot->buffer);
  g_clear_object (&hot->store);
}

static void
hot_count (const HotOperation *operation, Hot *hot, guint first, guint n_steps)
{
  CALLGRIND_START_INSTRUMENTATION;
  for (guint at = first; at < first + n_steps; at++)
    operation->step (hot, at);
  CALLGRIND_STOP_INSTRUMENTATION;
}

static void
hot_run (const HotOperation *operation, const char *config, guint count)
{
  g_autoptr (GError) error = NULL;
  Hot hot = { .config = config };
  guint n_steps = MAX (count / operation->per_step, 1), warm = HOT_WARM_STEPS;

  /* Each of the blobs that take turns is met once. */
  if (operation->n_blobs == HOT_TURN && operation->per_step == 1)
    warm = HOT_TURN;
  hot.n_blobs = operation->n_blobs;
  if (hot.n_blobs == 0)
    hot.n_blobs = (warm + n_steps) * operation->per_step;
  hot_make_blobs (&hot, operation->size);
  if (operation->backends != HOT_ALONE)
    {
      hot_system_install ();
      hot.store = cask_store_open (config, NULL, &error);
      hot_must (hot.store != NULL, error);
    }
  for (guint i = 0; i < hot.n_blobs && !operation->absent; i++)
    hot_step_put (&hot, i);
  for (guint at = 0; at < warm; at++)
    operation->step (&hot, at);
  hot_count (operation, &hot, warm, n_steps);
  hot_clear (&hot);
}

static void
hot_list (void)
{
  for (guint i = 0; i < hot_n_operations; i++)
    {
      const HotOperation *each = &hot_operations[i];
      if (each->backends == HOT_ALONE)
        printf ("%s\t-\t%u\n", each->name, each->count);
      if (each->backends == HOT_MEMORY || each->backends == HOT_BOTH)
        printf ("%s\tmemory:\t%u\n", each->name, each->count);
      if (each->backends == HOT_FS || each->backends == HOT_BOTH)
        printf ("%s\tfs:\t%u\n", each->name, each->count);
    }
}

int
main (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--list"))
    {
      hot_list ();
      return 0;
    }
  guint64 count;
  if (argc != 4 || !g_ascii_string_to_unsigned (argv[3], 10, 1, 100000, &count, NULL))
    {
      fputs ("usage: hot --list | hot OPERATION CONFIG COUNT\n", stderr);
      return 2;
    }
  hot_keep_to_one_processor ();
  for (guint i = 0; i < hot_n_operations; i++)
    if (g_str_equal (hot_operations[i].name, argv[1]))
      {
        hot_run (&hot_operations[i], argv[2], (guint) count);
        return 0;
      }
  fprintf (stderr, "hot: no operation '%s'\n", argv[1]);
  return 2;
}
