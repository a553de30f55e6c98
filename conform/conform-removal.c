/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-removal.c: times of use, and removal by them.
 *
 * conform-age.c sees to it that every use renews the time. A time may lag behind the
 * clock by a tick of the kernel's coarse clock, so times that must differ lie
 * REMOVAL_TICK apart. */
#include "conform-case.h"

#define REMOVAL_TICK 30000

static gint64
removal_mtime (Conform *c, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };

  CONFORM_TRUE (c->calls->stat (c->store, digest, &info, NULL, &error));
  CONFORM_NO_ERROR (error);
  return info.mtime_usec;
}

#define REMOVAL_NEEDS (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS)

typedef gboolean (*RemovalUse) (Conform *c, const CaskDigest *digest, GBytes *bytes);

/* Whether a use renews the time of what is old, which reading does not. */
static void
expect_renewed (Conform *c, const CaskDigest *digest, RemovalUse use, GBytes *bytes)
{
  gint64 first = removal_mtime (c, digest);

  conform_expect_bytes (c, digest, bytes);
  CONFORM_EQUAL (removal_mtime (c, digest), first);
  gint64 before = g_get_real_time ();
  CONFORM_TRUE (use (c, digest, bytes));
  gint64 second = removal_mtime (c, digest);
  CONFORM_TRUE (second > first);
  CONFORM_TRUE (second >= before - REMOVAL_TICK);
  CONFORM_TRUE (second <= g_get_real_time () + G_USEC_PER_SEC);
  conform_expect_bytes (c, digest, bytes);
}

static void
expect_renewal (Conform *c, RemovalUse use)
{
  GBytes *blobs[4];
  CaskDigest digests[G_N_ELEMENTS (blobs)];

  for (guint i = 0; i < G_N_ELEMENTS (blobs); i++)
    {
      blobs[i] = conform_bytes (110, i * i * 20000);
      digests[i] = conform_put (c, blobs[i], NULL);
    }
  gboolean are_old = conform_age (c, digests, G_N_ELEMENTS (digests));
  for (guint i = 0; i < G_N_ELEMENTS (blobs); i++)
    {
      if (are_old)
        expect_renewed (c, &digests[i], use, blobs[i]);
      g_bytes_unref (blobs[i]);
    }
}

static gboolean
use_by_put (Conform *c, const CaskDigest *digest, GBytes *bytes)
{
  gboolean created = TRUE;
  (void) digest;
  conform_put (c, bytes, &created);
  return !created;
}

static gboolean
use_by_add (Conform *c, const CaskDigest *digest, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskDigest given;
  gboolean created = TRUE;
  gboolean added = c->calls->add (c->store, bytes, CASK_ALGORITHM_SHA256, 0, &given,
                                  &created, NULL, &error);
  CONFORM_NO_ERROR (error);
  return added && !created && cask_digest_equal (digest, &given);
}

static gboolean
use_by_touch (Conform *c, const CaskDigest *digest, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  (void) bytes;
  gboolean touched = c->calls->touch (c->store, digest, NULL, &error);
  CONFORM_NO_ERROR (error);
  return touched;
}

static void
test_hit_freshens (void)
{
  static const RemovalUse uses[] = { use_by_put, use_by_add };

  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      g_autoptr (Conform) c = conform_open_to_age (REMOVAL_NEEDS);
      if (c != NULL)
        expect_renewal (c, uses[i]);
    }
}

static void
test_touch_freshens (void)
{
  g_autoptr (Conform) c = conform_open_to_age (REMOVAL_NEEDS);

  if (c != NULL)
    expect_renewal (c, use_by_touch);
}

/* By the backend's own idea of what is old: collectors rely on that minute. */
static void
test_usual_lag (void)
{
  g_autoptr (Conform) c = conform_open (REMOVAL_NEEDS);
  if (c == NULL)
    return;
  if (strstr (c->config, "freshen=") != NULL)
    {
      conform_skip ("its config says itself what is old");
      return;
    }
  c->is_lagging = TRUE;
  expect_renewal (c, use_by_touch);
}

static void
test_touch_absent (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  CaskDigest digest = conform_put_number (c, 111);
  CONFORM_TRUE (c->calls->touch (c->store, &digest, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
  CONFORM_FALSE (c->calls->touch (c->store, &digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
}

/* Asks for the removal of what is older than that. Returns: what became of it */
static CaskRemoved
remove_older (Conform *c, const CaskDigest *digest, gint64 since)
{
  g_autoptr (GError) error = NULL;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;

  CONFORM_TRUE (
      c->calls->remove_unused (c->store, digest, since, &outcome, NULL, &error));
  CONFORM_NO_ERROR (error);
  return outcome;
}

static void
test_delete_unused (void)
{
  g_autoptr (Conform) c =
      conform_open (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_REMOVE_UNUSED);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (112, 2000);
  CaskDigest digest = conform_put (c, bytes, NULL);
  gint64 mtime = removal_mtime (c, &digest);
  const gint64 older[] = { G_MININT64, -1, 0, 1, mtime - 2 * G_USEC_PER_SEC, mtime };
  for (guint i = 0; i < G_N_ELEMENTS (older); i++)
    {
      CONFORM_REMOVED (remove_older (c, &digest, older[i]), CASK_REMOVED_KEPT);
      conform_expect_bytes (c, &digest, bytes);
    }
  const gint64 newer[] = { mtime + 10 * G_USEC_PER_SEC, G_MAXINT64 - 1, CASK_ALWAYS };
  for (guint i = 0; i < G_N_ELEMENTS (newer); i++)
    {
      conform_put (c, bytes, NULL);
      CONFORM_REMOVED (remove_older (c, &digest, newer[i]), CASK_REMOVED_DONE);
      conform_expect_absent (c, &digest);
      CONFORM_REMOVED (remove_older (c, &digest, newer[i]), CASK_REMOVED_ABSENT);
    }
  CONFORM_REMOVED (remove_older (c, &digest, 0), CASK_REMOVED_ABSENT);
}

/* A use after the given time keeps the blob, also where it is older. */
static void
test_use_keeps (void)
{
  g_autoptr (Conform) c =
      conform_open_to_age (REMOVAL_NEEDS | CASK_CAPABILITY_REMOVE_UNUSED);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (113, 2000);
  CaskDigest touched = conform_put (c, bytes, NULL), left = conform_put_number (c, 114),
             hit = conform_put_number (c, 115);
  const CaskDigest all[] = { touched, left, hit };
  if (!conform_age (c, all, G_N_ELEMENTS (all)))
    return;
  gint64 since = g_get_real_time ();
  conform_let_time_pass (REMOVAL_TICK);
  CONFORM_TRUE (c->calls->touch (c->store, &touched, NULL, NULL));
  conform_put_number (c, 115);
  CONFORM_REMOVED (remove_older (c, &touched, since), CASK_REMOVED_KEPT);
  CONFORM_REMOVED (remove_older (c, &hit, since), CASK_REMOVED_KEPT);
  /* A place that keeps whole seconds may count it as young. */
  CaskRemoved outcome = remove_older (c, &left, since);
  CONFORM_TRUE (
      outcome == CASK_REMOVED_DONE ||
      (outcome == CASK_REMOVED_KEPT && removal_mtime (c, &left) % G_USEC_PER_SEC == 0));
  conform_expect_bytes (c, &touched, bytes);
}

const ConformCase conform_removal_tests[] = {
  { "C20 a put hit and an add hit renew the time, reading does not", test_hit_freshens },
  { "C20 C86 FRESHENS a touch renews the time", test_touch_freshens },
  { "C20 S16 a touch renews a time that is older than a minute", test_usual_lag },
  { "S16 a touch of what is gone is NOT_FOUND", test_touch_absent },
  { "C90 delete_unused keeps the newer, removes the older, and says which",
    test_delete_unused },
  { "C90 a touch and a hit after the time asked keep a blob", test_use_keeps },
  CONFORM_CASES_END
};
