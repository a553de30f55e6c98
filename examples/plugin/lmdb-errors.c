/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-errors.c: what a failure of LMDB's is called in Cask's terms.
 *
 * Failure modes: nothing here becomes NOT_FOUND. Whether a blob is absent is decided
 * where it is looked up, and only from MDB_NOTFOUND. */
#include "lmdb-private.h"

#include <errno.h>

static const struct
{
  int code;
  int error;
} errors_table[] = {
  { LMDB_OVER_MAXIMUM, CASK_ERROR_NO_SPACE },
  { MDB_MAP_FULL, CASK_ERROR_NO_SPACE },
  { MDB_PAGE_FULL, CASK_ERROR_NO_SPACE },
  { ENOSPC, CASK_ERROR_NO_SPACE },
  { EDQUOT, CASK_ERROR_NO_SPACE },
  { EROFS, CASK_ERROR_READ_ONLY },
  { EACCES, CASK_ERROR_PERMISSION },
  { EPERM, CASK_ERROR_PERMISSION },
  { MDB_CORRUPTED, CASK_ERROR_CORRUPT },
  { MDB_PAGE_NOTFOUND, CASK_ERROR_CORRUPT },
  { MDB_INVALID, CASK_ERROR_CORRUPT },
  { MDB_INCOMPATIBLE, CASK_ERROR_CORRUPT },
  { MDB_VERSION_MISMATCH, CASK_ERROR_UNSUPPORTED },
  { MDB_READERS_FULL, CASK_ERROR_BUSY },
  { EMFILE, CASK_ERROR_BUSY },
  { ENFILE, CASK_ERROR_BUSY },
  { EWOULDBLOCK, CASK_ERROR_UNAVAILABLE },
  { ENOMEM, CASK_ERROR_UNAVAILABLE },
  { MDB_TXN_FULL, CASK_ERROR_TOO_LARGE },
  { MDB_BAD_VALSIZE, CASK_ERROR_TOO_LARGE },
  { EFBIG, CASK_ERROR_TOO_LARGE },
};

static int
errors_find (int code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (errors_table); i++)
    if (errors_table[i].code == code)
      return errors_table[i].error;
  return CASK_ERROR_IO;
}

static const char *
errors_text (int code)
{
  if (code == LMDB_OVER_MAXIMUM)
    return "max-size is reached";
  if (code == MDB_READERS_FULL)
    return "as many reads as max-readers allows are under way";
  if (code == MDB_PANIC)
    return "an earlier failure left it unusable: close the store and open it again";
  return code > 0 ? g_strerror (code) : mdb_strerror (code);
}

/* lmdb_fail: sets the error for a code of LMDB's, which may be an errno. Returns: FALSE.
 */
gboolean
lmdb_fail (int code, const char *what, GError **error)
{
  g_set_error (error, CASK_ERROR, errors_find (code), "%s: %s", what, errors_text (code));
  return FALSE;
}

gboolean
lmdb_fail_absent (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return FALSE;
}

/* lmdb_fail_damaged: sets the error for something that this backend has not written.
 * Returns: FALSE. */
gboolean
lmdb_fail_damaged (const char *what, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_CORRUPT, "environment: %s", what);
  return FALSE;
}

gboolean
lmdb_fail_read_only (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_READ_ONLY,
                       "environment: lies on a read-only filesystem");
  return FALSE;
}
