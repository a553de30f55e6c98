/* SPDX-License-Identifier: Apache-2.0
 *
 * walk.h: the same asynchronous job for every blob of a store. */
#pragma once

#include <gio/gio.h>
#include <cask/cask.h>
#include "counted.h"

typedef struct _Walk Walk;

/** WalkJob: begins the work on one blob, and answers with walk_done() once, from a later
 * turn of the main loop and with the same info, whatever size the blob turned out to
 * have: its weight is taken off again. */
typedef void (*WalkJob) (Walk *walk, const CaskBlobInfo *info, gpointer data);

/** WalkResult: how a walk ended. */
typedef enum
{
  WALK_COMPLETE,
  WALK_STOPPED, /* by walk_stop() */
  WALK_INTERRUPTED,
  WALK_FAILED /* the store could not be listed */
} WalkResult;

/* after: (nullable): only blobs greater than this digest */
WalkResult walk_run (CaskStore *store, const char *verb, const CaskDigest *after,
                     WalkJob job, gpointer data, GError **error);
GCancellable *walk_get_cancellable (Walk *walk);
void walk_done (Walk *walk, const CaskBlobInfo *info);
void walk_watch_stream (Walk *walk, CountedStream *stream);
void walk_forget_stream (Walk *walk, CountedStream *stream);
void walk_stop (Walk *walk);
