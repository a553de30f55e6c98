/* SPDX-License-Identifier: Apache-2.0
 *
 * command-bench.c: `cask bench`: how fast a store is, whatever it is made of.
 *
 * The command is a host like any other, and measures what one would see: calls of the
 * public interface, and what they cost the whole process.
 *
 * Failure modes: operations that fail are counted, the first reason of each is told, and
 * the exit status is 3; what the store does not support is told, and status 2 only where
 * it was asked for by name. However the run ends, other than by being killed, what it has
 * put is deleted; at Ctrl-C what was measured until then is printed first. */

#include "tools-private.h"
#include "bench.h"
#include "output.h"

#define BENCH_DURATION_USEC (3 * (gint64) G_USEC_PER_SEC)
#define BENCH_WARMUP_USEC ((gint64) G_USEC_PER_SEC / 2)
#define BENCH_SPACE ((guint64) 1024 * 1024 * 1024)

/** BenchTexts: what the options were given, not yet looked at. */
typedef struct
{
  char *operations, *sizes, *mode;
  char *concurrency, *batch, *count, *blobs, *seed;
  char *duration, *warmup, *space;
  gboolean is_async;
} BenchTexts;

static void
bench_texts_clear (BenchTexts *texts)
{
  char *all[] = { texts->operations, texts->sizes,  texts->mode,  texts->concurrency,
                  texts->batch,      texts->count,  texts->blobs, texts->seed,
                  texts->duration,   texts->warmup, texts->space };
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    g_free (all[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BenchTexts, bench_texts_clear)

/* Options that count something. Returns: FALSE after a usage error */
static gboolean
bench_read_numbers (ToolCall *call, const BenchTexts *texts, BenchPlan *plan)
{
  const struct
  {
    const char *name, *text;
    guint64 *number, minimum, maximum;
  } numbers[] = {
    { "--concurrency", texts->concurrency, &plan->concurrency, 1, 65536 },
    { "--batch", texts->batch, &plan->batch, 1, 65536 },
    { "--count", texts->count, &plan->count, 1, G_GUINT64_CONSTANT (1000000000000) },
    { "--blobs", texts->blobs, &plan->n_blobs, 1, 10 * 1000 * 1000 },
    { "--seed", texts->seed, &plan->seed, 0, G_MAXUINT64 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].text && (!tool_parse_number (numbers[i].text, numbers[i].number) ||
                            *numbers[i].number < numbers[i].minimum ||
                            *numbers[i].number > numbers[i].maximum))
      {
        tool_usage (
            call, "%s '%s' is no number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
            numbers[i].name, numbers[i].text, numbers[i].minimum, numbers[i].maximum);
        return FALSE;
      }
  return TRUE;
}

static gboolean
bench_read_times (ToolCall *call, const BenchTexts *texts, BenchPlan *plan)
{
  if (texts->duration && (!tool_parse_duration (texts->duration, &plan->duration_usec) ||
                          plan->duration_usec == 0))
    tool_usage (call, "--duration '%s' is no time such as 500ms, 5s or 2min",
                texts->duration);
  else if (texts->warmup && !tool_parse_duration (texts->warmup, &plan->warmup_usec))
    tool_usage (call, "--warmup '%s' is no time such as 0s, 500ms or 5s", texts->warmup);
  else if (texts->space && !tool_parse_size (texts->space, &plan->space))
    tool_usage (call, "--space '%s' is no size such as 64MiB", texts->space);
  return call->status == TOOL_DONE;
}

/* Without a count: so long, after a warm-up. With one: exactly so many. */
static BenchPlan
bench_default_plan (const BenchTexts *texts)
{
  return (BenchPlan){ .concurrency = 1,
                      .count = G_MAXUINT64,
                      .duration_usec = texts->count ? G_MAXINT64 : BENCH_DURATION_USEC,
                      .warmup_usec = texts->count ? 0 : BENCH_WARMUP_USEC,
                      .space = BENCH_SPACE,
                      .seed = (guint64) g_random_int () << 20 ^ g_random_int (),
                      .mode = texts->is_async ? BENCH_ASYNC : BENCH_SYNC };
}

static gboolean
bench_read_plan (ToolCall *call, const BenchTexts *texts, BenchPlan *plan)
{
  g_autoptr (GError) error = NULL;
  if (texts->is_async && texts->mode)
    {
      tool_usage (call, "--async goes not with --mode");
      return FALSE;
    }
  if (!bench_read_numbers (call, texts, plan) || !bench_read_times (call, texts, plan))
    return FALSE;
  if ((texts->mode && !bench_plan_set_mode (plan, texts->mode, &error)) ||
      (texts->operations &&
       !bench_plan_set_operations (plan, texts->operations, &error)) ||
      (texts->sizes && !bench_plan_set_sizes (plan, texts->sizes, &error)) ||
      !bench_plan_complete (plan, &error))
    tool_usage (call, "%s", error->message);
  return call->status == TOOL_DONE;
}

/* What came of one operation, for the exit status and standard error. */
static void
bench_judge (ToolCall *call, const BenchPlan *plan, const BenchResult *result)
{
  const char *name = bench_operation_name (result->operation);
  if (result->tally.error)
    {
      output_error ("bench: %s: %" G_GUINT64_FORMAT " failed, first: %s", name,
                    result->tally.n_errors, result->tally.error->message);
      tool_add_status (call, TOOL_FAILED);
    }
  if (result->outcome == BENCH_FAILED)
    output_error ("bench: %s: %s", name, result->reason);
  if (result->outcome == BENCH_FAILED || result->outcome == BENCH_INTERRUPTED)
    tool_add_status (call, TOOL_FAILED);
  if (result->outcome != BENCH_UNSUPPORTED)
    return;
  output_error ("bench: %s is not supported: %s", name, result->reason);
  if (plan->is_named)
    tool_add_status (call, TOOL_USAGE);
}

/* Returns: whether all was measured, rather than interrupted, or read by nobody */
static gboolean
bench_measure (ToolCall *call, BenchStock *stock, GPtrArray *results)
{
  const BenchPlan *plan = stock->plan;
  for (guint i = 0; i < plan->n_operations; i++)
    {
      if (!output_flush ())
        return FALSE;
      gboolean was_foreign = stock->is_foreign;
      BenchResult *result = bench_phase_run (stock, plan->operations[i]);
      g_ptr_array_add (results, result);
      if (stock->is_foreign && !was_foreign)
        output_error ("bench: the store cannot be written: %u blobs that it has are read",
                      stock->set->len);
      if (!plan->json)
        bench_report_result (result);
      bench_judge (call, plan, result);
      if (result->outcome == BENCH_INTERRUPTED)
        return FALSE;
      /* What comes next, a list above all, finds the same store however fast puts were.
       */
      bench_stock_tidy (stock);
    }
  return TRUE;
}

static void
bench_clear (ToolCall *call, BenchStock *stock)
{
  bench_stock_clear (stock);
  if (stock->n_stuck == 0)
    return;
  output_error ("bench: %" G_GUINT64_FORMAT
                " blobs that it has put are still there, and could not be deleted: %s",
                stock->n_stuck, stock->stuck ? stock->stuck->message : "in use");
  tool_add_status (call, TOOL_FAILED);
}

static void
bench_run (ToolCall *call, const BenchPlan *plan)
{
  g_autoptr (GPtrArray) results =
      g_ptr_array_new_with_free_func ((GDestroyNotify) bench_result_free);
  tool_watch_signals (call);
  tool_outlive_pipe ();
  g_autoptr (BenchStock) stock = bench_stock_new (call->store, plan, call->cancellable);
  if (!plan->json)
    bench_report_head (plan, call->store);
  gboolean is_complete = bench_measure (call, stock, results);
  if (plan->json)
    bench_report_json (plan, call->store, results, is_complete);
  else
    bench_report_foot (plan);
  if (output_flush () && !is_complete)
    output_error ("bench: interrupted");
  bench_clear (call, stock);
}

ToolStatus
command_bench (ToolCall *call)
{
  g_auto (BenchTexts) texts = { 0 };
  gboolean keep = FALSE, json = FALSE;
  const GOptionEntry entries[] = {
    { "ops", 0, 0, G_OPTION_ARG_FILENAME, &texts.operations,
      "What to measure, in this order (default: all)", "put,get,…" },
    { "size", 0, 0, G_OPTION_ARG_FILENAME, &texts.sizes,
      "Of the blobs, or a mix by weights: 1KiB:70,1MiB:5 (default: 4KiB)", "SIZE" },
    { "concurrency", 'c', 0, G_OPTION_ARG_FILENAME, &texts.concurrency,
      "So many threads, or operations in flight (default: 1)", "N" },
    { "mode", 0, 0, G_OPTION_ARG_FILENAME, &texts.mode, "sync (default), async or batch",
      "MODE" },
    { "async", 0, 0, G_OPTION_ARG_NONE, &texts.is_async, "Short for --mode async", NULL },
    { "batch", 0, 0, G_OPTION_ARG_FILENAME, &texts.batch,
      "Blobs in a call of --mode batch (default: 64)", "N" },
    { "duration", 0, 0, G_OPTION_ARG_FILENAME, &texts.duration,
      "Measure each operation for so long (default: 3s)", "TIME" },
    { "count", 0, 0, G_OPTION_ARG_FILENAME, &texts.count, "Or do each so many times",
      "N" },
    { "warmup", 0, 0, G_OPTION_ARG_FILENAME, &texts.warmup,
      "Before that, unmeasured (default: 500ms; with --count, none)", "TIME" },
    { "blobs", 0, 0, G_OPTION_ARG_FILENAME, &texts.blobs,
      "So many to read from (default: 1000, fewer where they are large)", "N" },
    { "space", 0, 0, G_OPTION_ARG_FILENAME, &texts.space,
      "Delete what puts have left whenever it is so much (default: 1GiB)", "SIZE" },
    { "seed", 0, 0, G_OPTION_ARG_FILENAME, &texts.seed,
      "Blobs of the run that printed it (default: others each time)", "N" },
    { "keep", 0, 0, G_OPTION_ARG_NONE, &keep, "Leave in the store what was put", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object at the end", NULL },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 0, 1))
    return call->status;
  BenchPlan plan = bench_default_plan (&texts);
  plan.keep = keep;
  plan.json = json;
  if (call->n_operands > 0)
    call->config = call->operands[0];
  if (!call->config || !*call->config)
    return tool_usage (call, "CONFIG expected, or -s CONFIG or $CASK_STORE");
  if (bench_read_plan (call, &texts, &plan) && tool_open (call, TOOL_WRITE))
    bench_run (call, &plan);
  return call->status;
}
