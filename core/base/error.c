/* SPDX-License-Identifier: Apache-2.0
 *
 * error.c: the error domain, whose errors can carry two digests. */
#include "error-private.h"

#include <cask/cask-digest.h>

typedef struct
{
  gboolean has_digests;
  CaskDigest expected;
  CaskDigest actual;
} CaskErrorPrivate;

/* GLib keeps the private part right before the error, padded to its allocation unit. */
static CaskErrorPrivate *
error_get_private (const GError *error)
{
  const gsize unit = 2 * sizeof (gsize);
  const gsize size = (sizeof (CaskErrorPrivate) + unit - 1) / unit * unit;

  return (CaskErrorPrivate *) (gpointer) ((guint8 *) error - size);
}

static void
error_private_init (GError *error)
{
  error_get_private (error)->has_digests = FALSE;
}

static void
error_private_copy (const GError *source, GError *target)
{
  *error_get_private (target) = *error_get_private (source);
}

static void
error_private_clear (GError *error)
{
  (void) error;
}

/**
 * cask_error_quark:
 *
 * Returns: the domain %CASK_ERROR
 *
 * Since: 1.0
 */
GQuark
cask_error_quark (void)
{
  static gsize quark;

  /* Not by G_DEFINE_EXTENDED_ERROR, which names the domain after the type: plugins, which
   * link nothing of libcask, make errors of this domain by the name that CASK_ERROR has
   * in cask-types.h. */
  if (g_once_init_enter (&quark))
    g_once_init_leave (&quark,
                       g_error_domain_register_static (
                           "cask-error-quark", sizeof (CaskErrorPrivate),
                           error_private_init, error_private_copy, error_private_clear));
  return (GQuark) quark;
}

/* Before anybody can make an error of this domain: one made earlier would lack the
 * private part that g_error_free() looks for. */
__attribute__ ((constructor)) static void
error_register (void)
{
  cask_error_quark ();
}

/**
 * cask_error_get_digests:
 * @error: an error
 * @expected: (out caller-allocates) (optional): the digest that was asked for
 * @actual: (out caller-allocates) (optional): what the bytes hash to
 *
 * The two digests of a %CASK_ERROR_DIGEST_MISMATCH or %CASK_ERROR_CORRUPT. A blob that is
 * corrupt because it is no blob at all, or has the wrong length, has no second digest.
 *
 * Returns: whether @error carries digests
 *
 * Since: 1.0
 */
gboolean
cask_error_get_digests (const GError *error, CaskDigest *expected, CaskDigest *actual)
{
  g_return_val_if_fail (error != NULL, FALSE);

  if (error->domain != cask_error_quark ())
    return FALSE;

  const CaskErrorPrivate *priv = error_get_private (error);
  if (!priv->has_digests)
    return FALSE;
  if (expected != NULL)
    *expected = priv->expected;
  if (actual != NULL)
    *actual = priv->actual;
  return TRUE;
}

void
cask_error_set_mismatch (GError **error, CaskError code, const CaskDigest *expected,
                         const CaskDigest *actual)
{
  char expected_text[CASK_DIGEST_TEXT_SIZE];
  char actual_text[CASK_DIGEST_TEXT_SIZE];

  if (error == NULL)
    return;
  cask_digest_write (expected, expected_text);
  cask_digest_write (actual, actual_text);
  *error = g_error_new (cask_error_quark (), (int) code,
                        code == CASK_ERROR_CORRUPT
                            ? "the stored bytes are corrupt: expected %s, they hash to %s"
                            : "the bytes do not match: expected %s, they hash to %s",
                        expected_text, actual_text);

  CaskErrorPrivate *priv = error_get_private (*error);
  priv->has_digests = TRUE;
  priv->expected = *expected;
  priv->actual = *actual;
}

void
cask_error_prefix (GError **error, const char *name, const CaskDigest *digest)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  if (digest == NULL)
    g_prefix_error (error, "%s: ", name);
  else
    g_prefix_error (error, "%s: %s: ", name, cask_digest_write (digest, text));
}

char *
cask_error_quote (const char *text)
{
  g_autofree char *shortened = g_strndup (text, 64);
  g_autofree char *escaped = g_strescape (shortened, "'\"");
  return g_strdup_printf ("'%s%s'", escaped, strlen (text) > 64 ? "..." : "");
}
