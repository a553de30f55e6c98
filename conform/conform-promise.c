/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-promise.c: which promise a case proves, so that a failure says what it breaks.
 *
 * A sentence may name the promise itself ("S12"); otherwise its first number decides, and
 * where it has none, its suite. */
#include "conform-suites.h"

#include <stdlib.h>
#include <string.h>

static const ConformPromise promises[] = {
  { "calls", "every call does what its documentation says, and nothing else" },
  { "S1", "a put of what is there succeeds, is not created, and freshens it; of several "
          "puts of one blob exactly one has created it" },
  { "S2",
    "bytes that are not what was announced are refused, nothing of them is visible, "
    "and what was there is untouched" },
  { "S3",
    "nothing is visible before a put commits, and everything is, to everybody, once "
    "it has returned" },
  { "S4", "a delete removes its blob alone, and of a missing one succeeds and says so" },
  { "S5", "a reader that was opened before a delete reads all its bytes, or is told GONE "
          "where that is announced: never fewer, never others" },
  { "S6", "a list is in the order of the digests, has each blob that stays exactly once "
          "and no leftovers, and its token need not exist" },
  { "S7", "what is read whole is verified: wrong bytes are CORRUPT before the last one, "
          "and never NOT_FOUND" },
  { "S8", "a put heals the copy that has a wrong size or was found corrupt" },
  { "S9", "the empty blob is a blob like others: absent until it is put" },
  { "S10", "a range at the end is empty, past it INVALID_RANGE, and clamps to it" },
  { "S11", "sizes have 64 bits, and memory is bounded by the piece, not by the blob" },
  { "S12", "a cancel before the commit leaves nothing and one after it changes nothing; "
           "one callback, always, in the context of the call" },
  { "S13", "what can not be looked at is an error, not an absence" },
  { "S14", "success means that the durability which was asked for is reached" },
  { "S15", "the bytes that were given are the bytes that are stored, and the caller's "
           "buffer is his again when the documentation says so" },
  { "S16", "a time is the commit's, a use renews it, and what was used since is not "
           "removed as unused, whoever tries" },
  { "S17", "a call in a forked child fails with CLOSED, and nothing hangs" },
  { "uploads",
    "what was saved of an upload is resumed as it was, by one at a time, until "
    "it is committed, aborted or expired" },
  { "close", "a close ends what was started and refuses what comes after it; the last "
             "reference may be dropped anywhere" },
  { "capabilities",
    "what is announced is true, and what is not is refused as UNSUPPORTED" },
  { "config", "an option is taken at its word or refused by its name" },
};

/* From this number up to the next one's. */
static const struct
{
  guint from;
  const char *promise;
} promise_of_numbers[] = {
  { 1, "S3" },       { 2, "S15" },           { 4, "S3" },       { 5, "S15" },
  { 6, "S9" },       { 9, "S15" },           { 11, "S11" },     { 13, "S2" },
  { 17, "S3" },      { 18, "S15" },          { 19, "S1" },      { 20, "S16" },
  { 21, "S13" },     { 23, "S10" },          { 32, "S7" },      { 34, "S16" },
  { 35, "S7" },      { 36, "S4" },           { 39, "S6" },      { 45, "S12" },
  { 46, "S3" },      { 47, "S4" },           { 48, "S2" },      { 49, "S6" },
  { 50, "uploads" }, { 54, "S2" },           { 56, "uploads" }, { 57, "S12" },
  { 58, "uploads" }, { 59, "S1" },           { 60, "close" },   { 61, "uploads" },
  { 63, "S7" },      { 64, "S3" },           { 65, "S1" },      { 66, "S3" },
  { 67, "S12" },     { 71, "S5" },           { 72, "S1" },      { 73, "close" },
  { 74, "S12" },     { 76, "S3" },           { 78, "S7" },      { 82, "S8" },
  { 83, "S7" },      { 86, "capabilities" }, { 87, "config" },  { 88, "S3" },
  { 89, "S16" },     { 92, "S12" },          { 95, "close" },   { 96, "S17" },
};

/* The next word of a sentence, where it is a number such as "C22" or "C23-C27". Returns:
 * (nullable): what follows it */
static const char *
promise_next_number (const char *sentence, char *kind, guint *number)
{
  char *end;

  if (strchr ("CS", sentence[0]) == NULL || !g_ascii_isdigit (sentence[1]))
    return NULL;
  *kind = sentence[0];
  *number = (guint) strtoul (sentence + 1, &end, 10);
  end = strchr (end, ' ');
  return end != NULL ? end + 1 : NULL;
}

gboolean
conform_has_number (const char *sentence, const char *number)
{
  char kind;
  guint at, last, wanted = (guint) strtoul (number + 1, NULL, 10);
  const char *next;

  for (; (next = promise_next_number (sentence, &kind, &at)) != NULL; sentence = next)
    {
      const char *range = strpbrk (sentence, "- ");
      last = *range == '-' ? (guint) strtoul (range + 2, NULL, 10) : at;
      if (kind == g_ascii_toupper (number[0]) && at <= wanted && wanted <= last)
        return TRUE;
    }
  return FALSE;
}

static const ConformPromise *
promise_by_name (const char *name)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (promises); i++)
    if (g_str_equal (promises[i].name, name))
      return &promises[i];
  return &promises[0];
}

static const char *
promise_of_number (guint number)
{
  const char *name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (promise_of_numbers); i++)
    if (promise_of_numbers[i].from <= number)
      name = promise_of_numbers[i].promise;
  return name;
}

const ConformPromise *
conform_find_promise (const ConformSuite *suite, const ConformCase *item)
{
  char kind;
  guint number, first = 0;
  const char *next, *sentence = item->sentence;

  for (; (next = promise_next_number (sentence, &kind, &number)) != NULL; sentence = next)
    {
      g_autofree char *name = g_strdup_printf ("S%u", number);
      if (kind == 'S')
        return promise_by_name (name);
      if (first == 0)
        first = number;
    }
  return promise_by_name (first > 0 ? promise_of_number (first) : suite->promise);
}
