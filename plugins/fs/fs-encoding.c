/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-encoding.c: a root whose blobs are encoded says so, in .cask-encoding.
 *
 * Behind a layer that encodes (compresses, encrypts) the bytes kept for a digest do not
 * hash to it. Opened without that layer, every blob would look corrupt, and be healed or
 * thrown away by whoever believed it. So the first open behind such a layer records the
 * layers' names, and every later one must come with the same.
 *
 * Failure modes: the record is durable before open returns, whatever the store's own
 * durability: a blob must not outlive it. Of two processes that record different ones at
 * once the second is refused. */
#include "fs-slots.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FS_ENCODING_FILE ".cask-encoding"
#define FS_ENCODING_MAXIMUM 1024

/* recorded: NULL where there is no record. */
static gboolean
fs_encoding_read (CaskBackend *self, char **recorded, GError **error)
{
  g_auto (FsFd) fd = fs_root_open (self, FS_ENCODING_FILE,
                                   O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  struct stat st;
  *recorded = NULL;
  if (fd < 0 && errno == ENOENT)
    return TRUE;
  if (fd < 0 || fs_system->fstat (fd, &st) != 0)
    return fs_fail_path (self, errno, "open", FS_ENCODING_FILE, error);
  char text[FS_ENCODING_MAXIMUM];
  ssize_t length = 0;
  if (S_ISREG (st.st_mode))
    length = fs_read_start (fd, text, sizeof text);
  if (length < 0)
    return fs_fail_path (self, errno, "read", FS_ENCODING_FILE, error);
  if (length < 2 || length == sizeof text || text[length - 1] != '\n' ||
      memchr (text, '\0', (gsize) length) != NULL ||
      !g_utf8_validate (text, length, NULL))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                           FS_ENCODING_FILE ": is not a record of an encoding");
      return FALSE;
    }
  *recorded = g_strndup (text, (gsize) length - 1);
  return TRUE;
}

static gboolean
fs_encoding_compare (const char *recorded, const char *encoding, GError **error)
{
  if (g_strcmp0 (recorded, encoding) == 0)
    return TRUE;
  if (encoding == NULL)
    g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                 "root: its blobs are encoded by '%s': open it behind that", recorded);
  else
    g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                 "root: its blobs are encoded by '%s', not by '%s'", recorded, encoding);
  return FALSE;
}

static gboolean
fs_encoding_refuse_plain (CaskBackend *self, const char *encoding,
                          GCancellable *cancellable, GError **error)
{
  CaskBlobInfo info;
  guint32 n_infos = 1;
  gboolean more;
  if (!fs_list (self, NULL, CASK_LIST_BRIEF, &info, &n_infos, &more, cancellable, error))
    return FALSE;
  if (n_infos == 0)
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
               "root: has blobs that are not encoded: not to be opened behind '%s'",
               encoding);
  return FALSE;
}

/* LOST is as good as DONE: what is recorded then is read and compared by the caller. */
static gboolean
fs_encoding_record (CaskBackend *self, const char *encoding, GCancellable *cancellable,
                    GError **error)
{
  g_autofree char *text = g_strconcat (encoding, "\n", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  FsPublish done = fs_publish_new (self, self->root, FS_ENCODING_FILE, bytes,
                                   FS_DURABILITY_FULL, cancellable, error);
  /* A nameless file that could not be linked: once more, with a name. */
  if (done == FS_PUBLISH_LOST)
    done = fs_publish_new (self, self->root, FS_ENCODING_FILE, bytes, FS_DURABILITY_FULL,
                           cancellable, error);
  if (done == FS_PUBLISH_FAILED)
    return FALSE;
  int code = fs_group_directory (self, self->root);
  return code == 0 || fs_fail (self, code, "fsync of the root", error);
}

/* fs_encoding_check: whether the root's blobs are encoded as the layers above would have
 * it; records it where there are no blobs yet. encoding: (nullable). */
gboolean
fs_encoding_check (CaskBackend *self, const char *encoding, GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *recorded = NULL;
  if (!fs_encoding_read (self, &recorded, error))
    return FALSE;
  if (recorded != NULL || encoding == NULL)
    return fs_encoding_compare (recorded, encoding, error);
  if (strlen (encoding) + 1 >= FS_ENCODING_MAXIMUM)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                           "encoding: too many layers to record");
      return FALSE;
    }
  if (!fs_encoding_refuse_plain (self, encoding, cancellable, error) ||
      !fs_encoding_record (self, encoding, cancellable, error) ||
      !fs_encoding_read (self, &recorded, error))
    return FALSE;
  return fs_encoding_compare (recorded, encoding, error);
}
