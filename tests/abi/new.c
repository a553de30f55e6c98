/* SPDX-License-Identifier: Apache-2.0
 *
 * new.c: a backend that was built with the header of the next minor: every struct of its
 * is longer, and so are some that it is given, if the host is new enough.
 *
 * It says as `stored_bytes` of its usage which of the host's new members it has seen.
 * NEW_FIELDS are initialisers that ask for more than the loader may have. */
#include "next.h"
#include "zoo.h"

#ifndef NEW_FIELDS
#define NEW_FIELDS .need_minor = 0
#endif

/* How a plugin reads a member newer than its need_minor. */
#define NEW_WORD(type, sized)                                                            \
  ((sized)->size >= G_STRUCT_OFFSET (type, next_word) + sizeof (guint64)                 \
       ? (sized)->next_word                                                              \
       : 0)

struct _CaskBackendUpload
{
  GByteArray *data;
};

/* Sums up over all instances: the zoo's backend has no room for it. */
static guint64 new_seen;

static CaskBackend *
new_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  __atomic_store_n (&new_seen,
                    NEW_WORD (CaskHost, args->host) + NEW_WORD (CaskOpenArgs, args),
                    __ATOMIC_RELAXED);
  return zoo_open (args, cancellable, error);
}

static CaskBackendUpload *
new_upload_begin (CaskBackend *self, const CaskUploadSpec *spec,
                  GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) cancellable;
  (void) error;
  __atomic_fetch_add (&new_seen, NEW_WORD (CaskUploadSpec, spec), __ATOMIC_RELAXED);
  CaskBackendUpload *upload = g_new0 (CaskBackendUpload, 1);
  upload->data = g_byte_array_new ();
  return upload;
}

static gboolean
new_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                  GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk, &size);

  (void) self;
  (void) cancellable;
  (void) error;
  g_byte_array_append (upload->data, data, (guint) size);
  return TRUE;
}

static gboolean
new_upload_commit (CaskBackend *self, CaskBackendUpload *upload, const CaskDigest *digest,
                   guint32 flags, gboolean *created, GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (upload->data->data, upload->data->len);
  return zoo_put (self, digest, bytes, flags, created, cancellable, error);
}

static void
new_upload_close (CaskBackend *self, CaskBackendUpload *upload, gboolean keep)
{
  (void) self;
  (void) keep;
  g_byte_array_unref (upload->data);
  g_free (upload);
}

static gboolean
new_usage (CaskBackend *self, CaskUsage *usage, GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) cancellable;
  (void) error;
  usage->stored_bytes = __atomic_load_n (&new_seen, __ATOMIC_RELAXED);
  return TRUE;
}

static gboolean
new_next_size (CaskBackend *self, const CaskDigest *digest, guint64 *size,
               GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;

  if (!zoo_stat (self, digest, 0, &info, cancellable, error))
    return FALSE;
  *size = info.size | NEXT_SIZE_MARK;
  return TRUE;
}

static gboolean
new_next_mark (CaskBackend *self, GCancellable *cancellable, GError **error)
{
  (void) self;
  (void) cancellable;
  (void) error;
  return TRUE;
}

static const CaskOptionSpec new_options[] = {
  { .name = "room", .fallback = "1MiB", .type = CASK_OPTION_SIZE, .next_word = 7 },
  { .name = "rooms", .fallback = "2", .type = CASK_OPTION_UINT, .next_word = 8 },
};

static const CaskBackendOps new_ops = {
  .size = sizeof (CaskBackendOps),
  .open = new_open,
  .close = zoo_close,
  .put = zoo_put,
  .get = zoo_get,
  .stat = zoo_stat,
  .remove = zoo_remove,
  .list = zoo_list,
  .upload_begin = new_upload_begin,
  .upload_write = new_upload_write,
  .upload_commit = new_upload_commit,
  .upload_close = new_upload_close,
  .usage = new_usage,
  .next_size = new_next_size,
  .next_mark = new_next_mark,
};

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (new_options), NEW_FIELDS,
                    .kind = CASK_PLUGIN_BACKEND,
                    .capabilities = CASK_CAPABILITY_WRITE | CASK_CAPABILITY_FRESHENS |
                                    CASK_CAPABILITY_REMOVE_UNUSED,
                    .name = ZOO_NAME, .version = "1.0",
                    .summary = "A plugin of the next minor", .options = new_options,
                    .ops = &new_ops, .next_word = 9)
