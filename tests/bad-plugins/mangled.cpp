/* SPDX-License-Identifier: Apache-2.0
 *
 * mangled.cpp: a plugin in C++ that wrote its table itself, inside a namespace (L26). */
#include "zoo.h"

ZOO_NOTE static const struct
{
  guint32 namesz, descsz, type;
  char owner[8];
  guint32 words[4];
} mangled_note = { 5,
                   16,
                   1,
                   "Cask",
                   { 1, 0, (guint32) sizeof (CaskPlugin),
                     (guint32) sizeof (CaskBackendOps) } };

static const CaskBackendOps mangled_ops = { .size = (guint32) sizeof (CaskBackendOps),
                                            .open = zoo_open,
                                            .close = zoo_close,
                                            .put = zoo_put,
                                            .get = zoo_get,
                                            .stat = zoo_stat,
                                            .remove = zoo_remove,
                                            .list = zoo_list };

namespace shelf
{
extern __attribute__ ((visibility ("default"))) const CaskPlugin cask_plugin;
const CaskPlugin cask_plugin = { .magic = CASK_PLUGIN_MAGIC,
                                 .size = (guint32) sizeof (CaskPlugin),
                                 .abi_major = 1,
                                 .option_size = (guint32) sizeof (CaskOptionSpec),
                                 .kind = CASK_PLUGIN_BACKEND,
                                 .name = ZOO_NAME,
                                 .ops = &mangled_ops };
}
