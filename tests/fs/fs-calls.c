/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-calls.c: the system calls that the fs backend makes, and how each may fail. */
#include "fs-faults.h"

#include <errno.h>

static struct
{
  const char *name;
  int codes[9]; /* what may befall it, the likeliest first; 0 ends */
} const fs_calls[FS_N_CALLS] = {
  [FS_CALL_OPENAT] = { "openat",
                       { EIO, ENOSPC, EDQUOT, EINTR, EMFILE, EROFS, EACCES, ENOMEM } },
  [FS_CALL_OPENAT2] = { "openat2",
                        { EIO, EACCES, EINTR, EMFILE, ENFILE, ENOMEM, ELOOP } },
  [FS_CALL_DUP3] = { "dup3", { EMFILE, EBUSY } },
  [FS_CALL_CLOSE] = { "close", { EIO, EINTR, ENOSPC, EDQUOT } },
  [FS_CALL_FSTAT] = { "fstat", { EIO, ENOMEM } },
  [FS_CALL_FSTATAT] = { "fstatat", { EIO, EACCES, ENOMEM } },
  [FS_CALL_STATX] = { "statx", { EIO, ENOMEM } },
  [FS_CALL_FSTATFS] = { "fstatfs", { EIO, EINTR, ENOMEM } },
  [FS_CALL_FSTATVFS] = { "fstatvfs", { EIO, EINTR, ENOMEM } },
  [FS_CALL_FACCESSAT] = { "faccessat", { EIO, EACCES, ENOMEM } },
  [FS_CALL_FDOPENDIR] = { "fdopendir", { ENOMEM, EIO } },
  [FS_CALL_READDIR] = { "readdir", { EIO, ENOMEM } },
  [FS_CALL_PREAD] = { "pread", { EIO, EINTR } },
  [FS_CALL_PREADV2] = { "preadv2", { EIO, EAGAIN, EINTR, EOPNOTSUPP } },
  [FS_CALL_MMAP] = { "mmap", { ENOMEM, EACCES, ENODEV } },
  [FS_CALL_PWRITE] = { "pwrite", { EIO, ENOSPC, EDQUOT, EINTR, EFBIG } },
  [FS_CALL_FTRUNCATE] = { "ftruncate", { EIO, EINTR, ENOSPC } },
  [FS_CALL_FSYNC] = { "fsync", { EIO, ENOSPC, EDQUOT, EINTR } },
  [FS_CALL_FDATASYNC] = { "fdatasync", { EIO, ENOSPC, EDQUOT, EINTR } },
  [FS_CALL_SYNCFS] = { "syncfs", { EIO, ENOSPC, EINTR } },
  [FS_CALL_SYNC_FILE_RANGE] = { "sync_file_range", { EIO, ENOSPC, ENOMEM } },
  [FS_CALL_LINKAT] = { "linkat",
                       { EIO, ENOSPC, EDQUOT, EMLINK, EACCES, EROFS, EPERM, ENOMEM } },
  [FS_CALL_RENAMEAT] = { "renameat", { EIO, ENOSPC, EDQUOT, EACCES, EROFS, ENOMEM } },
  [FS_CALL_RENAMEAT2] = { "renameat2", { EIO, ENOSPC, EDQUOT, EACCES, EROFS, EINVAL } },
  [FS_CALL_UNLINKAT] = { "unlinkat", { EIO, EACCES, EROFS, EBUSY, ENOMEM } },
  [FS_CALL_MKDIRAT] = { "mkdirat", { EIO, ENOSPC, EDQUOT, EACCES, EROFS, EMLINK } },
  [FS_CALL_FUTIMENS] = { "futimens", { EIO, EACCES, EPERM, EROFS, EINTR, ENOSPC } },
  [FS_CALL_FCHMOD] = { "fchmod", { EIO, EPERM, EROFS, ENOSPC } },
  [FS_CALL_FLOCK] = { "flock", { ENOLCK, EINTR, EWOULDBLOCK, EOPNOTSUPP } },
  [FS_CALL_LOCK] = { "lock", { ENOLCK, EINTR, EAGAIN, EINVAL } },
};

const char *
fs_call_name (FsCall call)
{
  return fs_calls[call].name;
}

int
fs_call_code (FsCall call, guint choice)
{
  return choice < G_N_ELEMENTS (fs_calls[call].codes) ? fs_calls[call].codes[choice] : 0;
}
