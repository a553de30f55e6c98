/* SPDX-License-Identifier: Apache-2.0
 *
 * completion-private.h: the way of a finished operation back into its main context. */
#pragma once

#include <glib.h>

typedef struct _CaskCompletion CaskCompletion;
typedef struct _CaskCompletionQueue CaskCompletionQueue;

/* To be embedded in what is delivered. */
struct _CaskCompletion
{
  /* Called in the context; the completion is the callee's from here on. */
  void (*deliver) (CaskCompletion *completion);

  CaskCompletion *next;
  CaskCompletionQueue *queue;
};

/* Announces that a completion will be pushed, once, for a context (NULL: the default one)
 * and a source priority. Whoever announces must keep the context alive until the
 * delivery. Returns: how many are announced there and not delivered yet, this one too. */
guint cask_completion_announce (CaskCompletion *completion, GMainContext *context,
                                int priority);

/* From any thread. Afterwards the completion belongs to the context's thread. */
void cask_completion_push (CaskCompletion *completion);
void cask_completion_push_all (CaskCompletion *const *completions, guint n);

/* How many queues there are, for tests. */
guint cask_completion_count_queues (void);

void cask_completion_after_fork (void);
