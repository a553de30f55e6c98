/* SPDX-License-Identifier: Apache-2.0
 *
 * hot-async.c: a step of each asynchronous operation, with the main loop's share of it.
 */
#include "hot.h"

/* Until no call is under way any more. */
static void
hot_wait (const Hot *hot)
{
  while (hot->n_open > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
hot_got (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Hot *hot = data;
  g_autoptr (GBytes) bytes = cask_store_get_finish (CASK_STORE (source), result, &error);

  hot_must (bytes != NULL, error);
  hot->n_open--;
}

static void
hot_begin_get (Hot *hot, guint i)
{
  hot->n_open++;
  cask_store_get_async (hot->store, &hot->digests[i % hot->n_blobs], G_PRIORITY_DEFAULT,
                        NULL, hot_got, hot);
}

void
hot_step_get_async (Hot *hot, guint at)
{
  hot_begin_get (hot, at);
  hot_wait (hot);
}

void
hot_step_get_async_64 (Hot *hot, guint at)
{
  (void) at;
  for (guint i = 0; i < HOT_TURN; i++)
    hot_begin_get (hot, i);
  hot_wait (hot);
}

static void
hot_did_put (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Hot *hot = data;
  gboolean created;

  hot_must (cask_store_put_finish (CASK_STORE (source), result, &created, &error), error);
  hot->n_open--;
}

void
hot_step_put_async (Hot *hot, guint at)
{
  guint i = at % hot->n_blobs;

  hot->n_open++;
  cask_store_put_async (hot->store, &hot->digests[i], hot->blobs[i], 0,
                        G_PRIORITY_DEFAULT, NULL, hot_did_put, hot);
  hot_wait (hot);
}

static void
hot_looked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Hot *hot = data;
  gboolean present;

  hot_must (cask_store_contains_finish (CASK_STORE (source), result, &present, &error),
            error);
  hot->n_open--;
}

/* Present or absent. */
void
hot_step_contains_async (Hot *hot, guint at)
{
  hot->n_open++;
  cask_store_contains_async (hot->store, &hot->digests[at % hot->n_blobs],
                             G_PRIORITY_DEFAULT, NULL, hot_looked, hot);
  hot_wait (hot);
}
