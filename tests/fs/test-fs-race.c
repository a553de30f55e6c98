/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-race.c: two processes of four threads put, touch, delete and collect the same
 * blobs (F12, C65, C72, C89, C90).
 *
 * What is checked, by counts and times in shared memory:
 * - A put or touch that was acknowledged is not lost to a conditional removal, unless
 * that was asked for a time after the use began.
 * - Every creation and every removal is said to exactly one: at the end, creations less
 *   removals is 1 where the blob is there and 0 where not. */
#include "fs-test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FS_RACE_BLOBS 8
#define FS_RACE_THREADS 4
#define FS_RACE_PROCESSES 2

typedef struct
{
  gint64 asked[FS_RACE_BLOBS]; /* the latest "unused since" of a removal that began */
  gint balance[FS_RACE_BLOBS]; /* creations less removals */
  gint uses, lost, failed, removed, kept;
} FsRace;

typedef struct
{
  FsStore *store;
  FsRace *race;
  guint32 seed;
  gint64 until;
} FsRacer;

static void
fs_race_ask (FsRace *race, guint blob, gint64 time)
{
  gint64 before = __atomic_load_n (&race->asked[blob], __ATOMIC_SEQ_CST);
  while (before < time &&
         !__atomic_compare_exchange_n (&race->asked[blob], &before, time, FALSE,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    ;
}

/* The even blobs are only ever removed conditionally: a use of them has to last. */
static void
fs_race_check (FsRacer *racer, const CaskDigest *digest, guint blob, gint64 began)
{
  CaskBlobInfo info;
  FsRace *race = racer->race;
  g_atomic_int_inc (&race->uses);
  if (blob % 2 != 0)
    return;
  int found = fs_store_stat (racer->store, digest, &info);
  gint64 asked = __atomic_load_n (&race->asked[blob], __ATOMIC_SEQ_CST);
  if (found == CASK_ERROR_NOT_FOUND && asked <= began)
    g_atomic_int_inc (&race->lost);
  else if (found != FS_OK && found != CASK_ERROR_NOT_FOUND)
    g_atomic_int_inc (&race->failed);
  else if (found == FS_OK && info.mtime_usec < began && asked <= began)
    g_atomic_int_inc (&race->lost);
}

static void
fs_race_put (FsRacer *racer, const CaskDigest *digest, guint blob, guint32 flags)
{
  gint64 began = g_get_real_time ();
  int done = fs_store_put_flags (racer->store, digest, "0123456789", flags);
  if (done == FS_CREATED)
    g_atomic_int_inc (&racer->race->balance[blob]);
  if (done >= 0)
    g_atomic_int_inc (&racer->race->failed);
  else
    fs_race_check (racer, digest, blob, began);
}

static void
fs_race_touch (FsRacer *racer, const CaskDigest *digest, guint blob)
{
  gint64 began = g_get_real_time ();
  int done = fs_store_touch (racer->store, digest, NULL);
  if (done == FS_OK)
    fs_race_check (racer, digest, blob, began);
  else if (done != CASK_ERROR_NOT_FOUND)
    g_atomic_int_inc (&racer->race->failed);
}

static void
fs_race_remove (FsRacer *racer, const CaskDigest *digest, guint blob, gint64 since)
{
  CaskRemoved outcome = CASK_REMOVED_ABSENT;
  fs_race_ask (racer->race, blob, since);
  int done = fs_store_remove (racer->store, digest, since, &outcome);
  if (done != FS_OK)
    g_atomic_int_inc (&racer->race->failed);
  else if (outcome == CASK_REMOVED_DONE)
    {
      g_atomic_int_add (&racer->race->balance[blob], -1);
      g_atomic_int_inc (&racer->race->removed);
    }
  else if (outcome == CASK_REMOVED_KEPT)
    g_atomic_int_inc (&racer->race->kept);
}

static gpointer
fs_race_run (gpointer data)
{
  FsRacer *racer = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (racer->seed);
  while (g_get_monotonic_time () < racer->until)
    {
      guint blob = (guint) g_rand_int_range (random, 0, FS_RACE_BLOBS);
      CaskDigest digest = fs_digest (1 + blob % 2, (guint8) (blob / 2), blob);
      gint64 now = g_get_real_time ();
      switch (g_rand_int_range (random, 0, 8))
        {
        case 0:
        case 1:
          fs_race_put (racer, &digest, blob, 0);
          break;
        case 2:
          fs_race_put (racer, &digest, blob, CASK_PUT_REPLACE);
          break;
        case 3:
          fs_race_touch (racer, &digest, blob);
          break;
        case 4:
          fs_race_remove (racer, &digest, blob, blob % 2 ? CASK_ALWAYS : now);
          break;
        default:
          fs_race_remove (racer, &digest, blob, now - g_rand_int_range (random, 0, 300));
          break;
        }
    }
  return NULL;
}

static int
fs_race_process (const char *root, FsRace *race, guint64 durability, guint32 seed,
                 gint64 until)
{
  FsSpec spec = { .durability = durability };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  if (store == NULL)
    return 1;
  FsRacer racers[FS_RACE_THREADS];
  GThread *threads[FS_RACE_THREADS];
  for (guint i = 0; i < FS_RACE_THREADS; i++)
    {
      racers[i] = (FsRacer){
        .store = store, .race = race, .seed = seed * 16 + i, .until = until
      };
      threads[i] = g_thread_new ("racer", fs_race_run, &racers[i]);
    }
  for (guint i = 0; i < FS_RACE_THREADS; i++)
    g_thread_join (threads[i]);
  return 0;
}

static void
fs_race_check_end (const char *root, FsRace *race)
{
  FsSpec spec = { 0 };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  CU_ASSERT_PTR_NOT_NULL (store);
  if (store == NULL)
    return;
  gint present = 0;
  for (guint blob = 0; blob < FS_RACE_BLOBS; blob++)
    {
      CaskDigest digest = fs_digest (1 + blob % 2, (guint8) (blob / 2), blob);
      gint is_there = fs_store_stat (store, &digest, NULL) == FS_OK;
      CU_ASSERT_EQUAL (race->balance[blob], is_there);
      present += is_there;
    }
  guint32 n_infos = 100;
  gboolean more = TRUE;
  CU_ASSERT_EQUAL (fs_store_list (store, &n_infos, &more), FS_OK);
  CU_ASSERT_EQUAL (n_infos, (guint32) present);
  CU_ASSERT_FALSE (more);
}

static void
fs_race (guint64 durability, double seconds)
{
  /* Static: the children end without unwinding, and a leak checker would not find it. */
  static char *root;
  root = fs_scratch_new ();
  FsRace *race = mmap (NULL, sizeof (FsRace), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CU_ASSERT (race != MAP_FAILED);
  guint32 seed = g_random_int ();
  gint64 until = g_get_monotonic_time () + (gint64) (seconds * G_USEC_PER_SEC);
  pid_t children[FS_RACE_PROCESSES];
  for (guint i = 0; i < FS_RACE_PROCESSES; i++)
    {
      children[i] = fork ();
      if (children[i] == 0)
        _exit (fs_race_process (root, race, durability, seed + i, until));
    }
  for (guint i = 0; i < FS_RACE_PROCESSES; i++)
    {
      int status = -1;
      waitpid (children[i], &status, 0);
      CU_ASSERT_EQUAL (status, 0);
    }
  printf ("\n    seed %u: %d uses, %d removals, %d kept, %d lost, %d failed\n", seed,
          race->uses, race->removed, race->kept, race->lost, race->failed);
  CU_ASSERT (race->uses > 0 && race->removed > 0 && race->kept > 0);
  CU_ASSERT_EQUAL (race->lost, 0);
  CU_ASSERT_EQUAL (race->failed, 0);
  CU_ASSERT_EQUAL (fs_count_files (root, TRUE), 0);
  fs_race_check_end (root, race);
  munmap (race, sizeof (FsRace));
  fs_scratch_free (g_steal_pointer (&root));
}

static double
fs_race_seconds (void)
{
  const char *seconds = g_getenv ("CASK_TEST_SECONDS");
  return seconds != NULL ? g_ascii_strtod (seconds, NULL) : 2.5;
}

static void
test_race_none (void)
{
  fs_race (FS_NONE, fs_race_seconds ());
}

static void
test_race_full (void)
{
  fs_race (FS_FULL, fs_race_seconds ());
}

int
main (void)
{
  CU_initialize_registry ();
  CU_pSuite suite = CU_add_suite ("fs: races between processes", NULL, NULL);
  CU_add_test (suite, "no acknowledged use is lost to a collector, without durability",
               test_race_none);
  CU_add_test (suite, "no acknowledged use is lost to a collector, with full durability",
               test_race_full);
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures ();
  CU_cleanup_registry ();
  return failures != 0;
}
