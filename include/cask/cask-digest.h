/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-digest.h: digests from text and bytes, and back. */
#pragma once

#include <glib-object.h>
#include "cask-types.h"

G_BEGIN_DECLS

#define CASK_TYPE_DIGEST (cask_digest_get_type ())

/** CASK_DIGEST_TEXT_SIZE: room for the longest digest as text, with its NUL. Since: 1.0
 */
#define CASK_DIGEST_TEXT_SIZE 136

/** CaskHasher: hashes what it is given, piece by piece. One thread at a time. Since: 1.0
 */
typedef struct _CaskHasher CaskHasher;

GType cask_digest_get_type (void) G_GNUC_CONST;

gboolean cask_digest_parse (const char *text, CaskDigest *digest, GError **error);
char *cask_digest_to_string (const CaskDigest *digest);
const char *cask_digest_write (const CaskDigest *digest, char *text);
void cask_digest_of_bytes (GBytes *bytes, CaskAlgorithm algorithm, CaskDigest *digest);
gboolean cask_digest_is_valid (const CaskDigest *digest);
CaskDigest *cask_digest_copy (const CaskDigest *digest);
void cask_digest_free (CaskDigest *digest);

gboolean cask_algorithm_parse (const char *text, CaskAlgorithm *algorithm,
                               GError **error);
const char *cask_algorithm_to_string (CaskAlgorithm algorithm);

CaskHasher *cask_hasher_new (CaskAlgorithm algorithm);
void cask_hasher_update (CaskHasher *hasher, const void *data, gsize count);
void cask_hasher_finish (CaskHasher *hasher, CaskDigest *digest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskDigest, cask_digest_free)

G_END_DECLS
