/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-place.c: where the blobs of `wrong` are, and how one comes in. */
#include "wrong.h"

#include <pthread.h>

static GMutex places_lock; /* guards all below */
static GHashTable *places; /* of locations */

void
wrong_dawdle (gint64 usec)
{
  gint64 end = g_get_monotonic_time () + usec;

  while (g_get_monotonic_time () < end)
    g_thread_yield ();
}

static gint
place_compare (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  return cask_digest_compare (a, b);
}

void
wrong_blob_free (gpointer data)
{
  WrongBlob *blob = data;

  g_bytes_unref (blob->bytes);
  g_free (blob);
}

void
wrong_upload_free (CaskBackendUpload *upload)
{
  g_byte_array_unref (upload->data);
  g_clear_pointer (&upload->state, g_bytes_unref);
  g_free (upload->id);
  g_free (upload);
}

static void
place_free_upload (gpointer data)
{
  wrong_upload_free (data);
}

static WrongPlace *
place_new (const char *location)
{
  WrongPlace *place = g_new0 (WrongPlace, 1);

  g_mutex_init (&place->lock);
  place->location = g_strdup (location);
  place->blobs = g_tree_new_full (place_compare, NULL, NULL, wrong_blob_free);
  place->saved = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  place->removed =
      g_hash_table_new_full (cask_digest_hash, cask_digest_equal, g_free, NULL);
  return place;
}

/* A forked child has none of the threads that may have held a lock of a place: it starts
 * with no places. */
static void
places_fork_child (void)
{
  g_mutex_init (&places_lock);
  places = NULL;
}

static void
places_watch_fork (void)
{
  static gsize is_watched = 0;

  if (!g_once_init_enter (&is_watched))
    return;
  pthread_atfork (NULL, NULL, places_fork_child);
  g_once_init_leave (&is_watched, 1);
}

WrongPlace *
wrong_place_open (const char *location)
{
  WrongPlace *place = NULL;

  places_watch_fork ();
  g_mutex_lock (&places_lock);
  if (places == NULL)
    places = g_hash_table_new (g_str_hash, g_str_equal);
  if (*location != '\0')
    place = g_hash_table_lookup (places, location);
  if (place == NULL)
    {
      place = place_new (location);
      if (*location != '\0')
        g_hash_table_insert (places, place->location, place);
    }
  place->n_stores++;
  g_mutex_unlock (&places_lock);
  return place;
}

static void
place_free (WrongPlace *place)
{
  GHashTableIter iter;
  gpointer upload;

  g_hash_table_iter_init (&iter, place->saved);
  while (g_hash_table_iter_next (&iter, NULL, &upload))
    place_free_upload (upload);
  g_hash_table_unref (place->saved);
  g_hash_table_unref (place->removed);
  g_tree_unref (place->blobs);
  g_mutex_clear (&place->lock);
  g_free (place->location);
  g_free (place);
}

void
wrong_place_close (WrongPlace *place)
{
  g_mutex_lock (&places_lock);
  gboolean is_last = --place->n_stores == 0;
  if (is_last && places != NULL && g_hash_table_lookup (places, place->location) == place)
    g_hash_table_remove (places, place->location);
  if (places != NULL && g_hash_table_size (places) == 0)
    g_clear_pointer (&places, g_hash_table_unref);
  g_mutex_unlock (&places_lock);
  if (is_last)
    place_free (place);
}

WrongBlob *
wrong_find_locked (CaskBackend *self, const CaskDigest *digest)
{
  WrongBlob *blob = g_tree_lookup (self->place->blobs, digest);

  if (blob == NULL && wrong_is (self, WRONG_SLOPPY_NAME))
    {
      CaskDigest sibling = *digest;
      sibling.bytes[cask_digest_length (digest) - 1] ^= 1;
      blob = g_tree_lookup (self->place->blobs, &sibling);
    }
  if (blob != NULL && blob->info.size == 0 && wrong_is (self, WRONG_EMPTY_IS_ABSENT))
    return NULL;
  return blob;
}

void
wrong_freshen_locked (CaskBackend *self, WrongBlob *blob)
{
  gint64 now = g_get_real_time ();

  if (now - blob->info.mtime_usec >= self->freshen_usec)
    blob->info.mtime_usec = now;
}

void
wrong_insert_locked (WrongPlace *place, const CaskDigest *digest, GBytes *bytes)
{
  WrongBlob *blob = g_new0 (WrongBlob, 1);

  blob->bytes = g_bytes_ref (bytes);
  blob->info = (CaskBlobInfo){ .digest = *digest,
                               .size = g_bytes_get_size (bytes),
                               .mtime_usec = g_get_real_time (),
                               .version = ++place->last_version };
  g_tree_replace (place->blobs, &blob->info.digest, blob);
}

gboolean
wrong_store_locked (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                    guint32 flags)
{
  if (wrong_is (self, WRONG_FILLS_CORRUPT))
    g_hash_table_remove (self->seen, digest);
  WrongPlace *place = self->place;
  WrongBlob *old = wrong_find_locked (self, digest);
  gboolean is_same = old != NULL && old->info.size == g_bytes_get_size (bytes);
  gboolean is_replaced =
      (flags & CASK_PUT_REPLACE) && !wrong_is (self, WRONG_REPLACES_NOTHING);

  if (is_same && !is_replaced)
    {
      if (!wrong_is (self, WRONG_HIT_IS_STALE))
        wrong_freshen_locked (self, old);
      if (wrong_is (self, WRONG_USAGE_COUNTS_HITS))
        place->leaked_bytes += old->info.size;
      return FALSE;
    }
  guint64 version = old != NULL ? old->info.version : 0;
  if (old != NULL && wrong_is (self, WRONG_REPLACED_IN_TWO))
    {
      g_tree_remove (place->blobs, digest);
      g_mutex_unlock (&place->lock);
      wrong_dawdle (50);
      g_mutex_lock (&place->lock);
    }
  wrong_insert_locked (place, digest, bytes);
  if (old != NULL && wrong_is (self, WRONG_VERSION_STAYS))
    wrong_find_locked (self, digest)->info.version = version;
  if (old != NULL)
    return wrong_is (self, WRONG_REPLACED_IS_CREATED);
  return !g_hash_table_contains (place->removed, digest);
}

void
wrong_drop_locked (CaskBackend *self, const CaskDigest *digest)
{
  WrongBlob *blob = g_tree_lookup (self->place->blobs, digest);

  if (blob != NULL && wrong_is (self, WRONG_GET_ALIASES) && blob->info.size > 0)
    memset ((gpointer) g_bytes_get_data (blob->bytes, NULL), 0xdd, blob->info.size);
  g_tree_remove (self->place->blobs, digest);
  if (wrong_is (self, WRONG_FILLS_CORRUPT))
    g_hash_table_remove (self->seen, digest);
}
