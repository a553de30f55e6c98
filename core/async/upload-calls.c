/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-calls.c: the synchronous calls on uploads. */
#include "upload-stream-private.h"

/**
 * cask_store_begin_upload:
 * @store: a store
 * @digest: (nullable): what the bytes will hash to; %NULL where that is not known yet
 * @algorithm: the hash to name the blob by; not looked at where @digest is given
 * @expected_size: how many bytes will come, or %CASK_UNKNOWN
 * @flags: how to put; %CASK_PUT_ALL_ALGORITHMS hashes by every algorithm in one pass
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Begins to write a blob of any size.
 *
 * Errors: %CASK_ERROR_INVALID_DIGEST; %CASK_ERROR_UNSUPPORTED, %CASK_ERROR_READ_ONLY and
 * %CASK_ERROR_PERMISSION where the store can not be written; %CASK_ERROR_NO_SPACE and
 * %CASK_ERROR_TOO_LARGE where that many bytes can never fit; %CASK_ERROR_IO and the like.
 *
 * Returns: (transfer full) (nullable): the upload, or %NULL
 *
 * Since: 1.0
 */
CaskUpload *
cask_store_begin_upload (CaskStore *store, const CaskDigest *digest,
                         CaskAlgorithm algorithm, guint64 expected_size,
                         CaskPutFlags flags, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store), NULL);

  return cask_upload_wrap (cask_upload_begin (store, digest, algorithm, expected_size,
                                              flags, cancellable, error));
}

/**
 * cask_store_resume_upload:
 * @store: a store
 * @id: what cask_upload_save() gave, in this process or another one
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Goes on with an upload as it was last saved: cask_upload_get_offset() says from where.
 * What was hashed is not read again, unless a power cut has taken a part of it. So where
 * somebody has changed the bytes meanwhile, the commit does not see it; but neither does
 * the blob count as verified, and the first whole read finds it %CASK_ERROR_CORRUPT.
 *
 * Errors: %CASK_ERROR_NOT_FOUND where there is no such upload; %CASK_ERROR_BUSY while it
 * is open, here or in another process; %CASK_ERROR_CORRUPT where what was saved is
 * damaged: it is then removed; %CASK_ERROR_UNSUPPORTED where the store does not announce
 * %CASK_CAPABILITY_RESUME, or another version of Cask has saved it.
 *
 * Returns: (transfer full) (nullable): the upload, or %NULL
 *
 * Since: 1.0
 */
CaskUpload *
cask_store_resume_upload (CaskStore *store, const char *id, GCancellable *cancellable,
                          GError **error)
{
  g_return_val_if_fail (CASK_IS_STORE (store) && id != NULL, NULL);

  return cask_upload_wrap (cask_upload_resume (store, id, cancellable, error));
}

/**
 * cask_upload_get_offset:
 * @upload: an upload
 *
 * Returns: how many bytes were written to it, before it was resumed too
 *
 * Since: 1.0
 */
guint64
cask_upload_get_offset (CaskUpload *upload)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload), 0);

  return cask_upload_engine_get_offset (upload->engine);
}

/**
 * cask_upload_get_expected_size:
 * @upload: an upload
 *
 * Returns: how many bytes were announced when it began, or %CASK_UNKNOWN
 *
 * Since: 1.0
 */
guint64
cask_upload_get_expected_size (CaskUpload *upload)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload), 0);

  return upload->engine->state.expected_size;
}

/**
 * cask_upload_get_id:
 * @upload: an upload
 *
 * Returns: (transfer none) (nullable): what it can be resumed by; %NULL before it was
 * saved
 *
 * Since: 1.0
 */
const char *
cask_upload_get_id (CaskUpload *upload)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload), NULL);

  return upload->engine->id;
}

/**
 * cask_upload_get_digest:
 * @upload: an upload that was committed
 * @algorithm: an algorithm
 * @digest: (out caller-allocates): what its bytes hash to
 *
 * What a committed upload hashes to by another algorithm than the one that names it. Only
 * the name is stored.
 *
 * Returns: %FALSE where the upload is not committed, or was not begun with
 * %CASK_PUT_ALL_ALGORITHMS and @algorithm is not its own
 *
 * Since: 1.0
 */
gboolean
cask_upload_get_digest (CaskUpload *upload, CaskAlgorithm algorithm, CaskDigest *digest)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload) && digest != NULL, FALSE);

  if (!cask_upload_claim (upload, NULL))
    return FALSE;
  gboolean is_known = cask_upload_engine_get_digest (upload->engine, algorithm, digest);
  cask_upload_release (upload);
  return is_known;
}

/**
 * cask_upload_save:
 * @upload: an upload
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Makes what was written so far as durable as the store was opened for, and gives an id
 * by which cask_store_resume_upload() goes on from here. May be called at any time, at
 * once after the beginning too, and again: the id stays the same.
 *
 * Errors: %CASK_ERROR_UNSUPPORTED where the store does not announce
 * %CASK_CAPABILITY_RESUME; %CASK_ERROR_NO_SPACE where the disk, or the store's limit on
 * saved uploads, is full; %CASK_ERROR_CLOSED; %G_IO_ERROR_PENDING; %CASK_ERROR_IO and the
 * like. After an error what was saved before is still saved.
 *
 * Returns: (transfer none) (nullable): the id, which lives as long as @upload; or %NULL
 *
 * Since: 1.0
 */
const char *
cask_upload_save (CaskUpload *upload, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload), NULL);

  if (!cask_upload_claim (upload, error))
    return NULL;
  gboolean success = cask_upload_engine_save (upload->engine, cancellable, error);
  cask_upload_release (upload);
  return success ? upload->engine->id : NULL;
}

/**
 * cask_upload_commit:
 * @upload: an upload
 * @expected: (nullable): what its bytes must hash to; %NULL for the digest given when it
 * began, or where there was none, whatever they hash to
 * @stored: (out caller-allocates) (optional): the blob's name
 * @created: (out) (optional): whether this call made the blob; %FALSE where it was there
 * already
 * @cancellable: (nullable): to give up; looked at until the blob is committed
 * @error: return location for an error
 *
 * Makes the blob. Success means that the durability the store was opened with has been
 * reached; the upload is then closed, and forgotten where it was saved.
 *
 * Errors: %CASK_ERROR_DIGEST_MISMATCH where the bytes hash to something else, or are
 * fewer than announced: more may be written, and a commit tried again, also with another
 * digest; %CASK_ERROR_INVALID_DIGEST where @expected is of an algorithm that was not
 * hashed; %CASK_ERROR_CLOSED after a commit or an abort; %G_IO_ERROR_PENDING; those of
 * cask_store_put(), after which the same commit may be tried again, unless the disk was
 * full when the last bytes were handed on: then it says %CASK_ERROR_CLOSED.
 *
 * Returns: whether the blob is stored
 *
 * Since: 1.0
 */
gboolean
cask_upload_commit (CaskUpload *upload, const CaskDigest *expected, CaskDigest *stored,
                    gboolean *created, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload), FALSE);

  if (!cask_upload_claim (upload, error))
    return FALSE;
  gboolean success = cask_upload_engine_commit (upload->engine, expected, stored, created,
                                                cancellable, error);
  cask_upload_release (upload);
  if (success)
    g_output_stream_close (G_OUTPUT_STREAM (upload), NULL, NULL);
  return success;
}

/**
 * cask_upload_abort:
 * @upload: an upload
 * @cancellable: (nullable): looked at before anything is done
 * @error: return location for an error
 *
 * Gives an upload up: nothing of it is left, nor of what was saved of it.
 *
 * Errors: %CASK_ERROR_CLOSED after a commit or an abort, or where the store is closed;
 * %G_IO_ERROR_PENDING; %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether it is gone
 *
 * Since: 1.0
 */
gboolean
cask_upload_abort (CaskUpload *upload, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CASK_IS_UPLOAD (upload), FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !cask_upload_claim (upload, error))
    return FALSE;
  gboolean success = cask_upload_engine_abort (upload->engine, error);
  cask_upload_release (upload);
  if (success)
    g_output_stream_close (G_OUTPUT_STREAM (upload), NULL, NULL);
  return success;
}
