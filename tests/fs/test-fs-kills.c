/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-kills.c: X3, F13: a process that works on a store gets SIGKILL at each call
 * that each operation makes of the system, and in the middle of each write.
 *
 * What it was told by then it has noted in memory that outlives it. After each kill a new
 * store is opened: what was acknowledged is there, what was not is whole or absent, a put
 * heals, a saved upload can be resumed, and when the next store has swept, no temporary
 * file is left. In every mode: a kill takes nothing from the kernel. */
#include "fs-world.h"
#include "test-support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct
{
  const char *name;
  FsSpec spec;
  gboolean no_tmpfile;
  gboolean is_long; /* not everyday */
} kills_modes[] = {
  { "none", { .durability = FS_NONE }, FALSE, FALSE },
  { "data", { .durability = FS_DATA }, FALSE, TRUE },
  { "full", { .durability = FS_FULL }, FALSE, FALSE },
  { "batch", { .durability = FS_BATCH }, FALSE, FALSE },
  { "full, oci", { .durability = FS_FULL, .layout = 1 }, FALSE, TRUE },
  { "full, no nameless files", { .durability = FS_FULL }, TRUE, FALSE },
};

static struct
{
  guint points, wrong;
  guint every; /* of so many points one, where they take long */
} kills;

/* In the child. */
static void
kills_work (FsWorld *world, FsHow how, guint number)
{
  if (!fs_world_open (world))
    _exit (FS_NOT_RUN);
  if (world->operation->warm != NULL)
    world->operation->warm (world);
  fs_point_set (how, number, 0);
  world->operation->run (world);
  gboolean is_reached = fs_point_end ().is_reached;
  world->truth->is_over = TRUE;
  _exit (is_reached && how == FS_HOW_KILL ? 1 : 0);
}

/* Returns: whether the process was killed. */
static gboolean
kills_run_child (FsWorld *world, FsHow how, guint number)
{
  fflush (NULL);
  pid_t child = fork ();
  if (child == 0)
    kills_work (world, how, number);
  int status = -1;
  if (child < 0 || waitpid (child, &status, 0) != child)
    fs_world_wrong (world, "no child");
  gboolean is_killed = WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL;
  if (!is_killed && !(WIFEXITED (status) && WEXITSTATUS (status) == 0))
    fs_world_wrong (world, "the process ended otherwise");
  if (!is_killed && !world->truth->is_over)
    fs_world_wrong (world, "the operation did not end");
  return is_killed;
}

/* Returns: whether there is such a call. */
static gboolean
kills_run (guint mode, const FsOperation *operation, FsHow how, guint number,
           FsTruth *truth)
{
  FsWorld world;
  fs_fault_clear ();
  fs_fault_set_no_tmpfile (kills_modes[mode].no_tmpfile);
  if (!fs_world_begin (&world, operation, &kills_modes[mode].spec, truth))
    fs_world_wrong (&world, "set-up");
  gboolean is_killed = kills_run_child (&world, how, number);
  fs_world_check (&world, !is_killed);
  fs_world_end (&world);
  kills.points += is_killed;
  if (world.wrong != NULL && kills.wrong++ < 20)
    printf ("\n    %s: %s: killed %s call %u: %s", kills_modes[mode].name,
            operation->name, how == FS_HOW_KILL ? "before" : "in the middle of", number,
            world.wrong);
  return is_killed;
}

static void
kills_run_operation (guint mode, const FsOperation *operation, FsTruth *truth)
{
  for (guint i = 0; kills_run (mode, operation, FS_HOW_KILL, i, truth); i += kills.every)
    ;
  for (guint i = 0; kills_run (mode, operation, FS_HOW_KILL_SHORT, i, truth);
       i += kills.every)
    ;
}

static gboolean
kills_mode_is_wanted (guint mode)
{
  if (kills_modes[mode].is_long && g_strcmp0 (g_getenv ("CASK_TEST_LONG"), "1") != 0)
    return FALSE;
  g_autofree char *root = fs_scratch_new ();
  GError *error = NULL;
  g_autoptr (FsStore) store = fs_store_open (root, &kills_modes[mode].spec, &error);
  gboolean is_offered = fs_code (error) != CASK_ERROR_UNSUPPORTED;
  if (!is_offered)
    printf ("\n    not run: %s: this version does not offer it", kills_modes[mode].name);
  g_clear_pointer (&store, fs_store_close);
  fs_scratch_free (g_steal_pointer (&root));
  return is_offered;
}

static void
test_kill_at_every_call (void)
{
  const char *every = g_getenv ("CASK_TEST_EVERY");
  kills.every = every != NULL ? (guint) MAX (atoi (every), 1) : 1;
  FsTruth *truth = mmap (NULL, sizeof *truth, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CU_ASSERT_PTR_NOT_EQUAL (truth, MAP_FAILED);
  if (truth == MAP_FAILED)
    return;
  const FsOperation *operation;
  for (guint mode = 0; mode < G_N_ELEMENTS (kills_modes); mode++)
    if (kills_mode_is_wanted (mode))
      for (guint i = 0; (operation = fs_operation (i)) != NULL; i++)
        if (!operation->only_reads)
          kills_run_operation (mode, operation, truth);
  fs_fault_clear ();
  munmap (truth, sizeof *truth);
  if (kills.every == 1)
    {
      test_score ("kills: points", "%u processes killed", kills.points);
      test_score ("kills: acknowledged blobs lost", "%u", kills.wrong);
    }
  CU_ASSERT (kills.points > 2000 / kills.every);
  CU_ASSERT_EQUAL (kills.wrong, 0);
}

static const CU_TestInfo tests[] = {
  { "X3, F13 a kill at any call loses nothing that was acknowledged, and leaves nothing",
    test_kill_at_every_call },
  CU_TEST_INFO_NULL
};

int
main (int argc, char **argv)
{
  CU_SuiteInfo suites[] = {
    { "fs: kills", NULL, NULL, NULL, NULL, (CU_TestInfo *) tests }, CU_SUITE_INFO_NULL
  };
  return test_main (argc, argv, suites);
}
