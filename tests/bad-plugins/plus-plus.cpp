/* SPDX-License-Identifier: Apache-2.0
 *
 * plus-plus.cpp: a whole backend, compiled as C++ (L45). */
#include "minimal.c"
