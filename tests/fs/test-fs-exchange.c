/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-exchange.c: F5: what is beside the blobs, and a blob itself, is exchanged for a
 * link to its like outside, again and again, while the store is used. Whatever an
 * operation answers, nothing outside is read, made or removed. (test-fs-swap.c does the
 * same to the directories that blobs are in.) CASK_TEST_LONG makes it a million tries. */
#include "fs-place.h"

#include "fs-upload-test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXCHANGE_TRIES 1500

typedef struct
{
  char *base, *root, *outside;
  char *inside, *link, *bait;
  char *id;
  FsStore *store;
  gint stop; /* atomic */
  guint n_exchanges, n_good, n_bad;
} Exchange;

static gboolean
exchange_is_link (const char *path)
{
  struct stat st;
  return lstat (path, &st) == 0 && S_ISLNK (st.st_mode);
}

/* A removal may take the link away: it is only a name. What is put next then stands on
 * the one side and what was there before on the other, and nobody meets a link again. */
static void
exchange_mend (const Exchange *exchange)
{
  if (exchange_is_link (exchange->inside) || exchange_is_link (exchange->link))
    return;
  (void) !unlink (exchange->link);
  (void) !symlink (exchange->bait, exchange->link);
}

static gpointer
exchange_run (gpointer data)
{
  Exchange *exchange = data;
  while (!g_atomic_int_get (&exchange->stop))
    {
      if (renameat2 (AT_FDCWD, exchange->inside, AT_FDCWD, exchange->link,
                     RENAME_EXCHANGE) == 0)
        exchange->n_exchanges++;
      else if (symlink (exchange->bait, exchange->link) == 0)
        continue;
      if (exchange->n_exchanges % 3 != 0)
        continue;
      exchange_mend (exchange);
      /* Rests now on the one side and now on the other, for the user to meet both. */
      for (guint i = 0; i < 100; i++)
        (void) !access (exchange->link, F_OK);
    }
  return NULL;
}

/* within: what is exchanged; outside has a file or a directory of that kind. */
static gboolean
exchange_begin (Exchange *exchange, const char *within, gboolean is_blob)
{
  *exchange = (Exchange){ .base = fs_scratch_new () };
  exchange->root = g_build_filename (exchange->base, "root", NULL);
  exchange->outside = g_build_filename (exchange->base, "outside", NULL);
  exchange->id = fs_place_make (exchange->root);
  FsSpec spec = { .durability = FS_NONE };
  exchange->store = fs_store_open (exchange->root, &spec, NULL);
  if (exchange->id == NULL || exchange->store == NULL)
    return FALSE;
  CaskDigest digest = fs_place_digest (PLACE_BLOB_USED);
  exchange->inside = is_blob ? fs_path (exchange->store, &digest)
                             : g_build_filename (exchange->root, within, NULL);
  exchange->link = g_build_filename (exchange->base, "link", NULL);
  exchange->bait = g_build_filename (exchange->outside, "bait", NULL);
  /* The bait looks as good as what is inside; only its bytes are others. */
  g_autofree char *data =
      is_blob ? g_strdup (exchange->bait)
              : g_build_filename (exchange->bait, exchange->id, "data", NULL);
  return fs_write_file (data, "else") && symlink (exchange->bait, exchange->link) == 0;
}

static void
exchange_end (Exchange *exchange)
{
  g_clear_pointer (&exchange->store, fs_store_close);
  g_free (exchange->root);
  g_free (exchange->outside);
  g_free (exchange->inside);
  g_free (exchange->link);
  g_free (exchange->bait);
  g_free (exchange->id);
  fs_scratch_free (exchange->base);
}

/* On a busy machine one side may be all that was met yet; but the other comes. */
static gboolean
exchange_goes_on (const Exchange *exchange)
{
  return exchange->n_good == 0 || exchange->n_bad == 0;
}

static void
exchange_reopen (Exchange *exchange)
{
  FsSpec spec = { .durability = FS_NONE };
  g_clear_pointer (&exchange->store, fs_store_close);
  exchange->store = fs_store_open (exchange->root, &spec, NULL);
}

static void
exchange_race (const char *within, gboolean is_blob, gboolean reopens, const PlaceOp *ops,
               guint n_ops)
{
  Exchange exchange;
  CaskDigest digest = fs_place_digest (PLACE_BLOB_USED);
  CaskRemoved outcome;
  gboolean begun = exchange_begin (&exchange, within, is_blob);
  CU_ASSERT_TRUE (begun);
  g_autofree char *before = fs_place_fingerprint (exchange.outside);
  GThread *thread = g_thread_new ("exchange", exchange_run, &exchange);
  guint tries = g_getenv ("CASK_TEST_LONG") != NULL ? 1000000 : EXCHANGE_TRIES;
  for (guint i = 0; begun && (i < tries || exchange_goes_on (&exchange)); i++)
    {
      /* What a store has opened once, it keeps. */
      if (reopens)
        exchange_reopen (&exchange);
      int code = fs_place_do (exchange.store, ops[i % n_ops], exchange.id, NULL);
      if (code == PLACE_WRONG && ops[i % n_ops] != PLACE_HIT)
        CU_FAIL ("something outside was used");
      exchange.n_good += code == FS_OK;
      exchange.n_bad += code != FS_OK;
      if (is_blob && i % 8 == 0)
        {
          fs_store_remove (exchange.store, &digest, CASK_ALWAYS, &outcome);
          fs_store_put (exchange.store, &digest, "here");
        }
    }
  g_atomic_int_set (&exchange.stop, 1);
  g_thread_join (thread);
  printf (" %u exchanges, %u of %u succeeded; ", exchange.n_exchanges, exchange.n_good,
          exchange.n_good + exchange.n_bad);
  CU_ASSERT (exchange.n_exchanges > 0 && exchange.n_good > 0 && exchange.n_bad > 0);
  g_autofree char *after = fs_place_fingerprint (exchange.outside);
  CU_ASSERT_STRING_EQUAL (before, after);
  exchange_end (&exchange);
}

static void
test_exchange_blob (void)
{
  static const PlaceOp ops[] = { PLACE_GET, PLACE_READ, PLACE_STAT, PLACE_TOUCH,
                                 PLACE_HIT };
  exchange_race (NULL, TRUE, FALSE, ops, G_N_ELEMENTS (ops));
}

static void
test_exchange_temps (void)
{
  static const PlaceOp ops[] = { PLACE_REPLACE };
  exchange_race (".tmp", FALSE, TRUE, ops, G_N_ELEMENTS (ops));
}

static void
test_exchange_uploads (void)
{
  static const PlaceOp ops[] = { PLACE_SAVE, PLACE_RESUME, PLACE_UPLOADS };
  exchange_race (".uploads", FALSE, FALSE, ops, G_N_ELEMENTS (ops));
}

/* ---- The quarantine: each blob is moved there once ---- */

#define EXCHANGE_BLOBS 200

static void
exchange_condemn (Exchange *exchange, guint number)
{
  CaskDigest digest = fs_place_digest (1000 + number);
  CaskBlobInfo info = { .version = 0 };
  GError *error = NULL;
  gboolean again = FALSE;
  const CaskBackendOps *ops = exchange->store->ops;
  if (fs_store_stat (exchange->store, &digest, &info) != FS_OK)
    return;
  /* Without a version it is too new to be told from another: this waits for that. */
  gboolean done = ops->condemn (exchange->store->backend, &digest, info.version,
                                CASK_CONDEMN_QUARANTINE, &again, NULL, &error);
  exchange->n_good += done && !again;
  exchange->n_bad += !done;
  fs_code (error);
  fs_place_count_one ();
}

static void
test_exchange_quarantine (void)
{
  Exchange exchange;
  CU_ASSERT_TRUE (exchange_begin (&exchange, ".quarantine", FALSE));
  g_autofree char *before = fs_place_fingerprint (exchange.outside);
  GThread *thread = g_thread_new ("exchange", exchange_run, &exchange);
  guint rounds = g_getenv ("CASK_TEST_LONG") != NULL ? 1000000 / EXCHANGE_BLOBS : 1;
  for (guint round = 0; round < rounds || exchange_goes_on (&exchange); round++)
    {
      for (guint i = 0; i < EXCHANGE_BLOBS; i++)
        {
          CaskDigest digest = fs_place_digest (1000 + i);
          CU_ASSERT (fs_store_put (exchange.store, &digest, "here") < 0);
        }
      for (guint i = 0; i < EXCHANGE_BLOBS; i++)
        exchange_condemn (&exchange, i);
    }
  g_atomic_int_set (&exchange.stop, 1);
  g_thread_join (thread);
  printf (" %u exchanges, %u of %u succeeded; ", exchange.n_exchanges, exchange.n_good,
          exchange.n_good + exchange.n_bad);
  CU_ASSERT (exchange.n_exchanges > 0 && exchange.n_good > 0 && exchange.n_bad > 0);
  g_autofree char *after = fs_place_fingerprint (exchange.outside);
  CU_ASSERT_STRING_EQUAL (before, after);
  exchange_end (&exchange);
}

CU_TestInfo fs_exchange_tests[] = {
  { "F5 a blob that is exchanged for a link leads nowhere", test_exchange_blob },
  { "F5 .tmp that is exchanged for a link leads nowhere", test_exchange_temps },
  { "F5 .uploads that is exchanged for a link leads nowhere", test_exchange_uploads },
  { "F5 .quarantine that is exchanged for a link leads nowhere",
    test_exchange_quarantine },
  CU_TEST_INFO_NULL
};
