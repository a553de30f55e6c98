/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-faults.c: stands before libc's wrappers of the system calls that the plugin makes.
 *
 * The program exports these, so the plugin that it opens finds them first. They count,
 * fail as they were told, and else do what libc does. */
#include "fs-test.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct
{
  gint code, skip, times, count;
} fs_faults[FS_N_CALLS];

static gint fs_faults_slow[FS_N_CALLS];
static struct timespec fs_faults_ctime; /* 0: none */
static gint fs_faults_no_types;
static gint fs_faults_short;
static gint fs_faults_no_tmpfile;

static const char *const fs_call_names[FS_N_CALLS] = {
  "openat",   "openat2",   "fstat",  "fstatat",  "pread",    "pwrite",
  "fsync",    "fdatasync", "syncfs", "linkat",   "renameat", "renameat2",
  "unlinkat", "mkdirat",   "flock",  "futimens", "statx",    "preadv2"
};

const char *
fs_call_name (FsCall call)
{
  return fs_call_names[call];
}

void
fs_fault_set (FsCall call, int code, guint skip, guint times)
{
  g_atomic_int_set (&fs_faults[call].skip, (gint) skip);
  g_atomic_int_set (&fs_faults[call].times, (gint) times);
  g_atomic_int_set (&fs_faults[call].code, code);
}

void
fs_fault_set_short (gboolean is_short)
{
  g_atomic_int_set (&fs_faults_short, is_short);
}

void
fs_fault_set_no_tmpfile (gboolean is_missing)
{
  g_atomic_int_set (&fs_faults_no_tmpfile, is_missing);
}

void
fs_fault_set_slow (FsCall call, guint times)
{
  g_atomic_int_set (&fs_faults_slow[call], (gint) times);
}

void
fs_fault_set_ctime (const struct timespec *changed)
{
  fs_faults_ctime = *changed;
}

void
fs_fault_set_no_types (gboolean is_missing)
{
  g_atomic_int_set (&fs_faults_no_types, is_missing);
}

void
fs_fault_clear (void)
{
  for (guint i = 0; i < FS_N_CALLS; i++)
    {
      g_atomic_int_set (&fs_faults[i].code, 0);
      g_atomic_int_set (&fs_faults_slow[i], 0);
    }
  fs_faults_ctime = (struct timespec){ 0 };
  fs_fault_set_no_types (FALSE);
  fs_clock_set (NULL);
  fs_fault_set_short (FALSE);
  fs_fault_set_no_tmpfile (FALSE);
}

guint
fs_fault_count (FsCall call)
{
  return (guint) g_atomic_int_get (&fs_faults[call].count);
}

void
fs_fault_count_clear (void)
{
  for (guint i = 0; i < FS_N_CALLS; i++)
    g_atomic_int_set (&fs_faults[i].count, 0);
}

/* Returns: whether this call is to fail; errno says how. */
static gboolean
fs_fault_hits (FsCall call)
{
  g_atomic_int_inc (&fs_faults[call].count);
  if (g_atomic_int_get (&fs_faults_slow[call]) > 0)
    {
      g_atomic_int_dec_and_test (&fs_faults_slow[call]);
      fs_clock_advance (2);
    }
  int code = g_atomic_int_get (&fs_faults[call].code);
  if (code == 0)
    return FALSE;
  if (g_atomic_int_add (&fs_faults[call].skip, -1) > 0)
    return FALSE;
  if (g_atomic_int_add (&fs_faults[call].times, -1) <= 0)
    return FALSE;
  errno = code;
  return TRUE;
}

#define FS_EXPORT __attribute__ ((visibility ("default")))
#define FS_REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

static gsize
fs_fault_count_bytes (gsize count)
{
  return g_atomic_int_get (&fs_faults_short) ? MIN (count, 1) : count;
}

FS_EXPORT int
openat64 (int directory, const char *path, int flags, ...)
{
  va_list arguments;
  va_start (arguments, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg (arguments, mode_t) : 0;
  va_end (arguments);
  if (g_atomic_int_get (&fs_faults_no_tmpfile) && (flags & O_TMPFILE) == O_TMPFILE)
    return errno = EOPNOTSUPP, -1;
  if (fs_fault_hits (FS_CALL_OPENAT))
    return -1;
  return (int) syscall (SYS_openat, directory, path, flags, mode);
}

FS_EXPORT long
syscall (long number, ...)
{
  static long (*real) (long, ...);
  if (real == NULL)
    real = (long (*) (long, ...)) dlsym (RTLD_NEXT, "syscall");
  long a[6];
  va_list arguments;
  va_start (arguments, number);
  for (guint i = 0; i < 6; i++)
    a[i] = va_arg (arguments, long);
  va_end (arguments);
  if (number == SYS_openat2 && fs_fault_hits (FS_CALL_OPENAT2))
    return -1;
  return real (number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

FS_EXPORT int
fstat64 (int fd, struct stat64 *st)
{
  if (fs_fault_hits (FS_CALL_FSTAT))
    return -1;
  int result = FS_REAL (fstat64) (fd, st);
  if (result == 0 && fs_faults_ctime.tv_sec != 0)
    st->st_ctim = fs_faults_ctime;
  return result;
}

FS_EXPORT int
statx (int directory, const char *path, int flags, unsigned int mask, struct statx *st)
{
  return fs_fault_hits (FS_CALL_STATX)
             ? -1
             : FS_REAL (statx) (directory, path, flags, mask, st);
}

FS_EXPORT struct dirent64 *
readdir64 (DIR *stream)
{
  struct dirent64 *entry = FS_REAL (readdir64) (stream);
  if (entry != NULL && g_atomic_int_get (&fs_faults_no_types))
    entry->d_type = DT_UNKNOWN;
  return entry;
}

FS_EXPORT ssize_t
preadv64v2 (int fd, const struct iovec *vectors, int n_vectors, off64_t offset, int flags)
{
  if (fs_fault_hits (FS_CALL_PREADV2))
    return -1;
  return FS_REAL (preadv64v2) (fd, vectors, n_vectors, offset, flags);
}

FS_EXPORT int
fstatat64 (int directory, const char *path, struct stat64 *st, int flags)
{
  return fs_fault_hits (FS_CALL_FSTATAT)
             ? -1
             : FS_REAL (fstatat64) (directory, path, st, flags);
}

FS_EXPORT ssize_t
pread64 (int fd, void *buffer, size_t count, off64_t offset)
{
  if (fs_fault_hits (FS_CALL_PREAD))
    return -1;
  return FS_REAL (pread64) (fd, buffer, fs_fault_count_bytes (count), offset);
}

FS_EXPORT ssize_t
pwrite64 (int fd, const void *buffer, size_t count, off64_t offset)
{
  if (fs_fault_hits (FS_CALL_PWRITE))
    return -1;
  return FS_REAL (pwrite64) (fd, buffer, fs_fault_count_bytes (count), offset);
}

FS_EXPORT int
fsync (int fd)
{
  return fs_fault_hits (FS_CALL_FSYNC) ? -1 : FS_REAL (fsync) (fd);
}

FS_EXPORT int
fdatasync (int fd)
{
  return fs_fault_hits (FS_CALL_FDATASYNC) ? -1 : FS_REAL (fdatasync) (fd);
}

FS_EXPORT int
syncfs (int fd)
{
  return fs_fault_hits (FS_CALL_SYNCFS) ? -1 : FS_REAL (syncfs) (fd);
}

FS_EXPORT int
linkat (int from, const char *old, int to, const char *new, int flags)
{
  return fs_fault_hits (FS_CALL_LINKAT) ? -1
                                        : FS_REAL (linkat) (from, old, to, new, flags);
}

FS_EXPORT int
renameat (int from, const char *old, int to, const char *new)
{
  return fs_fault_hits (FS_CALL_RENAMEAT) ? -1 : FS_REAL (renameat) (from, old, to, new);
}

FS_EXPORT int
renameat2 (int from, const char *old, int to, const char *new, unsigned int flags)
{
  return fs_fault_hits (FS_CALL_RENAMEAT2)
             ? -1
             : FS_REAL (renameat2) (from, old, to, new, flags);
}

FS_EXPORT int
unlinkat (int directory, const char *path, int flags)
{
  return fs_fault_hits (FS_CALL_UNLINKAT) ? -1
                                          : FS_REAL (unlinkat) (directory, path, flags);
}

FS_EXPORT int
mkdirat (int directory, const char *path, mode_t mode)
{
  return fs_fault_hits (FS_CALL_MKDIRAT) ? -1 : FS_REAL (mkdirat) (directory, path, mode);
}

FS_EXPORT int
flock (int fd, int operation)
{
  return fs_fault_hits (FS_CALL_FLOCK) ? -1 : FS_REAL (flock) (fd, operation);
}

FS_EXPORT int
futimens (int fd, const struct timespec times[2])
{
  if (fs_fault_hits (FS_CALL_FUTIMENS))
    return -1;
  if (fs_faults_ctime.tv_sec != 0)
    fs_faults_ctime.tv_sec++;
  return FS_REAL (futimens) (fd, times);
}
