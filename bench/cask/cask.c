/* SPDX-License-Identifier: Apache-2.0
 *
 * cask.c: Cask's entrants in each field. */
#include "ways.h"

#define NOTE_CASK                                                                        \
  "keeps the time of each blob's last use, hashes what it has not hashed in this "       \
  "state, "                                                                              \
  "and tells damage from absence"
#define NOTE_MANY "told the digests, and checks them"
#define NOTE_TWO "half of the blobs each, in one store"
#define NOTE_LMDB "the backend of examples/plugin; copies what it reads"

/* ---- What calls there are ---- */

#define CALLS_SYNC                                                                       \
  {                                                                                      \
    [BENCH_PUT_NEW] = ways_put_new, [BENCH_PUT_EXISTING] = ways_put_existing,            \
    [BENCH_GET] = ways_get, [BENCH_GET_RANGE] = ways_get_range,                          \
    [BENCH_CONTAINS] = ways_contains, [BENCH_CONTAINS_ABSENT] = ways_contains_absent,    \
    [BENCH_DELETE] = ways_delete, [BENCH_LIST] = ways_list                               \
  }

#define CALLS_ASYNC                                                                      \
  {                                                                                      \
    [BENCH_PUT_NEW] = ways_async_put_new,                                                \
    [BENCH_PUT_EXISTING] = ways_async_put_existing, [BENCH_GET] = ways_async_get,        \
    [BENCH_GET_RANGE] = ways_async_get_range, [BENCH_CONTAINS] = ways_async_contains,    \
    [BENCH_CONTAINS_ABSENT] = ways_async_contains_absent,                                \
    [BENCH_DELETE] = ways_async_delete                                                   \
  }

#define CALLS_BATCH                                                                      \
  {                                                                                      \
    [BENCH_PUT_NEW] = ways_batch_put_new,                                                \
    [BENCH_PUT_EXISTING] = ways_batch_put_existing, [BENCH_GET] = ways_batch_get,        \
    [BENCH_CONTAINS] = ways_batch_contains,                                              \
    [BENCH_CONTAINS_ABSENT] = ways_batch_contains_absent,                                \
    [BENCH_DELETE] = ways_batch_delete                                                   \
  }

#define CALLS_ASYNC_BATCH                                                                \
  {                                                                                      \
    [BENCH_PUT_NEW] = ways_async_batch_put_new,                                          \
    [BENCH_PUT_EXISTING] = ways_async_batch_put_existing,                                \
    [BENCH_GET] = ways_async_batch_get, [BENCH_CONTAINS] = ways_async_batch_contains,    \
    [BENCH_CONTAINS_ABSENT] = ways_async_batch_contains_absent,                          \
    [BENCH_DELETE] = ways_async_batch_delete                                             \
  }

#define CALLS_TWO                                                                        \
  {                                                                                      \
    [BENCH_PUT_NEW] = ways_two_put_new, [BENCH_PUT_EXISTING] = ways_two_put_existing,    \
    [BENCH_GET] = ways_two_get, [BENCH_GET_RANGE] = ways_two_get_range,                  \
    [BENCH_CONTAINS] = ways_two_contains,                                                \
    [BENCH_CONTAINS_ABSENT] = ways_two_contains_absent, [BENCH_DELETE] = ways_two_delete \
  }

/* What only gets are compared of; blobs have to come and go all the same. */
#define CALLS_GET                                                                        \
  {                                                                                      \
    [BENCH_PUT_NEW] = ways_put_new, [BENCH_GET] = ways_get, [BENCH_DELETE] = ways_delete \
  }

/* ---- Files ---- */

static const BenchEntrant files_sync = { .name = "cask",
                                         .note = NOTE_CASK,
                                         .open = ways_open_none,
                                         .close = ways_close,
                                         .calls = CALLS_SYNC };

static const BenchEntrant files_1 = { .name = "cask, 1 in flight",
                                      .note = "in a main loop",
                                      .open = ways_open_none_1,
                                      .close = ways_close,
                                      .calls = CALLS_ASYNC };

static const BenchEntrant files_16 = { .name = "cask, 16 in flight",
                                       .note = "in a main loop",
                                       .open = ways_open_none_16,
                                       .close = ways_close,
                                       .calls = CALLS_ASYNC };

static const BenchEntrant files_256 = { .name = "cask, 256 in flight",
                                        .note = "in a main loop",
                                        .open = ways_open_none_256,
                                        .close = ways_close,
                                        .calls = CALLS_ASYNC };

static const BenchEntrant files_waves = { .name = "cask, 64 in flight",
                                          .note = "64 calls at once; when all are back, "
                                                  "the next 64",
                                          .open = ways_open_none_waves,
                                          .close = ways_close,
                                          .calls = CALLS_ASYNC };

static const BenchEntrant files_batch = { .name = "cask, batches of 64",
                                          .note = NOTE_MANY,
                                          .open = ways_open_none,
                                          .close = ways_close,
                                          .calls = CALLS_BATCH };

static const BenchEntrant files_async_batch = { .name = "cask, async batches of 64",
                                                .note = "in a main loop; " NOTE_MANY,
                                                .open = ways_open_none,
                                                .close = ways_close,
                                                .calls = CALLS_ASYNC_BATCH };

static const BenchEntrant files_streams = {
  .name = "cask, streams",
  .note = "an upload of unknown size, written by 1 MiB; read into one piece of 1 MiB",
  .open = ways_open_none,
  .close = ways_close,
  .calls = { [BENCH_PUT_NEW] = ways_stream_put_new,
             [BENCH_PUT_EXISTING] = ways_stream_put_existing,
             [BENCH_GET] = ways_stream_get,
             [BENCH_DELETE] = ways_delete }
};

static const BenchEntrant files_small_streams = {
  .name = "cask, streams by 4 KiB",
  .note = "an upload of unknown size, written by 4 KiB",
  .open = ways_open_none,
  .close = ways_close,
  .calls = { [BENCH_PUT_NEW] = ways_stream_put_new_small, [BENCH_DELETE] = ways_delete }
};

static const BenchEntrant files_verify_always = { .name = "cask, verify=always",
                                                  .note = "each get hashes what it has "
                                                          "read, as the first one does",
                                                  .open = ways_open_verify_always,
                                                  .close = ways_close,
                                                  .calls = CALLS_GET };

static const BenchEntrant files_verify_never = { .name = "cask, verify=never",
                                                 .note = "no get hashes",
                                                 .open = ways_open_verify_never,
                                                 .close = ways_close,
                                                 .calls = CALLS_GET };

static const BenchEntrant files_two = { .name = "cask, 2 threads",
                                        .note = NOTE_TWO,
                                        .open = ways_two_open_none,
                                        .close = ways_two_close,
                                        .calls = CALLS_TWO };

static const BenchEntrant files_lmdb = { .name = "cask, lmdb plugin",
                                         .note = NOTE_LMDB,
                                         .open = ways_open_lmdb,
                                         .close = ways_close,
                                         .calls = CALLS_SYNC };

/* ---- Memory ---- */

static const BenchEntrant memory_sync = { .name = "cask",
                                          .note = "keeps the time of each blob's last "
                                                  "use, and an order of names",
                                          .open = ways_open_memory,
                                          .close = ways_close,
                                          .calls = CALLS_SYNC };

static const BenchEntrant memory_1 = { .name = "cask, 1 in flight",
                                       .note = "in a main loop",
                                       .open = ways_open_memory_1,
                                       .close = ways_close,
                                       .calls = CALLS_ASYNC };

static const BenchEntrant memory_16 = { .name = "cask, 16 in flight",
                                        .note = "in a main loop",
                                        .open = ways_open_memory_16,
                                        .close = ways_close,
                                        .calls = CALLS_ASYNC };

static const BenchEntrant memory_256 = { .name = "cask, 256 in flight",
                                         .note = "in a main loop",
                                         .open = ways_open_memory_256,
                                         .close = ways_close,
                                         .calls = CALLS_ASYNC };

static const BenchEntrant memory_waves = { .name = "cask, 64 in flight",
                                           .note = "64 calls at once; when all are back, "
                                                   "the next 64",
                                           .open = ways_open_memory_waves,
                                           .close = ways_close,
                                           .calls = CALLS_ASYNC };

static const BenchEntrant memory_batch = { .name = "cask, batches of 64",
                                           .note = NOTE_MANY,
                                           .open = ways_open_memory,
                                           .close = ways_close,
                                           .calls = CALLS_BATCH };

static const BenchEntrant memory_async_batch = { .name = "cask, async batches of 64",
                                                 .note = "in a main loop; " NOTE_MANY,
                                                 .open = ways_open_memory,
                                                 .close = ways_close,
                                                 .calls = CALLS_ASYNC_BATCH };

static const BenchEntrant memory_two = { .name = "cask, 2 threads",
                                         .note = NOTE_TWO,
                                         .open = ways_two_open_memory,
                                         .close = ways_two_close,
                                         .calls = CALLS_TWO };

/* ---- What survives a power cut ---- */

static const BenchEntrant durable_full = { .name = "cask, full",
                                           .note = "durability=full",
                                           .is_little = TRUE,
                                           .open = ways_open_full,
                                           .close = ways_close,
                                           .calls = CALLS_SYNC };

static const BenchEntrant durable_full_64 = { .name = "cask, full, 64 in flight",
                                              .note = "durability=full, in a main loop",
                                              .open = ways_open_full_64,
                                              .close = ways_close,
                                              .calls = CALLS_ASYNC };

static const BenchEntrant durable_full_batch = { .name = "cask, full, batches of 64",
                                                 .note = "durability=full; " NOTE_MANY,
                                                 .open = ways_open_full,
                                                 .close = ways_close,
                                                 .calls = CALLS_BATCH };

static const BenchEntrant durable_data = {
  .name = "cask, data",
  .note =
      "durability=data: of what was acknowledged a power cut may take the last blobs, "
      "and leaves none damaged",
  .is_little = TRUE,
  .open = ways_open_data,
  .close = ways_close,
  .calls = CALLS_SYNC
};

static const BenchEntrant durable_batch = { .name = "cask, batch",
                                            .note = "durability=batch",
                                            .is_little = TRUE,
                                            .open = ways_open_batch,
                                            .close = ways_close,
                                            .calls = CALLS_SYNC };

static const BenchEntrant durable_batch_64 = { .name = "cask, batch, 64 in flight",
                                               .note = "durability=batch, in a main loop",
                                               .open = ways_open_batch_64,
                                               .close = ways_close,
                                               .calls = CALLS_ASYNC };

static const BenchEntrant durable_batch_batch = { .name = "cask, batch, batches of 64",
                                                  .note = "durability=batch; " NOTE_MANY,
                                                  .open = ways_open_batch,
                                                  .close = ways_close,
                                                  .calls = CALLS_BATCH };

static const BenchEntrant durable_lmdb = { .name = "cask, lmdb plugin",
                                           .note = "durability=full; " NOTE_LMDB,
                                           .is_little = TRUE,
                                           .open = ways_open_lmdb_full,
                                           .close = ways_close,
                                           .calls = CALLS_SYNC };

static const BenchEntrant durable_lmdb_batch = {
  .name = "cask, lmdb plugin, batches of 64",
  .note = "durability=full, a transaction for each batch; " NOTE_MANY,
  .open = ways_open_lmdb_full,
  .close = ways_close,
  .calls = CALLS_BATCH
};

const BenchEntrant *const cask_entrants[BENCH_N_FIELDS][24] = {
  [BENCH_FIELD_MEMORY] = { &memory_sync, &memory_1, &memory_16, &memory_256,
                           &memory_waves, &memory_batch, &memory_async_batch,
                           &memory_two },
  [BENCH_FIELD_FILES] = { &files_sync, &files_1, &files_16, &files_256, &files_waves,
                          &files_batch, &files_async_batch, &files_streams,
                          &files_small_streams, &files_verify_always, &files_verify_never,
                          &files_two, &files_lmdb },
  [BENCH_FIELD_DURABLE] = { &durable_full, &durable_full_64, &durable_full_batch,
                            &durable_data, &durable_batch, &durable_batch_64,
                            &durable_batch_batch, &durable_lmdb, &durable_lmdb_batch }
};
