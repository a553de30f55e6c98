/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-two.c: F12: two processes of eight threads each are at the same blobs of one
 * directory by every way there is: puts, uploads, batches, gets, streams, touches,
 * deletes, removals of the unused, lists.
 *
 * What is checked, by a ledger in shared memory:
 * - Half of the blobs are never deleted: once one of their puts was acknowledged, every
 *   get, stat and list that begins later has them, in either process.
 * - Of the others each creation and each removal is said to exactly one: at the end,
 *   creations less removals is 1 where the blob is there and 0 where not.
 * - Bytes are right whenever there are any, lists are in order and name nothing else.
 * - At the end there is no file but the blobs, and each process has the descriptors and
 *   threads that it began with. */
#include "fs-two.h"
#include "test-support.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TWO_PROCESSES 2
#define TWO_THREADS 8

/* ---- Two processes ---- */

static gpointer
two_act (gpointer data)
{
  Actor *actor = data;

  while (g_get_monotonic_time () < actor->process->until)
    two_act_once (actor);
  return NULL;
}

/* Of a process. The idle threads of the library's pool, "cask", stay for ten seconds. */
static guint
two_count (const char *directory)
{
  g_autoptr (GDir) entries = g_dir_open (directory, 0, NULL);
  const char *name;
  guint n = 0;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, "comm", NULL);
      g_autofree char *thread = NULL;
      n += !g_file_get_contents (path, &thread, NULL, NULL) ||
           !g_str_equal (thread, "cask\n");
    }
  return n;
}

static void
two_run_threads (Process *process)
{
  Actor actors[TWO_THREADS];
  GThread *threads[TWO_THREADS];

  for (guint i = 0; i < TWO_THREADS; i++)
    {
      actors[i] = (Actor){ .process = process,
                           .rand = g_rand_new_with_seed (process->seed * 16 + i) };
      threads[i] = g_thread_new ("actor", two_act, &actors[i]);
    }
  for (guint i = 0; i < TWO_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_rand_free (actors[i].rand);
    }
}

static gpointer
two_do_nothing (gpointer data)
{
  return data;
}

/* What is opened or started for good at the first use is no leak. */
static void
two_begin (CaskStore *store)
{
  const CaskDigest none = { .algorithm = CASK_ALGORITHM_SHA256 };
  gboolean present = FALSE;

  cask_store_contains (store, &none, &present, NULL, NULL);
  g_thread_join (g_thread_new ("first", two_do_nothing, NULL));
}

/* Returns: the exit status: which of them was not as it should be */
static int
two_process (Process *process, const char *config)
{
  g_autoptr (GError) error = NULL;

  /* Once before the counting. */
  for (guint i = 0; i < 2; i++)
    {
      guint n_descriptors = two_count ("/proc/self/fd");
      guint n_threads = two_count ("/proc/self/task");
      process->store = cask_store_open (config, NULL, &error);
      if (process->store == NULL)
        return 1;
      if (i == 0)
        two_begin (process->store);
      else
        two_run_threads (process);
      gboolean is_closed = cask_store_close (process->store, NULL, &error);
      g_clear_object (&process->store);
      if (!is_closed)
        return 2;
      if (i == 1 && two_count ("/proc/self/fd") != n_descriptors)
        return 3;
      if (i == 1 && two_count ("/proc/self/task") != n_threads)
        return 4;
    }
  return 0;
}

static guint two_n_strangers;

/* A blob's file is named by the digits that its directory's name has left; nothing else
 * may be there at the end. */
static int
two_visit (const char *path, const struct stat *status, int type, struct FTW *place)
{
  const char *name = path + place->base;

  (void) status;
  if (type != FTW_F || (strlen (name) == 62 && strspn (name, "0123456789abcdef") == 62))
    return 0;
  printf ("\n    left behind: %s\n", path);
  two_n_strangers++;
  return 0;
}

static void
two_check_end (Process *process, const char *root, const char *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);

  TEST_NO_ERROR (error);
  if (store == NULL)
    return;
  for (guint i = 0; i < TWO_BLOBS; i++)
    {
      gboolean present = FALSE;
      CU_ASSERT_TRUE (
          cask_store_contains (store, &process->digests[i], &present, NULL, NULL));
      CU_ASSERT_EQUAL (process->ledger->balance[i], present);
      CU_ASSERT_TRUE (present || !process->ledger->is_kept[i]);
    }
  CU_ASSERT_TRUE (cask_store_close (store, NULL, &error));
  two_n_strangers = 0;
  nftw (root, two_visit, 16, FTW_PHYS);
  CU_ASSERT_EQUAL (two_n_strangers, 0);
}

static double
two_seconds (void)
{
  const char *seconds = g_getenv ("CASK_TEST_SECONDS");

  if (seconds != NULL)
    return g_ascii_strtod (seconds, NULL);
  return g_getenv ("CASK_TEST_LONG") != NULL ? 30 : 1.5;
}

static void
two_make_blobs (Process *process)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < TWO_BLOBS; i++)
    {
      gsize size =
          i == 1 ? 0 : (gsize) g_rand_int_range (rand, 8, i % 8 < 6 ? 5000 : TWO_LARGEST);
      guint8 *data = g_malloc (size + 1);
      for (gsize k = 0; k < size; k++)
        data[k] = (guint8) g_rand_int (rand);
      process->bytes[i] = g_bytes_new_take (data, size);
      cask_digest_of_bytes (process->bytes[i], CASK_ALGORITHM_SHA256,
                            &process->digests[i]);
    }
}

static void
two_fork (Process *process, const char *config)
{
  pid_t children[TWO_PROCESSES];

  fflush (NULL);
  for (guint i = 0; i < TWO_PROCESSES; i++)
    {
      process->seed++;
      children[i] = fork ();
      if (children[i] == 0)
        _exit (two_process (process, config));
    }
  for (guint i = 0; i < TWO_PROCESSES; i++)
    {
      int status = -1;
      waitpid (children[i], &status, 0);
      CU_ASSERT_EQUAL (status, 0);
      if (status != 0)
        printf ("\n    process %u ended with %#x\n", i, (guint) status);
    }
}

static void
two_run (const char *durability)
{
  const char *root = test_directory ();
  g_autofree char *place = cask_config_escape (root);
  g_autofree char *config =
      g_strdup_printf ("fs:%s?durability=%s&freshen=0s", place, durability);
  g_autofree char *row =
      g_strconcat ("two processes: operations checked, ", durability, NULL);
  Ledger *ledger = mmap (NULL, sizeof (Ledger), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_autoptr (GRand) rand = test_rand_new (durability);
  Process process = { .ledger = ledger, .seed = g_rand_int (rand) };

  CU_ASSERT (ledger != MAP_FAILED);
  if (ledger == MAP_FAILED)
    return;
  two_make_blobs (&process);
  process.until = g_get_monotonic_time () + (gint64) (two_seconds () * G_USEC_PER_SEC);
  two_fork (&process, config);
  if (ledger->n_failed > 0)
    printf ("\n    %s\n", ledger->first_failure);
  CU_ASSERT_EQUAL (ledger->n_failed, 0);
  CU_ASSERT (ledger->n_lists > 0 && ledger->n_removed > 0 && ledger->n_uploads > 0);
  two_check_end (&process, root, config);
  test_score (row, "%d", ledger->n_done);
  for (guint i = 0; i < TWO_BLOBS; i++)
    g_bytes_unref (process.bytes[i]);
  munmap (ledger, sizeof (Ledger));
}

static void
test_none (void)
{
  two_run ("none");
}

static void
test_full (void)
{
  two_run ("full");
}

static void
test_batch (void)
{
  two_run ("batch");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "F12 two processes lose nothing acknowledged, without durability", test_none },
    { "F12 two processes lose nothing acknowledged, with full durability", test_full },
    { "F12 two processes lose nothing acknowledged, with flushes in common", test_batch },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "fs: two processes", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
