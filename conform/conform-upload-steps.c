/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-steps.c: steps of an upload that must not fail, and the trace that it
 * leaves. */
#include "conform-upload.h"

#include <ftw.h>
#include <sys/stat.h>

/* ---- Steps ---- */

CaskUpload *
upload_begin (Conform *conform)
{
  g_autoptr (GError) error = NULL;
  CaskUpload *upload =
      upload_calls (conform)->begin (conform->store, NULL, CASK_ALGORITHM_SHA256,
                                     CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);

  CONFORM_NO_ERROR (error);
  CONFORM_NOT_NULL (upload);
  return upload;
}

CaskUpload *
upload_begin_with (Conform *conform, GBytes *bytes)
{
  g_autoptr (CaskUpload) upload = upload_begin (conform);

  if (upload == NULL || !upload_write (conform, upload, bytes))
    return NULL;
  return g_steal_pointer (&upload);
}

gboolean
upload_write_part (Conform *conform, CaskUpload *upload, GBytes *bytes, gsize from,
                   gsize to)
{
  g_autoptr (GError) error = NULL;
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  guint64 before = cask_upload_get_offset (upload);
  gboolean written =
      upload_calls (conform)->write (upload, data + from, to - from, NULL, &error);

  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (written);
  CONFORM_EQUAL (cask_upload_get_offset (upload), before + (to - from));
  return written;
}

gboolean
upload_write (Conform *conform, CaskUpload *upload, GBytes *bytes)
{
  return upload_write_part (conform, upload, bytes, 0, g_bytes_get_size (bytes));
}

gboolean
upload_commit (Conform *conform, CaskUpload *upload, const CaskDigest *expected,
               GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskDigest name = expected != NULL ? *expected : conform_digest (bytes), stored;
  gboolean created = FALSE;

  memset (&stored, 0xff, sizeof stored);
  CONFORM_TRUE (
      upload_calls (conform)->commit (upload, expected, &stored, &created, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_DIGEST (&stored, &name);
  conform_expect_bytes (conform, &name, bytes);
  CONFORM_TRUE (conform_is_listed (conform, &name));
  return created;
}

char *
upload_save (Conform *conform, CaskUpload *upload)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = g_strdup (cask_upload_get_id (upload));
  const char *id = upload_calls (conform)->save (upload, NULL, &error);

  CONFORM_NO_ERROR (error);
  CONFORM_NOT_NULL (id);
  CONFORM_TRUE (before == NULL || g_strcmp0 (before, id) == 0);
  CONFORM_TRUE (g_strcmp0 (cask_upload_get_id (upload), id) == 0);
  return g_strdup (id);
}

void
upload_drop (Conform *conform, CaskUpload **upload)
{
  g_autofree char *id = g_strdup (cask_upload_get_id (*upload));

  g_clear_object (upload);
  if (id == NULL)
    return;
  g_autoptr (CaskUploadList) list =
      upload_calls (conform)->list (conform->store, NULL, NULL);
  CONFORM_TRUE (list != NULL && upload_find_listed (list, id) >= 0);
}

char *
upload_leave (Conform *conform, GBytes *bytes)
{
  g_autoptr (CaskUpload) upload = upload_begin_with (conform, bytes);
  g_autofree char *id = upload != NULL ? upload_save (conform, upload) : NULL;

  if (upload != NULL)
    upload_drop (conform, &upload);
  return g_steal_pointer (&id);
}

CaskUpload *
upload_resume (Conform *conform, const char *id)
{
  g_autoptr (GError) error = NULL;

  if (id == NULL)
    return NULL;
  CaskUpload *upload = upload_calls (conform)->resume (conform->store, id, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_NOT_NULL (upload);
  CONFORM_TRUE (upload == NULL || g_strcmp0 (cask_upload_get_id (upload), id) == 0);
  return upload;
}

void
upload_expect_no_resume (Conform *conform, const char *id, CaskError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskUpload) upload =
      upload_calls (conform)->resume (conform->store, id, NULL, &error);

  CONFORM_NULL (upload);
  CONFORM_ERROR (error, CASK_ERROR, code, NULL);
}

gboolean
upload_reopen (Conform *conform)
{
  g_autoptr (GError) error = NULL;
  gboolean present = FALSE;
  CaskDigest witness = conform_put_number (conform, 20001);

  CONFORM_TRUE (conform->calls->close (conform->store, NULL, &error));
  CONFORM_NO_ERROR (error);
  g_clear_object (&conform->store);
  conform->store = conform->calls->open (conform->config, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (conform->store == NULL)
    return FALSE;
  conform->calls->contains (conform->store, &witness, &present, NULL, &error);
  CONFORM_NO_ERROR (error);
  if (!present)
    conform_skip ("it forgets its blobs when it is closed");
  return present;
}

/* ---- Traces ---- */

/* Of the walk under way, of which there is only one. */
static guint64 trace_file_bytes, trace_n_files;

static int
trace_file (const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void) path;
  (void) place;
  if (type == FTW_F)
    {
      trace_n_files++;
      trace_file_bytes += (guint64) status->st_size;
    }
  return 0;
}

static guint
trace_saved (Conform *conform)
{
  g_autoptr (GError) error = NULL;
  /* Where it is UNSUPPORTED, too, it waits for the end of the uploads that were dropped,
   * which may still have files. */
  g_autoptr (CaskUploadList) list =
      upload_calls (conform)->list (conform->store, NULL, &error);

  if (!(conform->capabilities & CASK_CAPABILITY_RESUME))
    return 0;
  CONFORM_NO_ERROR (error);
  return list != NULL ? cask_upload_list_get_length (list) : G_MAXUINT;
}

UploadTrace
upload_trace (Conform *conform)
{
  UploadTrace trace = { 0 };

  memset (&trace.usage, 0xff, sizeof trace.usage);
  trace.n_saved = trace_saved (conform);
  conform->calls->usage (conform->store, &trace.usage, NULL, NULL);
  g_autoptr (GArray) infos = conform_list_all (conform, 0);
  trace.n_blobs = infos != NULL ? infos->len : G_MAXUINT;
  trace_file_bytes = trace_n_files = 0;
  if (conform->directory != NULL)
    nftw (conform->directory, trace_file, 16, FTW_PHYS);
  trace.file_bytes = trace_file_bytes;
  trace.n_files = trace_n_files;
  return trace;
}

void
upload_expect_trace (Conform *conform, const UploadTrace *before)
{
  UploadTrace now = upload_trace (conform);

  CONFORM_EQUAL (now.n_blobs, before->n_blobs);
  CONFORM_EQUAL (now.n_saved, before->n_saved);
  CONFORM_EQUAL (now.usage.count, before->usage.count);
  CONFORM_EQUAL (now.usage.bytes, before->usage.bytes);
  /* Not stored_bytes: a filesystem counts its other users too. */
  CONFORM_EQUAL (now.n_files, before->n_files);
  /* A database keeps the room of what was removed, in one file, and uses it again. */
  g_auto (Victim) victim = conform_put_victim (conform, 20002, 1000);
  gboolean is_in_files = conform_is_in_file (conform, &victim);
  conform->calls->remove (conform->store, &victim.digest, NULL, NULL, NULL);
  if (is_in_files)
    CONFORM_EQUAL (now.file_bytes, before->file_bytes);
}

int
upload_find_listed (CaskUploadList *list, const char *id)
{
  for (guint i = 0; i < cask_upload_list_get_length (list); i++)
    if (g_strcmp0 (cask_upload_list_get_id (list, i), id) == 0)
      return (int) i;
  return -1;
}
