/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-check.c: records the checks that fail.
 *
 * Invariants: a file is named without its directory, which is the builder's and says
 * nothing to who reads the report. A loop that fails a million times is to be read by a
 * person: CHECK_MOST different ones are told, the others counted.
 *
 * Locks: check_lock guards check_record, check_items and check_n_told. */
#include "conform-check.h"

#include <cask/cask-error.h>

#define CHECK_MOST 10

static GMutex check_lock;
static ConformRecord check_record; /* its details are in check_items until asked for */
static GArray *check_items;
static guint check_n_told;

/* A failed check, or a line of conform_note(). */
typedef struct
{
  char *text;
  gboolean is_note;
  guint n_like_it; /* that came after it and say the same */
} CheckItem;

/* ---- What was recorded ---- */

static void
check_item_clear (gpointer data)
{
  CheckItem *item = data;
  g_free (item->text);
}

/* With the lock held. */
static GArray *
check_get_items (void)
{
  if (check_items == NULL)
    {
      check_items = g_array_new (FALSE, FALSE, sizeof (CheckItem));
      g_array_set_clear_func (check_items, check_item_clear);
    }
  return check_items;
}

void
conform_record_begin (void)
{
  g_mutex_lock (&check_lock);
  conform_record_clear (&check_record);
  g_array_set_size (check_get_items (), 0);
  check_n_told = 0;
  g_mutex_unlock (&check_lock);
}

/* With the lock held. Returns: (nullable): what failed, one after the other */
static char *
check_print_items (void)
{
  GString *text = g_string_new (NULL);
  guint n_left = check_record.n_failed;

  for (guint i = 0; i < check_get_items ()->len; i++)
    {
      const CheckItem *item = &g_array_index (check_items, CheckItem, i);
      n_left -= item->is_note ? 0 : 1 + item->n_like_it;
      g_string_append (text, item->text);
      if (item->n_like_it > 0)
        g_string_append_printf (text, "  and %u more like it\n", item->n_like_it);
    }
  if (n_left > 0)
    g_string_append_printf (text, "and %u failed checks more\n", n_left);
  return g_string_free (text, text->len == 0);
}

ConformRecord
conform_record_get (void)
{
  g_mutex_lock (&check_lock);
  ConformRecord copy = { .n_failed = check_record.n_failed,
                         .details = check_print_items (),
                         .skipped = g_strdup (check_record.skipped) };
  g_mutex_unlock (&check_lock);
  return copy;
}

guint
conform_record_count_failed (void)
{
  g_mutex_lock (&check_lock);
  guint n_failed = check_record.n_failed;
  g_mutex_unlock (&check_lock);
  return n_failed;
}

void
conform_record_forget_skip (void)
{
  g_mutex_lock (&check_lock);
  g_clear_pointer (&check_record.skipped, g_free);
  g_mutex_unlock (&check_lock);
}

void
conform_record_clear (ConformRecord *record)
{
  g_clear_pointer (&record->details, g_free);
  g_clear_pointer (&record->skipped, g_free);
  record->n_failed = 0;
}

/* With the lock held. Takes the text. */
static void
check_append (char *text, gboolean is_note)
{
  GArray *items = check_get_items ();
  const CheckItem new = { .text = text, .is_note = is_note };

  for (guint i = 0; i < items->len; i++)
    {
      CheckItem *item = &g_array_index (items, CheckItem, i);
      if (!g_str_equal (item->text, text))
        continue;
      item->n_like_it += !is_note;
      g_free (text);
      return;
    }
  if (!is_note && check_n_told++ >= CHECK_MOST)
    g_free (text);
  else
    g_array_append_val (items, new);
}

/* Records a failure. Returns: FALSE */
static gboolean
check_fail (const char *file, guint line, const char *expected, const char *got)
{
  const char *slash = strrchr (file, '/');
  char *text = g_strdup_printf ("%s:%u\n  expected: %s\n  got:      %s\n",
                                slash != NULL ? slash + 1 : file, line, expected, got);

  g_mutex_lock (&check_lock);
  check_record.n_failed++;
  check_append (text, FALSE);
  g_mutex_unlock (&check_lock);
  return FALSE;
}

void
conform_note (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_mutex_lock (&check_lock);
  check_append (g_strdup_printf ("  %s\n", text), TRUE);
  g_mutex_unlock (&check_lock);
}

void
conform_skip (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_mutex_lock (&check_lock);
  if (check_record.skipped == NULL)
    check_record.skipped = g_steal_pointer (&text);
  g_mutex_unlock (&check_lock);
}

/* ---- Booleans, numbers, strings, bytes ---- */

/* Whether it is a value's name, and no expression. */
static gboolean
check_is_name (const char *text)
{
  return strpbrk (text, " ()[]!<=&|") == NULL;
}

gboolean
conform_check_boolean (gboolean actual, gboolean expected, const char *text,
                       const char *file, guint line)
{
  if (actual == expected)
    return TRUE;
  if (check_is_name (text))
    {
      g_autofree char *wanted =
          g_strdup_printf ("%s is %s", text, expected ? "TRUE" : "FALSE");
      return check_fail (file, line, wanted, actual ? "TRUE" : "FALSE");
    }
  g_autofree char *wanted =
      expected ? g_strdup (text) : g_strdup_printf ("not (%s)", text);
  return check_fail (file, line, wanted, expected ? "it is not so" : "it is so");
}

gboolean
conform_check_removed (guint actual, guint expected, const char *text, const char *file,
                       guint line)
{
  static const char *const names[] = { "ABSENT", "DONE", "KEPT", "MAYBE" };

  if (actual == expected)
    return TRUE;
  g_autofree char *wanted = g_strdup_printf ("%s is %s", text, names[expected]);
  return check_fail (file, line, wanted,
                     actual < G_N_ELEMENTS (names) ? names[actual] : "no CaskRemoved");
}

/* A value as people say it: what the check compares it with tells of what kind it is. */
static char *
check_print_value (ConformNumber number, const char *expected_text)
{
  gboolean is_boolean =
      g_str_equal (expected_text, "TRUE") || g_str_equal (expected_text, "FALSE") ||
      strstr (expected_text, "==") != NULL || strstr (expected_text, "!=") != NULL;

  if (is_boolean && (number == 0 || number == 1))
    return g_strdup (number != 0 ? "TRUE" : "FALSE");
  if (number < 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) number);
  return g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) number);
}

gboolean
conform_check_equal (ConformNumber actual, ConformNumber expected, const char *text,
                     const char *expected_text, const char *file, guint line)
{
  if (actual == expected)
    return TRUE;
  g_autofree char *got = check_print_value (actual, expected_text);
  g_autofree char *value = check_print_value (expected, expected_text);
  g_autofree char *wanted =
      g_str_equal (value, expected_text)
          ? g_strdup_printf ("%s is %s", text, value)
          : g_strdup_printf ("%s is %s (%s)", text, value, expected_text);
  return check_fail (file, line, wanted, got);
}

/* What is wrong with them. */
static char *
check_print_bytes (GBytes *actual, GBytes *expected)
{
  gsize n_got, n_due, at = 0;

  if (actual == NULL)
    return g_strdup ("none");
  const guint8 *got = g_bytes_get_data (actual, &n_got);
  const guint8 *due = g_bytes_get_data (expected, &n_due);
  while (at < MIN (n_got, n_due) && got[at] == due[at])
    at++;
  if (at == MIN (n_got, n_due))
    return g_strdup_printf ("%" G_GSIZE_FORMAT " bytes, too %s", n_got,
                            n_got < n_due ? "few" : "many");
  return g_strdup_printf ("%" G_GSIZE_FORMAT " bytes; the first that differs is the one "
                          "at %" G_GSIZE_FORMAT ": 0x%02x instead of 0x%02x",
                          n_got, at, got[at], due[at]);
}

gboolean
conform_check_bytes (GBytes *actual, GBytes *expected, const char *what, const char *file,
                     guint line)
{
  if (actual != NULL && g_bytes_equal (actual, expected))
    return TRUE;
  gsize size = g_bytes_get_size (expected);
  g_autofree char *wanted = g_strdup_printf ("%s: the %" G_GSIZE_FORMAT " %s put", what,
                                             size, size == 1 ? "byte" : "bytes");
  g_autofree char *got = check_print_bytes (actual, expected);
  return check_fail (file, line, wanted, got);
}

gboolean
conform_check_digest (const CaskDigest *actual, const CaskDigest *expected,
                      const char *text, const char *file, guint line)
{
  char wanted[CASK_DIGEST_TEXT_SIZE], got[CASK_DIGEST_TEXT_SIZE] = "none";

  if (actual != NULL && cask_digest_equal (actual, expected))
    return TRUE;
  cask_digest_write (expected, wanted);
  if (actual != NULL)
    cask_digest_write (actual, got);
  g_autofree char *words =
      g_strdup_printf ("%s is %s", text[0] == '&' ? text + 1 : text, wanted);
  return check_fail (file, line, words, got);
}

gboolean
conform_check_string (const char *actual, const char *expected, const char *text,
                      const char *file, guint line)
{
  if (g_strcmp0 (actual, expected) == 0)
    return TRUE;
  g_autofree char *wanted =
      g_strdup_printf ("%s is \"%s\"", text, expected != NULL ? expected : "(null)");
  g_autofree char *got = g_strdup_printf ("\"%s\"", actual != NULL ? actual : "(null)");
  return check_fail (file, line, wanted, got);
}

/* ---- Errors ---- */

/* As the headers spell it, where it is one of Cask's. */
static char *
check_name_code (GQuark domain, int code)
{
  static const char *const names[] = {
    [CASK_ERROR_NOT_FOUND] = "NOT_FOUND",
    [CASK_ERROR_DIGEST_MISMATCH] = "DIGEST_MISMATCH",
    [CASK_ERROR_INVALID_DIGEST] = "INVALID_DIGEST",
    [CASK_ERROR_CORRUPT] = "CORRUPT",
    [CASK_ERROR_INVALID_CONFIG] = "INVALID_CONFIG",
    [CASK_ERROR_INVALID_RANGE] = "INVALID_RANGE",
    [CASK_ERROR_UNSUPPORTED] = "UNSUPPORTED",
    [CASK_ERROR_READ_ONLY] = "READ_ONLY",
    [CASK_ERROR_NO_SPACE] = "NO_SPACE",
    [CASK_ERROR_PERMISSION] = "PERMISSION",
    [CASK_ERROR_BUSY] = "BUSY",
    [CASK_ERROR_GONE] = "GONE",
    [CASK_ERROR_TOO_LARGE] = "TOO_LARGE",
    [CASK_ERROR_CLOSED] = "CLOSED",
    [CASK_ERROR_IO] = "IO",
    [CASK_ERROR_UNAVAILABLE] = "UNAVAILABLE",
    [CASK_ERROR_TIMED_OUT] = "TIMED_OUT",
    [CASK_ERROR_AUTH] = "AUTH",
    [CASK_ERROR_PLUGIN_NOT_FOUND] = "PLUGIN_NOT_FOUND",
    [CASK_ERROR_PLUGIN_INVALID] = "PLUGIN_INVALID",
    [CASK_ERROR_PLUGIN_ABI] = "PLUGIN_ABI",
  };

  if (domain == CASK_ERROR && code >= 0 && code < (int) G_N_ELEMENTS (names) &&
      names[code] != NULL)
    return g_strdup_printf ("CASK_ERROR_%s", names[code]);
  if (domain == G_IO_ERROR && code == G_IO_ERROR_CANCELLED)
    return g_strdup ("G_IO_ERROR_CANCELLED");
  return g_strdup_printf ("%s %d", g_quark_to_string (domain), code);
}

static char *
check_print_error (const GError *error)
{
  if (error == NULL)
    return g_strdup ("no error");
  g_autofree char *code = check_name_code (error->domain, error->code);
  return g_strdup_printf ("%s: %s", code, error->message);
}

gboolean
conform_check_ok (gboolean right, const char *text, const GError *error, const char *file,
                  guint line)
{
  if (right)
    return TRUE;
  g_autofree char *got = check_print_error (error);
  return check_fail (file, line, text, got);
}

gboolean
conform_check_error (GError **error, GQuark domain, int code, const char *text,
                     const char *file, guint line)
{
  gboolean right = g_error_matches (*error, domain, code) &&
                   (text == NULL || strstr ((*error)->message, text) != NULL);

  if (!right)
    {
      g_autofree char *name = check_name_code (domain, code);
      g_autofree char *wanted =
          text == NULL ? g_strdup (name)
                       : g_strdup_printf ("%s whose message has \"%s\"", name, text);
      g_autofree char *got = check_print_error (*error);
      check_fail (file, line, wanted, got);
    }
  g_clear_error (error);
  return right;
}

gboolean
conform_check_no_error (GError **error, const char *file, guint line)
{
  gboolean right = *error == NULL;

  if (!right)
    {
      g_autofree char *got = check_print_error (*error);
      check_fail (file, line, "no error", got);
    }
  g_clear_error (error);
  return right;
}
