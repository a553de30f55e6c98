/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-faults.c: a table of system calls that count, fail and kill as they were told, and
 * else do what libc does. It stands in the seam (fs-system.h) from the start.
 *
 * Two ways to say which call fails: the calls of one kind, from one of them on
 * (fs_fault_set()), or one call of an operation, whichever kind it is (fs_point_set()).
 *
 * Invariants: a close that fails has closed. Nothing fails while nothing is set. */
#include "fs-faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <unistd.h>

static struct
{
  gint code, skip, times, slow, count;
} fs_faults[FS_N_CALLS]; /* atomic: tests of several threads count too */

static struct
{
  FsHow how;
  guint number, choice, count;
  FsHit hit;
} fs_point;

/* What is different for every call of a kind. */
static struct
{
  struct timespec ctime; /* 0: none */
  gint64 size;           /* of every regular file; 0: its own */
  gint no_types, is_short, no_tmpfile, is_ext4;
} fs_odd;

static struct
{
  struct timespec now;
  gboolean is_set;
  time_t seconds;
} fs_clock;

/* ---- What a test says ---- */

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
  g_atomic_int_set (&fs_odd.is_short, is_short);
}

void
fs_fault_set_no_tmpfile (gboolean is_missing)
{
  g_atomic_int_set (&fs_odd.no_tmpfile, is_missing);
}

void
fs_fault_set_slow (FsCall call, guint times)
{
  g_atomic_int_set (&fs_faults[call].slow, (gint) times);
}

void
fs_fault_set_ctime (const struct timespec *changed)
{
  fs_odd.ctime = *changed;
}

void
fs_fault_set_size (gint64 size)
{
  fs_odd.size = size;
}

void
fs_fault_set_no_types (gboolean is_missing)
{
  g_atomic_int_set (&fs_odd.no_types, is_missing);
}

void
fs_fault_set_ext4 (gboolean is_ext4)
{
  g_atomic_int_set (&fs_odd.is_ext4, is_ext4);
}

void
fs_fault_clear (void)
{
  for (guint i = 0; i < FS_N_CALLS; i++)
    {
      g_atomic_int_set (&fs_faults[i].code, 0);
      g_atomic_int_set (&fs_faults[i].slow, 0);
    }
  memset (&fs_odd, 0, sizeof fs_odd);
  fs_clock_set (NULL);
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

void
fs_clock_set (const struct timespec *now)
{
  fs_clock.seconds = 0;
  fs_clock.is_set = now != NULL;
  if (now != NULL)
    fs_clock.now = *now;
}

void
fs_clock_advance (guint seconds)
{
  fs_clock.seconds += seconds;
}

void
fs_point_set (FsHow how, guint number, guint choice)
{
  memset (&fs_point, 0, sizeof fs_point);
  fs_point.how = how;
  fs_point.number = number;
  fs_point.choice = choice;
}

FsHit
fs_point_end (void)
{
  fs_point.how = FS_HOW_NONE;
  return fs_point.hit;
}

FsHit
fs_point_hit (void)
{
  return fs_point.hit;
}

/* ---- Whether a call fails ---- */

/* Returns: the code of this call's failure; 0 where it does not fail. */
static int
fs_point_hits (FsCall call)
{
  if (fs_point.how == FS_HOW_KILL_SHORT && call != FS_CALL_PWRITE)
    return 0;
  guint number = fs_point.count++;
  if (number == fs_point.number)
    fs_point.hit = (FsHit){ .call = call,
                            .code = fs_call_code (call, fs_point.choice),
                            .is_reached = TRUE };
  switch (fs_point.how)
    {
    case FS_HOW_ONCE:
      return number == fs_point.number ? fs_point.hit.code : 0;
    case FS_HOW_KIND:
      return number >= fs_point.number && call == fs_point.hit.call ? fs_point.hit.code
                                                                    : 0;
    case FS_HOW_ALL:
      return number >= fs_point.number ? fs_call_code (call, 0) : 0;
    case FS_HOW_KILL:
      if (number == fs_point.number)
        kill (getpid (), SIGKILL);
      return 0;
    case FS_HOW_NONE:
    case FS_HOW_SHORT:
    case FS_HOW_ZERO:
    case FS_HOW_KILL_SHORT:
    default:
      return 0;
    }
}

/* Returns: whether this call is to fail; errno says how. */
static gboolean
fs_fault_hits (FsCall call)
{
  g_atomic_int_inc (&fs_faults[call].count);
  if (fs_point.how != FS_HOW_NONE)
    {
      int code = fs_point_hits (call);
      if (code != 0)
        return errno = code, TRUE;
    }
  if (g_atomic_int_get (&fs_faults[call].slow) > 0)
    {
      g_atomic_int_dec_and_test (&fs_faults[call].slow);
      fs_clock_advance (2);
    }
  int code = g_atomic_int_get (&fs_faults[call].code);
  if (code == 0 || g_atomic_int_add (&fs_faults[call].skip, -1) > 0 ||
      g_atomic_int_add (&fs_faults[call].times, -1) <= 0)
    return FALSE;
  errno = code;
  return TRUE;
}

/* How many bytes the read or write that was just let pass transfers, of so many. */
static gsize
fs_fault_bytes (gsize count)
{
  gboolean is_it = fs_point.how != FS_HOW_NONE && fs_point.count == fs_point.number + 1;
  if (is_it && fs_point.how == FS_HOW_ZERO)
    return 0;
  if (is_it && (fs_point.how == FS_HOW_SHORT || fs_point.how == FS_HOW_KILL_SHORT))
    return (count + 1) / 2;
  return g_atomic_int_get (&fs_odd.is_short) ? MIN (count, 1) : count;
}

static ssize_t
fs_fault_read (ssize_t got)
{
  return got > 0 ? (ssize_t) fs_fault_bytes ((gsize) got) : got;
}

/* X4: whether a file is synced again of which an fsync has failed: by inode and time of
 * birth, for inode numbers come again. */
static gboolean
fs_sync_is_repeated (int fd, gboolean has_failed)
{
  static struct
  {
    guint64 inode;
    gint64 born;
  } failed[64];
  static guint n_failed;
  struct statx st;
  if (fs_point.how == FS_HOW_NONE ||
      statx (fd, "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE | STATX_BTIME, &st) != 0 ||
      !S_ISREG (st.stx_mode) || !(st.stx_mask & STATX_BTIME))
    return FALSE;
  gint64 born = st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
  for (guint i = 0; i < G_N_ELEMENTS (failed); i++)
    if (failed[i].inode == st.stx_ino && failed[i].born == born)
      return TRUE;
  if (has_failed)
    {
      failed[n_failed % G_N_ELEMENTS (failed)].inode = st.stx_ino;
      failed[n_failed++ % G_N_ELEMENTS (failed)].born = born;
    }
  return FALSE;
}

static gboolean
fs_sync_hits (FsCall call, int fd)
{
  gboolean fails = fs_fault_hits (call);
  int code = errno;
  if (fs_sync_is_repeated (fd, fails && code != EINTR))
    fs_point.hit.is_repeated = TRUE;
  errno = code;
  return fails;
}

/* ---- The table ---- */

#define FS_FAULTY(result, failed, name, call, parameters, arguments)                     \
  static result fs_faulty_##name parameters                                              \
  {                                                                                      \
    return fs_fault_hits (call) ? failed : fs_system_libc.name arguments;                \
  }

FS_FAULTY (int, -1, openat2, FS_CALL_OPENAT2,
           (int directory, const char *path, const struct open_how *how),
           (directory, path, how))
FS_FAULTY (int, -1, dup3, FS_CALL_DUP3, (int from, int to, int flags), (from, to, flags))
FS_FAULTY (int, -1, fstatat, FS_CALL_FSTATAT,
           (int directory, const char *path, struct stat *st, int flags),
           (directory, path, st, flags))
FS_FAULTY (int, -1, statx, FS_CALL_STATX,
           (int directory, const char *path, int flags, unsigned int mask,
            struct statx *st),
           (directory, path, flags, mask, st))
FS_FAULTY (int, -1, fstatvfs, FS_CALL_FSTATVFS, (int fd, struct statvfs *fs), (fd, fs))
FS_FAULTY (int, -1, faccessat, FS_CALL_FACCESSAT,
           (int directory, const char *path, int mode, int flags),
           (directory, path, mode, flags))
FS_FAULTY (DIR *, NULL, fdopendir, FS_CALL_FDOPENDIR, (int fd), (fd))
FS_FAULTY (void *, MAP_FAILED, mmap, FS_CALL_MMAP,
           (void *address, size_t length, int protection, int flags, int fd,
            off_t offset),
           (address, length, protection, flags, fd, offset))
FS_FAULTY (int, -1, ftruncate, FS_CALL_FTRUNCATE, (int fd, off_t length), (fd, length))
FS_FAULTY (int, -1, syncfs, FS_CALL_SYNCFS, (int fd), (fd))
FS_FAULTY (int, -1, sync_file_range, FS_CALL_SYNC_FILE_RANGE,
           (int fd, off_t offset, off_t count, unsigned int flags),
           (fd, offset, count, flags))
FS_FAULTY (int, -1, linkat, FS_CALL_LINKAT,
           (int from, const char *old, int to, const char *name, int flags),
           (from, old, to, name, flags))
FS_FAULTY (int, -1, renameat2, flags == 0 ? FS_CALL_RENAMEAT : FS_CALL_RENAMEAT2,
           (int from, const char *old, int to, const char *name, unsigned int flags),
           (from, old, to, name, flags))
FS_FAULTY (int, -1, unlinkat, FS_CALL_UNLINKAT,
           (int directory, const char *path, int flags), (directory, path, flags))
FS_FAULTY (int, -1, mkdirat, FS_CALL_MKDIRAT,
           (int directory, const char *path, mode_t mode), (directory, path, mode))
FS_FAULTY (int, -1, fchmod, FS_CALL_FCHMOD, (int fd, mode_t mode), (fd, mode))
FS_FAULTY (int, -1, flock, FS_CALL_FLOCK, (int fd, int operation), (fd, operation))
FS_FAULTY (int, -1, lock, FS_CALL_LOCK, (int fd, int command, struct flock *lock),
           (fd, command, lock))

static int
fs_faulty_openat (int directory, const char *path, int flags, mode_t mode)
{
  if (g_atomic_int_get (&fs_odd.no_tmpfile) && (flags & O_TMPFILE) == O_TMPFILE)
    return errno = EOPNOTSUPP, -1;
  return fs_fault_hits (FS_CALL_OPENAT)
             ? -1
             : fs_system_libc.openat (directory, path, flags, mode);
}

static int
fs_faulty_close (int fd)
{
  int result = fs_system_libc.close (fd);
  return fs_fault_hits (FS_CALL_CLOSE) ? -1 : result;
}

static int
fs_faulty_fstat (int fd, struct stat *st)
{
  if (fs_fault_hits (FS_CALL_FSTAT) || fs_system_libc.fstat (fd, st) != 0)
    return -1;
  if (fs_odd.ctime.tv_sec != 0)
    st->st_ctim = fs_odd.ctime;
  if (fs_odd.size != 0 && S_ISREG (st->st_mode))
    st->st_size = fs_odd.size;
  return 0;
}

static int
fs_faulty_fstatfs (int fd, struct statfs *fs)
{
  if (fs_fault_hits (FS_CALL_FSTATFS) || fs_system_libc.fstatfs (fd, fs) != 0)
    return -1;
  if (g_atomic_int_get (&fs_odd.is_ext4))
    fs->f_type = EXT4_SUPER_MAGIC;
  return 0;
}

static struct dirent *
fs_faulty_readdir (DIR *stream)
{
  if (fs_fault_hits (FS_CALL_READDIR))
    return NULL;
  struct dirent *entry = fs_system_libc.readdir (stream);
  if (entry != NULL && g_atomic_int_get (&fs_odd.no_types))
    entry->d_type = DT_UNKNOWN;
  return entry;
}

static ssize_t
fs_faulty_pread (int fd, void *buffer, size_t count, off_t offset)
{
  if (fs_fault_hits (FS_CALL_PREAD))
    return -1;
  return fs_fault_read (fs_system_libc.pread (fd, buffer, count, offset));
}

static ssize_t
fs_faulty_preadv2 (int fd, const struct iovec *vectors, int n_vectors, off_t offset,
                   int flags)
{
  if (fs_fault_hits (FS_CALL_PREADV2))
    return -1;
  return fs_fault_read (fs_system_libc.preadv2 (fd, vectors, n_vectors, offset, flags));
}

static ssize_t
fs_faulty_pwrite (int fd, const void *buffer, size_t count, off_t offset)
{
  if (fs_fault_hits (FS_CALL_PWRITE))
    return -1;
  ssize_t written = fs_system_libc.pwrite (fd, buffer, fs_fault_bytes (count), offset);
  if (fs_point.how == FS_HOW_KILL_SHORT && fs_point.count == fs_point.number + 1)
    kill (getpid (), SIGKILL);
  return written;
}

static int
fs_faulty_fsync (int fd)
{
  return fs_sync_hits (FS_CALL_FSYNC, fd) ? -1 : fs_system_libc.fsync (fd);
}

static int
fs_faulty_fdatasync (int fd)
{
  return fs_sync_hits (FS_CALL_FDATASYNC, fd) ? -1 : fs_system_libc.fdatasync (fd);
}

static int
fs_faulty_futimens (int fd, const struct timespec times[2])
{
  if (fs_fault_hits (FS_CALL_FUTIMENS))
    return -1;
  if (fs_odd.ctime.tv_sec != 0)
    fs_odd.ctime.tv_sec++;
  return fs_system_libc.futimens (fd, times);
}

/* No kernel fails to tell the time. The one that files are stamped by can be stopped, and
 * all that say the time of day be put forward. */
static int
fs_faulty_clock_gettime (clockid_t clock, struct timespec *now)
{
  int result = 0;
  if (clock == CLOCK_REALTIME_COARSE && fs_clock.is_set)
    *now = fs_clock.now;
  else
    result = fs_system_libc.clock_gettime (clock, now);
  if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME)
    now->tv_sec += fs_clock.seconds;
  return result;
}

static const FsSystem fs_system_faulty = { .openat = fs_faulty_openat,
                                           .openat2 = fs_faulty_openat2,
                                           .dup3 = fs_faulty_dup3,
                                           .close = fs_faulty_close,
                                           .fstat = fs_faulty_fstat,
                                           .fstatat = fs_faulty_fstatat,
                                           .statx = fs_faulty_statx,
                                           .fstatfs = fs_faulty_fstatfs,
                                           .fstatvfs = fs_faulty_fstatvfs,
                                           .faccessat = fs_faulty_faccessat,
                                           .fdopendir = fs_faulty_fdopendir,
                                           .readdir = fs_faulty_readdir,
                                           .pread = fs_faulty_pread,
                                           .preadv2 = fs_faulty_preadv2,
                                           .mmap = fs_faulty_mmap,
                                           .pwrite = fs_faulty_pwrite,
                                           .ftruncate = fs_faulty_ftruncate,
                                           .fsync = fs_faulty_fsync,
                                           .fdatasync = fs_faulty_fdatasync,
                                           .syncfs = fs_faulty_syncfs,
                                           .sync_file_range = fs_faulty_sync_file_range,
                                           .linkat = fs_faulty_linkat,
                                           .renameat2 = fs_faulty_renameat2,
                                           .unlinkat = fs_faulty_unlinkat,
                                           .mkdirat = fs_faulty_mkdirat,
                                           .futimens = fs_faulty_futimens,
                                           .fchmod = fs_faulty_fchmod,
                                           .flock = fs_faulty_flock,
                                           .lock = fs_faulty_lock,
                                           .clock_gettime = fs_faulty_clock_gettime };

__attribute__ ((constructor)) static void
fs_faults_stand_in (void)
{
  fs_system = &fs_system_faulty;
}
