/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-private.h: what the files of the lmdb backend share.
 *
 * An environment has three databases. `meta` and `bytes` have the same keys: the
 * algorithm's byte and the hash, so that LMDB's order is the order of a listing. A value
 * of `meta` is a record of fixed size, which a freshening rewrites; a value of `bytes` is
 * the blob, which it leaves alone. `about` says what this environment is.
 *
 * Invariants:
 * - A key is in `meta` if and only if it is in `bytes`: both change in one transaction.
 * - What a transaction shows is as durable as the store promises: LMDB lets nobody see a
 *   commit before it has reached that. So a hit or an absence that is seen needs no sync.
 * - Nothing that points into the map leaves a transaction.
 * - A directory is open once in a process, for all its stores: LMDB's locks are the
 *   process's, and closing a second copy would drop them.
 *
 * Locks, in this order: LMDB's own writer lock, which every process shares and which is
 * held while a commit is synced; then LmdbPlace.lock, a leaf. places_lock (lmdb-place.c)
 * is taken with none of these held. */
#pragma once

#include <cask/cask-plugin.h>

#include <lmdb.h>

G_BEGIN_DECLS

/* In the order of the choices of the option. */
typedef enum
{
  LMDB_DURABILITY_NONE, /* no flush: MDB_NOSYNC */
  LMDB_DURABILITY_DATA, /* one, of the pages: MDB_NOMETASYNC */
  LMDB_DURABILITY_FULL  /* both */
} LmdbDurability;

/* What all stores of one directory in this process must agree on. */
typedef struct
{
  LmdbDurability durability;
  guint64 map_size;
  guint64 max_size;
  guint32 max_readers;
  guint32 reserved;
} LmdbSettings;

/* LMDB keeps the length of a value in 32 bits. */
#define LMDB_BLOB_MAXIMUM G_MAXUINT32

/* ---- lmdb-place.c: one environment, shared by the stores of its directory ---- */

typedef enum
{
  LMDB_PLACE_OPENING,
  LMDB_PLACE_READY,
  LMDB_PLACE_CLOSING
} LmdbPlaceState;

/* So many read transactions stay allocated between reads: beginning a new one takes a
 * lock that all processes share. Each keeps its place among max-readers, so where these
 * are few, fewer stay: processes that do nothing must not shut the others out. */
#define LMDB_IDLE_READS 16
#define LMDB_IDLE_SHARE 64

typedef struct
{
  guint64 device, inode; /* of the directory */
  guint users;           /* by places_lock, like state */
  LmdbPlaceState state;

  LmdbSettings settings;
  char *path;
  char *encoding; /* (nullable) */
  int directory;  /* holds the shared lock that says which durability is in use */
  gboolean is_read_only;
  gboolean may_make; /* an environment, or the databases of one that has nothing */
  MDB_env *env;
  MDB_dbi meta, bytes, about;
  guint page_size;

  GMutex lock;
  GCond changed_cond;   /* is_resizing became FALSE, or n_active 0 */
  guint64 map_size;     /* by lock */
  guint n_active;       /* by lock: transactions of this process */
  gboolean is_resizing; /* by lock: none may begin */
  gboolean
      is_unmapped; /* by lock: there was no address space, not even for the old map */
  guint n_idle;    /* by lock */
  guint idle_most; /* at most LMDB_IDLE_READS */
  MDB_txn *idle[LMDB_IDLE_READS]; /* by lock */
} LmdbPlace;

struct _CaskBackend
{
  LmdbPlace *place;
  gint64 freshen_usec;
  gboolean is_encoded;
};

LmdbPlace *lmdb_place_acquire (const CaskOpenArgs *args, const LmdbSettings *settings,
                               gboolean create, GError **error);
void lmdb_place_release (LmdbPlace *place);

/* ---- lmdb-about.c: what an environment says of itself ---- */

gboolean lmdb_about_open (LmdbPlace *place, GError **error);
int lmdb_about_get_version (MDB_txn *txn, const LmdbPlace *place, guint64 *version);
int lmdb_about_set_version (MDB_txn *txn, const LmdbPlace *place, guint64 version);

/* ---- lmdb-txn.c: transactions, and the map that grows between them ---- */

int lmdb_open_begin (LmdbPlace *place, guint flags, MDB_txn **txn);

typedef struct
{
  LmdbPlace *place;
  MDB_txn *txn;
} LmdbRead;

gboolean lmdb_read_begin (LmdbPlace *place, LmdbRead *read, GCancellable *cancellable,
                          GError **error);
void lmdb_read_end (LmdbRead *read);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LmdbRead, lmdb_read_end)

/* What is done in a write transaction. It may be called again, after a smaller map was
 * given up: it must not build on what an earlier call left in data. Returns: 0, or a code
 * of LMDB's with which nothing is committed */
typedef int (*LmdbWork) (MDB_txn *txn, gpointer data);

gboolean lmdb_write (LmdbPlace *place, LmdbWork work, gpointer data, guint64 need,
                     GCancellable *cancellable, GError **error);

/* ---- lmdb-errors.c ---- */

/* An error of the backend's own that a work returns: more than max-size. */
#define LMDB_OVER_MAXIMUM 1000000

gboolean lmdb_fail (int code, const char *what, GError **error);
gboolean lmdb_fail_absent (GError **error);
gboolean lmdb_fail_damaged (const char *what, GError **error);
gboolean lmdb_fail_read_only (GError **error);

/* ---- lmdb-record.c: keys and records ---- */

#define LMDB_KEY_MAXIMUM 65
#define LMDB_RECORD_SIZE 24

typedef struct
{
  MDB_val val; /* points to data */
  guint8 data[LMDB_KEY_MAXIMUM];
} LmdbKey;

typedef struct
{
  gint64 mtime_usec;
  guint64 size;
  guint64 version;
} LmdbRecord;

typedef enum
{
  LMDB_LOOK_ABSENT,
  LMDB_LOOK_FOUND,
  LMDB_LOOK_DAMAGED, /* something is there that this backend has not written */
  LMDB_LOOK_FAILED
} LmdbLook;

void lmdb_key_set (LmdbKey *key, const CaskDigest *digest);
gboolean lmdb_key_parse (const MDB_val *val, CaskDigest *digest);
gboolean lmdb_record_parse (const MDB_val *val, LmdbRecord *record);
int lmdb_record_put (MDB_txn *txn, const LmdbPlace *place, LmdbKey *key,
                     const LmdbRecord *record);
/* bytes: (nullable): (out): the blob, in the map */
LmdbLook lmdb_record_look (MDB_txn *txn, const LmdbPlace *place, LmdbKey *key,
                           LmdbRecord *record, MDB_val *bytes, int *code);
void lmdb_record_info (const LmdbRecord *record, const CaskDigest *digest,
                       CaskBlobInfo *info);

/* Whether the time is so old that a use must renew it. */
static inline gboolean
lmdb_record_is_stale (const CaskBackend *self, const LmdbRecord *record, gint64 now)
{
  return record->mtime_usec < now && now - record->mtime_usec >= self->freshen_usec;
}

/* ---- lmdb-read.c, lmdb-list.c, lmdb-write.c, lmdb-remove.c: the slots ---- */

GBytes *lmdb_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                  guint64 length, guint32 flags, CaskBlobInfo *info,
                  GCancellable *cancellable, GError **error);
gboolean lmdb_get_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                        GCancellable *cancellable, GError **error);
gboolean lmdb_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                    CaskBlobInfo *info, GCancellable *cancellable, GError **error);
gboolean lmdb_contains_many (CaskBackend *self, CaskItem *items, gsize n_items,
                             guint32 flags, GCancellable *cancellable, GError **error);
gboolean lmdb_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
                    CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
                    GCancellable *cancellable, GError **error);
gboolean lmdb_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                   guint32 flags, gboolean *created, GCancellable *cancellable,
                   GError **error);
gboolean lmdb_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                        GCancellable *cancellable, GError **error);
gboolean lmdb_remove (CaskBackend *self, const CaskDigest *digest,
                      gint64 unused_since_usec, CaskRemoved *outcome,
                      GCancellable *cancellable, GError **error);
gboolean lmdb_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                           gint64 unused_since_usec, GCancellable *cancellable,
                           GError **error);

/* The bytes that pages in use occupy, as this transaction leaves them. */
int lmdb_used_bytes (MDB_txn *txn, const LmdbPlace *place, guint64 *used);

G_END_DECLS
