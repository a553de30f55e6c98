/* SPDX-License-Identifier: Apache-2.0
 *
 * gate-private.h: how many are inside, and from some moment on nobody new. */
#pragma once

#include <glib.h>

typedef struct _CaskGate CaskGate;

CaskGate *cask_gate_new (void);
void cask_gate_free (CaskGate *gate);

/* FALSE where the gate is closed. Either way, who has entered leaves, in the same thread.
 */
gboolean cask_gate_enter (CaskGate *gate);

/* Returns: TRUE where whoever waits for a closed gate to be empty is to look again. */
gboolean cask_gate_leave (CaskGate *gate);

/* Lets nobody in from now on. */
void cask_gate_close (CaskGate *gate);

/* Whether everybody who was let in has left a closed gate. */
gboolean cask_gate_is_empty (CaskGate *gate);
