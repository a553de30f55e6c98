/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-age.c: blobs that are old enough for a use to renew their time.
 *
 * With `freshen=0s` any time is old enough. A backend that has no such option renews what
 * is older than CASK_FRESHEN_LAG_USEC: its files are given an older time, where they are
 * in reach; where not, a long run waits, and others skip the case. */
#include "conform-case.h"

#include <cask/cask-plugin.h>
#include <fcntl.h>
#include <sys/stat.h>

#define AGE_OPTION "freshen=0s"
/* More than a tick of the kernel's coarse clock. */
#define AGE_TICK 30000

Conform *
conform_open_to_age (guint needs)
{
  if (conform_takes_option (AGE_OPTION))
    return conform_open_with (needs, AGE_OPTION);
  Conform *conform = conform_open (needs);
  if (conform != NULL)
    conform->is_lagging = TRUE;
  return conform;
}

/* Returns: FALSE where its time is out of reach */
static gboolean
age_file (Conform *conform, const CaskDigest *digest, gint64 to_usec)
{
  g_autofree char *path = conform_find_file (conform, digest);
  const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                                    { .tv_sec = to_usec / G_USEC_PER_SEC,
                                      .tv_nsec = to_usec % G_USEC_PER_SEC * 1000 } };
  CaskBlobInfo info = { 0 };

  return path != NULL && utimensat (AT_FDCWD, path, times, 0) == 0 &&
         cask_store_stat (conform->store, digest, &info, NULL, NULL) &&
         info.mtime_usec <= to_usec + G_USEC_PER_SEC;
}

gboolean
conform_age (Conform *conform, const CaskDigest *digests, guint n)
{
  gint64 to_usec = g_get_real_time () - 2 * CASK_FRESHEN_LAG_USEC;
  guint n_aged = 0;

  if (!conform->is_lagging)
    {
      conform_let_time_pass (AGE_TICK);
      return TRUE;
    }
  while (n_aged < n && age_file (conform, &digests[n_aged], to_usec))
    n_aged++;
  if (n_aged == n)
    return TRUE;
  if (!conform_is_long ())
    {
      conform_skip ("only --long waits for the minute after which a use renews a time");
      return FALSE;
    }
  g_usleep (CASK_FRESHEN_LAG_USEC + G_USEC_PER_SEC);
  return TRUE;
}
