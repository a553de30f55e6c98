/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-saved.c: save and resume: an upload's directory, .uploads/<id>.
 *
 * The first save, in this order, each step skipped where an earlier try has done it:
 *
 *   mkdir .uploads/<id>           0700: until the commit, the bytes are the owner's alone
 *   lock the file, mode 0600      0600: a later process has to open it for writing
 *   the file gets its name        linkat of the nameless, rename of what has a name
 *   the file is synced            before a state can say what is in it
 *   state.new synced, renamed     from here on the upload can be resumed
 *   <id>, .uploads, root synced   (`full`) and from here on a power loss leaves it
 *
 *   dead after                    leaves
 *   mkdir, the name               a directory without a state: swept when an hour old
 *   the state                     the upload
 *   the commit's rename           a directory without data: swept, or removed by a resume
 *
 * What is lost with a power failure differs by durability: in `full` what was saved is
 * there; in `data` the state may be gone, or an earlier one, and what it counts is there;
 * in `none` bytes that a state counts may be missing or others: a file that is too short
 * is resumed where it ends, and one of an earlier boot is hashed again. A resume that
 * finds the state damaged removes the upload.
 *
 * Failure modes: everything in the directory may have been put there by somebody else: no
 * symlink is followed, nothing but regular files is opened, nothing is written before the
 * lock is held, the name leads to what was locked, and that has no second name. A file
 * with one may be a published blob, left so by a crash on a filesystem that does not
 * rename in one step, or by a copy by hard links; the upload is given up, NOT_FOUND. */
#include "fs-slots.h"
#include "fs-upload.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

/* fs_saved_is_id: whether it is a name that a save makes: 32 lower-case hex digits. */
gboolean
fs_saved_is_id (const char *id)
{
  return strspn (id, "0123456789abcdef") == FS_SAVED_ID && id[FS_SAVED_ID] == '\0';
}

/* fs_saved_open_file: O_NONBLOCK, so that a FIFO in its place hangs nobody. */
int
fs_saved_open_file (int directory, const char *name, int flags)
{
  int fd;
  do
    fd = fs_system->openat (directory, name,
                            flags | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC, 0);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* fs_saved_lock: type: F_WRLCK, F_RDLCK, F_UNLCK. BUSY: another has it. */
FsLock
fs_saved_lock (CaskBackend *self, int fd, short type, GError **error)
{
  struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
  int result;
  do
    result = fs_system->lock (fd, F_OFD_SETLK, &lock);
  while (result != 0 && errno == EINTR);
  if (result == 0)
    return FS_LOCK_HELD;
  if (errno == EAGAIN || errno == EACCES)
    return FS_LOCK_BUSY;
  fs_fail (self, errno == EINVAL ? EOPNOTSUPP : errno, "lock the upload", error);
  return FS_LOCK_FAILED;
}

/* fs_saved_is_at: whether `data` leads to this file; st: (out): what that is like now.
 * Returns: FALSE with errno, which is ENOENT where it leads elsewhere */
gboolean
fs_saved_is_at (int directory, int fd, struct stat *st)
{
  struct stat named;
  if (fs_system->fstat (fd, st) != 0 ||
      fs_system->fstatat (directory, FS_SAVED_DATA, &named, AT_SYMLINK_NOFOLLOW) != 0)
    return FALSE;
  errno = ENOENT;
  return named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/* fs_saved_discard: removes the upload. The state goes first: what has none is nobody's
 * any more, and a sweep removes what a crash leaves of it. */
void
fs_saved_discard (CaskBackend *self, int directory, const char *id)
{
  char path[sizeof FS_SAVED_ROOT + 1 + FS_SAVED_ID];
  fs_system->unlinkat (directory, FS_SAVED_STATE, 0);
  fs_system->unlinkat (directory, FS_SAVED_STATE_NEW, 0);
  fs_system->unlinkat (directory, FS_SAVED_DATA, 0);
  /* By its path, for at the limit on open files nothing can be opened: all that somebody
   * who put a symlink there could win is an empty directory of that name. */
  g_snprintf (path, sizeof path, "%s/%s", FS_SAVED_ROOT, id);
  fs_system->unlinkat (self->root, path, AT_REMOVEDIR);
}

/* ---- Saving ---- */

static gboolean
fs_saved_random_id (CaskBackend *self, char *id, GError **error)
{
  guint8 bytes[FS_SAVED_ID / 2];
  ssize_t count;
  do
    count = getrandom (bytes, sizeof bytes, 0);
  while (count < 0 && errno == EINTR);
  if (count != sizeof bytes)
    return fs_fail (self, count < 0 ? errno : EIO, "getrandom", error);
  for (guint i = 0; i < sizeof bytes; i++)
    g_snprintf (id + 2 * i, 3, "%02x", bytes[i]);
  return TRUE;
}

/* Returns: .uploads, made where it is missing; -1 with an error. */
static int
fs_saved_open_root (CaskBackend *self, GError **error)
{
  g_auto (FsFd) fd = fs_root_open (self, FS_SAVED_ROOT, O_RDONLY | O_DIRECTORY);
  if (fd < 0 && errno == ENOENT)
    {
      if (fs_system->mkdirat (self->root, FS_SAVED_ROOT, 0777) != 0 && errno != EEXIST)
        return fs_fail_path (self, errno, "mkdir", FS_SAVED_ROOT, error), -1;
      fd = fs_root_open (self, FS_SAVED_ROOT, O_RDONLY | O_DIRECTORY);
    }
  if (fd < 0)
    return fs_fail_path (self, errno, "open", FS_SAVED_ROOT, error), -1;
  return fs_fd_steal (&fd);
}

static gboolean
fs_saved_make (CaskBackend *self, CaskBackendUpload *upload, int uploads, GError **error)
{
  char id[FS_SAVED_ID + 1];
  if (!fs_saved_random_id (self, id, error))
    return FALSE;
  if (fs_system->mkdirat (uploads, id, 0700) != 0)
    return fs_fail_path (self, errno, "mkdir", FS_SAVED_ROOT, error);
  upload->directory = fs_saved_open_file (uploads, id, O_RDONLY | O_DIRECTORY);
  if (upload->directory >= 0)
    {
      g_strlcpy (upload->id, id, sizeof upload->id);
      return TRUE;
    }
  int code = errno;
  fs_system->unlinkat (uploads, id, AT_REMOVEDIR);
  return fs_fail_path (self, code, "open", FS_SAVED_ROOT, error);
}

/* Makes the file one that a later process may write to, and this one's for now. */
static gboolean
fs_saved_claim (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  FsLock lock = fs_saved_lock (self, upload->temp.fd, F_WRLCK, error);
  if (lock == FS_LOCK_BUSY)
    fs_fail (self, EAGAIN, "lock the upload", error);
  if (lock != FS_LOCK_HELD)
    return FALSE;
  if (fs_system->fchmod (upload->temp.fd, 0600) != 0)
    return fs_fail (self, errno, "chmod", error);
  upload->is_private = TRUE;
  return TRUE;
}

/* Gives the file its name in the upload's directory. */
static gboolean
fs_saved_move (CaskBackend *self, CaskBackendUpload *upload, GCancellable *cancellable,
               GError **error)
{
  FsTemp *temp = &upload->temp;
  if (!fs_saved_claim (self, upload, error))
    return FALSE;
  if (temp->directory == upload->directory && temp->name[0] != '\0')
    return TRUE;
  temp->is_moved = TRUE;
  int code = fs_publish_link (self, temp, upload->directory, FS_SAVED_DATA);
  if (code != 0 && temp->name[0] == '\0' && fs_publish_is_unlinkable (code))
    {
      /* What has got a name may be a copy, which has no lock yet. */
      if (!fs_publish_name (self, temp, cancellable, error) ||
          !fs_saved_claim (self, upload, error))
        return FALSE;
      code = fs_publish_link (self, temp, upload->directory, FS_SAVED_DATA);
    }
  if (code != 0)
    return fs_fail (self, code, "name the upload", error);
  temp->directory = upload->directory;
  g_strlcpy (temp->name, FS_SAVED_DATA, sizeof temp->name);
  return TRUE;
}

/* A directory of which an fsync failed can be believed no more than a file: the upload
 * goes the same way. */
static gboolean
fs_saved_sync (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  g_auto (FsFd) uploads = -1;
  if (!fs_sync_is_promised (self))
    return TRUE;
  if (!upload->is_listed)
    {
      uploads = fs_saved_open_root (self, error);
      if (uploads < 0)
        return FALSE;
    }
  GError *failure = NULL;
  if (fs_sync_upload (self, uploads, upload->directory, &failure))
    return upload->is_listed = TRUE;
  upload->temp.sync_failed = !g_error_matches (failure, CASK_ERROR, FS_ERROR_LIMIT);
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
fs_saved_save_once (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                    GCancellable *cancellable, GError **error)
{
  FsTemp *temp = &upload->temp;
  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !fs_root_check_writable (self, error) || !fs_upload_check_usable (upload, error) ||
      !fs_saved_check_limits (self, upload, cancellable, error))
    return FALSE;
  if (upload->directory < 0)
    {
      g_auto (FsFd) uploads = fs_saved_open_root (self, error);
      if (uploads < 0 || !fs_saved_make (self, upload, uploads, error))
        return FALSE;
    }
  if (!fs_saved_move (self, upload, cancellable, error))
    return FALSE;
  temp->sync_failed = !fs_sync_file (self, temp->fd, self->durability, error);
  if (temp->sync_failed ||
      !fs_state_write (self, upload->directory, fs_upload_offset (upload), upload->mode,
                       state, cancellable, error))
    return FALSE;
  upload->is_saved = TRUE;
  return fs_saved_sync (self, upload, error);
}

/* Locks of one machine keep no other from writing into the same file. */
static gboolean
fs_saved_is_supported (CaskBackend *self, GError **error)
{
  if (self->place != FS_PLACE_REMOTE)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                       "saved uploads: not on a filesystem of several machines");
  return FALSE;
}

gboolean
fs_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state, char **id,
                GCancellable *cancellable, GError **error)
{
  if (!fs_saved_is_supported (self, error))
    return FALSE;
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  gboolean done;
  do
    done = fs_saved_save_once (self, upload, state, cancellable, &failure);
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  if (done)
    *id = g_strdup (upload->id);
  return fs_patience_end (&patience, failure, error);
}

/* ---- Resuming ---- */

static gboolean
fs_saved_fail_absent (CaskBackend *self, GError **error)
{
  if (fs_root_is_gone (self))
    return fs_fail_gone (error);
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such upload");
  return FALSE;
}

static gboolean
fs_saved_fail_busy (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_BUSY,
                       "upload: is open, here or in another process");
  return FALSE;
}

static gboolean
fs_saved_corrupt (const char *id, const char *what, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT, FS_SAVED_ROOT "/%s: %s", id, what);
  return FALSE;
}

static gboolean
fs_saved_open (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  char path[sizeof FS_SAVED_ROOT + 1 + FS_SAVED_ID];
  g_snprintf (path, sizeof path, "%s/%s", FS_SAVED_ROOT, upload->id);
  upload->directory = fs_root_open (self, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (upload->directory >= 0)
    return TRUE;
  int code = errno;
  if (code == ENOENT)
    return fs_saved_fail_absent (self, error);
  if ((code == ELOOP || code == ENOTDIR) && fs_saved_has_root (self))
    return fs_saved_corrupt (upload->id, "is not a directory", error);
  return fs_fail_path (self, code, "open", path, error);
}

static gboolean
fs_saved_give_up (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  fs_saved_discard (self, upload->directory, upload->id);
  return fs_saved_fail_absent (self, error);
}

/* A commit that died before its rename has left the file with a blob's mode, which its
 * owner can not open for writing; with a second name as well, it is given up. The lock,
 * shared as this descriptor can not have the other, keeps everybody else from getting
 * further with the file meanwhile. */
static gboolean
fs_saved_unseal (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  struct stat st;
  g_auto (FsFd) fd = fs_saved_open_file (upload->directory, FS_SAVED_DATA, O_RDONLY);
  if (fd < 0)
    return fs_fail (self, errno, "open the upload", error);
  FsLock lock = fs_saved_lock (self, fd, F_RDLCK, error);
  if (lock == FS_LOCK_BUSY)
    return fs_saved_fail_busy (error);
  if (lock != FS_LOCK_HELD)
    return FALSE;
  if (!fs_saved_is_at (upload->directory, fd, &st) || !S_ISREG (st.st_mode))
    return TRUE;
  if (st.st_nlink > 1 && st.st_uid == geteuid ())
    return fs_saved_give_up (self, upload, error);
  if (st.st_nlink == 1 && fs_system->fchmod (fd, 0600) != 0)
    return fs_fail (self, errno, "chmod", error);
  return TRUE;
}

static gboolean
fs_saved_open_data (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  int *fd = &upload->temp.fd;
  *fd = fs_saved_open_file (upload->directory, FS_SAVED_DATA, O_RDWR);
  if (*fd < 0 && errno == EACCES)
    {
      if (!fs_saved_unseal (self, upload, error))
        return FALSE;
      *fd = fs_saved_open_file (upload->directory, FS_SAVED_DATA, O_RDWR);
    }
  if (*fd >= 0)
    return TRUE;
  if (errno == ENOENT)
    {
      /* A state without data: what a commit that died after its rename has left. Without
       * a state it may be a first save that has come so far. */
      if (fs_system->faccessat (upload->directory, FS_SAVED_STATE, F_OK,
                                AT_SYMLINK_NOFOLLOW) == 0)
        fs_saved_discard (self, upload->directory, upload->id);
      return fs_saved_fail_absent (self, error);
    }
  if (errno == ELOOP || errno == EISDIR || errno == ENXIO)
    return fs_saved_corrupt (upload->id, "its data is not a file", error);
  return fs_fail (self, errno, "open the upload", error);
}

/* Takes the lock, and makes sure that what is locked is the upload's, nobody else's. */
static gboolean
fs_saved_own (CaskBackend *self, CaskBackendUpload *upload, GError **error)
{
  struct stat st = { 0 };
  FsLock lock = fs_saved_lock (self, upload->temp.fd, F_WRLCK, error);
  if (lock == FS_LOCK_BUSY)
    return fs_saved_fail_busy (error);
  if (lock != FS_LOCK_HELD)
    return FALSE;
  if (!fs_saved_is_at (upload->directory, upload->temp.fd, &st))
    return errno == ENOENT ? fs_saved_fail_absent (self, error)
                           : fs_fail (self, errno, "stat the upload", error);
  if (!S_ISREG (st.st_mode))
    return fs_saved_corrupt (upload->id, "its data is not a file", error);
  return st.st_nlink == 1 || fs_saved_give_up (self, upload, error);
}

/* Brings the file to where it was when the state was saved. Of one that is shorter, the
 * state has to say so too before anything is written behind its end: the next resume
 * would take that for what was saved. */
static gboolean
fs_saved_rewind (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                 GBytes *state, GCancellable *cancellable, GError **error)
{
  struct stat st;
  if (fs_system->fstat (upload->temp.fd, &st) != 0)
    return fs_fail (self, errno, "stat", error);
  if ((guint64) st.st_size > offset)
    {
      int result;
      do
        result = fs_system->ftruncate (upload->temp.fd, (off_t) offset);
      while (result != 0 && errno == EINTR);
      if (result != 0)
        return fs_fail (self, errno, "truncate the upload", error);
    }
  if ((st.st_mode & 07777) != 0600 && fs_system->fchmod (upload->temp.fd, 0600) != 0)
    return fs_fail (self, errno, "chmod", error);
  upload->offset = upload->started = MIN (offset, (guint64) st.st_size);
  if ((guint64) st.st_size >= offset)
    return TRUE;
  return fs_state_write (self, upload->directory, upload->offset, upload->mode, state,
                         cancellable, error) &&
         fs_saved_sync (self, upload, error);
}

/* With the lock held. A state that is damaged will not get better: nobody can go on with
 * the upload, and it would be there for ever. What is no file was put there by somebody,
 * and is for somebody to look at. */
static gboolean
fs_saved_read_state (CaskBackend *self, CaskBackendUpload *upload, GBytes **state,
                     guint64 *offset, GError **error)
{
  struct stat st;
  GError *failure = NULL;
  if (fs_state_read (self, upload->directory, state, offset, &upload->mode, &failure))
    return TRUE;
  if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_CORRUPT) &&
      fs_system->fstatat (upload->directory, FS_SAVED_STATE, &st, AT_SYMLINK_NOFOLLOW) ==
          0 &&
      S_ISREG (st.st_mode))
    fs_saved_discard (self, upload->directory, upload->id);
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
fs_saved_resume_once (CaskBackend *self, CaskBackendUpload *upload, GBytes **state,
                      GCancellable *cancellable, GError **error)
{
  guint64 offset;
  if (g_cancellable_set_error_if_cancelled (cancellable, error) ||
      !fs_saved_open (self, upload, error) || !fs_saved_open_data (self, upload, error) ||
      !fs_saved_own (self, upload, error) ||
      !fs_saved_read_state (self, upload, state, &offset, error))
    return FALSE;
  if (fs_saved_rewind (self, upload, offset, *state, cancellable, error))
    return TRUE;
  g_clear_pointer (state, g_bytes_unref);
  return FALSE;
}

/* Drops the lock too, which a child that was forked meanwhile would keep. */
static void
fs_saved_let_go (CaskBackend *self, CaskBackendUpload *upload)
{
  if (upload->temp.fd >= 0)
    fs_saved_lock (self, upload->temp.fd, F_UNLCK, NULL);
  fs_fd_close (fs_fd_steal (&upload->temp.fd));
  fs_fd_close (fs_fd_steal (&upload->directory));
}

CaskBackendUpload *
fs_upload_resume (CaskBackend *self, const char *id, GBytes **state, guint64 *offset,
                  GCancellable *cancellable, GError **error)
{
  if (!fs_saved_is_id (id))
    return fs_saved_fail_absent (self, error), NULL;
  if (!fs_saved_is_supported (self, error) || !fs_root_check_writable (self, error))
    return NULL;
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  g_autoptr (GBytes) saved = NULL;
  CaskBackendUpload *upload = fs_upload_new (self);
  g_strlcpy (upload->id, id, sizeof upload->id);
  gboolean done;
  do
    {
      done = fs_saved_resume_once (self, upload, &saved, cancellable, &failure);
      if (!done)
        fs_saved_let_go (self, upload);
    }
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  fs_patience_end (&patience, failure, error);
  if (!done)
    return g_free (upload), NULL;
  upload->temp.directory = upload->directory;
  upload->temp.is_moved = TRUE;
  g_strlcpy (upload->temp.name, FS_SAVED_DATA, sizeof upload->temp.name);
  upload->is_private = upload->is_saved = TRUE;
  *offset = upload->offset;
  *state = g_steal_pointer (&saved);
  return upload;
}
