/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-check.c: opens what a power cut left with the real library, twice, and holds
 * it to what was promised. The first rule that is broken is the result. */
#include "powercut.h"

#include <stdio.h>

const char *const power_rules[POWER_N_RULES] = {
  [POWER_FINE] = "fine",
  [POWER_D1] = "D1: an acknowledged blob is not readable and identical",
  [POWER_D2] = "D2: bad bytes under a visible name",
  [POWER_D3] = "D3: get answers with wrong bytes",
  [POWER_D4] = "D4: an acknowledged delete is undone",
  [POWER_D5] = "D5: list is not contains",
  [POWER_D6] = "D6: put again does not heal",
  [POWER_D7] = "D7: a second recovery finds something else",
  [POWER_SAVED] = "a saved upload does not resume where it was saved",
  [POWER_USED] = "a renewed time is lost",
  [POWER_BROKEN] = "an error that has no place here"
};

typedef struct
{
  const PowerLog *log;
  const PowerWants *wants;
  const char *root;
  CaskStore *store;
  CaskDigest extra; /* what is put to set off the sweep */
  gboolean is_there[POWER_BLOBS];
  char **reason;
} PowerCheck;

static PowerRule
power_fail (PowerCheck *check, PowerRule rule, guint32 subject, GError *error)
{
  *check->reason =
      g_strdup_printf ("%u: %s", subject, error != NULL ? error->message : "no error");
  g_clear_error (&error);
  return rule;
}

static PowerRule
power_check_open (PowerCheck *check)
{
  GError *error = NULL;
  g_autofree char *config = power_log_config (check->log, check->root);
  check->store = cask_store_open (config, NULL, &error);
  return check->store != NULL ? POWER_FINE : power_fail (check, POWER_BROKEN, 0, error);
}

static PowerRule
power_check_close (PowerCheck *check)
{
  GError *error = NULL;
  gboolean done = cask_store_close (check->store, NULL, &error);
  g_clear_object (&check->store);
  return done ? POWER_FINE : power_fail (check, POWER_BROKEN, 0, error);
}

static gboolean
power_is_right (const PowerLog *log, guint32 blob, GBytes *bytes)
{
  g_autoptr (GBytes) expected = power_blob_bytes (log, blob);
  return g_bytes_equal (bytes, expected);
}

/* What get says of a blob, against what was promised. */
static PowerRule
power_check_get (PowerCheck *check, guint32 blob)
{
  const PowerLog *log = check->log;
  const PowerWant *want = &check->wants->blobs[blob];
  GError *error = NULL;
  g_autoptr (GBytes) bytes =
      cask_store_get (check->store, &log->blobs[blob].digest, NULL, &error);
  if (bytes != NULL)
    return power_is_right (log, blob, bytes) ? POWER_FINE
                                             : power_fail (check, POWER_D3, blob, NULL);
  gboolean is_absent = g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND);
  if (!is_absent && !g_error_matches (error, CASK_ERROR, CASK_ERROR_CORRUPT))
    return power_fail (check, POWER_BROKEN, blob, error);
  if (want->must_be && (is_absent || want->must_be_right))
    return power_fail (check, POWER_D1, blob, error);
  if (is_absent == check->is_there[blob])
    return power_fail (check, POWER_D5, blob, error);
  if (!is_absent && log->durability != POWER_NONE && !log->blobs[blob].is_damaged)
    return power_fail (check, POWER_D2, blob, error);
  g_clear_error (&error);
  return POWER_FINE;
}

/* A copy that replaces another below `full` has its bytes synced, but not the exact time:
 * it may be left with that of its creation, which the kernel takes from a clock that lags
 * by a tick. */
#define POWER_TICK_USEC 20000

static PowerRule
power_check_blob (PowerCheck *check, guint32 blob)
{
  const CaskDigest *digest = &check->log->blobs[blob].digest;
  const PowerWant *want = &check->wants->blobs[blob];
  GError *error = NULL;
  CaskBlobInfo info = { .size = 0 };
  if (!cask_store_contains (check->store, digest, &check->is_there[blob], NULL, &error))
    return power_fail (check, POWER_BROKEN, blob, error);
  if (want->must_not_be && check->is_there[blob])
    return power_fail (check, POWER_D4, blob, NULL);
  PowerRule rule = power_check_get (check, blob);
  if (rule != POWER_FINE || !want->must_be || want->used_usec == 0)
    return rule;
  if (!cask_store_stat (check->store, digest, &info, NULL, &error))
    return power_fail (check, POWER_BROKEN, blob, error);
  gint64 slack = check->log->durability < POWER_FULL ? POWER_TICK_USEC : 0;
  return info.mtime_usec + slack >= want->used_usec
             ? POWER_FINE
             : power_fail (check, POWER_USED, blob, NULL);
}

/* What is listed, is what is there, and nothing else is. */
static PowerRule
power_check_list (PowerCheck *check, gboolean with_extra, PowerRule rule)
{
  GError *error = NULL;
  g_autoptr (CaskListPage) page = cask_store_list (check->store, NULL, 0, NULL, &error);
  if (page == NULL)
    return power_fail (check, POWER_BROKEN, 0, error);
  guint n_listed = cask_list_page_get_length (page);
  guint n_there = with_extra ? 1 : 0;
  guint n_found = 0;
  for (guint32 blob = 0; blob < check->log->n_blobs; blob++)
    n_there += check->is_there[blob] ? 1 : 0;
  for (guint i = 0; i < n_listed; i++)
    {
      const CaskDigest *digest = &cask_list_page_get_item (page, i)->digest;
      if (with_extra && cask_digest_equal (digest, &check->extra))
        n_found++;
      for (guint32 blob = 0; blob < check->log->n_blobs; blob++)
        if (check->is_there[blob] &&
            cask_digest_equal (digest, &check->log->blobs[blob].digest))
          n_found++;
    }
  if (n_found == n_there && n_listed == n_there)
    return POWER_FINE;
  return power_fail (check, rule, n_listed, NULL);
}

/* ---- Uploads ---- */

static PowerRule
power_check_resumed (PowerCheck *check, guint32 number, CaskUpload *upload)
{
  const PowerWantUpload *want = &check->wants->uploads[number];
  guint32 blob = check->log->uploads[number].blob;
  const PowerBlob *known = &check->log->blobs[blob];
  guint64 offset = cask_upload_get_offset (upload);
  GError *error = NULL;
  if (want->is_required && !want->is_open && offset < want->least)
    return power_fail (check, POWER_SAVED, number, NULL);
  if (offset > known->size)
    return power_fail (check, POWER_SAVED, number, NULL);
  gboolean done = g_output_stream_write_all (G_OUTPUT_STREAM (upload),
                                             check->log->heap + known->heap + offset,
                                             known->size - offset, NULL, NULL, &error) &&
                  cask_upload_commit (upload, &known->digest, NULL, NULL, NULL, &error);
  /* What was never synced may be other bytes, which is found out and said. */
  gboolean may_be_wrong = check->log->durability == POWER_NONE &&
                          g_error_matches (error, CASK_ERROR, CASK_ERROR_DIGEST_MISMATCH);
  if (!done && !may_be_wrong)
    return power_fail (check, POWER_SAVED, number, error);
  g_clear_error (&error);
  check->is_there[blob] |= done;
  g_autoptr (GBytes) bytes = NULL;
  if (done)
    bytes = cask_store_get (check->store, &known->digest, NULL, NULL);
  if (bytes != NULL && !power_is_right (check->log, blob, bytes))
    return power_fail (check, POWER_D3, blob, NULL);
  /* A commit may have met a copy that is unreadable, and has not looked into it. */
  gboolean may_be_bad = check->log->durability == POWER_NONE || known->is_damaged;
  if (done && bytes == NULL && !may_be_bad)
    return power_fail (check, POWER_SAVED, number, NULL);
  return POWER_FINE;
}

static PowerRule
power_check_upload (PowerCheck *check, guint32 number)
{
  const PowerWantUpload *want = &check->wants->uploads[number];
  GError *error = NULL;
  if (want->most == 0)
    return POWER_FINE; /* not begun yet */
  g_autoptr (CaskUpload) upload = cask_store_resume_upload (
      check->store, check->log->uploads[number].id, NULL, &error);
  if (upload != NULL)
    return power_check_resumed (check, number, upload);
  gboolean is_allowed = !want->is_required || want->is_open;
  gboolean is_fit = g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND) ||
                    g_error_matches (error, CASK_ERROR, CASK_ERROR_CORRUPT);
  if (!is_allowed || !is_fit)
    return power_fail (check, POWER_SAVED, number, error);
  g_clear_error (&error);
  return POWER_FINE;
}

/* ---- Both recoveries ---- */

/* Puts something that nobody else has: the first put of a store sweeps. */
static PowerRule
power_check_put_extra (PowerCheck *check)
{
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("something else", 14);
  if (cask_store_add (check->store, bytes, CASK_ALGORITHM_SHA256, CASK_PUT_NONE,
                      &check->extra, NULL, NULL, &error))
    return POWER_FINE;
  return power_fail (check, POWER_D6, 0, error);
}

static PowerRule
power_check_first (PowerCheck *check)
{
  PowerRule rule = power_check_open (check);
  for (guint32 blob = 0; rule == POWER_FINE && blob < check->log->n_blobs; blob++)
    rule = power_check_blob (check, blob);
  if (rule == POWER_FINE)
    rule = power_check_list (check, FALSE, POWER_D5);
  if (rule == POWER_FINE)
    rule = power_check_put_extra (check);
  if (rule == POWER_FINE)
    rule = power_check_close (check);
  return rule;
}

static PowerRule
power_check_heal (PowerCheck *check, guint32 blob)
{
  const CaskDigest *digest = &check->log->blobs[blob].digest;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = power_blob_bytes (check->log, blob);
  g_autoptr (GBytes) before = cask_store_get (check->store, digest, NULL, NULL);
  if (before != NULL)
    return POWER_FINE; /* what it holds, the first recovery has seen */
  if (!cask_store_put (check->store, digest, bytes, CASK_PUT_NONE, NULL, NULL, &error))
    return power_fail (check, POWER_D6, blob, error);
  g_autoptr (GBytes) after = cask_store_get (check->store, digest, NULL, &error);
  if (after == NULL || !power_is_right (check->log, blob, after))
    return power_fail (check, POWER_D6, blob, error);
  return POWER_FINE;
}

static PowerRule
power_check_temps (PowerCheck *check)
{
  g_autofree char *temps = g_build_filename (check->root, ".tmp", NULL);
  guint n_temps = power_tree_count (temps);
  return n_temps == 0 ? POWER_FINE : power_fail (check, POWER_D7, n_temps, NULL);
}

static PowerRule
power_check_second (PowerCheck *check)
{
  PowerRule rule = power_check_temps (check);
  if (rule == POWER_FINE)
    rule = power_check_open (check);
  if (rule == POWER_FINE)
    rule = power_check_list (check, TRUE, POWER_D7);
  for (guint32 i = 1; rule == POWER_FINE && i < check->log->n_uploads; i++)
    rule = power_check_upload (check, i);
  for (guint32 blob = 0; rule == POWER_FINE && blob < check->log->n_blobs; blob++)
    rule = power_check_heal (check, blob);
  if (rule == POWER_FINE)
    rule = power_check_close (check);
  return rule == POWER_FINE ? power_check_temps (check) : rule;
}

/* power_check: holds the store at root to it. reason: (out): why the rule is broken. */
PowerRule
power_check (const PowerLog *log, const PowerWants *wants, const char *root,
             char **reason)
{
  PowerCheck check = { .log = log, .wants = wants, .root = root, .reason = reason };
  *reason = NULL;
  PowerRule rule = power_check_first (&check);
  if (rule == POWER_FINE)
    rule = power_check_second (&check);
  if (check.store != NULL)
    {
      cask_store_close (check.store, NULL, NULL);
      g_clear_object (&check.store);
    }
  return rule;
}
