/* SPDX-License-Identifier: Apache-2.0
 *
 * layout.cpp: what layout.c asserts, as C++ sees it. */
#include "layout.c"
