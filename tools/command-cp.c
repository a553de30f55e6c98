/* SPDX-License-Identifier: Apache-2.0
 *
 * command-cp.c: `cask cp`: all blobs of one store into another.
 *
 * Each blob is first touched where it goes: that freshens what is there already, as a put
 * would, without reading the source, so that a collector spares it and a copy that was
 * interrupted continues. It says nothing of the bytes, so the size is compared as well:
 * a copy that was cut short is no copy. Whatever else comes of these two, the put
 * decides: another owner's blob, say, may be there, but not ours to touch.
 *
 *   touch ── done ──> stat ── same size ──> there already
 *     └─ failed        └─ failed, or another size
 *         └────────────────┴─> get ── NOT_FOUND ──> removed meanwhile
 *                               └─> put ──> copied, or there already
 *
 * A blob larger than COPY_WHOLE is not got and put, but opened, and put as a stream, so
 * that memory does not grow with it.
 *
 * Failure modes: a blob that fails is reported and the others go on, unless the
 * destination is full, read-only or gone, which every other blob would meet as well. */

#include "tools-private.h"
#include "output.h"
#include "counted.h"
#include "walk.h"

#define COPY_WHOLE ((guint64) 4 * 1024 * 1024)

typedef struct
{
  ToolCall *call;
  CaskStore *source, *destination;
  guint64 n_copied, n_there, n_failed, n_removed;
  guint64 bytes_copied;
  gboolean hopeless; /* the destination takes nothing more */
} Copy;

/* One blob on its way. */
typedef struct
{
  Copy *copy;
  Walk *walk;
  CaskBlobInfo info;     /* as listed */
  guint64 size;          /* of the bytes that were got */
  CountedStream *stream; /* (nullable) where they come in pieces */
} CopyItem;

static void
copy_item_end (CopyItem *item, guint64 *counter)
{
  (*counter)++;
  if (item->stream)
    walk_forget_stream (item->walk, item->stream);
  g_clear_object (&item->stream);
  walk_done (item->walk, &item->info);
  g_free (item);
}

static gboolean
copy_is_hopeless (const GError *error)
{
  return g_error_matches (error, CASK_ERROR, CASK_ERROR_NO_SPACE) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_READ_ONLY) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_GONE);
}

static void
copy_item_fail (CopyItem *item, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      guint64 unfinished = 0;
      copy_item_end (item, &unfinished);
      return;
    }
  /* Those under way meet the same: one line says it. */
  gboolean hopeless = copy_is_hopeless (error);
  if (!hopeless || !item->copy->hopeless)
    tool_add_error (item->copy->call, error);
  tool_add_status (item->copy->call, TOOL_FAILED);
  if (hopeless)
    {
      item->copy->hopeless = TRUE;
      walk_stop (item->walk);
    }
  copy_item_end (item, &item->copy->n_failed);
}

static void
copy_item_succeed (CopyItem *item, gboolean created)
{
  if (created)
    item->copy->bytes_copied += item->size;
  copy_item_end (item, created ? &item->copy->n_copied : &item->copy->n_there);
}

/* A source that has lost the blob since it was listed says so; another failure counts. */
static void
copy_item_fail_source (CopyItem *item, const GError *error)
{
  if (g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND) ||
      (item->stream && g_error_matches (error, CASK_ERROR, CASK_ERROR_GONE)))
    copy_item_end (item, &item->copy->n_removed);
  else
    copy_item_fail (item, error);
}

static void
copy_on_put (GObject *source, GAsyncResult *result, gpointer data)
{
  CopyItem *item = data;
  g_autoptr (GError) error = NULL;
  gboolean created;
  if (cask_store_put_finish (CASK_STORE (source), result, &created, &error))
    copy_item_succeed (item, created);
  else
    copy_item_fail (item, error);
}

static void
copy_on_get (GObject *source, GAsyncResult *result, gpointer data)
{
  CopyItem *item = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (source), result, &error);
  if (!bytes)
    {
      copy_item_fail_source (item, error);
      return;
    }
  item->size = g_bytes_get_size (bytes);
  cask_store_put_async (item->copy->destination, &item->info.digest, bytes, CASK_PUT_NONE,
                        G_PRIORITY_DEFAULT, walk_get_cancellable (item->walk),
                        copy_on_put, item);
}

static void
copy_on_put_stream (GObject *source, GAsyncResult *result, gpointer data)
{
  CopyItem *item = data;
  g_autoptr (GError) error = NULL;
  gboolean created;
  if (cask_store_put_stream_finish (CASK_STORE (source), result, NULL, &created, &error))
    copy_item_succeed (item, created);
  else if (counted_stream_has_failed (item->stream))
    copy_item_fail_source (item, error);
  else
    copy_item_fail (item, error);
}

static void
copy_on_open (GObject *source, GAsyncResult *result, gpointer data)
{
  CopyItem *item = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob_finish (CASK_STORE (source), result, &error);
  if (!stream)
    {
      copy_item_fail_source (item, error);
      return;
    }
  item->size = cask_input_stream_get_size (stream);
  item->stream = counted_stream_new (G_INPUT_STREAM (stream));
  walk_watch_stream (item->walk, item->stream);
  cask_store_put_stream_async (
      item->copy->destination, &item->info.digest, item->info.digest.algorithm,
      G_INPUT_STREAM (item->stream), item->size, CASK_PUT_NONE, G_PRIORITY_DEFAULT,
      walk_get_cancellable (item->walk), copy_on_put_stream, item);
}

static void
copy_item_transfer (CopyItem *item)
{
  GCancellable *cancellable = walk_get_cancellable (item->walk);
  if (item->info.size > COPY_WHOLE)
    cask_store_open_blob_async (item->copy->source, &item->info.digest,
                                G_PRIORITY_DEFAULT, cancellable, copy_on_open, item);
  else
    cask_store_get_async (item->copy->source, &item->info.digest, G_PRIORITY_DEFAULT,
                          cancellable, copy_on_get, item);
}

/* Whether a failed look at the destination leaves nothing to try. */
static gboolean
copy_is_over (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED);
}

static void
copy_on_stat (GObject *source, GAsyncResult *result, gpointer data)
{
  CopyItem *item = data;
  g_autoptr (GError) error = NULL;
  CaskBlobInfo there;
  if (!cask_store_stat_finish (CASK_STORE (source), result, &there, &error))
    {
      if (copy_is_over (error))
        copy_item_fail (item, error);
      else
        copy_item_transfer (item);
      return;
    }
  if (there.size == item->info.size || there.size == CASK_UNKNOWN ||
      item->info.size == CASK_UNKNOWN)
    copy_item_end (item, &item->copy->n_there);
  else
    copy_item_transfer (item);
}

static void
copy_on_touch (GObject *source, GAsyncResult *result, gpointer data)
{
  CopyItem *item = data;
  g_autoptr (GError) error = NULL;
  if (cask_store_touch_finish (CASK_STORE (source), result, &error))
    cask_store_stat_async (item->copy->destination, &item->info.digest,
                           G_PRIORITY_DEFAULT, walk_get_cancellable (item->walk),
                           copy_on_stat, item);
  else if (copy_is_over (error))
    copy_item_fail (item, error);
  else
    copy_item_transfer (item);
}

static void
copy_begin (Walk *walk, const CaskBlobInfo *info, gpointer data)
{
  CopyItem *item = g_new0 (CopyItem, 1);
  item->copy = data;
  item->walk = walk;
  item->info = *info;
  cask_store_touch_async (item->copy->destination, &info->digest, G_PRIORITY_DEFAULT,
                          walk_get_cancellable (walk), copy_on_touch, item);
}

static void
copy_summarise (const Copy *copy)
{
  g_autofree char *size = output_size (copy->bytes_copied);
  g_autofree char *removed =
      copy->n_removed > 0
          ? g_strdup_printf (", %" G_GUINT64_FORMAT " removed meanwhile", copy->n_removed)
          : g_strdup ("");
  output_print ("copied %" G_GUINT64_FORMAT " blobs (%s), %" G_GUINT64_FORMAT
                " there already, %" G_GUINT64_FORMAT " failed%s\n",
                copy->n_copied, size, copy->n_there, copy->n_failed, removed);
}

static void
copy_run (Copy *copy)
{
  g_autoptr (GError) error = NULL;
  WalkResult result = walk_run (copy->source, "copying", NULL, copy_begin, copy, &error);
  if (error)
    tool_add_error (copy->call, error);
  copy_summarise (copy);
  if (result == WALK_COMPLETE)
    return;
  if (result == WALK_INTERRUPTED)
    output_error ("cp: interrupted: run it again to copy the rest");
  else if (result == WALK_STOPPED)
    output_error ("cp: given up: run it again when that is put right");
  tool_add_status (copy->call, TOOL_FAILED);
}

ToolStatus
command_cp (ToolCall *call)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  if (!tool_parse (call, entries, 2, 2))
    return call->status;
  Copy copy = { .call = call };
  copy.source = tool_open_store (call, call->operands[0], TOOL_READ);
  if (!copy.source)
    return call->status;
  copy.destination = tool_open_store (call, call->operands[1], TOOL_WRITE);
  if (copy.destination)
    {
      copy_run (&copy);
      tool_close_store (call, copy.destination);
    }
  tool_close_store (call, copy.source);
  return call->status;
}
