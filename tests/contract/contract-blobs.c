/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-blobs.c: blobs to put, and what is expected of them afterwards. */
#include "contract.h"

static guint64
blobs_next (guint64 *state)
{
  guint64 mixed = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  mixed = (mixed ^ (mixed >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return mixed ^ (mixed >> 31);
}

GBytes *
contract_bytes (guint64 seed, gsize size)
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
contract_digest (GBytes *bytes)
{
  CaskDigest digest;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  return digest;
}

CaskDigest
contract_put (Contract *contract, GBytes *bytes, gboolean *created)
{
  g_autoptr (GError) error = NULL;
  CaskDigest digest = contract_digest (bytes);

  CU_ASSERT_TRUE (contract->calls->put (contract->store, &digest, bytes, CASK_PUT_NONE,
                                        created, NULL, &error));
  TEST_NO_ERROR (error);
  return digest;
}

CaskDigest
contract_put_number (Contract *contract, guint64 number)
{
  g_autoptr (GBytes) bytes = contract_bytes (number, 1 + number % 1000);
  return contract_put (contract, bytes, NULL);
}

void
contract_expect_bytes (Contract *contract, const CaskDigest *digest, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info = { 0 };
  gboolean present = FALSE;
  CaskStore *store = contract->store;
  g_autoptr (GBytes) got = contract->calls->get (store, digest, NULL, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (got != NULL && g_bytes_equal (got, bytes));
  CU_ASSERT_TRUE (contract->calls->stat (store, digest, &info, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (info.size, g_bytes_get_size (bytes));
  CU_ASSERT_TRUE (cask_digest_equal (&info.digest, digest));
  CU_ASSERT_TRUE (contract->calls->contains (store, digest, &present, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (present);
}

GArray *
contract_list_all (Contract *contract, guint limit)
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
          contract->calls->list (contract->store, after, limit, NULL, &error);
      TEST_NO_ERROR (error);
      if (page == NULL)
        return NULL;
      guint length = cask_list_page_get_length (page);
      more = cask_list_page_get_more (page);
      CU_ASSERT_TRUE (length > 0 || !more);
      CU_ASSERT_TRUE (length <= (limit == 0 ? CASK_LIST_DEFAULT : limit));
      for (guint i = 0; i < length; i++)
        g_array_append_vals (infos, cask_list_page_get_item (page, i), 1);
      if (length == 0)
        break;
    }
  return g_steal_pointer (&infos);
}

gboolean
contract_is_listed (Contract *contract, const CaskDigest *digest)
{
  g_autoptr (GArray) infos = contract_list_all (contract, 0);

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

  CU_ASSERT_FALSE (success);
  TEST_ERROR (*error, CASK_ERROR, CASK_ERROR_NOT_FOUND, cask_digest_write (digest, text));
}

void
contract_expect_absent (Contract *contract, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info;
  gboolean present = TRUE;
  const Calls *calls = contract->calls;
  CaskStore *store = contract->store;
  g_autoptr (GBytes) got = calls->get (store, digest, NULL, &error);
  blobs_expect_not_found (got != NULL, &error, digest);
  g_autoptr (GBytes) part = calls->get_range (store, digest, 0, 1, NULL, &error);
  blobs_expect_not_found (part != NULL, &error, digest);
  blobs_expect_not_found (calls->stat (store, digest, &info, NULL, &error), &error,
                          digest);
  blobs_expect_not_found (calls->verify (store, digest, NULL, &error), &error, digest);
  if (contract->capabilities & CASK_CAPABILITY_FRESHENS)
    blobs_expect_not_found (calls->touch (store, digest, NULL, &error), &error, digest);
  CU_ASSERT_TRUE (calls->contains (store, digest, &present, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (present);
  CU_ASSERT_FALSE (contract_is_listed (contract, digest));
}
