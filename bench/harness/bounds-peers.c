/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds-peers.c: Cask beside each peer, row by row, in the way that is comparable: one
 * at a time beside one at a time, many in flight beside many in flight, batches beside
 * transactions of many, and the same promise for what was acknowledged. Who is ahead by
 * less than PEERS_LEVEL, or not in three of four rounds, is level. */
#include "bounds.h"

#include <string.h>

#define PEERS_LEVEL 1.05

/* A peer that is ahead in one operation: a line of the table, for all sizes. */
typedef struct
{
  const BenchRow *row; /* of the first size */
  const char *peer, *ours, *why;
  GString *sizes;
} PeerAhead;

typedef struct
{
  guint n_rows, n_ahead, n_unknown;
  GPtrArray *behind; /* of PeerAhead */
} PeerCount;

/* The first that has taken part. */
static const char *const peers_one[BENCH_N_FIELDS][3] = {
  [BENCH_FIELD_MEMORY] = { "cask" },
  [BENCH_FIELD_FILES] = { "cask" },
  [BENCH_FIELD_DURABLE] = { "cask, full" },
};
static const char *const peers_many[BENCH_N_FIELDS][3] = {
  [BENCH_FIELD_MEMORY] = { "cask, batches of 64", "cask" },
  [BENCH_FIELD_FILES] = { "cask, batches of 64", "cask" },
  [BENCH_FIELD_DURABLE] = { "cask, batch, batches of 64", "cask, full, batches of 64" },
};
static const char *const peers_at_once[BENCH_N_FIELDS][3] = {
  [BENCH_FIELD_MEMORY] = { "cask, 16 in flight" },
  [BENCH_FIELD_FILES] = { "cask, 16 in flight" },
  [BENCH_FIELD_DURABLE] = { "cask, batch, 64 in flight" },
};
static const char *const peers_fields[BENCH_N_FIELDS] = { "memory", "files", "durable" };

static BenchColumn *
peers_ours (BenchRow *row, guint field, const char *peer)
{
  const char *const *names = peers_one[field];
  if (strstr (peer, "64 a transaction"))
    names = peers_many[field];
  else if (strstr (peer, "in flight"))
    names = peers_at_once[field];
  BenchColumn *ours = NULL;
  for (; *names && !ours; names++)
    ours = bench_row_find (row, *names);
  return ours;
}

static void
peers_ahead_free (gpointer data)
{
  PeerAhead *ahead = data;
  g_string_free (ahead->sizes, TRUE);
  g_free (ahead);
}

static PeerAhead *
peers_find (PeerCount *count, const BenchRow *row, const char *ours, const char *peer)
{
  const char *why = bench_why (row->field, peer, row->operation, row->size);
  for (guint i = 0; i < count->behind->len; i++)
    {
      PeerAhead *ahead = g_ptr_array_index (count->behind, i);
      if (g_str_equal (ahead->row->field, row->field) &&
          g_str_equal (ahead->row->operation, row->operation) &&
          g_str_equal (ahead->peer, peer) && ahead->why == why)
        return ahead;
    }
  PeerAhead *ahead = g_new0 (PeerAhead, 1);
  *ahead = (PeerAhead){
    .row = row, .peer = peer, .ours = ours, .why = why, .sizes = g_string_new (NULL)
  };
  g_ptr_array_add (count->behind, ahead);
  return ahead;
}

static void
peers_behind (PeerCount *count, const BenchRow *row, const BenchColumn *ours,
              const char *peer, const BenchQuartiles *ratio)
{
  g_autofree char *size = bench_size_name (row->size);
  PeerAhead *ahead = peers_find (count, row, ours->entrant, peer);
  count->n_unknown += ahead->why == NULL;
  g_string_append_printf (ahead->sizes, "%s%s %.2f", ahead->sizes->len > 0 ? ", " : "",
                          size, ratio->median);
}

static void
peers_print (const PeerCount *count, GString *behind)
{
  if (count->behind->len == 0)
    return;
  g_string_append (behind, "Where a peer is ahead:\n\n"
                           "| operation | peer | Cask | Cask ÷ peer | why |\n"
                           "|---|---|---|---|---|\n");
  for (guint i = 0; i < count->behind->len; i++)
    {
      const PeerAhead *ahead = g_ptr_array_index (count->behind, i);
      g_string_append_printf (behind, "| %s: %s | %s | %s | %s | %s |\n",
                              ahead->row->field, ahead->row->operation, ahead->peer,
                              ahead->ours, ahead->sizes->str,
                              ahead->why ? ahead->why : "**unknown**");
    }
}

static void
peers_row (PeerCount *count, BenchRow *row, guint field,
           const BenchEntrant *const *entrants)
{
  for (; *entrants; entrants++)
    {
      const char *peer = (*entrants)->name;
      BenchColumn *theirs = bench_row_find (row, peer);
      BenchColumn *ours = theirs ? peers_ours (row, field, peer) : NULL;
      BenchQuartiles ratio;
      if (!ours || !bench_ratio (ours, theirs, &ratio))
        continue;
      count->n_rows++;
      if (ratio.median <= PEERS_LEVEL || ratio.q1 <= 1)
        count->n_ahead++;
      else
        peers_behind (count, row, ours, peer, &ratio);
    }
}

guint
bench_bounds_peers (BenchRun *run, GString *line, GString *behind)
{
  PeerCount count = { .behind = g_ptr_array_new_with_free_func (peers_ahead_free) };
  for (guint i = 0; i < run->rows->len; i++)
    {
      BenchRow *row = g_ptr_array_index (run->rows, i);
      for (guint field = 0; field < BENCH_N_FIELDS; field++)
        if (g_str_equal (row->field, peers_fields[field]))
          {
            peers_row (&count, row, field, peer_entrants[field]);
            if (field != BENCH_FIELD_MEMORY) /* GTask alone keeps nothing */
              peers_row (&count, row, field, glib_entrants[field]);
          }
    }
  const char *verdict = count.n_unknown > 0 ? "**missed**" : "met";
  g_string_append_printf (line,
                          "| every peer: Cask ahead or level, or the report says why | "
                          "every row with a peer | | "
                          "ahead in %u of %u, reason known in %u | %s |\n",
                          count.n_ahead, count.n_rows,
                          count.n_rows - count.n_ahead - count.n_unknown,
                          count.n_rows > 0 ? verdict : "not run");
  peers_print (&count, behind);
  g_ptr_array_unref (count.behind);
  return count.n_unknown;
}
