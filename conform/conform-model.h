/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-model.h: a store beside a model of it, for sequences of random operations. */
#pragma once

#include "conform-case.h"

#define MODEL_BLOBS 40

/* The blobs that a sequence is about, in the order of their digests. */
typedef struct
{
  Conform *c;
  GRand *rand;
  CaskDigest digests[MODEL_BLOBS];
  GBytes *bytes[MODEL_BLOBS];
  gboolean is_stored[MODEL_BLOBS]; /* the model: what the store must have now */
  guint step;
  const char *operation;
  gboolean has_failed; /* what comes after it says nothing */
} Model;

/* An operation on the blob of that number: does it on both, and compares. */
typedef void (*ModelOperation) (Model *model, guint number);

/* Whether two descriptions of an outcome are the same; what differs is said once. */
void model_compare (Model *model, guint number, const char *came, const char *expected);
/* Returns: (transfer full): an outcome in words: that of a failure where there is one */
char *model_describe (const char *success, const GError *error);
/* With a chance of one in n. */
gboolean model_chance (Model *model, guint n);

/* ---- conform-model-many.c: operations on more than one blob, and on uploads ---- */

void model_list (Model *model, guint number);
void model_put_many (Model *model, guint number);
void model_contains_many (Model *model, guint number);
void model_delete_many (Model *model, guint number);
void model_upload (Model *model, guint number);
/* Everything there is, listed in pages of random size. */
void model_compare_all (Model *model);
