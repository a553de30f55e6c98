/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-conform.c: the second process of the cases; started by the library, beside which
 * it lies. */
#include <cask/cask-conform.h>

int
main (int argc, char **argv)
{
  return cask_conform_main (argc, argv);
}
