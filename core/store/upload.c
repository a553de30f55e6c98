/* SPDX-License-Identifier: Apache-2.0
 *
 * upload.c: uploads begun, resumed and given up.
 *
 * A resumed upload goes on with the hash that was saved with it, where that is of as many
 * bytes as the backend has; otherwise the bytes are read and hashed again.
 *
 * Failure modes: what was saved and is damaged is of no use to anybody: it is removed. */
#include "upload-private.h"

#include "error-private.h"

static CaskUploadEngine *
upload_new (CaskStore *store)
{
  CaskUploadEngine *engine = g_new0 (CaskUploadEngine, 1);

  engine->store = g_object_ref (store);
  engine->state.expected_size = CASK_UNKNOWN;
  cask_upload_chunk_init (&engine->chunk, &engine->state);
  return engine;
}

/* Closes what it has; its memory is left. */
static void
upload_dismantle (CaskUploadEngine *engine)
{
  cask_upload_chunk_clear (&engine->chunk);
  if (engine->handle != NULL)
    cask_upload_handle_drop (engine->store, engine->handle);
  cask_upload_state_clear (&engine->state);
}

static void
upload_release (CaskUploadEngine *engine)
{
  upload_dismantle (engine);
  g_object_unref (engine->store);
  g_free (engine->id);
  g_free (engine);
}

static void
upload_release_dropped (CaskUploadEngine *engine)
{
  g_autoptr (CaskStore) store = engine->store;

  upload_dismantle (engine);
  g_mutex_lock (&store->close_lock);
  g_queue_unlink (&store->dropped, &engine->dropped_link);
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
  g_free (engine->id);
  g_free (engine);
}

static void
upload_release_job (CaskPoolJob **jobs, guint n)
{
  (void) n;
  upload_release_dropped (
      (CaskUploadEngine *) (gpointer) ((char *) jobs[0] -
                                       G_STRUCT_OFFSET (CaskUploadEngine, job)));
}

/* Closing a large file that has no name may take long, so it is not done here. */
void
cask_upload_engine_free (CaskUploadEngine *engine)
{
  /* In a forked child any lock may have been held by a thread that is not there: the
   * little that is left is left. */
  if (!cask_store_is_ours (engine->store, NULL))
    return;
  if (engine->handle == NULL)
    {
      upload_release (engine);
      return;
    }
  g_autoptr (CaskStore) store = g_object_ref (engine->store); /* it outlives the engine */
  g_autoptr (CaskLane) lane = cask_lane_new (1);
  engine->job.func = upload_release_job;
  engine->dropped_link.data = engine;
  g_mutex_lock (&store->close_lock);
  engine->dropped_ticket = ++store->n_dropped;
  g_queue_push_tail_link (&store->dropped, &engine->dropped_link);
  g_mutex_unlock (&store->close_lock);
  cask_pool_push (lane, &engine->job, G_PRIORITY_DEFAULT);
  /* Who found it in the list before can take the job from the queue only now, and there
   * may be no other thread that ever does. */
  g_mutex_lock (&store->close_lock);
  g_cond_broadcast (&store->close_progress);
  g_mutex_unlock (&store->close_lock);
}

/* Under close_lock. Returns: whether any is left of those dropped up to a ticket, and
 * saved under the id, if one is given; *idle: (out): one that no thread has begun to
 * close, for the caller to close. */
static gboolean
upload_find_dropped (CaskStore *store, guint64 ticket, const char *id,
                     CaskUploadEngine **idle)
{
  gboolean is_left = FALSE;

  *idle = NULL;
  for (GList *link = store->dropped.head; link != NULL && *idle == NULL;
       link = link->next)
    {
      CaskUploadEngine *engine = link->data;
      if (engine->dropped_ticket > ticket ||
          (id != NULL && g_strcmp0 (id, engine->id) != 0))
        continue;
      is_left = TRUE;
      if (cask_pool_withdraw (&engine->job))
        *idle = engine;
    }
  return is_left;
}

void
cask_uploads_wait_dropped (CaskStore *store, const char *id)
{
  CaskUploadEngine *idle;

  g_mutex_lock (&store->close_lock);
  guint64 ticket = store->n_dropped;
  while (upload_find_dropped (store, ticket, id, &idle))
    {
      if (idle == NULL)
        {
          g_cond_wait (&store->close_progress, &store->close_lock);
          continue;
        }
      g_mutex_unlock (&store->close_lock);
      upload_release_dropped (idle);
      g_mutex_lock (&store->close_lock);
    }
  g_mutex_unlock (&store->close_lock);
}

static gboolean
upload_check_spec (const CaskDigest *digest, CaskAlgorithm algorithm, GError **error)
{
  CaskDigest name = { .algorithm = (guint8) algorithm };

  if (digest == NULL)
    return cask_digest_check (&name, error);
  return cask_digest_check (digest, error);
}

CaskUploadEngine *
cask_upload_begin (CaskStore *store, const CaskDigest *digest, CaskAlgorithm algorithm,
                   guint64 expected_size, CaskPutFlags flags, GCancellable *cancellable,
                   GError **error)
{
  if (!upload_check_spec (digest, algorithm, error) ||
      !cask_store_begin (store, NULL, cancellable, error))
    return NULL;

  CaskUploadEngine *engine = upload_new (store);
  CaskUploadState *state = &engine->state;
  engine->flags = flags;
  state->has_digest = digest != NULL;
  if (digest != NULL)
    state->digest = *digest;
  state->algorithm = digest != NULL ? (CaskAlgorithm) digest->algorithm : algorithm;
  state->all_algorithms = (flags & CASK_PUT_ALL_ALGORITHMS) != 0;
  state->verify_existing = (flags & CASK_PUT_VERIFY_EXISTING) != 0;
  state->expected_size = expected_size;
  cask_upload_state_begin (state);

  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = state->algorithm,
                          .digest = digest,
                          .expected_size = expected_size };
  CaskBackendUpload *upload =
      cask_node_ops.upload_begin (cask_store_root (store), &spec, cancellable, error);
  if (upload != NULL)
    engine->handle = cask_upload_handle_new (store, upload, FALSE);
  else
    cask_store_fail (store, digest, error);
  cask_store_leave (store);
  if (upload == NULL)
    g_clear_pointer (&engine, upload_release);
  return engine;
}

/* Hashes what the backend has, where the saved hash is of another number of bytes: a
 * power cut may have taken some. */
static gboolean
upload_hash_again (CaskUploadEngine *engine, CaskBackendUpload *upload, guint64 size,
                   GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (CASK_UPLOAD_CHUNK);

  cask_upload_state_clear (&engine->state);
  cask_upload_state_begin (&engine->state);
  engine->state.offset = 0;
  while (engine->state.offset < size)
    {
      guint64 left = size - engine->state.offset;
      gsize n = 0, count = (gsize) MIN (left, CASK_UPLOAD_CHUNK);
      if (!cask_node_ops.upload_read (cask_store_root (engine->store), upload,
                                      engine->state.offset, buffer, count, &n,
                                      cancellable, error))
        return FALSE;
      if (n == 0 || n > count)
        {
          g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT,
                       "what was saved of the upload ends at %" G_GUINT64_FORMAT
                       " of %" G_GUINT64_FORMAT " bytes; begin it anew",
                       engine->state.offset, size);
          return FALSE;
        }
      for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
        if (engine->state.hashers[i] != NULL)
          cask_hasher_update (engine->state.hashers[i], buffer, n);
      engine->state.offset += n;
    }
  return TRUE;
}

static gboolean
upload_restore (CaskUploadEngine *engine, CaskBackendUpload *upload, GBytes *saved,
                guint64 offset, GCancellable *cancellable, GError **error)
{
  if (!cask_upload_state_load (&engine->state, saved, error))
    return FALSE;
  if (engine->state.verify_existing)
    engine->flags |= CASK_PUT_VERIFY_EXISTING;
  if (offset > engine->state.expected_size)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT,
                   "%" G_GUINT64_FORMAT
                   " bytes of the upload were saved, of %" G_GUINT64_FORMAT
                   " announced; begin it anew",
                   offset, engine->state.expected_size);
      return FALSE;
    }
  return engine->state.offset == offset ||
         upload_hash_again (engine, upload, offset, cancellable, error);
}

/* Within enter and leave. What is damaged is of no use to anybody and is removed;
 * anything else may be better next time, or for another version. */
static gboolean
upload_reopen (CaskUploadEngine *engine, const char *id, GCancellable *cancellable,
               GError **error)
{
  CaskBackend *root = cask_store_root (engine->store);
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (GError) failure = NULL;
  guint64 offset = 0;

  CaskBackendUpload *upload =
      cask_node_ops.upload_resume (root, id, &saved, &offset, cancellable, error);
  if (upload == NULL)
    return FALSE;
  if (!upload_restore (engine, upload, saved, offset, cancellable, &failure))
    {
      gboolean is_damaged = g_error_matches (failure, CASK_ERROR, CASK_ERROR_CORRUPT);
      cask_node_ops.upload_close (root, upload, !is_damaged);
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  engine->handle = cask_upload_handle_new (engine->store, upload, TRUE);
  engine->taken = offset;
  engine->id = g_strdup (id);
  return TRUE;
}

CaskUploadEngine *
cask_upload_resume (CaskStore *store, const char *id, GCancellable *cancellable,
                    GError **error)
{
  if (!cask_store_begin (store, NULL, cancellable, error))
    return NULL;

  cask_uploads_wait_dropped (store, id);
  CaskUploadEngine *engine = upload_new (store);
  if (!upload_reopen (engine, id, cancellable, error))
    {
      g_autofree char *quoted = cask_error_quote (id);
      if (error != NULL && (*error)->domain == CASK_ERROR)
        g_prefix_error (error, "upload %s: ", quoted);
      cask_store_fail (store, NULL, error);
      g_clear_pointer (&engine, upload_release);
    }
  cask_store_leave (store);
  return engine;
}

guint64
cask_upload_engine_get_offset (CaskUploadEngine *engine)
{
  return atomic_load_explicit (&engine->taken, memory_order_relaxed);
}
