/* SPDX-License-Identifier: Apache-2.0
 *
 * git.c: libgit2's loose object database, and its memory pack.
 *
 * A put is git_odb_write: it takes the SHA-1 of a header and the bytes (with detection of
 * collisions), renews the times of an object that is there, and else writes a temporary
 * file through zlib and renames it. Level 1 is the lowest that can be used, and what
 * libgit2 takes by itself: at level 0 its version 1.5 writes objects without zlib's
 * framing, which it can not read again. A get reads, inflates and takes the SHA-1 again,
 * which is the default and kept. Objects are named by SHA-1, so the entrant keeps a
 * table from digest to object id, and takes no SHA-256 itself.
 *
 * Its fsync is of the file and of the directory it is renamed into. It knows no delete
 * and no reading of a part; a memory pack knows no list either. */
#include "peers.h"

#include <git2.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <string.h>

#define GIT_STORE_LEVEL 1

typedef struct
{
  Peer peer;
  git_odb *odb;
  GHashTable *names;
} Git;

static gboolean
git_fail (const char *call, GError **error)
{
  const git_error *last = git_error_last ();
  return peer_fail (error, call, last ? last->message : NULL);
}

/* ---- Operations ---- */

/* What nobody has put has no object id: its first bytes are one that nobody has. */
static void
git_id (const Git *git, const BenchBlob *blob, git_oid *id)
{
  const void *name = peer_names_find (git->names, blob);
  git_oid_fromraw (id, name ? name : blob->digest.bytes);
}

static gboolean
git_put_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Git *git = place;
  git_oid id;
  gsize size;
  const void *data = g_bytes_get_data (blob->bytes, &size);
  if (git_odb_write (&id, git->odb, data ? data : "", size, GIT_OBJECT_BLOB) != 0)
    return git_fail ("git_odb_write", error);
  peer_names_add (git->names, blob, id.id, GIT_OID_RAWSZ);
  return TRUE;
}

/* The library's own copy is kept as long as the GBytes is: nothing is copied twice. */
static GBytes *
git_get_one (gpointer place, const BenchBlob *blob, gboolean is_whole G_GNUC_UNUSED,
             GError **error)
{
  Git *git = place;
  git_odb_object *object;
  git_oid id;
  git_id (git, blob, &id);
  if (git_odb_read (&object, git->odb, &id) == 0)
    return g_bytes_new_with_free_func (git_odb_object_data (object),
                                       git_odb_object_size (object),
                                       (GDestroyNotify) git_odb_object_free, object);
  git_fail ("git_odb_read", error);
  return NULL;
}

static int
git_has_one (gpointer place, const BenchBlob *blob, GError **error G_GNUC_UNUSED)
{
  Git *git = place;
  git_oid id;
  git_id (git, blob, &id);
  return git_odb_exists_ext (git->odb, &id, GIT_ODB_LOOKUP_NO_REFRESH);
}

static int
git_list_one (const git_oid *id, void *user_data)
{
  GArray *names = user_data;
  g_array_append_val (names, *id);
  return 0;
}

static gboolean
git_list (gpointer place, const BenchBlob *blobs G_GNUC_UNUSED, guint n_blobs,
          GError **error)
{
  Git *git = place;
  g_autoptr (GArray) names = g_array_new (FALSE, FALSE, sizeof (git_oid));
  if (git_odb_foreach (git->odb, git_list_one, names) != 0)
    return git_fail ("git_odb_foreach", error);
  return peer_list (names, FALSE, n_blobs, error);
}

static const PeerSlots git_slots = { .put = git_put_one,
                                     .get = git_get_one,
                                     .has = git_has_one };

/* ---- Open, close ---- */

static void
git_close (gpointer place)
{
  Git *git = place;
  git_odb_free (git->odb);
  g_hash_table_unref (git->names);
  g_free (git);
  git_libgit2_shutdown ();
}

/* Takes the backend, which is NULL where it could not be made. */
static gpointer
git_open_on (git_odb_backend *backend, GError **error)
{
  Git *git = g_new0 (Git, 1);
  git->peer = (Peer){ .slots = &git_slots, .batch = 1 };
  git->names = peer_names_new ();
  if (backend && git_odb_new (&git->odb) == 0 &&
      git_odb_add_backend (git->odb, backend, 1) == 0)
    return git;
  git_fail ("git_odb_new", error);
  git_close (git);
  return NULL;
}

static gpointer
git_open_loose (const char *directory, gboolean is_durable, GError **error)
{
  git_odb_backend *backend = NULL;
  git_libgit2_init ();
  git_odb_backend_loose (&backend, directory, GIT_STORE_LEVEL, is_durable, 0, 0);
  return git_open_on (backend, error);
}

static gpointer
git_open_files (const char *directory, GError **error)
{
  return git_open_loose (directory, FALSE, error);
}

static gpointer
git_open_durable (const char *directory, GError **error)
{
  return git_open_loose (directory, TRUE, error);
}

static gpointer
git_open_memory (const char *directory G_GNUC_UNUSED, GError **error)
{
  git_odb_backend *backend = NULL;
  git_libgit2_init ();
  git_mempack_new (&backend);
  return git_open_on (backend, error);
}

const BenchEntrant git_memory = {
  .name = "libgit2",
  .note =
      "git_mempack; SHA-1 where the others take SHA-256; a get verifies; frees nothing "
      "before it is closed, so takes no blobs above 1 MiB",
  .max_size = 1 << 20,
  .open = git_open_memory,
  .close = git_close,
  .calls = { PEER_CALLS },
};

const BenchEntrant git_files = {
  .name = "libgit2",
  .note = "loose objects; SHA-1; zlib at level 1; a get verifies; fsync off, as by "
          "default",
  .open = git_open_files,
  .close = git_close,
  .calls = { PEER_CALLS, [BENCH_LIST] = git_list },
};

const BenchEntrant git_durable = {
  .name = "libgit2",
  .note = "loose objects; SHA-1; zlib at level 1; fsync of the file and of its directory",
  .is_little = TRUE,
  .open = git_open_durable,
  .close = git_close,
  .calls = { PEER_CALLS },
};
