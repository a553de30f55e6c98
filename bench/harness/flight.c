/* SPDX-License-Identifier: Apache-2.0
 *
 * flight.c: asynchronous operations, so many of them under way at a time.
 *
 * Invariants: a flight is the business of one thread, which begins the operations and
 * runs their callbacks; it lives on that thread's stack until all are back. */
#include "flight.h"

struct _BenchFlight
{
  BenchBegin begin;
  const BenchBlob *next;
  const BenchBlob *end;
  gboolean in_waves;
  guint n_under_way;
  GError *error; /* the first */
  BenchSlot slots[BENCH_WIDTH_MAX];
};

BenchLoop
bench_loop_new (guint width, gboolean in_waves)
{
  return (BenchLoop){ .context = g_main_context_new (),
                      .width = MIN (width, BENCH_WIDTH_MAX),
                      .in_waves = in_waves };
}

void
bench_loop_clear (BenchLoop *loop)
{
  g_clear_pointer (&loop->context, g_main_context_unref);
}

static gboolean
flight_has_more (const BenchFlight *flight)
{
  return flight->next < flight->end && flight->error == NULL;
}

static void
flight_begin (BenchSlot *slot)
{
  BenchFlight *flight = slot->flight;
  slot->blob = flight->next++;
  flight->n_under_way++;
  flight->begin (slot);
}

void
bench_flight_landed (BenchSlot *slot, GError *error)
{
  BenchFlight *flight = slot->flight;
  flight->n_under_way--;
  if (error && !flight->error)
    flight->error = g_steal_pointer (&error);
  g_clear_error (&error);
  if (!flight->in_waves && flight_has_more (flight))
    flight_begin (slot);
}

gboolean
bench_flight_run (const BenchLoop *loop, gpointer place, BenchBegin begin,
                  gboolean expected, const BenchBlob *blobs, guint n_blobs,
                  GError **error)
{
  BenchFlight flight = {
    .begin = begin, .next = blobs, .end = blobs + n_blobs, .in_waves = loop->in_waves
  };
  g_main_context_push_thread_default (loop->context);
  while (flight_has_more (&flight))
    {
      for (guint i = 0; i < loop->width && flight_has_more (&flight); i++)
        {
          flight.slots[i] =
              (BenchSlot){ .flight = &flight, .place = place, .expected = expected };
          flight_begin (&flight.slots[i]);
        }
      while (flight.n_under_way > 0)
        g_main_context_iteration (loop->context, TRUE);
    }
  g_main_context_pop_thread_default (loop->context);
  if (!flight.error)
    return TRUE;
  g_propagate_error (error, flight.error);
  return FALSE;
}
