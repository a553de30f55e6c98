/* SPDX-License-Identifier: Apache-2.0
 *
 * floor.c: the measures of each field, and the same on two threads. */
#include "floor.h"

static const BenchEntrant floor_files = {
  .name = "floor",
  .open = floor_open,
  .close = floor_close,
  .calls = { [BENCH_PUT_NEW] = floor_put,
             [BENCH_PUT_EXISTING] = floor_put,
             [BENCH_GET] = floor_get,
             [BENCH_GET_RANGE] = floor_get_range,
             [BENCH_CONTAINS] = floor_contains,
             [BENCH_CONTAINS_ABSENT] = floor_contains_absent,
             [BENCH_DELETE] = floor_delete,
             [BENCH_LIST] = floor_list },
};

static const BenchEntrant floor_files_hashed = {
  .name = "floor, hashed",
  .note = "each get hashes what it has read",
  .open = floor_open,
  .close = floor_close,
  .calls = { [BENCH_PUT_NEW] = floor_put,
             [BENCH_GET] = floor_get_hashed,
             [BENCH_DELETE] = floor_delete },
};

static const BenchEntrant floor_files_names = {
  .name = "floor, names alone",
  .note = "lists neither sizes nor times",
  .is_lister = TRUE,
  .open = floor_open,
  .close = floor_close,
  .calls = { [BENCH_PUT_NEW] = floor_put, [BENCH_LIST] = floor_list_names },
};

static const BenchEntrant floor_durable = {
  .name = "floor",
  .note = "fsync of the file and of its directory",
  .is_little = TRUE,
  .open = floor_open_durable,
  .close = floor_close,
  .calls = { [BENCH_PUT_NEW] = floor_put, [BENCH_DELETE] = floor_delete },
};

static const BenchEntrant floor_files_two = {
  .name = "floor, 2 threads",
  .note = "half of the blobs each",
  .open = floor_two_open,
  .close = floor_two_close,
  .calls = { [BENCH_PUT_NEW] = floor_two_put,
             [BENCH_PUT_EXISTING] = floor_two_put,
             [BENCH_GET] = floor_two_get,
             [BENCH_GET_RANGE] = floor_two_get_range,
             [BENCH_CONTAINS] = floor_two_contains,
             [BENCH_CONTAINS_ABSENT] = floor_two_contains_absent,
             [BENCH_DELETE] = floor_two_delete },
};

static const BenchEntrant floor_memory = {
  .name = "floor",
  .note = "one GHashTable under one GMutex; bytes are kept by reference",
  .open = floor_map_open,
  .close = floor_map_close,
  .calls = { [BENCH_PUT_NEW] = floor_map_put_new,
             [BENCH_PUT_EXISTING] = floor_map_put_existing,
             [BENCH_GET] = floor_map_get,
             [BENCH_GET_RANGE] = floor_map_get_range,
             [BENCH_CONTAINS] = floor_map_contains,
             [BENCH_CONTAINS_ABSENT] = floor_map_contains_absent,
             [BENCH_DELETE] = floor_map_delete },
};

static const BenchEntrant floor_memory_two = {
  .name = "floor, 2 threads",
  .note = "half of the blobs each, in one table",
  .open = floor_two_map_open,
  .close = floor_two_map_close,
  .calls = { [BENCH_PUT_NEW] = floor_two_map_put_new,
             [BENCH_PUT_EXISTING] = floor_two_map_put_existing,
             [BENCH_GET] = floor_two_map_get,
             [BENCH_GET_RANGE] = floor_two_map_get_range,
             [BENCH_CONTAINS] = floor_two_map_contains,
             [BENCH_CONTAINS_ABSENT] = floor_two_map_contains_absent,
             [BENCH_DELETE] = floor_two_map_delete },
};

const BenchEntrant *const floor_entrants[BENCH_N_FIELDS][8] = {
  [BENCH_FIELD_MEMORY] = { &floor_memory, &floor_memory_two },
  [BENCH_FIELD_FILES] = { &floor_files, &floor_files_hashed, &floor_files_two,
                          &floor_files_names },
  [BENCH_FIELD_DURABLE] = { &floor_durable },
};
