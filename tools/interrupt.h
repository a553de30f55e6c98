/* SPDX-License-Identifier: Apache-2.0
 *
 * interrupt.h: Ctrl-C, SIGTERM and SIGHUP cancel what is under way. */
#pragma once

#include <gio/gio.h>

typedef struct _Interrupt Interrupt;

Interrupt *interrupt_new (void);
GCancellable *interrupt_get_cancellable (Interrupt *interrupt);
void interrupt_free (Interrupt *interrupt);

guint interrupt_attach (int number, GSourceFunc callback, gpointer data,
                        GMainContext *context);
