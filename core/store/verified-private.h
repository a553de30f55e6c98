/* SPDX-License-Identifier: Apache-2.0
 *
 * verified-private.h: what this process knows of the bytes in a store: which copies it
 * has hashed and found good, and which blobs it has found corrupt. */
#pragma once

#include <cask/cask-types.h>

typedef struct _CaskVerified CaskVerified;

/** CASK_VERIFIED_MAX: how many copies are remembered. Forgetting one costs a hash. */
#define CASK_VERIFIED_MAX 65536

CaskVerified *cask_verified_new (void);
void cask_verified_free (CaskVerified *verified);

/* version 0 is never known and never remembered, and no copy of a corrupt blob is known.
 */
gboolean cask_verified_knows (CaskVerified *verified, const CaskDigest *digest,
                              guint64 version);
void cask_verified_remember (CaskVerified *verified, const CaskDigest *digest,
                             guint64 version);

/* A blob that was found corrupt, until it has been put anew. */
void cask_verified_mark_corrupt (CaskVerified *verified, const CaskDigest *digest);
gboolean cask_verified_is_corrupt (CaskVerified *verified, const CaskDigest *digest);
void cask_verified_clear_corrupt (CaskVerified *verified, const CaskDigest *digest);
