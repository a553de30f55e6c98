/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-check.h: what a case expects, and how it is told what came.
 *
 * A check that fails is recorded with its place, what was expected and what came, and
 * does not jump: the case goes on. Any thread may check. Each macro evaluates its
 * arguments once, and gives whether it was so. */
#pragma once

#include <cask/cask-digest.h>
#include <gio/gio.h>

/* Holds every gint64 and every guint64. */
__extension__ typedef __int128 ConformNumber;

#define CONFORM_TRUE(condition)                                                          \
  conform_check_boolean (!!(condition), TRUE, #condition, __FILE__, __LINE__)
#define CONFORM_FALSE(condition)                                                         \
  conform_check_boolean (!!(condition), FALSE, #condition, __FILE__, __LINE__)
#define CONFORM_EQUAL(actual, expected)                                                  \
  conform_check_equal ((ConformNumber) (actual), (ConformNumber) (expected), #actual,    \
                       #expected, __FILE__, __LINE__)
/* Two of CaskRemoved. */
#define CONFORM_REMOVED(actual, expected)                                                \
  conform_check_removed ((guint) (actual), (guint) (expected), #actual, __FILE__,        \
                         __LINE__)
#define CONFORM_STRING_EQUAL(actual, expected)                                           \
  conform_check_string (actual, expected, #actual, __FILE__, __LINE__)
/* What came are these bytes. actual: (nullable); what: says in words where they are from
 */
#define CONFORM_BYTES(actual, expected, what)                                            \
  conform_check_bytes (actual, expected, what, __FILE__, __LINE__)
#define CONFORM_DIGEST(actual, expected)                                                 \
  conform_check_digest (actual, expected, #actual, __FILE__, __LINE__)
#define CONFORM_NULL(pointer)                                                            \
  conform_check_boolean ((pointer) == NULL, TRUE, #pointer " == NULL", __FILE__, __LINE__)
#define CONFORM_NOT_NULL(pointer)                                                        \
  conform_check_boolean ((pointer) != NULL, TRUE, #pointer " != NULL", __FILE__, __LINE__)
/* The same as CONFORM_TRUE(), for a call that says why it failed. error: (nullable) */
#define CONFORM_OK(condition, error)                                                     \
  conform_check_ok (!!(condition), #condition, error, __FILE__, __LINE__)
/* A call failed with this code and a message that has this text (NULL: any); then forgets
 * the error. */
#define CONFORM_ERROR(error, domain_, code_, text_)                                      \
  conform_check_error (&(error), domain_, (int) (code_), text_, __FILE__, __LINE__)
/* Nothing has failed; forgets what did. */
#define CONFORM_NO_ERROR(error) conform_check_no_error (&(error), __FILE__, __LINE__)

gboolean conform_check_boolean (gboolean actual, gboolean expected, const char *text,
                                const char *file, guint line);
gboolean conform_check_equal (ConformNumber actual, ConformNumber expected,
                              const char *text, const char *expected_text,
                              const char *file, guint line);
gboolean conform_check_removed (guint actual, guint expected, const char *text,
                                const char *file, guint line);
gboolean conform_check_string (const char *actual, const char *expected, const char *text,
                               const char *file, guint line);
gboolean conform_check_bytes (GBytes *actual, GBytes *expected, const char *what,
                              const char *file, guint line);
gboolean conform_check_digest (const CaskDigest *actual, const CaskDigest *expected,
                               const char *text, const char *file, guint line);
gboolean conform_check_ok (gboolean right, const char *text, const GError *error,
                           const char *file, guint line);
gboolean conform_check_error (GError **error, GQuark domain, int code, const char *text,
                              const char *file, guint line);
gboolean conform_check_no_error (GError **error, const char *file, guint line);

/* Adds a line to what the case says where it fails. */
void conform_note (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Says that and why the current case, or a part of it, does not apply. */
void conform_skip (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Adds to what the run has done so far, which its summary says. what: static, plural */
void conform_tally (const char *what, guint64 n);

/* ---- Around a case ---- */

/* What a case has recorded. */
typedef struct
{
  guint n_failed;
  char *details; /* (nullable) the failed checks, ready to be printed */
  char *skipped; /* (nullable) the first reason not to go on */
} ConformRecord;

void conform_record_begin (void);
/* Returns: (transfer full): so far */
ConformRecord conform_record_get (void);
guint conform_record_count_failed (void);
/* Where the case went on all the same. */
void conform_record_forget_skip (void);
void conform_record_clear (ConformRecord *record);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ConformRecord, conform_record_clear)

/* ---- Of the whole process ---- */

/* Returns: (nullable): what was tallied, n-th in the order in which it came first. total:
 * (out) */
const char *conform_tally_get (guint n, guint64 *total);
