/* SPDX-License-Identifier: Apache-2.0
 *
 * glib-files.c: each operation a GTask in GLib's threads, around GFile's own calls.
 *
 * The tree is the floor's. A put hashes and looks whether the file is there, in the
 * thread as well. g_file_replace_contents() creates what is not there under its own name,
 * so that a second process can meet half a blob: it promises less than all others. */
#include "glib-files.h"

#include "answer.h"
#include "flight.h"

#include <glib/gstdio.h>

#define FILES_SHARDS 256

typedef struct
{
  char *directory;
  gboolean is_durable;
  BenchLoop loop;
} Files;

static gpointer
files_open (const char *directory, gboolean is_durable, guint width, GError **error)
{
  for (guint i = 0; i < FILES_SHARDS; i++)
    {
      g_autofree char *shard = g_strdup_printf ("%s/%02x", directory, i);
      if (!bench_answer (g_mkdir (shard, 0700) == 0, "mkdir", error))
        return NULL;
    }
  Files *files = g_new0 (Files, 1);
  files->directory = g_strdup (directory);
  files->is_durable = is_durable;
  files->loop = bench_loop_new (width, FALSE);
  return files;
}

gpointer
glib_files_open (const char *directory, GError **error)
{
  return files_open (directory, FALSE, 1, error);
}

gpointer
glib_files_open_16 (const char *directory, GError **error)
{
  return files_open (directory, FALSE, 16, error);
}

gpointer
glib_files_open_durable (const char *directory, GError **error)
{
  return files_open (directory, TRUE, 1, error);
}

gpointer
glib_files_open_durable_16 (const char *directory, GError **error)
{
  return files_open (directory, TRUE, 16, error);
}

void
glib_files_close (gpointer place)
{
  Files *files = place;
  bench_loop_clear (&files->loop);
  g_free (files->directory);
  g_free (files);
}

static char *
files_path (const Files *files, const CaskDigest *digest)
{
  char hex[65];
  bench_hex (digest, hex);
  return g_strdup_printf ("%s/%.2s/%s", files->directory, hex, hex);
}

static void
files_start (BenchSlot *slot, GTaskThreadFunc func, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, slot);
  g_task_set_task_data (task, slot, NULL);
  g_task_run_in_thread (task, func);
}

static gboolean
files_fly (gpointer place, BenchBegin begin, gboolean expected, const BenchBlob *blobs,
           guint n_blobs, GError **error)
{
  const Files *files = place;
  return bench_flight_run (&files->loop, place, begin, expected, blobs, n_blobs, error);
}

/* Of what is answered by yes or no. */
static void
files_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  gssize answer = g_task_propagate_int (G_TASK (result), &error);
  (void) source;
  if (!error)
    bench_answer (answer == slot->expected, "answer", &error);
  bench_flight_landed (slot, error);
}

/* ---- Put ---- */

static gboolean
files_write (const Files *files, const char *path, GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  if (files->is_durable)
    return g_file_set_contents_full (
        path, data ? data : "", (gssize) size,
        G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  return g_file_replace_contents (file, data, size, NULL, FALSE, G_FILE_CREATE_PRIVATE,
                                  NULL, NULL, error);
}

static void
files_put_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const BenchSlot *slot = data;
  CaskDigest digest;
  GError *error = NULL;
  (void) source;
  (void) cancellable;
  bench_hash (slot->blob->bytes, &digest);
  g_autofree char *path = files_path (slot->place, &digest);
  gboolean created = !g_file_test (path, G_FILE_TEST_EXISTS);
  if (created)
    files_write (slot->place, path, slot->blob->bytes, &error);
  if (!error)
    bench_answer_created (slot->blob, created, slot->expected, &error);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, slot->expected);
}

static void
files_put_begin (BenchSlot *slot)
{
  files_start (slot, files_put_thread, files_answered);
}

gboolean
glib_files_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return files_fly (place, files_put_begin, TRUE, blobs, n_blobs, error);
}

gboolean
glib_files_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error)
{
  return files_fly (place, files_put_begin, FALSE, blobs, n_blobs, error);
}

/* ---- Get ---- */

static void
files_get_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const BenchSlot *slot = data;
  GError *error = NULL;
  char *contents;
  gsize size;
  (void) source;
  g_autofree char *path = files_path (slot->place, &slot->blob->digest);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  if (g_file_load_contents (file, cancellable, &contents, &size, NULL, &error))
    g_task_return_pointer (task, g_bytes_new_take (contents, size),
                           (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

static void
files_got (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_task_propagate_pointer (G_TASK (result), &error);
  (void) source;
  if (bytes)
    bench_answer_size (slot->blob, g_bytes_get_size (bytes), &error);
  bench_flight_landed (slot, error);
}

static void
files_get_begin (BenchSlot *slot)
{
  files_start (slot, files_get_thread, files_got);
}

gboolean
glib_files_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return files_fly (place, files_get_begin, TRUE, blobs, n_blobs, error);
}

/* ---- Contains, delete ---- */

static void
files_contains_thread (GTask *task, gpointer source, gpointer data,
                       GCancellable *cancellable)
{
  const BenchSlot *slot = data;
  (void) source;
  g_autofree char *path = files_path (slot->place, &slot->blob->digest);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_task_return_int (task, g_file_query_exists (file, cancellable));
}

static void
files_contains_begin (BenchSlot *slot)
{
  files_start (slot, files_contains_thread, files_answered);
}

gboolean
glib_files_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error)
{
  return files_fly (place, files_contains_begin, TRUE, blobs, n_blobs, error);
}

gboolean
glib_files_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error)
{
  return files_fly (place, files_contains_begin, FALSE, blobs, n_blobs, error);
}

static void
files_delete_thread (GTask *task, gpointer source, gpointer data,
                     GCancellable *cancellable)
{
  const BenchSlot *slot = data;
  GError *error = NULL;
  (void) source;
  g_autofree char *path = files_path (slot->place, &slot->blob->digest);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  if (g_file_delete (file, cancellable, &error))
    g_task_return_int (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
files_delete_begin (BenchSlot *slot)
{
  files_start (slot, files_delete_thread, files_answered);
}

gboolean
glib_files_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return files_fly (place, files_delete_begin, TRUE, blobs, n_blobs, error);
}
