/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-policy.c: when get hashes: always, when something changed, never. */
#include "conform-case.h"

static gboolean
policy_get (Conform *c, const Victim *victim, GError **error)
{
  g_autoptr (GBytes) got = c->calls->get (c->store, &victim->digest, NULL, error);
  return got != NULL && g_bytes_equal (got, victim->good);
}

static guint64
policy_version (Conform *c, const Victim *victim)
{
  CaskBlobInfo info = { 0 };
  cask_store_stat (c->store, &victim->digest, &info, NULL, NULL);
  return info.version;
}

/* Damages a blob that was got `before` times. Returns: FALSE where the test is over */
static gboolean
policy_damage (Conform *c, const Victim *victim, guint before)
{
  for (guint i = 0; i < before; i++)
    {
      g_autoptr (GError) error = NULL;
      CONFORM_TRUE (policy_get (c, victim, &error));
      CONFORM_NO_ERROR (error);
    }
  if (conform_damage (c, victim, DAMAGE_FLIP))
    return TRUE;
  conform_skip ("none of its bytes are in reach to damage them");
  return FALSE;
}

static void
test_always (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (Victim) victim = conform_put_victim (c, 90 + i, i % 2 == 0 ? 500 : 100000);
      if (!policy_damage (c, &victim, 3))
        return;
      CONFORM_FALSE (policy_get (c, &victim, &error));
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
    }
}

/* The first read hashes; later ones where the version says that something happened. A
 * store whose bytes only break by a broken promise need not see that. */
static void
test_changed (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr (GError) error = NULL;
      guint n_gets = i % 3;
      g_auto (Victim) victim = conform_put_victim (c, 94 + i, i < 6 ? 500 : 100000);
      guint64 before = policy_version (c, &victim);
      /* Both sides of the interval in which a time stamp proves nothing. */
      if (i % 2 == 0)
        conform_let_time_pass (40000);
      if (!policy_damage (c, &victim, n_gets))
        return;
      if (n_gets > 0 && before != 0 && policy_version (c, &victim) == before &&
          !conform_is_in_file (c, &victim))
        continue;
      CONFORM_FALSE (policy_get (c, &victim, &error));
      CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
    }
}

static void
test_never (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=never");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 97, 500);
  if (!policy_damage (c, &victim, 1))
    return;
  g_autoptr (GBytes) got = c->calls->get (c->store, &victim.digest, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (got != NULL && g_bytes_get_size (got) == 500 &&
                !g_bytes_equal (got, victim.good));
  /* Asked outright, it looks all the same. */
  CONFORM_FALSE (c->calls->verify (c->store, &victim.digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
}

static void
test_max_get (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "max-get=1000B");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) fits = conform_bytes (98, 1000), over = conform_bytes (99, 1001);
  CaskDigest small = conform_put (c, fits, NULL), large = conform_put (c, over, NULL);
  conform_expect_bytes (c, &small, fits);
  CONFORM_NULL (c->calls->get (c->store, &large, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, NULL);
  CONFORM_NULL (c->calls->get_range (c->store, &large, 0, CASK_TO_END, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, NULL);
  g_autoptr (GBytes) part =
      c->calls->get_range (c->store, &large, 1, CASK_TO_END, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (part != NULL && g_bytes_get_size (part) == 1000);
  CONFORM_TRUE (c->calls->verify (c->store, &large, NULL, &error));
  CONFORM_NO_ERROR (error);
}

const ConformCase conform_policy_tests[] = {
  { "S7 verify=always sees damage at the next get", test_always },
  { "S7 verify=changed sees damage at the first get and whenever the version changed",
    test_changed },
  { "S7 verify=never hands out what is there, verify still looks", test_never },
  { "S11 get refuses more than max-get, ranges and verify go on", test_max_get },
  CONFORM_CASES_END
};
