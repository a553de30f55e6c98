/* SPDX-License-Identifier: Apache-2.0
 *
 * peers.c: the other libraries that keep blobs by their digest, or by any name. */
#include "peers.h"

const BenchEntrant *const peer_entrants[BENCH_N_FIELDS][8] = {
  [BENCH_FIELD_MEMORY] = { &git_memory, &sqlite_memory, &sqlite_memory_batch },
  [BENCH_FIELD_FILES] = { &git_files, &ostree_files, &lmdb_files, &lmdb_files_batch,
                          &sqlite_files, &sqlite_files_batch },
  [BENCH_FIELD_DURABLE] = { &git_durable, &ostree_durable, &ostree_durable_batch,
                            &lmdb_durable, &lmdb_durable_batch, &sqlite_durable,
                            &sqlite_durable_batch },
};
