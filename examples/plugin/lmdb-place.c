/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-place.c: one environment, shared by all stores of its directory in this process.
 *
 * LMDB's locks on its lock file belong to the process: to close one of two environments
 * of one directory would drop the locks of the other. So a directory, known by device and
 * inode, is opened once, and an opening and a closing of it never overlap.
 *
 * Locks: places_lock guards the table, and of a place its state and users. Environments
 * are opened and closed without it; who wants one that is neither READY nor gone waits
 * for places_cond. */
#include "lmdb-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static GMutex places_lock;
static GCond places_cond;
static GPtrArray *places_table; /* by places_lock; NULL while there is none */

/* A child has the parent's environments without the right to use them. Its stores say
 * CLOSED, so nothing comes here for them; what it opens anew is its own. */
static void
places_fork_child (void)
{
  g_mutex_init (&places_lock);
  g_cond_init (&places_cond);
  places_table = NULL;
}

__attribute__ ((constructor)) static void
places_watch_fork (void)
{
  pthread_atfork (NULL, NULL, places_fork_child);
}

static void
place_free (LmdbPlace *place)
{
  if (place->directory >= 0)
    close (place->directory);
  g_cond_clear (&place->changed_cond);
  g_mutex_clear (&place->lock);
  g_free (place->encoding);
  g_free (place->path);
  g_free (place);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LmdbPlace, place_free)

/* ---- The directory ---- */

static gboolean
place_sync_parent (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);
  int fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int code = fd < 0 || fsync (fd) != 0 ? errno : 0;
  if (fd >= 0)
    close (fd);
  return code == 0 || lmdb_fail (code, "fsync of the parent", error);
}

/* A FIFO in the place of a file would hang LMDB, and a symlink lead to an environment
 * that is open already. */
static gboolean
place_check_file (int directory, const char *name, GError **error)
{
  struct stat st;
  if (fstatat (directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || lmdb_fail (errno, name, error);
  if (S_ISREG (st.st_mode))
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT, "%s: is not a regular file", name);
  return FALSE;
}

/* LMDB makes lock.mdb first: who was cut short there, or is making an environment at this
 * moment, leaves nothing strange. Returns: how many other things are in the directory; -1
 * with errno */
static int
place_count_strange (int directory)
{
  int n_strange = 0;
  int fd = openat (directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL)
    return -1;
  for (const struct dirent *entry; (entry = readdir (dir)) != NULL;)
    n_strange += strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0 &&
                 strcmp (entry->d_name, "data.mdb") != 0 &&
                 strcmp (entry->d_name, "lock.mdb") != 0;
  closedir (dir);
  return n_strange;
}

/* LMDB would make an environment in any directory: of whoever only reads, and among the
 * files of somebody else, such as those of an fs store. A data.mdb without a byte is what
 * a maker that was cut short leaves. */
static gboolean
place_check_environment (int directory, gboolean create, GError **error)
{
  struct stat st = { .st_size = 0 };
  gboolean exists = fstatat (directory, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (exists && (create || st.st_size > 0))
    return TRUE;
  int n_strange = exists ? 0 : place_count_strange (directory);
  if (n_strange < 0)
    return lmdb_fail (errno, "readdir", error);
  if (n_strange > 0)
    {
      g_set_error_literal (
          error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
          "has no data.mdb and is not empty: name an empty directory, or "
          "one that does not exist yet");
      return FALSE;
    }
  if (create)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND,
                       "data.mdb: there is none yet");
  return FALSE;
}

/* Returns: (nullable): a place that is not open yet */
static LmdbPlace *
place_new (const CaskOpenArgs *args, const LmdbSettings *settings, gboolean create,
           GError **error)
{
  struct stat st;
  g_autoptr (LmdbPlace) place = g_new0 (LmdbPlace, 1);
  g_mutex_init (&place->lock);
  g_cond_init (&place->changed_cond);
  place->settings = *settings;
  place->path = g_strdup (args->location);
  place->encoding = g_strdup (args->encoding);
  place->users = 1;
  place->may_make = create;
  if (create && mkdir (place->path, 0777) != 0 && errno != EEXIST && errno != EROFS)
    {
      place->directory = -1;
      lmdb_fail (errno, "mkdir", error);
      return NULL;
    }
  place->directory = open (place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (place->directory < 0 && errno == ENOENT && !create)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such directory");
      return NULL;
    }
  if (place->directory < 0 || fstat (place->directory, &st) != 0)
    {
      lmdb_fail (errno, "open", error);
      return NULL;
    }
  place->device = st.st_dev;
  place->inode = st.st_ino;
  if (!place_check_file (place->directory, "data.mdb", error) ||
      !place_check_file (place->directory, "lock.mdb", error) ||
      !place_check_environment (place->directory, create, error))
    return NULL;
  return g_steal_pointer (&place);
}

/* ---- The environment ---- */

static guint
place_flags (const LmdbPlace *place)
{
  guint flags = MDB_NOTLS;
  if (place->settings.durability == LMDB_DURABILITY_NONE)
    flags |= MDB_NOSYNC;
  if (place->settings.durability == LMDB_DURABILITY_DATA)
    flags |= MDB_NOMETASYNC;
  return place->is_read_only ? flags | MDB_RDONLY : flags;
}

/* An environment whose opening failed can not be opened again: it is made anew. */
static int
place_try_open (LmdbPlace *place)
{
  int code = mdb_env_create (&place->env);
  if (code != 0)
    return code;
  code = mdb_env_set_maxdbs (place->env, 3);
  if (code == 0)
    code = mdb_env_set_maxreaders (place->env, place->settings.max_readers);
  if (code == 0)
    code = mdb_env_set_mapsize (place->env, place->settings.map_size);
  if (code == 0)
    code = mdb_env_open (place->env, place->path, place_flags (place), 0666);
  if (code != 0)
    {
      mdb_env_close (place->env);
      place->env = NULL;
    }
  return code;
}

static void
place_close_env (LmdbPlace *place)
{
  for (guint i = 0; i < place->n_idle; i++)
    mdb_txn_abort (place->idle[i]);
  place->n_idle = 0;
  if (place->env != NULL)
    mdb_env_close (place->env);
  place->env = NULL;
}

/* The names of what LMDB has just made are made durable here: it does not do that. */
static gboolean
place_sync_names (LmdbPlace *place, GError **error)
{
  if (place->settings.durability != LMDB_DURABILITY_FULL || place->is_read_only)
    return TRUE;
  if (fsync (place->directory) != 0)
    return lmdb_fail (errno, "fsync of the directory", error);
  return place_sync_parent (place->path, error);
}

static gboolean
place_start (LmdbPlace *place, GError **error)
{
  MDB_stat st;
  MDB_envinfo info;
  guint max_readers = 0;
  int dead;
  if (flock (place->directory, LOCK_SH) != 0)
    return lmdb_fail (errno, "flock", error);
  int code = place_try_open (place);
  if (code == EROFS)
    {
      place->is_read_only = TRUE;
      code = place_try_open (place);
    }
  if (code != 0)
    return lmdb_fail (code, "open", error);
  code = mdb_env_stat (place->env, &st);
  if (code == 0)
    code = mdb_env_info (place->env, &info);
  if (code == 0)
    code = mdb_reader_check (place->env, &dead);
  if (code == 0)
    code = mdb_env_get_maxreaders (place->env, &max_readers);
  if (code != 0)
    return lmdb_fail (code, "open", error);
  place->idle_most = MIN (LMDB_IDLE_READS, max_readers / LMDB_IDLE_SHARE);
  place->page_size = st.ms_psize;
  place->map_size = info.me_mapsize;
  return lmdb_about_open (place, error) && place_sync_names (place, error);
}

/* ---- The table ---- */

static LmdbPlace *
places_find_locked (const LmdbPlace *like)
{
  for (guint i = 0; places_table != NULL && i < places_table->len; i++)
    {
      LmdbPlace *place = places_table->pdata[i];
      if (place->device == like->device && place->inode == like->inode)
        return place;
    }
  return NULL;
}

static void
places_add_locked (LmdbPlace *place)
{
  if (places_table == NULL)
    places_table = g_ptr_array_new ();
  g_ptr_array_add (places_table, place);
}

/* The table goes with its last entry: a process that has closed all has nothing left. */
static void
places_remove (LmdbPlace *place)
{
  g_mutex_lock (&places_lock);
  g_ptr_array_remove_fast (places_table, place);
  if (places_table->len == 0)
    g_clear_pointer (&places_table, g_ptr_array_unref);
  g_cond_broadcast (&places_cond);
  g_mutex_unlock (&places_lock);
}

/* Returns: (nullable): what two that want to share a place disagree about. */
static const char *
places_find_difference (const LmdbPlace *one, const LmdbPlace *other)
{
  if (one->settings.durability != other->settings.durability)
    return "durability";
  if (one->settings.map_size != other->settings.map_size)
    return "map-size";
  if (one->settings.max_size != other->settings.max_size)
    return "max-size";
  if (one->settings.max_readers != other->settings.max_readers)
    return "max-readers";
  if (g_strcmp0 (one->encoding, other->encoding) != 0)
    return "encoding";
  return NULL;
}

/* Returns: the place to use: the candidate, where there was none. */
static LmdbPlace *
places_share (LmdbPlace *candidate, const char **difference)
{
  LmdbPlace *place;
  g_mutex_lock (&places_lock);
  while ((place = places_find_locked (candidate)) != NULL &&
         place->state != LMDB_PLACE_READY)
    g_cond_wait (&places_cond, &places_lock);
  if (place == NULL)
    places_add_locked (place = candidate);
  else if ((*difference = places_find_difference (place, candidate)) == NULL)
    place->users++;
  g_mutex_unlock (&places_lock);
  return place;
}

/* lmdb_place_acquire: the environment of a directory, for a store that is being opened.
 *
 * Errors: NOT_FOUND where there is none and create is FALSE; INVALID_CONFIG where the
 * directory has other things in it, or another store of the process has it open with
 * other options. */
LmdbPlace *
lmdb_place_acquire (const CaskOpenArgs *args, const LmdbSettings *settings,
                    gboolean create, GError **error)
{
  g_autoptr (LmdbPlace) candidate = place_new (args, settings, create, error);
  if (candidate == NULL)
    return NULL;
  const char *difference = NULL;
  LmdbPlace *place = places_share (candidate, &difference);
  if (difference != NULL)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                   "%s: another store has this directory open with another", difference);
      return NULL;
    }
  if (place != candidate)
    return place;
  if (!place_start (place, error))
    {
      place_close_env (place);
      places_remove (place);
      return NULL;
    }
  g_mutex_lock (&places_lock);
  place->state = LMDB_PLACE_READY;
  g_cond_broadcast (&places_cond);
  g_mutex_unlock (&places_lock);
  return g_steal_pointer (&candidate);
}

void
lmdb_place_release (LmdbPlace *place)
{
  g_mutex_lock (&places_lock);
  gboolean last = --place->users == 0;
  if (last)
    place->state = LMDB_PLACE_CLOSING;
  g_mutex_unlock (&places_lock);
  if (!last)
    return;
  place_close_env (place);
  places_remove (place);
  place_free (place);
}
