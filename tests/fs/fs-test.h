/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-test.h: the fs plugin's slots called directly, without libcask. */
#pragma once

#include <CUnit/Basic.h>
#include <sys/types.h>
#include <time.h>

#include <cask/cask-plugin.h>

/* Without it the plugin is a part of the program, and its system calls can fail. */
#ifndef FS_TEST_PLUGIN
#include "fs-faults.h"
#endif

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

extern const CaskPlugin cask_plugin;
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

/* ---- test-fs-tree.c, test-fs-shard.c: further suites of fs-ops ---- */

extern CU_TestInfo fs_tree_tests[];
extern CU_TestInfo fs_shard_tests[];

/* ---- test-fs-odd.c: the second suite of fs-faults ---- */

extern CU_TestInfo fs_odd_tests[];
