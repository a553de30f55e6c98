/* SPDX-License-Identifier: Apache-2.0
 *
 * fs.c: the fs backend: blobs as files below a directory, for any number of processes.
 *
 * This file has what the host sees: the descriptor, the options, open and close.
 * fs-private.h has the invariants; README.md beside this file, what survives what. */
#include "fs-slots.h"

enum
{
  FS_OPTION_DURABILITY,
  FS_OPTION_LAYOUT,
  FS_OPTION_CREATE,
  FS_OPTION_FRESHEN,
  FS_OPTION_IO,
  FS_OPTION_MAX_UPLOADS,
  FS_OPTION_MAX_UPLOAD_BYTES,
  FS_N_OPTIONS
};

/* The choices are in the order of FsDurability and FsLayout. */
static const CaskOptionSpec fs_options[FS_N_OPTIONS] = {
  [FS_OPTION_DURABILITY] = { .name = "durability",
                             .help =
                                 "what a success survives; batch: as full, with flushes "
                                 "that operations share",
                             .fallback = "full",
                             .choices = "none|data|full|batch",
                             .type = CASK_OPTION_CHOICE },
  [FS_OPTION_LAYOUT] = { .name = "layout",
                         .help = "where files are: sha256/2c/f2… or blobs/sha256/2cf2…",
                         .fallback = "cask",
                         .choices = "cask|oci",
                         .type = CASK_OPTION_CHOICE },
  [FS_OPTION_CREATE] = { .name = "create",
                         .help = "make the root where it is missing (not its parents)",
                         .fallback = "yes",
                         .type = CASK_OPTION_BOOLEAN },
  [FS_OPTION_FRESHEN] = { .name = "freshen",
                          .help = "how old a time a hit leaves as it is",
                          .fallback = "60s",
                          .type = CASK_OPTION_DURATION },
  [FS_OPTION_IO] = { .name = "io",
                     .help = "mmap maps large gets: a file that another process "
                             "truncates then kills this one (SIGBUS)",
                     .fallback = "read",
                     .choices = "read|mmap",
                     .type = CASK_OPTION_CHOICE },
  [FS_OPTION_MAX_UPLOADS] = { .name = "max-uploads",
                              .help = "how many uploads may be saved; 0: any number; one "
                                      "that is open holds 2 descriptors besides",
                              .fallback = "10000",
                              .type = CASK_OPTION_UINT },
  [FS_OPTION_MAX_UPLOAD_BYTES] = { .name = "max-upload-bytes",
                                   .help = "how large all saved ones may be; 0: any size",
                                   .fallback = "0",
                                   .type = CASK_OPTION_SIZE },
};

static void
fs_init (CaskBackend *self, const CaskOpenArgs *args)
{
  self->host = args->host;
  self->root = -1;
  self->durability = (FsDurability) args->values[FS_OPTION_DURABILITY].number;
  self->layout = (FsLayout) args->values[FS_OPTION_LAYOUT].number;
  self->freshen_usec =
      (gint64) MIN (args->values[FS_OPTION_FRESHEN].number, (guint64) G_MAXINT64);
  self->is_mapped = args->values[FS_OPTION_IO].number != 0;
  self->max_uploads = args->values[FS_OPTION_MAX_UPLOADS].number;
  self->max_upload_bytes = args->values[FS_OPTION_MAX_UPLOAD_BYTES].number;
  self->is_encoded = args->encoding != NULL;
  g_mutex_init (&self->limit.lock);
  g_cond_init (&self->limit.finished_cond);
  for (guint i = 0; i < FS_NOTE_LOCKS; i++)
    g_mutex_init (&self->notes.locks[i]);
  self->notes.slots = g_new0 (FsNote, FS_NOTES);
  fs_shards_init (self);
  fs_group_init (&self->group);
  fs_condemned_init (self);
  g_mutex_init (&self->known.lock);
  self->known.failed = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_mutex_init (&self->temps.lock);
  self->temps.directory = -1;
  self->temps.lock_file = -1;
}

static void
fs_close (CaskBackend *self)
{
  fs_temps_close (self);
  fs_shards_clear (self);
  fs_fd_close (self->root);
  g_mutex_clear (&self->temps.lock);
  g_hash_table_unref (self->known.failed);
  g_mutex_clear (&self->known.lock);
  fs_condemned_clear (self);
  fs_group_clear (&self->group);
  g_free (self->notes.slots);
  for (guint i = 0; i < FS_NOTE_LOCKS; i++)
    g_mutex_clear (&self->notes.locks[i]);
  g_cond_clear (&self->limit.finished_cond);
  g_mutex_clear (&self->limit.lock);
  g_free (self);
}

static gboolean
fs_try_root (CaskBackend *self, const CaskOpenArgs *args, GCancellable *cancellable,
             GError **error)
{
  gboolean create = args->values[FS_OPTION_CREATE].number != 0;
  return fs_root_attach (self, args->location, create, error) &&
         fs_layout_check (self, error) &&
         fs_encoding_check (self, args->encoding, cancellable, error);
}

static gboolean
fs_open_root (CaskBackend *self, const CaskOpenArgs *args, GCancellable *cancellable,
              GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  GError *failure = NULL;
  if (fs_try_root (self, args, cancellable, &failure))
    return TRUE;
  /* No other operation of this store can end: at a limit on open files there is nothing
   * to wait for. But other stores of the process may keep shards. */
  if (g_error_matches (failure, CASK_ERROR, FS_ERROR_LIMIT))
    {
      g_clear_error (&failure);
      fs_fd_close (self->root);
      self->root = -1;
      fs_shards_withhold ();
      gboolean opened = fs_try_root (self, args, cancellable, &failure);
      fs_shards_allow ();
      if (opened)
        return TRUE;
    }
  return fs_patience_none (failure, error);
}

static CaskBackend *
fs_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  fs_init (self, args);
  if (fs_open_root (self, args, cancellable, error))
    return self;
  fs_close (self);
  return NULL;
}

/* Each bit only where the kind of filesystem is known to bear it out. WRITE also on a
 * read-only one, which may be remounted: there, writes say READ_ONLY. */
static guint64
fs_capabilities (CaskBackend *self)
{
  guint64 capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS;
  if (self->place != FS_PLACE_REMOTE)
    capabilities |= CASK_CAPABILITY_SHARED | CASK_CAPABILITY_REMOVE_UNUSED |
                    CASK_CAPABILITY_READS_OUTLIVE_REMOVE | CASK_CAPABILITY_RESUME |
                    CASK_CAPABILITY_QUARANTINE;
  if (self->place == FS_PLACE_LOCAL || self->place == FS_PLACE_MEMORY)
    capabilities |= CASK_CAPABILITY_EXACT_CREATED;
  if (fs_sync_is_promised (self) && self->place != FS_PLACE_MEMORY)
    capabilities |= CASK_CAPABILITY_DURABLE;
  return capabilities;
}

/* How full the filesystem is says nothing of the store: it may hold anything else too,
 * and counting blobs would be a list. */
static gboolean
fs_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable, GError **error)
{
  (void) usage;
  if (fs_root_is_gone (self))
    return fs_fail_gone (error);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* What was acknowledged is on the disk, or went with the root. */
static gboolean
fs_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  if (fs_root_is_gone (self))
    return fs_fail_gone (error);
  return fs_sync_flush (self, cancellable, error);
}

static const CaskBackendOps fs_ops = { .size = sizeof (CaskBackendOps),
                                       .open = fs_open,
                                       .close = fs_close,
                                       .put = fs_put,
                                       .get = fs_get,
                                       .stat = fs_stat,
                                       .remove = fs_remove,
                                       .condemn = fs_condemn,
                                       .list = fs_list,
                                       .capabilities = fs_capabilities,
                                       .try_get = fs_try_get,
                                       .try_stat = fs_try_stat,
                                       .blob_open = fs_handle_open,
                                       .blob_read = fs_handle_read,
                                       .blob_close = fs_handle_close,
                                       .upload_begin = fs_upload_begin,
                                       .upload_write = fs_upload_write,
                                       .upload_commit = fs_upload_commit,
                                       .upload_close = fs_upload_close,
                                       .upload_save = fs_upload_save,
                                       .upload_resume = fs_upload_resume,
                                       .upload_list = fs_upload_list,
                                       .upload_read = fs_upload_read,
                                       .put_many = fs_put_many,
                                       .contains_many = fs_contains_many,
                                       .remove_many = fs_remove_many,
                                       .flush = fs_flush,
                                       .usage = fs_usage };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND, .location = CASK_LOCATION_REQUIRED,
                    .capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS,
                    .name = "fs", .version = "1.0",
                    .summary = "blobs as files below a directory",
                    .license = "Apache-2.0", .n_options = G_N_ELEMENTS (fs_options),
                    .options = fs_options, .ops = &fs_ops)
