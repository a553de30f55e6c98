/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-notes.c: versions, and what this store knows of single inodes.
 *
 * A version has to change whenever a blob's bytes may have, whoever changed them, and
 * should not when only its modification time was renewed, for then the core hashes the
 * blob again. What tells reliably that somebody wrote is the ctime: nobody can set it.
 * But renewing the mtime moves it too. So: a version is a mix of device, inode, size and
 * ctime, and when this store itself renews an inode it notes "with the new ctime, the
 * version is still the old one". Another process's renewal costs one more hash here. A
 * birth time would add nothing: a reused inode number comes with a new ctime.
 *
 * Ways to be fooled, and what is done:
 * - Timestamps are coarse (4 to 10 ms, 2 s on FAT): bytes may change after a look and the
 *   ctime stay the same. A ctime that is not clearly older than now gives no version.
 * - Somebody writes right after we renewed it, in the same tick of the kernel's clock:
 *   the ctime that was noted stays. But the write replaces the exact time that we set by
 *   that of the tick, so a note holds only for the mtime that we set, to the nanosecond.
 * - Somebody writes into a blob between our look and our renewal of it, some
 *   microseconds, without the lock that Cask's own writers hold. That goes unseen until
 *   the next `verify`, as rot does.
 *
 * The table is direct-mapped; a collision forgets, which costs a hash or an fsync. */
#include "fs-private.h"

#include <time.h>

#define FS_NOTES_SETTLED_NSEC (20 * G_GINT64_CONSTANT (1000000))
#define FS_NOTES_SETTLED_COARSE_NSEC (2 * G_GINT64_CONSTANT (1000000000))
#define FS_NOTES_NSEC G_GINT64_CONSTANT (1000000000)

static guint64
fs_notes_mix (guint64 hash, guint64 value)
{
  hash ^= value + G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  hash = (hash ^ hash >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  hash = (hash ^ hash >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return hash ^ hash >> 31;
}

/* Wraps for absurd times, which is as good for telling them apart. */
static gint64
fs_notes_nsec (const struct timespec *time)
{
  return (gint64) ((guint64) time->tv_sec * (guint64) FS_NOTES_NSEC +
                   (guint64) time->tv_nsec);
}

static guint64
fs_notes_plain_version (const struct stat *st)
{
  guint64 hash = fs_notes_mix ((guint64) st->st_dev, (guint64) st->st_ino);
  hash = fs_notes_mix (hash, (guint64) st->st_size);
  hash = fs_notes_mix (hash, (guint64) fs_notes_nsec (&st->st_ctim));
  return hash != 0 ? hash : 1;
}

static guint
fs_notes_slot (const struct stat *st)
{
  return (guint) (fs_notes_mix (0, (guint64) st->st_ino) % FS_NOTES);
}

/* Returns: whether there is a note that holds for exactly this state of the inode. */
static gboolean
fs_notes_find (CaskBackend *self, const struct stat *st, FsNote *found)
{
  guint slot = fs_notes_slot (st);
  GMutex *lock = &self->notes.locks[slot % FS_NOTE_LOCKS];
  /* Of most inodes there is none; that takes no lock. */
  if (__atomic_load_n (&self->notes.slots[slot].inode, __ATOMIC_ACQUIRE) !=
      (guint64) st->st_ino)
    return FALSE;
  g_mutex_lock (lock);
  *found = self->notes.slots[slot];
  g_mutex_unlock (lock);
  return found->version != 0 && found->device == (guint64) st->st_dev &&
         found->inode == (guint64) st->st_ino &&
         found->changed_nsec == fs_notes_nsec (&st->st_ctim) &&
         found->modified_nsec == fs_notes_nsec (&st->st_mtim);
}

static void
fs_notes_set (CaskBackend *self, const struct stat *st, guint64 version,
              gboolean is_durable)
{
  guint slot = fs_notes_slot (st);
  GMutex *lock = &self->notes.locks[slot % FS_NOTE_LOCKS];
  FsNote note = { .device = (guint64) st->st_dev,
                  .inode = (guint64) st->st_ino,
                  .changed_nsec = fs_notes_nsec (&st->st_ctim),
                  .modified_nsec = fs_notes_nsec (&st->st_mtim),
                  .version = version,
                  .is_durable = (guint64) is_durable };
  FsNote *kept = &self->notes.slots[slot];
  g_mutex_lock (lock);
  kept->device = note.device;
  __atomic_store_n (&kept->inode, note.inode, __ATOMIC_RELEASE);
  kept->changed_nsec = note.changed_nsec;
  kept->modified_nsec = note.modified_nsec;
  kept->version = note.version;
  kept->is_durable = note.is_durable;
  g_mutex_unlock (lock);
}

static guint64
fs_notes_any_version (CaskBackend *self, const struct stat *st)
{
  FsNote note;
  return fs_notes_find (self, st, &note) ? note.version : fs_notes_plain_version (st);
}

/* fs_notes_settled: whether a change made from now on would show in the ctime. A ctime in
 * the future (a clock set back, another machine's clock) proves nothing. */
gboolean
fs_notes_settled (CaskBackend *self, const struct stat *st)
{
  /* A whole second may be all that the filesystem keeps: ext3, or ext4 with small inodes.
   */
  gboolean is_fine = st->st_ctim.tv_nsec != 0 &&
                     (self->place == FS_PLACE_LOCAL || self->place == FS_PLACE_MEMORY);
  gint64 margin = is_fine ? FS_NOTES_SETTLED_NSEC : FS_NOTES_SETTLED_COARSE_NSEC;
  struct timespec now;
  if (fs_system->clock_gettime (CLOCK_REALTIME_COARSE, &now) != 0)
    return FALSE;
  gint64 seconds;
  gint64 nanoseconds = (gint64) now.tv_nsec - (gint64) st->st_ctim.tv_nsec;
  if (__builtin_sub_overflow ((gint64) now.tv_sec, (gint64) st->st_ctim.tv_sec, &seconds))
    return FALSE;
  if (seconds > 3600)
    return TRUE;
  return seconds >= 0 && seconds * FS_NOTES_NSEC + nanoseconds >= margin;
}

/* fs_notes_version: the version of the blob that looks like st; 0 where it is too new to
 * have one. */
guint64
fs_notes_version (CaskBackend *self, const struct stat *st)
{
  return fs_notes_settled (self, st) ? fs_notes_any_version (self, st) : 0;
}

/* fs_notes_renewed: this store set the modification time to `set`; the bytes are the
 * same. Another time than that is a writer's, or rounded, and then a write might not
 * show. */
void
fs_notes_renewed (CaskBackend *self, const struct stat *before, const struct stat *after,
                  const struct timespec *set)
{
  if (before->st_size != after->st_size ||
      fs_notes_nsec (&after->st_mtim) != fs_notes_nsec (set))
    return;
  fs_notes_set (self, after, fs_notes_any_version (self, before), FALSE);
}

/* fs_notes_durable: whether this store has itself made this very state durable. */
gboolean
fs_notes_durable (CaskBackend *self, const struct stat *st)
{
  FsNote note;
  return fs_notes_find (self, st, &note) && note.is_durable;
}

/* fs_notes_synced: after st was looked at, the file, its shard and all above were synced.
 *
 * Not noted for a ctime so new that another process may yet remove this file and store
 * another, under the same inode number and the same coarse ctime, which nobody synced. */
void
fs_notes_synced (CaskBackend *self, const struct stat *st)
{
  if (fs_notes_settled (self, st))
    fs_notes_set (self, st, fs_notes_any_version (self, st), TRUE);
}
