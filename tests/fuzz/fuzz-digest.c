/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-digest.c: any text as a digest, and any 72 bytes as one.
 *
 * A digest's text becomes a path of the fs backend, so what is accepted is compared with
 * a second reading of the grammar, written without looking at the first: a known name, a
 * colon, exactly as many hexadecimal digits as the hash has, and nothing else. */
#include "fuzz.h"

#include <cask/cask-digest.h>

static gboolean
digest_is_due (const char *text)
{
  gsize digits = g_str_has_prefix (text, "sha256:")   ? 64
                 : g_str_has_prefix (text, "sha512:") ? 128
                                                      : 0;
  if (digits == 0 || strlen (text) != 7 + digits)
    return FALSE;
  for (gsize i = 7; text[i] != '\0'; i++)
    if (strchr ("0123456789abcdefABCDEF", text[i]) == NULL)
      return FALSE;
  return TRUE;
}

/* The order of digests of one algorithm is that of their texts. */
static void
digest_check_order (const CaskDigest *digest, guint8 salt)
{
  CaskDigest other = *digest;
  other.bytes[salt % cask_digest_length (digest)] ^= (guint8) (salt | 1);
  g_autofree char *a = cask_digest_to_string (digest);
  g_autofree char *b = cask_digest_to_string (&other);
  FUZZ_CHECK ((strcmp (a, b) < 0) == (cask_digest_compare (digest, &other) < 0));
  FUZZ_CHECK ((strcmp (a, b) > 0) == (cask_digest_compare (digest, &other) > 0));
  FUZZ_CHECK (!cask_digest_equal (digest, &other));
}

static void
digest_check_parsed (const CaskDigest *digest, const char *text)
{
  char room[CASK_DIGEST_TEXT_SIZE];
  CaskDigest again;
  g_autofree char *lower = g_ascii_strdown (text, -1);
  g_autofree char *printed = cask_digest_to_string (digest);
  g_autoptr (CaskDigest) copy = cask_digest_copy (digest);

  FUZZ_CHECK (cask_digest_is_valid (digest));
  FUZZ_CHECK (g_str_equal (printed, lower));
  FUZZ_CHECK (g_str_equal (cask_digest_write (digest, room), printed));
  FUZZ_CHECK (cask_digest_parse (printed, &again, NULL));
  FUZZ_CHECK (cask_digest_equal (digest, &again) && cask_digest_equal (digest, copy));
  FUZZ_CHECK (cask_digest_compare (digest, &again) == 0);
  FUZZ_CHECK (cask_digest_hash (digest) == cask_digest_hash (&again));
  digest_check_order (digest, (guint8) text[strlen (text) - 1]);
}

static void
digest_try_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  CaskDigest before, digest;
  CaskAlgorithm algorithm;
  memset (&before, 0x5a, sizeof before);
  digest = before;

  gboolean parsed = cask_digest_parse (text, &digest, &error);
  FUZZ_CHECK (parsed == digest_is_due (text));
  if (parsed)
    digest_check_parsed (&digest, text);
  else
    {
      fuzz_check_error (error, CASK_ERROR, CASK_ERROR_INVALID_DIGEST);
      FUZZ_CHECK (memcmp (&digest, &before, sizeof digest) == 0);
    }
  if (cask_algorithm_parse (text, &algorithm, NULL))
    FUZZ_CHECK (g_str_equal (cask_algorithm_to_string (algorithm), text));
}

/* A digest that comes from a plugin is 72 bytes of anybody's. */
static void
digest_try_bytes (const guint8 *data)
{
  char room[CASK_DIGEST_TEXT_SIZE];
  CaskDigest digest, again;
  memcpy (&digest, data, sizeof digest);

  const char *text = cask_digest_write (&digest, room);
  FUZZ_CHECK (strlen (text) < sizeof room);
  gboolean survives =
      cask_digest_parse (text, &again, NULL) && cask_digest_equal (&digest, &again);
  FUZZ_CHECK (cask_digest_is_valid (&digest) == survives);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);

  digest_try_text (text);
  if (size >= sizeof (CaskDigest))
    digest_try_bytes (data);
  return 0;
}
