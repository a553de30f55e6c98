/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-upload.c: uploads that are saved, resumed, listed and read on the way. */
#include "memory-fixture.h"

static const CaskBackendOps *
ops (void)
{
  return cask_plugin.ops;
}

static CaskBackendUpload *
upload_begin (CaskBackend *self)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = CASK_UNKNOWN };
  return ops ()->upload_begin (self, &spec, NULL, NULL);
}

static gboolean
upload_write (CaskBackend *self, CaskBackendUpload *upload, const char *text,
              GError **error)
{
  g_autoptr (GBytes) chunk = g_bytes_new (text, strlen (text));
  return ops ()->upload_write (self, upload, chunk, NULL, error);
}

/* Returns: (nullable): the id. */
static char *
upload_save (CaskBackend *self, CaskBackendUpload *upload, const char *state,
             GError **error)
{
  char *id = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new (state, strlen (state));
  if (ops ()->upload_save (self, upload, bytes, &id, NULL, error))
    return id;
  return NULL;
}

/* Whether it resumes with that state at that offset; the handle is the caller's. */
static CaskBackendUpload *
upload_resume (CaskBackend *self, const char *id, const char *state, guint64 offset)
{
  g_autoptr (GBytes) found = NULL;
  guint64 at = CASK_UNKNOWN;
  CaskBackendUpload *upload = ops ()->upload_resume (self, id, &found, &at, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL (upload);
  if (upload == NULL)
    return NULL;
  g_autoptr (GBytes) expected = g_bytes_new_static (state, strlen (state));
  CU_ASSERT_TRUE (g_bytes_equal (found, expected));
  CU_ASSERT_EQUAL (at, offset);
  return upload;
}

static gboolean
upload_fails_resume (CaskBackend *self, const char *id, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state = NULL;
  guint64 offset;
  CaskBackendUpload *upload =
      ops ()->upload_resume (self, id, &state, &offset, NULL, &error);
  return upload == NULL && g_error_matches (error, CASK_ERROR, code);
}

/* Commits as the blob of that number, and closes. */
static gboolean
upload_commit (CaskBackend *self, CaskBackendUpload *upload, guint64 number)
{
  CaskDigest digest;
  gboolean created = FALSE;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  gboolean done = ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL);
  ops ()->upload_close (self, upload, TRUE);
  return done && created;
}

static gboolean
upload_made (CaskBackend *self, guint64 number, const char *text)
{
  CaskDigest digest;
  CaskBlobInfo info;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  g_autoptr (GBytes) got =
      ops ()->get (self, &digest, 0, CASK_TO_END, 0, &info, NULL, NULL);
  g_autoptr (GBytes) expected = g_bytes_new_static (text, strlen (text));
  return got != NULL && g_bytes_equal (got, expected);
}

typedef struct
{
  guint count;
  guint most;
  char *id;
  guint64 offset;
  gint64 saved_usec;
} UploadList;

static gboolean
upload_list_one (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  UploadList *list = data;
  list->count++;
  g_free (list->id);
  list->id = g_strdup (id);
  list->offset = offset;
  list->saved_usec = mtime_usec;
  return list->most == 0 || list->count < list->most;
}

/* list: for the last one listed; its id is the caller's. */
static guint
upload_count (CaskBackend *self, UploadList *list)
{
  UploadList own = { 0 };
  UploadList *filled = list != NULL ? list : &own;
  CU_ASSERT_TRUE (ops ()->upload_list (self, upload_list_one, filled, NULL, NULL));
  g_free (own.id);
  return filled->count;
}

/* ---- Saving and resuming ---- */

static void
upload_save_resume (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  gint64 before_usec = g_get_real_time ();
  CaskBackendUpload *upload = upload_begin (self);
  CU_ASSERT_EQUAL (upload_count (self, NULL), 0);
  g_autofree char *id = upload_save (self, upload, "at the start", NULL);
  CU_ASSERT_PTR_NOT_NULL (id);
  if (id == NULL)
    return;
  CU_ASSERT_EQUAL (strlen (id), 32);
  CU_ASSERT_EQUAL (strspn (id, "0123456789abcdef"), 32);
  CU_ASSERT_TRUE (upload_write (self, upload, "hello ", NULL));
  g_autofree char *again = upload_save (self, upload, "six", NULL);
  CU_ASSERT_STRING_EQUAL (again, id);
  CU_ASSERT_TRUE (upload_write (self, upload, "lost", NULL));
  CU_ASSERT_EQUAL (upload_count (self, NULL), 0);
  CU_ASSERT_TRUE (upload_fails_resume (self, id, CASK_ERROR_BUSY));
  ops ()->upload_close (self, upload, TRUE);

  g_autofree char *listed = NULL;
  UploadList list = { 0 };
  CU_ASSERT_EQUAL (upload_count (self, &list), 1);
  listed = list.id;
  CU_ASSERT_STRING_EQUAL (listed, id);
  CU_ASSERT_EQUAL (list.offset, 6);
  CU_ASSERT_TRUE (list.saved_usec >= before_usec &&
                  list.saved_usec <= g_get_real_time ());

  upload = upload_resume (self, id, "six", 6);
  CU_ASSERT_TRUE (upload_write (self, upload, "world", NULL));
  CU_ASSERT_TRUE (upload_commit (self, upload, 1));
  CU_ASSERT_TRUE (upload_made (self, 1, "hello world"));
  CU_ASSERT_EQUAL (upload_count (self, NULL), 0);
  CU_ASSERT_TRUE (upload_fails_resume (self, id, CASK_ERROR_NOT_FOUND));
}

static void
upload_drops (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  CU_ASSERT_TRUE (upload_fails_resume (self, "../x", CASK_ERROR_NOT_FOUND));
  CaskBackendUpload *upload = upload_begin (self);
  CU_ASSERT_TRUE (upload_write (self, upload, "abc", NULL));
  ops ()->upload_close (self, upload, TRUE);
  CU_ASSERT_EQUAL (upload_count (self, NULL), 0);

  upload = upload_begin (self);
  CU_ASSERT_TRUE (upload_write (self, upload, "abc", NULL));
  g_autofree char *id = upload_save (self, upload, "", NULL);
  ops ()->upload_close (self, upload, TRUE);
  for (guint i = 0; i < 3; i++)
    {
      upload = upload_resume (self, id, "", 3);
      CU_ASSERT_TRUE (upload_write (self, upload, "more", NULL));
      ops ()->upload_close (self, upload, TRUE);
    }
  upload = upload_resume (self, id, "", 3);
  ops ()->upload_close (self, upload, FALSE);
  CU_ASSERT_EQUAL (upload_count (self, NULL), 0);
  CU_ASSERT_TRUE (upload_fails_resume (self, id, CASK_ERROR_NOT_FOUND));
  CU_ASSERT_TRUE (upload_fails_resume (self, "", CASK_ERROR_NOT_FOUND));
}

static void
upload_state_is_copied (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  char text[] = "state";
  CaskBackendUpload *upload = upload_begin (self);
  g_autoptr (GBytes) state = g_bytes_new_static (text, strlen (text));
  g_autofree char *id = NULL;
  CU_ASSERT_TRUE (ops ()->upload_save (self, upload, state, &id, NULL, NULL));
  memset (text, 'x', strlen (text));
  ops ()->upload_close (self, upload, TRUE);
  upload = upload_resume (self, id, "state", 0);
  ops ()->upload_close (self, upload, TRUE);
}

/* Each store of the name sees it, and only the last to close takes it along. */
static void
upload_shared (void)
{
  const MemoryOpen open = { .name = "uploads" };
  g_autoptr (CaskBackend) other = memory_fixture_open (&open, NULL);
  g_autoptr (CaskBackend) stranger = memory_fixture_new ();
  CaskBackend *self = memory_fixture_open (&open, NULL);
  CaskBackendUpload *upload = upload_begin (self);
  CU_ASSERT_TRUE (upload_write (self, upload, "abc", NULL));
  g_autofree char *id = upload_save (self, upload, "s", NULL);
  CU_ASSERT_TRUE (upload_fails_resume (other, id, CASK_ERROR_BUSY));
  ops ()->upload_close (self, upload, TRUE);
  memory_fixture_close (self);
  CU_ASSERT_TRUE (upload_fails_resume (stranger, id, CASK_ERROR_NOT_FOUND));
  upload = upload_resume (other, id, "s", 3);
  CU_ASSERT_TRUE (upload_commit (other, upload, 1));
  CU_ASSERT_TRUE (upload_made (other, 1, "abc"));
}

/* ---- Commits ---- */

static void
upload_commit_again (void)
{
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 10 }, NULL);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_cancellable_cancel (cancelled);
  g_autoptr (GError) error = NULL;
  CaskDigest digest;
  gboolean created = FALSE;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (memory_fixture_put (self, 2, 10, NULL, NULL));
  CaskBackendUpload *upload = upload_begin (self);
  CU_ASSERT_TRUE (upload_write (self, upload, "abcde", NULL));
  g_autofree char *id = upload_save (self, upload, "s", NULL);
  CU_ASSERT_TRUE (upload_write (self, upload, "fgh", NULL));
  CU_ASSERT_FALSE (
      ops ()->upload_commit (self, upload, &digest, 0, &created, cancelled, NULL));
  CU_ASSERT_FALSE (
      ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_NO_SPACE, "max-bytes"));
  ops ()->upload_close (self, upload, TRUE);

  upload = upload_resume (self, id, "s", 5);
  CU_ASSERT_FALSE (
      ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL));
  CU_ASSERT_TRUE (upload_write (self, upload, "FG", NULL));
  memory_fixture_remove (self, 2);
  CU_ASSERT_TRUE (ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL));
  CU_ASSERT_TRUE (created);
  CU_ASSERT_PTR_NULL (upload_save (self, upload, "late", &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_CLOSED, "committed"));
  ops ()->upload_close (self, upload, TRUE);
  CU_ASSERT_TRUE (upload_made (self, 1, "abcdeFG"));
  CU_ASSERT_EQUAL (upload_count (self, NULL), 0);
}

/* ---- Limits ---- */

static void
upload_max_uploads (void)
{
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .max_uploads = 2 }, NULL);
  g_autoptr (GError) error = NULL;
  CaskBackendUpload *uploads[3];
  char *ids[3] = { NULL };
  for (guint i = 0; i < 3; i++)
    {
      uploads[i] = upload_begin (self);
      ids[i] = upload_save (self, uploads[i], "s", &error);
      CU_ASSERT_EQUAL (ids[i] != NULL, i < 2);
    }
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_NO_SPACE, "max-uploads"));
  g_autofree char *again = upload_save (self, uploads[0], "t", NULL);
  CU_ASSERT_STRING_EQUAL (again, ids[0]);
  ops ()->upload_close (self, uploads[0], FALSE);
  ids[2] = upload_save (self, uploads[2], "s", NULL);
  CU_ASSERT_PTR_NOT_NULL (ids[2]);
  ops ()->upload_close (self, uploads[1], TRUE);
  ops ()->upload_close (self, uploads[2], TRUE);
  UploadList list = { .most = 1 };
  CU_ASSERT_EQUAL (upload_count (self, NULL), 2);
  CU_ASSERT_EQUAL (upload_count (self, &list), 1);
  g_free (list.id);
  for (guint i = 0; i < 3; i++)
    g_free (ids[i]);
}

/* What is saved counts, what is open counts, and all of it comes back in the end. */
static void
upload_max_bytes (void)
{
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .max_upload_bytes = 10 }, NULL);
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < 4; i++)
    {
      CaskBackendUpload *first = upload_begin (self);
      CaskBackendUpload *second = upload_begin (self);
      CU_ASSERT_TRUE (upload_write (self, first, "12345", NULL));
      g_autofree char *id = upload_save (self, first, "s", NULL);
      CU_ASSERT_TRUE (upload_write (self, first, "67", NULL));
      CU_ASSERT_FALSE (upload_write (self, second, "1234", &error));
      CU_ASSERT_TRUE (
          memory_fixture_failed (&error, CASK_ERROR_NO_SPACE, "max-upload-bytes"));
      ops ()->upload_close (self, first, TRUE);
      CU_ASSERT_TRUE (upload_write (self, second, "12345", NULL));
      CU_ASSERT_FALSE (upload_write (self, second, "6", NULL));
      if (i % 2 == 0)
        CU_ASSERT_TRUE (upload_commit (self, second, i));
      if (i % 2 == 1)
        ops ()->upload_close (self, second, FALSE);
      first = upload_resume (self, id, "s", 5);
      CU_ASSERT_TRUE (upload_write (self, first, "67890", NULL));
      CU_ASSERT_FALSE (upload_write (self, first, "1", NULL));
      ops ()->upload_close (self, first, FALSE);
    }
}

static void
upload_options_differ (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_open (&(MemoryOpen){ .name = "n" }, NULL);
  g_autoptr (GError) error = NULL;
  CU_ASSERT_PTR_NOT_NULL (self);
  CU_ASSERT_PTR_NULL (
      memory_fixture_open (&(MemoryOpen){ .name = "n", .max_uploads = 7 }, &error));
  CU_ASSERT_TRUE (
      memory_fixture_failed (&error, CASK_ERROR_INVALID_CONFIG, "max-uploads"));
  CU_ASSERT_PTR_NULL (
      memory_fixture_open (&(MemoryOpen){ .name = "n", .max_upload_bytes = 7 }, &error));
  CU_ASSERT_TRUE (
      memory_fixture_failed (&error, CASK_ERROR_INVALID_CONFIG, "max-upload-bytes"));
}

/* ---- Reading beside the writer ---- */

#define READ_TOTAL (4 * 1024 * 1024)
#define READ_CHUNK 4999

typedef struct
{
  CaskBackend *self;
  CaskBackendUpload *upload;
  gint failures;
} UploadRead;

static guint8
upload_byte (guint64 offset)
{
  return (guint8) (offset * 7 + offset / 251);
}

/* Returns: how many bytes there were, all as they were written. */
static gsize
upload_read_some (UploadRead *shared, guint64 offset, guint8 *buffer, gsize count)
{
  gsize n_read = G_MAXSIZE;
  if (!ops ()->upload_read (shared->self, shared->upload, offset, buffer, count, &n_read,
                            NULL, NULL) ||
      n_read > MIN (count, READ_TOTAL - offset))
    {
      g_atomic_int_inc (&shared->failures);
      return 0;
    }
  for (gsize i = 0; i < n_read; i++)
    if (buffer[i] != upload_byte (offset + i))
      g_atomic_int_inc (&shared->failures);
  return n_read;
}

/* Follows the writer to the end, and goes back again and again. */
static gpointer
upload_read_thread (gpointer data)
{
  UploadRead *shared = data;
  g_autofree guint8 *buffer = g_malloc (700000);
  guint64 offset = 0;
  while (offset < READ_TOTAL && g_atomic_int_get (&shared->failures) == 0)
    {
      offset += upload_read_some (shared, offset, buffer, 700000);
      upload_read_some (shared, offset / 2, buffer, 200000);
    }
  return NULL;
}

static void
upload_read_beside (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  UploadRead shared = { .self = self, .upload = upload_begin (self) };
  GThread *threads[3];
  for (guint i = 0; i < 3; i++)
    threads[i] = g_thread_new ("test", upload_read_thread, &shared);
  guint8 data[READ_CHUNK];
  for (guint64 offset = 0; offset < READ_TOTAL; offset += READ_CHUNK)
    {
      gsize count = MIN (READ_CHUNK, READ_TOTAL - offset);
      for (gsize i = 0; i < count; i++)
        data[i] = upload_byte (offset + i);
      g_autoptr (GBytes) chunk = g_bytes_new (data, count);
      if (!ops ()->upload_write (self, shared.upload, chunk, NULL, NULL))
        CU_FAIL ("write");
    }
  CaskDigest digest;
  gboolean created = FALSE;
  gsize n_read = G_MAXSIZE;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (
      ops ()->upload_commit (self, shared.upload, &digest, 0, &created, NULL, NULL));
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
  CU_ASSERT_EQUAL (shared.failures, 0);
  CU_ASSERT_TRUE (ops ()->upload_read (self, shared.upload, READ_TOTAL, data, 1, &n_read,
                                       NULL, NULL));
  CU_ASSERT_EQUAL (n_read, 0);
  CU_ASSERT_TRUE (ops ()->upload_read (self, shared.upload, G_MAXUINT64, data, 1, &n_read,
                                       NULL, NULL));
  CU_ASSERT_EQUAL (n_read, 0);
  ops ()->upload_close (self, shared.upload, FALSE);
}

static const MemoryTest upload_tests[] = {
  { "C51 C56 C58 C61 an upload resumes as last saved, is BUSY while open, and listed",
    upload_save_resume },
  { "C57 C58 what was never saved or was not kept can not be resumed", upload_drops },
  { "the state is copied", upload_state_is_copied },
  { "C52 C56 stores of one name share what was saved", upload_shared },
  { "C54 C60 a failed commit can be repeated, resumed and written on",
    upload_commit_again },
  { "max-uploads counts saved uploads only", upload_max_uploads },
  { "max-upload-bytes counts open and saved uploads", upload_max_bytes },
  { "stores of one name agree on the limits of uploads", upload_options_differ },
  { "an upload can be read from other threads while it is written", upload_read_beside },
};

void
test_memory_add_uploads (void)
{
  memory_fixture_add ("memory: uploads", upload_tests, G_N_ELEMENTS (upload_tests));
}
