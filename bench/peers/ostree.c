/* SPDX-License-Identifier: Apache-2.0
 *
 * ostree.c: libostree's content objects, in a repository of mode bare-user-only.
 *
 * That mode keeps least beside the bytes: no owner, no extended attributes. A put takes
 * the SHA-256 of a header and the bytes, asks for it, and writes what is not there by
 * ostree_repo_write_content_trusted, which does not hash again: a file without a name
 * that is linked. (ostree_repo_write_regfile_inline is one call, but writes a file also
 * for what is there, and drops it; ext4 then looks past each such inode for a minute, in
 * everybody's puts.) Objects are named by that sum, so the entrant keeps a table from
 * digest to checksum, and takes no other SHA-256. A get does not verify; a part is read
 * by pread from the descriptor that the stream of a bare repository is on.
 *
 * Without fsync an object is in its place when the call returns, and no transaction is
 * needed. With it only the commit of a transaction syncs directories (all of them, after
 * a syncfs): objects are durable only after that, so the durable entrants put each
 * blob, or 64, into a transaction. core.per-object-fsync is left off: the commit
 * calls syncfs all the same, and each file would be synced twice. */
#include "peers.h"

#include <gio/gfiledescriptorbased.h>
#include <errno.h>
#include <fcntl.h>
#include <ostree.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OSTREE_STORE_MODE (S_IFREG | 0644)

typedef struct
{
  Peer peer;
  OstreeRepo *repo;
  GFileInfo *info; /* of the blob that is being put */
  GHashTable *names;
} Ostree;

/* ---- Put ---- */

/* The bytes come from memory, so they can be read again. */
static gboolean
ostree_write (Ostree *ostree, GInputStream *bytes, const char *checksum, GError **error)
{
  g_autoptr (GInputStream) content = NULL;
  guint64 length;
  return g_seekable_seek (G_SEEKABLE (bytes), 0, G_SEEK_SET, NULL, error) &&
         ostree_raw_file_to_content_stream (bytes, ostree->info, NULL, &content, &length,
                                            NULL, error) &&
         ostree_repo_write_content_trusted (ostree->repo, checksum, content, length, NULL,
                                            error);
}

static gboolean
ostree_put_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Ostree *ostree = place;
  g_autoptr (GInputStream) bytes = g_memory_input_stream_new_from_bytes (blob->bytes);
  g_autofree guchar *sum = NULL;
  char checksum[OSTREE_SHA256_STRING_LEN + 1];
  gboolean is_there;
  g_file_info_set_size (ostree->info, (goffset) g_bytes_get_size (blob->bytes));
  if (!ostree_checksum_file_from_input (ostree->info, NULL, bytes,
                                        OSTREE_OBJECT_TYPE_FILE, &sum, NULL, error))
    return FALSE;
  ostree_checksum_inplace_from_bytes (sum, checksum);
  if (!ostree_repo_has_object (ostree->repo, OSTREE_OBJECT_TYPE_FILE, checksum, &is_there,
                               NULL, error) ||
      (!is_there && !ostree_write (ostree, bytes, checksum, error)))
    return FALSE;
  peer_names_add (ostree->names, blob, checksum, sizeof checksum);
  return TRUE;
}

static gboolean
ostree_begin (gpointer place, gboolean is_write, GError **error)
{
  Ostree *ostree = place;
  return !is_write || ostree_repo_prepare_transaction (ostree->repo, NULL, NULL, error);
}

static gboolean
ostree_end (gpointer place, gboolean is_write, gboolean is_good, GError **error)
{
  Ostree *ostree = place;
  if (is_good)
    return !is_write || ostree_repo_commit_transaction (ostree->repo, NULL, NULL, error);
  return ostree_repo_abort_transaction (ostree->repo, NULL, NULL);
}

/* ---- Get ---- */

/* The digest of what nobody has put is a checksum that nobody has. */
static const char *
ostree_name (const Ostree *ostree, const BenchBlob *blob)
{
  const char *name = peer_names_find (ostree->names, blob);
  return name ? name : blob->hex;
}

static gssize
ostree_read_whole (GInputStream *stream, char *data, gsize length, GError **error)
{
  gsize done = 0;
  return g_input_stream_read_all (stream, data, length, &done, NULL, error)
             ? (gssize) done
             : -1;
}

static gssize
ostree_read_part (GInputStream *stream, char *data, gsize length, gsize offset,
                  GError **error)
{
  if (!G_IS_FILE_DESCRIPTOR_BASED (stream))
    {
      peer_fail (error, "ostree_repo_load_file", "not on a descriptor");
      return -1;
    }
  int fd = g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (stream));
  gssize done = pread (fd, data, length, (off_t) offset);
  if (done < 0)
    peer_fail (error, "pread", g_strerror (errno));
  return done;
}

static GBytes *
ostree_get_one (gpointer place, const BenchBlob *blob, gboolean is_whole, GError **error)
{
  Ostree *ostree = place;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GFileInfo) info = NULL;
  gsize length;
  if (!ostree_repo_load_file (ostree->repo, ostree_name (ostree, blob), &stream, &info,
                              NULL, NULL, error))
    return NULL;
  gsize offset = peer_range ((gsize) g_file_info_get_size (info), is_whole, &length);
  g_autofree char *data = g_malloc (length + 1);
  gssize done = is_whole ? ostree_read_whole (stream, data, length, error)
                         : ostree_read_part (stream, data, length, offset, error);
  return done < 0 ? NULL : g_bytes_new_take (g_steal_pointer (&data), (gsize) done);
}

/* ---- Contains, delete, list ---- */

static int
ostree_has_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Ostree *ostree = place;
  gboolean found;
  if (!ostree_repo_has_object (ostree->repo, OSTREE_OBJECT_TYPE_FILE,
                               ostree_name (ostree, blob), &found, NULL, error))
    return -1;
  return found;
}

static gboolean
ostree_delete_one (gpointer place, const BenchBlob *blob, GError **error)
{
  Ostree *ostree = place;
  if (!ostree_repo_delete_object (ostree->repo, OSTREE_OBJECT_TYPE_FILE,
                                  ostree_name (ostree, blob), NULL, error))
    return FALSE;
  peer_names_remove (ostree->names, blob);
  return TRUE;
}

static gboolean
ostree_list (gpointer place, const BenchBlob *blobs G_GNUC_UNUSED, guint n_blobs,
             GError **error)
{
  Ostree *ostree = place;
  g_autoptr (GArray) names = g_array_new (FALSE, FALSE, OSTREE_SHA256_STRING_LEN);
  g_autoptr (GHashTable) objects = NULL;
  GHashTableIter iter;
  gpointer key;
  if (!ostree_repo_list_objects (ostree->repo, OSTREE_REPO_LIST_OBJECTS_LOOSE, &objects,
                                 NULL, error))
    return FALSE;
  g_hash_table_iter_init (&iter, objects);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const char *checksum;
      OstreeObjectType type;
      ostree_object_name_deserialize (key, &checksum, &type);
      g_array_append_vals (names, checksum, 1);
    }
  return peer_list (names, FALSE, n_blobs, error);
}

static const PeerSlots ostree_slots = { .put = ostree_put_one,
                                        .remove = ostree_delete_one,
                                        .get = ostree_get_one,
                                        .has = ostree_has_one };

static const PeerSlots ostree_slots_in_transactions = { .begin = ostree_begin,
                                                        .end = ostree_end,
                                                        .put = ostree_put_one };

/* ---- Open, close ---- */

static void
ostree_close (gpointer place)
{
  Ostree *ostree = place;
  g_clear_object (&ostree->repo);
  g_object_unref (ostree->info);
  g_hash_table_unref (ostree->names);
  g_free (ostree);
}

static GFileInfo *
ostree_info_new (void)
{
  GFileInfo *info = g_file_info_new ();
  g_file_info_set_file_type (info, G_FILE_TYPE_REGULAR);
  g_file_info_set_attribute_uint32 (info, "unix::uid", 0);
  g_file_info_set_attribute_uint32 (info, "unix::gid", 0);
  g_file_info_set_attribute_uint32 (info, "unix::mode", OSTREE_STORE_MODE);
  return info;
}

static gpointer
ostree_open (const char *directory, const PeerSlots *slots, guint batch, GError **error)
{
  Ostree *ostree = g_new0 (Ostree, 1);
  ostree->peer = (Peer){ .slots = slots, .batch = batch };
  ostree->names = peer_names_new ();
  ostree->info = ostree_info_new ();
  ostree->repo = ostree_repo_create_at (
      AT_FDCWD, directory, OSTREE_REPO_MODE_BARE_USER_ONLY, NULL, NULL, error);
  if (!ostree->repo)
    {
      ostree_close (ostree);
      return NULL;
    }
  ostree_repo_set_disable_fsync (ostree->repo, slots->begin == NULL);
  return ostree;
}

static gpointer
ostree_open_files (const char *directory, GError **error)
{
  return ostree_open (directory, &ostree_slots, 1, error);
}

static gpointer
ostree_open_durable (const char *directory, GError **error)
{
  return ostree_open (directory, &ostree_slots_in_transactions, 1, error);
}

static gpointer
ostree_open_durable_batch (const char *directory, GError **error)
{
  return ostree_open (directory, &ostree_slots_in_transactions, PEER_BATCH, error);
}

const BenchEntrant ostree_files = {
  .name = "ostree",
  .note = "bare-user-only; SHA-256 of a header too; fsync off, no transaction; a get "
          "does not "
          "verify",
  .open = ostree_open_files,
  .close = ostree_close,
  .calls = { PEER_CALLS, [BENCH_GET_RANGE] = peer_get_range, [BENCH_DELETE] = peer_delete,
             [BENCH_LIST] = ostree_list },
};

const BenchEntrant ostree_durable = {
  .name = "ostree",
  .note = "a transaction a put: its commit calls syncfs, and fsync on each directory; "
          "it has no durable delete",
  .is_little = TRUE,
  .open = ostree_open_durable,
  .close = ostree_close,
  .calls = { [BENCH_PUT_NEW] = peer_put },
};

const BenchEntrant ostree_durable_batch = {
  .name = "ostree, 64 a transaction",
  .note = "as its users commit; its commit calls syncfs, and fsync on each directory",
  .open = ostree_open_durable_batch,
  .close = ostree_close,
  .calls = { [BENCH_PUT_NEW] = peer_put },
};
