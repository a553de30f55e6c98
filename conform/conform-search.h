/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-search.h: whether answers that were given at once could have been given one
 * after another. */
#pragma once

#include <glib.h>

/* No more calls than that on one blob: a set of them, and the state, fit into 32 bits. */
#define SEARCH_MOST 31

typedef enum
{
  HISTORY_PUT,
  HISTORY_DELETE,
  HISTORY_CONTAINS,
  HISTORY_GET,
  HISTORY_NONE /* its answer says nothing */
} HistoryKind;

/* Times in whole microseconds. */
typedef struct
{
  HistoryKind kind;
  guint blob, thread;
  gint64 begin, end;
  gboolean answer; /* created, existed, present or found */
} HistoryCall;

/* All calls on one blob. Begins as zeros, but for the first three. */
typedef struct
{
  gboolean exact; /* whether created and existed say something */
  guint n;
  HistoryCall calls[SEARCH_MOST];
  guint32 before[SEARCH_MOST]; /* the set of those that must come first */
  GHashTable *dead_ends;       /* sets of calls made, each with the state after them */
} Search;

/* Whether there is an order of the calls in which one that ended before another began
 * comes first, and in which every answer is right. stored: the state before them all */
gboolean search_explains (Search *search, gboolean stored);
