/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-remove.c: removing blobs.
 *
 * The test of the age and the removal are in one write transaction, and so is every
 * freshening: one of them comes first, in whatever processes they are. */
#include "lmdb-private.h"

/* A removal touches a few pages of each database; a run keeps them until the commit. */
#define REMOVE_RUN_MOST 1024

typedef struct
{
  CaskBackend *self;
  CaskItem *items;
  gsize n_items;
  gint64 unused_since_usec;
} RemoveRun;

static int
remove_from (MDB_txn *txn, MDB_dbi database, LmdbKey *key)
{
  int code = mdb_del (txn, database, &key->val, NULL);
  return code == MDB_NOTFOUND ? 0 : code;
}

/* What is damaged has no age: only who asks for none gets it removed. */
static int
remove_item (MDB_txn *txn, const RemoveRun *run, CaskItem *item)
{
  LmdbKey key;
  LmdbRecord record;
  const LmdbPlace *place = run->self->place;
  gboolean is_always = run->unused_since_usec == CASK_ALWAYS;
  int code = 0;
  lmdb_key_set (&key, item->digest);
  LmdbLook look = lmdb_record_look (txn, place, &key, &record, NULL, &code);
  g_clear_error (&item->error);
  item->outcome = CASK_REMOVED_ABSENT;
  if (look == LMDB_LOOK_FAILED || look == LMDB_LOOK_ABSENT)
    return code;
  item->outcome = CASK_REMOVED_KEPT;
  if (look == LMDB_LOOK_DAMAGED && !is_always)
    {
      lmdb_fail_damaged ("what it has for the blob has no time", &item->error);
      return 0;
    }
  if (!is_always && record.mtime_usec >= run->unused_since_usec)
    return 0;
  item->outcome = CASK_REMOVED_DONE;
  code = remove_from (txn, place->meta, &key);
  return code == 0 ? remove_from (txn, place->bytes, &key) : code;
}

static int
remove_work (MDB_txn *txn, gpointer data)
{
  const RemoveRun *run = data;
  int code = 0;
  for (gsize i = 0; code == 0 && i < run->n_items; i++)
    code = remove_item (txn, run, &run->items[i]);
  return code;
}

static void
remove_run (RemoveRun *run, GCancellable *cancellable)
{
  GError *failure = NULL;
  if (lmdb_write (run->self->place, remove_work, run, 0, cancellable, &failure))
    return;
  for (gsize i = 0; i < run->n_items; i++)
    {
      g_clear_error (&run->items[i].error);
      run->items[i].error = g_error_copy (failure);
    }
  g_error_free (failure);
}

gboolean
lmdb_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                  gint64 unused_since_usec, GCancellable *cancellable,
                  G_GNUC_UNUSED GError **error)
{
  for (gsize done = 0; done < n_items; done += REMOVE_RUN_MOST)
    {
      RemoveRun run = { .self = self,
                        .items = items + done,
                        .n_items = MIN (n_items - done, REMOVE_RUN_MOST),
                        .unused_since_usec = unused_since_usec };
      remove_run (&run, cancellable);
    }
  return TRUE;
}

gboolean
lmdb_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  CaskItem item = { .digest = digest };
  lmdb_remove_many (self, &item, 1, unused_since_usec, cancellable, NULL);
  if (item.error != NULL)
    {
      g_propagate_error (error, item.error);
      return FALSE;
    }
  *outcome = (CaskRemoved) item.outcome;
  return TRUE;
}
