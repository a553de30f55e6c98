/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-operations.h: the language of sequences of operations.
 *
 * Invariants: what fuzz-operations.c reads and runs and what fuzz-operations-mutate.c
 * makes up come from one table; model_draw() ends the process where an operation draws
 * otherwise than the table says. */
#pragma once

#include "model.h"

#define STEPS_MOST 120

/* What belongs together; the first operation of a theme makes what the others need. */
typedef enum
{
  THEME_BLOB,
  THEME_MANY,
  THEME_UPLOAD,
  THEME_READER,
  THEME_STORE,
  THEMES
} OperationTheme;

typedef struct
{
  char letter;
  OperationTheme theme;
  const char *name;
  ModelOperation run;
  guint8 limits[MODEL_DRAWS + 1]; /* of each number that it draws; 0: no more */
} Operation;

typedef struct
{
  guint8 operation; /* its place in the table */
  guint8 draws[MODEL_DRAWS];
} Step;

typedef struct
{
  guint8 kind; /* the store: a letter of model.c */
  guint n;
  Step steps[STEPS_MOST];
} Sequence;

extern const Operation operations[];
extern const guint operations_n;

/* Any bytes are a sequence. */
void sequence_read (Sequence *sequence, const guint8 *data, gsize size);
/* Writes as many steps as there is room for. Returns: how many bytes */
gsize sequence_write (const Sequence *sequence, guint8 *data, gsize room);

/* Read by AddressSanitizer, where it is there. */
const char *__asan_default_options (void);

/* What libFuzzer calls in place of its own mutations. */
gsize LLVMFuzzerCustomMutator (guint8 *data, gsize size, gsize room, guint seed);
gsize LLVMFuzzerCustomCrossOver (const guint8 *a, gsize a_size, const guint8 *b,
                                 gsize b_size, guint8 *data, gsize room, guint seed);
