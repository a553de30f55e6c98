/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite.c: blobs in one table of SQLite.
 *
 * The table has a rowid and a unique index on the digest: WITHOUT ROWID keeps a row in
 * the tree that is searched, which is meant for rows far below a page, and has no
 * sqlite3_blob_open. Statements are prepared once; bytes are bound without a copy. A put
 * hashes, and is one INSERT that does nothing where the digest is there. A get of a large
 * blob is read through sqlite3_blob_read, straight into the memory that is kept: at 1 MiB
 * that took a fifteenth of what the column of a SELECT did. Either each blob has a
 * transaction of its own, as the requests of a server would, or 64 have one.
 *
 * Files: journal_mode=WAL, synchronous=OFF, so that nothing waits for the disk, and a
 * killed process loses nothing; a power cut may take the whole database, not only what
 * was new. Durable: WAL and synchronous=FULL, one sync of the log in each transaction.
 * Pages have 16 KiB, not 4: a put of 1 MiB took half the time, one of 4 KiB an eighth
 * more. 64 MiB of them are kept. Nothing is mapped: it was no faster. secure_delete,
 * which Debian compiles in, is off. One connection of one thread, so without its mutexes;
 * but not locking_mode=EXCLUSIVE, with which a get of 4 KiB took a third: it shuts other
 * processes out, and nobody else in the field does. */
#include "peers.h"

#include <sqlite3.h>
#include <string.h>

typedef enum
{
  STATEMENT_BEGIN,
  STATEMENT_BEGIN_WRITE,
  STATEMENT_COMMIT,
  STATEMENT_ROLLBACK,
  STATEMENT_PUT,
  STATEMENT_GET,
  STATEMENT_FIND,
  STATEMENT_REMOVE,
  STATEMENT_NAMES,
  N_STATEMENTS
} Statement;

static const char *const statement_texts[N_STATEMENTS] = {
  [STATEMENT_BEGIN] = "BEGIN",
  [STATEMENT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
  [STATEMENT_COMMIT] = "COMMIT",
  [STATEMENT_ROLLBACK] = "ROLLBACK",
  [STATEMENT_PUT] =
      "INSERT INTO blobs (digest, data) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
  [STATEMENT_GET] = ("SELECT id, iif (length (data) < 16384, data, NULL) "
                     "FROM blobs WHERE digest = ?1"),
  [STATEMENT_FIND] = "SELECT id FROM blobs WHERE digest = ?1",
  [STATEMENT_REMOVE] = "DELETE FROM blobs WHERE digest = ?1",
  [STATEMENT_NAMES] = "SELECT digest FROM blobs ORDER BY digest",
};

#define BLOBS_SCHEMA                                                                     \
  "CREATE TABLE blobs (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, data BLOB "  \
  "NOT NULL)"
#define BLOBS_SETTINGS                                                                   \
  "PRAGMA page_size = 16384; PRAGMA cache_size = -65536; PRAGMA secure_delete = 0;"
#define BLOBS_KEY_SIZE 32

typedef struct
{
  Peer peer;
  sqlite3 *db;
  sqlite3_stmt *statements[N_STATEMENTS];
} Sqlite;

static gboolean
sqlite_check (Sqlite *sqlite, gboolean is_good, const char *call, GError **error)
{
  return is_good || peer_fail (error, call, sqlite3_errmsg (sqlite->db));
}

/* ---- Statements ---- */

/* Runs what gives no row. */
static gboolean
sqlite_run (Sqlite *sqlite, Statement which, GError **error)
{
  int result = sqlite3_step (sqlite->statements[which]);
  sqlite_check (sqlite, result == SQLITE_DONE, statement_texts[which], error);
  sqlite3_reset (sqlite->statements[which]);
  return result == SQLITE_DONE;
}

static sqlite3_stmt *
sqlite_bind (Sqlite *sqlite, Statement which, const CaskDigest *digest)
{
  sqlite3_stmt *statement = sqlite->statements[which];
  sqlite3_bind_blob (statement, 1, digest->bytes, BLOBS_KEY_SIZE, SQLITE_STATIC);
  return statement;
}

/* A single statement is a transaction by itself. */
static gboolean
sqlite_begin (gpointer place, gboolean is_write, GError **error)
{
  Sqlite *sqlite = place;
  return sqlite->peer.batch == 1 ||
         sqlite_run (sqlite, is_write ? STATEMENT_BEGIN_WRITE : STATEMENT_BEGIN, error);
}

static gboolean
sqlite_end (gpointer place, gboolean is_write G_GNUC_UNUSED, gboolean is_good,
            GError **error)
{
  Sqlite *sqlite = place;
  return sqlite->peer.batch == 1 ||
         sqlite_run (sqlite, is_good ? STATEMENT_COMMIT : STATEMENT_ROLLBACK, error);
}

/* ---- Put, delete ---- */

static gboolean
sqlite_put_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Sqlite *sqlite = place;
  CaskDigest digest;
  gsize size;
  const void *data = g_bytes_get_data (blob->bytes, &size);
  bench_hash (blob->bytes, &digest);
  sqlite3_stmt *statement = sqlite_bind (sqlite, STATEMENT_PUT, &digest);
  sqlite3_bind_blob64 (statement, 2, data ? data : "", size, SQLITE_STATIC);
  return sqlite_run (sqlite, STATEMENT_PUT, error);
}

static gboolean
sqlite_delete_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Sqlite *sqlite = place;
  sqlite_bind (sqlite, STATEMENT_REMOVE, &blob->digest);
  return sqlite_run (sqlite, STATEMENT_REMOVE, error) &&
         (sqlite3_changes (sqlite->db) == 1 || peer_fail (error, blob->hex, "absent"));
}

/* ---- Get, contains, list ---- */

/* While a statement that found the row is not reset: one read transaction for both. */
static GBytes *
sqlite_read (Sqlite *sqlite, sqlite3_int64 id, gboolean is_whole, GError **error)
{
  sqlite3_blob *row = NULL;
  gsize length;
  int result = sqlite3_blob_open (sqlite->db, "main", "blobs", "data", id, 0, &row);
  if (!sqlite_check (sqlite, result == SQLITE_OK, "sqlite3_blob_open", error))
    return NULL;
  gsize offset = peer_range ((gsize) sqlite3_blob_bytes (row), is_whole, &length);
  g_autofree char *data = g_malloc (length + 1);
  result = sqlite3_blob_read (row, data, (int) length, (int) offset);
  gboolean done = sqlite_check (sqlite, result == SQLITE_OK, "sqlite3_blob_read", error);
  sqlite3_blob_close (row);
  return done ? g_bytes_new_take (g_steal_pointer (&data), length) : NULL;
}

static GBytes *
sqlite_get_row (Sqlite *sqlite, sqlite3_stmt *statement, gboolean is_whole,
                GError **error)
{
  if (!is_whole || sqlite3_column_type (statement, 1) == SQLITE_NULL)
    return sqlite_read (sqlite, sqlite3_column_int64 (statement, 0), is_whole, error);
  const void *data = sqlite3_column_blob (statement, 1);
  return g_bytes_new (data, (gsize) sqlite3_column_bytes (statement, 1));
}

static GBytes *
sqlite_get_one (gpointer place, const BenchBlob *blob, gboolean is_whole, GError **error)
{
  Sqlite *sqlite = place;
  sqlite3_stmt *statement =
      sqlite_bind (sqlite, is_whole ? STATEMENT_GET : STATEMENT_FIND, &blob->digest);
  GBytes *bytes = NULL;
  if (sqlite3_step (statement) == SQLITE_ROW)
    bytes = sqlite_get_row (sqlite, statement, is_whole, error);
  else
    peer_fail (error, blob->hex, "absent");
  sqlite3_reset (statement);
  return bytes;
}

static int
sqlite_has_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Sqlite *sqlite = place;
  sqlite3_stmt *statement = sqlite_bind (sqlite, STATEMENT_FIND, &blob->digest);
  int result = sqlite3_step (statement);
  sqlite3_reset (statement);
  if (result == SQLITE_ROW || result == SQLITE_DONE)
    return result == SQLITE_ROW;
  sqlite_check (sqlite, FALSE, "sqlite3_step", error);
  return -1;
}

static gboolean
sqlite_list (gpointer place, const BenchBlob *blobs G_GNUC_UNUSED, guint n,
             GError **error)
{
  Sqlite *sqlite = place;
  sqlite3_stmt *statement = sqlite->statements[STATEMENT_NAMES];
  g_autoptr (GArray) names = g_array_new (FALSE, FALSE, BLOBS_KEY_SIZE);
  while (sqlite3_step (statement) == SQLITE_ROW)
    g_array_append_vals (names, sqlite3_column_blob (statement, 0), 1);
  sqlite3_reset (statement);
  return peer_list (names, TRUE, n, error);
}

static const PeerSlots sqlite_slots = { .begin = sqlite_begin,
                                        .end = sqlite_end,
                                        .put = sqlite_put_one,
                                        .remove = sqlite_delete_one,
                                        .get = sqlite_get_one,
                                        .has = sqlite_has_one };

/* ---- Open, close ---- */

static void
sqlite_close (gpointer place)
{
  Sqlite *sqlite = place;
  for (guint i = 0; i < N_STATEMENTS; i++)
    sqlite3_finalize (sqlite->statements[i]);
  sqlite3_close (sqlite->db);
  g_free (sqlite);
}

static gboolean
sqlite_prepare (Sqlite *sqlite, const char *settings, GError **error)
{
  const char *const first[] = { BLOBS_SETTINGS, settings, BLOBS_SCHEMA };
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    if (!sqlite_check (sqlite, sqlite3_exec (sqlite->db, first[i], NULL, NULL, NULL) == 0,
                       "sqlite3_exec", error))
      return FALSE;
  for (guint i = 0; i < N_STATEMENTS; i++)
    if (!sqlite_check (sqlite,
                       sqlite3_prepare_v3 (sqlite->db, statement_texts[i], -1,
                                           SQLITE_PREPARE_PERSISTENT,
                                           &sqlite->statements[i], NULL) == SQLITE_OK,
                       statement_texts[i], error))
      return FALSE;
  return TRUE;
}

static gpointer
sqlite_open (const char *path, const char *settings, guint batch, GError **error)
{
  Sqlite *sqlite = g_new0 (Sqlite, 1);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  sqlite->peer = (Peer){ .slots = &sqlite_slots, .batch = batch };
  int result = sqlite3_open_v2 (path, &sqlite->db, flags, NULL);
  if (sqlite_check (sqlite, result == SQLITE_OK, "sqlite3_open_v2", error) &&
      sqlite_prepare (sqlite, settings, error))
    return sqlite;
  sqlite_close (sqlite);
  return NULL;
}

static gpointer
sqlite_open_in (const char *directory, const char *settings, guint batch, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "blobs.sqlite", NULL);
  return sqlite_open (path, settings, batch, error);
}

#define BLOBS_FILES "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
#define BLOBS_DURABLE "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"

static gpointer
sqlite_open_memory (const char *directory G_GNUC_UNUSED, GError **error)
{
  return sqlite_open (":memory:", "", 1, error);
}

static gpointer
sqlite_open_memory_batch (const char *directory G_GNUC_UNUSED, GError **error)
{
  return sqlite_open (":memory:", "", PEER_BATCH, error);
}

static gpointer
sqlite_open_files (const char *directory, GError **error)
{
  return sqlite_open_in (directory, BLOBS_FILES, 1, error);
}

static gpointer
sqlite_open_files_batch (const char *directory, GError **error)
{
  return sqlite_open_in (directory, BLOBS_FILES, PEER_BATCH, error);
}

static gpointer
sqlite_open_durable (const char *directory, GError **error)
{
  return sqlite_open_in (directory, BLOBS_DURABLE, 1, error);
}

static gpointer
sqlite_open_durable_batch (const char *directory, GError **error)
{
  return sqlite_open_in (directory, BLOBS_DURABLE, PEER_BATCH, error);
}

#define BLOBS_CALLS                                                                      \
  PEER_CALLS, [BENCH_GET_RANGE] = peer_get_range, [BENCH_DELETE] = peer_delete

const BenchEntrant sqlite_memory = {
  .name = "SQLite",
  .note = ":memory:; a transaction a blob; a get copies, and does not verify",
  .open = sqlite_open_memory,
  .close = sqlite_close,
  .calls = { BLOBS_CALLS, [BENCH_LIST] = sqlite_list },
};

const BenchEntrant sqlite_memory_batch = {
  .name = "SQLite, 64 a transaction",
  .note = ":memory:; a get copies, and does not verify",
  .open = sqlite_open_memory_batch,
  .close = sqlite_close,
  .calls = { BLOBS_CALLS },
};

const BenchEntrant sqlite_files = {
  .name = "SQLite",
  .note =
      "WAL, synchronous=OFF: a power cut may take all blobs; a transaction a blob; a get "
      "copies, and does not verify",
  .open = sqlite_open_files,
  .close = sqlite_close,
  .calls = { BLOBS_CALLS, [BENCH_LIST] = sqlite_list },
};

const BenchEntrant sqlite_files_batch = {
  .name = "SQLite, 64 a transaction",
  .note = "WAL, synchronous=OFF; a get copies, and does not verify",
  .open = sqlite_open_files_batch,
  .close = sqlite_close,
  .calls = { BLOBS_CALLS },
};

const BenchEntrant sqlite_durable = {
  .name = "SQLite",
  .note = "WAL, synchronous=FULL: a transaction a blob, and a sync of the log in each",
  .is_little = TRUE,
  .open = sqlite_open_durable,
  .close = sqlite_close,
  .calls = { BLOBS_CALLS },
};

const BenchEntrant sqlite_durable_batch = {
  .name = "SQLite, 64 a transaction",
  .note = "WAL, synchronous=FULL; none of the 64 is durable before all are",
  .open = sqlite_open_durable_batch,
  .close = sqlite_close,
  .calls = { BLOBS_CALLS },
};
