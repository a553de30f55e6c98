/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-test.c: opens the fs plugin, or the part of the program that it is, without libcask,
 * and calls its slots. */
#include "fs-test.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef FS_TEST_PLUGIN
const CaskPlugin *
fs_plugin (void)
{
  static const CaskPlugin *plugin;
  if (plugin != NULL)
    return plugin;
  void *module = dlopen (FS_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module != NULL)
    plugin = dlsym (module, "cask_plugin");
  if (plugin == NULL)
    {
      fprintf (stderr, "%s\n", dlerror ());
      exit (2);
    }
  return plugin;
}
#else
const CaskPlugin *
fs_plugin (void)
{
  return &cask_plugin;
}
#endif

/* The host's hasher, for SHA-256 alone, by GLib's. */
static CaskHasher *
fs_hasher_new (const CaskHost *host, guint32 algorithm)
{
  (void) host;
  CU_ASSERT_EQUAL (algorithm, CASK_ALGORITHM_SHA256);
  return (CaskHasher *) g_checksum_new (G_CHECKSUM_SHA256);
}

static void
fs_hasher_update (CaskHasher *hasher, const void *data, gsize count)
{
  g_checksum_update ((GChecksum *) hasher, data, (gssize) count);
}

static void
fs_hasher_finish (CaskHasher *hasher, CaskDigest *digest)
{
  gsize length = 32;
  *digest = (CaskDigest){ .algorithm = CASK_ALGORITHM_SHA256 };
  g_checksum_get_digest ((GChecksum *) hasher, digest->bytes, &length);
  g_checksum_free ((GChecksum *) hasher);
}

FsStore *
fs_store_open (const char *root, const FsSpec *spec, GError **error)
{
  FsStore *store = g_new0 (FsStore, 1);
  store->root = g_strdup (root);
  store->ops = fs_plugin ()->ops;
  store->host = (CaskHost){ .size = sizeof (CaskHost),
                            .hasher_new = fs_hasher_new,
                            .hasher_update = fs_hasher_update,
                            .hasher_finish = fs_hasher_finish };
  store->values[0].number = spec->durability;
  store->values[1].number = spec->layout;
  store->values[2].number = !spec->keep_root;
  store->values[3].number = (guint64) spec->freshen_usec;
  store->values[4].number = spec->is_mapped;
  store->values[5].number = spec->max_uploads;
  store->values[6].number = spec->max_upload_bytes;
  store->args = (CaskOpenArgs){ .size = sizeof (CaskOpenArgs),
                                .host = &store->host,
                                .location = store->root,
                                .values = store->values,
                                .encoding = spec->encoding };
  store->backend = store->ops->open (&store->args, NULL, error);
  if (store->backend != NULL)
    return store;
  fs_store_close (store);
  return NULL;
}

void
fs_store_close (FsStore *store)
{
  if (store->backend != NULL)
    store->ops->close (store->backend);
  g_free (store->root);
  g_free (store);
}

/* No backend hashes: any digest is as good as the right one. */
CaskDigest
fs_digest (guint32 algorithm, guint8 first, guint64 number)
{
  CaskDigest digest = { .algorithm = (guint8) algorithm };
  digest.bytes[0] = first;
  for (guint i = 0; i < 8; i++)
    digest.bytes[1 + i] = (guint8) (number >> (56 - 8 * i));
  digest.bytes[cask_digest_length (&digest) - 1] = 0xe1;
  return digest;
}

char *
fs_path (const FsStore *store, const CaskDigest *digest)
{
  g_autoptr (GString) path = g_string_new (store->root);
  gboolean is_oci = store->values[1].number == 1;
  g_string_append (path, is_oci ? "/blobs" : "");
  g_string_append (path, digest->algorithm == 2 ? "/sha512/" : "/sha256/");
  for (gsize i = 0; i < cask_digest_length (digest); i++)
    g_string_append_printf (path, i == 0 && !is_oci ? "%02x/" : "%02x", digest->bytes[i]);
  return g_strdup (path->str);
}

/* Takes the error. An error without a message, or of a strange kind, is never right. */
int
fs_code (GError *error)
{
  g_autoptr (GError) owned = error;
  if (owned == NULL)
    return FS_OK;
  if (g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FS_CANCELLED;
  CU_ASSERT (owned->domain == CASK_ERROR);
  CU_ASSERT (owned->code >= 0 && owned->code <= CASK_ERROR_PLUGIN_ABI);
  CU_ASSERT (owned->message[0] != '\0');
  return owned->code;
}

int
fs_store_put_flags (FsStore *store, const CaskDigest *digest, const char *text,
                    guint32 flags)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  GError *error = NULL;
  gboolean created = FALSE;
  gboolean done =
      store->ops->put (store->backend, digest, bytes, flags, &created, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  if (done)
    return created ? FS_CREATED : FS_HIT;
  return fs_code (error);
}

int
fs_store_put (FsStore *store, const CaskDigest *digest, const char *text)
{
  return fs_store_put_flags (store, digest, text, 0);
}

int
fs_store_get (FsStore *store, const CaskDigest *digest, char **text)
{
  GError *error = NULL;
  CaskBlobInfo info;
  g_autoptr (GBytes) bytes =
      store->ops->get (store->backend, digest, 0, CASK_TO_END, 0, &info, NULL, &error);
  CU_ASSERT ((bytes != NULL) == (error == NULL));
  if (bytes != NULL && text != NULL)
    *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  return fs_code (error);
}

static int
fs_store_stat_flags (FsStore *store, const CaskDigest *digest, guint32 flags,
                     CaskBlobInfo *info)
{
  GError *error = NULL;
  CaskBlobInfo ignored;
  gboolean done = store->ops->stat (store->backend, digest, flags,
                                    info != NULL ? info : &ignored, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  return fs_code (error);
}

int
fs_store_stat (FsStore *store, const CaskDigest *digest, CaskBlobInfo *info)
{
  return fs_store_stat_flags (store, digest, 0, info);
}

int
fs_store_touch (FsStore *store, const CaskDigest *digest, CaskBlobInfo *info)
{
  return fs_store_stat_flags (store, digest, CASK_STAT_FRESHEN, info);
}

int
fs_store_remove (FsStore *store, const CaskDigest *digest, gint64 unused_since,
                 CaskRemoved *outcome)
{
  GError *error = NULL;
  gboolean done =
      store->ops->remove (store->backend, digest, unused_since, outcome, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  return fs_code (error);
}

int
fs_store_list (FsStore *store, guint32 *n_infos, gboolean *more)
{
  GError *error = NULL;
  g_autofree CaskBlobInfo *infos = g_new0 (CaskBlobInfo, *n_infos);
  gboolean done =
      store->ops->list (store->backend, NULL, 0, infos, n_infos, more, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  return fs_code (error);
}

char *
fs_scratch_new (void)
{
  const char *base = g_getenv ("CASK_TEST_DIR");
  char *path =
      g_build_filename (base != NULL ? base : "/var/tmp", "cask-fs-XXXXXX", NULL);
  if (g_mkdtemp (path) == NULL)
    {
      perror (path);
      exit (2);
    }
  /* For the cases that run as somebody else. */
  chmod (path, 0777);
  return path;
}

static int
fs_scratch_remove (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) st;
  (void) type;
  (void) ftw;
  return remove (path);
}

void
fs_scratch_free (char *path)
{
  nftw (path, fs_scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
  g_free (path);
}

static gboolean fs_count_is_temp;
static guint fs_count;

static int
fs_count_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) type;
  (void) ftw;
  if (S_ISREG (st->st_mode) && (strstr (path, "/.tmp/") != NULL) == fs_count_is_temp)
    fs_count++;
  return 0;
}

guint
fs_count_files (const char *directory, gboolean is_temp)
{
  fs_count = 0;
  fs_count_is_temp = is_temp;
  nftw (directory, fs_count_one, 16, FTW_PHYS);
  return fs_count;
}

guint
fs_count_fds (void)
{
  guint count = 0;
  g_autoptr (GDir) fds = g_dir_open ("/proc/self/fd", 0, NULL);
  while (fds != NULL && g_dir_read_name (fds) != NULL)
    count++;
  return count;
}

void
fs_store_end (FsStore **store, char **root)
{
  g_clear_pointer (store, fs_store_close);
  CU_ASSERT_EQUAL (fs_count_files (*root, TRUE), 0);
  fs_scratch_free (g_steal_pointer (root));
}

gboolean
fs_write_file (const char *path, const char *text)
{
  g_autofree char *directory = g_path_get_dirname (path);
  return g_mkdir_with_parents (directory, 0777) == 0 &&
         g_file_set_contents (path, text, -1, NULL);
}

void
fs_in_child (const char *name, FsBody body, const char *root)
{
  fflush (NULL);
  pid_t child = fork ();
  if (child == 0)
    _exit (body (root));
  int status = -1;
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == FS_NOT_RUN)
    {
      printf ("\n    not run: %s: this machine does not permit it\n", name);
      return;
    }
  CU_ASSERT (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}
