/* SPDX-License-Identifier: Apache-2.0
 *
 * error-private.h: one helper for each failure that recurs. */
#pragma once

#include <cask/cask-error.h>

/* DIGEST_MISMATCH or CORRUPT, with both digests in the error and in its message. */
void cask_error_set_mismatch (GError **error, CaskError code, const CaskDigest *expected,
                              const CaskDigest *actual);

/* Puts "NAME: " or "NAME: DIGEST: " before the message. error may be NULL or point to
 * NULL. */
void cask_error_prefix (GError **error, const char *name, const CaskDigest *digest);

/* FALSE and INVALID_DIGEST where digest is no digest: an unknown algorithm, or a byte
 * that must be 0. */
gboolean cask_digest_check (const CaskDigest *digest, GError **error);

/* text as it may stand in a message: printable, at most 64 characters of it. */
char *cask_error_quote (const char *text);
