/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-plan.c: what `cask bench` is to measure, and whether this machine can.
 *
 * Failure modes: blobs that cannot be in memory all at once, in as many operations as are
 * to be under way, are refused before the store is opened: a machine that swaps, or kills
 * the process, measures nothing. */

#include "bench.h"
#include "output.h"
#include "tools-private.h"

#include <string.h>
#include <unistd.h>

/* Blobs are told from each other by their first bytes. */
#define PLAN_SIZE_MINIMUM 16
#define PLAN_SIZE_DEFAULT 4096
#define PLAN_BATCH_DEFAULT 64
#define PLAN_BLOBS_DEFAULT 1000
/* The default set of blobs to read gets fewer where they are large. */
#define PLAN_SET_BYTES ((guint64) 256 * 1024 * 1024)
#define PLAN_THREADS_MAXIMUM 1024

typedef struct
{
  const char *name;
  gboolean reads_set; /* works on blobs that were put before */
  gboolean has_batch;
} PlanOperation;

static const PlanOperation plan_operations[BENCH_N_OPERATIONS] = {
  [BENCH_PUT] = { "put", FALSE, TRUE },
  [BENCH_PUT_EXISTING] = { "put-existing", TRUE, TRUE },
  [BENCH_GET] = { "get", TRUE, TRUE },
  [BENCH_RANGE] = { "range", TRUE, FALSE },
  [BENCH_STAT] = { "stat", TRUE, TRUE },
  [BENCH_CONTAINS] = { "contains", TRUE, TRUE },
  [BENCH_CONTAINS_ABSENT] = { "contains-absent", FALSE, TRUE },
  [BENCH_LIST] = { "list", TRUE, FALSE },
  [BENCH_DELETE] = { "delete", FALSE, TRUE },
};

static const char *const plan_modes[] = { "sync", "async", "batch" };

const char *
bench_operation_name (BenchOperation operation)
{
  return plan_operations[operation].name;
}

const char *
bench_mode_name (BenchMode mode)
{
  return plan_modes[mode];
}

gboolean
bench_operation_reads_set (BenchOperation operation)
{
  return plan_operations[operation].reads_set;
}

gboolean
bench_operation_has_batch (BenchOperation operation)
{
  return plan_operations[operation].has_batch;
}

static gboolean
plan_refuse (GError **error, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

static gboolean
plan_add_operation (BenchPlan *plan, const char *name, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);
  if (plan->n_operations == BENCH_PHASES_MAXIMUM)
    return plan_refuse (error, "more than %d operations", BENCH_PHASES_MAXIMUM);
  for (guint i = 0; i < BENCH_N_OPERATIONS; i++)
    {
      if (strcmp (name, plan_operations[i].name) == 0)
        {
          plan->operations[plan->n_operations++] = (BenchOperation) i;
          return TRUE;
        }
      g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", plan_operations[i].name);
    }
  return plan_refuse (error, "unknown operation '%s': there are %s", name, known->str);
}

/* text: "put,get": in this order, and as often as they are named */
gboolean
bench_plan_set_operations (BenchPlan *plan, const char *text, GError **error)
{
  g_auto (GStrv) names = g_strsplit (text, ",", -1);
  plan->is_named = TRUE;
  for (char **name = names; *name; name++)
    if (!plan_add_operation (plan, *name, error))
      return FALSE;
  return plan->n_operations > 0 || plan_refuse (error, "--ops names no operation");
}

static gboolean
plan_add_size (BenchPlan *plan, const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  g_autofree char *bytes = colon ? g_strndup (text, (gsize) (colon - text)) : NULL;
  BenchSize size = { .weight = 1 };
  if (plan->n_sizes == BENCH_SIZES_MAXIMUM)
    return plan_refuse (error, "more than %d sizes", BENCH_SIZES_MAXIMUM);
  if (!tool_parse_size (colon ? bytes : text, &size.bytes) ||
      (colon && (!tool_parse_number (colon + 1, &size.weight) || size.weight == 0 ||
                 size.weight > G_MAXUINT32)))
    return plan_refuse (error, "'%s' is no size such as 4KiB, or 64KiB:25 with a weight",
                        text);
  if (size.bytes < PLAN_SIZE_MINIMUM)
    return plan_refuse (error,
                        "'%s' is too small: blobs of less than %d bytes could be "
                        "the same",
                        text, PLAN_SIZE_MINIMUM);
  plan->sizes[plan->n_sizes++] = size;
  return TRUE;
}

/* text: "4KiB", or "1KiB:70,1MiB:5": each as often as its weight among all weights */
gboolean
bench_plan_set_sizes (BenchPlan *plan, const char *text, GError **error)
{
  g_auto (GStrv) sizes = g_strsplit (text, ",", -1);
  for (char **size = sizes; *size; size++)
    if (!plan_add_size (plan, *size, error))
      return FALSE;
  return plan->n_sizes > 0 || plan_refuse (error, "--size names no size");
}

gboolean
bench_plan_set_mode (BenchPlan *plan, const char *text, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (plan_modes); i++)
    if (strcmp (text, plan_modes[i]) == 0)
      {
        plan->mode = (BenchMode) i;
        return TRUE;
      }
  return plan_refuse (error, "unknown mode '%s': there are sync, async and batch", text);
}

guint64
bench_plan_largest (const BenchPlan *plan)
{
  guint64 largest = 0;
  for (guint i = 0; i < plan->n_sizes; i++)
    largest = MAX (largest, plan->sizes[i].bytes);
  return largest;
}

static double
plan_mean_size (const BenchPlan *plan)
{
  double sum = 0, weights = 0;
  for (guint i = 0; i < plan->n_sizes; i++)
    {
      sum += (double) plan->sizes[i].bytes * (double) plan->sizes[i].weight;
      weights += (double) plan->sizes[i].weight;
    }
  return sum / weights;
}

/* Half of the machine: the store wants some, and so does everybody else. */
static gboolean
plan_check_memory (const BenchPlan *plan, GError **error)
{
  double memory = (double) sysconf (_SC_PHYS_PAGES) * (double) sysconf (_SC_PAGESIZE);
  guint64 at_once = plan->concurrency * plan->batch;
  double wanted = (double) bench_plan_largest (plan) * (double) at_once;
  if (memory <= 0 || wanted <= memory / 2)
    return TRUE;
  g_autofree char *size = output_size (bench_plan_largest (plan));
  g_autofree char *limit = output_size ((guint64) (memory / 2));
  return plan_refuse (error,
                      "%" G_GUINT64_FORMAT " blobs of %s at once are more than half of "
                      "this machine's memory, %s: lower --concurrency, --batch or --size",
                      at_once, size, limit);
}

static gboolean
plan_check_batches (const BenchPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->n_operations; i++)
    if (!bench_operation_has_batch (plan->operations[i]))
      return plan_refuse (error, "there is no batch of %s: leave it out of --ops",
                          bench_operation_name (plan->operations[i]));
  return TRUE;
}

static void
plan_add_all_operations (BenchPlan *plan)
{
  for (guint i = 0; i < BENCH_N_OPERATIONS; i++)
    if (plan->mode != BENCH_BATCH || plan_operations[i].has_batch)
      plan->operations[plan->n_operations++] = (BenchOperation) i;
}

/* Gives what was not asked for (0 here) its default, and refuses what does not fit. */
gboolean
bench_plan_complete (BenchPlan *plan, GError **error)
{
  if (plan->n_sizes == 0)
    plan->sizes[plan->n_sizes++] = (BenchSize){ PLAN_SIZE_DEFAULT, 1 };
  if (plan->n_operations == 0)
    plan_add_all_operations (plan);
  if (plan->batch > 0 && plan->mode != BENCH_BATCH)
    return plan_refuse (error, "--batch is about --mode batch, which is missing");
  if (plan->batch == 0)
    plan->batch = plan->mode == BENCH_BATCH ? PLAN_BATCH_DEFAULT : 1;
  if (plan->mode == BENCH_BATCH && !plan_check_batches (plan, error))
    return FALSE;
  if (plan->mode != BENCH_ASYNC && plan->concurrency > PLAN_THREADS_MAXIMUM)
    return plan_refuse (error,
                        "more than %d threads: --mode async has more operations in "
                        "flight without them",
                        PLAN_THREADS_MAXIMUM);
  if (plan->n_blobs == 0)
    plan->n_blobs = (guint64) CLAMP ((double) PLAN_SET_BYTES / plan_mean_size (plan), 1.0,
                                     PLAN_BLOBS_DEFAULT);
  return plan_check_memory (plan, error);
}
