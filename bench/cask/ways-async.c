/* SPDX-License-Identifier: Apache-2.0
 *
 * ways-async.c: Cask's asynchronous calls, in a main loop. */
#include "ways.h"

#include "answer.h"

static CaskStore *
ways_store (const BenchSlot *slot)
{
  const Way *way = slot->place;
  return way->store;
}

static gboolean
ways_fly (gpointer place, BenchBegin begin, gboolean expected, const BenchBlob *blobs,
          guint n_blobs, GError **error)
{
  const Way *way = place;
  return bench_flight_run (&way->loop, place, begin, expected, blobs, n_blobs, error);
}

/* ---- Put ---- */

static void
ways_put_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  CaskDigest digest;
  gboolean created;
  if (cask_store_add_finish (CASK_STORE (source), result, &digest, &created, &error))
    bench_answer_created (slot->blob, created, slot->expected, &error);
  bench_flight_landed (slot, error);
}

static void
ways_put_begin (BenchSlot *slot)
{
  cask_store_add_async (ways_store (slot), slot->blob->bytes, CASK_ALGORITHM_SHA256,
                        CASK_PUT_NONE, G_PRIORITY_DEFAULT, NULL, ways_put_landed, slot);
}

gboolean
ways_async_put_new (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_fly (place, ways_put_begin, TRUE, blobs, n_blobs, error);
}

gboolean
ways_async_put_existing (gpointer place, const BenchBlob *blobs, guint n_blobs,
                         GError **error)
{
  return ways_fly (place, ways_put_begin, FALSE, blobs, n_blobs, error);
}

/* ---- Get ---- */

static void
ways_get_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (source), result, &error);
  if (bytes)
    bench_answer_size (slot->blob, g_bytes_get_size (bytes), &error);
  bench_flight_landed (slot, error);
}

static void
ways_get_begin (BenchSlot *slot)
{
  cask_store_get_async (ways_store (slot), &slot->blob->digest, G_PRIORITY_DEFAULT, NULL,
                        ways_get_landed, slot);
}

gboolean
ways_async_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_fly (place, ways_get_begin, TRUE, blobs, n_blobs, error);
}

static void
ways_get_range_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  gsize length;
  g_autoptr (GBytes) bytes =
      cask_store_get_range_finish (CASK_STORE (source), result, &error);
  bench_range (slot->blob, &length);
  if (bytes)
    bench_answer (g_bytes_get_size (bytes) == length, "size of the range", &error);
  bench_flight_landed (slot, error);
}

static void
ways_get_range_begin (BenchSlot *slot)
{
  gsize length, offset = bench_range (slot->blob, &length);
  cask_store_get_range_async (ways_store (slot), &slot->blob->digest, offset, length,
                              G_PRIORITY_DEFAULT, NULL, ways_get_range_landed, slot);
}

gboolean
ways_async_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs,
                      GError **error)
{
  return ways_fly (place, ways_get_range_begin, TRUE, blobs, n_blobs, error);
}

/* ---- Contains, delete ---- */

static void
ways_contains_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  gboolean present;
  if (cask_store_contains_finish (CASK_STORE (source), result, &present, &error))
    bench_answer (present == slot->expected, "contains", &error);
  bench_flight_landed (slot, error);
}

static void
ways_contains_begin (BenchSlot *slot)
{
  cask_store_contains_async (ways_store (slot), &slot->blob->digest, G_PRIORITY_DEFAULT,
                             NULL, ways_contains_landed, slot);
}

gboolean
ways_async_contains (gpointer place, const BenchBlob *blobs, guint n_blobs,
                     GError **error)
{
  return ways_fly (place, ways_contains_begin, TRUE, blobs, n_blobs, error);
}

gboolean
ways_async_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                            GError **error)
{
  return ways_fly (place, ways_contains_begin, FALSE, blobs, n_blobs, error);
}

static void
ways_delete_landed (GObject *source, GAsyncResult *result, gpointer data)
{
  BenchSlot *slot = data;
  GError *error = NULL;
  gboolean existed;
  if (cask_store_delete_finish (CASK_STORE (source), result, &existed, &error))
    bench_answer (existed, "delete", &error);
  bench_flight_landed (slot, error);
}

static void
ways_delete_begin (BenchSlot *slot)
{
  cask_store_delete_async (ways_store (slot), &slot->blob->digest, G_PRIORITY_DEFAULT,
                           NULL, ways_delete_landed, slot);
}

gboolean
ways_async_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return ways_fly (place, ways_delete_begin, TRUE, blobs, n_blobs, error);
}
