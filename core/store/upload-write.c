/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-write.c: an upload written, saved and committed.
 *
 *   state    write  save  commit           abort
 *   OPEN     yes    yes   yes              -> ENDED
 *   SEALED   no     no    the same digest  -> ENDED
 *   FAILED   no     no    no               -> ENDED
 *   ENDED    no     no    no               no
 *
 * OPEN becomes SEALED when a commit is handed to the backend, and ENDED when that
 * succeeds; FAILED when a write to the backend fails. A commit that the core refuses
 * (wrong digest, too few bytes) leaves it OPEN.
 *
 * Failure modes: a backend that failed to write leaves nothing but the closing of its
 * handle; what was saved before can still be resumed. */
#include "upload-private.h"

#include <cask/cask-digest.h>

#include "error-private.h"

/* TRUE: of what was taken from the chunk, all is hashed. */
static gboolean
upload_peek (CaskUploadEngine *engine, guint algorithm, CaskDigest *digest)
{
  if (algorithm < 1 || algorithm > CASK_UPLOAD_ALGORITHMS ||
      engine->state.hashers[algorithm - 1] == NULL)
    return FALSE;
  cask_upload_chunk_wait (&engine->chunk);
  cask_hasher_peek (engine->state.hashers[algorithm - 1], digest);
  return TRUE;
}

gboolean
cask_upload_engine_get_digest (CaskUploadEngine *engine, CaskAlgorithm algorithm,
                               CaskDigest *digest)
{
  gboolean is_committed =
      engine->stage == CASK_UPLOAD_ENDED && engine->sealed.algorithm != 0;

  return is_committed && upload_peek (engine, algorithm, digest);
}

gboolean
cask_upload_engine_fail_longer (CaskUploadEngine *engine, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH,
               "upload: more than the %" G_GUINT64_FORMAT " bytes that were announced",
               engine->state.expected_size);
  cask_store_fail (engine->store, NULL, error);
  return FALSE;
}

gboolean
cask_upload_engine_check_open (CaskUploadEngine *engine, GError **error)
{
  CaskUploadStage stage = engine->stage;

  switch (stage)
    {
    case CASK_UPLOAD_OPEN:
      return TRUE;
    case CASK_UPLOAD_SEALED:
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CLOSED,
                           "upload: a commit was tried; commit again, or abort");
      break;
    case CASK_UPLOAD_FAILED:
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CLOSED,
                           "upload: a write has failed; abort it, or resume what was "
                           "saved of it");
      break;
    default:
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CLOSED,
                           "upload: committed or aborted already");
    }
  return cask_store_fail (engine->store, NULL, error);
}

/* Within enter and leave. To cancel it in the backend is to give the upload up: a save
 * and a commit, which may be tried again, do not. */
static gboolean
upload_hand_on_chunk (CaskUploadEngine *engine, GBytes *bytes, GCancellable *cancellable,
                      GError **error)
{
  if (cask_node_ops.upload_write (cask_store_root (engine->store), engine->handle->upload,
                                  bytes, cancellable, error))
    return TRUE;
  engine->stage = CASK_UPLOAD_FAILED;
  return cask_store_fail (engine->store, NULL, error);
}

/* Within enter and leave: hands to the backend what is aside, then what is gathered. */
static gboolean
upload_hand_on (CaskUploadEngine *engine, GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      g_autoptr (GBytes) bytes = cask_upload_chunk_take (&engine->chunk, TRUE);
      if (bytes == NULL)
        return TRUE;
      if (!upload_hand_on_chunk (engine, bytes, cancellable, error))
        return FALSE;
    }
}

static guint64
upload_left (const CaskUploadEngine *engine)
{
  return engine->state.expected_size - MIN (engine->taken, engine->state.expected_size);
}

/* In a forked child the chunk's lock may be held by a thread that is not there. */
gboolean
cask_upload_engine_make_room (CaskUploadEngine *engine)
{
  return !cask_store_is_ours (engine->store, NULL) ||
         cask_upload_chunk_set_aside (&engine->chunk);
}

gboolean
cask_upload_engine_is_short (const CaskUploadEngine *engine)
{
  return engine->chunk.capacity == 0 && cask_upload_buffers_are_short ();
}

gboolean
cask_upload_engine_has_aside (CaskUploadEngine *engine)
{
  return cask_store_is_ours (engine->store, NULL) &&
         cask_upload_chunk_has_aside (&engine->chunk);
}

/* One after the other within one job, for each job has to be woken for; but whoever fills
 * as fast as this one writes would never give the thread back. */
static gboolean
upload_goes_on (CaskUploadEngine *engine)
{
  return cask_upload_chunk_has_aside (&engine->chunk) &&
         cask_lane_count (engine->store->lane) == 0;
}

gboolean
cask_upload_engine_hand_on (CaskUploadEngine *engine, GCancellable *cancellable,
                            GError **error)
{
  gboolean success;

  do
    {
      /* Each time: what is cancelled between two writes is no harm to the upload. */
      if (!cask_upload_engine_check_open (engine, error) ||
          !cask_store_begin (engine->store, NULL, cancellable, error))
        return FALSE;
      g_autoptr (GBytes) bytes = cask_upload_chunk_take (&engine->chunk, FALSE);
      success = bytes == NULL || upload_hand_on_chunk (engine, bytes, cancellable, error);
      cask_store_leave (engine->store);
    }
  while (success && upload_goes_on (engine));
  return success;
}

/* Where all that was announced is there, to look for the end of a source takes no memory,
 * for who is silent then may be silent for long. */
static guint8 *
upload_place (CaskUploadEngine *engine, gsize *room)
{
  static guint8 nowhere;
  if (upload_left (engine) == 0)
    return *room = 0, &nowhere;
  guint8 *place = cask_upload_chunk_reserve (&engine->chunk, room);
  *room = (gsize) MIN (*room, upload_left (engine));
  return place;
}

guint8 *
cask_upload_engine_fill (CaskUploadEngine *engine, gsize *room, GCancellable *cancellable,
                         GError **error)
{
  if (!cask_store_begin (engine->store, NULL, cancellable, error))
    return NULL;
  cask_store_leave (engine->store);
  return upload_place (engine, room);
}

guint8 *
cask_upload_engine_reserve (CaskUploadEngine *engine, gsize *room,
                            GCancellable *cancellable, GError **error)
{
  if (!cask_upload_engine_check_open (engine, error) ||
      !cask_store_begin (engine->store, NULL, cancellable, error))
    return NULL;
  gboolean success = !cask_upload_chunk_is_full (&engine->chunk) ||
                     upload_hand_on (engine, cancellable, error);
  cask_store_leave (engine->store);
  return success ? upload_place (engine, room) : NULL;
}

/* How many bytes it was is the word of a stream that may be anybody's. */
gboolean
cask_upload_engine_advance (CaskUploadEngine *engine, gsize count, GError **error)
{
  gsize room = engine->chunk.capacity - engine->chunk.size;

  if (G_UNLIKELY (count > MIN (room, upload_left (engine))))
    {
      engine->stage = CASK_UPLOAD_FAILED;
      g_set_error (error, CASK_ERROR, CASK_ERROR_IO,
                   "upload: the stream says that it read %" G_GSIZE_FORMAT
                   " bytes, more than were asked for",
                   count);
      return cask_store_fail (engine->store, NULL, error);
    }
  engine->chunk.size += count;
  engine->taken += count;
  return TRUE;
}

gsize
cask_upload_engine_take (CaskUploadEngine *engine, const void *data, gsize count)
{
  gsize room;

  if (engine->stage != CASK_UPLOAD_OPEN || cask_upload_chunk_is_full (&engine->chunk) ||
      count > upload_left (engine) || !cask_store_enter (engine->store, NULL))
    return 0;
  guint8 *place = cask_upload_chunk_reserve (&engine->chunk, &room);
  count = MIN (count, room);
  memcpy (place, data, count);
  cask_upload_engine_advance (engine, count, NULL);
  cask_store_leave (engine->store);
  return count;
}

gssize
cask_upload_engine_write (CaskUploadEngine *engine, const void *data, gsize count,
                          GCancellable *cancellable, GError **error)
{
  gsize done = 0;

  if (!cask_upload_engine_check_open (engine, error))
    return -1;
  if (count > upload_left (engine))
    return cask_upload_engine_fail_longer (engine, error), -1;
  while (done < count)
    {
      gsize room;
      g_autoptr (GError) failure = NULL;
      guint8 *place = cask_upload_engine_reserve (engine, &room, cancellable, &failure);
      /* What was taken before it was cancelled, or the store closed, has to be said. */
      if (place == NULL && done > 0 && engine->stage == CASK_UPLOAD_OPEN)
        break;
      if (place == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return -1;
        }
      gsize n = MIN (room, count - done);
      memcpy (place, (const guint8 *) data + done, n);
      cask_upload_engine_advance (engine, n, NULL);
      done += n;
    }
  return (gssize) done;
}

/* ---- Save, commit, abort ---- */

/* Within enter and leave. */
static gboolean
upload_save_state (CaskUploadEngine *engine, GCancellable *cancellable, GError **error)
{
  g_autofree char *id = NULL;

  cask_upload_chunk_wait (&engine->chunk);
  engine->state.saved_usec = g_get_real_time ();
  g_autoptr (GBytes) state = cask_upload_state_save (&engine->state);
  if (!cask_node_ops.upload_save (cask_store_root (engine->store), engine->handle->upload,
                                  state, &id, cancellable, error))
    return cask_store_fail (engine->store, NULL, error);
  cask_upload_handle_keep (engine->store, engine->handle);
  if (engine->id == NULL)
    engine->id = g_steal_pointer (&id);
  return TRUE;
}

gboolean
cask_upload_engine_save (CaskUploadEngine *engine, GCancellable *cancellable,
                         GError **error)
{
  if (!cask_upload_engine_check_open (engine, error) ||
      !cask_store_begin (engine->store, NULL, cancellable, error))
    return FALSE;
  gboolean success = upload_hand_on (engine, NULL, error) &&
                     upload_save_state (engine, cancellable, error);
  cask_store_leave (engine->store);
  return success;
}

/* Whether what was written is what was announced, and under which name. */
static gboolean
upload_check_written (CaskUploadEngine *engine, const CaskDigest *expected,
                      CaskDigest *actual, GError **error)
{
  const CaskDigest *wanted = expected;

  if (upload_left (engine) > 0 && engine->state.expected_size != CASK_UNKNOWN)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH,
                   "upload: %" G_GUINT64_FORMAT " bytes were written, %" G_GUINT64_FORMAT
                   " announced",
                   cask_upload_engine_get_offset (engine), engine->state.expected_size);
      return cask_store_fail (engine->store, NULL, error);
    }
  if (wanted == NULL && engine->state.has_digest)
    wanted = &engine->state.digest;
  guint algorithm = wanted != NULL ? wanted->algorithm : engine->state.algorithm;
  if (!upload_peek (engine, algorithm, actual))
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST,
                   "upload: hashed by %s only; to commit by any algorithm, begin it with "
                   "CASK_PUT_ALL_ALGORITHMS",
                   cask_algorithm_to_string (engine->state.algorithm));
      return cask_store_fail (engine->store, NULL, error);
    }
  if (wanted == NULL || cask_digest_equal (wanted, actual))
    return TRUE;
  cask_error_set_mismatch (error, CASK_ERROR_DIGEST_MISMATCH, wanted, actual);
  return cask_store_fail (engine->store, NULL, error);
}

/* Within enter and leave. */
static gboolean
upload_publish (CaskUploadEngine *engine, const CaskDigest *digest, gboolean *created,
                GCancellable *cancellable, GError **error)
{
  CaskStore *store = engine->store;
  guint32 flags = cask_store_put_flags (store, digest, engine->flags);
  gboolean made = FALSE;

  engine->stage = CASK_UPLOAD_SEALED;
  engine->sealed = *digest;
  if (!cask_node_ops.upload_commit (cask_store_root (store), engine->handle->upload,
                                    digest, flags, &made, cancellable, error))
    return cask_store_fail (store, digest, error);
  if (flags & CASK_PUT_REPLACE)
    cask_verified_clear_corrupt (store->verified, digest);
  engine->stage = CASK_UPLOAD_ENDED;
  cask_upload_handle_close (store, g_steal_pointer (&engine->handle), FALSE);
  if (created != NULL)
    *created = made;
  return TRUE;
}

static gboolean
upload_check_committable (CaskUploadEngine *engine, const CaskDigest *expected,
                          GError **error)
{
  gboolean again = engine->stage == CASK_UPLOAD_SEALED &&
                   (expected == NULL || cask_digest_equal (expected, &engine->sealed));

  if (!again && !cask_upload_engine_check_open (engine, error))
    return FALSE;
  return expected == NULL || cask_digest_check (expected, error);
}

gboolean
cask_upload_engine_commit (CaskUploadEngine *engine, const CaskDigest *expected,
                           CaskDigest *stored, gboolean *created,
                           GCancellable *cancellable, GError **error)
{
  CaskDigest actual;

  if (!upload_check_committable (engine, expected, error) ||
      !cask_store_begin (engine->store, NULL, cancellable, error))
    return FALSE;
  gboolean success;
  if (engine->stage == CASK_UPLOAD_SEALED)
    {
      actual = engine->sealed;
      success = upload_publish (engine, &actual, created, cancellable, error);
    }
  else
    success = upload_hand_on (engine, NULL, error) &&
              upload_check_written (engine, expected, &actual, error) &&
              upload_publish (engine, &actual, created, cancellable, error);
  cask_store_leave (engine->store);
  if (success && stored != NULL)
    *stored = actual;
  return success;
}

gboolean
cask_upload_engine_abort (CaskUploadEngine *engine, GError **error)
{
  if (engine->stage == CASK_UPLOAD_ENDED)
    return cask_upload_engine_check_open (engine, error);
  if (!cask_store_enter (engine->store, error))
    return FALSE;
  engine->stage = CASK_UPLOAD_ENDED;
  engine->sealed.algorithm = 0;
  cask_upload_handle_close (engine->store, g_steal_pointer (&engine->handle), FALSE);
  cask_store_leave (engine->store);
  return TRUE;
}
