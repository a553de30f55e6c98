/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-private.h: what the files of the fs backend share.
 *
 * Invariants, on which every file here relies:
 * - A blob's file is complete before it has its name, and never changes after.
 * - A name that is taken is taken away from its inode (by unlink, or by rename over it)
 *   only by who holds the inode's exclusive flock and has seen, under it, that the name
 *   still leads there. Renewing a modification time takes the same lock.
 * - Nothing below the root is opened through a symlink.
 * - No slot holds a descriptor while it waits for descriptors.
 *
 * Locks: FsLimit.lock, FsTemps.lock, FsGroup.lock, FsKnown.lock, FsCondemned.lock,
 * FsShardSlot.lock and the locks of FsNotes are leaves: none is held while another is
 * taken; fs-shard.c has one more, above its slots'. Only FsTemps.lock is held across I/O,
 * once, while the store makes its temporary directory. */
#pragma once

#include <sys/stat.h>

#include <cask/cask-plugin.h>

#include "fs-group.h"
#include "fs-system.h"

G_BEGIN_DECLS

typedef enum
{
  FS_DURABILITY_NONE,
  FS_DURABILITY_DATA,
  FS_DURABILITY_FULL,
  FS_DURABILITY_BATCH
} FsDurability;

typedef enum
{
  FS_LAYOUT_CASK, /* sha256/2c/f24d… */
  FS_LAYOUT_OCI   /* blobs/sha256/2cf24d… */
} FsLayout;

/* FsPlace: what kind of filesystem holds the root, and so what may be promised. */
typedef enum
{
  FS_PLACE_LOCAL,  /* known to have links, locks, RWF_NOWAIT and fine timestamps */
  FS_PLACE_MEMORY, /* as LOCAL, but a power cut empties it */
  FS_PLACE_OTHER,  /* one machine's, of unknown abilities */
  FS_PLACE_REMOTE  /* shared between machines: their caches and clocks differ */
} FsPlace;

/* Blobs are written and read in pieces of this size, between which the cancellable is
 * looked at. */
#define FS_CHUNK (1024 * 1024)

/* A code of CASK_ERROR that no slot lets out: a limit on open files was met. The slot
 * waits for other operations and tries again (fs-limit.c), and says BUSY in the end. */
#define FS_ERROR_LIMIT 1000

/* ---- A descriptor that closes itself; errno survives it ---- */

typedef int FsFd;

void fs_fd_close (FsFd fd);
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (FsFd, fs_fd_close, -1)

static inline int
fs_fd_steal (FsFd *fd)
{
  int stolen = *fd;
  *fd = -1;
  return stolen;
}

/* ---- fs-name.c: where a digest's blob is, relative to the root ---- */

#define FS_NAME_TOPS 2
#define FS_NAME_SHARDS 512

typedef struct
{
  char path[160];     /* sha256/2c/f24d… */
  char directory[16]; /* sha256/2c: the shard */
  char top[8];        /* sha256: what the shard is in */
  guint leaf;         /* where in path the last component starts */
  guint top_index;    /* of FS_NAME_TOPS */
  guint shard_index;  /* of FS_NAME_SHARDS */
} FsName;

void fs_name_set (FsName *name, FsLayout layout, const CaskDigest *digest);
gboolean fs_name_parse (FsLayout layout, const CaskDigest *shard, const char *leaf,
                        CaskDigest *digest);

static inline const char *
fs_name_leaf (const FsName *name)
{
  return name->path + name->leaf;
}

/* ---- fs-limit.c: too many open files ---- */

typedef struct
{
  GMutex lock;
  GCond finished_cond;
  guint64 finished; /* by lock: operations that ended while others waited */
  gint waiters;     /* atomic; written by lock */
} FsLimit;

typedef struct
{
  CaskBackend *self;
  gboolean waiting;
  gint64 deadline;
  guint64 seen;
} FsPatience;

gboolean fs_patience_again (FsPatience *patience, GCancellable *cancellable,
                            GError **failure);
gboolean fs_patience_none (GError *failure, GError **error);
gboolean fs_patience_end (FsPatience *patience, GError *failure, GError **error);

/* ---- fs-shard.c: shards that are kept open ---- */

typedef struct _FsKept FsKept;

typedef struct
{
  GMutex lock;
  FsKept *kept;      /* by lock; (nullable) */
  gint64 since_msec; /* by lock: when the window began */
  guint n_uses;      /* by lock: in this window */
} FsShardSlot;

/* FsShard: a kept shard, for as long as one operation uses it. */
typedef struct
{
  FsKept *kept; /* (nullable) */
} FsShard;

int fs_shard_use (CaskBackend *self, const FsName *name, gboolean may_wait,
                  FsShard *shard);
int fs_shard_use_in_place (CaskBackend *self, const FsName *name, FsShard *shard);
gboolean fs_shard_is_live (CaskBackend *self, const FsName *name, const FsShard *shard);
gboolean fs_shard_is_in_place (CaskBackend *self, const FsName *name,
                               const FsShard *shard);
void fs_shard_clear (FsShard *shard);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FsShard, fs_shard_clear)

void fs_shards_give_back (CaskBackend *self);
void fs_shards_withhold (void);
void fs_shards_allow (void);
void fs_shards_init (CaskBackend *self);
void fs_shards_clear (CaskBackend *self);

/* ---- fs-notes.c: what this store knows of single inodes ---- */

#define FS_NOTES 4096
#define FS_NOTE_LOCKS 16

typedef struct
{
  guint64 device, inode;
  gint64 changed_nsec;  /* the ctime for which the rest holds */
  gint64 modified_nsec; /* and the mtime */
  guint64 version;      /* 0: the slot is free */
  guint64 is_durable;
} FsNote;

typedef struct
{
  GMutex locks[FS_NOTE_LOCKS]; /* slot i by lock i % FS_NOTE_LOCKS */
  FsNote *slots;
} FsNotes;

guint64 fs_notes_version (CaskBackend *self, const struct stat *st);
gboolean fs_notes_durable (CaskBackend *self, const struct stat *st);
gboolean fs_notes_settled (CaskBackend *self, const struct stat *st);
void fs_notes_renewed (CaskBackend *self, const struct stat *before,
                       const struct stat *after, const struct timespec *set);
void fs_notes_synced (CaskBackend *self, const struct stat *st);

/* ---- fs-group.c: syncs that operations share ---- */

int fs_group_file (int fd, FsDurability durability);
int fs_group_filesystem (int fd);
int fs_group_directory (CaskBackend *self, int fd);
void fs_group_sync (CaskBackend *self, FsSync *syncs, guint n_syncs);
void fs_group_init (FsGroup *group);
void fs_group_clear (FsGroup *group);

/* ---- fs-condemned.c: what is in .quarantine, in short ---- */

typedef struct
{
  GMutex lock;
  GArray *shorts; /* by lock; (nullable); sorted; no part of it changes */
  struct stat st; /* by lock: of the directory when they were read */
} FsCondemned;

/* ---- fs-sync.c: what is durable ---- */

typedef struct
{
  guint64 device, inode; /* of the directory when is_durable was set */
  gint64 born_nsec;      /* the same; 0 where the filesystem does not tell */
  guint8 is_durable;     /* its entry in its parent is */
  guint8 is_failed;      /* an fsync of it failed: what it held then may be lost */
  guint8 reserved[6];
} FsDirectory;

typedef struct
{
  GMutex lock;
  FsDirectory parent;                 /* by lock: what the root is in */
  FsDirectory root;                   /* by lock */
  FsDirectory uploads;                /* by lock */
  FsDirectory tops[FS_NAME_TOPS];     /* by lock */
  FsDirectory shards[FS_NAME_SHARDS]; /* by lock */
  GHashTable *failed;                 /* by lock: inodes of which an fsync failed */
  gboolean all_failed;                /* by lock: too many to remember */
  gboolean flush_failed;              /* by lock */
  gint n_failed;                      /* atomic: whether to look at all */
} FsKnown;

/* fs_sync_is_promised: whether success means durable: `full` and `batch`. */
#define fs_sync_is_promised(self) ((self)->durability >= FS_DURABILITY_FULL)

gboolean fs_sync_file_failed (CaskBackend *self, FsDurability durability, int code,
                              GError **error);
gboolean fs_sync_file (CaskBackend *self, int fd, FsDurability durability,
                       GError **error);
gboolean fs_sync_blob (CaskBackend *self, int fd, const struct stat *st, GError **error);
gboolean fs_sync_shard (CaskBackend *self, const FsName *name, int fd, GError **error);
int fs_sync_shard_code (CaskBackend *self, guint shard_index, int fd);
gboolean fs_sync_shard_failed (CaskBackend *self, const FsName *name, int code,
                               GError **error);
gboolean fs_sync_ancestors (CaskBackend *self, const FsName *name, int shard,
                            GError **error);
void fs_sync_forget (CaskBackend *self, const FsName *name, gboolean with_top);
gboolean fs_sync_absence (CaskBackend *self, const FsName *name, GError **error);
gboolean fs_sync_is_suspect (CaskBackend *self, const FsName *name,
                             const struct stat *st);
gboolean fs_sync_upload (CaskBackend *self, int uploads, int directory, GError **error);
gboolean fs_sync_flush (CaskBackend *self, GCancellable *cancellable, GError **error);

/* ---- fs-temp.c: files that have no blob's name yet ---- */

typedef struct
{
  GMutex lock;
  int directory; /* by lock: <root>/.tmp/<name>, or -1; once there, it stays */
  int lock_file; /* by lock */
  char name[64]; /* by lock */
} FsTemps;

typedef struct
{
  CaskBackend *self;
  int fd;        /* for reading and writing */
  int directory; /* not the temp's own: where its name is: the store's temporary one */
  char name[24]; /* "": it has no name at all */
  gboolean is_moved;    /* published by moving its name, never by a second link */
  gboolean is_placed;   /* it has a blob's name */
  gboolean sync_failed; /* so it is never synced again, nor published */
} FsTemp;

void fs_temp_unname (FsTemp *temp);
void fs_temp_clear (FsTemp *temp);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FsTemp, fs_temp_clear)

gboolean fs_temp_directory (CaskBackend *self, int *directory, GError **error);
gboolean fs_temp_open_named (CaskBackend *self, FsTemp *temp, GError **error);
gboolean fs_temp_check (const FsTemp *temp, GError **error);
void fs_temp_random_name (char *name, gsize size);
void fs_temps_close (CaskBackend *self);

/* ---- fs-sweep.c ---- */

#define FS_TEMP_ROOT ".tmp"
#define FS_TEMP_LOCK "lock"
#define FS_TEMP_RANDOM 16

void fs_sweep_once (CaskBackend *self);
const char *fs_sweep_boot (void);

/* ---- The store ---- */

struct _CaskBackend
{
  const CaskHost *host;
  int root; /* O_RDONLY; fsync and syncfs need more than O_PATH */
  FsDurability durability;
  FsLayout layout;
  FsPlace place;
  gint64 freshen_usec;
  guint64 max_uploads;      /* saved ones; 0: any number */
  guint64 max_upload_bytes; /* of all saved ones; 0: any */
  gboolean is_mapped;       /* gets of large ranges are mappings */
  gboolean is_encoded;
  gboolean made_root; /* by open: its entry in its parent is ours to make durable */
  gboolean has_openat2;
  /* Learnt on the way; atomic, and each only ever goes one way. */
  gint was_read_only;
  gint link_by_proc;
  gint no_tmpfile;
  gint no_links;
  gint no_nowait; /* tmpfs has no reads that do not wait */
  gint swept;
  gint root_is_durable;
  gint has_quarantine;    /* something was moved aside once, as far as is known */
  gint quarantine_failed; /* an fsync of where that is kept did */
  gint batch_fds;         /* atomic: what batches may hold now, all together */
  FsLimit limit;
  FsShardSlot shards[FS_NAME_SHARDS];
  FsNotes notes;
  FsGroup group;
  FsCondemned condemned;
  FsKnown known;
  FsTemps temps;
};

/* ---- fs-errors.c ---- */

gboolean fs_fail (CaskBackend *self, int code, const char *what, GError **error);
gboolean fs_fail_path (CaskBackend *self, int code, const char *what, const char *path,
                       GError **error);
gboolean fs_fail_type (const char *path, mode_t mode, GError **error);
gboolean fs_fail_gone (GError **error);
gboolean fs_fail_short (const char *path, guint64 expected, guint64 read, GError **error);

/* ---- fs-root.c ---- */

gboolean fs_root_attach (CaskBackend *self, const char *location, gboolean create,
                         GError **error);
int fs_root_open (CaskBackend *self, const char *path, int flags);
int fs_root_open_cached (CaskBackend *self, const char *path, int flags);
int fs_root_openat_cached (CaskBackend *self, int shard, const char *leaf, int flags);
gboolean fs_root_is_gone (CaskBackend *self);
gboolean fs_root_check_writable (CaskBackend *self, GError **error);
int fs_root_make_directory (CaskBackend *self, const FsName *name);

/* ---- fs-layout.c ---- */

gboolean fs_layout_check (CaskBackend *self, GError **error);

/* ---- fs-blob.c: a blob's file, found, looked at, locked and renewed ---- */

/* An initialiser for all of it would clear st, which takes as long as a lock: on the way
 * of every get it is fd alone that is set, to -1, in the line below the declaration. */
typedef struct
{
  int fd;
  struct stat st;
} FsBlob;

static inline void
fs_blob_clear (FsBlob *blob)
{
  fs_fd_close (fs_fd_steal (&blob->fd));
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FsBlob, fs_blob_clear)

typedef enum
{
  FS_LOOK_FAILED,
  FS_LOOK_ABSENT,
  FS_LOOK_FOUND
} FsLook;

typedef enum
{
  FS_LOCK_FAILED,
  FS_LOCK_BUSY,
  FS_LOCK_HELD,
  FS_LOCK_UNSUPPORTED /* no conditional removal here, so none to fear */
} FsLock;

typedef enum
{
  FS_USE_FAILED,
  FS_USE_ABSENT,
  FS_USE_DONE,
  FS_USE_UNFIT, /* of another size, or perhaps not on the disk: store it anew */
  FS_USE_DENIED /* of another owner: its time is not ours to renew */
} FsUse;

gint64 fs_time_usec (const struct timespec *time);
gint64 fs_time_now_usec (void);
int fs_time_renew (int fd, struct timespec *set);
void fs_blob_info (CaskBackend *self, const CaskDigest *digest, const struct stat *st,
                   CaskBlobInfo *info);
FsLook fs_blob_open (CaskBackend *self, const FsName *name, FsBlob *blob, GError **error);
FsLook fs_blob_stat (CaskBackend *self, const FsName *name, struct stat *st,
                     GError **error);
FsLook fs_blob_open_at (CaskBackend *self, int shard, const FsName *name, FsBlob *blob,
                        GError **error);
FsLook fs_blob_is_at (CaskBackend *self, const FsBlob *blob, int shard,
                      const FsName *name, GError **error);
FsLock fs_blob_lock (CaskBackend *self, int fd, int operation, gboolean wait,
                     GCancellable *cancellable, GError **error);
FsUse fs_blob_use (CaskBackend *self, const FsName *name, guint64 size, FsBlob *blob,
                   GCancellable *cancellable, GError **error);

/* ---- fs-read.c ---- */

gssize fs_read_start (int fd, void *buffer, gsize count);

/* ---- fs-publish.c: from bytes to a name ---- */

typedef enum
{
  FS_PUBLISH_FAILED,
  FS_PUBLISH_DONE,
  FS_PUBLISH_LOST,      /* somebody else was there first, or took away what we stood on */
  FS_PUBLISH_UNLINKABLE /* a nameless file that can not get this name */
} FsPublish;

gboolean fs_publish_open (CaskBackend *self, int directory, FsTemp *temp, GError **error);
gboolean fs_publish_write (CaskBackend *self, int fd, guint64 offset, GBytes *bytes,
                           GCancellable *cancellable, GError **error);
gboolean fs_publish_name (CaskBackend *self, FsTemp *temp, GCancellable *cancellable,
                          GError **error);
int fs_publish_link (CaskBackend *self, FsTemp *temp, int directory, const char *leaf);
gboolean fs_publish_is_unlinkable (int code);
gboolean fs_publish_is_stale (const struct timespec *time);
gboolean fs_publish_date (CaskBackend *self, FsTemp *temp, struct timespec *set,
                          GError **error);
gboolean fs_publish_finish (CaskBackend *self, FsTemp *temp, FsDurability durability,
                            GCancellable *cancellable, GError **error);
FsPublish fs_publish_link_new (CaskBackend *self, FsTemp *temp, int directory,
                               const char *leaf, GError **error);
FsPublish fs_publish_link_over (CaskBackend *self, FsTemp *temp, int shard,
                                const FsName *name, GCancellable *cancellable,
                                GError **error);
FsPublish fs_publish_new (CaskBackend *self, int directory, const char *leaf,
                          GBytes *bytes, FsDurability durability,
                          GCancellable *cancellable, GError **error);
FsDurability fs_publish_durability_over (CaskBackend *self);
FsPublish fs_publish_over (CaskBackend *self, int shard, const FsName *name,
                           GBytes *bytes, GCancellable *cancellable, GError **error);

/* ---- fs-write.c: what is there, and where to write ---- */

int fs_write_open_shard (CaskBackend *self, const FsName *name, GError **error);
FsUse fs_write_look (CaskBackend *self, const FsName *name, guint64 size, guint32 flags,
                     GCancellable *cancellable, GError **error);
gboolean fs_put_by (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                    guint32 flags, gboolean *created, gint64 *deadline,
                    GCancellable *cancellable, GError **error);

/* ---- fs-remove.c: one removal, without its fsync ---- */

typedef enum
{
  FS_REMOVE_FAILED,
  FS_REMOVE_DONE,
  FS_REMOVE_KEPT,
  FS_REMOVE_ABSENT,
  FS_REMOVE_AGAIN
} FsRemove;

gboolean fs_remove_check (CaskBackend *self, gint64 unused_since_usec, GError **error);
FsRemove fs_remove_at (CaskBackend *self, const FsName *name, int shard,
                       gint64 unused_since_usec, GCancellable *cancellable,
                       GError **error);
CaskRemoved fs_remove_outcome (FsRemove done);

/* ---- fs-condemned.c: what was moved out of the way ---- */

#define FS_CONDEMNED_ROOT ".quarantine"

typedef char FsCondemnName[192];

void fs_condemned_prefix (const CaskDigest *digest, FsCondemnName name);
void fs_condemned_init (CaskBackend *self);
void fs_condemned_clear (CaskBackend *self);
void fs_condemned_look (CaskBackend *self);
gboolean fs_condemned_try_absent (CaskBackend *self, const CaskDigest *digest);
gboolean fs_condemned_fail_absent (CaskBackend *self, const CaskDigest *digest,
                                   GError **error);

/* ---- fs-encoding.c ---- */

gboolean fs_encoding_check (CaskBackend *self, const char *encoding,
                            GCancellable *cancellable, GError **error);

/* ---- fs-saved-list.c ---- */

void fs_saved_sweep (CaskBackend *self);

G_END_DECLS
