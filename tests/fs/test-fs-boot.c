/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-boot.c: the name of this boot, which whoever asks first reads: also where it
 * can not be read just then, and where the process is forked meanwhile.
 *
 * The cases are in order: what was read once is read no more. */
#include "fs-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <test-support.h>
#include <unistd.h>

#define BOOT_NOBODY "00000000"
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

static struct
{
  int code;         /* that opening it fails with; 0: it does not */
  gboolean is_fork; /* the process is forked while it is opened */
  int status;       /* of that child */
} boot = { .status = -1 };

int __real_open (const char *path, int flags, ...);
int __wrap_open (const char *path, int flags, ...);
int __wrap_open64 (const char *path, int flags, ...);

/* A child that waits for a thread which is not there is ended by the alarm. */
static void
boot_fork (void)
{
  pid_t child = fork ();

  boot.is_fork = FALSE;
  if (child == 0)
    {
      alarm (20);
      _exit (g_str_equal (fs_sweep_boot (), BOOT_NOBODY) ? 1 : 0);
    }
  CU_ASSERT (child > 0 && waitpid (child, &boot.status, 0) == child);
}

static int
boot_open (const char *path, int flags)
{
  if (boot.is_fork)
    boot_fork ();
  if (boot.code == 0)
    return __real_open (path, flags);
  errno = boot.code;
  return -1;
}

int
__wrap_open (const char *path, int flags, ...)
{
  return boot_open (path, flags);
}

/* As libc calls it where offsets have 64 bits. */
int
__wrap_open64 (const char *path, int flags, ...)
{
  return boot_open (path, flags);
}

static void
test_no_descriptor (void)
{
  boot.code = EMFILE;
  CU_ASSERT_STRING_EQUAL (fs_sweep_boot (), BOOT_NOBODY);
  boot.code = 0;
}

static void
test_fork (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (BOOT_FILE, &text, NULL, NULL))
    return;
  boot.is_fork = TRUE;
  const char *known = fs_sweep_boot ();
  CU_ASSERT_FALSE (boot.is_fork);
  CU_ASSERT_EQUAL (boot.status, 0);
  CU_ASSERT_EQUAL (strlen (known), 8);
  CU_ASSERT_TRUE (g_str_has_prefix (text, known));
  boot.code = EMFILE;
  CU_ASSERT_PTR_EQUAL (fs_sweep_boot (), known);
  boot.code = 0;
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "F8 where no descriptor is left the boot has no name, and has one later",
      test_no_descriptor },
    { "C96 a child forked while the boot's name is read reads it by itself", test_fork },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "the boot", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };
  return test_main (argc, argv, suites);
}
