/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-txn.c: transactions, and the map that grows between them.
 *
 * LMDB may change the size of its map only while this process has no transaction. So each
 * transaction is counted, and who has to resize keeps new ones from beginning until those
 * under way have ended. (A lock for readers and writers would do the same, but the usual
 * one lets a stream of readers keep the writer out for ever.)
 *
 *   MDB_MAP_FULL     the map is too small: it is grown, and the work done again
 *   MDB_MAP_RESIZED  another process has grown it: its size is taken over
 *
 * Locks: LmdbPlace.lock guards the count; it is not held while mapping, committing or
 * waiting for LMDB's writer lock. That last wait can not be cancelled; the cancellable is
 * looked at before and after it.
 *
 * Failure modes: where there is no address space for a larger map the old one stays, and
 * the operation says UNAVAILABLE. LMDB has no map left where its own try fails; every
 * later transaction then says so as well. */
#include "lmdb-private.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Far more than can happen while each attempt finds a larger map. */
#define TXN_ATTEMPTS 200
#define TXN_GROWTH_MINIMUM (G_GUINT64_CONSTANT (1) << 20)

/* ---- The gate ---- */

/* Returns: the size of the map that the transaction will see. */
static int
gate_enter (LmdbPlace *place, guint64 *map_size, MDB_txn **idle)
{
  g_mutex_lock (&place->lock);
  while (place->is_resizing)
    g_cond_wait (&place->changed_cond, &place->lock);
  gboolean is_unmapped = place->is_unmapped;
  if (!is_unmapped)
    place->n_active++;
  *map_size = place->map_size;
  if (!is_unmapped && idle != NULL)
    *idle = place->n_idle > 0 ? place->idle[--place->n_idle] : NULL;
  g_mutex_unlock (&place->lock);
  return is_unmapped ? ENOMEM : 0;
}

/* idle: (nullable): a read that can be used again. Returns: (nullable): the same, where
 * there was no room for it */
static MDB_txn *
gate_leave (LmdbPlace *place, MDB_txn *idle)
{
  g_mutex_lock (&place->lock);
  if (idle != NULL && place->n_idle < place->idle_most)
    place->idle[place->n_idle++] = g_steal_pointer (&idle);
  if (--place->n_active == 0 && place->is_resizing)
    g_cond_broadcast (&place->changed_cond);
  g_mutex_unlock (&place->lock);
  return idle;
}

/* ---- The map ---- */

/* Whether so much address space can be had beside what is mapped: LMDB gives up the old
 * map before it asks for the new one. */
static gboolean
map_has_space (guint64 size)
{
  void *probe =
      mmap (NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return probe != MAP_FAILED && munmap (probe, size) == 0;
}

/* now: (inout): the size of the map. A size that is smaller than what is in use becomes
 * that. */
static int
map_set_size (LmdbPlace *place, guint64 size, guint64 *now, gboolean *is_unmapped)
{
  MDB_envinfo info;
  *is_unmapped = FALSE;
  if (!map_has_space (size))
    return ENOMEM;
  int code = mdb_env_set_mapsize (place->env, size);
  *is_unmapped = code != 0;
  if (code == 0 && mdb_env_info (place->env, &info) == 0)
    *now = info.me_mapsize;
  return code;
}

/* Resizes the map, unless somebody has since `seen`. */
static int
map_resize (LmdbPlace *place, guint64 seen, guint64 size)
{
  g_mutex_lock (&place->lock);
  while (place->is_resizing)
    g_cond_wait (&place->changed_cond, &place->lock);
  guint64 map_size = place->map_size;
  gboolean is_ours = map_size == seen && !place->is_unmapped;
  place->is_resizing = is_ours;
  while (is_ours && place->n_active > 0)
    g_cond_wait (&place->changed_cond, &place->lock);
  g_mutex_unlock (&place->lock);
  if (!is_ours)
    return 0;

  gboolean is_unmapped;
  int code = map_set_size (place, size, &map_size, &is_unmapped);
  g_mutex_lock (&place->lock);
  place->map_size = map_size;
  place->is_unmapped = is_unmapped;
  place->is_resizing = FALSE;
  g_cond_broadcast (&place->changed_cond);
  g_mutex_unlock (&place->lock);
  return code;
}

/* Beyond max-size, which bounds the pages in use, there is room for what LMDB writes
 * beside them: a removal writes new pages before it gives up old ones, and a store that
 * is full must not be full for that. */
static guint64
map_most (const LmdbPlace *place)
{
  guint64 most = place->settings.max_size + place->settings.max_size / 8 + (4 << 20);
  return most / place->page_size * place->page_size;
}

static int
map_grow (LmdbPlace *place, guint64 seen, guint64 need)
{
  guint64 step = MAX (seen, 2 * need + TXN_GROWTH_MINIMUM);
  guint64 size = MIN (seen + step, map_most (place));
  if (size <= seen)
    return MDB_MAP_FULL;
  return map_resize (place, seen, size / place->page_size * place->page_size);
}

/* Another process has written past the end of this one's map. */
static int
map_follow (LmdbPlace *place, guint64 seen)
{
  struct stat st;
  mdb_filehandle_t fd;
  guint64 used = seen;
  if (mdb_env_get_fd (place->env, &fd) == 0 && fstat (fd, &st) == 0 && st.st_size > 0)
    used = MAX (used, (guint64) st.st_size);
  return map_resize (place, seen, 2 * used / place->page_size * place->page_size);
}

/* ---- Opening ---- */

/* lmdb_open_begin: a transaction of whoever opens the place, while nobody else in this
 * process has it. Another process may write past the end of the map at any moment since
 * that was made. Returns: 0, or a code of LMDB's */
int
lmdb_open_begin (LmdbPlace *place, guint flags, MDB_txn **txn)
{
  int code = mdb_txn_begin (place->env, NULL, flags, txn);
  for (guint i = 1; i < TXN_ATTEMPTS && code == MDB_MAP_RESIZED; i++)
    {
      code = map_follow (place, place->map_size);
      if (code == 0)
        code = mdb_txn_begin (place->env, NULL, flags, txn);
    }
  return code;
}

/* ---- Reading ---- */

static int
read_start (LmdbPlace *place, MDB_txn **txn)
{
  int code = *txn != NULL ? mdb_txn_renew (*txn)
                          : mdb_txn_begin (place->env, NULL, MDB_RDONLY, txn);
  if (code == 0)
    return 0;
  if (*txn != NULL)
    mdb_txn_abort (g_steal_pointer (txn));
  return code;
}

static int
read_try (LmdbPlace *place, MDB_txn **txn, guint64 *map_size)
{
  int code = gate_enter (place, map_size, txn);
  if (code != 0)
    return code;
  code = read_start (place, txn);
  int dead = 0;
  /* Reads of processes that died keep their places in the table until somebody looks. */
  if (code == MDB_READERS_FULL && mdb_reader_check (place->env, &dead) == 0 && dead > 0)
    code = read_start (place, txn);
  if (code != 0)
    gate_leave (place, NULL);
  return code;
}

gboolean
lmdb_read_begin (LmdbPlace *place, LmdbRead *read, GCancellable *cancellable,
                 GError **error)
{
  int code = MDB_MAP_RESIZED;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  for (guint i = 0; i < TXN_ATTEMPTS && code == MDB_MAP_RESIZED; i++)
    {
      MDB_txn *txn = NULL;
      guint64 map_size;
      code = read_try (place, &txn, &map_size);
      if (code == 0)
        {
          *read = (LmdbRead){ .place = place, .txn = txn };
          return TRUE;
        }
      int followed = code == MDB_MAP_RESIZED ? map_follow (place, map_size) : 0;
      code = followed != 0 ? followed : code;
    }
  return lmdb_fail (code, "begin", error);
}

void
lmdb_read_end (LmdbRead *read)
{
  if (read->txn == NULL)
    return;
  mdb_txn_reset (read->txn);
  MDB_txn *left = gate_leave (read->place, g_steal_pointer (&read->txn));
  if (left != NULL)
    mdb_txn_abort (left);
}

/* ---- Writing ---- */

typedef struct
{
  LmdbPlace *place;
  LmdbWork work;
  gpointer data;
  GCancellable *cancellable;
} Write;

/* A file that was unlinked takes what is written, and nobody will see it again. */
static gboolean
write_is_gone (LmdbPlace *place)
{
  struct stat st;
  mdb_filehandle_t fd;
  return mdb_env_get_fd (place->env, &fd) == 0 && fstat (fd, &st) == 0 &&
         st.st_nlink == 0;
}

/* Returns: -1 where it was cancelled; no code of LMDB's is that. */
static int
write_try (const Write *write, guint64 *map_size)
{
  MDB_txn *txn;
  int code = gate_enter (write->place, map_size, NULL);
  if (code != 0)
    return code;
  code = mdb_txn_begin (write->place->env, NULL, 0, &txn);
  if (code == 0)
    {
      code = g_cancellable_is_cancelled (write->cancellable)
                 ? -1
                 : write->work (txn, write->data);
      if (code == 0)
        code = mdb_txn_commit (txn);
      else
        mdb_txn_abort (txn);
    }
  gate_leave (write->place, NULL);
  return code;
}

/* lmdb_write: does work in a transaction of its own, and commits it.
 *
 * need: how many bytes it is about to store */
gboolean
lmdb_write (LmdbPlace *place, LmdbWork work, gpointer data, guint64 need,
            GCancellable *cancellable, GError **error)
{
  const Write write = {
    .place = place, .work = work, .data = data, .cancellable = cancellable
  };
  if (place->is_read_only)
    return lmdb_fail_read_only (error);
  if (write_is_gone (place))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_GONE,
                           "environment: was removed while the store was open");
      return FALSE;
    }
  int code = 0;
  for (guint i = 0; i < TXN_ATTEMPTS; i++)
    {
      guint64 map_size;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      code = write_try (&write, &map_size);
      if (code == 0)
        return TRUE;
      if (code == -1)
        continue;
      if (code == MDB_MAP_FULL)
        code = map_grow (place, map_size, need);
      else if (code == MDB_MAP_RESIZED)
        code = map_follow (place, map_size);
      if (code != 0)
        break;
    }
  return lmdb_fail (code != 0 ? code : MDB_MAP_FULL, "commit", error);
}
