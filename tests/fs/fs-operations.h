/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-operations.h: what the files of the operations share.
 *
 * Before a call the truth is told what may be so from now on, after a success what is so;
 * a process that dies in between leaves the former. */
#pragma once

#include "fs-world.h"

#define OPS(world) ((world)->store->ops)
#define SELF(world) ((world)->store->backend)

/* Each ends with one that has no name. */
extern const FsOperation fs_blob_operations[];
extern const FsOperation fs_upload_operations[];
extern const FsOperation fs_store_operations[];

/* Puts the new copy of that blob. */
void run_put_flags (FsWorld *world, guint i, guint32 flags);
