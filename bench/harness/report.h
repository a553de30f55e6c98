/* SPDX-License-Identifier: Apache-2.0
 *
 * report.h: the parts of a report. Markdown, without names and paths of the machine. */
#pragma once

#include "bench.h"

/* Processor, kernel, filesystem, versions (environment.c). */
void report_environment (const BenchRun *run, GString *markdown);
/* A table for each field and operation, and one of all trials (report-tables.c). */
void report_tables (const BenchRun *run, GString *markdown);
void report_trials (const BenchRun *run, GString *markdown);
/* What the entrants do that others do not. */
void report_notes (const BenchRun *run, GString *markdown);
