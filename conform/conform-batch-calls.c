/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-batch-calls.c: asynchronous batches in the shape of the synchronous ones.
 *
 * What a call was given is spoilt and freed as soon as it has returned: digests are
 * copied, references of the bytes taken. */
#include "conform-batch.h"

typedef struct
{
  GMainContext *context;
  GAsyncResult *result;
  CaskDigest *digests; /* copies for the call */
  const CaskDigest **names;
  GBytes **bytes;
  gsize n;
} BatchAwait;

static void
batch_await_begin (BatchAwait *await, const CaskDigest *const *digests,
                   GBytes *const *bytes, gsize n)
{
  await->context = g_main_context_new ();
  g_main_context_push_thread_default (await->context);
  await->n = n;
  await->digests = g_new (CaskDigest, n);
  await->names = g_new (const CaskDigest *, n);
  await->bytes = g_new0 (GBytes *, n);
  for (gsize i = 0; i < n; i++)
    {
      await->digests[i] = *digests[i];
      await->names[i] = &await->digests[i];
      if (bytes != NULL)
        await->bytes[i] = g_bytes_ref (bytes[i]);
    }
}

static void
batch_await_done (GObject *source, GAsyncResult *result, gpointer data)
{
  BatchAwait *await = data;
  (void) source;
  CONFORM_NULL (await->result);
  g_set_object (&await->result, result);
}

static GAsyncResult *
batch_await_result (BatchAwait *await)
{
  CONFORM_NULL (await->result);
  for (gsize i = 0; i < await->n; i++)
    {
      memset (&await->digests[i], 0xff, sizeof (CaskDigest));
      g_clear_pointer (&await->bytes[i], g_bytes_unref);
    }
  g_clear_pointer (&await->digests, g_free);
  g_clear_pointer (&await->names, g_free);
  g_clear_pointer (&await->bytes, g_free);
  while (await->result == NULL)
    g_main_context_iteration (await->context, TRUE);
  return await->result;
}

static void
batch_await_end (BatchAwait *await)
{
  while (g_main_context_iteration (await->context, FALSE))
    ;
  g_clear_object (&await->result);
  g_main_context_pop_thread_default (await->context);
  g_main_context_unref (await->context);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BatchAwait, batch_await_end)

static CaskResults *
async_put_many (CaskStore *store, const CaskDigest *const *digests, GBytes *const *bytes,
                gsize n_items, CaskPutFlags flags, GCancellable *cancellable,
                GError **error)
{
  g_auto (BatchAwait) await = { 0 };
  batch_await_begin (&await, digests, bytes, n_items);
  cask_store_put_many_async (store, await.names, await.bytes, n_items, flags, 0,
                             cancellable, batch_await_done, &await);
  return cask_store_put_many_finish (store, batch_await_result (&await), error);
}

static CaskResults *
async_get_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                GCancellable *cancellable, GError **error)
{
  g_auto (BatchAwait) await = { 0 };
  batch_await_begin (&await, digests, NULL, n_items);
  cask_store_get_many_async (store, await.names, n_items, 0, cancellable,
                             batch_await_done, &await);
  return cask_store_get_many_finish (store, batch_await_result (&await), error);
}

static CaskResults *
async_stat_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                 GCancellable *cancellable, GError **error)
{
  g_auto (BatchAwait) await = { 0 };
  batch_await_begin (&await, digests, NULL, n_items);
  cask_store_stat_many_async (store, await.names, n_items, 0, cancellable,
                              batch_await_done, &await);
  return cask_store_stat_many_finish (store, batch_await_result (&await), error);
}

static CaskResults *
async_contains_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                     CaskContainsFlags flags, GCancellable *cancellable, GError **error)
{
  g_auto (BatchAwait) await = { 0 };
  batch_await_begin (&await, digests, NULL, n_items);
  cask_store_contains_many_async (store, await.names, n_items, flags, 0, cancellable,
                                  batch_await_done, &await);
  return cask_store_contains_many_finish (store, batch_await_result (&await), error);
}

static CaskResults *
async_delete_many (CaskStore *store, const CaskDigest *const *digests, gsize n_items,
                   gint64 unused_since_usec, GCancellable *cancellable, GError **error)
{
  g_auto (BatchAwait) await = { 0 };
  batch_await_begin (&await, digests, NULL, n_items);
  cask_store_delete_many_async (store, await.names, n_items, unused_since_usec, 0,
                                cancellable, batch_await_done, &await);
  return cask_store_delete_many_finish (store, batch_await_result (&await), error);
}

const BatchCalls *
conform_batch_calls (Conform *conform)
{
  static const BatchCalls synchronous = { cask_store_put_many, cask_store_get_many,
                                          cask_store_stat_many, cask_store_contains_many,
                                          cask_store_delete_many };
  static const BatchCalls asynchronous = { async_put_many, async_get_many,
                                           async_stat_many, async_contains_many,
                                           async_delete_many };

  return conform->calls == &conform_async_calls ? &asynchronous : &synchronous;
}

/* ---- Blobs ---- */

Blobs
conform_blobs (guint64 seed, guint n, gsize largest)
{
  Blobs blobs = { .n = n };

  blobs.digests = g_new (CaskDigest, n);
  blobs.names = g_new (const CaskDigest *, n);
  blobs.bytes = g_new (GBytes *, n);
  for (guint i = 0; i < n; i++)
    {
      /* Most are small; all but the empty one differ. */
      gsize size = i == 1 ? 0 : 1 + (i % 10 == 0 ? i * largest / n : i % 700);
      blobs.bytes[i] = conform_bytes (seed * 100000 + i, size + (size > 0 ? 16 : 0));
      blobs.digests[i] = conform_digest (blobs.bytes[i]);
      blobs.names[i] = &blobs.digests[i];
    }
  return blobs;
}

void
conform_blobs_clear (Blobs *blobs)
{
  for (guint i = 0; i < blobs->n; i++)
    g_bytes_unref (blobs->bytes[i]);
  g_free (blobs->digests);
  g_free (blobs->names);
  g_free (blobs->bytes);
}

void
conform_no_item_failed (CaskResults *results, guint n)
{
  CONFORM_NOT_NULL (results);
  if (results == NULL)
    return;
  CONFORM_EQUAL (cask_results_get_length (results), n);
  for (guint i = 0; i < cask_results_get_length (results); i++)
    {
      const GError *failure = cask_results_get_error (results, i);
      g_autoptr (GError) copy = failure != NULL ? g_error_copy (failure) : NULL;
      CONFORM_NO_ERROR (copy);
    }
}

guint
conform_put_blobs (Conform *conform, const Blobs *blobs)
{
  g_autoptr (GError) error = NULL;
  guint n_created = 0;
  g_autoptr (CaskResults) results = conform_batch_calls (conform)->put (
      conform->store, blobs->names, blobs->bytes, blobs->n, CASK_PUT_NONE, NULL, &error);

  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, blobs->n);
  for (guint i = 0; results != NULL && i < blobs->n; i++)
    {
      n_created += (guint) cask_results_get_created (results, i);
      CONFORM_DIGEST (cask_results_get_digest (results, i), &blobs->digests[i]);
      CONFORM_NULL (cask_results_get_bytes (results, i));
    }
  return n_created;
}

void
conform_expect_blobs (Conform *conform, const Blobs *blobs)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) results = conform_batch_calls (conform)->get (
      conform->store, blobs->names, blobs->n, NULL, &error);

  CONFORM_NO_ERROR (error);
  conform_no_item_failed (results, blobs->n);
  for (guint i = 0; results != NULL && i < blobs->n; i++)
    {
      GBytes *got = cask_results_get_bytes (results, i);
      CONFORM_BYTES (got, blobs->bytes[i], "an item of get_many");
    }
}
