/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-group.c: syncs that operations share.
 *
 * **One directory, many operations** (`durability=batch`). Who wants a directory synced
 * and finds nobody at it leads, and syncs at once; there is no timer. Whoever comes
 * meanwhile may have changed it too late for that sync, and joins the next: its first
 * leads, and it answers for all of them.
 *
 *   operations     A    B C D                A leads sync 1
 *   syncs          |--1--||--2--|            B, C and D share sync 2
 *
 * **One operation, many files** (a batch, in every durability). The syncs of a group are
 * given to a crew: to the caller, and to as many of the store's threads as are free.
 * Filesystems with a journal commit what threads wait for at the same time in one go:
 * a single thread would wait for as many commits as there are files.
 *
 * Tried and left: a leader that syncs the files of all operations. One after another
 * they lose what the journal does for threads, to less than half the speed of `full`;
 * and one syncfs for all, several times as fast on an idle disk, waits for whatever else
 * has been written on that filesystem, a tenth of the speed beside a compiler.
 *
 * Locks: FsGroup.lock and FsCrew.lock, leaves; no sync under either.
 *
 * Failure modes: a failed sync fails all who share it, and whoever came while it ran:
 * what they changed may be among what it lost, and the kernel tells of that once to each
 * descriptor, so that a leader who opened the directory later would be told that all is
 * well. For the same reason nobody shares any more once a sync has failed: each asks by
 * the descriptor that it had before its change. A crew whose hands come late or never is
 * its caller alone. */
#include "fs-private.h"

#include <errno.h>
#include <unistd.h>

/* The fewest syncs that are worth a second hand, and the most hands beside the caller. */
#define FS_CREW_LEAST 4
#define FS_CREW_HANDS 15

/* fs_group_file: makes a file's bytes as durable as asked. Returns: 0, or errno. */
int
fs_group_file (int fd, FsDurability durability)
{
  if (durability == FS_DURABILITY_NONE)
    return 0;
  int result;
  do /* interrupted is not failed: nothing was given up */
    result = durability == FS_DURABILITY_DATA ? fs_system->fdatasync (fd)
                                              : fs_system->fsync (fd);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* fs_group_filesystem: syncs all of the filesystem that fd is on. Returns: 0, or errno */
int
fs_group_filesystem (int fd)
{
  int result;
  do
    result = fs_system->syncfs (fd);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

/* Some filesystems have no fsync for directories. */
static int
group_directory_alone (int fd)
{
  int code = fs_group_file (fd, FS_DURABILITY_FULL);
  return code == EINVAL ? fs_group_filesystem (fd) : code;
}

/* ---- One directory, many operations ---- */

static guint
group_hash (gconstpointer key)
{
  return g_int64_hash (&((const FsSharing *) key)->inode);
}

static gboolean
group_equal (gconstpointer a, gconstpointer b)
{
  const FsSharing *one = a;
  const FsSharing *other = b;
  return one->inode == other->inode && one->device == other->device;
}

/* By lock. */
static FsSharing *
group_enter (FsGroup *group, const struct stat *st)
{
  FsSharing key = { .inode = (guint64) st->st_ino, .device = (guint64) st->st_dev };
  FsSharing *sharing = g_hash_table_lookup (group->sharings, &key);
  if (sharing == NULL)
    {
      sharing = g_memdup2 (&key, sizeof key);
      g_hash_table_add (group->sharings, sharing);
    }
  sharing->n_users++;
  return sharing;
}

/* By lock, which is dropped for the sync. */
static void
group_lead (FsGroup *group, FsSharing *sharing, int fd)
{
  guint64 number = ++sharing->n_started;
  g_mutex_unlock (&group->lock);
  int code = group_directory_alone (fd);
  g_mutex_lock (&group->lock);
  sharing->n_ended = number;
  if (code != 0)
    {
      sharing->failed = number;
      sharing->code = code;
      group->has_failed = TRUE;
    }
  g_cond_broadcast (&group->ended_cond);
}

/* Returns: 0, or errno. */
static int
group_share (FsGroup *group, const struct stat *st, int fd)
{
  g_mutex_lock (&group->lock);
  if (group->has_failed)
    {
      g_mutex_unlock (&group->lock);
      return group_directory_alone (fd);
    }
  FsSharing *sharing = group_enter (group, st);
  guint64 seen = sharing->n_ended;
  guint64 wanted = sharing->n_started + 1;
  while (sharing->n_ended < wanted && sharing->failed <= seen)
    {
      if (sharing->n_started == sharing->n_ended)
        group_lead (group, sharing, fd);
      else
        g_cond_wait (&group->ended_cond, &group->lock);
    }
  /* One that failed after ours had ended well is not ours. */
  gboolean has_failed = sharing->failed > seen && sharing->failed <= wanted;
  int code = has_failed ? sharing->code : 0;
  if (--sharing->n_users == 0)
    g_hash_table_remove (group->sharings, sharing);
  g_mutex_unlock (&group->lock);
  return code;
}

/* fs_group_directory: makes durable what was changed in the directory before the call.
 *
 * Returns: 0, or errno */
int
fs_group_directory (CaskBackend *self, int fd)
{
  struct stat st;
  if (self->durability != FS_DURABILITY_BATCH)
    return group_directory_alone (fd);
  if (fs_system->fstat (fd, &st) != 0)
    return errno;
  return group_share (&self->group, &st, fd);
}

/* ---- One operation, many files ---- */

/* FsCrew: outlives the call for hands that come late: they find nothing left to do, and
 * look at nothing but the crew itself. */
typedef struct
{
  gint n_refs; /* atomic */
  gint next;   /* atomic: the first sync that nobody has taken */
  guint n_syncs;
  CaskBackend *self;
  FsSync *syncs;
  GMutex lock;
  GCond done_cond;
  guint n_done; /* by lock */
} FsCrew;

static void
crew_unref (FsCrew *crew)
{
  if (!g_atomic_int_dec_and_test (&crew->n_refs))
    return;
  g_cond_clear (&crew->done_cond);
  g_mutex_clear (&crew->lock);
  g_free (crew);
}

/* That a shard's failed is remembered here, not when the slowest of them has ended: who
 * puts one of its blobs meanwhile must not take the name that is seen for durable. */
static void
crew_sync_one (CaskBackend *self, FsSync *sync)
{
  sync->code = sync->is_shard ? fs_sync_shard_code (self, sync->shard_index, sync->fd)
                              : fs_group_file (sync->fd, self->durability);
}

static void
crew_work (FsCrew *crew)
{
  guint n_done = 0;
  for (;;)
    {
      guint i = (guint) g_atomic_int_add (&crew->next, 1);
      if (i >= crew->n_syncs)
        break;
      crew_sync_one (crew->self, &crew->syncs[i]);
      n_done++;
    }
  g_mutex_lock (&crew->lock);
  crew->n_done += n_done;
  g_cond_signal (&crew->done_cond);
  g_mutex_unlock (&crew->lock);
}

static void
crew_job (gpointer data, GCancellable *cancellable)
{
  (void) cancellable; /* whoever waits for the syncs wants them all the more */
  crew_work (data);
  crew_unref (data);
}

static void
crew_sync (CaskBackend *self, FsSync *syncs, guint n_syncs)
{
  guint n_hands = MIN (n_syncs - 1, FS_CREW_HANDS);
  FsCrew *crew = g_new0 (FsCrew, 1);
  *crew = (FsCrew){
    .n_refs = (gint) n_hands + 1, .n_syncs = n_syncs, .self = self, .syncs = syncs
  };
  g_mutex_init (&crew->lock);
  g_cond_init (&crew->done_cond);
  for (guint i = 0; i < n_hands; i++)
    self->host->spawn (self->host, crew_job, crew);
  crew_work (crew);
  g_mutex_lock (&crew->lock);
  while (crew->n_done < n_syncs)
    g_cond_wait (&crew->done_cond, &crew->lock);
  g_mutex_unlock (&crew->lock);
  crew_unref (crew);
}

/* fs_group_sync: makes all of them durable; the outcome of each is in its code. */
void
fs_group_sync (CaskBackend *self, FsSync *syncs, guint n_syncs)
{
  if (n_syncs >= FS_CREW_LEAST && self->host->spawn != NULL)
    {
      crew_sync (self, syncs, n_syncs);
      return;
    }
  for (guint i = 0; i < n_syncs; i++)
    crew_sync_one (self, &syncs[i]);
}

void
fs_group_init (FsGroup *group)
{
  g_mutex_init (&group->lock);
  g_cond_init (&group->ended_cond);
  group->sharings = g_hash_table_new_full (group_hash, group_equal, g_free, NULL);
}

void
fs_group_clear (FsGroup *group)
{
  g_hash_table_unref (group->sharings);
  g_cond_clear (&group->ended_cond);
  g_mutex_clear (&group->lock);
}
