/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-child.c: uploads of the second process.
 *
 * What it has saved it keeps open until its end. */
#include "conform-upload.h"

#include <stdlib.h>

static CaskUpload *child_upload; /* open to the end of the process */

/* upload SEED SIZE OFFSET: the blob's bytes up to OFFSET are written and saved. Returns:
 * the id, or the error */
static char *
child_begin_upload (CaskStore *store, char **words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      conform_bytes (strtoull (words[1], NULL, 10), strtoull (words[2], NULL, 10));
  gsize offset = MIN (strtoull (words[3], NULL, 10), g_bytes_get_size (bytes));
  const char *id = NULL;

  child_upload = cask_store_begin_upload (store, NULL, CASK_ALGORITHM_SHA256,
                                          CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);
  if (child_upload != NULL && g_output_stream_write_all (G_OUTPUT_STREAM (child_upload),
                                                         g_bytes_get_data (bytes, NULL),
                                                         offset, NULL, NULL, &error))
    id = cask_upload_save (child_upload, NULL, &error);
  return g_strdup (id != NULL ? id : error->message);
}

/* finish ID SEED SIZE: resumed, written to the end, committed. Returns: yes, no (it is
 * not there), busy, or the error */
static char *
child_finish_upload (CaskStore *store, char **words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      conform_bytes (strtoull (words[2], NULL, 10), strtoull (words[3], NULL, 10));
  CaskDigest digest = conform_digest (bytes);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_autoptr (CaskUpload) upload =
      cask_store_resume_upload (store, words[1], NULL, &error);
  if (upload == NULL)
    {
      if (g_error_matches (error, CASK_ERROR, CASK_ERROR_BUSY))
        return g_strdup ("busy");
      return g_strdup (g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND)
                           ? "no"
                           : error->message);
    }
  gsize offset = (gsize) MIN (cask_upload_get_offset (upload), size);
  if (!g_output_stream_write_all (G_OUTPUT_STREAM (upload), data + offset, size - offset,
                                  NULL, NULL, &error) ||
      !cask_upload_commit (upload, &digest, NULL, NULL, NULL, &error))
    return g_strdup (error->message);
  return g_strdup ("yes");
}

char *
conform_child_do_upload (CaskStore *store, char **words)
{
  if (g_str_equal (words[0], "upload") && g_strv_length (words) == 4)
    return child_begin_upload (store, words);
  if (g_str_equal (words[0], "finish") && g_strv_length (words) == 4)
    return child_finish_upload (store, words);
  return NULL;
}
