/* SPDX-License-Identifier: Apache-2.0
 *
 * config-secret.c: what `file:/path`, `env:NAME` and `fd:N` lead to.
 *
 * A secret option holds where the secret is, never the secret, so that a config string
 * can be logged, shown by ps and kept in a unit file.
 *
 * Invariants: no message holds a byte of a reference or of a secret. Every copy made here
 * is wiped before its memory is given back; the last one when its GBytes goes. At most
 * 64 KiB are read, whatever the place says of its size.
 *
 * Failure modes: a path to a FIFO or a device must not hang an open: only regular files
 * are read. An empty secret is refused: it is a file cut short or a variable never
 * filled. One newline at the end is an editor's or echo's, and is dropped from files and
 * descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "config-private.h"

typedef struct
{
  gsize size;
  char bytes[];
} SecretCopy;

static void
secret_copy_free (gpointer data)
{
  SecretCopy *copy = data;
  explicit_bzero (copy->bytes, copy->size);
  g_free (copy);
}

static GBytes *
secret_copy (const char *bytes, gsize size)
{
  SecretCopy *copy = g_malloc (sizeof (SecretCopy) + size);
  copy->size = size;
  memcpy (copy->bytes, bytes, size);
  return g_bytes_new_with_free_func (copy->bytes, size, secret_copy_free, copy);
}

static const char *
secret_after (const char *reference, const char *scheme)
{
  return g_str_has_prefix (reference, scheme) ? reference + strlen (scheme) : NULL;
}

static gboolean
secret_is_variable (const char *name)
{
  if (!g_ascii_isalpha (name[0]) && name[0] != '_')
    return FALSE;
  for (gsize i = 1; name[i] != '\0'; i++)
    if (!g_ascii_isalnum (name[i]) && name[i] != '_')
      return FALSE;
  return TRUE;
}

static gboolean
secret_parse_fd (const char *text, int *fd)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &number, NULL))
    return FALSE;
  *fd = (int) number;
  return TRUE;
}

gboolean
cask_secret_is_reference (const char *text)
{
  int fd;
  const char *rest = secret_after (text, "file:");
  if (rest != NULL)
    return rest[0] == '/' && rest[1] != '\0';
  rest = secret_after (text, "env:");
  if (rest != NULL)
    return secret_is_variable (rest);
  rest = secret_after (text, "fd:");
  return rest != NULL && secret_parse_fd (rest, &fd);
}

/* ---- Reading ---- */

/* As read(2), but over EINTR, and waiting where the descriptor's owner made it
 * non-blocking. */
static gssize
secret_read_some (int fd, char *buffer, gsize count)
{
  for (;;)
    {
      gssize n = read (fd, buffer, count);
      if (n >= 0 || (errno != EINTR && errno != EAGAIN))
        return n;
      struct pollfd waiting = { .fd = fd, .events = POLLIN };
      if (errno == EAGAIN && poll (&waiting, 1, -1) < 0 && errno != EINTR)
        return -1;
    }
}

static CaskOptionProblem
secret_fill (int fd, const char *place, char *buffer, GBytes **secret)
{
  gsize size = 0;
  while (size <= CASK_SECRET_MAX_LENGTH)
    {
      gssize n = secret_read_some (fd, buffer + size, CASK_SECRET_MAX_LENGTH + 1 - size);
      if (n < 0)
        return g_strdup_printf ("%s: read: %s", place, g_strerror (errno));
      if (n == 0)
        break;
      size += (gsize) n;
    }
  if (size > CASK_SECRET_MAX_LENGTH)
    return g_strdup_printf ("%s: more than %d bytes", place, CASK_SECRET_MAX_LENGTH);
  if (size > 0 && buffer[size - 1] == '\n')
    size--;
  if (size == 0)
    return g_strdup_printf ("%s: empty", place);
  *secret = secret_copy (buffer, size);
  return NULL;
}

static CaskOptionProblem
secret_read_all (int fd, const char *place, GBytes **secret)
{
  char *buffer = g_malloc (CASK_SECRET_MAX_LENGTH + 1);
  CaskOptionProblem problem = secret_fill (fd, place, buffer, secret);
  explicit_bzero (buffer, CASK_SECRET_MAX_LENGTH + 1);
  g_free (buffer);
  return problem;
}

static CaskOptionProblem
secret_read_regular (int fd, GBytes **secret)
{
  struct stat info;
  if (fstat (fd, &info) != 0)
    return g_strdup_printf ("its file: stat: %s", g_strerror (errno));
  if (!S_ISREG (info.st_mode))
    return g_strdup ("its file: not a regular file");
  return secret_read_all (fd, "its file", secret);
}

static CaskOptionProblem
secret_read_file (const char *path, GBytes **secret, gboolean *absent)
{
  /* O_NONBLOCK: opening a FIFO that nobody writes would wait for ever. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    {
      *absent = errno == ENOENT;
      return g_strdup_printf ("its file: open: %s", g_strerror (errno));
    }
  CaskOptionProblem problem = secret_read_regular (fd, secret);
  g_close (fd, NULL);
  return problem;
}

static CaskOptionProblem
secret_read_variable (const char *name, GBytes **secret, gboolean *absent)
{
  /* Whoever starts a privileged process chooses its environment. */
  if (getauxval (AT_SECURE) != 0)
    return g_strdup ("env: is not read in a process with raised privileges; use file: or "
                     "fd:");
  const char *value = secure_getenv (name);
  *absent = value == NULL;
  if (value == NULL)
    return g_strdup ("its environment variable is not set");
  if (value[0] == '\0')
    return g_strdup ("its environment variable: empty");
  gsize size = strnlen (value, CASK_SECRET_MAX_LENGTH + 1);
  if (size > CASK_SECRET_MAX_LENGTH)
    return g_strdup_printf ("its environment variable: more than %d bytes",
                            CASK_SECRET_MAX_LENGTH);
  *secret = secret_copy (value, size);
  return NULL;
}

CaskOptionProblem
cask_secret_read (const char *reference, GBytes **secret, gboolean *absent)
{
  int fd;
  *secret = NULL;
  *absent = FALSE;
  const char *rest = secret_after (reference, "file:");
  if (rest != NULL)
    return secret_read_file (rest, secret, absent);
  rest = secret_after (reference, "env:");
  if (rest != NULL)
    return secret_read_variable (rest, secret, absent);
  rest = secret_after (reference, "fd:");
  if (rest != NULL && secret_parse_fd (rest, &fd))
    return secret_read_all (fd, "its descriptor", secret);
  return g_strdup ("not a reference");
}
