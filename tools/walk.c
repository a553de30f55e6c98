/* SPDX-License-Identifier: Apache-2.0
 *
 * walk.c: lists a store page by page and keeps a bounded number of jobs going.
 *
 * Many at once, because a store acknowledges a group of durable puts for little more than
 * the price of one; bounded in bytes as well, because a job may hold its blob in memory.
 *
 * Invariants:
 * - at most WALK_JOBS jobs, of WALK_BYTES together; one larger blob goes alone;
 * - at most one page is held and one asked for;
 * - walk_run() returns only when no job and no listing is pending, interrupted or not. */

#include "walk.h"
#include "interrupt.h"
#include "progress.h"

#include <signal.h>

#define WALK_JOBS 64
#define WALK_BYTES ((guint64) 256 * 1024 * 1024)
#define WALK_TICK_MSEC 200

struct _Walk
{
  CaskStore *store;
  WalkJob job;
  gpointer data;
  GMainLoop *loop;
  GCancellable *cancellable;
  Progress *progress;

  CaskListPage *page;  /* (nullable) before the first has come */
  guint next;          /* in page */
  CaskDigest position; /* without an algorithm: before the first */
  gboolean listing;

  guint n_jobs;
  guint64 job_bytes;
  guint64 n_blobs, n_bytes; /* done */
  GPtrArray *streams;       /* CountedStream, of jobs that are under way */

  gboolean ended; /* begin nothing more */
  WalkResult result;
  GError *error;
  guint signals[3];
};

static void
walk_end (Walk *walk, WalkResult result)
{
  if (!walk->ended)
    walk->result = result;
  walk->ended = TRUE;
}

static const CaskBlobInfo *
walk_peek (Walk *walk)
{
  if (!walk->page || walk->next == cask_list_page_get_length (walk->page))
    return NULL;
  return cask_list_page_get_item (walk->page, walk->next);
}

static guint64
walk_weight (const CaskBlobInfo *info)
{
  return MIN (info->size, WALK_BYTES);
}

static gboolean
walk_has_room (const Walk *walk, const CaskBlobInfo *info)
{
  if (walk->n_jobs == 0)
    return TRUE;
  return walk->n_jobs < WALK_JOBS && walk->job_bytes + walk_weight (info) <= WALK_BYTES;
}

static void walk_advance (Walk *walk);

static void
walk_on_page (GObject *source, GAsyncResult *result, gpointer data)
{
  Walk *walk = data;
  walk->listing = FALSE;
  g_clear_pointer (&walk->page, cask_list_page_unref);
  walk->next = 0;
  g_autoptr (GError) error = NULL;
  walk->page = cask_store_list_finish (CASK_STORE (source), result, &error);
  if (!walk->page)
    {
      if (!walk->ended)
        walk->error = g_steal_pointer (&error);
      walk_end (walk, WALK_FAILED);
    }
  walk_advance (walk);
}

static void
walk_ask_for_page (Walk *walk)
{
  walk->listing = TRUE;
  cask_store_list_async (walk->store,
                         walk->position.algorithm != 0 ? &walk->position : NULL, 0,
                         G_PRIORITY_DEFAULT, walk->cancellable, walk_on_page, walk);
}

/* Begins what there is room for; asks for the next page when the last one is used up. */
static void
walk_advance (Walk *walk)
{
  const CaskBlobInfo *info;
  while (!walk->ended && (info = walk_peek (walk)) != NULL && walk_has_room (walk, info))
    {
      walk->next++;
      walk->n_jobs++;
      walk->job_bytes += walk_weight (info);
      walk->position = info->digest;
      walk->job (walk, info, walk->data);
    }
  if (!walk->ended && !walk->listing && !walk_peek (walk))
    {
      if (!walk->page || cask_list_page_get_more (walk->page))
        walk_ask_for_page (walk);
      else
        walk_end (walk, WALK_COMPLETE);
    }
  if (walk->ended && walk->n_jobs == 0 && !walk->listing)
    g_main_loop_quit (walk->loop);
}

GCancellable *
walk_get_cancellable (Walk *walk)
{
  return walk->cancellable;
}

static guint64
walk_count_bytes (const Walk *walk)
{
  guint64 n_bytes = walk->n_bytes;
  for (guint i = 0; i < walk->streams->len; i++)
    n_bytes += counted_stream_get_count (walk->streams->pdata[i]);
  return n_bytes;
}

static void
walk_show (Walk *walk)
{
  if (walk->position.algorithm != 0)
    progress_step (walk->progress, &walk->position, walk->n_blobs,
                   walk_count_bytes (walk));
}

/* A large blob is seen to move before it is done. */
static gboolean
walk_on_tick (gpointer data)
{
  walk_show (data);
  return G_SOURCE_CONTINUE;
}

/* A job's stream counts, from here until the job takes it back before walk_done(). */
void
walk_watch_stream (Walk *walk, CountedStream *stream)
{
  g_ptr_array_add (walk->streams, g_object_ref (stream));
}

void
walk_forget_stream (Walk *walk, CountedStream *stream)
{
  g_ptr_array_remove_fast (walk->streams, stream);
}

void
walk_done (Walk *walk, const CaskBlobInfo *info)
{
  walk->n_jobs--;
  walk->job_bytes -= walk_weight (info);
  walk->n_blobs++;
  walk->n_bytes += info->size == CASK_UNKNOWN ? 0 : info->size;
  walk_show (walk);
  walk_advance (walk);
}

/* Begins nothing more; what is under way is finished. */
void
walk_stop (Walk *walk)
{
  walk_end (walk, WALK_STOPPED);
}

/* The first signal ends cleanly. Its handler goes with it, so that a second one ends a
 * process whose disk does not answer. */
static gboolean
walk_on_signal (Walk *walk, guint index)
{
  walk->signals[index] = 0;
  walk_end (walk, WALK_INTERRUPTED);
  g_cancellable_cancel (walk->cancellable);
  walk_advance (walk);
  return G_SOURCE_REMOVE;
}

static gboolean
walk_on_interrupt (gpointer data)
{
  return walk_on_signal (data, 0);
}

static gboolean
walk_on_terminate (gpointer data)
{
  return walk_on_signal (data, 1);
}

static gboolean
walk_on_hangup (gpointer data)
{
  return walk_on_signal (data, 2);
}

static gboolean
walk_on_start (gpointer data)
{
  walk_advance (data);
  return G_SOURCE_REMOVE;
}

WalkResult
walk_run (CaskStore *store, const char *verb, const CaskDigest *after, WalkJob job,
          gpointer data, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (Progress) progress = progress_new (verb, NULL);
  g_autoptr (GPtrArray) streams = g_ptr_array_new_with_free_func (g_object_unref);
  Walk walk = { .store = store,
                .job = job,
                .data = data,
                .loop = loop,
                .cancellable = cancellable,
                .progress = progress,
                .streams = streams };
  if (after)
    walk.position = *after;
  walk.signals[0] = interrupt_attach (SIGINT, walk_on_interrupt, &walk, NULL);
  walk.signals[1] = interrupt_attach (SIGTERM, walk_on_terminate, &walk, NULL);
  walk.signals[2] = interrupt_attach (SIGHUP, walk_on_hangup, &walk, NULL);
  guint tick = progress ? g_timeout_add (WALK_TICK_MSEC, walk_on_tick, &walk) : 0;
  g_idle_add (walk_on_start, &walk);
  g_main_loop_run (loop);

  for (guint i = 0; i < G_N_ELEMENTS (walk.signals); i++)
    if (walk.signals[i] != 0)
      g_source_remove (walk.signals[i]);
  if (tick != 0)
    g_source_remove (tick);
  g_clear_pointer (&walk.page, cask_list_page_unref);
  if (walk.error)
    g_propagate_error (error, walk.error);
  return walk.result;
}
