/* SPDX-License-Identifier: Apache-2.0
 *
 * interrupt.c: a signal becomes a cancelled GCancellable, for commands that block.
 *
 * A thread of its own waits for the signals: a handler may not touch a GCancellable, and
 * the command's thread is busy with a disk or a pipe.
 *
 * Invariants:
 * - the first signal cancels, and what was begun is undone by whoever began it;
 * - its handler goes with it, so that a second one ends a process whose disk does not
 *   answer;
 * - interrupt_free() returns after the thread has ended. */

#include "interrupt.h"

#include <glib-unix.h>
#include <signal.h>

struct _Interrupt
{
  GCancellable *cancellable;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
};

/* Calls back in context at the signal. What the caller had ignored (nohup, a job in the
 * background) stays ignored.
 *
 * context: (nullable). Returns: the source's number, or 0 */
guint
interrupt_attach (int number, GSourceFunc callback, gpointer data, GMainContext *context)
{
  struct sigaction action;
  if (sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
    return 0;
  g_autoptr (GSource) source = g_unix_signal_source_new (number);
  g_source_set_callback (source, callback, data, NULL);
  return g_source_attach (source, context);
}

static gboolean
interrupt_on_signal (gpointer data)
{
  Interrupt *interrupt = data;
  g_cancellable_cancel (interrupt->cancellable);
  return G_SOURCE_REMOVE;
}

static gpointer
interrupt_thread (gpointer data)
{
  Interrupt *interrupt = data;
  g_main_loop_run (interrupt->loop);
  return NULL;
}

static gboolean
interrupt_on_end (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

Interrupt *
interrupt_new (void)
{
  Interrupt *interrupt = g_new0 (Interrupt, 1);
  interrupt->cancellable = g_cancellable_new ();
  interrupt->context = g_main_context_new ();
  interrupt->loop = g_main_loop_new (interrupt->context, FALSE);
  interrupt_attach (SIGINT, interrupt_on_signal, interrupt, interrupt->context);
  interrupt_attach (SIGTERM, interrupt_on_signal, interrupt, interrupt->context);
  interrupt_attach (SIGHUP, interrupt_on_signal, interrupt, interrupt->context);
  interrupt->thread = g_thread_new ("interrupt", interrupt_thread, interrupt);
  return interrupt;
}

GCancellable *
interrupt_get_cancellable (Interrupt *interrupt)
{
  return interrupt->cancellable;
}

void
interrupt_free (Interrupt *interrupt)
{
  /* By a source, not by g_main_loop_quit() here: the thread may not have begun to run. */
  g_autoptr (GSource) end = g_idle_source_new ();
  g_source_set_callback (end, interrupt_on_end, interrupt->loop, NULL);
  g_source_attach (end, interrupt->context);
  g_thread_join (interrupt->thread);
  g_main_loop_unref (interrupt->loop);
  g_main_context_unref (interrupt->context);
  g_object_unref (interrupt->cancellable);
  g_free (interrupt);
}
