/* SPDX-License-Identifier: Apache-2.0
 *
 * store-spread.c: a batch, spread over the threads of the pool.
 *
 * The items are cut into parts of about the same weight, in their order. The caller
 * queues all parts but the first in the store's lane and does the first itself; then it
 * takes back, one after the other, those that nobody has begun, and does them too; and
 * then it waits for those that run. It never waits for a part to be begun: where all
 * threads of a lane are callers like itself, each of them does its own.
 *
 * Locks: `lock` guards `n_left`. A part keeps what it was cut from alive until it has
 * signalled its end, for the caller may be gone the moment after. */
#include "batch-private.h"

/* A part is worth a thread's waking from so much on: of small items 8, of large bytes 256
 * KiB. */
#define SPREAD_ITEM_WEIGHT (32u << 10)
#define SPREAD_PART_WEIGHT (256u << 10)

typedef struct _Spread Spread;

typedef struct
{
  CaskPoolJob job;
  Spread *spread;
  CaskItem *items;
  gsize n_items;
} SpreadPart;

struct _Spread
{
  GMutex lock;
  GCond progress;
  guint n_left; /* lock; parts that were queued, and not yet done or taken back */

  CaskStore *store;
  const CaskResults *results;
  CaskSpreadFunc func;
  GCancellable *cancellable;
  SpreadPart parts[];
};

static void
spread_clear (gpointer data)
{
  Spread *spread = data;

  g_mutex_clear (&spread->lock);
  g_cond_clear (&spread->progress);
}

static guint64
spread_weigh (const CaskItem *item)
{
  gsize size = item->bytes != NULL ? g_bytes_get_size (item->bytes) : 0;
  return SPREAD_ITEM_WEIGHT + (guint64) size;
}

static guint64
spread_weigh_all (const CaskResults *results)
{
  guint64 weight = 0;

  for (gsize i = 0; i < results->n_items; i++)
    weight += spread_weigh (&results->items[i]);
  return weight;
}

/* Not more parts than processors: they hash, and disks answer from memory or one by one.
 */
static guint
spread_count_parts (CaskStore *store, const CaskResults *results, guint64 weight)
{
  guint64 most = MIN (store->threads, cask_pool_count_processors ());

  most = MIN (most, results->n_items);
  return (guint) CLAMP (weight / SPREAD_PART_WEIGHT, 1, MAX (most, 1));
}

static void
spread_run_part (const SpreadPart *part)
{
  const Spread *spread = part->spread;

  if (part->n_items > 0)
    spread->func (spread->store, spread->results, part->items, part->n_items,
                  spread->cancellable);
}

static void
spread_part_done (Spread *spread)
{
  g_mutex_lock (&spread->lock);
  if (--spread->n_left == 0)
    g_cond_signal (&spread->progress);
  g_mutex_unlock (&spread->lock);
  g_atomic_rc_box_release_full (spread, spread_clear);
}

/* On a thread of the pool. */
static void
spread_job (CaskPoolJob **jobs, guint n)
{
  SpreadPart *part = (SpreadPart *) (gpointer) jobs[0];
  (void) n;

  spread_run_part (part);
  spread_part_done (part->spread);
}

/* Part k ends where the items so far weigh their share. */
static void
spread_cut (Spread *spread, guint n_parts, guint64 weight)
{
  const CaskResults *results = spread->results;
  guint64 sum = 0;
  gsize at = 0;

  for (guint k = 0; k < n_parts; k++)
    {
      SpreadPart *part = &spread->parts[k];
      guint64 due = weight * (k + 1) / n_parts;
      part->spread = spread;
      part->items = &results->items[at];
      while (at < results->n_items && sum < due)
        {
          sum += spread_weigh (&results->items[at++]);
          part->n_items++;
        }
    }
}

static void
spread_finish (Spread *spread, guint n_parts)
{
  for (guint k = n_parts - 1; k > 0; k--)
    if (cask_pool_withdraw (&spread->parts[k].job))
      {
        spread_run_part (&spread->parts[k]);
        spread_part_done (spread);
      }
  g_mutex_lock (&spread->lock);
  while (spread->n_left > 0)
    g_cond_wait (&spread->progress, &spread->lock);
  g_mutex_unlock (&spread->lock);
}

void
cask_store_spread (CaskStore *store, const CaskResults *results, CaskSpreadFunc func,
                   int priority, GCancellable *cancellable)
{
  if (results->n_items == 0)
    return;
  guint64 weight = spread_weigh_all (results);
  guint n_parts = spread_count_parts (store, results, weight);
  Spread *spread =
      g_atomic_rc_box_alloc0 (sizeof (Spread) + n_parts * sizeof (SpreadPart));

  g_mutex_init (&spread->lock);
  g_cond_init (&spread->progress);
  spread->store = store;
  spread->results = results;
  spread->func = func;
  spread->cancellable = cancellable;
  spread->n_left = n_parts - 1;
  spread_cut (spread, n_parts, weight);
  for (guint k = 1; k < n_parts; k++)
    {
      spread->parts[k].job.func = spread_job;
      g_atomic_rc_box_acquire (spread);
      cask_pool_push (store->lane, &spread->parts[k].job, priority);
    }
  spread_run_part (&spread->parts[0]);
  spread_finish (spread, n_parts);
  g_atomic_rc_box_release_full (spread, spread_clear);
}
