/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-watch.c: a thread that waits for cases which do not end, and handlers for
 * signals and for an exit() that would end them without a word.
 *
 * Locks: watch_lock guards watch_name and watch_began, and is held while watch_func runs:
 * the run, which takes it between two cases, is never told of one case and judged for
 * another.
 *
 * Failure modes: a handler only writes, what was made ready when the case began: nothing
 * that it reads is ever freed. Where somebody else has one already, such as a sanitizer,
 * that one stays. Of several threads that crash at once the first one tells, and the
 * others wait for the end that it brings. A stack that overflows has no room for a
 * handler: the thread of the run has another one for it. What a backend does by _exit()
 * or SIGKILL nobody can tell. */
#include "conform-watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static GMutex watch_lock;
static const char *watch_name;
static char watch_words[4096]; /* of the case, for a handler; its last byte stays 0 */
static int watch_has_crashed;
static gint64 watch_began;
static gint64 watch_usec;
static ConformWatchFunc watch_func;
static gpointer watch_data;
static int watch_crash_fd = -1;
static const char *watch_crash_prefix;
static pid_t watch_owner;
static int watch_pipe[2] = { -1, -1 }; /* a signal that asks for the end */

/* ---- Signals ---- */

static void
watch_write (const char *text)
{
  (void) !write (watch_crash_fd, text, strlen (text));
}

/* Raises the same signal again, which ends the process when this returns. */
static void
watch_crash (int number)
{
  struct sigaction usual = { .sa_handler = SIG_DFL };

  /* A thread that crashes beside another one must not end the process before that one
   * has said where. */
  if (__atomic_exchange_n (&watch_has_crashed, 1, __ATOMIC_SEQ_CST) != 0)
    for (;;)
      pause ();
  watch_write (watch_crash_prefix);
  watch_write (number == SIGABRT   ? "aborted"
               : number == SIGFPE  ? "arithmetic error"
               : number == SIGILL  ? "illegal instruction"
               : number == SIGTRAP ? "aborted by a message"
                                   : "invalid memory access");
  watch_write (" in the case: ");
  watch_write (watch_words[0] != '\0' ? watch_words : "none");
  watch_write ("\n");
  sigaction (number, &usual, NULL);
  raise (number);
}

static void
watch_ask (int number)
{
  char byte = (char) number;
  (void) !write (watch_pipe[1], &byte, 1);
}

static void
watch_handle (int number, void (*handler) (int), int flags)
{
  struct sigaction old, new = { .sa_handler = handler, .sa_flags = flags };

  sigfillset (&new.sa_mask);
  if (sigaction (number, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
    sigaction (number, &new, NULL);
}

/* The run's own stack may be what is full. Without another one a handler of SA_ONSTACK
 * runs on that. */
static void
watch_prepare_stack (void)
{
  static guint8 room[64 * 1024];
  const stack_t stack = { .ss_sp = room, .ss_size = sizeof room };

  sigaltstack (&stack, NULL);
}

/* ---- Time ---- */

void
conform_watch_case (const char *name, const char *more)
{
  g_mutex_lock (&watch_lock);
  watch_name = name;
  g_snprintf (watch_words, sizeof watch_words, "%s%s", name != NULL ? name : "",
              more != NULL ? more : "");
  watch_began = g_get_monotonic_time ();
  g_mutex_unlock (&watch_lock);
}

static void
watch_look (gboolean asked)
{
  g_mutex_lock (&watch_lock);
  if (asked)
    watch_func ("the run was interrupted", FALSE, watch_data);
  if (watch_name != NULL && g_get_monotonic_time () - watch_began > watch_usec)
    {
      g_autofree char *why = g_strdup_printf ("%s: not ended after %" G_GINT64_FORMAT
                                              " s, and can not be left",
                                              watch_name, watch_usec / G_USEC_PER_SEC);
      watch_func (why, TRUE, watch_data);
    }
  g_mutex_unlock (&watch_lock);
}

/* Whatever status a backend calls exit() with, 0 as well: the run was not at its end. */
static void
watch_exit (void)
{
  if (getpid () != watch_owner)
    return;
  g_mutex_lock (&watch_lock);
  if (watch_name != NULL)
    {
      g_autofree char *why =
          g_strdup_printf ("%s: the backend has ended the process by exit()", watch_name);
      watch_func (why, TRUE, watch_data);
    }
  g_mutex_unlock (&watch_lock);
}

static gpointer
watch_run (gpointer data)
{
  struct pollfd asked = { .fd = watch_pipe[0], .events = POLLIN };

  (void) data;
  for (;;)
    watch_look (poll (&asked, 1, 200) > 0);
  return NULL;
}

void
conform_watch_begin (guint seconds, int crash_fd, const char *crash_prefix,
                     ConformWatchFunc func, gpointer data)
{
  static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP };
  static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

  watch_usec = (gint64) seconds * G_USEC_PER_SEC;
  watch_func = func;
  watch_data = data;
  watch_crash_fd = crash_fd;
  watch_crash_prefix = crash_prefix;
  watch_owner = getpid ();
  watch_prepare_stack ();
  atexit (watch_exit);
  for (guint i = 0; i < G_N_ELEMENTS (crashes); i++)
    watch_handle (crashes[i], watch_crash, SA_ONSTACK);
  if (pipe2 (watch_pipe, O_CLOEXEC | O_NONBLOCK) == 0)
    for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
      watch_handle (ends[i], watch_ask, SA_RESTART | (int) SA_RESETHAND);
  g_thread_unref (g_thread_new ("conform-watch", watch_run, NULL));
}
