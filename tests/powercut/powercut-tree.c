/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-tree.c: makes a state a real directory, and takes it away again. */
#include "powercut.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  PowerModel *model;
  const PowerState *state;
  GHashTable *made; /* of char *: where a file is already, by inode */
} PowerTree;

static gboolean
power_tree_fill (PowerTree *tree, guint32 inode, int fd)
{
  gsize length;
  const PowerContent *content =
      power_content (tree->model, inode, (PowerKept) tree->state->kept[inode]);
  const guint8 *bytes = g_bytes_get_data (content->bytes, &length);
  const PowerMeta *meta = tree->state->metas[inode];
  struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
                               { .tv_sec = (time_t) (meta->mtime_nsec / 1000000000u),
                                 .tv_nsec = (long) (meta->mtime_nsec % 1000000000u) } };
  return (length == 0 || write (fd, bytes, length) == (ssize_t) length) &&
         fchmod (fd, (mode_t) meta->mode) == 0 && futimens (fd, times) == 0;
}

static gboolean
power_tree_file (PowerTree *tree, guint32 inode, const char *path)
{
  const char *other = g_hash_table_lookup (tree->made, GUINT_TO_POINTER (inode));
  if (other != NULL)
    return link (other, path) == 0;
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gboolean done = fd >= 0 && power_tree_fill (tree, inode, fd);
  if (fd >= 0)
    close (fd);
  g_hash_table_insert (tree->made, GUINT_TO_POINTER (inode), g_strdup (path));
  return done;
}

static gboolean
power_tree_directory (PowerTree *tree, guint32 inode, const char *path)
{
  const GArray *slots = tree->model->files[inode].slots;
  for (guint i = 0; i < slots->len; i++)
    {
      guint32 slot = g_array_index (slots, guint32, i);
      guint32 target = tree->state->names[slot]->inode;
      if (target == 0)
        continue;
      char below[512];
      g_snprintf (below, sizeof below, "%s/%s", path, tree->model->log->slots[slot].name);
      gboolean done;
      if (tree->model->log->inodes[target].is_directory)
        done = mkdir (below, 0755) == 0 && power_tree_directory (tree, target, below);
      else
        done = power_tree_file (tree, target, below);
      if (!done)
        return FALSE;
    }
  return TRUE;
}

/* power_tree_make: in an empty directory. Returns: FALSE with errno. */
gboolean
power_tree_make (PowerModel *model, const PowerState *state, const char *path)
{
  g_autoptr (GHashTable) made = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  PowerTree tree = { .model = model, .state = state, .made = made };
  return power_tree_directory (&tree, POWER_OUTSIDE, path);
}

static guint
power_tree_walk (int directory, const char *name, gboolean is_removed)
{
  guint count = 0;
  int fd = openat (directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  if (stream == NULL)
    return 0;
  for (struct dirent *entry; (entry = readdir (stream)) != NULL;)
    {
      const char *found = entry->d_name;
      if (strcmp (found, ".") == 0 || strcmp (found, "..") == 0)
        continue;
      count++;
      if (entry->d_type == DT_DIR)
        count += power_tree_walk (fd, found, is_removed);
      if (is_removed)
        unlinkat (fd, found, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
    }
  closedir (stream);
  return count;
}

/* power_tree_clear: removes what is in the directory. */
void
power_tree_clear (const char *path)
{
  power_tree_walk (AT_FDCWD, path, TRUE);
}

/* power_tree_count: what is below; 0 where there is no such directory. */
guint
power_tree_count (const char *path)
{
  return power_tree_walk (AT_FDCWD, path, FALSE);
}
