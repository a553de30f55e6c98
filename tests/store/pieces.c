/* SPDX-License-Identifier: Apache-2.0
 *
 * pieces.c: a backend in the program itself, read piece by piece.
 *
 * Locks: `lock` guards `n_stores`. */
#include "pieces.h"

#include <cask/cask-digest.h>
#include <string.h>

Pieces pieces;
CaskDigest pieces_digest;
GBytes *pieces_bytes;

static GMutex lock;
static GCond closed;
static guint n_stores; /* lock */

struct _CaskBackend
{
  GBytes *bytes; /* (nullable) */
  CaskDigest digest;
};

struct _CaskBackendBlob
{
  GBytes *bytes;
};

static CaskBackend *
pieces_backend_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) args;
  (void) cancellable;
  (void) error;
  g_mutex_lock (&lock);
  n_stores++;
  g_mutex_unlock (&lock);
  return g_new0 (CaskBackend, 1);
}

static void
pieces_close (CaskBackend *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
  g_mutex_lock (&lock);
  g_atomic_int_inc (&pieces.n_closed);
  n_stores--;
  g_cond_broadcast (&closed);
  g_mutex_unlock (&lock);
}

static gboolean
pieces_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
            gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  (void) error;
  *created = self->bytes == NULL;
  g_clear_pointer (&self->bytes, g_bytes_unref);
  self->bytes = g_bytes_ref (bytes);
  self->digest = *digest;
  return TRUE;
}

static gboolean
pieces_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
             CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  if (self->bytes == NULL || !cask_digest_equal (digest, &self->digest))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
      return FALSE;
    }
  *info = (CaskBlobInfo){ .digest = *digest,
                          .size = g_bytes_get_size (self->bytes),
                          .version = pieces.version };
  return TRUE;
}

static GBytes *
pieces_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
            guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  g_atomic_int_inc (&pieces.n_gets);
  if (!pieces_stat (self, digest, flags, info, cancellable, error) ||
      !cask_range_clamp (info->size, offset, &length))
    return NULL;
  return g_bytes_new_from_bytes (self->bytes, (gsize) offset, (gsize) length);
}

static gboolean
pieces_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
               CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) digest;
  (void) unused_since_usec;
  (void) cancellable;
  (void) error;
  g_clear_pointer (&self->bytes, g_bytes_unref);
  *outcome = CASK_REMOVED_DONE;
  return TRUE;
}

static gboolean
pieces_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
             CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
             GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) after;
  (void) flags;
  (void) infos;
  (void) cancellable;
  (void) error;
  *n_infos = 0;
  *more = FALSE;
  return TRUE;
}

static CaskBackendBlob *
pieces_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                  CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  if (pieces.is_bad)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CORRUPT, "no regular blob");
      return NULL;
    }
  if (!pieces_stat (self, digest, flags, info, cancellable, error))
    return NULL;
  CaskBackendBlob *blob = g_new0 (CaskBackendBlob, 1);
  blob->bytes = g_bytes_ref (self->bytes);
  g_atomic_int_inc (&pieces.n_opened);
  g_atomic_int_inc (&pieces.n_handles);
  return blob;
}

static void
pieces_hang (GCancellable *cancellable)
{
  GPollFD wait;

  g_atomic_int_inc (&pieces.n_hanging);
  if (g_cancellable_make_pollfd (cancellable, &wait))
    {
      g_poll (&wait, 1, -1);
      g_cancellable_release_fd (cancellable);
    }
}

static gssize
pieces_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
                  gsize count, GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (blob->bytes, &size);
  (void) self;

  g_atomic_int_inc (&pieces.n_reads);
  pieces.largest_read = MAX (pieces.largest_read, count);
  if (pieces.hangs)
    pieces_hang (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  if (pieces.failure != 0)
    {
      g_set_error_literal (error, CASK_ERROR, (gint) pieces.failure, "as it was told to");
      pieces.failure = 0;
      return -1;
    }
  guint64 end = MIN (size, pieces.ends_at);
  if (offset >= end)
    return 0;
  count = MIN (MIN (count, pieces.most), (gsize) (end - offset));
  memcpy (buffer, data + offset, count);
  if (pieces.bad_at >= offset && pieces.bad_at - offset < count)
    ((guint8 *) buffer)[pieces.bad_at - offset] ^= 1;
  return (gssize) count;
}

static void
pieces_blob_close (CaskBackend *self, CaskBackendBlob *blob)
{
  (void) self;
  g_bytes_unref (blob->bytes);
  g_free (blob);
  g_atomic_int_add (&pieces.n_handles, -1);
}

static gboolean
pieces_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version,
                guint32 flags, gboolean *again, GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) digest;
  (void) flags;
  (void) cancellable;
  (void) error;
  *again = FALSE;
  if (version == pieces.version)
    g_atomic_int_inc (&pieces.n_condemned);
  return TRUE;
}

static const CaskBackendOps pieces_ops = {
  .size = sizeof (CaskBackendOps),
  .open = pieces_backend_open,
  .close = pieces_close,
  .put = pieces_put,
  .get = pieces_get,
  .stat = pieces_stat,
  .remove = pieces_remove,
  .list = pieces_list,
  .blob_open = pieces_blob_open,
  .blob_read = pieces_blob_read,
  .blob_close = pieces_blob_close,
  .condemn = pieces_condemn,
};

static const CaskPlugin pieces_plugin = {
  .magic = CASK_PLUGIN_MAGIC,
  .size = sizeof (CaskPlugin),
  .abi_major = CASK_PLUGIN_ABI_MAJOR,
  .abi_minor = CASK_PLUGIN_ABI_MINOR,
  .option_size = sizeof (CaskOptionSpec),
  .kind = CASK_PLUGIN_BACKEND,
  .capabilities = CASK_CAPABILITY_WRITE,
  .name = "pieces",
  .version = "1.0",
  .summary = "One blob, read in pieces",
  .ops = &pieces_ops,
};

void
pieces_wait_closed (void)
{
  g_mutex_lock (&lock);
  while (n_stores > 0)
    g_cond_wait (&closed, &lock);
  g_mutex_unlock (&lock);
  CU_ASSERT_EQUAL (g_atomic_int_get (&pieces.n_handles), 0);
}

CaskStore *
pieces_open (const char *options, gsize size)
{
  static gboolean registered;
  g_autoptr (GError) error = NULL;
  g_autofree char *config = g_strconcat ("pieces", options, NULL);
  guint8 *data = g_malloc (size + 1);

  if (!registered)
    registered = cask_register_plugin (&pieces_plugin, &error);
  TEST_NO_ERROR (error);
  pieces_wait_closed ();
  pieces = (Pieces){
    .most = G_MAXSIZE, .ends_at = CASK_UNKNOWN, .bad_at = CASK_UNKNOWN, .version = 7
  };
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 31 + i / 251);
  g_clear_pointer (&pieces_bytes, g_bytes_unref);
  pieces_bytes = g_bytes_new_take (data, size);

  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  if (store == NULL || !cask_store_add (store, pieces_bytes, CASK_ALGORITHM_SHA256, 0,
                                        &pieces_digest, NULL, NULL, &error))
    {
      TEST_NO_ERROR (error);
      return NULL;
    }
  return g_steal_pointer (&store);
}

CaskInputStream *
pieces_stream (CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  CaskInputStream *stream = cask_store_open_blob (store, &pieces_digest, NULL, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (stream);
  return stream;
}

void
pieces_expect (CaskInputStream *stream, gsize count)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *buffer = g_malloc (count + 1);
  goffset at = g_seekable_tell (G_SEEKABLE (stream));
  const guint8 *data = g_bytes_get_data (pieces_bytes, NULL);
  gssize n = g_input_stream_read (G_INPUT_STREAM (stream), buffer, count, NULL, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (n, (gssize) count);
  CU_ASSERT_TRUE (n == (gssize) count && memcmp (buffer, data + at, count) == 0);
  CU_ASSERT_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), at + (goffset) count);
}

void
pieces_expect_failure (CaskInputStream *stream, gsize count, CaskError code,
                       const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *buffer = g_malloc (count);
  goffset at = g_seekable_tell (G_SEEKABLE (stream));

  CU_ASSERT_EQUAL (
      g_input_stream_read (G_INPUT_STREAM (stream), buffer, count, NULL, &error), -1);
  TEST_ERROR (error, CASK_ERROR, code, text);
  CU_ASSERT_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), at);
}
