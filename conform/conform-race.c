/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-race.c: collectors against users: what is acknowledged is not lost.
 *
 * A batch of blobs is made old. Then a user and a collector go through it together, blob
 * by blob: one uses it, the other removes it if it is unused since a time that lies after
 * the putting and before the using. However the two interleave, the answers must fit each
 * other and what is there afterwards. */
#include "conform-case.h"

#include <cask/cask-batch.h>
#include <stdlib.h>

#define RACE_BLOBS 100
#define RACE_TICK 30000
#define RACE_USEC ((gint64) G_USEC_PER_SEC * 3 / 2)

#define RACE_NEEDS                                                                       \
  (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS | CASK_CAPABILITY_REMOVE_UNUSED)

typedef enum
{
  RACE_TOUCH,
  RACE_PUT,
  RACE_CONTAINS /* with FRESHEN */
} RaceUse;

typedef struct
{
  Conform *c;
  Child *child; /* (nullable) the collector, where it is another process */
  RaceUse use;
  gint64 since;
  GBytes *bytes[RACE_BLOBS];
  CaskDigest digests[RACE_BLOBS];
  gboolean was_kept[RACE_BLOBS];    /* the user: acknowledged */
  gboolean was_created[RACE_BLOBS]; /* the user: by a put that stored it anew */
  int outcomes[RACE_BLOBS];         /* the collector: a CaskRemoved */
  gint steps[2];                    /* atomic: how far each is */
  guint n_removed, n_kept;
} Race;

/* Both begin with a blob at the same time, the one or the other a little later. */
static void
race_step (Race *race, guint side, guint i)
{
  g_atomic_int_set (&race->steps[side], (gint) i + 1);
  while (g_atomic_int_get (&race->steps[1 - side]) < (gint) i + 1)
    g_thread_yield ();
  for (volatile guint spin = (i * 7919 % 13) * (side == i / 13 % 2 ? 300 : 0); spin > 0;
       spin--)
    ;
}

static void
race_look (Race *race, guint i)
{
  g_autoptr (GError) error = NULL;
  const CaskDigest *digest = &race->digests[i];
  g_autoptr (CaskResults) results = cask_store_contains_many (
      race->c->store, &digest, 1, CASK_CONTAINS_FRESHEN, NULL, &error);

  if (!CONFORM_OK (results != NULL, error))
    return;
  CONFORM_OK (cask_results_get_error (results, 0) == NULL,
              cask_results_get_error (results, 0));
  race->was_kept[i] = cask_results_get_present (results, 0);
}

static void
race_use (Race *race, guint i)
{
  g_autoptr (GError) error = NULL;
  CaskStore *store = race->c->store;

  if (race->use == RACE_CONTAINS)
    race_look (race, i);
  else if (race->use == RACE_PUT)
    race->was_kept[i] = CONFORM_OK (
        race->c->calls->put (store, &race->digests[i], race->bytes[i], CASK_PUT_NONE,
                             &race->was_created[i], NULL, &error),
        error);
  else
    race->was_kept[i] =
        race->c->calls->touch (store, &race->digests[i], NULL, &error) ||
        !CONFORM_OK (g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND), error);
}

static void
race_collect (Race *race, guint i)
{
  g_autoptr (GError) error = NULL;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  char text[CASK_DIGEST_TEXT_SIZE];

  if (race->child != NULL)
    {
      conform_child_send (race->child, "unused %s %" G_GINT64_FORMAT,
                          cask_digest_write (&race->digests[i], text), race->since);
      return;
    }
  CONFORM_OK (race->c->calls->remove_unused (race->c->store, &race->digests[i],
                                             race->since, &outcome, NULL, &error),
              error);
  race->outcomes[i] = (int) outcome;
}

static void
race_thread (gpointer data, guint index)
{
  Race *race = data;

  for (guint i = 0; i < RACE_BLOBS; i++)
    {
      race_step (race, index, i);
      if (index == 0)
        race_use (race, i);
      else
        race_collect (race, i);
    }
}

/* Whether the answers fit. */
static void
race_judge (Race *race, guint i)
{
  gboolean present = FALSE, removed = race->outcomes[i] == CASK_REMOVED_DONE;

  CONFORM_TRUE (
      cask_store_contains (race->c->store, &race->digests[i], &present, NULL, NULL));
  CONFORM_EQUAL (present, race->was_kept[i]);
  CONFORM_TRUE (removed || race->outcomes[i] == CASK_REMOVED_KEPT);
  /* It is there after its removal only if it was stored anew. */
  gboolean was_missed = race->use == RACE_PUT ? race->was_created[i] : !race->was_kept[i];
  CONFORM_EQUAL (removed, was_missed);
  race->n_removed += removed;
  race->n_kept += !removed;
}

/* In the child the outcomes come as lines, one for each question. */
static void
race_gather (Race *race)
{
  for (guint i = 0; i < RACE_BLOBS && race->child != NULL; i++)
    {
      g_autofree char *answer = conform_child_receive (race->child);
      race->outcomes[i] =
          *answer != '\0' && answer[1] == '\0' ? atoi (answer) : CASK_REMOVED_MAYBE;
    }
}

/* Returns: FALSE, skipped, where they do not grow old */
static gboolean
race_batch (Race *race)
{
  for (guint i = 0; i < RACE_BLOBS; i++)
    race->digests[i] = conform_put (race->c, race->bytes[i], NULL);
  if (!conform_age (race->c, race->digests, RACE_BLOBS))
    return FALSE;
  conform_let_time_pass (RACE_TICK);
  race->since = g_get_real_time () - RACE_TICK;
  race->steps[0] = race->steps[1] = 0;
  conform_run_threads (2, race_thread, race);
  race_gather (race);
  for (guint i = 0; i < RACE_BLOBS; i++)
    race_judge (race, i);
  return TRUE;
}

static void
race_run (RaceUse use, gboolean by_child)
{
  guint needs = RACE_NEEDS | (by_child ? CASK_CAPABILITY_SHARED : 0);
  g_autoptr (Conform) c = conform_open_to_age (needs);
  g_autoptr (Child) child = c != NULL && by_child ? conform_child_new (c) : NULL;
  if (c == NULL || (by_child && child == NULL))
    return;
  g_autofree Race *race = g_new0 (Race, 1);
  race->c = c;
  race->child = child;
  race->use = use;
  for (guint i = 0; i < RACE_BLOBS; i++)
    race->bytes[i] = conform_bytes (12000 + i, i % 10 == 0 ? 50000 : 100);
  gint64 end = g_get_monotonic_time () + RACE_USEC;
  gboolean is_race = TRUE;
  while (is_race && g_get_monotonic_time () < end)
    is_race = race_batch (race);
  CONFORM_TRUE (!is_race || race->n_removed + race->n_kept >= RACE_BLOBS);
  for (guint i = 0; i < RACE_BLOBS; i++)
    g_bytes_unref (race->bytes[i]);
}

static void
test_touch_race (void)
{
  race_run (RACE_TOUCH, FALSE);
}

static void
test_hit_race (void)
{
  race_run (RACE_PUT, FALSE);
}

static void
test_touch_race_in_child (void)
{
  race_run (RACE_TOUCH, TRUE);
}

static void
test_hit_race_in_child (void)
{
  race_run (RACE_PUT, TRUE);
}

static void
test_look_race (void)
{
  race_run (RACE_CONTAINS, FALSE);
}

static void
test_look_race_in_child (void)
{
  race_run (RACE_CONTAINS, TRUE);
}

/* ---- A collector beside writers ---- */

#define COLLECT_WRITERS 8
#define COLLECT_POOL 4000
/* Of these hardly one comes twice, so that there is something to collect however fast the
 * store is. */
#define COLLECT_SELDOM 1000000
#define COLLECT_GRACE 80000
#define COLLECT_MEMORY 16

typedef struct
{
  Conform *c;
  gint64 end;
  gint n_removed;      /* atomic */
  gint n_acknowledged; /* atomic */
} Collection;

typedef struct
{
  guint number;
  gint64 start;
} Acknowledged;

/* What was acknowledged within the grace must be there, whole. */
static void
collect_recheck (Collection *collection, const Acknowledged *one)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (20000 + one->number, 300);
  CaskDigest digest = conform_digest (bytes);
  g_autoptr (GBytes) got =
      collection->c->calls->get (collection->c->store, &digest, NULL, &error);

  if (g_get_real_time () < one->start - RACE_TICK + COLLECT_GRACE)
    CONFORM_OK (got != NULL && g_bytes_equal (got, bytes), error);
  else
    CONFORM_OK (got != NULL || g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND),
                error);
}

static void
collect_write (Collection *collection, guint index)
{
  Acknowledged last[COLLECT_MEMORY] = { 0 };
  g_autofree char *name = g_strdup_printf ("C91 writer %u", index);
  g_autoptr (GRand) rand = conform_rand_new (name);

  for (guint n = 0; g_get_monotonic_time () < collection->end; n++)
    {
      g_autoptr (GError) error = NULL;
      guint pool = n % 4 == 1 ? COLLECT_SELDOM : COLLECT_POOL;
      Acknowledged one = { .number = g_rand_int (rand) % pool };
      g_autoptr (GBytes) bytes = conform_bytes (20000 + one.number, 300);
      CaskDigest digest = conform_digest (bytes);
      one.start = g_get_real_time ();
      gboolean done =
          n % 3 == 0
              ? cask_store_touch (collection->c->store, &digest, NULL, NULL)
              : CONFORM_OK (collection->c->calls->put (collection->c->store, &digest,
                                                       bytes, 0, NULL, NULL, &error),
                            error);
      if (!done)
        continue;
      g_atomic_int_inc (&collection->n_acknowledged);
      last[n % COLLECT_MEMORY] = one;
      collect_recheck (collection, &one);
      const Acknowledged *earlier = &last[g_rand_int (rand) % COLLECT_MEMORY];
      if (earlier->start != 0)
        collect_recheck (collection, earlier);
    }
}

static void
collect_remove (Collection *collection)
{
  while (g_get_monotonic_time () < collection->end)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskListPage) page = collection->c->calls->list (
          collection->c->store, NULL, CASK_LIST_MAXIMUM, NULL, &error);
      CONFORM_OK (page != NULL, error);
      for (guint i = 0; page != NULL && i < cask_list_page_get_length (page); i++)
        {
          CaskRemoved outcome = CASK_REMOVED_MAYBE;
          CONFORM_OK (collection->c->calls->remove_unused (
                          collection->c->store,
                          &cask_list_page_get_item (page, i)->digest,
                          g_get_real_time () - COLLECT_GRACE, &outcome, NULL, &error),
                      error);
          if (outcome == CASK_REMOVED_DONE)
            g_atomic_int_inc (&collection->n_removed);
        }
    }
}

static void
collect_thread (gpointer data, guint index)
{
  if (index == COLLECT_WRITERS)
    collect_remove (data);
  else
    collect_write (data, index);
}

static void
test_collector (void)
{
  g_autoptr (Conform) c = conform_open_with (RACE_NEEDS, "freshen=0s");
  if (c == NULL)
    return;
  Collection collection = { .c = c };
  collection.end =
      g_get_monotonic_time () + (conform_is_long () ? 30 : 3) * (gint64) G_USEC_PER_SEC;
  conform_run_threads (COLLECT_WRITERS + 1, collect_thread, &collection);
  CONFORM_TRUE (collection.n_removed > 0);
  CONFORM_TRUE (collection.n_acknowledged > 0);
}

const ConformCase conform_race_tests[] = {
  { "C89 a touch that was acknowledged keeps the blob from a collector",
    test_touch_race },
  { "C89 a put hit that was acknowledged keeps the blob from a collector",
    test_hit_race },
  { "C89 C86 REMOVE_UNUSED a touch against a collector in another process",
    test_touch_race_in_child },
  { "C89 C86 REMOVE_UNUSED a put hit against a collector in another process",
    test_hit_race_in_child },
  { "C89 a blob that was found and freshened is kept from a collector", test_look_race },
  { "C89 C86 REMOVE_UNUSED a found blob against a collector in another process",
    test_look_race_in_child },
  { "C91 a collector with grace beside 8 writers loses nothing acknowledged",
    test_collector },
  CONFORM_CASES_END
};
