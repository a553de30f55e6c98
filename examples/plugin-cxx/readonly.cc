/* SPDX-License-Identifier: Apache-2.0
 *
 * readonly.cc: a layer through which nothing can be changed.
 *
 *   readonly(fs:/srv/blobs)
 *
 * It needs DELEGATION: a slot that it leaves empty is its child's, so reading costs
 * nothing and knows nothing of this file. What could change a store is taken away twice.
 * The capabilities of a layer are and'ed with its child's, and WRITE is not among these:
 * the host itself refuses every write as UNSUPPORTED, before any slot is called. And the
 * slots that write are here, for an empty one would be the child's; whoever still comes
 * to one is told READ_ONLY.
 *
 * No exception leaves a slot: none here throws. */
#include <cask/cask-plugin.h>

#include <new>

struct _CaskBackend
{
};

namespace
{

gboolean
refuse (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_READ_ONLY,
                       "readonly: the store may not be written to through this layer");
  return FALSE;
}

CaskBackend *
readonly_open (const CaskOpenArgs *, GCancellable *, GError **error)
{
  auto self = new (std::nothrow) CaskBackend;
  if (self == nullptr)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNAVAILABLE, "no memory");
  return self;
}

void
readonly_close (CaskBackend *self)
{
  delete self;
}

gboolean
readonly_put (CaskBackend *, const CaskDigest *, GBytes *, guint32, gboolean *,
              GCancellable *, GError **error)
{
  return refuse (error);
}

gboolean
readonly_remove (CaskBackend *, const CaskDigest *, gint64, CaskRemoved *, GCancellable *,
                 GError **error)
{
  return refuse (error);
}

gboolean
readonly_put_many (CaskBackend *, CaskItem *, gsize, guint32, GCancellable *,
                   GError **error)
{
  return refuse (error);
}

gboolean
readonly_remove_many (CaskBackend *, CaskItem *, gsize, gint64, GCancellable *,
                      GError **error)
{
  return refuse (error);
}

/* Nobody gets a handle, so the other slots of an upload, the child's, are never called.
 */
CaskBackendUpload *
readonly_upload_begin (CaskBackend *, const CaskUploadSpec *, GCancellable *,
                       GError **error)
{
  refuse (error);
  return nullptr;
}

CaskBackendUpload *
readonly_upload_resume (CaskBackend *, const char *, GBytes **, guint64 *, GCancellable *,
                        GError **error)
{
  refuse (error);
  return nullptr;
}

/* To move bytes aside is a change. To avoid a bad copy is none, but what the child does
 * to avoid it may be. */
gboolean
readonly_condemn (CaskBackend *, const CaskDigest *, guint64, guint32 flags,
                  gboolean *again, GCancellable *, GError **error)
{
  if ((flags & CASK_CONDEMN_QUARANTINE) != 0)
    return refuse (error);
  *again = FALSE;
  return TRUE;
}

CaskBackendOps
readonly_ops_make ()
{
  CaskBackendOps ops = {};
  ops.size = sizeof ops;
  ops.open = readonly_open;
  ops.close = readonly_close;
  ops.put = readonly_put;
  ops.remove = readonly_remove;
  ops.put_many = readonly_put_many;
  ops.remove_many = readonly_remove_many;
  ops.upload_begin = readonly_upload_begin;
  ops.upload_resume = readonly_upload_resume;
  ops.condemn = readonly_condemn;
  return ops;
}

const CaskBackendOps readonly_ops = readonly_ops_make ();

/* Gone with WRITE are those that speak of writing: EXACT_CREATED, FRESHENS (to touch a
 * blob is to change its time), REMOVE_UNUSED, RESUME, QUARANTINE. */
constexpr guint64 readonly_capabilities =
    CASK_CAPABILITY_DURABLE | CASK_CAPABILITY_SHARED | CASK_CAPABILITY_IMMUTABLE |
    CASK_CAPABILITY_READS_OUTLIVE_REMOVE;

} // namespace

CASK_PLUGIN_DEFINE (.need_minor = 0, .kind = CASK_PLUGIN_LAYER,
                    .location = CASK_LOCATION_NONE, .min_children = 1, .max_children = 1,
                    .capabilities = readonly_capabilities, .needs = CASK_NEEDS_DELEGATION,
                    .name = "readonly", .version = "1.0",
                    .summary = "lets nothing be changed in the store behind it",
                    .license = "Apache-2.0", .ops = &readonly_ops)
