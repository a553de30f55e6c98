/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-await.c: waiting for an asynchronous call in a main context of its own.
 *
 * The context is pushed, the operation started, the digest it was given spoilt (a digest
 * is copied at the call), the context run until the callback has come, and then once
 * more, for a callback comes exactly once. */
#include "conform-await.h"

static gint wrong_callbacks; /* atomic */

guint
conform_wrong_callbacks (void)
{
  gint n = g_atomic_int_get (&wrong_callbacks);

  g_atomic_int_add (&wrong_callbacks, -n);
  return (guint) n;
}

const CaskDigest *
await_begin (Await *await, const CaskDigest *digest)
{
  await->context = g_main_context_new ();
  await->thread = g_thread_self ();
  g_main_context_push_thread_default (await->context);
  if (digest != NULL)
    await->digest = *digest;
  return digest != NULL ? &await->digest : NULL;
}

void
await_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Await *await = data;
  (void) source;

  if (!await->has_started || await->thread != g_thread_self ())
    g_atomic_int_inc (&wrong_callbacks);
  await->n_calls++;
  g_set_object (&await->result, result);
}

GAsyncResult *
await_result (Await *await)
{
  memset (&await->digest, 0xff, sizeof await->digest);
  await->has_started = TRUE;
  while (await->result == NULL)
    g_main_context_iteration (await->context, TRUE);
  return await->result;
}

void
await_end (Await *await)
{
  while (g_main_context_iteration (await->context, FALSE))
    ;
  if (await->n_calls != 1)
    g_atomic_int_inc (&wrong_callbacks);
  g_clear_object (&await->result);
  g_main_context_pop_thread_default (await->context);
  g_main_context_unref (await->context);
}
