/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin-file.c: decides whether a file may be loaded as a plugin, and loads it.
 *
 * The order matters: where the file lies and whose it is; then its note, read from the
 * very descriptor that was checked; only then dlopen(), which runs its constructors.
 *
 * Failure modes: nothing is trusted that another user may write. Between the checks and
 * dlopen() only the file's owner and root can put another one in its place, and that is
 * noticed afterwards. A plugin that was replaced on disk while this process has the old
 * one loaded is refused: glibc goes by the name and hands the old one back.
 *
 * Locks: file_lock guards file_opened; nothing blocks under it. */
#include "plugin-private.h"

#include <cask/cask-types.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* How much of a file is searched for a better explanation. */
#define FILE_SEARCH_LIMIT ((off_t) 64 * 1024 * 1024)

/* An access control list as the kernel tells it: 4 bytes of version, then entries of 8,
 * little-endian. */
#define FILE_ACL "system.posix_acl_access"
#define FILE_ACL_USER 0x02  /* a user by number */
#define FILE_ACL_GROUP 0x08 /* a group by number */
#define FILE_ACL_WRITE 0x02

/* An object that this process has opened, and the file it was opened from. Never freed:
 * it stays loaded, so neither its link map nor its inode can come to mean another. */
typedef struct FileOpened FileOpened;
struct FileOpened
{
  const struct link_map *map;
  dev_t device;
  ino_t inode;
  FileOpened *next;
};

static GMutex file_lock;
static FileOpened *file_opened;

void
cask_plugin_file_after_fork (void)
{
  g_mutex_init (&file_lock);
}

static gboolean G_GNUC_PRINTF (2, 3) file_fail (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, message);
  return FALSE;
}

/* ---- Place and owner ---- */

gboolean
cask_uid_map_has_root (const char *map)
{
  g_auto (GStrv) lines = g_strsplit (map, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    {
      unsigned long long inside, outside, count;
      /* The second column counts in the parent namespace: its 0 is the root that owns
       * what the distribution installed. */
      if (sscanf (*line, "%llu %llu %llu", &inside, &outside, &count) == 3 &&
          outside == 0 && count > 0)
        return TRUE;
    }
  return FALSE;
}

/* In a user namespace that has no number for the real root, its files show as the
 * overflow user's. Any doubt, such as a missing /proc, means no. */
static gboolean
file_owner_is_hidden_root (uid_t owner)
{
  g_autofree char *map = NULL;
  g_autofree char *overflow = NULL;

  if (!g_file_get_contents ("/proc/self/uid_map", &map, NULL, NULL) ||
      !g_file_get_contents ("/proc/sys/kernel/overflowuid", &overflow, NULL, NULL))
    return FALSE;
  return !cask_uid_map_has_root (map) &&
         g_ascii_strtoull (overflow, NULL, 10) == (guint64) owner;
}

static gboolean
file_group_is_ours (gid_t group)
{
  if (group == getegid ())
    return TRUE;

  int n = getgroups (0, NULL);
  if (n <= 0)
    return FALSE;
  g_autofree gid_t *groups = g_new (gid_t, n);
  n = getgroups (n, groups);
  for (int i = 0; i < n; i++)
    if (groups[i] == group)
      return TRUE;
  return FALSE;
}

/* Where there is an access control list, the group's bits of the mode are the most that
 * anybody it names may do. One that is too long to be read is no reason to trust. */
static gboolean
file_acl_lets_others_write (const char *path)
{
  guint8 list[4096];
  gssize size = getxattr (path, FILE_ACL, list, sizeof list);

  if (size < 0)
    return errno == ERANGE;
  for (gssize at = 4; at + 8 <= size; at += 8)
    {
      guint16 tag, may;
      guint32 who;
      memcpy (&tag, list + at, sizeof tag);
      memcpy (&may, list + at + 2, sizeof may);
      memcpy (&who, list + at + 4, sizeof who);
      tag = GUINT16_FROM_LE (tag);
      who = GUINT32_FROM_LE (who);
      if ((GUINT16_FROM_LE (may) & FILE_ACL_WRITE) != 0 &&
          ((tag == FILE_ACL_USER && who != 0 && who != geteuid ()) ||
           (tag == FILE_ACL_GROUP && !file_group_is_ours (who))))
        return TRUE;
    }
  return FALSE;
}

/* The sticky bit is no excuse: it forbids to replace what is there, not to add. */
static gboolean
file_check_mode (const struct stat *info, const char *what, const char *path,
                 GError **error)
{
  if ((info->st_mode & S_IWOTH) != 0)
    return file_fail (error, "%sanybody may write to it: chmod o-w %s", what, path);
  if ((info->st_mode & S_IWGRP) != 0 && !file_group_is_ours (info->st_gid))
    return file_fail (error,
                      "%sthe group %u, which this process is not in, may write to it: "
                      "chmod g-w %s",
                      what, info->st_gid, path);
  if ((info->st_mode & S_IWGRP) != 0 && file_acl_lets_others_write (path))
    return file_fail (error,
                      "%sits access control list lets others write to it: setfacl -b %s",
                      what, path);
  if (info->st_uid != 0 && info->st_uid != geteuid () &&
      !file_owner_is_hidden_root (info->st_uid))
    return file_fail (error,
                      "%sit belongs to user %u, neither root nor the user %u of this "
                      "process: chown root %s",
                      what, info->st_uid, geteuid (), path);
  return TRUE;
}

static gboolean
file_check_directory (const char *path, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *what = g_strdup_printf ("the directory %s: ", directory);
  struct stat info;

  if (stat (directory, &info) != 0)
    return file_fail (error, "%sstat: %s", what, g_strerror (errno));
  return file_check_mode (&info, what, directory, error);
}

/* Opens path, which must be a regular file in a safe place, without waiting for the other
 * end of a FIFO. Returns: a descriptor or -1. */
static int
file_open_checked (const char *path, struct stat *info, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    {
      file_fail (error, "open: %s%s", g_strerror (errno),
                 errno == EACCES ? ": let this process's user read it" : "");
      return -1;
    }
  gboolean good;
  if (fstat (fd, info) != 0)
    good = file_fail (error, "fstat: %s", g_strerror (errno));
  else if (!S_ISREG (info->st_mode))
    good = file_fail (error, "not a regular file: a plugin is a compiled shared object");
  else
    good = file_check_mode (info, "", path, error) && file_check_directory (path, error);
  if (good)
    return fd;
  close (fd);
  return -1;
}

/* ---- Opening ---- */

/* Whether map is still what the file behind info holds. A link map that was met before
 * must have come from that file; a new one must bear a name that leads to it. */
static gboolean
file_is_loaded (const struct link_map *map, const struct stat *info)
{
  struct stat named;
  gboolean matches = stat (map->l_name, &named) == 0 && named.st_dev == info->st_dev &&
                     named.st_ino == info->st_ino;

  g_mutex_lock (&file_lock);
  FileOpened *known = file_opened;
  while (known != NULL && known->map != map)
    known = known->next;
  if (known != NULL)
    matches = known->device == info->st_dev && known->inode == info->st_ino;
  else if (matches)
    {
      FileOpened *opened = g_new (FileOpened, 1);
      *opened = (FileOpened){ map, info->st_dev, info->st_ino, file_opened };
      file_opened = opened;
    }
  g_mutex_unlock (&file_lock);
  return matches;
}

static void *
file_dlopen (const char *path, const struct stat *info, struct link_map **map,
             GError **error)
{
  /* By name, not by /proc/self/fd/N: glibc compares names first, and a number that was
   * used before would bring back another plugin. NODELETE, because a plugin may have
   * threads, and a GType cannot be taken back. */
  void *handle = dlopen (path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == NULL)
    {
      const char *reason = dlerror ();
      if (reason != NULL && g_str_has_prefix (reason, path) &&
          g_str_has_prefix (reason + strlen (path), ": "))
        reason += strlen (path) + 2;
      file_fail (error, "cannot be loaded: %s: link or install what `ldd -r %s` misses",
                 reason != NULL ? reason : "no reason", path);
      return NULL;
    }
  if (dlinfo (handle, RTLD_DI_LINKMAP, map) != 0 || !file_is_loaded (*map, info))
    {
      file_fail (error, "what got loaded is another file than the one that was checked: "
                        "it was replaced meanwhile; start the process again");
      return NULL;
    }
  return handle;
}

/* Whether the file has the name `cask_plugin` as a C++ compiler writes it. A file of
 * terabytes, all hole, is not searched to its end. */
static gboolean
file_has_mangled_table (int fd)
{
  static const char mangled[] = "11cask_plugin";
  const gsize overlap = sizeof mangled - 2;
  const gsize step = 65536;
  g_autofree char *buffer = g_malloc0 (overlap + step);
  gssize n;

  for (off_t at = 0;
       at < FILE_SEARCH_LIMIT && (n = pread (fd, buffer + overlap, step, at)) > 0;
       at += n)
    {
      gsize filled = overlap + (gsize) n;
      if (memmem (buffer, filled, mangled, sizeof mangled - 1) != NULL)
        return TRUE;
      memmove (buffer, buffer + filled - overlap, overlap);
    }
  return FALSE;
}

static gboolean
file_fail_no_table (int fd, GError **error)
{
  if (file_has_mangled_table (fd))
    return file_fail (error, "it exports no `cask_plugin`, but has one with a C++ name: "
                             "define it with CASK_PLUGIN_DEFINE(), or extern \"C\"");
  return file_fail (error, "it exports no `cask_plugin`: define it with "
                           "CASK_PLUGIN_DEFINE(), and do not hide it");
}

/* The symbol must be the object's own: dlsym() looks into its dependencies as well, and
 * then a plugin linked to another would pose as that one. */
static const CaskPlugin *
file_find_table (void *handle, const struct link_map *map, int fd, GError **error)
{
  Dl_info place;
  struct link_map *owner = NULL;
  const ElfW (Sym) *symbol = NULL;
  const CaskPlugin *table = dlsym (handle, "cask_plugin");

  if (table == NULL)
    {
      file_fail_no_table (fd, error);
      return NULL;
    }
  if (dladdr1 (table, &place, (void **) &owner, RTLD_DL_LINKMAP) == 0 || owner != map)
    {
      file_fail (error,
                 "its `cask_plugin` is in %s, which it only links: define one of "
                 "its own",
                 owner != NULL ? owner->l_name : "another object");
      return NULL;
    }
  if (dladdr1 (table, &place, (void **) &symbol, RTLD_DL_SYMENT) == 0 || symbol == NULL ||
      ELF64_ST_TYPE (symbol->st_info) != STT_OBJECT ||
      symbol->st_size < G_STRUCT_OFFSET (CaskPlugin, n_options))
    {
      file_fail (error, "its `cask_plugin` is no table: define it with "
                        "CASK_PLUGIN_DEFINE()");
      return NULL;
    }
  if (table->magic == CASK_PLUGIN_MAGIC && table->size > symbol->st_size)
    {
      file_fail (error,
                 "its `cask_plugin` claims to have %u bytes, and has %" G_GUINT64_FORMAT
                 ": build the plugin again",
                 table->size, (guint64) symbol->st_size);
      return NULL;
    }
  return table;
}

static CaskLoadedPlugin *
file_load (const char *path, const char *name, int fd, const struct stat *info,
           GError **error)
{
  CaskLoadedPlugin *loaded = NULL;
  struct link_map *map = NULL;
  CaskElfNote note;

  if (!cask_elf_note_read (fd, &note, error) ||
      !cask_plugin_check_note (&note, cask_abi_sizes, cask_abi_n_sizes, error))
    return NULL;
  void *handle = file_dlopen (path, info, &map, error);
  if (handle == NULL)
    return NULL;
  const CaskPlugin *table = file_find_table (handle, map, fd, error);
  if (table == NULL || !cask_plugin_check (table, &note, name, cask_abi_sizes,
                                           cask_abi_n_sizes, &loaded, error))
    return NULL;
  loaded->path = g_strdup (path);
  return loaded;
}

CaskLoadedPlugin *
cask_plugin_file_load (const char *path, const char *name, GError **error)
{
  char canonical[PATH_MAX];
  struct stat info;

  if (realpath (path, canonical) == NULL)
    {
      file_fail (error, "%s: %s: install it, or correct the link", path,
                 g_strerror (errno));
      return NULL;
    }
  CaskLoadedPlugin *loaded = NULL;
  int fd = file_open_checked (canonical, &info, error);
  if (fd >= 0)
    {
      loaded = file_load (canonical, name, fd, &info, error);
      close (fd);
    }
  if (loaded == NULL)
    g_prefix_error (error, "%s: ", canonical);
  return loaded;
}
