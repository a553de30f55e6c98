/* SPDX-License-Identifier: Apache-2.0
 *
 * test-corruption-kinds.c: damage of other kinds than single bits, and other readers than
 * get: C79 to C81, C84, and what `verify=changed` sees. */
#include "corruption.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KINDS_BLOBS 128u
#define KINDS_ROUNDS 1000u
#define PAGE 4096u

/* Each damages a file, and FALSE where it would be none to this blob. */
typedef gboolean (*Damage) (const Blob *blob, GRand *rand, int fd);

static gboolean
damage_truncate (const Blob *blob, GRand *rand, int fd)
{
  return ftruncate (fd, (off_t) g_rand_int_range (rand, 0, (gint32) blob->size)) == 0;
}

static gboolean
damage_grow (const Blob *blob, GRand *rand, int fd)
{
  return ftruncate (fd, (off_t) blob->size + g_rand_int_range (rand, 1, 10000)) == 0;
}

/* What a power cut leaves of a page that was never written. */
static gboolean
damage_zero_page (const Blob *blob, GRand *rand, int fd)
{
  static const guint8 zeros[PAGE];
  gsize n_pages = (blob->size + PAGE - 1) / PAGE;
  gsize start = (gsize) g_rand_int_range (rand, 0, (gint32) n_pages) * PAGE;
  gsize length = MIN (PAGE, blob->size - start);
  const guint8 *good = g_bytes_get_data (blob->good, NULL);

  return memcmp (good + start, zeros, length) != 0 &&
         pwrite (fd, zeros, length, (off_t) start) == (ssize_t) length;
}

/* A part of the file, in another part's place. */
static gboolean
damage_move_within (const Blob *blob, GRand *rand, int fd)
{
  const guint8 *good = g_bytes_get_data (blob->good, NULL);
  gsize length = MIN (blob->size / 2, 512);
  gsize room = blob->size - length;

  if (length == 0)
    return FALSE;
  gsize from = (gsize) g_rand_int_range (rand, 0, (gint32) room + 1);
  gsize to = (gsize) g_rand_int_range (rand, 0, (gint32) room + 1);
  return memcmp (good + from, good + to, length) != 0 &&
         pwrite (fd, good + from, length, (off_t) to) == (ssize_t) length;
}

static void
damage_and_heal (Campaign *campaign, Damage damage)
{
  const Blob *blob = campaign_any (campaign);
  int fd = blob_open_file (blob);
  gboolean is_damaged = fd >= 0 && damage (blob, campaign->rand, fd);

  if (fd >= 0)
    close (fd);
  campaign_get (campaign, blob, !is_damaged);
  campaign_verify (campaign, blob, !is_damaged);
  if (!is_damaged)
    return;
  /* The quarantine waits until a change is old enough to be told from the next. */
  gboolean is_moved = g_rand_int_range (campaign->rand, 0, 50) == 0;
  if (is_moved)
    campaign_quarantine (campaign, blob, FALSE);
  blob_put (campaign, blob, is_moved);
  campaign_get (campaign, blob, TRUE);
}

static void
test_kind (Damage damage)
{
  g_autoptr (Campaign) campaign = campaign_new ("verify=always", KINDS_BLOBS);
  guint n = (campaign != NULL ? KINDS_ROUNDS : 0) * campaign_length ();

  if (campaign == NULL)
    return;
  for (guint i = 0; i < n && campaign_is_clean (campaign); i++)
    damage_and_heal (campaign, damage);
  campaign_assert_clean (campaign);
  CU_ASSERT (campaign->tally.n_corrupt > n / 2);
}

static void
test_truncate (void)
{
  test_kind (damage_truncate);
}

static void
test_grow (void)
{
  test_kind (damage_grow);
}

static void
test_zero_page (void)
{
  test_kind (damage_zero_page);
}

static void
test_move_within (void)
{
  test_kind (damage_move_within);
}

/* Two good files, each under the other's name. */
static void
swap_files (const Blob *a, const Blob *b)
{
  g_autofree char *aside = g_strconcat (a->path, ".aside", NULL);

  if (rename (a->path, aside) != 0 || rename (b->path, a->path) != 0 ||
      rename (aside, b->path) != 0)
    CU_FAIL ("two files could not be swapped");
}

static void
test_swap (void)
{
  g_autoptr (Campaign) campaign = campaign_new ("verify=always", KINDS_BLOBS);
  guint n = (campaign != NULL ? KINDS_ROUNDS : 0) * campaign_length ();

  for (guint i = 0; i < n && campaign_is_clean (campaign); i++)
    {
      gint32 pair = g_rand_int_range (campaign->rand, 0, KINDS_BLOBS / 2);
      const Blob *a = &campaign->blobs[2 * pair], *b = a + 1;
      /* One file is whole under either name where only the algorithm differs. */
      gboolean is_same = g_bytes_equal (a->good, b->good);
      swap_files (a, b);
      campaign_get (campaign, a, is_same);
      campaign_get (campaign, b, is_same);
      campaign_verify (campaign, a, is_same);
      swap_files (a, b);
      campaign_get (campaign, a, TRUE);
      campaign_get (campaign, b, TRUE);
    }
  if (campaign == NULL)
    return;
  campaign_assert_clean (campaign);
  CU_ASSERT (campaign->tally.n_corrupt > 0);
}

/* ---- Streams ---- */

/* Reads to the end or to the failure. Returns: how many bytes were given */
static gsize
read_all (CaskInputStream *stream, GRand *rand, guint8 *data, gsize size, GError **error)
{
  gsize done = 0;

  for (;;)
    {
      gsize count = MIN ((gsize) g_rand_int_range (rand, 1, 70000), size + 1 - done);
      gssize n =
          g_input_stream_read (G_INPUT_STREAM (stream), data + done, count, NULL, error);
      if (n <= 0)
        return done;
      done += (gsize) n;
    }
}

/* Damage is told before the last byte is given. */
static void
stream_blob (Campaign *campaign, const Blob *blob, gboolean is_good)
{
  GError *failure = NULL;
  g_autofree guint8 *data = g_malloc (blob->size + 1);
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (campaign->store, &blob->digest, NULL, &failure);
  gsize size =
      stream != NULL ? read_all (stream, campaign->rand, data, blob->size, &failure) : 0;

  CU_ASSERT (is_good || size < blob->size);
  campaign_judge (campaign, blob, is_good, data, size, failure);
}

static void
test_streams (void)
{
  g_autoptr (Campaign) campaign = campaign_new ("verify=always", KINDS_BLOBS);
  guint n = (campaign != NULL ? 5 * KINDS_ROUNDS : 0) * campaign_length ();

  for (guint i = 0; i < n && campaign_is_clean (campaign); i++)
    {
      const Blob *blob = campaign_any (campaign);
      guint64 bit = blob_any_bit (blob, campaign->rand);
      campaign->tally.n_flips++;
      blob_flip (blob, bit);
      stream_blob (campaign, blob, FALSE);
      blob_flip (blob, bit);
      stream_blob (campaign, blob, TRUE);
    }
  if (campaign == NULL)
    return;
  campaign_assert_clean (campaign);
  CU_ASSERT (campaign->tally.n_corrupt > 0);
}

/* ---- verify=changed ---- */

/* Until a change from now on moves every blob's ctime: then what was verified is known.
 */
static void
let_times_settle (void)
{
  gint64 end = g_get_monotonic_time () + 50000;

  while (g_get_monotonic_time () < end)
    g_thread_yield ();
}

/* What this process has verified is not hashed again, and a change made through the
 * filesystem is seen all the same. */
static void
test_changed (void)
{
  g_autoptr (Campaign) campaign = campaign_new ("verify=changed", KINDS_BLOBS);
  guint n_rounds = (campaign != NULL ? 10 : 0) * campaign_length ();

  for (guint round = 0; round < n_rounds; round++)
    {
      guint64 bits[KINDS_BLOBS];
      let_times_settle ();
      for (guint pass = 0; pass < 2; pass++)
        for (guint i = 0; i < KINDS_BLOBS; i++)
          campaign_get (campaign, &campaign->blobs[i], TRUE);
      for (guint i = 0; i < KINDS_BLOBS; i++)
        {
          bits[i] = blob_any_bit (&campaign->blobs[i], campaign->rand);
          campaign->tally.n_flips++;
          blob_flip (&campaign->blobs[i], bits[i]);
          campaign_get (campaign, &campaign->blobs[i], FALSE);
          campaign_get (campaign, &campaign->blobs[(i + 1) % KINDS_BLOBS],
                        i + 1 < KINDS_BLOBS);
        }
      for (guint i = 0; i < KINDS_BLOBS; i++)
        blob_flip (&campaign->blobs[i], bits[i]);
    }
  if (campaign == NULL)
    return;
  campaign_assert_clean (campaign);
  CU_ASSERT (campaign->tally.n_corrupt > 0);
}

/* ---- Uploads ---- */

/* Saves all but the last byte of the blob, and lets go of it. Returns: the upload's id */
static char *
save_most (Campaign *campaign, const Blob *blob)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUpload) upload =
      cask_store_begin_upload (campaign->store, NULL, blob->digest.algorithm,
                               CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);

  TEST_NO_ERROR (error);
  if (upload == NULL)
    return NULL;
  g_output_stream_write_all (G_OUTPUT_STREAM (upload),
                             g_bytes_get_data (blob->good, NULL), blob->size - 1, NULL,
                             NULL, &error);
  TEST_NO_ERROR (error);
  char *id = g_strdup (cask_upload_save (upload, NULL, &error));
  TEST_NO_ERROR (error);
  return id;
}

/* Resumes it, writes the last byte and commits: which does not read what was saved. */
static void
finish_saved (Campaign *campaign, const Blob *blob, const char *id)
{
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  const char *bytes = g_bytes_get_data (blob->good, NULL);
  g_autoptr (CaskUpload) upload =
      cask_store_resume_upload (campaign->store, id, NULL, &error);

  TEST_NO_ERROR (error);
  if (upload == NULL)
    return;
  g_output_stream_write_all (G_OUTPUT_STREAM (upload), bytes + blob->size - 1, 1, NULL,
                             NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT (cask_upload_commit (upload, &blob->digest, NULL, &created, NULL, &error) &&
             created);
  TEST_NO_ERROR (error);
}

/* The state of the hash was good, and the bytes are not any more; that this process has
 * verified another copy of the blob before makes no difference. */
static void
test_saved_upload (void)
{
  g_autoptr (Campaign) campaign = campaign_new ("verify=changed", KINDS_BLOBS);
  if (campaign == NULL)
    return;
  for (guint i = 0; i < KINDS_BLOBS; i++)
    {
      const Blob *blob = &campaign->blobs[i];
      if (blob->size < 2)
        continue;
      campaign_get (campaign, blob, TRUE);
      CU_ASSERT (cask_store_delete (campaign->store, &blob->digest, NULL, NULL, NULL));
      g_autofree char *id = save_most (campaign, blob);
      if (id == NULL)
        return;
      Blob part = { .size = blob->size - 1 };
      g_autofree char *path =
          g_build_filename (campaign->root, ".uploads", id, "data", NULL);
      part.path = path;
      blob_flip (&part, blob_any_bit (&part, campaign->rand));
      campaign->tally.n_flips++;
      finish_saved (campaign, blob, id);
      campaign_get (campaign, blob, FALSE);
      blob_put (campaign, blob, FALSE);
      campaign_get (campaign, blob, TRUE);
    }
  campaign_assert_clean (campaign);
  CU_ASSERT (campaign->tally.n_corrupt > 0);
}

CU_TestInfo corruption_kinds_tests[] = {
  { "C79 C81 truncated blobs are CORRUPT, and heal", test_truncate },
  { "C80 grown blobs are CORRUPT, and heal", test_grow },
  { "C78 blobs with a page of zeros are CORRUPT, and heal", test_zero_page },
  { "C78 blobs with a part in another part's place are CORRUPT, and heal",
    test_move_within },
  { "C78 two files of one size, swapped, are both CORRUPT", test_swap },
  { "C84 a stream in order says CORRUPT before it gives the last byte", test_streams },
  { "S7 verify=changed sees every change made through the filesystem", test_changed },
  { "C53 S7 what was damaged while it was saved is CORRUPT once committed, and heals",
    test_saved_upload },
  CU_TEST_INFO_NULL,
};
