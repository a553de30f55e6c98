/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.h: what the entrants of the peers share.
 *
 * Each does what a program would that keeps blobs with that library and wants it fast:
 * what promises more than the field asks is switched off, statements are prepared,
 * handles are kept. What a peer does beyond keeping bytes (compress, verify) is its own
 * way, is kept where it can not be switched off by a documented option, and is named in
 * the entrant's note. */
#pragma once

#include "bench.h"

/* As many as Cask's pool takes in one batch. */
#define PEER_BATCH 64

/* ---- One blob after another (peer.c) ---- */

typedef struct
{
  /* (nullable): the others are called between these two, as many times as a batch has
   * blobs. What is not good is taken back. */
  gboolean (*begin) (gpointer place, gboolean is_write, GError **error);
  gboolean (*end) (gpointer place, gboolean is_write, gboolean is_good, GError **error);
  gboolean (*put) (gpointer place, const BenchBlob *blob, GError **error);
  gboolean (*remove) (gpointer place, const BenchBlob *blob, GError **error);
  /* Returns: (transfer full): bytes that stay after end () */
  GBytes *(*get) (gpointer place, const BenchBlob *blob, gboolean is_whole,
                  GError **error);
  /* Returns: 1 where it is there, 0 where it is not, -1 with an error */
  int (*has) (gpointer place, const BenchBlob *blob, GError **error);
} PeerSlots;

/* What each entrant's place begins with. */
typedef struct
{
  const PeerSlots *slots;
  guint batch;                 /* blobs between begin and end */
  const BenchBlob *checked[2]; /* sets whose bytes were compared: whole, parts */
  gboolean is_first;           /* the set at hand was not */
} Peer;

/* BenchCalls. A get compares every byte when it meets a set for the first time, which is
 * the warm-up, and only the size from then on. */
gboolean peer_put (gpointer place, const BenchBlob *blobs, guint n, GError **error);
gboolean peer_get (gpointer place, const BenchBlob *blobs, guint n, GError **error);
gboolean peer_get_range (gpointer place, const BenchBlob *blobs, guint n, GError **error);
gboolean peer_contains (gpointer place, const BenchBlob *blobs, guint n, GError **error);
gboolean peer_contains_absent (gpointer place, const BenchBlob *blobs, guint n,
                               GError **error);
gboolean peer_delete (gpointer place, const BenchBlob *blobs, guint n, GError **error);

#define PEER_CALLS                                                                       \
  [BENCH_PUT_NEW] = peer_put, [BENCH_PUT_EXISTING] = peer_put, [BENCH_GET] = peer_get,   \
  [BENCH_CONTAINS] = peer_contains, [BENCH_CONTAINS_ABSENT] = peer_contains_absent

/* The part of a blob that is asked for. Returns: where it begins */
gsize peer_range (gsize size, gboolean is_whole, gsize *length);
/* Whether a list found what is there. Names are elements of one size. */
gboolean peer_list (GArray *names, gboolean is_sorted, guint n, GError **error);
gboolean peer_fail (GError **error, const char *call, const char *why);

/* ---- What a peer calls a blob, where it is not by SHA-256 of its bytes (peer.c) ---- */

#define PEER_NAME_MAX 65

GHashTable *peer_names_new (void);
void peer_names_add (GHashTable *names, const BenchBlob *blob, const void *name,
                     gsize size);
/* Returns: (transfer none) (nullable) */
const void *peer_names_find (GHashTable *names, const BenchBlob *blob);
void peer_names_remove (GHashTable *names, const BenchBlob *blob);

/* ---- The entrants ---- */

extern const BenchEntrant git_memory, git_files, git_durable;
extern const BenchEntrant ostree_files, ostree_durable, ostree_durable_batch;
extern const BenchEntrant lmdb_files, lmdb_files_batch, lmdb_durable, lmdb_durable_batch;
extern const BenchEntrant sqlite_memory, sqlite_memory_batch, sqlite_files,
    sqlite_files_batch, sqlite_durable, sqlite_durable_batch;
