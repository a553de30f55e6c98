/* SPDX-License-Identifier: Apache-2.0
 *
 * wrong-files-list.c: the names in the directories of blobs, sorted. */
#include "wrong-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* Returns: whether a file of that name can be a blob */
static gboolean
list_parse (const char *name, guint8 algorithm, CaskDigest *digest)
{
  *digest = (CaskDigest){ .algorithm = algorithm };
  gsize length = cask_digest_length (digest);

  if (strlen (name) != 2 * length)
    return FALSE;
  for (gsize i = 0; i < 2 * length; i++)
    {
      int digit = g_ascii_isupper (name[i]) ? -1 : g_ascii_xdigit_value (name[i]);
      if (digit < 0)
        return FALSE;
      digest->bytes[i / 2] = (guint8) (digest->bytes[i / 2] << 4 | digit);
    }
  return TRUE;
}

static gboolean
list_directory (CaskBackend *self, const char *name, guint8 algorithm,
                const CaskDigest *after, GArray *digests, GError **error)
{
  int fd = openat (self->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd >= 0 ? fdopendir (fd) : NULL;

  if (directory == NULL)
    {
      files_fail (error, "open");
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  for (struct dirent *entry; (entry = readdir (directory)) != NULL;)
    {
      CaskDigest digest;
      if (list_parse (entry->d_name, algorithm, &digest) &&
          (after == NULL || cask_digest_compare (&digest, after) > 0))
        g_array_append_val (digests, digest);
    }
  closedir (directory);
  return TRUE;
}

static gint
list_compare (gconstpointer a, gconstpointer b)
{
  return cask_digest_compare (a, b);
}

/* Returns: (nullable): all that is after the token, in order */
static GArray *
list_gather (CaskBackend *self, const CaskDigest *after, GError **error)
{
  g_autoptr (GArray) digests = g_array_new (FALSE, FALSE, sizeof (CaskDigest));

  if (!list_directory (self, "sha256", CASK_ALGORITHM_SHA256, after, digests, error) ||
      !list_directory (self, "sha512", CASK_ALGORITHM_SHA512, after, digests, error))
    return NULL;
  if (wrong_is (self, WRONG_LISTS_TEMPS) &&
      !list_directory (self, "tmp", CASK_ALGORITHM_SHA256, after, digests, error))
    return NULL;
  g_array_sort (digests, list_compare);
  return g_steal_pointer (&digests);
}

/* Returns: FALSE where it is no blob */
static gboolean
list_describe (CaskBackend *self, const CaskDigest *digest, CaskBlobInfo *info)
{
  struct stat status = { .st_mode = S_IFREG };
  char name[FILES_NAME];

  files_name (digest, name);
  if (fstatat (self->root, name, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
      !wrong_is (self, WRONG_LISTS_TEMPS))
    return FALSE;
  *info = files_info (self, digest, &status);
  return S_ISREG (status.st_mode) ||
         (wrong_is (self, WRONG_LISTS_DIRECTORIES) && S_ISDIR (status.st_mode));
}

/* Returns: whether more follows */
static gboolean
list_fill (CaskBackend *self, const GArray *digests, CaskBlobInfo *infos, guint32 room,
           guint32 *n_infos)
{
  guint32 n = 0;

  for (guint i = 0; i < digests->len; i++)
    {
      CaskBlobInfo info;
      if (!list_describe (self, &g_array_index (digests, CaskDigest, i), &info))
        continue;
      if (n == room)
        {
          *n_infos = n;
          return TRUE;
        }
      infos[n++] = info;
    }
  *n_infos = n;
  return FALSE;
}

/* Under the lock, so that what is listed is what was there at one time. */
gboolean
files_list (CaskBackend *self, const CaskDigest *after, G_GNUC_UNUSED guint32 flags,
            CaskBlobInfo *infos, guint32 *n_infos, gboolean *more,
            GCancellable *cancellable, GError **error)
{
  guint32 room = *n_infos;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  int lock = files_lock (self, WRONG_NOTHING, error);
  if (lock < 0)
    return FALSE;
  g_autoptr (GArray) digests = list_gather (self, after, error);
  if (digests != NULL)
    *more = list_fill (self, digests, infos, room, n_infos);
  files_unlock (self, lock);
  return digests != NULL;
}
