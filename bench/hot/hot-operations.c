/* SPDX-License-Identifier: Apache-2.0
 *
 * hot-operations.c: the operations that are counted, and how many of each.
 *
 * Every count comes out the same, to one or two in a hundred, however often it is made
 * and whatever else the machine does; what does not is not here:
 *
 * - what several threads share: a batch spread over processors, several puts in flight.
 *   Who does how much of it is chance. The process keeps to one processor, so that the
 *   library sees one and a batch is one part, done by its caller;
 * - durable puts and deletes: the calls that sync cost no instructions, and the groups
 *   that form while one waits are chance. */
#include "hot.h"

#define KIB 1024u
#define MIB (1024u * KIB)

const HotOperation hot_operations[] = {
  { "digest parse", HOT_ALONE, hot_step_parse, 2000, 1, HOT_TURN, TRUE, 4 * KIB },
  { "digest format", HOT_ALONE, hot_step_format, 2000, 1, HOT_TURN, TRUE, 4 * KIB },
  { "hash 4 KiB", HOT_ALONE, hot_step_hash, 2000, 1, HOT_TURN, TRUE, 4 * KIB },

  { "open and close", HOT_MEMORY, hot_step_open, 50, 1, 1, TRUE, 0 },
  { "put new 4 KiB", HOT_BOTH, hot_step_put, 1000, 1, 0, TRUE, 4 * KIB },
  { "put existing 4 KiB", HOT_BOTH, hot_step_put, 1000, 1, HOT_TURN, FALSE, 4 * KIB },
  { "get 4 KiB first", HOT_BOTH, hot_step_get, 500, 1, 0, FALSE, 4 * KIB },
  { "get 4 KiB", HOT_BOTH, hot_step_get, 1000, 1, HOT_TURN, FALSE, 4 * KIB },
  { "get range", HOT_BOTH, hot_step_get_range, 1000, 1, HOT_TURN, FALSE, 4 * KIB },
  { "stat", HOT_BOTH, hot_step_stat, 1000, 1, HOT_TURN, FALSE, 4 * KIB },
  { "contains present", HOT_BOTH, hot_step_contains, 1000, 1, HOT_TURN, FALSE, 4 * KIB },
  { "contains absent", HOT_BOTH, hot_step_contains, 1000, 1, HOT_TURN, TRUE, 4 * KIB },
  { "delete", HOT_BOTH, hot_step_delete, 500, 1, 0, FALSE, 4 * KIB },
  { "list a page of 1000", HOT_BOTH, hot_step_list, 3, 1, 1000, FALSE, 16 },

  { "put new in put_many of 64", HOT_BOTH, hot_step_put_many, 960, HOT_TURN, 0, TRUE,
    4 * KIB },
  { "get in get_many of 64", HOT_BOTH, hot_step_get_many, 960, HOT_TURN, HOT_TURN, FALSE,
    4 * KIB },
  { "contains in contains_many of 64", HOT_BOTH, hot_step_contains_many, 960, HOT_TURN,
    HOT_TURN, FALSE, 4 * KIB },

  { "stream 1 MiB", HOT_BOTH, hot_step_stream, 10, 1, 1, FALSE, MIB },
  { "upload 1 MiB", HOT_BOTH, hot_step_upload, 10, 1, 0, TRUE, MIB },
  { "upload 1 MiB by 4 KiB", HOT_BOTH, hot_step_upload_small, 10, 1, 0, TRUE, MIB },

  { "async get 4 KiB", HOT_BOTH, hot_step_get_async, 1000, 1, HOT_TURN, FALSE, 4 * KIB },
  { "async get 4 KiB, 64 at once", HOT_BOTH, hot_step_get_async_64, 1920, HOT_TURN,
    HOT_TURN, FALSE, 4 * KIB },
  { "async contains absent", HOT_BOTH, hot_step_contains_async, 1000, 1, HOT_TURN, TRUE,
    4 * KIB },
  { "async put new 4 KiB", HOT_BOTH, hot_step_put_async, 500, 1, 0, TRUE, 4 * KIB },
};

const guint hot_n_operations = G_N_ELEMENTS (hot_operations);
