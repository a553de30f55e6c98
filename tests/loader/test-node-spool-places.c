/* SPDX-License-Identifier: Apache-2.0
 *
 * test-node-spool-places.c: spool directories that will not do, full ones, and system
 * calls that fail.
 *
 * openat, pwrite and sync_file_range stand before libc's here, for the rooms that are
 * linked into this program. */
#include "node-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define NOT_RUN 77
#define NOBODY 65534

/* What is to fail, and how; 0: nothing. */
static struct
{
  int openat, pwrite, sync;
  gsize largest_write; /* 0: all of it */
  guint n_interrupted, n_named;
} faults;

int
openat (int directory, const char *path, int flags, ...)
{
  va_list arguments;

  va_start (arguments, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg (arguments, mode_t) : 0;
  va_end (arguments);
  if (faults.openat != 0 && (flags & __O_TMPFILE))
    {
      errno = faults.openat;
      return -1;
    }
  return (int) syscall (SYS_openat, directory, path, flags, mode);
}

ssize_t
pwrite (int fd, const void *data, size_t count, off_t offset)
{
  if (faults.n_interrupted > 0)
    {
      faults.n_interrupted--;
      errno = EINTR;
      return -1;
    }
  if (faults.pwrite != 0 && offset >= 2 * MIB)
    {
      errno = faults.pwrite;
      return -1;
    }
  if (faults.largest_write > 0)
    count = MIN (count, faults.largest_write);
  return syscall (SYS_pwrite64, fd, data, count, offset);
}

int
sync_file_range (int fd, off64_t offset, off64_t count, unsigned int flags)
{
  if (faults.sync != 0)
    {
      errno = faults.sync;
      faults.sync = 0; /* the kernel says it once */
      return -1;
    }
  return (int) syscall (SYS_sync_file_range, fd, offset, count, flags);
}

/* ---- Directories that will not do ---- */

static int
begin_in (const char *spool, const char *text)
{
  CaskNode *node = shelf_open ("bare", spool);
  if (node == NULL)
    return 0;
  int code = shelf_begin_code (node, CASK_UNKNOWN, text);
  shelf_close (node);
  return code;
}

static void
test_unfit (void)
{
  static const char must[] = "the option 'spool' has to be the absolute path";
  const char *place = test_directory ();
  g_autofree char *missing = g_build_filename (place, "no such\nplace", NULL);
  g_autofree char *file = g_build_filename (place, "file", NULL);
  g_autofree char *fifo = g_build_filename (place, "fifo", NULL);
  g_autofree char *loop = g_build_filename (place, "loop", NULL);
  g_autofree char *longest = g_strnfill (5000, 'x');
  g_autofree char *too_long = g_strconcat ("/", longest, NULL);

  CU_ASSERT_TRUE (g_file_set_contents (file, "", 0, NULL));
  CU_ASSERT_EQUAL (mkfifo (fifo, 0600), 0);
  CU_ASSERT_EQUAL (symlink ("loop", loop), 0);
  CU_ASSERT_EQUAL (begin_in (place, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (begin_in (NULL, must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in ("", must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in ("tmp", must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (".", must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (missing, must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (missing, "no%20such%0Aplace: No such file"),
                   CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (file, must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (fifo, must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (loop, must), CASK_ERROR_INVALID_CONFIG);
  CU_ASSERT_EQUAL (begin_in (too_long, must), CASK_ERROR_INVALID_CONFIG);
}

static void
test_expected (void)
{
  const char *place = test_directory ();
  CaskNode *node = shelf_open ("bare", place);
  if (node == NULL)
    return;
  CU_ASSERT_EQUAL (shelf_begin_code (node, G_MAXINT64, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (shelf_begin_code (node, (guint64) G_MAXINT64 + 1, "upload: 92233"),
                   CASK_ERROR_TOO_LARGE);
  CU_ASSERT_EQUAL (shelf_begin_code (node, G_MAXUINT64 - 1, NULL), CASK_ERROR_TOO_LARGE);
  shelf_close (node);
}

/* ---- Directories that fail on the way ---- */

/* Writes 3 MiB in 12 pieces and commits. Returns: how the first failure is called. */
static int
upload_in (const char *place, GBytes *bytes, const char *text)
{
  CaskNode *node = shelf_open ("bare", place);
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  int code = SHELF_OK;

  if (upload == NULL)
    return 0;
  for (guint i = 0; i < 12 && code == SHELF_OK; i++)
    {
      g_autoptr (GBytes) chunk = g_bytes_new_from_bytes (bytes, i * MIB / 4, MIB / 4);
      code = shelf_write (node, upload, chunk, NULL, text);
    }
  if (code == SHELF_OK)
    code = shelf_commit (node, upload, NULL, NULL, text);
  if (code == SHELF_OK)
    CU_ASSERT_TRUE (shelf_has_put (bytes));
  if (code != SHELF_OK)
    CU_ASSERT_EQUAL (shelf_commit (node, upload, NULL, NULL, "failed before"),
                     CASK_ERROR_IO);
  CU_ASSERT_EQUAL (shelf.n_puts, code == SHELF_OK ? 1 : 0);
  shelf_drop (node, upload);
  shelf_close (node);
  faults = (typeof (faults)){ 0 };
  CU_ASSERT_EQUAL (shelf_count_entries (place), 0);
  return code;
}

static void
test_faults (void)
{
  const char *place = test_directory ();
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);
  g_autofree char *escaped = cask_config_escape (place);
  g_autofree char *full = g_strdup_printf (
      "upload: %s: No space left on device; the option 'spool'", escaped);

  faults.pwrite = ENOSPC;
  CU_ASSERT_EQUAL (upload_in (place, bytes, full), CASK_ERROR_NO_SPACE);
  faults.pwrite = EDQUOT;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_NO_SPACE);
  faults.pwrite = EIO;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_IO);
  faults.openat = EROFS;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_PERMISSION);
  faults.openat = ENOSPC;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_NO_SPACE);
  faults.openat = EMFILE;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_BUSY);
  /* X2 */
  faults.n_interrupted = 3;
  faults.largest_write = 1001;
  CU_ASSERT_EQUAL (upload_in (place, bytes, NULL), SHELF_OK);
}

/* Pages that were taken and then lost would be stored as something else. */
static void
test_lost (void)
{
  const char *place = test_directory ();
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);

  faults.sync = EIO;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "Input/output error"), CASK_ERROR_IO);
  faults.sync = ENOSPC;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_NO_SPACE);
  faults.sync = ENOSYS;
  CU_ASSERT_EQUAL (upload_in (place, bytes, NULL), SHELF_OK);
}

static void
test_no_tmpfile (void)
{
  const char *place = test_directory ();
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);

  faults.openat = EOPNOTSUPP;
  CU_ASSERT_EQUAL (upload_in (place, bytes, NULL), SHELF_OK);
  faults.openat = EISDIR;
  CU_ASSERT_EQUAL (upload_in (place, bytes, NULL), SHELF_OK);
  faults.openat = EISDIR;
  faults.pwrite = ENOSPC;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "'spool'"), CASK_ERROR_NO_SPACE);
}

/* ---- In a child of its own ---- */

typedef int (*ChildBody) (const char *place);

static void
in_child (const char *name, ChildBody body)
{
  const char *place = test_directory ();
  guint before = CU_get_number_of_failures ();
  int status = -1;

  fflush (NULL);
  pid_t child = fork ();
  if (child == 0)
    {
      int result = body (place);
      _exit (result != 0 ? result : CU_get_number_of_failures () > before);
    }
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == NOT_RUN)
    printf ("\n    not run: %s: this machine does not permit it\n", name);
  else
    CU_ASSERT (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static int
file_limit_body (const char *place)
{
  const struct rlimit limit = { 2 * MIB + 5, 2 * MIB + 5 };
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);

  signal (SIGXFSZ, SIG_IGN);
  if (setrlimit (RLIMIT_FSIZE, &limit) != 0)
    return NOT_RUN;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "File too large; the option 'spool'"),
                   CASK_ERROR_TOO_LARGE);
  return 0;
}

static int
full_body (const char *place)
{
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);

  if (geteuid () != 0 || unshare (CLONE_NEWNS) != 0 ||
      mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("cask-test", place, "tmpfs", 0, "size=2500k") != 0)
    return NOT_RUN;
  CU_ASSERT_EQUAL (upload_in (place, bytes, "No space left on device"),
                   CASK_ERROR_NO_SPACE);
  /* What it took is free again. */
  CU_ASSERT_EQUAL (mount (NULL, place, NULL, MS_REMOUNT, "size=4m"), 0);
  CU_ASSERT_EQUAL (upload_in (place, bytes, NULL), SHELF_OK);
  CU_ASSERT_EQUAL (upload_in (place, bytes, NULL), SHELF_OK);
  return 0;
}

static int
unwritable_body (const char *place)
{
  g_autoptr (GBytes) bytes = shelf_bytes (3 * MIB);
  g_autofree char *inner = g_build_filename (place, "inner", NULL);

  if (mkdir (inner, 0777) != 0 || chmod (place, 0555) != 0)
    return NOT_RUN;
  if (geteuid () == 0 &&
      (setgroups (0, NULL) != 0 || setgid (NOBODY) != 0 || setuid (NOBODY) != 0))
    return NOT_RUN;
  rmdir (inner);
  /* One blob that fits into memory needs no file. */
  CU_ASSERT_EQUAL (begin_in (place, NULL), SHELF_OK);
  CaskNode *node = shelf_open ("bare", place);
  CaskBackendUpload *upload = node != NULL ? shelf_begin (node) : NULL;
  if (upload == NULL)
    return 1;
  CU_ASSERT_EQUAL (shelf_write (node, upload, bytes, NULL, "Permission denied; the"),
                   CASK_ERROR_PERMISSION);
  shelf_drop (node, upload);
  shelf_close (node);
  return 0;
}

static void
test_file_limit (void)
{
  in_child ("a limit on files", file_limit_body);
}

static void
test_full (void)
{
  in_child ("a small filesystem", full_body);
}

static void
test_unwritable (void)
{
  in_child ("a user without rights", unwritable_body);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "G2 a spool that is no directory's absolute path is refused at begin", test_unfit },
    { "an expected size that nothing can hold is refused at begin", test_expected },
    { "X1 X2 errors of the spool name it and its option", test_faults },
    { "X1 bytes that the spool lost are not committed", test_lost },
    { "a filesystem without nameless files will do", test_no_tmpfile },
    { "F6 a spool over the limit of a file is TOO_LARGE", test_file_limit },
    { "F6 a full spool is NO_SPACE, and empty again", test_full },
    { "F4 a spool that can not be written to is PERMISSION", test_unwritable },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "spool places", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
