/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-group.h: what fs-group.c keeps. */
#pragma once

#include <glib.h>

typedef struct
{
  int fd;
  gboolean is_shard;
  guint shard_index; /* of FS_NAME_SHARDS, where it is one */
  int code;          /* (out): 0, or errno */
} FsSync;

/* FsSharing: a directory that somebody is syncing, or waits for. All by lock. */
typedef struct
{
  guint64 inode, device;      /* the key */
  guint64 n_started, n_ended; /* syncs; at most one more is started than ended */
  guint64 failed;             /* the number of the one that failed, the last; 0: none */
  int code;                   /* its errno */
  guint n_users;
} FsSharing;

typedef struct
{
  GMutex lock;
  GCond ended_cond;
  GHashTable *sharings; /* by lock: of FsSharing, keys and values in one */
  gboolean has_failed; /* by lock: a sync of anybody's: nobody begins to share any more */
} FsGroup;
