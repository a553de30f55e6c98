/* SPDX-License-Identifier: Apache-2.0
 *
 * terminal.c: runs a command on a terminal, as a shell test cannot.
 *
 *   terminal show COMMAND…      standard error is a terminal of 80 columns; what is
 *                               written there is passed on to our standard error
 *   terminal feed N COMMAND…    standard input gives N bytes, then fails with EIO
 *
 * The exit status is the command's, or 125 where it could not be run. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define TERMINAL_TROUBLE 125

static int
terminal_fail (const char *what)
{
  fprintf (stderr, "terminal: %s: %s\n", what, strerror (errno));
  return TERMINAL_TROUBLE;
}

/* A pair without translation of line ends, that is nobody's controlling terminal. */
static int
terminal_open (int *leader, int *follower)
{
  struct termios mode;
  struct winsize size = { .ws_row = 24, .ws_col = 80 };
  *leader = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*leader < 0 || grantpt (*leader) != 0 || unlockpt (*leader) != 0)
    return -1;
  *follower = open (ptsname (*leader), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*follower < 0 || tcgetattr (*follower, &mode) != 0)
    return -1;
  cfmakeraw (&mode);
  if (tcsetattr (*follower, TCSANOW, &mode) != 0)
    return -1;
  return ioctl (*leader, TIOCSWINSZ, &size);
}

static int
terminal_status (pid_t child)
{
  int status;
  while (waitpid (child, &status, 0) < 0)
    if (errno != EINTR)
      return terminal_fail ("wait");
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

/* A leader whose followers are all gone fails with EIO: that is the end. */
static void
terminal_pass_on (int leader)
{
  char buffer[4096];
  ssize_t count;
  while ((count = read (leader, buffer, sizeof buffer)) > 0 ||
         (count < 0 && errno == EINTR))
    if (count > 0 && write (STDERR_FILENO, buffer, (size_t) count) != count)
      return;
}

static int
terminal_show (char **command)
{
  int leader, follower;
  if (terminal_open (&leader, &follower) != 0)
    return terminal_fail ("open");
  pid_t child = fork ();
  if (child < 0)
    return terminal_fail ("fork");
  if (child == 0)
    {
      setenv ("TERM", "xterm", 1);
      dup2 (follower, STDERR_FILENO);
      execvp (*command, command);
      _exit (TERMINAL_TROUBLE);
    }
  close (follower);
  terminal_pass_on (leader);
  return terminal_status (child);
}

static int
terminal_write (int follower, unsigned long left)
{
  char buffer[4096];
  memset (buffer, 'x', sizeof buffer);
  while (left > 0)
    {
      size_t wanted = left < sizeof buffer ? left : sizeof buffer;
      ssize_t count = write (follower, buffer, wanted);
      if (count < 0)
        return 1;
      left -= (unsigned long) count;
    }
  return 0;
}

static int
terminal_feed (const char *count, char **command)
{
  int leader, follower;
  if (terminal_open (&leader, &follower) != 0)
    return terminal_fail ("open");
  pid_t child = fork ();
  if (child < 0)
    return terminal_fail ("fork");
  if (child == 0)
    {
      close (leader);
      _exit (terminal_write (follower, strtoul (count, NULL, 10)));
    }
  close (follower);
  dup2 (leader, STDIN_FILENO);
  execvp (*command, command);
  return terminal_fail (*command);
}

int
main (int argc, char **argv)
{
  if (argc > 2 && strcmp (argv[1], "show") == 0)
    return terminal_show (argv + 2);
  if (argc > 3 && strcmp (argv[1], "feed") == 0)
    return terminal_feed (argv[2], argv + 3);
  fputs ("terminal: show COMMAND, or feed N COMMAND, expected\n", stderr);
  return TERMINAL_TROUBLE;
}
