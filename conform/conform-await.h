/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-await.h: an asynchronous call, awaited. */
#pragma once

#include "conform-case.h"

typedef struct
{
  GMainContext *context;
  GThread *thread;
  GAsyncResult *result;
  CaskDigest digest; /* a copy for the call, spoilt afterwards */
  gboolean has_started;
  guint n_calls;
} Await;

/* Before the call. Returns: the digest to give to it; NULL for NULL */
const CaskDigest *await_begin (Await *await, const CaskDigest *digest);
/* The callback; its data is the Await. */
void await_done (GObject *source, GAsyncResult *result, gpointer data);
/* After the call. Returns: (transfer none): what the callback was given */
GAsyncResult *await_result (Await *await);
void await_end (Await *await);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Await, await_end)
