/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb.c: the lmdb backend: millions of small blobs in one file.
 *
 * This file has what the host sees: the descriptor, the options, open and close.
 * lmdb-private.h has the invariants; README.md beside this file, the promises.
 *
 * Slots that are NULL are the host's to do: uploads are gathered and put whole, and
 * readers get range by range. For try_get and try_stat see lmdb-read.c; condemn has no
 * other copy to offer. */
#include "lmdb-private.h"

enum
{
  LMDB_OPTION_CREATE,
  LMDB_OPTION_DURABILITY,
  LMDB_OPTION_FRESHEN,
  LMDB_OPTION_MAP_SIZE,
  LMDB_OPTION_MAX_SIZE,
  LMDB_OPTION_MAX_READERS,
  LMDB_N_OPTIONS
};

#define MEBIBYTE (G_GUINT64_CONSTANT (1) << 20)
/* A quarter of what a process of 64 bits can address. */
#define SIZE_MOST (G_GUINT64_CONSTANT (32) << 40)

/* The choices are in the order of LmdbDurability. */
static const CaskOptionSpec lmdb_options[LMDB_N_OPTIONS] = {
  [LMDB_OPTION_CREATE] = { .name = "create",
                           .help = "make the directory (not its parents) and the "
                                   "environment where they are missing",
                           .fallback = "yes",
                           .type = CASK_OPTION_BOOLEAN },
  [LMDB_OPTION_DURABILITY] = { .name = "durability",
                               .help = "what a commit waits for: nothing, its pages, or "
                                       "all; after a power loss none may leave nothing",
                               .fallback = "full",
                               .choices = "none|data|full",
                               .type = CASK_OPTION_CHOICE },
  [LMDB_OPTION_FRESHEN] = { .name = "freshen",
                            .help = "how old a time a hit leaves as it is",
                            .fallback = "60s",
                            .type = CASK_OPTION_DURATION },
  [LMDB_OPTION_MAP_SIZE] = { .name = "map-size",
                             .help = "how much address space it begins with; grows",
                             .fallback = "1GiB",
                             .type = CASK_OPTION_SIZE,
                             .min = MEBIBYTE,
                             .max = SIZE_MOST },
  [LMDB_OPTION_MAX_SIZE] = { .name = "max-size",
                             .help = "how much the pages in use may occupy",
                             .fallback = "1TiB",
                             .type = CASK_OPTION_SIZE,
                             .min = MEBIBYTE,
                             .max = SIZE_MOST },
  [LMDB_OPTION_MAX_READERS] = { .name = "max-readers",
                                .help = "how many reads of all processes may be under "
                                        "way; fixed by whoever opens it first",
                                .fallback = "2048",
                                .type = CASK_OPTION_UINT,
                                .min = 16,
                                .max = 100000 },
};

static CaskBackend *
lmdb_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  const CaskOptionValue *values = args->values;
  LmdbSettings settings = {
    .durability = (LmdbDurability) values[LMDB_OPTION_DURABILITY].number,
    .map_size = values[LMDB_OPTION_MAP_SIZE].number / MEBIBYTE * MEBIBYTE,
    .max_size = values[LMDB_OPTION_MAX_SIZE].number / MEBIBYTE * MEBIBYTE,
    .max_readers = (guint32) values[LMDB_OPTION_MAX_READERS].number
  };
  /* So that map-size may stay as it is where max-size is small. */
  settings.map_size = MIN (settings.map_size, settings.max_size);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  LmdbPlace *place =
      lmdb_place_acquire (args, &settings, values[LMDB_OPTION_CREATE].number != 0, error);
  if (place == NULL)
    return NULL;
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->place = place;
  self->is_encoded = args->encoding != NULL;
  self->freshen_usec =
      (gint64) MIN (values[LMDB_OPTION_FRESHEN].number, (guint64) G_MAXINT64);
  return self;
}

static void
lmdb_close (CaskBackend *self)
{
  lmdb_place_release (self->place);
  g_free (self);
}

/* What every store promises.
 *
 * WRITE also on a read-only filesystem, which may be remounted: writes say READ_ONLY
 * there. Not IMMUTABLE: whoever may write the file can change any byte of it. Not
 * READS_OUTLIVE_REMOVE: that would take a snapshot as old as the reader, which keeps
 * every page that is freed meanwhile. */
#define LMDB_CAPABILITIES                                                                \
  (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_SHARED | CASK_CAPABILITY_EXACT_CREATED |      \
   CASK_CAPABILITY_FRESHENS | CASK_CAPABILITY_REMOVE_UNUSED)

static guint64
lmdb_capabilities (CaskBackend *self)
{
  guint64 capabilities = LMDB_CAPABILITIES;
  if (self->place->settings.durability == LMDB_DURABILITY_FULL)
    capabilities |= CASK_CAPABILITY_DURABLE;
  return capabilities;
}

static gboolean
lmdb_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (self->place->is_read_only)
    return TRUE;
  int code = mdb_env_sync (self->place->env, 1);
  return code == 0 || lmdb_fail (code, "flush", error);
}

/* The sum of the sizes would be a walk over all records. */
static gboolean
lmdb_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable,
            GError **error)
{
  MDB_stat st;
  guint64 used;
  g_auto (LmdbRead) read = { NULL, NULL };
  if (!lmdb_read_begin (self->place, &read, cancellable, error))
    return FALSE;
  int code = mdb_stat (read.txn, self->place->meta, &st);
  if (code == 0)
    code = lmdb_used_bytes (read.txn, self->place, &used);
  if (code != 0)
    return lmdb_fail (code, "usage", error);
  usage->count = st.ms_entries;
  usage->stored_bytes = used;
  usage->limit_bytes = self->place->settings.max_size;
  return TRUE;
}

static const CaskBackendOps lmdb_ops = { .size = sizeof (CaskBackendOps),
                                         .open = lmdb_open,
                                         .close = lmdb_close,
                                         .put = lmdb_put,
                                         .get = lmdb_get,
                                         .stat = lmdb_stat,
                                         .remove = lmdb_remove,
                                         .list = lmdb_list,
                                         .capabilities = lmdb_capabilities,
                                         .put_many = lmdb_put_many,
                                         .get_many = lmdb_get_many,
                                         .contains_many = lmdb_contains_many,
                                         .remove_many = lmdb_remove_many,
                                         .flush = lmdb_flush,
                                         .usage = lmdb_usage };

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (lmdb_options), .kind = CASK_PLUGIN_BACKEND,
                    .location = CASK_LOCATION_REQUIRED, .capabilities = LMDB_CAPABILITIES,
                    .name = "lmdb", .version = "1.0",
                    .summary = "millions of small blobs in one file",
                    .license = "Apache-2.0", .options = lmdb_options, .ops = &lmdb_ops)
