/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-suites.c: the suites, in the order in which they are run: what the later ones
 * take for granted, the earlier ones prove. */
#include "conform-suites.h"

#define BOTH_WAYS FALSE
#define ONE_WAY TRUE
#define FAST FALSE
#define SLOW TRUE

const ConformSuite conform_suites[] = {
  { "put and get", conform_put_get_tests, BOTH_WAYS, FAST, "S15" },
  { "ranges and stat", conform_ranges_tests, BOTH_WAYS, FAST, "S10" },
  { "delete", conform_delete_tests, BOTH_WAYS, FAST, "S4" },
  { "list", conform_list_tests, BOTH_WAYS, FAST, "S6" },
  { "batches", conform_batch_tests, BOTH_WAYS, FAST, "S3" },
  { "batches in trouble", conform_batch_crowd_tests, BOTH_WAYS, FAST, "S3" },
  { "cancellation", conform_cancel_tests, BOTH_WAYS, FAST, "S12" },
  { "concurrency", conform_concurrency_tests, BOTH_WAYS, SLOW, "S3" },
  { "crowds", conform_crowd_tests, BOTH_WAYS, SLOW, "S12" },
  { "integrity", conform_integrity_tests, BOTH_WAYS, FAST, "S7" },
  { "policies", conform_policy_tests, BOTH_WAYS, FAST, "S7" },
  { "truthfulness", conform_truth_tests, BOTH_WAYS, FAST, "config" },
  { "options", conform_options_tests, ONE_WAY, FAST, "config" },
  { "use and removal", conform_removal_tests, BOTH_WAYS, FAST, "S16" },
  { "use against removal", conform_race_tests, ONE_WAY, SLOW, "S16" },
  { "the loop", conform_loop_tests, ONE_WAY, FAST, "S12" },
  { "streams", conform_stream_read_tests, BOTH_WAYS, FAST, "S7" },
  { "the life of streams", conform_stream_life_tests, BOTH_WAYS, FAST, "S7" },
  { "damaged streams", conform_stream_damage_tests, BOTH_WAYS, FAST, "S7" },
  { "uploads: writing", conform_upload_write_tests, BOTH_WAYS, FAST, "S15" },
  { "uploads: committing", conform_upload_commit_tests, BOTH_WAYS, FAST, "S2" },
  { "uploads: streams", conform_upload_stream_tests, BOTH_WAYS, FAST, "S15" },
  { "uploads: resuming", conform_upload_resume_tests, BOTH_WAYS, FAST, "uploads" },
  { "uploads: saved ones", conform_upload_saved_tests, BOTH_WAYS, FAST, "uploads" },
  { "uploads: cancelling", conform_upload_cancel_tests, BOTH_WAYS, FAST, "S12" },
  { "uploads: crowds", conform_upload_crowd_tests, BOTH_WAYS, SLOW, "S3" },
  { "uploads: memory", conform_upload_memory_tests, BOTH_WAYS, SLOW, "S11" },
  { "large blobs", conform_large_tests, BOTH_WAYS, SLOW, "S11" },
  { "against a model", conform_model_tests, BOTH_WAYS, SLOW, "S3" },
  { "histories", conform_history_tests, BOTH_WAYS, SLOW, "S3" },
  { "behind a layer", conform_layer_tests, ONE_WAY, SLOW, "S3" },
  { "the end", conform_end_tests, BOTH_WAYS, FAST, "close" },
  { NULL, NULL, BOTH_WAYS, FAST, NULL },
};

gboolean
conform_case_is_slow (const ConformSuite *suite, const ConformCase *item)
{
  static const char *const slow[] = { "C9",  "C10", "C12", "C53",
                                      "C63", "C69", "C74", "C93" };

  for (guint i = 0; i < G_N_ELEMENTS (slow); i++)
    if (conform_has_number (item->sentence, slow[i]))
      return TRUE;
  return suite->is_slow;
}
