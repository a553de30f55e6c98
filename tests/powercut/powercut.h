/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut.h: what the files of the power-cut tests share; README.md has the model.
 *
 *   work -> record -> log -> model -> states -> tree -> check
 *
 * Invariants:
 * - The log lies in memory that all recording processes share. An entry is appended in
 * the same critical section in which the system did what it says, so that the order of
 * the entries is the order of the effects.
 * - A cut at k means: the entries before k have happened, the others have not. */
#pragma once

#include <pthread.h>

#include <cask/cask.h>

#include "fs-system.h"

/* ---- powercut-log.c: what happened ---- */

#define POWER_ENTRIES 32768
#define POWER_SLOTS 4096
#define POWER_INODES 8192
#define POWER_CALLS 2048
#define POWER_BLOBS 80
#define POWER_UPLOADS 64
#define POWER_HEAP (16 * 1024 * 1024)
#define POWER_ROOT "root" /* the store's name in the directory that holds it */
#define POWER_OUTSIDE 1   /* the inode of that directory; 0 is no inode */

typedef enum
{
  POWER_ENTRY_CREATE,   /* inode: new; a: its mtime; b: its mode */
  POWER_ENTRY_WRITE,    /* inode; a: offset; b: length; c: where in the heap */
  POWER_ENTRY_TRUNCATE, /* inode; a: size */
  POWER_ENTRY_META,     /* inode; a: its mtime; b: its mode */
  POWER_ENTRY_NAME,     /* slot leads to inode now; 0: nowhere */
  POWER_ENTRY_RENAME,   /* from slot to target: inode */
  POWER_ENTRY_SYNC,     /* inode (0: the whole filesystem); is_data: fdatasync */
  POWER_ENTRY_SYNCED,   /* a: the position of its SYNC */
  POWER_ENTRY_CALL,     /* a: index of the call that begins */
  POWER_ENTRY_RETURN    /* a: index of the call that was acknowledged, or failed */
} PowerEntryKind;

typedef struct
{
  guint8 kind;
  guint8 is_data;
  guint16 process;
  guint32 inode, slot, target;
  guint64 a, b, c;
} PowerEntry;

/* PowerSlot: a name in a directory. */
typedef struct
{
  guint32 directory;
  char name[140];
} PowerSlot;

typedef enum
{
  POWER_ROLE_FILE,
  POWER_ROLE_STATE, /* of a saved upload: made with a name in its directory */
  POWER_ROLE_OUTSIDE,
  POWER_ROLE_ROOT,
  POWER_ROLE_TOP,
  POWER_ROLE_SHARD,
  POWER_ROLE_TEMPS,
  POWER_ROLE_TEMP,
  POWER_ROLE_UPLOADS,
  POWER_ROLE_UPLOAD
} PowerRole;

/* PowerInode: numbers are reused, so the newest inode of a number is the one meant. */
typedef struct
{
  guint64 device, number;
  guint32 role;
  guint32 is_directory;
} PowerInode;

typedef enum
{
  POWER_CALL_NONE,
  POWER_CALL_PUT,
  POWER_CALL_DELETE,
  POWER_CALL_SAVE,
  POWER_CALL_ABORT,
  POWER_CALL_FLUSH
} PowerCallKind;

typedef struct
{
  guint32 kind;
  guint32 blob;       /* of PUT and DELETE */
  guint32 upload;     /* 1 and up; 0: none */
  guint32 begin, end; /* positions; end 0: not come back yet */
  guint8 is_ok;       /* came back without an error */
  guint8 is_effect;   /* created, or removed */
  guint8 is_heal;     /* was told to store anew */
  guint8 reserved[5];
  gint64 begin_usec;
  guint64 offset; /* of SAVE */
} PowerCall;

typedef struct
{
  char id[40];
  guint32 blob;
} PowerUpload;

typedef struct
{
  CaskDigest digest;
  guint32 size;
  guint32 is_damaged; /* by the prelude: its name may lead to other bytes */
  guint64 heap;
} PowerBlob;

typedef struct
{
  pthread_mutex_t mutex;
  gint failed;        /* atomic: a table was full, or a call did what it must not */
  gint n_blob_names;  /* atomic: names that blobs were given */
  gint n_directories; /* atomic: that were made */
  gint n_removed;     /* atomic: names that were taken away */
  guint32 n_entries, n_slots, n_inodes, n_calls, n_blobs, n_uploads;
  guint32 start; /* cuts are made from this position on */
  guint32 durability, layout;
  guint64 heap_used;
  guint64 seed;
  char freshen[16];
  char script[2048];
  PowerEntry entries[POWER_ENTRIES];
  PowerSlot slots[POWER_SLOTS];
  PowerInode inodes[POWER_INODES];
  PowerCall calls[POWER_CALLS];
  PowerUpload uploads[POWER_UPLOADS];
  PowerBlob blobs[POWER_BLOBS];
  guint8 heap[POWER_HEAP];
} PowerLog;

typedef enum
{
  POWER_NONE,
  POWER_DATA,
  POWER_FULL,
  POWER_BATCH
} PowerDurability;

extern const char *const power_durabilities[];
extern const char *const power_layouts[];

PowerLog *power_log_new (void);
void power_log_free (PowerLog *log);
void power_log_lock (PowerLog *log);
void power_log_unlock (PowerLog *log);
PowerEntry *power_log_append (PowerLog *log, PowerEntryKind kind);
guint64 power_log_keep (PowerLog *log, const void *bytes, gsize count);
guint32 power_log_slot (PowerLog *log, guint32 directory, const char *name);
guint32 power_log_inode (PowerLog *log, const struct stat *st);
guint32 power_log_born (PowerLog *log, const struct stat *st, PowerRole role);
guint32 power_call_begin (PowerLog *log, const PowerCall *call);
void power_call_end (PowerLog *log, guint32 index, gboolean is_ok, gboolean is_effect);
guint power_log_count_syncs (const PowerLog *log, const PowerCall *call, guint *n_data,
                             guint *n_directories);
gboolean power_log_save (const PowerLog *log, const char *path);
PowerLog *power_log_load (const char *path);
void power_log_print (const PowerLog *log, guint32 cut);
char *power_log_config (const PowerLog *log, const char *root);

/* ---- powercut-record.c: a system that writes down what it does ---- */

/* What the recorder says yes to and keeps quiet about: a store without that sync. */
typedef enum
{
  POWER_LIE_NONE = 0,
  POWER_LIE_DATA = 1 << 0,
  POWER_LIE_SHARD = 1 << 1,
  POWER_LIE_TOP = 1 << 2,
  POWER_LIE_ROOT = 1 << 3,
  POWER_LIE_OUTSIDE = 1 << 4,
  POWER_LIE_HIT = 1 << 5,
  POWER_LIE_EXISTED = 1 << 6,
  POWER_LIE_DELETE = 1 << 7,
  POWER_LIE_ABSENT = 1 << 8,
  POWER_LIE_OVER = 1 << 9,
  POWER_LIE_SAVE = 1 << 10,
  POWER_LIE_TIME = 1 << 11,
  POWER_LIE_FLUSH = 1 << 12
} PowerLie;

/* Called before and after whatever may change what a power cut leaves; or NULL. */
extern void (*power_record_watch) (void);

FsSystem power_system (void);
void power_record_begin (PowerLog *log, PowerLie lies, guint slow_usec);
void power_record_thread (guint64 seed);
void power_yield (guint64 usec);
void power_record_call (PowerCallKind kind);
void power_record_outside (PowerLog *log, const char *path);

/* ---- powercut-work.c: who puts and removes what ---- */

/* PowerShape: what to record; script: see README.md; NULL: a random one. */
typedef struct
{
  const char *name;
  const char *script;
  PowerDurability durability;
  guint layout;
  const char *freshen;
  guint n_shards; /* that its blobs are in */
  PowerLie lies;
  guint slow_usec; /* how long a sync takes */
} PowerShape;

void power_blobs_make (PowerLog *log, guint n_blobs, guint n_shards);
GBytes *power_blob_bytes (const PowerLog *log, guint32 blob);
char *power_script_random (guint64 seed, guint n_processes, guint n_threads,
                           guint n_steps);
gboolean power_work (PowerLog *log, const PowerShape *shape, const char *directory);

/* ---- powercut-step.c: one step of one thread ---- */

typedef struct
{
  PowerLog *log;
  CaskStore *store;
  const char *root;
} PowerActor;

gboolean power_step (PowerActor *actor, const char *token, GError **error);

/* ---- powercut-model.c: what may be left ---- */

typedef struct
{
  guint32 position;
  guint32 inode;  /* what the slot leads to from then on; 0: nothing */
  guint32 target; /* the slot to which it was renamed away */
  guint32 is_move;
} PowerChange;

typedef struct
{
  guint32 position;
  guint64 mtime_nsec;
  guint64 mode;
} PowerMeta;

typedef struct
{
  GArray *changes; /* of PowerChange; the first: nothing was there */
  guint32 durable; /* index into changes */
} PowerName;

typedef struct
{
  GArray *writes; /* of guint32: positions */
  GArray *metas;  /* of PowerMeta */
  GArray *slots;  /* of guint32: of a directory */
  guint32 durable_writes;
  guint32 durable_meta;
  guint32 last; /* position of the last change of metadata; + 1 */
} PowerFile;

typedef struct
{
  const PowerLog *log;
  guint32 cut;
  guint32 journal; /* what the ordered model has on the disk at least */
  PowerName *names;
  PowerFile *files;
  GHashTable *contents; /* of PowerContent, by guint64 */
} PowerModel;

PowerModel *power_model_new (const PowerLog *log);
void power_model_free (PowerModel *model);
void power_model_advance (PowerModel *model);

/* ---- powercut-states.c: the states of one cut ---- */

typedef enum
{
  POWER_WEAK,
  POWER_ORDERED,
  POWER_N_ORDERS
} PowerOrder;

typedef enum
{
  POWER_KEPT_WHOLE,
  POWER_KEPT_DURABLE, /* nothing since the last sync */
  POWER_KEPT_ZEROS,   /* the length, not the bytes */
  POWER_KEPT_PART,
  POWER_N_KEPT
} PowerKept;

/* PowerState: one of the states that a cut may leave; index by slot and by inode. */
typedef struct
{
  const PowerChange **names;
  guint8 *kept;
  const PowerMeta **metas;
} PowerState;

typedef struct _PowerStates PowerStates;

PowerStates *power_states_new (PowerModel *model);
void power_states_free (PowerStates *states);
guint64 power_states_begin (PowerStates *states, PowerOrder order, guint64 cap);
const PowerState *power_states_get (PowerStates *states, guint64 number);
guint64 power_states_hash (PowerStates *states);

/* ---- powercut-content.c: a file's bytes ---- */

typedef struct
{
  GBytes *bytes;
  guint64 hash;
} PowerContent;

guint64 power_mix (guint64 hash, guint64 value);
void power_content_free (gpointer content);
const PowerContent *power_content (PowerModel *model, guint32 inode, PowerKept kept);

/* ---- powercut-tree.c: a state as a directory ---- */

gboolean power_tree_make (PowerModel *model, const PowerState *state, const char *path);
void power_tree_clear (const char *path);
guint power_tree_count (const char *path);

/* ---- powercut-check.c: what has to be true of it ---- */

typedef enum
{
  POWER_FINE,
  POWER_D1,     /* acknowledged, so readable and identical */
  POWER_D2,     /* above none, what has a name has the right bytes */
  POWER_D3,     /* never wrong bytes */
  POWER_D4,     /* what was acknowledged as removed stays so */
  POWER_D5,     /* list = contains */
  POWER_D6,     /* put again succeeds and heals */
  POWER_D7,     /* recovery twice = recovery once; no temps are left */
  POWER_SAVED,  /* a saved upload resumes where it was saved */
  POWER_USED,   /* a renewed time that was acknowledged is kept */
  POWER_BROKEN, /* an error where none may be */
  POWER_N_RULES
} PowerRule;

extern const char *const power_rules[POWER_N_RULES];

typedef struct
{
  guint8 must_be, must_not_be, must_be_right;
  guint8 reserved[5];
  gint64 used_usec;
} PowerWant;

typedef struct
{
  guint32 is_required, is_open; /* is_open: committed, aborted, or about to be */
  guint64 least, most;          /* the offsets it may resume at */
} PowerWantUpload;

typedef struct
{
  PowerWant blobs[POWER_BLOBS];
  PowerWantUpload uploads[POWER_UPLOADS];
} PowerWants;

/* ---- powercut-wants.c ---- */

void power_wants (const PowerLog *log, guint32 cut, PowerWants *wants);
PowerRule power_check (const PowerLog *log, const PowerWants *wants, const char *root,
                       char **reason);

/* ---- powercut-run.c: all of it ---- */

typedef struct
{
  guint64 n_states;   /* that were opened and checked */
  guint64 n_distinct; /* directories, that differ */
  guint64 n_broken[POWER_N_RULES];
  guint64 n_lost;  /* of D1 */
  guint32 is_torn; /* the run itself failed */
  char first[1024];
} PowerResult;

typedef struct
{
  guint64 cap;  /* states of a cut and model */
  guint64 most; /* of a recording; 0: any number */
  gboolean stop_at_first;
} PowerLimits;

const char *power_directory (void);
void power_after_boot (void);
PowerLog *power_log_for (const PowerShape *shape, guint64 seed);
gboolean power_record (const PowerShape *shape, guint64 seed, PowerLog **log);
void power_replay (PowerLog *log, const PowerLimits *limits, PowerResult *result);
void power_result_add (PowerResult *sum, const PowerResult *more);
guint64 power_result_broken (const PowerResult *result);
int power_replay_one (int argc, char **argv);
