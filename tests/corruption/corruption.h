/* SPDX-License-Identifier: Apache-2.0
 *
 * corruption.h: a store of mixed blobs, whose files are damaged behind its back, and the
 * count of what it then says. */
#pragma once

#include <cask/cask.h>

#include "test-support.h"

typedef struct
{
  CaskDigest digest;
  GBytes *good;
  gsize size;
  char *path;
} Blob;

/* What a store said. */
typedef struct
{
  guint64 n_flips;
  guint64 n_right;      /* the right bytes */
  guint64 n_corrupt;    /* CORRUPT, with both digests where it was hashed */
  guint64 n_wrong;      /* wrong bytes */
  guint64 n_absent;     /* NOT_FOUND */
  guint64 n_other;      /* any other error */
  guint64 n_unexpected; /* right where damaged, or CORRUPT where not */
  guint64 n_missed;     /* damage that verify or quarantine did not find */
  guint64 n_accused;    /* good blobs that they found damaged, or moved */
} Tally;

typedef struct
{
  CaskStore *store;
  GRand *rand;
  const char *root;
  Blob *blobs; /* two and two of one size */
  guint n_blobs;
  Tally tally;
} Campaign;

/* A store with that option, and n blobs of 1 B to 256 KiB, by both algorithms. */
Campaign *campaign_new (const char *option, guint n_blobs);
void campaign_free (Campaign *campaign);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Campaign, campaign_free)

/* How much longer a run is than the everyday one: 1, or 10 with CASK_TEST_LONG. */
guint campaign_length (void);

Blob *campaign_any (Campaign *campaign);

/* One random bit of the file. The same bit again repairs it. */
guint64 blob_any_bit (const Blob *blob, GRand *rand);
void blob_flip (const Blob *blob, guint64 bit);
/* Opens the file for writing, although it is nobody's to write to. */
int blob_open_file (const Blob *blob);
/* Puts the right bytes again. created: what has to be said of it */
void blob_put (Campaign *campaign, const Blob *blob, gboolean created);

/* Gets the blob and counts what came of it. is_good: as it should be */
void campaign_get (Campaign *campaign, const Blob *blob, gboolean is_good);
/* The same of bytes that were got otherwise. Takes failure. */
void campaign_judge (Campaign *campaign, const Blob *blob, gboolean is_good,
                     const void *data, gsize size, GError *failure);
void campaign_verify (Campaign *campaign, const Blob *blob, gboolean is_good);
void campaign_quarantine (Campaign *campaign, const Blob *blob, gboolean is_good);

/* Nothing was ever other than it should be. */
gboolean campaign_is_clean (const Campaign *campaign);
void campaign_assert_clean (Campaign *campaign);

/* ---- test-corruption-kinds.c ---- */

extern CU_TestInfo corruption_kinds_tests[];
