/* SPDX-License-Identifier: Apache-2.0
 *
 * layout.c: where every member lies of every struct that crosses between host and plugin,
 * or between libcask-conform and its callers, of which type it is, and what every
 * constant is worth.
 *
 * It compiles or it does not, as C and as C++ (layout.cpp), against the live headers, the
 * frozen ones and those of the next minor. An assertion is added with what it pins, and
 * none is ever changed. layout.sh sees to it that nothing is left out. */
#include <cask/cask-plugin.h>
#include <stddef.h>

#if GLIB_SIZEOF_VOID_P == 8

#ifdef __cplusplus
#include <type_traits>
#define ASSERT(what, text) static_assert (what, text)
#define IS(type, member, ...) std::is_same<decltype (type::member), __VA_ARGS__>::value
#define SAME(one, ...) std::is_same<one, __VA_ARGS__>::value
#else
#define ASSERT(what, text) _Static_assert(what, text)
#define IS(type, member, ...)                                                            \
  __builtin_types_compatible_p (__typeof__ (((type *) 0)->member), __VA_ARGS__)
#define SAME(one, ...) __builtin_types_compatible_p (one, __VA_ARGS__)
#endif

/* The member's type comes last: it may have commas. */
#define AT(type, member, offset, ...)                                                    \
  ASSERT (offsetof (type, member) == (offset) && IS (type, member, __VA_ARGS__),         \
          #type "." #member)
/* Callers allocate these: their size is for ever. */
#define FIXED(type, size) ASSERT (sizeof (type) == (size), #type)
/* These say their own size, and a new minor adds members at their end: it pins them under
 * `#if CASK_PLUGIN_ABI_MINOR >= 1`, and writes its sizes and its number here. */
#define LAYOUT_MINOR 0
#if CASK_PLUGIN_ABI_MINOR == LAYOUT_MINOR
#define GROWS FIXED
#elif CASK_PLUGIN_ABI_MINOR > LAYOUT_MINOR
#define GROWS(type, size) ASSERT (sizeof (type) >= (size), #type)
#else
#define GROWS(type, size) ASSERT (sizeof (type) <= (size), #type)
#endif
#define VALUE(constant, value) ASSERT ((constant) == (value), #constant)

/* ---- Constants ---- */

VALUE (CASK_PLUGIN_MAGIC, 0x4341534b504c5547);
VALUE (CASK_PLUGIN_ABI_MAJOR, 1);
VALUE (CASK_TRY_LIMIT, 65536);
VALUE (CASK_FRESHEN_LAG_USEC, 60000000);
VALUE (CASK_UNKNOWN, 0xffffffffffffffff);
VALUE (CASK_TO_END, 0xffffffffffffffff);
VALUE (CASK_ALWAYS, 0x7fffffffffffffff);

FIXED (CaskAlgorithm, 4);
VALUE (CASK_ALGORITHM_SHA256, 1);
VALUE (CASK_ALGORITHM_SHA512, 2);

FIXED (CaskRemoved, 4);
VALUE (CASK_REMOVED_ABSENT, 0);
VALUE (CASK_REMOVED_DONE, 1);
VALUE (CASK_REMOVED_KEPT, 2);
VALUE (CASK_REMOVED_MAYBE, 3);

FIXED (CaskCapabilities, 4);
VALUE (CASK_CAPABILITY_WRITE, 1 << 0);
VALUE (CASK_CAPABILITY_DURABLE, 1 << 1);
VALUE (CASK_CAPABILITY_SHARED, 1 << 2);
VALUE (CASK_CAPABILITY_IMMUTABLE, 1 << 3);
VALUE (CASK_CAPABILITY_EXACT_CREATED, 1 << 4);
VALUE (CASK_CAPABILITY_FRESHENS, 1 << 5);
VALUE (CASK_CAPABILITY_REMOVE_UNUSED, 1 << 6);
VALUE (CASK_CAPABILITY_READS_OUTLIVE_REMOVE, 1 << 7);
VALUE (CASK_CAPABILITY_RESUME, 1 << 8);
VALUE (CASK_CAPABILITY_QUARANTINE, 1 << 9);

FIXED (CaskError, 4);
VALUE (CASK_ERROR_NOT_FOUND, 0);
VALUE (CASK_ERROR_DIGEST_MISMATCH, 1);
VALUE (CASK_ERROR_INVALID_DIGEST, 2);
VALUE (CASK_ERROR_CORRUPT, 3);
VALUE (CASK_ERROR_INVALID_CONFIG, 4);
VALUE (CASK_ERROR_INVALID_RANGE, 5);
VALUE (CASK_ERROR_UNSUPPORTED, 6);
VALUE (CASK_ERROR_READ_ONLY, 7);
VALUE (CASK_ERROR_NO_SPACE, 8);
VALUE (CASK_ERROR_PERMISSION, 9);
VALUE (CASK_ERROR_BUSY, 10);
VALUE (CASK_ERROR_GONE, 11);
VALUE (CASK_ERROR_TOO_LARGE, 12);
VALUE (CASK_ERROR_CLOSED, 13);
VALUE (CASK_ERROR_IO, 14);
VALUE (CASK_ERROR_UNAVAILABLE, 15);
VALUE (CASK_ERROR_TIMED_OUT, 16);
VALUE (CASK_ERROR_AUTH, 17);
VALUE (CASK_ERROR_PLUGIN_NOT_FOUND, 18);
VALUE (CASK_ERROR_PLUGIN_INVALID, 19);
VALUE (CASK_ERROR_PLUGIN_ABI, 20);

FIXED (CaskOptionType, 4);
VALUE (CASK_OPTION_STRING, 1);
VALUE (CASK_OPTION_UINT, 2);
VALUE (CASK_OPTION_SIZE, 3);
VALUE (CASK_OPTION_DURATION, 4);
VALUE (CASK_OPTION_BOOLEAN, 5);
VALUE (CASK_OPTION_CHOICE, 6);
VALUE (CASK_OPTION_SECRET, 7);

VALUE (CASK_OPTION_REQUIRED, 1 << 0);
VALUE (CASK_OPTION_DEPRECATED, 1 << 1);

VALUE (CASK_PUT_REPLACE, 1 << 0);
VALUE (CASK_PUT_KEEP, 1 << 1);

VALUE (CASK_READ_SCAN, 1 << 0);

VALUE (CASK_STAT_FRESHEN, 1 << 0);

VALUE (CASK_LIST_BRIEF, 1 << 0);

VALUE (CASK_CONDEMN_QUARANTINE, 1 << 0);

FIXED (CaskTry, 4);
VALUE (CASK_TRY_AGAIN, 0);
VALUE (CASK_TRY_FOUND, 1);
VALUE (CASK_TRY_ABSENT, 2);

FIXED (CaskPluginKind, 4);
VALUE (CASK_PLUGIN_BACKEND, 1);
VALUE (CASK_PLUGIN_LAYER, 2);

FIXED (CaskLocation, 4);
VALUE (CASK_LOCATION_NONE, 0);
VALUE (CASK_LOCATION_OPTIONAL, 1);
VALUE (CASK_LOCATION_REQUIRED, 2);

VALUE (CASK_NEEDS_DELEGATION, 1 << 0);
VALUE (CASK_NEEDS_ENCODING, 1 << 1);

/* ---- Functions that are handed over ---- */

ASSERT (SAME (CaskJob, void (*) (gpointer, GCancellable *)), "CaskJob");
ASSERT (SAME (CaskUploadFunc, gboolean (*) (const char *, guint64, gint64, gpointer)),
        "CaskUploadFunc");

/* ---- Structs ---- */

FIXED (CaskDigest, 72);
AT (CaskDigest, algorithm, 0, guint8);
AT (CaskDigest, reserved, 1, guint8[7]);
AT (CaskDigest, bytes, 8, guint8[64]);

FIXED (CaskBlobInfo, 128);
AT (CaskBlobInfo, digest, 0, CaskDigest);
AT (CaskBlobInfo, size, 72, guint64);
AT (CaskBlobInfo, mtime_usec, 80, gint64);
AT (CaskBlobInfo, version, 88, guint64);
AT (CaskBlobInfo, reserved, 96, guint64[4]);

FIXED (CaskUsage, 64);
AT (CaskUsage, count, 0, guint64);
AT (CaskUsage, bytes, 8, guint64);
AT (CaskUsage, stored_bytes, 16, guint64);
AT (CaskUsage, limit_bytes, 24, guint64);
AT (CaskUsage, reserved, 32, guint64[4]);

FIXED (CaskItem, 64);
AT (CaskItem, digest, 0, const CaskDigest *);
AT (CaskItem, bytes, 8, GBytes *);
AT (CaskItem, error, 16, GError *);
AT (CaskItem, info, 24, CaskBlobInfo *);
AT (CaskItem, outcome, 32, guint32);
AT (CaskItem, reserved, 36, guint32[7]);

GROWS (CaskOptionSpec, 56);
AT (CaskOptionSpec, name, 0, const char *);
AT (CaskOptionSpec, help, 8, const char *);
AT (CaskOptionSpec, fallback, 16, const char *);
AT (CaskOptionSpec, choices, 24, const char *);
AT (CaskOptionSpec, type, 32, guint32);
AT (CaskOptionSpec, flags, 36, guint32);
AT (CaskOptionSpec, min, 40, guint64);
AT (CaskOptionSpec, max, 48, guint64);

FIXED (CaskOptionValue, 16);
AT (CaskOptionValue, is_set, 0, guint32);
AT (CaskOptionValue, reserved, 4, guint32);
AT (CaskOptionValue, number, 8, guint64);
AT (CaskOptionValue, string, 8, const char *);
AT (CaskOptionValue, secret, 8, GBytes *);

GROWS (CaskHost, 48);
AT (CaskHost, size, 0, guint32);
AT (CaskHost, minor, 4, guint32);
AT (CaskHost, hasher_new, 8, CaskHasher *(*) (const CaskHost *, guint32));
AT (CaskHost, hasher_update, 16, void (*) (CaskHasher *, const void *, gsize));
AT (CaskHost, hasher_finish, 24, void (*) (CaskHasher *, CaskDigest *));
AT (CaskHost, spawn, 32, void (*) (const CaskHost *, CaskJob, gpointer));
AT (CaskHost, warn, 40, void (*) (const CaskHost *, const CaskDigest *, const GError *));

GROWS (CaskChild, 40);
AT (CaskChild, size, 0, guint32);
AT (CaskChild, reserved, 4, guint32);
AT (CaskChild, ops, 8, const CaskBackendOps *);
AT (CaskChild, backend, 16, CaskBackend *);
AT (CaskChild, capabilities, 24, guint64);
AT (CaskChild, name, 32, const char *);

GROWS (CaskOpenArgs, 48);
AT (CaskOpenArgs, size, 0, guint32);
AT (CaskOpenArgs, n_children, 4, guint32);
AT (CaskOpenArgs, host, 8, const CaskHost *);
AT (CaskOpenArgs, location, 16, const char *);
AT (CaskOpenArgs, values, 24, const CaskOptionValue *);
AT (CaskOpenArgs, children, 32, const CaskChild *const *);
AT (CaskOpenArgs, encoding, 40, const char *);

GROWS (CaskUploadSpec, 24);
AT (CaskUploadSpec, size, 0, guint32);
AT (CaskUploadSpec, algorithm, 4, guint32);
AT (CaskUploadSpec, digest, 8, const CaskDigest *);
AT (CaskUploadSpec, expected_size, 16, guint64);

GROWS (CaskPlugin, 120);
AT (CaskPlugin, magic, 0, guint64);
AT (CaskPlugin, size, 8, guint32);
AT (CaskPlugin, abi_major, 12, guint16);
AT (CaskPlugin, abi_minor, 14, guint16);
AT (CaskPlugin, option_size, 16, guint32);
AT (CaskPlugin, n_options, 20, guint32);
AT (CaskPlugin, need_minor, 24, guint16);
AT (CaskPlugin, reserved, 26, guint16);
AT (CaskPlugin, kind, 28, guint32);
AT (CaskPlugin, location, 32, guint32);
AT (CaskPlugin, min_children, 36, guint32);
AT (CaskPlugin, max_children, 40, guint32);
AT (CaskPlugin, capabilities, 48, guint64);
AT (CaskPlugin, needs, 56, guint64);
AT (CaskPlugin, name, 64, const char *);
AT (CaskPlugin, version, 72, const char *);
AT (CaskPlugin, summary, 80, const char *);
AT (CaskPlugin, license, 88, const char *);
AT (CaskPlugin, homepage, 96, const char *);
AT (CaskPlugin, options, 104, const CaskOptionSpec *);
AT (CaskPlugin, ops, 112, const CaskBackendOps *);

FIXED (CaskPluginNote, 36);
AT (CaskPluginNote, owner_size, 0, guint32);
AT (CaskPluginNote, value_size, 4, guint32);
AT (CaskPluginNote, type, 8, guint32);
AT (CaskPluginNote, owner, 12, char[8]);
AT (CaskPluginNote, major, 20, guint32);
AT (CaskPluginNote, minor, 24, guint32);
AT (CaskPluginNote, plugin_size, 28, guint32);
AT (CaskPluginNote, ops_size, 32, guint32);

GROWS (CaskBackendOps, 232);
AT (CaskBackendOps, size, 0, guint32);
AT (CaskBackendOps, reserved, 4, guint32);
AT (CaskBackendOps, open, 8,
    CaskBackend *(*) (const CaskOpenArgs *, GCancellable *, GError **) );
AT (CaskBackendOps, close, 16, void (*) (CaskBackend *));
AT (CaskBackendOps, put, 24,
    gboolean (*) (CaskBackend *, const CaskDigest *, GBytes *, guint32, gboolean *,
                  GCancellable *, GError **));
AT (CaskBackendOps, get, 32,
    GBytes *(*) (CaskBackend *, const CaskDigest *, guint64, guint64, guint32,
                 CaskBlobInfo *, GCancellable *, GError **) );
AT (CaskBackendOps, stat, 40,
    gboolean (*) (CaskBackend *, const CaskDigest *, guint32, CaskBlobInfo *,
                  GCancellable *, GError **));
AT (CaskBackendOps, remove, 48,
    gboolean (*) (CaskBackend *, const CaskDigest *, gint64, CaskRemoved *,
                  GCancellable *, GError **));
AT (CaskBackendOps, list, 56,
    gboolean (*) (CaskBackend *, const CaskDigest *, guint32, CaskBlobInfo *, guint32 *,
                  gboolean *, GCancellable *, GError **));
AT (CaskBackendOps, capabilities, 64, guint64 (*) (CaskBackend *));
AT (CaskBackendOps, try_get, 72,
    CaskTry (*) (CaskBackend *, const CaskDigest *, guint64, guint64, guint32, GBytes **,
                 CaskBlobInfo *));
AT (CaskBackendOps, try_stat, 80,
    CaskTry (*) (CaskBackend *, const CaskDigest *, CaskBlobInfo *));
AT (CaskBackendOps, blob_open, 88,
    CaskBackendBlob *(*) (CaskBackend *, const CaskDigest *, guint32, CaskBlobInfo *,
                          GCancellable *, GError **) );
AT (CaskBackendOps, blob_read, 96,
    gssize (*) (CaskBackend *, CaskBackendBlob *, guint64, void *, gsize, GCancellable *,
                GError **));
AT (CaskBackendOps, blob_close, 104, void (*) (CaskBackend *, CaskBackendBlob *));
AT (CaskBackendOps, upload_begin, 112,
    CaskBackendUpload *(*) (CaskBackend *, const CaskUploadSpec *, GCancellable *,
                            GError **) );
AT (CaskBackendOps, upload_write, 120,
    gboolean (*) (CaskBackend *, CaskBackendUpload *, GBytes *, GCancellable *,
                  GError **));
AT (CaskBackendOps, upload_commit, 128,
    gboolean (*) (CaskBackend *, CaskBackendUpload *, const CaskDigest *, guint32,
                  gboolean *, GCancellable *, GError **));
AT (CaskBackendOps, upload_close, 136,
    void (*) (CaskBackend *, CaskBackendUpload *, gboolean));
AT (CaskBackendOps, upload_save, 144,
    gboolean (*) (CaskBackend *, CaskBackendUpload *, GBytes *, char **, GCancellable *,
                  GError **));
AT (CaskBackendOps, upload_resume, 152,
    CaskBackendUpload *(*) (CaskBackend *, const char *, GBytes **, guint64 *,
                            GCancellable *, GError **) );
AT (CaskBackendOps, upload_list, 160,
    gboolean (*) (CaskBackend *, CaskUploadFunc, gpointer, GCancellable *, GError **));
AT (CaskBackendOps, upload_read, 168,
    gboolean (*) (CaskBackend *, CaskBackendUpload *, guint64, void *, gsize, gsize *,
                  GCancellable *, GError **));
AT (CaskBackendOps, put_many, 176,
    gboolean (*) (CaskBackend *, CaskItem *, gsize, guint32, GCancellable *, GError **));
AT (CaskBackendOps, get_many, 184,
    gboolean (*) (CaskBackend *, CaskItem *, gsize, guint32, GCancellable *, GError **));
AT (CaskBackendOps, contains_many, 192,
    gboolean (*) (CaskBackend *, CaskItem *, gsize, guint32, GCancellable *, GError **));
AT (CaskBackendOps, remove_many, 200,
    gboolean (*) (CaskBackend *, CaskItem *, gsize, gint64, GCancellable *, GError **));
AT (CaskBackendOps, flush, 208, gboolean (*) (CaskBackend *, GCancellable *, GError **));
AT (CaskBackendOps, usage, 216,
    gboolean (*) (CaskBackend *, CaskUsage *, GCancellable *, GError **));
AT (CaskBackendOps, condemn, 224,
    gboolean (*) (CaskBackend *, const CaskDigest *, guint64, guint32, gboolean *,
                  GCancellable *, GError **));

/* ---- Of libcask-conform ---- */

/* Whoever counts allocates the counts. The frozen headers are a plugin's: no kit is
 * there.
 */
#if __has_include(<cask/cask-conform.h>)
#include <cask/cask-conform.h>

FIXED (CaskConformLength, 4);
VALUE (CASK_CONFORM_NORMAL, 0);
VALUE (CASK_CONFORM_QUICK, 1);
VALUE (CASK_CONFORM_LONG, 2);

FIXED (CaskConformCalls, 4);
VALUE (CASK_CONFORM_BOTH, 0);
VALUE (CASK_CONFORM_SYNC, 1);
VALUE (CASK_CONFORM_ASYNC, 2);

FIXED (CaskConformOutcome, 4);
VALUE (CASK_CONFORM_BEGUN, 0);
VALUE (CASK_CONFORM_PASSED, 1);
VALUE (CASK_CONFORM_FAILED, 2);
VALUE (CASK_CONFORM_SKIPPED, 3);

FIXED (CaskConformResult, 112);
AT (CaskConformResult, index, 0, guint32);
AT (CaskConformResult, n_cases, 4, guint32);
AT (CaskConformResult, outcome, 8, CaskConformOutcome);
AT (CaskConformResult, reserved0, 12, guint32);
AT (CaskConformResult, usec, 16, gint64);
AT (CaskConformResult, name, 24, const char *);
AT (CaskConformResult, sentence, 32, const char *);
AT (CaskConformResult, promise, 40, const char *);
AT (CaskConformResult, promise_words, 48, const char *);
AT (CaskConformResult, details, 56, const char *);
AT (CaskConformResult, reason, 64, const char *);
AT (CaskConformResult, repeat, 72, const char *);
AT (CaskConformResult, reserved, 80, gpointer[4]);

FIXED (CaskConformCounts, 56);
AT (CaskConformCounts, n_passed, 0, guint32);
AT (CaskConformCounts, n_failed, 4, guint32);
AT (CaskConformCounts, n_skipped, 8, guint32);
AT (CaskConformCounts, n_left_out, 12, guint32);
AT (CaskConformCounts, usec, 16, gint64);
AT (CaskConformCounts, reserved, 24, guint64[4]);
#endif

#endif
