/* SPDX-License-Identifier: Apache-2.0
 *
 * test-corruption.c: the campaign of single bits: C78, C82, C83 and the quarantine, by
 * the hundred thousand. */
#include "corruption.h"

#define FLIPS 100000u
#define FLIP_BLOBS 512u
#define SWEEP_EVERY 5000u /* flips */
#define SWEEP_BLOBS 48u

/* A bit flips, is found, flips back, and is forgotten. */
static void
flip_and_back (Campaign *campaign)
{
  const Blob *blob = campaign_any (campaign);
  guint64 bit = blob_any_bit (blob, campaign->rand);

  campaign->tally.n_flips++;
  blob_flip (blob, bit);
  campaign_get (campaign, blob, FALSE);
  if (campaign->tally.n_flips % 4 == 0)
    {
      const Blob *other = campaign_any (campaign);
      campaign_get (campaign, other, other != blob);
    }
  blob_flip (blob, bit);
  campaign_get (campaign, blob, TRUE);
}

/* Some of many are damaged, each by a bit: verify names these; a put heals half of them,
 * and the quarantine takes the other half, and those only. */
static void
sweep (Campaign *campaign)
{
  gboolean is_good[SWEEP_BLOBS];
  guint first = (guint) g_rand_int_range (campaign->rand, 0, FLIP_BLOBS - SWEEP_BLOBS);
  const Blob *blobs = campaign->blobs + first;

  for (guint i = 0; i < SWEEP_BLOBS; i++)
    {
      is_good[i] = g_rand_int_range (campaign->rand, 0, 3) > 0;
      campaign->tally.n_flips += !is_good[i];
      if (!is_good[i])
        blob_flip (&blobs[i], blob_any_bit (&blobs[i], campaign->rand));
    }
  for (guint i = 0; i < SWEEP_BLOBS; i++)
    campaign_verify (campaign, &blobs[i], is_good[i]);
  for (guint i = 0; i < SWEEP_BLOBS; i += 2)
    {
      blob_put (campaign, &blobs[i], FALSE);
      is_good[i] = TRUE;
    }
  for (guint i = 0; i < SWEEP_BLOBS; i++)
    campaign_quarantine (campaign, &blobs[i], is_good[i]);
  for (guint i = 0; i < SWEEP_BLOBS; i++)
    {
      blob_put (campaign, &blobs[i], !is_good[i]);
      campaign_get (campaign, &blobs[i], TRUE);
    }
}

static void
test_flips (void)
{
  g_autoptr (Campaign) campaign = campaign_new ("verify=always", FLIP_BLOBS);
  guint64 n_flips = (guint64) FLIPS * campaign_length ();

  if (campaign == NULL)
    return;
  const Tally *tally = &campaign->tally;
  for (guint64 i = 1; i <= n_flips && campaign_is_clean (campaign); i++)
    {
      flip_and_back (campaign);
      if (i % SWEEP_EVERY == 0)
        sweep (campaign);
    }
  campaign_assert_clean (campaign);
  CU_ASSERT (tally->n_flips >= n_flips);
  CU_ASSERT (tally->n_corrupt >= n_flips);
  CU_ASSERT (tally->n_right >= n_flips);
  test_score ("corruption: single-bit flips", "%" G_GUINT64_FORMAT, tally->n_flips);
  test_score ("corruption: wrong bytes returned", "%" G_GUINT64_FORMAT, tally->n_wrong);
  test_score ("corruption: damage that verify missed", "%" G_GUINT64_FORMAT,
              tally->n_missed);
}

static CU_TestInfo flip_tests[] = {
  { "C78 C82 C83 of random single-bit flips get returns none, verify misses none, puts "
    "heal, and quarantine takes exactly the damaged",
    test_flips },
  CU_TEST_INFO_NULL,
};

int
main (int argc, char **argv)
{
  CU_SuiteInfo suites[] = {
    { "single bits", NULL, NULL, NULL, NULL, flip_tests },
    { "other damage, other readers", NULL, NULL, NULL, NULL, corruption_kinds_tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
