/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-watch.h: what to do about a backend that crashes or does not answer. */
#pragma once

#include <glib.h>

/* Tells how the run ended, and does not return. why: one line. is_failure: of the case
 * that is under way */
typedef void (*ConformWatchFunc) (const char *why, gboolean is_failure, gpointer data);

/* From now on a signal that ends the process says in which case it came, on the
 * descriptor; and func is called, in a thread of its own, where a case takes longer than
 * that many seconds, or where the process is asked to end. */
void conform_watch_begin (guint seconds, int crash_fd, const char *crash_prefix,
                          ConformWatchFunc func, gpointer data);
/* The case that begins; NULL where it has ended. Between a NULL and the next name func is
 * not called. name: stays as it is until then. more: (nullable): what is said behind the
 * name where it crashes; not needed any more when this returns */
void conform_watch_case (const char *name, const char *more);
