/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-blobs.c: blobs to put, and what is expected of them afterwards. */
#include "conform-case.h"

static guint64
blobs_next (guint64 *state)
{
  guint64 mixed = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  mixed = (mixed ^ (mixed >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return mixed ^ (mixed >> 31);
}

GBytes *
conform_bytes (guint64 seed, gsize size)
{
  guint8 *data = g_malloc (size + sizeof (guint64));
  guint64 state = seed * 2654435761u + size;

  for (gsize at = 0; at < size; at += sizeof state)
    {
      guint64 word = blobs_next (&state);
      memcpy (data + at, &word, sizeof word);
    }
  return g_bytes_new_take (data, size);
}

CaskDigest
conform_digest (GBytes *bytes)
{
  CaskDigest digest;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  return digest;
}

CaskDigest
conform_put (Conform *conform, GBytes *bytes, gboolean *created)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = conform_digest (bytes);

  CONFORM_TRUE (conform->calls->put (conform->store, &digest, bytes, CASK_PUT_NONE,
                                     created, NULL, &error));
  CONFORM_NO_ERROR (error);
  return digest;
}

CaskDigest
conform_put_number (Conform *conform, guint64 number)
{
  g_autoptr (GBytes) bytes = conform_bytes (number, 1 + number % 1000);
  return conform_put (conform, bytes, NULL);
}

void
conform_expect_bytes (Conform *conform, const CaskDigest *digest, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };
  gboolean present = FALSE;
  CaskStore *store = conform->store;
  g_autoptr (GBytes) got = conform->calls->get (store, digest, NULL, &error);

  CONFORM_NO_ERROR (error);
  CONFORM_BYTES (got, bytes, "get");
  CONFORM_TRUE (conform->calls->stat (store, digest, &info, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (info.size, g_bytes_get_size (bytes));
  CONFORM_DIGEST (&info.digest, digest);
  CONFORM_TRUE (conform->calls->contains (store, digest, &present, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (present);
}

GArray *
conform_list_all (Conform *conform, guint limit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) infos = g_array_new (FALSE, FALSE, sizeof (CaskBlobInfo));
  gboolean more = TRUE;

  while (more)
    {
      const CaskDigest *after = NULL;
      if (infos->len > 0)
        after = &g_array_index (infos, CaskBlobInfo, infos->len - 1).digest;
      g_autoptr (CaskListPage) page =
          conform->calls->list (conform->store, after, limit, NULL, &error);
      CONFORM_NO_ERROR (error);
      if (page == NULL)
        return NULL;
      guint length = cask_list_page_get_length (page);
      more = cask_list_page_get_more (page);
      CONFORM_TRUE (length > 0 || !more);
      CONFORM_TRUE (length <= (limit == 0 ? CASK_LIST_DEFAULT : limit));
      for (guint i = 0; i < length; i++)
        g_array_append_vals (infos, cask_list_page_get_item (page, i), 1);
      if (length == 0)
        break;
    }
  return g_steal_pointer (&infos);
}

gboolean
conform_is_listed (Conform *conform, const CaskDigest *digest)
{
  g_autoptr (GArray) infos = conform_list_all (conform, 0);

  for (guint i = 0; infos != NULL && i < infos->len; i++)
    if (cask_digest_equal (&g_array_index (infos, CaskBlobInfo, i).digest, digest))
      return TRUE;
  return FALSE;
}

/* Whether it failed with NOT_FOUND, named the digest, and nothing else. */
static void
blobs_expect_not_found (gboolean success, GError **error, const CaskDigest *digest)
{
  char text[CASK_DIGEST_TEXT_SIZE];

  CONFORM_FALSE (success);
  CONFORM_ERROR (*error, CASK_ERROR, CASK_ERROR_NOT_FOUND,
                 cask_digest_write (digest, text));
}

void
conform_expect_absent (Conform *conform, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info;
  gboolean present = TRUE;
  const Calls *calls = conform->calls;
  CaskStore *store = conform->store;
  g_autoptr (GBytes) got = calls->get (store, digest, NULL, &error);
  blobs_expect_not_found (got != NULL, &error, digest);
  g_autoptr (GBytes) part = calls->get_range (store, digest, 0, 1, NULL, &error);
  blobs_expect_not_found (part != NULL, &error, digest);
  blobs_expect_not_found (calls->stat (store, digest, &info, NULL, &error), &error,
                          digest);
  blobs_expect_not_found (calls->verify (store, digest, NULL, &error), &error, digest);
  if (conform->capabilities & CASK_CAPABILITY_FRESHENS)
    blobs_expect_not_found (calls->touch (store, digest, NULL, &error), &error, digest);
  CONFORM_TRUE (calls->contains (store, digest, &present, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_FALSE (present);
  CONFORM_FALSE (conform_is_listed (conform, digest));
}
