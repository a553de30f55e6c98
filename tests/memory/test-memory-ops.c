/* SPDX-License-Identifier: Apache-2.0
 *
 * test-memory-ops.c: the memory backend's slots, one caller at a time. */
#include "memory-fixture.h"

#include <CUnit/Basic.h>

static const CaskBackendOps *
ops (void)
{
  return cask_plugin.ops;
}

static GBytes *
ops_get (CaskBackend *self, guint64 number, guint64 offset, guint64 length,
         CaskBlobInfo *info, GError **error)
{
  CaskDigest digest;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  return ops ()->get (self, &digest, offset, length, 0, info, NULL, error);
}

static CaskBlobInfo
ops_stat (CaskBackend *self, guint64 number, guint32 flags)
{
  CaskDigest digest;
  CaskBlobInfo info = { 0 };
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (ops ()->stat (self, &digest, flags, &info, NULL, NULL));
  return info;
}

static void
ops_round_trip (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GError) error = NULL;
  const gsize sizes[] = { 0, 1, 4095, 4096, 4097, 1 << 20 };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      CaskBlobInfo info;
      CU_ASSERT_PTR_NULL (ops_get (self, i, 0, CASK_TO_END, &info, &error));
      CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_NOT_FOUND, ""));
      gboolean created = FALSE;
      gint64 before = g_get_real_time ();
      CU_ASSERT_TRUE (memory_fixture_put (self, i, sizes[i], &created, NULL));
      CU_ASSERT_TRUE (created);
      g_autoptr (GBytes) bytes = ops_get (self, i, 0, CASK_TO_END, &info, NULL);
      if (bytes == NULL)
        {
          CU_FAIL ("get");
          continue;
        }
      gsize size;
      const guint8 *data = g_bytes_get_data (bytes, &size);
      CU_ASSERT_EQUAL (size, sizes[i]);
      CU_ASSERT_EQUAL (info.size, sizes[i]);
      CU_ASSERT_TRUE (info.mtime_usec >= before);
      CU_ASSERT_TRUE (info.mtime_usec <= g_get_real_time ());
      CU_ASSERT_NOT_EQUAL (info.version, 0);
      for (gsize at = 0; at < size; at++)
        if (data[at] != i)
          {
            CU_FAIL ("another byte");
            break;
          }
    }
}

static void
ops_hit (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  gboolean created = FALSE;
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, &created, NULL));
  CU_ASSERT_TRUE (created);
  CaskBlobInfo first = ops_stat (self, 1, 0);
  memory_fixture_tick ();
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, &created, NULL));
  CU_ASSERT_FALSE (created);
  CaskBlobInfo second = ops_stat (self, 1, 0);
  CU_ASSERT_TRUE (second.mtime_usec > first.mtime_usec);
  CU_ASSERT_EQUAL (second.version, first.version);
  memory_fixture_tick ();
  CU_ASSERT_TRUE (ops_stat (self, 1, CASK_STAT_FRESHEN).mtime_usec > second.mtime_usec);
}

static void
ops_freshen_lag (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_open (
      &(MemoryOpen){ .freshen_usec = G_GUINT64_CONSTANT (3600000000) }, NULL);
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, NULL, NULL));
  gint64 first = ops_stat (self, 1, 0).mtime_usec;
  memory_fixture_tick ();
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, NULL, NULL));
  CU_ASSERT_EQUAL (ops_stat (self, 1, CASK_STAT_FRESHEN).mtime_usec, first);
}

static void
ops_keep (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  static const char text[] = "kept by reference";
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, sizeof text);
  const guint32 flags[] = { CASK_PUT_KEEP, 0 };
  for (guint i = 0; i < 2; i++)
    {
      CaskDigest digest;
      CaskBlobInfo info;
      gboolean created;
      memory_fixture_digest (i, CASK_ALGORITHM_SHA256, &digest);
      CU_ASSERT_TRUE (ops ()->put (self, &digest, bytes, flags[i], &created, NULL, NULL));
      g_autoptr (GBytes) got = ops_get (self, i, 0, CASK_TO_END, &info, NULL);
      gboolean is_same = got != NULL && g_bytes_get_data (got, NULL) == (gpointer) text;
      CU_ASSERT_EQUAL (is_same, i == 0);
      CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
    }
}

static void
ops_other_size (void)
{
  g_autoptr (CaskBackend) plain = memory_fixture_new ();
  g_autoptr (CaskBackend) encoded =
      memory_fixture_open (&(MemoryOpen){ .encoding = "zstd" }, NULL);
  CaskBackend *stores[] = { plain, encoded };
  for (guint i = 0; i < 2; i++)
    {
      gboolean created = TRUE;
      CU_ASSERT_TRUE (memory_fixture_put (stores[i], 1, 10, NULL, NULL));
      guint64 version = ops_stat (stores[i], 1, 0).version;
      CU_ASSERT_TRUE (memory_fixture_put (stores[i], 1, 20, &created, NULL));
      CU_ASSERT_FALSE (created);
      CaskBlobInfo info = ops_stat (stores[i], 1, 0);
      CU_ASSERT_EQUAL (info.size, i == 0 ? 20 : 10);
      CU_ASSERT_EQUAL (info.version == version, i == 1);
      CU_ASSERT_EQUAL (memory_fixture_used (stores[i]), info.size);
    }
}

static void
ops_replace (void)
{
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .encoding = "zstd" }, NULL);
  CaskDigest digest;
  CaskBlobInfo info;
  gboolean created = TRUE;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 4, NULL, NULL));
  g_autoptr (GBytes) before = ops_get (self, 1, 0, CASK_TO_END, &info, NULL);
  guint64 version = info.version;
  g_autoptr (GBytes) good = g_bytes_new_static ("good", 4);
  CU_ASSERT_TRUE (
      ops ()->put (self, &digest, good, CASK_PUT_REPLACE, &created, NULL, NULL));
  CU_ASSERT_FALSE (created);
  g_autoptr (GBytes) after = ops_get (self, 1, 0, CASK_TO_END, &info, NULL);
  CU_ASSERT_TRUE (after != NULL && g_bytes_equal (after, good));
  CU_ASSERT_NOT_EQUAL (info.version, version);
  CU_ASSERT_TRUE (before != NULL && !g_bytes_equal (before, good));
  memory_fixture_remove (self, 1);
  CU_ASSERT_TRUE (
      ops ()->put (self, &digest, good, CASK_PUT_REPLACE, &created, NULL, NULL));
  CU_ASSERT_TRUE (created);
}

static void
ops_ranges (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GError) error = NULL;
  static const struct
  {
    guint64 offset, length, expected;
  } ranges[] = {
    { 10, 20, 20 },          { 40, CASK_TO_END, 60 },   { 7, 0, 0 },    { 99, 1, 1 },
    { 100, 5, 0 },           { 100, CASK_TO_END, 0 },   { 90, 50, 10 }, { 0, 100, 100 },
    { 0, CASK_TO_END, 100 }, { 1, G_MAXUINT64 - 1, 99 }
  };
  CU_ASSERT_TRUE (memory_fixture_put (self, 3, 100, NULL, NULL));
  CaskBlobInfo info;
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_autoptr (GBytes) bytes =
          ops_get (self, 3, ranges[i].offset, ranges[i].length, &info, NULL);
      CU_ASSERT_TRUE (bytes != NULL && g_bytes_get_size (bytes) == ranges[i].expected);
      CU_ASSERT_EQUAL (info.size, 100);
    }
  CU_ASSERT_PTR_NULL (ops_get (self, 3, 101, 0, &info, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_INVALID_RANGE, "101"));
}

static void
ops_readers_outlive (void)
{
  CaskBackend *self = memory_fixture_new ();
  CaskDigest digest;
  CaskBlobInfo info;
  memory_fixture_digest (5, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (memory_fixture_put (self, 5, 1000, NULL, NULL));
  g_autoptr (GBytes) part = ops_get (self, 5, 500, 10, &info, NULL);
  CaskBackendBlob *blob = ops ()->blob_open (self, &digest, 0, &info, NULL, NULL);
  CU_ASSERT_EQUAL (memory_fixture_remove (self, 5), CASK_REMOVED_DONE);
  CU_ASSERT_PTR_NULL (ops ()->blob_open (self, &digest, 0, &info, NULL, NULL));
  guint8 buffer[600] = { 0 };
  if (blob != NULL)
    {
      CU_ASSERT_EQUAL (ops ()->blob_read (self, blob, 0, buffer, 600, NULL, NULL), 600);
      CU_ASSERT_EQUAL (ops ()->blob_read (self, blob, 600, buffer, 600, NULL, NULL), 400);
      CU_ASSERT_EQUAL (ops ()->blob_read (self, blob, 1000, buffer, 600, NULL, NULL), 0);
      CU_ASSERT_EQUAL (
          ops ()->blob_read (self, blob, G_MAXUINT64, buffer, 600, NULL, NULL), 0);
      CU_ASSERT_EQUAL (buffer[599], 5);
      ops ()->blob_close (self, blob);
    }
  memory_fixture_close (self);
  CU_ASSERT_TRUE (part != NULL && g_bytes_get_size (part) == 10 &&
                  ((const guint8 *) g_bytes_get_data (part, NULL))[9] == 5);
}

static void
ops_remove (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  CaskDigest digest;
  CaskRemoved outcome;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_EQUAL (memory_fixture_remove (self, 1), CASK_REMOVED_ABSENT);
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, NULL, NULL));
  gint64 mtime = ops_stat (self, 1, 0).mtime_usec;
  CU_ASSERT_TRUE (ops ()->remove (self, &digest, mtime, &outcome, NULL, NULL));
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_KEPT);
  CU_ASSERT_TRUE (memory_fixture_has (self, 1));
  CU_ASSERT_TRUE (ops ()->remove (self, &digest, mtime + 1, &outcome, NULL, NULL));
  CU_ASSERT_EQUAL (outcome, CASK_REMOVED_DONE);
  CU_ASSERT_FALSE (memory_fixture_has (self, 1));
  gboolean created = FALSE;
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 10, &created, NULL));
  CU_ASSERT_TRUE (created);
}

static void
ops_try (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  CaskDigest digest;
  CaskBlobInfo info;
  GBytes *bytes = NULL;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_EQUAL (ops ()->try_stat (self, &digest, &info), CASK_TRY_ABSENT);
  CU_ASSERT_EQUAL (ops ()->try_get (self, &digest, 0, CASK_TO_END, 0, &bytes, &info),
                   CASK_TRY_ABSENT);
  gsize size = CASK_TRY_LIMIT + 1;
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, size, NULL, NULL));
  CU_ASSERT_EQUAL (ops ()->try_stat (self, &digest, &info), CASK_TRY_FOUND);
  CU_ASSERT_EQUAL (info.size, size);
  CU_ASSERT_EQUAL (ops ()->try_get (self, &digest, 0, CASK_TO_END, 0, &bytes, &info),
                   CASK_TRY_AGAIN);
  CU_ASSERT_EQUAL (ops ()->try_get (self, &digest, size + 1, 0, 0, &bytes, &info),
                   CASK_TRY_AGAIN);
  CU_ASSERT_PTR_NULL (bytes);
  CU_ASSERT_EQUAL (ops ()->try_get (self, &digest, 1, CASK_TO_END, 0, &bytes, &info),
                   CASK_TRY_FOUND);
  CU_ASSERT_TRUE (bytes != NULL && g_bytes_get_size (bytes) == CASK_TRY_LIMIT);
  g_clear_pointer (&bytes, g_bytes_unref);
}

static void
ops_cancelled (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  CaskDigest digest;
  gboolean created;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (ops ()->put (self, &digest, bytes, 0, &created, cancellable, &error));
  CU_ASSERT_TRUE (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  CU_ASSERT_FALSE (memory_fixture_has (self, 1));
}

static void
ops_descriptor (void)
{
  CU_ASSERT_EQUAL (cask_plugin.magic, CASK_PLUGIN_MAGIC);
  CU_ASSERT_STRING_EQUAL (cask_plugin.name, "memory");
  CU_ASSERT_EQUAL (cask_plugin.capabilities,
                   CASK_CAPABILITY_WRITE | CASK_CAPABILITY_EXACT_CREATED |
                       CASK_CAPABILITY_FRESHENS | CASK_CAPABILITY_REMOVE_UNUSED |
                       CASK_CAPABILITY_READS_OUTLIVE_REMOVE | CASK_CAPABILITY_RESUME);
  CU_ASSERT_PTR_NULL (ops ()->flush);
  CU_ASSERT_PTR_NOT_NULL (ops ()->upload_save);
}

/* ---- Uploads ---- */

static CaskBackendUpload *
ops_begin (CaskBackend *self, guint64 expected_size, GError **error)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = expected_size };
  return ops ()->upload_begin (self, &spec, NULL, error);
}

static void
ops_upload (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  const guint64 announced[] = { CASK_UNKNOWN, 3, 10000, 1 << 30 };
  for (guint i = 0; i < G_N_ELEMENTS (announced); i++)
    {
      CaskBackendUpload *upload = ops_begin (self, announced[i], NULL);
      CaskDigest digest;
      CaskBlobInfo info;
      memory_fixture_digest (i, CASK_ALGORITHM_SHA256, &digest);
      for (guint n = 0; n < 10000; n++)
        {
          g_autoptr (GBytes) chunk = g_bytes_new (&(guint8){ (guint8) n }, 1);
          if (!ops ()->upload_write (self, upload, chunk, NULL, NULL))
            CU_FAIL ("write");
        }
      CU_ASSERT_FALSE (memory_fixture_has (self, i));
      gboolean created = FALSE;
      CU_ASSERT_TRUE (
          ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL));
      CU_ASSERT_TRUE (created);
      ops ()->upload_close (self, upload, FALSE);
      g_autoptr (GBytes) got = ops_get (self, i, 0, CASK_TO_END, &info, NULL);
      CU_ASSERT_TRUE (got != NULL && g_bytes_get_size (got) == 10000 &&
                      ((const guint8 *) g_bytes_get_data (got, NULL))[9999] == 15);
    }
}

static void
ops_upload_edges (void)
{
  g_autoptr (CaskBackend) self = memory_fixture_new ();
  g_autoptr (GBytes) chunk = g_bytes_new_static ("abc", 3);
  CaskDigest digest;
  gboolean created = FALSE;
  memory_fixture_digest (1, CASK_ALGORITHM_SHA256, &digest);
  CaskBackendUpload *upload = ops_begin (self, 3, NULL);
  CU_ASSERT_TRUE (ops ()->upload_write (self, upload, chunk, NULL, NULL));
  ops ()->upload_close (self, upload, FALSE);
  CU_ASSERT_EQUAL (memory_fixture_used (self), 0);
  for (guint i = 0; i < 2; i++)
    {
      upload = ops_begin (self, CASK_UNKNOWN, NULL);
      CU_ASSERT_TRUE (
          ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL));
      CU_ASSERT_EQUAL (created, i == 0);
      ops ()->upload_close (self, upload, FALSE);
    }
  CU_ASSERT_EQUAL (ops_stat (self, 1, 0).size, 0);
}

static void
ops_upload_limit (void)
{
  g_autoptr (CaskBackend) self =
      memory_fixture_open (&(MemoryOpen){ .max_bytes = 100 }, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *data = g_malloc0 (60);
  g_autoptr (GBytes) chunk = g_bytes_new (data, 60);
  CaskDigest digest;
  gboolean created = FALSE;
  CU_ASSERT_PTR_NULL (ops_begin (self, 101, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_TOO_LARGE, "max-bytes"));
  CaskBackendUpload *upload = ops_begin (self, CASK_UNKNOWN, NULL);
  CU_ASSERT_TRUE (ops ()->upload_write (self, upload, chunk, NULL, NULL));
  CU_ASSERT_FALSE (ops ()->upload_write (self, upload, chunk, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_TOO_LARGE, "max-bytes"));
  ops ()->upload_close (self, upload, FALSE);

  upload = ops_begin (self, CASK_UNKNOWN, NULL);
  memory_fixture_digest (2, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (memory_fixture_put (self, 1, 60, NULL, NULL));
  CU_ASSERT_TRUE (ops ()->upload_write (self, upload, chunk, NULL, NULL));
  CU_ASSERT_FALSE (
      ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, &error));
  CU_ASSERT_TRUE (memory_fixture_failed (&error, CASK_ERROR_NO_SPACE, "max-bytes"));
  memory_fixture_remove (self, 1);
  CU_ASSERT_TRUE (ops ()->upload_commit (self, upload, &digest, 0, &created, NULL, NULL));
  CU_ASSERT_TRUE (created);
  ops ()->upload_close (self, upload, FALSE);
}

static const MemoryTest ops_tests[] = {
  { "C1 C6 C8 C22 C34 what was put is got, absent before", ops_round_trip },
  { "C19 C20 a second put is a hit and freshens, as a touch does", ops_hit },
  { "a hit younger than the freshen interval leaves the time alone", ops_freshen_lag },
  { "bytes are kept by reference with KEEP and copied without", ops_keep },
  { "a copy of another size is replaced, but not under an encoding", ops_other_size },
  { "C82 REPLACE swaps the bytes and is no creation", ops_replace },
  { "C23-C30 ranges clamp, and past the end is INVALID_RANGE", ops_ranges },
  { "C71 readers outlive removal and close", ops_readers_outlive },
  { "C36 C37 C38 C90 a removal says what it did", ops_remove },
  { "the try slots answer absent for certain and refuse what is large", ops_try },
  { "C67 a put cancelled before it starts stores nothing", ops_cancelled },
  { "C86 the descriptor announces what the store does", ops_descriptor },
  { "C9 C66 an upload in one-byte writes is invisible until its commit", ops_upload },
  { "C7 C57 C59 empty, abandoned and repeated uploads", ops_upload_edges },
  { "C54 an upload over the limit fails early, a refused commit can be repeated",
    ops_upload_limit },
};

int
main (void)
{
  if (CU_initialize_registry () != CUE_SUCCESS)
    return 2;
  memory_fixture_add ("memory: slots", ops_tests, G_N_ELEMENTS (ops_tests));
  test_memory_add_list ();
  test_memory_add_limits ();
  test_memory_add_threads ();
  test_memory_add_uploads ();
  test_memory_add_batches ();
  test_memory_add_cancel ();
  CU_basic_set_mode (CU_BRM_VERBOSE);
  CU_basic_run_tests ();
  guint failures = CU_get_number_of_failures ();
  CU_cleanup_registry ();
  return failures != 0;
}
