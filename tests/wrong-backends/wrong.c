/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong.c: the backend `wrong`: correct, but for what its option `wrong` says. */
#include "wrong.h"

#define WRONG_TAIL 4096 /* bytes, of which LOSES_TAIL stores no more */

enum
{
  WRONG_OPTION_FRESHEN,
  WRONG_OPTION_WRONG
};

static const CaskOptionSpec wrong_options[] = {
  [WRONG_OPTION_FRESHEN] = { .name = "freshen",
                             .help = "how old a time may be before a use renews it",
                             .fallback = "60s",
                             .type = CASK_OPTION_DURATION },
  [WRONG_OPTION_WRONG] = { .name = "wrong",
                           .help = "what it does wrong",
                           .fallback = "nothing",
                           .choices = "nothing"
#define WRONG_wrong(name) "|" name
#define WRONG_wrong_files(name)
#define WRONG(plugin, id, name, promise, number, what) WRONG_##plugin (name)
#include "wrong.def"
#undef WRONG
                           ,
                           .type = CASK_OPTION_CHOICE },
};

static CaskBackend *
wrong_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->place = wrong_place_open (args->location);
  self->freshen_usec =
      (gint64) MIN (args->values[WRONG_OPTION_FRESHEN].number, (guint64) G_MAXINT64);
  self->wrong = (Wrong) args->values[WRONG_OPTION_WRONG].number;
  self->seen =
      g_hash_table_new_full (cask_digest_hash, cask_digest_equal, NULL, wrong_blob_free);
  return self;
}

static void
wrong_close (CaskBackend *self)
{
  wrong_place_close (self->place);
  g_hash_table_unref (self->seen);
  g_free (self);
}

static guint64
wrong_capabilities (CaskBackend *self)
{
  guint64 capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_EXACT_CREATED |
                         CASK_CAPABILITY_FRESHENS | CASK_CAPABILITY_REMOVE_UNUSED |
                         CASK_CAPABILITY_READS_OUTLIVE_REMOVE | CASK_CAPABILITY_RESUME |
                         CASK_CAPABILITY_QUARANTINE;

  if (wrong_is (self, WRONG_CLAIMS_SHARED))
    capabilities |= CASK_CAPABILITY_SHARED;
  if (wrong_is (self, WRONG_CLAIMS_DURABLE))
    capabilities |= CASK_CAPABILITY_DURABLE;
  if (wrong_is (self, WRONG_CLAIMS_IMMUTABLE))
    capabilities |= CASK_CAPABILITY_IMMUTABLE;
  if (wrong_is (self, WRONG_REFUSES_AGELESS))
    capabilities &= ~(guint64) CASK_CAPABILITY_REMOVE_UNUSED;
  return capabilities;
}

/* Memory that is given out is never given back to the system, so that the one thing wrong
 * with it is that it changes: reading freed memory would end the process under a
 * sanitizer. */
static GBytes *
wrong_keep_for_ever (gconstpointer data, gsize size)
{
  static GMutex lock;
  static GPtrArray *all;
  GBytes *bytes = g_bytes_new (data, size);

  g_mutex_lock (&lock);
  if (all == NULL)
    all = g_ptr_array_new ();
  g_ptr_array_add (all, g_bytes_ref (bytes));
  g_mutex_unlock (&lock);
  return bytes;
}

/* Returns: (transfer full): what is kept of bytes */
static GBytes *
wrong_keep (CaskBackend *self, GBytes *bytes, guint32 flags)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (wrong_is (self, WRONG_LOSES_TAIL))
    return g_bytes_new (data, MIN (size, WRONG_TAIL));
  if (wrong_is (self, WRONG_KEEPS_UNASKED))
    return g_bytes_ref (bytes);
  if (wrong_is (self, WRONG_GET_ALIASES))
    return wrong_keep_for_ever (data, size);
  return flags & CASK_PUT_KEEP ? g_bytes_ref (bytes) : g_bytes_new (data, size);
}

gboolean
wrong_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
           gboolean *created, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_autoptr (GBytes) kept = wrong_keep (self, bytes, flags);
  if (wrong_is (self, WRONG_CANCELLED_IS_IO))
    {
      wrong_dawdle (200);
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO, "interrupted");
          return FALSE;
        }
    }
  g_mutex_lock (&self->place->lock);
  gboolean was_there = wrong_find_locked (self, digest) != NULL;
  if (wrong_is (self, WRONG_CREATED_TWICE))
    {
      g_mutex_unlock (&self->place->lock);
      wrong_dawdle (500);
      g_mutex_lock (&self->place->lock);
    }
  *created = wrong_store_locked (self, digest, kept, flags);
  g_mutex_unlock (&self->place->lock);

  if (wrong_is (self, WRONG_CREATED_ALWAYS))
    *created = TRUE;
  if (wrong_is (self, WRONG_CREATED_TWICE))
    *created = !was_there;
  if (!wrong_is (self, WRONG_CANCELLED_BUT_STORED))
    return TRUE;
  wrong_dawdle (500);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Whether its age permits the removal. */
static gboolean
wrong_may_remove_locked (CaskBackend *self, const WrongBlob *blob, gint64 unused_since)
{
  if (unused_since == CASK_ALWAYS || wrong_is (self, WRONG_UNUSED_ANY_AGE))
    return TRUE;
  gboolean is_older = blob->info.mtime_usec < unused_since;
  if (wrong_is (self, WRONG_UNUSED_INCLUSIVE))
    is_older = blob->info.mtime_usec <= unused_since;
  if (wrong_is (self, WRONG_UNUSED_TWO_STEPS))
    {
      g_mutex_unlock (&self->place->lock);
      wrong_dawdle (20);
      g_mutex_lock (&self->place->lock);
    }
  return is_older;
}

static CaskRemoved
wrong_remove_locked (CaskBackend *self, const CaskDigest *digest, gint64 unused_since)
{
  WrongPlace *place = self->place;
  WrongBlob *blob = wrong_find_locked (self, digest);

  if (blob == NULL)
    return wrong_is (self, WRONG_MISSING_EXISTED) ? CASK_REMOVED_DONE
                                                  : CASK_REMOVED_ABSENT;
  if (!wrong_may_remove_locked (self, blob, unused_since))
    return CASK_REMOVED_KEPT;
  if (wrong_is (self, WRONG_REMEMBERS_REMOVED))
    g_hash_table_add (place->removed, g_memdup2 (digest, sizeof *digest));
  if (wrong_is (self, WRONG_REMOVED_TWICE))
    {
      g_mutex_unlock (&place->lock);
      wrong_dawdle (50);
      g_mutex_lock (&place->lock);
    }
  if (!wrong_is (self, WRONG_REMOVES_NOTHING))
    wrong_drop_locked (self, digest);
  return CASK_REMOVED_DONE;
}

gboolean
wrong_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
              CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (wrong_is (self, WRONG_REFUSES_AGELESS))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                           "no times are kept");
      return FALSE;
    }
  g_mutex_lock (&self->place->lock);
  *outcome = wrong_remove_locked (self, digest, unused_since_usec);
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}

/* Whether the copy was there, which is then gone. Nobody looks at what memory keeps
 * aside, so nothing is kept. */
static gboolean
wrong_move_locked (CaskBackend *self, const CaskDigest *digest, guint64 version)
{
  WrongPlace *place = self->place;
  WrongBlob *blob = wrong_find_locked (self, digest);

  if (blob == NULL || blob->info.version != version)
    return FALSE;
  if (wrong_is (self, WRONG_QUARANTINE_STAYS))
    return TRUE;
  if (wrong_is (self, WRONG_QUARANTINE_IS_HIT))
    g_hash_table_add (place->removed, g_memdup2 (digest, sizeof *digest));
  if (wrong_is (self, WRONG_QUARANTINE_TAKES_MORE))
    g_tree_remove_all (place->blobs);
  else
    g_tree_remove (place->blobs, digest);
  return TRUE;
}

static gboolean
wrong_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version,
               guint32 flags, gboolean *again, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  *again = FALSE;
  if (!(flags & CASK_CONDEMN_QUARANTINE) && !wrong_is (self, WRONG_CONDEMNED_IS_ABSENT))
    return TRUE;
  if (wrong_is (self, WRONG_CLAIMS_QUARANTINE))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "no quarantine");
      return FALSE;
    }
  g_mutex_lock (&self->place->lock);
  *again = !wrong_move_locked (self, digest, version);
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}

static gboolean
wrong_flush (CaskBackend *self, G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  (void) self;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                       "memory does not outlive the process");
  return FALSE;
}

static gboolean
wrong_add_size (G_GNUC_UNUSED gpointer digest, gpointer value, gpointer data)
{
  const WrongBlob *blob = value;
  guint64 *bytes = data;

  *bytes += blob->info.size;
  return FALSE;
}

static gboolean
wrong_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable,
             GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->place->lock);
  usage->count = (guint64) g_tree_nnodes (self->place->blobs);
  usage->bytes = self->place->leaked_bytes;
  g_tree_foreach (self->place->blobs, wrong_add_size, &usage->bytes);
  g_mutex_unlock (&self->place->lock);
  return TRUE;
}

static const CaskBackendOps wrong_ops = {
  .size = sizeof (CaskBackendOps),
  .open = wrong_open,
  .close = wrong_close,
  .put = wrong_put,
  .get = wrong_get,
  .stat = wrong_stat,
  .remove = wrong_remove,
  .list = wrong_list,
  .capabilities = wrong_capabilities,
  .try_get = wrong_try_get,
  .try_stat = wrong_try_stat,
  .blob_open = wrong_blob_open,
  .blob_read = wrong_blob_read,
  .blob_close = wrong_blob_close,
  .upload_begin = wrong_upload_begin,
  .upload_write = wrong_upload_write,
  .upload_commit = wrong_upload_commit,
  .upload_close = wrong_upload_close,
  .upload_save = wrong_upload_save,
  .upload_resume = wrong_upload_resume,
  .upload_list = wrong_upload_list,
  .upload_read = wrong_upload_read,
  .put_many = wrong_put_many,
  .contains_many = wrong_contains_many,
  .remove_many = wrong_remove_many,
  .flush = wrong_flush,
  .usage = wrong_usage,
  .condemn = wrong_condemn,
};

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (wrong_options),
                    .kind = CASK_PLUGIN_BACKEND, .location = CASK_LOCATION_OPTIONAL,
                    .name = "wrong", .version = "1.0",
                    .summary = "Blobs in memory, with one promise broken",
                    .options = wrong_options, .ops = &wrong_ops)
