/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-suites.h: every case there is, by suites, and the promise that each proves. */
#pragma once

#include <glib.h>

typedef struct
{
  const char
      *sentence; /* "C22 C8 …": the numbers it covers in front; NULL ends a table */
  void (*run) (void);
} ConformCase;

#define CONFORM_CASES_END                                                                \
  {                                                                                      \
    NULL, NULL                                                                           \
  }

typedef struct
{
  const char *name;
  const ConformCase *cases;
  gboolean one_way;    /* it uses both kinds of calls as it needs them */
  gboolean is_slow;    /* crowds, races, large blobs */
  const char *promise; /* (nullable) of the cases without a number */
} ConformSuite;

/* Ends with one that has no name. */
extern const ConformSuite conform_suites[];

/* Whether the case is one of those that take long in a suite which does not. */
gboolean conform_case_is_slow (const ConformSuite *suite, const ConformCase *item);

typedef struct
{
  const char *name, *words;
} ConformPromise;

const ConformPromise *conform_find_promise (const ConformSuite *suite,
                                            const ConformCase *item);

/* Whether `number`, such as "C22", is one of the sentence's. */
gboolean conform_has_number (const char *sentence, const char *number);

/* ---- The tables ---- */

extern const ConformCase conform_put_get_tests[];
extern const ConformCase conform_ranges_tests[];
extern const ConformCase conform_delete_tests[];
extern const ConformCase conform_list_tests[];
extern const ConformCase conform_batch_tests[];
extern const ConformCase conform_batch_crowd_tests[];
extern const ConformCase conform_cancel_tests[];
extern const ConformCase conform_concurrency_tests[];
extern const ConformCase conform_crowd_tests[];
extern const ConformCase conform_integrity_tests[];
extern const ConformCase conform_policy_tests[];
extern const ConformCase conform_truth_tests[];
extern const ConformCase conform_options_tests[];
extern const ConformCase conform_removal_tests[];
extern const ConformCase conform_race_tests[];
extern const ConformCase conform_loop_tests[];
extern const ConformCase conform_stream_read_tests[];
extern const ConformCase conform_stream_life_tests[];
extern const ConformCase conform_stream_damage_tests[];
extern const ConformCase conform_upload_write_tests[];
extern const ConformCase conform_upload_commit_tests[];
extern const ConformCase conform_upload_stream_tests[];
extern const ConformCase conform_upload_resume_tests[];
extern const ConformCase conform_upload_saved_tests[];
extern const ConformCase conform_upload_cancel_tests[];
extern const ConformCase conform_upload_crowd_tests[];
extern const ConformCase conform_upload_memory_tests[];
extern const ConformCase conform_large_tests[];
extern const ConformCase conform_model_tests[];
extern const ConformCase conform_history_tests[];
extern const ConformCase conform_layer_tests[];
extern const ConformCase conform_end_tests[];
