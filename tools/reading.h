/* SPDX-License-Identifier: Apache-2.0
 *
 * reading.h: config strings that open what is there, and make nothing. */
#pragma once

char *reading_config (const char *config);
char *reading_shown (const char *config, const char *shown);
