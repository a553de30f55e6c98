/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-conform.h: the cases that every backend of Cask must pass, as a library.
 *
 * This is libcask-conform, beside libcask: a test program of a plugin's author links it,
 * and its main may be one line: `return cask_conform_main (argc, argv);`. */
#pragma once

#include "cask-types.h"

G_BEGIN_DECLS

/**
 * CaskConformLength:
 * @CASK_CONFORM_NORMAL: every case, in a minute or so
 * @CASK_CONFORM_QUICK: seconds: without crowds, races and large blobs
 * @CASK_CONFORM_LONG: every case, at its full length: minutes
 *
 * How long a run takes. Since: 1.0
 */
typedef enum
{
  CASK_CONFORM_NORMAL,
  CASK_CONFORM_QUICK,
  CASK_CONFORM_LONG
} CaskConformLength;

/**
 * CaskConformCalls:
 * @CASK_CONFORM_BOTH: one after the other
 * @CASK_CONFORM_SYNC: the synchronous calls
 * @CASK_CONFORM_ASYNC: the asynchronous calls
 *
 * Which calls the cases go through. Some have one way only, and are run whatever is asked
 * for. Since: 1.0
 */
typedef enum
{
  CASK_CONFORM_BOTH,
  CASK_CONFORM_SYNC,
  CASK_CONFORM_ASYNC
} CaskConformCalls;

/**
 * CaskConformOutcome:
 * @CASK_CONFORM_BEGUN: the case begins now
 * @CASK_CONFORM_PASSED: every check of it was right
 * @CASK_CONFORM_FAILED: a check of it failed
 * @CASK_CONFORM_SKIPPED: the store does not announce what the case needs, or has no place
 *   that can be reached from outside
 *
 * How far a case is. Since: 1.0
 */
typedef enum
{
  CASK_CONFORM_BEGUN,
  CASK_CONFORM_PASSED,
  CASK_CONFORM_FAILED,
  CASK_CONFORM_SKIPPED
} CaskConformOutcome;

/**
 * CaskConformResult:
 * @index: of this case, from 0
 * @n_cases: that are run
 * @outcome: how far it is
 * @usec: how long it took
 * @name: group, way and sentence: what cask_conform_list_cases() has
 * @sentence: the case, with its numbers in front: "C22 get of an absent blob is …"
 * @promise: the name of the promise that the case proves: "S7"
 * @promise_words: the promise, in a line
 * @details: (nullable): where it failed: place, expected and found, several lines
 * @reason: (nullable): where it was skipped: why
 * @repeat: the command that runs this case again, alone
 *
 * What is known of a case. All strings belong to the run. Since: 1.0
 */
typedef struct
{
  guint32 index;
  guint32 n_cases;
  CaskConformOutcome outcome;
  guint32 reserved0;
  gint64 usec;
  const char *name;
  const char *sentence;
  const char *promise;
  const char *promise_words;
  const char *details;
  const char *reason;
  const char *repeat;
  gpointer reserved[4];
} CaskConformResult;

/**
 * CaskConformCounts:
 * @n_passed: cases that passed
 * @n_failed: that failed
 * @n_skipped: that mean nothing for this store
 * @n_left_out: that %CASK_CONFORM_QUICK left out
 * @usec: how long the run took
 *
 * What came of a run. Since: 1.0
 */
typedef struct
{
  guint32 n_passed;
  guint32 n_failed;
  guint32 n_skipped;
  guint32 n_left_out;
  gint64 usec;
  guint64 reserved[4];
} CaskConformCounts;

/** CaskConform: a run that is being prepared. Since: 1.0 */
typedef struct _CaskConform CaskConform;

/**
 * CaskConformFunc:
 * @result: what is known of a case
 * @user_data: what was given with the function
 *
 * Is called when a case begins, and when it has ended, in the thread of the run.
 * Since: 1.0
 */
typedef void (*CaskConformFunc) (const CaskConformResult *result, gpointer user_data);

/* A run of all cases, over both kinds of calls, with a random seed. Nothing is opened
 * yet. config: with `%d` where a directory belongs that is new for each case. Without it,
 * it must stand for a store that begins anew whenever it is opened, as `memory:`. */
CaskConform *cask_conform_new (const char *config);
/* Not while it is under way. conform: (nullable) */
void cask_conform_free (CaskConform *conform);

/* Only cases with this number ("C68", "S12") or with this text in their name. Called
 * several times: those that fit one of them, not all. */
void cask_conform_add_case (CaskConform *conform, const char *pattern);
/* Over one kind of calls only. Cases that have one way only are run all the same. */
void cask_conform_set_calls (CaskConform *conform, CaskConformCalls calls);
void cask_conform_set_length (CaskConform *conform, CaskConformLength length);
/* Repeats the random parts of the run that had this seed; threads race as they like. */
void cask_conform_set_seed (CaskConform *conform, guint32 seed);
guint32 cask_conform_get_seed (CaskConform *conform);
/* Which program is started where a case needs a second process; its main hands its
 * arguments to cask_conform_main(). NULL, as it is without this call: the one that is
 * installed with the library, which looks for plugins where this process has found them.
 * It does not know what was registered with cask_register_plugin(): a program that does
 * so, and whose main calls cask_conform_main() after it, gives "/proc/self/exe". */
void cask_conform_set_helper (CaskConform *conform, const char *program);
/* Is told when a case begins and when it has ended; else the run is silent. */
void cask_conform_set_func (CaskConform *conform, CaskConformFunc func,
                            gpointer user_data);

/* Returns: (transfer full): the names of the chosen cases, in order; g_strfreev() */
char **cask_conform_list_cases (CaskConform *conform);
/* Runs them in this thread, one run at a time in a process. A backend that crashes takes
 * the process along, and one that hangs holds it up: here nobody watches, as
 * cask_conform_main() does. Returns: FALSE with an error where nothing was run; TRUE also
 * where cases failed: see counts. counts: (nullable) */
gboolean cask_conform_run (CaskConform *conform, CaskConformCounts *counts,
                           GError **error);

/* `cask conform` as the main of a program: prints, handles signals, ends the process
 * where a case hangs. Called once in a process, with main's own arguments, after the
 * program has registered its plugins. Returns: the exit status */
int cask_conform_main (int argc, char **argv);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskConform, cask_conform_free)

G_END_DECLS
