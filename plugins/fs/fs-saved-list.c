/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-saved-list.c: all saved uploads: their list, their limits, and the sweep of what is
 * left of dead ones.
 *
 * Whether an upload is open is asked without taking its lock (fs-upload.h says why), so a
 * listing disturbs nobody; it may be stale by the time that it is read, as any list may.
 *
 * Failure modes: names that are no ids are not ours; what can not be opened (another
 * user's, or gone meanwhile) is left out, but where none can be, for want of a right to
 * .uploads, at a limit on open files, or because the disk fails, the list fails. A limit
 * on uploads is looked at and then met, so that two processes at once may go over it by
 * one each. */
#include "fs-slots.h"
#include "fs-upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* A directory without a state may be a first save that has come so far. */
#define FS_SAVED_SWEEP_USEC (60 * 60 * (gint64) G_USEC_PER_SEC)
/* How many entries one sweep looks at. */
#define FS_SAVED_SWEEP_ENTRIES 16384

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, closedir)

/* Returns: FALSE to stop, with an error or without. */
typedef gboolean (*FsSavedFunc) (CaskBackend *self, int uploads, const char *id,
                                 gpointer data, GError **error);

static gboolean
fs_saved_each (CaskBackend *self, FsSavedFunc func, gpointer data,
               GCancellable *cancellable, GError **error)
{
  g_auto (FsFd) fd = fs_root_open (self, FS_SAVED_ROOT, O_RDONLY | O_DIRECTORY);
  if (fd < 0 && errno == ENOENT)
    return !fs_root_is_gone (self) || fs_fail_gone (error);
  g_autoptr (DIR) stream = fd >= 0 ? fs_system->fdopendir (fd) : NULL;
  if (stream == NULL)
    return fs_fail_path (self, errno, "open", FS_SAVED_ROOT, error);
  fs_fd_steal (&fd);
  for (;;)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      errno = 0;
      const struct dirent *entry = fs_system->readdir (stream);
      if (entry == NULL)
        return errno == 0 || fs_fail_path (self, errno, "read", FS_SAVED_ROOT, error);
      if (fs_saved_is_id (entry->d_name) &&
          !func (self, dirfd (stream), entry->d_name, data, error))
        return FALSE;
    }
}

/* fs_saved_has_root: whether .uploads is a directory. Where it is none, no upload is the
 * worse for it. */
gboolean
fs_saved_has_root (CaskBackend *self)
{
  g_auto (FsFd) fd = fs_root_open (self, FS_SAVED_ROOT, O_PATH | O_DIRECTORY);
  return fd >= 0;
}

/* Returns: whether a failed call is no matter of this upload. That is one to itself where
 * it is gone, another user's, or no upload at all; but with no right to look into
 * .uploads every upload would seem to be gone, and so it would where the disk fails. */
static gboolean
fs_saved_is_failure (CaskBackend *self, int uploads, const char *id, GError **error)
{
  int code = errno;
  struct stat st;
  if (code == ENOENT || code == ENOTDIR || code == ELOOP || code == EISDIR ||
      code == ENXIO || code == EPERM)
    return FALSE;
  if (code == EACCES &&
      (fs_system->fstatat (uploads, id, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
       errno != EACCES))
    return FALSE;
  fs_fail_path (self, code, "open", FS_SAVED_ROOT, error);
  return TRUE;
}

/* ---- The list ---- */

typedef struct
{
  char id[FS_SAVED_ID + 1];
  guint64 offset;
  gint64 mtime_usec;
} FsSavedItem;

/* Asks without taking. What can not tell counts as locked. */
static gboolean
fs_saved_is_locked (int fd)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  return fs_system->lock (fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

static gboolean
fs_saved_list_one (CaskBackend *self, int uploads, const char *id, gpointer data,
                   GError **error)
{
  GArray *items = data;
  FsSavedItem item = { .offset = 0 };
  struct stat st;
  g_auto (FsFd) directory = fs_saved_open_file (uploads, id, O_RDONLY | O_DIRECTORY);
  if (directory < 0)
    return !fs_saved_is_failure (self, uploads, id, error);
  g_auto (FsFd) fd = fs_saved_open_file (directory, FS_SAVED_DATA, O_RDONLY);
  if (fd < 0)
    return !fs_saved_is_failure (self, uploads, id, error);
  if (fs_system->fstat (fd, &st) != 0)
    return !fs_saved_is_failure (self, uploads, id, error);
  if (!S_ISREG (st.st_mode) || st.st_nlink != 1 || fs_saved_is_locked (fd))
    return TRUE;
  if (!fs_state_peek (directory, &item.offset, &item.mtime_usec))
    return !fs_saved_is_failure (self, uploads, id, error);
  item.offset = MIN (item.offset, (guint64) st.st_size);
  g_strlcpy (item.id, id, sizeof item.id);
  g_array_append_val (items, item);
  return TRUE;
}

gboolean
fs_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                GCancellable *cancellable, GError **error)
{
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (FsSavedItem));
  gboolean done;
  do
    {
      g_array_set_size (items, 0);
      done = fs_saved_each (self, fs_saved_list_one, items, cancellable, &failure);
    }
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  gboolean go_on = done;
  for (guint i = 0; go_on && i < items->len; i++)
    {
      const FsSavedItem *item = &g_array_index (items, FsSavedItem, i);
      go_on = func (item->id, item->offset, item->mtime_usec, data);
    }
  return fs_patience_end (&patience, failure, error);
}

/* ---- The limits ---- */

typedef struct
{
  const char *own; /* the id of the upload that is saved again, or "" */
  guint64 count;
  guint64 bytes;
  gboolean wants_bytes;
} FsSavedSum;

static gboolean
fs_saved_sum_one (CaskBackend *self, int uploads, const char *id, gpointer data,
                  GError **error)
{
  FsSavedSum *sum = data;
  struct stat st;
  if (strcmp (id, sum->own) == 0)
    return TRUE;
  sum->count++;
  if (!sum->wants_bytes)
    return TRUE;
  g_auto (FsFd) directory = fs_saved_open_file (uploads, id, O_RDONLY | O_DIRECTORY);
  if (directory < 0)
    return !fs_saved_is_failure (self, uploads, id, error);
  if (fs_system->fstatat (directory, FS_SAVED_DATA, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISREG (st.st_mode))
    sum->bytes += (guint64) st.st_size;
  return TRUE;
}

/* fs_saved_check_limits: whether the upload may be saved: one more, if it has not been,
 * and as large as it is now. */
gboolean
fs_saved_check_limits (CaskBackend *self, const CaskBackendUpload *upload,
                       GCancellable *cancellable, GError **error)
{
  FsSavedSum sum = { .own = upload->id, .wants_bytes = self->max_upload_bytes != 0 };
  gboolean is_first = upload->directory < 0;
  if (!sum.wants_bytes && (!is_first || self->max_uploads == 0))
    return TRUE;
  if (!fs_saved_each (self, fs_saved_sum_one, &sum, cancellable, error))
    return FALSE;
  if (is_first && self->max_uploads != 0 && sum.count >= self->max_uploads)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_NO_SPACE,
                   "max-uploads: %" G_GUINT64_FORMAT " uploads are saved already: "
                   "commit, abort or expire some, or raise the limit",
                   sum.count);
      return FALSE;
    }
  guint64 offset = __atomic_load_n (&upload->offset, __ATOMIC_ACQUIRE);
  if (!sum.wants_bytes || (sum.bytes <= self->max_upload_bytes &&
                           offset <= self->max_upload_bytes - sum.bytes))
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_NO_SPACE,
               "max-upload-bytes: the saved uploads would have %" G_GUINT64_FORMAT
               " bytes, %" G_GUINT64_FORMAT " are allowed: "
               "commit, abort or expire some, or raise the limit",
               sum.bytes + offset, self->max_upload_bytes);
  return FALSE;
}

/* ---- The sweep ---- */

/* Whether nobody can resume what is in there. An old time alone proves nothing: an upload
 * may be open for days. */
static gboolean
fs_saved_is_useless (int directory, const struct stat *data)
{
  return data->st_nlink != 1 || (fs_system->faccessat (directory, FS_SAVED_STATE, F_OK,
                                                       AT_SYMLINK_NOFOLLOW) != 0 &&
                                 errno == ENOENT);
}

static gboolean
fs_saved_sweep_one (CaskBackend *self, int uploads, const char *id, gpointer data,
                    GError **error)
{
  (void) error;
  guint *seen = data;
  struct stat st;
  if (++*seen > FS_SAVED_SWEEP_ENTRIES)
    return FALSE;
  if (fs_system->fstatat (uploads, id, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISDIR (st.st_mode) ||
      fs_time_now_usec () - fs_time_usec (&st.st_mtim) < FS_SAVED_SWEEP_USEC)
    return TRUE;
  g_auto (FsFd) directory = fs_saved_open_file (uploads, id, O_RDONLY | O_DIRECTORY);
  if (directory < 0)
    return TRUE;
  g_auto (FsFd) fd = fs_saved_open_file (directory, FS_SAVED_DATA, O_RDWR);
  if (fd < 0 && errno == ENOENT)
    {
      fs_saved_discard (self, directory, id);
      return TRUE;
    }
  if (fd < 0 || !fs_saved_is_at (directory, fd, &st) || !S_ISREG (st.st_mode) ||
      !fs_saved_is_useless (directory, &st) ||
      fs_saved_lock (self, fd, F_WRLCK, NULL) != FS_LOCK_HELD)
    return TRUE;
  /* Now that it is ours: it may have been saved since. */
  if (fs_saved_is_at (directory, fd, &st) && fs_saved_is_useless (directory, &st))
    fs_saved_discard (self, directory, id);
  fs_saved_lock (self, fd, F_UNLCK, NULL);
  return TRUE;
}

/* fs_saved_sweep: removes what is an hour old and can not be resumed: what died during
 * its first save, or after its commit. */
void
fs_saved_sweep (CaskBackend *self)
{
  guint seen = 0;
  g_autoptr (GError) ignored = NULL;
  if (self->place != FS_PLACE_REMOTE)
    fs_saved_each (self, fs_saved_sweep_one, &seen, NULL, &ignored);
}
