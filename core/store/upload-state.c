/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-state.c: what a saved upload has to remember, as bytes for the backend to keep.
 *
 * The bytes come back from a disk or a wire, so every field is read by itself, checked,
 * and never used as an index or a size; a checksum over all of them tells damage from
 * intent. Numbers are little-endian:
 *
 *   magic 8 │ version 4 │ flags 4 │ algorithm 4 │ 0 4 │ digest 72 │ expected size 8 │
 *   offset 8 │ saved 8 │ for each hash: its words and partial block │ SHA-256 of it all
 *
 * Failure modes: bytes of another version are refused as UNSUPPORTED, for they may be
 * good for the program that wrote them; anything else that does not fit is CORRUPT. */
#include "upload-private.h"

#include "error-private.h"

#define STATE_MAGIC G_GUINT64_CONSTANT (0x64616f6c70556b43) /* "CkUpload" */
#define STATE_VERSION 1
#define STATE_FIXED (24 + sizeof (CaskDigest) + 24)
#define STATE_CHECKSUM 32
#define STATE_MOST                                                                       \
  (STATE_FIXED + CASK_UPLOAD_ALGORITHMS * CASK_HASHER_STATE_MOST + STATE_CHECKSUM)

enum
{
  STATE_ALL_ALGORITHMS = 1 << 0,
  STATE_VERIFY_EXISTING = 1 << 1,
  STATE_HAS_DIGEST = 1 << 2,
  STATE_KNOWN_FLAGS = (1 << 3) - 1
};

static gboolean
state_hashes (const CaskUploadState *state, guint algorithm)
{
  return state->all_algorithms || state->algorithm == algorithm;
}

void
cask_upload_state_begin (CaskUploadState *state)
{
  for (guint algorithm = 1; algorithm <= CASK_UPLOAD_ALGORITHMS; algorithm++)
    if (state_hashes (state, algorithm))
      state->hashers[algorithm - 1] = cask_hasher_new (algorithm);
}

void
cask_upload_state_clear (CaskUploadState *state)
{
  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    if (state->hashers[i] != NULL)
      cask_hasher_finish (g_steal_pointer (&state->hashers[i]), NULL);
}

static gsize
state_size (const CaskUploadState *state)
{
  gsize size = STATE_FIXED + STATE_CHECKSUM;

  for (guint algorithm = 1; algorithm <= CASK_UPLOAD_ALGORITHMS; algorithm++)
    if (state_hashes (state, algorithm))
      size += cask_hasher_state_size (algorithm);
  return size;
}

static guint8 *
state_put_number (guint8 *place, guint64 number, gsize size)
{
  guint64 little = GUINT64_TO_LE (number);

  memcpy (place, &little, size);
  return place + size;
}

static const guint8 *
state_get_number (const guint8 *place, guint64 *number, gsize size)
{
  guint64 little = 0;

  memcpy (&little, place, size);
  *number = GUINT64_FROM_LE (little);
  return place + size;
}

static guint32
state_flags (const CaskUploadState *state)
{
  return (state->all_algorithms ? STATE_ALL_ALGORITHMS : 0) |
         (state->verify_existing ? STATE_VERIFY_EXISTING : 0) |
         (state->has_digest ? STATE_HAS_DIGEST : 0);
}

GBytes *
cask_upload_state_save (const CaskUploadState *state)
{
  guint8 bytes[STATE_MOST];
  guint8 *place = state_put_number (bytes, STATE_MAGIC, 8);
  CaskDigest checksum, digest = { 0 };

  if (state->has_digest)
    digest = state->digest;
  place = state_put_number (place, STATE_VERSION, 4);
  place = state_put_number (place, state_flags (state), 4);
  place = state_put_number (place, state->algorithm, 4);
  place = state_put_number (place, 0, 4);
  memcpy (place, &digest, sizeof digest);
  place += sizeof digest;
  place = state_put_number (place, state->expected_size, 8);
  place = state_put_number (place, state->offset, 8);
  place = state_put_number (place, (guint64) state->saved_usec, 8);
  for (guint i = 0; i < CASK_UPLOAD_ALGORITHMS; i++)
    if (state->hashers[i] != NULL)
      {
        cask_hasher_save (state->hashers[i], place);
        place += cask_hasher_state_size (i + 1);
      }
  cask_hash (CASK_ALGORITHM_SHA256, bytes, (gsize) (place - bytes), &checksum);
  memcpy (place, checksum.bytes, STATE_CHECKSUM);
  return g_bytes_new (bytes, (gsize) (place - bytes) + STATE_CHECKSUM);
}

static gboolean
state_fail (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CORRUPT,
                       "what was saved of the upload is damaged; begin it anew");
  return FALSE;
}

/* Of version 1 and with a good checksum, but perhaps made by a stranger. */
static gboolean
state_read_fields (CaskUploadState *state, const guint8 *place)
{
  guint64 flags, algorithm, reserved, saved;

  place = state_get_number (place, &flags, 4);
  place = state_get_number (place, &algorithm, 4);
  place = state_get_number (place, &reserved, 4);
  memcpy (&state->digest, place, sizeof state->digest);
  place += sizeof state->digest;
  place = state_get_number (place, &state->expected_size, 8);
  place = state_get_number (place, &state->offset, 8);
  state_get_number (place, &saved, 8);

  state->saved_usec = (gint64) saved;
  state->algorithm = (CaskAlgorithm) algorithm;
  state->all_algorithms = (flags & STATE_ALL_ALGORITHMS) != 0;
  state->verify_existing = (flags & STATE_VERIFY_EXISTING) != 0;
  state->has_digest = (flags & STATE_HAS_DIGEST) != 0;
  return (flags & ~(guint64) STATE_KNOWN_FLAGS) == 0 && reserved == 0 && algorithm >= 1 &&
         algorithm <= CASK_UPLOAD_ALGORITHMS &&
         (!state->has_digest || cask_digest_check (&state->digest, NULL));
}

static void
state_read_hashes (CaskUploadState *state, const guint8 *place)
{
  for (guint algorithm = 1; algorithm <= CASK_UPLOAD_ALGORITHMS; algorithm++)
    if (state_hashes (state, algorithm))
      {
        state->hashers[algorithm - 1] =
            cask_hasher_restore (algorithm, state->offset, place);
        place += cask_hasher_state_size (algorithm);
      }
}

gboolean
cask_upload_state_load (CaskUploadState *state, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint64 magic, version;
  CaskDigest checksum;

  if (size < STATE_FIXED + STATE_CHECKSUM)
    return state_fail (error);
  cask_hash (CASK_ALGORITHM_SHA256, data, size - STATE_CHECKSUM, &checksum);
  state_get_number (state_get_number (data, &magic, 8), &version, 4);
  if (magic != STATE_MAGIC ||
      memcmp (checksum.bytes, data + size - STATE_CHECKSUM, STATE_CHECKSUM) != 0)
    return state_fail (error);
  if (version != STATE_VERSION)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                   "the upload was saved by another version of Cask (format %u, not %u); "
                   "finish it with that one, or begin it anew",
                   (guint) version, STATE_VERSION);
      return FALSE;
    }
  if (!state_read_fields (state, data + 12) || state_size (state) != size)
    return state_fail (error);
  state_read_hashes (state, data + STATE_FIXED);
  return TRUE;
}
