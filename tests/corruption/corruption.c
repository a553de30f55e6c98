/* SPDX-License-Identifier: Apache-2.0
 *
 * corruption.c: the store, the damage, and the tally. */
#include "corruption.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAMPAIGN_LARGEST (256u << 10)
#define CAMPAIGN_TOLD 10 /* so many surprises are spelt out */

guint
campaign_length (void)
{
  return g_strcmp0 (g_getenv ("CASK_TEST_LONG"), "1") == 0 ? 10 : 1;
}

/* Small ones mostly: what is tested is the judgement, not the hash's speed. */
static gsize
campaign_any_size (GRand *rand)
{
  static const gsize bounds[] = { 2, 64, 512, 1024, 4096, 4096, 16384 };
  guint kind = (guint) g_rand_int_range (rand, 0, 32);

  if (kind == 0)
    return (gsize) g_rand_int_range (rand, 1, CAMPAIGN_LARGEST + 1);
  return (gsize) g_rand_int_range (rand, 1,
                                   (gint32) bounds[kind % G_N_ELEMENTS (bounds)]);
}

static GBytes *
campaign_any_bytes (GRand *rand, gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) g_rand_int (rand);
  return g_bytes_new_take (data, size);
}

static void
campaign_fill_blob (Campaign *campaign, Blob *blob, gsize size)
{
  CaskAlgorithm algorithm =
      g_rand_boolean (campaign->rand) ? CASK_ALGORITHM_SHA256 : CASK_ALGORITHM_SHA512;
  char text[CASK_DIGEST_TEXT_SIZE];

  /* The shortest are soon all taken: each blob is another. */
  do
    {
      g_clear_pointer (&blob->good, g_bytes_unref);
      blob->good = campaign_any_bytes (campaign->rand, size);
      cask_digest_of_bytes (blob->good, algorithm, &blob->digest);
      gboolean is_new = TRUE;
      for (const Blob *other = campaign->blobs; other < blob; other++)
        is_new &= !cask_digest_equal (&other->digest, &blob->digest);
      if (is_new)
        break;
    }
  while (size > 0);
  blob->size = size;
  cask_digest_write (&blob->digest, text);
  char *hex = strchr (text, ':');
  *hex++ = '\0';
  blob->path = g_strdup_printf ("%s/%s/%.2s/%s", campaign->root, text, hex, hex + 2);
  blob_put (campaign, blob, TRUE);
}

Campaign *
campaign_new (const char *option, guint n_blobs)
{
  static guint n_stores;
  g_autoptr (GError) error = NULL;
  Campaign *campaign = g_new0 (Campaign, 1);
  char *root = g_strdup_printf ("%s/store-%u", test_directory (), ++n_stores);
  g_autofree char *place = cask_config_escape (root);
  g_autofree char *config = g_strdup_printf ("fs:%s?durability=none&%s", place, option);

  campaign->root = root;
  campaign->rand = test_rand_new ("corruption");
  campaign->store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  if (campaign->store == NULL)
    {
      campaign_free (campaign);
      return NULL;
    }
  campaign->blobs = g_new0 (Blob, n_blobs);
  for (; campaign->n_blobs < n_blobs; campaign->n_blobs++)
    {
      /* More than a byte, of which two different ones are hard to come by. */
      gsize size = campaign->n_blobs < 16 ? 1 : 1 + campaign_any_size (campaign->rand);
      if (campaign->n_blobs % 2 == 1)
        size = campaign->blobs[campaign->n_blobs - 1].size;
      campaign_fill_blob (campaign, &campaign->blobs[campaign->n_blobs],
                          MIN (size, CAMPAIGN_LARGEST));
    }
  return campaign;
}

void
campaign_free (Campaign *campaign)
{
  for (guint i = 0; i < campaign->n_blobs; i++)
    {
      g_bytes_unref (campaign->blobs[i].good);
      g_free (campaign->blobs[i].path);
    }
  g_free (campaign->blobs);
  g_clear_object (&campaign->store);
  g_rand_free (campaign->rand);
  g_free ((char *) campaign->root);
  g_free (campaign);
}

Blob *
campaign_any (Campaign *campaign)
{
  return &campaign
              ->blobs[g_rand_int_range (campaign->rand, 0, (gint32) campaign->n_blobs)];
}

/* ---- Damage ---- */

int
blob_open_file (const Blob *blob)
{
  int fd = open (blob->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0 && chmod (blob->path, 0644) == 0)
    fd = open (blob->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  CU_ASSERT (fd >= 0);
  return fd;
}

guint64
blob_any_bit (const Blob *blob, GRand *rand)
{
  guint64 byte = (guint64) g_rand_int_range (rand, 0, (gint32) blob->size);

  return byte * 8 + (guint64) g_rand_int_range (rand, 0, 8);
}

void
blob_flip (const Blob *blob, guint64 bit)
{
  off_t where = (off_t) (bit / 8);
  guint8 byte = 0;
  int fd = blob_open_file (blob);

  if (fd < 0)
    return;
  gboolean done = pread (fd, &byte, 1, where) == 1;
  byte ^= (guint8) (1u << (bit % 8));
  done = done && pwrite (fd, &byte, 1, where) == 1;
  if (!done)
    CU_FAIL ("a bit could not be flipped");
  close (fd);
}

void
blob_put (Campaign *campaign, const Blob *blob, gboolean created)
{
  g_autoptr (GError) error = NULL;
  gboolean was_created = !created;

  gboolean done = cask_store_put (campaign->store, &blob->digest, blob->good, 0,
                                  &was_created, NULL, &error);
  if (!done || was_created != created)
    CU_FAIL ("a put did not do what it should");
  TEST_NO_ERROR (error);
}

/* ---- What the store says ---- */

/* Counts what should not have been, and tells the first few. */
static void
campaign_surprise (Campaign *campaign, guint64 *count, const Blob *blob, const char *what,
                   const GError *failure)
{
  char text[CASK_DIGEST_TEXT_SIZE];
  static guint n_told;

  (*count)++;
  if (n_told++ >= CAMPAIGN_TOLD)
    return;
  cask_digest_write (&blob->digest, text);
  g_print ("  flip %" G_GUINT64_FORMAT ", %s (%zu bytes): %s%s%s\n",
           campaign->tally.n_flips, text, blob->size, what, failure != NULL ? ": " : "",
           failure != NULL ? failure->message : "");
}

/* Carries the digest that was asked for and another one, where it carries any. */
static gboolean
campaign_is_corrupt (const Blob *blob, const GError *failure)
{
  CaskDigest expected, actual;

  if (!g_error_matches (failure, CASK_ERROR, CASK_ERROR_CORRUPT))
    return FALSE;
  return !cask_error_get_digests (failure, &expected, &actual) ||
         (cask_digest_equal (&expected, &blob->digest) &&
          !cask_digest_equal (&actual, &blob->digest));
}

void
campaign_judge (Campaign *campaign, const Blob *blob, gboolean is_good, const void *data,
                gsize size, GError *failure)
{
  Tally *tally = &campaign->tally;
  gboolean is_right = failure == NULL && size == blob->size &&
                      memcmp (data, g_bytes_get_data (blob->good, NULL), blob->size) == 0;

  if (failure == NULL && !is_right)
    campaign_surprise (campaign, &tally->n_wrong, blob, "wrong bytes", NULL);
  else if (is_right)
    tally->n_right++;
  else if (campaign_is_corrupt (blob, failure))
    tally->n_corrupt++;
  else if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    campaign_surprise (campaign, &tally->n_absent, blob, "absent", failure);
  else
    campaign_surprise (campaign, &tally->n_other, blob, "an error", failure);
  if (is_right && !is_good)
    campaign_surprise (campaign, &tally->n_unexpected, blob, "not damaged?", NULL);
  if (!is_right && is_good)
    campaign_surprise (campaign, &tally->n_unexpected, blob, "refused, but good",
                       failure);
  g_clear_error (&failure);
}

void
campaign_get (Campaign *campaign, const Blob *blob, gboolean is_good)
{
  GError *failure = NULL;
  g_autoptr (GBytes) bytes =
      cask_store_get (campaign->store, &blob->digest, NULL, &failure);
  gsize size = 0;
  const void *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

  campaign_judge (campaign, blob, is_good, data, size, failure);
}

static void
campaign_compare (Campaign *campaign, const Blob *blob, gboolean is_good, gboolean found,
                  const GError *failure)
{
  Tally *tally = &campaign->tally;

  if (!is_good && !found)
    campaign_surprise (campaign, &tally->n_missed, blob, "damage missed", failure);
  if (is_good && found)
    campaign_surprise (campaign, &tally->n_accused, blob, "good, but accused", failure);
}

void
campaign_verify (Campaign *campaign, const Blob *blob, gboolean is_good)
{
  g_autoptr (GError) failure = NULL;
  gboolean success = cask_store_verify (campaign->store, &blob->digest, NULL, &failure);

  if (!success && !campaign_is_corrupt (blob, failure))
    campaign_surprise (campaign, &campaign->tally.n_other, blob, "an error", failure);
  campaign_compare (campaign, blob, is_good, !success, failure);
}

void
campaign_quarantine (Campaign *campaign, const Blob *blob, gboolean is_good)
{
  g_autoptr (GError) failure = NULL;
  gboolean moved = FALSE;

  if (!cask_store_quarantine (campaign->store, &blob->digest, &moved, NULL, &failure))
    campaign_surprise (campaign, &campaign->tally.n_other, blob, "an error", failure);
  campaign_compare (campaign, blob, is_good, moved, failure);
  if (moved == g_file_test (blob->path, G_FILE_TEST_EXISTS))
    campaign_surprise (campaign, &campaign->tally.n_other, blob,
                       moved ? "moved, and there" : "not moved, and gone", NULL);
}

gboolean
campaign_is_clean (const Campaign *campaign)
{
  const Tally *tally = &campaign->tally;

  return tally->n_wrong + tally->n_absent + tally->n_other + tally->n_unexpected +
             tally->n_missed + tally->n_accused ==
         0;
}

void
campaign_assert_clean (Campaign *campaign)
{
  const Tally *tally = &campaign->tally;

  CU_ASSERT_EQUAL (tally->n_wrong, 0);
  CU_ASSERT_EQUAL (tally->n_absent, 0);
  CU_ASSERT_EQUAL (tally->n_other, 0);
  CU_ASSERT_EQUAL (tally->n_unexpected, 0);
  CU_ASSERT_EQUAL (tally->n_missed, 0);
  CU_ASSERT_EQUAL (tally->n_accused, 0);
}
