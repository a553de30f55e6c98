/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-write.c: put.
 *
 *   what is there              what put does                         created
 *   nothing                    publishes                             TRUE
 *   the blob                   uses it: renews, syncs                FALSE
 *   a copy of another size,
 *   a suspect one, another
 *   owner's that is due        publishes in its place                FALSE
 *   anything else              CORRUPT                               -
 *
 * Whoever loses a race looks again from the top: what won may be gone by then, and an
 * acknowledged put must not rest on it.
 *
 * Failure modes: an fsync of the shard that fails after the commit point fails the put
 * though the blob can be seen: some other put may have been acknowledged on it already,
 * so it is not taken back. The next put of it stores it anew (fs-sync.c). */
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>

/* fs_write_open_shard: opens the shard to write in it, making it where it is missing and
 * its name durable where that is promised. Returns: -1 with an error. */
int
fs_write_open_shard (CaskBackend *self, const FsName *name, GError **error)
{
  g_auto (FsFd) shard = fs_root_open (self, name->directory, O_RDONLY | O_DIRECTORY);
  if (shard < 0 && errno == ENOENT)
    {
      int code = fs_root_make_directory (self, name);
      if (code != 0)
        return fs_fail_path (self, code, "mkdir", name->directory, error), -1;
      shard = fs_root_open (self, name->directory, O_RDONLY | O_DIRECTORY);
    }
  if (shard < 0)
    return fs_fail_path (self, errno, "open", name->directory, error), -1;
  if (fs_sync_is_promised (self) && !fs_sync_ancestors (self, name, shard, error))
    return -1;
  return fs_fd_steal (&shard);
}

static FsPublish
fs_write_store (CaskBackend *self, const FsName *name, GBytes *bytes, gboolean over,
                GCancellable *cancellable, GError **error)
{
  g_auto (FsShard) kept = { 0 };
  g_auto (FsFd) opened = -1;
  int shard = fs_sync_is_promised (self) ? -1 : fs_shard_use_in_place (self, name, &kept);
  if (shard < 0)
    shard = opened = fs_write_open_shard (self, name, error);
  if (shard < 0)
    return FS_PUBLISH_FAILED;
  FsPublish done = over ? fs_publish_over (self, shard, name, bytes, cancellable, error)
                        : fs_publish_new (self, shard, fs_name_leaf (name), bytes,
                                          self->durability, cancellable, error);
  if (done == FS_PUBLISH_DONE && fs_sync_is_promised (self) &&
      !fs_sync_shard (self, name, shard, error))
    return FS_PUBLISH_FAILED;
  return done;
}

/* fs_write_look: what is there, and what that makes of a put of so many bytes: DONE where
 * it was a hit. */
FsUse
fs_write_look (CaskBackend *self, const FsName *name, guint64 size, guint32 flags,
               GCancellable *cancellable, GError **error)
{
  g_auto (FsBlob) blob;
  blob.fd = -1;
  if (flags & CASK_PUT_REPLACE)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FS_USE_FAILED;
      FsLook look = fs_blob_stat (self, name, &blob.st, error);
      if (look == FS_LOOK_FAILED)
        return FS_USE_FAILED;
      return look == FS_LOOK_ABSENT ? FS_USE_ABSENT : FS_USE_UNFIT;
    }
  /* Under an encoding the same blob may have been stored in another number of bytes. */
  return fs_blob_use (self, name, self->is_encoded ? CASK_UNKNOWN : size, &blob,
                      cancellable, error);
}

static gboolean
fs_write_once (CaskBackend *self, const FsName *name, GBytes *bytes, guint32 flags,
               gboolean *created, GCancellable *cancellable, GError **error)
{
  if (!fs_root_check_writable (self, error))
    return FALSE;
  for (;;)
    {
      FsUse use =
          fs_write_look (self, name, g_bytes_get_size (bytes), flags, cancellable, error);
      if (use == FS_USE_FAILED)
        return FALSE;
      *created = use == FS_USE_ABSENT;
      if (use == FS_USE_DONE)
        return TRUE;
      FsPublish done =
          fs_write_store (self, name, bytes, use != FS_USE_ABSENT, cancellable, error);
      if (done != FS_PUBLISH_LOST)
        return done == FS_PUBLISH_DONE;
    }
}

/* fs_put_by: put, one of many, which wait for open files no longer together than one of
 * them would alone. deadline: (inout): 0 before the first, and after one that went well.
 */
gboolean
fs_put_by (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
           gboolean *created, gint64 *deadline, GCancellable *cancellable, GError **error)
{
  FsPatience patience = { .self = self, .deadline = *deadline };
  GError *failure = NULL;
  FsName name;
  fs_name_set (&name, self->layout, digest);
  gboolean is_new = FALSE;
  gboolean done;
  do
    done = fs_write_once (self, &name, bytes, flags, &is_new, cancellable, &failure);
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  if (done)
    *created = is_new;
  *deadline = done ? 0 : patience.deadline;
  return fs_patience_end (&patience, failure, error);
}

gboolean
fs_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
        gboolean *created, GCancellable *cancellable, GError **error)
{
  gint64 deadline = 0;
  return fs_put_by (self, digest, bytes, flags, created, &deadline, cancellable, error);
}
