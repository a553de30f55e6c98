/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.c: draws the progress line, on a terminal only and after a second only.
 *
 * How far a walk over a store is, nobody has to count: a list is in the order of the
 * digests, and hashes are spread evenly, so the first bytes of the digest just reached
 * are the fraction done. It holds for one algorithm at a time, which is why the line
 * names the algorithm.
 *
 * Invariant: at most one line is drawn, on standard error; progress_hide() wipes it
 * before anything else is printed. */

#include "progress.h"
#include "output.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PROGRESS_AFTER_USEC G_USEC_PER_SEC
#define PROGRESS_EVERY_USEC (G_USEC_PER_SEC / 5)
#define PROGRESS_BAR_MAXIMUM 40

struct _Progress
{
  const char *verb;
  gint64 begun_usec;
  gint64 drawn_usec;
};

static gboolean progress_visible;

static gboolean
progress_is_wanted (void)
{
  const char *terminal = g_getenv ("TERM");
  return isatty (STDERR_FILENO) && g_strcmp0 (terminal, "dumb") != 0;
}

/* Returns: (nullable): NULL where nobody watches; the other functions take that. */
Progress *
progress_new (const char *verb)
{
  if (!progress_is_wanted ())
    return NULL;
  Progress *progress = g_new0 (Progress, 1);
  progress->verb = verb;
  progress->begun_usec = g_get_monotonic_time ();
  return progress;
}

static guint
progress_columns (void)
{
  struct winsize size;
  if (ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

static double
progress_fraction (const CaskDigest *position)
{
  return (position->bytes[0] * 256.0 + position->bytes[1]) / 65536.0;
}

static void
progress_draw (Progress *progress, const CaskDigest *position, guint64 n_blobs,
               guint64 n_bytes, gint64 now_usec)
{
  double seconds = (double) (now_usec - progress->begun_usec) / G_USEC_PER_SEC;
  g_autofree char *size = output_size (n_bytes);
  g_autofree char *rate = output_size ((guint64) ((double) n_bytes / seconds));
  double fraction = progress_fraction (position);
  g_autofree char *text =
      g_strdup_printf ("%s %s %3.0f%%  %" G_GUINT64_FORMAT " blobs, %s, %s/s",
                       progress->verb, cask_algorithm_to_string (position->algorithm),
                       fraction * 100, n_blobs, size, rate);

  guint columns = progress_columns ();
  guint used = (guint) strlen (text) + 4;
  guint width = columns > used ? MIN (columns - used, PROGRESS_BAR_MAXIMUM) : 0;
  char bar[PROGRESS_BAR_MAXIMUM + 1];
  memset (bar, ' ', width);
  memset (bar, '=', (gsize) (fraction * width));
  bar[width] = '\0';
  if (width > 0)
    fprintf (stderr, "\r\033[K%s [%s]", text, bar);
  else
    fprintf (stderr, "\r\033[K%.*s", (int) columns - 1, text);
  fflush (stderr);
  progress_visible = TRUE;
}

void
progress_step (Progress *progress, const CaskDigest *position, guint64 n_blobs,
               guint64 n_bytes)
{
  if (!progress)
    return;
  gint64 now_usec = g_get_monotonic_time ();
  if (now_usec - progress->begun_usec < PROGRESS_AFTER_USEC ||
      now_usec - progress->drawn_usec < PROGRESS_EVERY_USEC)
    return;
  progress->drawn_usec = now_usec;
  progress_draw (progress, position, n_blobs, n_bytes, now_usec);
}

void
progress_hide (void)
{
  if (!progress_visible)
    return;
  fputs ("\r\033[K", stderr);
  fflush (stderr);
  progress_visible = FALSE;
}

void
progress_free (Progress *progress)
{
  progress_hide ();
  g_free (progress);
}
