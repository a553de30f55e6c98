/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-upload-state.c: any bytes as the state of a saved upload.
 *
 * Each input is tried as it is, and again behind a checksum that is right: a checksum is
 * no proof of origin. What is accepted must be a state that could have been saved: it
 * saves to bytes that load to the same, and its hashes go on. The input is hashed in two
 * parts with a save between them, too, which must not show in the digest. */
#include "fuzz.h"

#include "upload-private.h"

#define STATE_CHECKSUM 32

static GBytes *
state_seal (const guint8 *data, gsize size)
{
  CaskDigest checksum;
  guint8 *sealed = g_malloc (size + STATE_CHECKSUM);
  cask_hash (CASK_ALGORITHM_SHA256, data, size, &checksum);
  if (size > 0)
    memcpy (sealed, data, size);
  memcpy (sealed + size, checksum.bytes, STATE_CHECKSUM);
  return g_bytes_new_take (sealed, size + STATE_CHECKSUM);
}

/* Nothing in it is outside of what the rest of the library takes for granted. */
static void
state_check_fields (CaskUploadState *state)
{
  FUZZ_CHECK (state->algorithm == CASK_ALGORITHM_SHA256 ||
              state->algorithm == CASK_ALGORITHM_SHA512);
  FUZZ_CHECK (!state->has_digest || cask_digest_is_valid (&state->digest));
  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    {
      gboolean is_due = state->all_algorithms || state->algorithm == i + 1;
      CaskDigest digest;
      FUZZ_CHECK (is_due == (state->hashers[i] != NULL));
      if (!is_due)
        continue;
      cask_hasher_peek (state->hashers[i], &digest);
      FUZZ_CHECK (cask_digest_is_valid (&digest) && digest.algorithm == i + 1);
    }
}

/* More than a block, so that whatever the state holds of one is passed. */
static void
state_feed (CaskUploadState *state)
{
  static const guint8 more[300];

  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    if (state->hashers[i] != NULL)
      cask_hasher_update (state->hashers[i], more, sizeof more);
}

static void
state_check_round_trip (const CaskUploadState *state)
{
  CaskUploadState again = { 0 };
  g_autoptr (GBytes) saved = cask_upload_state_save (state);

  FUZZ_CHECK (cask_upload_state_load (&again, saved, NULL));
  g_autoptr (GBytes) twice = cask_upload_state_save (&again);
  FUZZ_CHECK (g_bytes_equal (saved, twice));
  FUZZ_CHECK (again.offset == state->offset && again.algorithm == state->algorithm &&
              again.expected_size == state->expected_size);
  cask_upload_state_clear (&again);
}

static void
state_try (GBytes *bytes)
{
  CaskUploadState state = { 0 };
  g_autoptr (GError) error = NULL;

  if (cask_upload_state_load (&state, bytes, &error))
    {
      FUZZ_CHECK (error == NULL);
      state_check_fields (&state);
      state_check_round_trip (&state);
      state_feed (&state);
    }
  else if (g_error_matches (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED))
    fuzz_check_error (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED);
  else
    fuzz_check_error (error, CASK_ERROR, CASK_ERROR_CORRUPT);
  cask_upload_state_clear (&state);
}

static void
state_hash_part (CaskUploadState *state, const guint8 *data, gsize size)
{
  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    cask_hasher_update (state->hashers[i], data, size);
  state->offset += size;
}

static void
state_try_to_continue (const guint8 *data, gsize size)
{
  gsize first = size > 0 ? data[0] * size / 255 : 0;
  CaskUploadState before = { .algorithm = CASK_ALGORITHM_SHA512,
                             .all_algorithms = TRUE,
                             .expected_size = size };
  CaskUploadState after = { 0 };

  cask_upload_state_begin (&before);
  state_hash_part (&before, data, first);
  g_autoptr (GBytes) saved = cask_upload_state_save (&before);
  cask_upload_state_clear (&before);
  FUZZ_CHECK (cask_upload_state_load (&after, saved, NULL));
  FUZZ_CHECK (after.offset == first);
  state_hash_part (&after, data + first, size - first);
  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    {
      CaskDigest due, came;
      cask_hash (i + 1, data, size, &due);
      cask_hasher_peek (after.hashers[i], &came);
      FUZZ_CHECK (cask_digest_equal (&due, &came));
    }
  cask_upload_state_clear (&after);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) plain = g_bytes_new (data, size);
  g_autoptr (GBytes) sealed = state_seal (data, size);

  state_try (plain);
  state_try (sealed);
  state_try_to_continue (data, size);
  return 0;
}
