/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb.c: LMDB, with the 32 bytes of SHA-256 as keys.
 *
 * A put hashes, and stores with MDB_NOOVERWRITE, which looks and stores in one descent; a
 * get copies out of the map within a read transaction, since what the map shows is valid
 * no longer than that. The reader's slot is kept (reset and renewed). Either each blob
 * has a transaction of its own, as the requests of a server would, or 64 have one.
 *
 * Where a power cut may take something MDB_NOSYNC is set: what was committed has been
 * given to the kernel, so a killed process loses nothing. It promises less than files do
 * then, for a power cut may take the whole map; MDB_NOMETASYNC would not, but waits for
 * the disk in every commit, which the field does not ask for. Durable is the default.
 * MDB_NOMEMINIT leaves out clearing memory that is written over. MDB_WRITEMAP is not
 * set: the file would have to be as long as the map from the start. */
#include "peers.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

/* Address space; the file is as long as what is in it. */
#define LMDB_MAP_SIZE (G_GUINT64_CONSTANT (16) << 30)
#define LMDB_KEY_SIZE 32

typedef struct
{
  Peer peer;
  MDB_env *env;
  MDB_txn *reader; /* reset while no read is under way */
  MDB_txn *writer;
  MDB_dbi blobs;
} Lmdb;

static gboolean
lmdb_check (int result, const char *call, GError **error)
{
  return result == 0 || peer_fail (error, call, mdb_strerror (result));
}

/* ---- Transactions ---- */

static gboolean
lmdb_begin (gpointer place, gboolean is_write, GError **error)
{
  Lmdb *lmdb = place;
  if (is_write)
    return lmdb_check (mdb_txn_begin (lmdb->env, NULL, 0, &lmdb->writer), "mdb_txn_begin",
                       error);
  return lmdb_check (mdb_txn_renew (lmdb->reader), "mdb_txn_renew", error);
}

static gboolean
lmdb_end (gpointer place, gboolean is_write, gboolean is_good, GError **error)
{
  Lmdb *lmdb = place;
  if (is_write && is_good)
    return lmdb_check (mdb_txn_commit (lmdb->writer), "mdb_txn_commit", error);
  if (is_write)
    mdb_txn_abort (lmdb->writer);
  else
    mdb_txn_reset (lmdb->reader);
  return TRUE;
}

static MDB_val
lmdb_key (const CaskDigest *digest)
{
  return (MDB_val){ .mv_size = LMDB_KEY_SIZE, .mv_data = (void *) digest->bytes };
}

/* ---- Put, delete ---- */

static gboolean
lmdb_put_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Lmdb *lmdb = place;
  CaskDigest digest;
  bench_hash (blob->bytes, &digest);
  MDB_val key = lmdb_key (&digest), value;
  value.mv_data = (void *) g_bytes_get_data (blob->bytes, &value.mv_size);
  int result = mdb_put (lmdb->writer, lmdb->blobs, &key, &value, MDB_NOOVERWRITE);
  return result == MDB_KEYEXIST || lmdb_check (result, "mdb_put", error);
}

static gboolean
lmdb_delete_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Lmdb *lmdb = place;
  MDB_val key = lmdb_key (&blob->digest);
  return lmdb_check (mdb_del (lmdb->writer, lmdb->blobs, &key, NULL), "mdb_del", error);
}

/* ---- Get, contains, list ---- */

static GBytes *
lmdb_get_one (gpointer place, const BenchBlob *blob, gboolean is_whole, GError **error)
{
  Lmdb *lmdb = place;
  MDB_val key = lmdb_key (&blob->digest), value;
  gsize length;
  if (!lmdb_check (mdb_get (lmdb->reader, lmdb->blobs, &key, &value), "mdb_get", error))
    return NULL;
  gsize offset = peer_range (value.mv_size, is_whole, &length);
  return g_bytes_new ((const char *) value.mv_data + offset, length);
}

static int
lmdb_has_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Lmdb *lmdb = place;
  MDB_val key = lmdb_key (&blob->digest), value;
  int result = mdb_get (lmdb->reader, lmdb->blobs, &key, &value);
  if (result == MDB_NOTFOUND)
    return FALSE;
  return lmdb_check (result, "mdb_get", error) ? TRUE : -1;
}

static gboolean
lmdb_list_names (Lmdb *lmdb, GArray *names, GError **error)
{
  MDB_cursor *cursor;
  MDB_val key;
  if (!lmdb_check (mdb_cursor_open (lmdb->reader, lmdb->blobs, &cursor),
                   "mdb_cursor_open", error))
    return FALSE;
  while (mdb_cursor_get (cursor, &key, NULL, MDB_NEXT) == 0)
    g_array_append_vals (names, key.mv_data, 1);
  mdb_cursor_close (cursor);
  return TRUE;
}

/* One transaction, however many blobs it finds. */
static gboolean
lmdb_list (gpointer place, const BenchBlob *blobs G_GNUC_UNUSED, guint n, GError **error)
{
  g_autoptr (GArray) names = g_array_new (FALSE, FALSE, LMDB_KEY_SIZE);
  if (!lmdb_begin (place, FALSE, error))
    return FALSE;
  gboolean is_good = lmdb_list_names (place, names, error);
  return lmdb_end (place, FALSE, is_good, NULL) && is_good &&
         peer_list (names, TRUE, n, error);
}

static const PeerSlots lmdb_slots = { .begin = lmdb_begin,
                                      .end = lmdb_end,
                                      .put = lmdb_put_one,
                                      .remove = lmdb_delete_one,
                                      .get = lmdb_get_one,
                                      .has = lmdb_has_one };

/* ---- Open, close ---- */

static void
lmdb_close (gpointer place)
{
  Lmdb *lmdb = place;
  if (lmdb->reader)
    mdb_txn_abort (lmdb->reader);
  if (lmdb->env)
    mdb_env_close (lmdb->env);
  g_free (lmdb);
}

static gboolean
lmdb_open_blobs (Lmdb *lmdb, GError **error)
{
  if (!lmdb_check (mdb_txn_begin (lmdb->env, NULL, 0, &lmdb->writer), "mdb_txn_begin",
                   error))
    return FALSE;
  if (!lmdb_check (mdb_dbi_open (lmdb->writer, NULL, 0, &lmdb->blobs), "mdb_dbi_open",
                   error))
    {
      mdb_txn_abort (lmdb->writer);
      return FALSE;
    }
  if (!lmdb_check (mdb_txn_commit (lmdb->writer), "mdb_txn_commit", error) ||
      !lmdb_check (mdb_txn_begin (lmdb->env, NULL, MDB_RDONLY, &lmdb->reader),
                   "mdb_txn_begin", error))
    return FALSE;
  mdb_txn_reset (lmdb->reader);
  return TRUE;
}

static gpointer
lmdb_open (const char *directory, unsigned int flags, guint batch, GError **error)
{
  Lmdb *lmdb = g_new0 (Lmdb, 1);
  lmdb->peer = (Peer){ .slots = &lmdb_slots, .batch = batch };
  if (lmdb_check (mdb_env_create (&lmdb->env), "mdb_env_create", error) &&
      lmdb_check (mdb_env_set_mapsize (lmdb->env, LMDB_MAP_SIZE), "mdb_env_set_mapsize",
                  error) &&
      lmdb_check (mdb_env_open (lmdb->env, directory, flags | MDB_NOMEMINIT, 0600),
                  "mdb_env_open", error) &&
      lmdb_open_blobs (lmdb, error))
    return lmdb;
  lmdb_close (lmdb);
  return NULL;
}

static gpointer
lmdb_open_files (const char *directory, GError **error)
{
  return lmdb_open (directory, MDB_NOSYNC, 1, error);
}

static gpointer
lmdb_open_files_batch (const char *directory, GError **error)
{
  return lmdb_open (directory, MDB_NOSYNC, PEER_BATCH, error);
}

static gpointer
lmdb_open_durable (const char *directory, GError **error)
{
  return lmdb_open (directory, 0, 1, error);
}

static gpointer
lmdb_open_durable_batch (const char *directory, GError **error)
{
  return lmdb_open (directory, 0, PEER_BATCH, error);
}

#define LMDB_CALLS                                                                       \
  PEER_CALLS, [BENCH_GET_RANGE] = peer_get_range, [BENCH_DELETE] = peer_delete

const BenchEntrant lmdb_files = {
  .name = "LMDB",
  .note =
      "MDB_NOSYNC: a power cut may take all blobs; a transaction a blob; a get copies, "
      "and does not verify",
  .open = lmdb_open_files,
  .close = lmdb_close,
  .calls = { LMDB_CALLS, [BENCH_LIST] = lmdb_list },
};

const BenchEntrant lmdb_files_batch = {
  .name = "LMDB, 64 a transaction",
  .note = "MDB_NOSYNC; a get copies, and does not verify",
  .open = lmdb_open_files_batch,
  .close = lmdb_close,
  .calls = { LMDB_CALLS },
};

const BenchEntrant lmdb_durable = {
  .name = "LMDB",
  .note = "a transaction a blob, and two syncs in each",
  .is_little = TRUE,
  .open = lmdb_open_durable,
  .close = lmdb_close,
  .calls = { LMDB_CALLS },
};

const BenchEntrant lmdb_durable_batch = {
  .name = "LMDB, 64 a transaction",
  .note = "none of the 64 is durable before all are",
  .open = lmdb_open_durable_batch,
  .close = lmdb_close,
  .calls = { LMDB_CALLS },
};
