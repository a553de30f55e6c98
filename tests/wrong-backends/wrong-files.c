/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-files.c: the backend `wrong-files`: correct, but for what its option `wrong`
 * says. */
#include "wrong-files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum
{
  FILES_OPTION_FRESHEN,
  FILES_OPTION_WRONG
};

static const CaskOptionSpec files_options[] = {
  [FILES_OPTION_FRESHEN] = { .name = "freshen",
                             .help = "how old a time may be before a use renews it",
                             .fallback = "60s",
                             .type = CASK_OPTION_DURATION },
  [FILES_OPTION_WRONG] = { .name = "wrong",
                           .help = "what it does wrong",
                           .fallback = "nothing",
                           .choices = "nothing"
#define WRONG_wrong(name)
#define WRONG_wrong_files(name) "|" name
#define WRONG(plugin, id, name, promise, number, what) WRONG_##plugin (name)
#include "wrong.def"
#undef WRONG
                           ,
                           .type = CASK_OPTION_CHOICE },
};

static gboolean
files_make_rooms (int root, GError **error)
{
  static const char *const rooms[] = { "sha256", "sha512", "tmp" };

  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    if (mkdirat (root, rooms[i], 0700) != 0 && errno != EEXIST)
      return files_fail (error, "mkdir");
  return TRUE;
}

static CaskBackend *
files_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  int root = open (args->location, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return files_fail (error, "open"), NULL;
  if (!files_make_rooms (root, error))
    {
      close (root);
      return NULL;
    }
  CaskBackend *self = g_new0 (CaskBackend, 1);
  g_mutex_init (&self->lock);
  self->root = root;
  self->freshen_usec =
      (gint64) MIN (args->values[FILES_OPTION_FRESHEN].number, (guint64) G_MAXINT64);
  self->wrong = (Wrong) args->values[FILES_OPTION_WRONG].number;
  self->known = g_hash_table_new_full (cask_digest_hash, cask_digest_equal, NULL, g_free);
  return self;
}

static void
files_close (CaskBackend *self)
{
  g_hash_table_unref (self->known);
  g_mutex_clear (&self->lock);
  close (self->root);
  g_free (self);
}

/* Notes for REMEMBERS_PRESENCE that a blob is there, or that it no longer is. */
static void
files_remember (CaskBackend *self, const CaskDigest *digest, gboolean is_there)
{
  struct stat status;

  if (!wrong_is (self, WRONG_REMEMBERS_PRESENCE))
    return;
  int fd = is_there ? files_open_blob (self, digest, &status, NULL) : -1;
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->known, digest);
  if (fd >= 0)
    {
      CaskBlobInfo info = files_info (self, digest, &status);
      CaskBlobInfo *known = g_memdup2 (&info, sizeof info);
      g_hash_table_insert (self->known, &known->digest, known);
    }
  g_mutex_unlock (&self->lock);
  if (fd >= 0)
    close (fd);
}

/* ---- Uploads ---- */

static CaskBackendUpload *
files_upload_begin (CaskBackend *self, G_GNUC_UNUSED const CaskUploadSpec *spec,
                    GCancellable *cancellable, GError **error)
{
  char name[FILES_NAME];

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  int fd = files_make_temp (self, name, error);
  if (fd < 0)
    return NULL;
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  upload->fd = fd;
  memcpy (upload->name, name, sizeof name);
  return upload;
}

static gboolean
files_upload_write (G_GNUC_UNUSED CaskBackend *self, CaskBackendUpload *upload,
                    GBytes *chunk, GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk, &size);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !files_write (upload->fd, data, size, error))
    return FALSE;
  upload->size += size;
  return TRUE;
}

static gboolean
files_upload_commit (CaskBackend *self, CaskBackendUpload *upload,
                     const CaskDigest *digest, guint32 flags, gboolean *created,
                     GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !files_publish (self, upload->name, upload->fd, digest, upload->size, flags,
                      created, error))
    return FALSE;
  upload->name[0] = '\0';
  files_remember (self, digest, TRUE);
  return TRUE;
}

static void
files_upload_close (CaskBackend *self, CaskBackendUpload *upload,
                    G_GNUC_UNUSED gboolean keep)
{
  if (upload->name[0] != '\0' && !wrong_is (self, WRONG_LEAVES_TEMPS))
    unlinkat (self->root, upload->name, 0);
  close (upload->fd);
  g_free (upload);
}

/* ---- Put and remove ---- */

/* What WRITES_IN_PLACE does instead: everybody can watch. */
static gboolean
files_put_in_place (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                    gboolean *created, GError **error)
{
  char name[FILES_NAME];
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  files_name (digest, name);
  int fd = openat (self->root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  *created = fd >= 0;
  if (fd < 0)
    return errno == EEXIST || files_fail (error, "open");
  gboolean done = files_write (fd, data, size / 2, error);
  g_thread_yield ();
  done = done && files_write (fd, data + size / 2, size - size / 2, error);
  close (fd);
  return done;
}

static gboolean
files_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
           gboolean *created, GCancellable *cancellable, GError **error)
{
  if (wrong_is (self, WRONG_WRITES_IN_PLACE))
    return files_put_in_place (self, digest, bytes, created, error);
  CaskBackendUpload *upload = files_upload_begin (self, NULL, cancellable, error);
  if (upload == NULL)
    return FALSE;
  gboolean done =
      files_upload_write (self, upload, bytes, cancellable, error) &&
      files_upload_commit (self, upload, digest, flags, created, cancellable, error);
  files_upload_close (self, upload, FALSE);
  return done;
}

static gboolean
files_remove_locked (CaskBackend *self, const CaskDigest *digest, gint64 unused_since,
                     CaskRemoved *outcome, GError **error)
{
  struct stat status;
  char name[FILES_NAME];

  files_name (digest, name);
  *outcome = CASK_REMOVED_ABSENT;
  if (fstatat (self->root, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || files_fail (error, "stat");
  if (wrong_is (self, WRONG_REMOVES_DIRECTORIES) && S_ISDIR (status.st_mode))
    {
      *outcome = CASK_REMOVED_DONE;
      return unlinkat (self->root, name, AT_REMOVEDIR) == 0 ||
             files_fail (error, "rmdir");
    }
  if (!S_ISREG (status.st_mode))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CORRUPT, "not a regular file");
      return FALSE;
    }
  *outcome = CASK_REMOVED_KEPT;
  if (unused_since != CASK_ALWAYS &&
      files_info (self, digest, &status).mtime_usec >= unused_since)
    return TRUE;
  if (wrong_is (self, WRONG_UNUSED_IN_EACH_PROCESS))
    files_dawdle ();
  *outcome = CASK_REMOVED_DONE;
  return unlinkat (self->root, name, 0) == 0 || files_fail (error, "unlink");
}

static gboolean
files_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
              CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  int lock = files_lock (self, WRONG_UNUSED_IN_EACH_PROCESS, error);
  if (lock < 0)
    return FALSE;
  gboolean done = files_remove_locked (self, digest, unused_since_usec, outcome, error);
  files_unlock (self, lock);
  files_remember (self, digest, FALSE);
  return done;
}

static const CaskBackendOps files_ops = {
  .size = sizeof (CaskBackendOps),
  .open = files_open,
  .close = files_close,
  .put = files_put,
  .get = files_get,
  .stat = files_stat,
  .remove = files_remove,
  .list = files_list,
  .blob_open = files_blob_open,
  .blob_read = files_blob_read,
  .blob_close = files_blob_close,
  .upload_begin = files_upload_begin,
  .upload_write = files_upload_write,
  .upload_commit = files_upload_commit,
  .upload_close = files_upload_close,
  .contains_many = files_contains_many,
};

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (files_options),
                    .kind = CASK_PLUGIN_BACKEND, .location = CASK_LOCATION_REQUIRED,
                    .capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_SHARED |
                                    CASK_CAPABILITY_EXACT_CREATED |
                                    CASK_CAPABILITY_FRESHENS |
                                    CASK_CAPABILITY_REMOVE_UNUSED |
                                    CASK_CAPABILITY_READS_OUTLIVE_REMOVE,
                    .name = "wrong-files", .version = "1.0",
                    .summary = "Blobs in a directory, with one promise broken",
                    .options = files_options, .ops = &files_ops)
