/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-threads.c: the memory backend's slots from many threads at once. */
#include "memory-fixture.h"
#include "memory-private.h"

#define THREADS 16

typedef struct _ThreadsCase ThreadsCase;
typedef void (*ThreadsFunc) (ThreadsCase *shared, guint number);

struct _ThreadsCase
{
  CaskBackend *self;
  ThreadsFunc func;
  gint next_number;
  gint ready; /* who is at the start; nobody begins before all are */
  gint n_threads;
  gint finished, failures, created, kept, touched;
  gint64 since_usec;
};

static gpointer
threads_run_one (gpointer data)
{
  ThreadsCase *shared = data;
  guint number = (guint) g_atomic_int_add (&shared->next_number, 1);
  g_atomic_int_inc (&shared->ready);
  while (g_atomic_int_get (&shared->ready) < shared->n_threads)
    g_thread_yield ();
  shared->func (shared, number);
  g_atomic_int_inc (&shared->finished);
  return NULL;
}

static void
threads_run (ThreadsCase *shared, gint n_threads)
{
  GThread *threads[THREADS];
  shared->n_threads = n_threads;
  for (gint i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("test", threads_run_one, shared);
  for (gint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);
}

/* ---- One blob, many writers ---- */

static void
threads_put_same (ThreadsCase *shared, G_GNUC_UNUSED guint number)
{
  for (guint i = 0; i < 50; i++)
    {
      gboolean created = FALSE;
      if (!memory_fixture_put (shared->self, i, 5000, &created, NULL))
        g_atomic_int_inc (&shared->failures);
      if (created)
        g_atomic_int_inc (&shared->created);
    }
}

static void
threads_created_once (void)
{
  const MemoryOpen opens[] = { { .max_bytes = 0 },
                               { .max_bytes = 50 * 5000 },
                               { .max_bytes = 50 * 5000, .evict_lru = TRUE } };
  for (guint i = 0; i < G_N_ELEMENTS (opens); i++)
    {
      g_autoptr (CaskBackend) self = memory_fixture_open (&opens[i], NULL);
      ThreadsCase shared = { .self = self, .func = threads_put_same };
      threads_run (&shared, THREADS);
      CU_ASSERT_EQUAL (shared.failures, 0);
      CU_ASSERT_EQUAL (shared.created, 50);
      CU_ASSERT_EQUAL (memory_fixture_used (self), 50 * 5000);
    }
}

/* ---- Listing while others come and go ---- */

#define THREADS_STAY 500

static void
threads_list_or_churn (ThreadsCase *shared, guint number)
{
  for (guint i = 0; number > 0 && g_atomic_int_get (&shared->finished) == 0; i++)
    {
      guint64 blob = THREADS_STAY + number * 1000 + i % 100;
      memory_fixture_put (shared->self, blob, 20, NULL, NULL);
      if (i % 3 != 0)
        memory_fixture_remove (shared->self, blob - i % 7);
    }
  for (guint round = 0; number == 0 && round < 100; round++)
    {
      CaskBlobInfo infos[33];
      CaskDigest token = { 0 };
      gboolean more = TRUE;
      guint stayed = 0;
      while (more)
        {
          guint32 count = G_N_ELEMENTS (infos);
          cask_plugin.ops->list (shared->self, &token, 0, infos, &count, &more, NULL,
                                 NULL);
          for (guint i = 0; i < count; i++)
            {
              if (cask_digest_compare (&token, &infos[i].digest) >= 0)
                g_atomic_int_inc (&shared->failures);
              token = infos[i].digest;
              stayed += infos[i].size == 10;
            }
        }
      if (stayed != THREADS_STAY)
        g_atomic_int_inc (&shared->failures);
    }
}

static void
threads_list (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  for (guint i = 0; i < THREADS_STAY; i++)
    CU_ASSERT_TRUE (memory_fixture_put (self, i, 10, NULL, NULL));
  ThreadsCase shared = { .self = self, .func = threads_list_or_churn };
  threads_run (&shared, 4);
  CU_ASSERT_EQUAL (shared.failures, 0);
}

/* ---- Over the limit, never ---- */

static void
threads_fill (ThreadsCase *shared, guint number)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (number);
  for (guint i = 0; i < 1500; i++)
    {
      guint64 blob = g_rand_int_range (random, 0, 200);
      gsize size = 1 + blob * 7 % 300;
      if (!memory_fixture_put (shared->self, blob, size, NULL, NULL))
        g_atomic_int_inc (&shared->failures);
      if (i % 5 == 0)
        memory_fixture_remove (shared->self, g_rand_int_range (random, 0, 200));
      if (i % 50 == 0)
        memory_fixture_has (shared->self, blob);
    }
}

static void
threads_lru (void)
{
  const guint64 limit = 3000;
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = limit, .evict_lru = TRUE }, NULL);
  ThreadsCase shared = { .self = self, .func = threads_fill };
  threads_run (&shared, 8);
  CU_ASSERT_EQUAL (shared.failures, 0);
  CU_ASSERT_TRUE (memory_fixture_used (self) <= limit);
  /* The room that is accounted for is what is there: all of it can be filled again. */
  for (guint i = 0; i < 200; i++)
    memory_fixture_remove (self, i);
  CU_ASSERT_EQUAL (memory_fixture_used (self), 0);
  for (guint i = 0; i < 30; i++)
    CU_ASSERT_TRUE (memory_fixture_put (self, i, 100, NULL, NULL));
  CU_ASSERT_EQUAL (memory_fixture_used (self), limit);
  CU_ASSERT_TRUE (memory_fixture_has (self, 0));
}

/* ---- A touch or a removal, never both ---- */

static void
threads_touch_or_remove (ThreadsCase *shared, guint number)
{
  CaskDigest digest;
  CaskBlobInfo info;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  if (number == 0)
    shared->touched = cask_plugin.ops->stat (shared->self, &digest, CASK_STAT_FRESHEN,
                                             &info, NULL, NULL);
  else
    {
      cask_plugin.ops->remove (shared->self, &digest, shared->since_usec, &outcome, NULL,
                               NULL);
      shared->kept = outcome == CASK_REMOVED_KEPT;
    }
}

static void
threads_touch (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  for (guint round = 0; round < 500; round++)
    {
      CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, NULL, NULL));
      memory_fixture_tick ();
      ThreadsCase shared = { .self = self,
                             .func = threads_touch_or_remove,
                             .since_usec = g_get_real_time () };
      threads_run (&shared, 2);
      CU_ASSERT_EQUAL (shared.touched, shared.kept);
      CU_ASSERT_EQUAL (memory_fixture_has (self, 1), shared.touched);
    }
}

/* ---- Names that come and go ---- */

static void
threads_open_close (ThreadsCase *shared, guint number)
{
  for (guint i = 0; i < 200; i++)
    {
      CaskBackend *self = memory_fixture_open (&(MemoryOpen){ .name = "threads" }, NULL);
      if (self == NULL || !memory_fixture_put (self, number, 10, NULL, NULL) ||
          !memory_fixture_has (self, number))
        g_atomic_int_inc (&shared->failures);
      g_clear_pointer (&self, memory_fixture_close);
    }
}

static void
threads_names (void)
{
  ThreadsCase shared = { .func = threads_open_close };
  threads_run (&shared, 8);
  CU_ASSERT_EQUAL (shared.failures, 0);
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .name = "threads" }, NULL);
  CU_ASSERT_EQUAL (memory_fixture_used (self), 0);
}

/* ---- The lock of a shard ---- */

#define LOCK_THREADS (MEMORY_DOORS + 4) /* so that some share one */

typedef struct
{
  MemoryPlace *place;
  MemoryShard *shard;
  guint one, other; /* by the shard's lock, always the same */
  gint ready;       /* atomic; who is at the start */
  gint failures;    /* atomic */
} LockCase;

/* Long enough for another thread to come in between, if it may. */
static void
threads_linger (LockCase *shared)
{
  for (guint i = 0; i < 100; i++)
    g_atomic_int_add (&shared->failures, 0);
}

static void
threads_change (LockCase *shared)
{
  shared->one++;
  threads_linger (shared);
  shared->other++;
}

static void
threads_look (LockCase *shared)
{
  guint one = shared->one;
  threads_linger (shared);
  if (one != shared->other)
    g_atomic_int_inc (&shared->failures);
}

static gpointer
threads_lock (gpointer data)
{
  LockCase *shared = data;
  g_atomic_int_inc (&shared->ready);
  while (g_atomic_int_get (&shared->ready) < LOCK_THREADS)
    g_thread_yield ();
  for (guint i = 0; i < 1600; i++)
    {
      gboolean changes = i % 8 == 0;
      MemoryDoor *door = memory_lock (shared->place, shared->shard, changes);
      if (changes)
        threads_change (shared);
      else
        threads_look (shared);
      memory_unlock (shared->shard, door);
    }
  return NULL;
}

static void
threads_locks (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  LockCase shared = { .place = self->place,
                      .shard = memory_place_shard (self->place, 7) };
  GThread *threads[LOCK_THREADS];
  for (guint i = 0; i < LOCK_THREADS; i++)
    threads[i] = g_thread_new ("test", threads_lock, &shared);
  for (guint i = 0; i < LOCK_THREADS; i++)
    g_thread_join (threads[i]);
  CU_ASSERT_EQUAL (shared.failures, 0);
  CU_ASSERT_EQUAL (shared.one, LOCK_THREADS * 200);
}

/* Or among many readers, of whom some always read, nobody would ever write. Where this
 * fails, it hangs. */
static void
threads_lock_others (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  MemoryShard *read = memory_place_shard (self->place, 7);
  MemoryDoor *door = memory_lock (self->place, read, FALSE);
  for (guint i = 0; i < MEMORY_SHARDS; i++)
    {
      MemoryShard *written = memory_place_shard (self->place, i);
      if (written == read)
        continue;
      memory_lock (self->place, written, TRUE);
      memory_unlock (written, NULL);
    }
  CU_ASSERT_PTR_NOT_NULL (door);
  memory_unlock (read, door);
}

static const MemoryTest threads_tests[] = {
  { "C65 of 16 writers of one blob one creates it, also where it just fits",
    threads_created_once },
  { "C49 a list is whole while others put and remove", threads_list },
  { "evict=lru under 8 writers never fails and never exceeds the limit", threads_lru },
  { "C89 a touch that succeeded is not followed by a removal", threads_touch },
  { "a shared name opened and closed by 8 threads", threads_names },
  { "who reads a shard sees all of a change or nothing of it", threads_locks },
  { "who reads a shard keeps nobody from writing another", threads_lock_others },
};

void
test_memory_add_threads (void)
{
  memory_fixture_add ("memory: threads", threads_tests, G_N_ELEMENTS (threads_tests));
}
