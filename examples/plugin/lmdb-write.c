/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-write.c: putting blobs.
 *
 * The happy path of a hit is one read: the blob is there and its time is not due. All
 * else is done in a write transaction, which looks again: of many that put one blob, in
 * any processes, one finds it absent, and a removal comes before that look or after the
 * commit. One commit, and so one flush, serves all blobs of a run.
 *
 * Failure modes: a run is stored whole or not at all. A blob put over something damaged
 * replaces it, created = FALSE. */
#include "lmdb-private.h"

/* A run keeps its new pages in memory until the commit. */
#define WRITE_RUN_MOST 1024
#define WRITE_RUN_BYTES (32 * 1024 * 1024)

typedef struct
{
  CaskBackend *self;
  CaskItem **items;
  gsize n_items;
  guint32 flags;
} WriteRun;

/* Under a layer that encodes, a copy of another size may well be as good. */
static gboolean
write_replaces (const CaskBackend *self, LmdbLook look, const LmdbRecord *record,
                const CaskItem *item, guint32 flags)
{
  if (look == LMDB_LOOK_DAMAGED || (flags & CASK_PUT_REPLACE) != 0)
    return TRUE;
  return record->size != g_bytes_get_size (item->bytes) && !self->is_encoded;
}

/* ---- Hits that need no writing ---- */

static gboolean
write_is_plain_hit (const LmdbRead *read, const CaskBackend *self, const CaskItem *item,
                    guint32 flags)
{
  LmdbKey key;
  LmdbRecord record;
  int code;
  lmdb_key_set (&key, item->digest);
  LmdbLook look = lmdb_record_look (read->txn, self->place, &key, &record, NULL, &code);
  return look == LMDB_LOOK_FOUND && !write_replaces (self, look, &record, item, flags) &&
         !lmdb_record_is_stale (self, &record, g_get_real_time ());
}

/* Leaves in run what has to be written; an error here comes again there. */
static gboolean
write_skip_hits (WriteRun *run, GCancellable *cancellable, GError **error)
{
  g_auto (LmdbRead) read = { NULL, NULL };
  if (!lmdb_read_begin (run->self->place, &read, cancellable, error))
    return FALSE;
  gsize left = 0;
  for (gsize i = 0; i < run->n_items; i++)
    if (write_is_plain_hit (&read, run->self, run->items[i], run->flags))
      run->items[i]->outcome = FALSE;
    else
      run->items[left++] = run->items[i];
  run->n_items = left;
  return TRUE;
}

/* ---- Storing ---- */

static int
write_store (MDB_txn *txn, const LmdbPlace *place, LmdbKey *key, GBytes *bytes,
             const LmdbRecord *record)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  MDB_val value = { .mv_size = size };
  int code = mdb_put (txn, place->bytes, &key->val, &value, MDB_RESERVE);
  if (code != 0)
    return code;
  if (size > 0)
    memcpy (value.mv_data, data, size);
  return lmdb_record_put (txn, place, key, record);
}

static int
write_item (MDB_txn *txn, const WriteRun *run, CaskItem *item, guint64 *version)
{
  LmdbKey key;
  LmdbRecord record;
  int code = 0;
  gint64 now = g_get_real_time ();
  lmdb_key_set (&key, item->digest);
  LmdbLook look = lmdb_record_look (txn, run->self->place, &key, &record, NULL, &code);
  if (look == LMDB_LOOK_FAILED)
    return code;
  item->outcome = look == LMDB_LOOK_ABSENT;
  if (look == LMDB_LOOK_ABSENT ||
      write_replaces (run->self, look, &record, item, run->flags))
    {
      record = (LmdbRecord){ .mtime_usec = now,
                             .size = g_bytes_get_size (item->bytes),
                             .version = ++*version };
      return write_store (txn, run->self->place, &key, item->bytes, &record);
    }
  if (!lmdb_record_is_stale (run->self, &record, now))
    return 0;
  record.mtime_usec = now;
  return lmdb_record_put (txn, run->self->place, &key, &record);
}

/* lmdb_used_bytes: counts the pages that the databases have, free ones not: those can be
 * used again. */
int
lmdb_used_bytes (MDB_txn *txn, const LmdbPlace *place, guint64 *used)
{
  const MDB_dbi databases[] = { place->meta, place->bytes, place->about };
  *used = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (databases); i++)
    {
      MDB_stat st;
      int code = mdb_stat (txn, databases[i], &st);
      if (code != 0)
        return code;
      *used += (guint64) st.ms_psize *
               (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages);
    }
  return 0;
}

/* The limit is looked at where something was stored: a hit in a full store is a hit. */
static int
write_work (MDB_txn *txn, gpointer data)
{
  const WriteRun *run = data;
  const LmdbPlace *place = run->self->place;
  guint64 before, version, used;
  int code = lmdb_about_get_version (txn, place, &before);
  version = before;
  for (gsize i = 0; code == 0 && i < run->n_items; i++)
    code = write_item (txn, run, run->items[i], &version);
  if (code != 0 || version == before)
    return code;
  code = lmdb_about_set_version (txn, place, version);
  if (code == 0)
    code = lmdb_used_bytes (txn, place, &used);
  if (code == 0 && used > place->settings.max_size)
    code = LMDB_OVER_MAXIMUM;
  return code;
}

static guint64
write_need (const WriteRun *run)
{
  guint64 need = 0;
  for (gsize i = 0; i < run->n_items; i++)
    need += g_bytes_get_size (run->items[i]->bytes);
  return need;
}

static gboolean
write_run (WriteRun *run, GCancellable *cancellable, GError **error)
{
  if (!write_skip_hits (run, cancellable, error))
    return FALSE;
  if (run->n_items == 0)
    return TRUE;
  return lmdb_write (run->self->place, write_work, run, write_need (run), cancellable,
                     error);
}

/* Where all of a run did not fit, each of it may: it is tried by itself. */
static void
write_run_items (WriteRun *run, GCancellable *cancellable)
{
  GError *failure = NULL;
  gsize n_items = run->n_items;
  if (write_run (run, cancellable, &failure))
    return;
  gboolean is_crowded =
      n_items > 1 && (g_error_matches (failure, CASK_ERROR, CASK_ERROR_NO_SPACE) ||
                      g_error_matches (failure, CASK_ERROR, CASK_ERROR_TOO_LARGE));
  for (gsize i = 0; i < run->n_items; i++)
    {
      WriteRun one = { run->self, &run->items[i], 1, run->flags };
      CaskItem *item = run->items[i];
      if (!is_crowded)
        item->error = g_error_copy (failure);
      else
        write_run (&one, cancellable, &item->error);
    }
  g_error_free (failure);
}

static gboolean
write_check (LmdbPlace *place, GBytes *bytes, GError **error)
{
  gsize size = g_bytes_get_size (bytes);
  if (place->is_read_only)
    return lmdb_fail_read_only (error);
  if (size <= LMDB_BLOB_MAXIMUM && size <= place->settings.max_size)
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
               "%" G_GSIZE_FORMAT " bytes: more than an environment takes in one blob",
               size);
  return FALSE;
}

gboolean
lmdb_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
               GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  CaskItem *run_items[WRITE_RUN_MOST];
  WriteRun run = { .self = self, .items = run_items, .flags = flags };
  gsize bytes = 0;
  for (gsize i = 0; i < n_items; i++)
    {
      if (!write_check (self->place, items[i].bytes, &items[i].error))
        continue;
      run_items[run.n_items++] = &items[i];
      bytes += g_bytes_get_size (items[i].bytes);
      if (run.n_items < WRITE_RUN_MOST && bytes < WRITE_RUN_BYTES)
        continue;
      write_run_items (&run, cancellable);
      run.n_items = bytes = 0;
    }
  if (run.n_items > 0)
    write_run_items (&run, cancellable);
  return TRUE;
}

gboolean
lmdb_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  CaskItem item = { .digest = digest, .bytes = bytes };
  CaskItem *items[] = { &item };
  WriteRun run = { .self = self, .items = items, .n_items = 1, .flags = flags };
  if (!write_check (self->place, bytes, error) || !write_run (&run, cancellable, error))
    return FALSE;
  *created = item.outcome != 0;
  return TRUE;
}
