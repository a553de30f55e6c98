/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-system.h: the seam between this backend and the system.
 *
 * Every call that reaches a filesystem, or reads the clock that its times are compared
 * with, goes through this table. The plugin has one, libc's, for ever. A test program
 * that links the plugin's objects puts its own in its place: one that records, one that
 * fails, one that ends the process. An indirect call costs what one into libc does.
 *
 * A member behaves as the call of that name. */
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

#include <linux/openat2.h>

struct flock;

typedef struct
{
  /* Descriptors. close: what a descriptor that closes itself ends with. */
  int (*openat) (int directory, const char *path, int flags, mode_t mode);
  int (*openat2) (int directory, const char *path, const struct open_how *how);
  int (*dup3) (int from, int to, int flags);
  int (*close) (int fd);
  /* Looking. */
  int (*fstat) (int fd, struct stat *st);
  int (*fstatat) (int directory, const char *path, struct stat *st, int flags);
  int (*statx) (int directory, const char *path, int flags, unsigned int mask,
                struct statx *st);
  int (*fstatfs) (int fd, struct statfs *fs);
  int (*fstatvfs) (int fd, struct statvfs *fs);
  int (*faccessat) (int directory, const char *path, int mode, int flags);
  DIR *(*fdopendir) (int fd);
  struct dirent *(*readdir) (DIR *stream);
  /* Bytes. */
  ssize_t (*pread) (int fd, void *buffer, size_t count, off_t offset);
  ssize_t (*preadv2) (int fd, const struct iovec *vectors, int n_vectors, off_t offset,
                      int flags);
  void *(*mmap) (void *address, size_t length, int protection, int flags, int fd,
                 off_t offset);
  ssize_t (*pwrite) (int fd, const void *buffer, size_t count, off_t offset);
  int (*ftruncate) (int fd, off_t length);
  /* What makes durable. */
  int (*fsync) (int fd);
  int (*fdatasync) (int fd);
  int (*syncfs) (int fd);
  int (*sync_file_range) (int fd, off_t offset, off_t count, unsigned int flags);
  /* Names, times, modes and locks. */
  int (*linkat) (int from, const char *old, int to, const char *name, int flags);
  int (*renameat2) (int from, const char *old, int to, const char *name,
                    unsigned int flags);
  int (*unlinkat) (int directory, const char *path, int flags);
  int (*mkdirat) (int directory, const char *path, mode_t mode);
  int (*futimens) (int fd, const struct timespec times[2]);
  int (*fchmod) (int fd, mode_t mode);
  int (*flock) (int fd, int operation);
  int (*lock) (int fd, int command, struct flock *lock); /* fcntl's record locks */
  int (*clock_gettime) (clockid_t clock, struct timespec *time);
} FsSystem;

extern const FsSystem fs_system_libc;
extern const FsSystem *fs_system;
