/* SPDX-License-Identifier: Apache-2.0
 *
 * hot-system.c: a system under the fs backend that answers alike on every machine.
 *
 * Which code of the backend runs depends on what the kernel, the filesystem and the
 * user's rights allow. valgrind 3.19 knows no openat2, and there the backend would take
 * the way that it has for old kernels, which no user takes. So the calls that not every
 * machine has are made here of those that every machine has; the backend is told that it
 * has them, and runs the code that it runs in practice. Nobody races here, so that what
 * these calls are for, no symlinks and no waiting, is not missed. */
#include "hot.h"

#include "fs-system.h"

#include <cask/cask-plugin.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

/* How far the backend's clock runs ahead of the files' times: far enough for every copy
 * to count as settled, and less than what `freshen` is. */
#define HOT_AHEAD 20

extern const CaskPlugin cask_plugin; /* of the objects of plugins/fs */

static FsSystem hot_system;

/* A fixed name for a descriptor; snprintf would be libc's, and counted. */
static void
hot_name_descriptor (int fd, char *path)
{
  static const char place[] = "/proc/self/fd/";
  char digits[12];
  guint n = 0, at = sizeof place - 1;

  memcpy (path, place, sizeof place);
  do
    digits[n++] = (char) ('0' + fd % 10);
  while ((fd /= 10) > 0);
  while (n > 0)
    path[at++] = digits[--n];
  path[at] = '\0';
}

static int
hot_openat2 (int directory, const char *path, const struct open_how *how)
{
  return openat (directory, path, (int) how->flags, (mode_t) how->mode);
}

/* tmpfs has RWF_NOWAIT in new kernels only; here everything is in memory. */
static ssize_t
hot_preadv2 (int fd, const struct iovec *vectors, int n_vectors, off_t offset, int flags)
{
  (void) flags;
  return preadv (fd, vectors, n_vectors, offset);
}

/* A link of a descriptor itself takes a right that not every user has. */
static int
hot_linkat (int from, const char *old, int to, const char *name, int flags)
{
  char path[32];

  if (!(flags & AT_EMPTY_PATH))
    return linkat (from, old, to, name, flags);
  hot_name_descriptor (from, path);
  return linkat (AT_FDCWD, path, to, name, AT_SYMLINK_FOLLOW);
}

static int
hot_fstatfs (int fd, struct statfs *fs)
{
  int status = fstatfs (fd, fs);

  fs->f_type = EXT4_SUPER_MAGIC;
  return status;
}

static int
hot_clock_gettime (clockid_t clock, struct timespec *time)
{
  int status = clock_gettime (clock, time);

  time->tv_sec += HOT_AHEAD;
  return status;
}

void
hot_system_install (void)
{
  g_autoptr (GError) error = NULL;

  hot_system = *fs_system;
  hot_system.openat2 = hot_openat2;
  hot_system.preadv2 = hot_preadv2;
  hot_system.linkat = hot_linkat;
  hot_system.fstatfs = hot_fstatfs;
  hot_system.clock_gettime = hot_clock_gettime;
  fs_system = &hot_system;
  hot_must (cask_register_plugin (&cask_plugin, &error), error);
}
