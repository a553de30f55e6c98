/* SPDX-License-Identifier: Apache-2.0
 *
 * node-fixture-plugins.h: what node-fixture.h describes, registered. */
#pragma once

void shelf_register (void);
