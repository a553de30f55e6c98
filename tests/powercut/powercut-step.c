/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-step.c: one step of a script: calls the library, and writes down what it was
 * asked for and what it said.
 *
 * What a step claims is written down before the library is asked and after it has
 * answered, so between the two a power cut may leave either. */
#include "powercut.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

GBytes *
power_blob_bytes (const PowerLog *log, guint32 blob)
{
  return g_bytes_new_static (log->heap + log->blobs[blob].heap, log->blobs[blob].size);
}

static gboolean
power_step_put (PowerActor *actor, guint32 blob, CaskPutFlags flags, GError **error)
{
  g_autoptr (GBytes) bytes = power_blob_bytes (actor->log, blob);
  PowerCall call = { .kind = POWER_CALL_PUT,
                     .blob = blob,
                     .is_heal = (flags & CASK_PUT_VERIFY_EXISTING) != 0 };
  guint32 index = power_call_begin (actor->log, &call);
  gboolean created = FALSE;
  power_record_call (POWER_CALL_PUT);
  gboolean done = cask_store_put (actor->store, &actor->log->blobs[blob].digest, bytes,
                                  flags, &created, NULL, error);
  power_record_call (POWER_CALL_NONE);
  power_call_end (actor->log, index, done, created);
  return done;
}

static gboolean
power_step_delete (PowerActor *actor, guint32 blob, gboolean only_unused, GError **error)
{
  PowerCall call = { .kind = POWER_CALL_DELETE, .blob = blob };
  guint32 index = power_call_begin (actor->log, &call);
  const CaskDigest *digest = &actor->log->blobs[blob].digest;
  CaskRemoved outcome = CASK_REMOVED_ABSENT;
  gboolean existed = FALSE, done;
  power_record_call (POWER_CALL_DELETE);
  if (only_unused)
    done = cask_store_delete_unused (actor->store, digest, g_get_real_time () - 5000,
                                     &outcome, NULL, error);
  else
    done = cask_store_delete (actor->store, digest, &existed, NULL, error);
  power_record_call (POWER_CALL_NONE);
  /* What was kept is neither absent nor removed: it claims nothing. */
  power_call_end (actor->log, index, done && outcome != CASK_REMOVED_KEPT,
                  existed || outcome == CASK_REMOVED_DONE);
  return done;
}

/* ---- Many ---- */

typedef struct
{
  guint n;
  const CaskDigest *digests[POWER_BLOBS];
  GBytes *bytes[POWER_BLOBS];
  guint32 calls[POWER_BLOBS];
} PowerMany;

static void
power_many_begin (PowerActor *actor, PowerMany *many, PowerCallKind kind, guint32 first,
                  guint32 last)
{
  many->n = 0;
  for (guint32 blob = first; blob <= last && blob < actor->log->n_blobs; blob++)
    {
      PowerCall call = { .kind = kind, .blob = blob };
      many->digests[many->n] = &actor->log->blobs[blob].digest;
      many->bytes[many->n] = power_blob_bytes (actor->log, blob);
      many->calls[many->n++] = power_call_begin (actor->log, &call);
    }
}

static gboolean
power_many_end (PowerActor *actor, PowerMany *many, PowerCallKind kind,
                CaskResults *results, GError **error)
{
  for (guint i = 0; i < many->n; i++)
    {
      const GError *failure =
          results != NULL ? cask_results_get_error (results, i) : NULL;
      gboolean done = results != NULL && failure == NULL;
      gboolean is_effect = FALSE;
      if (done && kind == POWER_CALL_PUT)
        is_effect = cask_results_get_created (results, i);
      else if (done)
        is_effect = cask_results_get_removed (results, i) == CASK_REMOVED_DONE;
      power_call_end (actor->log, many->calls[i], done, is_effect);
      if (failure != NULL && *error == NULL)
        *error = g_error_copy (failure);
      g_bytes_unref (many->bytes[i]);
    }
  return *error == NULL;
}

static gboolean
power_step_many (PowerActor *actor, PowerCallKind kind, guint32 first, guint32 last,
                 GError **error)
{
  g_autofree PowerMany *many = g_new (PowerMany, 1);
  g_autoptr (CaskResults) results = NULL;
  GError *failure = NULL;
  power_many_begin (actor, many, kind, first, last);
  if (kind == POWER_CALL_PUT)
    results = cask_store_put_many (actor->store, many->digests, many->bytes, many->n,
                                   CASK_PUT_NONE, NULL, &failure);
  else
    results = cask_store_delete_many (actor->store, many->digests, many->n, CASK_ALWAYS,
                                      NULL, &failure);
  if (power_many_end (actor, many, kind, results, &failure))
    return TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}

/* ---- Uploads ---- */

/* Writes as much as a chunk, a quarter of the blob. */
static gboolean
power_upload_write (PowerActor *actor, CaskUpload *upload, guint32 blob, guint n_chunks,
                    GError **error)
{
  const PowerBlob *known = &actor->log->blobs[blob];
  const guint8 *bytes = actor->log->heap + known->heap;
  gsize chunk = known->size / 4 + 1;
  gboolean done = TRUE;
  for (guint i = 0; i < n_chunks && done; i++)
    {
      gsize offset = (gsize) cask_upload_get_offset (upload);
      gsize count = MIN (chunk, known->size - offset);
      if (count > 0)
        done = g_output_stream_write_all (G_OUTPUT_STREAM (upload), bytes + offset, count,
                                          NULL, NULL, error);
    }
  return done;
}

/* An upload that has no id yet counts from its first save. */
static gboolean
power_upload_save (PowerActor *actor, CaskUpload *upload, guint32 blob, guint32 *number,
                   GError **error)
{
  PowerLog *log = actor->log;
  power_log_lock (log);
  if (*number == 0 && log->n_uploads < POWER_UPLOADS)
    {
      *number = log->n_uploads++;
      log->uploads[*number].blob = blob;
    }
  power_log_unlock (log);
  PowerCall call = { .kind = POWER_CALL_SAVE,
                     .upload = *number,
                     .blob = blob,
                     .offset = cask_upload_get_offset (upload) };
  guint32 index = power_call_begin (log, &call);
  power_record_call (POWER_CALL_SAVE);
  const char *id = cask_upload_save (upload, NULL, error);
  power_record_call (POWER_CALL_NONE);
  if (id != NULL)
    g_strlcpy (log->uploads[*number].id, id, sizeof log->uploads[*number].id);
  power_call_end (log, index, id != NULL, FALSE);
  return id != NULL;
}

static gboolean
power_upload_end (PowerActor *actor, CaskUpload *upload, guint32 blob, guint32 number,
                  gboolean is_commit, GError **error)
{
  PowerCall call = { .kind = is_commit ? POWER_CALL_PUT : POWER_CALL_ABORT,
                     .upload = number,
                     .blob = blob };
  gboolean created = FALSE;
  guint32 index = power_call_begin (actor->log, &call);
  power_record_call ((PowerCallKind) call.kind);
  gboolean done = is_commit ? cask_upload_commit (upload, &actor->log->blobs[blob].digest,
                                                  NULL, &created, NULL, error)
                            : cask_upload_abort (upload, NULL, error);
  power_record_call (POWER_CALL_NONE);
  power_call_end (actor->log, index, done, created);
  return done;
}

/* u: write it all, commit; s: half of it, save, leave it; S: save twice, commit. */
static gboolean
power_step_upload (PowerActor *actor, char how, guint32 blob, GError **error)
{
  const PowerBlob *known = &actor->log->blobs[blob];
  guint32 number = 0;
  g_autoptr (CaskUpload) upload = cask_store_begin_upload (
      actor->store, NULL, CASK_ALGORITHM_SHA256, known->size, CASK_PUT_NONE, NULL, error);
  if (upload == NULL)
    return FALSE;
  if (how == 'u')
    return power_upload_write (actor, upload, blob, 4, error) &&
           power_upload_end (actor, upload, blob, 0, TRUE, error);
  if (!power_upload_write (actor, upload, blob, 2, error) ||
      !power_upload_save (actor, upload, blob, &number, error))
    return FALSE;
  if (how == 's')
    return TRUE;
  return power_upload_write (actor, upload, blob, 1, error) &&
         power_upload_save (actor, upload, blob, &number, error) &&
         power_upload_write (actor, upload, blob, 1, error) &&
         power_upload_end (actor, upload, blob, number, TRUE, error);
}

/* r: resume what was saved of the blob, and commit it; R: save it once more; a: abort.
 * What somebody else has open, or is done with, is left alone. */
static gboolean
power_step_resume (PowerActor *actor, char how, guint32 blob, GError **error)
{
  PowerLog *log = actor->log;
  guint32 number = 0;
  power_log_lock (log);
  for (guint32 i = 1; i < log->n_uploads; i++)
    if (log->uploads[i].blob == blob && log->uploads[i].id[0] != '\0')
      number = i;
  power_log_unlock (log);
  if (number == 0)
    return TRUE;
  GError *failure = NULL;
  g_autoptr (CaskUpload) upload =
      cask_store_resume_upload (actor->store, log->uploads[number].id, NULL, &failure);
  if (upload == NULL && (g_error_matches (failure, CASK_ERROR, CASK_ERROR_BUSY) ||
                         g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND)))
    return g_error_free (failure), TRUE;
  if (upload == NULL)
    return g_propagate_error (error, failure), FALSE;
  if (how == 'a')
    return power_upload_end (actor, upload, blob, number, FALSE, error);
  if (how == 'R')
    return power_upload_write (actor, upload, blob, 1, error) &&
           power_upload_save (actor, upload, blob, &number, error);
  return power_upload_write (actor, upload, blob, 4, error) &&
         power_upload_end (actor, upload, blob, number, TRUE, error);
}

/* ---- The others ---- */

static gboolean
power_step_flush (PowerActor *actor, GError **error)
{
  PowerCall call = { .kind = POWER_CALL_FLUSH };
  guint32 index = power_call_begin (actor->log, &call);
  power_record_call (POWER_CALL_FLUSH);
  gboolean done = cask_store_flush (actor->store, NULL, error);
  power_record_call (POWER_CALL_NONE);
  power_call_end (actor->log, index, done, FALSE);
  return done;
}

/* Somebody writes over the middle of a blob, past every rule. */
static gboolean
power_step_damage (PowerActor *actor, guint32 blob, GError **error)
{
  PowerLog *log = actor->log;
  char hex[2 * 64 + 1];
  for (guint i = 0; i < 32; i++)
    g_snprintf (hex + 2 * i, 3, "%02x", log->blobs[blob].digest.bytes[i]);
  g_autofree char *path =
      log->layout != 0 ? g_strdup_printf ("%s/blobs/sha256/%s", actor->root, hex)
                       : g_strdup_printf ("%s/sha256/%.2s/%s", actor->root, hex, hex + 2);
  if (chmod (path, 0644) != 0)
    return g_set_error (error, CASK_ERROR, CASK_ERROR_IO, "%s: %s", path,
                        g_strerror (errno)),
           FALSE;
  int fd = open (path, O_RDWR | O_CLOEXEC);
  gboolean done = fd >= 0 && fs_system->pwrite (fd, "damaged", 7, 3) == 7 &&
                  fs_system->fchmod (fd, 0444) == 0;
  if (fd >= 0)
    close (fd);
  log->blobs[blob].is_damaged = TRUE;
  if (!done)
    g_set_error (error, CASK_ERROR, CASK_ERROR_IO, "%s: not damaged", path);
  return done;
}

/* Waits until others have made so many names of blobs, or directories; 10 s at most. */
static gboolean
power_step_wait (const gint *made, gint wanted, GError **error)
{
  for (guint i = 0; i < 100000; i++)
    {
      if (g_atomic_int_get (made) >= wanted)
        return TRUE;
      power_yield (100);
    }
  g_set_error (error, CASK_ERROR, CASK_ERROR_TIMED_OUT, "no %d of them", wanted);
  return FALSE;
}

/* power_step: a letter, and the numbers of blobs: README.md has the list. */
gboolean
power_step (PowerActor *actor, const char *token, GError **error)
{
  char *rest = NULL;
  guint32 first = (guint32) g_ascii_strtoull (token + 1, &rest, 10);
  guint32 last = rest != NULL && *rest == '-'
                     ? (guint32) g_ascii_strtoull (rest + 1, NULL, 10)
                     : first;
  switch (token[0])
    {
    case 'p':
      return power_step_put (actor, first, CASK_PUT_NONE, error);
    case 'h':
      return power_step_put (actor, first, CASK_PUT_VERIFY_EXISTING, error);
    case 'd':
    case 'c':
      return power_step_delete (actor, first, token[0] == 'c', error);
    case 'm':
      return power_step_many (actor, POWER_CALL_PUT, first, last, error);
    case 'D':
      return power_step_many (actor, POWER_CALL_DELETE, first, last, error);
    case 'u':
    case 's':
    case 'S':
      return power_step_upload (actor, token[0], first, error);
    case 'r':
    case 'R':
    case 'a':
      return power_step_resume (actor, token[0], first, error);
    case 'f':
      return power_step_flush (actor, error);
    case 'x':
      return power_step_damage (actor, first, error);
    case 'w':
      return power_step_wait (&actor->log->n_blob_names, (gint) first, error);
    case 'v':
      return power_step_wait (&actor->log->n_removed, (gint) first, error);
    case 'W':
      return power_step_wait (&actor->log->n_directories, (gint) first, error);
    case '.':
      return power_yield (25000), TRUE;
    default:
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, "no step '%s'", token);
      return FALSE;
    }
}
