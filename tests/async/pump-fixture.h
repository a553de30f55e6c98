/* SPDX-License-Identifier: Apache-2.0
 *
 * pump-fixture.h: a layer `gate` whose writes wait for the test, or fail; and a stream of
 * known bytes that keeps silent for as long as it is let. */
#pragma once

#include <cask/cask.h>

#include "test-support.h"

#define CHUNK (256 * 1024)

typedef struct
{
  GMutex lock;
  GCond progress;
  gboolean holds;     /* lock; writes wait, */
  gboolean fails;     /* lock; or fail */
  guint n_begun;      /* lock; of writes */
  guint n_before_put; /* lock; how many there were at the last put */
} Gate;

extern Gate gate;

/* What a suite begins with. Returns: 0 */
int gate_register (void);
/* A store, and a new beginning. NULL after a failed assertion. */
CaskStore *gate_store (const char *config, gboolean holds, gboolean fails);
void gate_set (gboolean holds, gboolean fails);
/* Returns when a write has begun. */
void gate_wait_begun (void);

/* Gives its bytes as it is asked for them; then it is silent until it is cancelled, and
 * calls back from within the cancelling; or it ends, well or without a word. */
typedef struct
{
  GInputStream parent;
  GBytes *bytes;
  gsize given;
  gboolean is_silent, fails;
  GAsyncReadyCallback callback; /* of the read that waits */
  gpointer data;
} Source;
typedef GInputStreamClass SourceClass;

GType source_get_type (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Source, g_object_unref)

Source *source_new (gsize size);
/* A read that waits, waits no more. */
void source_let_go (Source *self);
