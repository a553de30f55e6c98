/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-report.c: what a run says of itself: each case that failed (in TAP, every
 * case), what was expected and what came, and a summary, which has the skipped ones by
 * reasons.
 *
 * Invariants: on a terminal the last line is the case that is under way; it is wiped
 * before anything else is printed. No text of a backend's reaches a terminal with its
 * control characters, nor may it end a line of TAP. */
#include "conform-report.h"
#include "conform-private.h"

#include "conform-check.h"

#include <cask/cask-version.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct _ConformReport
{
  CaskConform *conform;
  char *config; /* as a line */
  gboolean has_tap, is_verbose, has_progress;
  CaskConformResult current; /* the case that is under way, or was the last */
  CaskConformCounts counts;
  gint64 began;
  GHashTable *reasons; /* why cases were skipped, and how many */
};

/* A line that is written over needs a terminal that can. */
static gboolean
report_can_wipe (void)
{
  const char *terminal = g_getenv ("TERM");

  return isatty (STDOUT_FILENO) == 1 && terminal != NULL && *terminal != '\0' &&
         strcmp (terminal, "dumb") != 0;
}

ConformReport *
conform_report_new (CaskConform *conform, const char *config, gboolean has_tap,
                    gboolean is_verbose)
{
  ConformReport *report = g_new0 (ConformReport, 1);

  report->conform = conform;
  report->config = conform_print_config (config);
  report->has_tap = has_tap;
  report->is_verbose = is_verbose;
  report->has_progress = !has_tap && report_can_wipe ();
  report->began = g_get_monotonic_time ();
  report->reasons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return report;
}

void
conform_report_free (ConformReport *report)
{
  g_hash_table_unref (report->reasons);
  g_free (report->config);
  g_free (report);
}

const char *
conform_report_get_indent (const ConformReport *report)
{
  return report->has_tap ? "# " : "        ";
}

/* ---- Text ---- */

/* Prints it line by line, each behind the indent. */
static void
report_print_lines (const char *indent, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      if (line[0][0] == '\0' && line[1] == NULL)
        break;
      for (char *at = *line; *at != '\0'; at++)
        if (g_ascii_iscntrl (*at))
          *at = '?';
      printf ("%s%s\n", indent, *line);
    }
}

static void
report_wipe_progress (ConformReport *report)
{
  if (report->has_progress)
    printf ("\r\033[K");
}

/* What is longer than the line would go on in the next, and not be wiped there. */
static void
report_draw_progress (const CaskConformResult *result)
{
  struct winsize size;
  gboolean is_known = ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  g_autofree char *line =
      g_strdup_printf ("%u/%u %s", result->index + 1, result->n_cases, result->sentence);

  printf ("%.*s", MIN (is_known ? size.ws_col : 80, 72) - 1, line);
}

static void
report_begin (ConformReport *report)
{
  guint32 seed = cask_conform_get_seed (report->conform);

  if (report->has_tap)
    printf ("TAP version 13\n1..%u\n# cask %s: conform %s, seed %u\n",
            report->current.n_cases, cask_version (), report->config, seed);
  else
    printf ("cask %s: the contract of %s: %u cases, seed %u\n", cask_version (),
            report->config, report->current.n_cases, seed);
}

static void
report_failed (const CaskConformResult *result)
{
  printf ("FAILED  %s\n        it breaks %s: %s\n", result->name, result->promise,
          result->promise_words);
  report_print_lines ("        ", result->details);
  printf ("        again: %s\n", result->repeat);
}

static void
report_text (ConformReport *report, const CaskConformResult *result)
{
  report_wipe_progress (report);
  if (result->outcome == CASK_CONFORM_FAILED)
    report_failed (result);
  else if (result->outcome == CASK_CONFORM_SKIPPED && report->is_verbose)
    printf ("skipped %s: %s\n", result->name, result->reason);
  else if (result->outcome == CASK_CONFORM_BEGUN && report->has_progress)
    report_draw_progress (result);
  fflush (stdout);
}

/* ---- TAP ---- */

/* '#' would begin a directive. */
static char *
report_escape_tap (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "#", -1);
  return g_strjoinv ("\\#", parts);
}

static void
report_tap (const CaskConformResult *result)
{
  g_autofree char *name = report_escape_tap (result->name);

  if (result->outcome == CASK_CONFORM_BEGUN)
    return;
  printf ("%s %u - %s%s%s\n", result->outcome == CASK_CONFORM_FAILED ? "not ok" : "ok",
          result->index + 1, name,
          result->outcome == CASK_CONFORM_SKIPPED ? " # SKIP " : "",
          result->outcome == CASK_CONFORM_SKIPPED ? result->reason : "");
  if (result->outcome != CASK_CONFORM_FAILED)
    return;
  printf ("  ---\n  promise: %s\n  words: |\n    %s\n  checks: |\n", result->promise,
          result->promise_words);
  report_print_lines ("    ", result->details);
  printf ("  again: |\n    %s\n  ...\n", result->repeat);
}

/* ---- Cases and the end ---- */

static void
report_count (ConformReport *report, const CaskConformResult *result)
{
  report->counts.n_passed += result->outcome == CASK_CONFORM_PASSED;
  report->counts.n_failed += result->outcome == CASK_CONFORM_FAILED;
  if (result->outcome != CASK_CONFORM_SKIPPED)
    return;
  report->counts.n_skipped++;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (report->reasons, result->reason));
  g_hash_table_insert (report->reasons, g_strdup (result->reason),
                       GUINT_TO_POINTER (n + 1));
}

void
conform_report_case (const CaskConformResult *result, gpointer data)
{
  ConformReport *report = data;

  report->current = *result;
  if (result->index == 0 && result->outcome == CASK_CONFORM_BEGUN)
    report_begin (report);
  report_count (report, result);
  if (report->has_tap)
    report_tap (result);
  else
    report_text (report, result);
}

static void
report_print_tallies (const char *mark)
{
  guint64 total = 0;
  const char *what;

  for (guint i = 0; (what = conform_tally_get (i, &total)) != NULL; i++)
    printf ("%s%" G_GUINT64_FORMAT " %s\n", mark, total, what);
}

void
conform_report_end (ConformReport *report, const CaskConformCounts *counts)
{
  const char *mark = report->has_tap ? "# " : "";
  g_autoptr (GList) reasons = g_hash_table_get_keys (report->reasons);

  report_wipe_progress (report);
  reasons = g_list_sort (reasons, (GCompareFunc) strcmp);
  for (const GList *reason = reasons; reason != NULL; reason = reason->next)
    printf ("%s%u skipped: %s\n", mark,
            GPOINTER_TO_UINT (g_hash_table_lookup (report->reasons, reason->data)),
            (const char *) reason->data);
  report_print_tallies (mark);
  if (counts->n_left_out > 0)
    printf ("%s%u left out by --quick\n", mark, counts->n_left_out);
  printf ("%s%u passed, %u failed, %u skipped, in %.1f s, seed %u\n", mark,
          counts->n_passed, counts->n_failed, counts->n_skipped,
          (double) counts->usec / G_USEC_PER_SEC,
          cask_conform_get_seed (report->conform));
  fflush (stdout);
}

void
conform_report_no_run (ConformReport *report, const char *why)
{
  if (!report->has_tap)
    return;
  g_autofree char *line = g_strdelimit (g_strdup (why), "\r\n", ' ');
  printf ("Bail out! %s\n", line);
}

void
conform_report_cut_short (ConformReport *report, const char *why, gboolean is_failure)
{
  CaskConformResult result = report->current;

  if (is_failure && result.name != NULL && result.outcome == CASK_CONFORM_BEGUN)
    {
      g_auto (ConformRecord) record = conform_record_get ();
      g_autofree char *details =
          g_strconcat (record.details != NULL ? record.details : "", why, "\n", NULL);
      result.outcome = CASK_CONFORM_FAILED;
      result.details = details;
      conform_report_case (&result, report);
    }
  report_wipe_progress (report);
  if (report->has_tap)
    printf ("Bail out! %s\n", why);
  else
    printf ("ended early: %s\n", why);
  report->counts.usec = g_get_monotonic_time () - report->began;
  conform_report_end (report, &report->counts);
}
