/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-integrity.c: bytes that were damaged where they are kept are never handed out,
 * are never "absent", and are healed by a put. */
#include "conform-case.h"

#include <cask/cask-batch.h>

/* Within and beyond what may be answered in a main loop. */
static const gsize damage_sizes[] = { 1000, 200000 };

static void
expect_corrupt (Conform *c, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  char text[CASK_DIGEST_TEXT_SIZE];
  gboolean present = FALSE;

  cask_digest_write (digest, text);
  CONFORM_NULL (c->calls->get (c->store, digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CONFORM_FALSE (c->calls->verify (c->store, digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  /* Once found it stays found. */
  CONFORM_NULL (c->calls->get (c->store, digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, text);
  CONFORM_TRUE (c->calls->contains (c->store, digest, &present, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (present);
}

/* Damages blobs in one way, finds them corrupt, and heals them by a put. */
static void
damage_and_heal (Damage damage)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (damage_sizes); i++)
    {
      g_autoptr (GBytes) other = conform_bytes (81, damage_sizes[i]);
      CaskDigest neighbour = conform_put (c, other, NULL);
      g_auto (Victim) victim = conform_put_victim (c, 80, damage_sizes[i]);
      conform_expect_bytes (c, &victim.digest, victim.good);
      if (!conform_damage (c, &victim, damage))
        {
          conform_skip ("none of its bytes are in reach to damage them so");
          return;
        }
      expect_corrupt (c, &victim.digest);
      conform_expect_bytes (c, &neighbour, other);

      gboolean created = TRUE;
      conform_put (c, victim.good, &created);
      CONFORM_FALSE (created);
      conform_expect_bytes (c, &victim.digest, victim.good);
      conform_put (c, victim.good, &created);
      CONFORM_FALSE (created);
    }
}

static void
test_flip (void)
{
  damage_and_heal (DAMAGE_FLIP);
}

static void
test_truncated (void)
{
  damage_and_heal (DAMAGE_TRUNCATE);
}

static void
test_grown (void)
{
  damage_and_heal (DAMAGE_GROW);
}

static void
test_emptied (void)
{
  damage_and_heal (DAMAGE_EMPTY);
}

/* CORRUPT says what was expected and what is there. */
static void
test_digests_of_corrupt (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 82, 100);
  if (!conform_damage (c, &victim, DAMAGE_FLIP))
    {
      conform_skip ("none of its bytes are in reach to damage them");
      return;
    }
  CaskDigest expected = { 0 }, actual = { 0 };
  g_autoptr (GBytes) bad = g_bytes_new (g_bytes_get_data (victim.good, NULL), 100);
  ((guint8 *) g_bytes_get_data (bad, NULL))[50] ^= 0x10;
  CaskDigest truth = conform_digest (bad);
  CONFORM_NULL (c->calls->get (c->store, &victim.digest, NULL, &error));
  CONFORM_TRUE (error != NULL && cask_error_get_digests (error, &expected, &actual));
  CONFORM_DIGEST (&expected, &victim.digest);
  CONFORM_DIGEST (&actual, &truth);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
}

/* A put that nobody warned: the size is wrong, or the caller says that it doubts. */
static void
heal_unseen (Damage damage, CaskPutFlags flags)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 83, 5000);
  gboolean created = TRUE;
  if (!conform_damage (c, &victim, damage))
    {
      conform_skip ("none of its bytes are in reach to damage them so");
      return;
    }
  CONFORM_TRUE (c->calls->put (c->store, &victim.digest, victim.good, flags, &created,
                               NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_FALSE (created);
  conform_expect_bytes (c, &victim.digest, victim.good);
  CONFORM_TRUE (c->calls->verify (c->store, &victim.digest, NULL, &error));
  CONFORM_NO_ERROR (error);
}

static void
test_heal_wrong_size (void)
{
  heal_unseen (DAMAGE_TRUNCATE, CASK_PUT_NONE);
  heal_unseen (DAMAGE_GROW, CASK_PUT_NONE);
  heal_unseen (DAMAGE_EMPTY, CASK_PUT_NONE);
}

static void
test_heal_verify_existing (void)
{
  heal_unseen (DAMAGE_FLIP, CASK_PUT_VERIFY_EXISTING);
}

/* A corrupt blob can be got rid of, and put as a new one. */
static void
test_delete_corrupt (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_auto (Victim) victim = conform_put_victim (c, 84, 3000);
  gboolean existed = FALSE, created = FALSE;
  if (!conform_damage (c, &victim, DAMAGE_FLIP))
    {
      conform_skip ("none of its bytes are in reach to damage them");
      return;
    }
  expect_corrupt (c, &victim.digest);
  CONFORM_TRUE (c->calls->remove (c->store, &victim.digest, &existed, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (existed);
  conform_expect_absent (c, &victim.digest);
  conform_put (c, victim.good, &created);
  CONFORM_TRUE (created);
  conform_expect_bytes (c, &victim.digest, victim.good);
}

/* verify finds exactly the damaged ones. */
static void
test_verify (void)
{
  static const Damage kinds[] = { DAMAGE_FLIP, DAMAGE_TRUNCATE, DAMAGE_GROW,
                                  DAMAGE_EMPTY };
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  guint n_damaged = 0;
  Victim victims[24];
  for (guint i = 0; i < G_N_ELEMENTS (victims); i++)
    victims[i] = conform_put_victim (c, 8500 + i, 100 + i * 10000);
  gboolean is_damaged[G_N_ELEMENTS (victims)] = { FALSE };
  for (guint i = 0; i < G_N_ELEMENTS (victims); i += 3)
    {
      is_damaged[i] = conform_damage (c, &victims[i], kinds[i / 3 % 4]);
      n_damaged += is_damaged[i];
    }
  if (n_damaged == 0)
    conform_skip ("none of its bytes are in reach to damage them");
  for (guint i = 0; i < G_N_ELEMENTS (victims); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean good = c->calls->verify (c->store, &victims[i].digest, NULL, &error);
      CONFORM_EQUAL (good, !is_damaged[i]);
      if (is_damaged[i])
        CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
      else
        CONFORM_NO_ERROR (error);
      conform_victim_clear (&victims[i]);
    }
}

/* What is moved is absent to everybody, and whoever has it may store it as new. */
static void
expect_moved (Conform *c, const Victim *victim)
{
  g_autoptr (GError) error = NULL;
  gboolean moved = FALSE, created = FALSE;

  CONFORM_TRUE (c->calls->quarantine (c->store, &victim->digest, &moved, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (moved);
  conform_expect_absent (c, &victim->digest);
  CONFORM_FALSE (c->calls->quarantine (c->store, &victim->digest, &moved, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
  conform_put (c, victim->good, &created);
  CONFORM_TRUE (created);
  conform_expect_bytes (c, &victim->digest, victim->good);
}

static void
expect_left_alone (Conform *c, const CaskDigest *digest, GBytes *good)
{
  g_autoptr (GError) error = NULL;
  gboolean moved = TRUE;

  CONFORM_TRUE (c->calls->quarantine (c->store, digest, &moved, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_FALSE (moved);
  conform_expect_bytes (c, digest, good);
}

static void
test_quarantine (void)
{
  g_autoptr (Conform) c = conform_open_with (
      CASK_CAPABILITY_WRITE | CASK_CAPABILITY_QUARANTINE, "verify=always");
  if (c == NULL)
    return;
  guint n_damaged = 0;
  for (int damage = DAMAGE_FLIP; damage <= DAMAGE_EMPTY; damage++)
    {
      g_autoptr (GBytes) other = conform_bytes (88, 1000);
      CaskDigest neighbour = conform_put (c, other, NULL);
      g_auto (Victim) victim = conform_put_victim (c, 870 + (guint) damage, 1000);
      if (!conform_damage (c, &victim, (Damage) damage))
        continue;
      n_damaged++;
      expect_moved (c, &victim);
      expect_left_alone (c, &neighbour, other);
      /* It moved the copy that was damaged, and not the one that came after it. */
      expect_left_alone (c, &victim.digest, victim.good);
    }
  if (n_damaged == 0)
    conform_skip ("none of its bytes are in reach to damage them");
}

/* Found corrupt before, and as often as it likes to be moved: a place for each. */
static void
test_quarantine_again (void)
{
  g_autoptr (Conform) c = conform_open_with (
      CASK_CAPABILITY_WRITE | CASK_CAPABILITY_QUARANTINE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < 3; i++)
    {
      g_auto (Victim) victim = conform_put_victim (c, 89, 2000);
      if (!conform_damage (c, &victim, DAMAGE_FLIP))
        {
          conform_skip ("none of its bytes are in reach to damage them");
          return;
        }
      expect_corrupt (c, &victim.digest);
      expect_moved (c, &victim);
      CONFORM_TRUE (c->calls->remove (c->store, &victim.digest, NULL, NULL, NULL));
    }
}

/* What a put healed before it was moved is good. */
static void
test_quarantine_healed (void)
{
  g_autoptr (Conform) c = conform_open_with (
      CASK_CAPABILITY_WRITE | CASK_CAPABILITY_QUARANTINE, "verify=always");
  if (c == NULL)
    return;
  g_auto (Victim) victim = conform_put_victim (c, 90, 3000);
  if (!conform_damage (c, &victim, DAMAGE_FLIP))
    {
      conform_skip ("none of its bytes are in reach to damage them");
      return;
    }
  expect_corrupt (c, &victim.digest);
  conform_put (c, victim.good, NULL);
  expect_left_alone (c, &victim.digest, victim.good);
}

/* The version by which a copy is condemned must not become that of the good one. */
static void
test_version_of_healed (void)
{
  g_autoptr (Conform) c = conform_open_with (
      CASK_CAPABILITY_WRITE | CASK_CAPABILITY_QUARANTINE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskBlobInfo old = { 0 }, new = { 0 };
  g_autoptr (GBytes) bytes = conform_bytes (91, 3000);
  CaskDigest digest = conform_put (c, bytes, NULL);
  CONFORM_TRUE (c->calls->stat (c->store, &digest, &old, NULL, &error));
  CONFORM_TRUE (c->calls->put (c->store, &digest, bytes, CASK_PUT_VERIFY_EXISTING, NULL,
                               NULL, &error));
  CONFORM_TRUE (c->calls->stat (c->store, &digest, &new, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (old.version == 0 || new.version != old.version);
}

/* Who keeps what was read, as a cache does, keeps nothing that was found corrupt: what is
 * good again where it lies is got. */
static void
test_not_kept (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (damage_sizes); i++)
    {
      g_auto (Victim) victim = conform_put_victim (c, 92, damage_sizes[i]);
      if (!conform_damage (c, &victim, DAMAGE_FLIP))
        {
          conform_skip ("none of its bytes are in reach to damage them");
          return;
        }
      expect_corrupt (c, &victim.digest);
      conform_damage (c, &victim, DAMAGE_FLIP);
      conform_expect_bytes (c, &victim.digest, victim.good);
    }
}

/* The calls for many, for what cannot be looked at: a failure, or presence. */
static void
expect_no_absence_in_many (Conform *c, const CaskDigest *digest)
{
  g_autoptr (GBytes) other = conform_bytes (87, 1000);
  CaskDigest good = conform_put (c, other, NULL);
  const CaskDigest *asked[] = { &good, digest, &good };
  g_autoptr (CaskResults) there =
      cask_store_contains_many (c->store, asked, 3, CASK_CONTAINS_NONE, NULL, NULL);
  g_autoptr (CaskResults) known = cask_store_stat_many (c->store, asked, 3, NULL, NULL);

  if (!CONFORM_NOT_NULL (there) || !CONFORM_NOT_NULL (known))
    return;
  CONFORM_TRUE (cask_results_get_error (there, 1) != NULL ||
                cask_results_get_present (there, 1));
  CONFORM_FALSE (g_error_matches (cask_results_get_error (known, 1), CASK_ERROR,
                                  CASK_ERROR_NOT_FOUND));
}

/* It is no blob that could be listed or removed. */
static void
expect_left_there (Conform *c, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;

  CONFORM_FALSE (conform_is_listed (c, digest));
  CONFORM_FALSE (c->calls->remove (c->store, digest, &existed, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
  CONFORM_NULL (c->calls->get (c->store, digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CORRUPT, NULL);
}

/* What cannot be looked at may be there: nobody says that it is not. */
static void
expect_no_absence (Damage damage)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info;
  gboolean present = FALSE;
  g_auto (Victim) victim = conform_put_victim (c, 86, 1000);
  if (!conform_damage (c, &victim, damage))
    {
      conform_skip ("none of its bytes are in reach to damage them so");
      return;
    }
  CONFORM_NULL (c->calls->get (c->store, &victim.digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR,
                 damage == DAMAGE_FORBID ? CASK_ERROR_PERMISSION : CASK_ERROR_CORRUPT,
                 NULL);
  c->calls->stat (c->store, &victim.digest, &info, NULL, &error);
  CONFORM_FALSE (g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND));
  CONFORM_TRUE (!c->calls->contains (c->store, &victim.digest, &present, NULL, NULL) ||
                present);
  expect_no_absence_in_many (c, &victim.digest);
  if (damage == DAMAGE_DIRECTORY)
    expect_left_there (c, &victim.digest);
}

static void
test_directory (void)
{
  expect_no_absence (DAMAGE_DIRECTORY);
}

static void
test_forbidden (void)
{
  expect_no_absence (DAMAGE_FORBID);
}

const ConformCase conform_integrity_tests[] = {
  { "C78 C82 one flipped bit is CORRUPT until a put heals it", test_flip },
  { "C79 C82 a truncated blob is CORRUPT until a put heals it", test_truncated },
  { "C80 C82 a grown blob is CORRUPT until a put heals it", test_grown },
  { "C81 C82 an emptied blob is CORRUPT until a put heals it", test_emptied },
  { "C78 CORRUPT carries the digest expected and the one found",
    test_digests_of_corrupt },
  { "C82 S8 a put heals a wrong size that nobody has seen", test_heal_wrong_size },
  { "C82 S8 a put with VERIFY_EXISTING heals what nobody has seen",
    test_heal_verify_existing },
  { "C82 a corrupt blob is deleted, and put as a new one", test_delete_corrupt },
  { "C82 S8 quarantine moves what is damaged, and a put stores it anew",
    test_quarantine },
  { "C82 S8 quarantine takes what was found corrupt, time and again",
    test_quarantine_again },
  { "C82 S8 quarantine leaves what was healed alone", test_quarantine_healed },
  { "C82 S8 QUARANTINE: the copy that heals has another version",
    test_version_of_healed },
  { "C85 what was found corrupt is not kept, nor given when it is good again",
    test_not_kept },
  { "S13 a directory in a blob's place is CORRUPT, not absent, and stays",
    test_directory },
  { "S13 a blob that may not be opened is PERMISSION and not absent", test_forbidden },
  { "C83 verify finds exactly the damaged ones", test_verify },
  CONFORM_CASES_END
};
