/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-handle.c: reading a blob in pieces, and by a mapping. */
#include "fs-upload-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static CaskBackendBlob *
test_open (FsStore *store, const CaskDigest *digest, CaskBlobInfo *info, int *code)
{
  GError *error = NULL;
  CaskBackendBlob *blob =
      store->ops->blob_open (store->backend, digest, 0, info, NULL, &error);
  CU_ASSERT ((blob != NULL) == (error == NULL));
  *code = fs_code (error);
  return blob;
}

/* Returns: the count, or -1 with the code. */
static gssize
test_read (FsStore *store, CaskBackendBlob *blob, guint64 offset, char *buffer,
           gsize count, int *code)
{
  *code = CASK_ERROR_CLOSED;
  if (blob == NULL)
    return -1;
  GError *error = NULL;
  gssize got =
      store->ops->blob_read (store->backend, blob, offset, buffer, count, NULL, &error);
  CU_ASSERT ((got < 0) == (error != NULL));
  *code = fs_code (error);
  return got;
}

static void
test_close (FsStore *store, CaskBackendBlob *blob)
{
  if (blob != NULL)
    store->ops->blob_close (store->backend, blob);
}

static void
test_pieces (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1), missing = fs_digest (1, 1, 2);
  CaskBlobInfo info = { 0 };
  char buffer[16] = "";
  int code;
  CU_ASSERT_PTR_NULL (test_open (store, &missing, &info, &code));
  CU_ASSERT_EQUAL (code, CASK_ERROR_NOT_FOUND);
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_CREATED);
  CaskBackendBlob *blob = test_open (store, &digest, &info, &code);
  CU_ASSERT_EQUAL (info.size, 10);
  CU_ASSERT_EQUAL (test_read (store, blob, 4, buffer, 3, &code), 3);
  CU_ASSERT_STRING_EQUAL (buffer, "456");
  CU_ASSERT_EQUAL (test_read (store, blob, 8, buffer, 16, &code), 2);
  CU_ASSERT_EQUAL (test_read (store, blob, 10, buffer, 16, &code), 0);
  CU_ASSERT_EQUAL (test_read (store, blob, G_MAXUINT64, buffer, 16, &code), 0);
  fs_fault_set (FS_CALL_PREAD, EINTR, 0, 3);
  CU_ASSERT_EQUAL (test_read (store, blob, 0, buffer, 4, &code), 4);
  fs_fault_set (FS_CALL_PREAD, EIO, 0, 1);
  CU_ASSERT_EQUAL (test_read (store, blob, 0, buffer, 4, &code), -1);
  CU_ASSERT_EQUAL (code, CASK_ERROR_IO);
  fs_fault_clear ();
  test_close (store, blob);
  fs_store_end (&store, &root);
}

/* C71 S5: the copy of the open, whatever becomes of its name. */
static void
test_outlives (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  CaskRemoved outcome;
  char buffer[16] = "";
  int code;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_CREATED);
  CaskBackendBlob *first = test_open (store, &digest, &info, &code);
  CU_ASSERT_EQUAL (fs_store_put_flags (store, &digest, "abcdefghij", CASK_PUT_REPLACE),
                   FS_HIT);
  CaskBackendBlob *second = test_open (store, &digest, &info, &code);
  CU_ASSERT_EQUAL (fs_store_remove (store, &digest, CASK_ALWAYS, &outcome), FS_OK);
  CU_ASSERT_EQUAL (test_read (store, first, 0, buffer, 10, &code), 10);
  CU_ASSERT_STRING_EQUAL (buffer, "0123456789");
  CU_ASSERT_EQUAL (test_read (store, second, 0, buffer, 10, &code), 10);
  CU_ASSERT_STRING_EQUAL (buffer, "abcdefghij");
  test_close (store, first);
  test_close (store, second);
  fs_store_end (&store, &root);
}

/* S7: a file that ends early is CORRUPT; one that grew is read as far as it went. */
static void
test_changed (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  char buffer[32] = "";
  int code;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_CREATED);
  g_autofree char *path = fs_path (store, &digest);
  CaskBackendBlob *blob = test_open (store, &digest, &info, &code);
  CU_ASSERT_EQUAL (chmod (path, 0600), 0);
  CU_ASSERT_EQUAL (truncate (path, 20), 0);
  CU_ASSERT_EQUAL (test_read (store, blob, 0, buffer, 32, &code), 10);
  CU_ASSERT_EQUAL (truncate (path, 4), 0);
  CU_ASSERT_EQUAL (test_read (store, blob, 0, buffer, 10, &code), 4);
  CU_ASSERT_EQUAL (test_read (store, blob, 4, buffer, 6, &code), -1);
  CU_ASSERT_EQUAL (code, CASK_ERROR_CORRUPT);
  test_close (store, blob);
  fs_store_end (&store, &root);
}

/* F8: handles up to the limit on open files, then BUSY, then again. */
static void
test_many (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  CaskBackendBlob *blobs[64];
  char byte;
  int code = FS_OK;
  guint count = 0;
  struct rlimit before, few;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "x"), FS_CREATED);
  CU_ASSERT_EQUAL (getrlimit (RLIMIT_NOFILE, &before), 0);
  few = before;
  few.rlim_cur = 48;
  CU_ASSERT_EQUAL (setrlimit (RLIMIT_NOFILE, &few), 0);
  while (count < G_N_ELEMENTS (blobs) &&
         (blobs[count] = test_open (store, &digest, &info, &code)) != NULL)
    count++;
  CU_ASSERT_EQUAL (code, CASK_ERROR_BUSY);
  CU_ASSERT (count > 20);
  for (guint i = 0; i < count; i++)
    CU_ASSERT_EQUAL (test_read (store, blobs[i], 0, &byte, 1, &code), 1);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  CU_ASSERT_EQUAL (upload->code, CASK_ERROR_BUSY);
  for (guint i = 0; i < count; i++)
    test_close (store, blobs[i]);
  CU_ASSERT_EQUAL (setrlimit (RLIMIT_NOFILE, &before), 0);
  CU_ASSERT_EQUAL (fs_store_get (store, &digest, NULL), FS_OK);
  fs_store_end (&store, &root);
}

typedef struct
{
  FsStore *store;
  CaskBackendBlob *blob;
  gint wrong;
} TestReaders;

static gpointer
test_reader (gpointer data)
{
  TestReaders *readers = data;
  char byte;
  for (guint i = 0; i < 20000; i++)
    if (readers->store->ops->blob_read (readers->store->backend, readers->blob, i % 10,
                                        &byte, 1, NULL, NULL) != 1 ||
        byte != (char) ('0' + i % 10))
      g_atomic_int_inc (&readers->wrong);
  return NULL;
}

static void
test_threads (void)
{
  FS_TEST_STORE (store, .durability = FS_NONE);
  CaskDigest digest = fs_digest (1, 1, 1);
  CaskBlobInfo info;
  GThread *threads[4];
  int code;
  CU_ASSERT_EQUAL (fs_store_put (store, &digest, "0123456789"), FS_CREATED);
  TestReaders readers = { .store = store,
                          .blob = test_open (store, &digest, &info, &code) };
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", test_reader, &readers);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  CU_ASSERT_EQUAL (readers.wrong, 0);
  test_close (store, readers.blob);
  fs_store_end (&store, &root);
}

/* Whether this process has the file mapped. */
static gboolean
test_is_mapped (const char *path)
{
  g_autofree char *maps = NULL;
  return g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL) &&
         strstr (maps, path) != NULL;
}

/* Ranges at, around and far from the pages' borders; only large ones are mapped. */
static void
test_mapped (void)
{
  static const struct
  {
    guint64 offset, length;
    gboolean is_mapped;
  } ranges[] = { { 0, CASK_TO_END, TRUE },       { 1, 65536, TRUE },
                 { 4095, 65537, TRUE },          { 4096, 65535, FALSE },
                 { 200000, CASK_TO_END, FALSE }, { 100000, CASK_TO_END, TRUE } };
  for (guint mapped = 0; mapped < 2; mapped++)
    {
      FS_TEST_STORE (store, .durability = FS_NONE, .is_mapped = mapped);
      CaskDigest digest = fs_digest (1, 1, 1);
      CaskBlobInfo info;
      g_autofree char *text = g_malloc (200001);
      for (guint i = 0; i < 200000; i++)
        text[i] = (char) ('a' + i % 23);
      text[200000] = '\0';
      CU_ASSERT_EQUAL (fs_store_put (store, &digest, text), FS_CREATED);
      g_autofree char *path = fs_path (store, &digest);
      for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
        {
          guint64 length = MIN (ranges[i].length, 200000 - ranges[i].offset);
          g_autoptr (GBytes) bytes =
              store->ops->get (store->backend, &digest, ranges[i].offset,
                               ranges[i].length, 0, &info, NULL, NULL);
          CU_ASSERT_PTR_NOT_NULL (bytes);
          if (bytes == NULL)
            continue;
          CU_ASSERT_EQUAL (g_bytes_get_size (bytes), length);
          CU_ASSERT_EQUAL (
              memcmp (g_bytes_get_data (bytes, NULL), text + ranges[i].offset, length),
              0);
          CU_ASSERT_EQUAL (test_is_mapped (path), mapped && ranges[i].is_mapped);
        }
      CU_ASSERT_FALSE (test_is_mapped (path));
      fs_store_end (&store, &root);
    }
}

CU_TestInfo fs_handle_tests[] = {
  { "C23 C24 a handle reads any piece, and nothing past the end", test_pieces },
  { "C71 S5 a handle outlives a removal and a replacement", test_outlives },
  { "S7 a blob that ends early is CORRUPT, one that grew is as it was", test_changed },
  { "F8 too many handles are BUSY", test_many },
  { "C63 threads share a handle", test_threads },
  { "with io=mmap large ranges are mapped, and without none", test_mapped },
  CU_TEST_INFO_NULL
};
