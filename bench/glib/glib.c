/* SPDX-License-Identifier: Apache-2.0
 *
 * glib.c: the same by what GLib has, and what its GTask alone costs. */
#include "glib-files.h"

#include "answer.h"
#include "flight.h"

/* ---- A GTask that is returned at once ---- */

#define GLIB_WIDTH 64

static gpointer
glib_task_open (const char *directory, GError **error)
{
  BenchLoop *loop = g_new (BenchLoop, 1);
  (void) directory;
  (void) error;
  *loop = bench_loop_new (GLIB_WIDTH, TRUE);
  return loop;
}

static void
glib_task_close (gpointer place)
{
  bench_loop_clear (place);
  g_free (place);
}

static void
glib_task_got (GObject *source, GAsyncResult *result, gpointer data)
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
glib_task_begin (BenchSlot *slot)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, glib_task_got, slot);
  g_task_return_pointer (task, g_bytes_ref (slot->blob->bytes),
                         (GDestroyNotify) g_bytes_unref);
}

static gboolean
glib_task_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return bench_flight_run (place, place, glib_task_begin, TRUE, blobs, n_blobs, error);
}

static const BenchEntrant glib_task = {
  .name = "GTask returned at once",
  .note = "looks nothing up: 64 tasks that have their bytes already, through a main loop",
  .open = glib_task_open,
  .close = glib_task_close,
  .calls = { [BENCH_GET] = glib_task_get }
};

/* ---- Files in GLib's threads ---- */

#define CALLS_FILES                                                                      \
  {                                                                                      \
    [BENCH_PUT_NEW] = glib_files_put_new,                                                \
    [BENCH_PUT_EXISTING] = glib_files_put_existing, [BENCH_GET] = glib_files_get,        \
    [BENCH_CONTAINS] = glib_files_contains,                                              \
    [BENCH_CONTAINS_ABSENT] = glib_files_contains_absent,                                \
    [BENCH_DELETE] = glib_files_delete                                                   \
  }

static const BenchEntrant glib_plain = {
  .name = "plain GLib",
  .note = "a GTask in a thread around g_file_load_contents and g_file_replace_contents: "
          "others can see half a blob",
  .open = glib_files_open,
  .close = glib_files_close,
  .calls = CALLS_FILES
};

static const BenchEntrant glib_plain_16 = { .name = "plain GLib, 16 in flight",
                                            .note = "GLib has 10 threads for that",
                                            .open = glib_files_open_16,
                                            .close = glib_files_close,
                                            .calls = CALLS_FILES };

static const BenchEntrant glib_durable = {
  .name = "plain GLib",
  .note = "g_file_set_contents_full, durable; a delete is not synced",
  .is_little = TRUE,
  .open = glib_files_open_durable,
  .close = glib_files_close,
  .calls = CALLS_FILES
};

static const BenchEntrant glib_durable_16 = {
  .name = "plain GLib, 16 in flight",
  .note = "g_file_set_contents_full, durable; a delete is not synced",
  .open = glib_files_open_durable_16,
  .close = glib_files_close,
  .calls = CALLS_FILES
};

const BenchEntrant *const glib_entrants[BENCH_N_FIELDS][8] = {
  [BENCH_FIELD_MEMORY] = { &glib_task },
  [BENCH_FIELD_FILES] = { &glib_plain, &glib_plain_16 },
  [BENCH_FIELD_DURABLE] = { &glib_durable, &glib_durable_16 }
};
