/* SPDX-License-Identifier: Apache-2.0
 *
 * test-store-life.c: stores that are dropped, forked and disappointed. */
#include <cask/cask.h>
#include <cask/cask-plugin.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-support.h"

/* A backend that is always busy
 * ------------------------------------------------------------------------ */

#define BUSY_JOBS 4

struct _CaskBackend
{
  int unused;
};

static GMutex lock;
static GCond changed;
static gboolean gate_open; /* lock */
static guint n_ended;      /* lock */
static guint n_closed;     /* lock */

static void
busy_job (gpointer data, GCancellable *cancellable)
{
  (void) data;
  (void) cancellable;
  g_mutex_lock (&lock);
  while (!gate_open)
    g_cond_wait (&changed, &lock);
  n_ended++;
  g_mutex_unlock (&lock);
}

static CaskBackend *
busy_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  for (int i = 0; i < BUSY_JOBS; i++)
    args->host->spawn (args->host, busy_job, NULL);
  return g_new0 (CaskBackend, 1);
}

static void
busy_close (CaskBackend *self)
{
  g_free (self);
  g_mutex_lock (&lock);
  n_closed++;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static gboolean
busy_refuse (GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return FALSE;
}

static gboolean
busy_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) bytes, (void) flags, (void) created,
      (void) cancellable;
  return busy_refuse (error);
}

static GBytes *
busy_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) offset, (void) length, (void) flags, (void) info;
  (void) cancellable;
  busy_refuse (error);
  return NULL;
}

static gboolean
busy_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) flags, (void) info, (void) cancellable;
  return busy_refuse (error);
}

static gboolean
busy_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) unused_since_usec, (void) outcome,
      (void) cancellable;
  return busy_refuse (error);
}

static gboolean
busy_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
           guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  (void) self, (void) after, (void) flags, (void) infos, (void) n_infos, (void) more;
  (void) cancellable;
  return busy_refuse (error);
}

static const CaskBackendOps busy_ops = {
  .size = sizeof (CaskBackendOps),
  .open = busy_open,
  .close = busy_close,
  .put = busy_put,
  .get = busy_get,
  .stat = busy_stat,
  .remove = busy_remove,
  .list = busy_list,
};

static const CaskPlugin busy_plugin = {
  .magic = CASK_PLUGIN_MAGIC,
  .size = sizeof (CaskPlugin),
  .abi_major = CASK_PLUGIN_ABI_MAJOR,
  .abi_minor = CASK_PLUGIN_ABI_MINOR,
  .option_size = sizeof (CaskOptionSpec),
  .kind = CASK_PLUGIN_BACKEND,
  .location = CASK_LOCATION_NONE,
  .name = "busy",
  .version = "1",
  .ops = &busy_ops,
};

/* More stores than the pool has threads, each with jobs that have not begun: whoever
 * closes one must not wait for a thread. */
static void
test_many_dropped (void)
{
  enum
  {
    N_STORES = 600
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) stores = g_ptr_array_new_with_free_func (g_object_unref);

  CU_ASSERT_TRUE (cask_register_plugin (&busy_plugin, &error));
  TEST_NO_ERROR (error);
  for (int i = 0; i < N_STORES; i++)
    {
      CaskStore *store = cask_store_open ("busy?threads=1", NULL, &error);
      TEST_NO_ERROR (error);
      if (store == NULL)
        return;
      g_ptr_array_add (stores, store);
    }
  g_ptr_array_set_size (stores, 0);

  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  gboolean timely = TRUE;
  g_mutex_lock (&lock);
  gate_open = TRUE;
  g_cond_broadcast (&changed);
  while (n_closed < N_STORES && timely)
    timely = g_cond_wait_until (&changed, &lock, end);
  CU_ASSERT_EQUAL (n_closed, N_STORES);
  CU_ASSERT_EQUAL (n_ended, N_STORES * BUSY_JOBS);
  g_mutex_unlock (&lock);
}

/* Disappointed
 * -----------------------------------------------------------------------------------------
 */

/* The bytes rot under a version that stays: what `get` took for granted, a failed
 * `verify` takes back. */
static void
test_corrupt_after_good (void)
{
  static char buffer[] = "bytes that will rot";
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = cask_store_open ("memory:", NULL, &error);
  g_autoptr (GBytes) bytes = g_bytes_new_static (buffer, sizeof buffer);
  CaskDigest digest;

  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE,
                                  &digest, NULL, NULL, &error));
  g_autoptr (GBytes) good = cask_store_get (store, &digest, NULL, &error);
  CU_ASSERT_PTR_NOT_NULL (good);

  buffer[3] ^= 1;
  CU_ASSERT_FALSE (cask_store_verify (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "corrupt");
  CU_ASSERT_PTR_NULL (cask_store_get (store, &digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "corrupt");
}

/* Forked
 * -----------------------------------------------------------------------------------------------
 */

typedef struct
{
  CaskStore *store;
  CaskDigest digest;
  gint stop; /* atomic */
} Reader;

static gpointer
read_on (gpointer data)
{
  Reader *reader = data;

  while (!g_atomic_int_get (&reader->stop))
    {
      g_autoptr (GBytes) bytes =
          cask_store_get (reader->store, &reader->digest, NULL, NULL);
      CU_ASSERT_PTR_NOT_NULL (bytes);
    }
  return NULL;
}

/* Returns: how the child ended. */
static int
fork_and_drop (CaskStore *store)
{
  int status = -1;
  pid_t child = fork ();

  if (child == 0)
    {
      alarm (20);
      g_object_unref (store);
      g_autoptr (CaskStore) own = cask_store_open ("memory:shared", NULL, NULL);
      _exit (own != NULL ? 0 : 1);
    }
  waitpid (child, &status, 0);
  return status;
}

/* C96: whatever lock another thread held at the fork, the child may drop the store and
 * open its own. */
static void
test_forked_drop (void)
{
  g_autoptr (GError) error = NULL;
  Reader reader = { .store = cask_store_open ("memory:shared", NULL, &error) };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("busy", 4);
  GThread *threads[2];

  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (cask_store_add (reader.store, bytes, CASK_ALGORITHM_SHA256,
                                  CASK_PUT_NONE, &reader.digest, NULL, NULL, &error));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", read_on, &reader);
  for (guint i = 0; i < 300; i++)
    {
      int status = fork_and_drop (reader.store);
      if (status != 0)
        {
          CU_FAIL ("a child did not end well");
          printf ("\n  child %u ended with status %d\n", i, status);
          break;
        }
    }
  g_atomic_int_set (&reader.stop, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_object_unref (reader.store);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "S7 what was found corrupt is hashed again, whatever was known before",
      test_corrupt_after_good },
    { "C96 a forked child may drop a store and open another", test_forked_drop },
    { "C95 hundreds of stores with jobs that wait are dropped and all close",
      test_many_dropped },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "life", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
