/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-report.h: a run as text on standard output, for people or as TAP. */
#pragma once

#include <cask/cask-conform.h>

typedef struct _ConformReport ConformReport;

/* has_tap: TAP, version 13. is_verbose: a line for each case that is skipped */
ConformReport *conform_report_new (CaskConform *conform, const char *config,
                                   gboolean has_tap, gboolean is_verbose);
void conform_report_free (ConformReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConformReport, conform_report_free)

/* What stands before a line that belongs to the one above it. */
const char *conform_report_get_indent (const ConformReport *report);

/* A CaskConformFunc; data: the report. */
void conform_report_case (const CaskConformResult *result, gpointer data);
void conform_report_end (ConformReport *report, const CaskConformCounts *counts);
/* No case could be run. */
void conform_report_no_run (ConformReport *report, const char *why);
/* Ends before the last case. why: one line. is_failure: of the case that is under way */
void conform_report_cut_short (ConformReport *report, const char *why,
                               gboolean is_failure);
