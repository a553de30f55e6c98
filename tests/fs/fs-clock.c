/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-clock.c: stands before libc's clock_gettime, so that no test waits for a time.
 *
 * The program exports it, so the plugin that it opens finds it first. The clock that the
 * kernel stamps files by can be stopped, and all that say the time of day be put forward;
 * the others go on. For tests of one thread. */
#include "fs-test.h"

#include <dlfcn.h>
#include <time.h>

static struct timespec fs_clock_now;
static gboolean fs_clock_is_set;
static time_t fs_clock_seconds;

void
fs_clock_set (const struct timespec *now)
{
  fs_clock_seconds = 0;
  fs_clock_is_set = now != NULL;
  if (now != NULL)
    fs_clock_now = *now;
}

void
fs_clock_advance (guint seconds)
{
  fs_clock_seconds += seconds;
}

__attribute__ ((visibility ("default"))) int
clock_gettime (clockid_t clock, struct timespec *now)
{
  static __typeof__ (&clock_gettime) real;
  if (real == NULL)
    real = (__typeof__ (&clock_gettime)) dlsym (RTLD_NEXT, "clock_gettime");
  int result = 0;
  if (clock == CLOCK_REALTIME_COARSE && fs_clock_is_set)
    *now = fs_clock_now;
  else
    result = real (clock, now);
  if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_REALTIME)
    now->tv_sec += fs_clock_seconds;
  return result;
}
