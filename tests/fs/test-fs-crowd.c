/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-crowd.c: F8, F15: as a host meets it: hundreds of operations under way where 32
 * files may be open, and a user namespace in which root is nobody. Each case runs in a
 * child of its own. */
#include "test-support.h"

#include <cask/cask.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD 200
#define CROWD_LIMIT 32
#define CROWD_BATCH 8
/* More than an upload gathers before it has a file; more than a reader reads at once. */
#define CROWD_SMALL (40 * 1024)
#define CROWD_LARGE (3 * 1024 * 1024)
#define CROWD_NOT_RUN 77
#define CROWD_USER 1000
#define CROWD_OVERFLOW 65534

/* In a child, where CUnit's counts would be lost. */
#define CROWD_CHECK(condition)                                                           \
  do                                                                                     \
    {                                                                                    \
      if (!(condition))                                                                  \
        {                                                                                \
          fprintf (stderr, "\n    %s:%d: %s\n", __FILE__, __LINE__, #condition);         \
          return 1;                                                                      \
        }                                                                                \
    }                                                                                    \
  while (0)

typedef struct
{
  CaskStore *store;
  CaskDigest digests[CROWD];
  GBytes *bytes[CROWD];
  gint is_done[CROWD]; /* atomic: it said that it succeeded */
  gint n_done, n_busy, n_wrong;
  GMutex lock;
  GCond all_began;
  guint n_begun; /* lock */
  GBytes *large;
  CaskDigest large_digest;
} Crowd;

typedef struct
{
  Crowd *crowd;
  guint number;
} CrowdOne;

/* An operation ends in success or in BUSY that names the limit. */
static void
crowd_end (Crowd *crowd, guint number, gboolean done, const GError *error)
{
  gboolean is_busy = !done && g_error_matches (error, CASK_ERROR, CASK_ERROR_BUSY) &&
                     strstr (error->message, "32") != NULL;
  g_atomic_int_add (&crowd->n_done, done);
  g_atomic_int_add (&crowd->n_busy, is_busy);
  g_atomic_int_set (&crowd->is_done[number], done);
  if (done || is_busy)
    return;
  g_atomic_int_inc (&crowd->n_wrong);
  fprintf (stderr, "\n    %u: %s\n", number, error != NULL ? error->message : "no error");
}

/* All have what they began with, or do not get it, before any goes on. */
static void
crowd_meet (Crowd *crowd)
{
  g_mutex_lock (&crowd->lock);
  if (++crowd->n_begun % CROWD == 0)
    g_cond_broadcast (&crowd->all_began);
  guint round = (crowd->n_begun - 1) / CROWD;
  while (crowd->n_begun < (round + 1) * CROWD)
    g_cond_wait (&crowd->all_began, &crowd->lock);
  g_mutex_unlock (&crowd->lock);
}

static void
crowd_put_one (Crowd *crowd, guint number)
{
  g_autoptr (GError) error = NULL;
  gboolean done =
      cask_store_put (crowd->store, &crowd->digests[number], crowd->bytes[number],
                      CASK_PUT_NONE, NULL, NULL, &error);
  crowd_end (crowd, number, done, error);
}

static void
crowd_put_batch (Crowd *crowd, guint number)
{
  const CaskDigest *digests[CROWD_BATCH];
  g_autoptr (GError) error = NULL;
  if (number % CROWD_BATCH != 0)
    return;
  for (guint i = 0; i < CROWD_BATCH; i++)
    digests[i] = &crowd->digests[number + i];
  g_autoptr (CaskResults) results =
      cask_store_put_many (crowd->store, digests, &crowd->bytes[number], CROWD_BATCH,
                           CASK_PUT_NONE, NULL, &error);
  for (guint i = 0; i < CROWD_BATCH; i++)
    {
      const GError *failure = results ? cask_results_get_error (results, i) : error;
      crowd_end (crowd, number + i, failure == NULL, failure);
    }
}

static void
crowd_upload_one (Crowd *crowd, guint number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUpload) upload =
      cask_store_begin_upload (crowd->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                               CASK_PUT_NONE, NULL, &error);
  gsize size;
  const void *data = g_bytes_get_data (crowd->bytes[number], &size);
  gboolean done =
      upload != NULL &&
      g_output_stream_write_all (G_OUTPUT_STREAM (upload), data, size, NULL, NULL,
                                 &error) &&
      cask_upload_commit (upload, &crowd->digests[number], NULL, NULL, NULL, &error);
  crowd_end (crowd, number, done, error);
}

/* Of one large blob, which no reader keeps as a whole instead of its file. */
static void
crowd_read_one (Crowd *crowd, guint number)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *buffer = g_malloc (CROWD_LARGE);
  gsize got = 0;
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (crowd->store, &crowd->large_digest, NULL, &error);
  crowd_meet (crowd);
  gboolean done =
      stream != NULL && g_input_stream_read_all (G_INPUT_STREAM (stream), buffer,
                                                 CROWD_LARGE, &got, NULL, &error);
  done = done && got == CROWD_LARGE &&
         memcmp (buffer, g_bytes_get_data (crowd->large, NULL), got) == 0;
  crowd_end (crowd, number, done, error);
}

/* ---- From as many threads ---- */

static void (*crowd_call) (Crowd *crowd, guint number);

static gpointer
crowd_run_one (gpointer data)
{
  CrowdOne *one = data;
  crowd_call (one->crowd, one->number);
  return NULL;
}

static void
crowd_from_threads (Crowd *crowd, void (*call) (Crowd *crowd, guint number))
{
  CrowdOne ones[CROWD];
  GThread *threads[CROWD];
  crowd_call = call;
  for (guint i = 0; i < CROWD; i++)
    {
      ones[i] = (CrowdOne){ crowd, i };
      threads[i] = g_thread_new ("crowd", crowd_run_one, &ones[i]);
    }
  for (guint i = 0; i < CROWD; i++)
    g_thread_join (threads[i]);
}

/* ---- From a main loop ---- */

static void
crowd_on_put (GObject *object, GAsyncResult *result, gpointer data)
{
  CrowdOne *one = data;
  g_autoptr (GError) error = NULL;
  gboolean done = cask_store_put_finish (CASK_STORE (object), result, NULL, &error);
  crowd_end (one->crowd, one->number, done, error);
}

static void
crowd_on_get (GObject *object, GAsyncResult *result, gpointer data)
{
  CrowdOne *one = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (object), result, &error);
  crowd_end (one->crowd, one->number,
             bytes != NULL && g_bytes_equal (bytes, one->crowd->bytes[one->number]),
             error);
}

static void
crowd_from_loop (Crowd *crowd, gboolean is_put)
{
  CrowdOne ones[CROWD];
  for (guint i = 0; i < CROWD; i++)
    {
      ones[i] = (CrowdOne){ crowd, i };
      if (is_put)
        cask_store_put_async (crowd->store, &crowd->digests[i], crowd->bytes[i],
                              CASK_PUT_NONE, 0, NULL, crowd_on_put, &ones[i]);
      else
        cask_store_get_async (crowd->store, &crowd->digests[i], 0, NULL, crowd_on_get,
                              &ones[i]);
    }
  while (crowd->n_done + crowd->n_busy + crowd->n_wrong < CROWD)
    g_main_context_iteration (NULL, TRUE);
}

/* ---- F8 ---- */

/* None is lost: each has ended once, and what it said is true. */
static int
crowd_settle (Crowd *crowd, const char *what, gboolean is_write)
{
  gint n_done = crowd->n_done, n_busy = crowd->n_busy;
  CROWD_CHECK (crowd->n_wrong == 0 && n_done + n_busy == CROWD);
  for (guint i = 0; i < CROWD && is_write; i++)
    {
      gboolean present = FALSE;
      CROWD_CHECK (
          cask_store_contains (crowd->store, &crowd->digests[i], &present, NULL, NULL));
      CROWD_CHECK (present == crowd->is_done[i]);
      CROWD_CHECK (
          cask_store_delete (crowd->store, &crowd->digests[i], NULL, NULL, NULL));
    }
  printf (" %s: %d done, %d BUSY;", what, n_done, n_busy);
  fflush (stdout);
  crowd->n_done = crowd->n_busy = 0;
  return 0;
}

static int
crowd_body (Crowd *crowd)
{
  struct rlimit limit = { CROWD_LIMIT, CROWD_LIMIT };
  g_main_context_iteration (NULL, FALSE); /* has its descriptor from now on */
  CROWD_CHECK (setrlimit (RLIMIT_NOFILE, &limit) == 0);
  crowd_from_threads (crowd, crowd_put_one);
  CROWD_CHECK (crowd->n_done > 0 && crowd_settle (crowd, "puts", TRUE) == 0);
  crowd_from_threads (crowd, crowd_put_batch);
  CROWD_CHECK (crowd_settle (crowd, "batches", TRUE) == 0);
  crowd_from_threads (crowd, crowd_upload_one);
  CROWD_CHECK (crowd_settle (crowd, "uploads", TRUE) == 0);
  crowd_from_loop (crowd, TRUE);
  CROWD_CHECK (crowd_settle (crowd, "asynchronous puts", TRUE) == 0);
  for (guint i = 0; i < CROWD; i++)
    crowd_put_one (crowd, i);
  CROWD_CHECK (crowd->n_done == CROWD);
  crowd->n_done = 0;
  CROWD_CHECK (cask_store_add (crowd->store, crowd->large, CASK_ALGORITHM_SHA256,
                               CASK_PUT_NONE, &crowd->large_digest, NULL, NULL, NULL));
  crowd_from_threads (crowd, crowd_read_one);
  CROWD_CHECK (crowd->n_done > 0 && crowd->n_busy > 0);
  CROWD_CHECK (crowd_settle (crowd, "streams", FALSE) == 0);
  crowd_from_loop (crowd, FALSE);
  CROWD_CHECK (crowd_settle (crowd, "asynchronous gets", FALSE) == 0);
  return 0;
}

static void
crowd_wait (pid_t child, const char *what)
{
  int status = -1;
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == CROWD_NOT_RUN)
    printf ("\n    not run: %s: this machine does not permit it\n", what);
  else
    CU_ASSERT (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static int
crowd_child (const char *root)
{
  g_autofree char *escaped = cask_config_escape (root);
  g_autofree char *config = g_strdup_printf ("fs:%s?durability=none", escaped);
  Crowd *crowd = g_new0 (Crowd, 1);
  for (guint i = 0; i < CROWD; i++)
    {
      char *text = g_malloc0 (CROWD_SMALL);
      g_snprintf (text, CROWD_SMALL, "blob %u", i);
      crowd->bytes[i] = g_bytes_new_take (text, CROWD_SMALL);
      cask_digest_of_bytes (crowd->bytes[i], CASK_ALGORITHM_SHA256, &crowd->digests[i]);
    }
  crowd->large = g_bytes_new_take (g_strnfill (CROWD_LARGE, 'x'), CROWD_LARGE);
  crowd->store = cask_store_open (config, NULL, NULL);
  int result = crowd->store != NULL ? crowd_body (crowd) : 1;
  fflush (stdout);
  return result;
}

static void
test_crowd (void)
{
  const char *root = test_directory ();
  fflush (NULL);
  pid_t child = fork ();
  if (child == 0)
    _exit (crowd_child (root));
  crowd_wait (child, "a limit on open files");
}

/* ---- F15 ---- */

static gboolean
crowd_write (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean done = fd >= 0 && write (fd, text, strlen (text)) == (ssize_t) strlen (text);
  if (fd >= 0)
    close (fd);
  return done;
}

/* Without rights of root, in a namespace that knows this one user. */
static gboolean
crowd_be_alone (void)
{
  if (geteuid () == 0 &&
      (setgroups (0, NULL) != 0 || setgid (CROWD_USER) != 0 || setuid (CROWD_USER) != 0))
    return FALSE;
  /* Who gave up rights may not write to its own /proc. */
  prctl (PR_SET_DUMPABLE, 1);
  g_autofree char *uids =
      g_strdup_printf ("%u %u 1", (guint) geteuid (), (guint) geteuid ());
  if (unshare (CLONE_NEWUSER) != 0)
    return FALSE;
  return crowd_write ("/proc/self/uid_map", uids);
}

static int
crowd_alone_body (const char *root)
{
  const char *plugins = g_getenv ("CASK_PLUGIN_PATH");
  g_autofree char *plugin =
      g_build_filename (plugins != NULL ? plugins : "", "cask-fs.so", NULL);
  g_autofree char *escaped = cask_config_escape (root);
  g_autofree char *config = g_strdup_printf ("fs:%s?durability=none", escaped);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  struct stat st = { 0 };
  CaskDigest digest;
  /* Only where somebody else than the one user owns the plugin is anything tried. */
  if (!crowd_be_alone () || stat (plugin, &st) != 0 || st.st_uid != CROWD_OVERFLOW)
    {
      fprintf (stderr, "\n    %s: %s, owner %u\n", plugin, g_strerror (errno),
               (guint) st.st_uid);
      return CROWD_NOT_RUN;
    }
  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);
  if (store == NULL)
    fprintf (stderr, "\n    %s\n", error->message);
  CROWD_CHECK (store != NULL);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CROWD_CHECK (cask_store_put (store, &digest, bytes, CASK_PUT_NONE, NULL, NULL, NULL));
  g_autoptr (GBytes) back = cask_store_get (store, &digest, NULL, NULL);
  CROWD_CHECK (back != NULL && g_bytes_equal (back, bytes));
  return 0;
}

static void
test_alone (void)
{
  const char *root = test_directory ();
  CU_ASSERT_EQUAL (chmod (root, 0777), 0);
  fflush (NULL);
  pid_t child = fork ();
  if (child == 0)
    _exit (crowd_alone_body (root));
  crowd_wait (child, "a user namespace without root, and a plugin of root's");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "F8 of 200 operations within 32 descriptors none is lost, and none hangs",
      test_crowd },
    { "F15 where root is not mapped plugins of root's load", test_alone },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "fs: crowd", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
