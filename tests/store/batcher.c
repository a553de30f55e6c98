/* SPDX-License-Identifier: Apache-2.0
 *
 * batcher.c: a backend that writes down which calls it was given.
 *
 * Locks: `batcher_lock` guards the world and the blobs. */
#include "batcher.h"

#include <cask/cask-digest.h>
#include <cask/cask-plugin.h>
#include <string.h>

Batcher batcher;
GMutex batcher_lock;
GCond batcher_changed;
static guint n_open; /* lock; a store that was dropped is closed in the background */

struct _CaskBackend
{
  GHashTable *blobs; /* of CaskDigest to GBytes */
  gboolean is_good;  /* the second copy is served */
};

static CaskBackend *
batcher_backend_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  (void) args;
  (void) cancellable;
  (void) error;
  g_mutex_lock (&batcher_lock);
  n_open++;
  g_mutex_unlock (&batcher_lock);
  self->blobs = g_hash_table_new_full (cask_digest_hash, cask_digest_equal, g_free,
                                       (GDestroyNotify) g_bytes_unref);
  return self;
}

static void
batcher_close (CaskBackend *self)
{
  g_hash_table_unref (self->blobs);
  g_free (self);
  g_mutex_lock (&batcher_lock);
  batcher.n_closed++;
  n_open--;
  g_cond_broadcast (&batcher_changed);
  g_mutex_unlock (&batcher_lock);
}

/* Under lock. */
static void
batcher_hang (void)
{
  if (!batcher.hangs)
    return;
  batcher.n_hanging++;
  g_cond_broadcast (&batcher_changed);
  while (batcher.hangs)
    g_cond_wait (&batcher_changed, &batcher_lock);
}

/* Under lock, which it drops to cancel. Counts one item. */
static void
batcher_count_item (void)
{
  gboolean due = ++batcher.n_items == batcher.cancel_at && batcher.cancels != NULL;

  if (!due)
    return;
  g_mutex_unlock (&batcher_lock);
  g_cancellable_cancel (batcher.cancels);
  g_mutex_lock (&batcher_lock);
}

/* Under lock. */
static gboolean
batcher_store (CaskBackend *self, const CaskDigest *digest, GBytes *bytes)
{
  return g_hash_table_replace (self->blobs, g_memdup2 (digest, sizeof *digest),
                               g_bytes_ref (bytes));
}

static gboolean
batcher_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
             gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&batcher_lock);
  batcher_hang ();
  batcher.n_single++;
  batcher.put_flags = flags;
  *created = batcher_store (self, digest, bytes);
  batcher_count_item ();
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

/* Under lock. (transfer full) (nullable) */
static GBytes *
batcher_read (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info,
              GError **error)
{
  GBytes *bytes = g_hash_table_lookup (self->blobs, digest);

  if (bytes == NULL)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "not on the shelf");
      return NULL;
    }
  info->digest = *digest;
  info->size = g_bytes_get_size (bytes);
  info->version = self->is_good ? 2 : 1;
  batcher.largest_read = MAX (batcher.largest_read, (gsize) info->size);
  if (!batcher.first_is_bad || self->is_good)
    return g_bytes_ref (bytes);
  guint8 *copy = g_memdup2 (g_bytes_get_data (bytes, NULL), (gsize) info->size);
  copy[0] ^= 1;
  return g_bytes_new_take (copy, (gsize) info->size);
}

static GBytes *
batcher_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
             guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  g_mutex_lock (&batcher_lock);
  batcher_hang ();
  batcher.n_gets++;
  g_autoptr (GBytes) whole = batcher_read (self, digest, info, error);
  batcher_count_item ();
  g_mutex_unlock (&batcher_lock);
  if (whole == NULL)
    return NULL;
  cask_range_clamp (info->size, offset, &length);
  return g_bytes_new_from_bytes (whole, (gsize) offset, (gsize) length);
}

/* Where it is told to, finds one blob, and then all are gone. */
static CaskTry
batcher_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                 guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  (void) offset;
  (void) length;
  (void) flags;
  g_mutex_lock (&batcher_lock);
  gboolean found = batcher.finds_once;
  if (found)
    {
      *bytes = batcher_read (self, digest, info, NULL);
      g_hash_table_remove_all (self->blobs);
    }
  batcher.finds_once = FALSE;
  g_mutex_unlock (&batcher_lock);
  return found ? CASK_TRY_FOUND : CASK_TRY_AGAIN;
}

static gboolean
batcher_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
              CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  g_mutex_lock (&batcher_lock);
  batcher.n_stats++;
  g_autoptr (GBytes) whole = batcher_read (self, digest, info, error);
  g_mutex_unlock (&batcher_lock);
  return whole != NULL;
}

static gboolean
batcher_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
                CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) unused_since_usec;
  (void) cancellable;
  (void) error;
  g_mutex_lock (&batcher_lock);
  *outcome =
      g_hash_table_remove (self->blobs, digest) ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT;
  batcher_count_item ();
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

static gboolean
batcher_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
              CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
              GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) after;
  (void) flags;
  (void) infos;
  (void) cancellable;
  (void) error;
  *n_infos = 0;
  *more = FALSE;
  return TRUE;
}

static gboolean
batcher_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version,
                 guint32 flags, gboolean *again, GCancellable *cancellable,
                 GError **error)
{
  (void) digest;
  (void) version;
  (void) flags;
  (void) cancellable;
  (void) error;
  g_mutex_lock (&batcher_lock);
  batcher.n_condemned++;
  *again = !self->is_good;
  self->is_good = TRUE;
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

/* ---- Batches ---- */

/* Takes the lock, and notes the call. FALSE, without the lock: refused. */
static gboolean
batcher_begin (gsize n_items, GError **error)
{
  g_mutex_lock (&batcher_lock);
  if (batcher.n_calls < BATCHER_CALLS)
    {
      batcher.sizes[batcher.n_calls] = n_items;
      batcher.threads[batcher.n_calls] = g_thread_self ();
    }
  batcher.n_calls++;
  if (!batcher.refuses)
    return TRUE;
  g_mutex_unlock (&batcher_lock);
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNAVAILABLE, "the shelf is locked");
  return FALSE;
}

/* Under lock. */
static void
batcher_meet (void)
{
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  batcher.n_meeting++;
  g_cond_broadcast (&batcher_changed);
  while (batcher.n_meeting < 2 &&
         g_cond_wait_until (&batcher_changed, &batcher_lock, end))
    ;
}

static gboolean
batcher_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                  GCancellable *cancellable, GError **error)
{
  if (!batcher_begin (n_items, error))
    return FALSE;
  if (batcher.meets)
    batcher_meet ();
  batcher_hang ();
  batcher.put_flags = flags;
  for (gsize i = 0; i < n_items; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, &items[i].error))
        continue;
      items[i].outcome = (guint32) batcher_store (self, items[i].digest, items[i].bytes);
      batcher_count_item ();
    }
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

static gboolean
batcher_get_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                  GCancellable *cancellable, GError **error)
{
  CaskBlobInfo unwanted;
  (void) flags;
  (void) cancellable;
  if (!batcher_begin (n_items, error))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    items[i].bytes =
        batcher_read (self, items[i].digest,
                      items[i].info != NULL ? items[i].info : &unwanted, &items[i].error);
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

static gboolean
batcher_contains_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                       GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  if (!batcher_begin (n_items, error))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    {
      GBytes *bytes = g_hash_table_lookup (self->blobs, items[i].digest);
      items[i].outcome = bytes != NULL;
      if (bytes != NULL && items[i].info != NULL && !batcher.hides_sizes)
        items[i].info->size = g_bytes_get_size (bytes);
      if (bytes == NULL && batcher.says_not_found)
        g_set_error_literal (&items[i].error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "none");
    }
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

static gboolean
batcher_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                     gint64 unused_since_usec, GCancellable *cancellable, GError **error)
{
  (void) unused_since_usec;
  (void) cancellable;
  if (!batcher_begin (n_items, error))
    return FALSE;
  for (gsize i = 0; i < n_items; i++)
    items[i].outcome = batcher.odd_outcome != 0 ? (guint32) batcher.odd_outcome
                       : g_hash_table_remove (self->blobs, items[i].digest)
                           ? CASK_REMOVED_DONE
                           : CASK_REMOVED_ABSENT;
  g_mutex_unlock (&batcher_lock);
  return TRUE;
}

#define BATCHER_SLOTS                                                                    \
  .size = sizeof (CaskBackendOps), .open = batcher_backend_open, .close = batcher_close, \
  .put = batcher_put, .get = batcher_get, .stat = batcher_stat,                          \
  .remove = batcher_remove, .list = batcher_list, .try_get = batcher_try_get,            \
  .condemn = batcher_condemn

static const CaskBackendOps batcher_ops = { BATCHER_SLOTS, .put_many = batcher_put_many,
                                            .get_many = batcher_get_many,
                                            .contains_many = batcher_contains_many,
                                            .remove_many = batcher_remove_many };
static const CaskBackendOps plain_ops = { BATCHER_SLOTS };

#define BATCHER_PLUGIN(name_, ops_)                                                      \
  {                                                                                      \
    .magic = CASK_PLUGIN_MAGIC, .size = sizeof (CaskPlugin),                             \
    .abi_major = CASK_PLUGIN_ABI_MAJOR, .abi_minor = CASK_PLUGIN_ABI_MINOR,              \
    .option_size = sizeof (CaskOptionSpec), .kind = CASK_PLUGIN_BACKEND,                 \
    .capabilities = CASK_CAPABILITY_WRITE, .name = name_, .version = "1.0",              \
    .summary = "Writes down its calls", .ops = &ops_                                     \
  }

static const CaskPlugin batcher_plugin = BATCHER_PLUGIN ("batcher", batcher_ops);
static const CaskPlugin plain_plugin = BATCHER_PLUGIN ("plain", plain_ops);

CaskStore *
batcher_open (const char *config)
{
  g_autoptr (GError) error = NULL;
  static gboolean registered;

  if (!registered)
    registered = cask_register_plugin (&batcher_plugin, &error) &&
                 cask_register_plugin (&plain_plugin, &error);
  TEST_NO_ERROR (error);
  g_mutex_lock (&batcher_lock);
  while (n_open > 0)
    g_cond_wait (&batcher_changed, &batcher_lock);
  batcher = (Batcher){ 0 };
  g_mutex_unlock (&batcher_lock);
  CaskStore *store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  return store;
}

void
batcher_open_gate (void)
{
  g_mutex_lock (&batcher_lock);
  batcher.hangs = FALSE;
  g_cond_broadcast (&batcher_changed);
  g_mutex_unlock (&batcher_lock);
}

void
batcher_wait_hanging (guint n)
{
  g_mutex_lock (&batcher_lock);
  while (batcher.n_hanging < n)
    g_cond_wait (&batcher_changed, &batcher_lock);
  g_mutex_unlock (&batcher_lock);
}

/* ---- What the tests put ---- */

void
lot_clear (Lot *lot)
{
  for (guint i = 0; i < lot->n; i++)
    g_bytes_unref (lot->bytes[i]);
}

void
lot_fill (Lot *lot, guint n, gsize size)
{
  lot->n = n;
  for (guint i = 0; i < n; i++)
    {
      guint8 *data = g_malloc0 (size + sizeof i);
      memcpy (data, &i, sizeof i);
      lot->bytes[i] = g_bytes_new_take (data, size + sizeof i);
      cask_digest_of_bytes (lot->bytes[i], CASK_ALGORITHM_SHA256, &lot->digests[i]);
      lot->names[i] = &lot->digests[i];
    }
}

CaskResults *
lot_put (CaskStore *store, const Lot *lot, CaskPutFlags flags, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  CaskResults *results = cask_store_put_many (store, lot->names, lot->bytes, lot->n,
                                              flags, cancellable, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (results);
  return results;
}

CaskResults *
lot_get (CaskStore *store, const Lot *lot)
{
  g_autoptr (GError) error = NULL;
  CaskResults *results = cask_store_get_many (store, lot->names, lot->n, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (results);
  return results;
}

guint
count_failed (CaskResults *results, GQuark domain, gint code)
{
  guint n = 0;

  for (guint i = 0; results != NULL && i < cask_results_get_length (results); i++)
    n += g_error_matches (cask_results_get_error (results, i), domain, code);
  return n;
}

guint
count_good (CaskResults *results)
{
  guint n = 0;

  for (guint i = 0; results != NULL && i < cask_results_get_length (results); i++)
    n += cask_results_get_error (results, i) == NULL;
  return n;
}

void
on_result (GObject *source, GAsyncResult *result, gpointer data)
{
  (void) source;
  g_set_object ((GAsyncResult **) data, result);
}

void
wait_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}
