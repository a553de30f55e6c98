/* SPDX-License-Identifier: Apache-2.0
 *
 * digest.c: a digest as text and back.
 *
 * Invariant: whatever leaves this file as a CaskDigest has a known algorithm and zeros
 * after its hash. The fs backend makes paths of digests, so a text that is accepted here
 * can not hold a '/' or a '..'. */
#include "error-private.h"
#include "hasher-private.h"

G_DEFINE_BOXED_TYPE (CaskDigest, cask_digest, cask_digest_copy, cask_digest_free)

/**
 * cask_algorithm_to_string:
 * @algorithm: an algorithm
 *
 * Returns: (transfer none) (nullable): its name, "sha256" or "sha512"; %NULL where it is
 * not known
 *
 * Since: 1.0
 */
const char *
cask_algorithm_to_string (CaskAlgorithm algorithm)
{
  switch (algorithm)
    {
    case CASK_ALGORITHM_SHA256:
      return "sha256";
    case CASK_ALGORITHM_SHA512:
      return "sha512";
    default:
      return NULL;
    }
}

/**
 * cask_algorithm_parse:
 * @text: a name
 * @algorithm: (out): the algorithm of that name
 * @error: return location for an error
 *
 * Errors: %CASK_ERROR_INVALID_DIGEST where no algorithm has that name.
 *
 * Returns: whether there is one
 *
 * Since: 1.0
 */
gboolean
cask_algorithm_parse (const char *text, CaskAlgorithm *algorithm, GError **error)
{
  g_return_val_if_fail (text != NULL && algorithm != NULL, FALSE);

  for (CaskAlgorithm a = CASK_ALGORITHM_SHA256; a <= CASK_ALGORITHM_SHA512; a++)
    if (g_str_equal (text, cask_algorithm_to_string (a)))
      {
        *algorithm = a;
        return TRUE;
      }

  g_autofree char *quoted = cask_error_quote (text);
  g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST,
               "unknown digest algorithm %s; known are sha256 and sha512", quoted);
  return FALSE;
}

/* As g_ascii_xdigit_value(), of which every digest would call 64. */
static inline int
digest_digit (char character)
{
  guint decimal = (guint) (guchar) character - '0';
  guint letter = ((guint) (guchar) character | 0x20) - 'a';

  if (decimal < 10)
    return (int) decimal;
  return letter < 6 ? (int) letter + 10 : -1;
}

static gboolean
digest_parse_hash (const char *text, const char *hash, CaskDigest *digest, GError **error)
{
  gsize expected = 2 * cask_digest_length (digest);
  gsize found = strlen (hash);

  /* The character first: "sha256:xyz" is better told about its 'x' than about its length.
   */
  for (gsize i = 0; i < found && i < expected; i++)
    {
      int digit = digest_digit (hash[i]);
      if (digit < 0)
        {
          char character[2] = { hash[i], '\0' };
          g_autofree char *quoted = cask_error_quote (character);
          g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST,
                       "digest has %s at byte %zu, where a hexadecimal digit belongs",
                       quoted, (gsize) (hash - text) + i);
          return FALSE;
        }
      digest->bytes[i / 2] = (guint8) (digest->bytes[i / 2] << 4 | digit);
    }
  if (found != expected)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST,
                   "%s digest has %zu hexadecimal digits, expected %zu",
                   cask_algorithm_to_string (digest->algorithm), found, expected);
      return FALSE;
    }
  return TRUE;
}

/**
 * cask_digest_parse:
 * @text: `sha256:` and 64, or `sha512:` and 128 hexadecimal digits, of either case
 * @digest: (out caller-allocates): the digest
 * @error: return location for an error
 *
 * Errors: %CASK_ERROR_INVALID_DIGEST, saying what is wrong and where.
 *
 * Returns: whether @text is a digest
 *
 * Since: 1.0
 */
gboolean
cask_digest_parse (const char *text, CaskDigest *digest, GError **error)
{
  g_return_val_if_fail (text != NULL && digest != NULL, FALSE);

  const char *colon = strchr (text, ':');
  if (colon == NULL)
    {
      g_autofree char *quoted = cask_error_quote (text);
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST,
                   "digest %s has no ':'; expected sha256:<64 hexadecimal digits>",
                   quoted);
      return FALSE;
    }

  g_autofree char *name = g_strndup (text, (gsize) (colon - text));
  CaskAlgorithm algorithm;
  if (!cask_algorithm_parse (name, &algorithm, error))
    return FALSE;

  CaskDigest parsed = { .algorithm = (guint8) algorithm };
  if (!digest_parse_hash (text, colon + 1, &parsed, error))
    return FALSE;
  *digest = parsed;
  return TRUE;
}

/**
 * cask_digest_write: (skip)
 * @digest: a valid digest
 * @text: (out caller-allocates): room for %CASK_DIGEST_TEXT_SIZE bytes
 *
 * Writes the digest as text, without allocating.
 *
 * Returns: (transfer none): @text
 *
 * Since: 1.0
 */
const char *
cask_digest_write (const CaskDigest *digest, char *text)
{
  static const char digits[] = "0123456789abcdef";
  const char *name = cask_algorithm_to_string (digest->algorithm);
  char *end = g_stpcpy (text, name != NULL ? name : "unknown");

  *end++ = ':';
  for (gsize i = 0; i < cask_digest_length (digest); i++)
    {
      *end++ = digits[digest->bytes[i] >> 4];
      *end++ = digits[digest->bytes[i] & 15];
    }
  *end = '\0';
  return text;
}

/**
 * cask_digest_to_string:
 * @digest: a valid digest
 *
 * Returns: (transfer full): the algorithm, a colon, and the hash in lower-case
 * hexadecimal digits
 *
 * Since: 1.0
 */
char *
cask_digest_to_string (const CaskDigest *digest)
{
  g_return_val_if_fail (digest != NULL, NULL);

  return g_strdup (cask_digest_write (digest, (char[CASK_DIGEST_TEXT_SIZE]){ 0 }));
}

/**
 * cask_digest_of_bytes:
 * @bytes: what to hash
 * @algorithm: a known algorithm
 * @digest: (out caller-allocates): the digest
 *
 * Names bytes.
 *
 * Since: 1.0
 */
void
cask_digest_of_bytes (GBytes *bytes, CaskAlgorithm algorithm, CaskDigest *digest)
{
  g_return_if_fail (bytes != NULL && digest != NULL);
  g_return_if_fail (cask_algorithm_to_string (algorithm) != NULL);

  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  cask_hash (algorithm, data, size, digest);
}

/**
 * cask_digest_is_valid:
 * @digest: what may be a digest
 *
 * Returns: whether its algorithm is known and every byte that does not belong to the hash
 * is 0
 *
 * Since: 1.0
 */
gboolean
cask_digest_is_valid (const CaskDigest *digest)
{
  guint64 head, tail[4];

  /* In words, for every operation looks: the algorithm with the reserved bytes, and what
   * is no part of a SHA-256. */
  memcpy (&head, digest, sizeof head);
  memcpy (tail, digest->bytes + 32, sizeof tail);
  if (head == GUINT64_TO_LE (CASK_ALGORITHM_SHA512))
    return TRUE;
  return head == GUINT64_TO_LE (CASK_ALGORITHM_SHA256) &&
         (tail[0] | tail[1] | tail[2] | tail[3]) == 0;
}

gboolean
cask_digest_check (const CaskDigest *digest, GError **error)
{
  if (G_LIKELY (cask_digest_is_valid (digest)))
    return TRUE;

  g_set_error (
      error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST,
      "not a digest: algorithm %u; make digests by cask_digest_parse() or by hashing",
      digest->algorithm);
  return FALSE;
}

/**
 * cask_digest_copy:
 * @digest: a digest
 *
 * Returns: (transfer full): a copy on the heap, for language bindings; C assigns the
 * struct
 *
 * Since: 1.0
 */
CaskDigest *
cask_digest_copy (const CaskDigest *digest)
{
  g_return_val_if_fail (digest != NULL, NULL);

  return g_memdup2 (digest, sizeof *digest);
}

/**
 * cask_digest_free:
 * @digest: (transfer full): a digest of cask_digest_copy()
 *
 * Since: 1.0
 */
void
cask_digest_free (CaskDigest *digest)
{
  g_free (digest);
}
