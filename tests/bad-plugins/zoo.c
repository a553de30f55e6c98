/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.c: every broken plugin written in C, one for each row of CMakeLists.txt.
 *
 * Note and table are written out, where a real plugin uses CASK_PLUGIN_DEFINE(), so that
 * each word of them can be wrong by itself. ZOO_FIELDS, ZOO_OPS and ZOO_OPTIONS are
 * initialisers that come last and so override what is right. */
#include "zoo.h"

/* Initialising again is how a row of the table breaks what is right. */
#pragma GCC diagnostic ignored "-Woverride-init"

#ifndef ZOO_MAJOR
#define ZOO_MAJOR CASK_PLUGIN_ABI_MAJOR
#endif
#ifndef ZOO_MINOR
#define ZOO_MINOR CASK_PLUGIN_ABI_MINOR
#endif
#ifndef ZOO_NOTE_MAJOR
#define ZOO_NOTE_MAJOR ZOO_MAJOR
#endif
#ifndef ZOO_NOTE_MINOR
#define ZOO_NOTE_MINOR ZOO_MINOR
#endif
/* How many words a newer minor has added to the descriptor, an option, and the ops. */
#ifndef ZOO_MORE
#define ZOO_MORE 0
#endif
#ifndef ZOO_NOTES
#define ZOO_NOTES 1
#endif
#ifndef ZOO_TABLES
#define ZOO_TABLES 1
#endif
#ifndef ZOO_FIELDS
#define ZOO_FIELDS .location = CASK_LOCATION_NONE
#endif
#ifdef ZOO_UNDEFINED
#define ZOO_OPS .capabilities = zoo_that_nobody_defines
guint64 zoo_that_nobody_defines (CaskBackend *self);
#endif
#ifndef ZOO_OPS
#define ZOO_OPS .reserved = 0
#endif
#ifndef ZOO_OPTIONS
#define ZOO_OPTIONS                                                                      \
  {                                                                                      \
    .name = "room", .fallback = "1MiB", .type = CASK_OPTION_SIZE                         \
  }
#endif
typedef struct
{
  guint32 namesz, descsz, type;
  char owner[8];
  guint32 words[4];
} ZooNote;

typedef struct
{
  CaskPlugin plugin;
  guint64 more[ZOO_MORE + 1];
} ZooTable;

typedef struct
{
  CaskBackendOps ops;
  guint64 more[ZOO_MORE + 1];
} ZooOps;

typedef struct
{
  CaskOptionSpec spec;
  guint64 more[ZOO_MORE];
} ZooOption;

#if ZOO_NOTES > 0
ZOO_NOTE static const ZooNote zoo_notes[ZOO_NOTES] = {
  [0 ... ZOO_NOTES - 1] = { 5,
                            16,
                            1,
                            "Cask",
                            { ZOO_NOTE_MAJOR, ZOO_NOTE_MINOR,
                              sizeof (CaskPlugin) + 8 * ZOO_MORE,
                              sizeof (CaskBackendOps) + 8 * ZOO_MORE } }
};
#endif

__attribute__ ((used)) static const ZooOption zoo_options[] = { { .spec = ZOO_OPTIONS } };

__attribute__ ((used)) static const ZooOps zoo_ops = {
  .ops = { .size = sizeof (CaskBackendOps) + 8 * ZOO_MORE,
           .open = zoo_open,
           .close = zoo_close,
           .put = zoo_put,
           .get = zoo_get,
           .stat = zoo_stat,
           .remove = zoo_remove,
           .list = zoo_list,
           ZOO_OPS }
};

#if ZOO_TABLES > 0
extern __attribute__ ((visibility ("default"))) const ZooTable cask_plugin;
const ZooTable cask_plugin = { .plugin = { .magic = CASK_PLUGIN_MAGIC,
                                           .size = sizeof (CaskPlugin) + 8 * ZOO_MORE,
                                           .abi_major = ZOO_MAJOR,
                                           .abi_minor = ZOO_MINOR,
                                           .option_size = sizeof (ZooOption),
                                           .n_options = 1,
                                           .kind = CASK_PLUGIN_BACKEND,
                                           .capabilities = CASK_CAPABILITY_WRITE |
                                                           CASK_CAPABILITY_FRESHENS |
                                                           CASK_CAPABILITY_REMOVE_UNUSED,
                                           .name = ZOO_NAME,
                                           .version = "1.0",
                                           .summary = "One of the zoo",
                                           .license = "Apache-2.0",
                                           .options = &zoo_options[0].spec,
                                           .ops = &zoo_ops.ops,
                                           ZOO_FIELDS } };
#endif
