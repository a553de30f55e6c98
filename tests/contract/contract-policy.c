/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-policy.c: when get hashes: always, when something changed, never. */
#include "contract.h"

static gboolean
policy_get (Contract *c, const Victim *victim, GError **error)
{
  g_autoptr (GBytes) got = c->calls->get (c->store, &victim->digest, NULL, error);
  return got != NULL && g_bytes_equal (got, victim->good);
}

static guint64
policy_version (Contract *c, const Victim *victim)
{
  CaskBlobInfo info = { 0 };
  cask_store_stat (c->store, &victim->digest, &info, NULL, NULL);
  return info.version;
}

/* Damages a blob that was got `before` times. Returns: FALSE where the test is over */
static gboolean
policy_damage (Contract *c, const Victim *victim, guint before)
{
  for (guint i = 0; i < before; i++)
    {
      g_autoptr (GError) error = NULL;
      CU_ASSERT_TRUE (policy_get (c, victim, &error));
      TEST_NO_ERROR (error);
    }
  if (contract_damage (c, victim, DAMAGE_FLIP))
    return TRUE;
  contract_skip ("no bytes of %s are in reach to damage them", c->config);
  return FALSE;
}

static void
test_always (void)
{
  g_autoptr (Contract) c = contract_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (Victim) victim = contract_put_victim (c, 90 + i, i % 2 == 0 ? 500 : 100000);
      if (!policy_damage (c, &victim, 3))
        return;
      CU_ASSERT_FALSE (policy_get (c, &victim, &error));
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
    }
}

/* The first read hashes; later ones where the version says that something happened. A
 * store whose bytes only break by a broken promise need not see that. */
static void
test_changed (void)
{
  g_autoptr (Contract) c = contract_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr (GError) error = NULL;
      guint n_gets = i % 3;
      g_auto (Victim) victim = contract_put_victim (c, 94 + i, i < 6 ? 500 : 100000);
      guint64 before = policy_version (c, &victim);
      /* Both sides of the interval in which a time stamp proves nothing. */
      if (i % 2 == 0)
        contract_let_time_pass (40000);
      if (!policy_damage (c, &victim, n_gets))
        return;
      if (n_gets > 0 && before != 0 && policy_version (c, &victim) == before &&
          !contract_is_in_file (c, &victim))
        continue;
      CU_ASSERT_FALSE (policy_get (c, &victim, &error));
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
    }
}

static void
test_never (void)
{
  g_autoptr (Contract) c = contract_open_with (CASK_CAPABILITY_WRITE, "verify=never");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = contract_put_victim (c, 97, 500);
  if (!policy_damage (c, &victim, 1))
    return;
  g_autoptr (GBytes) got = c->calls->get (c->store, &victim.digest, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_get_size (got) == 500 &&
                  !g_bytes_equal (got, victim.good));
  /* Asked outright, it looks all the same. */
  CU_ASSERT_FALSE (c->calls->verify (c->store, &victim.digest, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
}

static void
test_max_get (void)
{
  g_autoptr (Contract) c = contract_open_with (CASK_CAPABILITY_WRITE, "max-get=1000B");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) fits = contract_bytes (98, 1000), over = contract_bytes (99, 1001);
  CaskDigest small = contract_put (c, fits, NULL), large = contract_put (c, over, NULL);
  contract_expect_bytes (c, &small, fits);
  CU_ASSERT_PTR_NULL (c->calls->get (c->store, &large, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, NULL);
  CU_ASSERT_PTR_NULL (
      c->calls->get_range (c->store, &large, 0, CASK_TO_END, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_TOO_LARGE, NULL);
  g_autoptr (GBytes) part =
      c->calls->get_range (c->store, &large, 1, CASK_TO_END, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (part != NULL && g_bytes_get_size (part) == 1000);
  CU_ASSERT_TRUE (c->calls->verify (c->store, &large, NULL, &error));
  TEST_NO_ERROR (error);
}

CU_TestInfo contract_policy_tests[] = {
  { "S7 verify=always sees damage at the next get", test_always },
  { "S7 verify=changed sees damage at the first get and whenever the version changed",
    test_changed },
  { "S7 verify=never hands out what is there, verify still looks", test_never },
  { "S11 get refuses more than max-get, ranges and verify go on", test_max_get },
  CU_TEST_INFO_NULL
};
