/* SPDX-License-Identifier: Apache-2.0
 *
 * test-powercut.h: what the tests of power cuts share. */
#pragma once

#include "powercut.h"
#include "test-support.h"

/* Which modes of durability are recorded. */
extern const PowerDurability test_modes[];
extern const guint test_n_modes;

extern CU_TestInfo tests_controls[];

gboolean test_is_long (void);
guint64 test_seed (void);
gboolean test_run (const PowerShape *shape, guint64 seed, const PowerLimits *limits,
                   gboolean is_broken, PowerResult *result);
