/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-memory.c: C12: memory is bounded by the chunk, not by the blob.
 *
 * What counts is memory that cannot be given back without a swap: anonymous and shared
 * pages, looked at after every piece. It says nothing of a store that keeps its blobs in
 * memory, or under a sanitizer, whose own books grow with every allocation. */
#include "conform-upload.h"

#include <malloc.h>
#include <stdlib.h>

#include <cask/cask-input-stream.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

#define MIB ((guint64) 1 << 20)
#define MEMORY_BOUND (16 * MIB)
#define MEMORY_PIECE ((gsize) MIB)

static guint64
memory_field (const char *text, const char *name)
{
  const char *field = strstr (text, name);
  return field != NULL ? strtoull (field + strlen (name), NULL, 10) * 1024 : 0;
}

static guint64
memory_used (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  return memory_field (text, "RssAnon:") + memory_field (text, "RssShmem:");
}

/* Piece i of the blob, which differs from every other: nothing is stored once for two. */
static void
memory_piece (GBytes *pattern, guint8 *piece, guint64 i)
{
  memcpy (piece, g_bytes_get_data (pattern, NULL), MEMORY_PIECE);
  memcpy (piece, &i, sizeof i);
}

/* Returns: the most that was used on the way */
static guint64
memory_upload (Conform *c, GBytes *pattern, guint64 n, CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *piece = g_malloc (MEMORY_PIECE);
  guint64 peak = 0;

  g_autoptr (CaskUpload) upload = upload_begin (c);
  for (guint64 i = 0; upload != NULL && i < n; i++)
    {
      memory_piece (pattern, piece, i);
      CONFORM_TRUE (upload_calls (c)->write (upload, piece, MEMORY_PIECE, NULL, &error));
      CONFORM_NO_ERROR (error);
      peak = MAX (peak, memory_used ());
    }
  CONFORM_TRUE (upload != NULL &&
                upload_calls (c)->commit (upload, NULL, digest, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  return MAX (peak, memory_used ());
}

static guint64
memory_read (Conform *c, GBytes *pattern, guint64 n, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *piece = g_malloc (MEMORY_PIECE);
  g_autofree guint8 *expected = g_malloc (MEMORY_PIECE);
  guint64 peak = 0, n_right = 0;
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (c->store, digest, NULL, &error);

  CONFORM_NO_ERROR (error);
  for (guint64 i = 0; stream != NULL && i < n; i++)
    {
      gsize n_read = 0;
      memory_piece (pattern, expected, i);
      g_input_stream_read_all (G_INPUT_STREAM (stream), piece, MEMORY_PIECE, &n_read,
                               NULL, &error);
      CONFORM_NO_ERROR (error);
      n_right += n_read == MEMORY_PIECE && memcmp (piece, expected, MEMORY_PIECE) == 0;
      peak = MAX (peak, memory_used ());
    }
  CONFORM_EQUAL (n_right, n);
  return peak;
}

static gboolean
memory_is_measurable (Conform *c)
{
  if (HAS_SANITIZER)
    conform_skip ("a sanitizer's memory is not the store's");
  else if (memory_used () == 0)
    conform_skip ("the kernel does not tell how much memory is used");
  else
    {
      g_auto (Victim) victim = conform_put_victim (c, 510, 1000);
      if (conform_is_in_file (c, &victim))
        return TRUE;
      conform_skip ("it may keep its blobs in memory");
    }
  return FALSE;
}

static void
test_memory (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL || !memory_is_measurable (c))
    return;
  guint64 n = conform_is_long () ? 1024 : 256;
  g_autoptr (GBytes) pattern = conform_bytes (511, MEMORY_PIECE);
  CaskDigest digest = { 0 }, small = { 0 };
  /* Threads and buffers that every later call shares are not the blob's. */
  memory_upload (c, pattern, 2, &small);
  memory_read (c, pattern, 2, &small);
  malloc_trim (0);
  guint64 base = memory_used ();
  guint64 uploading = memory_upload (c, pattern, n, &digest);
  guint64 reading = memory_read (c, pattern, n, &digest);
  CONFORM_TRUE (uploading < base + MEMORY_BOUND);
  CONFORM_TRUE (reading < base + MEMORY_BOUND);
}

const ConformCase conform_upload_memory_tests[] = {
  { "C12 the memory of a large upload, and of its read, is bounded", test_memory },
  CONFORM_CASES_END
};
