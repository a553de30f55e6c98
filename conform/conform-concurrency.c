/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-concurrency.c: many threads on one store, two handles, two processes. */
#include "conform-case.h"

#define N_THREADS 16

typedef struct
{
  Conform *c;
  CaskDigest digest;
  GBytes *bytes;
  guint rounds;
  gint n_created; /* atomic */
  gint n_deleted; /* atomic */
  gint n_running; /* atomic */
} Shared;

static void
read_thread (gpointer data, guint index)
{
  Shared *shared = data;
  const Calls *calls = shared->c->calls;

  for (guint i = 0; i < shared->rounds; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) part = NULL;
      guint64 offset = index * 1000 + i;
      g_autoptr (GBytes) got =
          calls->get (shared->c->store, &shared->digest, NULL, &error);
      CONFORM_OK (got != NULL && g_bytes_equal (got, shared->bytes), error);
      g_clear_error (&error);
      g_autoptr (GBytes) slice = g_bytes_new_from_bytes (shared->bytes, offset, 500);
      part =
          calls->get_range (shared->c->store, &shared->digest, offset, 500, NULL, &error);
      CONFORM_OK (part != NULL && g_bytes_equal (part, slice), error);
    }
}

static void
test_readers (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (60, 150000);
  Shared shared = { .c = c, .bytes = bytes, .rounds = 30 };
  shared.digest = conform_put (c, bytes, NULL);
  conform_run_threads (N_THREADS, read_thread, &shared);
}

static void
write_distinct_thread (gpointer data, guint index)
{
  Shared *shared = data;

  for (guint i = 0; i < shared->rounds; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean created = FALSE;
      g_autoptr (GBytes) bytes = conform_bytes (index * 1000 + i, 3000);
      CaskDigest digest = conform_digest (bytes);
      CONFORM_OK (shared->c->calls->put (shared->c->store, &digest, bytes, 0, &created,
                                         NULL, &error),
                  error);
      CONFORM_TRUE (created);
    }
}

static void
test_distinct_writers (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Shared shared = { .c = c, .rounds = 15 };
  conform_run_threads (N_THREADS, write_distinct_thread, &shared);
  g_autoptr (GArray) infos = conform_list_all (c, 0);
  CONFORM_TRUE (infos != NULL && infos->len == N_THREADS * shared.rounds);
  for (guint i = 0; i < N_THREADS * shared.rounds; i++)
    {
      guint seed = i / shared.rounds * 1000 + i % shared.rounds;
      g_autoptr (GBytes) bytes = conform_bytes (seed, 3000);
      CaskDigest digest = conform_digest (bytes);
      conform_expect_bytes (c, &digest, bytes);
    }
}

static void
write_same_thread (gpointer data, guint index)
{
  Shared *shared = data;
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  (void) index;

  CONFORM_OK (shared->c->calls->put (shared->c->store, &shared->digest, shared->bytes, 0,
                                     &created, NULL, &error),
              error);
  if (created)
    g_atomic_int_inc (&shared->n_created);
}

static void
test_same_writers (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint round = 0; round < 30; round++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (6100 + round, 5000);
      Shared shared = { .c = c, .bytes = bytes, .digest = conform_digest (bytes) };
      conform_run_threads (N_THREADS, write_same_thread, &shared);
      CONFORM_EQUAL (shared.n_created, 1);
      conform_expect_bytes (c, &shared.digest, bytes);
    }
}

/* Eight threads put the same blobs in two ways round. */
typedef struct
{
  CaskStore *store;
  guint64 seed;
  guint n_blobs;
  gint n_created; /* atomic */
} Storm;

static void
storm_thread (gpointer data, guint index)
{
  Storm *storm = data;

  for (guint i = 0; i < storm->n_blobs; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean created = FALSE;
      guint number = index % 2 == 0 ? i : storm->n_blobs - 1 - i;
      g_autoptr (GBytes) bytes = conform_bytes (storm->seed + number, 600);
      CaskDigest digest = conform_digest (bytes);
      CONFORM_OK (
          cask_store_put (storm->store, &digest, bytes, 0, &created, NULL, &error),
          error);
      if (created)
        g_atomic_int_inc (&storm->n_created);
    }
}

guint
conform_storm (CaskStore *store, guint64 seed, guint n_blobs)
{
  Storm storm = { .store = store, .seed = seed, .n_blobs = n_blobs };

  guint failures = conform_join_threads (8, storm_thread, &storm);
  return failures == 0 ? (guint) storm.n_created : G_MAXUINT;
}

static void
test_exact_created (void)
{
  const guint n_blobs = 150;
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_SHARED |
                                        CASK_CAPABILITY_EXACT_CREATED);
  g_autoptr (Child) child = c != NULL ? conform_child_new (c) : NULL;
  if (child == NULL)
    return;
  for (guint round = 0; round < 3; round++)
    {
      conform_child_send (child, "storm %u %u", 7000 + 1000 * round, n_blobs);
      guint ours = conform_storm (c->store, 7000 + 1000 * round, n_blobs);
      g_autofree char *theirs = conform_child_receive (child);
      CONFORM_TRUE (ours <= n_blobs);
      CONFORM_EQUAL (ours + g_ascii_strtoull (theirs, NULL, 10), n_blobs);
    }
}

/* Before the put nobody sees it, once it has returned everybody does. */
static void
test_second_handle (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskStore) other = c != NULL ? conform_open_again (c) : NULL;
  if (other == NULL)
    return;
  CaskStore *first = c->store;
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (62 + i, i * 5000);
      CaskDigest digest = conform_digest (bytes);
      c->store = other;
      conform_expect_absent (c, &digest);
      c->store = first;
      conform_put (c, bytes, NULL);
      c->store = other;
      conform_expect_bytes (c, &digest, bytes);
      CONFORM_TRUE (conform_is_listed (c, &digest));
      /* What a handle has seen it must not go on believing. */
      c->store = first;
      conform_expect_bytes (c, &digest, bytes);
      CONFORM_TRUE (c->calls->remove (other, &digest, NULL, NULL, NULL));
      c->store = first;
      conform_expect_absent (c, &digest);
    }
}

static void
expect_answer (Child *child, const char *word, const CaskDigest *digest,
               const char *expected)
{
  g_autofree char *answer = conform_child_ask (child, word, digest);
  CONFORM_STRING_EQUAL (answer, expected);
}

static void
test_second_process (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_SHARED);
  g_autoptr (Child) child = c != NULL ? conform_child_new (c) : NULL;
  if (child == NULL)
    return;
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (63 + i, i * 5000);
      CaskDigest digest = conform_digest (bytes);
      expect_answer (child, "get", &digest, "no");
      expect_answer (child, "list", &digest, "no");
      conform_put (c, bytes, NULL);
      expect_answer (child, "get", &digest, "yes");
      expect_answer (child, "list", &digest, "yes");
      expect_answer (child, "delete", &digest, "yes");
      conform_expect_absent (c, &digest);
    }
}

/* A get beside deletes and puts of its blob has all of it, or nothing. */
static void
churn_thread (gpointer data, guint index)
{
  Shared *shared = data;
  const Calls *calls = shared->c->calls;
  CaskStore *store = shared->c->store;

  for (guint i = 0; i < shared->rounds; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean flag = FALSE;
      if (index % 4 == 0)
        CONFORM_OK (
            calls->put (store, &shared->digest, shared->bytes, 0, &flag, NULL, &error),
            error);
      else if (index % 4 == 1)
        CONFORM_OK (calls->remove (store, &shared->digest, &flag, NULL, &error), error);
      if (flag)
        g_atomic_int_inc (index % 4 == 0 ? &shared->n_created : &shared->n_deleted);
      if (index % 4 < 2)
        continue;
      g_autoptr (GBytes) got = calls->get (store, &shared->digest, NULL, &error);
      CONFORM_OK (got != NULL ? g_bytes_equal (got, shared->bytes)
                              : g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND),
                  error);
    }
}

static void
test_delete_racing_put (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  static const gsize sizes[] = { 100, 90000 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      gboolean present = FALSE;
      g_autoptr (GBytes) bytes = conform_bytes (65, sizes[i]);
      Shared shared = {
        .c = c, .bytes = bytes, .rounds = 60, .digest = conform_digest (bytes)
      };
      conform_run_threads (8, churn_thread, &shared);
      CONFORM_TRUE (c->calls->contains (c->store, &shared.digest, &present, NULL, NULL));
      /* Every creation was undone by one deletion, but for what is left. */
      CONFORM_EQUAL (shared.n_created, shared.n_deleted + (present ? 1 : 0));
    }
}

static void
delete_same_thread (gpointer data, guint index)
{
  Shared *shared = data;
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;
  (void) index;

  CONFORM_OK (shared->c->calls->remove (shared->c->store, &shared->digest, &existed, NULL,
                                        &error),
              error);
  if (existed)
    g_atomic_int_inc (&shared->n_deleted);
}

static void
test_same_deleters (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (67, 5000);
  for (guint round = 0; round < 30; round++)
    {
      Shared shared = { .c = c, .digest = conform_put (c, bytes, NULL) };
      conform_run_threads (N_THREADS, delete_same_thread, &shared);
      CONFORM_EQUAL (shared.n_deleted, 1);
    }
}

/* Others look while it is replaced. */
static void
replace_thread (gpointer data, guint index)
{
  Shared *shared = data;
  const Calls *calls = shared->c->calls;
  CaskStore *store = shared->c->store;

  for (guint i = 0; index == 0 && i < shared->rounds; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean created = TRUE;
      CONFORM_OK (calls->put (store, &shared->digest, shared->bytes,
                              CASK_PUT_VERIFY_EXISTING, &created, NULL, &error),
                  error);
      CONFORM_FALSE (created);
    }
  if (index == 0)
    g_atomic_int_set (&shared->n_running, 0);
  while (g_atomic_int_get (&shared->n_running) > 0)
    {
      g_autoptr (GError) error = NULL;
      gboolean present = FALSE;
      g_autoptr (GBytes) got = calls->get (store, &shared->digest, NULL, &error);
      CONFORM_OK (got != NULL && g_bytes_equal (got, shared->bytes), error);
      CONFORM_OK (calls->contains (store, &shared->digest, &present, NULL, NULL) &&
                      present,
                  NULL);
    }
}

static void
test_replaced_at_once (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (66, 9000);
  Shared shared = { .c = c, .bytes = bytes, .rounds = 100, .n_running = 1 };
  shared.digest = conform_put (c, bytes, NULL);
  conform_run_threads (4, replace_thread, &shared);
  conform_expect_bytes (c, &shared.digest, bytes);
}

const ConformCase conform_concurrency_tests[] = {
  { "C63 16 readers of one blob", test_readers },
  { "C64 16 writers of distinct blobs", test_distinct_writers },
  { "C65 of 16 writers of one blob exactly one created it", test_same_writers },
  { "C66 a second handle sees a blob when its put has returned", test_second_handle },
  { "C66 C86 SHARED a second process sees every put and delete", test_second_process },
  { "C86 S1 EXACT_CREATED across 2 processes of 8 threads", test_exact_created },
  { "C71 C72 gets beside deletes and puts are whole, and each put is deleted once",
    test_delete_racing_put },
  { "C72 S4 of 16 deletes of one blob exactly one removed it", test_same_deleters },
  { "C82 S8 a blob that is replaced is there, whole, all the while",
    test_replaced_at_once },
  CONFORM_CASES_END
};
