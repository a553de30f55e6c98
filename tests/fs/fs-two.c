/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-two.c: the operations of test-fs-two.c, each with what it may be answered. */
#include "fs-two.h"

/* ---- The ledger ---- */

static void
two_fail (Actor *actor, const char *what, const GError *error)
{
  Ledger *ledger = actor->process->ledger;

  if (g_atomic_int_add (&ledger->n_failed, 1) == 0)
    g_snprintf (ledger->first_failure, sizeof ledger->first_failure,
                "%s of blob %u: %s: %s", actor->operation, actor->number, what,
                error != NULL ? error->message : "no error");
}

static gboolean
two_is_safe (const Actor *actor)
{
  return actor->number % 2 == 0;
}

/* Asked before the look at the store. */
static gboolean
two_is_due (const Actor *actor)
{
  return g_atomic_int_get (&actor->process->ledger->is_kept[actor->number]) != 0;
}

static void
two_stored (Actor *actor, gboolean success, gboolean created, const GError *error)
{
  Ledger *ledger = actor->process->ledger;

  if (!success)
    {
      two_fail (actor, "not stored", error);
      return;
    }
  if (created)
    g_atomic_int_inc (&ledger->balance[actor->number]);
  if (two_is_safe (actor))
    g_atomic_int_set (&ledger->is_kept[actor->number], 1);
}

/* Whether an answer that it is not there may be. */
static void
two_absent (Actor *actor, gboolean was_due, const GError *error)
{
  if (!g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    two_fail (actor, "failed", error);
  else if (was_due)
    two_fail (actor, "an acknowledged blob is lost", error);
}

static void
two_compare (Actor *actor, GBytes *bytes)
{
  if (!g_bytes_equal (bytes, actor->process->bytes[actor->number]))
    two_fail (actor, "other bytes", NULL);
}

/* ---- Operations ---- */

static void
two_put (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  CaskPutFlags flags = g_rand_int_range (actor->rand, 0, 8) == 0
                           ? CASK_PUT_VERIFY_EXISTING
                           : CASK_PUT_NONE;

  gboolean success =
      cask_store_put (process->store, &process->digests[actor->number],
                      process->bytes[actor->number], flags, &created, NULL, &error);
  two_stored (actor, success, created, error);
}

static void
two_put_many (Actor *actor)
{
  enum
  {
    TWO_BATCH = 3
  };
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  const CaskDigest *digests[TWO_BATCH];
  GBytes *bytes[TWO_BATCH];
  guint first = actor->number;

  for (guint i = 0; i < TWO_BATCH; i++)
    {
      digests[i] = &process->digests[(first + i) % TWO_BLOBS];
      bytes[i] = process->bytes[(first + i) % TWO_BLOBS];
    }
  g_autoptr (CaskResults) results = cask_store_put_many (
      process->store, digests, bytes, TWO_BATCH, CASK_PUT_NONE, NULL, &error);
  if (results == NULL)
    two_fail (actor, "no results", error);
  for (guint i = 0; results != NULL && i < TWO_BATCH; i++)
    {
      const GError *failure = cask_results_get_error (results, i);
      actor->number = (first + i) % TWO_BLOBS;
      two_stored (actor, failure == NULL, cask_results_get_created (results, i), failure);
    }
}

static gboolean
two_write_all (Actor *actor, CaskUpload *upload, GError **error)
{
  gsize size, at = 0;
  const guint8 *data = g_bytes_get_data (actor->process->bytes[actor->number], &size);

  while (at < size)
    {
      gsize piece = (gsize) g_rand_int_range (actor->rand, 1, 100000);
      piece = MIN (piece, size - at);
      if (!g_output_stream_write_all (G_OUTPUT_STREAM (upload), data + at, piece, NULL,
                                      NULL, error))
        return FALSE;
      at += piece;
    }
  return TRUE;
}

/* One in four is saved on the way, one in four is given up. */
static void
two_upload (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  gint fate = g_rand_int_range (actor->rand, 0, 4);
  g_autoptr (CaskUpload) upload =
      cask_store_begin_upload (process->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                               CASK_PUT_NONE, NULL, &error);

  g_atomic_int_inc (&process->ledger->n_uploads);
  gboolean success = upload != NULL && two_write_all (actor, upload, &error);
  if (success && fate == 0)
    success = cask_upload_save (upload, NULL, &error) != NULL;
  if (!success || fate == 1)
    {
      if (!success)
        two_fail (actor, "not written", error);
      if (upload != NULL)
        cask_upload_abort (upload, NULL, NULL);
      return;
    }
  success = cask_upload_commit (upload, &process->digests[actor->number], NULL, &created,
                                NULL, &error);
  two_stored (actor, success, created, error);
}

static void
two_get (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  gboolean was_due = two_is_due (actor);
  g_autoptr (GBytes) bytes =
      cask_store_get (process->store, &process->digests[actor->number], NULL, &error);

  if (bytes != NULL)
    two_compare (actor, bytes);
  else
    two_absent (actor, was_due, error);
}

/* A stream that was opened is read to its end, whatever is deleted meanwhile. */
static void
two_stream (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  gboolean was_due = two_is_due (actor);
  g_autofree char *buffer = g_malloc (TWO_LARGEST + 1);
  gsize n_read = 0;
  g_autoptr (CaskInputStream) stream = cask_store_open_blob (
      process->store, &process->digests[actor->number], NULL, &error);

  if (stream == NULL)
    {
      two_absent (actor, was_due, error);
      return;
    }
  if (!g_input_stream_read_all (G_INPUT_STREAM (stream), buffer, TWO_LARGEST + 1, &n_read,
                                NULL, &error))
    {
      two_fail (actor, "not read", error);
      return;
    }
  g_autoptr (GBytes) bytes = g_bytes_new_static (buffer, n_read);
  two_compare (actor, bytes);
}

static void
two_touch (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  gboolean was_due = two_is_due (actor);

  if (!cask_store_touch (process->store, &process->digests[actor->number], NULL, &error))
    two_absent (actor, was_due, error);
}

static void
two_removed (Actor *actor)
{
  g_atomic_int_inc (&actor->process->ledger->n_removed);
  g_atomic_int_add (&actor->process->ledger->balance[actor->number], -1);
  if (two_is_safe (actor))
    two_fail (actor, "removed, though used since", NULL);
}

static void
two_delete (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;

  if (two_is_safe (actor))
    return;
  if (!cask_store_delete (process->store, &process->digests[actor->number], &existed,
                          NULL, &error))
    two_fail (actor, "failed", error);
  else if (existed)
    two_removed (actor);
}

/* Of those that are never deleted only what has not been used for an hour. */
static void
two_delete_unused (Actor *actor)
{
  Process *process = actor->process;
  g_autoptr (GError) error = NULL;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  gint64 age = two_is_safe (actor) ? 3600 * (gint64) G_USEC_PER_SEC
                                   : g_rand_int_range (actor->rand, 0, 20000);

  if (!cask_store_delete_unused (process->store, &process->digests[actor->number],
                                 g_get_real_time () - age, &outcome, NULL, &error))
    two_fail (actor, "failed", error);
  else if (outcome == CASK_REMOVED_DONE)
    two_removed (actor);
}

static gint
two_find (const Process *process, const CaskDigest *digest)
{
  for (gint i = 0; i < TWO_BLOBS; i++)
    if (cask_digest_equal (&process->digests[i], digest))
      return i;
  return -1;
}

/* Page by page, of random sizes. */
static void
two_list (Actor *actor)
{
  Process *process = actor->process;
  gboolean was_due[TWO_BLOBS], is_listed[TWO_BLOBS] = { FALSE }, more = TRUE;
  CaskDigest last = { 0 };

  for (actor->number = 0; actor->number < TWO_BLOBS; actor->number++)
    was_due[actor->number] = two_is_due (actor);
  actor->number = 0;
  g_atomic_int_inc (&process->ledger->n_lists);
  for (gboolean is_first = TRUE; more; is_first = FALSE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskListPage) page = cask_store_list (
          process->store, is_first ? NULL : &last,
          (guint) g_rand_int_range (actor->rand, 1, TWO_BLOBS), NULL, &error);
      if (page == NULL)
        {
          two_fail (actor, "failed", error);
          return;
        }
      more = cask_list_page_get_more (page);
      for (guint i = 0; i < cask_list_page_get_length (page); i++)
        {
          const CaskDigest *digest = &cask_list_page_get_item (page, i)->digest;
          gint found = two_find (process, digest);
          if (found < 0 || cask_digest_compare (&last, digest) >= 0)
            two_fail (actor, "out of order, or nobody's", NULL);
          else
            is_listed[found] = TRUE;
          last = *digest;
        }
    }
  for (actor->number = 0; actor->number < TWO_BLOBS; actor->number++)
    if (was_due[actor->number] && !is_listed[actor->number])
      two_fail (actor, "an acknowledged blob is not listed", NULL);
}

static const struct
{
  const char *name;
  guint weight;
  void (*run) (Actor *actor);
} two_operations[] = {
  { "a put", 6, two_put },        { "a put_many", 1, two_put_many },
  { "an upload", 2, two_upload }, { "a get", 5, two_get },
  { "a stream", 2, two_stream },  { "a touch", 2, two_touch },
  { "a delete", 4, two_delete },  { "a delete_unused", 4, two_delete_unused },
  { "a list", 1, two_list },
};

void
two_act_once (Actor *actor)
{
  guint sum = 0, i = 0;

  for (guint k = 0; k < G_N_ELEMENTS (two_operations); k++)
    sum += two_operations[k].weight;
  guint drawn = (guint) g_rand_int_range (actor->rand, 0, (gint32) sum);
  while (drawn >= two_operations[i].weight)
    drawn -= two_operations[i++].weight;
  actor->number = (guint) g_rand_int_range (actor->rand, 0, TWO_BLOBS);
  actor->operation = two_operations[i].name;
  two_operations[i].run (actor);
  g_atomic_int_inc (&actor->process->ledger->n_done);
}
