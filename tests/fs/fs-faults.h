/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-faults.h: system calls that fail on demand, and a clock that does as it is told: for
 * programs that have the fs backend as a part of themselves. */
#pragma once

#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>

#include "fs-system.h"

typedef enum
{
  FS_CALL_OPENAT,
  FS_CALL_OPENAT2,
  FS_CALL_DUP3,
  FS_CALL_CLOSE,
  FS_CALL_FSTAT,
  FS_CALL_FSTATAT,
  FS_CALL_STATX,
  FS_CALL_FSTATFS,
  FS_CALL_FSTATVFS,
  FS_CALL_FACCESSAT,
  FS_CALL_FDOPENDIR,
  FS_CALL_READDIR,
  FS_CALL_PREAD,
  FS_CALL_PREADV2,
  FS_CALL_MMAP,
  FS_CALL_PWRITE,
  FS_CALL_FTRUNCATE,
  FS_CALL_FSYNC,
  FS_CALL_FDATASYNC,
  FS_CALL_SYNCFS,
  FS_CALL_SYNC_FILE_RANGE,
  FS_CALL_LINKAT,
  FS_CALL_RENAMEAT,  /* renameat2 without flags */
  FS_CALL_RENAMEAT2, /* and with */
  FS_CALL_UNLINKAT,
  FS_CALL_MKDIRAT,
  FS_CALL_FUTIMENS,
  FS_CALL_FCHMOD,
  FS_CALL_FLOCK,
  FS_CALL_LOCK,
  FS_N_CALLS
} FsCall;

const char *fs_call_name (FsCall call);
/* Of the errors that such a call may fail with, the one of that number; 0: there are
 * less. */
int fs_call_code (FsCall call, guint choice);

/* ---- The calls of one kind ---- */

/* After `skip` more of that call, `times` of them fail with code. 0: none does. */
void fs_fault_set (FsCall call, int code, guint skip, guint times);
/* Each read and each write transfers one byte at most. */
void fs_fault_set_short (gboolean is_short);
/* Files without a name can not be made. */
void fs_fault_set_no_tmpfile (gboolean is_missing);
/* From now on `times` calls take two seconds, by the clock below. */
void fs_fault_set_slow (FsCall call, guint times);
/* All files have this ctime, and each change of a file's times sets it one second on. */
void fs_fault_set_ctime (const struct timespec *changed);
/* All regular files have this size, they say; 0: their own. */
void fs_fault_set_size (gint64 size);
/* Directories do not tell what their entries are. */
void fs_fault_set_no_types (gboolean is_missing);
/* Whatever the filesystem is, it says that it is ext4. */
void fs_fault_set_ext4 (gboolean is_ext4);
void fs_fault_clear (void);
guint fs_fault_count (FsCall call);
void fs_fault_count_clear (void);

/* ---- One call of an operation; for one thread ---- */

typedef enum
{
  FS_HOW_NONE,
  FS_HOW_ONCE,      /* it fails */
  FS_HOW_KIND,      /* and so do all of its kind that follow */
  FS_HOW_ALL,       /* and so does whatever follows */
  FS_HOW_SHORT,     /* a read or a write does half */
  FS_HOW_ZERO,      /* a read or a write does nothing */
  FS_HOW_KILL,      /* SIGKILL before it */
  FS_HOW_KILL_SHORT /* SIGKILL when half is written; numbers count writes alone */
} FsHow;

typedef struct
{
  FsCall call;
  int code;
  gboolean is_reached;
  gboolean is_repeated; /* X4: a file was synced again of which an fsync had failed */
} FsHit;

/* From now on calls count, and the one of that number, from 0, meets its fate; choice:
 * which of the errors that such a call may fail with. */
void fs_point_set (FsHow how, guint number, guint choice);
FsHit fs_point_end (void);
FsHit fs_point_hit (void); /* so far */

/* ---- The clock ---- */

/* The coarse clock says this from now on; NULL: the time. */
void fs_clock_set (const struct timespec *now);
/* All that say the time of day say later ones, until fs_clock_set(). */
void fs_clock_advance (guint seconds);
