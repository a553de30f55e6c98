/* SPDX-License-Identifier: Apache-2.0
 *
 * test-completion.c: the queue of a context: order, sources, recursion, and its end. */
#include "completion-private.h"
#include "test-support.h"

/* What was delivered, in order. */
typedef struct
{
  GMainContext *context;
  GThread *thread;
  GArray *names;
  GSource *sources[2000]; /* that delivered each; only compared */
  guint n_wrong;          /* delivered in another thread */
} Log;

typedef struct Item Item;
struct Item
{
  CaskCompletion completion;
  Log *log;
  guint name;
  void (*within) (Item *item); /* (nullable) called on delivery */
};

static void
log_init (Log *log, GMainContext *context)
{
  memset (log, 0, sizeof *log);
  log->context = context;
  log->thread = g_thread_self ();
  log->names = g_array_new (FALSE, FALSE, sizeof (guint));
}

static void
item_deliver (CaskCompletion *completion)
{
  Item *item = (Item *) (gpointer) completion;
  Log *log = item->log;

  if (g_thread_self () != log->thread)
    log->n_wrong++;
  log->sources[log->names->len] = g_main_current_source ();
  g_array_append_val (log->names, item->name);
  if (item->within != NULL)
    item->within (item);
  g_free (item);
}

static Item *
item_announce (Log *log, guint name, int priority)
{
  Item *item = g_new0 (Item, 1);

  item->completion.deliver = item_deliver;
  item->log = log;
  item->name = name;
  cask_completion_announce (&item->completion, log->context, priority);
  return item;
}

static void
log_expect (Log *log, const guint *names, guint n)
{
  while (g_main_context_iteration (log->context, FALSE))
    ;
  CU_ASSERT_EQUAL (log->names->len, n);
  CU_ASSERT_EQUAL (log->n_wrong, 0);
  for (guint i = 0; i < MIN (n, log->names->len); i++)
    CU_ASSERT_EQUAL (g_array_index (log->names, guint, i), names[i]);
  g_array_unref (log->names);
}

static void
test_one_source (void)
{
  static const guint expected[] = { 3, 4, 0, 1, 2 };
  Log log;
  g_autoptr (GMainContext) context = g_main_context_new ();
  Item *items[5];

  log_init (&log, context);
  for (guint i = 0; i < 3; i++)
    items[i] = item_announce (&log, i, 0);
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 1);
  for (guint i = 3; i < 5; i++)
    items[i] = item_announce (&log, i, -10);
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 2);
  CU_ASSERT_FALSE (g_main_context_pending (context));
  for (guint i = 0; i < 5; i++)
    cask_completion_push (&items[i]->completion);
  CU_ASSERT_EQUAL (log.names->len, 0);
  log_expect (&log, expected, 5);
  CU_ASSERT_EQUAL (log.sources[0], log.sources[1]);
  CU_ASSERT_EQUAL (log.sources[2], log.sources[4]);
  CU_ASSERT_NOT_EQUAL (log.sources[0], log.sources[2]);
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 0);
}

static void
test_one_dispatch (void)
{
  Log log;
  g_autoptr (GMainContext) context = g_main_context_new ();
  guint expected[100];

  log_init (&log, context);
  for (guint i = 0; i < 100; i++)
    {
      expected[i] = i;
      cask_completion_push (&item_announce (&log, i, 0)->completion);
    }
  g_main_context_iteration (context, FALSE);
  CU_ASSERT_EQUAL (log.names->len, 100);
  log_expect (&log, expected, 100);
}

static void
test_order_of_pushes (void)
{
  static const guint expected[] = { 2, 0, 1 };
  Log log;
  g_autoptr (GMainContext) context = g_main_context_new ();

  log_init (&log, context);
  Item *first = item_announce (&log, 0, 0);
  Item *second = item_announce (&log, 1, 0);
  Item *third = item_announce (&log, 2, 0);
  cask_completion_push (&third->completion);
  cask_completion_push (&first->completion);
  cask_completion_push (&second->completion);
  log_expect (&log, expected, 3);
}

static void
test_default_context (void)
{
  static const guint expected[] = { 7 };
  Log log;

  log_init (&log, NULL);
  cask_completion_push (&item_announce (&log, 7, 0)->completion);
  log_expect (&log, expected, 1);
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 0);
}

/* ---- From within a dispatch ---- */

static void
within_push_next (Item *item)
{
  if (item->name == 9)
    return;
  Item *next = item_announce (item->log, item->name + 1, 0);
  next->within = within_push_next;
  cask_completion_push (&next->completion);
  /* A chain keeps its queue. */
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 1);
}

static void
test_chain (void)
{
  static const guint expected[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
  Log log;
  g_autoptr (GMainContext) context = g_main_context_new ();

  log_init (&log, context);
  Item *first = item_announce (&log, 0, 0);
  first->within = within_push_next;
  cask_completion_push (&first->completion);
  /* What becomes ready meanwhile waits for the next round. */
  g_main_context_iteration (context, FALSE);
  CU_ASSERT_EQUAL (log.names->len, 1);
  /* And nothing sleeps over it: each blocking round delivers one. */
  for (guint i = 2; i <= 10; i++)
    {
      g_main_context_iteration (context, TRUE);
      CU_ASSERT_EQUAL (log.names->len, i);
    }
  for (guint i = 0; i < 10; i++)
    CU_ASSERT_EQUAL (log.sources[i], log.sources[0]);
  log_expect (&log, expected, 10);
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 0);
}

static void
within_loop (Item *item)
{
  Log *log = item->log;
  guint awaited = log->names->len + 2;

  /* The inner loop finds what the outer dispatch has not begun. */
  while (log->names->len < awaited)
    g_main_context_iteration (log->context, TRUE);
}

static void
test_nested (void)
{
  static const guint expected[] = { 0, 1, 2, 3, 4, 5, 6 };
  Log log;
  g_autoptr (GMainContext) context = g_main_context_new ();

  log_init (&log, context);
  for (guint i = 0; i < 7; i++)
    {
      Item *item = item_announce (&log, i, 0);
      item->within = i < 3 ? within_loop : NULL;
      cask_completion_push (&item->completion);
    }
  log_expect (&log, expected, 7);
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 0);
}

/* ---- From other threads ---- */

typedef struct
{
  Item *items[500];
} Batch;

static gpointer
batch_push (gpointer data)
{
  Batch *batch = data;

  for (guint i = 0; i < G_N_ELEMENTS (batch->items); i++)
    cask_completion_push (&batch->items[i]->completion);
  return NULL;
}

static void
test_foreign_threads (void)
{
  Log log;
  Batch batches[4];
  GThread *threads[4];
  guint last[4] = { 0 }, n_wrong = 0;
  g_autoptr (GMainContext) context = g_main_context_new ();

  log_init (&log, context);
  for (guint b = 0; b < 4; b++)
    for (guint i = 0; i < 500; i++)
      batches[b].items[i] = item_announce (&log, b * 1000 + i + 1, 0);
  for (guint b = 0; b < 4; b++)
    threads[b] = g_thread_new ("pusher", batch_push, &batches[b]);
  while (log.names->len < 2000)
    g_main_context_iteration (context, TRUE);
  for (guint b = 0; b < 4; b++)
    g_thread_join (threads[b]);
  for (guint i = 0; i < 2000; i++)
    {
      guint name = g_array_index (log.names, guint, i);
      n_wrong += name % 1000 <= last[name / 1000];
      last[name / 1000] = name % 1000;
    }
  CU_ASSERT_EQUAL (n_wrong, 0);
  CU_ASSERT_EQUAL (log.n_wrong, 0);
  CU_ASSERT_FALSE (g_main_context_pending (context));
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 0);
  g_array_unref (log.names);
}

static gpointer
push_one (gpointer data)
{
  cask_completion_push (data);
  return NULL;
}

static void
test_short_lived (void)
{
  for (guint i = 0; i < 2000; i++)
    {
      Log log;
      GMainContext *context = g_main_context_new ();
      log_init (&log, context);
      Item *item = item_announce (&log, i, (int) (i % 3));
      GThread *thread = NULL;
      if (i % 4 == 0)
        thread = g_thread_new ("pusher", push_one, &item->completion);
      else
        cask_completion_push (&item->completion);
      while (log.names->len == 0)
        g_main_context_iteration (context, TRUE);
      CU_ASSERT_FALSE (g_main_context_pending (context));
      /* The pusher may still be on its way out: it must not need the context. */
      g_main_context_unref (context);
      if (thread != NULL)
        g_thread_join (thread);
      g_array_unref (log.names);
    }
  CU_ASSERT_EQUAL (cask_completion_count_queues (), 0);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "there is one source for each context and priority", test_one_source },
    { "one dispatch delivers all that is ready", test_one_dispatch },
    { "deliveries come in the order of the pushes", test_order_of_pushes },
    { "no context means the default one", test_default_context },
    { "a push within a dispatch is found in the next round", test_chain },
    { "C92 a nested loop delivers what the outer has not begun", test_nested },
    { "pushes of foreign threads arrive in order, here", test_foreign_threads },
    { "C93 short-lived contexts leave no queue behind", test_short_lived },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "completion", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
