/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-sync.c: what has to be synced before success may be said, and what need not be.
 *
 * A blob outlives a power cut when its bytes, its name in the shard, the shard's name in
 * what it is in, and so on up to the root have each been synced. In `full` and `batch`:
 *
 *   what                         synced by
 *   bytes, times                 every put; a hit, unless this store knows
 *   the name in the shard        every put; a hit, unless this store knows; every removal
 *   the shard's own name, …      whoever first sees the directory, once
 *   the root's name              the first put; must succeed where open made the root
 *
 * That a directory or a blob exists proves nothing: the process that made it may not have
 * come to its fsync yet, and the power may go now. What a store knows is what it has
 * synced itself since it first saw that directory, or that state of that inode. Somebody
 * may remove an empty directory, and the next one get its inode number: so a directory is
 * known by its time of birth too, and forgotten where it was found missing.
 *
 * Failure modes: after a failed fsync the kernel may have dropped the bytes, call them
 * clean, and say yes to the next fsync. So the call is never repeated on that file: a
 * temporary file is thrown away, a blob's inode is remembered as suspect and the next put
 * stores it anew, a directory is remembered and its blobs are all suspect. A removal in
 * such a directory asks the whole filesystem. A failed flush fails for as long as the
 * store is open, for nobody can tell what was lost. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* How many suspect inodes are remembered before every inode is one. */
#define FS_SYNC_SUSPECTS 4096

/* fs_sync_file_failed: sets what fs_group_file() returned. Returns: FALSE */
gboolean
fs_sync_file_failed (CaskBackend *self, FsDurability durability, int code, GError **error)
{
  return fs_fail (self, code, durability == FS_DURABILITY_DATA ? "fdatasync" : "fsync",
                  error);
}

/* fs_sync_file: makes a temporary file's bytes as durable as asked, before it is linked:
 * a name must never lead to bytes that a power cut can take. */
gboolean
fs_sync_file (CaskBackend *self, int fd, FsDurability durability, GError **error)
{
  int code = fs_group_file (fd, durability);
  return code == 0 || fs_sync_file_failed (self, durability, code, error);
}

static void
fs_sync_suspect (CaskBackend *self, const struct stat *st)
{
  FsKnown *known = &self->known;
  gint64 inode = (gint64) st->st_ino;
  g_mutex_lock (&known->lock);
  if (g_hash_table_size (known->failed) < FS_SYNC_SUSPECTS)
    g_hash_table_add (known->failed, g_memdup2 (&inode, sizeof inode));
  else
    known->all_failed = TRUE;
  g_atomic_int_inc (&known->n_failed);
  g_mutex_unlock (&known->lock);
}

/* fs_sync_blob: makes the bytes and times of a blob durable that is in place already. */
gboolean
fs_sync_blob (CaskBackend *self, int fd, const struct stat *st, GError **error)
{
  int code = fs_group_file (fd, FS_DURABILITY_FULL);
  if (code == 0)
    return TRUE;
  fs_sync_suspect (self, st);
  return fs_fail (self, code, "fsync", error);
}

/* fs_sync_is_suspect: whether an earlier fsync failed on which this blob depended. */
gboolean
fs_sync_is_suspect (CaskBackend *self, const FsName *name, const struct stat *st)
{
  FsKnown *known = &self->known;
  if (g_atomic_int_get (&known->n_failed) == 0)
    return FALSE;
  gint64 inode = (gint64) st->st_ino;
  g_mutex_lock (&known->lock);
  gboolean is_suspect = known->all_failed || known->shards[name->shard_index].is_failed ||
                        g_hash_table_contains (known->failed, &inode);
  g_mutex_unlock (&known->lock);
  return is_suspect;
}

/* What directory fd is. Returns: FALSE with errno. */
static gboolean
fs_sync_identify (int fd, FsDirectory *identity)
{
  struct statx st = { 0 };
  if (fs_system->statx (fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0)
    return FALSE;
  *identity =
      (FsDirectory){ .device = (guint64) makedev (st.stx_dev_major, st.stx_dev_minor),
                     .inode = (guint64) st.stx_ino };
  if (st.stx_mask & STATX_BTIME)
    identity->born_nsec =
        (gint64) ((guint64) st.stx_btime.tv_sec * G_GUINT64_CONSTANT (1000000000) +
                  st.stx_btime.tv_nsec);
  return TRUE;
}

static gboolean
fs_sync_known (CaskBackend *self, const FsDirectory *directory,
               const FsDirectory *identity)
{
  FsKnown *known = &self->known;
  g_mutex_lock (&known->lock);
  gboolean is_known = directory->is_durable && directory->device == identity->device &&
                      directory->inode == identity->inode &&
                      directory->born_nsec == identity->born_nsec;
  g_mutex_unlock (&known->lock);
  return is_known;
}

static void
fs_sync_learn (CaskBackend *self, FsDirectory *directory, const FsDirectory *identity)
{
  FsKnown *known = &self->known;
  g_mutex_lock (&known->lock);
  directory->device = identity->device;
  directory->inode = identity->inode;
  directory->born_nsec = identity->born_nsec;
  directory->is_durable = TRUE;
  g_mutex_unlock (&known->lock);
}

/* fs_sync_forget: the shard is missing and about to be made; with_top, what it is in is
 * too, and so is every shard. That an fsync failed is not forgotten. */
void
fs_sync_forget (CaskBackend *self, const FsName *name, gboolean with_top)
{
  FsKnown *known = &self->known;
  g_mutex_lock (&known->lock);
  known->shards[name->shard_index].is_durable = FALSE;
  if (with_top)
    {
      known->tops[name->top_index].is_durable = FALSE;
      for (guint i = 0; i < FS_NAME_SHARDS; i++)
        known->shards[i].is_durable = FALSE;
    }
  g_mutex_unlock (&known->lock);
}

static gboolean
fs_sync_was_failed (CaskBackend *self, const FsDirectory *directory)
{
  FsKnown *known = &self->known;
  g_mutex_lock (&known->lock);
  gboolean was_failed = directory->is_failed;
  g_mutex_unlock (&known->lock);
  return was_failed;
}

/* Where an fsync of the directory has failed before, only the whole filesystem can be
 * asked.
 *
 * Returns: 0, or the failure's errno, which is remembered. */
static int
fs_sync_directory (CaskBackend *self, FsDirectory *directory, int fd)
{
  FsKnown *known = &self->known;
  int code = fs_group_directory (self, fd);
  if (code == 0 && fs_sync_was_failed (self, directory))
    code = fs_group_filesystem (fd);
  if (code == 0)
    return 0;
  g_mutex_lock (&known->lock);
  directory->is_failed = TRUE;
  g_atomic_int_inc (&known->n_failed);
  g_mutex_unlock (&known->lock);
  return code;
}

/* fs_sync_shard_code: as fs_sync_shard(). Returns: 0, or errno */
int
fs_sync_shard_code (CaskBackend *self, guint shard_index, int fd)
{
  return fs_sync_directory (self, &self->known.shards[shard_index], fd);
}

/* fs_sync_shard_failed: sets what fs_sync_shard_code() returned. Returns: FALSE */
gboolean
fs_sync_shard_failed (CaskBackend *self, const FsName *name, int code, GError **error)
{
  return fs_fail_path (self, code, "fsync of the directory", name->directory, error);
}

/* fs_sync_shard: makes the names in a shard durable; fd is the shard. */
gboolean
fs_sync_shard (CaskBackend *self, const FsName *name, int fd, GError **error)
{
  int code = fs_sync_shard_code (self, name->shard_index, fd);
  return code == 0 || fs_sync_shard_failed (self, name, code, error);
}

/* The root's name, in a directory that is not ours: where open did not make the root, a
 * parent that can not be opened or is another filesystem's is none of our business. */
static gboolean
fs_sync_root_name (CaskBackend *self, GError **error)
{
  if (g_atomic_int_get (&self->root_is_durable))
    return TRUE;
  g_auto (FsFd) parent =
      fs_system->openat (self->root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (parent < 0 && (self->made_root || errno == EMFILE || errno == ENFILE))
    return fs_fail_path (self, errno, "open", "..", error);
  struct stat above, root;
  gboolean is_ours = parent >= 0 && fs_system->fstat (parent, &above) == 0 &&
                     fs_system->fstat (self->root, &root) == 0 &&
                     above.st_dev == root.st_dev;
  int code = is_ours ? fs_sync_directory (self, &self->known.parent, parent) : 0;
  if (code != 0 && (self->made_root || code == EIO))
    return fs_fail_path (self, code, "fsync of the directory", "..", error);
  g_atomic_int_set (&self->root_is_durable, TRUE);
  return TRUE;
}

/* The name of what the shards are in, and the shard's name in it. */
static gboolean
fs_sync_shard_name (CaskBackend *self, const FsName *name, GError **error)
{
  FsDirectory *top = &self->known.tops[name->top_index];
  g_auto (FsFd) fd = fs_root_open (self, name->top, O_RDONLY | O_DIRECTORY);
  FsDirectory identity;
  if (fd < 0 || !fs_sync_identify (fd, &identity))
    return fs_fail_path (self, errno, "open", name->top, error);
  if (!fs_sync_known (self, top, &identity))
    {
      int failed = fs_sync_directory (self, &self->known.root, self->root);
      if (failed != 0)
        return fs_fail_path (self, failed, "fsync of the directory", "root", error);
      fs_sync_learn (self, top, &identity);
    }
  int code = fs_sync_directory (self, top, fd);
  return code == 0 ||
         fs_fail_path (self, code, "fsync of the directory", name->top, error);
}

/* fs_sync_ancestors: makes the shard's own name durable, and all names above it, unless
 * this store has since it first saw them. Called before anything is published in the
 * shard, so that nothing can fail for want of a descriptor after. */
gboolean
fs_sync_ancestors (CaskBackend *self, const FsName *name, int shard, GError **error)
{
  FsDirectory *known = &self->known.shards[name->shard_index];
  FsDirectory identity;
  if (!fs_sync_identify (shard, &identity))
    return fs_fail_path (self, errno, "stat", name->directory, error);
  if (fs_sync_known (self, known, &identity))
    return TRUE;
  if (!fs_sync_root_name (self, error) || !fs_sync_shard_name (self, name, error))
    return FALSE;
  fs_sync_learn (self, known, &identity);
  return TRUE;
}

/* fs_sync_absence: makes it durable that the blob is not there. Somebody else's removal
 * may not be yet; where even the shard is missing, it is the directory above that says
 * so. */
gboolean
fs_sync_absence (CaskBackend *self, const FsName *name, GError **error)
{
  g_auto (FsFd) shard = fs_root_open (self, name->directory, O_RDONLY | O_DIRECTORY);
  if (shard >= 0)
    return fs_sync_shard (self, name, shard, error);
  if (errno != ENOENT)
    return fs_fail_path (self, errno, "open", name->directory, error);
  g_auto (FsFd) top = fs_root_open (self, name->top, O_RDONLY | O_DIRECTORY);
  if (top < 0 && errno != ENOENT)
    return fs_fail_path (self, errno, "open", name->top, error);
  if (fs_root_is_gone (self))
    return fs_fail_gone (error);
  const char *subject = top >= 0 ? name->top : "root";
  int code = top >= 0 ? fs_sync_directory (self, &self->known.tops[name->top_index], top)
                      : fs_sync_directory (self, &self->known.root, self->root);
  return code == 0 || fs_fail_path (self, code, "fsync of the directory", subject, error);
}

/* fs_sync_upload: makes the names in a saved upload's directory durable. uploads: what
 * that is in, where its own name is new; -1: it is not. */
gboolean
fs_sync_upload (CaskBackend *self, int uploads, int directory, GError **error)
{
  FsDirectory identity;
  int code = fs_group_directory (self, directory);
  if (code != 0)
    return fs_fail (self, code, "fsync of the upload's directory", error);
  if (uploads < 0)
    return TRUE;
  if (!fs_sync_identify (uploads, &identity))
    return fs_fail (self, errno, "stat", error);
  if (!fs_sync_known (self, &self->known.uploads, &identity))
    {
      if (!fs_sync_root_name (self, error))
        return FALSE;
      int failed = fs_sync_directory (self, &self->known.root, self->root);
      if (failed != 0)
        return fs_fail_path (self, failed, "fsync of the directory", "root", error);
      fs_sync_learn (self, &self->known.uploads, &identity);
    }
  code = fs_sync_directory (self, &self->known.uploads, uploads);
  return code == 0 || fs_fail (self, code, "fsync of the directory of uploads", error);
}

/* fs_sync_flush: makes all that was acknowledged durable. In `full` and `batch` it is
 * already.
 *
 * syncfs() reports a failed write of the filesystem once to each descriptor that was
 * open by then (Linux 5.8; before, never), whichever file it was: the root's has been
 * open for as long as anything was acknowledged. */
gboolean
fs_sync_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  FsKnown *known = &self->known;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (fs_sync_is_promised (self))
    return TRUE;
  int code = fs_group_filesystem (self->root);
  g_mutex_lock (&known->lock);
  gboolean had_failed = known->flush_failed;
  known->flush_failed |= code != 0;
  g_mutex_unlock (&known->lock);
  if (code != 0)
    return fs_fail (self, code, "syncfs", error);
  if (!had_failed)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO,
                       "syncfs: an earlier one failed: what was lost is not known");
  return FALSE;
}
