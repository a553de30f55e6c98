/* SPDX-License-Identifier: Apache-2.0
 *
 * list.c: the names of many blobs, in order, by every entrant that can tell them.
 *
 * The blobs are put in no order, as blobs come, and are in order when the list is asked
 * for, so that an entrant can compare them with what it finds. */
#include "contest-private.h"

#include <string.h>

#define LIST_SIZE 16 /* bytes of a blob: a list reads none */
#define LIST_N_BLOBS 100000
#define LIST_N_BLOBS_QUICK 10000

static int
list_compare (gconstpointer a, gconstpointer b)
{
  const BenchBlob *one = a, *other = b;
  return memcmp (&one->digest, &other->digest, sizeof one->digest);
}

gboolean
contest_list (BenchRun *run, GError **error)
{
  Contest contest = { .run = run,
                      .field = "files",
                      .size = LIST_SIZE,
                      .size_name = "list",
                      .needs = BENCH_LIST };
  if (!bench_run_wants (run, contest.field, "list", LIST_SIZE))
    return TRUE;
  guint n_blobs = run->is_quick ? LIST_N_BLOBS_QUICK : LIST_N_BLOBS;
  g_autoptr (GArray) blobs = bench_blobs_new (n_blobs, LIST_SIZE);
  if (!contest_open (&contest, BENCH_FIELD_FILES, error))
    return FALSE;
  bench_run_say ("files: putting %u blobs to list", n_blobs);
  contest_round (&contest, NULL, BENCH_PUT_NEW, blobs, 0);
  bench_blobs_drop_bytes (blobs);
  g_array_sort (blobs, list_compare);
  contest_repeat (&contest, BENCH_LIST, LIST_SIZE, blobs, run->n_rounds);
  contest_close (&contest);
  return TRUE;
}
