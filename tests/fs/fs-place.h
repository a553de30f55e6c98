/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-place.h: every operation of the fs backend in some place, and what each is to say
 * there; and the places: another user, a namespace, a filesystem of one's own. */
#pragma once

#include "fs-test.h"

/* ---- Operations ---- */

/* In the order in which fs_place_check() tries them. Each has a blob of its own, so that
 * what one does leaves the others as they were. All but NEW_SHARD are in one shard. */
typedef enum
{
  PLACE_GET,
  PLACE_READ, /* in pieces */
  PLACE_STAT,
  PLACE_CONTAINS,
  PLACE_TRY,  /* right is whatever does not say "absent" */
  PLACE_MISS, /* get of what is absent: NOT_FOUND is right */
  PLACE_LIST,
  PLACE_UPLOADS, /* the list of the saved ones */
  PLACE_RESUME,
  PLACE_USAGE,
  PLACE_TOUCH,
  PLACE_HIT,
  PLACE_HIT_MANY,
  PLACE_NEW,
  PLACE_NEW_MANY,
  PLACE_NEW_SHARD,
  PLACE_REPLACE,
  PLACE_UPLOAD, /* begun and written to */
  PLACE_COMMIT,
  PLACE_SAVE,
  PLACE_REMOVE,
  PLACE_REMOVE_UNUSED,
  PLACE_REMOVE_ABSENT,
  PLACE_REMOVE_MANY,
  PLACE_FLUSH,
  PLACE_CONDEMN, /* last: it waits until its blob is some milliseconds old */
  PLACE_N
} PlaceOp;

#define PLACE_BIT(op) (1u << PLACE_##op)
#define PLACE_ALL ((1u << PLACE_N) - 1)
/* What looks for one of the blobs that are there. */
#define PLACE_OLD                                                                        \
  (PLACE_BIT (GET) | PLACE_BIT (READ) | PLACE_BIT (STAT) | PLACE_BIT (CONTAINS) |        \
   PLACE_BIT (TOUCH) | PLACE_BIT (HIT) | PLACE_BIT (HIT_MANY) | PLACE_BIT (REPLACE) |    \
   PLACE_BIT (CONDEMN) | PLACE_BIT (REMOVE) | PLACE_BIT (REMOVE_UNUSED) |                \
   PLACE_BIT (REMOVE_MANY))
/* What adds or takes away a name in the shard that is there. */
#define PLACE_NAMES                                                                      \
  (PLACE_BIT (NEW) | PLACE_BIT (NEW_MANY) | PLACE_BIT (REPLACE) | PLACE_BIT (COMMIT) |   \
   PLACE_BIT (CONDEMN) | PLACE_BIT (REMOVE) | PLACE_BIT (REMOVE_UNUSED) |                \
   PLACE_BIT (REMOVE_MANY))
#define PLACE_IN_SHARD                                                                   \
  (PLACE_OLD | PLACE_NAMES | PLACE_BIT (MISS) | PLACE_BIT (LIST) |                       \
   PLACE_BIT (REMOVE_ABSENT))
#define PLACE_ANY_UPLOAD (PLACE_BIT (UPLOAD) | PLACE_BIT (COMMIT) | PLACE_BIT (SAVE))
/* What has to say READ_ONLY where nothing can be written; a flush has nothing to write.
 */
#define PLACE_WRITES                                                                     \
  (PLACE_NAMES | PLACE_ANY_UPLOAD | PLACE_BIT (RESUME) | PLACE_BIT (TOUCH) |             \
   PLACE_BIT (HIT) | PLACE_BIT (HIT_MANY) | PLACE_BIT (NEW_SHARD) |                      \
   PLACE_BIT (REMOVE_ABSENT))

/* What is in a store before: blobs with these numbers, all of them "here". */
enum
{
  PLACE_BLOB_USED,
  PLACE_BLOB_REPLACED,
  PLACE_BLOB_CONDEMNED,
  PLACE_BLOB_REMOVED,
  PLACE_BLOB_UNUSED,
  PLACE_BLOB_REMOVED_MANY,
  PLACE_N_BLOBS,
  PLACE_BLOB_ABSENT,
  PLACE_BLOB_NEW,
  PLACE_BLOB_NEW_MANY,
  PLACE_BLOB_NEW_SHARD,
  PLACE_BLOB_COMMITTED
};
#define PLACE_SHARD 0x11
CaskDigest fs_place_digest (guint number);

typedef struct
{
  guint32 failing; /* these say `code`, all others succeed */
  int code;
  guint n_listed, n_uploads;
} PlaceExpect;

/* Makes a store with those blobs, a saved upload, .tmp and .quarantine.
 * Returns: the upload's id, which the caller frees; NULL where that failed. */
char *fs_place_make (const char *root);
FsStore *fs_place_open (const char *root, GError **error);
/* Tries every operation. Returns: how many said something else than they were to, each
 * of which is named on stderr. */
guint fs_place_check (FsStore *store, const char *place, const char *id,
                      const PlaceExpect *expect);
/* One operation: FS_OK where it did what it is for. n_found: (nullable): by LIST and
 * UPLOADS. */
int fs_place_do (FsStore *store, PlaceOp op, const char *id, guint *n_found);
const char *fs_place_name (PlaceOp op);
/* How many operations were tried in some place, by all children too. */
guint fs_place_count (void);
void fs_place_count_one (void);

/* The caller frees it: says the same again only where nothing below the directory was
 * made, written, renewed or removed. */
char *fs_place_fingerprint (const char *directory);
/* What fs_place_do() says of an operation that succeeded with the wrong answer. */
#define PLACE_WRONG -99

/* ---- Places; each for a child of its own ---- */

/* TRUE: this process has no rights of root (any more). */
gboolean fs_place_be_nobody (void);
/* TRUE: this process has mounts of its own now. */
gboolean fs_place_unshare (void);
gboolean fs_place_mount_tmpfs (const char *root, const char *options);
/* What is below root can be read through it only, from now on. */
gboolean fs_place_bind_read_only (const char *root, gboolean is_read_only);

/* ---- The suites of fs-hostile ---- */

extern CU_TestInfo fs_wall_tests[];     /* test-fs-wall.c */
extern CU_TestInfo fs_away_tests[];     /* test-fs-away.c */
extern CU_TestInfo fs_full_tests[];     /* test-fs-full.c */
extern CU_TestInfo fs_exchange_tests[]; /* test-fs-exchange.c */
