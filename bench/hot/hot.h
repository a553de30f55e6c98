/* SPDX-License-Identifier: Apache-2.0
 *
 * hot.h: the operations whose instructions are counted, and what they work on.
 *
 * What is ours in the measured loop is a function named hot_…: bench/instructions leaves
 * those out of the count. */
#pragma once

#include <cask/cask.h>

/* As many blobs as the operations that ask for the same ones again take turns on. */
#define HOT_TURN 64

typedef struct
{
  const char *config; /* NULL: needs no store */
  CaskStore *store;
  guint n_blobs;
  GBytes **blobs;
  CaskDigest *digests;
  const CaskDigest **pointers; /* to the digests: what a batch is given */
  char (*texts)[CASK_DIGEST_TEXT_SIZE];
  guint8 *buffer; /* of HOT_BUFFER bytes */
  guint n_open;   /* asynchronous calls that are under way */
} Hot;

#define HOT_BUFFER (64u << 10)
/* What is written at once in small writes. */
#define HOT_SMALL (4u << 10)

/* Does one step; `at` counts steps, from 0. */
typedef void (*HotStep) (Hot *hot, guint at);

typedef enum
{
  HOT_ALONE,  /* without a store */
  HOT_MEMORY, /* on memory: */
  HOT_FS,     /* on fs: */
  HOT_BOTH
} HotBackends;

typedef struct
{
  const char *name;
  HotBackends backends;
  HotStep step;
  guint count;     /* of operations that are measured */
  guint per_step;  /* operations that a step does */
  guint n_blobs;   /* 0: one for each operation, warm-up included */
  gboolean absent; /* else they are in the store before the first step */
  gsize size;
} HotOperation;

/* Ends the process where it is not done: a count of something else is worse than none. */
void hot_must (gboolean done, const GError *error);

extern const HotOperation hot_operations[];
extern const guint hot_n_operations;

/* ---- The steps: hot-sync.c and hot-async.c ---- */

void hot_step_parse (Hot *hot, guint at);
void hot_step_format (Hot *hot, guint at);
void hot_step_hash (Hot *hot, guint at);
void hot_step_open (Hot *hot, guint at);
void hot_step_put (Hot *hot, guint at);
void hot_step_get (Hot *hot, guint at);
void hot_step_get_range (Hot *hot, guint at);
void hot_step_stat (Hot *hot, guint at);
void hot_step_contains (Hot *hot, guint at);
void hot_step_delete (Hot *hot, guint at);
void hot_step_list (Hot *hot, guint at);
void hot_step_put_many (Hot *hot, guint at);
void hot_step_get_many (Hot *hot, guint at);
void hot_step_contains_many (Hot *hot, guint at);
void hot_step_stream (Hot *hot, guint at);
void hot_step_upload (Hot *hot, guint at);
void hot_step_upload_small (Hot *hot, guint at);

void hot_step_get_async (Hot *hot, guint at);
void hot_step_get_async_64 (Hot *hot, guint at);
void hot_step_put_async (Hot *hot, guint at);
void hot_step_contains_async (Hot *hot, guint at);

/* ---- The system: hot-system.c ---- */

/* Puts a system under the fs backend in which the same user code runs on every machine,
 * and makes it known to the library. */
void hot_system_install (void);
