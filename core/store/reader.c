/* SPDX-License-Identifier: Apache-2.0
 *
 * reader.c: reading a blob piece by piece, verified where it is read in order.
 *
 *   0            hashed_to                                  size
 *   ├── hashed ──────┼──────────────────────────────────────┤
 *          └──── a fetch from here to there ────┘
 *                    └── is hashed in this part, and moves hashed_to
 *
 * Whatever is fetched from the backend, into the buffer or for the caller, is hashed as
 * far as it continues what was hashed before; a fetch that begins beyond `hashed_to`
 * hashes nothing, and what it left in the buffer is hashed when the order comes to it.
 * The fetch that brings the last byte compares, before any byte of it is
 * handed out. So nothing is hashed twice, and the end is never delivered of a copy that
 * is not what it should be.
 *
 * Invariants: `hasher` is NULL exactly if there is nothing to hash, or not any more. The
 * buffer holds `buffer_length` bytes of the copy from `buffer_start` on; the copy never
 * changes, so they stay good wherever the position goes. A failure leaves the position
 * where it was.
 *
 * Locks: none. How many large buffers there are in the process is an atomic count, so
 * that no fork finds it held.
 *
 * Failure modes: bytes that hash to something else, and fewer of them than the backend
 * said when the copy was opened, are `failure`, which every read from then on gives. All
 * else (GONE, IO, CANCELLED) may be different the next time. */
#include "reader-private.h"

#include <cask/cask-digest.h>
#include <stdatomic.h>
#include <string.h>

#include "error-private.h"

/* How much of a large read is asked of the backend at once: what is hashed next should
 * still be in the cache, and a backend that reads by copies must not need as much memory
 * as its caller. */
#define READER_PIECE (1u << 20)

struct _CaskReader
{
  CaskStore *store;
  CaskBackend *backend;  /* open for as long as the reader is counted */
  CaskBackendBlob *blob; /* NULL once closed */
  CaskBlobInfo info;
  _Atomic guint64 position;

  guint8 *buffer; /* (nullable) */
  gsize buffer_room;
  guint64 buffer_start;
  gsize buffer_length;

  CaskHasher *hasher; /* (nullable) */
  guint64 hashed_to;
  gboolean was_corrupt; /* the blob was known to be so before the copy was opened */
  gint is_verified;     /* atomic */
  GError *failure;      /* (nullable) */
};

CaskReader *
cask_reader_open (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                  GError **error)
{
  CaskBlobInfo info;
  g_autoptr (GError) failure = NULL;
  CaskReader *reader = NULL;

  if (!cask_store_begin (store, digest, cancellable, error))
    return NULL;
  gboolean was_corrupt = cask_verified_is_corrupt (store->verified, digest);
  CaskBackendBlob *blob = cask_node_ops.blob_open (cask_store_root (store), digest, 0,
                                                   &info, cancellable, &failure);
  if (blob != NULL)
    {
      reader = g_new0 (CaskReader, 1);
      reader->store = g_object_ref (store);
      reader->backend = cask_store_root (store);
      reader->blob = blob;
      reader->info = info;
      reader->was_corrupt = was_corrupt;
      if (cask_store_must_hash (store, &info))
        reader->hasher = cask_hasher_new (digest->algorithm);
      reader->is_verified = reader->hasher == NULL && store->policy != CASK_VERIFY_NEVER;
      cask_store_add_reader (store);
    }
  else
    {
      if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_CORRUPT))
        cask_verified_mark_corrupt (store->verified, digest);
      cask_store_fail (store, digest, &failure);
      g_propagate_error (error, g_steal_pointer (&failure));
    }
  cask_store_leave (store);
  return reader;
}

/* ---- The buffer ---- */

static atomic_int reader_n_large; /* buffers of more than the short size */

/* A thousand streams that are open at a time, at a server, would have 256 MiB of buffers
 * while all of them are silent. Two may ask at once and both be told that there is one
 * left: it is no hard limit. */
static gsize
reader_most (void)
{
  return atomic_load_explicit (&reader_n_large, memory_order_relaxed) < CASK_READER_PLENTY
             ? CASK_READER_BUFFER
             : CASK_READER_BUFFER_SHORT;
}

/* How much the buffer holds, or would if there were one. */
static gsize
reader_room (CaskReader *reader)
{
  if (reader->buffer != NULL)
    return reader->buffer_room;
  return (gsize) MIN (reader->info.size, reader_most ());
}

static void
reader_make_buffer (CaskReader *reader)
{
  if (reader->buffer != NULL)
    return;
  reader->buffer_room = reader_room (reader);
  reader->buffer = g_malloc (reader->buffer_room);
  if (reader->buffer_room > CASK_READER_BUFFER_SHORT)
    atomic_fetch_add_explicit (&reader_n_large, 1, memory_order_relaxed);
}

static void
reader_drop_buffer (CaskReader *reader)
{
  if (reader->buffer == NULL)
    return;
  g_clear_pointer (&reader->buffer, g_free);
  reader->buffer_length = 0;
  if (reader->buffer_room > CASK_READER_BUFFER_SHORT)
    atomic_fetch_sub_explicit (&reader_n_large, 1, memory_order_relaxed);
}

/* Returns: (nullable): the handle, where it is this process's to close */
static CaskBackendBlob *
reader_take_blob (CaskReader *reader)
{
  CaskBackendBlob *blob = g_steal_pointer (&reader->blob);

  reader_drop_buffer (reader);
  return cask_store_is_ours (reader->store, NULL) ? blob : NULL;
}

void
cask_reader_close (CaskReader *reader)
{
  CaskBackendBlob *blob = reader_take_blob (reader);

  if (blob == NULL)
    return;
  cask_node_ops.blob_close (reader->backend, blob);
  cask_store_remove_reader (reader->store);
}

void
cask_reader_close_in_background (CaskReader *reader)
{
  CaskBackendBlob *blob = reader_take_blob (reader);

  if (blob == NULL)
    return;
  cask_reader_drop (reader->store, reader->backend, blob);
}

void
cask_reader_free (CaskReader *reader)
{
  if (reader->hasher != NULL)
    cask_hasher_finish (reader->hasher, NULL);
  g_clear_error (&reader->failure);
  reader_drop_buffer (reader);
  g_object_unref (reader->store);
  g_free (reader);
}

CaskStore *
cask_reader_get_store (CaskReader *reader)
{
  return reader->store;
}

const CaskBlobInfo *
cask_reader_get_info (CaskReader *reader)
{
  return &reader->info;
}

gboolean
cask_reader_is_verified (CaskReader *reader)
{
  return g_atomic_int_get (&reader->is_verified) != 0;
}

guint64
cask_reader_tell (CaskReader *reader)
{
  return reader->position;
}

void
cask_reader_seek (CaskReader *reader, guint64 position)
{
  reader->position = position;
}

/* ---- Verification ---- */

/* The copy is bad, once and for all. Takes failure. Returns: FALSE */
static gboolean
reader_give_up (CaskReader *reader, GError *failure, GError **error)
{
  if (reader->hasher != NULL)
    cask_hasher_finish (g_steal_pointer (&reader->hasher), NULL);
  cask_store_fail (reader->store, &reader->info.digest, &failure);
  reader->failure = failure;
  g_propagate_error (error, g_error_copy (failure));
  return FALSE;
}

/* Tells the backend, which may have another copy for those who open the blob next. One
 * that is being closed need not be told. */
static void
reader_condemn (CaskReader *reader, GCancellable *cancellable)
{
  if (!cask_store_enter (reader->store, NULL))
    return;
  cask_store_condemn (reader->store, &reader->info, cancellable);
  cask_store_leave (reader->store);
}

/* Every byte was hashed: are they right? */
static gboolean
reader_compare (CaskReader *reader, GCancellable *cancellable, GError **error)
{
  CaskStore *store = reader->store;
  const CaskDigest *digest = &reader->info.digest;
  GError *failure = NULL;
  CaskDigest actual;

  cask_hasher_finish (g_steal_pointer (&reader->hasher), &actual);
  /* Where somebody has found the blob corrupt since this copy was opened, it was another
   * copy, and what is stored now is that one: that this one is good says nothing of it.
   */
  gboolean speaks_for_blob =
      reader->was_corrupt || !cask_verified_is_corrupt (store->verified, digest);
  if ((!speaks_for_blob && cask_digest_equal (digest, &actual)) ||
      cask_store_check_hash (store, &reader->info, &actual, &failure))
    {
      g_atomic_int_set (&reader->is_verified, TRUE);
      return TRUE;
    }
  reader_condemn (reader, cancellable);
  return reader_give_up (reader, failure, error);
}

/* Whether on the way from offset to end there are bytes that are next to be hashed. What
 * was hashed before, and what will not be, need not be seen. */
static gboolean
reader_must_see (CaskReader *reader, guint64 offset, guint64 end)
{
  return reader->hasher != NULL && offset <= reader->hashed_to && reader->hashed_to < end;
}

/* n bytes from offset on were fetched. */
static gboolean
reader_hash (CaskReader *reader, guint64 offset, const guint8 *data, gsize n,
             GCancellable *cancellable, GError **error)
{
  if (!reader_must_see (reader, offset, offset + n))
    return TRUE;

  gsize known = (gsize) (reader->hashed_to - offset);
  cask_hasher_update (reader->hasher, data + known, n - known);
  reader->hashed_to = offset + n;
  return reader->hashed_to < reader->info.size ||
         reader_compare (reader, cancellable, error);
}

/* The backend has no bytes where it said that there are some. Returns: FALSE */
static gboolean
reader_fail_short (CaskReader *reader, guint64 offset, GCancellable *cancellable,
                   GError **error)
{
  GError *failure = g_error_new (
      CASK_ERROR, CASK_ERROR_CORRUPT,
      "%" G_GUINT64_FORMAT " bytes expected, only %" G_GUINT64_FORMAT " could be read",
      reader->info.size, offset);

  cask_verified_mark_corrupt (reader->store->verified, &reader->info.digest);
  reader_condemn (reader, cancellable);
  return reader_give_up (reader, failure, error);
}

/* ---- Bytes ---- */

/* Reads up to count bytes at an offset before the end. Returns: how many, or -1 */
static gssize
reader_fetch (CaskReader *reader, guint64 offset, guint8 *data, gsize count,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gssize n = cask_node_ops.blob_read (reader->backend, reader->blob, offset, data, count,
                                      cancellable, &failure);

  if (n >= 0)
    {
      gboolean good =
          n > 0 ? reader_hash (reader, offset, data, (gsize) n, cancellable, error)
                : reader_fail_short (reader, offset, cancellable, error);
      return good ? n : -1;
    }
  if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_CORRUPT))
    {
      cask_verified_mark_corrupt (reader->store->verified, &reader->info.digest);
      reader_give_up (reader, g_steal_pointer (&failure), error);
      return -1;
    }
  cask_store_fail (reader->store, &reader->info.digest, &failure);
  g_propagate_error (error, g_steal_pointer (&failure));
  return -1;
}

static gsize
reader_clamp (CaskReader *reader, guint64 offset, gsize count)
{
  return (gsize) MIN (reader->info.size - offset, MIN (count, G_MAXSSIZE));
}

static gssize
reader_fill (CaskReader *reader, guint64 offset, GCancellable *cancellable,
             GError **error)
{
  reader_make_buffer (reader);
  reader->buffer_length = 0;
  gssize n = reader_fetch (reader, offset, reader->buffer,
                           reader_clamp (reader, offset, reader->buffer_room),
                           cancellable, error);
  if (n < 0)
    return -1;
  reader->buffer_start = offset;
  reader->buffer_length = (gsize) n;
  return n;
}

/* Returns: how many of count bytes the buffer has at offset */
static gsize
reader_has (CaskReader *reader, guint64 offset, gsize count)
{
  if (offset < reader->buffer_start ||
      offset - reader->buffer_start >= reader->buffer_length)
    return 0;
  return MIN (count, reader->buffer_length - (gsize) (offset - reader->buffer_start));
}

static gsize
reader_serve (CaskReader *reader, guint64 offset, guint8 *data, gsize count)
{
  gsize n = reader_has (reader, offset, count);

  if (n > 0)
    memcpy (data, reader->buffer + (offset - reader->buffer_start), n);
  return n;
}

/* One step of a read: from the buffer, past it, or into it first. */
static gssize
reader_step (CaskReader *reader, guint64 offset, guint8 *data, gsize count,
             GCancellable *cancellable, GError **error)
{
  gsize has = reader_has (reader, offset, count);

  /* The buffer was filled out of order, and now the order has come to it. */
  if (reader_must_see (reader, offset, offset + has) &&
      !reader_hash (reader, reader->buffer_start, reader->buffer, reader->buffer_length,
                    cancellable, error))
    return -1;
  if (has > 0)
    return (gssize) reader_serve (reader, offset, data, count);
  if (count >= reader_clamp (reader, offset, reader_room (reader)))
    return reader_fetch (reader, offset, data, MIN (count, READER_PIECE), cancellable,
                         error);
  if (reader_fill (reader, offset, cancellable, error) < 0)
    return -1;
  return (gssize) reader_serve (reader, offset, data, count);
}

/* The empty blob has no last byte to compare before; another copy in its place, or it in
 * the place of another, is found when it is read at all. */
static gboolean
reader_is_empty_unseen (CaskReader *reader)
{
  return reader->info.size == 0 && reader->hasher != NULL;
}

static gboolean
reader_begin (CaskReader *reader, GCancellable *cancellable, GError **error)
{
  if (!cask_store_is_ours (reader->store, error) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (reader->failure != NULL)
    {
      g_propagate_error (error, g_error_copy (reader->failure));
      return FALSE;
    }
  return !reader_is_empty_unseen (reader) || reader_compare (reader, cancellable, error);
}

gssize
cask_reader_read (CaskReader *reader, void *buffer, gsize count,
                  GCancellable *cancellable, GError **error)
{
  guint64 offset = reader->position;
  gsize due = reader_clamp (reader, offset, count), done = 0;

  if (!reader_begin (reader, cancellable, error))
    return -1;
  while (done < due)
    {
      gssize n = reader_step (reader, offset + done, (guint8 *) buffer + done, due - done,
                              cancellable, error);
      if (n < 0)
        return -1;
      done += (gsize) n;
    }
  reader->position = offset + done;
  return (gssize) done;
}

gssize
cask_reader_skip (CaskReader *reader, gsize count, GCancellable *cancellable,
                  GError **error)
{
  guint64 offset = reader->position;
  gsize due = reader_clamp (reader, offset, count);

  if (!reader_begin (reader, cancellable, error))
    return -1;
  while (reader_must_see (reader, offset, offset + due))
    if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
        reader_fill (reader, reader->hashed_to, cancellable, error) < 0)
      return -1;
  reader->position = offset + due;
  return (gssize) due;
}

/* ---- Without I/O ---- */

static gboolean
reader_may_try (CaskReader *reader)
{
  return reader->failure == NULL && !reader_is_empty_unseen (reader) &&
         cask_store_is_ours (reader->store, NULL);
}

gboolean
cask_reader_try_read (CaskReader *reader, void *buffer, gsize count, gssize *n_read)
{
  guint64 offset = reader->position;
  gsize due = reader_clamp (reader, offset, count);

  if (!reader_may_try (reader) || reader_has (reader, offset, due) < due ||
      reader_must_see (reader, offset, offset + due))
    return FALSE;
  *n_read = (gssize) reader_serve (reader, offset, buffer, due);
  reader->position = offset + due;
  return TRUE;
}

gboolean
cask_reader_try_skip (CaskReader *reader, gsize count, gssize *n_skipped)
{
  guint64 offset = reader->position;
  gsize due = reader_clamp (reader, offset, count);

  if (!reader_may_try (reader) || reader_must_see (reader, offset, offset + due))
    return FALSE;
  reader->position = offset + due;
  *n_skipped = (gssize) due;
  return TRUE;
}
