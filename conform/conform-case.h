/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-case.h: what the files of the cases share.
 *
 * The cases run against any store: the config string has a `%d` where a directory belongs
 * that is new for each case. A case opens its own store, asks for the capabilities
 * without which it means nothing, and is skipped, aloud, where they are not announced.
 * Most suites run twice, over the synchronous and over the asynchronous calls: a case
 * calls through `c->calls` and cannot tell which.
 *
 * The checks of conform-check.h may be made in any thread. */
#pragma once

#include <cask/cask-config.h>
#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <cask/cask-store-async.h>

#include "conform-check.h"
#include "conform-place.h"
#include "conform-suites.h"

/* ---- conform-calls.c: one shape for both APIs ---- */

typedef struct
{
  const char *name;
  CaskStore *(*open) (const char *config, GCancellable *cancellable, GError **error);
  gboolean (*put) (CaskStore *store, const CaskDigest *digest, GBytes *bytes,
                   CaskPutFlags flags, gboolean *created, GCancellable *cancellable,
                   GError **error);
  gboolean (*add) (CaskStore *store, GBytes *bytes, CaskAlgorithm algorithm,
                   CaskPutFlags flags, CaskDigest *digest, gboolean *created,
                   GCancellable *cancellable, GError **error);
  GBytes *(*get) (CaskStore *store, const CaskDigest *digest, GCancellable *cancellable,
                  GError **error);
  GBytes *(*get_range) (CaskStore *store, const CaskDigest *digest, guint64 offset,
                        guint64 length, GCancellable *cancellable, GError **error);
  gboolean (*stat) (CaskStore *store, const CaskDigest *digest, CaskBlobInfo *info,
                    GCancellable *cancellable, GError **error);
  gboolean (*contains) (CaskStore *store, const CaskDigest *digest, gboolean *present,
                        GCancellable *cancellable, GError **error);
  CaskListPage *(*list) (CaskStore *store, const CaskDigest *after, guint limit,
                         GCancellable *cancellable, GError **error);
  gboolean (*touch) (CaskStore *store, const CaskDigest *digest,
                     GCancellable *cancellable, GError **error);
  gboolean (*remove) (CaskStore *store, const CaskDigest *digest, gboolean *existed,
                      GCancellable *cancellable, GError **error);
  gboolean (*remove_unused) (CaskStore *store, const CaskDigest *digest,
                             gint64 unused_since_usec, CaskRemoved *outcome,
                             GCancellable *cancellable, GError **error);
  gboolean (*verify) (CaskStore *store, const CaskDigest *digest,
                      GCancellable *cancellable, GError **error);
  gboolean (*quarantine) (CaskStore *store, const CaskDigest *digest, gboolean *moved,
                          GCancellable *cancellable, GError **error);
  gboolean (*flush) (CaskStore *store, GCancellable *cancellable, GError **error);
  gboolean (*usage) (CaskStore *store, CaskUsage *usage, GCancellable *cancellable,
                     GError **error);
  gboolean (*close) (CaskStore *store, GCancellable *cancellable, GError **error);
} Calls;

extern const Calls conform_sync_calls;
/* Each call runs a private main context of its own until its callback has come. */
extern const Calls conform_async_calls;

/* How many callbacks came other than once, or in another thread than the context's, since
 * this was asked last. */
guint conform_wrong_callbacks (void);

/* ---- conform-store.c: a store for each case ---- */

typedef struct
{
  CaskStore *store;
  const Calls *calls;
  char *config;
  const char *directory; /* (nullable) what %d became */
  CaskCapabilities capabilities;
  gboolean is_lagging; /* a use renews only what is old: see conform-age.c */
  GPtrArray *buffers;  /* memory that the store may refer to */
} Conform;

/* Which calls the cases of a suite go through. */
void conform_use_calls (const Calls *calls);

/* A fresh store. Returns: NULL where the test cannot go on: it is skipped, for a
 * capability in `needs` is not announced, or has failed. */
Conform *conform_open (guint needs);
/* The same, with one more option, of the store's own or of a backend's. */
Conform *conform_open_with (guint needs, const char *option);
/* Whether some part of the config takes it. */
gboolean conform_takes_option (const char *option);
void conform_close (Conform *conform);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Conform, conform_close)

/* Another store of the same place. Returns: NULL, skipped, where there is no such thing.
 */
CaskStore *conform_open_again (Conform *conform);
/* Whether a second store was refused because one at a time may have the place, which who
 * announces SHARED may not say. error: (nullable) */
gboolean conform_is_exclusive (const Conform *conform, const GError *error);

/* The template with %d filled in. directory: (out) (nullable): NULL where it has none */
char *conform_make_config (const char **directory);

/* Candidates for where an option may stand in a config: at the n-th node, counted from
 * the outermost. Returns: NULL where there are not so many. */
char *conform_add_option (const char *config, const char *option, guint node);

/* ---- conform-blobs.c: blobs, and what is expected of them ---- */

/* The same bytes for the same seed and size, always. */
GBytes *conform_bytes (guint64 seed, gsize size);
CaskDigest conform_digest (GBytes *bytes);

/* Puts without a failure. Returns: the SHA-256 digest */
CaskDigest conform_put (Conform *conform, GBytes *bytes, gboolean *created);
CaskDigest conform_put_number (Conform *conform, guint64 number);
void conform_expect_bytes (Conform *conform, const CaskDigest *digest, GBytes *bytes);
/* get, get_range, stat, touch, contains and list agree that it is not there. */
void conform_expect_absent (Conform *conform, const CaskDigest *digest);
gboolean conform_is_listed (Conform *conform, const CaskDigest *digest);
/* Every blob, page by page. Returns: (element-type CaskBlobInfo) (nullable) */
GArray *conform_list_all (Conform *conform, guint limit);

/* ---- conform-threads.c ---- */

typedef void (*ConformThread) (gpointer data, guint index);

/* Runs n threads at once, and waits for all. */
void conform_run_threads (guint n, ConformThread func, gpointer data);
/* The same. Returns: how many checks failed meanwhile */
guint conform_join_threads (guint n, ConformThread func, gpointer data);

/* Waits actively until the clock has gone on by so much: a time stamp must differ. */
void conform_let_time_pass (gint64 usec);

/* ---- conform-age.c ---- */

/* A fresh store whose blobs conform_age() can make old. */
Conform *conform_open_to_age (guint needs);
/* Makes them so old that a use renews their time. Returns: FALSE, skipped, where it would
 * take too long */
gboolean conform_age (Conform *conform, const CaskDigest *digests, guint n);

/* ---- conform-damage.c ---- */

typedef enum
{
  DAMAGE_FLIP, /* a bit of the byte in the middle */
  DAMAGE_FLIP_FIRST,
  DAMAGE_FLIP_LAST,
  DAMAGE_TRUNCATE,
  DAMAGE_GROW,
  DAMAGE_EMPTY,
  DAMAGE_DIRECTORY, /* that is in the blob's place */
  DAMAGE_FORBID     /* nobody may open it */
} Damage;

typedef struct
{
  CaskDigest digest;
  GBytes *good; /* an untouched copy */
  guint8 *kept; /* what the store may refer to */
} Victim;

/* Returns: (nullable): the file that keeps the blob, where it is one */
char *conform_find_file (Conform *conform, const CaskDigest *digest);
/* Puts a blob in a way that lets it be damaged later. */
Victim conform_put_victim (Conform *conform, guint64 seed, gsize size);
void conform_victim_clear (Victim *victim);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Victim, conform_victim_clear)
/* Damage that flips a bit is undone by the same again. Returns: FALSE where nothing of
 * the store's bytes is in reach. */
gboolean conform_damage (Conform *conform, const Victim *victim, Damage damage);
/* Whether the damage goes through a file, where it leaves a trace. */
gboolean conform_is_in_file (Conform *conform, const Victim *victim);

/* ---- conform-layer.c ---- */

/* Makes the kit's own layer known to this process. */
gboolean conform_layer_register (GError **error);

/* ---- conform-child.c: a second process ---- */

typedef struct _Child Child;

/* What the program does that conform_child_new() starts: see conform-child.c. */
int conform_child_main (int argc, char **argv);
Child *conform_child_new (Conform *conform);
void conform_child_free (Child *child);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Child, conform_child_free)
/* Sends a line without waiting for its answer; see conform-child.c for the words. */
void conform_child_send (Child *child, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Returns: (transfer full): the next answer: "yes", "no", a number, or an error */
char *conform_child_receive (Child *child);
char *conform_child_ask (Child *child, const char *word, const CaskDigest *digest);
/* Kills it without a warning, and returns when it is dead. */
void conform_child_kill (Child *child);
/* Returns: (transfer full) (nullable): the answer, where it is a word about uploads
 * (conform-upload-child.c) */
char *conform_child_do_upload (CaskStore *store, char **words);

/* Eight threads put the same blobs. Returns: how many they were told they had created;
 * G_MAXUINT where anything failed */
guint conform_storm (CaskStore *store, guint64 seed, guint n_blobs);
