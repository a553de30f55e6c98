/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-cancel.c: uploads that come to nothing: aborted, dropped, cancelled at
 * any point, overtaken by the store's close. Nothing of them stays, but what was saved.
 */
#include "conform-upload.h"

#define CANCEL_SIZE 1500000
#define CANCEL_STEP 250000

static void
expect_cancelled (gboolean success, GError **error)
{
  CONFORM_FALSE (success);
  CONFORM_ERROR (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
}

/* ---- Given up ---- */

typedef enum
{
  GIVE_UP_ABORT,
  GIVE_UP_DROP,
  GIVE_UP_CLOSE_AND_DROP,
  N_GIVE_UPS
} GiveUp;

static void
give_up (Conform *c, CaskUpload **upload, GiveUp how)
{
  g_autoptr (GError) error = NULL;

  if (how == GIVE_UP_ABORT)
    CONFORM_TRUE (upload_calls (c)->abort (*upload, NULL, &error));
  if (how == GIVE_UP_CLOSE_AND_DROP)
    CONFORM_TRUE (upload_calls (c)->end (*upload, NULL, &error));
  CONFORM_NO_ERROR (error);
  if (how == GIVE_UP_ABORT)
    g_clear_object (upload);
  else
    upload_drop (c, upload);
}

static void
test_given_up (void)
{
  static const gsize sizes[] = { 0, 1, 262144, CANCEL_SIZE };
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  UploadTrace before = upload_trace (c);
  for (guint how = 0; how < N_GIVE_UPS; how++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      {
        g_autoptr (GBytes) bytes = conform_bytes (430 + i, sizes[i]);
        CaskDigest digest = conform_digest (bytes);
        g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
        if (upload == NULL)
          return;
        give_up (c, &upload, (GiveUp) how);
        conform_expect_absent (c, &digest);
        upload_expect_trace (c, &before);
      }
}

/* Dropped, not aborted: what was saved stays. */
static void
test_given_up_saved (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_RESUME);
  if (c == NULL)
    return;
  for (guint how = GIVE_UP_DROP; how < N_GIVE_UPS; how++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (435 + how, CANCEL_SIZE);
      g_autoptr (CaskUpload) upload = upload_begin (c);
      if (upload == NULL || !upload_write_part (c, upload, bytes, 0, 700000))
        return;
      g_autofree char *id = upload_save (c, upload);
      if (!upload_write_part (c, upload, bytes, 700000, CANCEL_SIZE))
        return;
      give_up (c, &upload, (GiveUp) how);
      upload = upload_resume (c, id);
      if (upload == NULL)
        return;
      CONFORM_EQUAL (cask_upload_get_offset (upload), 700000);
      if (!upload_write_part (c, upload, bytes, 700000, CANCEL_SIZE))
        return;
      CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
    }
}

/* ---- Cancelled ---- */

static void
test_cancelled_before (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) e = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  const UploadCalls *calls = upload_calls (c);
  g_autoptr (GBytes) bytes = conform_bytes (440, 3000);
  g_autoptr (GInputStream) source = upload_source_new (bytes, NULL);
  UploadTrace before = upload_trace (c);
  g_cancellable_cancel (cancelled);
  g_autoptr (CaskUpload) begun = calls->begin (c->store, NULL, CASK_ALGORITHM_SHA256,
                                               CASK_UNKNOWN, 0, cancelled, &e);
  expect_cancelled (begun != NULL, &e);
  expect_cancelled (calls->put_stream (c->store, NULL, CASK_ALGORITHM_SHA256, source,
                                       CASK_UNKNOWN, 0, NULL, NULL, cancelled, &e),
                    &e);
  CONFORM_EQUAL (upload_source_get_offset (source), 0);
  CONFORM_FALSE (g_input_stream_is_closed (source));
  if (c->capabilities & CASK_CAPABILITY_RESUME)
    {
      g_autoptr (CaskUpload) resumed = calls->resume (c->store, "x", cancelled, &e);
      expect_cancelled (resumed != NULL, &e);
      g_autoptr (CaskUploadList) list = calls->list (c->store, cancelled, &e);
      expect_cancelled (list != NULL, &e);
      expect_cancelled (calls->expire (c->store, G_MAXINT64, NULL, cancelled, &e), &e);
    }
  upload_expect_trace (c, &before);
}

/* A commit that was cancelled has not been: it may be done again. */
static void
test_cancelled_commit (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GBytes) bytes = conform_bytes (441, CANCEL_SIZE);
  CaskDigest digest = conform_digest (bytes);
  gboolean created = FALSE;
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  if (upload == NULL)
    return;
  g_cancellable_cancel (cancelled);
  expect_cancelled (
      upload_calls (c)->commit (upload, &digest, NULL, &created, cancelled, &error),
      &error);
  CONFORM_FALSE (created);
  conform_expect_absent (c, &digest);
  CONFORM_TRUE (upload_commit (c, upload, &digest, bytes));
}

/* Cancelled before the n-th piece of it, for every n. */
static void
test_cancelled_at_every_write (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (442, CANCEL_SIZE);
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  UploadTrace before = upload_trace (c);
  for (gsize at = 0; at < CANCEL_SIZE; at += CANCEL_STEP)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancelled = g_cancellable_new ();
      g_autoptr (CaskUpload) upload = upload_begin (c);
      if (upload == NULL || !upload_write_part (c, upload, bytes, 0, at))
        return;
      g_cancellable_cancel (cancelled);
      expect_cancelled (
          upload_calls (c)->write (upload, data + at, CANCEL_STEP, cancelled, &error),
          &error);
      g_clear_object (&upload);
      upload_expect_trace (c, &before);
    }
}

/* The source itself cancels while it is read, at every chunk. */
static void
test_cancelled_at_every_read (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (443, CANCEL_SIZE);
  CaskDigest digest = conform_digest (bytes);
  UploadTrace before = upload_trace (c);
  for (gint64 at = 0; at <= CANCEL_SIZE; at += CANCEL_STEP / 2)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      UploadSourcePlan plan = {
        .fails_at = -1, .cancels_at = at, .most = CANCEL_STEP / 2, .cancels = cancellable
      };
      g_autoptr (GInputStream) source = upload_source_new (bytes, &plan);
      expect_cancelled (upload_calls (c)->put_stream (
                            c->store, &digest, CASK_ALGORITHM_SHA256, source,
                            CASK_UNKNOWN, CASK_PUT_NONE, NULL, NULL, cancellable, &error),
                        &error);
      CONFORM_FALSE (g_input_stream_is_closed (source));
      conform_expect_absent (c, &digest);
      upload_expect_trace (c, &before);
    }
}

/* ---- Cancelled while a piece is written ---- */

#define PIECE_ROUNDS 16

/* How long it takes to write all of it when nobody cancels. */
static gint64
piece_measure (Conform *c, GBytes *bytes)
{
  gint64 begin = g_get_monotonic_time ();
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);

  return upload != NULL ? g_get_monotonic_time () - begin : -1;
}

typedef struct
{
  Conform *c;
  CaskUpload *upload;
  GBytes *bytes;
  GCancellable *cancellable;
  gint64 delay;
} PieceRace;

/* Thread 0 writes all of it, thread 1 cancels somewhere in between. */
static void
piece_race_thread (gpointer data, guint index)
{
  PieceRace *race = data;
  g_autoptr (GError) error = NULL;

  if (index == 1)
    {
      conform_let_time_pass (race->delay);
      g_cancellable_cancel (race->cancellable);
      return;
    }
  CONFORM_OK (upload_calls (race->c)->write (
                  race->upload, g_bytes_get_data (race->bytes, NULL),
                  g_bytes_get_size (race->bytes), race->cancellable, &error) ||
                  g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED),
              error);
}

/* An upload that a cancelled write has not ended goes on where it says that it is.
 * Returns: whether it has not ended */
static gboolean
piece_go_on (Conform *c, CaskUpload *upload, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize at = (gsize) cask_upload_get_offset (upload);
  const guint8 *data = g_bytes_get_data (bytes, NULL);

  if (upload_calls (c)->write (upload, data + at, CANCEL_SIZE - at, NULL, &error))
    return TRUE;
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
  return FALSE;
}

/* What a piece's write was cancelled for is gone with its upload, or it is all there: of
 * an upload that goes on no piece is missing. */
static void
test_cancelled_within_writes (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (444, CANCEL_SIZE);
  CaskDigest digest = conform_digest (bytes);
  UploadTrace before = upload_trace (c);
  gint64 usual = piece_measure (c, bytes);
  for (guint round = 0; usual >= 0 && round < PIECE_ROUNDS; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (CaskUpload) upload = upload_begin (c);
      PieceRace race = { c, upload, bytes, cancellable, usual * round / PIECE_ROUNDS };
      if (upload == NULL)
        return;
      conform_run_threads (2, piece_race_thread, &race);
      if (piece_go_on (c, upload, bytes))
        CONFORM_TRUE (upload_commit (c, upload, &digest, bytes));
      g_clear_object (&upload);
      CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
      CONFORM_NO_ERROR (error);
      upload_expect_trace (c, &before);
    }
}

/* ---- A cancel that races the commit ---- */

#define RACE_ROUNDS 60

typedef struct
{
  Conform *c;
  CaskUpload *upload;
  GCancellable *cancellable;
  gint64 delay;
  gboolean is_done, is_cancelled;
} CommitRace;

/* Thread 0 commits, thread 1 cancels, a little later in every round. */
static void
commit_race_thread (gpointer data, guint index)
{
  CommitRace *race = data;
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;

  if (index == 1)
    {
      conform_let_time_pass (race->delay);
      g_cancellable_cancel (race->cancellable);
      return;
    }
  race->is_done = upload_calls (race->c)->commit (race->upload, NULL, NULL, &created,
                                                  race->cancellable, &error);
  race->is_cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  CONFORM_OK (race->is_done != race->is_cancelled, error);
  CONFORM_TRUE (created == race->is_done);
}

static void
test_cancel_racing_commit (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  UploadTrace none = upload_trace (c);
  for (guint round = 0; round < RACE_ROUNDS; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GBytes) bytes = conform_bytes (450, 100000);
      CaskDigest digest = conform_digest (bytes);
      g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
      CommitRace race = {
        .c = c, .upload = upload, .cancellable = cancellable, .delay = round * 10
      };
      if (upload == NULL)
        return;
      conform_run_threads (2, commit_race_thread, &race);
      g_clear_object (&upload);
      if (race.is_done)
        conform_expect_bytes (c, &digest, bytes);
      else
        conform_expect_absent (c, &digest);
      CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
      CONFORM_NO_ERROR (error);
      upload_expect_trace (c, &none);
    }
}

/* ---- The store is closed first ---- */

static void
expect_closed (gboolean success, GError **error)
{
  CONFORM_FALSE (success);
  CONFORM_ERROR (*error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
}

static void
test_store_closed (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  const UploadCalls *calls = upload_calls (c);
  g_autoptr (GBytes) bytes = conform_bytes (460, CANCEL_SIZE);
  g_autoptr (GInputStream) source = upload_source_new (bytes, NULL);
  g_autoptr (CaskUpload) full = upload_begin_with (c, bytes);
  g_autoptr (CaskUpload) empty = upload_begin (c);
  if (full == NULL || empty == NULL)
    return;
  CONFORM_TRUE (c->calls->close (c->store, NULL, &error));
  CONFORM_NO_ERROR (error);
  expect_closed (calls->commit (full, NULL, NULL, NULL, NULL, &error), &error);
  expect_closed (
      calls->write (empty, g_bytes_get_data (bytes, NULL), CANCEL_SIZE, NULL, &error),
      &error);
  expect_closed (calls->save (full, NULL, &error) != NULL, &error);
  g_autoptr (CaskUpload) late =
      calls->begin (c->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  expect_closed (late != NULL, &error);
  expect_closed (calls->put_stream (c->store, NULL, CASK_ALGORITHM_SHA256, source,
                                    CASK_UNKNOWN, 0, NULL, NULL, NULL, &error),
                 &error);
  CONFORM_EQUAL (upload_source_get_offset (source), 0);
}

/* What the store had saved is there when it is opened again, and nothing else is. */
static void
test_store_closed_saved (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_RESUME);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (461, CANCEL_SIZE);
  CaskDigest digest = conform_digest (bytes);
  g_autoptr (CaskUpload) saved = upload_begin (c);
  g_autoptr (CaskUpload) unsaved = upload_begin_with (c, bytes);
  if (saved == NULL || unsaved == NULL || !upload_write_part (c, saved, bytes, 0, 400000))
    return;
  g_autofree char *id = upload_save (c, saved);
  if (!upload_write_part (c, saved, bytes, 400000, CANCEL_SIZE) || !upload_reopen (c))
    return;
  UploadTrace trace = upload_trace (c);
  CONFORM_EQUAL (trace.n_saved, 1);
  conform_expect_absent (c, &digest);
  g_clear_object (&saved);
  g_clear_object (&unsaved);
  upload_expect_trace (c, &trace);
  g_autoptr (CaskUpload) upload = upload_resume (c, id);
  if (upload == NULL)
    return;
  CONFORM_EQUAL (cask_upload_get_offset (upload), 400000);
  if (upload_write_part (c, upload, bytes, 400000, CANCEL_SIZE))
    CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

/* An upload keeps its store; one that outlives every other reference can be committed. */
static void
test_upload_is_last (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (462, 400000);
  CaskDigest digest = conform_digest (bytes), stored;
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  if (upload == NULL)
    return;
  g_clear_object (&c->store);
  CONFORM_TRUE (upload_calls (c)->commit (upload, NULL, &stored, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_DIGEST (&stored, &digest);
}

const ConformCase conform_upload_cancel_tests[] = {
  { "C57 an upload that is aborted or dropped leaves nothing", test_given_up },
  { "C51 C57 an upload that was saved and is dropped stays as it was saved",
    test_given_up_saved },
  { "C67 uploads and streams that are cancelled before their start",
    test_cancelled_before },
  { "C68 S12 a commit that was cancelled may be done again", test_cancelled_commit },
  { "C68 cancelled at every write: nothing stays", test_cancelled_at_every_write },
  { "C68 cancelled at every read of the source: nothing stays",
    test_cancelled_at_every_read },
  { "C68 cancelled within a write: what goes on lacks nothing",
    test_cancelled_within_writes },
  { "C69 a cancel racing the commit: all or nothing", test_cancel_racing_commit },
  { "C73 a store that is closed closes its uploads", test_store_closed },
  { "C73 C52 a store that is closed keeps what was saved", test_store_closed_saved },
  { "C95 an upload outlives every other reference on its store", test_upload_is_last },
  CONFORM_CASES_END
};
