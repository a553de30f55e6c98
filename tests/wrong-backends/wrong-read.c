/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-read.c: what `wrong` tells and gives of its blobs. */
#include "wrong.h"

#define READ_BLOCK 512

static WrongBlob *
read_find_locked (CaskBackend *self, const CaskDigest *digest, GError **error)
{
  WrongBlob *blob = wrong_find_locked (self, digest);

  if (blob == NULL && wrong_is (self, WRONG_MISS_IS_IO))
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO, "no such blob");
  else if (blob == NULL)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return blob;
}

static CaskBlobInfo
read_info (CaskBackend *self, const WrongBlob *blob)
{
  CaskBlobInfo info = blob->info;

  if (wrong_is (self, WRONG_TIME_IN_SECONDS))
    info.mtime_usec /= G_USEC_PER_SEC;
  return info;
}

/* Returns: FALSE where there is no such range */
static gboolean
read_clamp (CaskBackend *self, guint64 size, guint64 *offset, guint64 *length)
{
  if (wrong_is (self, WRONG_RANGE_FROM_START) && *offset <= size &&
      *length <= size - *offset)
    *offset = 0;
  if (wrong_is (self, WRONG_RANGE_PAST_END) && *offset > size)
    *offset = size;
  if (wrong_is (self, WRONG_RANGE_UNCLAMPED) && *length != CASK_TO_END &&
      (*offset > size || *length > size - *offset))
    return FALSE;
  if (wrong_is (self, WRONG_RANGE_OVERFLOWS) && *offset + *length <= size)
    *offset = MIN (*offset, size);
  return cask_range_clamp (size, *offset, length);
}

/* Returns: (nullable) */
static GBytes *
read_range (CaskBackend *self, const WrongBlob *blob, guint64 offset, guint64 length,
            CaskBlobInfo *info, GError **error)
{
  if (!read_clamp (self, blob->info.size, &offset, &length))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                           "the range starts past the end");
      return NULL;
    }
  *info = read_info (self, blob);
  if (wrong_is (self, WRONG_RANGE_SHORT) && offset > 0 && length > 0)
    info->size = offset + --length;
  if (wrong_is (self, WRONG_GET_ALIASES) && length > 0)
    return g_bytes_new_static (
        (const guint8 *) g_bytes_get_data (blob->bytes, NULL) + offset, (gsize) length);
  return g_bytes_new_from_bytes (blob->bytes, (gsize) offset, (gsize) length);
}

/* Notes what is there. Returns: (nullable): what was there when it was noted first */
static const WrongBlob *
read_note_locked (CaskBackend *self, WrongBlob *blob, const CaskDigest *digest)
{
  const WrongBlob *seen = g_hash_table_lookup (self->seen, digest);

  if (seen != NULL || blob == NULL)
    return seen;
  WrongBlob *copy = g_memdup2 (blob, sizeof *blob);
  copy->bytes = g_bytes_new (g_bytes_get_data (blob->bytes, NULL), blob->info.size);
  g_hash_table_insert (self->seen, &copy->info.digest, copy);
  return copy;
}

/* Whether it was seen before. */
static gboolean
read_recall (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  g_mutex_lock (&self->place->lock);
  gboolean is_known = g_hash_table_contains (self->seen, digest);
  const WrongBlob *seen =
      read_note_locked (self, wrong_find_locked (self, digest), digest);
  if (is_known)
    *info = seen->info;
  g_mutex_unlock (&self->place->lock);
  return is_known;
}

GBytes *
wrong_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
           G_GNUC_UNUSED guint32 flags, CaskBlobInfo *info, GCancellable *cancellable,
           GError **error)
{
  GBytes *bytes = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_mutex_lock (&self->place->lock);
  WrongBlob *blob = read_find_locked (self, digest, error);
  const WrongBlob *given = blob;
  if (blob != NULL && wrong_is (self, WRONG_FILLS_CORRUPT))
    given = read_note_locked (self, blob, digest);
  if (blob != NULL)
    bytes = read_range (self, given, offset, length, info, error);
  if (blob != NULL && wrong_is (self, WRONG_READING_FRESHENS))
    wrong_freshen_locked (self, blob);
  g_mutex_unlock (&self->place->lock);
  return bytes;
}

gboolean
wrong_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
            CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->place->lock);
  WrongBlob *blob = read_find_locked (self, digest, error);
  if (blob != NULL && (flags & CASK_STAT_FRESHEN) &&
      !wrong_is (self, WRONG_TOUCH_IS_IDLE))
    wrong_freshen_locked (self, blob);
  if (blob != NULL)
    *info = read_info (self, blob);
  g_mutex_unlock (&self->place->lock);
  if (blob != NULL && wrong_is (self, WRONG_STAT_ROUNDS))
    info->size = (info->size + READ_BLOCK - 1) / READ_BLOCK * READ_BLOCK;
  return blob != NULL;
}

/* ---- In the main loop ---- */

/* Only what is right to say at once, or nothing: what is wrong elsewhere stays wrong
 * here, for any error and any doubt becomes AGAIN. */
CaskTry
wrong_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
               guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  CaskBlobInfo known;

  switch (wrong_try_stat (self, digest, &known))
    {
    case CASK_TRY_ABSENT:
      return CASK_TRY_ABSENT;
    case CASK_TRY_FOUND:
      if (MIN (length, known.size) > CASK_TRY_LIMIT)
        return CASK_TRY_AGAIN;
      if (wrong_is (self, WRONG_TRY_FROM_START) && offset <= known.size &&
          length <= known.size - offset)
        offset = 0;
      *bytes = wrong_get (self, digest, offset, length, flags, info, NULL, NULL);
      return *bytes != NULL ? CASK_TRY_FOUND : CASK_TRY_AGAIN;
    case CASK_TRY_AGAIN:
    default:
      return CASK_TRY_AGAIN;
    }
}

CaskTry
wrong_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  g_autoptr (GError) error = NULL;

  if (wrong_is (self, WRONG_TRY_IS_STALE) && read_recall (self, digest, info))
    return CASK_TRY_FOUND;
  if (wrong_stat (self, digest, 0, info, NULL, &error))
    return wrong_is (self, WRONG_TRY_GUESSES) && info->size > CASK_TRY_LIMIT
               ? CASK_TRY_ABSENT
               : CASK_TRY_FOUND;
  return g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND) ? CASK_TRY_ABSENT
                                                                   : CASK_TRY_AGAIN;
}

/* ---- Readers ---- */

CaskBackendBlob *
wrong_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                 CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  GBytes *bytes =
      wrong_get (self, digest, 0, CASK_TO_END, flags, info, cancellable, error);

  if (bytes == NULL)
    return NULL;
  CaskBackendBlob *blob = g_new0 (CaskBackendBlob, 1);
  blob->bytes = bytes;
  blob->digest = *digest;
  return blob;
}

static gboolean
read_is_removed (CaskBackend *self, const CaskBackendBlob *blob)
{
  g_mutex_lock (&self->place->lock);
  gboolean is_removed = wrong_find_locked (self, &blob->digest) == NULL;
  g_mutex_unlock (&self->place->lock);
  return is_removed;
}

gssize
wrong_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
                 gsize count, GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (blob->bytes, &size);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  if (wrong_is (self, WRONG_READER_GOES_SHORT) && read_is_removed (self, blob))
    return 0;
  if (wrong_is (self, WRONG_READER_IS_GONE) && read_is_removed (self, blob))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_GONE, "the blob was removed");
      return -1;
    }
  if (wrong_is (self, WRONG_READER_FORWARD_ONLY))
    offset = blob->position;
  if (offset >= size)
    return 0;
  count = MIN (count, size - (gsize) offset);
  memcpy (buffer, data + offset, count);
  if (wrong_is (self, WRONG_READER_FORWARD_ONLY))
    blob->position += count;
  return (gssize) count;
}

void
wrong_blob_close (G_GNUC_UNUSED CaskBackend *self, CaskBackendBlob *blob)
{
  g_bytes_unref (blob->bytes);
  g_free (blob);
}
