/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-stock.c: the blobs of a run, and which of them are in the store.
 *
 * The set is what reads read: put once, or where the store cannot be written, blobs that
 * it has. A chunk is what one segment of puts or deletes consumes.
 *
 * Invariants:
 * - only what a put of this run reported as created is ever deleted: a blob that was
 *   there before stays, also where the same bytes were put again;
 * - each of those is in the set, in the chunk or in `left`, until it is deleted: a run
 *   that is interrupted finds them all. */

#include "bench.h"

/* What is held at once in bytes of blobs, where the plan allows as little. */
#define STOCK_CHUNK_BYTES ((guint64) 64 * 1024 * 1024)
#define STOCK_CHUNK_BLOBS 65536
#define STOCK_CALL_BLOBS 256
#define STOCK_CALL_BYTES ((guint64) 16 * 1024 * 1024)
/* However small, a blob takes room: of a disk, and here to remember it. */
#define STOCK_WEIGHT_MINIMUM 4096

/* Whether a store says that it does not do such things at all. */
gboolean
bench_is_refusal (const GError *error)
{
  return g_error_matches (error, CASK_ERROR, CASK_ERROR_READ_ONLY) ||
         g_error_matches (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED);
}

static void
stock_clear_blob (gpointer data)
{
  BenchBlob *blob = data;
  g_clear_pointer (&blob->bytes, g_bytes_unref);
}

BenchStock *
bench_stock_new (CaskStore *store, const BenchPlan *plan, GCancellable *cancellable)
{
  BenchStock *stock = g_new0 (BenchStock, 1);
  stock->store = store;
  stock->plan = plan;
  stock->cancellable = cancellable;
  stock->set = g_array_new (FALSE, TRUE, sizeof (BenchBlob));
  stock->chunk = g_array_new (FALSE, TRUE, sizeof (BenchBlob));
  stock->left = g_array_new (FALSE, FALSE, sizeof (CaskDigest));
  g_array_set_clear_func (stock->set, stock_clear_blob);
  g_array_set_clear_func (stock->chunk, stock_clear_blob);
  return stock;
}

static BenchBlob *
stock_blob (GArray *blobs, guint index)
{
  return &g_array_index (blobs, BenchBlob, index);
}

/* Adds the next blob of its kind. Returns: its size */
static guint64
stock_make (BenchStock *stock, GArray *blobs, BenchKind kind)
{
  BenchBlob blob = { .bytes = bench_data_bytes (stock->plan, kind, stock->next[kind]++) };
  blob.size = g_bytes_get_size (blob.bytes);
  cask_digest_of_bytes (blob.bytes, CASK_ALGORITHM_SHA256, &blob.digest);
  g_array_append_val (blobs, blob);
  return blob.size;
}

static void
stock_note_results (GArray *blobs, guint first, CaskResults *results, GError **error)
{
  for (guint i = first; i < blobs->len; i++)
    {
      BenchBlob *blob = stock_blob (blobs, i);
      const GError *failure = cask_results_get_error (results, i - first);
      blob->ours = !failure && cask_results_get_created (results, i - first);
      g_clear_pointer (&blob->bytes, g_bytes_unref);
      if (failure && error && !*error)
        *error = g_error_copy (failure);
    }
}

/* Puts all from first on, and lets go of their bytes. */
static gboolean
stock_store (BenchStock *stock, GArray *blobs, guint first, GError **error)
{
  guint n_blobs = blobs->len - first;
  g_autofree const CaskDigest **digests = g_new (const CaskDigest *, n_blobs);
  g_autofree GBytes **bytes = g_new (GBytes *, n_blobs);
  for (guint i = 0; i < n_blobs; i++)
    {
      digests[i] = &stock_blob (blobs, first + i)->digest;
      bytes[i] = stock_blob (blobs, first + i)->bytes;
    }
  g_autoptr (GError) failure = NULL;
  g_autoptr (CaskResults) results = cask_store_put_many (
      stock->store, digests, bytes, n_blobs, CASK_PUT_NONE, NULL, &failure);
  if (results)
    stock_note_results (blobs, first, results, &failure);
  if (!failure)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* Makes and puts n_blobs of a kind, as few at a time as is quick. */
static gboolean
stock_supply (BenchStock *stock, GArray *blobs, BenchKind kind, guint64 n_blobs,
              GError **error)
{
  while (n_blobs > 0)
    {
      guint first = blobs->len;
      guint64 bytes = 0;
      if (g_cancellable_set_error_if_cancelled (stock->cancellable, error))
        return FALSE;
      for (; n_blobs > 0 && blobs->len - first < STOCK_CALL_BLOBS &&
             bytes < STOCK_CALL_BYTES;
           n_blobs--)
        bytes += stock_make (stock, blobs, kind);
      if (!stock_store (stock, blobs, first, error))
        return FALSE;
    }
  return TRUE;
}

/* What a store that cannot be written has in it is read instead. */
static gboolean
stock_borrow_set (BenchStock *stock, GError **error)
{
  guint limit = (guint) MIN (stock->plan->n_blobs, CASK_LIST_MAXIMUM);
  g_autoptr (CaskListPage) page =
      cask_store_list (stock->store, NULL, limit, NULL, error);
  if (!page)
    return FALSE;
  for (guint i = 0; i < cask_list_page_get_length (page); i++)
    {
      const CaskBlobInfo *info = cask_list_page_get_item (page, i);
      BenchBlob blob = { .digest = info->digest, .size = info->size };
      CaskBlobInfo whole;
      if (blob.size == CASK_UNKNOWN &&
          cask_store_stat (stock->store, &blob.digest, &whole, NULL, NULL))
        blob.size = whole.size;
      /* What the plan allows to be in memory so many times. */
      if (blob.size <= MAX (bench_plan_largest (stock->plan), STOCK_CALL_BYTES))
        g_array_append_val (stock->set, blob);
    }
  stock->is_foreign = TRUE;
  return stock->set->len > 0;
}

static void
stock_fill_set (BenchStock *stock, GError **error)
{
  g_autoptr (GError) failure = NULL, no_list = NULL;
  if (stock_supply (stock, stock->set, BENCH_DATA_SET, stock->plan->n_blobs, &failure))
    return;
  if (bench_is_refusal (failure))
    {
      g_array_set_size (stock->set, 0);
      if (stock_borrow_set (stock, &no_list))
        return;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
}

/* The first call puts the set; it is put once, and fails once and for all. */
gboolean
bench_stock_fill_set (BenchStock *stock, GError **error)
{
  if (!stock->is_set)
    stock_fill_set (stock, &stock->trouble);
  stock->is_set = TRUE;
  if (stock->trouble && error)
    *error = g_error_copy (stock->trouble);
  return !stock->trouble;
}

/* The bytes of some blobs of the set, to be put again: made anew. */
static guint64
stock_repeat (BenchStock *stock)
{
  guint64 index = stock->next[BENCH_DATA_SET]++ % stock->set->len;
  BenchBlob blob = *stock_blob (stock->set, (guint) index);
  blob.ours = FALSE;
  blob.bytes = bench_data_bytes (stock->plan, BENCH_DATA_SET, index);
  g_array_append_val (stock->chunk, blob);
  return blob.size;
}

/* Puts what is to be deleted. With the seed of a run that kept its blobs, they would be
 * those of that run, and are not ours to delete. */
static gboolean
stock_doom (BenchStock *stock, guint64 n_blobs, GError **error)
{
  if (!stock_supply (stock, stock->chunk, BENCH_DATA_DOOMED, n_blobs, error))
    return FALSE;
  for (guint i = 0; i < stock->chunk->len; i++)
    if (!stock_blob (stock->chunk, i)->ours)
      {
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                             "blobs of this seed are in the store already, kept by "
                             "another run: another --seed has others");
        return FALSE;
      }
  return TRUE;
}

/* Fills the chunk with n_blobs, or with as many as may be in memory. */
gboolean
bench_stock_prepare (BenchStock *stock, BenchOperation operation, guint64 n_blobs,
                     GError **error)
{
  guint64 at_once = stock->plan->concurrency * stock->plan->batch, bytes = 0;
  guint64 most = MIN (n_blobs, MAX (STOCK_CHUNK_BLOBS, at_once));
  guint64 fitting = MAX (STOCK_CHUNK_BYTES / bench_plan_largest (stock->plan), at_once);
  if (operation == BENCH_DELETE)
    return stock_doom (stock, MIN (most, fitting), error);
  while (stock->chunk->len < most && !g_cancellable_is_cancelled (stock->cancellable) &&
         (bytes < STOCK_CHUNK_BYTES || stock->chunk->len < at_once))
    bytes += operation == BENCH_PUT_EXISTING
                 ? stock_repeat (stock)
                 : stock_make (stock, stock->chunk, BENCH_DATA_FRESH);
  return TRUE;
}

/* Empties the chunk, and remembers what of it is in the store. */
void
bench_stock_settle (BenchStock *stock)
{
  for (guint i = 0; i < stock->chunk->len; i++)
    {
      const BenchBlob *blob = stock_blob (stock->chunk, i);
      if (!blob->ours || stock->plan->keep)
        continue;
      g_array_append_val (stock->left, blob->digest);
      stock->weight += MAX (blob->size, STOCK_WEIGHT_MINIMUM);
    }
  g_array_set_size (stock->chunk, 0);
}

gboolean
bench_stock_is_full (const BenchStock *stock)
{
  return stock->weight >= stock->plan->space;
}

static void
stock_stick (BenchStock *stock, guint64 n_blobs, const GError *error)
{
  stock->n_stuck += n_blobs;
  if (!stock->stuck && error)
    stock->stuck = g_error_copy (error);
}

static void
stock_delete_some (BenchStock *stock, guint first, guint n_blobs)
{
  const CaskDigest *digests[STOCK_CALL_BLOBS] = { NULL };
  for (guint i = 0; i < n_blobs; i++)
    digests[i] = &g_array_index (stock->left, CaskDigest, first + i);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskResults) results =
      cask_store_delete_many (stock->store, digests, n_blobs, CASK_ALWAYS, NULL, &error);
  if (!results)
    {
      stock_stick (stock, n_blobs, error);
      return;
    }
  for (guint i = 0; i < n_blobs; i++)
    {
      const GError *failure = cask_results_get_error (results, i);
      if (failure || cask_results_get_removed (results, i) == CASK_REMOVED_KEPT)
        stock_stick (stock, 1, failure);
    }
}

/* Deletes what puts have left: no store grows without end. */
void
bench_stock_tidy (BenchStock *stock)
{
  g_autoptr (Progress) progress = progress_new ("removing", "blobs of the bench");
  for (guint first = 0; first < stock->left->len; first += STOCK_CALL_BLOBS)
    {
      progress_part (progress, (double) first / stock->left->len);
      stock_delete_some (stock, first, MIN (stock->left->len - first, STOCK_CALL_BLOBS));
    }
  g_array_set_size (stock->left, 0);
  stock->weight = 0;
}

/* Deletes all that this run has put and is still there. */
void
bench_stock_clear (BenchStock *stock)
{
  bench_stock_settle (stock);
  for (guint i = 0; i < stock->set->len; i++)
    if (stock_blob (stock->set, i)->ours && !stock->plan->keep)
      g_array_append_val (stock->left, stock_blob (stock->set, i)->digest);
  g_array_set_size (stock->set, 0);
  bench_stock_tidy (stock);
}

void
bench_stock_free (BenchStock *stock)
{
  g_array_unref (stock->set);
  g_array_unref (stock->chunk);
  g_array_unref (stock->left);
  g_clear_error (&stock->trouble);
  g_clear_error (&stock->stuck);
  g_free (stock);
}
