/* SPDX-License-Identifier: Apache-2.0
 *
 * save.c: writes a file beside its name and renames it when it is complete.
 *
 * Invariants:
 * - whoever reads the name finds the old file or the new one, never a part, also where
 *   this process is killed;
 * - save_free() without save_finish() leaves the old file, and nothing else;
 * - a device or a FIFO is written to: to rename over it would replace /dev/null. */

#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct _Save
{
  char *name;      /* as given, for errors */
  char *target;    /* what is replaced */
  char *temporary; /* (nullable) what is written; NULL where that is the target itself */
  int fd;
};

static gboolean
save_set_errno (const Save *save, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", save->name,
               g_strerror (code));
  return FALSE;
}

static gboolean
save_open_special (Save *save, GError **error)
{
  save->fd = open (save->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  return save->fd >= 0 || save_set_errno (save, errno, error);
}

static gboolean
save_open_beside (Save *save, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (save->target);
  g_autofree char *temporary = g_build_filename (folder, ".cask-XXXXXX", NULL);
  save->fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0666);
  if (save->fd < 0)
    return save_set_errno (save, errno, error);
  save->temporary = g_steal_pointer (&temporary);
  return TRUE;
}

static gboolean
save_open (Save *save, GError **error)
{
  struct stat status;
  gboolean exists = stat (save->name, &status) == 0;
  if (exists && S_ISDIR (status.st_mode))
    return save_set_errno (save, EISDIR, error);
  if (exists && !S_ISREG (status.st_mode))
    return save_open_special (save, error);
  /* A symbolic link stays one, and the file it leads to is replaced. */
  char *target = exists ? realpath (save->name, NULL) : NULL;
  save->target = g_strdup (target ? target : save->name);
  free (target);
  return save_open_beside (save, error);
}

Save *
save_new (const char *name, GError **error)
{
  g_autoptr (Save) save = g_new0 (Save, 1);
  save->fd = -1;
  save->name = g_strdup (name);
  return save_open (save, error) ? g_steal_pointer (&save) : NULL;
}

gboolean
save_write (Save *save, const char *data, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize count = write (save->fd, data, size);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return save_set_errno (save, errno, error);
      data += count;
      size -= (gsize) count;
    }
  return TRUE;
}

/* Locks the file, where its filesystem has locks, from before it has its name.
 * Returns: a descriptor of it that keeps the lock until it is closed, or -1 */
int
save_lock (Save *save)
{
  int fd = fcntl (save->fd, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0)
    (void) flock (fd, LOCK_EX | LOCK_NB);
  return fd;
}

/* The file is complete. A network filesystem may say only at the close that it is not. */
gboolean
save_finish (Save *save, GError **error)
{
  int fd = save->fd;
  save->fd = -1;
  if (close (fd) != 0)
    return save_set_errno (save, errno, error);
  if (save->temporary && rename (save->temporary, save->target) != 0)
    return save_set_errno (save, errno, error);
  g_clear_pointer (&save->temporary, g_free);
  return TRUE;
}

void
save_free (Save *save)
{
  if (save->fd >= 0)
    close (save->fd);
  if (save->temporary)
    unlink (save->temporary);
  g_free (save->temporary);
  g_free (save->target);
  g_free (save->name);
  g_free (save);
}
