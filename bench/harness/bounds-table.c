/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds-table.c: the goals, one after another, and the rows that measure them.
 *
 * Where a goal names several operations or sizes, each has a bound of its own. "As" is
 * read as at most 1.05, and for what takes microseconds and opens files, 1.10. */
#include "bounds.h"

#define KIB(n) ((guint64) (n) << 10)
#define MIB(n) ((guint64) (n) << 20)

#define SMALL "sync get, put, contains, delete of 4 KiB on fs"
#define LARGE "sync get, put of 1 MiB"
#define VERIFIED "get with verification: first time as floor and hash, second as without"
#define READERS "sync get from memory, and its readers on two cores"
#define MANY "put_many of 64 on memory, contains_many of 64 on both, beside one by one"
#define TASK "async get from memory, batches of 64, beside a plain GTask"
#define LIST "list of 100,000: as walk and sort, in the memory of one shard"
#define OPEN "open of a million blobs as of none, get and put as of 10,000"
#define FLIGHT "memory of 10,000 operations in flight, each"
#define ASYNC_ONE "async get of 4 KiB in the page cache, one at a time"

const BenchBound bench_goals[] = {
  { SMALL, "files", "get", KIB (4), "cask", "floor", FALSE, 1.15 },
  { SMALL, "files", "put new", KIB (4), "cask", "floor", FALSE, 1.15 },
  { SMALL, "files", "put existing", KIB (4), "cask", "floor", FALSE, 1.15 },
  { SMALL, "files", "contains", KIB (4), "cask", "floor", FALSE, 1.15 },
  { SMALL, "files", "contains absent", KIB (4), "cask", "floor", FALSE, 1.15 },
  { SMALL, "files", "delete", KIB (4), "cask", "floor", FALSE, 1.15 },
  { LARGE, "files", "get", MIB (1), "cask", "floor", FALSE, 1.05 },
  { LARGE, "files", "put new", MIB (1), "cask", "floor", FALSE, 1.05 },
  { "upload of 64 MiB, two cores free", "files", "put new", MIB (64), "cask, streams",
    "floor", FALSE, 0.75 },
  { "upload of 64 MiB by 4 KiB, beside by 1 MiB", "files", "put new", MIB (64),
    "cask, streams by 4 KiB", "cask, streams", FALSE, 1.3 },
  { ASYNC_ONE, "files", "get", KIB (4), "cask, 1 in flight", "floor", FALSE, 2 },
  { "async get of 4 KiB, 256 in flight, a blob", "files", "get", KIB (4),
    "cask, 256 in flight", "floor", FALSE, 0.8 },
  { "async put of 4 KiB, 16 in flight, a blob", "files", "put new", KIB (4),
    "cask, 16 in flight", "floor", FALSE, 0.8 },
  { VERIFIED, "trial", "get, first and second time", KIB (4), "cask, first time",
    "floor, hashed", FALSE, 1.1 },
  { VERIFIED, "trial", "get, first and second time", MIB (1), "cask, first time",
    "floor, hashed", FALSE, 1.1 },
  { VERIFIED, "files", "get", KIB (4), "cask", "cask, verify=never", FALSE, 1.05 },
  { VERIFIED, "files", "get", MIB (1), "cask", "cask, verify=never", FALSE, 1.05 },
  { READERS, "memory", "get", KIB (4), "cask", "floor", FALSE, 2 },
  { READERS, "memory", "get", KIB (4), "cask", "cask, 2 threads", TRUE, 1.7 },
  { TASK, "memory", "get", KIB (4), "cask, async batches of 64", "GTask returned at once",
    FALSE, 0.7 },
  { MANY, "memory", "put new", KIB (4), "cask, batches of 64", "cask, 1 in flight", FALSE,
    0.5 },
  { MANY, "memory", "contains", KIB (4), "cask, batches of 64", "cask, 1 in flight",
    FALSE, 0.5 },
  { MANY, "files", "contains", KIB (4), "cask, batches of 64", "cask, 1 in flight", FALSE,
    0.5 },
  { "put_many of 64 on fs, beside 64 asynchronous calls at once", "files", "put new",
    KIB (4), "cask, batches of 64", "cask, 64 in flight", FALSE, 0.9 },
  { LIST, "files", "list", 16, "cask", "floor", FALSE, 1.3 },
  { LIST, "trial", "memory of a list", 0, "256 shards", "one shard", FALSE, 1.5 },
  { OPEN, "trial", "open", 0, "large store", "empty store", FALSE, 1.1 },
  { OPEN, "trial", "get of 16 B, median", 0, "large store", "store of 10,000", FALSE,
    1.2 },
  { OPEN, "trial", "put new of 16 B, median", 0, "large store", "store of 10,000", FALSE,
    1.2 },
  { "`batch`, 64 puts at once, beside `full` one at a time", "durable", "put new",
    KIB (4), "cask, full", "cask, batch, 64 in flight", TRUE, 8 },
  { "`batch`, 64 puts at once, beside `full` one at a time", "durable", "put new",
    KIB (4), "cask, full", "cask, batch, batches of 64", TRUE, 8 },
  { FLIGHT, "trial", "memory of an operation in flight", 0, "get, memory", NULL, FALSE,
    1024 },
  { FLIGHT, "trial", "memory of an operation in flight", 0, "put, memory", NULL, FALSE,
    1024 },
  { FLIGHT, "trial", "memory of an operation in flight", 0, "get, fs", NULL, FALSE,
    1024 },
  { FLIGHT, "trial", "memory of an operation in flight", 0, "put, fs", NULL, FALSE,
    1024 },
  { "cold start: dlopen, open `memory:`, one put, one get, over an empty program",
    "trial", "cold start, over the empty program", 0, "cask", NULL, FALSE, 5e6 },
  { 0 }
};
