/* SPDX-License-Identifier: Apache-2.0
 *
 * peer.c: loops, checks and names that the entrants of the peers have in common. */
#include "peers.h"

#include <string.h>

gboolean
peer_fail (GError **error, const char *call, const char *why)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", call,
               why ? why : "failed without a reason");
  return FALSE;
}

/* ---- Batches ---- */

typedef gboolean (*PeerStep) (Peer *peer, const BenchBlob *blob, GError **error);

static gboolean
peer_run_batch (Peer *peer, PeerStep step, gboolean is_write, const BenchBlob *blobs,
                guint n, GError **error)
{
  gboolean is_good = TRUE;
  if (peer->slots->begin && !peer->slots->begin (peer, is_write, error))
    return FALSE;
  for (guint i = 0; is_good && i < n; i++)
    is_good = step (peer, &blobs[i], error);
  if (!peer->slots->end)
    return is_good;
  return peer->slots->end (peer, is_write, is_good, is_good ? error : NULL) && is_good;
}

static gboolean
peer_run (Peer *peer, PeerStep step, gboolean is_write, const BenchBlob *blobs, guint n,
          GError **error)
{
  for (guint i = 0; i < n; i += peer->batch)
    if (!peer_run_batch (peer, step, is_write, blobs + i, MIN (peer->batch, n - i),
                         error))
      return FALSE;
  return TRUE;
}

/* ---- Put, delete ---- */

static gboolean
peer_put_step (Peer *peer, const BenchBlob *blob, GError **error)
{
  return peer->slots->put (peer, blob, error);
}

gboolean
peer_put (gpointer place, const BenchBlob *blobs, guint n, GError **error)
{
  return peer_run (place, peer_put_step, TRUE, blobs, n, error);
}

static gboolean
peer_delete_step (Peer *peer, const BenchBlob *blob, GError **error)
{
  return peer->slots->remove (peer, blob, error);
}

gboolean
peer_delete (gpointer place, const BenchBlob *blobs, guint n, GError **error)
{
  return peer_run (place, peer_delete_step, TRUE, blobs, n, error);
}

/* ---- Get ---- */

gsize
peer_range (gsize size, gboolean is_whole, gsize *length)
{
  gsize offset = is_whole ? 0 : size / 2;
  *length = is_whole ? size : MIN (BENCH_RANGE, size - offset);
  return offset;
}

/* A set whose bytes have been dropped is taken as it comes. */
static gboolean
peer_check (const Peer *peer, const BenchBlob *blob, GBytes *got, gboolean is_whole,
            GError **error)
{
  gsize size, length, found;
  if (!blob->bytes)
    return TRUE;
  const char *wanted = g_bytes_get_data (blob->bytes, &size);
  const char *data = g_bytes_get_data (got, &found);
  gsize offset = peer_range (size, is_whole, &length);
  if (found != length)
    return peer_fail (error, blob->hex, "another size than was put");
  if (peer->is_first && length > 0 && memcmp (data, wanted + offset, length) != 0)
    return peer_fail (error, blob->hex, "other bytes than were put");
  return TRUE;
}

static gboolean
peer_get_some (Peer *peer, const BenchBlob *blob, gboolean is_whole, GError **error)
{
  g_autoptr (GBytes) got = peer->slots->get (peer, blob, is_whole, error);
  return got && peer_check (peer, blob, got, is_whole, error);
}

static gboolean
peer_get_step (Peer *peer, const BenchBlob *blob, GError **error)
{
  return peer_get_some (peer, blob, TRUE, error);
}

static gboolean
peer_get_range_step (Peer *peer, const BenchBlob *blob, GError **error)
{
  return peer_get_some (peer, blob, FALSE, error);
}

static gboolean
peer_get_all (Peer *peer, gboolean is_whole, const BenchBlob *blobs, guint n,
              GError **error)
{
  PeerStep step = is_whole ? peer_get_step : peer_get_range_step;
  peer->is_first = peer->checked[is_whole] != blobs;
  peer->checked[is_whole] = blobs;
  return peer_run (peer, step, FALSE, blobs, n, error);
}

gboolean
peer_get (gpointer place, const BenchBlob *blobs, guint n, GError **error)
{
  return peer_get_all (place, TRUE, blobs, n, error);
}

gboolean
peer_get_range (gpointer place, const BenchBlob *blobs, guint n, GError **error)
{
  return peer_get_all (place, FALSE, blobs, n, error);
}

/* ---- Contains ---- */

static gboolean
peer_has (Peer *peer, const BenchBlob *blob, gboolean is_wanted, GError **error)
{
  int found = peer->slots->has (peer, blob, error);
  if (found < 0)
    return FALSE;
  return found == is_wanted || peer_fail (error, blob->hex, found ? "there" : "absent");
}

static gboolean
peer_present_step (Peer *peer, const BenchBlob *blob, GError **error)
{
  return peer_has (peer, blob, TRUE, error);
}

static gboolean
peer_absent_step (Peer *peer, const BenchBlob *blob, GError **error)
{
  return peer_has (peer, blob, FALSE, error);
}

gboolean
peer_contains (gpointer place, const BenchBlob *blobs, guint n, GError **error)
{
  return peer_run (place, peer_present_step, FALSE, blobs, n, error);
}

gboolean
peer_contains_absent (gpointer place, const BenchBlob *blobs, guint n, GError **error)
{
  return peer_run (place, peer_absent_step, FALSE, blobs, n, error);
}

/* ---- List ---- */

static int
peer_compare_names (const void *a, const void *b, void *user_data)
{
  const gsize *size = user_data;
  return memcmp (a, b, *size);
}

gboolean
peer_list (GArray *names, gboolean is_sorted, guint n, GError **error)
{
  gsize size = g_array_get_element_size (names);
  if (!is_sorted)
    g_array_sort_with_data (names, peer_compare_names, &size);
  return names->len >= n || peer_fail (error, "list", "fewer blobs than there are");
}

/* ---- Names ---- */

typedef struct
{
  guint8 digest[32]; /* also the key */
  char name[PEER_NAME_MAX];
} PeerName;

/* A digest is as evenly spread as any hash of it would be. */
static guint
peer_names_hash (gconstpointer key)
{
  guint hash;
  memcpy (&hash, key, sizeof hash);
  return hash;
}

static gboolean
peer_names_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, 32) == 0;
}

GHashTable *
peer_names_new (void)
{
  return g_hash_table_new_full (peer_names_hash, peer_names_equal, NULL, g_free);
}

const void *
peer_names_find (GHashTable *names, const BenchBlob *blob)
{
  const PeerName *found = g_hash_table_lookup (names, blob->digest.bytes);
  return found ? found->name : NULL;
}

void
peer_names_add (GHashTable *names, const BenchBlob *blob, const void *name, gsize size)
{
  if (peer_names_find (names, blob))
    return;
  PeerName *added = g_new0 (PeerName, 1);
  memcpy (added->digest, blob->digest.bytes, sizeof added->digest);
  memcpy (added->name, name, MIN (size, sizeof added->name));
  g_hash_table_insert (names, added->digest, added);
}

void
peer_names_remove (GHashTable *names, const BenchBlob *blob)
{
  g_hash_table_remove (names, blob->digest.bytes);
}
