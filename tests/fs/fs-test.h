/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-test.h: the fs plugin's slots called directly, without libcask, and system calls
 * that fail on demand. */
#pragma once

#include <CUnit/Basic.h>
#include <sys/types.h>
#include <time.h>

#include <cask/cask-plugin.h>

/* ---- fs-test.c: a store, as a host would open it ---- */

typedef struct
{
  guint64 durability; /* none, data, full, batch */
  guint64 layout;     /* cask, oci */
  guint64 keep_root;  /* create=no */
  gint64 freshen_usec;
  const char *encoding;
  guint64 is_mapped; /* io=mmap */
  guint64 max_uploads, max_upload_bytes;
} FsSpec;

enum
{
  FS_NONE,
  FS_DATA,
  FS_FULL,
  FS_BATCH
};

typedef struct
{
  CaskHost host;
  CaskOptionValue values[7];
  CaskOpenArgs args;
  const CaskBackendOps *ops;
  CaskBackend *backend;
  char *root;
} FsStore;

const CaskPlugin *fs_plugin (void);
FsStore *fs_store_open (const char *root, const FsSpec *spec, GError **error);
void fs_store_close (FsStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FsStore, fs_store_close)

/* Declares root, spec and the store, opened in a new directory; leaves the test if that
 * fails. fs_store_end() closes it, wants no temporary file left, and removes root. */
#define FS_TEST_STORE(store, ...)                                                        \
  g_autofree char *root = fs_scratch_new ();                                             \
  FsSpec spec = { __VA_ARGS__ };                                                         \
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);                         \
  CU_ASSERT_PTR_NOT_NULL (store);                                                        \
  if (store == NULL)                                                                     \
  return
void fs_store_end (FsStore **store, char **root);

CaskDigest fs_digest (guint32 algorithm, guint8 first, guint64 number);
char *fs_path (const FsStore *store, const CaskDigest *digest);

/* Each says what it did in one word of a value: an error's code, or one of these. */
enum
{
  FS_HIT = -1,
  FS_CREATED = -2,
  FS_OK = -3,
  FS_CANCELLED = -4
};
int fs_store_put (FsStore *store, const CaskDigest *digest, const char *text);
int fs_store_put_flags (FsStore *store, const CaskDigest *digest, const char *text,
                        guint32 flags);
int fs_store_get (FsStore *store, const CaskDigest *digest, char **text);
int fs_store_stat (FsStore *store, const CaskDigest *digest, CaskBlobInfo *info);
int fs_store_touch (FsStore *store, const CaskDigest *digest, CaskBlobInfo *info);
int fs_store_remove (FsStore *store, const CaskDigest *digest, gint64 unused_since,
                     CaskRemoved *outcome);
int fs_store_list (FsStore *store, guint32 *n_infos, gboolean *more);
int fs_code (GError *error);

char *fs_scratch_new (void);
void fs_scratch_free (char *path);
guint fs_count_files (const char *directory, gboolean is_temp);
guint fs_count_fds (void);
gboolean fs_write_file (const char *path, const char *text);

/* Runs body in a child; it returns 0, FS_NOT_RUN, or anything else for failure. */
#define FS_NOT_RUN 77
typedef int (*FsBody) (const char *root);
void fs_in_child (const char *name, FsBody body, const char *root);
/* In a child, where CUnit's counts would be lost: says what failed and returns 1. */
#define FS_CHECK(condition)                                                              \
  do                                                                                     \
    {                                                                                    \
      if (!(condition))                                                                  \
        {                                                                                \
          fprintf (stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);               \
          return 1;                                                                      \
        }                                                                                \
    }                                                                                    \
  while (0)

/* ---- fs-clock.c: a clock that stands still ---- */

/* The coarse clock says this from now on; NULL: the time. */
void fs_clock_set (const struct timespec *now);
/* All that say the time of day say later ones, until fs_clock_set(). */
void fs_clock_advance (guint seconds);

/* ---- test-fs-tree.c: the second suite of fs-ops ---- */

extern CU_TestInfo fs_tree_tests[];

/* ---- test-fs-odd.c: the second suite of fs-faults ---- */

extern CU_TestInfo fs_odd_tests[];

/* ---- fs-faults.c: system calls that fail ---- */

typedef enum
{
  FS_CALL_OPENAT,
  FS_CALL_OPENAT2,
  FS_CALL_FSTAT,
  FS_CALL_FSTATAT,
  FS_CALL_PREAD,
  FS_CALL_PWRITE,
  FS_CALL_FSYNC,
  FS_CALL_FDATASYNC,
  FS_CALL_SYNCFS,
  FS_CALL_LINKAT,
  FS_CALL_RENAMEAT,
  FS_CALL_RENAMEAT2,
  FS_CALL_UNLINKAT,
  FS_CALL_MKDIRAT,
  FS_CALL_FLOCK,
  FS_CALL_FUTIMENS,
  FS_CALL_STATX,
  FS_CALL_PREADV2,
  FS_N_CALLS
} FsCall;

const char *fs_call_name (FsCall call);
/* From its skip-th call on (0: the next), `times` calls fail with code. */
void fs_fault_set (FsCall call, int code, guint skip, guint times);
/* Reads and writes take a byte at most. */
void fs_fault_set_short (gboolean is_short);
/* O_TMPFILE is unknown. */
void fs_fault_set_no_tmpfile (gboolean is_missing);
/* From now on `times` calls take two seconds, by the clock of fs-clock.c. */
void fs_fault_set_slow (FsCall call, guint times);
/* All files have this ctime, and each change of a file's times sets it one second on. */
void fs_fault_set_ctime (const struct timespec *changed);
/* Directories do not tell what their entries are. */
void fs_fault_set_no_types (gboolean is_missing);
void fs_fault_clear (void);
guint fs_fault_count (FsCall call);
void fs_fault_count_clear (void);
