/* SPDX-License-Identifier: Apache-2.0
 *
 * dependency.c: a library that plugins of the zoo link: one that will not be found (L24),
 * and with ZOO_LENDER one that has the table which the plugin has not (L27). */
#ifdef ZOO_LENDER
#include <cask/cask-plugin.h>

static const CaskBackendOps lender_ops = { .size = sizeof (CaskBackendOps) };

CASK_PLUGIN_DEFINE (.kind = CASK_PLUGIN_BACKEND, .name = "borrowed", .ops = &lender_ops)
#else
int zoo_dependency (void);

int
zoo_dependency (void)
{
  return 1;
}
#endif
