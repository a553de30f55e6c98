/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-system.c: the system as libc has it. */
#include "fs-system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
system_openat (int directory, const char *path, int flags, mode_t mode)
{
  return openat (directory, path, flags, mode);
}

/* glibc has no wrapper for it. */
static int
system_openat2 (int directory, const char *path, const struct open_how *how)
{
  return (int) syscall (SYS_openat2, directory, path, how, sizeof *how);
}

/* Without flags by the older call: some sandboxes know no other. */
static int
system_renameat2 (int from, const char *old, int to, const char *name, unsigned int flags)
{
  if (flags == 0)
    return renameat (from, old, to, name);
  return renameat2 (from, old, to, name, flags);
}

static int
system_lock (int fd, int command, struct flock *lock)
{
  return fcntl (fd, command, lock);
}

const FsSystem fs_system_libc = { .openat = system_openat,
                                  .openat2 = system_openat2,
                                  .dup3 = dup3,
                                  .close = close,
                                  .fstat = fstat,
                                  .fstatat = fstatat,
                                  .statx = statx,
                                  .fstatfs = fstatfs,
                                  .fstatvfs = fstatvfs,
                                  .faccessat = faccessat,
                                  .fdopendir = fdopendir,
                                  .readdir = readdir,
                                  .pread = pread,
                                  .preadv2 = preadv2,
                                  .mmap = mmap,
                                  .pwrite = pwrite,
                                  .ftruncate = ftruncate,
                                  .fsync = fsync,
                                  .fdatasync = fdatasync,
                                  .syncfs = syncfs,
                                  .sync_file_range = sync_file_range,
                                  .linkat = linkat,
                                  .renameat2 = system_renameat2,
                                  .unlinkat = unlinkat,
                                  .mkdirat = mkdirat,
                                  .futimens = futimens,
                                  .fchmod = fchmod,
                                  .flock = flock,
                                  .lock = system_lock,
                                  .clock_gettime = clock_gettime };

const FsSystem *fs_system = &fs_system_libc;
