/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-saved-state.c: the file `state` of a saved upload.
 *
 *   0    7   "CASKUPL"
 *   7    1   version: 1
 *   8    8   offset: how much of `data` counts; little-endian, as all numbers here
 *   16   8   length: of what the host gave
 *   24   8   boot: of the machine, where `data` was not synced before; else 0
 *   32   n   what the host gave
 *   32+n 32  SHA-256 of all before
 *
 * It is written beside the last one and moved over it, so there is always a whole one.
 * Its mode is the one that the blob will have: who resumes may have another umask than
 * who began, and a blob's mode must not depend on that.
 *
 * Bytes that were not synced may be others after a power cut, and what the host hashed
 * would then not be what is there. So a state of an earlier boot counts one byte less
 * than it was saved with, which makes the host hash again what there is.
 *
 * Failure modes: another version with a good checksum is UNSUPPORTED, for it may be good
 * for who wrote it; whatever else is not exactly as above is CORRUPT. No number in it is
 * believed before it has been compared with the file's size, and what is allocated is
 * bounded by that of the largest state. */
#include "fs-upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FS_STATE_MAGIC "CASKUPL"
#define FS_STATE_VERSION 1
#define FS_STATE_HEADER 32
#define FS_STATE_BOOT 24
#define FS_STATE_HASH 32
#define FS_STATE_MAXIMUM (16 * 1024 * 1024)

static void
fs_state_hash (CaskBackend *self, const guint8 *data, gsize count, guint8 *hash)
{
  CaskDigest digest;
  CaskHasher *hasher = self->host->hasher_new (self->host, CASK_ALGORITHM_SHA256);
  self->host->hasher_update (hasher, data, count);
  self->host->hasher_finish (hasher, &digest);
  memcpy (hash, digest.bytes, FS_STATE_HASH);
}

static GBytes *
fs_state_pack (CaskBackend *self, guint64 offset, GBytes *state)
{
  gsize length;
  const guint8 *given = g_bytes_get_data (state, &length);
  gsize total = FS_STATE_HEADER + length + FS_STATE_HASH;
  guint8 *file = g_malloc (total);
  guint64 numbers[2] = { GUINT64_TO_LE (offset), GUINT64_TO_LE ((guint64) length) };
  memcpy (file, FS_STATE_MAGIC, 7);
  file[7] = FS_STATE_VERSION;
  memcpy (file + 8, numbers, sizeof numbers);
  memset (file + FS_STATE_BOOT, 0, 8);
  if (self->durability == FS_DURABILITY_NONE)
    memcpy (file + FS_STATE_BOOT, fs_sweep_boot (), 8);
  if (length > 0)
    memcpy (file + FS_STATE_HEADER, given, length);
  fs_state_hash (self, file, total - FS_STATE_HASH, file + total - FS_STATE_HASH);
  return g_bytes_new_take (file, total);
}

/* A file of its own each time: of one that could not be synced nothing can be believed.
 */
static gboolean
fs_state_fill (CaskBackend *self, int directory, mode_t mode, GBytes *file,
               GCancellable *cancellable, GError **error)
{
  if (fs_system->unlinkat (directory, FS_SAVED_STATE_NEW, 0) != 0 && errno != ENOENT)
    return fs_fail (self, errno, "unlink the state", error);
  g_auto (FsFd) fd =
      fs_system->openat (directory, FS_SAVED_STATE_NEW,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
  if (fd < 0)
    return fs_fail (self, errno, "create the state", error);
  if (fs_system->fchmod (fd, mode) != 0)
    return fs_fail (self, errno, "chmod", error);
  return fs_publish_write (self, fd, 0, file, cancellable, error) &&
         fs_sync_file (self, fd, self->durability, error);
}

/* fs_state_write: replaces the state in an upload's directory; the directory is for the
 * caller to sync. */
gboolean
fs_state_write (CaskBackend *self, int directory, guint64 offset, mode_t mode,
                GBytes *state, GCancellable *cancellable, GError **error)
{
  if (g_bytes_get_size (state) > FS_STATE_MAXIMUM)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
                   "state: %" G_GSIZE_FORMAT " bytes, %d at most",
                   g_bytes_get_size (state), FS_STATE_MAXIMUM);
      return FALSE;
    }
  g_autoptr (GBytes) file = fs_state_pack (self, offset, state);
  gboolean done = fs_state_fill (self, directory, mode, file, cancellable, error);
  if (done && fs_system->renameat2 (directory, FS_SAVED_STATE_NEW, directory,
                                    FS_SAVED_STATE, 0) != 0)
    done = fs_fail (self, errno, "rename the state", error);
  if (!done)
    fs_system->unlinkat (directory, FS_SAVED_STATE_NEW, 0);
  return done;
}

static gboolean
fs_state_corrupt (const char *what, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT, "state of the upload: %s", what);
  return FALSE;
}

/* Whether a power cut may have come between. Where a boot has no name, it may. */
static gboolean
fs_state_is_doubtful (const guint8 *header)
{
  static const guint8 synced[8];
  const guint8 *boot = header + FS_STATE_BOOT;
  return memcmp (boot, synced, 8) != 0 &&
         (memcmp (boot, "00000000", 8) == 0 || memcmp (boot, fs_sweep_boot (), 8) != 0);
}

/* size: the file's. Returns: what is wrong with the header; NULL where it is good. */
static const char *
fs_state_check (const guint8 *header, guint64 size, guint64 *offset)
{
  guint64 numbers[2];
  memcpy (numbers, header + 8, sizeof numbers);
  if (memcmp (header, FS_STATE_MAGIC, 7) != 0)
    return "is not one";
  *offset = GUINT64_FROM_LE (numbers[0]);
  if (*offset > G_MAXINT64)
    return "its offset is none";
  if (*offset > 0 && fs_state_is_doubtful (header))
    (*offset)--;
  if (GUINT64_FROM_LE (numbers[1]) != size - FS_STATE_HEADER - FS_STATE_HASH)
    return "its length is not the file's";
  return NULL;
}

static gboolean
fs_state_fits (guint64 size)
{
  return size >= FS_STATE_HEADER + FS_STATE_HASH &&
         size <= FS_STATE_HEADER + FS_STATE_MAXIMUM + FS_STATE_HASH;
}

static gboolean
fs_state_load (CaskBackend *self, int fd, gsize size, GBytes **state, guint64 *offset,
               GError **error)
{
  g_autofree guint8 *file = g_malloc (size);
  gssize got = fs_read_start (fd, file, size);
  if (got < 0)
    return fs_fail (self, errno, "read the state", error);
  if ((gsize) got != size)
    return fs_state_corrupt ("ends early", error);
  guint8 hash[FS_STATE_HASH];
  fs_state_hash (self, file, size - FS_STATE_HASH, hash);
  if (memcmp (hash, file + size - FS_STATE_HASH, FS_STATE_HASH) != 0)
    return fs_state_corrupt ("does not match its checksum", error);
  if (memcmp (file, FS_STATE_MAGIC, 7) == 0 && file[7] != FS_STATE_VERSION)
    {
      g_set_error (
          error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
          "state of the upload: of version %u, this one reads %u; finish or abort it "
          "with the version that saved it, or remove its directory in " FS_SAVED_ROOT,
          file[7], FS_STATE_VERSION);
      return FALSE;
    }
  const char *wrong = fs_state_check (file, size, offset);
  if (wrong != NULL)
    return fs_state_corrupt (wrong, error);
  *state = g_bytes_new (file + FS_STATE_HEADER, size - FS_STATE_HEADER - FS_STATE_HASH);
  return TRUE;
}

/* fs_state_read: what was saved last. mode: (out): the blob's. */
gboolean
fs_state_read (CaskBackend *self, int directory, GBytes **state, guint64 *offset,
               mode_t *mode, GError **error)
{
  struct stat st;
  g_auto (FsFd) fd = fs_saved_open_file (directory, FS_SAVED_STATE, O_RDONLY);
  if (fd < 0 && errno == ENOENT)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such upload");
      return FALSE;
    }
  if (fd < 0 && errno == ELOOP)
    return fs_state_corrupt ("is a symbolic link", error);
  if (fd < 0 || fs_system->fstat (fd, &st) != 0)
    return fs_fail (self, errno, "open the state", error);
  if (!S_ISREG (st.st_mode))
    return fs_state_corrupt ("is not a file", error);
  if (!fs_state_fits ((guint64) st.st_size))
    return fs_state_corrupt ("has an impossible size", error);
  *mode = st.st_mode & 0444;
  return fs_state_load (self, fd, (gsize) st.st_size, state, offset, error);
}

/* fs_state_peek: the offset and the time of the last save, from the header alone.
 *
 * Returns: FALSE where there is no state, or none that could be resumed: with errno,
 * which is ENOENT where nothing failed */
gboolean
fs_state_peek (int directory, guint64 *offset, gint64 *mtime_usec)
{
  struct stat st;
  guint8 header[FS_STATE_HEADER];
  g_auto (FsFd) fd = fs_saved_open_file (directory, FS_SAVED_STATE, O_RDONLY);
  if (fd < 0 || fs_system->fstat (fd, &st) != 0)
    return FALSE;
  gssize got = -1;
  gboolean fits = S_ISREG (st.st_mode) && fs_state_fits ((guint64) st.st_size);
  if (fits && (got = fs_read_start (fd, header, sizeof header)) < 0)
    return FALSE;
  errno = ENOENT;
  if (got != sizeof header ||
      fs_state_check (header, (guint64) st.st_size, offset) != NULL)
    return FALSE;
  *mtime_usec = fs_time_usec (&st.st_mtim);
  return TRUE;
}
