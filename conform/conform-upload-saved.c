/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-saved.c: the uploads that wait: listed, sought by forged names, in use
 * twice, expired, aborted; and the stores that have none. */
#include "conform-upload.h"

#define NEEDS (CASK_CAPABILITY_WRITE | CASK_CAPABILITY_RESUME)
#define SAVED_TICK 30000 /* usec; more than a tick of the kernel's coarse clock */

static CaskUploadList *
saved_list (Conform *c)
{
  g_autoptr (GError) error = NULL;
  CaskUploadList *list = upload_calls (c)->list (c->store, NULL, &error);

  CONFORM_NO_ERROR (error);
  CONFORM_NOT_NULL (list);
  return list;
}

static void
expect_listed (Conform *c, const char *id, gboolean is_listed)
{
  g_autoptr (CaskUploadList) list = saved_list (c);

  CONFORM_TRUE (list != NULL && (upload_find_listed (list, id) >= 0) == is_listed);
}

static void
test_list (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (CaskUploadList) none = saved_list (c);
  CONFORM_TRUE (none != NULL && cask_upload_list_get_length (none) == 0);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  gint64 before = g_get_real_time ();
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (390 + i, i * 20011);
      g_ptr_array_add (ids, upload_leave (c, bytes));
    }
  gint64 after = g_get_real_time ();
  g_autoptr (CaskUploadList) list = saved_list (c);
  if (list == NULL)
    return;
  CONFORM_EQUAL (cask_upload_list_get_length (list), ids->len);
  for (guint i = 0; i < ids->len; i++)
    {
      int at = upload_find_listed (list, ids->pdata[i]);
      CONFORM_TRUE (at >= 0);
      if (at < 0)
        continue;
      CONFORM_EQUAL (cask_upload_list_get_offset (list, (guint) at), i * 20011);
      gint64 saved = cask_upload_list_get_saved_usec (list, (guint) at);
      CONFORM_TRUE (saved >= before - SAVED_TICK && saved <= after + SAVED_TICK);
    }
  /* Saved uploads are not blobs. */
  g_autoptr (GArray) infos = conform_list_all (c, 0);
  CONFORM_TRUE (infos != NULL && infos->len == 0);
}

static void
test_list_time (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (410, 5000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  conform_let_time_pass (2 * SAVED_TICK);
  gint64 before = g_get_real_time ();
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  if (id == NULL)
    return;
  upload_drop (c, &upload);
  g_autoptr (CaskUploadList) list = saved_list (c);
  int at = list != NULL ? upload_find_listed (list, id) : -1;
  CONFORM_TRUE (at >= 0);
  if (at < 0)
    return;
  gint64 saved = cask_upload_list_get_saved_usec (list, (guint) at);
  CONFORM_TRUE (saved >= before - SAVED_TICK);
  CONFORM_TRUE (saved <= g_get_real_time () + SAVED_TICK);
}

/* Listed only while it is not open; the offset is that of the last save. */
static void
test_list_and_open (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (411, 5000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  if (id == NULL)
    return;
  expect_listed (c, id, FALSE);
  upload_drop (c, &upload);
  expect_listed (c, id, TRUE);
  upload = upload_resume (c, id);
  expect_listed (c, id, FALSE);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  g_free (upload_save (c, upload));
  upload_drop (c, &upload);
  g_autoptr (CaskUploadList) list = saved_list (c);
  int at = list != NULL ? upload_find_listed (list, id) : -1;
  CONFORM_TRUE (at >= 0 && cask_upload_list_get_offset (list, (guint) at) == 10000);
}

static void
test_busy (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (412, 300000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  if (id == NULL)
    return;
  upload_expect_no_resume (c, id, CASK_ERROR_BUSY);
  upload_drop (c, &upload);
  upload = upload_resume (c, id);
  upload_expect_no_resume (c, id, CASK_ERROR_BUSY);
  /* Being refused to others has not disturbed it. */
  if (upload != NULL)
    CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

static void
test_busy_elsewhere (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  g_autoptr (CaskStore) again = c != NULL ? conform_open_again (c) : NULL;
  if (again == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (413, 3000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  if (id == NULL)
    return;
  g_autoptr (CaskUpload) other = upload_calls (c)->resume (again, id, NULL, &error);
  CONFORM_NULL (other);
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_BUSY, NULL);
  g_autoptr (CaskUploadList) list = upload_calls (c)->list (again, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (list != NULL && upload_find_listed (list, id) < 0);
  upload_drop (c, &upload);
  other = upload_calls (c)->resume (again, id, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_NOT_NULL (other);
  upload_expect_no_resume (c, id, CASK_ERROR_BUSY);
}

/* ---- Names that are none ---- */

static void
test_unknown_ids (void)
{
  static const char *const forged[] = {
    "",     ".",        "..",         "../x",    "../../etc/passwd", "/etc/passwd",
    "a b",  " ",        "x\n",        "a/b",     "\xff\xfe",         "%2e%2e",
    "lock", "sha256",   ".tmp",       "a\\b",    "\xc3\xa4",         "~",
    "-rf",  "nonesuch", "0123456789", "state.0", "uploads",          "*"
  };
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autofree char *longest = g_strnfill (1024, 'a');
  g_autofree char *longer = g_strnfill (1025, 'a');
  g_autofree char *huge = g_strnfill (1 << 20, 'a');
  g_autoptr (GBytes) bytes = conform_bytes (414, 3000);
  conform_put (c, bytes, NULL);
  UploadTrace before = upload_trace (c);
  for (guint i = 0; i < G_N_ELEMENTS (forged); i++)
    upload_expect_no_resume (c, forged[i], CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, longest, CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, longer, CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, huge, CASK_ERROR_NOT_FOUND);
  upload_expect_trace (c, &before);
}

/* A real id with one character changed, less or more, in turn, is not that upload's. */
static void
test_forged_ids (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (415, 3000);
  g_autofree char *id = upload_leave (c, bytes);
  if (id == NULL)
    return;
  CONFORM_TRUE (strlen (id) >= 1 && strlen (id) <= 1024);
  CONFORM_EQUAL (strspn (id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789._~:-"),
                 strlen (id));
  for (gsize i = 0; i < strlen (id); i++)
    {
      g_autofree char *changed = g_strdup (id);
      changed[i] = changed[i] == '0' ? '1' : '0';
      upload_expect_no_resume (c, changed, CASK_ERROR_NOT_FOUND);
      changed[i] = '\0';
      upload_expect_no_resume (c, changed, CASK_ERROR_NOT_FOUND);
      changed[i] = '/';
      upload_expect_no_resume (c, changed, CASK_ERROR_NOT_FOUND);
    }
  g_autofree char *longer = g_strconcat (id, "0", NULL);
  g_autofree char *climbing = g_strconcat ("../", id, NULL);
  g_autofree char *beside = g_strconcat ("./", id, NULL);
  upload_expect_no_resume (c, longer, CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, climbing, CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, beside, CASK_ERROR_NOT_FOUND);
  g_autoptr (CaskUpload) upload = upload_resume (c, id);
  if (upload != NULL)
    CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

/* ---- The end of a saved one ---- */

static void
test_abort (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (416, 700000);
  UploadTrace before = upload_trace (c);
  /* In its first life, and in its second. */
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  g_autofree char *id = upload != NULL ? upload_save (c, upload) : NULL;
  g_autofree char *second = upload_leave (c, bytes);
  if (id == NULL || second == NULL)
    return;
  CONFORM_TRUE (upload_calls (c)->abort (upload, NULL, &error));
  CONFORM_NO_ERROR (error);
  upload_expect_no_resume (c, id, CASK_ERROR_NOT_FOUND);
  g_clear_object (&upload);
  upload = upload_resume (c, second);
  if (upload == NULL || !upload_write (c, upload, bytes))
    return;
  CONFORM_TRUE (upload_calls (c)->abort (upload, NULL, &error));
  CONFORM_NO_ERROR (error);
  g_clear_object (&upload);
  upload_expect_no_resume (c, second, CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, id, CASK_ERROR_NOT_FOUND);
  upload_expect_trace (c, &before);
}

static guint
expire (Conform *c, gint64 before_usec)
{
  g_autoptr (GError) error = NULL;
  guint n_removed = G_MAXUINT;

  CONFORM_TRUE (
      upload_calls (c)->expire (c->store, before_usec, &n_removed, NULL, &error));
  CONFORM_NO_ERROR (error);
  return n_removed;
}

static void
test_expire (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (417, 5000);
  UploadTrace before = upload_trace (c);
  g_autofree char *old = upload_leave (c, bytes);
  g_autofree char *older = upload_leave (c, bytes);
  g_autoptr (CaskUpload) live = upload_begin_with (c, bytes);
  g_autofree char *live_id = live != NULL ? upload_save (c, live) : NULL;
  conform_let_time_pass (SAVED_TICK);
  gint64 between = g_get_real_time ();
  conform_let_time_pass (SAVED_TICK);
  g_autofree char *fresh = upload_leave (c, bytes);
  if (old == NULL || older == NULL || live_id == NULL || fresh == NULL)
    return;
  CONFORM_EQUAL (expire (c, 0), 0);
  CONFORM_EQUAL (expire (c, between), 2);
  upload_expect_no_resume (c, old, CASK_ERROR_NOT_FOUND);
  upload_expect_no_resume (c, older, CASK_ERROR_NOT_FOUND);
  expect_listed (c, fresh, TRUE);
  CONFORM_EQUAL (expire (c, between), 0);
  CONFORM_EQUAL (expire (c, G_MAXINT64), 1);
  upload_expect_no_resume (c, fresh, CASK_ERROR_NOT_FOUND);
  /* The live one is none the worse for it. */
  upload_expect_no_resume (c, live_id, CASK_ERROR_BUSY);
  if (!upload_write (c, live, bytes))
    return;
  upload_drop (c, &live);
  expect_listed (c, live_id, TRUE);
  CONFORM_EQUAL (expire (c, G_MAXINT64), 1);
  upload_expect_trace (c, &before);
}

/* Saved again is young again. */
static void
test_expire_saved_again (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  if (c == NULL)
    return;
  g_autoptr (GBytes) bytes = conform_bytes (418, 5000);
  g_autofree char *id = upload_leave (c, bytes);
  conform_let_time_pass (SAVED_TICK);
  gint64 between = g_get_real_time ();
  conform_let_time_pass (SAVED_TICK);
  g_autoptr (CaskUpload) upload = upload_resume (c, id);
  if (upload == NULL)
    return;
  g_free (upload_save (c, upload));
  upload_drop (c, &upload);
  CONFORM_EQUAL (expire (c, between), 0);
  upload = upload_resume (c, id);
  if (upload != NULL)
    CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

/* The sweep of one handle does not take what another has open. */
static void
test_expire_elsewhere (void)
{
  g_autoptr (Conform) c = conform_open (NEEDS);
  g_autoptr (CaskStore) again = c != NULL ? conform_open_again (c) : NULL;
  if (again == NULL)
    return;
  g_autoptr (GError) error = NULL;
  guint n_removed = G_MAXUINT;
  g_autoptr (GBytes) bytes = conform_bytes (419, 5000);
  g_autoptr (CaskUpload) unsaved = upload_begin_with (c, bytes);
  g_autoptr (CaskUpload) live = upload_begin_with (c, bytes);
  g_autofree char *id = live != NULL ? upload_save (c, live) : NULL;
  if (id == NULL || unsaved == NULL)
    return;
  CONFORM_TRUE (upload_calls (c)->expire (again, G_MAXINT64, &n_removed, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (n_removed, 0);
  CONFORM_TRUE (upload_commit (c, live, NULL, bytes));
  CONFORM_FALSE (upload_commit (c, unsaved, NULL, bytes));
}

/* ---- Where nothing can be saved ---- */

static void
expect_unsupported (gboolean success, GError **error)
{
  CONFORM_FALSE (success);
  CONFORM_ERROR (*error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, NULL);
}

static void
test_not_announced (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  if (c->capabilities & CASK_CAPABILITY_RESUME)
    {
      conform_skip ("it announces RESUME");
      return;
    }
  g_autoptr (GError) error = NULL;
  const UploadCalls *calls = upload_calls (c);
  g_autoptr (GBytes) bytes = conform_bytes (420, 2000000);
  g_autoptr (CaskUpload) upload = upload_begin_with (c, bytes);
  if (upload == NULL)
    return;
  expect_unsupported (calls->save (upload, NULL, &error) != NULL, &error);
  CONFORM_NULL (cask_upload_get_id (upload));
  g_autoptr (CaskUpload) resumed = calls->resume (c->store, "x", NULL, &error);
  expect_unsupported (resumed != NULL, &error);
  g_autoptr (CaskUploadList) list = calls->list (c->store, NULL, &error);
  expect_unsupported (list != NULL, &error);
  expect_unsupported (calls->expire (c->store, G_MAXINT64, NULL, NULL, &error), &error);
  /* A save that could not be has harmed nothing. */
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
}

const ConformCase conform_upload_saved_tests[] = {
  { "C61 saved uploads are listed with offset and time", test_list },
  { "C61 the time of a saved upload is its save's, not its begin's", test_list_time },
  { "C61 an upload is listed while it is saved and not open", test_list_and_open },
  { "C56 a second user of an upload is told BUSY", test_busy },
  { "C56 a second user by another handle is told BUSY", test_busy_elsewhere },
  { "C58 an unknown or impossible id is NOT_FOUND", test_unknown_ids },
  { "C58 an id with one character changed is NOT_FOUND", test_forged_ids },
  { "C57 the abort of a saved upload leaves nothing", test_abort },
  { "C62 stale uploads are swept, live and fresh ones are not", test_expire },
  { "C62 what was saved again is fresh", test_expire_saved_again },
  { "C62 a sweep by another handle leaves live ones alone", test_expire_elsewhere },
  { "C86 without RESUME save, resume, list and expire are UNSUPPORTED",
    test_not_announced },
  CONFORM_CASES_END
};
