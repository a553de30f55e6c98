/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-list.c: blobs in the order of their digests.
 *
 * Shards are in that order by their names, sha256 before sha512; within a shard the
 * kernel gives names in any order. So a page reads shard after shard, and of each keeps
 * the smallest names that it has room for, and one more, in a heap: memory is bounded by
 * the page however many blobs a shard has, and the one more tells whether any follow.
 *
 * Names that come twice while others write are kept once. Blobs that are removed between
 * the reading of their names and the look at them are left out, and the page is filled
 * from what follows. Names that are no blob's, and what is no regular file, are nobody's.
 *
 * Failure modes: a shard that is there but can not be read, or is no directory, fails the
 * list: to a collector, missing would mean unreferenced. */
#include "fs-slots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FS_LIST_CANCEL_EVERY 1024

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, closedir)

typedef struct
{
  CaskBackend *self;
  GCancellable *cancellable;
  guint32 flags;
  CaskBlobInfo *infos;
  guint32 room;
  guint32 filled;
  gboolean more;
  gboolean has_after;
  CaskDigest after;    /* of all that is listed yet, the last */
  GArray *heap;        /* of CaskDigest, the greatest first */
  gboolean is_dropped; /* the shard has more than the heap had room for */
} FsList;

static CaskDigest *
fs_list_at (FsList *list, guint index)
{
  return &g_array_index (list->heap, CaskDigest, index);
}

static void
fs_list_swap (FsList *list, guint a, guint b)
{
  CaskDigest digest = *fs_list_at (list, a);
  *fs_list_at (list, a) = *fs_list_at (list, b);
  *fs_list_at (list, b) = digest;
}

static void
fs_list_rise (FsList *list, guint at)
{
  while (at > 0 &&
         cask_digest_compare (fs_list_at (list, (at - 1) / 2), fs_list_at (list, at)) < 0)
    {
      fs_list_swap (list, (at - 1) / 2, at);
      at = (at - 1) / 2;
    }
}

static void
fs_list_sink (FsList *list, guint at)
{
  for (;;)
    {
      guint greatest = at;
      for (guint child = 2 * at + 1; child <= 2 * at + 2; child++)
        if (child < list->heap->len &&
            cask_digest_compare (fs_list_at (list, child), fs_list_at (list, greatest)) >
                0)
          greatest = child;
      if (greatest == at)
        return;
      fs_list_swap (list, at, greatest);
      at = greatest;
    }
}

/* Keeps the digest if it is among the smallest. */
static void
fs_list_offer (FsList *list, const CaskDigest *digest)
{
  if (list->has_after && cask_digest_compare (digest, &list->after) <= 0)
    return;
  if (list->heap->len < list->room - list->filled + 1)
    {
      g_array_append_vals (list->heap, digest, 1);
      fs_list_rise (list, list->heap->len - 1);
      return;
    }
  int order = cask_digest_compare (digest, fs_list_at (list, 0));
  list->is_dropped |= order != 0;
  if (order >= 0)
    return;
  *fs_list_at (list, 0) = *digest;
  fs_list_sink (list, 0);
}

/* Offers the blob, if its file is a regular one. A filesystem that tells no types is
 * asked for each; what it can not tell is not left out, unless it has been removed. */
static gboolean
fs_list_see (FsList *list, int directory, const struct dirent *entry,
             const CaskDigest *digest, GError **error)
{
  struct stat st = { .st_mode = DTTOIF (entry->d_type) };
  if (entry->d_type == DT_UNKNOWN &&
      fs_system->fstatat (directory, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || fs_fail (list->self, errno, "stat", error);
  if (S_ISREG (st.st_mode))
    fs_list_offer (list, digest);
  return TRUE;
}

/* Fills the heap from one shard. */
static gboolean
fs_list_read (FsList *list, DIR *stream, const CaskDigest *shard, GError **error)
{
  g_array_set_size (list->heap, 0);
  list->is_dropped = FALSE;
  rewinddir (stream);
  for (guint count = 1;; count++)
    {
      if (count % FS_LIST_CANCEL_EVERY == 0 &&
          g_cancellable_set_error_if_cancelled (list->cancellable, error))
        return FALSE;
      errno = 0;
      const struct dirent *entry = fs_system->readdir (stream);
      if (entry == NULL)
        return errno == 0 || fs_fail (list->self, errno, "read a directory", error);
      CaskDigest digest;
      if (fs_name_parse (list->self->layout, shard, entry->d_name, &digest) &&
          !fs_list_see (list, dirfd (stream), entry, &digest, error))
        return FALSE;
    }
}

/* Adds one blob to the page, unless it has been removed meanwhile. */
static gboolean
fs_list_add (FsList *list, int directory, const CaskDigest *digest, GError **error)
{
  CaskBlobInfo *info = &list->infos[list->filled];
  if (list->flags & CASK_LIST_BRIEF)
    {
      *info = (CaskBlobInfo){ .digest = *digest, .size = CASK_UNKNOWN };
      list->filled++;
      return TRUE;
    }
  FsName name;
  fs_name_set (&name, list->self->layout, digest);
  struct stat st;
  if (fs_system->fstatat (directory, fs_name_leaf (&name), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || fs_fail_path (list->self, errno, "stat", name.path, error);
  if (!S_ISREG (st.st_mode))
    return TRUE;
  fs_blob_info (list->self, digest, &st, info);
  list->filled++;
  return TRUE;
}

static int
fs_list_compare (gconstpointer a, gconstpointer b)
{
  return cask_digest_compare (a, b);
}

/* Adds what the heap holds, in order. */
static gboolean
fs_list_take (FsList *list, int directory, GError **error)
{
  g_array_sort (list->heap, fs_list_compare);
  for (guint i = 0; i < list->heap->len && !list->more; i++)
    {
      const CaskDigest *digest = fs_list_at (list, i);
      if (list->has_after && cask_digest_equal (digest, &list->after))
        continue;
      if (list->filled == list->room)
        list->more = TRUE;
      else if (!fs_list_add (list, directory, digest, error))
        return FALSE;
      else
        {
          list->after = *digest;
          list->has_after = TRUE;
        }
    }
  return TRUE;
}

/* What the heap dropped is read again only where so many blobs of it were removed
 * meanwhile that the page has room left. */
static gboolean
fs_list_shard (FsList *list, const CaskDigest *shard, GError **error)
{
  FsName name;
  fs_name_set (&name, list->self->layout, shard);
  if (g_cancellable_set_error_if_cancelled (list->cancellable, error))
    return FALSE;
  g_auto (FsFd) fd = fs_root_open (list->self, name.directory, O_RDONLY | O_DIRECTORY);
  if (fd < 0)
    return errno == ENOENT ||
           fs_fail_path (list->self, errno, "open", name.directory, error);
  g_autoptr (DIR) stream = fs_system->fdopendir (fd);
  if (stream == NULL)
    return fs_fail_path (list->self, errno, "open", name.directory, error);
  fs_fd_steal (&fd);
  do
    if (!fs_list_read (list, stream, shard, error) ||
        !fs_list_take (list, dirfd (stream), error))
      return FALSE;
  while (list->is_dropped && !list->more);
  return TRUE;
}

/* Whether all that the shard may hold has been listed. */
static gboolean
fs_list_is_past (const FsList *list, const CaskDigest *shard, gboolean is_whole)
{
  gsize length = G_STRUCT_OFFSET (CaskDigest, bytes) + (is_whole ? 0 : 1);
  return list->has_after && memcmp (shard, &list->after, length) < 0;
}

static gboolean
fs_list_algorithm (FsList *list, guint8 algorithm, GError **error)
{
  gboolean is_whole = list->self->layout == FS_LAYOUT_OCI;
  CaskDigest shard = { .algorithm = algorithm };
  FsName name;
  fs_name_set (&name, list->self->layout, &shard);
  g_auto (FsFd) top = fs_root_open (list->self, name.top, O_PATH | O_DIRECTORY);
  if (top < 0 && errno == ENOENT)
    return !fs_root_is_gone (list->self) || fs_fail_gone (error);
  if (top < 0)
    return fs_fail_path (list->self, errno, "open", name.top, error);
  fs_fd_close (fs_fd_steal (&top));
  for (guint first = 0; first < (is_whole ? 1 : 256) && !list->more; first++)
    {
      shard.bytes[0] = (guint8) first;
      if (!fs_list_is_past (list, &shard, is_whole) &&
          !fs_list_shard (list, &shard, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
fs_list_once (FsList *list, GError **error)
{
  return fs_list_algorithm (list, CASK_ALGORITHM_SHA256, error) &&
         (list->more || fs_list_algorithm (list, CASK_ALGORITHM_SHA512, error));
}

gboolean
fs_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
         guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  FsPatience patience = { .self = self };
  GError *failure = NULL;
  g_autoptr (GArray) heap = g_array_new (FALSE, FALSE, sizeof (CaskDigest));
  FsList list;
  gboolean done;
  do
    {
      list = (FsList){ .self = self,
                       .cancellable = cancellable,
                       .flags = flags,
                       .infos = infos,
                       .room = *n_infos,
                       .heap = heap,
                       .has_after = after != NULL };
      if (after != NULL)
        list.after = *after;
      done = fs_list_once (&list, &failure);
    }
  while (!done && fs_patience_again (&patience, cancellable, &failure));
  if (done)
    {
      *n_infos = list.filled;
      *more = list.more;
    }
  return fs_patience_end (&patience, failure, error);
}
