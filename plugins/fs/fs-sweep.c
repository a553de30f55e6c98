/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-sweep.c: removes what processes that died left in .tmp.
 *
 * Runs once, before a store first publishes something. A directory there is somebody's
 * for as long as its `lock` is locked; the kernel drops that lock with the process, so
 * nothing needs to be guessed from pids or ages. Only where the filesystem is shared with
 * other machines, whose locks may not reach us, is a directory of another boot left alone
 * for a day. Saved uploads of no use to anybody go with it (fs-saved-list.c).
 *
 * Failure modes: none is reported. Whatever can not be removed is left; names that this
 * file did not make, and anything but regular files, are not touched. */
#include "fs-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define FS_SWEEP_BOOT 8
#define FS_SWEEP_NO_BOOT "00000000"
#define FS_SWEEP_REMOTE_USEC (24 * 60 * 60 * (gint64) G_USEC_PER_SEC)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, closedir)

static gsize
fs_sweep_span_hex (const char *text)
{
  return strspn (text, "0123456789abcdef");
}

/* Returns: (nullable) (transfer full): NULL where it can not be read, or not now: there
 * may be no descriptor for it. */
static char *
fs_sweep_read_boot (void)
{
  g_auto (FsFd) fd = open ("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  char text[FS_SWEEP_BOOT + 1] = "";
  if (fd < 0 || read (fd, text, FS_SWEEP_BOOT) != FS_SWEEP_BOOT ||
      fs_sweep_span_hex (text) != FS_SWEEP_BOOT)
    return NULL;
  return g_strdup (text);
}

/* fs_sweep_boot: 8 digits that name this boot of this machine; zeros where /proc does not
 * say. */
const char *
fs_sweep_boot (void)
{
  /* Not g_once_init_enter(): a child forked within it would wait for its end for ever.
   * Never freed. */
  static char *known; /* atomic */
  if (g_atomic_pointer_get (&known) == NULL)
    {
      g_autofree char *fresh = fs_sweep_read_boot ();
      if (fresh == NULL)
        return FS_SWEEP_NO_BOOT;
      if (g_atomic_pointer_compare_and_exchange (&known, NULL, fresh))
        g_steal_pointer (&fresh);
    }
  return g_atomic_pointer_get (&known);
}

/* Whether the name is one that fs-temp.c makes: <boot>-<pid>-<random>. */
static gboolean
fs_sweep_is_ours (const char *name)
{
  if (fs_sweep_span_hex (name) != FS_SWEEP_BOOT || name[FS_SWEEP_BOOT] != '-')
    return FALSE;
  name += FS_SWEEP_BOOT + 1;
  gsize digits = strspn (name, "0123456789");
  if (digits == 0 || name[digits] != '-')
    return FALSE;
  name += digits + 1;
  return fs_sweep_span_hex (name) == FS_TEMP_RANDOM && name[FS_TEMP_RANDOM] == '\0';
}

static gboolean
fs_sweep_is_temp (const char *name)
{
  return fs_sweep_span_hex (name) == FS_TEMP_RANDOM && name[FS_TEMP_RANDOM] == '\0';
}

static gboolean
fs_sweep_is_too_young (CaskBackend *self, const char *name, int directory)
{
  const char *boot = fs_sweep_boot ();
  /* Two machines that do not know their boot are two machines. */
  gboolean is_here =
      strncmp (name, boot, FS_SWEEP_BOOT) == 0 && strcmp (boot, FS_SWEEP_NO_BOOT) != 0;
  if (self->place != FS_PLACE_REMOTE || is_here)
    return FALSE;
  struct stat st;
  return fs_system->fstat (directory, &st) != 0 ||
         fs_time_now_usec () - fs_time_usec (&st.st_mtim) < FS_SWEEP_REMOTE_USEC;
}

static void
fs_sweep_files (int directory)
{
  g_auto (FsFd) again =
      fs_system->openat (directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  g_autoptr (DIR) stream = again >= 0 ? fs_system->fdopendir (again) : NULL;
  if (stream == NULL)
    return;
  fs_fd_steal (&again);
  for (struct dirent *entry; (entry = fs_system->readdir (stream)) != NULL;)
    {
      struct stat st;
      if (fs_sweep_is_temp (entry->d_name) &&
          fs_system->fstatat (directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISREG (st.st_mode))
        fs_system->unlinkat (directory, entry->d_name, 0);
    }
}

/* The lock goes last but one: who waits for it sees that its file has no name left. */
static void
fs_sweep_directory (CaskBackend *self, int parent, const char *name)
{
  int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  g_auto (FsFd) directory =
      fs_system->openat (parent, name, O_RDONLY | O_DIRECTORY | flags, 0);
  if (directory < 0 || fs_sweep_is_too_young (self, name, directory))
    return;
  g_auto (FsFd) lock_file =
      fs_system->openat (directory, FS_TEMP_LOCK, O_RDWR | O_CREAT | flags, 0600);
  struct stat st;
  g_autoptr (GError) ignored = NULL;
  if (lock_file < 0 || fs_system->fstat (lock_file, &st) != 0 || !S_ISREG (st.st_mode) ||
      fs_blob_lock (self, lock_file, LOCK_EX, FALSE, NULL, &ignored) != FS_LOCK_HELD)
    return;
  fs_sweep_files (directory);
  fs_system->unlinkat (directory, FS_TEMP_LOCK, 0);
  fs_system->unlinkat (parent, name, AT_REMOVEDIR);
}

static void
fs_sweep_temps (CaskBackend *self)
{
  g_auto (FsFd) fd = fs_root_open (self, FS_TEMP_ROOT, O_RDONLY | O_DIRECTORY);
  g_autoptr (DIR) stream = fd >= 0 ? fs_system->fdopendir (fd) : NULL;
  if (stream == NULL)
    return;
  fs_fd_steal (&fd);
  for (struct dirent *entry; (entry = fs_system->readdir (stream)) != NULL;)
    if (fs_sweep_is_ours (entry->d_name))
      fs_sweep_directory (self, dirfd (stream), entry->d_name);
}

/* fs_sweep_once: removes what dead processes left, the first time it is called. */
void
fs_sweep_once (CaskBackend *self)
{
  if (g_atomic_int_get (&self->swept) ||
      !g_atomic_int_compare_and_exchange (&self->swept, FALSE, TRUE))
    return;
  fs_sweep_temps (self);
  fs_saved_sweep (self);
}
