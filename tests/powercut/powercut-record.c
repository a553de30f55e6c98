/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-record.c: a table of system calls that does each, and writes it down.
 *
 * A sync is two entries: what had happened at its first is on the disk at its second.
 * Between them, and before every change, other threads get their chance: a sync takes as
 * long as it was told, and a change comes after a random pause.
 *
 * A lie is a sync that says yes and is not written down: for the model it has not been.
 * Which sync that is, the kind of file tells, and what this thread has done so far in the
 * call of the library that it is in. */
#include "powercut.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

void (*power_record_watch) (void);

static PowerLog *power_log;
static PowerLie power_lies;
static guint power_slow_usec;
static gint power_made; /* atomic: this process has made a directory */

static __thread struct
{
  guint64 random;
  PowerCallKind call;
  gboolean filled, unlinked, renamed;
} power_thread;

void
power_record_begin (PowerLog *log, PowerLie lies, guint slow_usec)
{
  power_log = log;
  power_lies = lies;
  power_slow_usec = slow_usec;
}

void
power_record_thread (guint64 seed)
{
  power_thread.random = seed | 1;
}

/* power_record_call: this thread enters such a call of the library, or leaves it. */
void
power_record_call (PowerCallKind kind)
{
  power_thread.call = kind;
  power_thread.filled = power_thread.unlinked = power_thread.renamed = FALSE;
}

/* power_record_outside: the directory in which the store's root is, or will be. */
void
power_record_outside (PowerLog *log, const char *path)
{
  struct stat st;
  if (stat (path, &st) != 0)
    g_error ("%s: %s", path, g_strerror (errno));
  power_log_born (log, &st, POWER_ROLE_OUTSIDE);
}

static guint64
power_random (void)
{
  power_thread.random ^= power_thread.random << 13;
  power_thread.random ^= power_thread.random >> 7;
  power_thread.random ^= power_thread.random << 17;
  return power_thread.random;
}

/* power_yield: lets others go on for so long. */
void
power_yield (guint64 usec)
{
  gint64 until = g_get_monotonic_time () + (gint64) usec;
  do
    g_thread_yield ();
  while (g_get_monotonic_time () < until);
}

static void
power_pause (guint usec)
{
  if (usec > 0 && power_thread.random != 0)
    power_yield (power_random () % usec);
}

static void
power_enter (void)
{
  int code = errno;
  if (power_record_watch != NULL)
    power_record_watch ();
  if (power_thread.random != 0 && power_random () % 4 == 0)
    power_pause (MIN (power_slow_usec, 60));
  power_log_lock (power_log);
  errno = code;
}

static void
power_leave (void)
{
  int code = errno;
  power_log_unlock (power_log);
  if (power_record_watch != NULL)
    power_record_watch ();
  errno = code;
}

/* Returns: the inode of the directory in which path's last component is, and that. 0:
 * not one of the record's. */
static guint32
power_parent (int directory, const char *path, const char **leaf)
{
  struct stat st;
  const char *slash = strrchr (path, '/');
  *leaf = slash != NULL ? slash + 1 : path;
  if (slash == NULL)
    return fstat (directory, &st) == 0 ? power_log_inode (power_log, &st) : 0;
  g_autofree char *above = g_strndup (path, (gsize) (slash - path));
  return fstatat (directory, above, &st, 0) == 0 ? power_log_inode (power_log, &st) : 0;
}

static PowerRole
power_role (guint32 parent, const char *leaf)
{
  switch (power_log->inodes[parent].role)
    {
    case POWER_ROLE_OUTSIDE:
      return POWER_ROLE_ROOT;
    case POWER_ROLE_ROOT:
      if (strcmp (leaf, ".tmp") == 0)
        return POWER_ROLE_TEMPS;
      return strcmp (leaf, ".uploads") == 0 ? POWER_ROLE_UPLOADS : POWER_ROLE_TOP;
    case POWER_ROLE_TOP:
      return POWER_ROLE_SHARD;
    case POWER_ROLE_TEMPS:
      return POWER_ROLE_TEMP;
    default:
      return POWER_ROLE_UPLOAD;
    }
}

static void
power_log_name (guint32 parent, const char *leaf, guint32 inode)
{
  if (parent == 0)
    return;
  guint32 slot = power_log_slot (power_log, parent, leaf);
  PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_NAME);
  entry->slot = slot;
  entry->inode = inode;
  if (inode != 0 && power_log->inodes[parent].role == POWER_ROLE_SHARD)
    g_atomic_int_inc (&power_log->n_blob_names);
}

static guint32
power_inode_of (int fd)
{
  struct stat st;
  return fstat (fd, &st) == 0 ? power_log_inode (power_log, &st) : 0;
}

/* ---- Files ---- */

static int
power_openat (int directory, const char *path, int flags, mode_t mode)
{
  gboolean is_nameless = (flags & O_TMPFILE) == O_TMPFILE;
  if (!is_nameless && (flags & O_CREAT) == 0)
    return fs_system_libc.openat (directory, path, flags, mode);
  power_enter ();
  struct stat st;
  const char *leaf = path;
  guint32 parent = is_nameless ? 0 : power_parent (directory, path, &leaf);
  gboolean is_there =
      !is_nameless && fstatat (directory, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
  int fd = fs_system_libc.openat (directory, path, flags, mode);
  if (fd >= 0 && !is_there && fstat (fd, &st) == 0)
    {
      gboolean is_state =
          parent != 0 && power_log->inodes[parent].role == POWER_ROLE_UPLOAD;
      guint32 inode =
          power_log_born (power_log, &st, is_state ? POWER_ROLE_STATE : POWER_ROLE_FILE);
      power_log_name (parent, leaf, inode);
      power_thread.filled = TRUE;
    }
  power_leave ();
  return fd;
}

static ssize_t
power_pwrite (int fd, const void *buffer, size_t count, off_t offset)
{
  power_enter ();
  ssize_t written = fs_system_libc.pwrite (fd, buffer, count, offset);
  guint32 inode = written > 0 ? power_inode_of (fd) : 0;
  if (inode != 0)
    {
      PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_WRITE);
      entry->inode = inode;
      entry->a = (guint64) offset;
      entry->b = (guint64) written;
      entry->c = power_log_keep (power_log, buffer, (gsize) written);
    }
  power_leave ();
  return written;
}

static int
power_ftruncate (int fd, off_t length)
{
  power_enter ();
  int result = fs_system_libc.ftruncate (fd, length);
  guint32 inode = result == 0 ? power_inode_of (fd) : 0;
  if (inode != 0)
    {
      PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_TRUNCATE);
      entry->inode = inode;
      entry->a = (guint64) length;
    }
  power_leave ();
  return result;
}

static void
power_log_meta (int fd)
{
  struct stat st;
  guint32 inode = fstat (fd, &st) == 0 ? power_log_inode (power_log, &st) : 0;
  if (inode == 0)
    return;
  PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_META);
  entry->inode = inode;
  entry->a = (guint64) st.st_mtim.tv_sec * 1000000000u + (guint64) st.st_mtim.tv_nsec;
  entry->b = st.st_mode & 07777;
}

static int
power_futimens (int fd, const struct timespec times[2])
{
  power_enter ();
  int result = fs_system_libc.futimens (fd, times);
  if (result == 0)
    power_log_meta (fd);
  power_leave ();
  return result;
}

static int
power_fchmod (int fd, mode_t mode)
{
  power_enter ();
  int result = fs_system_libc.fchmod (fd, mode);
  if (result == 0)
    power_log_meta (fd);
  power_leave ();
  return result;
}

/* ---- Names ---- */

static int
power_linkat (int from, const char *old, int to, const char *name, int flags)
{
  power_enter ();
  struct stat st;
  const char *leaf;
  int result = fs_system_libc.linkat (from, old, to, name, flags);
  if (result == 0 && fstatat (to, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    {
      guint32 parent = power_parent (to, name, &leaf);
      power_log_name (parent, leaf, power_log_inode (power_log, &st));
    }
  power_leave ();
  return result;
}

static int
power_renameat2 (int from, const char *old, int to, const char *name, unsigned int flags)
{
  power_enter ();
  struct stat st;
  const char *old_leaf, *leaf;
  int result = fs_system_libc.renameat2 (from, old, to, name, flags);
  if (result == 0 && fstatat (to, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    {
      guint32 source = power_parent (from, old, &old_leaf);
      guint32 target = power_parent (to, name, &leaf);
      guint32 slot = power_log_slot (power_log, source, old_leaf);
      guint32 target_slot = power_log_slot (power_log, target, leaf);
      PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_RENAME);
      entry->inode = power_log_inode (power_log, &st);
      entry->slot = slot;
      entry->target = target_slot;
      power_thread.renamed |= power_log->inodes[target].role == POWER_ROLE_SHARD;
    }
  power_leave ();
  return result;
}

static int
power_unlinkat (int directory, const char *path, int flags)
{
  power_enter ();
  const char *leaf;
  guint32 parent = power_parent (directory, path, &leaf);
  int result = fs_system_libc.unlinkat (directory, path, flags);
  if (result == 0)
    {
      power_log_name (parent, leaf, 0);
      power_thread.unlinked = TRUE;
      g_atomic_int_inc (&power_log->n_removed);
    }
  power_leave ();
  return result;
}

static int
power_mkdirat (int directory, const char *path, mode_t mode)
{
  power_enter ();
  struct stat st;
  const char *leaf;
  int result = fs_system_libc.mkdirat (directory, path, mode);
  if (result == 0 && fstatat (directory, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
    {
      guint32 parent = power_parent (directory, path, &leaf);
      guint32 inode = power_log_born (power_log, &st, power_role (parent, leaf));
      power_log_name (parent, leaf, inode);
      g_atomic_int_inc (&power_log->n_directories);
      g_atomic_int_set (&power_made, TRUE);
    }
  power_leave ();
  return result;
}

/* ---- Syncs ---- */

static gboolean
power_is_ancestor (PowerRole role)
{
  return role == POWER_ROLE_OUTSIDE || role == POWER_ROLE_ROOT || role == POWER_ROLE_TOP;
}

/* Returns: what store would not have made this sync. */
static PowerLie
power_lie_about (PowerRole role)
{
  static const PowerLie by_role[] = {
    [POWER_ROLE_FILE] = POWER_LIE_DATA,       [POWER_ROLE_STATE] = POWER_LIE_SAVE,
    [POWER_ROLE_OUTSIDE] = POWER_LIE_OUTSIDE, [POWER_ROLE_ROOT] = POWER_LIE_ROOT,
    [POWER_ROLE_TOP] = POWER_LIE_TOP,         [POWER_ROLE_SHARD] = POWER_LIE_SHARD,
    [POWER_ROLE_TEMPS] = POWER_LIE_NONE,      [POWER_ROLE_TEMP] = POWER_LIE_NONE,
    [POWER_ROLE_UPLOADS] = POWER_LIE_SAVE,    [POWER_ROLE_UPLOAD] = POWER_LIE_SAVE
  };
  PowerLie lies = by_role[role];
  gboolean is_hit = power_thread.call == POWER_CALL_PUT && !power_thread.filled;
  if (is_hit)
    lies |= POWER_LIE_HIT;
  if (is_hit && role == POWER_ROLE_FILE)
    lies |= POWER_LIE_TIME;
  if (power_is_ancestor (role) && !g_atomic_int_get (&power_made))
    lies |= POWER_LIE_EXISTED;
  if (power_thread.call == POWER_CALL_DELETE)
    lies |= power_thread.unlinked ? POWER_LIE_DELETE : POWER_LIE_ABSENT;
  if (role == POWER_ROLE_SHARD && power_thread.renamed)
    lies |= POWER_LIE_OVER;
  return lies;
}

/* Returns: the position of the entry; 0 where there is none. */
static guint32
power_sync_begin (int fd, gboolean is_all, gboolean is_data)
{
  power_enter ();
  guint32 inode = power_inode_of (fd);
  PowerLie lies =
      is_all ? POWER_LIE_FLUSH : power_lie_about (power_log->inodes[inode].role);
  guint32 position = 0;
  if (inode != 0 && (lies & power_lies) == 0)
    {
      position = power_log->n_entries;
      PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_SYNC);
      entry->inode = is_all ? 0 : inode;
      entry->is_data = (guint8) is_data;
    }
  power_leave ();
  return position;
}

/* What the call itself says is of no interest: on a filesystem in memory it does nothing.
 */
static int
power_sync_end (guint32 position, int result)
{
  if (position == 0)
    return result;
  if (power_slow_usec > 0)
    power_yield (power_slow_usec / 2);
  power_pause (power_slow_usec / 2);
  power_enter ();
  PowerEntry *entry = power_log_append (power_log, POWER_ENTRY_SYNCED);
  entry->inode = power_log->entries[position].inode;
  entry->is_data = power_log->entries[position].is_data;
  entry->a = position;
  power_leave ();
  return result;
}

static int
power_fsync (int fd)
{
  guint32 position = power_sync_begin (fd, FALSE, FALSE);
  return power_sync_end (position, fs_system_libc.fsync (fd));
}

static int
power_fdatasync (int fd)
{
  guint32 position = power_sync_begin (fd, FALSE, TRUE);
  return power_sync_end (position, fs_system_libc.fdatasync (fd));
}

static int
power_syncfs (int fd)
{
  guint32 position = power_sync_begin (fd, TRUE, FALSE);
  return power_sync_end (position, fs_system_libc.syncfs (fd));
}

/* On a filesystem in memory the store may take liberties that it has not on a disk. */
static int
power_fstatfs (int fd, struct statfs *fs)
{
  int result = fs_system_libc.fstatfs (fd, fs);
  if (result == 0 && fs->f_type == TMPFS_MAGIC)
    fs->f_type = EXT4_SUPER_MAGIC;
  return result;
}

/* The rest only looks, and goes past the record. */
FsSystem
power_system (void)
{
  FsSystem system = fs_system_libc;
  system.openat = power_openat;
  system.pwrite = power_pwrite;
  system.ftruncate = power_ftruncate;
  system.futimens = power_futimens;
  system.fchmod = power_fchmod;
  system.linkat = power_linkat;
  system.renameat2 = power_renameat2;
  system.unlinkat = power_unlinkat;
  system.mkdirat = power_mkdirat;
  system.fsync = power_fsync;
  system.fdatasync = power_fdatasync;
  system.syncfs = power_syncfs;
  system.fstatfs = power_fstatfs;
  return system;
}
