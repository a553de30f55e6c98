/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-truth.c: what is announced is so, what is not is refused, and options are
 * taken at their word. SHARED and EXACT_CREATED, which need a second process, are proven
 * in conform-concurrency.c, FRESHENS and REMOVE_UNUSED in conform-removal.c. */
#include "conform-case.h"

#include <cask/cask-plugins.h>

static void
expect_unsupported (gboolean success, GError **error)
{
  CONFORM_FALSE (success);
  CONFORM_ERROR (*error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, NULL);
}

static void
test_not_writable (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  if (c->capabilities & CASK_CAPABILITY_WRITE)
    {
      conform_skip ("it announces WRITE");
      return;
    }
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (100, 10);
  CaskDigest digest = conform_digest (bytes);
  expect_unsupported (c->calls->put (c->store, &digest, bytes, 0, NULL, NULL, &error),
                      &error);
  expect_unsupported (c->calls->remove (c->store, &digest, NULL, NULL, &error), &error);
  conform_expect_absent (c, &digest);
}

static void
test_no_times (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  guint both = CASK_CAPABILITY_FRESHENS | CASK_CAPABILITY_REMOVE_UNUSED;
  if ((c->capabilities & both) == both)
    {
      conform_skip ("it announces FRESHENS and REMOVE_UNUSED");
      return;
    }
  g_autoptr (GError) error = NULL;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  g_autoptr (GBytes) bytes = conform_bytes (101, 10);
  CaskDigest digest = conform_put (c, bytes, NULL);
  if (!(c->capabilities & CASK_CAPABILITY_FRESHENS))
    expect_unsupported (c->calls->touch (c->store, &digest, NULL, &error), &error);
  if (!(c->capabilities & CASK_CAPABILITY_REMOVE_UNUSED))
    expect_unsupported (c->calls->remove_unused (c->store, &digest, G_MAXINT64 - 1,
                                                 &outcome, NULL, &error),
                        &error);
  conform_expect_bytes (c, &digest, bytes);
  /* Whatever its age is no condition. */
  CONFORM_TRUE (
      c->calls->remove_unused (c->store, &digest, CASK_ALWAYS, &outcome, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_REMOVED (outcome, CASK_REMOVED_DONE);
  conform_expect_absent (c, &digest);
}

/* Also of a good blob, and of none: nobody learns it from the first that is damaged. */
static void
test_no_quarantine (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  if (c->capabilities & CASK_CAPABILITY_QUARANTINE)
    {
      conform_skip ("it announces QUARANTINE");
      return;
    }
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (106, 10);
  CaskDigest digest = conform_digest (bytes);
  gboolean moved = FALSE;
  expect_unsupported (c->calls->quarantine (c->store, &digest, &moved, NULL, &error),
                      &error);
  if (!(c->capabilities & CASK_CAPABILITY_WRITE))
    return;
  conform_put (c, bytes, NULL);
  expect_unsupported (c->calls->quarantine (c->store, &digest, &moved, NULL, &error),
                      &error);
  conform_expect_bytes (c, &digest, bytes);
}

/* Announced, it is not refused; what it does to a damaged one is C82's. */
static void
test_has_quarantine (void)
{
  g_autoptr (Conform) c =
      conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_QUARANTINE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (107, 10);
  CaskDigest digest = conform_digest (bytes);
  gboolean moved = TRUE;
  CONFORM_FALSE (c->calls->quarantine (c->store, &digest, &moved, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
  conform_put (c, bytes, NULL);
  CONFORM_TRUE (c->calls->quarantine (c->store, &digest, &moved, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_FALSE (moved);
  conform_expect_bytes (c, &digest, bytes);
}

static void
test_flush (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  if (c->capabilities & CASK_CAPABILITY_WRITE)
    conform_put_number (c, 102);
  gboolean flushed = c->calls->flush (c->store, NULL, &error);
  if (flushed || (c->capabilities & CASK_CAPABILITY_DURABLE))
    CONFORM_NO_ERROR (error);
  else
    CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, NULL);
}

static void
test_immutable (void)
{
  g_autoptr (Conform) c =
      conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_IMMUTABLE);
  if (c == NULL)
    return;
  for (int damage = DAMAGE_FLIP; damage <= DAMAGE_EMPTY; damage++)
    {
      g_auto (Victim) victim = conform_put_victim (c, 103 + (guint) damage, 400);
      CONFORM_FALSE (conform_damage (c, &victim, (Damage) damage));
    }
}

/* Bits that this suite does not know are not proven by it. */
static void
test_fixed (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  CONFORM_EQUAL (c->capabilities & ~(guint) (2 * CASK_CAPABILITY_QUARANTINE - 1), 0);
  if (c->capabilities & CASK_CAPABILITY_WRITE)
    conform_put_number (c, 104);
  CONFORM_EQUAL (cask_store_get_capabilities (c->store), c->capabilities);
}

static void
test_config (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskStore) again = c != NULL ? conform_open_again (c) : NULL;
  if (again == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskDigest digest = conform_put_number (c, 105);
  gboolean present = FALSE;
  g_autofree char *config = g_strdup (cask_store_get_config (c->store));
  CONFORM_STRING_EQUAL (config, cask_store_get_config (again));
  g_autoptr (CaskStore) third = c->calls->open (config, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (third == NULL)
    return;
  CONFORM_STRING_EQUAL (config, cask_store_get_config (third));
  CONFORM_TRUE (c->calls->contains (third, &digest, &present, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (present);
}

const ConformCase conform_truth_tests[] = {
  { "C86 without WRITE puts and deletes are UNSUPPORTED", test_not_writable },
  { "C86 without FRESHENS or REMOVE_UNUSED these are UNSUPPORTED", test_no_times },
  { "C86 without QUARANTINE it is UNSUPPORTED", test_no_quarantine },
  { "C86 QUARANTINE: a good blob is left alone, an absent one is NOT_FOUND",
    test_has_quarantine },
  { "C86 DURABLE: flush succeeds, without it it may be UNSUPPORTED", test_flush },
  { "C86 IMMUTABLE: nothing is in reach to be damaged", test_immutable },
  { "C86 the capabilities are known ones and stay as they are", test_fixed },
  { "the config that a store tells opens it", test_config },
  CONFORM_CASES_END
};

/* ---- Options ---- */

static void
expect_refused (const char *config, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) sync_store = cask_store_open (config, NULL, &error);
  CONFORM_NULL (sync_store);
  CONFORM_TRUE (error == NULL || strstr (error->message, "canary") == NULL);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, text);
  g_autoptr (CaskStore) store = conform_async_calls.open (config, NULL, &error);
  CONFORM_NULL (store);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, text);
}

/* At every node of the config. */
static void
expect_option_refused (const char *option, const char *text)
{
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);

  for (guint node = 0;; node++)
    {
      g_autofree char *with = conform_add_option (config, option, node);
      if (with == NULL)
        return;
      expect_refused (with, text);
    }
}

static void
test_unknown_option (void)
{
  expect_option_refused ("no-such-option=canary", "no-such-option");
  expect_option_refused ("verfy=canary", "verfy");
}

static void
test_ill_typed_option (void)
{
  expect_option_refused ("verify=canary", "verify");
  expect_option_refused ("verify=", "verify");
  expect_option_refused ("threads=canary", "threads");
  expect_option_refused ("threads=0", "threads");
  expect_option_refused ("threads=-1", "threads");
  expect_option_refused ("max-get=canary", "max-get");
  expect_option_refused ("max-get=99999999TiB", "max-get");
}

/* Of each option of the plugin's table a value of another type; a text has no other.
 * Returns: how many options have one */
static guint
expect_own_refused (const char *config, const char *name, guint node)
{
  static const char *const values[] = { "canary", "", "-1" };
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new (name, &error);
  guint n_typed = 0;

  CONFORM_NO_ERROR (error);
  for (guint i = 0; info != NULL && i < cask_plugin_info_get_n_options (info); i++)
    {
      const char *option = cask_plugin_info_get_option_name (info, i);
      if (g_str_equal (cask_plugin_info_get_option_type (info, i), "text"))
        continue;
      n_typed++;
      for (guint k = 0; k < G_N_ELEMENTS (values); k++)
        {
          g_autofree char *given = g_strconcat (option, "=", values[k], NULL);
          g_autofree char *with = conform_add_option (config, given, node);
          if (CONFORM_NOT_NULL (with))
            expect_refused (with, option);
        }
    }
  return n_typed;
}

static void
test_ill_typed_own_option (void)
{
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);
  guint node = 0, n_typed = 0;

  for (const char *at = config; at != NULL; at = strpbrk (at, "(,"), node++)
    {
      at += at != config;
      at += strspn (at, " \t\n");
      g_autofree char *name =
          g_strndup (at, strspn (at, "abcdefghijklmnopqrstuvwxyz0123456789-"));
      n_typed += expect_own_refused (config, name, node);
    }
  if (n_typed == 0)
    conform_skip ("no part of it has an option of its own that is not a text");
}

static void
test_repeated_option (void)
{
  expect_option_refused ("verify=never&verify=never", "verify");
  expect_option_refused ("threads=2&max-get=1k&threads=2", "threads");
}

static void
test_reserved_below_root (void)
{
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);

  for (guint node = 1;; node++)
    {
      g_autofree char *with = conform_add_option (config, "verify=never", node);
      if (with == NULL)
        return;
      expect_refused (with, "verify");
    }
}

static void
test_broken_config (void)
{
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);
  static const char *const tails[] = { ")", "(", "()", ",", "?", "?=", "%zz", "%00" };
  for (guint i = 0; i < G_N_ELEMENTS (tails); i++)
    {
      g_autofree char *broken = g_strconcat (config, tails[i], NULL);
      expect_refused (broken, NULL);
    }
}

const ConformCase conform_options_tests[] = {
  { "C87 an unknown option is INVALID_CONFIG and names it", test_unknown_option },
  { "C87 an ill-typed option is INVALID_CONFIG and names it", test_ill_typed_option },
  { "C87 an ill-typed option of a backend's own is INVALID_CONFIG and names it",
    test_ill_typed_own_option },
  { "C87 a repeated option is INVALID_CONFIG and names it", test_repeated_option },
  { "C87 an option of the store is refused below the root", test_reserved_below_root },
  { "C87 a config with anything behind its end is INVALID_CONFIG", test_broken_config },
  CONFORM_CASES_END
};
