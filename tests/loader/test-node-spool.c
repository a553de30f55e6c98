/* SPDX-License-Identifier: Apache-2.0
 *
 * test-node-spool.c: uploads to a backend that has the required slots only: what is
 * written arrives in one put, whatever its size, and nothing is left over. */
#include "node-fixture.h"

#include <string.h>

#define MIB (1024 * 1024)
#define CHUNK (256 * 1024)

/* Opens bare behind config and begins; leaves the test where that fails. */
#define SPOOL_TEST(config)                                                               \
  const char *place = test_directory ();                                                 \
  CaskNode *node = shelf_open (config, place);                                           \
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;                  \
  if (upload == NULL)                                                                    \
  return

static void
spool_end (CaskNode *node, CaskBackendUpload *upload, const char *place)
{
  shelf_drop (node, upload);
  shelf_close (node);
  CU_ASSERT_EQUAL (shelf_count_entries (place), 0);
}

/* In chunks of that size. Returns: the code of the last write. */
static int
spool_write_all (CaskNode *node, CaskBackendUpload *upload, GBytes *bytes, gsize step)
{
  gsize size = g_bytes_get_size (bytes);
  int code = SHELF_OK;

  for (gsize at = 0; at < size && code == SHELF_OK; at += step)
    {
      g_autoptr (GBytes) chunk =
          g_bytes_new_from_bytes (bytes, at, MIN (step, size - at));
      code = shelf_write (node, upload, chunk, NULL, NULL);
    }
  return code;
}

static void
check_size (gsize size, gsize step, guint n_files)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) bytes = shelf_bytes (size);
  gboolean created = FALSE;
  guint before = shelf_count_descriptors ();

  CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, step), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_count_descriptors () - before, n_files);
  CU_ASSERT_EQUAL (shelf_count_entries (place), 0);
  CU_ASSERT_EQUAL (shelf.n_puts, 0);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, &created, NULL, NULL), SHELF_OK);
  CU_ASSERT_TRUE (created);
  CU_ASSERT_TRUE (shelf_has_put (bytes));
  CU_ASSERT_EQUAL (shelf.n_puts, 1);
  /* Plain memory may be kept, a mapping may not. */
  CU_ASSERT_EQUAL (shelf.put_flags & CASK_PUT_KEEP, n_files == 0 ? CASK_PUT_KEEP : 0);
  spool_end (node, upload, place);
}

static void
test_sizes (void)
{
  check_size (0, 1, 0);
  check_size (1, 1, 0);
  check_size (5000, 1, 0);
  check_size (MIB - 1, CHUNK, 0);
  check_size (MIB, CHUNK, 0);
  check_size (MIB, MIB, 0);
  check_size (MIB + 1, CHUNK, 1);
  check_size (MIB + 1, MIB + 1, 1);
  check_size (5 * MIB + 3, 4097, 1);
  check_size (5 * MIB + 3, 5 * MIB, 1);
}

static void
test_empty_chunk (void)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  CU_ASSERT_EQUAL (shelf_write (node, upload, nothing, cancellable, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
  CU_ASSERT_TRUE (shelf_has_put (nothing));
  spool_end (node, upload, place);
}

/* The blob that a backend kept is its own when upload and mapping are gone. */
static void
test_kept (void)
{
  for (gsize size = 1000; size < 3 * MIB; size += 2 * MIB)
    {
      SPOOL_TEST ("bare");
      g_autoptr (GBytes) bytes = shelf_bytes (size);
      CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, CHUNK), SHELF_OK);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
      shelf_drop (node, upload);
      CU_ASSERT_TRUE (shelf.kept != NULL && g_bytes_equal (shelf.kept, bytes));
      shelf_close (node);
    }
}

static void
test_commit_again (void)
{
  for (gsize size = 1000; size < 3 * MIB; size += 2 * MIB)
    {
      SPOOL_TEST ("bare");
      g_autoptr (GBytes) bytes = shelf_bytes (size);
      g_autoptr (GBytes) more = g_bytes_new_static ("x", 1);
      gboolean created = FALSE;

      shelf.n_failing = 2;
      CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, CHUNK), SHELF_OK);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, "the shelf creaks"),
                       CASK_ERROR_BUSY);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, "the shelf creaks"),
                       CASK_ERROR_BUSY);
      CU_ASSERT_EQUAL (shelf_write (node, upload, more, NULL, "once a commit was tried"),
                       CASK_ERROR_CLOSED);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, &created, NULL, NULL), SHELF_OK);
      CU_ASSERT_TRUE (created);
      CU_ASSERT_EQUAL (shelf.n_puts, 3);
      CU_ASSERT_TRUE (shelf_has_put (bytes));
      spool_end (node, upload, place);
    }
}

static void
test_hit (void)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) bytes = shelf_bytes (MIB + 9);
  gboolean created = TRUE;

  CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, CHUNK), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
  CaskBackendUpload *again = shelf_begin (node);
  CU_ASSERT_EQUAL (spool_write_all (node, again, bytes, CHUNK), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_commit (node, again, &created, NULL, NULL), SHELF_OK);
  CU_ASSERT_FALSE (created);
  shelf_drop (node, again);
  spool_end (node, upload, place);
}

/* Cancelled at the n-th of 12 chunks, of which the fifth is the first in the file. */
static void
check_cancel_at (guint n)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) chunk = shelf_bytes (CHUNK);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  int code = SHELF_OK;

  for (guint i = 0; i < 12 && code == SHELF_OK; i++)
    {
      if (i == n)
        g_cancellable_cancel (cancellable);
      code = shelf_write (node, upload, chunk, cancellable, NULL);
      CU_ASSERT_EQUAL (code, i == n ? SHELF_CANCELLED : SHELF_OK);
    }
  if (code == SHELF_OK)
    {
      g_cancellable_cancel (cancellable);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, cancellable, NULL),
                       SHELF_CANCELLED);
    }
  else
    {
      CU_ASSERT_EQUAL (shelf_write (node, upload, chunk, NULL, "failed before"),
                       CASK_ERROR_IO);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, "failed before"),
                       CASK_ERROR_IO);
    }
  CU_ASSERT_EQUAL (shelf.n_puts, 0);
  spool_end (node, upload, place);
}

static void
test_cancel (void)
{
  for (guint n = 0; n <= 12; n++)
    check_cancel_at (n);
}

/* A commit that was cancelled has stored nothing, and may be asked for again. */
static void
test_cancel_put (void)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) bytes = shelf_bytes (2 * MIB);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, CHUNK), SHELF_OK);
  shelf.cancels = cancellable;
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, cancellable, NULL), SHELF_CANCELLED);
  shelf.cancels = NULL;
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, cancellable, NULL), SHELF_CANCELLED);
  CU_ASSERT_EQUAL (shelf.n_puts, 1);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
  CU_ASSERT_TRUE (shelf_has_put (bytes));
  spool_end (node, upload, place);
}

static gsize
spool_read_at (CaskNode *node, CaskBackendUpload *upload, guint64 offset, char *buffer,
               gsize count)
{
  g_autoptr (GError) error = NULL;
  gsize n = 99;

  CU_ASSERT_TRUE (cask_node_ops.upload_read (cask_node_self (node), upload, offset,
                                             buffer, count, &n, NULL, &error));
  TEST_NO_ERROR (error);
  return n;
}

static void
check_read_back (CaskNode *node, CaskBackendUpload *upload, GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);
  const char *data = g_bytes_get_data (bytes, NULL);
  g_autofree char *buffer = g_malloc (size + 10);

  CU_ASSERT_EQUAL (spool_read_at (node, upload, 0, buffer, size + 10), size);
  CU_ASSERT_TRUE (memcmp (buffer, data, size) == 0);
  CU_ASSERT_EQUAL (spool_read_at (node, upload, size / 2, buffer, 7), 7);
  CU_ASSERT_TRUE (memcmp (buffer, data + size / 2, 7) == 0);
  CU_ASSERT_EQUAL (spool_read_at (node, upload, size, buffer, 7), 0);
  CU_ASSERT_EQUAL (spool_read_at (node, upload, G_MAXUINT64, buffer, 7), 0);
  CU_ASSERT_EQUAL (spool_read_at (node, upload, 0, buffer, 0), 0);
}

static void
test_read (void)
{
  for (gsize size = 1000; size < 3 * MIB; size += 2 * MIB)
    {
      char byte;
      SPOOL_TEST ("bare");
      g_autoptr (GBytes) bytes = shelf_bytes (size);
      CU_ASSERT_EQUAL (spool_read_at (node, upload, 0, &byte, 1), 0);
      CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, CHUNK), SHELF_OK);
      check_read_back (node, upload, bytes);
      CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
      check_read_back (node, upload, bytes);
      spool_end (node, upload, place);
    }
}

typedef struct
{
  CaskNode *node;
  CaskBackendUpload *upload;
  const char *data;
  gsize size;
  guint n_wrong;
} SpoolReader;

static gpointer
spool_reader_run (gpointer data)
{
  SpoolReader *reader = data;
  char buffer[5000];

  for (gsize at = 0; at < reader->size;)
    {
      gsize n = 0;
      if (!cask_node_ops.upload_read (cask_node_self (reader->node), reader->upload, at,
                                      buffer, sizeof buffer, &n, NULL, NULL) ||
          memcmp (buffer, reader->data + at, n) != 0)
        reader->n_wrong++;
      if (reader->n_wrong > 0)
        break;
      at += n;
    }
  return NULL;
}

/* A layer serves while it fills: also while memory becomes a file. */
static void
test_read_beside (void)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);
  SpoolReader reader = { node, upload, g_bytes_get_data (bytes, NULL), 3 * MIB, 0 };
  GThread *thread = g_thread_new ("reader", spool_reader_run, &reader);

  CU_ASSERT_EQUAL (spool_write_all (node, upload, bytes, 3001), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
  g_thread_join (thread);
  CU_ASSERT_EQUAL (reader.n_wrong, 0);
  spool_end (node, upload, place);
}

/* C12 */
static void
test_bounded (void)
{
  SPOOL_TEST ("bare");
  g_autoptr (GBytes) chunk = shelf_bytes (CHUNK);
  guint64 base = shelf_anon_kib (), peak = base;

  shelf.forgets = TRUE;
  for (guint i = 0; i < 64 * MIB / CHUNK; i++)
    {
      CU_ASSERT_EQUAL (shelf_write (node, upload, chunk, NULL, NULL), SHELF_OK);
      peak = MAX (peak, shelf_anon_kib ());
    }
  CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, NULL), SHELF_OK);
  peak = MAX (peak, shelf.put_anon_kib);
  CU_ASSERT_EQUAL (shelf.put_size, 64 * MIB);
  CU_ASSERT_TRUE (base > 0 && peak - base < 8 * 1024);
  spool_end (node, upload, place);
}

#define SEALED_BYTES 900000
#define SEALED (64 * MIB / SEALED_BYTES)

/* spool: (out): sealed, as by a commit that failed. Returns: whether it is in memory */
static gboolean
seal_one (const char *place, CaskSpool **spool)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = shelf_bytes (SEALED_BYTES);
  gboolean is_plain = FALSE;
  *spool = cask_spool_new (place, CASK_UNKNOWN, &error);
  if (*spool != NULL && cask_spool_write (*spool, bytes, NULL, &error))
    g_bytes_unref (cask_spool_seal (*spool, &is_plain, &error));
  TEST_NO_ERROR (error);
  return is_plain;
}

/* A crowd whose commits fail, and wait to be tried again, is no less of a crowd. */
static void
test_sealed (void)
{
  const char *place = test_directory ();
  CaskSpool *spools[SEALED + 1];

  for (guint round = 0; round < 2; round++)
    {
      for (guint i = 0; i < SEALED; i++)
        CU_ASSERT_TRUE (seal_one (place, &spools[i]));
      CU_ASSERT_FALSE (seal_one (place, &spools[SEALED]));
      for (guint i = 0; i <= SEALED; i++)
        cask_spool_free (spools[i]);
    }
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C7 C9 C10 what is written arrives in one put, of any size", test_sizes },
    { "an empty chunk is nothing", test_empty_chunk },
    { "what a backend keeps of an upload is its own", test_kept },
    { "C54 a commit that failed may be tried again", test_commit_again },
    { "C59 a commit of what exists has not created it", test_hit },
    { "C68 cancelled at any chunk, nothing is put and nothing left", test_cancel },
    { "C69 a commit that was cancelled may be tried again", test_cancel_put },
    { "what was written so far can be read", test_read },
    { "what is being written can be read from another thread", test_read_beside },
    { "C12 64 MiB take no more memory than one", test_bounded },
    { "S11 what could not be committed counts as long as it is held", test_sealed },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "spool", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
