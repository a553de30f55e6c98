/* SPDX-License-Identifier: Apache-2.0
 *
 * source.c: reads files and pipes, piece by piece, and stops at a signal.
 *
 * A file is read, not mapped: one that is truncated while it is mapped kills the process.
 * What was read is what is hashed and stored, whatever becomes of the file.
 *
 * A file's size is believed from SOURCE_SMALL on, where a store that is told can refuse
 * at once: then exactly that many bytes are taken, though more be appended meanwhile, and
 * fewer are an error. A smaller one is read to its end: the kernel's own files have a
 * page, or nothing, for a size.
 *
 * Failure modes: a read that fails, or a file that was cut short, ends the source with an
 * error; the bytes that came before are still given. */

#include "source.h"

#include <cask/cask.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
source_set_errno (GError **error)
{
  int code = errno;
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (code),
                       g_strerror (code));
}

/* Standard input may stand in the middle of a file. */
static guint64
source_remaining (int fd, guint64 size)
{
  off_t position = lseek (fd, 0, SEEK_CUR);
  guint64 passed = position > 0 ? (guint64) position : 0;
  return size > passed ? size - passed : 0;
}

static gboolean
source_examine (Source *source, GError **error)
{
  struct stat status;
  if (fstat (source->fd, &status) != 0)
    {
      source_set_errno (error);
      return FALSE;
    }
  if (S_ISDIR (status.st_mode))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                           "is a directory: a file expected");
      return FALSE;
    }
  source->regular = S_ISREG (status.st_mode);
  source->size = CASK_UNKNOWN;
  if (!source->regular)
    return TRUE;
  guint64 remaining = source_remaining (source->fd, (guint64) status.st_size);
  if (remaining > SOURCE_SMALL)
    source->size = remaining;
  return TRUE;
}

/* Opens name, or takes standard input for "-" where that is meant.
 *
 * verb: what is done with it, for the progress line. */
Source *
source_new (const char *name, gboolean dash_is_input, const char *verb, GError **error)
{
  g_autoptr (Source) source = g_new0 (Source, 1);
  source->owned = !dash_is_input || strcmp (name, "-") != 0;
  source->fd =
      source->owned ? open (name, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
  if (source->fd < 0)
    {
      source_set_errno (error);
      return NULL;
    }
  if (!source_examine (source, error))
    return NULL;
  source->progress = progress_new (verb, name);
  return g_steal_pointer (&source);
}

void
source_free (Source *source)
{
  if (source->owned && source->fd >= 0)
    close (source->fd);
  progress_free (source->progress);
  g_free (source);
}

/* Waits until a read does not, or a signal has come. */
static gboolean
source_wait (Source *source, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (source->regular)
    return TRUE;
  GPollFD fds[2] = { { .fd = source->fd, .events = G_IO_IN } };
  guint n_fds = g_cancellable_make_pollfd (cancellable, &fds[1]) ? 2 : 1;
  while (g_poll (fds, n_fds, -1) < 0 && errno == EINTR)
    continue;
  if (n_fds > 1)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static gboolean
source_end (Source *source, GError **error)
{
  source->ended = TRUE;
  if (source->size == CASK_UNKNOWN || source->taken == source->size)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
               "was cut short while it was read: %" G_GUINT64_FORMAT
               " of %" G_GUINT64_FORMAT " bytes",
               source->taken, source->size);
  return FALSE;
}

/* Fills the buffer, less only at the end.
 *
 * count: (out): how many bytes there are, in case of an error those that came before it
 */
gboolean
source_fill (Source *source, char *buffer, gsize room, gsize *count,
             GCancellable *cancellable, GError **error)
{
  *count = 0;
  while (*count < room && !source->ended)
    {
      gsize wanted = (gsize) MIN (room - *count, source->size - source->taken);
      if (wanted == 0)
        return source_end (source, error);
      if (!source_wait (source, cancellable, error))
        return FALSE;
      gssize got = read (source->fd, buffer + *count, wanted);
      if (got < 0 && (errno == EINTR || errno == EAGAIN))
        continue;
      if (got < 0)
        {
          source_set_errno (error);
          return FALSE;
        }
      if (got == 0)
        return source_end (source, error);
      *count += (gsize) got;
      source->taken += (guint64) got;
      progress_bytes (source->progress, source->taken, source->size);
    }
  return TRUE;
}
