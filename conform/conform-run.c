/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-run.c: runs the chosen cases, one after the other, and tells of each.
 *
 * Invariants: a store that holds anything before the run is refused, unopened by any
 * case: the cases delete what they find.
 *
 * Locks: run_lock is held for a whole run, for the cases share one place and one record.
 * Nothing else is taken before it. */
#include "conform-case.h"
#include "conform-private.h"

static GMutex run_lock;

/* ---- Before the first case ---- */

static gboolean
run_refuse (const CaskConform *conform, const char *why, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
               "%s: %s: put %%d where its directory belongs, for every case needs an "
               "empty store",
               conform->config, why);
  return FALSE;
}

/* Cases delete what they find: a store that has blobs, or keeps them for who opens it
 * next, is somebody's. A directory of our own in the config proves nothing, for it may be
 * only a part of the store. */
static gboolean
run_check_fresh (const CaskConform *conform, CaskStore *store, GError **error)
{
  g_autoptr (CaskListPage) page = cask_store_list (store, NULL, 1, NULL, NULL);
  gboolean present = FALSE;
  const char *directory;
  CaskDigest digest;

  if (page != NULL && cask_list_page_get_length (page) > 0)
    return run_refuse (conform, "it has blobs", error);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("fresh?", 6);
  if (!cask_store_add (store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE, &digest, NULL,
                       NULL, NULL))
    return TRUE;
  g_autofree char *config = conform_make_config (&directory);
  g_autoptr (CaskStore) again = cask_store_open (config, NULL, NULL);
  if (again != NULL)
    cask_store_contains (again, &digest, &present, NULL, NULL);
  cask_store_delete (store, &digest, NULL, NULL, NULL);
  return !present ||
         run_refuse (conform, "it is the same store whenever it is opened", error);
}

/* Whether the config can be opened at all, with the store's own words. */
static gboolean
run_try_config (const CaskConform *conform, GError **error)
{
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);
  g_autoptr (CaskStore) store = cask_store_open (config, NULL, error);

  if (store == NULL || !run_check_fresh (conform, store, error))
    return FALSE;
  cask_store_close (store, NULL, NULL);
  conform_place_end_case ();
  return TRUE;
}

/* ---- The cases ---- */

static void
run_tell (const CaskConform *conform, const CaskConformResult *result)
{
  if (conform->func != NULL)
    conform->func (result, conform->user_data);
}

static void
run_count (CaskConformCounts *counts, CaskConformOutcome outcome)
{
  counts->n_passed += outcome == CASK_CONFORM_PASSED;
  counts->n_failed += outcome == CASK_CONFORM_FAILED;
  counts->n_skipped += outcome == CASK_CONFORM_SKIPPED;
}

static CaskConformOutcome
run_judge (const ConformRecord *record)
{
  if (record->n_failed > 0)
    return CASK_CONFORM_FAILED;
  return record->skipped != NULL ? CASK_CONFORM_SKIPPED : CASK_CONFORM_PASSED;
}

static void
run_case (const CaskConform *conform, const ConformChoice *choice,
          CaskConformResult *result)
{
  g_autofree char *repeat = conform_print_repeat (conform, choice);
  const ConformPromise *promise = conform_find_promise (choice->suite, choice->item);

  result->name = choice->name;
  result->sentence = choice->item->sentence;
  result->promise = promise->name;
  result->promise_words = promise->words;
  result->repeat = repeat;
  result->outcome = CASK_CONFORM_BEGUN;
  conform_record_begin ();
  run_tell (conform, result);

  gint64 begin = g_get_monotonic_time ();
  conform_use_calls (choice->way == CASK_CONFORM_ASYNC ? &conform_async_calls
                                                       : &conform_sync_calls);
  choice->item->run ();
  CONFORM_EQUAL (conform_wrong_callbacks (), 0);
  conform_place_end_case ();
  result->usec = g_get_monotonic_time () - begin;

  g_auto (ConformRecord) record = conform_record_get ();
  result->outcome = run_judge (&record);
  result->details = record.details;
  result->reason = record.skipped;
  run_tell (conform, result);
}

static void
run_cases (const CaskConform *conform, GArray *choices, CaskConformCounts *counts)
{
  gint64 begin = g_get_monotonic_time ();

  for (guint i = 0; i < choices->len; i++)
    {
      CaskConformResult result = { .index = i, .n_cases = choices->len };
      run_case (conform, &g_array_index (choices, ConformChoice, i), &result);
      run_count (counts, result.outcome);
    }
  counts->usec = g_get_monotonic_time () - begin;
}

static gboolean
run_locked (const CaskConform *conform, GArray *choices, CaskConformCounts *counts,
            GError **error)
{
  g_autofree char *installed = conform_find_helper ();
  const ConformSettings settings = { .template = conform->config,
                                     .helper = conform->helper != NULL ? conform->helper
                                                                       : installed,
                                     .length = conform->length,
                                     .seed = conform->seed };

  if (!conform_place_begin (&settings, error))
    return FALSE;
  conform_record_begin ();
  gboolean opened = run_try_config (conform, error);
  if (opened)
    run_cases (conform, choices, counts);
  conform_place_end ();
  return opened;
}

/**
 * cask_conform_run:
 * @conform: a run
 * @counts: (out caller-allocates) (optional): what came of it
 * @error: a return location
 *
 * Runs the cases, one after the other, in this thread; several runs in one process wait
 * for each other. A case that the store's capabilities rule out is skipped. A backend
 * that crashes takes this process along, and one that does not answer holds it up:
 * cask_conform_main() knows what to do about both.
 *
 * Directories are made in the one for temporary files (`TMPDIR`), and removed.
 *
 * Returns: %FALSE where no case was run: the store could not be opened (its own error),
 * no case was chosen (%G_IO_ERROR_INVALID_ARGUMENT), or the store has or keeps blobs and
 *   the config has no `%d` (%CASK_ERROR_INVALID_CONFIG)
 *
 * Since: 1.0
 */
gboolean
cask_conform_run (CaskConform *conform, CaskConformCounts *counts, GError **error)
{
  CaskConformCounts local;
  guint n_left_out;

  g_return_val_if_fail (conform != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (counts == NULL)
    counts = &local;
  memset (counts, 0, sizeof *counts);
  g_autoptr (GArray) choices = conform_choose (conform, &n_left_out);
  counts->n_left_out = n_left_out;
  if (choices->len == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no case %s",
                   n_left_out > 0 ? "that is asked for is a quick one"
                                  : "has that number or text");
      return FALSE;
    }
  g_mutex_lock (&run_lock);
  gboolean was_run = run_locked (conform, choices, counts, error);
  g_mutex_unlock (&run_lock);
  return was_run;
}
