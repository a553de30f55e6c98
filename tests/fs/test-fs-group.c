/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-group.c: who shares a sync with whom, and what a failed one means to them. The
 * fsync here waits until the test lets it end. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>

#include "test-support.h"

#define TEST_FOLLOWERS 3

static struct
{
  GMutex lock;
  GCond cond;
  guint n_begun, n_allowed; /* by lock */
  int codes[8];             /* by lock: of the first, the second, … */
} gate;

static int
gate_fsync (int fd)
{
  (void) fd;
  g_mutex_lock (&gate.lock);
  guint number = ++gate.n_begun;
  g_cond_broadcast (&gate.cond);
  while (gate.n_allowed < number)
    g_cond_wait (&gate.cond, &gate.lock);
  int code = gate.codes[number - 1];
  g_mutex_unlock (&gate.lock);
  errno = code;
  return code == 0 ? 0 : -1;
}

static void
gate_allow (guint n_allowed)
{
  g_mutex_lock (&gate.lock);
  gate.n_allowed = n_allowed;
  g_cond_broadcast (&gate.cond);
  g_mutex_unlock (&gate.lock);
}

static guint
gate_await (guint n_begun)
{
  g_mutex_lock (&gate.lock);
  while (gate.n_begun < n_begun)
    g_cond_wait (&gate.cond, &gate.lock);
  guint begun = gate.n_begun;
  g_mutex_unlock (&gate.lock);
  return begun;
}

static FsSystem test_system;

/* A store of which nothing is there but what groups need. */
static CaskBackend *
test_backend_new (FsDurability durability, const CaskHost *host)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->durability = durability;
  self->host = host;
  self->root = open (test_directory (), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CU_ASSERT (self->root >= 0);
  fs_group_init (&self->group);
  gate.n_begun = gate.n_allowed = 0;
  memset (gate.codes, 0, sizeof gate.codes);
  test_system = fs_system_libc;
  test_system.fsync = gate_fsync;
  fs_system = &test_system;
  return self;
}

static void
test_backend_free (CaskBackend *self)
{
  fs_system = &fs_system_libc;
  CU_ASSERT_EQUAL (g_hash_table_size (self->group.sharings), 0);
  fs_group_clear (&self->group);
  fs_fd_close (self->root);
  g_free (self);
}

typedef struct
{
  CaskBackend *self;
  int code;
} TestCaller;

static gpointer
test_sync_directory (gpointer data)
{
  TestCaller *caller = data;
  caller->code = fs_group_directory (caller->self, caller->self->root);
  return NULL;
}

/* Waits until so many wait for the directory, the one who syncs it included. */
static void
test_await_users (CaskBackend *self, guint n_users)
{
  for (guint found = 0; found < n_users; g_thread_yield ())
    {
      GHashTableIter iter;
      gpointer sharing;
      g_mutex_lock (&self->group.lock);
      g_hash_table_iter_init (&iter, self->group.sharings);
      if (g_hash_table_iter_next (&iter, &sharing, NULL))
        found = ((const FsSharing *) sharing)->n_users;
      g_mutex_unlock (&self->group.lock);
    }
}

/* One leads; followers come while its sync runs; then all may end. n_syncs: that many
 * there are to be in all */
static void
test_run_group (CaskBackend *self, TestCaller *callers, guint n_syncs)
{
  GThread *threads[TEST_FOLLOWERS + 1];
  for (guint i = 0; i <= TEST_FOLLOWERS; i++)
    {
      callers[i] = (TestCaller){ .self = self, .code = -1 };
      threads[i] = g_thread_new ("caller", test_sync_directory, &callers[i]);
      if (i == 0)
        gate_await (1);
    }
  test_await_users (self, TEST_FOLLOWERS + 1);
  CU_ASSERT_EQUAL (gate_await (1), 1); /* nobody of them syncs beside the leader */
  gate_allow (1);
  gate_await (n_syncs);
  gate_allow (8);
  for (guint i = 0; i <= TEST_FOLLOWERS; i++)
    g_thread_join (threads[i]);
  CU_ASSERT_EQUAL (gate_await (0), n_syncs);
}

static void
test_shared (void)
{
  TestCaller callers[TEST_FOLLOWERS + 1];
  CaskBackend *self = test_backend_new (FS_DURABILITY_BATCH, NULL);
  test_run_group (self, callers, 2);
  for (guint i = 0; i <= TEST_FOLLOWERS; i++)
    CU_ASSERT_EQUAL (callers[i].code, 0);
  test_backend_free (self);
}

static void
test_failed (void)
{
  TestCaller callers[TEST_FOLLOWERS + 1];
  CaskBackend *self = test_backend_new (FS_DURABILITY_BATCH, NULL);
  gate.codes[1] = EIO;
  test_run_group (self, callers, 2);
  CU_ASSERT_EQUAL (callers[0].code, 0);
  for (guint i = 1; i <= TEST_FOLLOWERS; i++)
    CU_ASSERT_EQUAL (callers[i].code, EIO);
  test_backend_free (self);
}

/* What the followers changed may be among what it lost; and whoever comes after has to
 * ask by a descriptor of its own, for only an old one is told. */
static void
test_failed_before (void)
{
  TestCaller callers[TEST_FOLLOWERS + 1];
  CaskBackend *self = test_backend_new (FS_DURABILITY_BATCH, NULL);
  gate.codes[0] = EIO;
  test_run_group (self, callers, 1);
  for (guint i = 0; i <= TEST_FOLLOWERS; i++)
    CU_ASSERT_EQUAL (callers[i].code, EIO);
  CU_ASSERT_EQUAL (fs_group_directory (self, self->root), 0);
  CU_ASSERT_EQUAL (gate_await (0), 2);
  gate_allow (1);
  GThread *threads[2];
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("caller", test_sync_directory, &callers[i]);
  CU_ASSERT_EQUAL (gate_await (4), 4); /* both are at it */
  gate_allow (8);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  test_backend_free (self);
}

/* In `full` each syncs for itself, as the kernel may have better reasons to group. */
static void
test_not_shared (void)
{
  TestCaller callers[2];
  GThread *threads[2];
  CaskBackend *self = test_backend_new (FS_DURABILITY_FULL, NULL);
  for (guint i = 0; i < 2; i++)
    {
      callers[i] = (TestCaller){ .self = self, .code = -1 };
      threads[i] = g_thread_new ("caller", test_sync_directory, &callers[i]);
    }
  gate_await (2);
  gate_allow (8);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  CU_ASSERT_EQUAL (callers[0].code, 0);
  CU_ASSERT_EQUAL (callers[1].code, 0);
  test_backend_free (self);
}

/* ---- The crew ---- */

static struct
{
  CaskJob jobs[64];
  gpointer data[64];
  GThread *threads[64];
  guint n_jobs;
  gboolean is_late;
} hands;

static gpointer
hands_run (gpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  hands.jobs[i](hands.data[i], NULL);
  return NULL;
}

static void
hands_spawn (const CaskHost *host, CaskJob job, gpointer data)
{
  (void) host;
  guint i = hands.n_jobs++;
  hands.jobs[i] = job;
  hands.data[i] = data;
  if (!hands.is_late)
    hands.threads[i] = g_thread_new ("hand", hands_run, GUINT_TO_POINTER (i));
}

static void
hands_end (void)
{
  for (guint i = 0; i < hands.n_jobs; i++)
    if (hands.is_late)
      hands_run (GUINT_TO_POINTER (i));
    else
      g_thread_join (hands.threads[i]);
}

static const CaskHost test_host = { .size = sizeof (CaskHost), .spawn = hands_spawn };
static const CaskHost test_host_alone = { .size = sizeof (CaskHost) };

/* Every second descriptor is none, so that each outcome has to be its own. */
static void
test_run_crew (const CaskHost *host, gboolean is_late)
{
  CaskBackend *self = test_backend_new (FS_DURABILITY_FULL, host);
  FsSync syncs[40];
  hands.n_jobs = 0;
  hands.is_late = is_late;
  fs_system = &fs_system_libc;
  for (guint i = 0; i < G_N_ELEMENTS (syncs); i++)
    syncs[i] = (FsSync){ .fd = i % 2 ? -1 : self->root, .is_shard = i % 4 < 2 };
  fs_group_sync (self, syncs, G_N_ELEMENTS (syncs));
  for (guint i = 0; i < G_N_ELEMENTS (syncs); i++)
    CU_ASSERT_EQUAL (syncs[i].code, i % 2 ? EBADF : 0);
  memset (syncs, 0xff, sizeof syncs); /* what a late hand must not look at */
  hands_end ();
  CU_ASSERT_EQUAL (hands.n_jobs > 0, host->spawn != NULL);
  test_backend_free (self);
}

static void
test_crew (void)
{
  test_run_crew (&test_host, FALSE);
}

static void
test_crew_late (void)
{
  test_run_crew (&test_host, TRUE);
}

static void
test_crew_alone (void)
{
  test_run_crew (&test_host_alone, FALSE);
}

typedef struct
{
  CaskBackend *self;
  FsSync syncs[8];
} TestBatch;

static gpointer
test_sync_batch (gpointer data)
{
  TestBatch *batch = data;
  fs_group_sync (batch->self, batch->syncs, G_N_ELEMENTS (batch->syncs));
  return NULL;
}

/* That it is a crew: all of them are inside their sync at the same time. */
static void
test_crew_together (void)
{
  TestBatch batch = { .self = test_backend_new (FS_DURABILITY_FULL, &test_host) };
  hands.n_jobs = 0;
  hands.is_late = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (batch.syncs); i++)
    batch.syncs[i].fd = batch.self->root;
  GThread *thread = g_thread_new ("batch", test_sync_batch, &batch);
  CU_ASSERT_EQUAL (gate_await (G_N_ELEMENTS (batch.syncs)), G_N_ELEMENTS (batch.syncs));
  gate_allow (8);
  g_thread_join (thread);
  hands_end ();
  for (guint i = 0; i < G_N_ELEMENTS (batch.syncs); i++)
    CU_ASSERT_EQUAL (batch.syncs[i].code, 0);
  test_backend_free (batch.self);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "who comes while a directory is synced shares the next sync", test_shared },
    { "a failed sync fails those who share it, and not the one before", test_failed },
    { "a failed sync fails who came while it ran, and is the last that is shared",
      test_failed_before },
    { "in `full` nobody shares", test_not_shared },
    { "a batch's syncs are done by many hands, each with its outcome", test_crew },
    { "hands that come late find nothing to do", test_crew_late },
    { "without hands the caller does it all", test_crew_alone },
    { "the hands of a crew wait for the disk together", test_crew_together },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { .pName = "group", .pTests = tests }, CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
