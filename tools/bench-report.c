/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-report.c: what `cask bench` prints: a line for each operation as soon as it is
 * measured, or one JSON object when all are. */

#include "bench.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

static const char *const report_outcomes[] = { "done", "unsupported", "failed",
                                               "interrupted" };

/* Returns: the most memory that the process had at a time, or CASK_UNKNOWN */
static guint64
report_peak_memory (void)
{
  g_autofree char *status = NULL;
  guint64 kibibytes;
  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return CASK_UNKNOWN;
  const char *line = strstr (status, "\nVmHWM:");
  if (!line || sscanf (line, "\nVmHWM: %" G_GUINT64_FORMAT, &kibibytes) != 1)
    return CASK_UNKNOWN;
  return kibibytes * 1024;
}

static double
report_rate (const BenchResult *result, guint64 amount)
{
  return result->nsec > 0 ? (double) amount * 1e9 / (double) result->nsec : 0;
}

/* An operation that failed took its time as well. */
static double
report_share (const BenchResult *result, gint64 usec)
{
  guint64 n_operations = result->tally.n_done + result->tally.n_errors;
  return n_operations > 0 ? (double) usec / (double) n_operations : 0;
}

static char *
report_sizes (const BenchPlan *plan)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < plan->n_sizes; i++)
    {
      g_autofree char *size = output_size (plan->sizes[i].bytes);
      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", size);
      if (plan->n_sizes > 1)
        g_string_append_printf (text, " (%" G_GUINT64_FORMAT ")", plan->sizes[i].weight);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
bench_report_head (const BenchPlan *plan, CaskStore *store)
{
  g_autofree char *config = output_escape (cask_store_get_config (store));
  g_autofree char *sizes = report_sizes (plan);
  guint64 n = plan->concurrency;
  g_autoptr (GString) mode = g_string_new (NULL);
  if (plan->mode == BENCH_ASYNC)
    g_string_printf (mode, "async, %" G_GUINT64_FORMAT " in flight", n);
  else
    g_string_printf (mode, "%s, %" G_GUINT64_FORMAT " thread%s",
                     bench_mode_name (plan->mode), n, n > 1 ? "s" : "");
  if (plan->mode == BENCH_BATCH)
    g_string_append_printf (
        mode, ", %" G_GUINT64_FORMAT " blobs a call: latency is of a call", plan->batch);
  output_print ("%s\n%s; blobs of %s; %" G_GUINT64_FORMAT
                " to read; seed %" G_GUINT64_FORMAT "\n\n",
                config, mode->str, sizes, plan->n_blobs, plan->seed);
  output_print ("%-15s %9s %8s %9s %9s %9s %9s %9s %6s\n", "", "ops/s", "MB/s", "median",
                "p99", "p99.9", "max", "CPU/op", "errors");
  output_flush ();
}

/* Three digits or more, whatever the length of time: "0.084", "12.3", "4321". */
static const char *
report_usec (double usec, char text[32])
{
  int digits = usec < 10 ? 3 : usec < 100 ? 2 : usec < 1000 ? 1 : 0;
  snprintf (text, 32, "%.*f", digits, usec);
  return text;
}

static const char *
report_number (double number, char text[32])
{
  snprintf (text, 32, "%.*f", number < 10 ? 2 : number < 100 ? 1 : 0, number);
  return text;
}

static void
report_row (const BenchResult *result)
{
  const BenchHistogram *latency = &result->tally.latency;
  static const double percents[] = { 50, 99, 99.9, 100 };
  char rate[32], bytes[32], share[32];
  g_autoptr (GString) times = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (percents); i++)
    {
      char text[32];
      double nsec = (double) bench_histogram_percentile (latency, percents[i]);
      g_string_append_printf (times, " %9s",
                              latency->count > 0 ? report_usec (nsec / 1e3, text) : "-");
    }
  double megabytes = report_rate (result, result->tally.n_bytes) / 1e6;
  output_print (
      "%-15s %9s %8s%s %9s %6" G_GUINT64_FORMAT "%s\n",
      bench_operation_name (result->operation),
      report_number (report_rate (result, result->tally.n_done), rate),
      result->tally.n_bytes > 0 ? report_number (megabytes, bytes) : "-", times->str,
      report_usec (report_share (result, result->user_usec + result->system_usec), share),
      result->tally.n_errors,
      result->outcome == BENCH_INTERRUPTED ? "  interrupted" : "");
}

/* An answer that is no error, but not what the operation is there to measure. */
static void
report_odd (const BenchResult *result)
{
  if (result->tally.n_odd == 0)
    return;
  const char *what = result->operation == BENCH_PUT ? "were there already"
                     : result->operation == BENCH_PUT_EXISTING
                         ? "were not there any more, and created"
                         : "were not there any more";
  output_print ("%-15s %" G_GUINT64_FORMAT " of these blobs %s\n", "",
                result->tally.n_odd, what);
}

/* Why something is not there, standard error says. */
void
bench_report_result (const BenchResult *result)
{
  if (result->outcome == BENCH_UNSUPPORTED || result->outcome == BENCH_FAILED)
    output_print ("%-15s %s\n", bench_operation_name (result->operation),
                  report_outcomes[result->outcome]);
  else
    {
      report_row (result);
      report_odd (result);
    }
  output_flush ();
}

void
bench_report_foot (const BenchPlan *plan)
{
  guint64 peak = report_peak_memory ();
  g_autofree char *size = output_size (peak);
  output_print ("\nlatency%s and CPU time in microseconds; peak memory %s\n",
                plan->mode == BENCH_BATCH ? " of a call" : "",
                peak == CASK_UNKNOWN ? "unknown" : size);
}

/* ---- JSON ---- */

static void
json_plan (GString *json, const BenchPlan *plan, CaskStore *store)
{
  g_string_append_printf (json, "{\"cask\":\"%s\",\"config\":", cask_version ());
  output_json_string (json, cask_store_get_config (store));
  g_string_append_printf (json,
                          ",\"mode\":\"%s\",\"concurrency\":%" G_GUINT64_FORMAT
                          ",\"batch\":%" G_GUINT64_FORMAT ",\"sizes\":[",
                          bench_mode_name (plan->mode), plan->concurrency, plan->batch);
  for (guint i = 0; i < plan->n_sizes; i++)
    g_string_append_printf (
        json, "%s{\"bytes\":%" G_GUINT64_FORMAT ",\"weight\":%" G_GUINT64_FORMAT "}",
        i > 0 ? "," : "", plan->sizes[i].bytes, plan->sizes[i].weight);
  g_string_append_printf (json,
                          "],\"blobs\":%" G_GUINT64_FORMAT ",\"count\":", plan->n_blobs);
  output_json_number (json, plan->count);
  if (plan->duration_usec == G_MAXINT64)
    g_string_append (json, ",\"duration\":null");
  else
    g_string_append_printf (json, ",\"duration\":%.3f",
                            (double) plan->duration_usec / G_USEC_PER_SEC);
  g_string_append_printf (json, ",\"warmup\":%.3f,\"seed\":%" G_GUINT64_FORMAT,
                          (double) plan->warmup_usec / G_USEC_PER_SEC, plan->seed);
}

/* What was not measured is null, and no 0 that somebody averages. */
static void
json_latency (GString *json, const BenchHistogram *latency)
{
  static const struct
  {
    const char *name;
    double percent;
  } percents[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 } };
  if (latency->count == 0)
    {
      g_string_append (json, "null");
      return;
    }
  g_string_append_printf (json, "{\"min\":%.3f", (double) latency->minimum / 1e3);
  for (guint i = 0; i < G_N_ELEMENTS (percents); i++)
    g_string_append_printf (
        json, ",\"%s\":%.3f", percents[i].name,
        (double) bench_histogram_percentile (latency, percents[i].percent) / 1e3);
  g_string_append_printf (json, ",\"max\":%.3f,\"mean\":%.3f}",
                          (double) latency->maximum / 1e3,
                          bench_histogram_mean (latency) / 1e3);
}

static void
json_result (GString *json, const BenchResult *result)
{
  const BenchTally *tally = &result->tally;
  g_string_append_printf (json, "{\"operation\":\"%s\",\"status\":\"%s\",\"reason\":",
                          bench_operation_name (result->operation),
                          report_outcomes[result->outcome]);
  if (result->reason)
    output_json_string (json, result->reason);
  else
    g_string_append (json, "null");
  g_string_append_printf (
      json,
      ",\"done\":%" G_GUINT64_FORMAT ",\"errors\":%" G_GUINT64_FORMAT
      ",\"unexpected\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT
      ",\"calls\":%" G_GUINT64_FORMAT ",\"seconds\":%.9f"
      ",\"ops_per_second\":%.3f,\"bytes_per_second\":%.0f,\"latency_usec\":",
      tally->n_done, tally->n_errors, tally->n_odd, tally->n_bytes, tally->latency.count,
      (double) result->nsec / 1e9, report_rate (result, tally->n_done),
      report_rate (result, tally->n_bytes));
  json_latency (json, &tally->latency);
  g_string_append_printf (json, ",\"cpu_usec\":{\"user\":%.3f,\"system\":%.3f}}",
                          report_share (result, result->user_usec),
                          report_share (result, result->system_usec));
}

/* results: (element-type BenchResult) */
void
bench_report_json (const BenchPlan *plan, CaskStore *store, GPtrArray *results,
                   gboolean is_complete)
{
  g_autoptr (GString) json = g_string_new (NULL);
  json_plan (json, plan, store);
  g_string_append (json, ",\"operations\":[");
  for (guint i = 0; i < results->len; i++)
    {
      g_string_append (json, i > 0 ? "," : "");
      json_result (json, g_ptr_array_index (results, i));
    }
  g_string_append (json, "],\"peak_memory\":");
  output_json_number (json, report_peak_memory ());
  output_print ("%s,\"complete\":%s}\n", json->str, is_complete ? "true" : "false");
}
