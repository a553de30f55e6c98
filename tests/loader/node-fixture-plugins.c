/* SPDX-License-Identifier: Apache-2.0
 *
 * node-fixture-plugins.c: the backends and layers of node-fixture.h, as tables. */
#include "node-fixture-plugins.h"
#include "node-fixture.h"

#include <cask/cask-plugins.h>

struct _CaskBackend
{
  const CaskChild *child; /* a layer's */
};

struct _CaskBackendUpload
{
  guint8 unused;
};

static CaskBackend *
shelf_backend_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  (void) cancellable, (void) error;
  self->child = args->n_children > 0 ? args->children[0] : NULL;
  return self;
}

static void
shelf_backend_close (CaskBackend *self)
{
  g_free (self);
}

static guint64
shelf_capabilities (CaskBackend *self)
{
  (void) self;
  return shelf.capabilities;
}

/* ---- bare ---- */

static gboolean
bare_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) self, (void) cancellable;
  shelf.n_puts++;
  shelf.put_flags = flags;
  shelf.put_size = g_bytes_get_size (bytes);
  g_free (shelf.put_sum);
  shelf.put_sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  shelf.put_anon_kib = shelf_anon_kib ();
  if (shelf.cancels != NULL)
    {
      g_cancellable_cancel (shelf.cancels);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "given up");
      return FALSE;
    }
  if (shelf.n_failing > 0)
    {
      shelf.n_failing--;
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_BUSY, "the shelf creaks");
      return FALSE;
    }
  *created = shelf.kept == NULL;
  if (shelf.kept != NULL || shelf.forgets)
    return TRUE;
  shelf.digest = *digest;
  shelf.version++;
  shelf.kept = flags & CASK_PUT_KEEP
                   ? g_bytes_ref (bytes)
                   : g_bytes_new (g_bytes_get_data (bytes, NULL), shelf.put_size);
  return TRUE;
}

static gboolean
bare_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  (void) self, (void) flags, (void) cancellable;
  if (shelf.kept == NULL || !cask_digest_equal (digest, &shelf.digest))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
      return FALSE;
    }
  *info = (CaskBlobInfo){ .digest = *digest,
                          .size = g_bytes_get_size (shelf.kept),
                          .mtime_usec = 1,
                          .version = shelf.version };
  return TRUE;
}

static GBytes *
bare_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  shelf.largest_get = MAX (shelf.largest_get, length);
  if (!bare_stat (self, digest, flags, info, cancellable, error))
    return NULL;
  if (!cask_range_clamp (info->size, offset, &length))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE, "past the end");
      return NULL;
    }
  if (shelf.gives_short && length > 0)
    length--;
  return g_bytes_new_from_bytes (shelf.kept, (gsize) offset, (gsize) length);
}

static gboolean
bare_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) unused_since_usec, (void) cancellable, (void) error;
  *outcome = shelf.kept != NULL ? CASK_REMOVED_DONE : CASK_REMOVED_ABSENT;
  g_clear_pointer (&shelf.kept, g_bytes_unref);
  return TRUE;
}

static gboolean
bare_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
           guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  (void) self, (void) after, (void) flags, (void) infos, (void) cancellable, (void) error;
  *n_infos = 0;
  *more = FALSE;
  return TRUE;
}

/* ---- clerk ---- */

static CaskBackendUpload *
clerk_begin (CaskBackend *self, const CaskUploadSpec *spec, GCancellable *cancellable,
             GError **error)
{
  (void) self, (void) spec, (void) cancellable, (void) error;
  shelf.n_begun++;
  return g_new0 (CaskBackendUpload, 1);
}

static gboolean
clerk_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
             GCancellable *cancellable, GError **error)
{
  (void) self, (void) upload, (void) chunk, (void) cancellable, (void) error;
  shelf.n_written++;
  return TRUE;
}

static gboolean
clerk_commit (CaskBackend *self, CaskBackendUpload *upload, const CaskDigest *digest,
              guint32 flags, gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) self, (void) upload, (void) digest, (void) flags, (void) created;
  (void) cancellable;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "somebody swept it");
  return FALSE;
}

static void
clerk_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  (void) self;
  shelf.n_closed++;
  shelf.kept_saved = keep;
  g_free (upload);
}

static gboolean
clerk_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state, char **id,
            GCancellable *cancellable, GError **error)
{
  (void) self, (void) upload, (void) state, (void) cancellable, (void) error;
  shelf.n_saved++;
  *id = g_strdup (shelf.id);
  return TRUE;
}

static CaskBackendUpload *
clerk_resume (CaskBackend *self, const char *id, GBytes **state, guint64 *offset,
              GCancellable *cancellable, GError **error)
{
  (void) self, (void) id, (void) cancellable, (void) error;
  shelf.n_resumed++;
  *state = g_bytes_new_take (g_malloc0 (shelf.state_size), shelf.state_size);
  *offset = shelf.offset;
  return g_new0 (CaskBackendUpload, 1);
}

/* Goes on although it was told to stop. */
static gboolean
clerk_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
            GCancellable *cancellable, GError **error)
{
  (void) self, (void) cancellable, (void) error;
  shelf.n_listed++;
  for (const char **id = shelf.ids; *id != NULL; id++)
    func (*id, shelf.offset, 5, data);
  return TRUE;
}

static gboolean
clerk_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset, void *buffer,
            gsize count, gsize *n_read, GCancellable *cancellable, GError **error)
{
  (void) self, (void) upload, (void) offset, (void) buffer, (void) cancellable;
  (void) error;
  *n_read = count + 1;
  return TRUE;
}

/* ---- layers ---- */

static gboolean
tally_commit (CaskBackend *self, CaskBackendUpload *upload, const CaskDigest *digest,
              guint32 flags, gboolean *created, GCancellable *cancellable, GError **error)
{
  shelf.n_tallied++;
  return CASK_CALL (self->child, upload_commit, upload, digest, flags, created,
                    cancellable, error);
}

static gboolean
stage_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
           gboolean *created, GCancellable *cancellable, GError **error)
{
  shelf.n_tallied++;
  return CASK_CALL (self->child, put, digest, bytes, flags, created, cancellable, error);
}

static GBytes *
stage_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
           guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  return CASK_CALL (self->child, get, digest, offset, length, flags, info, cancellable,
                    error);
}

static gboolean
stage_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
            CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  return CASK_CALL (self->child, stat, digest, flags, info, cancellable, error);
}

/* ---- tables ---- */

#define BARE_SLOTS                                                                       \
  .size = sizeof (CaskBackendOps), .open = shelf_backend_open,                           \
  .close = shelf_backend_close, .put = bare_put, .get = bare_get, .stat = bare_stat,     \
  .remove = bare_remove, .list = bare_list, .capabilities = shelf_capabilities

static const CaskBackendOps bare_ops = { BARE_SLOTS };
static const CaskBackendOps clerk_ops = {
  BARE_SLOTS,
  .upload_begin = clerk_begin,
  .upload_write = clerk_write,
  .upload_commit = clerk_commit,
  .upload_close = clerk_close,
  .upload_save = clerk_save,
  .upload_resume = clerk_resume,
  .upload_list = clerk_list,
  .upload_read = clerk_read,
};
static const CaskBackendOps pass_ops = {
  .size = sizeof (CaskBackendOps),
  .open = shelf_backend_open,
  .close = shelf_backend_close,
  .capabilities = shelf_capabilities,
};
static const CaskBackendOps tally_ops = {
  .size = sizeof (CaskBackendOps),
  .open = shelf_backend_open,
  .close = shelf_backend_close,
  .upload_commit = tally_commit,
  .capabilities = shelf_capabilities,
};
static const CaskBackendOps stage_ops = {
  .size = sizeof (CaskBackendOps),
  .open = shelf_backend_open,
  .close = shelf_backend_close,
  .put = stage_put,
  .get = stage_get,
  .stat = stage_stat,
  .remove = bare_remove,
  .list = bare_list,
  .capabilities = shelf_capabilities,
};

#define TABLE(kind_, needs_, n_, name_, ops_)                                            \
  {                                                                                      \
    .magic = CASK_PLUGIN_MAGIC, .size = sizeof (CaskPlugin),                             \
    .abi_major = CASK_PLUGIN_ABI_MAJOR, .abi_minor = CASK_PLUGIN_ABI_MINOR,              \
    .option_size = sizeof (CaskOptionSpec), .kind = kind_, .min_children = n_,           \
    .max_children = n_, .needs = needs_, .name = name_, .version = "1", .ops = ops_,     \
  }

static const CaskPlugin tables[] = {
  TABLE (CASK_PLUGIN_BACKEND, 0, 0, "bare", &bare_ops),
  TABLE (CASK_PLUGIN_BACKEND, 0, 0, "clerk", &clerk_ops),
  TABLE (CASK_PLUGIN_LAYER, CASK_NEEDS_DELEGATION, 1, "pass", &pass_ops),
  TABLE (CASK_PLUGIN_LAYER, CASK_NEEDS_DELEGATION, 1, "tally", &tally_ops),
  TABLE (CASK_PLUGIN_LAYER, 0, 1, "stage", &stage_ops),
};

void
shelf_register (void)
{
  static gboolean registered;

  for (gsize i = 0; !registered && i < G_N_ELEMENTS (tables); i++)
    {
      g_autoptr (GError) error = NULL;
      CU_ASSERT_TRUE (cask_register_plugin (&tables[i], &error));
      TEST_NO_ERROR (error);
    }
  registered = TRUE;
}
