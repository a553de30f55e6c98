/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-shard.c: shards that are much used are kept open for a while.
 *
 * From an open shard a blob is one lookup away, and a look at it is one call instead of
 * three: 0.8 µs for 2.3. So a shard that was used FS_SHARD_WORTH times within a window of
 * FS_SHARD_WINDOW_MSEC is opened, and the operations after it share the descriptor, for
 * FS_SHARD_TRUST_MSEC. Then it is opened anew, if it is still much used: what somebody
 * else puts in a shard's place is seen after that time at the latest. Cask itself never
 * removes or moves a shard. One that was removed has no names in it and gets none, so
 * what it says of absence is believed only while it has a link. And one that was moved
 * away must not swallow what is acknowledged: whoever puts, renews or removes by a kept
 * shard first looks whether it is where it was found.
 *
 * Only operations that wait for no disk write by a kept shard: in `full` and `batch` what
 * is written and synced goes by a descriptor that was opened for it (fs-sync.c).
 *
 * Invariants: all stores of the process keep a quarter of the descriptors that it may
 * have, at most; a store gives its own back where a batch begins that will need many, all
 * stores do before anybody waits for one, and none keeps any while somebody does.
 *
 * Locks: FsShardSlot.lock, a leaf; fs_shard_stores_lock, of the list of all stores, under
 * which that one is taken. Nothing is opened or closed under either.
 *
 * Failure modes: none of its own. What can not be kept, and what a kept shard answers
 * with an error, is asked for by its path from the root. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#define FS_SHARD_WINDOW_MSEC 200
#define FS_SHARD_TRUST_MSEC 30
#define FS_SHARD_WORTH 8

struct _FsKept
{
  gint n_refs; /* atomic */
  int fd;      /* O_PATH */
  dev_t device;
  ino_t inode;
  gint64 since_msec;
};

static gint fs_shard_n_kept;    /* atomic: of all stores */
static gint fs_shard_n_waiters; /* atomic: who wait for a descriptor, of all stores */
static GMutex fs_shard_stores_lock;
static GPtrArray *fs_shard_stores; /* by fs_shard_stores_lock: those that are open */

/* In a child that was forked any lock may be held by a thread that is not there, and the
 * stores are the parent's. */
static void
fs_shard_fork_child (void)
{
  g_mutex_init (&fs_shard_stores_lock);
  fs_shard_stores = NULL;
  g_atomic_int_set (&fs_shard_n_waiters, 0);
}

__attribute__ ((constructor)) static void
fs_shard_watch_fork (void)
{
  pthread_atfork (NULL, NULL, fs_shard_fork_child);
}

static gint64
fs_shard_now_msec (void)
{
  struct timespec now = { 0 };
  clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  return (gint64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
fs_kept_unref (FsKept *kept)
{
  if (kept == NULL || !g_atomic_int_dec_and_test (&kept->n_refs))
    return;
  fs_fd_close (kept->fd);
  g_free (kept);
  g_atomic_int_add (&fs_shard_n_kept, -1);
}

/* Whether there is room for one more, which is counted. */
static gboolean
fs_shard_reserve (void)
{
  struct rlimit limit;
  if (g_atomic_int_get (&fs_shard_n_waiters) > 0 ||
      getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return FALSE;
  gint most = (gint) MIN (limit.rlim_cur / 4, G_MAXINT32);
  if (g_atomic_int_add (&fs_shard_n_kept, 1) < most)
    return TRUE;
  g_atomic_int_add (&fs_shard_n_kept, -1);
  return FALSE;
}

/* kept: whichever it is, where NULL. Returns: (nullable): what the slot had, for the
 * caller to let go of. */
static FsKept *
fs_shard_take (FsShardSlot *slot, const FsKept *kept)
{
  FsKept *taken = NULL;
  g_mutex_lock (&slot->lock);
  if (kept == NULL || slot->kept == kept)
    {
      taken = g_steal_pointer (&slot->kept);
      slot->n_uses = 0;
    }
  g_mutex_unlock (&slot->lock);
  return taken;
}

static void
fs_shard_drop (FsShardSlot *slot, const FsKept *kept)
{
  fs_kept_unref (fs_shard_take (slot, kept));
}

/* Counted already. Returns: (nullable): the shard, open. */
static FsKept *
fs_shard_open (CaskBackend *self, const FsName *name, gboolean may_wait)
{
  gint64 since = fs_shard_now_msec (); /* before it is opened */
  g_auto (FsFd) fd =
      may_wait ? fs_root_open (self, name->directory, O_PATH | O_DIRECTORY)
               : fs_root_open_cached (self, name->directory, O_PATH | O_DIRECTORY);
  struct stat st;
  if (fd < 0 || fs_system->fstat (fd, &st) != 0)
    return NULL;
  FsKept *kept = g_new (FsKept, 1);
  *kept = (FsKept){ .n_refs = 1,
                    .fd = fs_fd_steal (&fd),
                    .device = st.st_dev,
                    .inode = st.st_ino,
                    .since_msec = since };
  return kept;
}

/* Opens the shard, and keeps it unless another thread was quicker. */
static FsKept *
fs_shard_keep (CaskBackend *self, const FsName *name, gboolean may_wait)
{
  FsShardSlot *slot = &self->shards[name->shard_index];
  if (!fs_shard_reserve ())
    return NULL;
  FsKept *kept = fs_shard_open (self, name, may_wait);
  if (kept == NULL)
    {
      g_atomic_int_add (&fs_shard_n_kept, -1);
      return NULL;
    }
  g_mutex_lock (&slot->lock);
  if (slot->kept == NULL)
    {
      g_atomic_int_inc (&kept->n_refs);
      slot->kept = kept;
    }
  g_mutex_unlock (&slot->lock);
  /* Whoever began to wait meanwhile may have looked for what to close before that. */
  if (g_atomic_int_get (&fs_shard_n_waiters) > 0)
    fs_shard_drop (slot, kept);
  return kept;
}

/* Counts a use. Returns: whether that makes the shard worth keeping. */
static gboolean
fs_shard_count (FsShardSlot *slot, FsKept **kept, FsKept **old)
{
  gint64 now = fs_shard_now_msec ();
  g_mutex_lock (&slot->lock);
  if (slot->kept != NULL && now - slot->kept->since_msec >= FS_SHARD_TRUST_MSEC)
    *old = g_steal_pointer (&slot->kept);
  if (now - slot->since_msec >= FS_SHARD_WINDOW_MSEC)
    {
      slot->since_msec = now;
      slot->n_uses = slot->n_uses >= FS_SHARD_WORTH ? FS_SHARD_WORTH - 1 : 0;
    }
  slot->n_uses++;
  *kept = slot->kept;
  if (*kept != NULL)
    g_atomic_int_inc (&(*kept)->n_refs);
  gboolean is_worth = *kept == NULL && slot->n_uses >= FS_SHARD_WORTH;
  g_mutex_unlock (&slot->lock);
  return is_worth;
}

/* fs_shard_use: counts a use of the blob's shard. may_wait: whether the disk may be asked
 * for it.
 *
 * Returns: its descriptor, good for openat() and the like until fs_shard_clear(); -1
 * where it is not kept: go by the path. */
int
fs_shard_use (CaskBackend *self, const FsName *name, gboolean may_wait, FsShard *shard)
{
  FsKept *kept = NULL;
  FsKept *old = NULL;
  if (fs_shard_count (&self->shards[name->shard_index], &kept, &old))
    kept = fs_shard_keep (self, name, may_wait);
  fs_kept_unref (old);
  shard->kept = kept;
  return kept != NULL ? kept->fd : -1;
}

void
fs_shard_clear (FsShard *shard)
{
  fs_kept_unref (g_steal_pointer (&shard->kept));
}

/* fs_shard_is_live: whether what is absent from the shard is absent from the store: not
 * so where somebody has removed it. */
gboolean
fs_shard_is_live (CaskBackend *self, const FsName *name, const FsShard *shard)
{
  struct stat st;
  if (fs_system->fstat (shard->kept->fd, &st) == 0 && st.st_nlink > 0)
    return TRUE;
  fs_shard_drop (&self->shards[name->shard_index], shard->kept);
  return FALSE;
}

/* fs_shard_is_in_place: whether the shard's name leads to the one that is kept: for who
 * is about to acknowledge something by it. */
gboolean
fs_shard_is_in_place (CaskBackend *self, const FsName *name, const FsShard *shard)
{
  const FsKept *kept = shard->kept;
  struct stat st;
  if (fs_system->fstatat (self->root, name->directory, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      st.st_dev == kept->device && st.st_ino == kept->inode)
    return TRUE;
  fs_shard_drop (&self->shards[name->shard_index], kept);
  return FALSE;
}

/* fs_shard_use_in_place: fs_shard_use() for who is about to acknowledge something. */
int
fs_shard_use_in_place (CaskBackend *self, const FsName *name, FsShard *shard)
{
  int kept = fs_shard_use (self, name, TRUE, shard);
  if (kept < 0 || fs_shard_is_in_place (self, name, shard))
    return kept;
  fs_shard_clear (shard);
  return -1;
}

/* fs_shards_give_back: closes what is kept, once nobody uses it any more. */
void
fs_shards_give_back (CaskBackend *self)
{
  for (guint i = 0; i < FS_NAME_SHARDS; i++)
    fs_shard_drop (&self->shards[i], NULL);
}

/* fs_shards_withhold: somebody is about to wait for a descriptor: no store of the process
 * keeps a shard until fs_shards_allow(). A store that idles would keep its own for as
 * long as nobody comes to it. */
void
fs_shards_withhold (void)
{
  g_autoptr (GPtrArray) taken =
      g_ptr_array_new_with_free_func ((GDestroyNotify) fs_kept_unref);
  g_atomic_int_inc (&fs_shard_n_waiters);
  g_mutex_lock (&fs_shard_stores_lock);
  for (guint i = 0; fs_shard_stores != NULL && i < fs_shard_stores->len; i++)
    {
      CaskBackend *store = fs_shard_stores->pdata[i];
      for (guint k = 0; k < FS_NAME_SHARDS; k++)
        g_ptr_array_add (taken, fs_shard_take (&store->shards[k], NULL));
    }
  g_mutex_unlock (&fs_shard_stores_lock);
}

void
fs_shards_allow (void)
{
  g_atomic_int_add (&fs_shard_n_waiters, -1);
}

void
fs_shards_init (CaskBackend *self)
{
  for (guint i = 0; i < FS_NAME_SHARDS; i++)
    g_mutex_init (&self->shards[i].lock);
  g_mutex_lock (&fs_shard_stores_lock);
  if (fs_shard_stores == NULL)
    fs_shard_stores = g_ptr_array_new ();
  g_ptr_array_add (fs_shard_stores, self);
  g_mutex_unlock (&fs_shard_stores_lock);
}

/* The list goes with its last entry, so that a process that has closed all its stores has
 * nothing left. */
static void
fs_shards_leave (CaskBackend *self)
{
  g_mutex_lock (&fs_shard_stores_lock);
  g_ptr_array_remove_fast (fs_shard_stores, self);
  if (fs_shard_stores->len == 0)
    g_clear_pointer (&fs_shard_stores, g_ptr_array_unref);
  g_mutex_unlock (&fs_shard_stores_lock);
}

void
fs_shards_clear (CaskBackend *self)
{
  fs_shards_leave (self);
  fs_shards_give_back (self);
  for (guint i = 0; i < FS_NAME_SHARDS; i++)
    g_mutex_clear (&self->shards[i].lock);
}
