/* SPDX-License-Identifier: Apache-2.0
 *
 * command-verify.c: `cask verify`: reads blobs and names those that are damaged, or moves
 * them aside.
 *
 * All blobs at full speed are a walk, many at once; named ones, and those that are read
 * at a limited rate, come one after the other.
 *
 * Invariants:
 * - outcomes are told and counted in the order of the list, whichever is known first, so
 *   that "up to here" is true of what --resume keeps;
 * - behind a blob that was not read to its end nothing is "up to here", but what was
 *   moved aside there is counted: the next run will not find it. */

#include "tools-private.h"
#include "output.h"
#include "progress.h"
#include "verify.h"
#include "walk.h"

typedef struct
{
  ToolCall *call;
  VerifyReport report;
  VerifyPace pace;
  VerifyState *state; /* (nullable) */
  VerifyCounts counts;
  GQueue items;         /* of VerifyItem, in the order of the list; a walk's */
  gboolean is_stopped;  /* by an item that was not read to its end, or by an error */
  Progress *progress;   /* (nullable) of what comes one after the other */
  CaskBlobInfo reading; /* likewise: which one it is */
} Verify;

/* One blob being read. */
typedef struct
{
  Verify *verify;
  Walk *walk; /* (nullable) */
  CaskBlobInfo info;
  GError *error;  /* (nullable) what is wrong with the blob, or with reading it */
  gboolean moved; /* aside */
  gboolean is_done;
} VerifyItem;

static void
verify_item_free (VerifyItem *item)
{
  g_clear_error (&item->error);
  g_free (item);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VerifyItem, verify_item_free)

/* ---- Outcomes ---- */

/* Returns: FALSE where the run is not to go on. */
static gboolean
verify_save (Verify *verify)
{
  g_autoptr (GError) error = NULL;
  if (!verify->state || verify_state_save (verify->state, &error))
    return TRUE;
  tool_add_error (verify->call, error);
  return FALSE;
}

static gboolean
verify_count (Verify *verify, const VerifyItem *item)
{
  VerifyCounts *counts = &verify->counts;
  if (!item->error)
    {
      counts->n_verified++;
      counts->n_bytes += item->info.size == CASK_UNKNOWN ? 0 : item->info.size;
      return TRUE;
    }
  if (!g_error_matches (item->error, CASK_ERROR, CASK_ERROR_CORRUPT))
    {
      counts->n_failed++;
      tool_add_error (verify->call, item->error);
      return TRUE;
    }
  counts->n_damaged++;
  counts->n_moved += item->moved;
  tool_add_status (verify->call, TOOL_FAILED);
  return verify_report_damage (&verify->report, verify->call->store, &item->info.digest,
                               item->error, item->moved);
}

/* Remembers that all is counted up to this blob. */
static gboolean
verify_advance (Verify *verify, const VerifyItem *item)
{
  VerifyState *state = verify->state;
  if (!state)
    return TRUE;
  state->is_changed = TRUE;
  if (verify->is_stopped)
    {
      state->counts.n_damaged += item->moved;
      state->counts.n_moved += item->moved;
      return TRUE;
    }
  state->after = item->info.digest;
  state->counts = verify->counts;
  /* What was moved aside is saved at once: no later run will find it. */
  gboolean is_due = item->moved || state->has_failed || verify_state_is_due (state);
  return !is_due || verify_save (verify);
}

static void
verify_show (Verify *verify)
{
  if (verify->call->n_operands > 0)
    progress_bytes (verify->progress, verify->pace.n_read, verify->reading.size);
  else
    progress_step (verify->progress, &verify->reading.digest, verify->counts.n_verified,
                   verify->counts.n_bytes + verify->pace.n_read);
}

/* A large blob may take for long, and what came before it be lost meanwhile. That this
 * fails will be told once that blob is counted, if it fails then as well. */
static void
verify_tick (gpointer data)
{
  Verify *verify = data;
  if (verify->progress)
    verify_show (verify);
  if (verify->state && verify_state_is_due (verify->state))
    verify_state_save (verify->state, NULL);
}

static gboolean
verify_on_tick (gpointer data)
{
  verify_tick (data);
  return G_SOURCE_CONTINUE;
}

/* Returns: FALSE where the run is not to go on. */
static gboolean
verify_record (Verify *verify, const VerifyItem *item)
{
  gboolean was_cancelled =
      g_error_matches (item->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* A blob that was removed since it was listed is nobody's damage. */
  gboolean is_gone = verify->call->n_operands == 0 &&
                     g_error_matches (item->error, CASK_ERROR, CASK_ERROR_NOT_FOUND);
  verify->is_stopped |= was_cancelled;
  if (was_cancelled)
    return FALSE;
  gboolean going = is_gone || verify_count (verify, item);
  verify->is_stopped |= !going; /* damage that could not be told is for the next run */
  return verify_advance (verify, item) && going;
}

/* What was found of a blob that verify says is damaged, once it was to be moved. */
static void
verify_settle_quarantine (VerifyItem *item, gboolean success, GError *failure)
{
  if (success && item->moved)
    return;
  /* Healed meanwhile, or no longer there; or still damaged and in its place. */
  gboolean is_damaged =
      !success && !g_error_matches (failure, CASK_ERROR, CASK_ERROR_NOT_FOUND);
  if (is_damaged && !g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tool_add_error (item->verify->call, failure);
  else
    g_clear_error (&item->error);
  if (!success && !item->error)
    item->error = g_error_copy (failure);
}

/* ---- Many at once ---- */

static void
verify_end_item (VerifyItem *item)
{
  Verify *verify = item->verify;
  Walk *walk = item->walk;
  CaskBlobInfo info = item->info;
  item->is_done = TRUE;
  VerifyItem *first;
  while ((first = g_queue_peek_head (&verify->items)) != NULL && first->is_done)
    {
      g_autoptr (VerifyItem) ended = g_queue_pop_head (&verify->items);
      if (!verify_record (verify, ended))
        walk_stop (walk);
    }
  walk_done (walk, &info);
}

static void
verify_on_quarantined (GObject *source, GAsyncResult *result, gpointer data)
{
  VerifyItem *item = data;
  g_autoptr (GError) error = NULL;
  gboolean success =
      cask_store_quarantine_finish (CASK_STORE (source), result, &item->moved, &error);
  verify_settle_quarantine (item, success, error);
  verify_end_item (item);
}

static void
verify_on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  VerifyItem *item = data;
  cask_store_verify_finish (CASK_STORE (source), result, &item->error);
  if (item->verify->report.quarantine &&
      g_error_matches (item->error, CASK_ERROR, CASK_ERROR_CORRUPT))
    cask_store_quarantine_async (CASK_STORE (source), &item->info.digest,
                                 G_PRIORITY_DEFAULT, walk_get_cancellable (item->walk),
                                 verify_on_quarantined, item);
  else
    verify_end_item (item);
}

static void
verify_begin (Walk *walk, const CaskBlobInfo *info, gpointer data)
{
  VerifyItem *item = g_new0 (VerifyItem, 1);
  item->verify = data;
  item->walk = walk;
  item->info = *info;
  g_queue_push_tail (&item->verify->items, item);
  cask_store_verify_async (item->verify->call->store, &info->digest, G_PRIORITY_DEFAULT,
                           walk_get_cancellable (walk), verify_on_done, item);
}

static const CaskDigest *
verify_start (const Verify *verify)
{
  return verify->state && verify->state->after.algorithm != 0 ? &verify->state->after
                                                              : NULL;
}

/* Returns: whether every blob was read. */
static gboolean
verify_all (Verify *verify)
{
  g_autoptr (GError) error = NULL;
  guint tick = verify->state ? g_timeout_add_seconds (1, verify_on_tick, verify) : 0;
  WalkResult result = walk_run (verify->call->store, "verifying", verify_start (verify),
                                verify_begin, verify, &error);
  if (tick != 0)
    g_source_remove (tick);
  if (error)
    tool_add_error (verify->call, error);
  if (result == WALK_INTERRUPTED)
    output_error ("verify: interrupted: not all blobs were read");
  if (result != WALK_COMPLETE)
    tool_add_status (verify->call, TOOL_FAILED);
  return result == WALK_COMPLETE;
}

/* ---- One after the other ---- */

/* Returns: FALSE where the run is not to go on. */
static gboolean
verify_one (Verify *verify, const CaskBlobInfo *info)
{
  CaskStore *store = verify->call->store;
  GCancellable *cancellable = verify->call->cancellable;
  g_autoptr (VerifyItem) item = g_new0 (VerifyItem, 1);
  item->verify = verify;
  item->info = *info;
  if (item->info.size == CASK_UNKNOWN)
    cask_store_stat (store, &info->digest, &item->info, NULL, NULL);
  verify->reading = item->info;
  verify_pace_blob (&verify->pace, store, &item->info, cancellable, &item->error);
  verify->pace.n_read = 0;
  if (verify->report.quarantine &&
      g_error_matches (item->error, CASK_ERROR, CASK_ERROR_CORRUPT))
    {
      g_autoptr (GError) error = NULL;
      gboolean success =
          cask_store_quarantine (store, &info->digest, &item->moved, cancellable, &error);
      verify_settle_quarantine (item, success, error);
    }
  return verify_record (verify, item);
}

/* Returns: whether a page follows: page is its end. */
static gboolean
verify_page (Verify *verify, CaskListPage *page)
{
  guint length = cask_list_page_get_length (page);
  for (guint i = 0; i < length; i++)
    {
      const CaskBlobInfo *info = cask_list_page_get_item (page, i);
      if (!verify_one (verify, info))
        {
          verify->is_stopped = TRUE;
          return FALSE;
        }
      verify_show (verify);
    }
  return length > 0 && cask_list_page_get_more (page);
}

/* Returns: whether every blob was read. */
static gboolean
verify_slowly (Verify *verify)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Progress) progress = progress_new ("verifying", NULL);
  verify->progress = progress;
  ToolCall *call = verify->call;
  const CaskDigest *start = verify_start (verify);
  CaskDigest after = start ? *start : (CaskDigest){ 0 };
  gboolean more = TRUE;
  while (more)
    {
      g_autoptr (CaskListPage) page =
          cask_store_list (call->store, after.algorithm != 0 ? &after : NULL, 0,
                           call->cancellable, &error);
      verify->is_stopped |= page == NULL;
      more = page && verify_page (verify, page);
      if (more)
        after =
            cask_list_page_get_item (page, cask_list_page_get_length (page) - 1)->digest;
    }
  if (g_cancellable_is_cancelled (call->cancellable))
    output_error ("verify: interrupted: not all blobs were read");
  else if (error)
    tool_add_error (call, error);
  verify->progress = NULL;
  if (verify->is_stopped)
    tool_add_status (call, TOOL_FAILED);
  return !verify->is_stopped;
}

static gboolean
verify_name (Verify *verify, const CaskDigest *digest)
{
  char name[CASK_DIGEST_TEXT_SIZE];
  CaskBlobInfo info = { .digest = *digest, .size = CASK_UNKNOWN };
  g_autoptr (Progress) progress = verify->progress =
      progress_new ("verifying", cask_digest_write (digest, name));
  verify->pace.is_watched = progress != NULL;
  gboolean going = verify_one (verify, &info);
  verify->progress = NULL;
  return going;
}

static gboolean
verify_named (Verify *verify, const CaskDigest *digests)
{
  for (guint i = 0; i < verify->call->n_operands; i++)
    {
      if (verify_name (verify, &digests[i]))
        continue;
      if (g_cancellable_is_cancelled (verify->call->cancellable))
        output_error ("verify: interrupted: not all blobs were read");
      tool_add_status (verify->call, TOOL_FAILED);
      return FALSE;
    }
  return TRUE;
}

/* ---- The command ---- */

/* What was found by earlier runs of this pass counts as if by this one. */
static gboolean
verify_resume (Verify *verify, const char *file)
{
  g_autoptr (GError) error = NULL;
  if (!file)
    return TRUE;
  verify->state = verify_state_new (file, verify->call->store, &error);
  if (!verify->state)
    {
      tool_add_error (verify->call, error);
      return FALSE;
    }
  verify->counts = verify->state->counts;
  if (verify->counts.n_damaged + verify->counts.n_failed > 0)
    tool_add_status (verify->call, TOOL_FAILED);
  return TRUE;
}

static void
verify_leave (Verify *verify, gboolean complete)
{
  g_autoptr (GError) error = NULL;
  if (verify->state && !complete)
    verify_save (verify);
  else if (verify->state && !verify_state_remove (verify->state, &error))
    tool_add_error (verify->call, error);
  verify_report_counts (&verify->report, &verify->counts, complete);
  g_clear_pointer (&verify->state, verify_state_free);
}

static gboolean
verify_check_options (ToolCall *call, Verify *verify, const char *rate, const char *file)
{
  if (rate && (!tool_parse_size (rate, &verify->pace.rate) || verify->pace.rate == 0))
    tool_usage (call, "'%s' is no number of bytes a second; write for example 50MiB",
                rate);
  else if (file && call->n_operands > 0)
    tool_usage (call, "--resume goes with all blobs, not with DIGEST");
  return call->status == TOOL_DONE;
}

static gboolean
verify_check_store (ToolCall *call, const Verify *verify)
{
  if (!verify->report.quarantine ||
      (cask_store_get_capabilities (call->store) & CASK_CAPABILITY_QUARANTINE))
    return TRUE;
  tool_usage (call, "this store has no quarantine");
  return FALSE;
}

ToolStatus
command_verify (ToolCall *call)
{
  Verify verify = { .call = call, .items = G_QUEUE_INIT };
  verify.pace = (VerifyPace){ .tick = verify_tick, .data = &verify };
  g_autofree char *rate = NULL, *file = NULL;
  const GOptionEntry entries[] = {
    { "quarantine", 0, 0, G_OPTION_ARG_NONE, &verify.report.quarantine,
      "Move what is damaged aside, where the store keeps it", NULL },
    { "max-rate", 0, 0, G_OPTION_ARG_FILENAME, &rate,
      "Read at most SIZE bytes a second, such as 50MiB", "SIZE" },
    { "resume", 0, 0, G_OPTION_ARG_FILENAME, &file,
      "Keep in FILE how far it came, and go on from there", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &verify.report.json, "One JSON object a line",
      NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &verify.report.quiet,
      "Print what is damaged, but no summary", NULL },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 0, G_MAXUINT) ||
      !verify_check_options (call, &verify, rate, file))
    return call->status;
  g_autofree CaskDigest *digests = tool_parse_digests (call);
  if (!digests || !tool_open (call, TOOL_READ) || !verify_check_store (call, &verify))
    return call->status;
  gboolean is_walk = call->n_operands == 0 && verify.pace.rate == 0;
  if (!is_walk) /* a walk watches for itself */
    tool_watch_signals (call);
  if (!verify_resume (&verify, file))
    return call->status;

  gboolean complete = is_walk                ? verify_all (&verify)
                      : call->n_operands > 0 ? verify_named (&verify, digests)
                                             : verify_slowly (&verify);
  verify_leave (&verify, complete);
  return call->status;
}
