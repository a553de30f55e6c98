/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-list.c: a page of a listing.
 *
 * A page is one snapshot, read from where the last one ended. What is no record of ours
 * is left out, as every other slot calls it CORRUPT. */
#include "lmdb-private.h"

/* Between so many entries the cancellable is looked at. */
#define LIST_STEP 256

typedef struct
{
  MDB_cursor *cursor;
  CaskBlobInfo *infos;
  guint32 room, filled;
  gboolean more;
} ListWalk;

/* Stands the cursor at the first entry behind `after`. */
static int
list_seek (MDB_cursor *cursor, const CaskDigest *after, MDB_val *key, MDB_val *val)
{
  LmdbKey start;
  if (after == NULL)
    return mdb_cursor_get (cursor, key, val, MDB_FIRST);
  lmdb_key_set (&start, after);
  *key = start.val;
  int code = mdb_cursor_get (cursor, key, val, MDB_SET_RANGE);
  if (code == 0 && key->mv_size == start.val.mv_size &&
      memcmp (key->mv_data, start.data, key->mv_size) == 0)
    code = mdb_cursor_get (cursor, key, val, MDB_NEXT);
  return code;
}

/* Returns: FALSE where the page is full */
static gboolean
list_take (ListWalk *walk, const MDB_val *key, const MDB_val *val)
{
  CaskDigest digest;
  LmdbRecord record;
  if (!lmdb_key_parse (key, &digest) || !lmdb_record_parse (val, &record))
    return TRUE;
  walk->more = walk->filled == walk->room;
  if (walk->more)
    return FALSE;
  lmdb_record_info (&record, &digest, &walk->infos[walk->filled++]);
  return TRUE;
}

static gboolean
list_walk (ListWalk *walk, const CaskDigest *after, GCancellable *cancellable,
           GError **error)
{
  MDB_val key, val;
  int code = list_seek (walk->cursor, after, &key, &val);
  for (guint i = 1; code == 0 && list_take (walk, &key, &val); i++)
    {
      if (i % LIST_STEP == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      code = mdb_cursor_get (walk->cursor, &key, &val, MDB_NEXT);
    }
  return code == 0 || code == MDB_NOTFOUND || lmdb_fail (code, "list", error);
}

gboolean
lmdb_list (CaskBackend *self, const CaskDigest *after, G_GNUC_UNUSED guint32 flags,
           CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
           GCancellable *cancellable, GError **error)
{
  g_auto (LmdbRead) read = { NULL, NULL };
  ListWalk walk = { .infos = infos, .room = *n_infos };
  if (!lmdb_read_begin (self->place, &read, cancellable, error))
    return FALSE;
  int code = mdb_cursor_open (read.txn, self->place->meta, &walk.cursor);
  if (code != 0)
    return lmdb_fail (code, "list", error);
  gboolean success = list_walk (&walk, after, cancellable, error);
  /* A read transaction does not close its cursors. */
  mdb_cursor_close (walk.cursor);
  if (!success)
    return FALSE;
  *n_infos = walk.filled;
  *more = walk.more;
  return TRUE;
}
