/* SPDX-License-Identifier: Apache-2.0
 *
 * heap.h: how much of malloc's memory this process has (heap.c). */
#pragma once

#include <glib.h>

gint64 heap_now (void);
/* The most since heap_forget_peak(). */
gint64 heap_peak (void);
void heap_forget_peak (void);
