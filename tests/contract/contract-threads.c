/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-threads.c: threads that start at once, and checks that may be made in them.
 *
 * CUnit counts without a lock, so a thread's failed check is counted here, and asserted
 * by the main thread once all have ended. */
#include "contract.h"

#include <stdio.h>

static gint failed_checks; /* atomic */

typedef struct
{
  ContractThread func;
  gpointer data;
  guint n;
  gint n_ready; /* atomic */
} Crowd;

typedef struct
{
  Crowd *crowd;
  guint index;
} Member;

gboolean
contract_check (gboolean right, const char *text, const GError *error, const char *file,
                guint line)
{
  if (right)
    return TRUE;
  /* A loop that fails a million times is to be read by a person. */
  if (g_atomic_int_add (&failed_checks, 1) < 10)
    fprintf (stderr, "\n  %s:%u: not so: %s%s%s\n", file, line, text,
             error != NULL ? ": " : "", error != NULL ? error->message : "");
  return FALSE;
}

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
contract_join_threads (guint n, ContractThread func, gpointer data)
{
  Crowd crowd = { .func = func, .data = data, .n = n };
  g_autofree Member *members = g_new (Member, n);
  g_autofree GThread **threads = g_new (GThread *, n);
  gint before = g_atomic_int_get (&failed_checks);

  for (guint i = 0; i < n; i++)
    {
      members[i] = (Member){ .crowd = &crowd, .index = i };
      threads[i] = g_thread_new ("contract", member_run, &members[i]);
    }
  for (guint i = 0; i < n; i++)
    g_thread_join (threads[i]);
  return (guint) (g_atomic_int_get (&failed_checks) - before);
}

void
contract_run_threads (guint n, ContractThread func, gpointer data)
{
  CU_ASSERT_EQUAL (contract_join_threads (n, func, data), 0);
}

void
contract_let_time_pass (gint64 usec)
{
  gint64 end = g_get_real_time () + usec;

  while (g_get_real_time () < end)
    g_thread_yield ();
}
