/* SPDX-License-Identifier: Apache-2.0
 *
 * shelf-cxx.cc: the shelf in C++: no exception leaves it, and only its table is exported.
 * L45.
 *
 * Locks: `lock` guards the map. */
#include <cask/cask-plugin.h>

#include <map>
#include <mutex>
#include <vector>

namespace
{

struct Order
{
  bool
  operator() (const CaskDigest &a, const CaskDigest &b) const
  {
    return cask_digest_compare (&a, &b) < 0;
  }
};

struct Blob
{
  std::vector<guint8> bytes;
  gint64 mtime_usec;
};

} // namespace

struct _CaskBackend
{
  std::mutex lock;
  std::map<CaskDigest, Blob, Order> blobs;
};

namespace
{

CaskBlobInfo
describe (const std::pair<const CaskDigest, Blob> &entry)
{
  CaskBlobInfo info = {};
  info.digest = entry.first;
  info.size = entry.second.bytes.size ();
  info.mtime_usec = entry.second.mtime_usec;
  return info;
}

gboolean
fail_absent (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "not on the shelf");
  return FALSE;
}

CaskBackend *
shelf_open (const CaskOpenArgs *, GCancellable *, GError **)
{
  return new CaskBackend;
}

void
shelf_close (CaskBackend *self)
{
  delete self;
}

gboolean
shelf_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
           gboolean *created, GCancellable *, GError **)
{
  gsize size;
  auto data = static_cast<const guint8 *> (g_bytes_get_data (bytes, &size));
  std::lock_guard guard (self->lock);
  auto [entry, inserted] = self->blobs.try_emplace (*digest);
  Blob &blob = entry->second;
  if (inserted || (flags & CASK_PUT_REPLACE) != 0 || blob.bytes.size () != size)
    blob.bytes.assign (data, data + size);
  blob.mtime_usec = g_get_real_time ();
  *created = inserted;
  return TRUE;
}

GBytes *
shelf_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
           guint32, CaskBlobInfo *info, GCancellable *, GError **error)
{
  std::lock_guard guard (self->lock);
  auto entry = self->blobs.find (*digest);
  if (entry == self->blobs.end ())
    {
      fail_absent (error);
      return nullptr;
    }
  const auto &bytes = entry->second.bytes;
  if (!cask_range_clamp (bytes.size (), offset, &length))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE,
                           "range: starts past the end of the blob");
      return nullptr;
    }
  *info = describe (*entry);
  return g_bytes_new (bytes.data () + offset, length);
}

gboolean
shelf_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags,
            CaskBlobInfo *info, GCancellable *, GError **error)
{
  std::lock_guard guard (self->lock);
  auto entry = self->blobs.find (*digest);
  if (entry == self->blobs.end ())
    return fail_absent (error);
  if ((flags & CASK_STAT_FRESHEN) != 0)
    entry->second.mtime_usec = g_get_real_time ();
  *info = describe (*entry);
  return TRUE;
}

gboolean
shelf_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
              CaskRemoved *outcome, GCancellable *, GError **)
{
  std::lock_guard guard (self->lock);
  auto entry = self->blobs.find (*digest);
  *outcome = CASK_REMOVED_ABSENT;
  if (entry == self->blobs.end ())
    return TRUE;
  *outcome = CASK_REMOVED_KEPT;
  if (entry->second.mtime_usec >= unused_since_usec)
    return TRUE;
  self->blobs.erase (entry);
  *outcome = CASK_REMOVED_DONE;
  return TRUE;
}

gboolean
shelf_list (CaskBackend *self, const CaskDigest *after, guint32, CaskBlobInfo *infos,
            guint32 *n_infos, gboolean *more, GCancellable *, GError **)
{
  std::lock_guard guard (self->lock);
  auto entry = after != nullptr ? self->blobs.upper_bound (*after) : self->blobs.begin ();
  guint32 n = 0;
  for (; entry != self->blobs.end () && n < *n_infos; ++entry)
    infos[n++] = describe (*entry);
  *more = entry != self->blobs.end ();
  *n_infos = n;
  return TRUE;
}

CaskBackendOps
shelf_ops_make ()
{
  CaskBackendOps ops = {};
  ops.size = sizeof ops;
  ops.open = shelf_open;
  ops.close = shelf_close;
  ops.put = shelf_put;
  ops.get = shelf_get;
  ops.stat = shelf_stat;
  ops.remove = shelf_remove;
  ops.list = shelf_list;
  return ops;
}

const CaskBackendOps shelf_ops = shelf_ops_make ();

constexpr guint64 shelf_capabilities =
    CASK_CAPABILITY_WRITE | CASK_CAPABILITY_EXACT_CREATED | CASK_CAPABILITY_FRESHENS |
    CASK_CAPABILITY_REMOVE_UNUSED;

} // namespace

CASK_PLUGIN_DEFINE (.need_minor = 0, .kind = CASK_PLUGIN_BACKEND,
                    .location = CASK_LOCATION_NONE, .capabilities = shelf_capabilities,
                    .name = "shelf-cxx", .version = "1.0",
                    .summary = "keeps blobs in a std::map", .license = "Apache-2.0",
                    .ops = &shelf_ops)
