/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-upload-test.c: calls the upload slots of the fs plugin. */
#include "fs-upload-test.h"

#include <string.h>

FsUpload *
fs_upload_start (FsStore *store)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = CASK_UNKNOWN };
  GError *error = NULL;
  FsUpload *upload = g_new0 (FsUpload, 1);
  upload->store = store;
  upload->handle = store->ops->upload_begin (store->backend, &spec, NULL, &error);
  CU_ASSERT ((upload->handle != NULL) == (error == NULL));
  upload->code = fs_code (error);
  return upload;
}

FsUpload *
fs_upload_again (FsStore *store, const char *id)
{
  GError *error = NULL;
  g_autoptr (GBytes) state = NULL;
  FsUpload *upload = g_new0 (FsUpload, 1);
  upload->store = store;
  upload->handle = store->ops->upload_resume (store->backend, id, &state, &upload->offset,
                                              NULL, &error);
  CU_ASSERT ((upload->handle != NULL) == (error == NULL));
  CU_ASSERT ((upload->handle != NULL) == (state != NULL));
  upload->code = fs_code (error);
  if (state != NULL)
    upload->state = g_strndup (g_bytes_get_data (state, NULL), g_bytes_get_size (state));
  return upload;
}

void
fs_upload_finish (FsUpload *upload, gboolean keep)
{
  if (upload->handle != NULL)
    upload->store->ops->upload_close (upload->store->backend, upload->handle, keep);
  g_free (upload->state);
  g_free (upload);
}

int
fs_upload_text (FsUpload *upload, const char *text)
{
  if (upload->handle == NULL)
    return upload->code;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  gboolean done = upload->store->ops->upload_write (upload->store->backend,
                                                    upload->handle, bytes, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  return fs_code (error);
}

int
fs_upload_done (FsUpload *upload, const CaskDigest *digest, guint32 flags)
{
  if (upload->handle == NULL)
    return upload->code;
  GError *error = NULL;
  gboolean created = FALSE;
  gboolean done = upload->store->ops->upload_commit (
      upload->store->backend, upload->handle, digest, flags, &created, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  if (done)
    return created ? FS_CREATED : FS_HIT;
  return fs_code (error);
}

static int
fs_upload_save_to (FsUpload *upload, const char *state, char **id)
{
  if (upload->handle == NULL)
    return upload->code;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new (state, strlen (state));
  gboolean done = upload->store->ops->upload_save (upload->store->backend, upload->handle,
                                                   bytes, id, NULL, &error);
  CU_ASSERT (done == (error == NULL));
  return fs_code (error);
}

char *
fs_upload_keep (FsUpload *upload, const char *state)
{
  char *id = NULL;
  CU_ASSERT_EQUAL (fs_upload_save_to (upload, state, &id), FS_OK);
  return id != NULL ? id : g_strdup ("");
}

int
fs_upload_keep_code (FsUpload *upload, const char *state)
{
  g_autofree char *id = NULL;
  return fs_upload_save_to (upload, state, &id);
}

char *
fs_upload_bytes (FsUpload *upload, guint64 offset)
{
  char buffer[256] = "";
  gsize count = 0;
  CU_ASSERT_PTR_NOT_NULL (upload->handle);
  if (upload->handle == NULL)
    return g_strdup ("");
  GError *error = NULL;
  gboolean done =
      upload->store->ops->upload_read (upload->store->backend, upload->handle, offset,
                                       buffer, sizeof buffer - 1, &count, NULL, &error);
  CU_ASSERT_TRUE (done);
  g_clear_error (&error);
  return g_strndup (buffer, count);
}

typedef struct
{
  const char *id;
  guint count;
  guint64 *offset;
  gint64 *mtime;
} FsUploadCount;

static gboolean
fs_upload_count_one (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  FsUploadCount *seen = data;
  seen->count++;
  if (g_strcmp0 (id, seen->id) == 0)
    {
      *seen->offset = offset;
      *seen->mtime = mtime_usec;
    }
  return TRUE;
}

guint
fs_upload_count (FsStore *store, const char *id, guint64 *offset, gint64 *mtime)
{
  FsUploadCount seen = { .id = id, .offset = offset, .mtime = mtime };
  GError *error = NULL;
  CU_ASSERT_TRUE (
      store->ops->upload_list (store->backend, fs_upload_count_one, &seen, NULL, &error));
  g_clear_error (&error);
  return seen.count;
}

char *
fs_upload_path (const char *root, const char *id, const char *name)
{
  return g_build_filename (root, ".uploads", id, name, NULL);
}

guint
fs_upload_residue (const char *root)
{
  g_autofree char *path = g_build_filename (root, ".uploads", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint count = 0;
  while (directory != NULL && g_dir_read_name (directory) != NULL)
    count++;
  return count;
}

int
fs_upload_try (FsStore *store, const char *id)
{
  g_autoptr (FsUpload) upload = fs_upload_again (store, id);
  return upload->code;
}
