/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.h: what the files of the contract suite share.
 *
 * The suite runs against any store: CASK_CONTRACT_CONFIG is a config string in which `%d`
 * stands for a directory that is new for each test. A test opens its own store, asks for
 * the capabilities without which its case means nothing, and is skipped, aloud, where
 * they are not announced. Most suites run twice, over the synchronous and over the
 * asynchronous calls: a test calls through `c->calls` and cannot tell which.
 *
 * CUnit's assertions are for the main thread; other threads use CONTRACT_CHECK(). */
#pragma once

#include <CUnit/CUnit.h>

#include <cask/cask-config.h>
#include <cask/cask-digest.h>
#include <cask/cask-error.h>
#include <cask/cask-store-async.h>

#include "test-support.h"

/* ---- contract-calls.c: one shape for both APIs ---- */

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
  gboolean (*flush) (CaskStore *store, GCancellable *cancellable, GError **error);
  gboolean (*usage) (CaskStore *store, CaskUsage *usage, GCancellable *cancellable,
                     GError **error);
  gboolean (*close) (CaskStore *store, GCancellable *cancellable, GError **error);
} Calls;

extern const Calls contract_sync_calls;
/* Each call runs a private main context of its own until its callback has come. */
extern const Calls contract_async_calls;

/* How many callbacks came other than once, or in another thread than the context's. */
guint contract_wrong_callbacks (void);

/* ---- contract.c: a store for each test ---- */

typedef struct
{
  CaskStore *store;
  const Calls *calls;
  char *config;
  const char *directory; /* (nullable) what %d became */
  CaskCapabilities capabilities;
  GPtrArray *buffers; /* memory that the store may refer to */
} Contract;

/* Which calls the tests of a suite go through: for CU_SuiteInfo. */
int contract_use_sync_calls (void);
int contract_use_async_calls (void);

/* A fresh store. Returns: NULL where the test cannot go on: it is skipped, for a
 * capability in `needs` is not announced, or has failed. */
Contract *contract_open (guint needs);
/* The same, with one more option, of the store's own or of a backend's. */
Contract *contract_open_with (guint needs, const char *option);
void contract_close (Contract *contract);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Contract, contract_close)

/* Another store of the same place. Returns: NULL, skipped, where there is no such thing.
 */
CaskStore *contract_open_again (Contract *contract);

/* The template with %d filled in. directory: (out) (nullable): NULL where it has none */
char *contract_make_config (const char **directory);

/* Candidates for where an option may stand in a config: at the n-th node, counted from
 * the outermost. Returns: NULL where there are not so many. */
char *contract_add_option (const char *config, const char *option, guint node);

/* Says that and why the current test does not apply. */
void contract_skip (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Whether to take minutes instead of seconds. */
gboolean contract_is_long (void);

/* ---- contract-blobs.c: blobs, and what is expected of them ---- */

/* The same bytes for the same seed and size, always. */
GBytes *contract_bytes (guint64 seed, gsize size);
CaskDigest contract_digest (GBytes *bytes);

/* Puts without a failure. Returns: the SHA-256 digest */
CaskDigest contract_put (Contract *contract, GBytes *bytes, gboolean *created);
CaskDigest contract_put_number (Contract *contract, guint64 number);
void contract_expect_bytes (Contract *contract, const CaskDigest *digest, GBytes *bytes);
/* get, get_range, stat, touch, contains and list agree that it is not there. */
void contract_expect_absent (Contract *contract, const CaskDigest *digest);
gboolean contract_is_listed (Contract *contract, const CaskDigest *digest);
/* Every blob, page by page. Returns: (element-type CaskBlobInfo) (nullable) */
GArray *contract_list_all (Contract *contract, guint limit);

/* ---- contract-threads.c ---- */

typedef void (*ContractThread) (gpointer data, guint index);

/* Runs n threads at once, waits for all, and fails the test if a check of theirs did. */
void contract_run_threads (guint n, ContractThread func, gpointer data);
/* The same outside of a test. Returns: how many checks failed */
guint contract_join_threads (guint n, ContractThread func, gpointer data);
#define CONTRACT_CHECK(condition)                                                        \
  contract_check (!!(condition), #condition, NULL, __FILE__, __LINE__)
#define CONTRACT_CHECK_OK(condition, error)                                              \
  contract_check (!!(condition), #condition, error, __FILE__, __LINE__)
gboolean contract_check (gboolean right, const char *text, const GError *error,
                         const char *file, guint line);

/* Waits actively until the clock has gone on by so much: a time stamp must differ. */
void contract_let_time_pass (gint64 usec);

/* ---- contract-damage.c ---- */

typedef enum
{
  DAMAGE_FLIP,
  DAMAGE_TRUNCATE,
  DAMAGE_GROW,
  DAMAGE_EMPTY
} Damage;

typedef struct
{
  CaskDigest digest;
  GBytes *good; /* an untouched copy */
  guint8 *kept; /* what the store may refer to */
} Victim;

/* Puts a blob in a way that lets it be damaged later. */
Victim contract_put_victim (Contract *contract, guint64 seed, gsize size);
void contract_victim_clear (Victim *victim);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Victim, contract_victim_clear)
/* Returns: FALSE where nothing of the store's bytes is in reach. */
gboolean contract_damage (Contract *contract, const Victim *victim, Damage damage);
/* Whether the damage goes through a file, where it leaves a trace. */
gboolean contract_is_in_file (Contract *contract, const Victim *victim);

/* ---- contract-child.c: a second process ---- */

typedef struct _Child Child;

/* What main does where it was started by contract_child_new(). */
int contract_child_main (const char *config);
Child *contract_child_new (Contract *contract);
void contract_child_free (Child *child);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Child, contract_child_free)
/* Sends a line without waiting for its answer; see contract-child.c for the words. */
void contract_child_send (Child *child, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Returns: (transfer full): the next answer: "yes", "no", a number, or an error */
char *contract_child_receive (Child *child);
char *contract_child_ask (Child *child, const char *word, const CaskDigest *digest);

/* Eight threads put the same blobs. Returns: how many they were told they had created;
 * G_MAXUINT where anything failed */
guint contract_storm (CaskStore *store, guint64 seed, guint n_blobs);

/* ---- The suites ---- */

extern CU_TestInfo contract_put_get_tests[];
extern CU_TestInfo contract_ranges_tests[];
extern CU_TestInfo contract_delete_tests[];
extern CU_TestInfo contract_list_tests[];
extern CU_TestInfo contract_cancel_tests[];
extern CU_TestInfo contract_concurrency_tests[];
extern CU_TestInfo contract_crowd_tests[];
extern CU_TestInfo contract_integrity_tests[];
extern CU_TestInfo contract_policy_tests[];
extern CU_TestInfo contract_truth_tests[];
extern CU_TestInfo contract_options_tests[];
extern CU_TestInfo contract_removal_tests[];
extern CU_TestInfo contract_race_tests[];
extern CU_TestInfo contract_loop_tests[];
extern CU_TestInfo contract_end_tests[];
