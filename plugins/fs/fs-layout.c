/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-layout.c: a root that holds the other layout's blobs, noticed at open.
 *
 * Opened with the wrong layout it would list nothing and call every blob absent, and what
 * was put would lie beside. So where this layout's own directory is missing, and there is
 * something in the other's that has the name of a blob or of a shard, open refuses. An
 * empty root, one with both, and one whose `blobs` is something else (another store, say)
 * are nobody's mistake.
 *
 * Failure modes: what can not be looked at is not held against the root: the operations
 * that have to pass there will say what is wrong. */
#include "fs-private.h"

#include <fcntl.h>

/* A directory of thousands of other things is not searched for one. */
#define FS_LAYOUT_LOOKS 256

static const char *const fs_layout_tops[FS_NAME_TOPS] = { "sha256", "sha512" };

/* By itself: below a link nothing is looked at. */
static gboolean
fs_layout_has (CaskBackend *self, const char *path)
{
  struct stat st;
  return fs_system->fstatat (self->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR (st.st_mode);
}

static gboolean
fs_layout_is_hex (const char *name, gsize length)
{
  return strlen (name) == length && strspn (name, "0123456789abcdef") == length;
}

/* Whether the directory has a name of so many hex digits in it. */
static gboolean
fs_layout_has_hex (CaskBackend *self, const char *path, gsize length)
{
  g_auto (FsFd) fd = fs_root_open (self, path, O_RDONLY | O_DIRECTORY);
  DIR *stream = fd >= 0 ? fs_system->fdopendir (fd) : NULL;
  gboolean found = FALSE;
  if (stream == NULL)
    return FALSE;
  fs_fd_steal (&fd);
  for (guint i = 0; !found && i < FS_LAYOUT_LOOKS; i++)
    {
      const struct dirent *entry = fs_system->readdir (stream);
      if (entry == NULL)
        break;
      found = fs_layout_is_hex (entry->d_name, length);
    }
  closedir (stream);
  return found;
}

/* Whether the root holds blobs in the layout that it was not opened with. */
static gboolean
fs_layout_has_other (CaskBackend *self)
{
  static const gsize lengths[FS_NAME_TOPS] = { 64, 128 };
  for (guint i = 0; i < FS_NAME_TOPS; i++)
    {
      char path[16];
      gboolean is_oci = self->layout == FS_LAYOUT_OCI;
      g_snprintf (path, sizeof path, "%s%s", is_oci ? "" : "blobs/", fs_layout_tops[i]);
      if (fs_layout_has_hex (self, path, is_oci ? 2 : lengths[i]))
        return TRUE;
    }
  return FALSE;
}

static gboolean
fs_layout_has_own (CaskBackend *self)
{
  if (self->layout == FS_LAYOUT_OCI)
    return fs_layout_has (self, "blobs");
  return fs_layout_has (self, fs_layout_tops[0]) ||
         fs_layout_has (self, fs_layout_tops[1]);
}

/* fs_layout_check: sets INVALID_CONFIG where the root holds the other layout alone. */
gboolean
fs_layout_check (CaskBackend *self, GError **error)
{
  gboolean is_oci = self->layout == FS_LAYOUT_OCI;
  if (fs_layout_has_own (self) || !fs_layout_has_other (self))
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
               "layout: '%s' was asked for, but the root holds the other layout, '%s'",
               is_oci ? "oci" : "cask", is_oci ? "cask" : "oci");
  return FALSE;
}
