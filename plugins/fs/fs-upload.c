/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-upload.c: writing a blob in pieces: begin, write, read, commit, close.
 *
 *   step                       kill -9 leaves          power loss leaves
 *   begin, write               nothing                 nothing
 *   save (fs-saved.c)          the upload, as saved    the same in `full`
 *   commit: time, mode, fsync  the upload, as saved    the same in `full`
 *   linkat or rename           the blob, no upload     the blob, or what was before
 *   fsync of the shard         the blob                the blob
 *   remove what was saved      the blob                the blob; perhaps a directory
 *                                                      without data, which is swept
 *
 * A hit leaves the data of a saved upload to be removed, and a power loss may undo the
 * removal: then the upload is there to be resumed or to expire. So may that of an abort.
 *
 * Failure modes: a write that failed leaves the file as it is, and only close after it. A
 * commit that failed may be tried again, with the same file; but not after a failed fsync
 * (X4), nor where the blob has its name and the fsync of the shard failed. */
#include "fs-slots.h"
#include "fs-upload.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* After so many new bytes the kernel is told to begin writing them to the disk. */
#define FS_UPLOAD_WRITEBACK (8 * 1024 * 1024)

CaskBackendUpload *
fs_upload_new (CaskBackend *self)
{
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  upload->temp = (FsTemp){ .self = self, .fd = -1 };
  upload->directory = -1;
  return upload;
}

static gboolean
fs_upload_open (CaskBackend *self, CaskBackendUpload *upload, GCancellable *cancellable,
                GError **error)
{
  struct stat st;
  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !fs_publish_open (self, self->root, &upload->temp, error))
    return FALSE;
  if (fs_system->fstat (upload->temp.fd, &st) != 0)
    {
      fs_fail (self, errno, "stat", error);
      fs_temp_clear (&upload->temp);
      return FALSE;
    }
  upload->mode = st.st_mode & 0444;
  return TRUE;
}

/* The expected size is not used: room taken for what a stranger promised to send is room
 * that nobody else has, and the blocks of a file that is written in order lie in order
 * without it. */
CaskBackendUpload *
fs_upload_begin (CaskBackend *self, const CaskUploadSpec *spec, GCancellable *cancellable,
                 GError **error)
{
  (void) spec;
  /* tmpfs makes a nameless file even in a directory that was removed. */
  if (fs_root_is_gone (self))
    return fs_fail_gone (error), NULL;
  if (!fs_root_check_writable (self, error))
    return NULL;
  fs_sweep_once (self);
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  CaskBackendUpload *upload = fs_upload_new (self);
  gboolean done;
  do
    done = fs_upload_open (self, upload, cancellable, &failure);
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  fs_patience_end (&patience, failure, error);
  if (done)
    return upload;
  g_free (upload);
  return NULL;
}

/* fs_upload_check_usable: whether the upload may still be written, saved or committed. */
gboolean
fs_upload_check_usable (const CaskBackendUpload *upload, GError **error)
{
  if (upload->is_committed)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_CLOSED,
                           "upload: is committed already");
      return FALSE;
    }
  if (upload->has_failed)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO,
                           "upload: an earlier write failed: begin it anew");
      return FALSE;
    }
  return fs_temp_check (&upload->temp, error);
}

/* Begins to write to the disk what the commit will have to wait for. Without it the whole
 * of a large upload may still be in memory by then, and one fsync takes all the time that
 * the disk needs for it. Only a hint: it waits for nothing and, unlike fsync, it neither
 * reports nor swallows an error. */
static void
fs_upload_start_writeback (CaskBackend *self, CaskBackendUpload *upload, guint64 offset)
{
  if (self->durability == FS_DURABILITY_NONE || self->place == FS_PLACE_MEMORY ||
      offset - upload->started < FS_UPLOAD_WRITEBACK)
    return;
  fs_system->sync_file_range (upload->temp.fd, (off64_t) upload->started,
                              (off64_t) (offset - upload->started),
                              SYNC_FILE_RANGE_WRITE);
  upload->started = offset;
}

gboolean
fs_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                 GCancellable *cancellable, GError **error)
{
  guint64 offset = fs_upload_offset (upload);
  if (!fs_upload_check_usable (upload, error))
    return FALSE;
  GError *failure = NULL;
  if (!fs_publish_write (self, upload->temp.fd, offset, chunk, cancellable, &failure))
    {
      upload->has_failed = TRUE;
      return fs_patience_none (failure, error);
    }
  offset += g_bytes_get_size (chunk);
  __atomic_store_n (&upload->offset, offset, __ATOMIC_RELEASE);
  fs_upload_start_writeback (self, upload, offset);
  return TRUE;
}

gboolean
fs_upload_read (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                void *buffer, gsize count, gsize *n_read, GCancellable *cancellable,
                GError **error)
{
  guint64 end = fs_upload_offset (upload);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  gsize wanted = 0;
  if (offset < end)
    wanted = (gsize) MIN (end - offset, (guint64) MIN (count, FS_CHUNK));
  ssize_t got = 0;
  if (wanted > 0)
    do
      got = fs_system->pread (upload->temp.fd, buffer, wanted, (off_t) offset);
    while (got < 0 && errno == EINTR);
  GError *failure = NULL;
  if (got < 0 && !fs_fail (self, errno, "read", &failure))
    return fs_patience_none (failure, error);
  if (got == 0 && wanted > 0)
    return fs_fail_short ("upload", end, offset, error);
  *n_read = (gsize) got;
  return TRUE;
}

/* All that has to be true of the file before it may be published: every byte that was
 * taken is in it and nothing more, its mode is a blob's, and all that is synced. */
static gboolean
fs_upload_finish (CaskBackend *self, CaskBackendUpload *upload, FsDurability durability,
                  GCancellable *cancellable, GError **error)
{
  struct stat st;
  if (fs_system->fstat (upload->temp.fd, &st) != 0)
    return fs_fail (self, errno, "stat", error);
  if ((guint64) st.st_size != fs_upload_offset (upload))
    return fs_fail_short ("upload", fs_upload_offset (upload), (guint64) st.st_size,
                          error);
  if (upload->is_private && fs_system->fchmod (upload->temp.fd, upload->mode) != 0)
    return fs_fail (self, errno, "chmod", error);
  upload->is_private = FALSE;
  return fs_publish_finish (self, &upload->temp, durability, cancellable, error);
}

static FsPublish
fs_upload_publish (CaskBackend *self, CaskBackendUpload *upload, const FsName *name,
                   gboolean over, GCancellable *cancellable, GError **error)
{
  FsTemp *temp = &upload->temp;
  FsDurability durability = over ? fs_publish_durability_over (self) : self->durability;
  g_auto (FsFd) shard = fs_write_open_shard (self, name, error);
  if (shard < 0 || (over && !fs_publish_name (self, temp, cancellable, error)) ||
      !fs_upload_finish (self, upload, durability, cancellable, error))
    return FS_PUBLISH_FAILED;
  FsPublish done =
      over ? fs_publish_link_over (self, temp, shard, name, cancellable, error)
           : fs_publish_link_new (self, temp, shard, fs_name_leaf (name), error);
  if (done == FS_PUBLISH_UNLINKABLE)
    return fs_publish_name (self, temp, cancellable, error) ? FS_PUBLISH_LOST
                                                            : FS_PUBLISH_FAILED;
  if (done == FS_PUBLISH_DONE && fs_sync_is_promised (self) &&
      !fs_sync_shard (self, name, shard, error))
    return FS_PUBLISH_FAILED;
  return done;
}

static gboolean
fs_upload_commit_once (CaskBackend *self, CaskBackendUpload *upload, const FsName *name,
                       guint32 flags, gboolean *created, GCancellable *cancellable,
                       GError **error)
{
  guint64 size = fs_upload_offset (upload);
  for (;;)
    {
      if (!fs_root_check_writable (self, error) ||
          !fs_upload_check_usable (upload, error))
        return FALSE;
      FsUse use = fs_write_look (self, name, size, flags, cancellable, error);
      if (use == FS_USE_FAILED)
        return FALSE;
      *created = use == FS_USE_ABSENT;
      if (use == FS_USE_DONE)
        return TRUE;
      FsPublish done = fs_upload_publish (self, upload, name, use != FS_USE_ABSENT,
                                          cancellable, error);
      if (done != FS_PUBLISH_LOST)
        return done == FS_PUBLISH_DONE;
    }
}

static void
fs_upload_discard (CaskBackend *self, CaskBackendUpload *upload)
{
  if (upload->directory < 0)
    return;
  fs_saved_discard (self, upload->directory, upload->id);
  if (upload->temp.directory == upload->directory)
    upload->temp.name[0] = '\0';
  fs_fd_close (fs_fd_steal (&upload->directory));
  upload->is_saved = FALSE;
}

gboolean
fs_upload_commit (CaskBackend *self, CaskBackendUpload *upload, const CaskDigest *digest,
                  guint32 flags, gboolean *created, GCancellable *cancellable,
                  GError **error)
{
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  FsName name;
  fs_name_set (&name, self->layout, digest);
  gboolean is_new = FALSE;
  gboolean done;
  do
    done = fs_upload_commit_once (self, upload, &name, flags, &is_new, cancellable,
                                  &failure);
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  if (done)
    {
      *created = is_new;
      upload->is_committed = TRUE;
      if (upload->directory < 0)
        fs_temp_unname (&upload->temp);
      fs_upload_discard (self, upload);
    }
  return fs_patience_end (&patience, failure, error);
}

/* What was saved goes while its lock is held: somebody who has opened it already finds,
 * once it gets the lock, that the name is gone. The lock is dropped and not left to the
 * close, for a child that was forked meanwhile has the file open as well. */
void
fs_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  FsPatience patience = { .self = self };
  if (!keep || !upload->is_saved || upload->temp.is_placed)
    fs_upload_discard (self, upload);
  if (upload->directory >= 0)
    upload->temp.name[0] = '\0';
  if (upload->id[0] != '\0')
    fs_saved_lock (self, upload->temp.fd, F_UNLCK, NULL);
  fs_temp_clear (&upload->temp);
  fs_fd_close (upload->directory);
  g_free (upload);
  fs_patience_end (&patience, NULL, NULL);
}
