/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-read.c: get, stat, contains.
 *
 * A read is one transaction: a snapshot, which waits for no writer and lets none wait.
 * What is read is copied out of the map before it ends; a page of the map may be another
 * blob's the moment after. Transactions are kept short, because while one is open no page
 * that was freed since can be used again: batches are read in runs.
 *
 * There is no try_get and no try_stat: a page of the map that is not in memory is read
 * from the disk by whoever touches it, and that can not be known before. */
#include "lmdb-private.h"

#include <sys/mman.h>

#define READ_RUN_MOST 64
#define READ_LARGE (64 * 1024)

static gboolean
read_fail_look (LmdbLook look, int code, GError **error)
{
  if (look == LMDB_LOOK_ABSENT)
    return lmdb_fail_absent (error);
  if (look == LMDB_LOOK_DAMAGED)
    return lmdb_fail_damaged ("what it has for the blob does not fit together", error);
  return lmdb_fail (code, "read", error);
}

/* The pages stay in the page cache; this process need not seem to own as much memory as
 * it has read of large blobs. */
static void
read_let_go (const LmdbPlace *place, const guint8 *data, gsize length)
{
  guintptr page = place->page_size;
  guintptr start = ((guintptr) data + page - 1) / page * page;
  guintptr end = ((guintptr) data + length) / page * page;
  if (end > start)
    madvise ((void *) start, end - start, MADV_DONTNEED);
}

static GBytes *
read_copy (const LmdbPlace *place, const MDB_val *value, guint64 offset, guint64 length,
           GError **error)
{
  const guint8 *data = (const guint8 *) value->mv_data + offset;
  if (length == 0)
    return g_bytes_new (NULL, 0);
  gpointer copy = g_try_malloc (length);
  if (copy == NULL)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
                   "no memory for %" G_GUINT64_FORMAT " bytes", length);
      return NULL;
    }
  memcpy (copy, data, length);
  if (length >= READ_LARGE)
    read_let_go (place, data, length);
  return g_bytes_new_take (copy, length);
}

static GBytes *
read_range (const LmdbRead *read, const CaskDigest *digest, guint64 offset,
            guint64 length, CaskBlobInfo *info, GError **error)
{
  LmdbKey key;
  LmdbRecord record;
  MDB_val value;
  int code = 0;
  lmdb_key_set (&key, digest);
  LmdbLook look = lmdb_record_look (read->txn, read->place, &key, &record, &value, &code);
  if (look != LMDB_LOOK_FOUND)
    {
      read_fail_look (look, code, error);
      return NULL;
    }
  if (!cask_range_clamp (record.size, offset, &length))
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                   "range: starts at %" G_GUINT64_FORMAT
                   ", past the end of %" G_GUINT64_FORMAT " bytes",
                   offset, record.size);
      return NULL;
    }
  if (info != NULL)
    lmdb_record_info (&record, digest, info);
  return read_copy (read->place, &value, offset, length, error);
}

GBytes *
lmdb_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          G_GNUC_UNUSED guint32 flags, CaskBlobInfo *info, GCancellable *cancellable,
          GError **error)
{
  g_auto (LmdbRead) read = { NULL, NULL };
  if (!lmdb_read_begin (self->place, &read, cancellable, error))
    return NULL;
  return read_range (&read, digest, offset, length, info, error);
}

/* An item whose run could not begin fails for itself: those before it stand. */
gboolean
lmdb_get_many (CaskBackend *self, CaskItem *items, gsize n_items,
               G_GNUC_UNUSED guint32 flags, GCancellable *cancellable,
               G_GNUC_UNUSED GError **error)
{
  for (gsize done = 0; done < n_items; done += READ_RUN_MOST)
    {
      GError *failure = NULL;
      g_auto (LmdbRead) read = { NULL, NULL };
      lmdb_read_begin (self->place, &read, cancellable, &failure);
      for (gsize i = done; i < MIN (n_items, done + READ_RUN_MOST); i++)
        if (failure != NULL)
          items[i].error = g_error_copy (failure);
        else
          items[i].bytes = read_range (&read, items[i].digest, 0, CASK_TO_END,
                                       items[i].info, &items[i].error);
      g_clear_error (&failure);
    }
  return TRUE;
}

/* ---- Looking, and renewing the time of what was looked for ---- */

typedef struct
{
  CaskBackend *self;
  CaskItem *items;
  gsize n_items;
  GArray *stale; /* of gsize: the items whose time is due */
} Look;

/* now: 0 where nothing is to be renewed. Returns: 0, or a code of LMDB's */
static int
look_at (MDB_txn *txn, const CaskBackend *self, CaskItem *item, gint64 now, LmdbKey *key,
         LmdbRecord *record, gboolean *is_stale)
{
  int code = 0;
  lmdb_key_set (key, item->digest);
  LmdbLook look = lmdb_record_look (txn, self->place, key, record, NULL, &code);
  g_clear_error (&item->error);
  item->outcome = look == LMDB_LOOK_FOUND;
  *is_stale = FALSE;
  if (look == LMDB_LOOK_DAMAGED)
    read_fail_look (look, code, &item->error);
  if (look != LMDB_LOOK_FOUND)
    return code;
  *is_stale = now != 0 && lmdb_record_is_stale (self, record, now);
  if (item->info != NULL)
    lmdb_record_info (record, item->digest, item->info);
  return 0;
}

static int
look_run (const Look *look, const LmdbRead *read, gsize start, gsize end, gint64 now)
{
  LmdbKey key;
  LmdbRecord record;
  for (gsize i = start; i < end; i++)
    {
      gboolean is_stale;
      int code =
          look_at (read->txn, look->self, &look->items[i], now, &key, &record, &is_stale);
      if (code != 0)
        return code;
      if (is_stale)
        g_array_append_val (look->stale, i);
    }
  return 0;
}

/* What was there may have been removed since, and then it is absent. */
static int
look_freshen (MDB_txn *txn, gpointer data)
{
  const Look *look = data;
  gint64 now = g_get_real_time ();
  for (guint i = 0; i < look->stale->len; i++)
    {
      LmdbKey key;
      LmdbRecord record;
      gboolean is_stale;
      CaskItem *item = &look->items[g_array_index (look->stale, gsize, i)];
      int code = look_at (txn, look->self, item, now, &key, &record, &is_stale);
      if (code == 0 && is_stale)
        {
          record.mtime_usec = now;
          code = lmdb_record_put (txn, look->self->place, &key, &record);
        }
      if (code == 0 && is_stale && item->info != NULL)
        lmdb_record_info (&record, item->digest, item->info);
      if (code != 0)
        return code;
    }
  return 0;
}

static gboolean
look_all (Look *look, gint64 now, GCancellable *cancellable, GError **error)
{
  for (gsize done = 0; done < look->n_items; done += READ_RUN_MOST)
    {
      g_auto (LmdbRead) read = { NULL, NULL };
      if (!lmdb_read_begin (look->self->place, &read, cancellable, error))
        return FALSE;
      gsize end = MIN (look->n_items, done + READ_RUN_MOST);
      int code = look_run (look, &read, done, end, now);
      if (code != 0)
        return lmdb_fail (code, "read", error);
    }
  return TRUE;
}

gboolean
lmdb_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                    GCancellable *cancellable, GError **error)
{
  gint64 now = (flags & CASK_STAT_FRESHEN) != 0 ? g_get_real_time () : 0;
  g_autoptr (GArray) stale = g_array_new (FALSE, FALSE, sizeof (gsize));
  Look look = { .self = self, .items = items, .n_items = n_items, .stale = stale };
  gboolean done = look_all (&look, now, cancellable, error) &&
                  (stale->len == 0 ||
                   lmdb_write (self->place, look_freshen, &look, 0, cancellable, error));
  for (gsize i = 0; !done && i < n_items; i++)
    g_clear_error (&items[i].error);
  return done;
}

gboolean
lmdb_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  CaskItem item = { .digest = digest, .info = info };
  if (!lmdb_contains_many (self, &item, 1, flags, cancellable, error))
    return FALSE;
  if (item.error != NULL)
    g_propagate_error (error, item.error);
  else if (item.outcome == 0)
    lmdb_fail_absent (error);
  return item.outcome != 0;
}
