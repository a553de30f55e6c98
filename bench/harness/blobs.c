/* SPDX-License-Identifier: Apache-2.0
 *
 * blobs.c: bytes that can not be compressed and that nobody has put before.
 *
 * Invariants: no two blobs of a run are equal (but those of the size 0); the same run
 * again makes other ones, so that nothing left behind can be hit. */
#include "bench.h"

#include <nettle/sha2.h>
#include <string.h>

void
bench_hash (GBytes *bytes, CaskDigest *digest)
{
  _Alignas(16) struct sha256_ctx context; /* as core/base/hasher.c says */
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  memset (digest, 0, sizeof *digest);
  digest->algorithm = CASK_ALGORITHM_SHA256;
  sha256_init (&context);
  sha256_update (&context, size, data);
  sha256_digest (&context, SHA256_DIGEST_SIZE, digest->bytes);
}

void
bench_hex (const CaskDigest *digest, char hex[65])
{
  static const char digits[] = "0123456789abcdef";
  for (guint i = 0; i < 32; i++)
    {
      hex[2 * i] = digits[digest->bytes[i] >> 4];
      hex[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
  hex[64] = '\0';
}

/* xorshift64*: fast, and no compressor finds anything in it. */
static guint64
blobs_next (guint64 *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * G_GUINT64_CONSTANT (0x2545F4914F6CDD1D);
}

static guint64 *
blobs_state (void)
{
  static guint64 state;
  if (state == 0)
    state = ((guint64) g_random_int () << 32 | g_random_int ()) | 1;
  return &state;
}

static GBytes *
blobs_make (gsize size)
{
  guint64 *state = blobs_state ();
  guint8 *data = g_malloc (size + sizeof (guint64));
  for (gsize i = 0; i < size; i += sizeof (guint64))
    {
      guint64 word = blobs_next (state);
      memcpy (data + i, &word, sizeof word);
    }
  return g_bytes_new_take (data, size);
}

static void
blobs_clear (gpointer data)
{
  BenchBlob *blob = data;
  g_clear_pointer (&blob->bytes, g_bytes_unref);
}

GArray *
bench_blobs_new (guint n_blobs, gsize size)
{
  GArray *blobs = g_array_sized_new (FALSE, TRUE, sizeof (BenchBlob), n_blobs);
  g_array_set_clear_func (blobs, blobs_clear);
  for (guint i = 0; i < (size == 0 ? 1 : n_blobs); i++)
    {
      BenchBlob blob = { .bytes = blobs_make (size) };
      bench_hash (blob.bytes, &blob.digest);
      bench_hex (&blob.digest, blob.hex);
      g_array_append_val (blobs, blob);
    }
  return blobs;
}

GArray *
bench_blobs_new_absent (guint n_blobs)
{
  GArray *blobs = bench_blobs_new (n_blobs, 16);
  bench_blobs_drop_bytes (blobs);
  return blobs;
}

void
bench_blobs_drop_bytes (GArray *blobs)
{
  for (guint i = 0; i < blobs->len; i++)
    blobs_clear (&g_array_index (blobs, BenchBlob, i));
}
