/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-errors.c: what a failed system call is called in Cask's terms.
 *
 * Failure modes: nothing in the table becomes NOT_FOUND. Whether a blob is absent is
 * decided where it is looked up, and only from ENOENT. */
#include "fs-private.h"

#include <errno.h>
#include <sys/resource.h>

static const struct
{
  int code;
  int error;
} fs_errors_table[] = {
  { ENOSPC, CASK_ERROR_NO_SPACE },
  { EDQUOT, CASK_ERROR_NO_SPACE },
  { EROFS, CASK_ERROR_READ_ONLY },
  { EACCES, CASK_ERROR_PERMISSION },
  { EPERM, CASK_ERROR_PERMISSION },
  { EFBIG, CASK_ERROR_TOO_LARGE },
  { EOVERFLOW, CASK_ERROR_TOO_LARGE },
  { EMFILE, FS_ERROR_LIMIT },
  { ENFILE, FS_ERROR_LIMIT },
  { ESTALE, CASK_ERROR_GONE },
  { ETIMEDOUT, CASK_ERROR_TIMED_OUT },
  { EAGAIN, CASK_ERROR_UNAVAILABLE },
  { ENOMEM, CASK_ERROR_UNAVAILABLE },
  { ENOLCK, CASK_ERROR_UNAVAILABLE },
  { EHOSTDOWN, CASK_ERROR_UNAVAILABLE },
  { ENOTCONN, CASK_ERROR_UNAVAILABLE },
  { EOPNOTSUPP, CASK_ERROR_UNSUPPORTED },
  { ENOSYS, CASK_ERROR_UNSUPPORTED },
  { ENAMETOOLONG, CASK_ERROR_INVALID_CONFIG },
};

static int
fs_errors_find (int code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (fs_errors_table); i++)
    if (fs_errors_table[i].code == code)
      return fs_errors_table[i].error;
  return CASK_ERROR_IO;
}

/* fs_fail_gone: sets the error for a root that was removed under the store. Returns:
 * FALSE. */
gboolean
fs_fail_gone (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_GONE,
                       "root: was removed while the store was open");
  return FALSE;
}

static gboolean
fs_fail_limit (int code, const char *what, GError **error)
{
  struct rlimit limit;
  if (code == ENFILE || getrlimit (RLIMIT_NOFILE, &limit) != 0)
    g_set_error (error, CASK_ERROR, FS_ERROR_LIMIT, "%s: %s", what, g_strerror (code));
  else
    g_set_error (error, CASK_ERROR, FS_ERROR_LIMIT,
                 "%s: %s (the limit is %" G_GUINT64_FORMAT ")", what, g_strerror (code),
                 (guint64) limit.rlim_cur);
  return FALSE;
}

/* fs_fail: sets the error for errno `code` of the call `what`. Returns: FALSE. */
gboolean
fs_fail (CaskBackend *self, int code, const char *what, GError **error)
{
  if (code == EMFILE || code == ENFILE)
    return fs_fail_limit (code, what, error);
  /* EPERM: what ext4 says to a new file in a directory that was removed. */
  if ((code == ENOENT || code == EPERM) && fs_root_is_gone (self))
    return fs_fail_gone (error);
  g_set_error (error, CASK_ERROR, fs_errors_find (code), "%s: %s", what,
               g_strerror (code));
  return FALSE;
}

/* fs_fail_path: the same where one has to know which file. Returns: FALSE. */
gboolean
fs_fail_path (CaskBackend *self, int code, const char *what, const char *path,
              GError **error)
{
  g_autofree char *subject = g_strdup_printf ("%s: %s", path, what);
  return fs_fail (self, code, subject, error);
}

/* fs_fail_short: sets CORRUPT for a file that ends before its size did. Returns: FALSE.
 */
gboolean
fs_fail_short (const char *path, guint64 expected, guint64 read, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT,
               "%s: ends early: %" G_GUINT64_FORMAT " bytes expected, %" G_GUINT64_FORMAT
               " read",
               path, expected, read);
  return FALSE;
}

static const char *
fs_errors_type (mode_t mode)
{
  switch (mode & S_IFMT)
    {
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
    }
}

/* fs_fail_type: sets CORRUPT for what stands in a blob's place and is none. Returns:
 * FALSE. */
gboolean
fs_fail_type (const char *path, mode_t mode, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT, "%s: %s is in the blob's place",
               path, fs_errors_type (mode));
  return FALSE;
}
