/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-upload-crowd.c: uploads of many threads, and what others see of them. */
#include "conform-upload.h"

#define N_WRITERS 16

typedef struct
{
  Conform *c;
  GBytes *bytes;  /* (nullable) the same for all */
  gint n_created; /* atomic */
} Crowd;

static void
upload_thread (gpointer data, guint index)
{
  Crowd *crowd = data;
  const UploadCalls *calls = upload_calls (crowd->c);
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  CaskDigest stored;
  g_autoptr (GBytes) bytes = crowd->bytes != NULL
                                 ? g_bytes_ref (crowd->bytes)
                                 : conform_bytes (470 + index, 300000 + index);
  gsize size;
  const guint8 *data_of = g_bytes_get_data (bytes, &size);
  CaskDigest digest = conform_digest (bytes);

  g_autoptr (CaskUpload) upload = calls->begin (
      crowd->c->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  if (!CONFORM_OK (upload != NULL, error))
    return;
  for (gsize at = 0; at < size; at += 70001)
    CONFORM_OK (calls->write (upload, data_of + at, MIN (70001, size - at), NULL, &error),
                error);
  CONFORM_OK (calls->commit (upload, NULL, &stored, &created, NULL, &error), error);
  CONFORM_DIGEST (&stored, &digest);
  if (created)
    g_atomic_int_inc (&crowd->n_created);
}

static void
test_distinct_uploads (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  Crowd crowd = { .c = c };
  conform_run_threads (N_WRITERS, upload_thread, &crowd);
  CONFORM_EQUAL (crowd.n_created, N_WRITERS);
  for (guint i = 0; i < N_WRITERS; i++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (470 + i, 300000 + i);
      CaskDigest digest = conform_digest (bytes);
      conform_expect_bytes (c, &digest, bytes);
    }
}

static void
test_same_uploads (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  for (guint round = 0; round < 10; round++)
    {
      g_autoptr (GBytes) bytes = conform_bytes (490 + round, round * 40000);
      CaskDigest digest = conform_digest (bytes);
      Crowd crowd = { .c = c, .bytes = bytes };
      conform_run_threads (N_WRITERS, upload_thread, &crowd);
      CONFORM_EQUAL (crowd.n_created, 1);
      conform_expect_bytes (c, &digest, bytes);
    }
}

/* Half of them give it up: the others are not harmed. */
static void
drop_thread (gpointer data, guint index)
{
  Crowd *crowd = data;
  g_autoptr (GError) error = NULL;

  if (index % 2 == 0)
    {
      upload_thread (data, index);
      return;
    }
  g_autoptr (CaskUpload) upload = upload_calls (crowd->c)->begin (
      crowd->c->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN, 0, NULL, &error);
  CONFORM_OK (upload != NULL, error);
  if (upload != NULL)
    CONFORM_OK (
        upload_calls (crowd->c)->write (upload, g_bytes_get_data (crowd->bytes, NULL),
                                        g_bytes_get_size (crowd->bytes), NULL, &error),
        error);
}

static void
test_some_dropped (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  UploadTrace before = upload_trace (c);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (505, 500000);
  CaskDigest digest = conform_digest (bytes);
  Crowd crowd = { .c = c, .bytes = bytes };
  conform_run_threads (N_WRITERS, drop_thread, &crowd);
  CONFORM_EQUAL (crowd.n_created, 1);
  conform_expect_bytes (c, &digest, bytes);
  CONFORM_TRUE (c->calls->remove (c->store, &digest, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
  upload_expect_trace (c, &before);
}

/* ---- Visibility ---- */

static void
expect_seen_by (Conform *c, CaskStore *store, const CaskDigest *digest, gboolean seen)
{
  g_autoptr (GError) error = NULL;
  gboolean present = !seen;
  CaskBlobInfo info;

  CONFORM_TRUE (c->calls->contains (store, digest, &present, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (present, seen);
  CONFORM_EQUAL (c->calls->stat (store, digest, &info, NULL, NULL), seen);
  g_autoptr (GBytes) got = c->calls->get (store, digest, NULL, NULL);
  CONFORM_EQUAL (got != NULL, seen);
  g_autoptr (CaskListPage) page = c->calls->list (store, NULL, 0, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (page != NULL && cask_list_page_get_length (page) == (seen ? 1 : 0));
}

static void
expect_seen_by_child (Child *child, const CaskDigest *digest, gboolean seen)
{
  g_autofree char *got = conform_child_ask (child, "get", digest);
  g_autofree char *listed = conform_child_ask (child, "list", digest);

  CONFORM_STRING_EQUAL (got, seen ? "yes" : "no");
  CONFORM_STRING_EQUAL (listed, seen ? "yes" : "no");
}

static void
expect_invisible (gboolean is_named)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  g_autoptr (CaskStore) again = c != NULL ? conform_open_again (c) : NULL;
  if (again == NULL)
    return;
  g_autoptr (Child) child =
      c->capabilities & CASK_CAPABILITY_SHARED ? conform_child_new (c) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = conform_bytes (506, 900000);
  CaskDigest digest = conform_digest (bytes);
  g_autoptr (CaskUpload) upload =
      upload_calls (c)->begin (c->store, is_named ? &digest : NULL, CASK_ALGORITHM_SHA256,
                               CASK_UNKNOWN, CASK_PUT_NONE, NULL, &error);
  CONFORM_NO_ERROR (error);
  for (gsize at = 0; at <= 900000 && upload != NULL; at += 300000)
    {
      expect_seen_by (c, c->store, &digest, FALSE);
      expect_seen_by (c, again, &digest, FALSE);
      if (child != NULL)
        expect_seen_by_child (child, &digest, FALSE);
      if (at < 900000 && !upload_write_part (c, upload, bytes, at, at + 300000))
        return;
      if (at < 900000 && (c->capabilities & CASK_CAPABILITY_RESUME))
        g_free (upload_save (c, upload));
    }
  if (upload == NULL)
    return;
  CONFORM_TRUE (upload_calls (c)->end (upload, NULL, &error));
  expect_seen_by (c, again, &digest, FALSE);
  CONFORM_TRUE (upload_commit (c, upload, NULL, bytes));
  expect_seen_by (c, c->store, &digest, TRUE);
  expect_seen_by (c, again, &digest, TRUE);
  if (child != NULL)
    expect_seen_by_child (child, &digest, TRUE);
}

static void
test_invisible (void)
{
  expect_invisible (FALSE);
}

static void
test_invisible_by_name (void)
{
  expect_invisible (TRUE);
}

const ConformCase conform_upload_crowd_tests[] = {
  { "C64 16 threads upload distinct blobs", test_distinct_uploads },
  { "C65 16 threads upload one blob: one is created", test_same_uploads },
  { "C65 C57 16 threads upload one blob, and half of them give it up",
    test_some_dropped },
  { "C66 an upload is invisible to every handle and process before its commit",
    test_invisible },
  { "C66 an upload whose digest was given at its begin is as invisible",
    test_invisible_by_name },
  CONFORM_CASES_END
};
