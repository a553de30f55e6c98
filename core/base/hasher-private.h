/* SPDX-License-Identifier: Apache-2.0
 *
 * hasher-private.h: hashing inside the library. */
#pragma once

#include <cask/cask-digest.h>

/* Hashes in one go, without allocating. algorithm must be known. */
void cask_hash (guint algorithm, const void *data, gsize size, CaskDigest *digest);
