/* SPDX-License-Identifier: Apache-2.0
 *
 * test-reader.c: what a reader asks of its backend, what it makes of the answers, and
 * what it tells the store of them. */
#include "pieces.h"
#include "reader-private.h"

#include <sys/wait.h>
#include <unistd.h>

#define READER_SIZE 1000000

static void
seek (CaskInputStream *stream, goffset offset)
{
  CU_ASSERT_TRUE (g_seekable_seek (G_SEEKABLE (stream), offset, G_SEEK_SET, NULL, NULL));
}

static void
test_buffer (void)
{
  g_autoptr (CaskStore) store = pieces_open ("", READER_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  CU_ASSERT_EQUAL (pieces.n_reads, 0);
  for (guint i = 0; i < 262144 / 4096; i++)
    pieces_expect (stream, 4096);
  CU_ASSERT_EQUAL (pieces.n_reads, 1);
  CU_ASSERT_EQUAL (pieces.largest_read, 262144);
  seek (stream, 100);
  pieces_expect (stream, 200000);
  CU_ASSERT_EQUAL (pieces.n_reads, 1);
  seek (stream, 262144);
  pieces_expect (stream, 300000);
  CU_ASSERT_EQUAL (pieces.n_reads, 2);
  CU_ASSERT_EQUAL (pieces.largest_read, 300000);
}

static void
test_small_blob (void)
{
  g_autoptr (CaskStore) store = pieces_open ("", 1000);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces_expect (stream, 10);
  CU_ASSERT_EQUAL (pieces.largest_read, 1000);
  pieces_expect (stream, 990);
  CU_ASSERT_EQUAL (pieces.n_reads, 1);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (stream));
}

static void
test_crowd (void)
{
  g_autoptr (GPtrArray) crowd = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (CaskStore) store = pieces_open ("?verify=never", READER_SIZE);
  for (guint i = 0; store != NULL && i <= CASK_READER_PLENTY; i++)
    {
      CaskInputStream *stream = pieces_stream (store);
      if (stream == NULL)
        return;
      g_ptr_array_add (crowd, stream);
      pieces.largest_read = 0;
      pieces_expect (stream, 10);
      CU_ASSERT_EQUAL (pieces.largest_read, i < CASK_READER_PLENTY
                                                ? CASK_READER_BUFFER
                                                : CASK_READER_BUFFER_SHORT);
    }
  if (crowd->len == 0)
    return;
  /* It stays with what it has, which is used up before anything is asked for. */
  CaskInputStream *last = crowd->pdata[CASK_READER_PLENTY];
  pieces.n_reads = 0;
  pieces_expect (last, CASK_READER_BUFFER_SHORT - 10);
  CU_ASSERT_EQUAL (pieces.n_reads, 0);
  pieces_expect (last, 300000);
  pieces_expect (last, READER_SIZE - 300000 - CASK_READER_BUFFER_SHORT);
  /* One that is closed makes room for another. */
  CU_ASSERT_TRUE (g_input_stream_close (crowd->pdata[0], NULL, NULL));
  g_autoptr (CaskInputStream) next = pieces_stream (store);
  pieces.largest_read = 0;
  if (next != NULL)
    pieces_expect (next, 10);
  CU_ASSERT_EQUAL (pieces.largest_read, CASK_READER_BUFFER);
}

/* Verified in order by what is short, too. */
static void
test_crowd_verified (void)
{
  g_autoptr (GPtrArray) crowd = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (CaskStore) store = pieces_open ("", READER_SIZE);
  for (guint i = 0; store != NULL && i <= CASK_READER_PLENTY; i++)
    {
      CaskInputStream *stream = pieces_stream (store);
      if (stream == NULL)
        return;
      g_ptr_array_add (crowd, stream);
      pieces_expect (stream, 10);
    }
  if (crowd->len == 0)
    return;
  CaskInputStream *last = crowd->pdata[CASK_READER_PLENTY];
  for (guint i = 0; i < 90; i++)
    pieces_expect (last, 9999);
  CU_ASSERT_FALSE (cask_input_stream_is_verified (last));
  pieces_expect (last, READER_SIZE - 10 - 90 * 9999);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (last));
}

/* Whatever little a backend gives at a time. */
static void
test_short_reads (void)
{
  g_autoptr (CaskStore) store = pieces_open ("", READER_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces.most = 777;
  pieces_expect (stream, 100);
  pieces_expect (stream, 5000);
  pieces_expect (stream, 600000);
  pieces_expect (stream, READER_SIZE - 605100);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (stream));
}

/* ---- Policies ---- */

static void
test_changed (void)
{
  g_autoptr (CaskStore) store = pieces_open ("", READER_SIZE);
  g_autoptr (CaskInputStream) first = store != NULL ? pieces_stream (store) : NULL;
  if (first == NULL)
    return;
  CU_ASSERT_FALSE (cask_input_stream_is_verified (first));
  pieces_expect (first, READER_SIZE);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (first));
  CU_ASSERT_TRUE (cask_verified_knows (store->verified, &pieces_digest, 7));

  g_autoptr (CaskInputStream) second = pieces_stream (store);
  CU_ASSERT_TRUE (second != NULL && cask_input_stream_is_verified (second));
  pieces.version = 8;
  g_autoptr (CaskInputStream) third = pieces_stream (store);
  CU_ASSERT_TRUE (third != NULL && !cask_input_stream_is_verified (third));
}

static void
test_always_and_never (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (CaskStore) store =
          pieces_open (i == 0 ? "?verify=always" : "?verify=never", 100);
      if (store == NULL)
        return;
      cask_verified_remember (store->verified, &pieces_digest, 7);
      g_autoptr (CaskInputStream) stream = pieces_stream (store);
      if (stream == NULL)
        return;
      CU_ASSERT_FALSE (cask_input_stream_is_verified (stream));
      pieces_expect (stream, 100);
      CU_ASSERT_EQUAL (cask_input_stream_is_verified (stream), i == 0);
    }
}

/* ---- Failures ---- */

static void
test_corrupt (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?verify=always", READER_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces.bad_at = READER_SIZE - 1;
  pieces_expect (stream, 700000);
  /* The buffer is to be filled to the end: nothing of it is handed out. */
  pieces_expect_failure (stream, 300000, CASK_ERROR_CORRUPT, "pieces: sha256:");
  pieces_expect_failure (stream, 10, CASK_ERROR_CORRUPT, "they hash to");
  CU_ASSERT_EQUAL (pieces.n_condemned, 1);
  CU_ASSERT_TRUE (cask_verified_is_corrupt (store->verified, &pieces_digest));
  CU_ASSERT_FALSE (cask_verified_knows (store->verified, &pieces_digest, 7));
  gint before = pieces.n_reads;
  seek (stream, 0);
  pieces_expect_failure (stream, 10, CASK_ERROR_CORRUPT, NULL);
  CU_ASSERT_EQUAL (pieces.n_reads, before);
}

static void
test_corrupt_after_close (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?verify=always", 1000);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces.bad_at = 3;
  CU_ASSERT_TRUE (cask_store_close (store, NULL, NULL));
  CU_ASSERT_EQUAL (pieces.n_closed, 0);
  pieces_expect_failure (stream, 10, CASK_ERROR_CORRUPT, NULL);
  CU_ASSERT_EQUAL (pieces.n_condemned, 0);
}

static void
test_ends_early (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?verify=never", 1000);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces.ends_at = 400;
  pieces_expect (stream, 300);
  pieces_expect_failure (stream, 700, CASK_ERROR_CORRUPT,
                         ": 1000 bytes expected, only 400 could be read");
  pieces_expect_failure (stream, 1, CASK_ERROR_CORRUPT, NULL);
  CU_ASSERT_EQUAL (pieces.n_condemned, 1);
  CU_ASSERT_TRUE (cask_verified_is_corrupt (store->verified, &pieces_digest));
}

static void
test_backend_says_corrupt (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) store = pieces_open ("?verify=never", 1000);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces.failure = CASK_ERROR_CORRUPT;
  pieces_expect_failure (stream, 10, CASK_ERROR_CORRUPT, "as it was told to");
  pieces_expect_failure (stream, 10, CASK_ERROR_CORRUPT, "as it was told to");
  CU_ASSERT_TRUE (cask_verified_is_corrupt (store->verified, &pieces_digest));

  cask_verified_clear_corrupt (store->verified, &pieces_digest);
  pieces.is_bad = TRUE;
  CU_ASSERT_PTR_NULL (cask_store_open_blob (store, &pieces_digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, "pieces: sha256:");
  CU_ASSERT_TRUE (cask_verified_is_corrupt (store->verified, &pieces_digest));
}

/* What may be better the next time is tried again, and verified all the same. */
static void
test_transient (void)
{
  static const CaskError codes[] = { CASK_ERROR_IO, CASK_ERROR_GONE,
                                     CASK_ERROR_UNAVAILABLE };
  g_autoptr (CaskStore) store = pieces_open ("?verify=always", READER_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      pieces.failure = codes[i];
      pieces_expect_failure (stream, 300000, codes[i], "pieces: sha256:");
      pieces.failure = codes[i];
      CU_ASSERT_EQUAL (g_input_stream_skip (G_INPUT_STREAM (stream), 300000, NULL, NULL),
                       -1);
      pieces_expect (stream, 270000);
    }
  pieces_expect (stream, READER_SIZE - 3 * 270000);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (stream));
}

/* ---- What one copy says of the blob ---- */

static void
test_marked_meanwhile (void)
{
  g_autoptr (CaskStore) store = pieces_open ("", 1000);
  g_autoptr (CaskInputStream) old = store != NULL ? pieces_stream (store) : NULL;
  if (old == NULL)
    return;
  cask_verified_mark_corrupt (store->verified, &pieces_digest);
  pieces_expect (old, 1000);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (old));
  CU_ASSERT_TRUE (cask_verified_is_corrupt (store->verified, &pieces_digest));
  CU_ASSERT_FALSE (cask_verified_knows (store->verified, &pieces_digest, 7));

  g_autoptr (CaskInputStream) present = pieces_stream (store);
  if (present == NULL)
    return;
  CU_ASSERT_FALSE (cask_input_stream_is_verified (present));
  pieces_expect (present, 1000);
  CU_ASSERT_FALSE (cask_verified_is_corrupt (store->verified, &pieces_digest));
  CU_ASSERT_TRUE (cask_verified_knows (store->verified, &pieces_digest, 7));
}

/* ---- What a skip reads ---- */

static void
test_skip_reads (void)
{
  g_autoptr (CaskStore) store = pieces_open ("?verify=always", READER_SIZE);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  GInputStream *input = (GInputStream *) (gpointer) stream;
  if (stream == NULL)
    return;
  CU_ASSERT_EQUAL (g_input_stream_skip (input, 500000, NULL, NULL), 500000);
  CU_ASSERT_EQUAL (pieces.n_reads, 2);
  /* What was hashed already, and what comes out of order, is not read for a skip. */
  seek (stream, 0);
  CU_ASSERT_EQUAL (g_input_stream_skip (input, 500000, NULL, NULL), 500000);
  seek (stream, 700000);
  CU_ASSERT_EQUAL (g_input_stream_skip (input, 1000, NULL, NULL), 1000);
  CU_ASSERT_EQUAL (pieces.n_reads, 2);
  seek (stream, 0);
  CU_ASSERT_EQUAL (g_input_stream_skip (input, G_MAXSSIZE, NULL, NULL), READER_SIZE);
  CU_ASSERT_TRUE (cask_input_stream_is_verified (stream));
  CU_ASSERT_EQUAL (pieces.n_reads, 4);
}

/* ---- A fork ---- */

static void
test_fork (void)
{
  g_autoptr (CaskStore) store = pieces_open ("", 1000);
  g_autoptr (CaskInputStream) stream = store != NULL ? pieces_stream (store) : NULL;
  if (stream == NULL)
    return;
  pieces_expect (stream, 10);
  pid_t child = fork ();
  if (child == 0)
    {
      alarm (20);
      /* As if another thread had held it at the fork. */
      g_mutex_lock (&store->close_lock);
      gboolean success = g_input_stream_close (G_INPUT_STREAM (stream), NULL, NULL);
      _exit (success && pieces.n_handles == 1 ? 0 : 1);
    }
  int status = -1;
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  CU_ASSERT_EQUAL (status, 0);
  pieces_expect (stream, 990);
}

int
main (int argc, char **argv)
{
  CU_TestInfo reader[] = {
    { "small reads come from one buffer, large ones go past it", test_buffer },
    { "the buffer is no larger than the blob", test_small_blob },
    { "S11 of a crowd of streams each holds 64 KiB, but for 128 of them", test_crowd },
    { "S11 what is read by 64 KiB is verified as it comes", test_crowd_verified },
    { "short reads of a backend make whole reads", test_short_reads },
    { "S7 `changed` hashes a copy once, and streams add to what is known", test_changed },
    { "S7 `always` hashes what is known, `never` nothing", test_always_and_never },
    { "a corrupt copy is found before its end, told to the backend once, and stays so",
      test_corrupt },
    { "a backend that is to be closed is told nothing", test_corrupt_after_close },
    { "a copy that ends early is CORRUPT, with both counts", test_ends_early },
    { "CORRUPT of the backend is remembered", test_backend_says_corrupt },
    { "a failure leaves the position, and reading and hashing go on after it",
      test_transient },
    { "a good copy says nothing of one that was found corrupt later",
      test_marked_meanwhile },
    { "a skip reads what is to be hashed, and no more", test_skip_reads },
    { "S17 a close in a forked child touches no lock", test_fork },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { .pName = "reader", .pTests = reader }, CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
