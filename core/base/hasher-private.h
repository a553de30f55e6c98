/* SPDX-License-Identifier: Apache-2.0
 *
 * hasher-private.h: hashing inside the library. */
#pragma once

#include <cask/cask-digest.h>

/* Hashes in one go, without allocating. algorithm must be known. */
void cask_hash (guint algorithm, const void *data, gsize size, CaskDigest *digest);

/* What is hashed of so far, without ending it. */
void cask_hasher_peek (const CaskHasher *hasher, CaskDigest *digest);

/* The state of a hash, to be continued later, by another process too: the hash's words
 * and the partial block behind them, each in the hash's own byte order. How many bytes
 * were hashed is for the caller to keep. */
#define CASK_HASHER_STATE_MOST (64 + 128)
gsize cask_hasher_state_size (guint algorithm);
void cask_hasher_save (const CaskHasher *hasher, guint8 *state);
/* algorithm must be known; any state of the right size can be restored, whatever is in
 * it. */
CaskHasher *cask_hasher_restore (guint algorithm, guint64 n_hashed, const guint8 *state);
