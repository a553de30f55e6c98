/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.c: a count that many threads change at once, without meeting.
 *
 * A gate has a row of doors. A thread always goes by the same one, and threads have
 * different ones as long as there are enough; so the count of a door hardly ever moves
 * from one processor's cache to another's, which would cost as much as the whole get of a
 * blob in memory.
 *
 * Invariants: a door's count is the number of those who came by it and have not left;
 * nobody leaves by another, so none is ever too small. Who comes counts himself, and then
 * looks whether the gate is closed; closing comes before looking at the doors. So whoever
 * is let in is seen by him who closed, and a door that was found empty afterwards stays
 * empty, but for those who are turning round: a closed gate is empty once each door was
 * found so, one after the other. Likewise the last to leave a door sees that the gate is
 * closed, or is seen to have left. All this needs one order of the steps of all threads:
 * every access is sequentially consistent. */
#include "gate-private.h"

#define GATE_DOORS 16

/* Two cache lines each, for processors fetch them in pairs. */
#define GATE_STRIDE 128

typedef union
{
  gint value; /* atomic */
  char stride[GATE_STRIDE];
} GateCell;

struct _CaskGate
{
  GateCell counts[GATE_DOORS]; /* one for each door */
  GateCell is_closed;
};

/* One word: small enough to be kept beside the program's own, where it is found without a
 * call. Not every libc lets a library that is opened later have that. */
#ifdef __GLIBC__
#define GATE_TLS __attribute__ ((tls_model ("initial-exec")))
#else
#define GATE_TLS
#endif

static gint n_threads; /* atomic; so many were given a door */
/* From 1 on; 0 before the first entry. */
static _Thread_local guint own_door GATE_TLS;

CaskGate *
cask_gate_new (void)
{
  return g_aligned_alloc0 (1, sizeof (CaskGate), GATE_STRIDE);
}

void
cask_gate_free (CaskGate *gate)
{
  g_aligned_free (gate);
}

static gint *
gate_door (CaskGate *gate)
{
  guint *door = &own_door;

  if (G_UNLIKELY (*door == 0))
    *door = (guint) g_atomic_int_add (&n_threads, 1) % GATE_DOORS + 1;
  return &gate->counts[*door - 1].value;
}

gboolean
cask_gate_enter (CaskGate *gate)
{
  g_atomic_int_inc (gate_door (gate));
  return !g_atomic_int_get (&gate->is_closed.value);
}

gboolean
cask_gate_leave (CaskGate *gate)
{
  return g_atomic_int_dec_and_test (gate_door (gate)) &&
         g_atomic_int_get (&gate->is_closed.value);
}

void
cask_gate_close (CaskGate *gate)
{
  g_atomic_int_set (&gate->is_closed.value, TRUE);
}

gboolean
cask_gate_is_empty (CaskGate *gate)
{
  for (guint i = 0; i < GATE_DOORS; i++)
    if (g_atomic_int_get (&gate->counts[i].value) != 0)
      return FALSE;
  return TRUE;
}
