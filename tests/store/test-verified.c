/* SPDX-License-Identifier: Apache-2.0
 *
 * test-verified.c: what is remembered of copies, and that it is bounded. */
#include "test-support.h"
#include "verified-private.h"

#include <string.h>

/* A hash's first four bytes choose its place in the table. */
static CaskDigest
digest_at (guint32 place, guint32 name)
{
  CaskDigest digest = { .algorithm = CASK_ALGORITHM_SHA256 };

  memcpy (digest.bytes, &place, sizeof place);
  memcpy (digest.bytes + 8, &name, sizeof name);
  return digest;
}

static void
test_versions (void)
{
  CaskVerified *verified = cask_verified_new ();
  CaskDigest digest = digest_at (1, 1), other = digest_at (1, 2);

  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 5));
  cask_verified_remember (verified, &digest, 5);
  CU_ASSERT_TRUE (cask_verified_knows (verified, &digest, 5));
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 6));
  CU_ASSERT_FALSE (cask_verified_knows (verified, &other, 5));
  cask_verified_remember (verified, &digest, 6);
  CU_ASSERT_TRUE (cask_verified_knows (verified, &digest, 6));
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 5));
  cask_verified_free (verified);
}

/* A hard link under a made-up name has the version of the blob that it leads to. */
static void
test_every_byte_counts (void)
{
  CaskVerified *verified = cask_verified_new ();
  CaskDigest longer = { .algorithm = CASK_ALGORITHM_SHA512 };
  CaskDigest digest = digest_at (1, 1);

  cask_verified_remember (verified, &digest, 5);
  for (guint i = 0; i < 32; i++)
    {
      CaskDigest other = digest;
      other.bytes[i] ^= 0x80;
      CU_ASSERT_FALSE (cask_verified_knows (verified, &other, 5));
    }
  memcpy (longer.bytes, digest.bytes, 32);
  CU_ASSERT_FALSE (cask_verified_knows (verified, &longer, 5));
  cask_verified_remember (verified, &longer, 5);
  longer.bytes[63] = 1;
  CU_ASSERT_FALSE (cask_verified_knows (verified, &longer, 5));
  cask_verified_free (verified);
}

static void
test_version_0 (void)
{
  CaskVerified *verified = cask_verified_new ();
  CaskDigest digest = digest_at (1, 1), zero = { 0 };

  cask_verified_remember (verified, &digest, 0);
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 0));
  cask_verified_remember (verified, &digest, 5);
  cask_verified_remember (verified, &digest, 0);
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 0));
  CU_ASSERT_TRUE (cask_verified_knows (verified, &digest, 5));
  CU_ASSERT_FALSE (cask_verified_knows (verified, &zero, 0));
  cask_verified_free (verified);
}

static void
test_bounded (void)
{
  CaskVerified *verified = cask_verified_new ();
  const guint n = 4 * CASK_VERIFIED_MAX;
  guint n_known = 0;

  for (guint i = 0; i < n; i++)
    {
      CaskDigest digest = digest_at (i * 2654435761u, i);
      cask_verified_remember (verified, &digest, i + 1);
      CU_ASSERT_TRUE (cask_verified_knows (verified, &digest, i + 1));
    }
  for (guint i = 0; i < n; i++)
    {
      CaskDigest digest = digest_at (i * 2654435761u, i);
      n_known += cask_verified_knows (verified, &digest, i + 1);
    }
  CU_ASSERT_TRUE (n_known <= CASK_VERIFIED_MAX);
  CU_ASSERT_TRUE (n_known > CASK_VERIFIED_MAX / 2);
  cask_verified_free (verified);
}

static void
test_oldest_goes (void)
{
  CaskVerified *verified = cask_verified_new ();
  CaskDigest digests[5];

  for (guint i = 0; i < 5; i++)
    {
      digests[i] = digest_at (77, i);
      cask_verified_remember (verified, &digests[i], 9);
      /* That one is remembered again takes nobody's place. */
      cask_verified_remember (verified, &digests[i], 9);
    }
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digests[0], 9));
  for (guint i = 1; i < 5; i++)
    CU_ASSERT_TRUE (cask_verified_knows (verified, &digests[i], 9));
  cask_verified_free (verified);
}

static void
test_corrupt (void)
{
  CaskVerified *verified = cask_verified_new ();
  CaskDigest digest = digest_at (1, 1), other = digest_at (1, 2);

  CU_ASSERT_FALSE (cask_verified_is_corrupt (verified, &digest));
  cask_verified_clear_corrupt (verified, &digest);
  cask_verified_mark_corrupt (verified, &digest);
  cask_verified_mark_corrupt (verified, &digest);
  CU_ASSERT_TRUE (cask_verified_is_corrupt (verified, &digest));
  CU_ASSERT_FALSE (cask_verified_is_corrupt (verified, &other));
  cask_verified_clear_corrupt (verified, &other);
  CU_ASSERT_TRUE (cask_verified_is_corrupt (verified, &digest));
  cask_verified_clear_corrupt (verified, &digest);
  CU_ASSERT_FALSE (cask_verified_is_corrupt (verified, &digest));
  cask_verified_free (verified);
}

static void
test_corrupt_bounded (void)
{
  CaskVerified *verified = cask_verified_new ();
  const guint n = CASK_VERIFIED_MAX + 100;
  guint n_marked = 0;

  for (guint i = 0; i < n; i++)
    {
      CaskDigest digest = digest_at (i, i);
      cask_verified_mark_corrupt (verified, &digest);
      CU_ASSERT_TRUE (cask_verified_is_corrupt (verified, &digest));
    }
  for (guint i = 0; i < n; i++)
    {
      CaskDigest digest = digest_at (i, i);
      n_marked += cask_verified_is_corrupt (verified, &digest);
    }
  CU_ASSERT_TRUE (n_marked <= CASK_VERIFIED_MAX);
  cask_verified_free (verified);
}

/* ---- Readers beside a writer ---- */

#define N_CROWD 6 /* one more than fit, so that all entries move */

typedef struct
{
  CaskVerified *verified;
  CaskDigest digests[N_CROWD];
  gint done, n_wrong; /* atomic */
} CrowdCase;

/* As evenly spread as hashes, but for what they have in common on purpose: their set, and
 * every two of them the next eight bytes. */
static void
crowd_name (CrowdCase *crowd)
{
  for (guint i = 0; i < N_CROWD; i++)
    {
      guint64 front = (i / 2 + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
      guint64 back = (i + 1) * G_GUINT64_CONSTANT (0xc2b2ae3d27d4eb4f);
      crowd->digests[i] = digest_at (5, 0);
      memcpy (crowd->digests[i].bytes + 8, &front, sizeof front);
      memcpy (crowd->digests[i].bytes + 16, &back, sizeof back);
    }
}

/* Digest i is only ever remembered with versions that leave i over when divided by
 * N_CROWD. */
static gpointer
crowd_read (gpointer data)
{
  CrowdCase *crowd = data;

  while (!g_atomic_int_get (&crowd->done))
    for (guint i = 0; i < N_CROWD; i++)
      for (guint version = 1; version < 3 * N_CROWD; version++)
        if (version % N_CROWD != i &&
            cask_verified_knows (crowd->verified, &crowd->digests[i], version))
          g_atomic_int_inc (&crowd->n_wrong);
  return NULL;
}

static void
test_readers_beside_a_writer (void)
{
  CrowdCase crowd = { .verified = cask_verified_new () };

  crowd_name (&crowd);
  GThread *reader = g_thread_new ("reads", crowd_read, &crowd);
  for (guint round = 0; round < 30000; round++)
    for (guint i = 0; i < N_CROWD; i++)
      {
        guint64 version = i + N_CROWD * (round % 2 + (i == 0));
        cask_verified_remember (crowd.verified, &crowd.digests[i], version);
        if (!cask_verified_knows (crowd.verified, &crowd.digests[i], version))
          g_atomic_int_inc (&crowd.n_wrong);
        if (round % 16 == i)
          cask_verified_mark_corrupt (crowd.verified, &crowd.digests[i]);
        if (round % 16 == i)
          cask_verified_clear_corrupt (crowd.verified, &crowd.digests[i]);
      }
  g_atomic_int_set (&crowd.done, TRUE);
  g_thread_join (reader);
  CU_ASSERT_EQUAL (crowd.n_wrong, 0);
  cask_verified_free (crowd.verified);
}

static void
test_corrupt_is_not_known (void)
{
  CaskVerified *verified = cask_verified_new ();
  CaskDigest digest = digest_at (1, 1);

  cask_verified_remember (verified, &digest, 5);
  cask_verified_mark_corrupt (verified, &digest);
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 5));
  cask_verified_clear_corrupt (verified, &digest);
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 5));
  cask_verified_mark_corrupt (verified, &digest);
  cask_verified_remember (verified, &digest, 6);
  CU_ASSERT_FALSE (cask_verified_knows (verified, &digest, 6));
  cask_verified_clear_corrupt (verified, &digest);
  CU_ASSERT_TRUE (cask_verified_knows (verified, &digest, 6));
  cask_verified_free (verified);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "a copy is known by digest and version", test_versions },
    { "every byte of a digest counts, and its algorithm", test_every_byte_counts },
    { "version 0 is never known", test_version_0 },
    { "the table is bounded, and what came last is known", test_bounded },
    { "where it is full the oldest goes", test_oldest_goes },
    { "a corrupt mark stays until it is cleared", test_corrupt },
    { "corrupt marks are bounded", test_corrupt_bounded },
    { "no copy of a corrupt blob is known", test_corrupt_is_not_known },
    { "readers beside a writer are told of no copy that was not hashed",
      test_readers_beside_a_writer },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "verified", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
