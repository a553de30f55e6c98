/* SPDX-License-Identifier: Apache-2.0
 *
 * node-resume.c: uploads that are continued later, behind checks.
 *
 * An id comes back from outside: from a cookie, a URL, another machine. One that no
 * backend can have given out is NOT_FOUND before a plugin sees it, so that none has to
 * wonder what `../x` would mean to it. What a plugin gives is held to the same rules. */
#include "node-private.h"

#include <string.h>

#define RESUME_ID_LIMIT 1024
#define RESUME_STATE_LIMIT (16 * 1024 * 1024)

static gboolean
resume_id_is_valid (const char *id)
{
  gsize n = 0;

  for (; n <= RESUME_ID_LIMIT && id[n] != '\0'; n++)
    if (!g_ascii_isalnum (id[n]) && strchr ("._~:-", id[n]) == NULL)
      return FALSE;
  return n >= 1 && n <= RESUME_ID_LIMIT;
}

static gboolean
resume_offset_is_valid (guint64 offset)
{
  return offset <= G_MAXINT64;
}

/* Whatever slots there are: what is not announced is refused. */
static gboolean
resume_check_able (CaskNode *node, GError **error)
{
  if (node->capabilities & CASK_CAPABILITY_RESUME)
    return TRUE;
  return cask_node_unsupported (node, "this store can not save uploads", error);
}

gboolean
cask_node_upload_save (CaskBackend *self, CaskBackendUpload *upload, GBytes *state,
                       char **id, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;
  g_autofree char *given = NULL;

  if (!resume_check_able (node, error))
    return FALSE;
  if (CASK_NODE_DELEGATES (node, upload_save))
    return CASK_CALL (node->children[0], upload_save, upload, state, id, cancellable,
                      error);
  if (g_bytes_get_size (state) > RESUME_STATE_LIMIT)
    {
      failure = g_error_new (CASK_ERROR, CASK_ERROR_TOO_LARGE,
                             "the state of an upload may have %d bytes, not %zu",
                             RESUME_STATE_LIMIT, g_bytes_get_size (state));
      return cask_node_settle (node, "upload_save", FALSE, failure, NULL, error);
    }

  gboolean success =
      node->ops.upload_save (node->backend, upload, state, &given, cancellable, &failure);
  if (success && failure == NULL && given != NULL && !resume_id_is_valid (given))
    failure = cask_node_fault (node, CASK_ERROR_IO,
                               "gave an upload an id that is none: 1 to %d "
                               "characters of [A-Za-z0-9._~:-]",
                               RESUME_ID_LIMIT);
  if (!cask_node_settle (node, "upload_save", success && given != NULL, failure,
                         cancellable, error))
    return FALSE;
  *id = g_steal_pointer (&given);
  return TRUE;
}

/* What is wrong with what a resume gave, or NULL. A plugin reads it from a disk. */
static GError *
resume_fault (CaskNode *node, GBytes *state, guint64 offset)
{
  const char *fault = NULL;

  if (state == NULL)
    fault = "without its state";
  else if (g_bytes_get_size (state) > RESUME_STATE_LIMIT)
    fault = "with a state of more than 16 MiB";
  else if (!resume_offset_is_valid (offset))
    fault = "at an impossible offset";
  if (fault == NULL)
    return NULL;
  return cask_node_fault (node, CASK_ERROR_IO, "gave an upload %s", fault);
}

CaskBackendUpload *
cask_node_upload_resume (CaskBackend *self, const char *id, GBytes **state,
                         guint64 *offset, GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  GError *failure = NULL;
  guint64 reached = CASK_UNKNOWN;
  g_autoptr (GBytes) saved = NULL;

  if (!resume_check_able (node, error))
    return NULL;
  if (!resume_id_is_valid (id))
    {
      failure = g_error_new (CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such upload");
      cask_node_settle (node, "upload_resume", FALSE, failure, NULL, error);
      return NULL;
    }
  if (CASK_NODE_DELEGATES (node, upload_resume))
    return CASK_CALL (node->children[0], upload_resume, id, state, offset, cancellable,
                      error);

  CaskBackendUpload *upload = node->ops.upload_resume (node->backend, id, &saved,
                                                       &reached, cancellable, &failure);
  if (upload != NULL && failure == NULL)
    failure = resume_fault (node, saved, reached);
  if (upload != NULL && failure != NULL)
    cask_node_upload_close (self, upload, TRUE);
  if (!cask_node_settle (node, "upload_resume", upload != NULL, failure, cancellable,
                         error))
    return NULL;
  *state = g_steal_pointer (&saved);
  *offset = reached;
  return upload;
}

/* Stands between a plugin's list and the caller's function. */
typedef struct
{
  CaskUploadFunc func;
  gpointer data;
  gboolean has_stopped;
  guint n_bad;
} ResumeListing;

/* What could not be resumed is left out: one bad entry shall not hide the others. */
static gboolean
resume_list_one (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  ResumeListing *listing = data;

  if (listing->has_stopped)
    return FALSE;
  if (id == NULL || !resume_id_is_valid (id) || !resume_offset_is_valid (offset))
    {
      listing->n_bad++;
      return TRUE;
    }
  listing->has_stopped = !listing->func (id, offset, mtime_usec, listing->data);
  return !listing->has_stopped;
}

/* Once a listing, and only after the slot has returned: whoever hears of it may call
 * anything, while the plugin may have held a lock. */
static void
resume_warn_bad (CaskNode *node, guint n_bad)
{
  if (n_bad == 0)
    return;
  g_autoptr (GError) fault = cask_node_fault (
      node, CASK_ERROR_IO, "listed %u uploads whose id or offset can not be; left out",
      n_bad);
  node->host->warn (node->host, NULL, fault);
}

gboolean
cask_node_upload_list (CaskBackend *self, CaskUploadFunc func, gpointer data,
                       GCancellable *cancellable, GError **error)
{
  CaskNode *node = cask_node_of (self);
  ResumeListing listing = { .func = func, .data = data };
  GError *failure = NULL;

  if (!resume_check_able (node, error))
    return FALSE;
  if (CASK_NODE_DELEGATES (node, upload_list))
    return CASK_CALL (node->children[0], upload_list, func, data, cancellable, error);

  gboolean success = node->ops.upload_list (node->backend, resume_list_one, &listing,
                                            cancellable, &failure);
  resume_warn_bad (node, listing.n_bad);
  return cask_node_settle (node, "upload_list", success, failure, cancellable, error);
}
