/* SPDX-License-Identifier: Apache-2.0
 *
 * twin.c: a backend in the program itself.
 *
 * Copy i has the version i + 1; condemning one makes the next be served.
 *
 * Locks: `lock` guards `n_open`. A store that was dropped is closed in the background, so
 * a new world begins only when the old one has ended. */
#include "twin.h"

#include <string.h>

Twin twin;

static GMutex lock;
static GCond closed;
static guint n_open; /* lock */

struct _CaskBackend
{
  const CaskHost *host;
  CaskDigest digest;
  GBytes *bytes; /* (nullable) */
  guint copy;    /* that is served */
};

static void
twin_hash (const CaskHost *host)
{
  CaskHasher *hasher = host->hasher_new (host, CASK_ALGORITHM_SHA256);

  host->hasher_update (hasher, "a", 1);
  host->hasher_update (hasher, "bc", 2);
  host->hasher_finish (hasher, &twin.hashed);
  host->hasher_finish (host->hasher_new (host, CASK_ALGORITHM_SHA512), NULL);
  twin.knew_no_hash = host->hasher_new (host, 99) == NULL;
}

static CaskBackend *
twin_backend_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  GBytes *secret = args->values[0].secret;
  (void) cancellable;

  g_clear_pointer (&twin.secret, g_free);
  if (secret != NULL)
    twin.secret = g_strndup (g_bytes_get_data (secret, NULL), g_bytes_get_size (secret));
  if (twin.open_fails)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_AUTH, "the key is refused");
      return NULL;
    }
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->host = args->host;
  twin_hash (self->host);
  g_mutex_lock (&lock);
  n_open++;
  g_mutex_unlock (&lock);
  return self;
}

static void
twin_close (CaskBackend *self)
{
  twin.n_closed++;
  twin.jobs_ended_at_close = g_atomic_int_get (&twin.jobs_ended);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
  g_mutex_lock (&lock);
  n_open--;
  g_cond_broadcast (&closed);
  g_mutex_unlock (&lock);
}

static void
twin_job (gpointer data, GCancellable *cancellable)
{
  GPollFD wait;
  (void) data;

  if (g_cancellable_make_pollfd (cancellable, &wait))
    {
      g_poll (&wait, 1, -1);
      g_cancellable_release_fd (cancellable);
    }
  g_atomic_int_inc (&twin.jobs_ended);
}

static gboolean
twin_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  twin.put_flags = flags;
  *created = self->bytes == NULL;
  if (flags & CASK_PUT_REPLACE)
    self->copy = twin.n_bad;
  self->digest = *digest;
  g_clear_pointer (&self->bytes, g_bytes_unref);
  self->bytes = g_bytes_ref (bytes);
  if (twin.spawns)
    self->host->spawn (self->host, twin_job, self);
  return TRUE;
}

static gboolean
twin_find (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info,
           GError **error)
{
  if (self->bytes == NULL || !cask_digest_equal (digest, &self->digest))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
      return FALSE;
    }
  info->digest = *digest;
  info->size = g_bytes_get_size (self->bytes);
  info->version = self->copy + 1;
  return TRUE;
}

static void
twin_warn (CaskBackend *self, const CaskDigest *digest)
{
  g_autoptr (GError) error =
      g_error_new_literal (CASK_ERROR, CASK_ERROR_CORRUPT, "one copy is bad");

  self->host->warn (self->host, digest, error);
  self->host->warn (self->host, NULL, error);
}

static GBytes *
twin_copy (CaskBackend *self, guint64 offset, guint64 length)
{
  const guint8 *data = g_bytes_get_data (self->bytes, NULL);
  guint8 *copy = g_memdup2 (data + offset, (gsize) length);

  if (self->copy < twin.n_bad && length > 0)
    copy[0] ^= 1;
  return g_bytes_new_take (copy, (gsize) length);
}

static GBytes *
twin_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  twin.n_gets++;
  twin.get_flags = flags;
  if (twin.cancels != NULL)
    {
      g_cancellable_cancel (twin.cancels);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "given up");
      return NULL;
    }
  if (!twin_find (self, digest, info, error))
    return NULL;
  if (!cask_range_clamp (info->size, offset, &length))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE, "past the end");
      return NULL;
    }
  if (twin.n_gets <= twin.n_restless)
    info->version = 1000 + twin.n_gets;
  twin.largest_get = MAX (twin.largest_get, length);
  if (twin.warns)
    twin_warn (self, digest);
  return twin_copy (self, offset, length);
}

static gboolean
twin_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  return twin_find (self, digest, info, error);
}

static gboolean
twin_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;
  (void) unused_since_usec;
  (void) cancellable;
  (void) error;

  gboolean there = twin_find (self, digest, &info, NULL);
  *outcome = there ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT;
  if (there)
    g_clear_pointer (&self->bytes, g_bytes_unref);
  return TRUE;
}

static gboolean
twin_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
           guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  (void) error;
  *more = FALSE;
  *n_infos = 0;
  if (self->bytes != NULL &&
      (after == NULL || cask_digest_compare (&self->digest, after) > 0))
    *n_infos = (guint32) twin_find (self, &self->digest, infos, NULL);
  return TRUE;
}

static gboolean
twin_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) cancellable;
  (void) error;
  twin.n_flushes++;
  return TRUE;
}

static gboolean
twin_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version, guint32 flags,
              gboolean *again, GCancellable *cancellable, GError **error)
{
  (void) digest;
  (void) cancellable;
  twin.condemn_flags = flags;
  twin.condemned[MIN (twin.n_condemned, G_N_ELEMENTS (twin.condemned) - 1)] = version;
  twin.n_condemned++;
  *again = TRUE;
  if (twin.condemn_fails)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO, "the note is full");
      return FALSE;
    }
  if (self->copy + 1 < twin.n_copies)
    self->copy++;
  else
    *again = FALSE;
  if (!*again && (flags & CASK_CONDEMN_QUARANTINE))
    g_clear_pointer (&self->bytes, g_bytes_unref);
  return TRUE;
}

static const CaskOptionSpec twin_options[] = {
  { .name = "key", .help = "who asks", .type = CASK_OPTION_SECRET },
  { .name = "room", .help = "how many", .type = CASK_OPTION_UINT, .fallback = "1" },
};

static const CaskBackendOps twin_ops = {
  .size = sizeof (CaskBackendOps),
  .open = twin_backend_open,
  .close = twin_close,
  .put = twin_put,
  .get = twin_get,
  .stat = twin_stat,
  .remove = twin_remove,
  .list = twin_list,
  .flush = twin_flush,
  .condemn = twin_condemn,
};

static const CaskPlugin twin_plugin = {
  .magic = CASK_PLUGIN_MAGIC,
  .size = sizeof (CaskPlugin),
  .abi_major = CASK_PLUGIN_ABI_MAJOR,
  .abi_minor = CASK_PLUGIN_ABI_MINOR,
  .option_size = sizeof (CaskOptionSpec),
  .n_options = G_N_ELEMENTS (twin_options),
  .kind = CASK_PLUGIN_BACKEND,
  .capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_QUARANTINE,
  .name = "twin",
  .version = "1.0",
  .summary = "One blob in several copies",
  .options = twin_options,
  .ops = &twin_ops,
};

void
twin_reset (void)
{
  g_autoptr (GError) error = NULL;
  static gboolean registered;

  if (!registered)
    registered = cask_register_plugin (&twin_plugin, &error);
  TEST_NO_ERROR (error);
  g_mutex_lock (&lock);
  while (n_open > 0)
    g_cond_wait (&closed, &lock);
  g_mutex_unlock (&lock);
  g_free (twin.secret);
  twin = (Twin){ .n_copies = 1 };
}

CaskStore *
twin_open (const char *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = g_strconcat ("twin", options, NULL);

  twin_reset ();
  CaskStore *store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  return store;
}
