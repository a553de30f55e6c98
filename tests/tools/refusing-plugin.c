/* SPDX-License-Identifier: Apache-2.0
 *
 * refusing-plugin.c: a layer that does all that its child does, but for what it is told
 * to refuse: `refusing?what=put(memory:)`. */

#include <cask/cask-plugin.h>

typedef enum
{
  REFUSING_PUT,     /* READ_ONLY */
  REFUSING_REMOVE,  /* UNSUPPORTED */
  REFUSING_LIST,    /* UNSUPPORTED */
  REFUSING_FOURTH,  /* of the gets each fourth: IO */
  REFUSING_CONTAINS /* nothing is there */
} RefusingWhat;

struct _CaskBackend
{
  const CaskChild *child;
  RefusingWhat what;
  gint n_gets;
};

static CaskBackend *
refusing_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  CaskBackend *self = g_new0 (CaskBackend, 1);
  self->child = args->children[0];
  self->what = (RefusingWhat) args->values[0].number;
  return self;
}

static void
refusing_close (CaskBackend *self)
{
  g_free (self);
}

static gboolean
refusing_refuse (CaskBackend *self, RefusingWhat what, GError **error)
{
  if (self->what != what)
    return FALSE;
  if (what == REFUSING_PUT)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_READ_ONLY, "not to be written");
  else
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "not to be had");
  return TRUE;
}

static gboolean
refusing_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
              gboolean *created, GCancellable *cancellable, GError **error)
{
  return !refusing_refuse (self, REFUSING_PUT, error) &&
         CASK_CALL (self->child, put, digest, bytes, flags, created, cancellable, error);
}

static gboolean
refusing_put_many (CaskBackend *self, CaskItem *items, gsize n_items, guint32 flags,
                   GCancellable *cancellable, GError **error)
{
  return !refusing_refuse (self, REFUSING_PUT, error) &&
         CASK_CALL (self->child, put_many, items, n_items, flags, cancellable, error);
}

static GBytes *
refusing_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
              guint32 flags, CaskBlobInfo *info, GCancellable *cancellable,
              GError **error)
{
  if (self->what == REFUSING_FOURTH && g_atomic_int_add (&self->n_gets, 1) % 4 == 3)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO, "every fourth");
      return NULL;
    }
  return CASK_CALL (self->child, get, digest, offset, length, flags, info, cancellable,
                    error);
}

static gboolean
refusing_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
               CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  if (self->what == REFUSING_CONTAINS)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "never seen");
      return FALSE;
    }
  return CASK_CALL (self->child, stat, digest, flags, info, cancellable, error);
}

/* The child's would be asked in place of the slots above. */
static CaskTry
refusing_try_get (CaskBackend *self, const CaskDigest *digest, guint64 offset,
                  guint64 length, guint32 flags, GBytes **bytes, CaskBlobInfo *info)
{
  (void) self, (void) digest, (void) offset, (void) length;
  (void) flags, (void) bytes, (void) info;
  return CASK_TRY_AGAIN;
}

static CaskTry
refusing_try_stat (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  (void) self, (void) digest, (void) info;
  return CASK_TRY_AGAIN;
}

static gboolean
refusing_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
                 CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  return !refusing_refuse (self, REFUSING_REMOVE, error) &&
         CASK_CALL (self->child, remove, digest, unused_since_usec, outcome, cancellable,
                    error);
}

static gboolean
refusing_remove_many (CaskBackend *self, CaskItem *items, gsize n_items,
                      gint64 unused_since_usec, GCancellable *cancellable, GError **error)
{
  return !refusing_refuse (self, REFUSING_REMOVE, error) &&
         CASK_CALL (self->child, remove_many, items, n_items, unused_since_usec,
                    cancellable, error);
}

static gboolean
refusing_list (CaskBackend *self, const CaskDigest *after, guint32 flags,
               CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
               GCancellable *cancellable, GError **error)
{
  return !refusing_refuse (self, REFUSING_LIST, error) &&
         CASK_CALL (self->child, list, after, flags, infos, n_infos, more, cancellable,
                    error);
}

static const CaskOptionSpec refusing_options[] = {
  { .name = "what",
    .help = "what is not done",
    .choices = "put|remove|list|fourth|contains",
    .type = CASK_OPTION_CHOICE,
    .flags = CASK_OPTION_REQUIRED },
};

static const CaskBackendOps refusing_ops = {
  .size = sizeof (CaskBackendOps),
  .open = refusing_open,
  .close = refusing_close,
  .put = refusing_put,
  .get = refusing_get,
  .stat = refusing_stat,
  .remove = refusing_remove,
  .list = refusing_list,
  .try_get = refusing_try_get,
  .try_stat = refusing_try_stat,
  .put_many = refusing_put_many,
  .remove_many = refusing_remove_many,
};

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (refusing_options),
                    .kind = CASK_PLUGIN_LAYER, .min_children = 1, .max_children = 1,
                    .capabilities = G_MAXUINT64, .needs = CASK_NEEDS_DELEGATION,
                    .name = "refusing", .version = "1.0", .summary = "Refuses something",
                    .license = "Apache-2.0", .homepage = "https://example.org/",
                    .options = refusing_options, .ops = &refusing_ops)
