/* SPDX-License-Identifier: Apache-2.0
 *
 * keeper.c: a backend of one upload and one blob, with every slot of an upload.
 *
 * One thread only: the tests call synchronously. */
#include "keeper.h"

#include <string.h>

Keeper keeper;

struct _CaskBackend
{
  CaskDigest digest;
  GBytes *blob; /* (nullable) */
};

struct _CaskBackendUpload
{
  gsize written;
};

static CaskBackend *
keeper_backend_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) args, (void) cancellable, (void) error;
  return g_new0 (CaskBackend, 1);
}

static void
keeper_close (CaskBackend *self)
{
  g_clear_pointer (&self->blob, g_bytes_unref);
  g_free (self);
}

static gboolean
keeper_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
            gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) flags, (void) cancellable, (void) error;
  *created = self->blob == NULL;
  g_clear_pointer (&self->blob, g_bytes_unref);
  self->blob = g_bytes_ref (bytes);
  self->digest = *digest;
  return TRUE;
}

static gboolean
keeper_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
             CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) flags, (void) cancellable;
  if (self->blob == NULL || !cask_digest_equal (digest, &self->digest))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
      return FALSE;
    }
  info->digest = *digest;
  info->size = g_bytes_get_size (self->blob);
  return TRUE;
}

static GBytes *
keeper_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
            guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  if (!keeper_stat (self, digest, flags, info, cancellable, error))
    return NULL;
  if (cask_range_clamp (info->size, offset, &length))
    return g_bytes_new_from_bytes (self->blob, (gsize) offset, (gsize) length);
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE, "past the end");
  return NULL;
}

static gboolean
keeper_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
               CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) digest, (void) unused_since_usec, (void) cancellable, (void) error;
  *outcome = self->blob != NULL ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT;
  g_clear_pointer (&self->blob, g_bytes_unref);
  return TRUE;
}

static gboolean
keeper_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
             CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
             GCancellable *cancellable, GError **error)
{
  (void) self, (void) after, (void) flags, (void) infos, (void) cancellable, (void) error;
  *n_infos = 0;
  *more = FALSE;
  return TRUE;
}

/* ---- The upload ---- */

static CaskBackendUpload *
keeper_upload_new (gsize written)
{
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);

  upload->written = written;
  keeper.is_open = TRUE;
  g_byte_array_set_size (keeper.bytes, (guint) written);
  return upload;
}

static CaskBackendUpload *
keeper_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                     GCancellable *cancellable, GError **error)
{
  (void) self, (void) spec, (void) cancellable, (void) error;
  return keeper_upload_new (0);
}

static gboolean
keeper_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                     GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk, &size);
  (void) self;

  if (keeper.cancels != NULL)
    g_cancellable_cancel (keeper.cancels);
  if (keeper.fails_cancelled && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_byte_array_append (keeper.bytes, data, (guint) size);
  upload->written += size;
  return TRUE;
}

static gboolean
keeper_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                      const CaskDigest *digest, guint32 flags, gboolean *created,
                      GCancellable *cancellable, GError **error)
{
  keeper.commit_flags = flags;
  if (keeper.failing_commits > 0)
    {
      keeper.failing_commits--;
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NO_SPACE, "the shelf is full");
      return FALSE;
    }
  g_autoptr (GBytes) bytes = g_bytes_new (keeper.bytes->data, upload->written);
  return keeper_put (self, digest, bytes, flags, created, cancellable, error);
}

static void
keeper_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  (void) self;
  keeper.is_open = FALSE;
  keeper.n_closes++;
  keeper.n_lost += !keep;
  g_free (upload);
}

static gboolean
keeper_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                    char **id, GCancellable *cancellable, GError **error)
{
  (void) self, (void) upload, (void) cancellable, (void) error;
  g_clear_pointer (&keeper.saved, g_bytes_unref);
  keeper.saved = g_bytes_ref (state);
  *id = g_strdup (keeper.id != NULL ? keeper.id : "one");
  return TRUE;
}

/* Whether it is not told to fail. */
static gboolean
keeper_goes_on (GError **error)
{
  if (keeper.fails)
    g_set_error_literal (error, CASK_ERROR, (int) keeper.failure, "it was told to fail");
  return !keeper.fails;
}

static CaskBackendUpload *
keeper_upload_resume (CaskBackend *self, const char *id, GBytes **state, guint64 *offset,
                      GCancellable *cancellable, GError **error)
{
  (void) self, (void) cancellable;
  keeper.n_resumes++;
  if (!keeper_goes_on (error))
    return NULL;
  if (keeper.saved == NULL || strcmp (id, "one") != 0 || keeper.is_open)
    {
      g_set_error_literal (error, CASK_ERROR,
                           keeper.is_open ? CASK_ERROR_BUSY : CASK_ERROR_NOT_FOUND,
                           "not that one");
      return NULL;
    }
  *state = g_bytes_ref (keeper.state != NULL ? keeper.state : keeper.saved);
  *offset = keeper.offset != CASK_UNKNOWN ? keeper.offset : keeper.bytes->len;
  return keeper_upload_new (keeper.bytes->len);
}

static gboolean
keeper_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                    GCancellable *cancellable, GError **error)
{
  (void) self, (void) cancellable, (void) error;
  if (keeper.saved != NULL && !keeper.is_open)
    func ("one", keeper.bytes->len, 1, data);
  return TRUE;
}

static gboolean
keeper_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                    void *buffer, gsize count, gsize *n_read, GCancellable *cancellable,
                    GError **error)
{
  (void) self, (void) cancellable, (void) error;
  gsize left = offset < upload->written ? upload->written - (gsize) offset : 0;
  *n_read = keeper.reads_nothing ? 0 : MIN (count, left);
  if (*n_read > 0)
    memcpy (buffer, keeper.bytes->data + offset, *n_read);
  keeper.n_read += *n_read;
  return TRUE;
}

static const CaskBackendOps keeper_ops = {
  .size = sizeof (CaskBackendOps),
  .open = keeper_backend_open,
  .close = keeper_close,
  .put = keeper_put,
  .get = keeper_get,
  .stat = keeper_stat,
  .remove = keeper_remove,
  .list = keeper_list,
  .upload_begin = keeper_upload_begin,
  .upload_write = keeper_upload_write,
  .upload_commit = keeper_upload_commit,
  .upload_close = keeper_upload_close,
  .upload_save = keeper_upload_save,
  .upload_resume = keeper_upload_resume,
  .upload_list = keeper_upload_list,
  .upload_read = keeper_upload_read,
};

static const CaskPlugin keeper_plugin = {
  .magic = CASK_PLUGIN_MAGIC,
  .size = sizeof (CaskPlugin),
  .abi_major = CASK_PLUGIN_ABI_MAJOR,
  .abi_minor = CASK_PLUGIN_ABI_MINOR,
  .option_size = sizeof (CaskOptionSpec),
  .kind = CASK_PLUGIN_BACKEND,
  .capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_RESUME,
  .name = "keeper",
  .version = "1.0",
  .summary = "One upload",
  .ops = &keeper_ops,
};

void
keeper_clear (void)
{
  g_clear_pointer (&keeper.saved, g_bytes_unref);
  g_clear_pointer (&keeper.bytes, g_byte_array_unref);
}

CaskStore *
keeper_open (void)
{
  g_autoptr (GError) error = NULL;
  static gboolean is_registered;

  if (!is_registered)
    is_registered = cask_register_plugin (&keeper_plugin, &error);
  TEST_NO_ERROR (error);
  keeper_clear ();
  keeper = (Keeper){ .offset = CASK_UNKNOWN, .bytes = g_byte_array_new () };
  CaskStore *store = cask_store_open ("keeper", NULL, &error);
  TEST_NO_ERROR (error);
  return store;
}
