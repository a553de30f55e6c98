/* SPDX-License-Identifier: Apache-2.0
 *
 * crash-images.c: the same promises on a real filesystem.
 *
 *   crash-images MOUNTED IMAGE SCRATCH OPTIONS DURABILITY SCRIPT
 *
 * The store is on a filesystem that is mounted from the file IMAGE by a loop device.
 * Before and after each call that changes something or makes it durable, IMAGE is copied:
 * it holds what the filesystem has given to its device by then, which is what a power cut
 * would leave. The copy is mounted (the filesystem recovers), opened by the real library
 * and held to what was promised by then.
 *
 * Who checks is another process, started first: the one that records waits for it. */
#include "powercut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  char *image, *copy, *mount_point, *options;
  int ask, answer; /* the ends of pipes that this process has */
  PowerLog *log;
  PowerResult *result;
  guint32 last_entry;
  struct timespec last_change;
} CrashImages;

static CrashImages crash;
static GMutex crash_lock; /* one image at a time */

/* ---- Copying ---- */

static gboolean
crash_copy_range (int from, int to, off_t at, off_t end)
{
  static guint8 buffer[1024 * 1024];
  while (at < end)
    {
      ssize_t got =
          pread (from, buffer, (size_t) MIN ((off_t) sizeof buffer, end - at), at);
      if (got <= 0 || pwrite (to, buffer, (size_t) got, at) != got)
        return FALSE;
      at += got;
    }
  return TRUE;
}

static gboolean
crash_copy_once (int from, int to)
{
  struct stat st;
  if (fstat (from, &st) != 0 || ftruncate (to, 0) != 0 || ftruncate (to, st.st_size) != 0)
    return FALSE;
  for (off_t at = lseek (from, 0, SEEK_DATA); at >= 0; at = lseek (from, at, SEEK_DATA))
    {
      off_t end = lseek (from, at, SEEK_HOLE);
      if (end < 0 || !crash_copy_range (from, to, at, end))
        return FALSE;
      at = end;
    }
  return errno == ENXIO;
}

/* What is written meanwhile would make it no state of any moment: then it is copied
 * again. Returns: FALSE where there is nothing new, or no copy. */
static gboolean
crash_copy (guint32 entry)
{
  struct stat before = { 0 }, after = { 0 };
  int from = open (crash.image, O_RDONLY | O_CLOEXEC);
  int to = open (crash.copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  gboolean done = FALSE;
  gboolean is_new = TRUE;
  for (guint i = 0; i < 20 && is_new && !done; i++)
    {
      fstat (from, &before);
      is_new = entry != crash.last_entry ||
               memcmp (&before.st_ctim, &crash.last_change, sizeof before.st_ctim) != 0;
      done = is_new && crash_copy_once (from, to);
      fstat (from, &after);
      done = done && memcmp (&before.st_ctim, &after.st_ctim, sizeof after.st_ctim) == 0;
    }
  if (is_new && !done)
    crash.result->is_torn = TRUE;
  crash.last_entry = entry;
  crash.last_change = before.st_ctim;
  close (from);
  close (to);
  return done;
}

/* Called by the recorder, with no lock of the log held. */
static void
crash_watch (void)
{
  int code = errno;
  g_mutex_lock (&crash_lock);
  guint32 entry = crash.log->n_entries;
  char reply;
  if (crash.log->start != 0 && crash_copy (entry) &&
      (write (crash.ask, &entry, sizeof entry) != sizeof entry ||
       read (crash.answer, &reply, 1) != 1))
    crash.result->is_torn = TRUE;
  g_mutex_unlock (&crash_lock);
  errno = code;
}

/* ---- Checking ---- */

static gboolean
crash_run (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *command = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  int status = 0;
  g_autoptr (GError) error = NULL;
  if (g_spawn_command_line_sync (command, NULL, NULL, &status, &error) && status == 0)
    return TRUE;
  printf ("  %s: %s\n", command, error != NULL ? error->message : "failed");
  return FALSE;
}

static void
crash_check (guint32 cut)
{
  PowerWants wants;
  g_autofree char *reason = NULL;
  g_autofree char *root = g_build_filename (crash.mount_point, "work", POWER_ROOT, NULL);
  PowerRule rule = POWER_BROKEN;
  power_wants (crash.log, cut, &wants);
  if (crash_run ("mount -o %s %s %s", crash.options, crash.copy, crash.mount_point))
    {
      rule = power_check (crash.log, &wants, root, &reason);
      crash_run ("umount %s", crash.mount_point);
    }
  crash.result->n_states++;
  if (rule == POWER_FINE)
    return;
  crash.result->n_broken[rule]++;
  crash.result->n_lost += rule == POWER_D1 ? 1 : 0;
  printf ("  cut %u: %s: %s\n", cut, power_rules[rule], reason != NULL ? reason : "");
}

static pid_t
crash_start_checker (void)
{
  int asks[2], answers[2];
  guint32 cut;
  if (pipe (asks) != 0 || pipe (answers) != 0)
    return -1;
  fflush (NULL);
  pid_t child = fork ();
  if (child != 0)
    {
      close (asks[0]);
      close (answers[1]);
      crash.ask = asks[1];
      crash.answer = answers[0];
      return child;
    }
  close (asks[1]);
  close (answers[0]);
  power_after_boot ();
  while (read (asks[0], &cut, sizeof cut) == sizeof cut)
    {
      crash_check (cut);
      if (write (answers[1], "", 1) != 1)
        break;
    }
  fflush (NULL);
  _exit (0);
}

static PowerDurability
crash_durability (const char *name)
{
  for (guint i = POWER_NONE; i <= POWER_BATCH; i++)
    if (g_str_equal (name, power_durabilities[i]))
      return (PowerDurability) i;
  return POWER_FULL;
}

int
main (int argc, char **argv)
{
  if (argc != 7)
    {
      fprintf (stderr, "usage: %s MOUNTED IMAGE SCRATCH OPTIONS DURABILITY SCRIPT\n",
               argv[0]);
      return 2;
    }
  g_autofree char *work = g_build_filename (argv[1], "work", NULL);
  PowerShape shape = { .name = "crash-images",
                       .script = argv[6],
                       .durability = crash_durability (argv[5]),
                       .freshen = "0ms",
                       .n_shards = 3 };
  crash.image = argv[2];
  crash.copy = g_build_filename (argv[3], "copy", NULL);
  crash.mount_point = g_build_filename (argv[3], "mounted", NULL);
  crash.options = argv[4];
  crash.result = mmap (NULL, sizeof *crash.result, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  crash.log = power_log_for (&shape, 1);
  if (mkdir (work, 0755) != 0 || mkdir (crash.mount_point, 0755) != 0)
    return perror (work), 2;
  sync ();
  pid_t checker = crash_start_checker ();
  power_record_watch = crash_watch;
  gboolean is_recorded = power_work (crash.log, &shape, work);
  close (crash.ask);
  waitpid (checker, NULL, 0);
  rmdir (crash.mount_point);
  unlink (crash.copy);
  const PowerResult *result = crash.result;
  gboolean is_fine = is_recorded && !result->is_torn && result->n_states > 0 &&
                     power_result_broken (result) == 0;
  printf ("%" G_GUINT64_FORMAT " images, %" G_GUINT64_FORMAT " broken, %" G_GUINT64_FORMAT
          " acknowledged blobs lost%s\n",
          result->n_states, power_result_broken (result), result->n_lost,
          is_recorded && !result->is_torn ? "" : "; the run itself failed");
  return !is_fine;
}
