/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-plugin.h: all that a backend or a layer sees of Cask.
 *
 * A backend keeps blobs somewhere: fs, memory, s3. A layer stands before one or more
 * other backends, its children: a cache, a compressor, a mirror. Both are a shared object
 * `cask-NAME.so` that completes `struct _CaskBackend` for itself, fills a table of
 * functions, and names it once:
 *
 *   static const CaskBackendOps shelf_ops = {
 *     .size = sizeof (CaskBackendOps), .open = shelf_open, …
 *   };
 *   CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND,
 *                       .capabilities = CASK_CAPABILITY_WRITE,
 *                       .name = "shelf", .version = "1.0", .ops = &shelf_ops)
 *
 * A plugin links GLib and nothing of Cask. The rules that hold everywhere:
 *
 * - Digests are keys. The core computes and checks every hash; no slot hashes to check
 * what it is given, and none judges a blob by its content: under a layer, the bytes kept
 * for a digest need not hash to it.
 * - Any slot but open and close may be called at once from any thread, and may block.
 * Calls on one upload handle come one at a time. The try slots must never block.
 * - `cancellable` may be NULL; so may what is marked (nullable); nothing else. Results
 * are written on success only. A GBytes goes in borrowed and comes out owned by the
 * caller.
 * - A failure sets %CASK_ERROR, or %G_IO_ERROR_CANCELLED once the cancellable is
 * cancelled. The message says what failed ("link: No space left on device"); the core
 * puts the store and the digest before it.
 * - A flag is a hint. Flags of 1.0 are obeyed; a leaf ignores bits it does not know, a
 * layer hands every bit on. What must be obeyed will always come as an argument or a
 * slot. */
#pragma once

#include <gio/gio.h>
#include "cask-option.h"
#include "cask-types.h"

G_BEGIN_DECLS

#define CASK_PLUGIN_MAGIC G_GUINT64_CONSTANT (0x4341534b504c5547)
#define CASK_PLUGIN_ABI_MAJOR 1
#define CASK_PLUGIN_ABI_MINOR 0

/** CASK_FRESHEN_LAG_USEC: how stale a modification time may be before a hit must renew
 * it, unless the backend's own option says otherwise. */
#define CASK_FRESHEN_LAG_USEC (60 * G_USEC_PER_SEC)

/* Each plugin completes these three for itself: no casts. A child's are opaque to its
 * layer, which may hand the child's handles out as its own where it has nothing to add.
 */
typedef struct _CaskBackend CaskBackend;
typedef struct _CaskBackendBlob CaskBackendBlob;
typedef struct _CaskBackendUpload CaskBackendUpload;

/* ---- Flags, by slot ---- */

enum /* put, put_many, upload_commit */
{
  CASK_PUT_REPLACE =
      1 << 0, /* the core found the copy bad: swap it atomically, created = FALSE */
  CASK_PUT_KEEP = 1 << 1 /* bytes own plain memory and may be kept by reference; without
                            it, copy whatever outlives the call */
};
enum /* get, try_get, get_many, blob_open */
{
  CASK_READ_SCAN =
      1 << 0 /* one pass over everything: do not promote, fill, or count it as use */
};
enum /* stat, contains_many */
{
  CASK_STAT_FRESHEN = 1 << 0 /* renew the modification time, as a put hit does */
};
enum /* list */
{
  CASK_LIST_BRIEF =
      1 << 0 /* digests will do: size and mtime may stay CASK_UNKNOWN and 0 */
};
enum /* condemn */
{
  CASK_CONDEMN_QUARANTINE =
      1 << 0 /* move the bytes aside and keep them, or UNSUPPORTED */
};

/** CaskTry: what a try slot answers. ABSENT must be certain; any doubt or error is AGAIN,
 * and the core asks the blocking slot. */
typedef enum
{
  CASK_TRY_AGAIN,
  CASK_TRY_FOUND,
  CASK_TRY_ABSENT
} CaskTry;

/** CaskItem: one element of a batch. */
typedef struct
{
  const CaskDigest *digest; /* in */
  GBytes *bytes;            /* in: put_many; out, the caller's: get_many */
  GError *error;            /* out, the caller's; NULL = this element succeeded */
  CaskBlobInfo *info; /* (nullable) filled where it is given: get_many, contains_many */
  guint32 outcome;    /* out: created, present, or a CaskRemoved */
  guint32 reserved[7];
} CaskItem;

/* ---- What the host gives ---- */

typedef struct _CaskHasher CaskHasher;
typedef struct _CaskHost CaskHost;
typedef void (*CaskJob) (gpointer data, GCancellable *cancellable);

/** CaskHost: the host's services, one table for each open instance, callable from any
 * thread.
 *
 * Sized: read a member newer than 1.0 only if `size` covers it, or ask for it by
 * `need_minor`. */
struct _CaskHost
{
  guint32 size;
  guint32 minor;

  /* A streaming hasher, for layers that name bytes of their own. NULL for an unknown
   * algorithm. */
  CaskHasher *(*hasher_new) (const CaskHost *host, guint32 algorithm);
  void (*hasher_update) (CaskHasher *hasher, const void *data, gsize count);
  /* Frees the hasher. digest: (nullable) to throw the hash away. */
  void (*hasher_finish) (CaskHasher *hasher, CaskDigest *digest);

  /* Runs job once, on a thread of its own turn, perhaps late: never wait for its start.
   * `close` is called only after its end; the cancellable fires when a close wants it to
   * hurry. */
  void (*spawn) (const CaskHost *host, CaskJob job, gpointer data);

  /* Reports a fault that was survived. digest: (nullable). */
  void (*warn) (const CaskHost *host, const CaskDigest *digest, const GError *error);
};

typedef struct _CaskBackendOps CaskBackendOps;

/** CaskChild: an open child, behind the host's checks: what comes back from it has the
 * right length, an error where it failed, and nothing it should not have. */
typedef struct
{
  guint32 size;
  guint32 reserved;
  const CaskBackendOps
      *ops; /* the host's own table: every slot that ops->size covers is there */
  CaskBackend *backend;
  guint64 capabilities;
  const char *name; /* "fs:/srv/blobs", secrets redacted */
} CaskChild;

/** CASK_CALL: calls a slot of a child: `CASK_CALL (child, stat, digest, 0, &info,
 * cancellable, error)`. It evaluates child twice. */
#define CASK_CALL(child, slot, ...) ((child)->ops->slot ((child)->backend, __VA_ARGS__))
/** CASK_HAS: whether the host knows a slot at all; needed only for slots newer than your
 * need_minor. */
#define CASK_HAS(child, slot)                                                            \
  ((child)->ops->size >= G_STRUCT_OFFSET (CaskBackendOps, slot) + sizeof (gpointer))

/** CaskOpenArgs: what open is given. All of it stays valid until close has returned. */
typedef struct
{
  guint32 size;
  guint32 n_children;
  const CaskHost *host;
  const char *location;          /* decoded, perhaps not UTF-8; "" where there is none */
  const CaskOptionValue *values; /* one for each of CaskPlugin.options, in its order */
  const CaskChild *const *children;
  const char *encoding; /* (nullable) the encoding layers above, outermost first:
                           "aes+zstd". Where set, conclude nothing from bytes or sizes; a
                           backend whose place outlives the process records it there and
                           refuses to be opened with another */
} CaskOpenArgs;

/** CaskUploadSpec: what is known when an upload begins. */
typedef struct
{
  guint32 size;
  guint32 algorithm;
  const CaskDigest *digest; /* (nullable) not known yet */
  guint64 expected_size;    /* or CASK_UNKNOWN */
} CaskUploadSpec;

/** CaskUploadFunc: called for each saved upload; must call no slot. Returns: FALSE to
 * stop. */
typedef gboolean (*CaskUploadFunc) (const char *id, guint64 offset, gint64 mtime_usec,
                                    gpointer data);

/* ---- The table ---- */

struct _CaskBackendOps
{
  guint32 size; /* sizeof (CaskBackendOps), as compiled */
  guint32 reserved;

  /* -- required -- */

  /* Opens the place that args names, in O(1): nothing is scanned. */
  CaskBackend *(*open) (const CaskOpenArgs *args, GCancellable *cancellable,
                        GError **error);

  /* Called once, last: no call, handle or job is left. Bytes that get gave out may be,
   * and stay good. */
  void (*close) (CaskBackend *self);

  /* Stores all of bytes under digest, or nothing; success carries the durability the
   * store was opened with. What is there already is a hit: created = FALSE, freshened and
   * then looked at again, for a removal may have come between: gone means store it after
   * all. So too where a race to store was lost. A copy of another size is replaced (not
   * under an encoding), with CASK_PUT_REPLACE any copy is. Errors: NO_SPACE, READ_ONLY,
   * PERMISSION, BUSY, TOO_LARGE, IO. */
  gboolean (*put) (CaskBackend *self, const CaskDigest *digest, GBytes *bytes,
                   guint32 flags, gboolean *created, GCancellable *cancellable,
                   GError **error);

  /* Reads the range as cask_range_clamp() has it; length CASK_TO_END runs to the end. May
   * alias a cache or a mapping whose bytes can not change. info is of the very copy that
   * was read. Errors: NOT_FOUND only where it is certain; INVALID_RANGE; CORRUPT for
   * anything but a regular blob. */
  GBytes *(*get) (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                  guint64 length, guint32 flags, CaskBlobInfo *info,
                  GCancellable *cancellable, GError **error);

  /* Errors: as get. */
  gboolean (*stat) (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                    CaskBlobInfo *info, GCancellable *cancellable, GError **error);

  /* Removes the blob if its modification time is before unused_since_usec; CASK_ALWAYS:
   * whatever its age. Test and removal are one step against every freshening. A backend
   * without REMOVE_UNUSED refuses any other value as UNSUPPORTED. Removing what is absent
   * succeeds with CASK_REMOVED_ABSENT. */
  gboolean (*remove) (CaskBackend *self, const CaskDigest *digest,
                      gint64 unused_since_usec, CaskRemoved *outcome,
                      GCancellable *cancellable, GError **error);

  /* Fills infos with blobs in ascending order, all of them greater than after (nullable),
   * which need not exist. n_infos: room (at least 1) in, filled out; never 0 while *more.
   * Blobs that exist throughout a whole listing appear exactly once in it; unfinished
   * ones never. */
  gboolean (*list) (CaskBackend *self, const CaskDigest *after, guint32 flags,
                    CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
                    GCancellable *cancellable, GError **error);

  /* -- optional: NULL where not said otherwise means that the host does it with the above
   * -- */

  /* What this instance promises, fixed from open on. NULL: CaskPlugin.capabilities, for a
   * layer and'ed with every child's. */
  guint64 (*capabilities) (CaskBackend *self);

  /* Both from a main loop: no I/O, no lock that anybody holds across I/O, 100
   * microseconds at most. try_get answers FOUND with at most CASK_TRY_LIMIT bytes,
   * resident ones. NULL: always AGAIN. */
  CaskTry (*try_get) (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                      guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info);
  CaskTry (*try_stat) (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info);

  /* Reading in pieces: all three or none, and the host reads by get, which can not
   * outlive a removal: READS_OUTLIVE_REMOVE is then not announced. A handle is one copy,
   * fixed at open. */
  CaskBackendBlob *(*blob_open) (CaskBackend *self, const CaskDigest *digest,
                                 guint32 flags, CaskBlobInfo *info,
                                 GCancellable *cancellable, GError **error);
  /* Returns: 1..count bytes read; 0 at or past the end; -1 with an error: GONE where the
   * copy was removed and READS_OUTLIVE_REMOVE is not announced. Any thread, several at
   * once. */
  gssize (*blob_read) (CaskBackend *self, CaskBackendBlob *blob, guint64 offset,
                       void *buffer, gsize count, GCancellable *cancellable,
                       GError **error);
  void (*blob_close) (CaskBackend *self, CaskBackendBlob *blob);

  /* Writing in pieces: begin, write, commit and close, or none: the host gathers what
   * is written, in memory up to 1 MiB and then in a file without a name in the store's
   * `spool` directory, and puts it as a whole. Nothing is visible before the commit.
   * expected_size is a hint: fewer and more bytes may come. */
  CaskBackendUpload *(*upload_begin) (CaskBackend *self, const CaskUploadSpec *spec,
                                      GCancellable *cancellable, GError **error);
  /* All of chunk, which is not empty, or a failure, after which only close is left. chunk
   * may be kept; what outlives the upload is better a copy, for all that is kept counts
   * against the memory that the uploads of a process share. */
  gboolean (*upload_write) (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                            GCancellable *cancellable, GError **error);
  /* As put. After a failure: the same commit again, or close. */
  gboolean (*upload_commit) (CaskBackend *self, CaskBackendUpload *upload,
                             const CaskDigest *digest, guint32 flags, gboolean *created,
                             GCancellable *cancellable, GError **error);
  /* Called once, last, always. keep: what was saved stays saved. */
  void (*upload_close) (CaskBackend *self, CaskBackendUpload *upload, gboolean keep);

  /* Continuing later: save, resume and list, or none (UNSUPPORTED). Called only where
   * RESUME is announced. What was written, and state (16 MiB at most, the core's own),
   * are kept with the durability of a put under an id of 1 to 1,024 characters of
   * [A-Za-z0-9._~:-]. Repeatable, and possible before anything is written; the id stays
   * the same. */
  gboolean (*upload_save) (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                           char **id, GCancellable *cancellable, GError **error);
  /* The upload as it was last saved: the state that was given then, and how much was
   * written by then; what was written later is dropped. id has the form above, and may
   * still be anybody's invention. Errors: NOT_FOUND, BUSY while it is open anywhere. */
  CaskBackendUpload *(*upload_resume) (CaskBackend *self, const char *id, GBytes **state,
                                       guint64 *offset, GCancellable *cancellable,
                                       GError **error);
  /* Those saved and not open. mtime_usec: when it was last saved, not when it was last
   * written to. The host leaves out what has no proper id, and warns. */
  gboolean (*upload_list) (CaskBackend *self, CaskUploadFunc func, gpointer data,
                           GCancellable *cancellable, GError **error);

  /* Reads what upload_write has taken, or what a resume brought back: from any thread,
   * beside the one writer, until close. n_read: 0 where nothing is there yet. The core
   * hashes anew through it where the hash in a state that came back is damaged or is not
   * of the offset that came with it; a layer may serve what it is still filling. NULL:
   * UNSUPPORTED, and an upload that would have to be hashed anew can not be resumed. What
   * the host gathers can be read. */
  gboolean (*upload_read) (CaskBackend *self, CaskBackendUpload *upload, guint64 offset,
                           void *buffer, gsize count, gsize *n_read,
                           GCancellable *cancellable, GError **error);

  /* Batches. FALSE: nothing was tried; else every item has its outcome or its error. */
  gboolean (*put_many) (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                        GCancellable *cancellable, GError **error);
  gboolean (*get_many) (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                        GCancellable *cancellable, GError **error);
  gboolean (*contains_many) (CaskBackend *self, CaskItem *items, gsize n_items,
                             guint32 flags, GCancellable *cancellable, GError **error);
  gboolean (*remove_many) (CaskBackend *self, CaskItem *items, gsize n_items,
                           gint64 unused_since_usec, GCancellable *cancellable,
                           GError **error);

  /* Whatever was acknowledged before is durable after. NULL: every child's; for a leaf,
   * true at once where DURABLE is announced and UNSUPPORTED where not. */
  gboolean (*flush) (CaskBackend *self, GCancellable *cancellable, GError **error);

  /* Members that are not cheap to know stay CASK_UNKNOWN, which the host puts there
   * before. */
  gboolean (*usage) (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable,
                     GError **error);

  /* The copy of that version does not hash to its digest: avoid it if you can. again:
   * another copy may be good, ask get once more. NULL: there is only the one; with
   * QUARANTINE, UNSUPPORTED.
   *
   * With CASK_CONDEMN_QUARANTINE success without again means that the copy of that
   * version is kept aside, as durably as a put would be, and that the blob is absent. A
   * copy of another version, or one too new to have a version, stays where it is: again.
   * Again, too, where there is none any more. */
  gboolean (*condemn) (CaskBackend *self, const CaskDigest *digest, guint64 version,
                       guint32 flags, gboolean *again, GCancellable *cancellable,
                       GError **error);
};

/** CASK_TRY_LIMIT: the most that try_get may answer with, in bytes. */
#define CASK_TRY_LIMIT 65536

/* ---- The descriptor ---- */

/** CaskPluginKind: a backend keeps bytes and has no children; a layer has at least one.
 */
typedef enum
{
  CASK_PLUGIN_BACKEND = 1,
  CASK_PLUGIN_LAYER = 2
} CaskPluginKind;

/** CaskLocation: whether something may, must or must not stand behind the name:
 * "fs:LOCATION". */
typedef enum
{
  CASK_LOCATION_NONE,
  CASK_LOCATION_OPTIONAL,
  CASK_LOCATION_REQUIRED
} CaskLocation;

enum /* CaskPlugin.needs: what a plugin needs of the host; unknown bits are refused, so
        are both at once */
{
  CASK_NEEDS_DELEGATION =
      1 << 0, /* a layer of one child that changes no bytes: a slot that it leaves NULL
                 within its own table is the child's */
  CASK_NEEDS_ENCODING =
      1 << 1 /* a layer whose children's bytes do not hash to their digests */
};

/** CaskPlugin: the descriptor, exported as `cask_plugin` by CASK_PLUGIN_DEFINE(). */
typedef struct
{
  guint64 magic;
  guint32 size; /* sizeof (CaskPlugin), as compiled */
  guint16 abi_major, abi_minor;
  guint32 option_size; /* sizeof (CaskOptionSpec), as compiled */
  guint32 n_options;
  guint16 need_minor; /* the oldest ABI minor of a host that this plugin can work with */
  guint16 reserved;
  guint32 kind;     /* CaskPluginKind */
  guint32 location; /* CaskLocation */
  guint32 min_children, max_children;
  guint64 capabilities; /* CaskCapabilities of every store; where the ops have a slot for
                           it, for `cask plugins` only */
  guint64 needs;
  const char *name; /* as in a config string and in the file's name:
                       [a-z][a-z0-9]*(-[a-z0-9]+)* */
  const char *version;
  const char *summary; /* one line */
  const char *license; /* SPDX */
  const char *homepage;
  const CaskOptionSpec *options;
  const CaskBackendOps *ops;
} CaskPlugin;

#ifdef __cplusplus
#define CASK_EXTERN_C extern "C"
#else
#define CASK_EXTERN_C extern
#endif

/* AddressSanitizer pads what it guards, and a padded note is malformed; gcc's leaves
 * named sections alone. */
#ifdef __clang__
#define CASK_NOTE_UNPADDED __attribute__ ((no_sanitize ("address")))
#else
#define CASK_NOTE_UNPADDED
#endif

/* The ELF note, by which a host knows that the ABI fits before a line of the plugin runs.
 */
typedef struct
{
  guint32 owner_size, value_size, type;
  char owner[8];
  guint32 major, minor, plugin_size, ops_size;
} CaskPluginNote;

/**
 * CASK_PLUGIN_DEFINE:
 * @...: initialisers of #CaskPlugin from `.n_options` on, in the order of the struct
 *
 * Defines the note and the exported table `cask_plugin`. In C++ as well. What is left out
 * is 0 or NULL, and no compiler shall warn of it.
 */
#define CASK_PLUGIN_DEFINE(...)                                                          \
  CASK_NOTE_UNPADDED                                                                     \
  __attribute__ ((used, section (".note.cask"),                                          \
                  aligned (4))) static const CaskPluginNote cask_plugin_note = {         \
    5,                                                                                   \
    16,                                                                                  \
    1,                                                                                   \
    "Cask",                                                                              \
    CASK_PLUGIN_ABI_MAJOR,                                                               \
    CASK_PLUGIN_ABI_MINOR,                                                               \
    sizeof (CaskPlugin),                                                                 \
    sizeof (CaskBackendOps)                                                              \
  };                                                                                     \
  CASK_EXTERN_C __attribute__ ((visibility ("default"))) const CaskPlugin cask_plugin;   \
  _Pragma ("GCC diagnostic push")                                                        \
      _Pragma ("GCC diagnostic ignored \"-Wmissing-field-initializers\"")                \
          const CaskPlugin cask_plugin = { .magic = CASK_PLUGIN_MAGIC,                   \
                                           .size = sizeof (CaskPlugin),                  \
                                           .abi_major = CASK_PLUGIN_ABI_MAJOR,           \
                                           .abi_minor = CASK_PLUGIN_ABI_MINOR,           \
                                           .option_size = sizeof (CaskOptionSpec),       \
                                           __VA_ARGS__ };                                \
  _Pragma ("GCC diagnostic pop")

/**
 * cask_range_clamp:
 * @size: of the blob
 * @offset: where the range starts
 * @length: (inout): how long it is; clamped to the end of the blob
 *
 * Returns: FALSE where the range starts past the end: %CASK_ERROR_INVALID_RANGE
 */
static inline gboolean
cask_range_clamp (guint64 size, guint64 offset, guint64 *length)
{
  if (offset > size)
    return FALSE;
  if (*length > size - offset)
    *length = size - offset;
  return TRUE;
}

G_STATIC_ASSERT (sizeof (CaskItem) == 64);
G_STATIC_ASSERT (sizeof (CaskPluginNote) == 36);

/* No padding that the compiler chose: what 1.0 looks like on every 64-bit machine. */
#if GLIB_SIZEOF_VOID_P == 8
G_STATIC_ASSERT (sizeof (CaskHost) == 48);
G_STATIC_ASSERT (sizeof (CaskChild) == 40);
G_STATIC_ASSERT (sizeof (CaskOpenArgs) == 48);
G_STATIC_ASSERT (sizeof (CaskUploadSpec) == 24);
G_STATIC_ASSERT (sizeof (CaskPlugin) == 120);
G_STATIC_ASSERT (sizeof (CaskBackendOps) == 8 + 28 * 8);
#endif

G_END_DECLS
