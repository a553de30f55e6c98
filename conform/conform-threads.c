/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-threads.c: threads that start at once. */
#include "conform-case.h"

typedef struct
{
  ConformThread func;
  gpointer data;
  guint n;
  gint n_ready; /* atomic */
} Crowd;

typedef struct
{
  Crowd *crowd;
  guint index;
} Member;

static gpointer
member_run (gpointer data)
{
  const Member *member = data;
  Crowd *crowd = member->crowd;

  g_atomic_int_inc (&crowd->n_ready);
  while (g_atomic_int_get (&crowd->n_ready) < (gint) crowd->n)
    g_thread_yield ();
  crowd->func (crowd->data, member->index);
  return NULL;
}

guint
conform_join_threads (guint n, ConformThread func, gpointer data)
{
  Crowd crowd = { .func = func, .data = data, .n = n };
  g_autofree Member *members = g_new (Member, n);
  g_autofree GThread **threads = g_new (GThread *, n);
  guint before = conform_record_count_failed ();

  for (guint i = 0; i < n; i++)
    {
      members[i] = (Member){ .crowd = &crowd, .index = i };
      threads[i] = g_thread_new ("conform", member_run, &members[i]);
    }
  for (guint i = 0; i < n; i++)
    g_thread_join (threads[i]);
  return conform_record_count_failed () - before;
}

void
conform_run_threads (guint n, ConformThread func, gpointer data)
{
  (void) conform_join_threads (n, func, data);
}

void
conform_let_time_pass (gint64 usec)
{
  gint64 end = g_get_real_time () + usec;

  while (g_get_real_time () < end)
    g_thread_yield ();
}
