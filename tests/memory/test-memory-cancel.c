/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-cancel.c: C67: what is cancelled before it starts does nothing, slot by
 * slot; and an upload that is told of no bytes. */
#include "memory-fixture.h"

static const CaskBackendOps *
ops (void)
{
  return cask_plugin.ops;
}

static GCancellable *
cancelled_new (void)
{
  GCancellable *cancellable = g_cancellable_new ();
  g_cancellable_cancel (cancellable);
  return cancellable;
}

/* Forgets the error, which has to be that. */
static gboolean
is_cancelled (GError **error)
{
  gboolean is = g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (error);
  return is;
}

static CaskBackendUpload *
upload_new (CaskBackend *self, guint64 expected_size)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = expected_size };
  CaskBackendUpload *upload = ops ()->upload_begin (self, &spec, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL (upload);
  return upload;
}

static void
cancel_blobs (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GCancellable) cancelled = cancelled_new ();
  g_autoptr (GError) error = NULL;
  CaskDigest digest;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, NULL, NULL));
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_FALSE (
      ops ()->remove (self, &digest, CASK_ALWAYS, &outcome, cancelled, &error));
  CU_ASSERT_TRUE (is_cancelled (&error));
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_MAYBE);
  CU_ASSERT_TRUE (memory_fixture_has (self, 1));
}

static void
cancel_uploads (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GCancellable) cancelled = cancelled_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autofree char *id = NULL;
  char buffer[8];
  gsize n = 0;
  CaskBackendUpload *upload = upload_new (self, CASK_UNKNOWN);
  if (upload == NULL)
    return;
  CU_ASSERT_TRUE (ops ()->upload_write (self, upload, bytes, NULL, NULL));
  CU_ASSERT_FALSE (ops ()->upload_write (self, upload, bytes, cancelled, &error));
  CU_ASSERT_TRUE (is_cancelled (&error));
  CU_ASSERT_FALSE (ops ()->upload_read (self, upload, 0, buffer, sizeof buffer, &n,
                                        cancelled, &error));
  CU_ASSERT_TRUE (is_cancelled (&error));
  CU_ASSERT_FALSE (ops ()->upload_save (self, upload, bytes, &id, cancelled, &error));
  CU_ASSERT_TRUE (is_cancelled (&error));
  CU_ASSERT_PTR_NULL (id);
  /* The second three bytes are not there. */
  CU_ASSERT_TRUE (
      ops ()->upload_read (self, upload, 0, buffer, sizeof buffer, &n, NULL, NULL));
  CU_ASSERT_EQUAL (n, 3);
  ops ()->upload_close (self, upload, FALSE);
}

static gboolean
count_upload (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  (void) id, (void) offset, (void) mtime_usec;
  *(guint *) data += 1;
  return TRUE;
}

static void
cancel_saved (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GCancellable) cancelled = cancelled_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3), state = NULL;
  g_autofree char *id = NULL;
  guint64 offset = 7;
  guint n = 0;
  CaskBackendUpload *upload = upload_new (self, CASK_UNKNOWN);
  if (upload == NULL)
    return;
  CU_ASSERT_TRUE (ops ()->upload_save (self, upload, bytes, &id, NULL, NULL));
  ops ()->upload_close (self, upload, TRUE);
  CU_ASSERT_PTR_NULL (
      ops ()->upload_resume (self, id, &state, &offset, cancelled, &error));
  CU_ASSERT_TRUE (is_cancelled (&error));
  CU_ASSERT_FALSE (ops ()->upload_list (self, count_upload, &n, cancelled, &error));
  CU_ASSERT_TRUE (is_cancelled (&error));
  CU_ASSERT_EQUAL (n, 0);
  CU_ASSERT_TRUE (ops ()->upload_list (self, count_upload, &n, NULL, NULL));
  CU_ASSERT_EQUAL (n, 1);
}

/* No bytes change nothing: not the room, not what is there. */
static void
write_nothing (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GBytes) none = g_bytes_new_static ("", 0), some = g_bytes_new (NULL, 0);
  CaskDigest digest;
  gboolean created = FALSE;
  CaskBackendUpload *upload = upload_new (self, 0);
  if (upload == NULL)
    return;
  CU_ASSERT_TRUE (ops ()->upload_write (self, upload, none, NULL, NULL));
  CU_ASSERT_TRUE (ops ()->upload_write (self, upload, some, NULL, NULL));
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL));
  CU_ASSERT_TRUE (created);
  ops ()->upload_close (self, upload, FALSE);
  CU_ASSERT_EQUAL (memory_fixture_used (self), 0);
}

static const MemoryTest cancel_tests[] = {
  { "C67 a removal that is cancelled removes nothing", cancel_blobs },
  { "C67 C68 a step of an upload that is cancelled is not taken", cancel_uploads },
  { "C67 saved uploads are neither resumed nor listed when cancelled", cancel_saved },
  { "C7 an upload that is given no bytes is the empty blob", write_nothing },
};

void
test_memory_add_cancel (void)
{
  memory_fixture_add ("memory: cancelled", cancel_tests, G_N_ELEMENTS (cancel_tests));
}
