/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-points.c: X1, X2, X4: each call that each operation makes of the system fails:
 * with each error that fits, once, from then on, and with all that follow; and reads and
 * writes do half, or nothing.
 *
 * A point is one operation with one call failing in one way. After each: success was
 * true, what was there before is there, what failed is whole or absent, no descriptor, no
 * temporary file and no upload is left, and the store works. That no memory is lost is
 * seen by LeakSanitizer at the end of the program, or by valgrind.
 *
 * Everyday the choice is narrower: `full` meets every error, the other ways to keep
 * blobs one for each call. CASK_TEST_LONG=1 has all of them. */
#include "fs-world.h"
#include "test-support.h"

#include "fs-private.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* How the store keeps blobs, and what its filesystem can not. */
typedef struct
{
  const char *name;
  FsSpec spec;
  gboolean no_tmpfile;
  FsCall lacking; /* this call fails, always, */
  int code;       /* with this; 0: it does not */
  gboolean is_main;
} PointsMode;

static const PointsMode points_modes[] = {
  { .name = "full", .spec = { .durability = FS_FULL }, .is_main = TRUE },
  { .name = "batch", .spec = { .durability = FS_BATCH } },
  { .name = "data", .spec = { .durability = FS_DATA } },
  { .name = "none", .spec = { .durability = FS_NONE } },
  { .name = "full, oci", .spec = { .durability = FS_FULL, .layout = 1 } },
  { .name = "full, no nameless files",
    .spec = { .durability = FS_FULL },
    .no_tmpfile = TRUE },
  { .name = "full, no links",
    .spec = { .durability = FS_FULL },
    .lacking = FS_CALL_LINKAT,
    .code = EPERM },
  { .name = "full, no openat2",
    .spec = { .durability = FS_FULL },
    .lacking = FS_CALL_OPENAT2,
    .code = ENOSYS },
};

static struct
{
  guint points, wrong, leaks, repeated, operations;
  guint every; /* of so many points one, where they take long */
} points;

typedef struct
{
  const PointsMode *mode;
  const FsOperation *operation;
  FsHow how;
  guint number, choice;
} Point;

static void
points_complain (const Point *point, const FsHit *hit, const char *what)
{
  static const char *const hows[] = {
    "",          "fails once",  "fails from then on", "and all after it fail",
    "does half", "does nothing"
  };
  static const char *last;
  gboolean is_told = g_strcmp0 (last, what) == 0 && point->how != FS_HOW_ONCE;
  last = what;
  if (points.wrong++ < 100 && !is_told)
    printf ("\n    %s: %s: call %u, %s, %s, %s: %s", point->mode->name,
            point->operation->name, point->number, fs_call_name (hit->call),
            hows[point->how], point->how <= FS_HOW_ALL ? g_strerror (hit->code) : "",
            what);
}

/* What an open store has open, exactly. */
static guint
points_store_fds (const FsStore *store)
{
  if (store == NULL)
    return 0;
  const CaskBackend *backend = store->backend;
  return 1U + (backend->temps.directory >= 0) + (backend->temps.lock_file >= 0);
}

/* A success that an fsync has failed for was none. */
static gboolean
points_is_false (const Point *point, const FsHit *hit, const FsWorld *world)
{
  gboolean is_sync = hit->call == FS_CALL_FSYNC || hit->call == FS_CALL_FDATASYNC ||
                     hit->call == FS_CALL_SYNCFS;
  return point->how == FS_HOW_ONCE && hit->code == EIO && is_sync &&
         world->n_failures == 0;
}

static void
points_prepare (const PointsMode *mode)
{
  fs_fault_clear ();
  fs_fault_set_no_tmpfile (mode->no_tmpfile);
  fs_fault_set (mode->lacking, mode->code, 0, G_MAXINT);
}

static void
points_judge (const Point *point, const FsHit *hit, FsWorld *world, guint fds)
{
  gboolean leaks = fs_count_fds () != fds + points_store_fds (world->store);
  if (points_is_false (point, hit, world))
    fs_world_wrong (world, "a success although the disk said no");
  gboolean can_go_on = point->how == FS_HOW_SHORT;
  fs_world_check (world, !hit->is_reached || can_go_on);
  fs_world_end (world);
  if (fs_count_fds () != fds)
    leaks = TRUE;
  points.leaks += leaks;
  points.repeated += hit->is_repeated;
  if (leaks)
    fs_world_wrong (world, "descriptors leak");
  if (hit->is_repeated)
    fs_world_wrong (world, "a file is synced again after a failure");
  if (world->wrong != NULL)
    points_complain (point, hit, world->wrong);
}

/* Returns: what became of the point. */
static FsHit
points_run (const Point *point)
{
  FsWorld world;
  FsHit hit = { .code = 0 };
  points_prepare (point->mode);
  guint fds = fs_count_fds ();
  if (!fs_world_begin (&world, point->operation, &point->mode->spec, NULL) ||
      !fs_world_open (&world))
    {
      points_complain (point, &hit, world.wrong != NULL ? world.wrong : "set-up");
      return hit;
    }
  if (point->operation->warm != NULL)
    point->operation->warm (&world);
  world.may_be_corrupt = point->how == FS_HOW_ZERO;
  world.n_failures = 0;
  fs_point_set (point->how, point->number, point->choice);
  point->operation->run (&world);
  hit = fs_point_end ();
  points_judge (point, &hit, &world, fds);
  points.points += hit.is_reached;
  return hit;
}

/* Those for which an operation waits: a limit on open files, and a lock. */
static gboolean
points_is_slow (int code)
{
  return code == EMFILE || code == ENFILE || code == EWOULDBLOCK;
}

static gboolean
points_is_long (void)
{
  return g_strcmp0 (g_getenv ("CASK_TEST_LONG"), "1") == 0;
}

static gboolean
points_is_large (const FsOperation *operation)
{
  return operation->size > 8 * 1024 * 1024;
}

/* Those that are dealt with by the same lines as another. */
static gboolean
points_is_twin (int code)
{
  return code == EDQUOT || code == ENFILE;
}

/* All but the first that such a call may fail with. */
static void
points_other_errors (Point *point, FsCall call)
{
  int code;
  for (point->choice = 1; (code = fs_call_code (call, point->choice)) != 0;
       point->choice++)
    {
      if (points_is_twin (code) && !points_is_long ())
        continue;
      point->how = FS_HOW_ONCE;
      points_run (point);
      point->how = FS_HOW_KIND;
      /* No kernel interrupts for ever. */
      if (points_is_long () && code != EINTR &&
          (!points_is_slow (code) || point->mode->is_main))
        points_run (point);
    }
}

/* One call, in every way. Returns: whether there is such a call. */
static gboolean
points_call (Point *point)
{
  gboolean is_wide =
      points_is_long () || (point->mode->is_main && !points_is_large (point->operation));
  point->choice = 0;
  point->how = FS_HOW_ONCE;
  FsHit hit = points_run (point);
  if (!hit.is_reached)
    return FALSE;
  for (point->how = FS_HOW_KIND; is_wide && point->how <= FS_HOW_ALL; point->how++)
    points_run (point);
  gboolean transfers = hit.call == FS_CALL_PREAD || hit.call == FS_CALL_PREADV2 ||
                       hit.call == FS_CALL_PWRITE;
  for (point->how = FS_HOW_SHORT; transfers && point->how <= FS_HOW_ZERO; point->how++)
    points_run (point);
  if (is_wide)
    points_other_errors (point, hit.call);
  return TRUE;
}

static gboolean
points_mode_is_offered (const PointsMode *mode)
{
  g_autofree char *root = fs_scratch_new ();
  GError *error = NULL;
  g_autoptr (FsStore) store = fs_store_open (root, &mode->spec, &error);
  gboolean is_offered = fs_code (error) != CASK_ERROR_UNSUPPORTED;
  if (!is_offered)
    printf ("\n    not run: %s: this version does not offer it", mode->name);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
  return is_offered;
}

static void
points_run_mode (const PointsMode *mode)
{
  guint before = points.points;
  gint64 start = g_get_monotonic_time ();
  const FsOperation *operation;
  for (guint i = 0; (operation = fs_operation (i)) != NULL; i++)
    {
      Point point = { .mode = mode, .operation = operation };
      /* Reading is the same in every mode; and nine million bytes take their time. */
      if ((operation->only_reads || points_is_large (operation)) && !mode->is_main &&
          !points_is_long ())
        continue;
      points.operations += mode->is_main;
      while (points_call (&point))
        point.number += points.every;
    }
  printf ("\n    %s: %u points, %.1f s", mode->name, points.points - before,
          (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC);
}

static void
test_every_call_fails (void)
{
  const char *every = g_getenv ("CASK_TEST_EVERY");
  points.every = every != NULL ? (guint) MAX (atoi (every), 1) : 1;
  for (guint i = 0; i < G_N_ELEMENTS (points_modes); i++)
    if (points_mode_is_offered (&points_modes[i]))
      points_run_mode (&points_modes[i]);
  fs_fault_clear ();
  CU_ASSERT (points.points > 10000 / points.every);
  if (points.every == 1)
    {
      test_score ("faults: points", "%u calls failed, of %u operations", points.points,
                  points.operations);
      test_score ("faults: false successes", "%u", points.wrong);
      test_score ("faults: leaks", "%u", points.leaks);
      test_score ("faults: failed fsyncs repeated", "%u", points.repeated);
    }
  CU_ASSERT_EQUAL (points.wrong, 0);
}

/* ---- Descriptor 0 ---- */

static struct
{
  const FsSystem *usual;
  guint countdown; /* of opens, until one gets descriptor 0; 0: none does */
} zero;

/* Standard input gives its number away: the next that opens something may get it too. */
static int
zero_give (int fd)
{
  if (fd <= 0 || zero.countdown == 0 || --zero.countdown > 0)
    return fd;
  dup3 (fd, STDIN_FILENO, O_CLOEXEC);
  close (fd);
  errno = EINTR; /* from before: it means nothing where a call succeeds */
  return STDIN_FILENO;
}

static int
zero_openat (int directory, const char *path, int flags, mode_t mode)
{
  return zero_give (zero.usual->openat (directory, path, flags, mode));
}

static int
zero_openat2 (int directory, const char *path, const struct open_how *how)
{
  return zero_give (zero.usual->openat2 (directory, path, how));
}

static void
zero_run_with (FsWorld *world, guint number, guint *counts)
{
  FsSystem system = *fs_system;
  zero.usual = fs_system;
  zero.countdown = number;
  system.openat = zero_openat;
  system.openat2 = zero_openat2;
  fs_fault_count_clear ();
  fs_system = &system;
  world->operation->run (world);
  fs_system = zero.usual;
  for (guint call = 0; call < FS_N_CALLS; call++)
    counts[call] = fs_fault_count (call);
}

/* Runs it, its open of that number being given descriptor 0. Returns: whether it had so
 * many. */
static gboolean
zero_run (const FsOperation *operation, guint number, guint *counts)
{
  static const FsSpec spec = { .durability = FS_FULL };
  FsWorld world;
  gboolean begun =
      fs_world_begin (&world, operation, &spec, NULL) && fs_world_open (&world);
  CU_ASSERT (begun);
  if (!begun)
    return FALSE;
  if (operation->warm != NULL)
    operation->warm (&world);
  int input = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  guint fds = fs_count_fds () - points_store_fds (world.store);
  zero_run_with (&world, number, counts);
  gboolean is_reached = number > 0 && zero.countdown == 0;
  gboolean leaks = fs_count_fds () + is_reached != fds + points_store_fds (world.store);
  fs_world_check (&world, TRUE);
  fs_world_end (&world);
  CU_ASSERT_FALSE (leaks);
  CU_ASSERT_PTR_NULL (world.wrong);
  if (leaks || world.wrong != NULL)
    printf ("\n    %s: open %u: %s", operation->name, number,
            leaks ? "leaks" : world.wrong);
  dup2 (input, STDIN_FILENO);
  close (input);
  return is_reached;
}

static void
zero_run_each (const FsOperation *operation)
{
  guint usual[FS_N_CALLS], at_zero[FS_N_CALLS];
  zero_run (operation, 0, usual);
  for (guint n = 1; n < 100 && zero_run (operation, n, at_zero); n++)
    for (guint call = 0; call < FS_N_CALLS; call++)
      {
        CU_ASSERT_EQUAL (usual[call], at_zero[call]);
        if (usual[call] != at_zero[call])
          printf ("\n    %s: open %u: %u calls of %s, not %u", operation->name, n,
                  at_zero[call], fs_call_name (call), usual[call]);
      }
}

/* As in a daemon that has closed its standard input: whichever file gets it, all goes as
 * ever, by the same calls. */
static void
test_descriptor_zero (void)
{
  const FsOperation *operation;
  for (guint lacks_openat2 = 0; lacks_openat2 < 2; lacks_openat2++)
    {
      fs_fault_clear ();
      fs_fault_set (FS_CALL_OPENAT2, lacks_openat2 ? ENOSYS : 0, 0, G_MAXINT);
      for (guint i = 0; (operation = fs_operation (i)) != NULL; i++)
        zero_run_each (operation);
    }
  fs_fault_clear ();
}

static const CU_TestInfo tests[] = { { "X1, X2, X4 whichever call fails, nothing is "
                                       "acknowledged that is not so, and nothing "
                                       "is left",
                                       test_every_call_fails },
                                     { "descriptor 0 is one like any other",
                                       test_descriptor_zero },
                                     CU_TEST_INFO_NULL };

int
main (int argc, char **argv)
{
  /* A store's tables, mapped and unmapped a hundred thousand times, take longer than all
   * else. */
  mallopt (M_MMAP_THRESHOLD, 1 << 25);
  mallopt (M_TRIM_THRESHOLD, 1 << 28);
  CU_SuiteInfo suites[] = {
    { "fs: points", NULL, NULL, NULL, NULL, (CU_TestInfo *) tests }, CU_SUITE_INFO_NULL
  };
  return test_main (argc, argv, suites);
}
