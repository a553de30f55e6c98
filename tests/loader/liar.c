/* SPDX-License-Identifier: Apache-2.0
 *
 * liar.c: the backend and the layers of liar.h. */
#include "liar.h"

#include "test-support.h"

#include <cask/cask-plugins.h>
#include <string.h>

struct _CaskBackend
{
  guint8 unused;
};

struct _CaskBackendBlob
{
  guint8 unused;
};

Liar liar;

static CaskBackend *
liar_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) cancellable, (void) error;
  if (args->n_children == 0)
    {
      g_free (liar.encoding);
      liar.encoding = g_strdup (args->encoding);
    }
  return g_new0 (CaskBackend, 1);
}

static void
liar_close (CaskBackend *self)
{
  g_clear_pointer (&liar.encoding, g_free);
  g_free (self);
}

/* Whether it does not fail. */
static gboolean
liar_goes_on (GError **error)
{
  if (liar.code == 0 && !liar.fails)
    return TRUE;
  g_set_error_literal (error, CASK_ERROR, liar.code, "so it says");
  return FALSE;
}

static gboolean
liar_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) bytes, (void) flags, (void) cancellable;
  *created = 42;
  return liar_goes_on (error);
}

static GBytes *
liar_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
          guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) offset, (void) length, (void) flags;
  (void) cancellable;
  info->size = liar.size;
  return liar_goes_on (error) ? g_bytes_new_static ("abc", 3) : NULL;
}

static gboolean
liar_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
           GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) flags, (void) cancellable;
  liar.n_asked++;
  info->size = liar.size;
  return liar_goes_on (error);
}

static gboolean
liar_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
             CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) unused_since_usec, (void) cancellable;
  liar.n_asked++;
  *outcome = liar.outcome;
  return liar_goes_on (error);
}

static gboolean
liar_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
           guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  (void) self, (void) after, (void) flags, (void) cancellable;
  for (guint32 i = 0; i < MIN (*n_infos, liar.n_listed); i++)
    {
      CaskDigest digest = { .algorithm = CASK_ALGORITHM_SHA256 };
      if (liar.algorithm != 0)
        digest.algorithm = (guint8) liar.algorithm;
      digest.bytes[0] = liar.listed_twice ? 0 : (guint8) i;
      infos[i] = (CaskBlobInfo){ .digest = digest, .size = 3 };
    }
  *n_infos = liar.n_listed;
  *more = liar.more;
  return liar_goes_on (error);
}

static guint64
liar_capabilities (CaskBackend *self)
{
  (void) self;
  return liar.capabilities;
}

static CaskTry
liar_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  (void) self, (void) digest;
  info->size = liar.size;
  return liar.answer;
}

static CaskTry
liar_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
              guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  (void) offset, (void) length, (void) flags;
  if (liar.given != G_MAXSIZE)
    *bytes = g_bytes_new_take (g_malloc0 (liar.given), liar.given);
  return liar_try_stat (self, digest, info);
}

static CaskBackendBlob *
liar_blob_open (CaskBackend *self, const CaskDigest *digest, guint32 flags,
                CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) flags, (void) cancellable;
  liar.n_handles++;
  info->size = liar.size;
  liar_goes_on (error);
  return g_new0 (CaskBackendBlob, 1);
}

static gssize
liar_blob_read (CaskBackend *self, CaskBackendBlob *blob, guint64 offset, void *buffer,
                gsize count, GCancellable *cancellable, GError **error)
{
  (void) self, (void) blob, (void) offset, (void) cancellable, (void) error;
  memset (buffer, 'a', count);
  return (gssize) count + liar.reads_more;
}

static void
liar_blob_close (CaskBackend *self, CaskBackendBlob *blob)
{
  (void) self;
  liar.n_handles--;
  g_free (blob);
}

static gboolean
liar_flush (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  (void) self, (void) cancellable;
  return liar_goes_on (error);
}

static gboolean
liar_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable,
            GError **error)
{
  (void) self, (void) cancellable;
  usage->count = 42;
  return liar_goes_on (error);
}

static gboolean
liar_condemn (CaskBackend *self, const CaskDigest *digest, guint64 version, guint32 flags,
              gboolean *again, GCancellable *cancellable, GError **error)
{
  (void) self, (void) digest, (void) version, (void) flags, (void) cancellable;
  liar.n_asked++;
  *again = 42;
  return liar_goes_on (error);
}

static const CaskBackendOps liar_ops = {
  .size = sizeof (CaskBackendOps),
  .open = liar_open,
  .close = liar_close,
  .put = liar_put,
  .get = liar_get,
  .stat = liar_stat,
  .remove = liar_remove,
  .list = liar_list,
  .capabilities = liar_capabilities,
  .try_get = liar_try_get,
  .try_stat = liar_try_stat,
  .blob_open = liar_blob_open,
  .blob_read = liar_blob_read,
  .blob_close = liar_blob_close,
  .flush = liar_flush,
  .usage = liar_usage,
  .condemn = liar_condemn,
};

#define TABLE(kind_, needs_, least_, most_, location_, name_)                            \
  {                                                                                      \
    .magic = CASK_PLUGIN_MAGIC, .size = sizeof (CaskPlugin),                             \
    .abi_major = CASK_PLUGIN_ABI_MAJOR, .abi_minor = CASK_PLUGIN_ABI_MINOR,              \
    .option_size = sizeof (CaskOptionSpec), .kind = kind_, .location = location_,        \
    .min_children = least_, .max_children = most_, .needs = needs_, .name = name_,       \
    .version = "1", .ops = &liar_ops,                                                    \
  }
#define LAYER(needs_, least_, most_, location_, name_)                                   \
  TABLE (CASK_PLUGIN_LAYER, needs_, least_, most_, location_, name_)

static const CaskPlugin tables[] = {
  TABLE (CASK_PLUGIN_BACKEND, 0, 0, 0, CASK_LOCATION_NONE, "liar"),
  LAYER (0, 1, 1, CASK_LOCATION_REQUIRED, "odd"),
  LAYER (0, 2, 2, CASK_LOCATION_NONE, "pair"),
  LAYER (0, 1, 3, CASK_LOCATION_NONE, "few"),
  LAYER (CASK_NEEDS_ENCODING, 1, 1, CASK_LOCATION_NONE, "code"),
  LAYER (CASK_NEEDS_ENCODING, 1, 1, CASK_LOCATION_NONE, "code-too"),
};

const CaskPlugin *
liar_table (void)
{
  return &tables[0];
}

void
liar_register (void)
{
  static gboolean registered;

  for (gsize i = 0; !registered && i < G_N_ELEMENTS (tables); i++)
    {
      g_autoptr (GError) error = NULL;
      CU_ASSERT_TRUE (cask_register_plugin (&tables[i], &error));
      TEST_NO_ERROR (error);
    }
  registered = TRUE;
}
