/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.c: draws the progress line, on a terminal only and after a second only.
 *
 * How far a walk over a store is, nobody has to count: a list is in the order of the
 * digests, and hashes are spread evenly, so the first bytes of the digest just reached
 * are the fraction done. It holds for one algorithm at a time, which is why the line
 * names the algorithm and the time left is that algorithm's.
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
#define PROGRESS_BAR_MINIMUM 10
#define PROGRESS_NAME_MINIMUM 8
#define PROGRESS_UNKNOWN (-1.0)

struct _Progress
{
  const char *verb;
  char *name; /* (nullable) of the one blob that is on its way, fit for a terminal */
  gint64 begun_usec;
  gint64 drawn_usec;
  guint8 algorithm; /* of a walk, and when it came to it */
  gint64 algorithm_usec;
};

static gboolean progress_visible;

static gboolean
progress_is_wanted (void)
{
  const char *terminal = g_getenv ("TERM");
  return isatty (STDERR_FILENO) && terminal && *terminal &&
         strcmp (terminal, "dumb") != 0;
}

/* name: (nullable): NULL for a walk.
 * Returns: (nullable): NULL where nobody watches; the other functions take that. */
Progress *
progress_new (const char *verb, const char *name)
{
  if (!progress_is_wanted ())
    return NULL;
  Progress *progress = g_new0 (Progress, 1);
  progress->verb = verb;
  progress->name = name ? output_escape (name) : NULL;
  progress->begun_usec = progress->algorithm_usec = g_get_monotonic_time ();
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

static gboolean
progress_is_due (Progress *progress)
{
  if (!progress)
    return FALSE;
  gint64 now_usec = g_get_monotonic_time ();
  if (now_usec - progress->begun_usec < PROGRESS_AFTER_USEC ||
      now_usec - progress->drawn_usec < PROGRESS_EVERY_USEC)
    return FALSE;
  progress->drawn_usec = now_usec;
  return TRUE;
}

static void
progress_append_rate (Progress *progress, GString *line, guint64 n_bytes)
{
  double seconds = (double) (progress->drawn_usec - progress->begun_usec) / 1e6;
  g_autofree char *rate = output_size ((guint64) ((double) n_bytes / seconds));
  g_string_append_printf (line, ", %s/s", rate);
}

/* How long the rest takes if it goes on as it went. */
static void
progress_append_left (Progress *progress, GString *line, gint64 since_usec,
                      double fraction)
{
  double passed = (double) (progress->drawn_usec - since_usec) / 1e6;
  double left = fraction > 0 ? passed * (1 - fraction) / fraction : G_MAXINT;
  if (left >= 100 * 3600)
    return;
  guint seconds = (guint) (left + 0.5);
  if (seconds >= 3600)
    g_string_append_printf (line, ", %u:%02u:%02u left", seconds / 3600,
                            seconds / 60 % 60, seconds % 60);
  else
    g_string_append_printf (line, ", %u:%02u left", seconds / 60, seconds % 60);
}

/* Puts verb and name before the rest. The name gives way to a short bar; the end of a
 * path tells more than its start. */
static void
progress_prepend_name (Progress *progress, GString *line)
{
  glong columns = progress_columns (), length = g_utf8_strlen (progress->name, -1);
  glong taken = (glong) strlen (progress->verb) + g_utf8_strlen (line->str, -1) +
                PROGRESS_BAR_MINIMUM + 5;
  glong room = MAX (columns - taken, PROGRESS_NAME_MINIMUM);
  g_autofree char *end =
      length > room ? g_utf8_substring (progress->name, length - room + 2, length) : NULL;
  g_autofree char *start = g_strdup_printf ("%s %s%s", progress->verb, end ? ".." : "",
                                            end ? end : progress->name);
  g_string_prepend (line, start);
}

/* Where the line leaves no room for a bar, it is cut to what fits. */
static void
progress_draw (const GString *line, double fraction)
{
  guint columns = progress_columns ();
  glong length = g_utf8_strlen (line->str, -1);
  guint used = (guint) length + 4;
  guint width =
      fraction >= 0 && columns > used ? MIN (columns - used, PROGRESS_BAR_MAXIMUM) : 0;
  char bar[PROGRESS_BAR_MAXIMUM + 1];
  memset (bar, ' ', width);
  memset (bar, '=', (gsize) (CLAMP (fraction, 0.0, 1.0) * width));
  bar[width] = '\0';
  g_autofree char *shown =
      g_utf8_substring (line->str, 0, MIN (length, (glong) columns - 1));
  if (width > 0)
    fprintf (stderr, "\r\033[K%s [%s]", shown, bar);
  else
    fprintf (stderr, "\r\033[K%s", shown);
  fflush (stderr);
  progress_visible = TRUE;
}

/* A walk over a store has come to position. */
void
progress_step (Progress *progress, const CaskDigest *position, guint64 n_blobs,
               guint64 n_bytes)
{
  if (!progress)
    return;
  if (progress->algorithm != position->algorithm)
    {
      if (progress->algorithm != 0)
        progress->algorithm_usec = g_get_monotonic_time ();
      progress->algorithm = position->algorithm;
    }
  if (!progress_is_due (progress))
    return;
  double fraction = (position->bytes[0] * 256.0 + position->bytes[1]) / 65536.0;
  g_autofree char *size = output_size (n_bytes);
  g_autoptr (GString) line = g_string_new (progress->verb);
  g_string_append_printf (line, " %s %3.0f%%  %" G_GUINT64_FORMAT " blobs, %s",
                          cask_algorithm_to_string (position->algorithm), fraction * 100,
                          n_blobs, size);
  progress_append_rate (progress, line, n_bytes);
  progress_append_left (progress, line, progress->algorithm_usec, fraction);
  progress_draw (line, fraction);
}

/* Of one blob, done bytes of total are through. total: or CASK_UNKNOWN */
void
progress_bytes (Progress *progress, guint64 done, guint64 total)
{
  if (!progress_is_due (progress))
    return;
  gboolean known = total != CASK_UNKNOWN && total > 0;
  double fraction = known ? (double) done / (double) total : PROGRESS_UNKNOWN;
  g_autofree char *done_text = output_size (done);
  g_autoptr (GString) line = g_string_new (NULL);
  if (known)
    {
      g_autofree char *total_text = output_size (total);
      g_string_append_printf (line, " %3.0f%%  %s of %s", fraction * 100, done_text,
                              total_text);
    }
  else
    g_string_append_printf (line, "  %s", done_text);
  progress_append_rate (progress, line, done);
  if (known)
    progress_append_left (progress, line, progress->begun_usec, fraction);
  progress_prepend_name (progress, line);
  progress_draw (line, fraction);
}

/* Of what is done for some time, or some times, this fraction is over. */
void
progress_part (Progress *progress, double fraction)
{
  if (!progress_is_due (progress))
    return;
  g_autoptr (GString) line = g_string_new (NULL);
  g_string_append_printf (line, " %3.0f%%", fraction * 100);
  progress_append_left (progress, line, progress->begun_usec, fraction);
  progress_prepend_name (progress, line);
  progress_draw (line, fraction);
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

/* progress: (nullable) */
void
progress_free (Progress *progress)
{
  if (!progress)
    return;
  progress_hide ();
  g_free (progress->name);
  g_free (progress);
}
