/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-world.h: a small store, what must and what may be true of it while something happens
 * to it, and the operations to which things happen. For the tests that fail each call of
 * each operation (test-fs-points.c) and that kill at each (test-fs-kills.c). */
#pragma once

#include "fs-test.h"

#define FS_WORLD_BLOBS 6

/* What a blob may be, as bits. */
enum
{
  FS_ABSENT = 1,
  FS_OLD = 2, /* another copy than the operations put, of another size */
  FS_NEW = 4
};

typedef enum
{
  FS_SAVED_NOT,
  FS_SAVED_PERHAPS,
  FS_SAVED_SURELY /* it was acknowledged, and nothing has been done to it since */
} FsSaved;

/* FsTruth: what whoever was told so may rely on. In memory that outlives the process. */
typedef struct
{
  guint8 may[FS_WORLD_BLOBS];
  FsSaved saved;
  char id[64];          /* of the saved upload */
  guint64 acknowledged; /* its offset, */
  guint64 tried;        /* or this one, if a later save was not acknowledged */
  gboolean is_over;     /* the operation came to its end */
} FsTruth;

typedef struct _FsOperation FsOperation;

typedef struct
{
  const FsOperation *operation;
  FsSpec spec;
  char *root;
  FsStore *store; /* (nullable) */
  FsTruth *truth;
  CaskDigest digests[FS_WORLD_BLOBS];
  CaskDigest before; /* of all of them */
  GBytes *copies[2]; /* the old one, and the new */
  CaskBackendUpload *upload;
  gboolean is_listed;      /* the saved upload was */
  gboolean may_be_corrupt; /* what happens looks like a short file */
  guint n_failures;        /* how many calls of slots failed */
  const char *wrong;       /* (nullable): the first that is not as it must be */
} FsWorld;

struct _FsOperation
{
  const char *name;
  const char *before;             /* of each blob: . absent, o old, n new */
  void (*run) (FsWorld *world);   /* to which it happens */
  void (*stage) (FsWorld *world); /* (nullable): before, in a store that is closed then */
  void (*warm) (FsWorld *world);  /* (nullable): before, in the store that runs it */
  gsize size;                     /* of the new copy; 0: ten bytes */
  FsSpec spec;                    /* what differs from the world's */
  gboolean only_reads;
};

/* fs-operations-*.c. Returns: (nullable): the operation of that number, from 0. */
const FsOperation *fs_operation (guint number);

/* ---- fs-world.c ---- */

/* truth: (nullable): the world's own. Returns: whether what comes before the operation
 * could be done; else world->wrong says what could not. */
gboolean fs_world_begin (FsWorld *world, const FsOperation *operation, const FsSpec *spec,
                         FsTruth *truth);
gboolean fs_world_open (FsWorld *world);
/* Looks whether the world is one of those that the truth allows, and whether it can be
 * worked with; is_exact: nothing failed. Opens the store where it is not open. */
void fs_world_check (FsWorld *world, gboolean is_exact);
/* Closes it, has another store sweep what may be left, and looks for what is left. */
void fs_world_end (FsWorld *world);

/* FALSE, for convenience. */
gboolean fs_world_wrong (FsWorld *world, const char *what);
/* How a call ended: counts failures, and tells those that must not be. Takes the error.
 */
gboolean fs_world_went_well (FsWorld *world, gboolean done, GError *error);
gsize fs_world_n_blobs (const FsWorld *world);
/* As which copy these bytes are known. */
guint fs_world_state_of (const FsWorld *world, GBytes *bytes);
